from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.configure import data_path
from pipeline.script.convert import convert
from pipeline.script.fold import fold
from pipeline.script.identify import Script
from pipeline.script.lexicon import Lexicon
from pipeline.script.tables import installed_dictionary

TAIWAN = Script("zh-Hant", 1.0, "TW", "zh-Hant-TW")


def rows(name: str) -> list[list[str]]:
    return [line.split("\t") for line in data_path(name).read_text("utf-8").splitlines() if line[0] != "#"]


def test_the_tables_are_sorted_unique_and_keys() -> None:
    kept, usage = rows("kept.tsv"), rows("usage.tsv")
    assert [row[:2] for row in kept] == sorted(row[:2] for row in kept)
    assert len({tuple(row[:2]) for row in kept}) == len(kept)
    assert all(fold(word) == word and fold(other) == other for _, word, other, _ in kept)
    assert usage == sorted(usage)
    assert len({tuple(row[:3]) for row in usage}) == len(usage)
    assert {(to, when) for to, when, *_ in usage} == {
        ("zh-Hans", "before"),
        ("zh-Hant", "before"),
        ("zh-Hant-TW", "before"),
        ("zh-Hant-TW", "after"),
    }
    for to, when, what, written, _ in usage:
        if when == "before":
            assert fold(what) == what
            assert fold(written) == what or to == "zh-Hant-TW", f"{what}: another word is a matter of region"


@pytest.mark.parametrize(("region", "name"), [("CN", "TWPhrasesRev"), ("TW", "TWPhrases")])
def test_kept_words_are_words_of_the_installed_opencc(region: str, name: str) -> None:
    words = {fold(source): fold(targets[0]) for source, targets in installed_dictionary(name).items()}
    for place, word, other, _ in rows("kept.tsv"):
        if place == region:
            assert words.get(word) == other, f"{word}: run python -m pipeline.script.tables"


@pytest.mark.parametrize("row", [row for row in rows("usage.tsv") if row[1] == "before"], ids=lambda row: row[2])
def test_every_word_is_written_as_the_table_says(row: list[str]) -> None:
    to, _, what, written, _ = row
    if to == "zh-Hans":
        from opencc import OpenCC

        assert convert(f"會，{OpenCC('s2tw').convert(what)}。", to, TAIWAN) == f"会，{what}。"
    else:
        assert convert(f"这，{what}。", to) == f"這，{written}。"


@pytest.mark.parametrize(
    ("text", "converted"),
    [
        ("部长发言支持项目，发布消息", "部長發言支持項目，發布消息"),
        ("程序员用软件，程序公正", "程式設計師用軟體，程序公正"),  # a longer word is OpenCC's
        ("三天后天后宫开放，长发及腰", "三天後天后宮開放，長髮及腰"),
        ("台北市计划了解占比", "台北市計畫了解占比"),
        ("忧郁的林郁，岳父", "憂鬱的林郁，岳父"),
    ],
)
def test_news_is_converted_as_the_press_writes(text: str, converted: str) -> None:
    assert convert(text, "zh-Hant-TW") == converted


def test_taiwanese_words_that_the_mainland_has_too_stay() -> None:
    assert convert("執行並建立核心指標，支援行程，軟體", "zh-Hans", TAIWAN) == "执行并建立核心指标，支援行程，软件"


@given(st.text("支持部长发言\U0010f000\U0010f001\n程序员", max_size=30))
def test_private_characters_of_the_text_stay(text: str) -> None:
    converted = convert(f"这{text}", "zh-Hant-TW")
    for mark in "\U0010f000\U0010f001\n":
        assert converted.count(mark) == text.count(mark)


@given(st.lists(st.text("ab国c", min_size=1, max_size=3), max_size=6), st.text("ab国c", max_size=40))
def test_a_lexicon_finds_what_stands_there(forms: list[str], key: str) -> None:
    found = {(place, form) for place, there in Lexicon(forms).find(key) for form in there}
    assert found == {(place, form) for form in forms for place in range(len(key)) if key.startswith(form, place)}
    for _, there in Lexicon(forms).find(key):
        assert [len(form) for form in there] == sorted((len(form) for form in there), reverse=True)
