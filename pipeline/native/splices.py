"""Kernels over texts: how well they read, and what looks spliced into them."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.native.library import Arrays, Record, addresses, at, call

__all__ = [
    "ALPHANUMERIC",
    "DIGIT",
    "LETTER",
    "WORD",
    "Bounds",
    "Costs",
    "Glance",
    "Joints",
    "Language",
    "Reading",
    "Shape",
    "Spans",
    "Text",
    "Weights",
    "candidates_and_evidence",
    "disguised",
    "glance",
    "joints",
    "order",
    "path",
    "read",
    "seams",
    "signs",
    "suspect_phrases",
    "suspect_pieces",
]

WORD, LETTER, DIGIT, ALPHANUMERIC = (1 << bit for bit in range(4))
"""Kinds of character, as bits: it may be inside a phrase; ASCII letter; ASCII digit; letter, digit or ideograph."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
_Numbers = NDArray[np.int32]


class Language(Record):
    """The model of the language, as `pipeline.ingest.fluency` loads it. The first fields are arrays."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("symbols", "pair_steps", "one_steps")),
        *((name, ctypes.c_void_p) for name in ("one", "one_back", "two", "two_back", "three")),
        *((name, ctypes.c_void_p) for name in ("pair_words", "pair_before", "triple_keys", "triple_rows")),
        *((name, ctypes.c_void_p) for name in ("themed", "themes")),
        *((name, ctypes.c_int64) for name in ("size", "triple_shift", "triple_mask", "break_symbol", "n_directions")),
    )


class Shape(Record):
    """How characters follow each other in search phrases: gains of the first symbol, steps of pairs, symbols."""

    _fields_ = (("first", ctypes.c_void_p), ("pairs", ctypes.c_void_p), ("size", ctypes.c_int64))


class Text(Record):
    """A text: code points folded and as they are, their number; kinds of all code points, their scripts (1, -1, 0)."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("key", "page")),
        ("size", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("kinds", "scripts")),
    )


class Bounds(Record):
    """What a candidate needs for a full look: see `pipeline.ingest.evidence`."""

    _fields_ = (
        *((name, ctypes.c_float) for name in ("left", "right", "both")),
        ("hope", ctypes.c_float * 5),
        *((name, ctypes.c_int64) for name in ("shortest", "longest", "most")),
    )


class Weights(Record):
    """Of the log odds of a recurring string being spliced in: see `pipeline.ingest.pieces`."""

    _fields_ = tuple((name, ctypes.c_float) for name in ("low", "high", "slope", "offset", "worse", "worst"))


class Costs(Record):
    """Nats that a cycle of pieces costs and gains: see `pipeline.ingest.pieces`."""

    _fields_ = (
        *((name, ctypes.c_double) for name in ("skip", "missed", "next", "name", "far_cost")),
        *((name, ctypes.c_int64) for name in ("far", "longest")),
    )


class _Candidates(Record):
    _fields_ = tuple((name, ctypes.c_void_p) for name in ("start", "end", "foreign", "left", "right", "shaped", "own"))


class Spans(Arrays):
    """Spans of a text with what they gain if they go."""

    _fields_ = addresses("starts", "ends", "gain")
    starts: _Numbers
    ends: _Numbers
    gain: Floats
    """Nats that both seams of each span gain."""


class Glance(NamedTuple):
    """What a first look sees: spans that sit badly, and what is known of each character."""

    spans: Spans
    symbols: _Numbers
    """Of each character, and a line break before and two behind, shape `(size + 3,)`."""
    alone: Floats
    """Log probability of each character by itself, shape `(size,)`."""
    pair: Floats
    """And after the one before it."""


_REACH = 21
"""Ends of spans that begin at one place, in a glance."""


