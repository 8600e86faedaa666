"""What the markup says of blocks: names and classes of elements, their shares of the page, the article's home.

The other half of a block's features (`blocks`), where there is HTML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.article import Markup
from pipeline.ingest.flatten import Flat

__all__ = ["Floats", "describe_markup", "inherited", "markup_names", "running", "standing"]

Floats: TypeAlias = NDArray[np.float64]
T = TypeVar("T")
_Stand: TypeAlias = tuple[int, int, int]
"""Of an element: its home (-1: none), the outermost element round it that is not home's, how deep it is below home."""

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
_HOME = 0.6
"""Least share of the page's prose in the element that is taken for the article's home."""
_LEVELS = (1, 2, 3, 4)
"""Ancestors, counted from the block's own element outwards, whose text is summed."""


@lru_cache(maxsize=1 << 14)
def _hint_bits(own: str) -> int:
    """Return the groups of class and id words that an element's own hints name, as bits."""
    return sum(1 << i for i, pattern in enumerate(_HINT_PATTERNS.values()) if pattern.search(own)) if own else 0


def inherited(elements: Sequence[Markup], tell: Callable[[Markup, T | None], T]) -> list[T]:
    """Return what `tell` says of each of a page's elements (`Flat.elements`), of which each comes after its parent.

    `tell` gets the element and what was said of its parent, None at the top.
    """
    told: list[T] = []
    for element in elements:
        told.append(tell(element, told[element.parent.number] if element.parent is not None else None))
    return told


def standing(mark: Markup) -> tuple[Markup | None, str]:
    """Return parent and name of the element that a line stands in: inline elements at its beginning say neither."""
    while mark.parent is not None and mark.tag in _INLINE:
        mark = mark.parent
    return mark.parent, mark.tag


_Place: TypeAlias = tuple[int, int, int, int, int]
"""What an element says of the blocks inside it, as bits: its words, with its parent's, all words; tags; its depth."""


def _place(element: Markup, above: _Place | None) -> _Place:
    own_above, near, whole, over, depth = above or (0, 0, 0, 0, 0)
    over |= _OVER_BITS.get(element.tag, 0)
    if not element.own:
        return own_above, near, whole | own_above, over, depth + 1
    own = _hint_bits(element.own)
    return own, own | own_above, whole | own, over, depth + 1


def markup_names() -> tuple[str, ...]:
    """Return the name of each column of `describe_markup`, in order."""
    names = ["link_share", "hidden", *(f"own_{t}" for t in _OWN_TAGS), *(f"over_{t}" for t in _OVER_TAGS), "depth"]
    names += [f"{where}_{group}" for where in ("near", "any") for group in _HINT_GROUPS]
    names += [f"{what}_{level}" for level in _LEVELS for what in ("text", "prose", "links", "blocks", "sentences")]
    names += ["at_home", "below_home", "branch_prose", "branch_links", "branch_blocks"]
    names += [f"{of}_{what}" for of in ("make", "beside") for what in ("prose", "count", "links")]
    return tuple(names)


def running(values: Floats) -> Floats:
    """Return running sums along the first axis, with a leading zero."""
    return np.concatenate((np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)))


