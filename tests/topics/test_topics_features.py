from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.script.fold import fold
from pipeline.topics.features import BITS, batches, hash_rows, key, letters, read_batch, row_table
from pipeline.topics.pairs import LARGEST, Pairs, count_rows
from pipeline.topics.taxonomy import read_taxonomy
from pipeline.topics.terms import TermFinder

FINDER = TermFinder(read_taxonomy())
TERMS = st.sampled_from(FINDER.terms)
MIXED = st.lists(st.one_of(TERMS, TERMS.map(lambda term: term[:-1]), st.text(max_size=4)), max_size=12).map("".join)
DICE = np.random.default_rng(5)
PAIRS = Pairs(
    DICE.integers(1, 256, 1 << 12).astype(np.uint8),
    DICE.integers(-LARGEST, LARGEST + 1, (1 << 12, 4)).astype(np.int16),
)


@given(st.text())
def test_the_key_keeps_places_and_is_the_same_for_both_scripts(text: str) -> None:
    assert len(key(text)) == len(text)
    assert key(key(text)) == key(text) == key(fold(text))


def test_the_key_folds_case_width_and_script() -> None:
    assert key("ＷＴＯ與Ａ股　關稅２５％") == "wto与a股 关税25%"


@given(st.lists(st.tuples(MIXED, MIXED), max_size=6), st.integers(1, 60))
def test_batches_are_the_articles_in_order(articles: list[tuple[str, str]], characters: int) -> None:
    texts, titles = [text for text, _ in articles], [title for _, title in articles]
    fields: list[str] = []
    numbers: list[int] = []
    for first, batch in batches(texts, titles, characters):
        numbers += range(first, first + batch.size)
        given_fields = [field for pair in zip(titles, texts, strict=True) for field in pair][2 * first :]
        for start, end, field in zip(batch.bounds[:-1].tolist(), batch.bounds[1:].tolist(), given_fields, strict=False):
            assert end - start == len(field) + 1 and batch.keys[end - 1] == ord("\n")
            assert batch.keys[start:end].tolist() == read_batch([field]).keys[1:].tolist()
            fields.append(field)
        assert batch.lengths.tolist() == [len(text) for text in texts[first : first + batch.size]]
    assert numbers == list(range(len(texts))) and len(fields) == 2 * len(texts)


@settings(max_examples=60)
@given(MIXED, MIXED)
def test_terms_are_found_as_a_plain_search_finds_them(text: str, title: str) -> None:
    found = FINDER.find(read_batch([text], [title]))
    expected = [(start, end, term) for start, end, term in plain(key(title))]
    expected += [(start + len(title) + 1, end + len(title) + 1, term) for start, end, term in plain(key(text))]
    there = zip(found.starts.tolist(), found.ends.tolist(), (FINDER.terms[n] for n in found.terms), strict=True)
    assert list(there) == expected


def plain(keyed: str) -> list[tuple[int, int, str]]:
    expected, place = [], 0
    while place < len(keyed):
        here = [
            t
            for t in FINDER.terms
            if keyed.startswith(t, place) and not (t.isascii() and in_word(keyed, place, len(t)))
        ]
        if here:
            longest = max(here, key=len)
            expected.append((place, place + len(longest), longest))
            place += len(longest)
        else:
            place += 1
    return expected


def in_word(keyed: str, start: int, length: int) -> bool:
    around = keyed[max(start - 1, 0) : start] + keyed[start + length : start + length + 1]
    return any(c.isascii() and c.isalnum() for c in around)


def groups_of(text: str) -> set[str]:
    found = FINDER.find(read_batch([text]))
    return {FINDER.groups[group].name for term in found.terms for group in FINDER.groups_of[term]}


def test_a_longer_term_is_also_the_terms_inside_it_and_a_look_alike_is_not() -> None:
    assert {"name", "industry"} <= groups_of("稀土永磁")
    assert groups_of("稀土高新区") == {"place"}
    assert "tariff" not in groups_of("零关税")
    assert groups_of("wto") == {"body"} and groups_of("awtob") == set()


@given(st.lists(MIXED, max_size=5))
def test_features_are_bounded_and_belong_to_their_article(texts: list[str]) -> None:
    batch = read_batch(texts, texts[::-1])
    together = FINDER.measure(batch, FINDER.find(batch))
    assert together.shape == (len(texts), len(FINDER.columns))
    assert (together >= 0).all() and (together < 4 * 4096).all()
    for number, (text, title) in enumerate(zip(texts, texts[::-1], strict=True)):
        alone = read_batch([text], [title])
        assert FINDER.measure(alone, FINDER.find(alone))[0].tolist() == together[number].tolist()


