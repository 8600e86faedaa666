"""Strip: whole blocks that are not the article are cut, each with its kind and a reason a person can read.

The judge (`judge.py`) gives each block a probability in the context of its page; the noise rules and the markup
name the kind. Cuts of neighbouring blocks of one kind and reason become one cut.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pipeline.article import Block, Cut, Forced, Markup
from pipeline.ingest.bare import bare_lines, sentences
from pipeline.ingest.blocks import FURNITURE, describe
from pipeline.ingest.elements import standing
from pipeline.ingest.flatten import Flat
from pipeline.ingest.judge import Judge, default_judge
from pipeline.ingest.rules import first_rule, mask, rule_bits

__all__ = ["Judged", "block_cuts", "judge_blocks", "name_cuts"]

_KEEP, _KEEP_PROSE = 0.5, 0.4
"""A line stays from here on: a short one of flattened text, and one with markup or a paragraph (by site, HTML: F1 .982
to .983 at as many leaked lines; for all lines of flattened text .50 leaked lines a page instead of .42)."""
_KEEP_INSIDE = 0.35
"""A line between two paragraphs of the article stays from here on: a subhead cut is worse than a caption kept."""
_KEEP_KIN = 0.1
"""The same for one whose element stands as the paragraphs do: their parent's child, of their name; and for one that
ends a sentence, right behind one that stays, as verses and short sayings do (lost paragraphs of flattened text 7.4% to
6.9% by site)."""
_MANY, _NEARLY_ALL = 8, 0.8
"""Lines that stand alike, such as the cells of a table, and the share of them that stays, from which on all are kin."""
_KEEP_NEXT = 0.1
"""The same for a paragraph right behind the last one that stays, if no rule speaks against it: the last words of an
article are cut more often than another's first ones stay (lost paragraphs of flattened text 7.4% to 7.0% by site)."""
_KEEP_ABOVE = 0.2
"""The same for a paragraph above the first that stays."""
_PARAGRAPH = 40
"""Characters of such a paragraph, at least."""
_KEEP_ASIDE = 0.9
"""A line in an element that is named as furniture stays only if the judge is this sure."""
_KEEP_FURNITURE = 0.98
"""A line that a furniture rule matches stays only if the judge is this sure."""
_NO_ARTICLES = {"error_page": "an error page", "login_page": "a login page"}
_SAYS_LITTLE = 120
"""Kept characters below which a page with lines of an error or login page is one. A brief has 80 and more, but none
of these lines."""
_SAYS_MUCH = 200
"""Kept Han characters from which on a page without a sentence mark is an article, if its lines are long."""
_TALK = 5
"""Lines that only readers' comments have (reply, report, so many likes) from which on a heading begins such."""
_HAN = re.compile("[\u3400-\u9fff]")
_CLAUSE = re.compile("[\u3400-\u9fff][，,]")
_LONG_LINE, _COPIED = 40, 0.25
"""Code points of a line that stands on a page twice only where it was copied, and the share of what would stay that
copies of such lines must have for all copies to go."""
_SHORTEST_HEADLINE, _LONGEST_HEADLINE = 10, 45
"""Code points of a headline; a told line that is longer is a paragraph."""
_LIKELY = 0.2
"""A page of prose whose best block the judge gives less than this has no article."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the judge says of a page: `keep[i]` is the probability that block i belongs to the article."""

    keep: NDArray[np.float64]
    bits: list[int]
    kept: tuple[int, ...]
    """Indices of the blocks that stay, in order; empty where the page has no article."""
    reason: str
    """Why there is no article, or ""."""
    named: Sequence[tuple[str, str] | None] = ()
    """Kind and reason of a cut that the nearest named element says, of each of the page's elements."""
    forced: Mapping[int, Forced] = field(default_factory=dict)
    """What a user's site file says of blocks; `kept` is as it says."""


