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

from pipeline.article import Cut
from pipeline.ingest.blocks import FURNITURE, describe
from pipeline.ingest.elements import Forced, Tree
from pipeline.ingest.flatten import Flat
from pipeline.ingest.judge import Judge, default_judge
from pipeline.ingest.rules import first_rule, mask, rule_bits

__all__ = ["Judged", "block_cuts", "judge_blocks", "name_cuts"]

_KEEP = 0.5
_KEEP_INSIDE = 0.35
"""A line between two paragraphs of the article stays from here on: a subhead cut is worse than a caption kept."""
_KEEP_KIN = 0.1
"""The same for one whose element stands as the paragraphs do: their parent's child, of their name."""
_MANY, _NEARLY_ALL = 8, 0.8
"""Lines that stand alike, such as the cells of a table, and the share of them that stays, from which on all are kin."""
_KEEP_NEXT = 0.1
"""The same for a paragraph right behind the last one that stays, if no rule speaks against it: the last words of an
article are cut more often than another's first ones stay (lost paragraphs of flattened text 7.4% to 7.0% by site)."""
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
_TOLD_SHARE = 0.5
"""Least share of a bare article's characters that stand in lines with a sentence."""
_LONG_LINE, _COPIED = 40, 0.25
"""Code points of a line that stands on a page twice only where it was copied, and the share of what would stay that
copies of such lines must have for all copies to go."""
_SHORTEST_HEADLINE, _LONGEST_HEADLINE = 10, 45
"""Code points of a headline; a told line that is longer is a paragraph."""
_OF_A_SITE = FURNITURE - {"copyright", "template_residue"}
"""Kinds of noise rule that do not match a line of an article that stands by itself."""
_FEW_SIGNS = 3
"""Most lines of a bare article that speak of a site."""
_FEW_BESIDE_SIGNS = 2
"""Most lines without a sentence above and below a bare article with such lines: a menu has more."""
_FEW_LINES = 8
"""Most lines without a sentence above and below a bare article."""
_LIKELY = 0.2
"""A page of prose whose best block the judge gives less than this has no article."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the judge says of a page: `keep[i]` is the probability that block i belongs to the article."""

    keep: NDArray[np.float64]
    lines: Sequence[str]
    """The folded text of each block."""
    bits: list[int]
    """The noise rules that match each block."""
    kept: tuple[int, ...]
    """Indices of the blocks that stay, in order; empty where the page has no article."""
    reason: str
    """Why there is no article, or ""."""
    named: Sequence[tuple[str, str] | None] = ()
    """Kind and reason of a cut that the nearest named element says, of each block; empty for flattened text."""
    forced: Mapping[int, Forced] = field(default_factory=dict)
    """What a user's site file says of blocks; `kept` is as it says."""


def _is_told(line: str) -> bool:
    """Whether a folded line has the end of a sentence."""
    return "。" in line or "！" in line or "？" in line or "；" in line or "!" in line or "?" in line


def _sentences(line: str) -> int:
    return sum(map(line.count, "。！？!?；"))


def judge_blocks(flat: Flat, key: str, judge: Judge | None = None) -> Judged:
    """Return which blocks of a page stay. A user's site file has the last word.

    Args:
        flat: the page text and its blocks.
        key: the folded page text.
        judge: another judge than the shipped one.
    """
    judged = _judge_blocks(flat, key, judge)
    forced = flat.site.forced(judged.lines, flat.tree) if flat.site is not None else {}
    return _overruled(judged, forced) if forced else judged


def _overruled(judged: Judged, forced: Mapping[int, Forced]) -> Judged:
    keep = judged.keep.copy()
    keep[list(forced)] = [said.keep for said in forced.values()]
    stays = {i for i in judged.kept if i not in forced} | {i for i, said in forced.items() if said.keep}
    reason = judged.reason or f"the site file cuts all that would stay ({len(judged.kept)} lines)"
    return Judged(keep, judged.lines, judged.bits, tuple(sorted(stays)), "" if stays else reason, judged.named, forced)


