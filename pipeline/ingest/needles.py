"""What a regular expression cannot do without: sets of characters and of pairs, one of each of which every match has.

Most lines have none of the pairs that a rule needs, and tables tell that for a whole page at once.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import starmap
from re import _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

from pipeline.ingest.expressions import ENDLESS, cased

__all__ = ["Branch", "branches"]

SETS = 8
"""Most sets that tell of an alternative: the bits of a byte."""
_MOST = 80
"""Characters of a class, and pairs of two classes, that still tell something."""
_UNION = 400
"""Strings that several alternatives need together."""
ANYWHERE = (1 << 16) - 1
"""Of a line: where a string that a match needs may begin."""
_USUAL = 40
"""Places of a line where such a string may begin, as a rule."""


_SPACES = frozenset(filter(str.isspace, map(chr, range(0x3001))))
"""What `\\s` matches; there is none behind U+3000."""


class Need(NamedTuple):
    """Strings one of which every match has."""

    strings: frozenset[str]
    within: int
    """Code points of the line before it, at most."""


class Branch(NamedTuple):
    """An alternative of a pattern."""

    parsed: list[Any]
    needs: tuple[Need, ...]
    """Its matches have one string of each set. With no set it may match anything."""
    least: int
    """Code points of a line that it may match, at least."""
    most: int
    """And at most: bounded where it matches whole lines only."""


def branches(pattern: str, weight: Mapping[str, float]) -> list[Branch]:
    """Return the alternatives of the pattern with what their matches need, at most `SETS` sets each.

    The strings of a set are single characters, or pairs of neighbours: an alternative that needs pairs is told by these
    alone. The rarest sets are chosen, by the `weight` of their characters. Case does not count.
    """

    @cache
    def cost(need: Need) -> float:
        rare = math.fsum(math.prod(weight.get(one, 0.0) + 1e-6 for one in string) for string in need.strings)
        return rare * min(need.within + 1, _USUAL)

    told = []
    parsed = _parser.parse(pattern, re.IGNORECASE)
    for sequence in _spread(list(parsed)):
        begins = _is_edge(sequence[0], "AT_BEGINNING")

        def widest(part: Any) -> int:
            return int(_parser.SubPattern(parsed.state, [part]).getwidth()[1])

        found = _needs(sequence, 0 if begins else ANYWHERE, cost, widest)
        first: dict[frozenset[str], int] = {}
        for strings, within in found:
            first[strings] = min(within, first.get(strings, ANYWHERE))
        needs = sorted(starmap(Need, first.items()), key=lambda need: (cost(need), sorted(need.strings)))
        pairs = [need for need in needs if all(len(string) == 2 for string in need.strings)]
        least, most = _parser.SubPattern(parsed.state, sequence).getwidth()
        is_whole = begins and _is_edge(sequence[-1], "AT_END")
        most = min(most, ENDLESS) if is_whole else ENDLESS
        told.append(Branch(sequence, tuple((pairs or needs)[:SETS]), min(least, ENDLESS), most))
    return told


def _is_edge(part: Any, name: str) -> bool:
    return _name(part) == "AT" and str(part[1]) in (name, f"{name}_STRING")


def _spread(sequence: list[Any], depth: int = 2) -> list[list[Any]]:
    """Return the sequences that a sequence stands for, one for each alternative of its longest choice."""
    choices = [(len(inner[1][1]), i) for i, part in enumerate(sequence) if (inner := _choice(part)) is not None]
    if not choices or not depth:
        return [sequence]
    _, at = max(choices)
    alternatives = _choice(sequence[at])[1][1]
    spread = [[*sequence[:at], *alternative, *sequence[at + 1 :]] for alternative in alternatives]
    return [part for sequence in spread for part in _spread(sequence, depth - 1)]


def _choice(part: Any) -> Any:
    """Return the choice that a part of a sequence is, perhaps in brackets; None where it is none."""
    while _name(part) == "SUBPATTERN" and len(part[1][3]) == 1 and not part[1][1]:
        part = part[1][3][0]
    return part if _name(part) == "BRANCH" else None


def _name(item: Any) -> str:
    return str(item[0])


def _needs(parts: Iterable[Any], at: int, cost: Any, widest: Callable[[Any], int]) -> list[Need]:
    """Return what a sequence needs.

    Args:
        parts: of the sequence.
        at: code points before it, at most.
        cost: how common a need is.
        widest: code points that a part matches, at most.
    """
    found: list[Need] = []
    before: frozenset[str] = frozenset()  # what the character before the part is one of; none where that is not known
    for part in parts:
        name, value = _name(part), part[1]
        here = _one(part)
        if name in ("AT", "ASSERT", "ASSERT_NOT"):  # no characters of the sequence
            if name == "ASSERT" and value[0] == 1:  # a look ahead
                found += _needs(value[1], at, cost, widest)
            continue
        if here:
            found.append(Need(here, at))
            if 0 < len(before) * len(here) <= _MOST:
                pairs = frozenset(a + b for a in before for b in here)
                found.append(Need(pairs, at - 1 if at < ANYWHERE else at))
        elif name == "BRANCH":
            each = [_needs(branch, at, cost, widest) for branch in value[1]]
            if all(each):
                least = [min(needs, key=cost) for needs in each]
                whole = frozenset().union(*(need.strings for need in least))
                found += [Need(whole, max(need.within for need in least))] if len(whole) <= _UNION else []
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            found += _needs(value[2], at, cost, widest) if value[0] else []
        elif name == "SUBPATTERN":
            found += _needs(value[3], at, cost, widest)
        elif name == "ATOMIC_GROUP":
            found += _needs(value, at, cost, widest)
        before = here
        at = min(at + widest(part), ANYWHERE)
    return found


def _one(part: Any) -> frozenset[str]:
    """Return the characters one of which the part begins and ends with; none where there are too many, or none."""
    name, value = _name(part), part[1]
    if name == "LITERAL":
        return cased(value)
    if name == "IN":
        return _class(value)
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT") and value[0] and len(value[2]) == 1:
        return _one(value[2][0]) if _name(value[2][0]) in ("LITERAL", "IN") else frozenset()
    return frozenset()


def _class(items: Iterable[Any]) -> frozenset[str]:
    characters: set[str] = set()
    for item in items:
        name, value = _name(item), item[1]
        if name == "LITERAL":
            characters |= cased(value)
        elif name == "RANGE" and value[1] - value[0] < _MOST:
            for code in range(value[0], value[1] + 1):
                characters |= cased(code)
        elif name == "CATEGORY" and str(value) == "CATEGORY_SPACE":
            characters |= _SPACES
        else:
            return frozenset()
    return frozenset(characters) if len(characters) <= _MOST else frozenset()
