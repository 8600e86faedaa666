"""Noise rules as data: what the lines round an article say of themselves (`data/noise.toml`)."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache, lru_cache

from pipeline.configure import data_path

__all__ = ["Rule", "first_rule", "mask", "matches", "rules", "rules_digest"]


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


@lru_cache(maxsize=1 << 16)
def matches(line: str) -> int:
    """Return the rules that match a folded line, as bits in the order of `rules()`.

    Furniture repeats from page to page of a site, so the answers are remembered (short lines only reach this).
    """
    size = len(line)
    found = 0
    for bit, rule in enumerate(rules()):
        if size <= rule.longest and rule.pattern.search(line):
            found |= 1 << bit
    return found