def _judge_blocks(flat: Flat, key: str, judge: Judge | None) -> Judged:
    count = len(flat.edges)
    lines = flat.lines_of(key)
    bits = rule_bits(key, flat.edges)
    if not count:
        return Judged(np.zeros(0), lines, bits, (), "the page shows no text")
    if (bare := _bare(flat, lines, bits)) is not None:
        return Judged(np.ones(count), lines, bits, bare, "")
    keep = (judge or default_judge()).keep(describe(flat, key, bits))
    named = _named(flat.tree)
    hides = flat.tree.hidden.tolist() if flat.tree is not None else [False] * count
    kept = _without_hidden(_choose(keep, bits, lines, _aside(keep, lines, named), flat.tree), lines, hides)
    kept = _without_copies(kept, lines, hides)
    if flat.tree is None:
        kept = _without_comments(_without_lists(kept, lines), lines, bits)
    if sum(len(lines[i]) for i in kept) < _SAYS_LITTLE:
        for kind, told_as in _NO_ARTICLES.items():
            if sum(found & mask((kind,)) != 0 for found in bits) >= min(2, count):
                return Judged(keep, lines, bits, (), told_as, named)
    stays = [lines[i] for i in kept]
    if any(map(_is_told, stays)) or len(_HAN.findall("".join(stays))) > max(_SAYS_MUCH, 20 * len(kept)):
        return Judged(keep, lines, bits, tuple(kept), "", named)
    # Nothing was sure enough. A page that is one sentence or two is an article all the same; a list page is not.
    told = [i for i, line in enumerate(lines) if _is_told(line) and not bits[i]]
    if told and (count <= 3 or keep[told].max() >= _LIKELY):
        return Judged(keep, lines, bits, tuple(i for i in told if keep[i] >= keep[told].max() / 2), "", named)
    if not any(map(_is_told, lines)):
        return Judged(keep, lines, bits, (), f"no sentence on the page ({count} lines)", named)
    if flat.tree is not None and flat.tree.link_shares.mean() > _LINKED:
        return Judged(keep, lines, bits, (), f"a list of links ({count} lines)", named)
    return Judged(keep, lines, bits, (), f"no line reads like an article ({count} lines)", named)


def _choose(
    keep: NDArray[np.float64],
    bits: Sequence[int],
    lines: Sequence[str],
    aside: Mapping[int, float],
    tree: Tree | None,
) -> list[int]:
    """Return the indices of the lines that stay by what the judge says of each."""
    odds, furniture = keep.tolist(), mask(FURNITURE)
    plain = [not found & -found & furniture and i not in aside for i, found in enumerate(bits)]
    kept = {i for i, odd in enumerate(odds) if odd >= (_KEEP if plain[i] else aside.get(i, _KEEP_FURNITURE))}
    told = [i for i in kept if len(lines[i]) > 20 and _is_told(lines[i])]
    if told:
        stays = frozenset(kept)
        kin: set[int] | None = None

        def stands(i: int) -> bool:
            nonlocal kin
            if kin is None:
                kin = _kin(told, stays, tree)
            return i in kin

        for i in range(min(told), max(told)):
            if plain[i] and odds[i] >= _KEEP_KIN and (odds[i] >= _KEEP_INSIDE or stands(i)):
                kept.add(i)
        for i in range(max(told) + 1, len(lines)):
            if i in kept:
                continue
            if bits[i] or not plain[i] or odds[i] < _KEEP_NEXT or not _is_told(lines[i]):
                break
            if len(lines[i]) < _PARAGRAPH and not stands(i):
                break
            kept.add(i)
    return sorted(kept)


