"""Fillers: two characters that mean nothing before the mark of a clause, others each time: 輪渡昨天復航檀雹，班次照舊.

Copying sites put them in so that no two copies are alike. None comes again, so what recurs tells nothing; but the
language model has never read such a pair, there nor anywhere, and one clause in six and more ends with one.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipeline.ingest.fluency import STEP, Fluency
from pipeline.native import splices

__all__ = ["find_fillers"]

_MARKS = "，。；！？：,;!?:"
_MARK_POINTS = np.array([*map(ord, _MARKS), 0], np.uint32)
_STRANGE = 24.0
"""Nats that a clause must gain without its last two characters for them to be strange: one clause in 1,000 of clean
articles does, with the end of a foreign name."""
_CLAUSE = 8
"""Characters of a clause with such an end, at least: verses, classical Chinese and rows of names have shorter ones."""
_LEAST, _SHARE = 4, 0.03
"""Strange clause ends that stand nowhere else in the text, and their share of all clauses, from which on they are a
system: 1 of 39,700 clean articles has as many; of articles with such a pair in 15% of their clauses .6, in 30% .94."""
_GLANCE, _FEW = 40, 2
"""Clause ends that are looked at first, and how many of them must be strange for a look at all: 1% of articles."""
_SHORTEST = 5
"""Characters of a clause from which on its filler goes, where there is a system."""
_GAIN = 18.0
"""Nats from which on a pair goes from a text that has a system: 1.6% of clean clauses gain as much."""
_BACK = np.arange(-3, 1)
"""The character before a pair, the pair, and the mark."""
_WITH, _AFTER, _WEIGHTS = np.array([0, 1, 2, 0]), np.array([1, 2, 3, 3]), np.array([1, 1, 1, -1])
"""Each after which, with the pair and without it."""


@cache
def _marks() -> NDArray[np.bool_]:
    """Return which code points end a clause, shape `(0x110000,)`."""
    marks = np.zeros(0x110000, bool)
    marks[[ord(mark) for mark in _MARKS]] = True
    return marks


def find_fillers(fluency: Fluency, key: NDArray[np.uint32]) -> list[tuple[int, int]]:
    """Return the spans of fillers in a text, by the code points of its key, shape `(size,)`; [] for nearly all."""
    if splices.strange_ends(fluency.language, key, _MARK_POINTS, _CLAUSE, _GLANCE, round(_STRANGE / STEP)) < _FEW:
        return []
    marks = _marks()[key]
    ends = marks.nonzero()[0]
    ends = ends[ends >= _CLAUSE]
    gain = _gains(fluency, key, ends)
    breaks = np.flatnonzero(marks | (key == _BREAK))
    place = np.searchsorted(breaks, ends)
    sizes = ends - np.where(place > 0, breaks[place - 1] + 1, 0)
    pairs = key[ends[:, None] + _BACK[:3]]
    able = ((pairs >= _HAN[0]) & (pairs <= _HAN[1])).all(axis=1) & (_times(key, ends) == 1)
    if np.count_nonzero(able & (gain > _STRANGE) & (sizes >= _CLAUSE)) < max(_LEAST, _SHARE * len(ends)):
        return []
    return [(end - 2, end) for end in ends[able & (gain > _GAIN) & (sizes >= _SHORTEST)].tolist()]


def _gains(fluency: Fluency, key: NDArray[np.uint32], ends: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return what the clauses that end there gain without their last two characters, in nats."""
    symbols = fluency.symbols_of(np.minimum(key[ends[:, None] + _BACK], 0xFFFF))
    gains: NDArray[np.float64] = fluency.cost(symbols[:, _WITH], symbols[:, _AFTER]) @ _WEIGHTS * STEP
    return gains


def _times(key: NDArray[np.uint32], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how often the pair before each of these ends stands in the text."""
    pairs = key[:-1].astype(np.uint64) << np.uint64(32) | key[1:]
    _, back, times = np.unique(pairs, return_inverse=True, return_counts=True)
    found: NDArray[np.int64] = times[back[ends - 2]]
    return found


_BREAK = ord("\n")
_HAN = (0x3400, 0x9FFF)
