"""Finds the terms of a taxonomy in a whole batch of keys at once, and measures each group of terms in each article."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.topics.features import BITS, Batch, Integers, Keys, hash_rows, key, letters, read_batch
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

_ENDS = np.zeros(0x10000, dtype=bool)
"""Key characters that end a sentence."""
_ENDS[[ord(mark) for mark in "。!?;\n"]] = True

_SLOTS = 1 << 14
"""Slots of the table of steps from one character of a term to the next."""


class Column(NamedTuple):
    """One term feature: of a group of terms, or of a topic (group -1), or of the article (topic "" as well)."""

    topic: str
    group: int
    measure: str


@dataclass(frozen=True, slots=True)
class Found:
    """Terms at places of a batch, from left to right, never overlapping, the longest at each place; (n_found,)."""

    starts: Integers
    ends: Integers
    terms: Integers
    """Numbers of terms, as in `TermFinder.terms`."""


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
            [[(g.topic, g.kind) == (topic, "terms") for topic in self.topics] for g in self.groups], dtype=bool
        ).reshape(len(self.groups), len(self.topics))
        owners: dict[str, list[int]] = {}
        numbers = [number for number, group in enumerate(self.groups) for _ in group.terms]
        for number, term in zip(numbers, keyed_terms(taxonomy) if keyed is None else keyed, strict=True):
            owners.setdefault(term, []).append(number)
        # What a topic claims for itself is no background any more: chips, once somebody adds a topic about them.
        kinds = [group.kind for group in self.groups]
        for of_term in owners.values():
            if any(kinds[n] == "terms" for n in of_term):
                of_term[:] = [n for n in of_term if kinds[n] != "background"]
        self.terms: tuple[str, ...] = tuple(sorted(owners))
        hiding = {number for number, group in enumerate(self.groups) if group.kind == "phrases"}
        beginnings: dict[str, list[str]] = {}
        for term in self.terms:
            beginnings.setdefault(term[:2], []).append(term)
        self.groups_of: tuple[tuple[int, ...], ...] = tuple(
            self._counted_for(term, owners, beginnings, hiding) for term in self.terms
        )
        sizes = [len(groups) for groups in self.groups_of]
        self._group_sizes = np.array(sizes, dtype=np.int64)
        self._group_starts = np.cumsum([0, *sizes])[:-1].astype(np.int64)
        self._group_list = np.array([group for groups in self.groups_of for group in groups], dtype=np.int64)
        self._ascii = np.array([term.isascii() for term in self.terms], dtype=bool)
        self._grow()

    @staticmethod
    def _counted_for(
        term: str, owners: dict[str, list[int]], beginnings: dict[str, list[str]], hiding: set[int]
    ) -> tuple[int, ...]:
        """A longer term is also each term inside it, so that 中美贸易战 may be listed without losing 贸易战."""
        of = set(owners[term])
        if of.isdisjoint(hiding):
            for start in range(len(term)):
                inside = beginnings.get(term[start : start + 2], []) + beginnings.get(term[start], [])
                for other in inside:
                    if term.startswith(other, start):
                        of.update(owner for owner in owners[other] if owner not in hiding)
        return tuple(sorted(of))

    def _grow(self) -> None:
        """Put the terms into a tree of characters whose first step is a pair, found by the model's own hash rows."""
        whole = read_batch(self.terms, folded=True)
        rows = hash_rows(letters(whole.keys)).tolist()
        keys = whole.keys.tolist()
        pairs: dict[int, tuple[int, int]] = {}
        edges: dict[int, int] = {}
        ends: dict[int, int] = {}
        self._alone = np.full(0x10000, -1, dtype=np.int64)
        for number, (start, length) in enumerate(zip(whole.bounds[1::2].tolist(), whole.lengths.tolist(), strict=True)):
            if length == 1:
                self._alone[keys[start]] = number
                continue
            pair = keys[start] << 16 | keys[start + 1]
            state = pairs.setdefault(pair, (len(pairs) + len(edges), rows[start]))[0]
            for character in keys[start + 2 : start + length]:
                state = edges.setdefault(state << 16 | character, len(pairs) + len(edges))
            ends[state] = number
        self._pairs = _Table(
            pairs, [row for _, row in pairs.values()], [state for state, _ in pairs.values()], 1 << BITS
        )
        slots = _slots(np.array(list(edges), dtype=np.int64))
        self._edges = _Table(edges, slots.tolist(), list(edges.values()), _SLOTS)
        self._term_at = np.full(len(pairs) + len(edges) + 1, -1, dtype=np.int64)
        self._term_at[list(ends)] = list(ends.values())
        self._longest = max(map(len, self.terms), default=0)
        self._begins = np.zeros((1 << BITS) + 1, dtype=bool)
        self._begins[[row for _, row in pairs.values()]] = True
        self._single = self._alone >= 0

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """What each column of `measure` is."""
        groups = (Column(g.topic, n, m) for n, g in enumerate(self.groups) for m in MEASURES)
        return (*groups, *(Column(t, -1, m) for t in self.topics for m in SENTENCES), Column("", -1, "length"))

    def find(self, batch: Batch, rows: npt.NDArray[np.intp] | None = None) -> Found:
        """Return the terms of a batch. `rows` are its hash rows, where they are known already."""
        keys = batch.keys
        if rows is None:
            rows = hash_rows(letters(keys))
        begins = self._begins.take(rows, mode="clip")
        begins |= self._single.take(keys, mode="clip")
        starts = begins.nonzero()[0]
        terms = self._alone[keys[starts]]
        ends = starts + 1
        # All places walk down the tree together, a character a step; longer terms write over shorter ones.
        here = np.flatnonzero(starts + 1 < keys.size)
        codes = keys[starts[here]].astype(np.int64) << 16 | keys[starts[here] + 1]
        there, states = self._pairs.find(rows[starts[here]], codes)
        for depth in range(2, self._longest + 1):
            here = here[there]
            if not here.size:
                break
            reached = self._term_at[states]
            whole = (reached >= 0).nonzero()[0]
            self._note(keys, starts, ends, terms, here[whole], reached[whole], depth)
            states <<= 16
            states |= keys[starts[here] + depth]
            there, states = self._edges.find(_slots(states), states)
        kept = terms >= 0
        starts, ends, terms = starts[kept], ends[kept], terms[kept]
        kept = _apart(starts, ends)
        return Found(starts[kept], ends[kept], terms[kept])

    def _note(
        self,
        keys: Keys,
        starts: Integers,
        ends: Integers,
        terms: Integers,
        here: Integers,
        reached: Integers,
        depth: int,
    ) -> None:
        """Write down terms of `depth` characters, but those of ASCII that are a piece of a longer word or number."""
        suspect = self._ascii[reached]
        if suspect.any():
            first = starts[here]
            whole = ~(suspect & (_in_word(keys, first - 1) | _in_word(keys, first + depth)))
            here, reached = here[whole], reached[whole]
        terms[here], ends[here] = reached, starts[here] + depth

    def measure(self, batch: Batch, found: Found) -> Integers:
        """Return the term features of a batch, shape (n_articles, n_columns), in units of 1 / 4096 and below 4.

        Counts are integers and square roots correctly rounded, so they are the same everywhere.
        """
        articles, groups = batch.size, len(self.groups)
        fields = np.searchsorted(batch.bounds, found.starts, side="right") - 1
        owners, in_text = fields >> 1, (fields & 1).astype(bool)
        places = found.starts - batch.bounds[fields]
        of, group = self._spread(found.terms)
        cells = owners[of] * groups + group

        def tally(chosen: npt.NDArray[np.bool_]) -> Integers:
            counted = np.bincount(cells[chosen[of]], minlength=articles * groups)
            return np.asarray(counted.reshape(articles, groups))

        lengths = batch.lengths
        sizes = lengths // WINDOW + 1
        first_window = np.cumsum(sizes) - sizes
        flags = np.zeros(int(sizes.sum()) * groups, dtype=bool)
        text_of = of[in_text[of]]
        flags[(first_window[owners[text_of]] + places[text_of] // WINDOW) * groups + group[in_text[of]]] = True
        windows = flags.nonzero()[0]
        owner = np.searchsorted(first_window, windows // max(groups, 1), side="right") - 1
        covered = np.bincount(owner * groups + windows % max(groups, 1), minlength=articles * groups)
        covered = covered.reshape(articles, groups)
        count, lead, title = tally(in_text), tally(in_text & (places < LEAD)), tally(~in_text)
        distinct = tally(in_text & _once(owners * len(self.terms) + found.terms, in_text, articles * len(self.terms)))
        length = np.maximum(lengths, 1)[:, None]
        values = np.stack(
            (
                # Square roots: the tenth mention says less than the second; unlike log they are correctly rounded.
                np.sqrt(np.minimum(count, 25)) / 2,
                np.sqrt(np.minimum(count * 100 / np.maximum(length, 100), 9)),
                np.sqrt(np.minimum(distinct, 16)) / 2,
                np.sqrt(np.minimum(lead, 9)),
                np.sqrt(np.minimum(title, 4)),
                np.sqrt(covered * WINDOW / np.maximum(length, 4 * WINDOW)),
            ),
            axis=2,
        ).reshape(articles, groups * len(MEASURES))
        size = np.sqrt(np.sqrt(np.minimum(length, 10_000) / 100))
        sentences = self._sentences(batch, found, of, group)
        return np.asarray(np.rint(np.concatenate((values, sentences, size), axis=1) * 4096), dtype=np.int64)

    def _sentences(self, batch: Batch, found: Found, of: Integers, group: Integers) -> npt.NDArray[np.float64]:
        """Return how much of an article stands in sentences of each topic, and of it alone; columns as SENTENCES.

        Much of the vocabulary of diplomacy in an article on tariffs stands in its sentences on tariffs.
        """
        ends = _ENDS.take(batch.keys).nonzero()[0]
        starts = np.append(0, ends[:-1] + 1)[: ends.size]
        fields = np.searchsorted(batch.bounds, starts, side="right") - 1
        in_text, early = (fields & 1).astype(bool), starts - batch.bounds[fields] < LEAD
        # A row is a topic: sums along rows are three times as fast as down columns.
        own = np.zeros((len(self.topics), ends.size), dtype=bool)
        sentence = np.searchsorted(ends, found.starts)[of]
        for topic in range(len(self.topics)):
            own[topic, sentence[self._speaks[group, topic]]] = True
        alone = own & (own.sum(axis=0, dtype=np.int16) == 1)
        kinds = np.concatenate((own, alone))
        sizes = np.where(in_text, ends - starts + 1, 0)
        first = np.searchsorted(starts, batch.starts)
        body, lead, title = (
            np.add.reduceat(kinds * of_sentence, first, axis=1).T if batch.size else np.zeros((0, len(kinds)))
            for of_sentence in (sizes, sizes * early, (~in_text).astype(np.int64))
        )
        length = batch.lengths[:, None]
        shares = np.sqrt(np.minimum(body / np.maximum(length, 100), 1))
        leads = np.sqrt(np.minimum(lead / np.clip(length, 100, LEAD + 50), 2))
        # As in SENTENCES: a topic's sentences, then those of it alone, and of each the text, the lead and the title.
        measures = np.stack((shares, leads, title > 0), axis=2).reshape(batch.size, 2, len(self.topics), 3)
        return np.asarray(measures.transpose(0, 2, 1, 3).reshape(batch.size, len(self.topics) * len(SENTENCES)))

    def worth(self, weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return what each term is worth to the topic it speaks for, 0 for others; shape (n_topics, n_terms).

        Args:
            weights: those of the columns, shape (n_topics, n_columns).
        """
        size = len(self.groups) * len(MEASURES)
        by_group = weights[:, :size].reshape(len(weights), len(self.groups), len(MEASURES)).sum(axis=2)
        own = np.where(self._speaks.T, by_group, 0.0)
        return np.asarray(np.maximum.reduceat(own[:, self._group_list], self._group_starts, axis=1))

    def _spread(self, terms: Integers) -> tuple[Integers, Integers]:
        """Return for every group that a term counts for which of `terms` it is, and the group."""
        sizes = self._group_sizes[terms]
        ends = np.cumsum(sizes)
        of = np.repeat(np.arange(terms.size), sizes)
        inner = np.arange(of.size) - (ends - sizes)[of]
        return of, self._group_list[self._group_starts[terms][of] + inner]


class _Table:
    """A hash table that is asked for many keys at once."""

    def __init__(self, keys: Iterable[int], slots: Sequence[int], values: Sequence[int], size: int) -> None:
        heads: dict[int, int] = {}
        following = [-1] * (len(slots) + 1)
        for number, slot in enumerate(slots):
            following[number] = heads.get(slot, -1)
            heads[slot] = number
        self._heads = np.full(size + 1, -1, dtype=np.int32)
        self._heads[list(heads)] = list(heads.values())
        self._next = np.array(following, dtype=np.int64)
        # The last entry is what is found where nothing is.
        self._keys = np.array([*keys, -1], dtype=np.int64)
        self._values = np.array([*values, 0], dtype=np.int64)

    def find(self, slots: Integers, keys: Integers) -> tuple[npt.NDArray[np.bool_], Integers]:
        """Return which keys are there, shape (n_keys,), and the values of those, shape (n_there,)."""
        entries = self._heads.take(slots, mode="clip").astype(np.intp)
        there = self._keys[entries] == keys
        missed = (~there & (self._next[entries] >= 0)).nonzero()[0]
        while missed.size:
            entries[missed] = self._next[entries[missed]]
            there[missed] = self._keys[entries[missed]] == keys[missed]
            missed = missed[~there[missed] & (self._next[entries[missed]] >= 0)]
        return there, self._values[entries[there]]


def _slots(edges: Integers) -> Integers:
    return (edges * 0x9E3779B1 >> 16) % _SLOTS


def _once(codes: Integers, among: npt.NDArray[np.bool_], size: int) -> npt.NDArray[np.bool_]:
    """Return for each code that is `among` the counted ones whether it is the one kept of all that are equal."""
    places = np.arange(codes.size)
    kept = np.zeros(size, dtype=np.int64)
    kept[codes[among]] = places[among]
    return np.asarray(kept[codes] == places)


def _in_word(keys: Keys, places: Integers) -> npt.NDArray[np.bool_]:
    """Whether ASCII letters or digits stand at places, as behind the `wto` of `wtop`; never before the beginning."""
    there = keys[np.maximum(places, 0)]
    digit, letter = (there >= 0x30) & (there <= 0x39), (there >= 0x61) & (there <= 0x7A)
    found: npt.NDArray[np.bool_] = (digit | letter) & (places >= 0)
    return found


def _apart(starts: Integers, ends: Integers) -> npt.NDArray[np.bool_]:
    """Return which of the spans, sorted by start, remain when each one that begins inside a kept one is dropped."""
    kept = np.ones(starts.size, dtype=bool)
    if starts.size < 2:
        return kept
    kept[1:] = starts[1:] >= np.maximum.accumulate(ends)[:-1]
    last = before = -1
    for number in (~kept).nonzero()[0].tolist():
        if number - 1 != before:
            last = ends[number - 1]
        if starts[number] >= last:
            kept[number] = True
            last = ends[number]
        before = number
    return kept
