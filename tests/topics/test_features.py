from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.script.fold import fold
from pipeline.topics.features import BITS, batches, hash_rows, key, letters, read_batch
from pipeline.topics.pairs import LARGEST, UNIT, Pairs, count_rows, logs_of
from pipeline.topics.taxonomy import read_taxonomy
from pipeline.topics.terms import TermFinder
from tests.topics import plain

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
def test_what_a_row_says_is_parted_among_its_places(text: str, topic: int) -> None:
    keys = read_batch([text]).keys
    weights = np.append(WEIGHTS[:, topic].astype(np.int64), 0)
    each, whole = np.zeros(keys.size), 0
    for rows in plain.rows(keys.tolist(), PAIRS.bits):
        said = {row: int(weights[row]) * plain.said(rows.count(row)) * (4096 // UNIT) for row in rows}
        each += [said[row] // rows.count(row) for row in rows]
        whole += sum(said.values())
    gains = PAIRS.gains(topic, keys)
    assert gains.tolist() == each.tolist()
    assert gains.sum() == pytest.approx(whole, abs=2 * keys.size), "the places have all of it"


def test_logarithms_are_the_same_on_every_machine() -> None:
    exact = [UNIT * (1 + math.log(times)) for times in range(1, 256)]
    assert max(abs(said - round(said)) for said in exact) < 0.4999, "none is so near to a half"
    assert logs_of(np.arange(258)).tolist() == [0, *map(plain.said, range(1, 258))]
    assert logs_of(np.array([255, 256, 10**6])).tolist() == [plain.said(255)] * 3


def test_the_hundredth_mention_says_less_than_the_second() -> None:
    """Of a letter without pairs: its vector has the least length, so scores are as the logarithms."""
    texts = ["甲。" * times for times in (1, 2, 100, 255, 256, 100_000)]
    once, twice, hundred, *most = PAIRS.read(read_batch(texts)).scores
    assert (once != 0).all() and np.allclose(twice / once, 1 + math.log(2), rtol=0.01)
    assert np.allclose(hundred / once, 1 + math.log(100), rtol=0.01)
    assert most[0].tolist() == most[1].tolist() == most[2].tolist()


@pytest.mark.parametrize("topics", [3, 5])
def test_the_heaviest_text_is_summed_without_overflow(topics: int) -> None:
    """All rows are there, most for the first time, and of the largest weight: in one lane of the sums or in two."""
    every = "".join(map(chr, [*range(0x3400, 0x4DB6), *range(0x4E00, 0xA000), *range(0xAC00, 0xD7A4)]))
    weights = np.tile(np.array([LARGEST, -LARGEST] * 3, np.int16)[:topics], (1 << 16, 1))
    rarity = np.full(1 << 16, 255, np.uint8)
    heavy = Pairs(rarity, weights)
    for text in (every, "稀土" * 300_000):
        batch = read_batch([text])
        expected = plain.weigh(heavy, rarity.tolist(), weights.tolist(), batch.keys.tolist())
        assert heavy.read(batch).scores[0].tolist() == pytest.approx(expected, rel=1e-12)


def test_marks_and_digits_are_letters_where_asked() -> None:
    every = np.arange(0x10000, dtype=np.uint16)
    table, signs = hash_rows(every)[0], hash_rows(every, marks=True)[0]
    assert table[ord("1")] == table[ord("7")] and signs[ord("1")] != signs[ord("7")]
    assert table[ord("。")] == 1 << BITS > signs[ord("。")] and signs[ord(" ")] == 1 << BITS
