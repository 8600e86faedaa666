from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.script.fold import fold
from pipeline.topics.features import BITS, batches, hash_rows, key, letters, read_batch
from pipeline.topics.pairs import LARGEST, Pairs, count_rows
from pipeline.topics.taxonomy import read_taxonomy
from pipeline.topics.terms import TermFinder

FINDER = TermFinder(read_taxonomy())
TERMS = st.sampled_from(FINDER.terms)
MIXED = st.lists(st.one_of(TERMS, TERMS.map(lambda term: term[:-1]), st.text(max_size=4)), max_size=12).map("".join)
DICE = np.random.default_rng(5)
WEIGHTS = DICE.integers(-LARGEST, LARGEST + 1, (1 << 12, 4)).astype(np.int16)
PAIRS = Pairs(DICE.integers(1, 256, 1 << 12).astype(np.uint8), WEIGHTS)


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
        sizes = [len(text) + 1 for text in texts[first : first + batch.size]]
        assert np.diff(batch.bounds)[1::2].tolist() == sizes
    assert numbers == list(range(len(texts))) and len(fields) == 2 * len(texts)


def groups_of(text: str) -> set[str]:
    found = FINDER.find(read_batch([text]))
    return {FINDER.groups[group].name for term in found.terms.tolist() for group in FINDER.groups_of(term)}


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
    there = letters(marks=marks)[batch.keys] != 0
    paired = np.append(there[:-1] & there[1:], False)
    ones, twos = hash_rows(batch.keys, marks=marks)
    assert ((ones < 1 << BITS) == there).all() and ((twos < 1 << BITS) == paired).all()
    counts = count_rows([batch], BITS, marks=marks)
    assert counts.rows.size == int(there.sum() + paired.sum()) == counts.starts[-1]
    assert (counts.rows < 1 << BITS).all() and int(counts.paired.sum()) == int(paired.sum())


def test_layout_and_marks_do_not_change_the_rows() -> None:
    one, other = (count_rows([read_batch([text])], BITS).rows for text in ("关税 战\n稀土", "关税。战,,  稀土"))
    assert sorted(one) == sorted(other)


@given(st.text(alphabet="稀土關稅導彈abc1。 \n𠮷", max_size=90), st.integers(0, 3))
def test_what_each_character_gains_is_what_its_rows_weigh(text: str, topic: int) -> None:
    keys = read_batch([text]).keys
    weights = np.append(WEIGHTS[:, topic].astype(np.int64), 0)
    ones, twos = hash_rows(keys, PAIRS.bits)
    assert PAIRS.gains(topic, keys).tolist() == (weights[ones] + weights[twos]).tolist()


def test_the_heaviest_text_is_summed_without_overflow() -> None:
    heavy = Pairs(np.full(1 << 10, 255, dtype=np.uint8), np.tile([[LARGEST, -LARGEST]], (1 << 10, 2)).astype(np.int16))
    read = heavy.read(read_batch(["稀土" * 300_000]))
    assert (read.scores[0] * [1, -1, 1, -1] > 0).all()
    assert np.isclose(read.scores[0, 0], -read.scores[0, 1]) and read.scores[0, 0] == read.scores[0, 2]


def test_marks_and_digits_are_letters_where_asked() -> None:
    every = np.arange(0x10000, dtype=np.uint16)
    table, signs = hash_rows(every)[0], hash_rows(every, marks=True)[0]
    assert table[ord("1")] == table[ord("7")] and signs[ord("1")] != signs[ord("7")]
    assert table[ord("。")] == 1 << BITS > signs[ord("。")] and signs[ord(" ")] == 1 << BITS
