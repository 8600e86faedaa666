"""Noise rules as data: what the lines round an article say of themselves (`data/noise.toml`)."""

from __future__ import annotations

import hashlib
import tomllib
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.configure import data_path
from pipeline.ingest.expressions import Writer
from pipeline.ingest.needles import branches
from pipeline.native import pages
from pipeline.script.fold import code_points

__all__ = ["Rule", "first_rule", "mask", "matches", "rule_bits", "rules", "write_table"]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule is evidence for the model and a name for a cut; it never cuts on its own."""

    id: str
    kind: str
    pattern: str
    """A regular expression for the line's folded text, where case does not count (`pipeline.ingest.expressions`)."""
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
            pattern=row["pattern"],
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


def rule_bits(key: str, edges: NDArray[np.int64]) -> list[int]:
    """Return for each line of a folded text the rules that match it, as bits in the order of `rules()`.

    Args:
        key: the text.
        edges: start and end of each line, shape `(n_lines, 2)`.
    """
    found: list[int] = pages.match_rules(code_points(key), edges, *_matchers(), _LONGEST).tolist() if len(edges) else []
    return found


def matches(line: str) -> int:
    """Return the rules that match a folded line, as bits in the order of `rules()`."""
    return rule_bits(line, np.array([[0, len(line)]]))[0]


@cache
def _matchers() -> tuple[pages.Matchers, int]:
    """Return what matches the rules, and how many alternatives need nothing: from the table, or made now."""
    path = data_path(_TABLE)
    if path.exists():
        with np.load(path, allow_pickle=False) as told:
            if told["rules"].tobytes() == _digest():
                return _matchers_of(told)
    return _matchers_of(_made_table())


_TABLE = "matchers.npz"
_PLACED = np.dtype([("at", "i4"), ("row", "u2")])


def _digest() -> bytes:
    return hashlib.blake2b(data_path("noise.toml").read_bytes(), digest_size=16).digest()


def _matchers_of(table: Mapping[str, NDArray[Any]]) -> tuple[pages.Matchers, int]:
    told = {name: table[name] for name in table}
    single, pair = np.zeros(0x110000, np.uint16), np.zeros(pages.HASHES, np.uint16)
    single[told["singles"]["at"]] = told["singles"]["row"]
    pair[told["pairs"]["at"]] = told["pairs"]["row"]
    symbols = np.repeat(told["symbols"], np.diff(told["changes"], append=0x110000))
    same = ("rows", "needs", "within", "alternatives", "code", "starts", "sets")
    is_pair = np.packbits(pair != 0, bitorder="little")
    made = pages.Matchers(single, pair, is_pair, symbols=symbols, **{name: told[name] for name in same})
    return made, int((made.alternatives["whole"] == 0).sum())


def _made_table() -> dict[str, NDArray[Any]]:
    """Return what `_matchers_of` reads."""
    told = "".join(text for rule in rules() for text in (*rule.cuts, *rule.keeps))
    weight = {character: count / len(told) for character, count in Counter(told).items()}
    parts = [(number, branch) for number, rule in enumerate(rules()) for branch in branches(rule.pattern, weight)]
    parts.sort(key=lambda part: bool(part[1].needs))
    single, pair = np.zeros(0x110000, np.uint16), np.zeros(pages.HASHES, np.uint16)

    def place(string: str) -> tuple[NDArray[np.uint16], int]:
        return (single, ord(string)) if len(string) == 1 else (pair, pages.pair_hash(*string))

    writer = Writer()
    served: list[list[tuple[int, int]]] = [[]]
    begins: set[int] = set()
    for alternative, (_, branch) in enumerate(parts):
        writer.write(branch.parsed)
        for k, need in enumerate(branch.needs):
            for string in sorted(need.strings):
                table, at = place(string)
                begins.update([ord(string[0])] if len(string) > 1 else [])
                if not table[at]:
                    table[at] = len(served)
                    served.append([])
                served[int(table[at])].append((alternative << 8 | k, need.within))
    assert len(served) <= pages.BEGINS_PAIR
    single[sorted(begins)] |= pages.BEGINS_PAIR
    needs = [need for row in served for need in row]
    alternatives = [
        (number, (1 << len(branch.needs)) - 1, branch.least, min(branch.most, rules()[number].longest))
        for number, branch in parts
    ]
    return {
        "singles": np.array([(at, single[at]) for at in single.nonzero()[0]], _PLACED),
        "pairs": np.array([(at, pair[at]) for at in pair.nonzero()[0]], _PLACED),
        "rows": np.cumsum([0, *map(len, served)]).astype(np.int32),
        "needs": np.array([number for number, _ in needs], np.int32),
        "within": np.array([within for _, within in needs], np.uint16),
        "alternatives": np.array(alternatives, pages.ALTERNATIVE),
        **writer.programs()._asdict(),
    }


def write_table(path: Path) -> None:
    """Write what `_matchers` reads: making it takes seconds, which each command would wait for."""
    table: dict[str, Any] = {"rules": np.frombuffer(_digest(), np.uint8), **_made_table()}
    np.savez_compressed(path, **table)


if __name__ == "__main__":  # after a change of noise.toml: python -m pipeline.ingest.rules
    write_table(data_path(_TABLE))
