"""What a report draws of scored articles: precision and recall, reliability, confused topics, the worst errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.topics.evaluate import BINS, FEW_POSITIVES, Scored
from pipeline.topics.facets import rounded

__all__ = ["Confusion", "Curve", "Wrong", "confusions", "curves", "curves_json", "worst"]

_POINTS = 60
"""Points of a drawn curve: more do not show at 320 pixels."""
_WORST = 20
"""Errors that a report shows whole."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One topic: precision and recall over all thresholds, and said against true shares."""

    topic: str
    positives: int
    average_precision: float | None
    """Area under the steps of precision over recall; None with too few positives, and then there are no points."""
    precision_recall: tuple[tuple[float, float, float], ...]
    """(threshold, recall, precision), the threshold falling."""
    at: tuple[float, float] | None
    """(recall, precision) of the tags as they are given; None where none is."""
    reliability: tuple[tuple[float, float, int, float, float], ...]
    """(mean score, share that has the topic, number of articles, 95% interval of the share) of tenths of the score.

    Bins of equal mass, as the calibration error has them, would all lie near 0 for a topic that few articles have. A
    tenth with under ten articles is joined to the next one."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """Articles that have topic `has` and did not get it, and got `got` wrongly; "" is no topic."""

    has: str
    got: str
    articles: int


@dataclass(frozen=True, slots=True)
class Wrong:
    """One wrong tag, or one that is missing."""

    article: int
    """Its number in `Scored.examples`."""
    topic: str
    score: float
    missing: bool


def curves(scored: Scored) -> tuple[Curve, ...]:
    """Return the curves of every topic."""
    return tuple(
        _curve(topic, scored.scores[:, n], scored.labels[:, n], scored.given[:, n])
        for n, topic in enumerate(scored.topics)
    )


def _curve(
    topic: str, scores: npt.NDArray[np.float64], labels: npt.NDArray[np.bool_], given: npt.NDArray[np.bool_]
) -> Curve:
    positives = int(labels.sum())
    reliability = [
        (
            float(scores[part].mean()),
            float(labels[part].mean()),
            len(part),
            *_wilson(int(labels[part].sum()), len(part)),
        )
        for part in _tenths(scores)
    ]
    if positives < FEW_POSITIVES:
        return Curve(topic, positives, None, (), None, tuple(reliability))
    order = np.argsort(-scores, kind="stable")
    hits, place = np.cumsum(labels[order]), np.arange(1, len(scores) + 1)
    # Articles of one score are one step: no threshold parts them.
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    recall, precision = hits[ends] / positives, hits[ends] / place[ends]
    area = float(np.sum(np.diff(np.append(0.0, recall)) * precision))
    chosen = np.unique(np.linspace(0, len(ends) - 1, _POINTS).round().astype(int))
    points = tuple((float(scores[order][ends[n]]), float(recall[n]), float(precision[n])) for n in chosen.tolist())
    hit, said = int((given & labels).sum()), int(given.sum())
    at = (hit / positives, hit / said) if said else None
    return Curve(topic, positives, area, points, at, tuple(reliability))


def _tenths(scores: npt.NDArray[np.float64]) -> list[npt.NDArray[np.int64]]:
    """Return the articles of each tenth of the score, with ten or more in each where there are as many."""
    tenth = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    found: list[npt.NDArray[np.int64]] = []
    waiting = np.zeros(0, dtype=np.int64)
    for number in range(BINS):
        waiting = np.concatenate((waiting, np.flatnonzero(tenth == number)))
        if len(waiting) >= FEW_POSITIVES:
            found.append(waiting)
            waiting = np.zeros(0, dtype=np.int64)
    if len(waiting):
        found.append(np.concatenate((found.pop(), waiting)) if found else waiting)
    return found


def _wilson(hits: int, trials: int) -> tuple[float, float]:
    """Return the 95% interval of a share (Wilson 1927), which holds for few trials and near 0 and 1 too."""
    z = 1.959964
    middle = (hits + z * z / 2) / (trials + z * z)
    half = z / (trials + z * z) * math.sqrt(hits * (trials - hits) / trials + z * z / 4)
    return max(0.0, middle - half), min(1.0, middle + half)


def confusions(scored: Scored) -> tuple[Confusion, ...]:
    """Return which topics are given for which, the most frequent first.

    An article that lacks a topic and has a wrong one counts for each pair of them; what is only missing or only
    wrong is paired with no topic.
    """
    count: dict[tuple[str, str], int] = {}
    missing, wrong = scored.labels & ~scored.given, scored.given & ~scored.labels
    for row in range(len(scored.examples)):
        lacks = [scored.topics[n] for n in np.flatnonzero(missing[row])]
        extra = [scored.topics[n] for n in np.flatnonzero(wrong[row])]
        for pair in [(has, got) for has in lacks or [""] for got in extra or [""] if has or got]:
            count[pair] = count.get(pair, 0) + 1
    ordered = sorted(count.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Confusion(has, got, articles) for (has, got), articles in ordered)


def worst(scored: Scored, most: int = _WORST) -> tuple[Wrong, ...]:
    """Return the wrong and the missing tags whose score is farthest on the wrong side, ties by id and topic."""
    found = []
    for row, topic in np.argwhere(scored.given != scored.labels).tolist():
        score, limit = float(scored.scores[row, topic]), scored.thresholds[topic]
        missing = bool(scored.labels[row, topic])
        gap = (limit - score) / max(limit, 1e-9) if missing else (score - limit) / max(1 - limit, 1e-9)
        found.append((-gap, scored.examples[row].id, topic, Wrong(row, scored.topics[topic], score, missing)))
    return tuple(one[-1] for one in sorted(found, key=lambda one: one[:3])[:most])


def curves_json(scored: Scored) -> dict[str, Any]:
    """Return what a report draws as plain data, figures rounded to six places. Articles are named, not quoted."""
    drawn = [
        {
            "topic": curve.topic,
            "positives": curve.positives,
            "average_precision": curve.average_precision,
            "at": curve.at,
            "precision_recall": curve.precision_recall,
            "reliability": curve.reliability,
        }
        for curve in curves(scored)
    ]
    errors = [
        {"id": scored.examples[w.article].id, "topic": w.topic, "score": w.score, "missing": w.missing}
        for w in worst(scored)
    ]
    pairs = [{"has": c.has, "got": c.got, "articles": c.articles} for c in confusions(scored)]
    plain: dict[str, Any] = rounded({"curves": drawn, "confusions": pairs, "worst": errors})
    return plain
