"""Articles by themselves: text that feeds and archives keep without the page that stood round it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.ingest.blocks import FURNITURE
from pipeline.ingest.elements import Tree
from pipeline.ingest.rules import first_rule, mask

__all__ = ["LONG_LINE", "bare_lines", "headlines_below", "is_told", "sentences"]

_OF_A_SITE = FURNITURE - {"copyright", "template_residue"}
"""Kinds of noise rule that do not match a line of an article that stands by itself."""
_TOLD_SHARE, _TOLD_SHARE_ALONE, _TOLD_SHARE_INSIDE = 0.5, 0.4, 0.8
"""Least share of a bare article's characters that stand in lines with a sentence; where no line speaks of a site; and
where only what is inside is sure: forums and threads have less."""
_FEW_BESIDE, _PROSE = 20, 0.85
"""Most lines without a sentence, and least share of characters in lines with one, of a text that is nothing but an
article: of 151 pages one is such a text, of articles nearly all."""
_FEW_SIGNS = 3
"""Most lines of a bare article that speak of a site."""
_FEW_SHARE = 0.05
"""The same of a long one, as a share of its lines, with those that speak of rights."""
_FEW_BESIDE_SIGNS = 2
"""Most lines without a sentence above and below a bare article with such lines."""
_ONLY_ON_PAGES = frozenset(
    (
        *("navigation", "share", "player", "hot_list", "advertisement", "list_teaser", "previous_next", "donation"),
        *("consent", "consent_button", "copyright_latin"),
    )
)
"""Kinds of rule, and rules, that match no line of 3,000 articles of news-pool: who finds one of them has a page."""
LONG_LINE = 40
"""Code points of a line that stands in a text twice only where a page was copied with its second copy."""
_HEADLINES, _HEADLINE = 4, (9, 45)
"""Lines at the end of a text, and their code points, that are headlines of other articles."""
_LISTED = re.compile(r"[\d\W]|[A-Za-z]|.{1,6}[:：]|.*(?:[，：；、:;）)】A-Za-z]$|[|｜@/／。])")
"""What the lines of an article's own list look like."""
_ENDS = re.compile(r"[。)）」』”】]$|。")
"""What a headline has not, and a short paragraph, a signature or a credit has."""
_FEW_LINES, _MANY_LINES = 8, 24
"""Most lines without a sentence above and below a bare article: a menu has more, tables and lists at its end too."""


def is_told(line: str) -> bool:
    """Whether a line has the end of a sentence."""
    return "。" in line or "！" in line or "？" in line or "；" in line or "!" in line or "?" in line


def sentences(line: str) -> int:
    """Return how many marks end a sentence in a line."""
    return sum(map(line.count, "。！？!?；"))


def _is_article(lines: Sequence[str], signs: Sequence[bool]) -> bool:
    """Whether lines are an article and hardly anything else; `signs` are those that speak of a site."""
    beside = size = 0
    for line, sign in zip(lines, signs, strict=True):
        if sign or not is_told(line):
            beside, size = beside + 1, size + len(line)
            if beside > _FEW_BESIDE:
                return False
    return size <= (1 - _PROSE) * sum(map(len, lines))


def _has_list(lines: Sequence[str], head: int) -> bool:
    """Whether two lines without a sentence stand below a heading."""
    below = lines[head + 1 : head + 3]
    return len(below) == 2 and not any(map(is_told, below))


def headlines_below(lines: Sequence[str]) -> int:
    """Return where the headlines of other articles begin that a text ends with: four and more, no list of its own.

    The number of lines where there are none, or nothing else.
    """
    low, high = _HEADLINE
    below = lines[-_HEADLINES:]
    if len({line[:3] for line in below}) < _HEADLINES:
        return len(lines)
    if not all(low <= len(line) <= high and not _LISTED.match(line) for line in below):
        return len(lines)
    begin = len(lines) - _HEADLINES
    while begin and len(lines[begin - 1]) <= high and not _ENDS.search(lines[begin - 1]):
        begin -= 1
    return begin or len(lines)


def _is_pasted(lines: Sequence[str]) -> bool:
    """Whether a text was pasted with a copy of itself, or with the headlines below it."""
    long = [line for line in lines if len(line) >= LONG_LINE and is_told(line)]
    return len(set(long)) < len(long) or headlines_below(lines) < len(lines)


def bare_lines(tree: Tree | None, lines: Sequence[str], bits: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the lines of a text that is an article by itself, as feeds and archives keep them; and those inside one.

    What is an article and hardly anything else stays as it is, unless a heading has a list of others below it, readers
    talk, or a line tells that it was pasted from a page: a long article has few lines of its page beside it. What tells
    in sentences what it tells, and hardly a line speaks of a site: those go, all others stay. Its editor's name, its
    rights and the code of its own pictures are no site's furniture. Where too much stands above or below its sentences,
    only what stands between them is sure, and the judge decides on the rest. It alone cut into 23% of the articles of
    news-pool: lists, verses, tables, subheads.
    """
    if tree is not None:
        return (), ()
    naming = {found: rule for found in set(bits) if (rule := first_rule(found)) is not None}
    speaking = {found for found, rule in naming.items() if rule.kind in _OF_A_SITE}
    heading = {found for found, rule in naming.items() if rule.head and rule.kind != "comments"}
    signs = [found in speaking for found in bits]
    heads = [i for i, found in enumerate(bits) if found in heading]
    paged = any(_ONLY_ON_PAGES & {rule.kind, rule.id} for rule in naming.values()) or _is_pasted(lines)
    talked = any(rule.kind == "comments" for rule in naming.values())
    if not talked and not paged and _is_article(lines, signs) and not any(_has_list(lines, i) for i in heads):
        return tuple(range(len(lines))), ()
    few = sum(signs)
    if few > _FEW_SIGNS:
        return (), ()
    stays = [i for i, sign in enumerate(signs) if not sign]
    told = [i for i in stays if is_told(lines[i])]
    if not told:
        return (), ()
    share = sum(len(lines[i]) for i in told) / sum(len(lines[i]) for i in stays)
    above, below = stays.index(told[0]), len(stays) - 1 - stays.index(told[-1])
    most = (_FEW_BESIDE_SIGNS, _FEW_BESIDE_SIGNS) if few else (_FEW_LINES, _MANY_LINES)
    if above > _FEW_LINES or below > _MANY_LINES or share < (_TOLD_SHARE if few else _TOLD_SHARE_ALONE):
        return (), ()
    if not heads and not paged and above <= most[0] and below <= most[1]:
        return tuple(stays), ()
    if paged or share < _TOLD_SHARE_INSIDE:
        return (), ()
    furniture = mask(FURNITURE)
    told = [i for i in told if "。" in lines[i] and not bits[i]]
    if not told or sum(found & furniture != 0 for found in bits) > max(_FEW_SIGNS, len(bits) * _FEW_SHARE):
        return (), ()
    # Below a heading in the second half all may be another article's; below one before that, what stands up to a
    # sentence.
    end = next((i for i in heads if i > len(lines) / 2), told[-1] + 1)
    inside: list[int] = []
    under = False
    for i in range(told[0], min(end, told[-1] + 1)):
        under = i in heads or (under and not is_told(lines[i]))
        if not under and not signs[i]:
            inside.append(i)
    return (), tuple(inside)
