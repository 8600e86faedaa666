"""Two models on the same articles: is one better, or is it luck? A paired bootstrap on macro-F1, McNemar by topic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pipeline.errors import UsageError
from pipeline.topics.evaluate import Scored
from pipeline.topics.intervals import RESAMPLES, Interval, f1_of, interval, macro_of, resampled, tallies

__all__ = ["Comparison", "TopicComparison", "compare", "comparison_table"]

_SURE = 0.05


@dataclass(frozen=True, slots=True)
class TopicComparison:
    """One topic: F1 of both, and the articles that only one of the two gets right."""

    topic: str
    positives: int
    f1: float
    f1_other: float
    only_right: int
    """Articles that only the first decides as the label says."""
    only_right_other: int
    p: float
    """Of the exact McNemar test: how likely so uneven a share is if both err equally often. Not corrected for the
    number of topics."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A model and another on the same articles."""

    name: str
    other: str
    how_other: str
    articles: int
    macro_f1: Interval
    macro_f1_other: Interval
    difference: Interval
    """The first less the other."""
    p: float
    """Of the paired bootstrap, two-sided."""
    topics: tuple[TopicComparison, ...]

    @property
    def better(self) -> str:
        """Who is better, "" where no difference is shown."""
        if self.p >= _SURE:
            return ""
        return self.name if self.difference.value > 0 else self.other

    def as_json(self) -> dict[str, Any]:
        """Return plain data, figures rounded to six places."""
        from pipeline.topics.facets import rounded

        plain: dict[str, Any] = rounded(asdict(self) | {"better": self.better})
        return plain


def compare(ours: Scored, theirs: Scored) -> Comparison:
    """Compare two on the topics and articles they share.

    The macro-F1 difference is tested by the paired bootstrap (Efron and Tibshirani 1993, ch. 16; for NLP
    Berg-Kirkpatrick, Burkett and Klein 2012): both are scored on the same resamples of articles, p is twice the smaller
    share of resamples on either side of 0. F1 is no mean over articles, so a t-test does not fit. By topic each
    decision is right or wrong, which is McNemar's case (McNemar 1947; exact form, Dietterich 1998).

    Raises:
        UsageError: they share no topic or were not given the same articles.
    """
    from scipy.stats import binomtest

    shared = [topic for topic in ours.topics if topic in theirs.topics]
    if not shared:
        raise UsageError(
            f"{ours.name} has the topics {', '.join(ours.topics)} and {theirs.name} {', '.join(theirs.topics)}: "
            "there is nothing to compare."
        )
    if [e.id for e in ours.examples] != [e.id for e in theirs.examples]:
        raise UsageError(f"{ours.name} and {theirs.name} were not given the same articles.")
    mine = ours.given[:, [ours.topics.index(topic) for topic in shared]]
    others = theirs.given[:, [theirs.topics.index(topic) for topic in shared]]
    labels = ours.labels[:, [ours.topics.index(topic) for topic in shared]]
    size = len(shared)
    rows = []
    for number, topic in enumerate(shared):
        right, right_other = mine[:, number] == labels[:, number], others[:, number] == labels[:, number]
        only, only_other = int((right & ~right_other).sum()), int((right_other & ~right).sum())
        p = float(binomtest(only, only + only_other).pvalue) if only + only_other else 1.0
        f1, f1_other = (
            float(f1_of(number, size)(tallies(given, labels).sum(axis=0, keepdims=True))[0]) for given in (mine, others)
        )
        rows.append(TopicComparison(topic, int(labels[:, number].sum()), f1, f1_other, only, only_other, p))
    both = np.concatenate((tallies(mine, labels), tallies(others, labels)), axis=1)
    macro = macro_of(size)
    gaps = resampled(both)
    drawn = macro(gaps[:, : 3 * size]) - macro(gaps[:, 3 * size :])
    # One is added on either side, so that p is never 0 (Davison and Hinkley 1997, 4.2.3).
    p = min(1.0, 2 * (1 + min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))) / (1 + RESAMPLES))
    return Comparison(
        ours.name,
        theirs.name,
        theirs.how,
        len(ours.examples),
        interval(tallies(mine, labels), macro),
        interval(tallies(others, labels), macro),
        interval(both, lambda sums: macro(sums[:, : 3 * size]) - macro(sums[:, 3 * size :])),
        p,
        tuple(rows),
    )


def comparison_table(found: Sequence[Comparison]) -> list[str]:
    """Return lines for a terminal."""
    from pipeline.topics.facets import shown

    lines = []
    for one in found:
        gap = one.difference
        verdict = f"{one.better} is better" if one.better else "no difference is shown"
        lines += [
            "",
            f"{one.name} against {one.other}, on the same {one.articles} articles ({one.other}: {one.how_other})",
            f"  macro-F1 {shown(one.macro_f1)} against {shown(one.macro_f1_other)}",
            f"  difference {gap.value:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}], paired bootstrap p {_p(one.p)}: "
            f"{verdict}",
        ]
        lines += [
            f"    {topic.topic:22} {topic.positives:5} positives  F1 {topic.f1:.3f} against {topic.f1_other:.3f}  "
            f"only right {topic.only_right} against {topic.only_right_other}, McNemar p {_p(topic.p)}"
            for topic in one.topics
        ]
    return lines


def _p(value: float) -> str:
    return "<.001" if value < 0.001 else f"{value:.3f}"
