"""Kernels over texts: how well they read, and what looks spliced into them."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from pipeline.native.library import Arrays, Record, address, addresses, at, call

__all__ = [
    "ADDRESS",
    "ALPHANUMERIC",
    "DIGIT",
    "DISGUISED",
    "DOT",
    "HIDDEN",
    "LATIN",
    "LETTER",
    "SIMPLIFIED",
    "SPACER",
    "TONE",
    "TRADITIONAL",
    "WORD",
    "Bounds",
    "Costs",
    "Joints",
    "Language",
    "Reading",
    "Regression",
    "Seen",
    "Shape",
    "Sight",
    "Text",
    "Weights",
    "candidates_and_evidence",
    "glance",
    "joined",
    "joints",
    "order",
    "pairs",
    "path",
    "placed",
    "read",
    "seams",
    "signs",
    "strange_ends",
]

WORD, LETTER, DIGIT, ALPHANUMERIC = (1 << bit for bit in range(4))
"""Kinds of character, as bits: it may be inside a phrase; ASCII letter; ASCII digit; letter, digit or ideograph."""
HIDDEN, TONE, LATIN, DOT, DISGUISED, SPACER, TRADITIONAL, SIMPLIFIED, ADDRESS = (1 << bit for bit in range(9))
"""Signs of a character, as bits: it shows nothing, has the mark of a tone, reads as a Latin letter or digit or as a
dot, passes for one of these, stands between the letters of a spaced address, is of one script only; of a text: it may
have a disguised address."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]
_Numbers = NDArray[np.int32]


class Language(Record):
    """The model of the language, as `pipeline.ingest.fluency` loads it. The first fields are arrays."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("symbols", "pair_steps", "one_steps")),
        *((name, ctypes.c_void_p) for name in ("one", "one_back", "pairs", "pair_rows", "triples")),
        *((name, ctypes.c_void_p) for name in ("themed", "themes")),
        *((name, ctypes.c_int64) for name in ("size", "triple_shift", "triple_mask", "break_symbol", "n_directions")),
    )


class Shape(Record):
    """How characters follow each other in search phrases: gains of the first symbol, steps of pairs, symbols."""

    _fields_ = (("first", ctypes.c_void_p), ("pairs", ctypes.c_void_p), ("size", ctypes.c_int64))


class Text(Record):
    """A text: code points folded and as they are, their number; kinds of all code points, their scripts (1, -1, 0).

    And whether it may have characters of both.
    """

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("key", "page")),
        ("size", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("kinds", "scripts")),
        ("mixed", ctypes.c_int64),
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


class Sight(Record):
    """What a glance looks for: see `pipeline.ingest.evidence` and `pieces`. Gains are in steps."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("loose", "bad", "shortest", "most", "usual", "longest", "badly")),
        ("like", ctypes.c_float),
    )


class Regression(Record):
    """A logistic regression: means, scales and weights of columns, the constant, how far a column is held."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("mean", "scale", "weight")),
        *((name, ctypes.c_float) for name in ("bias", "far")),
    )


class Seen(Record):
    """What a glance sees."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("at_spans", "at_phrases", "at_pieces", "at_like")),
        *((name, ctypes.c_float) for name in ("phrase_odds", "piece_odds")),
    )

    def __init__(self, n_elements: int) -> None:
        self.spans = np.empty((_MOST_SPANS, 2), np.int32)
        """Starts and ends."""
        self.phrases = np.empty((_MOST_SPANS, _OF_PHRASES), np.float32)
        """What they have of phrases."""
        self.pieces = np.empty((1, _OF_PIECES), np.float32)
        """What the page has of pieces."""
        self.like = np.zeros(n_elements, bool)
        """Whether each element has the shape of a phrase."""
        super().__init__(self.spans, self.phrases, self.pieces, self.like, 0, 0)


_MOST_SPANS, _OF_PHRASES, _OF_PIECES = 64, 22, 14
"""Of a glance, as the kernel has them."""


class _Memory(threading.local):
    """What a glance needs, kept from page to page: fresh memory costs more than what is done with it."""

    size = 0
    room = np.empty(0, np.uint8)
    seen: Seen | None = None


_memory = _Memory()
_KEPT = 1 << 24
"""Bytes that stay: enough for 25,000 characters."""
_FEW = 32
"""Elements that the memory kept has room for."""