def measured(text: str, title: str = "") -> dict[tuple[str, str], float]:
    batch = read_batch([text], [title])
    values = FINDER.measure(batch, FINDER.find(batch))[0] / 4096
    columns = ((FINDER.groups[c.group].name if c.group >= 0 else c.topic, c.measure) for c in FINDER.columns)
    return dict(zip(columns, values.tolist(), strict=True))


def test_measures_of_a_case_done_by_hand() -> None:
    text = "稀土。" + "甲" * 297 + "稀土。"
    found = measured(text, "稀土關稅")
    assert found["name", "count"] == np.rint(4096 * np.sqrt(2) / 2) / 4096
    assert (found["name", "lead"], found["name", "title"], found["name", "kinds"]) == (1, 1, 0.5)
    assert found["tariff", "count"] == 0 and found["tariff", "title"] == 1
    assert found["rare_earths", "own_title"] == 1 and found["rare_earths", "alone_title"] == 0
    assert found["rare_earths", "own"] == found["rare_earths", "alone"] == 1, "both sentences have the word"


@given(st.text(max_size=40), st.booleans())
def test_hash_rows_are_of_letters_and_pairs_of_letters(text: str, marks: bool) -> None:
    batch = read_batch([text])
    points = letters(batch.keys, marks=marks)
    pairs = int(((points[:-1] != 0) & (points[1:] != 0)).sum())
    counts = count_rows([batch], BITS, marks=marks)
    assert counts.rows.size == int((points != 0).sum()) + pairs == counts.starts[-1]
    assert ((counts.rows >= 0) & (counts.rows < 1 << BITS)).all()
    rows = hash_rows(points)
    assert ((rows < 1 << BITS) == np.append((points[:-1] != 0) & (points[1:] != 0), False)).all()


def test_layout_and_marks_do_not_change_the_rows() -> None:
    one, other = (count_rows([read_batch([text])], BITS).rows for text in ("关税 战\n稀土", "关税。战,,  稀土"))
    assert sorted(one) == sorted(other)


@given(st.lists(st.text(alphabet="稀土關稅導彈abc1。 \n𠮷", max_size=900), min_size=1, max_size=4))
def test_sums_are_those_of_the_counted_rows_and_never_leave_their_field(texts: list[str]) -> None:
    batch = read_batch(texts)
    read = PAIRS.read(batch)
    counts = count_rows([batch], PAIRS.bits)
    gains = np.array([[PAIRS.gains(topic, read, 0, batch.keys.size)] for topic in range(4)]).reshape(4, -1)
    for number, (start, end) in enumerate(zip(batch.starts.tolist(), batch.bounds[2::2].tolist(), strict=True)):
        rows = counts.rows[counts.starts[number] : counts.starts[number + 1]]
        total = np.array([gains[topic, start:end].sum() for topic in range(4)])
        alone = PAIRS.read(read_batch([texts[number]])).scores[0]
        assert alone.tobytes() == read.scores[number].tobytes()
        assert (rows.size == 0) == (not alone.any()) or rows.size > 0
        if alone.any():
            lengths = total[alone != 0] / alone[alone != 0]
            assert np.allclose(lengths, lengths[0])
    assert read.in_text.tolist() == [bool(letters(read_batch([t]).keys).any()) for t in texts]
    assert np.abs(gains).max(initial=0) <= 2 * LARGEST


def test_the_heaviest_text_stays_in_its_field() -> None:
    heavy = Pairs(np.full(1 << 10, 255, dtype=np.uint8), np.tile([[LARGEST, -LARGEST]], (1 << 10, 2)).astype(np.int16))
    read = heavy.read(read_batch(["稀土" * 30_000]))
    assert (read.scores[0] * [1, -1, 1, -1] > 0).all()
    assert np.isclose(read.scores[0, 0], -read.scores[0, 1]) and read.scores[0, 0] == read.scores[0, 2]


def test_marks_and_digits_are_letters_where_asked() -> None:
    table, signs = row_table(), row_table(marks=True)
    assert table[ord("1")] == table[ord("7")] and signs[ord("1")] != signs[ord("7")]
    assert table[ord("。")] == 1 << BITS > signs[ord("。")] and signs[ord(" ")] == 1 << BITS