def _tells(text: str) -> bool:
    """Whether a line reads as prose: it has a sentence's end, or it is long and goes on over two commas."""
    return sentences(text) > 0 or (len(text) >= _PARAGRAPH and len(_CLAUSE.findall(text)) > 1)


def judge_blocks(flat: Flat, key: str, judge: Judge | None = None) -> Judged:
    """Return which blocks of a page stay. A user's site file has the last word.

    Args:
        flat: the page text and its blocks.
        key: the folded page text.
        judge: another judge than the shipped one.
    """
    judged = _judge_blocks(flat, key, judge)
    forced = flat.site.forced(flat.blocks, key) if flat.site is not None else {}
    return _overruled(judged, forced) if forced else judged


def _overruled(judged: Judged, forced: Mapping[int, Forced]) -> Judged:
    keep = judged.keep.copy()
    keep[list(forced)] = [said.keep for said in forced.values()]
    stays = {i for i in judged.kept if i not in forced} | {i for i, said in forced.items() if said.keep}
    reason = judged.reason or f"the site file cuts all that would stay ({len(judged.kept)} lines)"
    return Judged(keep, judged.bits, tuple(sorted(stays)), "" if stays else reason, judged.named, forced)


def _judge_blocks(flat: Flat, key: str, judge: Judge | None) -> Judged:
    blocks = flat.blocks
    bits = rule_bits(key, blocks)
    if not blocks:
        return Judged(np.zeros(0), bits, (), "the page shows no text")
    bare, inside = bare_lines(flat, key, bits)
    if bare:
        return Judged(np.ones(len(blocks)), bits, bare, "")
    keep = (judge or default_judge()).keep(describe(flat, key, bits))
    keep[list(inside)] = 1
    lines = [key[block.start : block.end] for block in blocks]
    named = _named(flat)
    kept = _without_hidden(_choose(keep, bits, lines, _aside(keep, flat, named), blocks), blocks)
    kept = _without_copies(kept, lines, blocks)
    if blocks[0].markup is None:
        kept = _without_comments(_without_lists(kept, lines), lines, bits)
    if sum(blocks[i].end - blocks[i].start for i in kept) < _SAYS_LITTLE:
        for kind, told_as in _NO_ARTICLES.items():
            if sum(found & mask((kind,)) != 0 for found in bits) >= min(2, len(blocks)):
                return Judged(keep, bits, (), told_as, named)
    stays = [lines[i] for i in kept]
    if any(map(_tells, stays)) or len(_HAN.findall("".join(stays))) > max(_SAYS_MUCH, 20 * len(kept)):
        return Judged(keep, bits, tuple(kept), "", named)
    # Nothing was sure enough. A page that is one sentence or two is an article all the same; a list page is not.
    told = [i for i, b in enumerate(blocks) if sentences(key[b.start : b.end]) and not bits[i]]
    if told and (len(blocks) <= 3 or keep[told].max() >= _LIKELY):
        return Judged(keep, bits, tuple(i for i in told if keep[i] >= keep[told].max() / 2), "", named)
    if not any(sentences(key[b.start : b.end]) for b in blocks):
        return Judged(keep, bits, (), f"no sentence on the page ({len(blocks)} lines)", named)
    linked = [b.link_share for b in blocks if b.markup is not None]
    if linked and sum(linked) / len(linked) > 0.5:
        return Judged(keep, bits, (), f"a list of links ({len(blocks)} lines)", named)
    return Judged(keep, bits, (), f"no line reads like an article ({len(blocks)} lines)", named)


