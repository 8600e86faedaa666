"""What a regular expression cannot do without: sets of characters and of pairs, one of each of which every match has.

Most lines have none of the pairs that a rule needs, and tables tell that for a whole page at once: matching 250 lines
by 40 rules one by one takes 11 ms, after the tables .5 ms.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["SETS", "branches"]

SETS = 3
"""Most sets that tell of an alternative."""
_MOST = 80
"""Characters of a class, and pairs of two classes, that still tell something."""
_UNION = 400
"""Strings that several alternatives need together."""
_ALSO = {"i": "\u0130\u0131", "s": "\u017f", "k": "\u212a"}
"""What else a letter matches where case is ignored."""

Need = frozenset[str]


def branches(pattern: re.Pattern[str], weight: Mapping[str, float]) -> list[tuple[Need, ...]]:
    """Return for each alternative of the pattern what its matches need: one string of each set, at most `SETS` of them.

    The strings of a set are single characters, or pairs of neighbours: an alternative that needs pairs is told by these
    alone. One with no set may match anything. The rarest sets are chosen, by the `weight` of their characters.
    """
    try:
        from re import _parser  # type: ignore[attr-defined]
    except ImportError:  # another Python: slower, the same answers
        return [()]
    ignore = bool(pattern.flags & re.IGNORECASE)

    def cost(need: Need) -> float:
        return sum(math.prod(weight.get(character, 0.0) + 1e-6 for character in string) for string in need)

    told = []
    for sequence in _spread(list(_parser.parse(pattern.pattern, pattern.flags))):
        needs = sorted(set(_needs(sequence, ignore, cost)), key=lambda need: (cost(need), sorted(need)))
        pairs = [need for need in needs if all(len(string) == 2 for string in need)]
        told.append(tuple((pairs or needs)[:SETS]))
    return told


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


def _cased(code: int, ignore: bool) -> Need:
    character = chr(code)
    if not ignore:
        return frozenset(character)
    return frozenset((character, character.lower(), character.upper(), *_ALSO.get(character.lower(), "")))


def _needs(parts: Iterable[Any], ignore: bool, cost: Any) -> list[Need]:
    """Return the sets that a sequence needs, each of which holds a character, or a pair, of every match."""
    found: list[Need] = []
    before: Need = frozenset()  # what the character before the part is one of; none where that is not known
    for part in parts:
        name, value = _name(part), part[1]
        here = _one(part, ignore)
        if name in ("AT", "ASSERT", "ASSERT_NOT"):  # no characters of the sequence
            if name == "ASSERT" and value[0] == 1:  # a look ahead
                found += _needs(value[1], ignore, cost)
            continue
        if here:
            found.append(here)
            if 0 < len(before) * len(here) <= _MOST:
                found.append(frozenset(a + b for a in before for b in here))
        elif name == "BRANCH":
            each = [_needs(branch, ignore, cost) for branch in value[1]]
            if all(each):
                whole = frozenset().union(*(min(needs, key=cost) for needs in each))
                found += [whole] if len(whole) <= _UNION else []
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            found += _needs(value[2], ignore, cost) if value[0] else []
        elif name == "SUBPATTERN":
            found += _needs(value[3], ignore or bool(value[1] & re.IGNORECASE), cost)
        elif name == "ATOMIC_GROUP":
            found += _needs(value, ignore, cost)
        before = here
    return found


def _one(part: Any, ignore: bool) -> Need:
    """Return the characters one of which the part begins and ends with; none where there are too many, or none."""
    name, value = _name(part), part[1]
    if name == "LITERAL":
        return _cased(value, ignore)
    if name == "IN":
        return _class(value, ignore)
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT") and value[0] and len(value[2]) == 1:
        return _one(value[2][0], ignore) if _name(value[2][0]) in ("LITERAL", "IN") else frozenset()
    return frozenset()


def _class(items: Iterable[Any], ignore: bool) -> Need:
    characters: set[str] = set()
    for item in items:
        name, value = _name(item), item[1]
        if name == "LITERAL":
            characters |= _cased(value, ignore)
        elif name == "RANGE" and value[1] - value[0] < _MOST:
            for code in range(value[0], value[1] + 1):
                characters |= _cased(code, ignore)
        else:
            return frozenset()
    return frozenset(characters) if len(characters) <= _MOST else frozenset()
