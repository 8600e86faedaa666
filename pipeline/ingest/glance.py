"""A glance at a text, which decides whether it gets the full look for title pieces and for search phrases.

Every page is looked at, so it is one kernel: spans inside clauses that sit badly by their pairs of characters alone,
and what they have of phrases and of pieces. A regression and small networks (`phrase_model`) make log odds of that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pipeline.ingest.evidence import SHORTEST
from pipeline.ingest.fluency import Floats, Fluency
from pipeline.ingest.phrase_model import PhraseModel, Shape
from pipeline.native import splices

__all__ = ["OF_PHRASES", "OF_PIECES", "Glance", "Verdict", "glance", "judge"]

OF_PHRASES = (
    *("gain", "length", "shape", "foreign", "foreign_much", "latin", "again", "link_left", "link_right", "link"),
    *("known", "joint_left", "joint_right", "shape_first", "shape_behind", "shape_before", "shape_good"),
    *("gain_more", "shape_more", "page_spans", "page_cost", "page_length"),
)
"""What is told of each of the spans that gain most. Much is told against the rest of the page, since a page of an
unusual kind, a novel or a manual, sits badly all over."""
OF_PIECES = (
    *("length", "cost", "twice_1", "twice_3", "twice_6", "twice_strings"),
    *("thrice_1", "thrice_3", "thrice_6", "thrice_strings", "density", "ordered", "repeated", "varied"),
)
"""What is told of the page's short strings that sit badly, again and again. The last three are of the strings with the
most evidence. In a cycle the next of them is nearly always the same, and never the string itself; and each is followed
by another character each time."""
_LOOSE, _BAD = -8, 16
"""Steps of 1/16 nat: how much less likely a character must be than alone for a span to begin or end there, and what
both seams of a span must gain to be seen."""
_MOST, _USUAL = 64, 20
"""Spans that are told of, and which of them, from the best, is what the page has anyway."""
_LONGEST = 5
"""Characters of the strings that may be pieces."""
_BADLY = 64
"""Steps that the seams of a span gain from which on it counts: spliced pieces have 9 nats on average, others 2."""
_LIKE = -0.5
"""Nats a character from which on an element has the shape of a phrase: three of four phrases of unseen kinds have it,
and 3% of the spans of news."""
_SIGHT = splices.Sight(_LOOSE, _BAD, SHORTEST, _MOST, _USUAL, _LONGEST, _BADLY, _LIKE)


class Glance(NamedTuple):
    """What is seen."""

    spans: list[tuple[int, int]]
    phrases: Floats
    """Of each span, shape `(n_spans, len(OF_PHRASES))`."""
    pieces: Floats
    """Of the page, shape `(1, len(OF_PIECES))`."""


class Verdict(NamedTuple):
    """Log odds that the full look finds something."""

    phrases: float
    pieces: float
    like: list[bool]
    """Whether each element has the shape of a search phrase."""


def glance(fluency: Fluency, shape: Shape, text: splices.Text) -> Glance:
    """Return what is seen of a text."""
    count, seen = splices.glance(fluency.language, shape.told, text, _SIGHT, (), (None, None))
    spans = [(start, end) for start, end in seen.spans[:count].tolist()]
    return Glance(spans, seen.phrases[:count].copy(), seen.pieces.copy())


def judge(
    fluency: Fluency, model: PhraseModel, text: splices.Text, elements: Sequence[tuple[int, int]] = ()
) -> Verdict:
    """Return what a glance thinks of a text. `elements` are spans of it that are elements of their own."""
    judges = model.phrases.told, model.pieces.told
    seen = splices.glance(fluency.language, model.shape.told, text, _SIGHT, elements, judges)[1]
    return Verdict(seen.phrase_odds, seen.piece_odds, seen.like[: len(elements)].tolist() if elements else [])
