"""Kernels over texts: how well they read, and what looks spliced into them."""

from __future__ import annotations

import ctypes
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.native.library import Record, at, call

__all__ = [
    "ALPHANUMERIC",
    "DIGIT",
    "LETTER",
    "WORD",
    "Bounds",
    "Language",
    "Reading",
    "Shape",
    "Spans",
    "Text",
    "Weights",
    "candidates_and_evidence",
    "glance",
    "joints",
    "read",
    "seams",
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


class _Spans(Record):
    _fields_ = tuple((name, ctypes.c_void_p) for name in ("start", "end", "gain"))


class _Reading(Record):
    _fields_ = tuple((name, ctypes.c_void_p) for name in ("symbols", "row", "pair", "one", "log"))


class _Candidates(Record):
    _fields_ = tuple((name, ctypes.c_void_p) for name in ("start", "end", "foreign", "left", "right", "shaped", "own"))


class _Joints(Record):
    _fields_ = tuple((name, ctypes.c_void_p) for name in ("start", "end", "name", "value"))


class Spans(NamedTuple):
    """Spans of a text with what they gain if they go, and what is known of each of its characters."""

    starts: _Numbers
    ends: _Numbers
    gain: Floats
    """Nats that both seams of each span gain."""
    symbols: _Numbers
    """Of each character, and a line break before and two behind, shape `(size + 3,)`."""
    alone: Floats
    """Log probability of each character by itself, shape `(size,)`."""
    pair: Floats
    """And after the one before it."""


_REACH = 21
"""Ends of spans that begin at one place, in a glance."""


def glance(language: Language, key: NDArray[np.uint32], loose: int, bad: int) -> Spans:
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
    found = call("tw_glance", language, at(key), *numbers, _Spans(starts, ends, gain), at(symbols), at(alone), at(pair))
    return Spans(starts[:found].copy(), ends[:found].copy(), gain[:found].copy(), symbols, alone, pair)


class Reading(NamedTuple):
    """A text read by the model, with two line breaks before it and two behind: each of shape `(size + 4,)`."""

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
    call("tw_read", language, at(key), ctypes.c_int64(len(key)), _Reading(*reading))
    return reading


def seams(language: Language, reading: Reading, starts: Ints, ends: Ints) -> tuple[Floats, Floats]:
    """Return how badly spans sit at their left seam and at their right, in nats."""
    starts, ends = (np.ascontiguousarray(side, np.int64) for side in (starts, ends))
    left, right = _floats(len(starts)), _floats(len(starts))
    count = ctypes.c_int64(len(starts))
    call("tw_seams", language, _Reading(*reading), count, *(at(x) for x in (starts, ends, left, right)))
    return left, right


def suspect_phrases(
    text: Text, shape: Shape, spans: Spans, columns: int, *, shortest: int, most: int, usual: int
) -> tuple[Floats, tuple[Ints, Ints]]:
    """Return what spans have of phrases, shape `(n_spans, columns)`, and their starts and ends.

    Of the spans those are told of that gain most and have the characters of a phrase.
    """
    starts, ends, gain = spans.starts.copy(), spans.ends.copy(), spans.gain.copy()
    signs = np.empty((len(starts), columns), np.float32)
    kept = call(
        *("tw_suspect_phrases", text, shape, _Spans(starts, ends, gain), ctypes.c_int64(len(starts))),
        *(at(array) for array in spans[3:]),
        *(ctypes.c_int64(number) for number in (shortest, most, usual)),
        at(signs),
    )
    return signs[:kept], (starts[:kept].astype(np.int64), ends[:kept].astype(np.int64))


def suspect_pieces(text: Text, spans: Spans, columns: int, *, longest: int, badly: float) -> Floats:
    """Return what spans have of pieces that are dealt out, shape `(1, columns)`."""
    signs = np.empty((1, columns), np.float32)
    call(
        *("tw_suspect_pieces", text, _Spans(*spans[:3]), ctypes.c_int64(len(spans.starts)), at(spans.symbols)),
        *(at(spans.pair), ctypes.c_int64(longest), ctypes.c_double(badly), at(signs)),
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
    told = _Reading(*reading)
    many = ctypes.c_int64(len(elements))
    count = call("tw_candidates", language, shape, text, told, bounds, at(elements), many, found, at(page))
    evidence = np.empty((count, columns), np.float32)
    numbers = ctypes.c_int64(count), at(page), ctypes.c_int64(columns)
    if call("tw_measure", language, shape, text, told, found, *numbers, at(evidence)):
        raise ValueError(f"the kernels do not measure {columns} columns")
    return starts[:count].astype(np.int64), ends[:count].astype(np.int64), evidence


def joints(
    language: Language, text: Text, reading: Reading, weights: Weights, least: float, shortest: int, longest: int
) -> tuple[Ints, Ints, Ints, Floats]:
    """Return the places where recurring strings may be splices: starts, ends, names and log odds.

    The same string has the same name.
    """
    room = int(text.size) * (longest - shortest + 1)
    starts, ends, names = (np.empty(room, np.int32) for _ in range(3))
    values = _floats(room)
    count = call(
        *("tw_joints", language, text, _Reading(*reading), weights, ctypes.c_float(least)),
        *(ctypes.c_int64(shortest), ctypes.c_int64(longest), _Joints(starts, ends, names, values)),
    )
    first, last, name = (array[:count].astype(np.int64) for array in (starts, ends, names))
    return first, last, name, values[:count].copy()


def _floats(size: int) -> Floats:
    return np.empty(size, np.float32)
