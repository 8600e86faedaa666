from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.ingest.fluency import default_fluency
from pipeline.ingest.learn_fluency import held_out as fluency_holds_out
from pipeline.script.fold import fold
from pipeline.script.identify import HANS, HANT, classify, identify
from pipeline.script.learn_leaning import held_out
from pipeline.script.runs import Run, runs
from pipeline.script.seams import clause_ends, off_theme, seams

HANT_TEXT = "經濟部昨日宣布，對進口的稀土磁鐵課徵關稅，業者認為價格將會上漲。"
HANS_TEXT = "经济部昨日宣布，对进口的稀土磁铁课征关税，业者认为价格将会上涨。"
PIECES = [HANT_TEXT, HANS_TEXT, "台灣", "中文", "，", "\n", "abc", "国", "國", "𡿨", "\ud800"]


def test_a_spliced_phrase_is_a_run() -> None:
    phrase = "习近平访问美国"
    text = f"記者從經濟部獲悉，{phrase}關稅將會調整，業者認為價格會漲。"
    (run,) = runs(text)
    assert text[run.start : run.end] == phrase and run.script == "zh-Hans"
    clause = f"業者認為價格會漲，{phrase}，經濟部並未回應。"
    start = clause.index(phrase)
    assert runs(clause) == [Run(start, start + len(phrase), "zh-Hans")]


@pytest.mark.parametrize(
    ("before", "phrase", "after"),
    [
        ("總統府發言人昨天", "手机壁纸高清下载", "表示，政府會持續關注國際情勢的發展。"),
        ("外交部发言人昨天在", "台北美食推薦", "例行记者会上说，中方对此表示关切。"),
    ],
)
def test_characters_of_both_scripts_go_where_the_sentence_wants_them(before: str, phrase: str, after: str) -> None:
    text = before + phrase + after
    (run,) = runs(text)
    assert text[run.start : run.end] == phrase


def test_what_the_rest_of_the_text_says_too_is_no_part_of_a_run() -> None:
    """By itself the sentence would read as well without 新的水塔."""
    text = "村長說，新的水塔高清手机壁纸大全上週已經完工，明天起開始供水。"
    rest = "\n舊的水塔明年拆除，新的水塔比它大三倍。"
    assert [text[run.start : run.end] for run in runs(text + rest)] == ["高清手机壁纸大全"]


def test_a_phrase_that_comes_again_has_the_same_ends() -> None:
    phrase = "最新电影下载大全"
    once = f"學校的圖書館{phrase}下午五點關門，週末不開放。"
    twice = f"{once}\n總統府發言人昨天{phrase}表示，政府會持續關注國際情勢的發展。"
    assert [once[run.start : run.end] for run in runs(once)] != [phrase]
    assert [twice[run.start : run.end] for run in runs(twice)] == [phrase, phrase]


def test_a_way_of_writing_is_no_run_unless_the_script_is_asked_for() -> None:
    """Hong Kong's press writes 毁 and 温 among Traditional characters."""
    text = "警方接獲報案，指商場內有人涉嫌刑事毁壞，案件交由刑事調查隊跟進。"
    assert runs(text) == []
    (asked,) = runs(text, "zh-Hans")
    assert "毁" in text[asked.start : asked.end]


def test_the_minority_is_what_fewer_characters_are_written_in() -> None:
    """Traditional text has more telling characters: here more of them, in fewer characters."""
    hans = "这些年来他一直在家里写小说，每天早上六点起床，先喝一杯水。\n" * 2
    hant = "國際電話簡訊與網際網路視訊會議費用調漲。"
    classes = classify(hans + hant)
    assert (classes == HANT).sum() > (classes == HANS).sum()
    assert runs(hans + hant) == [Run(len(hans), len(hans + hant), "zh-Hant")]


@given(st.lists(st.sampled_from(PIECES), max_size=10), st.sampled_from(["zh-Hant", "zh-Hans", None]))
def test_runs_are_sorted_disjoint_and_of_one_script(
    pieces: list[str], script: Literal["zh-Hant", "zh-Hans"] | None
) -> None:
    text = "".join(pieces)
    classes = classify(text)
    found = runs(text, script)
    assert {run.script for run in found} <= ({script} if script else {"zh-Hant", "zh-Hans"})
    assert len({run.script for run in found}) < 2
    last = -1
    for run in found:
        assert last < run.start < run.end <= len(text)
        last = run.end
        own, other = (HANT, HANS) if run.script == "zh-Hant" else (HANS, HANT)
        inside = classes[run.start : run.end]
        assert (inside == own).any() and not (inside == other).any()
        assert "\n" not in text[run.start : run.end]
    if script:
        told = HANT if script == "zh-Hant" else HANS
        outside = np.ones(len(text), bool)
        for run in found:
            outside[run.start : run.end] = False
        assert not (classes[outside] == told).any(), "every telling character of the script asked for is in a run"
    elif found:
        assert set(found) <= set(runs(text, found[0].script)), "what is left out are whole runs"


@given(st.text(HANT_TEXT + HANS_TEXT + "abc\n", max_size=80))
def test_folded_text_has_no_runs(text: str) -> None:
    assert runs(fold(text)) == []


@pytest.mark.parametrize("text", [HANT_TEXT, HANS_TEXT, "", "中文", "政府は"])
def test_one_script_has_no_runs(text: str) -> None:
    assert runs(text) == []
    assert identify(text).script != "mixed"


@given(st.text(HANS_TEXT + "，。a1\n", min_size=2, max_size=60), st.data())
@settings(deadline=None)
def test_seams_are_those_of_the_fluency_model(key: str, data: st.DataObject) -> None:
    """Both read one file. Letters and digits, which cleaning takes for one symbol each, are left out."""
    key = key.replace("a", "的").replace("1", "了")
    start = data.draw(st.integers(0, len(key) - 1))
    end = data.draw(st.integers(start + 1, len(key)))
    starts, ends = np.array([start]), np.array([end])
    left, right = default_fluency().read(key).seams(starts, ends)
    assert seams(key, starts, ends) == pytest.approx(left + right, abs=1e-3)


@given(st.text(HANS_TEXT + "，。\n", min_size=2, max_size=60), st.data())
def test_what_strays_from_the_subject_by_the_themes_of_the_fluency_model(key: str, data: st.DataObject) -> None:
    rest = np.array(data.draw(st.lists(st.booleans(), min_size=len(key) - 1, max_size=len(key) - 1)))
    fluency = default_fluency()
    symbols = fluency.symbols(key)
    themes = fluency.themed[fluency.pair(symbols[:-1], symbols[1:])[1]]
    subject = fluency.themes[themes[rest & (themes >= 0)]].sum(axis=0)
    told = off_theme(key, rest)
    if not subject.any():
        assert not told.any()
        return
    close = fluency.themes[themes] @ (subject / np.linalg.norm(subject))
    order = np.argsort(close[themes >= 0], kind="stable")
    assert not told[themes < 0].any()
    assert (np.diff(told[themes >= 0][order]) <= 1e-4).all(), "the closer to the subject, the less"


def test_clauses_begin_and_end_with_what_does() -> None:
    begins, ends = clause_ends("記们的了说")
    assert max(begins[1], begins[2], begins[3]) < 0 < min(ends[3], ends[4])


@given(st.text(max_size=20))
def test_both_tables_leave_out_the_same_publishers(publisher: str) -> None:
    assert held_out(publisher) == fluency_holds_out(publisher)
