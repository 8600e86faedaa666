"""What a regular expression cannot do without: sets of characters, one of each of which every match has.

Most lines have none of the characters that a rule needs, and tables tell that for a whole page at once: matching 250
lines by 40 rules one by one takes 11 ms, after the tables 1 ms.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["branches"]

_MOST = 80
"""Characters of a set that still tells something."""
_ALSO = {"i": "\u0130\u0131", "s": "\u017f", "k": "\u212a"}
"""What else a letter matches where case is ignored."""

Need = frozenset[str]


def branches(pattern: re.Pattern[str], weight: Mapping[str, float]) -> list[tuple[Need, ...]]:
    """Return for each alternative of the pattern what its matches need: one character of each set, at most three sets.

    An alternative with no set may match anything. The rarest sets are chosen, by the `weight` of their characters.
    """
    try:
        from re import _parser  # type: ignore[attr-defined]
    except ImportError:  # another Python: slower, the same answers
        return [()]
    ignore = bool(pattern.flags & re.IGNORECASE)

    def cost(need: Need) -> float:
        return sum(weight.get(character, 0.0) + 1e-6 for character in need)

    sequences = _spread(list(_parser.parse(pattern.pattern, pattern.flags)))
    needs = [set(_needs(sequence, ignore, cost)) for sequence in sequences]
    return [tuple(sorted(each, key=lambda need: (cost(need), sorted(need)))[:3]) for each in needs]


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
    """Return the sets that a sequence needs, each of which holds a character of every match."""
    found: list[Need] = []
    for part in parts:
        name, value = _name(part), part[1]
        if name == "LITERAL":
            found.append(_cased(value, ignore))
        elif name == "IN":
            found += _class(value, ignore)
        elif name == "BRANCH":
            each = [_needs(branch, ignore, cost) for branch in value[1]]
            if all(each):
                whole = frozenset().union(*(min(needs, key=cost) for needs in each))
                found += [whole] if len(whole) <= _MOST else []
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            found += _needs(value[2], ignore, cost) if value[0] else []
        elif name == "SUBPATTERN":
            found += _needs(value[3], ignore or bool(value[1] & re.IGNORECASE), cost)
        elif name == "ASSERT" and value[0] == 1:  # a look ahead
            found += _needs(value[1], ignore, cost)
        elif name == "ATOMIC_GROUP":
            found += _needs(value, ignore, cost)
    return found


def _class(items: Iterable[Any], ignore: bool) -> list[Need]:
    characters: set[str] = set()
    for item in items:
        name, value = _name(item), item[1]
        if name == "LITERAL":
            characters |= _cased(value, ignore)
        elif name == "RANGE" and value[1] - value[0] < _MOST:
            for code in range(value[0], value[1] + 1):
                characters |= _cased(code, ignore)
        else:
            return []
    return [frozenset(characters)] if 0 < len(characters) <= _MOST else []
