"""Finds the forms of a list in a folded key: quicker than a regular expression of some hundred alternatives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from pipeline.script.fold import code_points

__all__ = ["Lexicon"]

_HASHES = 1 << 18
"""Pairs of characters are told apart by 18 bits: a list of 1,000 forms lets one pair in 250 pass by chance."""


def _hashes(key: str) -> NDArray[np.uint32]:
    codes = code_points(key)
    return (codes[:-1] * np.uint32(40503) + codes[1:]) & np.uint32(_HASHES - 1)


class Lexicon:
    """A list of forms, none of them empty."""

    def __init__(self, forms: Iterable[str]) -> None:
        longest_first = sorted(set(forms), key=lambda form: (-len(form), form))
        self._pairs = np.zeros(_HASHES, dtype=np.bool_)
        self._by_pair: dict[str, list[str]] = {}
        alone = [form for form in longest_first if len(form) == 1]
        self._alone = re.compile(f"[{re.escape(''.join(alone))}]") if alone else None
        for form in longest_first:
            if len(form) > 1:
                self._pairs[_hashes(form[:2])] = True
                self._by_pair.setdefault(form[:2], []).append(form)
        for form in alone:
            for pair, found in self._by_pair.items():
                if pair[0] == form:
                    found.append(form)

    def find(self, key: str) -> Iterator[tuple[int, list[str]]]:
        """Yield each place where forms stand, with those forms, longest first. Places may overlap."""
        places: Iterable[int] = np.flatnonzero(self._pairs[_hashes(key)]).tolist() if len(key) > 1 else ()
        if self._alone is not None:
            singles = [match.start() for match in self._alone.finditer(key)]
            places = sorted({*places, *singles}) if singles else places
        for place in places:
            forms = self._by_pair.get(key[place : place + 2])
            if forms is None:
                form = key[place]
                if self._alone is not None and self._alone.match(form):
                    yield place, [form]
            elif found := [form for form in forms if key.startswith(form, place)]:
                yield place, found