def glance(language: Language, key: NDArray[np.uint32], loose: int, bad: int) -> Glance:
    """Return the spans of 2 to 22 characters that sit badly by their pairs alone.

    Args:
        language: the model.
        key: code points of the folded text.
        loose: steps from which on a character does not go with the one before it.
        bad: steps that both seams must gain.
    """
    size = len(key)
    starts, ends, gain = np.empty(_REACH * size, np.int32), np.empty(_REACH * size, np.int32), _floats(_REACH * size)
    symbols, alone, pair = np.empty(size + 3, np.int32), _floats(size), _floats(size)
    numbers = (ctypes.c_int64(number) for number in (size, loose, bad))
    spans = Spans(starts, ends, gain)
    found = call("tw_glance", language, at(key), *numbers, spans, at(symbols), at(alone), at(pair))
    return Glance(Spans(*(array[:found].copy() for array in (starts, ends, gain))), symbols, alone, pair)


class Reading(Arrays):
    """A text read by the model, with two line breaks before it and two behind: each of shape `(size + 4,)`."""

    _fields_ = addresses("symbols", "row", "pair", "one", "log")
    symbols: _Numbers
    row: _Numbers
    """Of the pair of characters that ends here; -1: not in the model."""
    pair: Floats
    """Log probability after the character before."""
    one: Floats
    """By itself."""
    log: Floats
    """After the two before."""


def read(language: Language, key: NDArray[np.uint32]) -> Reading:
    """Return what the model says of each character of a folded text."""
    size = len(key) + 4
    reading = Reading(np.empty(size, np.int32), np.empty(size, np.int32), _floats(size), _floats(size), _floats(size))
    call("tw_read", language, at(key), ctypes.c_int64(len(key)), reading)
    return reading


def seams(language: Language, reading: Reading, starts: Ints, ends: Ints) -> tuple[Floats, Floats]:
    """Return how badly spans sit at their left seam and at their right, in nats."""
    starts, ends = (np.ascontiguousarray(side, np.int64) for side in (starts, ends))
    left, right = _floats(len(starts)), _floats(len(starts))
    count = ctypes.c_int64(len(starts))
    call("tw_seams", language, reading, count, *(at(x) for x in (starts, ends, left, right)))
    return left, right


def suspect_phrases(
    text: Text, shape: Shape, seen: Glance, columns: int, *, shortest: int, most: int, usual: int
) -> tuple[Floats, tuple[Ints, Ints]]:
    """Return what spans have of phrases, shape `(n_spans, columns)`, and their starts and ends.

    Of the spans those are told of that gain most and have the characters of a phrase.
    """
    chosen = Spans(seen.spans.starts.copy(), seen.spans.ends.copy(), seen.spans.gain.copy())
    signs = np.empty((len(chosen.starts), columns), np.float32)
    kept = call(
        *("tw_suspect_phrases", text, shape, chosen, ctypes.c_int64(len(chosen.starts))),
        *(at(array) for array in seen[1:]),
        *(ctypes.c_int64(number) for number in (shortest, most, usual)),
        at(signs),
    )
    return signs[:kept], (chosen.starts[:kept].astype(np.int64), chosen.ends[:kept].astype(np.int64))


def suspect_pieces(text: Text, seen: Glance, columns: int, *, longest: int, badly: float) -> Floats:
    """Return what spans have of pieces that are dealt out, shape `(1, columns)`."""
    signs = np.empty((1, columns), np.float32)
    call(
        *("tw_suspect_pieces", text, seen.spans, ctypes.c_int64(len(seen.spans.starts)), at(seen.symbols)),
        *(at(seen.pair), ctypes.c_int64(longest), ctypes.c_double(badly), at(signs)),
    )
    return signs


def candidates_and_evidence(
    language: Language,
    shape: Shape,
    text: Text,
    reading: Reading,
    bounds: Bounds,
    elements: NDArray[np.int64],
    columns: int,
) -> tuple[Ints, Ints, Floats]:
    """Return starts and ends of the spans that may be phrases, and their evidence, shape `(n_spans, columns)`.

    `elements` are spans that are told of in any case, sorted, shape `(n, 2)`.
    """
    room = int(text.size) * (bounds.longest - bounds.shortest + 1) + len(elements)
    starts, ends, foreign = (np.empty(room, np.int32) for _ in range(3))
    left, right, shaped = (_floats(room) for _ in range(3))
    own, page = np.empty(room, np.uint8), _floats(2)
    found = _Candidates(starts, ends, foreign, left, right, shaped, own)
    many = ctypes.c_int64(len(elements))
    count = call("tw_candidates", language, shape, text, reading, bounds, at(elements), many, found, at(page))
    evidence = np.empty((count, columns), np.float32)
    numbers = ctypes.c_int64(count), at(page), ctypes.c_int64(columns)
    if call("tw_measure", language, shape, text, reading, found, *numbers, at(evidence)):
        raise ValueError(f"the kernels do not measure {columns} columns")
    return starts[:count].astype(np.int64), ends[:count].astype(np.int64), evidence


