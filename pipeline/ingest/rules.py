"""Noise rules as data: what the lines round an article say of themselves (`data/noise.toml`)."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from pipeline.article import Block
from pipeline.configure import data_path
from pipeline.ingest.needles import SETS, branches
from pipeline.script.fold import code_points

__all__ = ["TABLES", "Rule", "first_rule", "mask", "matches", "rule_bits", "rules", "rules_digest"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule is evidence for the model and a name for a cut; it never cuts on its own."""

    id: str
    kind: str
    pattern: re.Pattern[str]
    longest: int
    """Lines longer than this (code points) do not match: with more words round it, it is prose."""
    head: bool
    """The line is a heading: it says what the lines after it are."""
    cuts: tuple[str, ...]
    keeps: tuple[str, ...]


@cache
def rules() -> tuple[Rule, ...]:
    """Return the shipped rules, in order: the first that matches a line names it."""
    table = tomllib.loads(data_path("noise.toml").read_text("utf-8"))
    return tuple(
        Rule(
            id=row["id"],
            kind=row["kind"],
            pattern=re.compile(row["pattern"], re.IGNORECASE),
            longest=row.get("longest", 400),
            head=row.get("head", False),
            cuts=tuple(row["cuts"]),
            keeps=tuple(row["keeps"]),
        )
        for row in table["rule"]
    )


TABLES = (
    *("noise.toml", "fold.tsv", "kept.tsv", "leaning.tsv", "regions.tsv", "scripts.tsv", "usage.tsv", "variants.tsv"),
)
"""The files of `pipeline/data` that decide what a row says, beside the models."""


@cache
def rules_digest() -> str:
    """Return the digest of all tables that a row comes of, and of OpenCC's version, which writes `text_normalised`.

    The topics are not among them: the model has its own copy, which is in the digest of the models.
    """
    digest = hashlib.blake2b(version("opencc").encode(), digest_size=6)
    for name in TABLES:
        digest.update(name.encode() + b"\0" + data_path(name).read_bytes())
    return digest.hexdigest()


def first_rule(bits: int) -> Rule | None:
    """Return the rule that names a line with these `matches`; None where no rule matches."""
    return rules()[(bits & -bits).bit_length() - 1] if bits else None


@cache
def mask(kinds: Collection[str]) -> int:
    """Return the bits of all rules of these kinds (a hashable collection: the answer is remembered)."""
    return sum(1 << i for i, rule in enumerate(rules()) if rule.kind in kinds)


_LONGEST = 400
"""Lines longer than this (code points) are not looked up: only prose is that long."""


def rule_bits(key: str, blocks: Sequence[Block]) -> list[int]:
    """Return for each block of a folded text the rules that match it, as bits in the order of `rules()`."""
    found = [0] * len(blocks)
    for i, possible in _possible(key, blocks):
        line = key[blocks[i].start : blocks[i].end]
        found[i] = (_matches_short if len(line) <= _SHORT else _matches)(line, possible)
    return found


def matches(line: str) -> int:
    """Return the rules that match a folded line, as bits in the order of `rules()`."""
    return rule_bits(line, [Block(0, len(line))])[0]


@dataclass(frozen=True, slots=True)
class _Needles:
    """What tells which rules a line may match, by its characters alone, for all lines of a page at once.

    A rule has alternatives, each of which needs a string of up to `SETS` sets (`needles.branches`). A bit stands for a
    rule. A line may match it only if for each k it has a string of the k-th set of some alternative.
    """

    single: NDArray[np.uint16]
    """Row of `served` for each code point, 0 for those that no alternative needs."""
    pair: NDArray[np.uint16]
    """Row of `served` for each hash of two code points. Pairs of one hash share a row: it never tells too little."""
    served: NDArray[np.uint64]
    """Rules that a string serves, shape `(n_rows, SETS, n_words)`."""
    free: NDArray[np.uint64]
    """Rules with an alternative that has no such set, shape `(SETS, n_words)`."""
    sizes: NDArray[np.intp]
    """Lengths above which fewer rules are left, ascending."""
    fit: NDArray[np.uint64]
    """Rules that take lines of such a length, shape `(n_sizes + 1, n_words)`."""


