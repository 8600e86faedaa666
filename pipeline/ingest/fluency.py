"""How well a text reads: a character trigram model of the news, and what leaving out a span would gain.

The model works on keys (folded text), so one model serves both scripts. Digits are one symbol and letters are one
symbol, since what matters is whether a sentence runs on, not which number it has. Probabilities are natural
logarithms, counted in nats; a character of clean news costs about 3.9 of them.

The arrays are made by

    python -m pipeline.ingest.fluency train --out build/models/fluency

from the news pool at `$TAOWEN_DATA` or `../shared/data`. Same data, same bytes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from string import ascii_letters
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.configure import model_path, shared_data
from pipeline.errors import ModelError
from pipeline.native import splices
from pipeline.script.fold import Codes, code_points, fold

__all__ = [
    "FORMAT",
    "KEY_BITS",
    "STEP",
    "Fluency",
    "Reading",
    "canonical",
    "default_fluency",
    "main",
    "word_table",
]

FORMAT = 1
KEY_BITS = np.uint64(13)
"""Bits of a symbol in the key of an n-gram. The vocabulary has about 4,200 symbols."""
STEP = 1 / 16
"""Nats per step of a stored logarithm: 255 steps reach 15.9 nats, rarer things are clipped there."""
THEME_SCALE = 16.0
"""Steps of a stored theme coordinate per unit: idf-weighted unit vectors stay within 127 steps."""
_EMPTY = np.uint64(2**64 - 1)
_ODD = np.uint64(0x9E3779B97F4A7C15)
"""Multiplier of Fibonacci hashing: 2**64 divided by the golden ratio, made odd."""
_LONG = 50_000
"""Code points scored at a time, so that the work arrays of a 20 MB page stay small."""

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

_ALIKE = (
    ("0123456789０１２３４５６７８９", "0"),
    (ascii_letters, "a"),
    ("".join(chr(c) for c in (*range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))), "a"),
    ('「『“‘"＂〝', "“"),
    ("」』”’〞", "”"),
    ("(（﹝[［", "（"),
    (")）﹞]］", "）"),
    (",，", "，"),
    (":：", "："),
    (";；", "；"),
    ("?？", "？"),
    ("!！", "！"),
    (" \t\u3000\xa0", " "),
    ("\n\r\x0b\x0c\x85\u2028\u2029", "\n"),
    ("·‧・･•", "·"),
    ("—–─-－", "-"),
)
"""Characters that are one symbol: the first of each pair is read as the second."""


@cache
def word_table() -> NDArray[np.bool_]:
    """Return which code points are letters, digits or ideographs, shape `(0x110000,)`. Own table: Python's differ."""
    table = np.zeros(0x110000, bool)
    for low, high in _WORD:
        table[low : high + 1] = True
    return table


_WORD = (
    *((0x30, 0x39), (0x41, 0x5A), (0x61, 0x7A), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x24F), (0x370, 0x373)),
    *((0x376, 0x377), (0x37B, 0x37D), (0x386, 0x386), (0x388, 0x481), (0x48A, 0x52F), (0x3005, 0x3007)),
    *((0x3041, 0x3096), (0x30A1, 0x30FA), (0x30FC, 0x30FF), (0x3105, 0x312F), (0x3400, 0x4DBF), (0x4E00, 0x9FFF)),
    *((0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0xFF10, 0xFF19), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A), (0x20000, 0x323AF)),
)
"""First and last code points of digits, Latin, Greek, Cyrillic, Kana, Bopomofo, Han and Hangul; full width too."""


@cache
def canonical() -> NDArray[np.uint32]:
    """Return what each code point of the basic plane is read as, shape `(0x10000,)`."""
    table = np.arange(0x10000, dtype=np.uint32)
    for several, one in _ALIKE:
        for character in several:
            table[ord(character)] = ord(one)
    return table


