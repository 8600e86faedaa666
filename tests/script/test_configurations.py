"""All configurations of the installed OpenCC, asked for by name."""

from __future__ import annotations

import json
import multiprocessing
import random
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import opencc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.configure import shared_data
from pipeline.errors import UsageError
from pipeline.script.convert import _IN_PLACE, changes, configurations, convert, convert_with_offsets
from pipeline.script.offsets import Edit
from pipeline.script.tables import installed_dictionary

SHARE = Path(opencc.__file__).parent / "clib" / "share" / "opencc"
TEXTS = [
    *(
        "網際網路上的軟體與程式，業者說明資訊安全。",
        "衞生署説明，本港裏的樓價",
        "皇后的头发在家里，干了一杯",
        "大衛·連，唐氏症",
    ),
    *(
        "政府は規制を続けると発表した。図書館、欠缺、芸術",
        "SQL隱碼攻擊 B超",
        "兀\U00020bb7野家\uf9dc",
        "abc 123\r\n",
        "\n",
    ),
]
SPOILT = ["\0", "\ud800", "\udfff", "\U0010ffff", "\ufffe"]


@cache
def engine(config: str) -> Any:
    return opencc.OpenCC(config)


@cache
def dictionary(name: str) -> dict[str, list[str]]:
    return installed_dictionary(name)


@cache
def phrases(config: str) -> tuple[str, ...]:
    """Return what the dictionaries of a configuration hold, above all what changes its length."""
    found = {phrase for name in dictionaries(config) for phrase in dictionary(name)}
    drawn = random.Random(3).sample(sorted(found), min(300, len(found)))
    if config in _IN_PLACE:
        return tuple(drawn)
    return tuple(drawn + sorted(phrase for phrase in found if len(phrase) != len(engine(config).convert(phrase))))


def dictionaries(config: str) -> list[str]:
    def files(part: object) -> Iterator[str]:
        if isinstance(part, dict):
            if "file" in part:
                yield str(part["file"]).removesuffix(".ocd2")
            for inner in part.values():
                yield from files(inner)
        elif isinstance(part, list):
            for inner in part:
                yield from files(inner)

    return sorted(set(files(json.loads((SHARE / f"{config}.json").read_text("utf-8")))))


def test_every_configuration_is_offered() -> None:
    assert set(configurations()) == {path.stem for path in SHARE.glob("*.json")}
    assert {"s2t", "t2s", "s2tw", "tw2s", "s2hk", "hk2s", "s2twp", "tw2sp", "t2tw", "hk2t", "t2jp"} < {
        *configurations()
    }
    with pytest.raises(UsageError, match=r"t2s\.json.*zh-Hant-HK.*s2hk, s2hkp"):
        convert("中文", "t2s.json")


@pytest.mark.parametrize("config", configurations())
def test_those_in_which_nothing_moves_are_known(config: str) -> None:
    entries = [entry for name in dictionaries(config) for entry in dictionary(name).items()]
    kept = all(len(source) == len(target) for source, targets in entries for target in targets[:1])
    assert kept == (config in _IN_PLACE), "write down in convert.py which configurations keep the length"


@settings(max_examples=150)
@given(st.sampled_from(configurations()), st.data())
def test_text_is_converted_as_opencc_does(config: str, data: st.DataObject) -> None:
    pieces = st.one_of(st.sampled_from(TEXTS), st.sampled_from(phrases(config)), st.text(max_size=5))
    text = "".join(data.draw(st.lists(pieces, max_size=8))).replace("\0", "")
    assert convert(text, config) == engine(config).convert(text)


@settings(max_examples=150)
@given(st.sampled_from(configurations()), st.data())
def test_what_opencc_must_not_see_parts_the_text(config: str, data: st.DataObject) -> None:
    marks = st.sampled_from([*SPOILT[:3], "\n"])
    pieces = data.draw(st.lists(st.one_of(st.sampled_from(TEXTS), st.sampled_from(phrases(config)), marks), max_size=8))
    text = "".join(pieces)
    parts = re.split("([\0\n\ud800-\udfff])", text)
    assert convert(text, config) == "".join(engine(config).convert(p) if n % 2 == 0 else p for n, p in enumerate(parts))


