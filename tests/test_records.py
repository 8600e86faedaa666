from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import records
from pipeline.article import Article, Cut, Evidence, Page, Reject, Tag
from pipeline.configure import data_path


@dataclass(frozen=True)
class Written:
    script: str = "zh-Hans"
    region: str = ""
    language: str = "zh-Hans"


# Every code point, the halves of surrogate pairs and the marks that end lines more often than chance would.
anything = st.text(st.characters() | st.sampled_from('\ud800\udbff\udc00\udfff\u2028\u2029\x85\x0b\x0c\x1c\r\n"\\'))


def example(text: str = "稀土出口", **page: Any) -> dict[str, Any]:
    article = Article(
        Page(id="a", input="in.jsonl", position=3, url="https://example.com/1", **page),
        page_text="雜" + text,
        text=text,
        cuts=(Cut(0, 1, "spam", "mixed in", "雜"),),
        title=text,
        tags=(text, "礦"),
    )
    found = [Tag("trade_war", 0.5, ()), Tag("rare_earths", 0.987654, (Evidence("text", 0, 2, text[:2]),))]
    return records.row(article, Written(), text, found, {"package": "1", "model": "m", "rules": "r"}, page_text=True)


def test_row_has_the_keys_in_order_and_the_strongest_topic() -> None:
    row = example()
    assert list(row) == list(records.SCHEMA)
    assert row["primary"] == "rare_earths"
    assert row["topics"][1]["score"] == 0.9877
    bare = records.row(Article(Page("a"), "", "", ()), Written(), "", None, {})
    assert list(bare) == list(records.KEYS)
    assert (bare["tagged"], bare["topics"], bare["primary"]) == (False, [], "")
    assert bare["versions"] == {"package": "", "model": "", "rules": ""}


@given(anything)
def test_a_line_is_read_back_by_any_reader(text: str) -> None:
    line = records.to_line({"text": text})
    assert line.decode("utf-8").splitlines(keepends=True) == [line.decode("utf-8")]
    back = json.loads(line)["text"]
    assert len(back) == len(text)
    assert all(a == b or (b == "\ufffd" and "\ud800" <= a <= "\udbff") for a, b in zip(text, back, strict=True))


@settings(deadline=None)  # the first call imports pyarrow
@given(anything)
def test_shards_hold_no_escaped_surrogate_and_keep_offsets(text: str) -> None:
    line = records.to_line(example(text), surrogates="replace")
    back = json.loads(line)["text"]
    assert back == "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
    assert records.to_table([example(text)], page_text=True).to_pylist()[0] == json.loads(line)


def test_a_number_that_json_does_not_know_is_refused() -> None:
    for score in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="JSON"):
            records.row(Article(Page("a"), "", "", ()), Written(), "", [Tag("trade_war", score, ())], {})


def test_a_reject_says_where_and_why() -> None:
    reject = Reject("in.jsonl", 7, "x", "read", "no text")
    record = records.reject_record(reject)
    assert tuple(record) == records.REJECT_KEYS
    assert Reject(**record) == reject


def test_shipped_features_are_the_schema() -> None:
    from datasets import Features

    shipped = json.loads(data_path("features.json").read_text(encoding="utf-8"))
    assert shipped == records.features(), "python -m pipeline.records > pipeline/data/features.json"
    assert list(shipped) == list(records.KEYS)
    assert Features.from_dict(shipped).arrow_schema.remove_metadata() == records.arrow_schema()


@given(
    anything,
    st.sampled_from(["", "=", "+1", "-", "@A1", "\t=1", "\r=", " =1", "＝1", "\u200b=1", "\ufeff@", "\u202e="]),
)
def test_no_cell_is_a_formula_or_hides_anything(text: str, start: str) -> None:
    row = example(start + text)
    out = io.StringIO(newline="")
    csv.writer(out).writerow(records.to_csv_row(row))
    (cells,) = csv.reader(io.StringIO(out.getvalue().encode().decode(), newline=""))
    named = dict(zip(records.csv_header(page_text=True), cells, strict=True))
    for cell in cells:
        assert cell.strip(" \n\u200b")[:1] not in {"=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r"}
        assert not set(cell) & set("\x00\x1b\r\t\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f")
    assert named["topics"] == "trade_war:0.5 rare_earths:0.9877"
    assert named["versions"] == "package=1 model=m rules=r"
    assert named["tagged"] == "true"


@given(anything, st.sampled_from([";", "\n", "\r\n", ';"', "; \u200b", "\n'"]), st.sampled_from("=+-@＝＋－＠"))
def test_no_cell_begins_inside_where_lists_are_parted_by_semicolons(text: str, part: str, sign: str) -> None:
    """Read as Excel does with such a setting: at semicolons and line ends, whatever quotes stand round the cell."""
    out = io.StringIO(newline="")
    csv.writer(out).writerow(records.to_csv_row(example(f"{text}字{part}{sign}cmd|' /C calc'!A0")))
    for cell in re.split("[;\r\n]", out.getvalue()):
        assert cell.strip('" \u200b\u200c\u200d\u2060\u00ad\t\u3000\u00a0')[:1] not in set("=+-@＝＋－＠")


def test_inner_formulas_get_a_quote_and_prose_gets_none() -> None:
    assert records.plain_cell("a;=1+1") == "a;'=1+1"
    assert records.plain_cell("甲\n- 乙") == "甲\n'- 乙"
    assert records.plain_cell('a;"=1') == "a;\"'=1"
    for prose in ("漲 3%；-2%", "a, -b", "1-2=-1; x", "A=B"):
        assert records.plain_cell(prose) == prose


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Zl", "Zp"], exclude_characters=";"), min_size=1
    )
)
def test_a_plain_cell_stays_as_it_is_but_for_the_guard(text: str) -> None:
    assert records.plain_cell(text) in {text, "'" + text}
    assert records.plain_cell("字" + text) == "字" + text
