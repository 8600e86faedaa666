"""Features of blocks: what a line looks like, what stands round it, and, where there is HTML, its markup.

Every feature is counted on the folded key, so that a Traditional page and a Simplified one look the same. The counting
is a kernel (`native/blocks.c`); here is what it counts, and the names of the columns in its order.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.ingest.elements import markup_names
from pipeline.ingest.flatten import Flat
from pipeline.ingest.rules import mask, rules
from pipeline.native import pages
from pipeline.script.fold import code_points
from pipeline.script.identify import HANS, HANT, classes

__all__ = ["FURNITURE", "Features", "describe", "feature_names"]

Features: TypeAlias = NDArray[np.float32]

_CLASSES = {
    "end": "。！？!?；;…",
    "comma": "，、,：:",
    "quote": '「」『』“”"‘’《》〈〉',
    "bar": "|｜>»›/／·•-—_<《",
    "bracket": "()（）[]【】〔〕",
}


_EDGES = ("。！？!?；”」』）)：…", "，、,：:", "▲▼●■◆★※・·•-–—>»#*【[（(")
"""What a line ends with that is told, ends with that is not, and begins with that is a list's."""


@cache
def _class_table() -> NDArray[np.uint16]:
    """Return the class bits of each code point: Han 1, digit 2, Latin 4, space 8, then `_CLASSES` and `_EDGES`."""
    table = np.zeros(0x30000, dtype=np.uint16)
    table[0x3400:0xA000] |= 1
    table[0xF900:0xFB00] |= 1
    table[0x20000:0x30000] |= 1
    for low, high in ((0x30, 0x3A), (0xFF10, 0xFF1A)):
        table[low:high] |= 2
    for low, high in ((0x41, 0x5B), (0x61, 0x7B), (0xFF21, 0xFF3B), (0xFF41, 0xFF5B), (0xC0, 0x250)):
        table[low:high] |= 4
    for space in (0x20, 0xA0, 0x3000, 9):
        table[space] |= 8
    for bit, characters in enumerate((*_CLASSES.values(), *_EDGES), 4):
        for character in set(characters):
            table[ord(character)] |= 1 << bit
    return table


_KINDS = [
    "list_teaser",
    "previous_next",
    "related",
    "hot_list",
    "donation",
    "advertisement",
    "promotion",
    "share",
    "player",
    "comments",
    "copyright",
    "credit",
    "tag_line",
    "byline",
    "source",
    "date",
    "caption",
    "navigation",
    "template_residue",
]
"""Kinds of noise rule that are a feature. A rule of one of these kinds can be added without teaching anew."""
FURNITURE = frozenset(
    (
        *("list_teaser", "previous_next", "related", "hot_list", "donation", "advertisement", "promotion", "share"),
        *("player", "comments", "copyright", "navigation", "template_residue"),
    )
)
"""Kinds of noise rule that speak of a site, not of an article: a text without any of them is no scraped page."""
_REACHES = (1, 3, 8)
"""Blocks to each side whose prose is summed, as the kernel does."""
_STEPS = (-2, -1, 1, 2)
"""Neighbours whose own features a block has too, from the kernel."""


class _Masks(NamedTuple):
    """The rules that the kernel asks for, as bits."""

    heads: int
    furniture: int
    kinds: NDArray[np.uint64]


@cache
def _masks() -> _Masks:
    heads = sum(1 << i for i, rule in enumerate(rules()) if rule.head)
    return _Masks(heads, mask(FURNITURE), np.array([mask((kind,)) for kind in _KINDS], np.uint64))


@cache
def feature_names() -> tuple[str, ...]:
    """Return the name of each column of `describe`, in order."""
    text = ["length", "solid", "end", "comma", "quote", "bar", "bracket", "digits", "latin", "spaces", "han"]
    text += ["ends_sentence", "ends_open", "starts_mark", "prose", "shared", "twice", "copies"]
    text += [
        "position",
        "after_prose",
        "first_prose",
        "last_prose",
        "section",
        "section_open",
        "page_blocks",
        "page_prose",
    ]
    text += ["own_script", "other_script", "page_furniture", "page_told"]
    text += [f"{what}_{step:+}" for step in _STEPS for what in ("length", "closes", "prose", "shared", "furniture")]
    text += [f"{side}_{reach}" for reach in _REACHES for side in ("before", "behind", "short", "headlines")]
    text += [f"kind_{kind}" for kind in _KINDS]
    return (*text, "html", *markup_names())


def describe(flat: Flat, key: str, bits: list[int]) -> Features:
    """Return the features of each block of a page, shape `(n_blocks, n_features)`.

    Args:
        flat: the page; of its text only the script is looked at.
        key: the folded page text.
        bits: the noise rules of each block, as `rules.rule_bits` tells them.
    """
    names = feature_names()
    if not len(flat.edges):
        return np.zeros((0, len(names)), dtype=np.float32)
    return pages.describe(
        *(code_points(key), code_points(flat.text), flat.edges, np.array(bits, np.uint64), len(names)),
        **_masks()._asdict(),
        classes=_class_table(),
        scripts=(classes(), HANT, HANS),
        marks=flat.tree.marks() if flat.tree is not None else None,
    )