@settings(max_examples=150)
@given(st.sampled_from(configurations()), st.data())
def test_every_place_has_its_place_in_the_converted_text(config: str, data: st.DataObject) -> None:
    """Clauses are converted one by one, so each is found where its own conversion stands."""
    pieces = st.one_of(st.sampled_from(TEXTS), st.sampled_from(phrases(config)), st.sampled_from(SPOILT))
    clauses = data.draw(st.lists(pieces, max_size=8))
    text = "，".join(clauses)
    done = convert_with_offsets(text, config)
    assert done.text == convert(text, config)
    start = 0
    for clause in clauses:
        end = start + len(clause)
        there = done.offsets.there(start, end)
        if clause:
            assert done.text[slice(*there)] == convert(clause, config)
            assert done.offsets.back(*there) == (start, end)
        start = end + 1
    here = last = 0
    for edit in (*done.offsets.edits, Edit(len(text), len(text), len(done.text), len(done.text))):
        assert edit.start - here == edit.new_start - last >= 0, "between edits each character stands for one"
        here, last = edit.end, edit.new_end
    for place in range(len(text)):
        there = done.offsets.there(place, place + 1)
        assert 0 <= there[0] < there[1] <= len(done.text)
        back = done.offsets.back(*there)
        assert back[0] <= place < back[1]


@pytest.mark.parametrize("config", configurations())
def test_changes_are_named_by_the_configuration(config: str) -> None:
    text = "\n".join(TEXTS)
    told = changes(text, config)
    assert {change.rule for change in told} == {config}
    assert all(text[change.start : change.end] == change.old != change.new for change in told)


def test_kinds_of_changes() -> None:
    assert [(c.old, c.new, c.kind) for c in changes("軟體與頭髮", "tw2sp")] == [
        ("軟體", "软件", "words"),
        ("與", "与", "characters"),
        ("頭", "头", "characters"),
        ("髮", "发", "characters"),
    ]
    assert [(c.old, c.new, c.kind) for c in changes("國圖一", "t2jp")] == [
        ("國", "国", "characters"),
        ("圖", "図", "characters"),
    ]


def test_names_go_with_configurations_of_a_region() -> None:
    assert convert("川普談美國", "tw2s", names=True) == "特朗普谈美国"
    assert convert("特朗普谈软件", "s2twp", names=True) == "川普談軟體"
    assert convert("川普談衛星", "t2hk", names=True) == "特朗普談衞星"
    for config in ("s2t", "tw2t", "t2jp"):
        with pytest.raises(UsageError, match="is none"):
            convert("川普", config, names=True)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # Python 3.12 warns where threads run
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_configurations_in_other_processes(method: str) -> None:
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    jobs = [("皇后的头发与軟體，國圖", config) for config in configurations()]
    here = [convert(*job) for job in jobs]
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.starmap(convert, jobs) == here


@pytest.mark.skipif(shared_data() is None, reason="OpenCC's cases lie with the shared data")
def test_opencc_gets_its_own_cases_right_through_us() -> None:
    data = shared_data()
    assert data is not None
    written = (data / "reference" / "opencc_testcases.json").read_text("utf-8")
    cases = json.loads(re.sub(r",(\s*[}\]])", r"\1", written))["cases"]
    asked = [(case["input"], *expected) for case in cases for expected in case["expected"].items()]
    known = [(text, config, wanted) for text, config, wanted in asked if config in configurations()]
    assert len(known) > 500
    for text, config, wanted in known:
        done = convert_with_offsets(text, config)
        assert (config, done.text) == (config, wanted)
        assert done.offsets.there(0, len(text)) == (0, len(done.text))
