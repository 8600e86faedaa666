"""The kernels of tagging do what plain Python says of the same article, and no array makes them fall."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.native import folding, tags
from pipeline.script.fold import code_points, fold, folded_keys, folded_points
from pipeline.topics.features import Batch, hash_rows, key, read_batch
from pipeline.topics.pairs import LARGEST, Pairs
from pipeline.topics.taxonomy import parse_taxonomy
from pipeline.topics.terms import TermFinder
from pipeline.topics.weights import TERM_UNIT
from tests.topics import plain

TAXONOMY = parse_taxonomy(
    """
schema = 1
[[topics]]
id = "trade"
names = { "zh-Hant" = "貿易", "zh-Hans" = "贸易", en = "Trade" }
definition = "Trade."
[topics.terms]
tariff = ["关税", "关", "贸易战", "wto", "加征关税"]
more = ["中美贸易战", "战", "301 条款", "!关税"]
[topics.phrases]
like = ["关税同盟博物馆", "商战"]
[[topics]]
id = "war"
names = { "zh-Hant" = "戰爭", "zh-Hans" = "战争", en = "War" }
definition = "War."
[topics.terms]
war = ["战争", "战", "f-16", "𠮷田", "a"]
[background]
goods = ["芯片", "关税", "关关关"]
""",
    "test",
)
FINDER = TermFinder(TAXONOMY)
OWNERS: dict[str, set[int]] = {}
for number, group in enumerate(FINDER.groups):
    for term in set(group.terms) - ({"关税"} if group.kind == "background" else set()):  # a topic claims it
        OWNERS.setdefault(term, set()).add(number)

ROWS, TOPICS = 1 << 9, 2
DICE = np.random.default_rng(11)
RARITY = DICE.integers(1, 256, ROWS).astype(np.uint8)
PIECES = (
    "關稅", "关", "贸易战", "中美貿易戰", "商戰", "ＷＴＯ", "wtop", "301 条款", "F-16", "a", "芯片", "战争", "关税同盟",
    "博物馆", "。", "！", "\n", "　", "1", "𠮷田", "\ud800", "\x00", "\U0001f600", "\uffff", "甲乙丙" * 30, "乾隆發覆",
)  # fmt: skip
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(st.characters(), max_size=5)), max_size=25).map("".join)
MANY = "關稅。戰" * 300
ARTICLES = st.lists(st.tuples(TEXTS, TEXTS), max_size=4)


@given(TEXTS)
@example("")
@example("ascii ONLY ~")
@example("關" * 2000 + "乾隆")
def test_keys_are_folded_lower_case_and_half_width(text: str) -> None:
    assert key(text) == plain.key(text)
    shorts = [plain.short(character) for character in plain.key(text)]
    assert folded_keys(text).tolist() == shorts == folding.keys(folded_points(text)).tolist()
    assert folded_points(text).tolist() == code_points(fold(text)).tolist()


def test_every_character_of_the_basic_plane_has_its_key() -> None:
    edges = [edge + step for edge in (0x10000, 0x20000, 0x30000, 0x40000, 0x10FFFF) for step in (-1, 0)]
    codes = np.array([*range(0x10000), *edges], np.uint32)
    lowered = [plain.lower(chr(code)) for code in codes.tolist()]
    assert folding.lower(codes).tolist() == list(map(ord, lowered))
    assert folding.keys(codes).tolist() == list(map(plain.short, lowered))


@given(TEXTS, st.integers(1, 20), st.booleans())
def test_rows_are_those_of_the_plain_hash(text: str, bits: int, marks: bool) -> None:
    keys = read_batch([text]).keys
    ones, twos = hash_rows(keys, bits, marks=marks)
    assert (ones.tolist(), twos.tolist()) == plain.rows(keys.tolist(), bits, marks=marks)


@pytest.mark.parametrize(("topics", "marks"), [(1, False), (3, True), (4, False), (9, False)])
@given(articles=ARTICLES)
@example(articles=[(MANY, "關稅"), ("關稅", MANY), (MANY + "关", ""), ("關稅", "")])
@settings(max_examples=25)
def test_pairs_weigh_what_their_counted_rows_do(topics: int, marks: bool, articles: list[tuple[str, str]]) -> None:
    weights = np.random.default_rng(topics).integers(-LARGEST, LARGEST + 1, (ROWS, topics)).astype(np.int16)
    pairs = Pairs(RARITY, weights, marks=marks)
    read = pairs.read(read_batch([text for text, _ in articles], [title for _, title in articles]))
    for scores, known, (text, title) in zip(read.scores.tolist(), read.in_text.tolist(), articles, strict=True):
        keys = plain.keys_of(title) + plain.keys_of(text)
        assert scores == plain.weigh(pairs, RARITY.tolist(), weights.tolist(), keys)
        assert known == any(one < ROWS for one in plain.rows(plain.keys_of(text), 9, marks=marks)[0])


def test_a_term_counts_for_the_groups_of_the_terms_inside_it() -> None:
    for number, term in enumerate(FINDER.terms):
        assert FINDER.groups_of(number) == plain.groups_of(FINDER, OWNERS, term), term


@given(TEXTS, TEXTS)
@example("关税同盟博物馆的关税", "加征关税，贸易战。a")
@example("awtob wto", "wto1 f-16. f-160 f-16")
def test_terms_are_found_as_a_plain_search_finds_them(text: str, title: str) -> None:
    found = FINDER.find(read_batch([text], [title]))
    behind = len(title) + 1
    expected = list(plain.find(FINDER, plain.key(title)))
    expected += [(start + behind, end + behind, term) for start, end, term in plain.find(FINDER, plain.key(text))]
    there = zip(found.starts.tolist(), found.ends.tolist(), found.terms.tolist(), strict=True)
    assert list(there) == expected


@given(ARTICLES)
@example([("关税。" * 70 + "甲" * 300 + "战！关税", "关税战！战争"), ("", "关"), ("关" * 40, "")])
def test_features_are_those_that_plain_python_counts(articles: list[tuple[str, str]]) -> None:
    batch = read_batch([text for text, _ in articles], [title for _, title in articles])
    measured = FINDER.measure(batch, FINDER.find(batch))
    assert measured.tolist() == [plain.measure(FINDER, plain.key(title), plain.key(text)) for text, title in articles]


def model() -> tuple[Pairs, tags.Linear, list[list[int]], tuple[list[float], list[float], list[list[float]]]]:
    """Weights by dice: pairs, and terms with bias, scale and calibration."""
    dice = np.random.default_rng(5)
    pairs = Pairs(RARITY, dice.integers(-LARGEST, LARGEST + 1, (ROWS, TOPICS)).astype(np.int16))
    terms = dice.integers(-(2**22), 2**22, (TOPICS, len(FINDER.columns))).astype(np.int32)
    bias, scale, calibration = dice.normal(size=TOPICS), dice.normal(size=TOPICS), dice.normal(1, 0.1, (TOPICS, 2))
    linear = tags.Linear(np.ascontiguousarray(terms.T), bias, scale, calibration, TERM_UNIT / 4096)
    return pairs, linear, terms.tolist(), (bias.tolist(), scale.tolist(), calibration.tolist())


@given(ARTICLES)
def test_a_score_is_the_logistic_of_terms_and_pairs(articles: list[tuple[str, str]]) -> None:
    pairs, linear, terms, (bias, scale, calibration) = model()
    batch = read_batch([text for text, _ in articles], [title for _, title in articles])
    probabilities, found = tags.score(pairs.told, FINDER.told, linear, batch.keys, batch.bounds)
    assert found.tolist() == FINDER.find(batch).places.tolist()
    read = pairs.read(batch)
    for row, measured, of_pairs, known in zip(
        *(probabilities.tolist(), FINDER.measure(batch, FINDER.find(batch)).tolist()),
        *(read.scores.tolist(), read.in_text.tolist()),
        strict=True,
    ):
        expected = [
            plain.probability(measured, terms[n], bias[n], scale[n] * of_pairs[n], calibration[n]) if known else 0.0
            for n in range(TOPICS)
        ]
        assert row == pytest.approx(expected, rel=1e-13, abs=1e-300)


@given(ARTICLES, st.integers(1, 4))
def test_evidence_is_the_terms_worth_most_where_they_stand_first(articles: list[tuple[str, str]], most: int) -> None:
    worth = np.random.default_rng(3).integers(-1, 3, (TOPICS, len(FINDER.terms))).astype(np.float64)
    batch = read_batch([text for text, _ in articles], [title for _, title in articles])
    wanted = [(row, topic) for row in range(len(articles)) for topic in range(TOPICS)]
    places = FINDER.find(batch).places
    given = tags.evidence(places, batch.bounds, worth, np.array(wanted, np.int64).reshape(-1, 2), most)
    for (row, topic), spans in zip(wanted, given, strict=True):
        title, text, end = batch.bounds[2 * row : 2 * row + 3].tolist()
        here = [(start, stop, term) for start, stop, term in places.tolist() if title <= start < end]
        expected = plain.evidence(here, worth[topic].tolist(), most)
        assert spans == [
            [1, start - text, stop - text] if start >= text else [0, start - title, stop - title]
            for start, stop, _ in expected
        ]


@given(
    st.lists(st.one_of(st.integers(0, 0xFFFF), st.sampled_from([ord(c) for c in "关税战wto1a。\n"])), max_size=60),
    st.lists(st.integers(0, 60), max_size=8),
)
def test_no_keys_make_the_kernels_fall(keys: list[int], cuts: list[int]) -> None:
    """Fields without end marks, empty ones, characters that no text gives."""
    edges = [0, *sorted(min(cut, len(keys)) for cut in cuts), len(keys)]
    batch = Batch(np.array(keys, np.uint16), np.array(edges if len(edges) % 2 else [*edges, len(keys)], np.int64))
    pairs, linear, _, _ = model()
    found = FINDER.find(batch)
    assert (found.starts < found.ends).all() and (found.ends <= len(keys)).all()
    measured = FINDER.measure(batch, found)
    assert (measured >= 0).all() and (measured < 4 * 4096).all()
    probabilities, places = tags.score(pairs.told, FINDER.told, linear, batch.keys, batch.bounds)
    assert places.tolist() == found.places.tolist()
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert not np.isnan(pairs.read(batch).scores).any()
