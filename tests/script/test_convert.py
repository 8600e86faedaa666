from __future__ import annotations

import multiprocessing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.script.convert import TARGETS, changes, convert, convert_with_offsets
from pipeline.script.identify import Script, identify
from pipeline.script.offsets import Edit
from pipeline.script.runs import runs

TW = "記者王小明／綜合報導　網路上的軟體與程式，業者說明資訊安全，新台幣三億元。"
HK = "特首昨日表示，本港裏的樓價回落，衞生署説明，裁判官押後案件。"
HANS = "记者了解到，互联网上的软件与信息安全，皇后的头发在家里。"


@pytest.mark.parametrize(
    ("text", "to", "converted"),
    [
        (TW, "zh-Hans", "记者王小明／综合报导　网络上的软件与程序，业者说明信息安全，新台币三亿元。"),
        (TW, "zh-Hant", TW),
        (TW, "zh-Hant-TW", TW),
        (HK, "zh-Hant-HK", HK),
        (HK, "zh-Hans", "特首昨日表示，本港里的楼价回落，卫生署说明，裁判官押后案件。"),
        (HK, "zh-Hant-TW", "特首昨日表示，本港裡的樓價回落，衛生署說明，裁判官押後案件。"),
        (HANS, "zh-Hans", HANS),
        (HANS, "zh-Hant", "記者瞭解到，互聯網上的軟件與信息安全，皇后的頭髮在家裏。"),
        (HANS, "zh-Hant-TW", "記者了解到，網際網路上的軟體與資訊安全，皇后的頭髮在家裡。"),
        (HANS, "zh-Hant-HK", "記者瞭解到，互聯網上的軟件與信息安全，皇后的頭髮在家裏。"),
    ],
)
def test_both_ways(text: str, to: str, converted: str) -> None:
    assert convert(text, to) == converted
    assert convert(converted, to) == converted


def test_lines_of_a_mixed_page_go_their_own_way() -> None:
    page = "皇后與國會選舉\n经济增长与出口\n程序"
    assert convert(page, "zh-Hans") == "皇后与国会选举\n经济增长与出口\n程序"
    assert convert(page, "zh-Hant") == "皇后與國會選舉\n經濟增長與出口\n程序"
    assert convert("總統與皇后會談，经济增长很快，雙方認為貿易將擴大", "zh-Hant") == (
        "總統與皇后會談，經濟增長很快，雙方認為貿易將擴大"
    )


@given(
    st.lists(st.sampled_from((*"於後們國乾著，。的在", "他说", "车间", "經濟", "这个问题", "後來")), max_size=12).map(
        "".join
    )
)
def test_what_is_converted_inside_a_line_are_its_runs(pieces: str) -> None:
    """Where the borders of runs do not matter they are not asked for: the answer is the same."""
    line = "经济增长与贸易谈判的结果还没有公布" * 3 + pieces
    expected, last = [], 0
    for run in runs(line, "zh-Hant"):
        expected += [line[last : run.start], convert(line[run.start : run.end], "t2s")]
        last = run.end
    assert convert(line, "zh-Hans", Script("zh-Hans", 1.0, "", "zh-Hans")) == "".join([*expected, line[last:]])


def test_unknown_target_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="zh-Hant-SG.*" + ", ".join(TARGETS)):
        convert("中文", "zh-Hant-SG")


@given(
    st.lists(st.sampled_from([TW, HK, HANS, "\n", "\0", "\ud800", "\udc00", "中文", "abc", "皇后"]), max_size=8),
    st.sampled_from(TARGETS),
)
def test_what_opencc_must_not_see_stays(pieces: list[str], to: str) -> None:
    text = "".join(pieces)
    converted = convert(text, to)
    for mark in "\n\0\ud800\udc00":
        assert converted.count(mark) == text.count(mark)


@given(st.text(st.characters(), max_size=60), st.sampled_from(TARGETS))
def test_any_text_is_converted(text: str, to: str) -> None:
    assert convert(text, to).count("\n") == text.count("\n")


def test_other_languages_are_left_alone() -> None:
    for text in ("政府はレアアースの輸出規制を続けると発表した。", "plain", ""):
        assert {convert(text, to) for to in TARGETS} == {text}


