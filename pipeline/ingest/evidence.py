"""Evidence that a span was spliced into its sentence: what `phrase_model` weighs.

How badly the span sits at both ends and how well the sentence reads without it, how little its words belong to the
page, whether it is in the other script, whether its characters follow each other as in search boxes, and whether the
same string breaks other sentences of the page as well.
"""

from __future__ import annotations

import ctypes
from collections.abc import Set as AbstractSet
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipeline.ingest.fluency import Floats, Ints, Reading, word_table
from pipeline.ingest.phrase_model import Shape
from pipeline.native import splices
from pipeline.native.library import address
from pipeline.script.fold import Codes
from pipeline.script.identify import HANS, HANT, classes

__all__ = [
    "FEATURES",
    "LONGEST",
    "SHORTEST",
    "are_in",
    "measure",
    "text_of",
]

SHORTEST, LONGEST = 4, 22
"""Characters of a phrase. Shorter ones are words, longer ones clauses."""
_Least = tuple[float, float, float]
_LEAST: _Least = (-1.5, 4.5, 0.0)
"""Nats below which a span is no candidate: at its left seam, of the characters after it, at both seams. Of spliced
phrases 94% pass."""
_HOPE = (0.55, 0.49, 0.27, 0.15, -0.8)
"""Weights of both seams, the shape and the length of a candidate, and their least sum, for it to be measured in full,
if it is not in the other script: half of clean text's candidates have it, and 99.6% of the splices that are found."""
_MOST = 2
"""Candidates for each character of the text, at most; an article has 0.3, a page of random words 10."""

FEATURES = (
    "left",
    "right",
    "least",
    "han_cost",
    "over_five",
    "length",
    "foreign",
    "foreign_much",
    "turns",
    "letters",
    "digits",
    "joint_left",
    "joint_right",
    "joint_both",
    "in_token",
    "joins_token",
    "again",
    "again_share",
    "known",
    "known_again",
    "unknown",
    "theme_near",
    "theme_mass",
    "theme_none",
    "shape",
    "shape_sum",
    "shape_good",
    "shape_before",
    "shape_behind",
    "shape_behind_2",
    "shape_first",
    "shape_goes_on",
    "shape_last",
    "page_seams",
    "page_shape",
    "page_cost",
    "page_length",
)
"""Names of the columns of `measure`."""


@cache
def _scripts() -> NDArray[np.int8]:
    """Return 1 for characters written in Traditional only, -1 for Simplified only, by code point."""
    told = classes()
    signs: NDArray[np.int8] = (told == HANT).astype(np.int8) - (told == HANS)
    return signs


def are_in(elements: AbstractSet[tuple[int, int]], starts: Ints, ends: Ints) -> NDArray[np.bool_]:
    """Tell which spans are among `elements`."""
    if not elements:
        return np.zeros(len(starts), bool)
    return np.array([span in elements for span in zip(starts.tolist(), ends.tolist(), strict=True)], bool)


@cache
def _kinds() -> NDArray[np.uint8]:
    """Return the kinds of each code point, as bits (`pipeline.native.splices`), shape `(0x110000,)`."""
    table = word_table().astype(np.uint8) * (splices.WORD | splices.ALPHANUMERIC)
    table[[ord("-"), ord(".")]] = splices.WORD
    table[[*range(ord("a"), ord("z") + 1), *range(ord("A"), ord("Z") + 1)]] |= splices.LETTER
    table[ord("0") : ord("9") + 1] |= splices.DIGIT
    return table


@cache
def _tables() -> tuple[int, int]:
    """Return where the tables are that every text needs."""
    return address(_kinds()), address(_scripts())


def text_of(key: Codes, page_text: Codes, *, mixed: bool = True) -> splices.Text:
    """Return a text for the kernels: the code points of the same, folded and as it is.

    `mixed` is False where it is known that it has not both scripts.
    """
    return splices.Text(key, page_text, len(key), *_tables(), mixed)


def measure(
    reading: Reading, text: splices.Text, shape: Shape, elements: AbstractSet[tuple[int, int]] = frozenset()
) -> tuple[Ints, Ints, Floats]:
    """Return the candidates' starts and ends, and their evidence, shape `(n_candidates, len(FEATURES))`.

    Much of it is against the middle of the page's. `elements` are candidates however well they sit: a splice is often
    an element of its own.
    """
    return splices.candidates_and_evidence(
        *(reading.language, shape.told, text, reading.told),
        splices.Bounds(*_LEAST, (ctypes.c_float * len(_HOPE))(*_HOPE), SHORTEST, LONGEST, _MOST),
        np.array(sorted(elements), np.int64).reshape(-1, 2),
        len(FEATURES),
    )