def _choose(
    keep: NDArray[np.float64],
    bits: Sequence[int],
    lines: Sequence[str],
    aside: Mapping[int, float],
    blocks: Sequence[Block],
) -> list[int]:
    """Return which lines stay by what the judge says of each; short ones at its end get 1 in `keep`."""
    odds, furniture = keep.tolist(), mask(FURNITURE)
    plain = [not found & -found & furniture and i not in aside for i, found in enumerate(bits)]
    marked = blocks[0].markup is not None

    def needs(i: int) -> float:
        if not plain[i]:
            return aside.get(i, _KEEP_FURNITURE)
        prose = marked or (len(lines[i]) >= _PARAGRAPH and _tells(lines[i]))
        return _KEEP_PROSE if prose else _KEEP

    kept = {i for i, odd in enumerate(odds) if odd >= _KEEP_PROSE and odd >= needs(i)}
    told = [i for i in kept if len(lines[i]) > 20 and _tells(lines[i])]
    if told:
        stays = frozenset(kept)
        kin: set[int] | None = None

        def stands(i: int) -> bool:
            nonlocal kin
            if kin is None:
                kin = _kin(told, stays, blocks)
            return i in kin

        for i in range(min(told), max(told)):
            if not plain[i] or odds[i] < _KEEP_KIN or i in kept:
                continue
            goes_on = i - 1 in kept and not bits[i] and lines[i][-1] in "。；"
            if odds[i] >= _KEEP_INSIDE or goes_on or stands(i):
                kept.add(i)
        for i in range(min(told)):
            if odds[i] >= _KEEP_ABOVE and not bits[i] and plain[i] and len(lines[i]) >= _PARAGRAPH and "。" in lines[i]:
                kept.add(i)
        for i in range(max(told) + 1, len(lines)):
            if i in kept:
                continue
            if bits[i] or not plain[i] or odds[i] < _KEEP_NEXT:
                break
            if stands(i):
                keep[i] = 1  # or they would go as lines behind the last paragraph, of which the judge is not sure
            elif len(lines[i]) < _PARAGRAPH or not _tells(lines[i]):
                break
            kept.add(i)
    return sorted(kept)


def _kin(told: Sequence[int], kept: frozenset[int], blocks: Sequence[Block]) -> set[int]:
    """Return the blocks that stand as most of the told ones do, or among others like them nearly all of which stay.

    They stand in elements of one name with the same parent; or, as the entries of a live blog and the cells of a table
    do, in elements of one name inside elements of one name with the same parent.
    """
    places: dict[tuple[Markup | None, str, str], list[int]] = {}
    for i, block in enumerate(blocks):
        if block.markup is None:
            return set()
        parent, tag = standing(block.markup)
        places.setdefault((parent, "", tag), []).append(i)
        if parent is not None:
            places.setdefault((parent.parent, parent.tag, tag), []).append(i)
    among = set(told)
    return {
        i
        for group in places.values()
        if 2 * len(among.intersection(group)) > len(told)
        or (len(group) >= _MANY and len(kept.intersection(group)) >= _NEARLY_ALL * len(group))
        for i in group
    }


def _aside(keep: NDArray[np.float64], flat: Flat, named: Sequence[tuple[str, str] | None]) -> dict[int, float]:
    """Return the blocks in elements that are named as furniture, and how sure the judge must be for one to stay.

    None where hardly anything stays beside them: then the name says something else on this page.
    """
    blocks = flat.blocks
    kinds = [b.markup is not None and (said := named[b.markup.number]) is not None and said[0] for b in blocks]
    aside = {i: _NAMED_ASIDE[kind] for i, kind in enumerate(kinds) if kind and kind in _NAMED_ASIDE}
    if not aside:
        return aside
    sizes = [0, 0]
    for i in np.flatnonzero(keep >= _KEEP).tolist():
        sizes[i in aside] += blocks[i].end - blocks[i].start
    return aside if sizes[0] >= max(_SAYS_LITTLE, sizes[1] / 5) else {}


def _named(flat: Flat) -> list[tuple[str, str] | None]:
    """Return kind and reason that the nearest named element says, of each element; None where none is named."""
    makes = [_marked(tag, own) for tag, own in flat.makes]
    make, nearest = flat.table["make"], flat.table["parent"].copy()
    says = np.array([said is not None for said in makes], bool)[make]
    nearest[says] = np.flatnonzero(says)
    while (silent := (nearest >= 0) & ~says[nearest]).any():  # as far again as the last time: trees are not deep
        nearest[silent] = nearest[nearest[silent]]
    return [
        makes[number] if at >= 0 else None for at, number in zip(nearest.tolist(), make[nearest].tolist(), strict=True)
    ]


