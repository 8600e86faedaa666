"""The corpora with `datasets`: declared features, and parts that share no source, story or day."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import datasets
import pytest

from pipeline.errors import UsageError
from pipeline.script.fold import fold
from pipeline.topics.corpus import Example
from pipeline.topics.parts import features_of, parts

CORPORA = Path(__file__).parents[2] / "corpora"
TOPICS = ("rare_earths", "trade_war", "geopolitics")
OWN = [json.loads(line) for line in (CORPORA / "articles-a.jsonl").read_text("utf-8").splitlines()]


def real() -> list[Example]:
    found = [
        Example(
            *(row["id"], row["title"], row["text"], tuple(row["labels"]), row["script"], f"s{number % 9}"),
            date=f"2024-{1 + number // 12:02}-{1 + number % 12:02}",
        )
        for number, row in enumerate(OWN[:100])
    ]
    # Reprints: the same story in the other script, by another publisher, at another time.
    again = [
        replace(e, id=f"again-{e.id}", title="", text="转载 " + fold(e.text), source=f"t{n % 5}", date="2025-01-01")
        for n, e in enumerate(found[:30])
    ]
    return [*found, *again, *(replace(e, id=f"own-{e.id}", kind="own", text=e.text[::-1]) for e in found[60:])]


EXAMPLES = real()


@pytest.mark.parametrize("by", ["source", "story", "date"])
def test_parts_share_no_story_and_not_what_they_are_parted_by(by: Literal["source", "story", "date"]) -> None:
    found = parts(EXAMPLES, TOPICS, by)
    train, test = found["train"], found["test"]
    assert train.features == test.features == features_of(TOPICS)
    assert not set(train["story"]) & set(test["story"]), "a reprint in the other script is the same story"
    assert set(test["kind"]) == {"real"} and "own" in train["kind"]
    taught = [row for row in train if row["kind"] == "real"]
    if by == "source":
        assert not {row["source"] for row in taught} & set(test["source"])
    if by == "date":
        assert max(row["date"] for row in taught) < min(test["date"])
    assert 0.1 < len(test) / (len(taught) + len(test)) < 0.5
    assert parts(EXAMPLES[::-1], TOPICS, by)["test"]["id"] == test["id"], "the order of the corpus is nothing"
    label = train.features["labels"].feature
    named = {row["id"]: tuple(sorted(label.int2str(n) for n in row["labels"])) for row in test}
    assert named == {e.id: tuple(sorted(e.labels)) for e in EXAMPLES if e.id in named}


def test_what_cannot_be_parted_is_refused() -> None:
    one = [replace(e, source="one", date="") for e in EXAMPLES]
    with pytest.raises(UsageError, match="one part would be empty"):
        parts(one, TOPICS, "source")
    with pytest.raises(UsageError, match="No article has a day"):
        parts(one, TOPICS, "date")


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("labels", ["labels.jsonl"]),
        ("articles", [f"articles-{letter}.jsonl" for letter in "abcdefgh"]),
        ("pages", ["pages-facts.jsonl"]),
        ("variants", ["variants-passages.jsonl"]),
        ("readings", ["second-readings.jsonl"]),
    ],
)
def test_the_folder_loads_with_the_features_it_declares(name: str, files: list[str], tmp_path: Path) -> None:
    written: list[dict[str, Any]] = [
        json.loads(line) for file in files for line in (CORPORA / file).read_text("utf-8").splitlines()
    ]
    loaded = datasets.load_dataset(str(CORPORA), name, split="train", cache_dir=str(tmp_path))
    assert len(loaded) == len(written)
    for row in written:
        assert set(row) <= set(loaded.features), row["id"]
    first = loaded[0]
    assert {key: first[key] for key in written[0]} == written[0]
