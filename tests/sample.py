"""The bundled sample dump beside what each of its pages should become: what the demo prints and promotion compares."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["CORPORA", "SAMPLE", "Place", "Score", "bigram_f1", "body_of", "mean", "place_of", "read_gold", "score"]

CORPORA = Path(__file__).resolve().parent.parent / "corpora"
SAMPLE = CORPORA / "sample"
Place = tuple[str, str]
"""File below the sample folder, and id: what a record of the sample is known by."""

_BLANK = re.compile(r"[\s\u200b-\u200f\ufeff]+")


@dataclass(frozen=True, slots=True)
class Score:
    """How the rows of a run agree with the gold; counts are of the articles of the gold."""

    articles: int
    exact: int
    """Articles whose kept paragraphs are exactly the gold's."""
    f1: float
    """Mean bigram F1 of the kept text, in [0, 1]; an article that is missing counts 0."""
    topics: int
    """Articles whose set of topics is exactly the gold's."""
    status: int
    """Pages, articles or not, whose status is the gold's, of `pages`."""
    pages: int
    others: tuple[tuple[str, float], ...]
    """Id and bigram F1 of the articles that are not exact, worst first."""


def read_gold() -> dict[Place, dict[str, Any]]:
    """Return the gold row of each record of the sample, in the order of reading."""
    with (CORPORA / "sample-gold.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return {(row["file"], row["id"]): row for row in rows}


def place_of(row: Mapping[str, Any]) -> Place:
    """Return the place of an output row or reject; its input is the sample folder's, however it was given."""
    given = Path(row["input"]).resolve()
    return (given.relative_to(SAMPLE).as_posix() if given.is_relative_to(SAMPLE) else row["input"], row["id"])


def body_of(text: str) -> list[str]:
    """Return the paragraphs of a kept text without the space round them, as the gold lists them."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def _bigrams(text: str) -> Counter[str]:
    solid = _BLANK.sub("", unicodedata.normalize("NFKC", text))
    return Counter(solid[i : i + 2] for i in range(len(solid) - 1)) if len(solid) > 1 else Counter(solid)


def bigram_f1(kept: str, gold: str) -> float:
    """Return the F1 of two texts as multisets of character pairs of NFKC text without white space, in [0, 1]."""
    found, wanted = _bigrams(kept), _bigrams(gold)
    if not found and not wanted:
        return 1.0
    return 2 * (found & wanted).total() / (found.total() + wanted.total())


def mean(values: Iterable[float]) -> float:
    """Return the mean, 0 of nothing."""
    chosen = list(values)
    return sum(chosen) / len(chosen) if chosen else 0.0


def score(rows: Mapping[Place, Mapping[str, Any]], gold: Mapping[Place, Mapping[str, Any]]) -> Score:
    """Compare the rows of a run with the gold."""
    articles = {place: row for place, row in gold.items() if row["status"] == "article"}
    pages = {place: row for place, row in gold.items() if row["status"] in ("article", "no_article")}
    kept = {place: rows[place]["text"] if place in rows else "" for place in articles}
    given = {place: {t["id"] for t in rows[place]["topics"]} if place in rows else None for place in articles}
    f1 = {place: bigram_f1(kept[place], "\n".join(row["body"])) for place, row in articles.items()}
    inexact = [place for place, row in articles.items() if body_of(kept[place]) != row["body"]]
    return Score(
        articles=len(articles),
        exact=len(articles) - len(inexact),
        f1=mean(f1.values()),
        topics=sum(given[place] == set(row["topics"]) for place, row in articles.items()),
        status=sum(place in rows and rows[place]["status"] == row["status"] for place, row in pages.items()),
        pages=len(pages),
        others=tuple((place[1], f1[place]) for place in sorted(inexact, key=lambda place: (f1[place], place))),
    )
