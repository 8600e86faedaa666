"""The stretches of a text that are in the other script than the rest.

Characters that both scripts have may belong to either side. A line that tells one script only is a run, or none, as a
whole; inside a line, where a run begins and ends is decided by how well the sentence reads without it, by where marks
stand, and by the words that one script's press uses more than the other's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.script.fold import code_points, fold
from pipeline.script.identify import HANS, HANT, classify, leanings
from pipeline.script.seams import seams

__all__ = ["Run", "runs"]

_HAN = 1
_BRIDGE = 12
"""Characters of either script that a run inside a line may bridge; for more it is two runs."""
_REACH = 20
"""Characters of either script that a run may take in at an end. With 12 phrases of 10 to 24 are found .002 worse."""
_MARK = 4.0
"""Nats for an end of a run at a mark or at the end of the line: who puts something in, does so there. With 3 spliced
clauses are found .01 worse and phrases .003 better, with 5 the other way round."""
_LONG = 0.15
"""Nats that each character costs, so that a run is not longer than it needs to be: .007 of F1 for Traditional phrases.

Measured as `tests/bench/script.py` does, on publishers that neither the trigrams nor the leanings learnt from."""


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of a text that is in the other script than the rest."""

    start: int
    end: int
    script: Literal["zh-Hant", "zh-Hans"]


def _minority(classes: NDArray[np.uint8], breaks: NDArray[np.int64]) -> int:
    """Return the script that fewer of the text's characters are written in, as its lines tell; 0 if there is one only.

    Telling characters alone would not do: Traditional text has a fifth more of them.
    """
    starts = np.concatenate((np.zeros(1, np.int64), breaks + 1))
    padded = np.append(classes, 0)  # a line break at the end begins a line that is empty
    hant, hans = (np.add.reduceat(padded == kind, starts, dtype=np.int64) for kind in (HANT, HANS))
    if not hant.any() or not hans.any():
        return 0
    han = np.add.reduceat((padded >= _HAN) & (padded <= HANS), starts, dtype=np.int64)
    more = int(han[hant > hans].sum()) - int(han[hans > hant].sum())
    return HANS if (more or int(hant.sum() - hans.sum())) >= 0 else HANT


def _cores(classes: NDArray[np.uint8], minority: int) -> list[tuple[int, int, int, int]]:
    """Return the telling characters of the minority in a line, those that belong together as one stretch.

    Each is (start, end, least start, greatest end) of a run; no character of the majority is between those.
    """
    cores: list[tuple[int, int, int, int]] = []
    free = 0  # behind the last telling character
    closed = True
    places = np.flatnonzero((classes == HANT) | (classes == HANS)).tolist()
    for place, kind in zip(places, classes[places].tolist(), strict=True):
        if kind != minority:
            if not closed:
                cores[-1] = (*cores[-1][:3], place)
            closed = True
        elif not closed and place - cores[-1][1] <= _BRIDGE:
            cores[-1] = (cores[-1][0], place + 1, cores[-1][2], len(classes))
        else:
            if not closed:
                cores[-1] = (*cores[-1][:3], place)
            cores.append((place, place + 1, free, len(classes)))
            closed = False
        free = place + 1
    return cores


def _leaning(line: str, minority: int) -> NDArray[np.float32]:
    """Return the nats for the minority that stand before each place of a line, shape `(len(line) + 1,)`."""
    halves = leanings()
    nats = np.array([halves.get(character, 0) for character in line], np.float32)
    pairs = np.array([halves.get(line[at : at + 2], 0) for at in range(len(line) - 1)], np.float32) / 2
    nats[1:] += pairs  # a pair's nats are half its first character's, half its second's
    nats[:-1] += pairs
    sign = 0.5 if minority == HANT else -0.5
    return np.concatenate((np.zeros(1, np.float32), np.cumsum(sign * nats - np.float32(_LONG))))


def _runs_inside(line: str, classes: NDArray[np.uint8], minority: int) -> list[tuple[int, int]]:
    """Return the runs of a line that tells both scripts."""
    key = fold(line)
    codes = code_points(line)
    marks = (classes == 0) & ~((codes >= ord("0")) & (codes <= ord("9")))
    before, after = np.append(marks, True), np.concatenate(([True], marks))
    edges = np.where(before | after, np.float32(_MARK), np.float32(0))
    found: list[tuple[int, int]] = []
    last = 0
    for start, end, least, most in _cores(classes, minority):
        low, high = max(least, start - _REACH, last), min(most, end + _REACH)
        starts, ends = np.arange(low, start + 1), np.arange(end, high + 1)
        a, b = np.repeat(starts, len(ends)), np.tile(ends, len(starts))
        shown, hidden = max(0, low - 2), min(len(line), high + 2)
        nats = seams(key[shown:hidden], a - shown, b - shown) + edges[a] + edges[b]
        leaning = _leaning(line[low:high], minority)
        nats += leaning[b - low] - leaning[a - low]
        best = int(np.argmax(nats))
        first, last = int(a[best]), int(b[best])
        first += int(np.argmin(marks[first : start + 1]))
        last -= int(np.argmin(marks[end - 1 : last][::-1]))
        found.append((first, last))
    return found


def runs(text: str) -> list[Run]:
    """Return the stretches of `text` in the script that fewer of its characters are in, sorted and disjoint.

    A line that tells nothing but the minority script is a run as a whole. In other lines a run has all that is between
    telling characters of the minority, and at its ends what fits it better than it fits the rest; no run begins or ends
    with a mark, and each has a character that tells its script and none that tells the other. Offsets are code points.
    A text of one script has no runs.

    Raises:
        ModelError: `models/fluency`, which is read when a line tells both scripts, is missing or damaged.
    """
    classes = classify(text)
    breaks = np.flatnonzero(code_points(text) == ord("\n"))
    minority = _minority(classes, breaks)
    if not minority:
        return []
    majority = HANT + HANS - minority
    script: Literal["zh-Hant", "zh-Hans"] = "zh-Hans" if minority == HANS else "zh-Hant"
    found: list[Run] = []
    for start, end in zip([0, *(breaks + 1).tolist()], [*breaks.tolist(), len(text)], strict=True):
        line = classes[start:end]
        if not (line == minority).any():
            continue
        if not (line == majority).any():
            found.append(Run(start, end, script))
            continue
        inside = _runs_inside(text[start:end], line, minority)
        found += (Run(start + first, start + last, script) for first, last in inside)
    return found
