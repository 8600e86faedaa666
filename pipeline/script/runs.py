"""The stretches of a text that are in the other script than the rest.

Characters that both scripts have may belong to either side. A line that tells one script only is a run, or none, as a
whole; inside a line, where a run begins and ends is decided by how well the sentence reads without it, by what the text
says elsewhere, by whether it is a whole clause, and by the words that one script's press uses more than the other's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.script.fold import code_points, fold
from pipeline.script.identify import HANS, HANT, as_leaning, classify, leanings
from pipeline.script.seams import clause_ends, off_theme, pair_logs, seams

__all__ = ["Run", "Window", "runs", "windows"]

_HAN = 1
_BRIDGE = 12
"""Characters of either script that a run inside a line may bridge; for more it is two runs."""
_REACH = 20
"""Characters of either script that a run may take in at an end. With 12 phrases of 10 to 24 are found .002 worse."""
_TOGETHER = 128
"""Windows of a text that are looked at together: a line each takes twice the time."""
_BREAK = "\n\n"
"""Between stretches that are looked at together: as if a line ended there, and the one before it."""
_WHOLE = 10.0
"""Nats for a run that begins and ends at marks or at the ends of the line: who puts in a clause, puts in a whole one.
Marks at one end only say nothing. With 7 clauses are found .003 of F1 worse, phrases less than .001 better."""
_LEAN = 0.06
"""Nats for a tenth of a nat of `leaning.tsv`. 0 is .001 worse, .12 the same in all, .3 is .003 worse."""
_REST = 0.8
"""Share of the surprise of a pair, which the rest of the text has too, that speaks against a run: without it phrases of
4 to 12 are found .009 worse. .6 and 1 are the same."""
_AGAIN = 0.5
"""The same for a pair that stands near several runs and nowhere else, in favour: phrases that come again are found .012
better, others not worse."""
_BEGINS, _ENDS = 0.25, 0.33
"""Share of the nats by which its first character begins a clause, and its last one ends it. 0 is .002 worse for phrases
of 4 to 12, .15 and .2 or .35 and .45 are the same."""
_SURPRISE = 6.0
"""Nats at most, for a pair that the trigrams hardly know.

All of these were chosen on articles of publishers that neither the trigrams nor the leanings learnt from, half of the
publishers checking the other half, as `tests/bench/script.py` measures: phrases and clauses put into articles."""


_Script: TypeAlias = Literal["zh-Hant", "zh-Hans"]


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of a text that is in the other script than the rest."""

    start: int
    end: int
    script: _Script


class Window(NamedTuple):
    """Where a run inside a line may be: it has `start:end` and is in `low:high`, in code points of the text."""

    low: int
    start: int
    end: int
    high: int


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


def _in_line(classes: NDArray[np.uint8], begin: int, minority: int) -> list[Window]:
    """Return the windows of a line that begins at `begin`: each round telling characters that belong together.

    No character of the majority is in a window.
    """
    found: list[Window] = []
    free = 0  # behind the last telling character
    closed = True
    places = np.flatnonzero((classes == HANT) | (classes == HANS)).tolist()
    for place, kind in zip(places, classes[places].tolist(), strict=True):
        if kind != minority:
            if not closed:
                found[-1] = found[-1]._replace(high=place)
            closed = True
        elif not closed and place - found[-1].end <= _BRIDGE:
            found[-1] = found[-1]._replace(end=place + 1)
        else:
            if not closed:
                found[-1] = found[-1]._replace(high=place)
            found.append(Window(free, place, place + 1, len(classes)))
            closed = False
        free = place + 1
    return [
        Window(begin + max(low, start - _REACH), begin + start, begin + end, begin + min(high, end + _REACH))
        for low, start, end, high in found
    ]


def _leaning(stretch: str, minority: int) -> NDArray[np.float64]:
    """Return the nats for the minority that stand before each place of a stretch, shape `(len(stretch) + 1,)`."""
    tenths = leanings()
    signs = as_leaning(stretch)
    nats = np.array([tenths.get(sign, 0) for sign in signs], np.float32)
    pairs = np.array([tenths.get(signs[at : at + 2], 0) for at in range(len(signs) - 1)], np.float32) / 2
    nats[1:] += pairs  # a pair's nats are half its first character's, half its second's
    nats[:-1] += pairs
    sign = _LEAN if minority == HANT else -_LEAN
    return np.concatenate((np.zeros(1), np.cumsum(sign * nats, dtype=np.float64)))


