"""Title pieces: strings spliced into a text in a fixed cycle, over and over.

A content farm cuts the article's title into pieces and deals them out: piece 1, some words of the article, piece 2,
some words, ..., piece 1 again. No piece is known beforehand and some are words that the article uses too. What gives
them away is that they recur, that each sentence reads better without them, and that they come in one order.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.ingest.fluency import Floats, Reading, word_table
from pipeline.native import splices

__all__ = ["ACCEPTED", "DOUBTED", "NOTHING_DEALT", "Dealt", "Piece", "find_pieces"]

SHORTEST, LONGEST = 2, 9
"""Characters of a piece. Farms deal out 2 to 4; odd cuts and Latin words make it up to 9."""
_LEAST = -1.0
"""Log odds from which on a recurring string is looked at in its place."""
_WEIGHTS = (-8.0, 7.0, 0.55, 0.7, 0.3, 2.0)
"""Of the log odds of a recurring string being spliced in, from its seams: both are held between the first two; .55 of
their sum and .7, and .3 of what the worse of them is below -2. A straight line through log(share of spliced pieces /
share of recurring strings of clean articles) over the grid of both seams, measured on generated pages of held-out
publishers."""
_SKIP = 3.0
"""Nats for a piece of the cycle that is left out."""
_MISSED = 2.0
"""Nats for a turn of the cycle that lacks a piece, when pieces are chosen."""
_NEXT = 1.5
"""Nats for a piece that stands where the cycle expects it: its place is one of about five."""
_NAME = 5.5
"""Nats for taking a string into the cycle: one of about 200 that recur in an article."""
_FAR, _FAR_COST = 40, 0.1
"""Characters without a piece from which on a gap costs, and nats for each. Farms leave 5 to 30."""
_ANCHORS = 6
"""Strings tried as the beginning of the cycle, those with the most evidence."""
_ANCHOR = 6.0
"""Evidence that a string needs to be one of them, and that three need for a cycle to be looked for."""
_WORTH = (-3.1, -9.62, 8.05, -0.21, -11.85, 18.72, -3.6)
"""Log odds that the places where strings may be splices are worth putting in order: weights of the log of the text's
length, of log(1 + value) for how many places have more than 1 nat and more than 2, how many strings have an anchor's
evidence, the evidence of the best 3 strings and of the best 6; and the constant. Logistic regression on 490 generated
pages against 600 clean articles and the texts of 145 real pages: 99% of the pages whose cycle can be found are above
0, and 8% and 20% of the clean ones."""
_ACCEPT = (2.166, 1.259, 1.015, 2.618, 1.237, -23.55)
"""Log odds that a cycle was dealt out: weights of log(value + 5), of its length (at most 6), of the log of its pieces
in the text, of their mean value, of the share of the strings' places that are in the cycle; and the constant. Logistic
regression on spoiled pages (`spoiled-dev` and generated) against 2,800 clean articles of held-out publishers."""
ACCEPTED, DOUBTED = 0.25, -2.0
"""Log odds from which on a cycle is cut, and from which on it is doubted."""
_FEWEST = 3
"""Different strings of a cycle. Two that alternate are as a rule what the article is about."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A span of the text that is a piece of the cycle."""

    start: int
    end: int
    place: int
    """Its place in the cycle."""
    value: float
    """Nats of evidence: its seams, and how unlikely the string is there by chance."""


@dataclass(frozen=True, slots=True)
class Dealt:
    """A cycle of strings and where they were dealt."""

    cycle: tuple[str, ...]
    pieces: tuple[Piece, ...]
    odds: float
    """Log odds that this was dealt out by a farm."""


NOTHING_DEALT = Dealt((), (), -99.0)


_Way = Sequence[tuple[int, int]]
"""Rows of joints and their places in the cycle."""


@cache
def _costs() -> splices.Costs:
    return splices.Costs(_SKIP, _MISSED, _NEXT, _NAME, _FAR_COST, _FAR, LONGEST)


