"""What the markup says of blocks: names and classes of elements, their shares of the page, the article's home.

The other half of a block's features (`blocks`), where there is HTML.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipeline.article import Block, Markup

__all__ = ["Floats", "describe_markup", "inherited", "markup_names", "running", "standing"]

Floats: TypeAlias = NDArray[np.float64]
T = TypeVar("T")
_Stand: TypeAlias = tuple[Markup | None, Markup, int]
"""Of an element: its home, the outermost element round it that is not home's, and how deep it is below home."""

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


def inherited(marks: Iterable[Markup | None], tell: Callable[[Markup, T | None], T]) -> dict[Markup, T]:
    """Return what `tell` says of each element and of its ancestors, each asked once and after its parent.

    `tell` gets the element and what was said of its parent, None at the top.
    """
    told: dict[Markup, T] = {}
    for mark in marks:
        chain = []
        element = mark
        while element is not None and element not in told:
            chain.append(element)
            element = element.parent
        above = told[element] if element is not None else None
        for element in reversed(chain):
            above = told[element] = tell(element, above)
    return told


def standing(mark: Markup) -> tuple[Markup | None, str]:
    """Return parent and name of the element that a line stands in: inline elements at its beginning say neither."""
    while mark.parent is not None and mark.tag in _INLINE:
        mark = mark.parent
    return mark.parent, mark.tag


@dataclass(slots=True)
class _Place:
    """What an element says of the blocks inside it, as bits: its words, with its parent's, all words; and tags."""

    own: int
    near: int
    all: int
    over: int
    depth: int


def _places(blocks: Sequence[Block]) -> dict[Markup, _Place]:
    """Return the place of every element that shows a block, and of its ancestors."""

    def place(element: Markup, above: _Place | None) -> _Place:
        above = above or _Place(0, 0, 0, 0, 0)
        own = _hint_bits(element.own)
        near = own | above.own if element.own else above.near
        own = own if element.own else above.own
        over = above.over | _OVER_BITS.get(element.tag, 0)
        return _Place(own, near, above.all | own, over, above.depth + 1)

    return inherited((block.markup for block in blocks), place)


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


def describe_markup(
    blocks: tuple[Block, ...], solid: Floats, prose: Floats, linked: Floats, out: NDArray[np.float32]
) -> None:
    """Write what the markup says to `out`, shape `(n_blocks, m)`. Ancestors' sums are over all blocks inside them."""
    marks = [b.markup for b in blocks if b.markup is not None]
    places = _places(blocks)
    here = [places[mark] for mark in marks]
    at = 0

    def put(columns: NDArray[Any]) -> None:
        nonlocal at
        out[:, at : at + columns.shape[1]] = columns
        at += columns.shape[1]

    def put_bits(bits: list[int], count: int) -> None:
        put((np.array(bits, dtype=np.int32)[:, None] >> np.arange(count, dtype=np.int32)) & 1)

    put(np.array([(b.link_share, mark.hidden) for b, mark in zip(blocks, marks, strict=True)]))
    put_bits([_OWN_BITS.get(mark.tag, 0) for mark in marks], len(_OWN_TAGS))
    put_bits([place.over for place in here], len(_OVER_TAGS))
    put(np.minimum(np.array([place.depth for place in here], dtype=np.float64), 40)[:, None] / 20)
    put_bits([place.near for place in here], len(_HINT_GROUPS))
    put_bits([place.all for place in here], len(_HINT_GROUPS))
    sums = running(np.stack((solid, prose, linked), axis=1))
    whole = np.maximum(sums[-1], 1)
    ancestors: list[Markup] = list(marks)
    for _ in _LEVELS:
        begin = np.array([element.begin for element in ancestors], dtype=np.intp)
        end = np.array([element.end for element in ancestors], dtype=np.intp)
        own = sums[end] - sums[begin]
        level = (
            own[:, 0] / whole[0],
            own[:, 1] / whole[1],
            own[:, 2] / np.maximum(own[:, 0], 1),
            np.log1p(end - begin) / 4,
            np.log1p(own[:, 1]) / 4,
        )
        put(np.stack(level, axis=1))
        ancestors = [element.parent or element for element in ancestors]
    put(_home_features(marks, sums, solid, prose, linked))


def _home_features(marks: Sequence[Markup], sums: Floats, solid: Floats, prose: Floats, linked: Floats) -> Floats:
    """Return how a block stands to the article's home, and what blocks of the same make are; shape `(n_blocks, 11)`.

    Home is the innermost element with most of the page's prose. Blocks are of one make if their elements and the
    elements round these have the same names and classes: the paragraphs of an article are, and so are its subheads.
    """
    whole = max(float(sums[-1, 1]), 1e-9)
    told = sums[:, 1].tolist()

    def stand(element: Markup, above: _Stand | None) -> _Stand:
        if told[element.end] - told[element.begin] >= _HOME * whole:
            return element, element, 0
        if above is None:
            return None, element, 1
        home, branch, depth = above
        return home, branch if depth else element, depth + 1

    below = inherited(marks, stand)
    makes: dict[tuple[str, str, str, str], int] = {}
    besides: dict[tuple[Markup | None, str], int] = {}
    homes, branches, depths, make, beside = [], [], [], [], []
    for mark in marks:
        home, branch, depth = below[mark]
        homes.append(home)
        branches.append(branch)
        depths.append(depth)
        over = mark.parent or mark
        make.append(makes.setdefault((mark.tag, mark.own, over.tag, over.own), len(makes)))
        beside.append(besides.setdefault(standing(mark), len(besides)))
    wide = [home for home in homes if home is not None]
    innermost = min(wide, key=lambda element: element.end - element.begin, default=None)
    part = (
        sums[np.array([branch.end for branch in branches], dtype=np.intp)]
        - sums[np.array([branch.begin for branch in branches], dtype=np.intp)]
    )
    blocks = np.array([branch.end - branch.begin for branch in branches], dtype=np.float64)
    depth_of = np.array(depths, dtype=np.float64)
    under = depth_of > 0
    columns = [
        np.array([home is innermost for home in homes], dtype=np.float64),
        np.minimum(depth_of, 8) / 4,
        part[:, 1] / whole * under,
        part[:, 2] / np.maximum(part[:, 0], 1) * under,
        np.log1p(blocks) / 4 * under,
    ]
    for names in (make, beside):
        groups = np.array(names, dtype=np.intp)
        columns += [
            (np.bincount(groups, prose) / whole)[groups],
            (np.log1p(np.bincount(groups)) / 4)[groups],
            (np.bincount(groups, linked) / np.maximum(np.bincount(groups, solid), 1))[groups],
        ]
    return np.stack(columns, axis=1)
