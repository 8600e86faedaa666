"""Articles as arrays: the keys of a whole batch, and hash rows of characters and pairs.

Everything here is a function of the folded key, so the two scripts of one text give the same numbers, and every sum is
a sum of whole numbers, so a document's numbers do not depend on its batch or on the machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.native import folding, tags
from pipeline.script.fold import code_points, folded_keys, folded_points

__all__ = [
    "BITS",
    "Batch",
    "Integers",
    "Keys",
    "Rows",
    "batches",
    "hash_rows",
    "key",
    "letters",
    "read_batch",
]

BITS = 16
"""Hash table of 2**16 rows: 2**18 gave the same F1 (within .005) on topics-dev at four times the size."""

_CHARACTERS = 100_000
"""Code points of a batch. 10,000 gave 120 MB/s, 50,000 152, 100,000 and 200,000 157."""

Keys = npt.NDArray[np.uint16]
"""Characters of a key or letters, one number each."""

Rows = npt.NDArray[np.uint32]
"""Rows of the hash table."""

Integers = npt.NDArray[np.int64]


def _letter_table() -> Keys:
    """Key character to letter: 0 where a pair of characters ends (blanks, marks), all digits as one."""
    table = np.arange(0x10000, dtype=np.uint16)
    table[:0x30] = 0
    table[0x30:0x3A] = 0x30
    for start, end in (
        *((0x3A, 0x61), (0x7B, 0xC0), (0x2000, 0x2100), (0x2190, 0x2E80), (0x3000, 0x3005), (0x3008, 0x3040)),
        *((0xD800, 0xF900), (0xFE00, 0xFE70), (0xFF00, 0xFF10), (0xFF5F, 0xFF66), (0xFFE0, 0xFFFF)),
    ):
        table[start:end] = 0
    return table


_LETTERS = _letter_table()
_SIGNS = np.arange(0x10000, dtype=np.uint16)
_SIGNS[:0x21] = _SIGNS[0xD800:0xE000] = 0


def key(text: str) -> str:
    """Return the folded key of `text`, lower case and half width, with the same number of code points.

    `key(text) == key(fold(text))` since folding a folded text changes nothing.
    """
    return str(folding.lower(folded_points(text)).data, "utf-32-le", "surrogatepass") if text else ""


def letters(*, marks: bool = False) -> Keys:
    """Return the letter of each key character, 0 for whatever is no letter, ideograph or digit, digits as one.

    With `marks`, only blanks are 0, and digits are told apart. Shape (65,536,).
    """
    return _SIGNS if marks else _LETTERS


def hash_rows(keys: Keys, bits: int = BITS, *, marks: bool = False) -> tuple[Rows, Rows]:
    """Return the hash row of each character by itself and with the one behind it; 2**bits where one is no letter.

    Blanks and marks end a pair, so line breaks and punctuation change little.
    """
    return tags.rows(letters(marks=marks), bits, keys)


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


def read_batch(texts: Sequence[str], titles: Sequence[str] | None = None, *, folded: bool = False) -> Batch:
    """Return the keys of articles as one batch. `folded` says that the texts are keys already.

    Raises:
        ValueError: there are not as many titles as texts.
    """
    given = [""] * len(texts) if titles is None else titles
    fields = [field for pair in zip(given, texts, strict=True) for field in pair]
    whole = "\n".join((*fields, ""))
    bounds = np.zeros(len(fields) + 1, dtype=np.int64)
    np.cumsum(np.fromiter(map(len, fields), np.int64, len(fields)) + 1, out=bounds[1:])
    return Batch(folding.keys(code_points(whole)) if folded else folded_keys(whole), bounds)


def batches(
    texts: Sequence[str], titles: Sequence[str] | None = None, characters: int = _CHARACTERS
) -> Iterator[tuple[int, Batch]]:
    """Yield articles in batches of about `characters` code points, each with the number of its first article.

    Raises:
        TypeError: one text is given in place of a list, whose characters would pass for articles.
        ValueError: there are not as many titles as texts.
    """
    if isinstance(texts, str) or isinstance(titles, str):
        raise TypeError("Articles come as a list of texts and a list of titles; a single one is [text], [title].")
    given = [""] * len(texts) if titles is None else titles
    first = size = 0
    for number, (text, title) in enumerate(zip(texts, given, strict=True)):
        size += len(text) + len(title) + 2
        if size >= characters:
            yield first, read_batch(texts[first : number + 1], given[first : number + 1])
            first, size = number + 1, 0
    if first < len(texts):
        yield first, read_batch(texts[first:], given[first:])
