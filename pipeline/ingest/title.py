"""The title of an article: stated in the head, or the line above the body that speaks of what the body speaks of."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pipeline.article import Page
from pipeline.ingest.dates import STAMP
from pipeline.ingest.flatten import Flat
from pipeline.ingest.rules import mask
from pipeline.script.fold import fold

__all__ = ["LINES_ABOVE", "find_title", "linked_data"]

LINES_ABOVE = 15
"""Blocks before the article in which its title, byline and date are looked for: 95% of the titles in pages-dev."""
_TITLE_SHARE = 0.35
"""Least share of a title's character pairs that the body has, with `_AT_FIELDS` for one that stands at its fields.
On 104 news pages of pages-dev titles have .30 and more in 95% of cases, median .65; the other lines of these pages
under .33 in 95% of cases, median .02."""
_AT_FIELDS = 0.1
"""What it is worth that a byline, a date or a caption follows."""
_FIELDS = ("byline", "date", "source", "caption")
_LONGEST_TITLE = 80

_SEPARATOR = re.compile(r"\s*(?:[_|｜»]|\s[-–—－]\s|[-–—－]{1,2}(?=[^-–—－]{2,14}$))\s*")
_BLANK = re.compile(r"\s+")


def _objects(value: Any, depth: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the objects of parsed JSON-LD, outermost first."""
    if depth > 20:
        return
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _objects(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner, depth + 1)


@lru_cache(maxsize=4)  # the title and the time of a page are asked for one after the other
def linked_data(json_ld: tuple[str, ...]) -> Mapping[str, str]:
    """Return headline and datePublished of the page's first NewsArticle-like JSON-LD object."""
    for text in json_ld:
        try:
            parsed = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            continue
        for item in _objects(parsed):
            if "article" in str(item.get("@type", "")).lower() or "posting" in str(item.get("@type", "")).lower():
                return {k: v for k in ("headline", "datePublished") if isinstance(v := item.get(k), str)}
    return {}


def _squeeze(text: str) -> str:
    return _BLANK.sub("", text)


def _without_suffix(title: str, body: set[str]) -> str:
    """Return a `<title>` without the site's and the channel's names at its end.

    A part is a name if the body shares nothing with it; the first part always stays.
    """
    parts = _SEPARATOR.split(title)
    while len(parts) > 1 and _share(parts[-1], body) < 0.5:
        parts.pop()
    kept = parts[-1]
    return title[: title.rindex(kept) + len(kept)].strip()


def _share(text: str, pairs: set[str]) -> float:
    text = _squeeze(text)
    own = [text[i : i + 2] for i in range(len(text) - 1)]
    return sum(p in pairs for p in own) / len(own) if own else 0.0


def _pairs(text: str) -> set[str]:
    text = _squeeze(text)
    return {text[i : i + 2] for i in range(len(text) - 1)}


def find_title(page: Page, flat: Flat, key: str, first: int, bits: Sequence[int], body: str) -> tuple[str, list[int]]:
    """Return the title ("" if unknown) and the blocks that show it.

    Args:
        page: its `title`, where the record has one, is taken at its word.
        flat: the page text and blocks.
        key: the folded page text.
        first: index of the article's first paragraph.
        bits: noise rules of each block.
        body: the folded, mended article text: a title speaks of what the body speaks of.
    """
    blocks = flat.blocks

    def line(i: int) -> str:
        return key[blocks[i].start : blocks[i].end]

    pairs = _pairs(body)
    known: list[str] = [page.title] if page.title else []
    if flat.head is not None:
        data = linked_data(flat.head.json_ld)
        known += [t for t in (data.get("headline", ""), flat.head.metas.get("og:title", ""), flat.head.title) if t]
    near = range(max(0, first - 60), min(len(blocks), first + 3))
    for title in known:
        whole = _squeeze(fold(title))
        showing = [
            i
            for i in near
            if len(squeezed := _squeeze(line(i))) >= 4 and squeezed in whole and (not bits[i] or len(squeezed) > 8)
        ]
        if not showing:
            continue
        longest = max(len(_squeeze(line(i))) for i in showing)
        if longest < 0.4 * len(_squeeze(_SEPARATOR.split(title)[0])):
            continue
        best = [i for i in showing if len(_squeeze(line(i))) == longest]
        block = blocks[best[-1]]
        return (page.title or flat.text[block.start : block.end]), best
    if known:
        return (page.title or _without_suffix(known[0], pairs)), []
    best_score, best_index = 0.0, -1
    for i in range(max(0, first - LINES_ABOVE), min(first + 1, len(blocks))):
        text = line(i)
        if bits[i] or not 5 <= len(text) <= _LONGEST_TITLE or text[-1] in "。；;，,、" or text.count("。"):
            continue
        if (stamp := STAMP.match(text)) and len(text) - stamp.end() < 5:
            continue
        # A first line of the kept text is a title only if a body follows it.
        share = _share(text, pairs if i != first else _pairs(body[len(text) :]))
        followed = i + 1 < len(blocks) and bits[i + 1] & mask(_FIELDS) != 0
        score = share + _AT_FIELDS * followed - 0.02 * (first - i)
        if share + _AT_FIELDS * followed >= _TITLE_SHARE and score > best_score:
            best_score, best_index = score, i
    if best_index < 0:
        return "", []
    # The page's <title> often stands in flattened text too: the headline, and the site's name behind it.
    near = range(max(0, first - LINES_ABOVE), first + 2)
    headline = line(best_index)
    for i in near:
        if i < len(blocks) and 5 <= len(line(i)) < len(headline) and headline.startswith(line(i)) and not bits[i]:
            headline, best_index = line(i), i
    same = [
        i
        for i in near
        if i < len(blocks) and (line(i) == headline or (i < best_index and line(i).startswith(headline)))
    ]
    block = blocks[best_index]
    stamp = STAMP.match(line(best_index))
    return flat.text[block.start + (stamp.end() if stamp else 0) : block.end], same
