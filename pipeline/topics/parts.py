"""Labelled articles as train and test parts for `datasets`: parted by source, story or date, never by row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from pipeline.errors import UsageError
from pipeline.topics.corpus import Example
from pipeline.topics.facets import days_of
from pipeline.topics.features import key
from pipeline.topics.reprints import clusters

__all__ = ["SHARE", "features_of", "parts"]

SHARE = 0.2
"""Share of the real articles that is held out, or as near to it as whole sources and stories come."""
SEED = 20240607


def features_of(topics: Sequence[str]) -> Any:
    """Return the `datasets.Features` of labelled articles; labels are class labels with the names of the topics."""
    from datasets import ClassLabel, Features, List, Value  # type: ignore[import-untyped,unused-ignore]

    text = Value("string")
    names = ("id", "title", "text", "script", "region", "source", "date", "certainty", "kind", "story")
    return Features(dict.fromkeys(names, text) | {"labels": List(ClassLabel(names=list(topics)))})


def parts(
    examples: Sequence[Example],
    topics: Sequence[str],
    by: Literal["source", "story", "date"] = "source",
    share: float = SHARE,
) -> Any:
    """Return a `datasets.DatasetDict` of train and test.

    `story` is the id of the first article that tells the same in the same words, in either script (MinHash on the
    folded text). No story is in both parts: where a source or a day parts one, its articles of the train part are in
    neither. Own-written articles are in train only. By date, test is the latest; what has no day is in neither.

    Raises:
        UsageError: one of the parts would be empty.
    """
    from datasets import Dataset, DatasetDict

    ordered = sorted(examples, key=lambda example: example.id)
    stories = [ordered[first].id for first in clusters([key(example.text) for example in ordered])]
    real = [n for n, example in enumerate(ordered) if example.kind == "real"]
    days = dict(zip(real, days_of([ordered[n] for n in real]), strict=True))
    if by == "date":
        dated = sorted((days[n], n) for n in real if len(days[n]) >= 7)
        if not dated:
            raise UsageError("No article has a day or month: the corpus cannot be parted by date.")
        since = dated[-max(1, round(len(dated) * share))][0]
        held = {n for day, n in dated if day >= since}
        taught = {n for day, n in dated if day < since}
    else:
        groups = [ordered[n].source or ordered[n].id if by == "source" else stories[n] for n in real]
        chosen = _drawn(groups, share)
        held = {n for n, group in zip(real, groups, strict=True) if group in chosen}
        taught = set(real) - held
    away = {stories[n] for n in held}
    taught = {n for n in taught | (set(range(len(ordered))) - set(real)) if stories[n] not in away}
    if not held or not any(ordered[n].kind == "real" for n in taught):
        raise UsageError(f"Parted by {by}, one part would be empty: the corpus has too few of them.")
    features = features_of(topics)

    def table(chosen: set[int]) -> Any:
        rows = [_row(ordered[n], stories[n], days.get(n, "")) for n in sorted(chosen)]
        return Dataset.from_list(rows, features=features)

    return DatasetDict({"train": table(taught), "test": table(held)})


def _drawn(groups: Sequence[str], share: float) -> set[str]:
    """Return groups, drawn by a fixed seed, that hold about `share` of the articles and never more than half."""
    names = sorted(set(groups))
    sizes = {name: groups.count(name) for name in names}
    wanted, chosen, taken = share * len(groups), set(), 0
    for number in np.random.default_rng(SEED).permutation(len(names)).tolist():
        size = sizes[names[number]]
        if taken + size <= max(wanted, 1) * 1.1 and taken < wanted:
            chosen.add(names[number])
            taken += size
    return chosen


def _row(example: Example, story: str, day: str) -> dict[str, Any]:
    return {
        "id": example.id,
        "title": example.title,
        "text": example.text,
        "script": example.script,
        "region": example.region,
        "source": example.source,
        "date": day,
        "certainty": example.certainty,
        "kind": example.kind,
        "story": story,
        "labels": list(example.labels),
    }