def _without_hidden(kept: list[int], blocks: Sequence[Block]) -> list[int]:
    """Return `kept` without hidden blocks, unless most of the article is hidden: folded away until "read more"."""
    shown = [i for i in kept if not ((markup := blocks[i].markup) and markup.hidden)]
    size = [sum(blocks[i].end - blocks[i].start for i in some) for some in (shown, kept)]
    return shown if 2 * size[0] >= size[1] else kept


def _without_copies(kept: list[int], lines: Sequence[str], blocks: Sequence[Block]) -> list[int]:
    """Return `kept` without what stands on the page before: a second copy for phones, for printing, for sharing.

    Only where long lines tell that a good part is a copy: a refrain is none. Of copies the one that shows stays.
    """
    first: dict[str, int] = {}
    for i in sorted(kept, key=lambda i: ((markup := blocks[i].markup) is not None and markup.hidden, i)):
        first.setdefault(lines[i], i)
    copies = [i for i in kept if len(lines[i]) >= _LONG_LINE and first[lines[i]] != i]
    if sum(len(lines[i]) for i in copies) < _COPIED * sum(len(lines[i]) for i in kept):
        return kept
    return [i for i in kept if first[lines[i]] == i]


def _without_lists(kept: list[int], lines: Sequence[str]) -> list[int]:
    """Return `kept` without lines below the last paragraph that stand on the page more than once.

    Questions and headlines of other articles hang under a page twice and three times: for phones, as "hot", as "new".
    Markup would tell; in flattened text only the copies do (leaked lines a page 1.14 to .64 by site).
    """
    last = max((i for i in kept if len(lines[i]) > _LONGEST_HEADLINE and sentences(lines[i])), default=len(lines))
    copies = Counter(lines[last + 1 :])
    return [i for i in kept if i <= last or copies[lines[i]] == 1 or len(lines[i]) < _SHORTEST_HEADLINE]


def _without_comments(kept: list[int], lines: Sequence[str], bits: Sequence[int]) -> list[int]:
    """Return `kept` without readers' comments: what is behind their heading, below an article, among their buttons.

    Some comments read like the article. On pages with markup the names of elements tell.
    """
    talk = mask(("comments",))
    told, marks = 0, sum(found & talk != 0 for found in bits)
    staying = set(kept)
    for i, found in enumerate(bits):
        if found & talk:
            marks -= 1
            heading = (rule := first_rule(found)) is not None and rule.kind == "comments" and rule.head
            if heading and told >= _SAYS_MUCH and marks >= _TALK:
                return [k for k in kept if k < i]
        if i in staying:
            told += len(lines[i])
    return kept


_MARKED: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("comments", (), ("comment", "discuss", "reply")),
    ("navigation", ("nav", "header"), ("nav", "menu", "breadcrumb", "crumb")),
    ("copyright", ("footer",), ("foot", "copyright")),
    ("hot_list", (), ("hot", "rank", "popular", "trend")),
    ("related", (), ("relat", "recommend", "recom", "more", "latest")),
    ("share", (), ("share", "social", "sns")),
    ("advertisement", (), ("advert", "banner", "sponsor")),
    ("promotion", (), ("download", "subscribe", "qrcode", "app-")),
    ("related", ("aside",), ("sidebar", "aside")),
)
"""Kinds of cut by the names of elements, and by words in their class and id."""
_NAMED_ASIDE = {"comments": 1.01, **dict.fromkeys(("navigation", "copyright", "hot_list", "related"), _KEEP_ASIDE)}
"""Those of them that hardly ever hold an article's paragraph, and how sure the judge must be of one: of comments never,
on pages-dev they hold 3 paragraphs of articles and 350 of readers."""


