"""Blocks of a page, and the elements that they stand in: what flatten makes and everybody behind it asks.

A page has some hundred elements, and most are asked for by their number only: what is told of them is in arrays, and an
element becomes an object (`Markup`) when somebody wants to look at it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.native import pages

__all__ = ["Block", "Forced", "Markup", "Tree"]


@dataclass(frozen=True, slots=True)
class Forced:
    """What a user's site file says of an element or a line, whatever the judge says."""

    keep: bool
    """Whether it stays; else it is cut."""
    kind: str
    """Of the cut; "" is what its markup says."""
    reason: str
    line: bool = False
    """Whether it was said of the line itself. Then it stays whole: it is not mended, and does not become a field."""


@dataclass(slots=True, eq=False)
class Markup:
    """An element of HTML that shows text, linked to its parent: blocks share what they know of their ancestors."""

    tag: str
    """Its name, lower case."""
    own: str
    """Its class, id, role and itemprop values, lower case, joined by spaces."""
    parent: Markup | None
    hidden: bool
    """Whether its style, or an ancestor's, hides it."""
    forced: Forced | None
    """What a user's site file says of it, or of the nearest ancestor that it speaks of."""
    number: int
    """Its place among the page's elements that show text, parents before their children."""

    def chain(self) -> Iterator[Markup]:
        """Yield this element and its ancestors, outwards."""
        element: Markup | None = self
        while element is not None:
            yield element
            element = element.parent

    @property
    def tags(self) -> tuple[str, ...]:
        """Names of the open elements from the body down."""
        return tuple(element.tag for element in self.chain())[::-1]

    @property
    def hints(self) -> str:
        """`own` of the open elements from the body down, joined by spaces."""
        return " ".join([element.own for element in self.chain() if element.own][::-1])


@dataclass(frozen=True, slots=True)
class Tree:
    """The elements of a page that show text, parents before their children, and in which of them its blocks stand."""

    table: NDArray[Any]
    """Of type `pages.ELEMENT`, shape `(n_elements,)`."""
    makes: Sequence[tuple[str, str]]
    """Name and hints of each make of elements."""
    hidden: NDArray[np.bool_]
    """Whether the style of an element, or of one round it, hides it, shape `(n_elements,)`."""
    said: Sequence[Forced | None]
    """What a user's site file says of each element, or of the nearest round it; empty where it says nothing."""
    here: NDArray[np.int32]
    """The innermost element that holds the beginning of each block, shape `(n_blocks,)`."""
    link_shares: NDArray[np.float64]
    """Share of each block's characters inside `a`, in [0, 1]."""
    _markups: dict[int, Markup] = field(default_factory=dict)

    def markup(self, number: int) -> Markup:
        """Return an element, always the same object."""
        wanted = []
        while number >= 0 and number not in self._markups:
            wanted.append(number)
            number = int(self.table["parent"][number])
        over = self._markups[number] if number >= 0 else None
        for number in reversed(wanted):
            said = self.said[number] if self.said else None
            tag, own = self.makes[self.table["make"][number]]
            over = self._markups[number] = Markup(tag, own, over, bool(self.hidden[number]), said, number)
        assert over is not None
        return over

    def with_script(self, blocks: int) -> Tree:
        """Return the tree with an element more, behind all others, that holds an article of so many blocks."""
        begin = len(self.here)
        row = np.array([(-1, begin, begin + blocks, -1, len(self.makes), 0, 0, 0, 0)], pages.ELEMENT)
        return Tree(
            np.concatenate((self.table, row)),
            (*self.makes, ("script", "article embedded")),
            np.append(self.hidden, False),
            (*self.said, None) if self.said else (),
            np.concatenate((self.here, np.full(blocks, len(self.table), np.int32))),
            np.concatenate((self.link_shares, np.zeros(blocks))),
        )


class Block(NamedTuple):
    """A span of the page text that is judged as one: a line, or what HTML shows as one."""

    start: int
    end: int
    element: int = -1
    """Number of the innermost element that holds its beginning."""
    tree: Tree | None = None
    """None for a line of text."""

    @property
    def markup(self) -> Markup | None:
        """The innermost element that holds its beginning; None for a line of text."""
        return self.tree.markup(self.element) if self.tree is not None else None
