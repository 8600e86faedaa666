"""The elements of a page that show text, and in which of them its blocks stand: arrays, a row an element or a block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.native import pages

__all__ = ["Forced", "Tree"]


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


@dataclass(frozen=True, slots=True)
class Tree:
    """The elements of a page that show text, parents before their children, and what they say of its blocks."""

    table: NDArray[Any]
    """Of type `pages.ELEMENT`, shape `(n_elements,)`."""
    makes: Sequence[tuple[str, str]]
    """Name of each make of elements, and their class, id, role and itemprop values, joined by spaces; lower case."""
    here: NDArray[np.int32]
    """The innermost element that holds the beginning of each block, shape `(n_blocks,)`."""
    hidden: NDArray[np.bool_]
    """Whether its style, or that of an element round it, hides a block, shape `(n_blocks,)`."""
    link_shares: NDArray[np.float64]
    """Share of each block's characters inside `a`, in [0, 1], shape `(n_blocks,)`."""
    said: Sequence[Forced | None] = ()
    """What a user's site file says of blocks, by the nearest element that it speaks of; empty without such a file."""

    def nearest(self, says: Sequence[bool]) -> NDArray[np.int32]:
        """Return the nearest element of each block, its own or one round it, of a make that says something.

        Args:
            says: which makes do.

        Returns:
            Numbers of elements, -1 where none says anything, shape `(n_blocks,)`.
        """
        return pages.nearest(self.table, np.array(says, bool)[self.table["make"]])[self.here]

    def inside(self, name: str) -> NDArray[np.bool_]:
        """Return which blocks stand in an element of this name, shape `(n_blocks,)`."""
        return self.nearest([tag == name for tag, _ in self.makes]) >= 0

    def with_script(self, blocks: int) -> Tree:
        """Return the tree with an element more, behind all others, that holds an article of so many blocks."""
        begin = len(self.here)
        row = np.array([(-1, begin, begin + blocks, -1, len(self.makes), 0, 0, 0, 0)], pages.ELEMENT)
        return Tree(
            np.concatenate((self.table, row)),
            (*self.makes, ("script", "article embedded")),
            np.concatenate((self.here, np.full(blocks, len(self.table), np.int32))),
            np.concatenate((self.hidden, np.zeros(blocks, bool))),
            np.concatenate((self.link_shares, np.zeros(blocks))),
            (*self.said, *[None] * blocks) if self.said else (),
        )
