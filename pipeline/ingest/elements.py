"""What the markup says of blocks: names and classes of elements, their shares of the page, the article's home.

The other half of a block's features (`blocks`), where there is HTML.
"""

from __future__ import annotations

import re
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.ingest.tree import Tree
from pipeline.native import pages

__all__ = ["marks_of", "markup_names", "standing"]


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


def standing(tree: Tree) -> NDArray[np.int32]:
    """Return the element that each block stands in: inline elements at its beginning say nothing."""
    row = pages.nearest(tree.table, (tree.table["parent"] < 0) | ~_is_inline(tree)[tree.table["make"]])
    return row[tree.here]


def _is_inline(tree: Tree) -> NDArray[np.bool_]:
    return np.array([tag in _INLINE for tag, _ in tree.makes], bool)


def markup_names() -> tuple[str, ...]:
    """Return the name of each column of `describe_markup`, in order."""
    names = ["link_share", "hidden", *(f"own_{t}" for t in _OWN_TAGS), *(f"over_{t}" for t in _OVER_TAGS), "depth"]
    names += [f"{where}_{group}" for where in ("near", "any") for group in _HINT_GROUPS]
    names += [f"{what}_{level}" for level in _LEVELS for what in ("text", "prose", "links", "blocks", "sentences")]
    names += ["at_home", "below_home", "branch_prose", "branch_links", "branch_blocks"]
    names += [f"{of}_{what}" for of in ("make", "beside") for what in ("prose", "count", "links")]
    return tuple(names)


@lru_cache(maxsize=1 << 14)
def _make(tag: str, own: str) -> tuple[int, int, int, int, int]:
    """Return what the name and the hints of an element say, as `pages.MAKE` has it."""
    what = pages.HAS_HINTS * bool(own) | pages.INLINE * (tag in _INLINE)
    return hash(tag) & (1 << 64) - 1, _OWN_BITS.get(tag, 0), _OVER_BITS.get(tag, 0), _hint_bits(own), what


def marks_of(tree: Tree) -> pages.Marks:
    """Return what the markup of a page says of its blocks."""
    return pages.Marks(
        tree.link_shares,
        tree.here,
        tree.hidden,
        tree.table,
        np.array([_make(*make) for make in tree.makes], pages.MAKE),
        (len(_OWN_TAGS), len(_OVER_TAGS), len(_HINT_GROUPS)),
    )
