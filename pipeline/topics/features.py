"""What a model sees of an article: counts of terms, and hashed character uni- and bigrams, of the folded key.

Everything here is a function of the key, so the two scripts of one text give the same numbers, and every sum is a sum
of integers, so a document's numbers do not depend on the batch it came in, on the machine or on the numpy version.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pipeline.script.fold import fold
from pipeline.topics.taxonomy import Group, Taxonomy

__all__ = ["BITS", "LEAD", "MEASURES", "Document", "Found", "TermFinder", "documents", "hashes", "key", "letters"]

BITS = 16
"""Hash table of 2**16 rows: 2**18 gave the same F1 (within .005) on topics-dev at four times the size."""

LEAD = 200
"""Code points of the text that count as its lead, where a news article says what it is about."""

WINDOW = 64
"""Code points of a window. The share of windows with a term is how much of the text is about it (labelling rule: a
fifth to a quarter of the text), which plain counts overstate where one sentence repeats a word."""

MEASURES = ("count", "density", "kinds", "lead", "title", "coverage")
"""What is measured of each group of terms, in the order of the columns."""

_MULTIPLY_FIRST, _MULTIPLY_SECOND, _MULTIPLY_MIX = 0x9E3779B1, 0x85EBCA6B, 0xC2B2AE35
"""Odd multipliers of well-known 32-bit hashes (Knuth's golden ratio, MurmurHash3): fixed, a model depends on them."""


Points = npt.NDArray[np.uint32]
"""Code points, one a character."""


def _key_table() -> Points:
    """Code point to code point for U+0000-FFFF: full-width ASCII to ASCII, ideographic space to space, A-Z to a-z."""
    table = np.arange(0x10000, dtype=np.uint32)
    table[0xFF01:0xFF5F] = np.arange(0x21, 0x7F, dtype=np.uint32)
    table[0x3000] = 0x20
    upper = (table >= 0x41) & (table <= 0x5A)
    table[upper] += 0x20
    return table


def _letter_table() -> Points:
    """Key code point to letter: 0 where a pair of characters ends (blanks, marks), all digits as one."""
    table = np.arange(0x10000, dtype=np.uint32)
    table[:0x30] = 0
    table[0x30:0x3A] = 0x30
    for start, end in (
        (0x3A, 0x61),
        (0x7B, 0xC0),
        (0x2000, 0x2100),
        (0x2190, 0x2E80),
        (0x3000, 0x3005),
        (0x3008, 0x3040),
    ):
        table[start:end] = 0
    for start, end in ((0xD800, 0xF900), (0xFE00, 0xFE70), (0xFF00, 0xFF10), (0xFF5F, 0xFF66), (0xFFE0, 0x10000)):
        table[start:end] = 0
    return table


_KEYS = _key_table()
_LETTERS = _letter_table()


def _points(text: str) -> Points:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint32, copy=False)


def key(text: str) -> str:
    """Return the folded key of `text`, lower case and half width, with the same number of code points.

    `key(text) == key(fold(text))` since folding a folded text changes nothing.
    """
    points = _points(fold(text))
    small = points < 0x10000
    mapped = np.where(small, _KEYS[np.where(small, points, 0)], points)
    return mapped.astype("<u4", copy=False).tobytes().decode("utf-32-le", "surrogatepass")


def letters(keyed: str) -> Points:
    """Return the code points of a key with 0 for whatever is no letter, ideograph or digit."""
    points = _points(keyed)
    small = points < 0x10000
    return np.where(small, _LETTERS[np.where(small, points, 0)], points)


def hashes(points: Points, bits: int = BITS) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the table rows of all characters and neighbouring pairs of `letters(...)`, and where each stands.

    Blanks and marks end a pair, so line breaks and punctuation change little. Order: characters, then pairs.
    """
    single = np.flatnonzero(points)
    pair = np.flatnonzero((points[:-1] != 0) & (points[1:] != 0)) if points.size > 1 else single[:0]
    first = np.concatenate((points[single], points[pair]))
    second = np.concatenate((np.zeros(single.size, dtype=np.uint32), points[pair + 1]))
    return _mix(first, second, bits), np.concatenate((single, pair)).astype(np.int64)


def _mix(first: Points, second: Points, bits: int = BITS) -> npt.NDArray[np.int64]:
    mixed = first * np.uint32(_MULTIPLY_FIRST) + second * np.uint32(_MULTIPLY_SECOND)
    mixed = (mixed ^ (mixed >> np.uint32(15))) * np.uint32(_MULTIPLY_MIX)
    rows: npt.NDArray[np.int64] = (mixed >> np.uint32(32 - bits)).astype(np.int64)
    return rows


@dataclass(frozen=True, slots=True)
class Found:
    """A term at a place of a key. `groups` are those it counts for, its own and those of terms inside it."""

    start: int
    end: int
    term: int
    groups: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One article as the features see it."""

    title: str
    """Key of the title."""
    text: str
    """Key of the text."""

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """Rows of the hash table, of the title and the text; the title's end is the end of a pair."""
        return hashes(letters(f"{self.title}\n{self.text}"))[0]


def documents(texts: Sequence[str], titles: Sequence[str] | None = None) -> list[Document]:
    """Return the keys of articles.

    Raises:
        ValueError: there are not as many titles as texts.
    """
    if titles is None:
        return [Document("", key(text)) for text in texts]
    return [Document(key(title), key(text)) for text, title in zip(texts, titles, strict=True)]


