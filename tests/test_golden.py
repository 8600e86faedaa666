"""The golden run of the sample dump, byte for byte, and that its failures can be read."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.golden import FILE, changes, golden_lines


def test_the_sample_comes_out_as_it_did() -> None:
    was = FILE.read_bytes().splitlines(keepends=True)
    now = list(golden_lines())
    told = changes(was, now)
    if told:
        more = f"\n... and {len(told) - 40} more" if len(told) > 40 else ""
        pytest.fail(
            "The sample dump comes out otherwise. If it should: python -m tests.golden\n" + "\n".join(told[:40]) + more,
            pytrace=False,
        )
    assert was == now


def test_the_golden_file_is_about_the_sample_as_the_gold_file_counts_it(root: Path) -> None:
    rows = [json.loads(line) for line in FILE.read_bytes().splitlines()]
    kinds = Counter(next((k for k in ("rejected", "skipped") if k in row), row.get("status")) for row in rows)
    gold = (root / "corpora" / "sample-gold.jsonl").read_text("utf-8").splitlines()
    wanted = Counter(json.loads(line)["status"] for line in gold)
    assert kinds["rejected"] == wanted["reject"]
    assert kinds["skipped"] == wanted["skipped"]
    assert kinds["article"] + kinds["no_article"] == wanted["article"] + wanted["no_article"]
    inner = [row.get("rejected") or row.get("skipped") or row for row in rows]
    assert all(one["input"].startswith("corpora/sample/") for one in inner)
    assert not any(any(row["versions"].values()) for row in rows if "versions" in row)


def line(**fields: Any) -> bytes:
    return json.dumps({"input": "a.txt", "position": 0, "id": "a", **fields}).encode() + b"\n"


def test_a_change_is_told_by_page_and_field() -> None:
    cut = {"start": 0, "end": 2, "kind": "related", "reason": "links", "text": "更多"}
    assert changes([line(title="甲乙")], [line(title="甲乙")]) == []
    assert changes([line(title="甲乙")], [line(title="甲丙")]) == ["a.txt:0 a: title differs from 1: '甲乙' -> '甲丙'"]
    assert changes([line(cuts=[])], [line(cuts=[cut])]) == [
        "a.txt:0 a: cuts 0 -> 1",
        "a.txt:0 a:   now: 0-2 related (links) '更多'",
    ]
    assert changes([line()], []) == ["a.txt:0 a: is missing"]
    assert changes([], [line()]) == ["a.txt:0 a: is new"]
    assert changes([line(a=1, b=2)], [line(b=2, a=1)]) != []