def _kin(told: Sequence[int], kept: frozenset[int], tree: Tree | None) -> set[int]:
    """Return the blocks that stand as most of the told ones do, or among others like them nearly all of which stay.

    They stand in elements of one name with the same parent; or, as the entries of a live blog and the cells of a table
    do, in elements of one name inside elements of one name with the same parent.
    """
    if tree is None:
        return set()
    names = [tag for tag, _ in tree.makes]
    parents, makes = tree.table["parent"].tolist(), tree.table["make"].tolist()
    places: dict[tuple[int, str, str], list[int]] = {}
    for i, at in enumerate(tree.standing.tolist()):
        parent, name = parents[at], names[makes[at]]
        places.setdefault((parent, "", name), []).append(i)
        if parent >= 0:
            places.setdefault((parents[parent], names[makes[parent]], name), []).append(i)
    among = set(told)
    return {
        i
        for group in places.values()
        if 2 * len(among.intersection(group)) > len(told)
        or (len(group) >= _MANY and len(kept.intersection(group)) >= _NEARLY_ALL * len(group))
        for i in group
    }


def _aside(
    keep: NDArray[np.float64], lines: Sequence[str], named: Sequence[tuple[str, str] | None]
) -> dict[int, float]:
    """Return the blocks in elements that are named as furniture, and how sure the judge must be for one to stay.

    None where hardly anything stays beside them: then the name says something else on this page.
    """
    aside = {i: _NAMED_ASIDE[said[0]] for i, said in enumerate(named) if said is not None and said[0] in _NAMED_ASIDE}
    if not aside:
        return aside
    sizes = [0, 0]
    for i in np.flatnonzero(keep >= _KEEP).tolist():
        sizes[i in aside] += len(lines[i])
    return aside if sizes[0] >= max(_SAYS_LITTLE, sizes[1] / 5) else {}


def _named(tree: Tree | None) -> list[tuple[str, str] | None]:
    """Return kind and reason that the nearest named element says, of each block; None where none is named."""
    if tree is None:
        return []
    says = [_marked(tag, own) for tag, own in tree.makes]
    near = tree.nearest(np.array([said is not None for said in says], bool))
    makes = tree.table["make"][near].tolist()
    return [says[make] if at >= 0 else None for at, make in zip(near.tolist(), makes, strict=True)]


def _without_hidden(kept: list[int], lines: Sequence[str], hides: Sequence[bool]) -> list[int]:
    """Return `kept` without hidden blocks, unless most of the article is hidden: folded away until "read more"."""
    shown = [i for i in kept if not hides[i]]
    size = [sum(len(lines[i]) for i in some) for some in (shown, kept)]
    return shown if 2 * size[0] >= size[1] else kept


def _without_copies(kept: list[int], lines: Sequence[str], hides: Sequence[bool]) -> list[int]:
    """Return `kept` without what stands on the page before: a second copy for phones, for printing, for sharing.

    Only where long lines tell that a good part is a copy: a refrain is none. Of copies the one that shows stays.
    """
    first: dict[str, int] = {}
    for i in sorted(kept, key=lambda i: (hides[i], i)):
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
    last = max((i for i in kept if len(lines[i]) > _LONGEST_HEADLINE and _is_told(lines[i])), default=len(lines))
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


def _bare(flat: Flat, lines: Sequence[str], bits: Sequence[int]) -> tuple[int, ...] | None:
    """Return the lines of a text that is an article by itself, as feeds and archives keep them; None where it is not.

    It tells in sentences what it tells, and hardly a line speaks of a site: those go, all others stay. Its editor's
    name, its rights and the code of its own pictures are no site's furniture. The judge alone cut into 23% of the
    articles of news-pool: lists, verses, tables, subheads.
    """
    if flat.tree is not None:
        return None
    rules = [first_rule(found) for found in bits]
    if any(rule and rule.head for rule in rules):
        return None
    stays = [i for i, rule in enumerate(rules) if not rule or rule.kind not in _OF_A_SITE]
    if len(rules) - len(stays) > _FEW_SIGNS:
        return None
    told = [k for k, i in enumerate(stays) if _is_told(lines[i])]
    few = _FEW_LINES if len(stays) == len(rules) else _FEW_BESIDE_SIGNS
    if not told or told[0] > few or len(stays) - 1 - told[-1] > few:
        return None
    is_one = sum(len(lines[stays[k]]) for k in told) >= _TOLD_SHARE * sum(len(lines[i]) for i in stays)
    return tuple(stays) if is_one else None


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