class TermFinder:
    """Finds the terms of a taxonomy in keys, longest first, and counts them by group."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self.groups: tuple[Group, ...] = taxonomy.groups
        owners: dict[str, list[int]] = {}
        listed = [(number, term) for number, group in enumerate(self.groups) for term in group.terms]
        # One call folds all terms: a call for each took longer than all else of loading a model.
        for (number, _), keyed in zip(listed, key("\n".join(term for _, term in listed)).split("\n"), strict=True):
            owners.setdefault(keyed, []).append(number)
        self._terms = sorted(owners)
        hiding = {number for number, group in enumerate(self.groups) if group.kind == "phrases"}
        self._counts_for: list[tuple[int, ...]] = []
        for term in self._terms:
            of = set(owners[term])
            if not of & hiding:
                # A longer term is also each term inside it, so that 中美贸易战 may be listed without losing 贸易战.
                for start in range(len(term)):
                    for end in range(start + 1, len(term) + 1):
                        of.update(set(owners.get(term[start:end], ())) - hiding)
            self._counts_for.append(tuple(sorted(of)))
        # Where a term may begin is looked up for a whole text at once; only there terms are compared, longest first.
        # A regular expression of all terms was ten times slower: it tries its branches one by one.
        self._alone = np.zeros(0x10000, dtype=bool)
        self._opens = np.zeros(1 << BITS, dtype=bool)
        self._by_opening: dict[str, list[tuple[str, int]]] = {}
        for number, term in sorted(enumerate(self._terms), key=lambda item: (-len(item[1]), item[1])):
            self._by_opening.setdefault(term[:2], []).append((term, number))
            points = _points(term)
            if len(term) == 1:
                self._alone[points[points < 0x10000]] = True
            else:
                self._opens[_mix(points[:1], points[1:2])] = True

    @cached_property
    def columns(self) -> tuple[tuple[int, str], ...]:
        """Group number and measure of every column of `matrix`; the last, (-1, "length"), is the text's length."""
        return (*((number, measure) for number in range(len(self.groups)) for measure in MEASURES), (-1, "length"))

    def find(self, keyed: str) -> Iterator[Found]:
        """Yield the terms of a key from left to right, never overlapping, the longest at each place."""
        points = _points(keyed)
        if not points.size:
            return
        begins = self._alone[np.minimum(points, 0xFFFF)]
        begins[:-1] |= self._opens[_mix(points[:-1], points[1:])]
        last = 0
        for start in np.flatnonzero(begins).tolist():
            if start < last:
                continue
            opening = keyed[start : start + 2]
            for term, number in (*self._by_opening.get(opening, ()), *self._by_opening.get(opening[0], ())):
                end = start + len(term)
                if keyed.startswith(term, start) and not (term.isascii() and _inside_word(keyed, start, end)):
                    last = end
                    yield Found(start, end, number, self._counts_for[number])
                    break

    def matrix(self, articles: Sequence[Document]) -> npt.NDArray[np.float64]:
        """Return the term features, shape (n_articles, n_columns). Only exact or correctly rounded operations."""
        rows = [self.row(article, *self.both(article)) for article in articles]
        return np.stack(rows) if rows else np.zeros((0, len(self.columns)))

    def both(self, article: Document) -> tuple[list[Found], list[Found]]:
        """Return the terms of an article's title, and those of its text."""
        return list(self.find(article.title)), list(self.find(article.text))

    def row(self, article: Document, in_title: Sequence[Found], in_text: Sequence[Found]) -> npt.NDArray[np.float64]:
        """Return the features of one article, shape (n_columns,), each about between 0 and 3."""
        size = len(self.groups)
        title, count, lead = [0] * size, [0] * size, [0] * size
        kinds: set[tuple[int, int]] = set()
        windows: set[tuple[int, int]] = set()
        for found in in_title:
            for group in found.groups:
                title[group] += 1
        for found in in_text:
            for group in found.groups:
                count[group] += 1
                lead[group] += found.start < LEAD
                kinds.add((group, found.term))
                windows.add((group, found.start // WINDOW))
        distinct = np.bincount([group for group, _ in kinds], minlength=size) if kinds else np.zeros(size)
        covered = np.bincount([group for group, _ in windows], minlength=size) if windows else np.zeros(size)
        length = max(len(article.text), 1)
        counts = np.array(count, dtype=np.int64)
        values = np.stack(
            (
                # Square roots: the tenth mention says less than the second; unlike log they are correctly rounded.
                np.sqrt(np.minimum(counts, 25)) / 2,
                np.sqrt(np.minimum(counts * 100 / max(length, 100), 9)),
                np.sqrt(np.minimum(distinct, 16)) / 2,
                np.sqrt(np.minimum(lead, 9)),
                np.sqrt(np.minimum(title, 4)),
                np.sqrt(covered * WINDOW / max(length, 4 * WINDOW)),
            ),
            axis=1,
        )
        return np.concatenate((values.ravel(), [np.sqrt(np.sqrt(min(length, 10_000)) / 100)]))


def _inside_word(keyed: str, start: int, end: int) -> bool:
    """Whether a term of ASCII letters is a piece of a longer word or number, as `wto` is of `wtop`."""
    before, after = keyed[start - 1 : start] if start else "", keyed[end : end + 1]
    return any(beside.isascii() and beside.isalnum() for beside in (before, after) if beside)
