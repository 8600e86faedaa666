"""Kernels over pages: the walk through the tree, the sieve before the noise rules, the features of blocks."""

from __future__ import annotations

import ctypes
import threading
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.native.library import TOO_MANY, Record, at, call

__all__ = [
    "ALTERNATIVE",
    "BEGINS_PAIR",
    "ELEMENT",
    "HASHES",
    "HAS_HINTS",
    "INLINE",
    "MAKE",
    "MOST_RULES",
    "Flattened",
    "Marks",
    "Matchers",
    "Words",
    "count_byte",
    "describe",
    "find_words",
    "flatten",
    "lines",
    "match_rules",
    "nearest",
    "pair_hash",
    "shares",
]

_LINE = np.dtype([("start", "i4"), ("end", "i4"), ("element", "i4"), ("linked", "i4")])
ELEMENT = np.dtype(
    [(name, "i4") for name in ("parent", "begin", "end", "mark", "make", "hidden", "style_size", "unused")]
    + [("style", "i8")]
)
"""An element that shows text: number of its parent (-1: none), the first block inside it and the first behind, its mark
(-1: none), number of its make; whether it has the attribute `hidden`, and where its style stands."""
_INNER = np.dtype([(name, "i4") for name in ("start", "end", "hidden", "style_size")] + [("style", "i8")])


class _Walk(Record):
    _fields_ = (
        ("html", ctypes.c_char_p),
        ("size", ctypes.c_int64),
        ("mark", ctypes.c_char_p),
        ("most", ctypes.c_int64),
        ("noscript", ctypes.c_int32),
        ("prose", ctypes.c_int32),
        ("hint_most", ctypes.c_int32),
        ("text", ctypes.c_void_p),
        ("lines", ctypes.c_void_p),
        ("elements", ctypes.c_void_p),
        ("inner", ctypes.c_void_p),
        ("told", ctypes.c_void_p),
        ("said", ctypes.c_void_p),
        *((name, ctypes.c_int64) for name in ("text_size", "n_lines", "n_elements", "n_inner")),
        *((name, ctypes.c_int64) for name in ("told_size", "said_size", "n_makes")),
    )


class Flattened(NamedTuple):
    """What a page's tree shows."""

    text: str
    lines: NDArray[Any]
    """Of fields `start`, `end`, `element` (its number) and `linked` (characters inside links)."""
    elements: NDArray[Any]
    """Of type `ELEMENT`, parents before their children."""
    makes: list[tuple[str, str]]
    """Name and hints (class, id, role, itemprop), lower case, of each make of elements."""
    inner: list[tuple[int, int, int, int, int]]
    """Start, end, whether it has `hidden`, size and place of its style, of each element inside a line of prose."""
    said: list[tuple[str, str]]
    """What the page says of itself, in its order: M and a meta's property, name or itemprop, with its content; T with a
    title, L with the address of a canonical link, J with JSON-LD, H with the language of `html`."""
    tree: bytes

    def style(self, size: int, at: int) -> bytes:
        """Return a style."""
        return self.tree[at : at + size]


class _Scratch(threading.local):
    """Memory that stays from page to page: given back and asked for again, the kernel clears its pages each time."""

    room = np.empty(0, np.uint8)


_scratch = _Scratch()
_MOST_SCRATCH = 1 << 24
"""Bytes that stay."""