def _fill(found: splices.Joints, cycle: list[int], way: _Way) -> list[int]:
    """Return the cycle with the string that best fills one of its intervals, or unchanged."""
    rows, places = np.array(way, np.int64).reshape(-1, 2).T
    begins, stops, places = found.ends[rows[:-1]], found.starts[rows[1:]], places[:-1]
    turns = np.searchsorted(begins, found.starts, "right") - 1
    inside = np.flatnonzero((turns >= 0) & (found.ends <= np.append(stops, -1)[turns]))
    if not len(inside):
        return cycle
    room = int(found.strings.max()) + 1
    # Of each string the best in each turn, then the turns of each interval together.
    keys = turns[inside] * room + found.strings[inside]
    order = np.lexsort((-found.values[inside], keys))
    first = order[np.append(True, np.diff(keys[order]) > 0)]
    options = places[keys[first] // room] * room + keys[first] % room
    by_option = np.argsort(options, kind="stable")
    options = options[by_option]
    begin = np.flatnonzero(np.append(True, np.diff(options) > 0))
    count = np.diff(np.append(begin, len(options)))
    values = np.add.reduceat(found.values[inside[first]][by_option].astype(np.float64), begin)
    options = options[begin]
    missed = np.bincount(places)[options // room] - count
    score = np.where(count > 1, values + _NEXT * count - _MISSED * missed, 0.0)
    best = int(score.argmax())
    place, name = divmod(int(options[best]), room)
    return [*cycle[: 1 + place], name, *cycle[1 + place :]] if score[best] > _NAME else cycle


def _stretch(pieces: Sequence[Piece], key: str) -> tuple[Piece, ...]:
    """Return the pieces, each as long as all of its kind agree.

    Three that go on with the same character do not do so by chance. What is between two pieces belongs to neither.
    """
    starts, ends = [piece.start for piece in pieces], [piece.end for piece in pieces]
    by_place: dict[int, list[int]] = {}
    for row, piece in enumerate(pieces):
        by_place.setdefault(piece.place, []).append(row)
    for _, rows in sorted(by_place.items()):
        if len(rows) < 3:
            continue
        size = ends[rows[0]] - starts[rows[0]]
        while size < LONGEST and all(starts[row] > (ends[row - 1] if row else 0) for row in rows):
            if not _agree(key, [starts[row] - 1 for row in rows]):
                break
            for row in rows:
                starts[row] -= 1
            size += 1
        edges = [*starts[1:], len(key)]
        while size < LONGEST and all(ends[row] < edges[row] for row in rows):
            if not _agree(key, [ends[row] for row in rows]):
                break
            for row in rows:
                ends[row] += 1
            size += 1
    return tuple(Piece(a, b, piece.place, piece.value) for piece, a, b in zip(pieces, starts, ends, strict=True))


def _agree(key: str, places: Sequence[int]) -> bool:
    """Tell whether the same letter stands at all places."""
    return len({key[at] for at in places}) == 1 and bool(word_table()[ord(key[places[0]])])


def _is_mark(key: str, at: int) -> bool:
    """Tell whether a mark or an end of the text is at a place. Strings between marks are those of a list or a table.

    Of the pieces that farms deal out at most .21 stand so.
    """
    return not 0 <= at < len(key) or not (word_table()[ord(key[at])] or key[at] in _BLANK)


_BLANK = " \t\u3000\xa0"


def _is_worth(value: Floats, sums: NDArray[Any], strong: int, size: int) -> bool:
    many = (np.count_nonzero(value > 1), np.count_nonzero(value > 2), strong)
    best = np.sort(sums)[::-1]
    signs = (math.log(size), *map(math.log1p, (*many, best[:3].sum(), best[:6].sum())), 1.0)
    return sum(weight * sign for weight, sign in zip(_WORTH, signs, strict=True)) > 0


def find_pieces(reading: Reading, text: splices.Text, key: str) -> Dealt:
    """Return the cycle that best explains the text, and where its pieces were dealt. Judge it by `odds`.

    `text` is `key` as the kernels have it.
    """
    found = splices.joints(
        *(reading.language, text, reading.told, splices.Weights(*_WEIGHTS), _LEAST, SHORTEST, LONGEST)
    )
    sums = np.bincount(found.strings, found.values.astype(np.float64) - _LEAST)
    strong = np.flatnonzero(sums >= _ANCHOR)
    if len(strong) < _FEWEST or not _is_worth(found.values, sums, len(strong), len(key)):
        return NOTHING_DEALT
    order = np.lexsort((found.starts, found.ends))
    found = splices.Joints(found.starts[order], found.ends[order], found.strings[order], found.values[order])
    total, cycle, way = 0.0, list[int](), list[tuple[int, int]]()
    tried: set[tuple[int, ...]] = set()
    for anchor in strong[np.lexsort((strong, -sums[strong]))][:_ANCHORS].tolist():
        trial = splices.order(found, len(key), anchor, _costs())
        first = trial.index(min(trial)) if trial else 0
        turned = (*trial[first:], *trial[:first])
        if len(trial) > 1 and turned not in tried:  # the same cycle from another piece on is worth the same
            tried.add(turned)
            value, steps = splices.path(found, trial, _costs())
            value -= _NAME * len(trial)
            if value > total:
                total, cycle, way = value, trial, steps
    for _ in range(8):
        counts = Counter(place for _, place in way)
        used = [name for place, name in enumerate(cycle) if counts[place] > 1]
        trial = _fill(found, cycle, way) if len(used) == len(cycle) else used
        if trial == cycle or not trial:
            break
        value, steps = splices.path(found, trial, _costs())
        value -= _NAME * len(trial)
        if len(trial) > len(cycle) and value <= total:
            break
        total, cycle, way = value, trial, steps
    starts, ends, values = found.starts.tolist(), found.ends.tolist(), found.values.tolist()
    rows = [int((found.strings == name).argmax()) for name in cycle]
    strings = tuple(key[starts[row] : ends[row]] for row in rows)
    pieces = tuple(Piece(starts[row], ends[row], place, values[row]) for row, place in way)
    if len(set(strings)) < _FEWEST or total <= 0:
        return NOTHING_DEALT
    mean = sum(piece.value for piece in pieces) / len(pieces)
    share = len(pieces) / sum(key.count(string) for string in set(strings))
    pieces = _stretch(pieces, key)
    if 2 * sum(_is_mark(key, piece.start - 1) and _is_mark(key, piece.end) for piece in pieces) > len(pieces):
        return NOTHING_DEALT
    evidence = (math.log(total + 5), min(len(strings), 6), math.log(len(pieces)), mean, share, 1.0)
    return Dealt(strings, pieces, sum(weight * value for weight, value in zip(_ACCEPT, evidence, strict=True)))
