"""The elements of a page that show text, and what they say of its blocks: names and classes, what is hidden, links.

The other half of a block's features (`blocks`), where there is HTML. All are arrays, a row an element or a block.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.native import pages

__all__ = ["Forced", "Tree", "markup_names"]


_HINT_GROUPS = {
    "body": r"article|content|entry|post(?!er)|story|detail|正文|main|body|text|news_?txt|paragraph|zoom",
    "menu": r"nav|menu|header|top_?bar|breadcrumb|crumb|channel|tabs?\b|toolbar|login|search|logo",
    "foot": r"foot|copyright|bottom|sitemap|friend_?link",
    "side": r"side|aside|column|right|left|widget|module|panel",
    "list": r"related|relat|recommend|recom|hot|rank|list|more|latest|popular|trend|next|prev|pager|pagination|guess",
    "share": r"share|social|sns|tool|like|follow|subscribe|app|download|qr|wechat|weixin|donat|sponsor",
    "talk": r"comment|reply|discuss|message|feedback|disqus",
    "advert": r"\bads?\b|advert|\bad[-_]|banner|promo|dfp|gpt|sponsor",
    "meta": r"author|byline|editor|date|time|source|info|meta|tag|keyword|label|from",
    "caption": r"caption|figure|photo|image|img|pic",
    "title": r"title|headline|subject|heading",
}
_HINT_PATTERNS = {name: re.compile(pattern) for name, pattern in _HINT_GROUPS.items()}
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


@lru_cache(maxsize=1 << 14)
def _word_bits(word: str) -> int:
    """Return the groups that a word of an element's hints names, as bits. Words come again and again, hints do not."""
    return sum(1 << i for i, pattern in enumerate(_HINT_PATTERNS.values()) if pattern.search(word))


def _hint_bits(own: str) -> int:
    """Return the groups of class and id words that an element's own hints name, as bits."""
    bits = 0
    for word in own.split():
        bits |= _word_bits(word)
    return bits


def markup_names() -> tuple[str, ...]:
    """Return the name of each column of `describe_markup`, in order."""
    names = ["link_share", "hidden", *(f"own_{t}" for t in _OWN_TAGS), *(f"over_{t}" for t in _OVER_TAGS), "depth"]
    names += [f"{where}_{group}" for where in ("near", "any") for group in _HINT_GROUPS]
    names += [f"{what}_{level}" for level in _LEVELS for what in ("text", "prose", "links", "blocks", "sentences")]
    names += ["at_home", "below_home", "branch_prose", "branch_links", "branch_blocks"]
    names += [f"{of}_{what}" for of in ("make", "beside") for what in ("prose", "count", "links")]
    return tuple(names)


_CAPTION, _FIGCAPTION, _HEADING = 4, 8, 16
"""More of what an element is, beside the kernels' `HAS_HINTS` and `INLINE`: its hints name a caption; its name."""


@lru_cache(maxsize=1 << 14)
def _make(tag: str, own: str) -> tuple[int, int, int, int, int]:
    """Return what the name and the hints of an element say, as `pages.MAKE` has it."""
    what = pages.HAS_HINTS * bool(own) | pages.INLINE * (tag in _INLINE) | _CAPTION * ("caption" in own)
    what |= _FIGCAPTION * (tag == "figcaption") | _HEADING * (tag == "h1")
    return hash(tag) & (1 << 64) - 1, _OWN_BITS.get(tag, 0), _OVER_BITS.get(tag, 0), _hint_bits(own), what


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
        return np.array([_make(*make) for make in self.makes], pages.MAKE)

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
        widths = (len(_OWN_TAGS), len(_OVER_TAGS), len(_HINT_GROUPS))
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
