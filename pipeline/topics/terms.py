"""Finds the terms of a taxonomy in a batch of keys, and measures each group of terms in each article; by kernels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.native import tags
from pipeline.topics.features import Batch, Integers, key, read_batch
from pipeline.topics.taxonomy import Group, Taxonomy

__all__ = ["LEAD", "MEASURES", "SENTENCES", "Column", "Found", "TermFinder", "keyed_terms"]

LEAD = 200
"""Code points of the text that count as its lead, where a news article says what it is about."""

WINDOW = 64
"""Code points of a window. The share of windows with a term is how much of the text is about it (labelling rule: a
fifth to a quarter of the text), which plain counts overstate where one sentence repeats a word."""

MEASURES = ("count", "density", "kinds", "lead", "title", "coverage")
"""What is measured of each group of terms, in the order of the columns."""


SENTENCES = ("own", "own_lead", "own_title", "alone", "alone_lead", "alone_title")
"""What is measured of each topic: the share of the text, and of its lead, in sentences with one of its terms, and
whether the title has one; the same for sentences with no other topic's term. By source it left the macro-F1 where it
was, and took that of sure labels from .945 to .950 and articles of no topic left untagged from .86 to .88."""

_ENDS = np.zeros(0x10000, dtype=np.uint8)
"""Role of key characters: those that end a sentence."""
_ENDS[[ord(mark) for mark in "。!?;\n"]] = tags.ENDS


class Column(NamedTuple):
    """One term feature: of a group of terms, or of a topic (group -1), or of the article (topic "" as well)."""

    topic: str
    group: int
    measure: str


@dataclass(frozen=True, slots=True)
class Found:
    """Terms at places of a batch, from left to right, never overlapping, the longest at each place."""

    places: Integers
    """Start, end and number of the term, shape (n_found, 3)."""

    @property
    def starts(self) -> Integers:
        """Where each begins in the batch."""
        return self.places[:, 0]

    @property
    def ends(self) -> Integers:
        """Where each ends."""
        return self.places[:, 1]

    @property
    def terms(self) -> Integers:
        """Numbers of terms, as in `TermFinder.terms`."""
        return self.places[:, 2]


def keyed_terms(taxonomy: Taxonomy) -> tuple[str, ...]:
    """Return the keys of all terms, in the order of the groups, those in two groups twice."""
    # One call folds all terms: a call for each took longer than all else of loading a model.
    return tuple(key("\n".join(term for group in taxonomy.groups for term in group.terms)).split("\n"))


class TermFinder:
    """Finds the terms of a taxonomy, longest first, and counts them by group.

    Args:
        taxonomy: topics and terms.
        keyed: what `keyed_terms` returns, where it is known: folding the terms is half the time of loading a model.
    """

    def __init__(self, taxonomy: Taxonomy, keyed: Sequence[str] | None = None) -> None:
        self.groups: tuple[Group, ...] = taxonomy.groups
        self.topics: tuple[str, ...] = taxonomy.ids
        self._speaks = np.array(
            [self.topics.index(g.topic) if g.kind == "terms" else -1 for g in self.groups], dtype=np.int32
        )
        owners: dict[str, list[int]] = {}
        numbers = [number for number, group in enumerate(self.groups) for _ in group.terms]
        for number, term in zip(numbers, keyed_terms(taxonomy) if keyed is None else keyed, strict=True):
            owners.setdefault(term, []).append(number)
        # What a topic claims for itself is no background any more: chips, once somebody adds a topic about them.
        kinds = [group.kind for group in self.groups]
        for of_term in owners.values():
            if len(of_term) > 1 and any(kinds[n] == "terms" for n in of_term):
                of_term[:] = [n for n in of_term if kinds[n] != "background"]
        self.terms: tuple[str, ...] = tuple(sorted(owners))
        # A longer term is also each term inside it, so that 中美贸易战 may be listed without losing 贸易战.
        # A phrase is not: it is there to hide them.
        characters = "".join(self.terms)
        self.told, self._group_at, self._groups = tags.terms(
            read_batch([characters], folded=True).keys[1:-1],
            np.cumsum([0, *map(len, self.terms)], dtype=np.int64),
            np.array([term.isascii() for term in self.terms], dtype=np.bool_),
            [owners[term] for term in self.terms],
            np.array([kind == "phrases" for kind in kinds], dtype=np.bool_),
            self._speaks,
            _ENDS.copy(),
            (len(self.topics), LEAD, WINDOW),
        )
        """What the kernels take, and the groups that each term counts for: where they begin, and which."""

    def groups_of(self, term: int) -> tuple[int, ...]:
        """Return the groups that a term counts for."""
        return tuple(self._groups[self._group_at[term] : self._group_at[term + 1]].tolist())

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """What each column of `measure` is."""
        groups = (Column(g.topic, n, m) for n, g in enumerate(self.groups) for m in MEASURES)
        return (*groups, *(Column(t, -1, m) for t in self.topics for m in SENTENCES), Column("", -1, "length"))

    def find(self, batch: Batch) -> Found:
        """Return the terms of a batch."""
        return Found(tags.find(self.told, batch.keys, batch.bounds))

    def measure(self, batch: Batch, found: Found) -> npt.NDArray[np.int32]:
        """Return the term features of a batch, shape (n_articles, n_columns), in units of 1 / 4096 and below 4.

        Counts are integers and square roots correctly rounded, so they are the same everywhere.
        """
        return tags.measure(self.told, batch.keys, batch.bounds, found.places, len(self.columns))

    def worth(self, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return what each term is worth to the topic it speaks for, 0 for others; shape (n_topics, n_terms).

        Args:
            weights: those of the columns, shape (n_topics, n_columns).
        """
        size = len(self.groups) * len(MEASURES)
        by_group = weights[:, :size].reshape(len(weights), len(self.groups), len(MEASURES)).sum(axis=2)
        own = np.where(self._speaks == np.arange(len(weights))[:, None], by_group, 0.0)
        return np.asarray(np.maximum.reduceat(own[:, self._groups], self._group_at[:-1], axis=1))
