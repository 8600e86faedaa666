from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.script.json_strings import items_in, on_one_line, parse, respelled, strings_in, with_member

TEXT = st.text(st.sampled_from('軟體台灣ab"\\/\n\t\x7f\u2028\U0001f600\ud800'), max_size=8)
KEYS = st.sampled_from(["a", "b", "軟", 'q"', "a\\"])
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
STYLES = st.fixed_dictionaries({"ensure_ascii": st.booleans(), "indent": st.sampled_from([None, 2])})


def strings(value: object, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in strings(item, (*path, key))]
    if isinstance(value, list):
        return [found for item in value for found in strings(item, path)]
    return [(path, value)] if isinstance(value, str) else []


@given(VALUES, STYLES)
def test_every_string_is_found_with_its_path_and_place(value: object, style: dict[str, Any]) -> None:
    text = json.dumps(value, **style)
    found = list(strings_in(text))
    assert [(one.path, one.text) for one in found] == strings(json.loads(text))
    assert all(json.loads(text[one.start : one.end]) == one.text for one in found)


@given(TEXT, TEXT, STYLES)
def test_what_does_not_change_keeps_its_spelling(old: str, new: str, style: dict[str, Any]) -> None:
    text = json.dumps(old, **style).replace("/", "\\/")
    [string] = strings_in(text)
    assert respelled(text, string, old) == text
    if old.count("\n") == new.count("\n"):  # as conversion leaves them
        assert json.loads(respelled(text, string, new)) == new


@pytest.mark.parametrize(
    ("literal", "new", "wanted"),
    [
        (r'"\u8EDF\/體\n"', "软/体\n", r'"\u8f6f\/体\n"'),
        (r'"\u8edf\u9ad4\u000A"', "软件\n", r'"\u8f6f\u4ef6\u000A"'),
        (r'"\ud83d\ude00臺\ud800"', "\U0001f600台\ud800", r'"\ud83d\ude00台\ud800"'),
    ],
)
def test_spellings(literal: str, new: str, wanted: str) -> None:
    [string] = strings_in(literal)
    assert respelled(literal, string, new) == wanted


@given(st.dictionaries(KEYS, VALUES, max_size=3), STYLES, st.booleans())
def test_a_member_is_set_as_a_parser_would(record: dict[str, Any], style: dict[str, Any], there: bool) -> None:
    record = {"new": [{"new": 1}], **record} if there else record
    record["s"] = "text"
    text = json.dumps(record, **style)
    after = next(one for one in strings_in(text) if one.path == ("s",))
    with_new = with_member(text, "new", '"x"', after)
    assert json.dumps(json.loads(with_new)) == json.dumps({**json.loads(text), "new": "x"})


@given(st.lists(VALUES, max_size=3), STYLES)
def test_items_are_as_they_are_written(values: list[object], style: dict[str, Any]) -> None:
    text = json.dumps(values, **style)
    items = items_in(f" {text}\n")
    assert [json.dumps(json.loads(item)) for item in items] == [json.dumps(json.loads(json.dumps(v))) for v in values]
    assert all(item in text for item in items)
    lines = [on_one_line(item) for item in items]
    assert not any("\n" in line for line in lines)
    assert [json.dumps(json.loads(line)) for line in lines] == [json.dumps(v) for v in values]


def test_what_is_no_json_is_refused() -> None:
    for text in ("", "{", '{"a": 1} 2', "[1,]", '{"a": "\n"}'):
        with pytest.raises(ValueError):
            parse(text)
    assert parse(f'["{"9" * 5000}", {"9" * 5000}]') == ["9" * 5000, 5000]
