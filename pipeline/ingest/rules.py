"""Noise rules as data: what the lines round an article say of themselves (`data/noise.toml`)."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from pipeline.article import Block
from pipeline.configure import data_path
from pipeline.ingest.needles import branches

__all__ = ["Rule", "first_rule", "mask", "matches", "rule_bits", "rules", "rules_digest"]


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


@cache
def rules_digest() -> str:
    """Return the digest of the rule file: a row says which rules made it."""
    return hashlib.blake2b(data_path("noise.toml").read_bytes(), digest_size=6).hexdigest()


def first_rule(bits: int) -> Rule | None:
    """Return the rule that names a line with these `matches`; None where no rule matches."""
    return rules()[(bits & -bits).bit_length() - 1] if bits else None


@cache
def mask(kinds: Collection[str]) -> int:
    """Return the bits of all rules of these kinds (a hashable collection: the answer is remembered)."""
    return sum(1 << i for i, rule in enumerate(rules()) if rule.kind in kinds)


def rule_bits(key: str, blocks: Sequence[Block]) -> list[int]:
    """Return for each block of a folded text the rules that match it, as bits in the order of `rules()`."""
    return [matches(key[b.start : b.end]) if b.end - b.start <= _LONGEST else 0 for b in blocks]


_LONGEST = 400
"""Lines longer than this (code points) are not looked up: only prose is that long."""


@cache
def _branches() -> list[tuple[int, tuple[frozenset[str], ...]]]:
    """Return the alternatives of all rules: number of the rule, and what a match of this alternative needs."""
    told = "".join(text for rule in rules() for text in (*rule.cuts, *rule.keeps))
    weight = {character: count / len(told) for character, count in Counter(told).items()}
    return [(bit, needs) for bit, rule in enumerate(rules()) for needs in branches(rule.pattern, weight)]


@dataclass(frozen=True, slots=True)
class _Needles:
    """What tells which rules a line may match, by its characters alone."""

    characters: frozenset[str]
    """Those that an alternative of a rule needs."""
    bits: dict[str, int]
    """For each, the alternatives that it serves: their bits once for each of the three sets that one may need."""
    free: int
    """The bits of sets that are not needed."""
    width: int
    """Bits of a set: the number of alternatives."""
    rules: list[int]
    """The rule of each alternative."""


@cache
def _needles(least: int) -> _Needles:
    """Return what tells which rules a line of more than `least` code points may match."""
    parts = [(bit, needs) for bit, needs in _branches() if rules()[bit].longest > least]
    width = len(parts)
    bits: dict[str, int] = {}
    free = 0
    for i, (_, needs) in enumerate(parts):
        for k in range(3):
            bit = 1 << (k * width + i)
            if k >= len(needs):
                free |= bit
            for character in needs[k] if k < len(needs) else ():
                bits[character] = bits.get(character, 0) | bit
    return _Needles(frozenset(bits), bits, free, width, [bit for bit, _ in parts])


_SIZES = (200, 120, 80, 60, 40, 20, -1)
"""Lengths of lines above which other tables serve: the longer a line, the fewer rules are left."""


@lru_cache(maxsize=1 << 14)
def _matches_short(line: str) -> int:
    """Return the rules that match a short line: furniture repeats from page to page, so answers are remembered."""
    return _matches(line)


_SHORT = 60
"""Longer lines are prose, which does not come again: remembered too, they took 45 MB of each process in the end."""


def _matches(line: str) -> int:
    size = len(line)
    needles = _needles(next(least for least in _SIZES if least < size))
    served, width = needles.free, needles.width
    for character in needles.characters.intersection(line):
        served |= needles.bits[character]
    left = served & (served >> width) & (served >> 2 * width) & ((1 << width) - 1)
    found, last = 0, -1
    while left:
        low = left & -left
        left ^= low
        bit = needles.rules[low.bit_length() - 1]
        if bit != last:
            last = bit
            rule = rules()[bit]
            if size <= rule.longest and rule.pattern.search(line):
                found |= 1 << bit
    return found


def matches(line: str) -> int:
    """Return the rules that match a folded line, as bits in the order of `rules()`."""
    if len(line) <= _SHORT:
        return _matches_short(line)
    return _matches(line) if len(line) <= _LONGEST else 0
