"""Strip: whole blocks that are not the article are cut, each with its kind and a reason a person can read.

The judge (`judge.py`) gives each block a probability in the context of its page; the noise rules and the markup
name the kind. Cuts of neighbouring blocks of one kind and reason become one cut.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.article import Cut
from pipeline.ingest.bare import LONG_LINE, bare_lines, headlines_below, is_told, sentences
from pipeline.ingest.blocks import FURNITURE, describe
from pipeline.ingest.elements import Forced, Tree
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
_THE_END, _TO_THE_END = re.compile("[。！？”」][（(]完[）)]$"), 3
"""What ends an article by its own word, and how many lines behind the last paragraph that is sure it may stand."""
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
_COPIED = 0.25
"""Share of what would stay that copies of lines of `LONG_LINE` must have for all copies to go."""
_SHORTEST_HEADLINE, _LONGEST_HEADLINE = 10, 45
"""Code points of a headline; a told line that is longer is a paragraph."""
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


def _tells(line: str) -> bool:
    """Whether a line reads as prose: it has a sentence's end, or it is long and goes on over two commas."""
    return is_told(line) or (len(line) >= _PARAGRAPH and len(_CLAUSE.findall(line)) > 1)


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
    lines = flat.lines if key is flat.text else flat.lines_of(key)
    bits = rule_bits(key, flat.edges)
    if not count:
        return Judged(np.zeros(0), lines, bits, (), "the page shows no text")
    bare, inside = bare_lines(flat.tree, lines, bits)
    if bare:
        return Judged(np.ones(count), lines, bits, *((), none) if (none := _is_none(bare, lines, bits)) else (bare, ""))
    keep = (judge or default_judge()).keep(describe(flat, key, bits))
    keep[list(inside)] = 1
    named = flat.tree.named if flat.tree is not None else []
    hides = flat.tree.hidden.tolist() if flat.tree is not None else [False] * count
    kept = _without_hidden(_choose(keep, bits, lines, _aside(keep, lines, named), flat.tree), lines, hides)
    kept = _without_copies(kept, lines, hides)
    if flat.tree is None:
        kept = _without_comments(_without_lists(kept, lines), lines, bits)
    if none := _is_none(kept, lines, bits):
        return Judged(keep, lines, bits, (), none, named)
    stays = [lines[i] for i in kept]
    if any(map(_tells, stays)) or len(_HAN.findall("".join(stays))) > max(_SAYS_MUCH, 20 * len(kept)):
        return Judged(keep, lines, bits, tuple(kept), "", named)
    # Nothing was sure enough. A page that is one sentence or two is an article all the same; a list page is not.
    told = [i for i, line in enumerate(lines) if is_told(line) and not bits[i]]
    if told and (count <= 3 or keep[told].max() >= _LIKELY):
        return Judged(keep, lines, bits, tuple(i for i in told if keep[i] >= keep[told].max() / 2), "", named)
    if not any(map(is_told, lines)):
        return Judged(keep, lines, bits, (), f"no sentence on the page ({count} lines)", named)
    if flat.tree is not None and flat.tree.link_shares.mean() > _LINKED:
        return Judged(keep, lines, bits, (), f"a list of links ({count} lines)", named)
    return Judged(keep, lines, bits, (), f"no line reads like an article ({count} lines)", named)


def _is_none(kept: Sequence[int], lines: Sequence[str], bits: Sequence[int]) -> str:
    """Return what a page is that says little but that there is nothing, or nothing without a name; "" for others."""
    if sum(len(lines[i]) for i in kept) < _SAYS_LITTLE:
        for kind, told_as in _NO_ARTICLES.items():
            if sum(found & mask((kind,)) != 0 for found in bits) >= min(2, len(bits)):
                return told_as
    return ""


def _choose(
    keep: NDArray[np.float64],
    bits: Sequence[int],
    lines: Sequence[str],
    aside: Mapping[int, float],
    tree: Tree | None,
) -> list[int]:
    """Return which lines stay by what the judge says of each; short ones at its end get 1 in `keep`."""
    odds, furniture = keep.tolist(), mask(FURNITURE)
    named = {found for found in set(bits) if found & -found & furniture}
    plain = [found not in named and i not in aside for i, found in enumerate(bits)]
    marked = tree is not None

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
                kin = _kin(told, stays, tree)
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
        for i in range(max(told) + 1, min(max(told) + 1 + _TO_THE_END, len(lines))):
            if _THE_END.search(lines[i]) and plain[i] and not bits[i]:
                ends = [k for k in range(max(told) + 1, i + 1) if plain[k] and not bits[k]]
                keep[ends] = 1
                kept.update(ends)
                break
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
    copies = [i for i in kept if len(lines[i]) >= LONG_LINE and first[lines[i]] != i]
    if sum(len(lines[i]) for i in copies) < _COPIED * sum(len(lines[i]) for i in kept):
        return kept
    return [i for i in kept if first[lines[i]] == i]


def _without_lists(kept: list[int], lines: Sequence[str]) -> list[int]:
    """Return `kept` without lines below the last paragraph that stand on the page more than once.

    Questions and headlines of other articles hang under a page twice and three times: for phones, as "hot", as "new".
    Markup would tell; in flattened text only the copies do (leaked lines a page 1.14 to .64 by site).
    """
    end = headlines_below(lines)
    kept = [i for i in kept if i < end]
    last = max((i for i in kept if len(lines[i]) > _LONGEST_HEADLINE and is_told(lines[i])), default=len(lines))
    copies = Counter(lines[last + 1 :])
    return [i for i in kept if i <= last or copies[lines[i]] == 1 or len(lines[i]) < _SHORTEST_HEADLINE]


def _without_comments(kept: list[int], lines: Sequence[str], bits: Sequence[int]) -> list[int]:
    """Return `kept` without readers' comments: what is behind their heading, below an article, among their buttons.

    Some comments read like the article. On pages with markup the names of elements tell.
    """
    talk = mask(("comments",))
    told, marks = 0, sum(found & talk != 0 for found in bits if found)
    if marks < _TALK:
        return kept
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


_NAMED_ASIDE = {"comments": 1.01, **dict.fromkeys(("navigation", "copyright", "hot_list", "related"), _KEEP_ASIDE)}
"""Kinds of cut by names of elements that hardly ever hold an article's paragraph, and how sure the judge must be of
one: of comments never, on pages-dev they hold 3 paragraphs of articles and 350 of readers."""


_HIDDEN = ("hidden", "hidden by its style")
_LINKED = 0.5
"""Share of a line, or of a page's lines on average, inside links from which on it is one of links."""


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
        elif len(line) > 60 and sentences(line) >= 2:
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
