"""The two pages that the user gave come out as they should: where the shared data is, beside which they lie."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipeline.article import Page
from pipeline.configure import shared_data
from pipeline.process import Process, ProcessConfig

DATA = shared_data()
SEEDS = sorted((DATA.parent / "seeds").glob("*.gold.json")) if DATA is not None else []


@pytest.mark.skipif(not SEEDS, reason="the seeds are not here")
@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.name)
def test_a_seed_comes_out_as_its_gold(path: Path) -> None:
    gold = json.loads(path.read_text("utf-8"))
    text = path.with_name(path.name.replace(".gold.json", ".txt")).read_text("utf-8")
    (row,) = Process(ProcessConfig()).rows([Page(id="seed", text=text)])
    assert isinstance(row, dict)
    assert "".join(row["text"].split()) == "".join("".join(gold["body"]).split())
    for field in ("title", "byline", "source", "script"):
        assert row[field] == (gold[field] or "")
    assert row["published"] == (gold["date"] or "")
    assert row["tags"] == gold["tags"]
    assert row["captions"] == gold["captions"]
    assert {topic["id"] for topic in row["topics"]} == set(gold["topics"])