def _room(size: int, sight: Sight) -> NDArray[np.uint8]:
    """Return memory for a text of this size."""
    if size <= _memory.size:
        return _memory.room
    size += size // 4
    room = np.empty(call("tw_glance_room", ctypes.c_int64(size), sight), np.uint8)
    if len(room) <= _KEPT:
        _memory.room, _memory.size = room, size
    return room


def glance(
    language: Language,
    shape: Shape,
    text: Text,
    sight: Sight,
    elements: Sequence[tuple[int, int]],
    judges: tuple[Record | None, Regression | None],
) -> tuple[int, Seen]:
    """Look at a text, and return of how many spans is told, and what is seen; the next glance writes it over.

    Args:
        language: the model.
        shape: how characters follow each other in phrases.
        text: the text.
        sight: what to look for.
        elements: spans of the text that are elements of their own.
        judges: networks for spans and a regression for pages; None for one whose odds are not asked.
    """
    seen = _memory.seen
    if seen is None or len(elements) > _FEW:
        seen = Seen(max(_FEW, len(elements)))
        if len(elements) <= _FEW:
            _memory.seen = seen
    told = pairs(elements) if elements else None
    where, many = at(told) if told is not None else None, ctypes.c_int64(len(elements))
    memory = at(_room(int(text.size), sight))
    return call("tw_glance", language, shape, text, sight, where, many, *judges, memory, seen), seen


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
    told: list[int] = cycle[:length].tolist()
    return told


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


def strange_ends(
    language: Language, key: NDArray[np.uint32], marks: NDArray[np.uint32], first: int, most: int, least: int
) -> int:
    """Return how many clauses of a text gain more than `least` steps without their last two characters.

    Args:
        language: the model.
        key: code points of the folded text.
        marks: that end a clause, and a 0.
        first: place from which on they are looked for, at least 3.
        most: ends that are looked at, all over the text; up to twice as many.
        least: steps.
    """
    return call(
        "tw_strange_ends",
        language,
        at(key),
        *map(ctypes.c_int64, (len(key),)),
        at(marks),
        *map(ctypes.c_int64, (first, most, least)),
    )


def signs(text: bytes, spans: NDArray[np.int64], table: NDArray[np.uint8], least: int) -> int:
    """Return the signs of all characters of spans, shape `(n_spans, 2)`, of a text in UTF-32.

    `table` has those of each code point. `ADDRESS` is told where a run of letters and what may stand between them has
    `least` that are disguised or spaced.
    """
    return call("tw_signs", text, at(spans), ctypes.c_int64(len(spans)), at(table), ctypes.c_int64(least))


def joined(key: bytes, page: bytes, parts: NDArray[np.int64], size: int) -> NDArray[np.uint32]:
    """Return the code points of parts of a page, folded and as it is, shape `(2, size)`. (-1, 0) is a line break.

    Args:
        key: the folded page in UTF-32.
        page: the page, of the same length.
        parts: their edges, shape `(n_parts, 2)`.
        size: characters of all together.
    """
    told = np.empty((2, size), np.uint32)
    where = address(told)
    number = ctypes.c_int64(len(parts))
    call("tw_join", key, page, at(parts), number, ctypes.c_void_p(where), ctypes.c_void_p(where + 4 * size))
    return told


def placed(parts: NDArray[np.int64], spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return where spans of the page stand in the text that `parts` are joined to: those that begin and end in one.

    The spans are sorted by where they begin, and of one character at least.
    """
    wanted = pairs(spans)
    out = np.empty_like(wanted)
    numbers = ctypes.c_int64(len(parts)), ctypes.c_int64(len(wanted))
    found = call("tw_place", at(parts), numbers[0], at(wanted), numbers[1], at(out))
    return [(start, end) for start, end in out[:found].tolist()]


def pairs(spans: Sequence[tuple[int, int]]) -> NDArray[np.int64]:
    """Return spans as an array, shape `(n_spans, 2)`: from one number after the other in a third of the usual time."""
    return np.fromiter(chain.from_iterable(spans), np.int64, 2 * len(spans)).reshape(-1, 2)


def _floats(size: int) -> Floats:
    return np.empty(size, np.float32)
