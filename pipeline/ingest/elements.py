"""The elements of a page that show text, and what they say of its blocks: names and classes, what is hidden, links.

The other half of a block's features (`blocks`), where there is HTML. All are arrays, a row an element or a block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.ingest.hints import CAPTION, GROUPS, find_hints, group_bits, kind_of
from pipeline.native import pages

__all__ = ["Forced", "Tree", "markup_names"]


_OWN_TAGS = ("p", "a", "li", "td", "h1", "h2", "h3", "div", "span", "figcaption", "strong", "dd", "time", "body")
_OVER_TAGS = (
    "article",
    "main",
    "nav",
    "aside",
    "footer",
    "header",
    "ul",
    "table",
    "figure",
    "section",
    "form",
    "button",
)
_INLINE = frozenset(("a", "span", "strong", "b", "em", "i", "font", "u", "time", "mark", "small", "label"))
_OWN_BITS = {tag: 1 << i for i, tag in enumerate(_OWN_TAGS)}
_OVER_BITS = {tag: 1 << i for i, tag in enumerate(_OVER_TAGS)}
_LEVELS = (1, 2, 3, 4)
"""Ancestors, counted from the block's own element outwards, whose text is summed."""


def markup_names() -> tuple[str, ...]:
    """Return the name of each column of `describe_markup`, in order."""
    names = ["link_share", "hidden", *(f"own_{t}" for t in _OWN_TAGS), *(f"over_{t}" for t in _OVER_TAGS), "depth"]
    names += [f"{where}_{group}" for where in ("near", "any") for group in GROUPS]
    names += [f"{what}_{level}" for level in _LEVELS for what in ("text", "prose", "links", "blocks", "sentences")]
    names += ["at_home", "below_home", "branch_prose", "branch_links", "branch_blocks"]
    names += [f"{of}_{what}" for of in ("make", "beside") for what in ("prose", "count", "links")]
    return tuple(names)


_CAPTION, _FIGCAPTION, _HEADING = 4, 8, 16
"""More of what an element is, beside the kernels' `HAS_HINTS` and `INLINE`: its hints name a caption; its name."""
_KNOWN = {
    tag: (
        _OWN_BITS.get(tag, 0),
        _OVER_BITS.get(tag, 0),
        pages.INLINE * (tag in _INLINE) | _FIGCAPTION * (tag == "figcaption") | _HEADING * (tag == "h1"),
    )
    for tag in {*_OWN_TAGS, *_OVER_TAGS, *_INLINE}
}
"""Bits of `own`, `over` and `what` in `pages.MAKE`, of the names that say something."""
_UNKNOWN = (0, 0, 0)


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


@dataclass(frozen=True)
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

    @cached_property
    def what(self) -> NDArray[Any]:
        """What is told of each make, of type `pages.MAKE`."""
        numbers: dict[str, int] = {}
        tags = [numbers.setdefault(tag, len(numbers)) for tag, _ in self.makes]
        own, over, what = np.array([_KNOWN.get(tag, _UNKNOWN) for tag in numbers], np.int32)[tags].T
        told = np.empty(len(tags), pages.MAKE)
        told["tag"], told["own"], told["over"], told["words"] = tags, own, over, group_bits(self.hints)
        hinting = np.array([own != "" for _, own in self.makes])
        told["what"] = what | pages.HAS_HINTS * hinting | _CAPTION * (self.hints & np.uint64(CAPTION) > 0)
        return told

    @cached_property
    def hints(self) -> NDArray[np.uint64]:
        """What the hints of each make say, as bits: `hints.find_hints`."""
        return find_hints([own for _, own in self.makes])

    @property
    def named(self) -> list[tuple[str, str] | None]:
        """Kind and reason of a cut that the nearest named element says, of each block; None where none is named."""
        says = [kind_of(tag, said) for (tag, _), said in zip(self.makes, self.hints.tolist(), strict=True)]
        near = self.nearest(np.array([said is not None for said in says], bool))
        makes = self.table["make"][near].tolist()
        return [says[make] if at >= 0 else None for at, make in zip(near.tolist(), makes, strict=True)]

    def nearest(self, says: NDArray[np.bool_]) -> NDArray[np.int32]:
        """Return the nearest element of each block, its own or one round it, of a make that says something.

        Args:
            says: which makes do.

        Returns:
            Numbers of elements, -1 where none says anything, shape `(n_blocks,)`.
        """
        return pages.nearest(self.table, says[self.table["make"]])[self.here]

    @property
    def headed(self) -> NDArray[np.bool_]:
        """Which blocks stand in an `h1`, shape `(n_blocks,)`."""
        return self.nearest(self.what["what"] & _HEADING > 0) >= 0

    @property
    def figures(self) -> NDArray[np.bool_]:
        """Which blocks are captions: by a `figcaption` round them, or by the nearest hints, shape `(n_blocks,)`."""
        what = self.what["what"]
        if not (what & (_CAPTION | _FIGCAPTION)).any():  # as on nine of ten pages
            return np.zeros(len(self.here), bool)
        hinting = self.nearest(what & pages.HAS_HINTS > 0)
        named = what[self.table["make"]][hinting] & _CAPTION > 0
        found: NDArray[np.bool_] = (self.nearest(what & _FIGCAPTION > 0) >= 0) | ((hinting >= 0) & named)
        return found

    @property
    def standing(self) -> NDArray[np.int32]:
        """The element that each block stands in: inline elements at its beginning say nothing. Shape `(n_blocks,)`."""
        inline = self.what["what"] & pages.INLINE > 0
        return pages.nearest(self.table, (self.table["parent"] < 0) | ~inline[self.table["make"]])[self.here]

    def marks(self) -> pages.Marks:
        """Return what the markup says of blocks, for the kernels."""
        widths = (len(_OWN_TAGS), len(_OVER_TAGS), len(GROUPS))
        return pages.Marks(self.link_shares, self.here, self.hidden, self.table, self.what, widths)

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
