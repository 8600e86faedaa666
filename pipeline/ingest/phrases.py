"""Search phrases: what people type into a search box, spliced into the middle of sentences.

No phrase is known beforehand. A candidate is a span between two places where the sentence breaks; evidence for it is
counted in `evidence`, weighed in `phrase_model`, and decided on here.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

import numpy as np

from pipeline.ingest.evidence import FEATURES, are_in, measure
from pipeline.ingest.fluency import Floats, Ints, Reading
from pipeline.ingest.phrase_model import PhraseModel
from pipeline.native import splices

__all__ = ["Phrase", "find_phrases"]

_OWN_ELEMENT = 4.0
"""Log odds for a phrase that is an element of its own: a link, or a span with a style. In news such elements are names
and terms that their sentences need, far below 0."""
_IN_NOISE = 2.0
"""Log odds for a phrase that stands in another line of the page which was cut."""
_LONGER = 0.05
"""Log odds for each character, where spans overlap: halves of a phrase score about as well as the whole."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A span that may be a search phrase."""

    start: int
    end: int
    score: float
    """Log odds of being spliced in."""
    foreign: int
    """Characters of the other script, less those of the script round it."""
    again: int
    """Other places of the page where the same string breaks a sentence."""
    listed: bool
    """Whether a line of the page that was cut has it too."""


def find_phrases(
    model: PhraseModel,
    reading: Reading,
    text: splices.Text,
    key: str,
    noise: Sequence[str],
    least: float,
    elements: AbstractSet[tuple[int, int]] = frozenset(),
) -> list[Phrase]:
    """Return the disjoint spans that score at least `least`, best first where they overlap, in the text's order.

    `text` is `key` as the kernels have it; `elements` are spans that are elements of their own.
    """
    starts, ends, evidence = measure(reading, text, model.shape, elements)
    score = model.spliced.odds(evidence)
    if elements:
        score += np.float32(_OWN_ELEMENT) * are_in(elements, starts, ends).astype(np.float32)
    others = "\n".join(noise)
    chosen: list[Phrase] = []
    taken = bytearray(len(key))
    hopeful = np.flatnonzero(score >= least - _IN_NOISE)
    longer = score[hopeful] + _LONGER * (ends[hopeful] - starts[hopeful])
    for row in hopeful[np.argsort(-longer, kind="stable")].tolist():
        start, end = int(starts[row]), int(ends[row])
        if taken.find(1, start, end) >= 0:
            continue
        listed = key[start:end] in others
        value = float(score[row]) + _IN_NOISE * listed
        if value >= least:
            taken[start:end] = b"\1" * (end - start)
            told = dict(zip(FEATURES, evidence[row].tolist(), strict=True))
            chosen.append(Phrase(start, end, value, int(told["foreign"]), int(told["again"]), listed))
    return _merged(sorted(chosen, key=lambda phrase: phrase.start), starts, ends, score)


def _merged(chosen: Sequence[Phrase], starts: Ints, ends: Ints, score: Floats) -> list[Phrase]:
    """Return the phrases, those side by side as the one that they are halves of.

    Halves score higher than the whole where another phrase of the page shares one of them.
    """
    merged: list[Phrase] = []
    for phrase in chosen:
        if merged and phrase.start - merged[-1].end <= _HALVES:
            last = merged[-1]
            better = last if last.score >= phrase.score else phrase
            free = merged[-2].end if len(merged) > 1 else 0
            cover = (starts <= last.start) & (starts >= max(free, last.start - _MARGIN))
            cover &= (ends >= phrase.end) & (ends <= max(phrase.end, last.end) + _MARGIN)
            rows = np.flatnonzero(cover)
            if len(rows):
                row = rows[int(score[rows].argmax())]
                merged[-1] = replace(better, start=int(starts[row]), end=int(ends[row]))
                continue
            if phrase.start < last.end:  # the whole of the last two reaches into this one
                merged[-1] = better
                continue
        merged.append(phrase)
    return merged


_HALVES = 2
"""Characters between two phrases that may be halves of one."""
_MARGIN = 4
"""Characters that the whole may reach beyond its halves."""