@lru_cache(maxsize=1 << 14)
def _marked(tag: str, own: str) -> tuple[str, str] | None:
    for kind, names, words in _MARKED:
        if tag in names or (words and own and any(word in own for word in words)):
            mark = tag if tag in names else next(word for word in words if word in own)
            return kind, f"inside an element marked “{mark}”"
    return None


def _by_markup(markup: Markup | None, named: Sequence[tuple[str, str] | None]) -> tuple[str, str] | None:
    """Return kind and reason of a block by the nearest element that says anything; None where none does."""
    if markup is None:
        return None
    return ("hidden", "hidden by its style") if markup.hidden else named[markup.number]


def name_cuts(
    flat: Flat, key: str, judged: Judged, moved: Mapping[int, tuple[str, str]], spam: Sequence[str] = ()
) -> dict[int, tuple[str, str]]:
    """Return kind and reason of every block that does not stay.

    Args:
        flat: the page text and its blocks.
        key: the folded page text.
        judged: which blocks stay.
        moved: blocks that became a field, with their kind and reason.
        spam: texts that mending took out of sentences; a line that is one of them is named so.
    """
    named: dict[int, tuple[str, str]] = dict(moved)
    stays = set(judged.kept)
    first, last = (judged.kept[0], judged.kept[-1]) if judged.kept else (len(flat.blocks), -1)
    heading: tuple[str, str] | None = None
    for i, block in enumerate(flat.blocks):
        text = key[block.start : block.end]
        rule = first_rule(judged.bits[i])
        if rule is not None and rule.head:
            shown = flat.text[block.start : block.end]
            heading = (rule.kind, f"under the heading “{shown[:20]}”")
        if i in stays:
            heading = None
            continue
        if (said := judged.forced.get(i)) is not None:
            by_markup = _by_markup(block.markup, judged.named)
            named[i] = (said.kind or (by_markup[0] if by_markup else "inserted"), said.reason)
            continue
        if i in named:
            continue
        if text in spam:
            named[i] = ("search_phrase", "the phrase that is spliced into the sentences")
        elif rule is not None:
            named[i] = (rule.kind, f"rule {rule.id}")
        elif heading is not None:
            named[i] = heading
        elif (marked := _by_markup(block.markup, judged.named)) is not None:
            named[i] = marked
        elif block.link_share > 0.5:
            named[i] = ("navigation" if i < first else "related", "links")
        elif sentences(text) >= 2 and len(text) > 60:
            named[i] = ("foreign_article", "prose that is not this article's")
        elif i < first:
            named[i] = ("navigation", "before the article" if judged.kept else "the page has no article")
        elif i > last:
            named[i] = ("related", "after the article")
        else:
            named[i] = ("inserted", "inside the article, but not of it")
    return named


def block_cuts(flat: Flat, named: Mapping[int, tuple[str, str]]) -> list[Cut]:
    """Return the cuts of whole blocks, sorted and disjoint. A cut takes the line break behind its block with it."""
    blocks, text = flat.blocks, flat.text
    cuts: list[Cut] = []
    spans: list[tuple[int, int, str, str]] = []
    last_kept = max((i for i in range(len(blocks)) if i not in named), default=-1)
    for i in sorted(named):
        kind, reason = named[i]
        start = blocks[i].start if i else 0
        end = blocks[i + 1].start if i + 1 < len(blocks) else len(text)
        if i == last_kept + 1 and i:  # nothing stays behind it: the break before it would be left dangling
            start = blocks[i - 1].end
        if spans and spans[-1][1] == start and spans[-1][2:] == (kind, reason):
            spans[-1] = (spans[-1][0], end, kind, reason)
        else:
            spans.append((start, end, kind, reason))
    for start, end, kind, reason in spans:
        cuts.append(Cut(start, end, kind, reason, text[start:end]))
    return cuts
