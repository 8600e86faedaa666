"""Kernels over articles and their topics: characters and pairs, terms, and the scores of both together."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from pipeline.native.library import Record, at, call

__all__ = [
    "ENDS",
    "Linear",
    "Pairs",
    "Terms",
    "evidence",
    "find",
    "measure",
    "pairs",
    "rows",
    "score",
    "terms",
    "weigh",
]

ENDS = 2
"""Role of a character that ends a sentence."""

_PAIRS = 1 << 16
"""Hashes of two characters that a term begins with: one bit each."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Keys = NDArray[np.uint16]


class Pairs(Record):
    """What characters and pairs add to each topic: see `pairs`."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("letters", "rows", "steps")),
        *((name, ctypes.c_int64) for name in ("bits", "n_topics", "width")),
        ("shortest", ctypes.c_double),
    )


class Terms(Record):
    """A tree of terms and the groups that they count for: see `terms`."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("roles", "begins", "steps")),
        ("mask", ctypes.c_uint64),
        *((name, ctypes.c_void_p) for name in ("ends", "ascii", "group_at", "groups", "speaks")),
        *((name, ctypes.c_int64) for name in ("n_terms", "n_groups", "n_topics", "lead", "window")),
    )


class Linear(Record):
    """A linear model of term features: weights `(n_columns, n_topics)`, bias, scale of the pairs, calibration, unit."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("terms", "bias", "scale", "calibration")),
        ("unit", ctypes.c_double),
    )


def rows(letters: Keys, bits: int, keys: Keys) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Return the hash rows of characters by themselves and with the next one, `1 << bits` where there is no letter.

    Args:
        letters: letter of each key character, 0 where it is none, shape `(65536,)`.
        bits: of a row.
        keys: shape `(n_characters,)`.
    """
    ones, twos = np.empty(len(keys), np.uint32), np.empty(len(keys), np.uint32)
    call("tw_rows", at(letters), ctypes.c_int64(bits), at(keys), ctypes.c_int64(len(keys)), at(ones), at(twos))
    return ones, twos


def pairs(
    letters: Keys, weights: NDArray[np.int16], signed: NDArray[np.int16], steps: NDArray[np.uint8], shortest: float
) -> Pairs:
    """Return what characters and pairs add.

    Args:
        letters: as in `rows`.
        weights: of hash rows, shape `(2**bits, n_topics)`.
        signed: their rarity with the sign of the sketch, shape `(2**bits,)`.
        steps: what one more of a row adds to so many, 64 at most, shape `(256,)`; the last is 0.
        shortest: length of an article at least, in the unit of `steps`.
    """
    size, topics = weights.shape
    width = topics // 4 * 4 + 4  # one more than topics at least
    table = np.zeros((size + 1, width), np.int16)
    for topic in range(topics):  # column by column: numpy is slow where the last axis is short
        table[:-1, topic] = weights[:, topic]
    table[:-1, topics] = signed
    return Pairs(letters, table, steps, size.bit_length() - 1, topics, width, shortest)


def weigh(told: Pairs, keys: Keys, bounds: Integers) -> tuple[Floats, NDArray[np.bool_]]:
    """Return scores of articles, shape `(n_articles, n_topics)`, and whether a text has any letter."""
    count = len(bounds) // 2
    scores, in_text = np.empty((count, told.n_topics)), np.empty(count, np.bool_)
    call("tw_weigh", told, at(keys), at(bounds), ctypes.c_int64(count), at(scores), at(in_text))
    return scores, in_text


