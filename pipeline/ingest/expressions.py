r"""Regular expressions as programs: what `tw_rules` runs over lines, without a step through Python for each.

A program matches what Python's `re` matches where case is ignored, by backtracking as `re` does. It knows what noise
rules are written with: characters and classes, choices, groups, repeats, looks ahead and behind, `^`, `$`, `\b`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ENDLESS", "OPERATIONS", "Programs", "Writer", "cased"]

ENDLESS = 1 << 30
"""Code points that no line has."""
_OPERANDS = {
    "match": 0,
    "one": 1,
    "set": 1,
    "repeat": 4,
    "split": 2,
    "switch": 2,
    "jump": 1,
    "begin": 0,
    "end": 0,
    "edge": 1,
    "look": 3,
    "fail": 0,
}
"""Numbers behind each operation; behind those of a switch stand its cases."""
OPERATIONS = tuple(_OPERANDS)
"""By their numbers, which the kernel has too."""
_ALSO = {"i": "\u0130\u0131", "s": "\u017f", "k": "\u212a"}
"""What else a letter matches where case is ignored."""
_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}
_EDGES = {"AT_BEGINNING": "begin", "AT_BEGINNING_STRING": "begin", "AT_END": "end", "AT_END_STRING": "end"}


class Programs(NamedTuple):
    """What `Writer.programs` returns."""

    code: NDArray[np.int32]
    """Operations of all programs, each with its operands."""
    starts: NDArray[np.int32]
    """Where each program begins in `code`."""
    changes: NDArray[np.int32]
    """Code points at which the symbol is another one than that of the code point before."""
    symbols: NDArray[np.uint16]
    """The symbol from each of `changes` on: code points of a symbol are in the same classes of all programs."""
    sets: NDArray[np.uint8]
    """The symbols of each class as bits, shape `(n_sets, n_bytes)`."""


def cased(code: int) -> frozenset[str]:
    """Return what a character matches where case is ignored."""
    character = chr(code)
    return frozenset((character, character.lower(), character.upper(), *_ALSO.get(character.lower(), "")))


class Writer:
    """Writes programs of expressions that `re._parser` has parsed."""

    def __init__(self) -> None:
        self._code: list[int] = []
        self._starts: list[int] = []
        self._atoms: dict[str, int] = {}
        self._mentioned: set[str] = set()

    def write(self, sequence: Iterable[Any]) -> None:
        """Write the program of a parsed expression.

        Raises:
            ValueError: it has a part that no program knows, as a reference to a group.
        """
        self._starts.append(len(self._code))
        self._sequence(sequence)
        self._put("match")

    def _put(self, operation: str, *operands: int) -> int:
        """Write an operation, and return where its operands begin."""
        self._code.append(OPERATIONS.index(operation))
        self._code += operands
        return len(self._code) - len(operands)

    def _sequence(self, sequence: Iterable[Any]) -> None:
        for part in sequence:
            self._part(str(part[0]), part[1], part)

    def _part(self, name: str, value: Any, part: Any) -> None:
        if (atom := self._atom(part)) is not None:
            self._put("set", atom)
        elif name == "AT" and str(value) in _EDGES:
            self._put(_EDGES[str(value)])
        elif name == "AT" and str(value) == "AT_BOUNDARY":
            self._put("edge", self._known(r"\w"))
        elif name == "BRANCH":
            self._choice(value[1])
        elif name == "SUBPATTERN" and not value[1] and not value[2]:
            self._sequence(value[3])
        elif name in ("MAX_REPEAT", "MIN_REPEAT"):
            self._repeat(*value, lazy=name == "MIN_REPEAT")
        elif name in ("ASSERT", "ASSERT_NOT"):
            direction, inner = value
            least, most = inner.getwidth()
            if direction < 0 and least != most:
                raise ValueError("A look behind has a length.")
            behind = least if direction < 0 else 0
            at = self._put("look", int(name == "ASSERT_NOT"), behind, 0)
            self._sequence(inner)
            self._put("match")
            self._code[at + 2] = len(self._code)
        else:
            raise ValueError(f"Programs do not know {name} {value if name == 'AT' else ''}.")

    def _choice(self, alternatives: Iterable[Any]) -> None:
        """Write a choice. Whether it matches is all that is asked, so that alternatives may come in any order."""
        heads: dict[int, list[list[Any]]] = {}
        others: list[list[Any]] = []
        for one in map(list, alternatives):
            if one and str(one[0][0]) == "LITERAL":
                atom = self._atom(one[0])
                assert atom is not None
                heads.setdefault(atom, []).append(one[1:])
            else:
                others.append(one)
        ends: list[int] = []
        if heads:
            at = self._put("switch", len(heads), 0, *(number for atom in heads for number in (atom, 0)))
            for place, tails in enumerate(heads.values()):
                self._code[at + 3 + 2 * place] = len(self._code)
                self._choice(tails) if len(tails) > 1 else self._sequence(tails[0])
                ends.append(self._put("jump", 0))
            self._code[at + 1] = len(self._code)
            if not others:
                self._put("fail")
        for number, one in enumerate(others, 1):
            if number < len(others):
                at = self._put("split", len(self._code) + 3, 0)
                self._sequence(one)
                ends.append(self._put("jump", 0))
                self._code[at + 1] = len(self._code)
            else:
                self._sequence(one)
        for end in ends:
            self._code[end] = len(self._code)

    def _repeat(self, least: int, most: int, inner: Any, *, lazy: bool) -> None:
        least, most = int(least), min(int(most), ENDLESS)
        if len(inner) == 1 and (atom := self._atom(inner[0])) is not None:
            self._put("repeat", atom, least, most, int(lazy))
            return
        if most == ENDLESS and not inner.getwidth()[0]:
            raise ValueError("What is repeated without end has to match something.")
        for _ in range(least):
            self._sequence(inner)
        ends = []
        for _ in range(1 if most == ENDLESS else most - least):
            at = self._put("split", 0, 0)
            once = at if not lazy else at + 1
            self._code[once] = len(self._code)
            ends.append(at + at + 1 - once)
            self._sequence(inner)
            if most == ENDLESS:
                self._put("jump", at - 1)
        for end in ends:
            self._code[end] = len(self._code)

    def _atom(self, part: Any) -> int | None:
        """Return the number of what matches one character; None for other parts."""
        name, value = str(part[0]), part[1]
        if name == "ANY":
            return self._known(r"[^\n]")
        if name in ("LITERAL", "NOT_LITERAL"):
            self._mentioned |= cased(value)
            return self._known(f"[{'^' * (name == 'NOT_LITERAL')}{re.escape(chr(value))}]")
        return self._known(f"[{''.join(map(self._item, value))}]") if name == "IN" else None

    def _item(self, item: Any) -> str:
        name, value = str(item[0]), item[1]
        if name == "NEGATE":
            return "^"
        if name == "CATEGORY":
            return _CATEGORIES[str(value)]
        first, last = value if name == "RANGE" else (value, value)
        for code in range(first, last + 1):
            self._mentioned |= cased(code)
        return "-".join(re.escape(chr(code)) for code in sorted({first, last}))

    def _known(self, atom: str) -> int:
        return self._atoms.setdefault(atom, len(self._atoms))

    def programs(self) -> Programs:
        """Return all programs written. What characters are in what classes is asked of `re`."""
        kinds = _kinds()
        others = {
            int(kind): chr(next(c for c in np.flatnonzero(kinds == kind) if chr(c) not in self._mentioned))
            for kind in np.unique(kinds)
        }
        members: dict[str, bytes] = {}
        tests = [re.compile(atom, re.IGNORECASE).match for atom in self._atoms]
        for one in (*others.values(), *sorted(self._mentioned)):
            members[one] = bytes(bool(test(one)) for test in tests)
        numbers: dict[bytes, int] = {}
        for told in members.values():
            numbers.setdefault(told, len(numbers))
        of_kind = np.zeros(256, np.uint16)
        for kind, one in others.items():
            of_kind[kind] = numbers[members[one]]
        symbols = of_kind[kinds]
        for one in self._mentioned:
            symbols[ord(one)] = numbers[members[one]]
        changes = np.flatnonzero(np.diff(symbols.astype(np.int32), prepend=-1))
        table = np.frombuffer(b"".join(numbers), np.uint8).reshape(len(numbers), -1).T.copy()
        return Programs(
            self._with_ones(table),
            np.array(self._starts, np.int32),
            changes.astype(np.int32),
            symbols[changes],
            np.packbits(table, axis=1, bitorder="little"),
        )

    def _with_ones(self, table: NDArray[np.uint8]) -> NDArray[np.int32]:
        """Return the code, with the symbol itself for a class that has only one."""
        code = np.array(self._code, np.int32)
        symbols = np.where(table.sum(axis=1) == 1, table.argmax(axis=1), -1)
        at = 0
        while at < len(code):
            operation = OPERATIONS[code[at]]
            if operation == "set" and symbols[code[at + 1]] >= 0:
                code[at : at + 2] = OPERATIONS.index("one"), symbols[code[at + 1]]
            elif operation == "switch":
                cases = code[at + 3 : at + 3 + 2 * code[at + 1]].reshape(-1, 2)
                cases[:, 0] = symbols[cases[:, 0]]
                if (cases < 0).any():
                    raise ValueError("A character of a choice is in two classes.")
                cases[:] = cases[cases[:, 0].argsort()]
                at += len(cases) * 2
            at += 1 + _OPERANDS[operation]
        return code


@cache
def _kinds() -> NDArray[np.uint8]:
    """Return the `_kind` of each code point."""
    return np.fromiter(map(_kind, map(chr, range(0x110000))), np.uint8, 0x110000)


def _kind(character: str) -> int:
    """Return in which categories a character is that no expression names, as bits; line ends apart."""
    return (
        character.isdecimal()
        | character.isspace() << 1
        | (character.isalnum() or character == "_") << 2
        | (character == "\n") << 3
    )