_HASHES = 1 << 16


def _hashed(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Return a number below `_HASHES` for each pair of code points."""
    hashed: NDArray[np.uint32] = (first * np.uint32(0x9E3779B1) ^ second * np.uint32(0x85EBCA6B)) >> np.uint32(16)
    return hashed


@cache
def _needles() -> _Needles:
    told = "".join(text for rule in rules() for text in (*rule.cuts, *rule.keeps))
    weight = {character: count / len(told) for character, count in Counter(told).items()}
    parts = [(number, needs) for number, rule in enumerate(rules()) for needs in branches(rule.pattern, weight)]
    single, pair = np.zeros(0x110000, np.uint16), np.zeros(_HASHES, np.uint16)

    def place(string: str) -> tuple[NDArray[np.uint16], int]:
        codes = code_points(string)
        return (single, ord(string)) if len(string) == 1 else (pair, int(_hashed(codes[:1], codes[1:])[0]))

    count = 0
    for string in sorted({string for _, needs in parts for need in needs for string in need}):
        table, at = place(string)
        if not table[at]:
            count += 1
            table[at] = count
    words = -(-len(rules()) // 64)
    served = np.zeros((count + 1, SETS, words), np.uint64)
    free = np.zeros((SETS, words), np.uint64)
    for number, needs in parts:
        word, bit = number // 64, np.uint64(1 << number % 64)
        for k in range(SETS):
            if k < len(needs):
                rows = {int(table[at]) for table, at in map(place, needs[k])}
                served[sorted(rows), k, word] |= bit
            else:
                free[k, word] |= bit
    sizes = np.unique([rule.longest for rule in rules()])
    fit = np.zeros((len(sizes) + 1, words), np.uint64)
    for number, rule in enumerate(rules()):
        fit[: int(np.searchsorted(sizes, rule.longest)) + 1, number // 64] |= np.uint64(1 << number % 64)
    return _Needles(single, pair, served, free, sizes, fit)


def _possible(key: str, blocks: Sequence[Block]) -> Iterator[tuple[int, int]]:
    """Yield each block that may match a rule, by its number, with the rules that it may match, as bits."""
    if not blocks:
        return
    needles = _needles()
    codes = code_points(key)
    singles, pairs = needles.single[codes], needles.pair[_hashed(codes[:-1], codes[1:])]
    at_single, at_pair = np.flatnonzero(singles), np.flatnonzero(pairs)
    at = np.concatenate((at_single, at_pair))
    order = np.argsort(at, kind="stable")
    # A block without any needle is given the one behind it: looked at in vain, but not passed over. So is the last.
    rows = np.append(np.concatenate((singles[at_single], pairs[at_pair]))[order], 0)
    edges = np.array([(block.start, block.end) for block in blocks], np.intp)
    size = edges[:, 1] - edges[:, 0]
    seen = np.bitwise_or.reduceat(needles.served[rows], np.searchsorted(at[order], edges).ravel(), axis=0)[::2]
    left = needles.fit[np.searchsorted(needles.sizes, size)]
    left &= np.bitwise_and.reduce(seen | needles.free, axis=1)
    left[size > _LONGEST] = 0
    for i in np.flatnonzero(left.any(axis=1)).tolist():
        yield i, sum(int(word) << 64 * k for k, word in enumerate(left[i]))


_SHORT = 60
"""Longer lines are prose, which does not come again: remembered too, they took 45 MB of each process in the end."""


@lru_cache(maxsize=1 << 14)
def _matches_short(line: str, possible: int) -> int:
    """Return what `_matches` does. Furniture repeats from page to page: answers for short lines are remembered."""
    return _matches(line, possible)


def _matches(line: str, possible: int) -> int:
    """Return those of the possible rules that match a line."""
    found = 0
    while possible:
        bit = possible & -possible
        possible ^= bit
        if rules()[bit.bit_length() - 1].pattern.search(line):
            found |= bit
    return found