class Joints(Arrays):
    """Places where recurring strings may be splices."""

    _fields_ = addresses("starts", "ends", "strings", "values")
    starts: _Numbers
    ends: _Numbers
    strings: _Numbers
    """Numbers, the same for the same string."""
    values: Floats
    """Log odds of each."""


def joints(
    language: Language, text: Text, reading: Reading, weights: Weights, least: float, shortest: int, longest: int
) -> Joints:
    """Return the places where recurring strings of these lengths may be splices, with log odds above `least`."""
    room = int(text.size) * (longest - shortest + 1)
    starts, ends, strings = (np.empty(room, np.int32) for _ in range(3))
    values = _floats(room)
    found = Joints(starts, ends, strings, values)
    count = call(
        *("tw_joints", language, text, reading, weights, ctypes.c_float(least)),
        *(ctypes.c_int64(shortest), ctypes.c_int64(longest), found),
    )
    return Joints(starts[:count].copy(), ends[:count].copy(), strings[:count].copy(), values[:count].copy())


def order(found: Joints, size: int, anchor: int, costs: Costs) -> list[int]:
    """Return the cycle of strings that `anchor` begins, [] where it does not come again.

    Args:
        found: the joints, sorted by their ends.
        size: characters of the text.
        anchor: a string.
        costs: nats that a cycle costs and gains.
    """
    cycle = np.empty(len(found.starts) + 1, np.int32)
    numbers = ctypes.c_int64(len(found.starts)), ctypes.c_int64(size), ctypes.c_int32(anchor)
    length = call("tw_order", found, *numbers, costs, at(cycle))
    return [int(name) for name in cycle[:length]]


def path(found: Joints, cycle: Sequence[int], costs: Costs) -> tuple[float, list[tuple[int, int]]]:
    """Return the best way through the text that takes the cycle's pieces in their order: its value, and its steps.

    A step is the row of a joint and its place in the cycle.
    """
    strings = np.array(cycle, np.int32)
    room = len(found.starts) * len(strings) + 1
    rows, places, total = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(1)
    numbers = ctypes.c_int64(len(found.starts)), at(strings), ctypes.c_int64(len(strings))
    length = call("tw_path", found, *numbers, costs, at(rows), at(places), at(total))
    return float(total[0]), list(zip(rows[:length].tolist(), places[:length].tolist(), strict=True))


def signs(text: NDArray[np.uint32], table: NDArray[np.uint8]) -> int:
    """Return the signs of all characters of a text together; `table` has those of each code point."""
    return call("tw_signs", at(text), ctypes.c_int64(len(text)), at(table))


def disguised(
    text: NDArray[np.uint32],
    spans: Sequence[tuple[int, int]],
    table: NDArray[np.uint8],
    *,
    hidden: int,
    single: int,
    spacer: int,
    letter: int,
) -> tuple[int, int]:
    """Return how many characters of the spans have a sign of `hidden`, and how many stand alone before a gap.

    These have a sign of `single`, one of `spacer` behind them, and none of `letter` before.
    """
    edges, gaps = np.array(spans, np.int64).reshape(-1, 2), np.empty(1, np.int64)
    of = (ctypes.c_uint8(sign) for sign in (hidden, single, spacer, letter))
    found = call("tw_disguised", at(text), at(edges), ctypes.c_int64(len(edges)), at(table), *of, at(gaps))
    return found, int(gaps[0])


def _floats(size: int) -> Floats:
    return np.empty(size, np.float32)
