"""Noise rules as data: what the lines round an article say of themselves (`data/noise.toml`)."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.configure import data_path
from pipeline.ingest.needles import branches, is_anchored
from pipeline.native import pages
from pipeline.script.fold import code_points

__all__ = ["Rule", "first_rule", "mask", "matches", "rule_bits", "rules", "write_needles"]


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
    assert len(table["rule"]) <= pages.MOST_RULES, "the kernels know rules as bits"
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


@lru_cache(maxsize=1 << 12)
def first_rule(bits: int) -> Rule | None:
    """Return the rule that names a line with these `matches`; None where no rule matches."""
    return rules()[(bits & -bits).bit_length() - 1] if bits else None


@cache
def mask(kinds: Collection[str]) -> int:
    """Return the bits of all rules of these kinds (a hashable collection: the answer is remembered)."""
    return sum(1 << i for i, rule in enumerate(rules()) if rule.kind in kinds)


_LONGEST = 400
"""Lines longer than this (code points) are not looked up: only prose is that long."""


def rule_bits(key: str, edges: NDArray[np.int64], lines: Sequence[str]) -> list[int]:
    """Return for each line of a folded text the rules that match it, as bits in the order of `rules()`.

    Args:
        key: the text.
        edges: start and end of each line, shape `(n_lines, 2)`.
        lines: the lines.
    """
    if not lines:
        return []
    possible = pages.possible(code_points(key), edges, _needles(), _LONGEST)
    found: list[int] = possible.tolist()
    for i in possible.nonzero()[0].tolist():
        line = lines[i]
        found[i] = (_matches_short if len(line) <= _SHORT else _matches)(line, found[i])
    return found


def matches(line: str) -> int:
    """Return the rules that match a folded line, as bits in the order of `rules()`."""
    return rule_bits(line, np.array([[0, len(line)]]), [line])[0]


@cache
def _needles() -> pages.Needles:
    """Return what tells which rules a line may match: from the table that was made of these rules, or made now."""
    path = data_path(_TABLE)
    if path.exists():
        with np.load(path, allow_pickle=False) as told:
            if told["rules"].tobytes() == _digest():
                single, pair = np.zeros(0x110000, np.uint16), np.zeros(pages.HASHES, np.uint16)
                single[told["singles"]["at"]] = told["singles"]["row"]
                pair[told["pairs"]["at"]] = told["pairs"]["row"]
                rest = {name: told[name] for name in _REST}
                return pages.Needles(single, pair, **rest, free=int(told["free"]))
    return _made_needles()


_TABLE = "needles.npz"
_REST = ("rows", "needs", "within", "alternatives", "longest")
_PLACED = np.dtype([("at", "i4"), ("row", "u2")])


def _digest() -> bytes:
    return hashlib.blake2b(data_path("noise.toml").read_bytes(), digest_size=16).digest()


def _made_needles() -> pages.Needles:
    told = "".join(text for rule in rules() for text in (*rule.cuts, *rule.keeps))
    weight = {character: count / len(told) for character, count in Counter(told).items()}
    parts = [(number, branch) for number, rule in enumerate(rules()) for branch in branches(rule.pattern, weight)]
    single, pair = np.zeros(0x110000, np.uint16), np.zeros(pages.HASHES, np.uint16)

    def place(string: str) -> tuple[NDArray[np.uint16], int]:
        return (single, ord(string)) if len(string) == 1 else (pair, pages.pair_hash(*string))

    served: list[list[tuple[int, int]]] = [[]]
    begins: set[int] = set()
    alternatives: list[tuple[int, int, int, int]] = []
    free = 0
    for number, branch in parts:
        if not branch.needs:
            free |= 1 << number
            continue
        for k, need in enumerate(branch.needs):
            for string in sorted(need.strings):
                table, at = place(string)
                begins.update([ord(string[0])] if len(string) > 1 else [])
                if not table[at]:
                    table[at] = len(served)
                    served.append([])
                served[int(table[at])].append((len(alternatives) << 8 | k, need.within))
        longest = min(branch.most, rules()[number].longest)
        alternatives.append((number, (1 << len(branch.needs)) - 1, branch.least, longest))
    assert len(served) <= pages.BEGINS_PAIR
    single[sorted(begins)] |= pages.BEGINS_PAIR
    needs = [need for row in served for need in row]
    return pages.Needles(
        single,
        pair,
        np.cumsum([0, *map(len, served)]).astype(np.int32),
        np.array([number for number, _ in needs], np.int32),
        np.array([within for _, within in needs], np.uint16),
        np.array(alternatives, pages.ALTERNATIVE),
        np.array([rule.longest for rule in rules()], np.int32),
        free,
    )


def write_needles(path: Path) -> None:
    """Write what `_needles` reads: making it takes a quarter of a second, which each command would wait for."""
    made = _made_needles()
    placed = [np.array([(at, table[at]) for at in table.nonzero()[0]], _PLACED) for table in (made.single, made.pair)]
    rest = {name: getattr(made, name) for name in (*_REST, "free")}
    np.savez_compressed(path, rules=np.frombuffer(_digest(), np.uint8), singles=placed[0], pairs=placed[1], **rest)


_SHORT = 60
"""Longer lines are prose, which does not come again: remembered too, they took 45 MB of each process in the end."""


@lru_cache(maxsize=1 << 13)
def _matches_short(line: str, possible: int) -> int:
    """Return what `_matches` does. Furniture repeats from page to page: answers for short lines are remembered."""
    return _matches(line, possible)


def _matches(line: str, possible: int) -> int:
    """Return those of the possible rules that match a line."""
    found = 0
    while possible:
        bit = possible & -possible
        possible ^= bit
        if _searches()[bit.bit_length() - 1](line):
            found |= bit
    return found


@cache
def _searches() -> tuple[Callable[[str], object], ...]:
    """Return what looks for each rule: `search` would try all places of a line, where only its beginning may match."""
    return tuple(rule.pattern.match if is_anchored(rule.pattern) else rule.pattern.search for rule in rules())


if __name__ == "__main__":  # after a change of noise.toml: python -m pipeline.ingest.rules
    write_needles(data_path(_TABLE))