class _Ranks:
    """A set of sorted keys as a bit map: a key's row is the number of bits before its own. About 20 ns a key."""

    def __init__(self, keys: NDArray[np.uint64], bits: int) -> None:
        self.table = np.zeros((1 << bits) // 64, np.dtype([("word", "u8"), ("before", "i4"), ("unused", "i4")]))
        """64 bits, and how many are before them: side by side, since who asks for one needs the other."""
        words = self.table["word"]
        np.bitwise_or.at(words, (keys >> np.uint64(6)).astype(np.int64), np.uint64(1) << (keys & np.uint64(63)))
        self.table["before"][1:] = np.cumsum(np.bitwise_count(words), dtype=np.int32)[:-1]

    def find(self, keys: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Return the row of each key, -1 where it has none."""
        told = self.table[(keys >> np.uint64(6)).astype(np.int64)]
        bit = np.uint64(1) << (keys & np.uint64(63))
        rows: NDArray[np.int32] = told["before"] + np.bitwise_count(told["word"] & (bit - np.uint64(1))).astype(
            np.int32
        )
        rows[(told["word"] & bit) == 0] = -1
        return rows


def _hashed(keys: NDArray[np.uint64], values: NDArray[np.uint8]) -> tuple[NDArray[np.uint64], np.uint64]:
    """Return an open-addressed table of keys, each with its value in its lowest byte, and the shift of its hashes."""
    bits = max(4, int(len(keys) * 2 - 1).bit_length())
    shift = np.uint64(64 - bits)
    table = np.full(1 << bits, _EMPTY)
    told = (keys << np.uint64(8)) | values
    slot = ((keys * _ODD) >> shift).astype(np.int64)
    todo = np.arange(len(keys))
    while len(todo):
        at = slot[todo]
        free = table[at] == _EMPTY
        table[at[free]] = told[todo[free]]
        todo = todo[table[at] != told[todo]]
        slot[todo] = (slot[todo] + 1) & (len(table) - 1)
    return table, shift


class Fluency:
    """The model: `read` a key, then ask the reading what spans cost."""

    def __init__(self, arrays: dict[str, NDArray[Any]]) -> None:
        points = arrays["points"]
        symbols = np.zeros(0x10000, np.int64)
        symbols[points] = np.arange(1, len(points) + 1)
        self._symbols = symbols[canonical()].astype(np.int32)
        self._symbols[0xFFFF] = 0
        self.size = len(points) + 1
        """Symbols of the vocabulary; 0 is a character the model does not know."""
        self.break_symbol = int(self._symbols[ord("\n")])
        self._one = _logs(arrays["unigram"])
        self._one_back = _logs(arrays["unigram_back"])
        self._two = _logs(arrays["bigram"])
        first = np.repeat(np.arange(self.size, dtype=np.uint64), arrays["bigram_count"])
        two = (first << KEY_BITS) | _join(arrays["bigram_low"], arrays["bigram_high"])
        three = (np.repeat(two, arrays["trigram_count"]) << KEY_BITS) | _join(
            arrays["trigram_low"], arrays["trigram_high"]
        )
        self.themes = np.ascontiguousarray(arrays["themes"].astype(np.float32) / np.float32(THEME_SCALE))
        """Directions of the themed pairs, shape `(n_themed, 32)`, about unit length times their weight."""
        themed = np.full(len(two) + 1, -1, np.int32)
        themed[arrays["themed"]] = np.arange(len(self.themes), dtype=np.int32)
        self.themed = themed
        """Row of each pair of characters in `themes`, -1 where it has none; the last is for unknown pairs."""
        self._twos = _Ranks(two, 2 * int(KEY_BITS))
        threes, shift = _hashed(three, arrays["trigram"].astype(np.uint8))
        twos = np.stack((self._two, _logs(arrays["bigram_back"])), axis=1)
        # Every pair's cost in steps, known or not, in one table: 18 MB for look-ups of 10 ns, which `glance` lives on.
        alone = arrays["unigram"].astype(np.uint16)
        steps = np.minimum(arrays["unigram_back"].astype(np.uint16)[:, None] + alone[None, :], 255).astype(np.uint8)
        steps[first.astype(np.int64), _join(arrays["bigram_low"], arrays["bigram_high"]).astype(np.int64)] = arrays[
            "bigram"
        ]
        self._pair_steps = steps.ravel()
        self.language = splices.Language(
            *(self._symbols.astype(np.uint16), self._pair_steps, alone.astype(np.int16)),
            *(self._one, self._one_back, twos, self._twos.table, threes, self.themed, self.themes),
            *(self.size, int(shift), len(threes) - 1, self.break_symbol, self.themes.shape[1]),
        )
        """The model as the kernels have it."""

    @classmethod
    def load(cls, path: Path | None = None) -> Fluency:
        """Return the model in the folder `path`, by default the one that taowen ships.

        Raises:
            ModelError: the folder has no such model, or one that this version cannot read.
        """
        folder = model_path("fluency") if path is None else path
        try:
            with np.load(folder / "fluency.npz", allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            if int(arrays["format"]) != FORMAT:
                raise ModelError(f"The model in {folder} has format {arrays['format']}, this taowen reads {FORMAT}.")
            return cls(arrays)
        except (OSError, KeyError, ValueError) as error:
            raise ModelError(f"The model in {folder} is missing or damaged ({error}). Run 'make train'.") from error

    def symbols(self, key: str) -> NDArray[np.int32]:
        """Return the symbol of each character of `key`, shape `(len(key),)`."""
        return self._symbols[np.minimum(code_points(key), 0xFFFF)]

    def symbols_of(self, points: NDArray[Any]) -> NDArray[np.int32]:
        """Return the symbols of code points of the basic plane."""
        symbols: NDArray[np.int32] = self._symbols[points]
        return symbols

    def pairs_of(self, first: slice) -> Floats:
        """Return the log probability of every symbol after each symbol of `first`, shape `(len(first), size)`."""
        logs: Floats = self._pair_steps.reshape(self.size, self.size)[first] * np.float32(-STEP)
        return logs

    def cost(self, first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.int64]:
        """Return what symbols cost after others, by pairs alone, in steps of `STEP` nats."""
        steps: NDArray[np.int64] = self._pair_steps[first.astype(np.int64) * self.size + second].astype(np.int64)
        return steps

    def surprise(self, key: str) -> Floats:
        """Return the cost of each character of `key` after the two before it, in nats, shape `(len(key),)`."""
        parts = []
        for start in range(0, len(key), _LONG):
            lead = max(0, start - 2)
            parts.append(self.read(key[lead : start + _LONG]).cost[start - lead :])
        return np.concatenate(parts) if parts else np.zeros(0, np.float32)

    def read(self, key: str) -> Reading:
        """Return `key` read once, ready to be asked. For keys of up to a few 100,000 characters."""
        return self.reading(code_points(key))

    def reading(self, key: Codes) -> Reading:
        """The same for code points."""
        return Reading(self.language, key)

    def pair(self, first: NDArray[Any], second: NDArray[Any]) -> tuple[Floats, NDArray[np.int32]]:
        """Return the log probability of `second` after `first`, and the row of the pair (-1: not in the model)."""
        keys = (first.astype(np.uint64) << KEY_BITS) | second.astype(np.uint64)
        row = self._twos.find(keys)
        return np.where(row >= 0, self._two[row], self._one_back[first] + self._one[second]), row

    def common(self, characters: Sequence[str], least: float) -> list[bool]:
        """Tell which characters, folded here one by one, have at least this log probability."""
        ids = self.symbols("".join(fold(character) for character in characters))
        return [bool(known) for known in (self._one[ids] >= least) & (ids > 0)]

    def alone(self, symbols: NDArray[Any]) -> Floats:
        """Return the log probability of symbols without context."""
        logs: Floats = self._one[symbols]
        return logs


@cache
def default_fluency() -> Fluency:
    """Return the shipped model, loaded once in a process (about 0.2 s)."""
    return Fluency.load()


class Reading:
    """A key that the model has read: the cost of its characters, and of leaving spans out."""

    def __init__(self, language: splices.Language, key: Codes) -> None:
        self.language = language
        self.told = splices.read(language, key)
        """What the model says of each character, as the kernels have it."""

    @property
    def cost(self) -> Floats:
        """The cost of each character after the two before it, in nats, shape `(len(key),)`."""
        cost: Floats = -self.told.log[2:-2]
        return cost

    def seams(self, starts: Ints, ends: Ints) -> tuple[Floats, Floats]:
        """Return how badly each span sits in its sentence, in nats: at its left seam, and at its right.

        Left is what the span's first two characters cost more after the text before than as a beginning. Right is
        what the two characters after the span cost more after it than after the text before it. The sum is the log
        likelihood ratio of "spliced in" against "written", before any prior: about -8 for a span taken at random,
        +6 to +8 for one that was spliced in.
        """
        return splices.seams(self.language, self.told, starts, ends)


def _logs(steps: NDArray[Any]) -> Floats:
    return -(steps.astype(np.float32) * np.float32(STEP))


def _join(low: NDArray[Any], high: NDArray[Any]) -> NDArray[np.uint64]:
    return low.astype(np.uint64) | (high.astype(np.uint64) << np.uint64(8))


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the model from the news pool and write its arrays and card."""
    from pipeline.ingest.learn_fluency import learn

    parser = argparse.ArgumentParser(prog="python -m pipeline.ingest.fluency")
    parser.add_argument("step", choices=["train"])
    parser.add_argument("--out", type=Path, required=True)
    out = parser.parse_args(arguments).out
    data = shared_data()
    if data is None:
        print("The news pool is not here (set TAOWEN_DATA to its folder); fluency is left as it is.", file=sys.stderr)
        return
    learn(out, data)


if __name__ == "__main__":
    main()
