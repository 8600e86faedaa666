"""Kernels that make the key of a text, character by character."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from pipeline.native.library import Record, at, call

__all__ = ["HOT", "NEAR", "Folding", "fold", "fold_keys", "folding", "keys", "lower"]

HOT, NEAR = 1 << 21, 1 << 22
"""Bits of an entry of `points`: the character tells of a phrase; it may be in one."""
_SPOTS = 1 << 16

Codes = NDArray[np.uint32]
Keys = NDArray[np.uint16]


class Folding(Record):
    """What characters become: see `folding`."""

    _fields_ = (("points", ctypes.c_void_p), ("n_points", ctypes.c_int64), ("pairs", ctypes.c_void_p))


def folding(points: Codes, firsts: Codes, seconds: Codes) -> Folding:
    """Return tables for the kernel.

    Args:
        points: what each code point becomes, with `HOT` and `NEAR`; those beyond stay as they are.
        firsts: code points of the first characters of pairs that may be in a phrase.
        seconds: and of the second ones.
    """
    pairs = np.zeros(_SPOTS, np.uint8)
    call("tw_spots", at(firsts), at(seconds), ctypes.c_int64(len(firsts)), at(pairs))
    return Folding(points, len(points), pairs)


def fold(told: Folding, encoded: bytes) -> tuple[Codes, list[list[int]], bool]:
    """Return code points of UTF-32 folded one by one, the stretches that a phrase may be in, and whether any changed.

    A stretch is its start and its end.
    """
    size = len(encoded) // 4
    folded, stretches = np.empty(size, np.uint32), np.empty((size + 1, 2), np.int64)
    count = call("tw_fold", told, encoded, ctypes.c_int64(size), at(folded), at(stretches))
    return folded, stretches[:count].tolist() if count else [], bool(stretches[-1, 0])


def fold_keys(told: Folding, encoded: bytes) -> tuple[Keys, list[list[int]]]:
    """Return `keys` of what `fold` returns, and the stretches."""
    size = len(encoded) // 4
    short, stretches = np.empty(size, np.uint16), np.empty((size, 2), np.int64)
    count = call("tw_fold_keys", told, encoded, ctypes.c_int64(size), at(short), at(stretches))
    return short, stretches[:count].tolist() if count else []


def lower(codes: Codes) -> Codes:
    """Return code points in lower case and half width."""
    lowered = np.empty(len(codes), np.uint32)
    call("tw_lower", at(codes), ctypes.c_int64(len(codes)), at(lowered))
    return lowered


def keys(codes: Codes) -> Keys:
    """Return code points in lower case, half width and 16 bits.

    Every ideograph beyond U+FFFF is U+FFFF, and what else is there is 0.
    """
    short = np.empty(len(codes), np.uint16)
    call("tw_keys", at(codes), ctypes.c_int64(len(codes)), at(short))
    return short