def _rooms(*wanted: tuple[int, np.dtype[Any]]) -> list[NDArray[Any]]:
    """Return arrays of so many items, in memory that the next call takes again: copy what is to stay."""
    ends = list(accumulate(-(-count * kind.itemsize // 8) * 8 for count, kind in wanted))
    room = _scratch.room
    if ends[-1] > len(room):
        room = np.empty(2 * ends[-1], np.uint8)
        if len(room) <= _MOST_SCRATCH:
            _scratch.room = room
    return [
        room[start : start + count * kind.itemsize].view(kind)
        for start, (count, kind) in zip((0, *ends), wanted, strict=False)
    ]


def count_byte(data: bytes, byte: bytes) -> int:
    """Return how often a byte stands in `data`: 8 us for a page of 94 kB, where `bytes.count` takes 60."""
    return int(np.count_nonzero(np.frombuffer(data, np.uint8) == ord(byte)))


def flatten(tree: bytes, *, mark: str, most: int, noscript: bool, prose: int, hint_most: int) -> Flattened | None:
    """Return what a page shows; None where it has more than `most` lines.

    Args:
        tree: the page as the HTML parser writes it out.
        mark: attribute whose number is an element's mark; "" is none.
        most: lines.
        noscript: whether what is inside `noscript` shows.
        prose: characters of a line whose inner elements are told of.
        hint_most: code points of an element's hints.
    """
    tags = count_byte(tree, b"<") + 1
    size = len(tree)
    told_room = (size + 2 * tags, np.dtype(np.uint8))
    elements, inner, lines, text, told, said = _rooms(
        (tags, ELEMENT), (tags, _INNER), (size // 2 + 2, _LINE), (size + 1, np.dtype(np.uint32)), told_room, told_room
    )
    walk = _Walk(
        *(tree, size, mark.encode(), most, noscript, prose, hint_most),
        *(text, lines, elements, inner, told, said),
    )
    if call("tw_flatten", walk) == TOO_MANY:
        return None

    names_and_hints = told[: walk.told_size].tobytes().decode().lower().split("\0")[:-1]
    said_of = said[: walk.said_size].tobytes().decode().split("\0")[:-1]
    return Flattened(
        text[: walk.text_size].tobytes().decode("utf-32-le"),
        lines[: walk.n_lines].copy(),
        elements[: walk.n_elements].copy(),
        list(zip(names_and_hints[::2], names_and_hints[1::2], strict=True)),
        inner[: walk.n_inner].tolist(),
        list(zip(said_of[::2], said_of[1::2], strict=True)),
        tree,
    )


def nearest(elements: NDArray[Any], says: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return for each element the number of the nearest that says something, itself or one round it; -1: none does.

    Args:
        elements: of type `ELEMENT`, parents before their children.
        says: which do.
    """
    result = np.empty(len(elements), np.int32)
    call("tw_nearest", at(elements), ctypes.c_int64(len(elements)), at(says), at(result))
    return result


def lines(text: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Return start and end of each line that is not blank, without the white space at its ends, shape `(n_lines, 2)`.

    A line is what `str.splitlines` calls one.
    """
    edges = np.empty((len(text) // 2 + 1, 2), np.int64)
    count = call("tw_lines", at(text), ctypes.c_int64(len(text)), at(edges))
    return edges[:count].copy()


class _Rules(Record):
    _fields_ = (
        ("key", ctypes.c_void_p),
        ("n_lines", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("edges", "single", "pair", "is_pair", "rows", "needs", "within")),
        *((name, ctypes.c_void_p) for name in ("alternatives", "code", "starts", "symbols", "sets")),
        *((name, ctypes.c_int64) for name in ("set_size", "n_alternatives", "n_free", "most")),
        ("found", ctypes.c_void_p),
    )


ALTERNATIVE = np.dtype([(name, "i4") for name in ("rule", "whole", "least", "most")])
"""An alternative of a rule: the rule, all its sets as bits, code points of the shortest and the longest line."""


class Matchers(NamedTuple):
    """Noise rules as their alternatives: what each needs, and the program that matches it.

    Each alternative needs one string of each of up to 8 sets. Strings are single characters or pairs, and have a row
    each.
    """

    single: NDArray[np.uint16]
    """Row of each code point, 0 for those that no alternative needs; and `BEGINS_PAIR`, where one needs a pair that
    begins so."""
    pair: NDArray[np.uint16]
    """Row of each `pair_hash`. Pairs of one hash share a row: it never tells too little."""
    is_pair: NDArray[np.uint8]
    """Whether `pair` has a row, as bits."""
    rows: NDArray[np.int32]
    """Where the needs begin that each row serves, and where the last ones end, shape `(n_rows + 1,)`."""
    needs: NDArray[np.int32]
    """Alternative << 8 | number of its set."""
    within: NDArray[np.uint16]
    """Code points of the line before the string, at most, of each need; 65,535: any."""
    alternatives: NDArray[Any]
    """Of type `ALTERNATIVE`. Those that need nothing come first."""
    code: NDArray[np.int32]
    """Programs (`pipeline.ingest.expressions`)."""
    starts: NDArray[np.int32]
    """Where the program of each alternative begins."""
    symbols: NDArray[np.uint16]
    """Of each code point."""
    sets: NDArray[np.uint8]
    """Symbols of each class as bits, shape `(n_sets, n_bytes)`."""


MOST_RULES = 64
HASHES = 1 << 18
BEGINS_PAIR = 1 << 15


def pair_hash(first: str, second: str) -> int:
    """Return the number below `HASHES` of two characters."""
    return (ord(first) * 0x9E3779B1 & 0xFFFFFFFF ^ ord(second) * 0x85EBCA6B & 0xFFFFFFFF) >> 14


def match_rules(
    key: NDArray[np.uint32], edges: NDArray[np.int64], matchers: Matchers, free: int, longest: int
) -> NDArray[np.uint64]:
    """Return the rules that match each line, as bits, shape `(n_lines,)`.

    Args:
        key: code points of the folded page text.
        edges: start and end of each line, shape `(n_lines, 2)`.
        matchers: of the rules.
        free: alternatives that need nothing.
        longest: lines longer than this match none.
    """
    found = np.empty(len(edges), np.uint64)
    told = _Rules(
        *(key, len(edges), edges, *matchers),
        *(matchers.sets.shape[1], len(matchers.alternatives), free, longest, found),
    )
    call("tw_rules", told)
    return found


class _Words(Record):
    _fields_ = (
        ("text", ctypes.c_char_p),
        ("size", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("classes", "steps", "says")),
        *((name, ctypes.c_int64) for name in ("n_classes", "start")),
        ("found", ctypes.c_void_p),
    )


class Words(NamedTuple):
    """An automaton that finds words."""

    classes: NDArray[np.uint8]
    """Class of each byte, shape `(256,)`."""
    steps: NDArray[np.uint16]
    """The next state, shape `(n_states, n_classes)`."""
    says: NDArray[np.uint64]
    """The words that each state ends, as bits, shape `(n_states,)`."""
    start: int
    """The state at the beginning of a string."""


def find_words(strings: bytes, count: int, words: Words) -> NDArray[np.uint64]:
    """Return the words that strings hold, as bits, shape `(count,)`.

    Args:
        strings: so many, with a NUL behind each.
        count: of strings.
        words: to find.
    """
    found = np.zeros(count, np.uint64)
    assert strings.count(0) == count
    call("tw_words", _Words(strings, len(strings), *words[:3], words.steps.shape[1], words.start, found))
    return found


def shares(text: NDArray[np.uint32], ends: NDArray[np.int64], body: NDArray[np.uint32]) -> list[float]:
    """Return the share of each line's pairs of neighbouring characters that a body has too, in [0, 1].

    White space says nothing. A line without any pair shares nothing.

    Args:
        text: code points of all lines.
        ends: where in them each line ends, shape `(n_lines,)`.
        body: its code points.
    """
    result = np.empty(len(ends))
    counts = ctypes.c_int64(len(ends)), ctypes.c_int64(len(body))
    call("tw_shares", at(text), at(ends), counts[0], at(body), counts[1], at(result))
    return result.tolist()


HAS_HINTS, INLINE = 1, 2
"""What an element is, as bits of `what`."""
MAKE = np.dtype([("tag", "u8")] + [(name, "i4") for name in ("own", "over", "words", "what")])
"""What `describe` wants to know of a make of elements: a number for the name; bits of it, of names that count for all
inside, of the hints; what it is."""


class _Page(Record):
    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("key", "page")),
        ("classes", ctypes.c_void_p),
        ("n_classes", ctypes.c_int64),
        ("scripts", ctypes.c_void_p),
        *((name, ctypes.c_int64) for name in ("hant", "hans", "n_blocks")),
        *((name, ctypes.c_void_p) for name in ("edges", "found")),
        *((name, ctypes.c_uint64) for name in ("heads", "furniture")),
        ("kinds", ctypes.c_void_p),
        ("n_kinds", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("link_shares", "here", "hidden", "elements", "makes")),
        *((name, ctypes.c_int64) for name in ("n_elements", "n_own", "n_over", "n_words")),
        ("features", ctypes.c_void_p),
        ("width", ctypes.c_int64),
    )


class Marks(NamedTuple):
    """What the markup says of blocks, for `describe`."""

    link_shares: NDArray[np.float64]
    """Shape `(n_blocks,)`."""
    here: NDArray[np.int32]
    """Element of each block, shape `(n_blocks,)`."""
    hidden: NDArray[np.bool_]
    """Shape `(n_blocks,)`."""
    elements: NDArray[Any]
    """Of type `ELEMENT`, parents before their children."""
    makes: NDArray[Any]
    """Of type `MAKE`."""
    widths: tuple[int, int, int]
    """Bits of `own`, `over` and `words`."""


def describe(
    key: NDArray[np.uint32],
    page: NDArray[np.uint32],
    edges: NDArray[np.int64],
    found: NDArray[np.uint64],
    width: int,
    *,
    classes: NDArray[np.uint16],
    scripts: tuple[NDArray[np.uint8], int, int],
    heads: int,
    furniture: int,
    kinds: NDArray[np.uint64],
    marks: Marks | None,
) -> NDArray[np.float32]:
    """Return the features of each block of a page, shape `(n_blocks, width)`: see `pipeline.ingest.blocks`.

    Args:
        key: code points of the folded page text.
        page: those of the page text.
        edges: start and end of each block, shape `(n_blocks, 2)`; none is empty.
        found: noise rules that match each block, as bits.
        width: columns.
        classes: class bits of each code point; the last also of those above.
        scripts: script of each code point, and what stands for Traditional and for Simplified there.
        heads: rules that are headings, as bits.
        furniture: rules that speak of a site, as bits.
        kinds: rules of each kind, as bits.
        marks: the markup, where there is HTML.
    """
    result = np.zeros((len(edges), width), np.float32)
    marked = (*marks[:5], len(marks.elements), *marks.widths) if marks is not None else (None,) * 5 + (0,) * 4
    told = _Page(
        *(key, page, classes, len(classes), *scripts, len(edges), edges, found),
        *(heads, furniture, kinds, len(kinds), *marked, result, width),
    )
    written = call("tw_describe", told)
    if marks is not None and written != width:
        raise ValueError(f"the kernels describe {written} columns, not {width}")
    return result