_HIDDEN = ("hidden", "hidden by its style")
_LINKED = 0.5
"""Share of a line, or of a page's lines on average, inside links from which on it is one of links."""


_WORDS = tuple(word for _, _, words in _MARKED for word in words)


@lru_cache(maxsize=1 << 14)
def _word_marks(hint: str) -> int:
    """Return which of `_WORDS` are in one class, id, role or itemprop, as bits."""
    return sum(1 << i for i, word in enumerate(_WORDS) if word in hint)


@lru_cache(maxsize=1 << 12)
def _says(tag: str, marks: int) -> tuple[str, str] | None:
    for kind, names, words in _MARKED:
        word = next((word for i, word in enumerate(_WORDS) if marks >> i & 1 and word in words), "")
        if mark := tag if tag in names else word:
            return kind, f"inside an element marked “{mark}”"
    return None


def _marked(tag: str, own: str) -> tuple[str, str] | None:
    """Return kind and reason of a cut that an element's name, or its hints, say; None where they say nothing."""
    marks = 0
    for hint in own.split():
        marks |= _word_marks(hint)
    return _says(tag, marks)


def name_cuts(
    flat: Flat, judged: Judged, moved: Mapping[int, tuple[str, str]], spam: Sequence[str] = ()
) -> dict[int, tuple[str, str]]:
    """Return kind and reason of every block that does not stay.

    Args:
        flat: the page text and its blocks.
        judged: which blocks stay.
        moved: blocks that became a field, with their kind and reason.
        spam: texts that mending took out of sentences; a line that is one of them is named so.
    """
    named: dict[int, tuple[str, str]] = dict(moved)
    stays, tree = set(judged.kept), flat.tree
    first, last = (judged.kept[0], judged.kept[-1]) if judged.kept else (len(judged.lines), -1)
    marked: Sequence[tuple[str, str] | None] = judged.named or [None] * len(judged.lines)
    linked: Sequence[bool] = [False] * len(judged.lines)
    if tree is not None:
        linked = (tree.link_shares > _LINKED).tolist()
        if tree.hidden.any():
            marked = [_HIDDEN if hides else said for hides, said in zip(tree.hidden.tolist(), marked, strict=True)]
    heading: tuple[str, str] | None = None
    for i, (line, bits) in enumerate(zip(judged.lines, judged.bits, strict=True)):
        rule = first_rule(bits) if bits else None
        if rule is not None and rule.head:
            heading = (rule.kind, f"under the heading “{flat.lines[i][:20]}”")
        if i in stays:
            heading = None
            continue
        if judged.forced and (said := judged.forced.get(i)) is not None:
            named[i] = (said.kind or (marks[0] if (marks := marked[i]) else "inserted"), said.reason)
            continue
        if i in named:
            continue
        if line in spam:
            named[i] = ("search_phrase", "the phrase that is spliced into the sentences")
        elif rule is not None:
            named[i] = (rule.kind, f"rule {rule.id}")
        elif heading is not None:
            named[i] = heading
        elif (marks := marked[i]) is not None:
            named[i] = marks
        elif linked[i]:
            named[i] = ("navigation" if i < first else "related", "links")
        elif len(line) > 60 and _sentences(line) >= 2:
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
    text, count = flat.text, len(flat.edges)
    starts, ends = flat.edges.T.tolist()
    starts.append(len(text))
    last_kept = next((i for i in range(count - 1, -1, -1) if i not in named), -1)
    cuts: list[Cut] = []
    begin, behind, told = 0, -1, ("", "")
    for i in sorted(named):
        start = starts[i] if i else 0
        if i == last_kept + 1 and i:  # nothing stays behind it: the break before it would be left dangling
            start = ends[i - 1]
        if start != behind or named[i] != told:
            if behind >= 0:
                cuts.append(Cut(begin, behind, *told, text[begin:behind]))
            begin, told = start, named[i]
        behind = starts[i + 1]
    if behind >= 0:
        cuts.append(Cut(begin, behind, *told, text[begin:behind]))
    return cuts