def _near(length: int, windows: Sequence[Window]) -> NDArray[np.bool_]:
    """Return which characters of a text are in a window."""
    near = np.zeros(length, np.bool_)
    for window in windows:
        near[window.low : window.high] = True
    return near


def _echoes(key: str, near: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the nats for a run that has this place in it, at its beginning or at its end, shape `(len(key) + 1,)`.

    They are those of the pair of characters round the place, near windows; 0 elsewhere. What an article is about, it
    says more than once, and who puts phrases into it, puts some in more than once.
    """
    codes = code_points(key).astype(np.int64)
    line_breaks = codes == ord("\n")
    apart = near | line_breaks
    pairs = (codes[:-1] << 21) | codes[1:]
    rest = pairs[~(apart[:-1] | apart[1:])]
    places = ((near[:-1] | near[1:]) & ~(line_breaks[:-1] | line_breaks[1:])).nonzero()[0]
    _, which, counts = np.unique(pairs[places], return_inverse=True, return_counts=True)
    often = np.exp(pair_logs(key, places).astype(np.float64))
    known = np.isin(pairs[places], rest)
    again = ~known & (counts[which] > 1)
    nats = np.zeros(len(codes) + 1)
    for where, size, weight in ((known, len(rest), -_REST), (again, len(places), _AGAIN)):
        by_chance = -np.expm1(-size * often[where])
        nats[places[where] + 1] = weight * np.minimum(-np.log(by_chance), _SURPRISE)
    return nats


def _inside(
    text: str, classes: NDArray[np.uint8], lines: Sequence[tuple[int, int]], minority: int
) -> Iterator[tuple[int, int, float]]:
    """Yield the runs of lines that tell both scripts, and the nats by which each is none of the sentence."""
    windows = [(line, one) for line in lines for one in _in_line(classes[line[0] : line[1]], line[0], minority)]
    key = fold(text)
    codes = code_points(text)
    marks = (classes == 0) & ~((codes >= ord("0")) & (codes <= ord("9")))
    edge = np.ones(1, np.bool_)
    borders = np.concatenate((marks, edge)) | np.concatenate((edge, marks))  # where a clause begins or ends
    near = _near(len(key), [window for _, window in windows])
    echoes = _echoes(key, near)
    echoed = np.cumsum(echoes)
    strays = np.zeros(len(key) + 1)
    strays[1:-1] = off_theme(key, ~(near[:-1] | near[1:]))
    strayed = np.cumsum(strays)
    last = 0
    for at in range(0, len(windows), _TOGETHER):
        some = windows[at : at + _TOGETHER]
        stretches = _stretches(some)
        starts, ends, shifts, whose = _candidates(some, stretches)
        joined = _BREAK.join([key[low:high] for low, high in stretches])
        nats = seams(joined, starts + shifts, ends + shifts).astype(np.float64)
        leaning = _leaning(_BREAK.join([text[low:high] for low, high in stretches]), minority)
        nats += leaning[ends + shifts] - leaning[starts + shifts]
        nats += echoed[ends] - echoed[starts] + echoes[starts]
        nats += strayed[ends - 1] - strayed[starts]
        begin, end = clause_ends(joined)
        nats += _BEGINS * begin[starts + shifts] + _ENDS * end[ends - 1 + shifts]
        nats += np.where(borders[starts] & borders[ends], _WHOLE, 0)
        parts = np.searchsorted(whose, np.arange(len(some) + 1)).tolist()
        for (line, window), *between in zip(some, parts, parts[1:], strict=False):
            own = slice(*between)
            last = max(last, line[0])
            best = own.start + int(np.argmax(np.where(starts[own] < last, -np.inf, nats[own])))
            first, last = int(starts[best]), int(ends[best])  # what is in a run is in no other
            first += int(np.argmin(marks[first : window.start + 1]))
            last -= int(np.argmin(marks[window.end - 1 : last][::-1]))
            yield first, last, float(nats[best])


def _stretches(windows: Sequence[tuple[tuple[int, int], Window]]) -> list[tuple[int, int]]:
    """Return the stretches of lines that are looked at for these windows: one a line, two characters wider."""
    found: dict[tuple[int, int], tuple[int, int]] = {}
    for line, window in windows:
        low, high = found.get(line, (window.low - 2, 0))
        found[line] = max(line[0], low), min(line[1], max(high, window.high + 2))
    return list(found.values())


def _candidates(
    windows: Sequence[tuple[tuple[int, int], Window]], stretches: Sequence[tuple[int, int]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return where runs of the windows may begin and end, how far each moves, and the number of its window.

    It moves by what it takes to join the stretches by `_BREAK`. All have shape `(n,)`.
    """
    moves: dict[int, int] = {}
    size = 0
    for low, high in stretches:
        moves |= {low: size - low}
        size += high - low + len(_BREAK)
    parts = []
    at, lows = 0, list(moves)
    for number, (_, window) in enumerate(windows):
        while at + 1 < len(lows) and lows[at + 1] <= window.start:
            at += 1
        starts, ends = np.arange(window.low, window.start + 1), np.arange(window.end, window.high + 1)
        count = len(starts) * len(ends)
        told = (np.full(count, one) for one in (moves[lows[at]], number))
        parts.append((np.repeat(starts, len(ends)), np.tile(ends, len(starts)), *told))
    starts, ends, shifts, whose = (np.concatenate(column) for column in zip(*parts, strict=True))
    return starts, ends, shifts, whose


def _tells_more(text: str, classes: NDArray[np.uint8], minority: int, run: tuple[int, int, float]) -> bool:
    """Whether a run has two different characters of its script."""
    start, end, _ = run
    return len({text[place] for place in range(start, end) if classes[place] == minority}) > 1


def _class(script: _Script) -> int:
    return HANS if script == "zh-Hans" else HANT


_Lines: TypeAlias = list[tuple[int, int]]


def _lines(classes: NDArray[np.uint8], breaks: NDArray[np.int64], minority: int) -> tuple[_Lines, _Lines]:
    """Return the lines that tell the minority's script only, and those that tell both."""
    starts, ends = np.append(0, breaks + 1), np.append(breaks, len(classes))
    padded = np.append(classes, 0)  # a line break at the end begins a line that is empty
    has, other = (np.logical_or.reduceat(padded == kind, starts) for kind in (minority, HANT + HANS - minority))
    whole, mixed = (
        list(zip(starts[chosen].tolist(), ends[chosen].tolist(), strict=True)) for chosen in (has & ~other, has & other)
    )
    return whole, mixed


def windows(text: str, script: _Script) -> list[Window]:
    """Return where `runs(text, script)` are inside lines that tell both scripts; it decides on their borders."""
    classes = classify(text)
    _, mixed = _lines(classes, np.flatnonzero(code_points(text) == ord("\n")), _class(script))
    return [window for start, end in mixed for window in _in_line(classes[start:end], start, _class(script))]


def runs(text: str, script: _Script | None = None) -> list[Run]:
    """Return the stretches of `text` in the script that fewer of its characters are in, sorted and disjoint.

    A line that tells nothing but that script is a run as a whole. In other lines a run has all that is between
    telling characters of it, and at its ends what fits it better than it fits the rest; no run begins or ends
    with a mark, and each has a character that tells its script and none that tells the other. Offsets are code points.
    A text of one script has no runs. Inside a line, one character that its sentence reads better with is no run but a
    way of writing (刑事毁壞), unless `script` is given.

    Args:
        text: any string.
        script: the script whose stretches are wanted, all of them, however much of the text they are.

    Raises:
        ModelError: `models/fluency`, which is read when a line tells both scripts, is missing or damaged.
    """
    classes = classify(text)
    breaks = np.flatnonzero(code_points(text) == ord("\n"))
    minority = _class(script) if script else _minority(classes, breaks)
    if not minority:
        return []
    whole, mixed = _lines(classes, breaks, minority)
    inside = _inside(text, classes, mixed, minority) if mixed else ()
    told: _Script = "zh-Hans" if minority == HANS else "zh-Hant"
    if script is None:
        inside = (run for run in inside if run[2] >= 0 or _tells_more(text, classes, minority, run))
    return [Run(start, end, told) for start, end in sorted([*whole, *((start, end) for start, end, _ in inside)])]
