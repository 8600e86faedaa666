"""Characters and pairs as a linear model: a table of weights by hash row, applied to a whole batch at once.

An article is how often it has each row, as 1 + ln n, weighed by how rare a row is, and scaled to length 1, as in
TF-IDF: the tenth mention says less than the second. A kernel adds the weights where rows stand, each time by what the
logarithm grows by; characters and pairs are counted apart. The length is that of a sketch (Charikar, Chen and
Farach-Colton 2002: rows are added up in few buckets, each with a sign) of the pairs, the same in training. The length
of the pairs went with that of all rows (a spread of 5%), for half the time; a function of the number of characters did
not (17%), and took macro-F1 by source from .878 to .873.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.native import tags
from pipeline.topics.features import Batch, Integers, Keys, Rows, hash_rows, letters

__all__ = ["LARGEST", "UNIT", "Counts", "Hashed", "Pairs", "count_rows", "length_of", "logs_of", "sketch_of"]

LARGEST = 1023
"""Largest weight of a hash row, either sign: three digits are as good as more, and a model is checked for it."""

UNIT = 64
"""1 + ln n is told in whole numbers of 1 / UNIT: sums stay exact, and STRETCH of the kernel in 32 bits."""

_MOST = 255
"""Times that a row is counted in an article: a byte. From there on it says no more."""

_LOGS = np.array([0, *(round(UNIT * (1 + math.log(n))) for n in range(1, _MOST + 1))], dtype=np.int64)
"""1 + ln n of n from 0 to _MOST in units. No logarithm comes so near to a half that machines could round it apart."""

_STEPS = np.append(np.diff(_LOGS), 0).astype(np.uint8)
"""What one more adds to n times, n from 0 to _MOST."""

_SHORTEST = 400.0
"""Least length of an article: that of a dozen pairs. A text of one letter has none. On the train splits of headlines 1
to 400 gave the same (thuc .853, nlpcc .758), 900 less (.847, .757)."""

_BUCKETS = 1024
"""Buckets of the sketch, and of the kernel's: with four times as many F1 by source was the same within .0005."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Hashed:
    """What the characters and pairs of a batch say."""

    scores: Array
    """Sum of the weights by the length of the article's vector, shape (n_articles, n_topics)."""
    in_text: npt.NDArray[np.bool_]
    """Whether an article's text has any letter, shape (n_articles,)."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Hash rows of articles, each as often as it stands there: what a sparse matrix is made of."""

    rows: Rows
    starts: Integers
    """Where each article's rows begin in `rows`, and the end: shape (n_articles + 1,)."""
    paired: npt.NDArray[np.bool_]
    """Which of `rows` are of pairs, same shape as `rows`."""


class Pairs:
    """Weights of characters and pairs of letters, for any number of topics.

    Args:
        rarity: what a row counts in the length of an article's vector, shape (2**bits,), whole numbers below 256.
        weights: what it adds to each topic, rarity included, shape (2**bits, n_topics), whole numbers up to LARGEST.
        marks: count marks and single digits as letters too, as the comparison on headlines does.
    """

    def __init__(self, rarity: npt.NDArray[np.uint8], weights: npt.NDArray[np.int16], *, marks: bool = False) -> None:
        self.bits = int(rarity.size - 1).bit_length()
        self.marks = marks
        self._weights = weights
        signed = _signs(rarity.size) * rarity
        self.told = tags.pairs(letters(marks=marks), weights, signed, _STEPS, _SHORTEST * UNIT)
        """What the kernels take."""

    def read(self, batch: Batch) -> Hashed:
        """Return what the characters and pairs of a batch say. Whole numbers are summed, in whatever order."""
        return Hashed(*tags.weigh(self.told, batch.keys, batch.bounds))

    def gains(self, topic: int, keys: Keys) -> Integers:
        """Return what each character of an article adds to a topic, with the next one, shape (n_characters,).

        What a row adds is parted among its places: of n mentions each has an n-th of 1 + ln n. In units of 1 / 4096, so
        that sums over characters are exact.

        Args:
            topic: its column.
            keys: of the whole article, title and text.
        """
        column = np.append(self._weights[:, topic], 0).astype(np.int64)
        gains = np.zeros(keys.size, dtype=np.int64)
        for rows in hash_rows(keys, self.bits, marks=self.marks):
            counts = np.bincount(rows)[rows]
            gains += column[rows] * logs_of(counts) * (4096 // UNIT) // counts
        return gains


def count_rows(batches: Iterable[Batch], bits: int, *, marks: bool = False) -> Counts:
    """Return the hash rows of the articles of some batches, in order: characters, then pairs."""
    none = 1 << bits
    found, paired, sizes = [], [], [0]
    for batch in batches:
        ones, twos = hash_rows(batch.keys, bits, marks=marks)
        for start, end in zip(batch.starts.tolist(), batch.bounds[2::2].tolist(), strict=True):
            single, pair = (rows[start:end][rows[start:end] < none] for rows in (ones, twos))
            found += [single, pair]
            paired += [np.zeros(single.size, dtype=bool), np.ones(pair.size, dtype=bool)]
            sizes.append(single.size + pair.size)
    whole = np.concatenate(found) if found else np.zeros(0, dtype=np.uint32)
    of_pairs = np.concatenate(paired) if paired else np.zeros(0, dtype=bool)
    return Counts(whole, np.cumsum(sizes).astype(np.int64), of_pairs)


def logs_of(counts: Integers) -> Integers:
    """Return 1 + ln n of counts n, 0 of none, in units of 1 / UNIT."""
    return np.asarray(_LOGS[np.minimum(counts, _MOST)])


def length_of(squares: Array) -> Array:
    """Return the length that an article's vector is scaled by, in units, from the sum of squares of its sketch."""
    return np.maximum(np.sqrt(squares), _SHORTEST * UNIT)


def sketch_of(rows: int) -> tuple[Array, npt.NDArray[np.intp], int]:
    """Return sign and bucket of each hash row in the sketch, shape (rows,), and the number of buckets."""
    return _signs(rows).astype(np.float64), np.arange(rows, dtype=np.intp) >> 1 & (_BUCKETS - 1), _BUCKETS


def _signs(rows: int) -> npt.NDArray[np.int16]:
    signs = np.ones(rows, dtype=np.int16)
    signs[::2] = -1
    return signs
