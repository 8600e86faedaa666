"""Articles as arrays: one look-up folds case and width for a whole batch, and characters and pairs get hash rows.

Everything here is a function of the folded key, so the two scripts of one text give the same numbers, and every sum is
a sum of whole numbers, so a document's numbers do not depend on its batch, on the machine or on the version of numpy.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.script.fold import code_points, folded_points

__all__ = [
    "BITS",
    "Batch",
    "Integers",
    "Keys",
    "batches",
    "hash_rows",
    "keep_memory",
    "key",
    "letters",
    "read_batch",
    "row_table",
]

BITS = 16
"""Hash table of 2**16 rows: 2**18 gave the same F1 (within .005) on topics-dev at four times the size."""

_CHARACTERS = 200_000
"""Code points of a batch. 50,000 gave 36 MB/s, 100,000 45, 200,000 50, 500,000 52, for as much more memory."""

_KEPT = 24 << 20
"""Bytes that `keep_memory` asks for and gives back: below the 32 MB up to which glibc learns (mallopt(3))."""

_RARE = 0xFFFF
"""What stands for every ideograph beyond U+FFFF: names and old texts, one in 100,000 characters of news."""

_MULTIPLY_FIRST, _MULTIPLY_SECOND, _MULTIPLY_MIX = 0x9E3779B1, 0x85EBCA6B, 0xC2B2AE35
"""Odd multipliers of well-known 32-bit hashes (Knuth's golden ratio, MurmurHash3): fixed, a model depends on them."""

Keys = npt.NDArray[np.uint16]
"""Characters of a key or letters, one number each."""

Integers = npt.NDArray[np.int64]


def _lowered() -> npt.NDArray[np.uint32]:
    """Code point to code point: full-width ASCII to ASCII, ideographic space to space, A-Z to a-z."""
    table = np.arange(0x110000, dtype=np.uint32)
    table[0xFF01:0xFF5F] = np.arange(0x21, 0x7F, dtype=np.uint32)
    table[0x3000] = 0x20
    upper = (table >= 0x41) & (table <= 0x5A)
    table[upper] += 0x20
    return table


def _shortened(lowered: npt.NDArray[np.uint32]) -> Keys:
    """Code point to a number of 16 bits: beyond U+FFFF ideographs are all one, and the rest is nothing (0)."""
    table = np.zeros(0x110000, dtype=np.uint16)
    table[:_RARE] = lowered[:_RARE]
    table[0x20000:0x40000] = _RARE
    return table


def _letter_table() -> Keys:
    """Key character to letter: 0 where a pair of characters ends (blanks, marks), all digits as one."""
    table = np.arange(0x10000, dtype=np.uint16)
    table[:0x30] = 0
    table[0x30:0x3A] = 0x30
    for start, end in (
        *((0x3A, 0x61), (0x7B, 0xC0), (0x2000, 0x2100), (0x2190, 0x2E80), (0x3000, 0x3005), (0x3008, 0x3040)),
        *((0xD800, 0xF900), (0xFE00, 0xFE70), (0xFF00, 0xFF10), (0xFF5F, 0xFF66), (0xFFE0, _RARE)),
    ):
        table[start:end] = 0
    return table


_LOWERED = _lowered()
_SHORT = _shortened(_LOWERED)
_LETTERS = _letter_table()
_SIGNS = np.arange(0x10000, dtype=np.uint16)
_SIGNS[:0x21] = _SIGNS[0xD800:0xE000] = 0


def keep_memory() -> None:
    """Have the allocator keep what the arrays of a batch took, for the next batch.

    glibc gives arrays of this size back to the system and gets each page anew, at a fault a page: more than half of the
    time (24 against 43 MB/s). It stops for all sizes below the largest block that was ever freed. Elsewhere no effect.
    """
    np.empty(_KEPT, dtype=np.uint8)


def key(text: str) -> str:
    """Return the folded key of `text`, lower case and half width, with the same number of code points.

    `key(text) == key(fold(text))` since folding a folded text changes nothing.
    """
    lowered = _LOWERED.take(folded_points(text), mode="clip")
    return str(lowered.astype("<u4", copy=False).data, "utf-32-le", "surrogatepass") if lowered.size else ""


def letters(keys: Keys, *, marks: bool = False) -> Keys:
    """Return characters of a key with 0 for whatever is no letter, ideograph or digit, digits as one.

    With `marks`, only blanks are 0, and digits are told apart.
    """
    return (_SIGNS if marks else _LETTERS).take(keys)


def row_table(bits: int = BITS, *, marks: bool = False) -> npt.NDArray[np.intp]:
    """Return the hash row of each letter by itself, shape (65,536,), 2**bits where there is no letter."""
    single = letters(np.arange(0x10000, dtype=np.uint16), marks=marks)
    rows = _mixed(single.astype(np.uint32), np.zeros(0x10000, dtype=np.uint32), bits).astype(np.intp)
    rows[single == 0] = 1 << bits
    return rows


def hash_rows(given: Keys, bits: int = BITS) -> npt.NDArray[np.intp]:
    """Return the hash row of each letter with the one behind it, same shape; 2**bits where one of them is none.

    Blanks and marks end a pair, so line breaks and punctuation change little.
    """
    rows = np.full(given.size, 1 << bits, dtype=np.intp)
    if given.size > 1:
        wide, none = given.astype(np.uint32), given == 0
        mixed = _mixed(wide[:-1], wide[1:], bits)
        none[:-1] |= none[1:]
        np.putmask(mixed, none[:-1], np.uint32(1 << bits))
        rows[:-1] = mixed
    return rows


def _mixed(first: npt.NDArray[np.uint32], second: npt.NDArray[np.uint32], bits: int) -> npt.NDArray[np.uint32]:
    mixed = first * np.uint32(_MULTIPLY_FIRST)
    mixed += second * np.uint32(_MULTIPLY_SECOND)
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(_MULTIPLY_MIX)
    mixed >>= np.uint32(32 - bits)
    return mixed


@dataclass(frozen=True, slots=True)
class Batch:
    """Some articles as one array: title, end mark, text, end mark, title, and so on."""

    keys: Keys
    """Shape (n_characters,)."""
    bounds: Integers
    """Where each field begins, and the end: shape (2 * n_articles + 1,). Its last character is the end mark."""

    @property
    def size(self) -> int:
        """Number of articles."""
        return self.bounds.size // 2

    @property
    def starts(self) -> Integers:
        """Where each article begins, shape (n_articles,)."""
        return self.bounds[:-1:2]

    @property
    def lengths(self) -> Integers:
        """Code points of each article's text, shape (n_articles,)."""
        return np.diff(self.bounds)[1::2] - 1


def read_batch(texts: Sequence[str], titles: Sequence[str] | None = None, *, folded: bool = False) -> Batch:
    """Return the keys of articles as one batch. `folded` says that the texts are keys already.

    Raises:
        ValueError: there are not as many titles as texts.
    """
    given = [""] * len(texts) if titles is None else titles
    fields = [field for pair in zip(given, texts, strict=True) for field in pair]
    whole = "\n".join((*fields, ""))
    bounds = np.cumsum([0, *(len(field) + 1 for field in fields)], dtype=np.int64)
    return Batch(_SHORT.take((code_points if folded else folded_points)(whole), mode="clip"), bounds)


def batches(
    texts: Sequence[str], titles: Sequence[str] | None = None, characters: int = _CHARACTERS
) -> Iterator[tuple[int, Batch]]:
    """Yield articles in batches of about `characters` code points, each with the number of its first article.

    Raises:
        ValueError: there are not as many titles as texts.
    """
    given = [""] * len(texts) if titles is None else titles
    first = size = 0
    for number, (text, title) in enumerate(zip(texts, given, strict=True)):
        size += len(text) + len(title) + 2
        if size >= characters:
            yield first, read_batch(texts[first : number + 1], given[first : number + 1])
            first, size = number + 1, 0
    if first < len(texts):
        yield first, read_batch(texts[first:], given[first:])
