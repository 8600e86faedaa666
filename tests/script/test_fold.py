from __future__ import annotations

import multiprocessing

import opencc
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.configure import data_path
from pipeline.script.fold import fold, fold_many
from pipeline.script.tables import installed_dictionary

ANY = st.text(st.characters(), max_size=60)
"""Every code point, lone surrogates and NUL too."""

_ROWS = [line.split("\t") for line in data_path("fold.tsv").read_text("utf-8").splitlines() if line[0] != "#"]
PHRASES = [source for kind, source, _ in _ROWS if kind == "phrase"]
CHANGING = "".join(source for kind, source, _ in _ROWS if kind != "phrase")
NEAR_PHRASES = st.lists(
    st.one_of(
        st.sampled_from(PHRASES),
        st.sampled_from(PHRASES).map(lambda phrase: phrase[1:]),
        st.sampled_from(PHRASES).map(lambda phrase: phrase[:-1]),
        st.sampled_from(sorted({*"".join(PHRASES), *CHANGING})),
    ),
    max_size=12,
).map("".join)
"""Texts of phrases, torn phrases and characters that change: where a fold can go wrong."""


def by_opencc(text: str) -> str:
    converter = opencc.OpenCC("t2s")
    while (converted := converter.convert(text)) != text:
        text = converted
    return text


@given(ANY)
@example("\ud83d\ude00")  # two lone surrogates must not become one character
def test_fold_keeps_every_place(text: str) -> None:
    folded = fold(text)
    assert len(folded) == len(text)
    assert all(b == a for a, b in zip(text, folded, strict=True) if a < "\u2e80" or "\ud800" <= a <= "\udfff")


@given(st.one_of(ANY, NEAR_PHRASES))
def test_fold_is_idempotent(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.one_of(ANY, NEAR_PHRASES), st.one_of(ANY, NEAR_PHRASES))
def test_a_line_break_separates(first: str, second: str) -> None:
    assert fold(first + "\n" + second) == fold(first) + "\n" + fold(second)


@given(st.lists(st.one_of(ANY, NEAR_PHRASES), max_size=8))
def test_a_batch_is_its_texts(texts: list[str]) -> None:
    assert fold_many(texts) == [fold(text) for text in texts]
    long = [text + "台灣\n" * 500 for text in texts]
    assert fold_many(long) == [fold(text) for text in long]


@given(st.lists(st.one_of(ANY, NEAR_PHRASES), max_size=4), st.integers(0, 3000))
@settings(max_examples=40)
def test_a_batch_of_which_little_changes_is_its_texts(texts: list[str], size: int) -> None:
    keys = ["在这里的人们" * 200] * 20  # together more than are folded at a time
    batch = [*keys, *(("坏了想像中" * size)[:size] + text for text in texts), *keys]
    assert fold_many(iter(batch)) == [fold(text) for text in batch]


@given(st.one_of(ANY, NEAR_PHRASES))
def test_a_key_is_given_back_itself(text: str) -> None:
    assert all(fold(key) is key for key in (fold(text), fold(text + "我想到这里" * 20)))


@given(NEAR_PHRASES)
@settings(max_examples=400)
@example("打壞了土壞")
@example("蒐於紅薴")
def test_fold_is_opencc_until_nothing_changes(text: str) -> None:
    assert fold(text) == by_opencc(text)


def test_every_character_and_phrase_is_the_installed_opencc() -> None:
    characters = "\n".join(chr(point) for point in range(1, 0x110000) if not 0xD800 <= point < 0xE000)
    assert fold(characters) == by_opencc(characters)
    installed = {phrase for phrase in installed_dictionary("TSPhrases") if len(phrase) > 1}
    assert installed == set(PHRASES), "run python -m pipeline.script.tables"
    phrases = "\n".join(PHRASES)
    assert fold(phrases) == by_opencc(phrases)


def test_a_long_text_of_phrases_only() -> None:
    text = "反覆乾" * 40_000
    assert fold(text) == "反复干" * 40_000


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # Python 3.12 warns where threads run
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_fold_in_other_processes(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    fold("先在這裡")
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.map(fold, ["臺灣", "毛壞"]) == ["台湾", "毛坯"]


def test_a_single_text_is_not_folded_by_characters() -> None:
    with pytest.raises(TypeError, match="fold takes one"):
        fold_many("關稅")