def test_a_known_script_is_believed() -> None:
    told = Script("zh-Hant", 1.0, "TW", "zh-Hant-TW")
    assert convert("這個軟體", "zh-Hans", told) == "这个软件"
    assert convert("這個軟體", "zh-Hans") == "这个软体"


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # Python 3.12 warns where threads run
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_convert_in_other_processes(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    convert("國會", "zh-Hans")
    with multiprocessing.get_context(method).Pool(1) as pool:
        assert pool.starmap(convert, [("國會", "zh-Hans"), ("国会", "zh-Hant")]) == ["国会", "國會"]


NAMED = "記者王小明／綜合報導　川普與普丁談網路安全，網際網路業者說明軟體，新台幣三億元，聯準會升息。"


@pytest.mark.parametrize("to", ["zh-Hans", "zh-Hant-TW", "zh-Hant-HK"])
def test_names_of_the_region(to: str) -> None:
    wanted = {"zh-Hans": "特朗普与普京谈", "zh-Hant-TW": "川普與普丁談", "zh-Hant-HK": "特朗普與普京談"}[to]
    converted = convert(NAMED, to, names=True)
    assert wanted in converted
    assert convert(converted, to, names=True) == converted
    with pytest.raises(UsageError, match="no"):
        convert(NAMED, "zh-Hant", names=True)


_PIECES = st.lists(
    st.sampled_from([TW, HK, HANS, NAMED, "\n", "\0", "\ud800", "中文", "abc", "軟體", "网络"]), max_size=6
)


@given(_PIECES, st.sampled_from(TARGETS), st.booleans())
def test_offsets_lead_from_either_text_to_the_other(pieces: list[str], to: str, names: bool) -> None:
    text = "".join(pieces)
    names = names and to != "zh-Hant"
    converted = convert_with_offsets(text, to, names=names)
    assert converted.text == convert(text, to, names=names)
    offsets = converted.offsets
    here = there = 0
    for edit in (*offsets.edits, Edit(len(text), len(text), len(converted.text), len(converted.text))):
        # between edits each character stands for one, and the lines are those of the text
        assert edit.start - here == edit.new_start - there >= 0
        assert [c == "\n" for c in text[here : edit.start]] == [
            c == "\n" for c in converted.text[there : edit.new_start]
        ]
        assert edit.start < edit.end or edit.start == len(text)
        here, there = edit.end, edit.new_end


@given(_PIECES, st.sampled_from(TARGETS))
def test_changes_are_all_that_changes(pieces: list[str], to: str) -> None:
    text = "".join(pieces)
    told = changes(text, to, names=to != "zh-Hant")
    converted = convert_with_offsets(text, to, names=to != "zh-Hant")
    assert bool(told) == (converted.text != text)
    for change in told:
        assert text[change.start : change.end] == change.old
        assert change.kind in ("names", "words", "phrase", "characters")
    untold = set(range(len(text))).difference(*(range(change.start, change.end) for change in told))
    for place in untold:
        start, end = converted.offsets.there(place, place + 1)
        assert text[place] in converted.text[start:end]


def test_changes_name_the_rule() -> None:
    told = {(c.kind, c.rule, c.old, c.new) for c in changes(NAMED, "zh-Hans", names=True)}
    assert ("words", "tw2sp", "網際網路", "互联网") in told
    assert ("words", "tw2sp", "軟體", "软件") in told
    assert ("names", "CN", "川普", "特朗普") in told
    assert ("characters", "tw2sp", "與", "与") in told
    assert [(c.kind, c.old, c.new) for c in changes("皇后的头发", "zh-Hant")] == [
        ("characters", "头", "頭"),
        ("phrase", "发", "髮"),
    ]


def test_what_is_chinese_in_english_is_converted() -> None:
    subtitles = "1\nThe ministry announced new tariffs on rare earths yesterday, and prices rise.\n臺灣的頭髮\n"
    assert identify(subtitles).language == "en"
    assert convert(subtitles, "zh-Hans") == subtitles.replace("臺灣的頭髮", "台湾的头发")
    japanese = f"{subtitles}トヨタ自動車\n"
    assert identify(japanese).language == "en"
    assert convert(japanese, "zh-Hans") == japanese
