"""Features of blocks: what a line looks like, what stands round it, and, where there is HTML, its markup.

Every feature is counted on the folded key, so that a Traditional page and a Simplified one look the same, and for a
whole page at once: one table look-up gives each character its class, sums over spans are differences of running sums.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.ingest.elements import Floats, describe_markup, markup_names, running
from pipeline.ingest.flatten import Flat
from pipeline.ingest.rules import mask, rules
from pipeline.script.identify import HANS, HANT, classify

__all__ = ["FURNITURE", "Features", "describe", "feature_names"]

Features: TypeAlias = NDArray[np.float32]

_CLASSES = {
    "end": "。！？!?；;…",
    "comma": "，、,：:",
    "quote": '「」『』“”"‘’《》〈〉',
    "bar": "|｜>»›/／·•-—_<《",
    "bracket": "()（）[]【】〔〕",
}


@cache
def _class_table() -> NDArray[np.uint16]:
    """Return the class bits of each code point: Han 1, digit 2, Latin 4, space 8, then `_CLASSES`."""
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
    for bit, characters in enumerate(_CLASSES.values(), 4):
        for character in characters:
            table[ord(character)] |= 1 << bit
    return table


_BITS = 9
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
"""Blocks to each side whose prose is summed."""
_STEPS = (-2, -1, 1, 2)
"""Neighbours whose own features a block has too."""


@cache
def _kind_masks() -> tuple[int, ...]:
    return tuple(mask((kind,)) for kind in _KINDS)


def _between(sums: Floats, left: NDArray[np.intp], right: NDArray[np.intp]) -> Floats:
    """Return the sums over `[left, right)` from running sums with a leading zero; shape of `left`."""
    result: Floats = sums[right] - sums[left]
    return result


def _counts(classes: NDArray[np.uint16], starts: NDArray[np.intp], ends: NDArray[np.intp]) -> list[Floats]:
    """Return how many characters of each class a block has; each of shape `(n_blocks,)`.

    Three counts of 21 bits go into one running sum, so a block of 2 million characters of one class would spill over.
    """
    counts = []
    for table in _packed():
        sums = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(table[classes])))
        inside = sums[ends] - sums[starts]
        counts += [((inside >> shift) & 0x1FFFFF).astype(np.float64) for shift in (0, 21, 42)]
    return counts


@cache
def _packed() -> NDArray[np.int64]:
    """Return the classes of each combination of class bits, three to a number; shape `(3, 2 ** _BITS)`."""
    bits = np.arange(1 << _BITS, dtype=np.int64)[None, :] >> np.arange(_BITS)[:, None] & 1
    first, second, third = bits[0::3], bits[1::3], bits[2::3]
    return first | second << 21 | third << 42


def _shared_pairs(codes: NDArray[np.uint32], starts: NDArray[np.intp], ends: NDArray[np.intp], prose: Floats) -> Floats:
    """Return for each block the share of its character pairs that the page's prose has elsewhere; shape `(n_blocks,)`.

    Pairs are hashed to 16 bits; the prose is the blocks where `prose` > 0, which count themselves once less.
    """
    n = len(codes)
    if n < 2:
        return np.zeros(len(starts))
    pairs = ((codes[:-1] * np.uint32(2654435761)) ^ (codes[1:] * np.uint32(40503))) >> np.uint32(8) & np.uint32(0xFFFF)
    inside = np.zeros(n + 1, dtype=np.int32)
    dense = prose > 0
    np.add.at(inside, starts[dense], 1)
    np.add.at(inside, ends[dense] - 1, -1)
    member = np.cumsum(inside)[: n - 1] > 0
    counts = np.bincount(pairs[member], minlength=1 << 16)
    seen = (counts[pairs] > member).astype(np.float64)
    sums = running(seen)
    width = np.maximum(ends - starts - 1, 1)
    last = np.maximum(ends - 1, starts)
    shares: Floats = _between(sums, starts, last) / width
    return shares


def _scripts(text: str, starts: NDArray[np.intp], ends: NDArray[np.intp], prose: Floats) -> tuple[Floats, Floats]:
    """Return for each block how much it has of the page's script, and of the other one; each of shape `(n_blocks,)`.

    The page's script is that of its first prose: a content farm hangs teasers in its own script under a stolen text.
    """
    classes = classify(text)
    counts = []
    for script in (HANT, HANS):
        sums = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(classes == script)))
        counts.append((sums[ends] - sums[starts]).astype(np.float64))
    hant, hans = counts
    weight = prose / (1 + np.cumsum(prose) / 20)  # later prose counts less
    if (hant * weight).sum() < (hans * weight).sum():
        hant, hans = hans, hant
    return np.log1p(hant) / 3, np.log1p(hans) / 3


def _section(bits: list[int], prose: Floats) -> Floats:
    """Return for each block how lately a heading announced a list (related, hot, comments); shape `(n_blocks, 2)`.

    1.0 right after the heading, halved every 8 blocks; a block of prose (two sentences or more) breaks it off in the
    second column but not in the first.
    """
    heads = sum(1 << i for i, rule in enumerate(rules()) if rule.head)
    result = np.zeros((len(bits), 2))
    near = soft = 0.0
    decay = 0.5 ** (1 / 8)
    for i, found in enumerate(bits):
        if found & heads:
            near = soft = 1.0
        else:
            near *= decay
            soft = 0.0 if prose[i] >= 2 else soft * decay
        result[i] = near, soft
    return result


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
    blocks = flat.blocks
    count = len(blocks)
    names = feature_names()
    if not count:
        return np.zeros((0, len(names)), dtype=np.float32)
    codes = np.frombuffer(key.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    table = _class_table()
    classes = table[np.minimum(codes, len(table) - 1)]
    starts = np.array([b.start for b in blocks], dtype=np.intp)
    ends = np.array([b.end for b in blocks], dtype=np.intp)
    length = (ends - starts).astype(np.float64)
    han, digit, latin, space, end, comma, quote, bar, bracket = _counts(classes, starts, ends)
    solid = np.maximum(length - space, 1)
    # Prose: sentence ends and commas, as far as Han characters carry them. A headline has none, a paragraph several.
    carried = han / 12
    prose = np.minimum(end + 0.5 * comma, carried) * (han >= 16)
    last_code = codes[ends - 1]
    closes = np.isin(last_code, [ord(c) for c in "。！？!?；”」』）)：…"])
    opens = np.isin(last_code, [ord(c) for c in "，、,：:"])
    first_code = codes[starts]
    marks = np.isin(first_code, [ord(c) for c in "▲▼●■◆★※・·•-–—>»#*【[（("])
    shared = _shared_pairs(codes, starts, ends, prose)
    texts = [key[b.start : b.end] for b in blocks]
    copies = Counter(texts)
    again = np.array([copies[t] for t in texts], dtype=np.float64)
    twin = np.zeros(count)
    for i in range(1, count):
        if texts[i] == texts[i - 1]:
            twin[i] = twin[i - 1] = 1
    sums = running(prose)
    whole = max(sums[-1], 1e-9)
    indices = np.arange(count)
    where = np.flatnonzero(prose >= 2)
    first, final = (int(where[0]), int(where[-1])) if len(where) else (count, -1)
    section = _section(bits, prose)
    found = np.array(bits, dtype=np.int64)
    furniture = ((found & mask(FURNITURE)) != 0).astype(np.float64)
    text_columns = [
        np.log1p(length) / 5,
        np.log1p(solid) / 5,
        np.log1p(end),
        np.log1p(comma),
        np.log1p(quote),
        bar / solid,
        bracket / solid,
        digit / solid,
        latin / solid,
        space / length,
        han / solid,
        closes.astype(np.float64),
        opens.astype(np.float64),
        marks.astype(np.float64),
        np.log1p(prose),
        shared,
        twin,
        np.minimum(again - 1, 4) / 4,
        indices / max(count - 1, 1),
        sums[:-1] / whole,
        np.clip((indices - first) / 20, -2, 2),
        np.clip((final - indices) / 20, -2, 2),
        section[:, 0],
        section[:, 1],
        np.full(count, np.log1p(count) / 6),
        np.full(count, np.log1p(whole) / 6),
        *_scripts(flat.text, starts, ends, prose),
        np.full(count, np.log1p(furniture.sum()) / 3),
        np.full(count, float((prose > 0.5).mean())),
    ]
    plain = (prose == 0) & (length <= 40)
    short = running(plain.astype(np.float64))
    headline = running((plain & (han >= 7) & ~closes & ~opens).astype(np.float64))
    lined = np.stack((np.log1p(length) / 5, closes.astype(np.float64), np.log1p(prose), shared, furniture), axis=1)
    for step in _STEPS:
        beside = np.zeros_like(lined)
        if abs(step) < count:
            beside[max(0, -step) : count - max(0, step)] = lined[max(0, step) : count - max(0, -step)]
        text_columns += list(beside.T)
    for reach in _REACHES:
        low, high = np.maximum(indices - reach, 0), np.minimum(indices + reach + 1, count)
        text_columns.append(np.log1p(_between(sums, low, indices)))
        text_columns.append(np.log1p(_between(sums, indices + 1, np.maximum(high, indices + 1))))
        text_columns.append(_between(short, low, high) / (high - low))
        text_columns.append(_between(headline, low, high) / (high - low))
    text_columns += [((found & mask) != 0).astype(np.float64) for mask in _kind_masks()]
    # Filled column by column: a page of 300,000 blocks has half a gigabyte of features as it is.
    result = np.zeros((count, len(names)), dtype=np.float32)
    width = len(text_columns)
    for i, column in enumerate(text_columns):
        result[:, i] = column
    if blocks[0].markup is not None:
        result[:, width] = 1
        shares = np.array([b.link_share for b in blocks])
        describe_markup(flat, solid, prose, solid * shares, result[:, width + 1 :])
    return result