def terms(
    keys: Keys,
    bounds: Integers,
    whole: NDArray[np.bool_],
    owners: list[list[int]],
    hides: NDArray[np.bool_],
    speaks: NDArray[np.int32],
    roles: NDArray[np.uint8],
    sizes: tuple[int, int, int],
) -> tuple[Terms, NDArray[np.int32], NDArray[np.int32]]:
    """Return the terms for the kernels, and the groups that they count for: where each one's begin, and all of them.

    Args:
        keys: of all terms, one behind the other.
        bounds: where each begins, and the end: shape `(n_terms + 1,)`.
        whole: whether a term must be no piece of a word, shape `(n_terms,)`.
        owners: groups that list each term.
        hides: whether the terms of a group are no other terms, whatever is inside them, shape `(n_groups,)`.
        speaks: topic that a group speaks for, or -1, shape `(n_groups,)`.
        roles: of each key character: `ENDS` or 0.
        sizes: number of topics, code points of a lead, code points of a window.
    """
    count, groups, characters = len(bounds) - 1, len(hides), len(keys)
    slots = 1 << max(4, (2 * characters).bit_length())
    assert characters < 1 << 24, "a step has 24 bits for a state"
    steps, ends = np.zeros(slots, np.uint64), np.full(characters + 2, -1, np.int32)
    most = count * groups
    group_at, inside = np.empty(count + 1, np.int32), np.empty(most, np.int32)
    begins = np.zeros(_PAIRS >> 3, np.uint8)
    told = Terms(roles, begins, steps, slots - 1, ends, whole, group_at, inside, speaks, count, groups, *sizes)
    call("tw_grow", told, at(keys), at(bounds))
    owner_at = np.cumsum([0, *map(len, owners)], dtype=np.int32)
    flat = np.array([group for of_term in owners for group in of_term], dtype=np.int32)
    lists = at(owner_at), at(flat), at(hides), at(group_at), at(inside)
    total = call("tw_inside", told, at(keys), at(bounds), *lists, ctypes.c_int64(most))
    return told, group_at, inside[:total]


def find(told: Terms, keys: Keys, bounds: Integers) -> Integers:
    """Return places of terms from left to right, shape `(n_found, 3)`: start, end, number of the term."""
    found = np.empty((len(keys), 3), np.int64)
    count = call("tw_find", told, at(keys), at(bounds), ctypes.c_int64(len(bounds) // 2), at(found))
    return found[:count]


def measure(told: Terms, keys: Keys, bounds: Integers, found: Integers, n_columns: int) -> NDArray[np.int32]:
    """Return the features of the terms that `find` gave, shape `(n_articles, n_columns)`, in units of 1 / 4096."""
    count = len(bounds) // 2
    columns = np.empty((count, n_columns), np.int32)
    places = at(found), ctypes.c_int64(len(found))
    call("tw_tally", told, at(keys), at(bounds), ctypes.c_int64(count), *places, at(columns))
    return columns


def score(weights: Pairs, told: Terms, linear: Linear, keys: Keys, bounds: Integers) -> tuple[Floats, Integers]:
    """Return probabilities, shape `(n_articles, n_topics)`, and places of terms as `find` does."""
    count = len(bounds) // 2
    found, probabilities = np.empty((len(keys), 3), np.int64), np.empty((count, weights.n_topics))
    batch = at(keys), at(bounds), ctypes.c_int64(count)
    places = call("tw_score", weights, told, linear, *batch, at(found), at(probabilities))
    return probabilities, found[:places]


def evidence(found: Integers, bounds: Integers, worth: Floats, wanted: Integers, most: int) -> list[list[list[int]]]:
    """Return for each of `wanted` where the terms stand that speak most for a topic, from left to right.

    Args:
        found: as from `find`.
        bounds: of the articles' fields.
        worth: of each term to each topic, shape `(n_topics, n_terms)`; only those above 0 speak.
        wanted: article and topic, shape `(n_wanted, 2)`.
        most: terms for each.

    Returns:
        Lists of at most `most` places, each 1 in the text or 0 in the title, start and end there.
    """
    spans, counts = np.empty((len(wanted), most, 3), np.int64), np.empty(len(wanted), np.int64)
    told = at(found), ctypes.c_int64(len(found)), at(bounds), at(worth), ctypes.c_int64(worth.shape[1])
    call("tw_evidence", *told, at(wanted), ctypes.c_int64(len(wanted)), ctypes.c_int64(most), at(spans), at(counts))
    return [rows[:count] for rows, count in zip(spans.tolist(), counts.tolist(), strict=True)]