def describe_markup(flat: Flat, solid: Floats, prose: Floats, linked: Floats, out: NDArray[np.float32]) -> None:
    """Write what the markup says to `out`, shape `(n_blocks, m)`. Ancestors' sums are over all blocks inside them."""
    elements = flat.elements
    marks = [b.markup for b in flat.blocks if b.markup is not None]
    here = np.array([mark.number for mark in marks], dtype=np.intp)
    places = np.array(inherited(elements, _place), dtype=np.int32)[here]
    at = 0

    def put(columns: NDArray[Any]) -> None:
        nonlocal at
        out[:, at : at + columns.shape[1]] = columns
        at += columns.shape[1]

    def put_bits(bits: NDArray[np.int32], count: int) -> None:
        put((bits[:, None] >> np.arange(count, dtype=np.int32)) & 1)

    _, near, whole_words, over, depth = places.T
    put(np.array([(b.link_share, mark.hidden) for b, mark in zip(flat.blocks, marks, strict=True)]))
    put_bits(np.array([_OWN_BITS.get(mark.tag, 0) for mark in marks], dtype=np.int32), len(_OWN_TAGS))
    put_bits(over, len(_OVER_TAGS))
    put(np.minimum(depth, 40)[:, None] / 20)
    put_bits(near, len(_HINT_GROUPS))
    put_bits(whole_words, len(_HINT_GROUPS))
    sums = running(np.stack((solid, prose, linked), axis=1))
    whole = np.maximum(sums[-1], 1)
    begin, end = (np.array(side, dtype=np.intp) for side in zip(*((e.begin, e.end) for e in elements), strict=True))
    inside = sums[end] - sums[begin]
    blocks = np.log1p(end - begin) / 4
    told = np.stack(
        (
            inside[:, 0] / whole[0],
            inside[:, 1] / whole[1],
            inside[:, 2] / np.maximum(inside[:, 0], 1),
            blocks,
            np.log1p(inside[:, 1]) / 4,
        ),
        axis=1,
    )
    parent = np.array([(e.parent or e).number for e in elements], dtype=np.intp)
    ancestors = here
    for _ in _LEVELS:
        put(told[ancestors])
        ancestors = parent[ancestors]
    put(_home_features(elements, marks, here, inside, blocks, (solid, prose, linked)))


def _home_features(
    elements: Sequence[Markup],
    marks: Sequence[Markup],
    here: NDArray[np.intp],
    inside: Floats,
    blocks: Floats,
    values: tuple[Floats, Floats, Floats],
) -> Floats:
    """Return how a block stands to the article's home, and what blocks of the same make are; shape `(n_blocks, 11)`.

    Home is the innermost element with most of the page's prose. Blocks are of one make if their elements and the
    elements round these have the same names and classes: the paragraphs of an article are, and so are its subheads.

    Args:
        elements: the page's elements.
        marks: the element of each block.
        here: its number.
        inside: solid characters, prose and linked characters in each element, shape `(n_elements, 3)`.
        blocks: logarithm of the number of blocks in each element, shape `(n_elements,)`.
        values: the same three of each block.
    """
    solid, prose, linked = values
    whole = max(float(prose.sum()), 1e-9)
    wide = (inside[:, 1] >= _HOME * whole).tolist()

    def stand(element: Markup, above: _Stand | None) -> _Stand:
        if wide[element.number]:
            return element.number, element.number, 0
        if above is None:
            return -1, element.number, 1
        home, branch, depth = above
        return home, branch if depth else element.number, depth + 1

    homes, branches, depths = np.array(inherited(elements, stand), dtype=np.intp)[here].T
    makes: dict[tuple[str, str, str, str], int] = {}
    besides: dict[tuple[Markup | None, str], int] = {}
    make, beside = [], []
    for mark in marks:
        over = mark.parent or mark
        make.append(makes.setdefault((mark.tag, mark.own, over.tag, over.own), len(makes)))
        beside.append(besides.setdefault(standing(mark), len(besides)))
    innermost = min(set(homes.tolist()) - {-1}, key=lambda home: elements[home].end - elements[home].begin, default=-2)
    part = inside[branches]
    under = depths > 0
    columns = [
        homes == innermost,
        np.minimum(depths, 8) / 4,
        part[:, 1] / whole * under,
        part[:, 2] / np.maximum(part[:, 0], 1) * under,
        blocks[branches] * under,
    ]
    for names in (make, beside):
        groups = np.array(names, dtype=np.intp)
        columns += [
            (np.bincount(groups, prose) / whole)[groups],
            (np.log1p(np.bincount(groups)) / 4)[groups],
            (np.bincount(groups, linked) / np.maximum(np.bincount(groups, solid), 1))[groups],
        ]
    return np.stack(columns, axis=1)
