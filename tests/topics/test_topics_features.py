from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.script.fold import fold
from pipeline.topics.features import BITS, TermFinder, documents, hashes, key, letters
from pipeline.topics.taxonomy import read_taxonomy

FINDER = TermFinder(read_taxonomy())
TERMS = st.sampled_from(sorted({term for group in FINDER.groups for term in group.terms}))
KEYED = {key(term) for group in FINDER.groups for term in group.terms}
MIXED = st.lists(st.one_of(TERMS, st.text(max_size=4)), max_size=12).map("".join)


@given(st.text())
def test_the_key_keeps_places_and_is_the_same_for_both_scripts(text: str) -> None:
    assert len(key(text)) == len(text)
    assert key(key(text)) == key(text) == key(fold(text))


def test_the_key_folds_case_width_and_script() -> None:
    assert key("ＷＴＯ與Ａ股　關稅２５％") == "wto与a股 关税25%"


@settings(max_examples=40)
@given(MIXED)
def test_terms_are_found_as_a_plain_search_finds_them(text: str) -> None:
    keyed = key(text)
    expected, place = [], 0
    while place < len(keyed):
        here = [t for t in KEYED if keyed.startswith(t, place) and not (t.isascii() and in_word(keyed, place, len(t)))]
        if here:
            longest = max(here, key=len)
            expected.append((place, place + len(longest)))
            place += len(longest)
        else:
            place += 1
    assert [(found.start, found.end) for found in FINDER.find(keyed)] == expected


def in_word(keyed: str, start: int, length: int) -> bool:
    around = keyed[max(start - 1, 0) : start] + keyed[start + length : start + length + 1]
    return any(c.isascii() and c.isalnum() for c in around)


def groups_of(text: str) -> set[str]:
    return {FINDER.groups[group].name for found in FINDER.find(key(text)) for group in found.groups}


def test_a_longer_term_is_also_the_terms_inside_it_and_a_look_alike_is_not() -> None:
    assert {"name", "industry"} <= groups_of("稀土永磁")
    assert groups_of("稀土高新区") == {"place"}
    assert "tariff" not in groups_of("零关税")
    assert groups_of("wto") == {"body"} and groups_of("awtob") == set()


@given(st.lists(MIXED, max_size=5))
def test_features_are_bounded_and_belong_to_their_article(batch: list[str]) -> None:
    together = FINDER.matrix(documents(batch, batch[::-1]))
    assert together.shape == (len(batch), len(FINDER.columns))
    assert np.isfinite(together).all() and (together >= 0).all() and (together <= 3.2).all()
    for number, article in enumerate(documents(batch, batch[::-1])):
        assert FINDER.matrix([article]).tobytes() == together[number].tobytes()


@given(st.text(max_size=40))
def test_hash_rows_are_of_letters_and_pairs_of_letters(text: str) -> None:
    points = letters(key(text))
    rows, places = hashes(points)
    pairs = int(((points[:-1] != 0) & (points[1:] != 0)).sum()) if len(points) > 1 else 0
    assert len(rows) == len(places) == int((points != 0).sum()) + pairs
    assert ((rows >= 0) & (rows < 1 << BITS)).all()
    assert (points[places] != 0).all()


def test_layout_and_marks_do_not_change_the_rows() -> None:
    assert sorted(hashes(letters("关税 战\n稀土"))[0]) == sorted(hashes(letters("关税。战,,  稀土"))[0])
