"""How far a figure may be off: bootstrap intervals over articles, and figures that too few articles carry refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["RESAMPLES", "SEED", "Interval", "f1_of", "interval", "macro_of", "resampled", "tallies"]

RESAMPLES = 1000
"""Efron and Tibshirani (1993, ch. 14): about a thousand resamples for the ends of a percentile interval."""
SEED = 20240607
_AT_ONCE = 100
"""Resamples drawn together, so that a corpus of 100,000 articles needs 80 MB and not 800."""
_TAIL = 2.5
"""Percent left out on either side: 95% intervals."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95% interval: percentiles over resamples of articles."""

    value: float
    low: float
    high: float


def resampled(columns: Array, seed: int = SEED) -> Array:
    """Return the sums of the columns over resamples of the rows, shape (RESAMPLES, n_columns).

    A resample draws as many rows as there are, with replacement. The same shape and seed give the same draws, so two
    models on the same articles are resampled alike.

    Args:
        columns: what is counted of each article, shape (n_articles, n_columns).
        seed: of the draws.
    """
    rows = len(columns)
    random = np.random.default_rng(seed)
    sums = np.zeros((RESAMPLES, columns.shape[1]))
    offsets = np.arange(_AT_ONCE)[:, None] * rows
    for start in range(0, RESAMPLES, _AT_ONCE):
        drawn = random.integers(0, rows, size=(_AT_ONCE, rows)) + offsets
        times = np.bincount(drawn.ravel(), minlength=_AT_ONCE * rows).reshape(_AT_ONCE, rows)
        sums[start : start + _AT_ONCE] = times @ columns
    return sums


def interval(columns: Array, figure: Callable[[Array], Array], seed: int = SEED, trials: int | None = None) -> Interval:
    """Return `figure` of the summed columns, with its interval.

    No resample of a figure without a single error has one, so its interval would be a point. There the other end is by
    the rule of three (Hanley and Lippman-Hand 1983): after n trials without an error up to 3 / n errors are likely.

    Args:
        columns: what is counted of each article, shape (n_articles, n_columns).
        figure: from sums of shape (n, n_columns) to figures of shape (n,); nan where it is not defined.
        seed: of the draws.
        trials: how many articles the figure is a share of; without it a point stays a point.
    """
    value = float(figure(columns.sum(axis=0, keepdims=True))[0])
    drawn = figure(resampled(columns, seed))
    drawn = drawn[~np.isnan(drawn)]
    if not drawn.size:
        return Interval(value, value, value)
    low, high = (float(end) for end in np.percentile(drawn, (_TAIL, 100 - _TAIL)))
    if trials and value in (0.0, 1.0):
        room = min(1.0, 3 / trials)
        low, high = min(low, 1 - room) if value else low, high if value else max(high, room)
    return Interval(value, low, high)


def tallies(given: npt.NDArray[np.bool_], labels: npt.NDArray[np.bool_]) -> Array:
    """Return what F1 is counted from: hits, given, wanted of each topic, shape (n_articles, 3 * n_topics)."""
    return np.concatenate((given & labels, given, labels), axis=1).astype(np.float64)


def f1_of(topic: int, topics: int) -> Callable[[Array], Array]:
    """Return the function from sums of `tallies` to the F1 of one topic; 0 where nothing is given and wanted."""

    def figure(sums: Array) -> Array:
        hits, said, wanted = (sums[:, part * topics + topic] for part in range(3))
        return 2 * hits / np.maximum(said + wanted, 1)

    return figure


def macro_of(topics: int) -> Callable[[Array], Array]:
    """Return the function from sums of `tallies` to the mean F1 of all topics."""
    single = [f1_of(topic, topics) for topic in range(topics)]
    return lambda sums: np.asarray(np.mean([figure(sums) for figure in single], axis=0))
