"""Fields of an article: title, byline, source, publication time, tags, captions, canonical address.

A field is read from the page's head where HTML has one, else from the lines round the article; a line that became a
field is no longer body text. Nothing is guessed from the clock: "3小時前" needs the record's `crawled`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urljoin, urlsplit

from pipeline.article import Block, Page
from pipeline.ingest.flatten import Flat, Head
from pipeline.ingest.rules import rules

__all__ = ["Fields", "find_fields", "find_title", "iso_date"]

_BEFORE = 14
"""Blocks before the article in which its title, byline and date are looked for. Farthest title in pages-dev: 11."""
_AFTER = 4
"""Blocks after the article in which tags, byline and source are looked for."""
_TITLE_SHARE = 0.4
"""Least share of a title's character pairs that the body has. Measured on pages-dev: titles have .3 to 1, median .77;
headlines of other articles have 0 to .35, median .06."""
_LONGEST_TITLE = 80

_DATE = re.compile(
    r"(?:(?P<roc>民国)\s*)?(?<!\d)(?P<y>\d{2,4})\s*[-/年.．]\s*(?P<m>\d{1,2})\s*[-/月.．]\s*(?P<d>\d{1,2})(?!\d)\s*[日号]?"
    r"(?:[T\s,，|｜·•]{0,4}(?:\S{0,2}(?:星期|周)[一二三四五六日天]\S?\s*|HKT\s*)?(?P<half>上午|下午|早上|晚上|凌晨|中午)?\s*"
    r"(?P<H>\d{1,2})\s*[:：时]\s*(?P<M>\d{2})(?:\s*[:：分]\s*(?P<S>\d{2}))?(?:\.\d+)?\s*(?P<ampm>[AaPp][Mm])?"
    r"\s*(?P<tz>Z|[+-]\d{2}:?\d{2})?)?"
)
_TIME_FIRST = re.compile(
    r"^(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2}))?\s+(?P<y>\d{4})[-/年.](?P<m>\d{1,2})[-/月.](?P<d>\d{1,2})"
)
_AGO = re.compile(
    r"(?P<n>\d{1,3})\s*个?(?P<unit>分钟|小时|天|日|周)\s*之?前|(?P<day>昨天|前天|今天)\s*(?P<H>\d{1,2})[:：](?P<M>\d{2})"
)
_URL_DATE = re.compile(r"(?<!\d)(20\d{2})[-/_]?(0[1-9]|1[0-2])[-/_]?(0[1-9]|[12]\d|3[01])(?!\d)")
_META_DATES = (
    "article:published_time", "datepublished", "pubdate", "publishdate", "publish_date", "og:published_time",
    "og:article:published_time", "weibo:article:create_at", "date", "dc.date",
    "dcterms.created", "apub:time", "publish-date",
)  # fmt: skip
_LABEL = re.compile(r"^[^\w]{0,3}(?:关键[字词]|标签云?|tags?|keywords?|主题词|分类标签|话题)\s*[:：]\s*", re.IGNORECASE)
_SOURCE = re.compile(
    r"^[^\w]{0,2}[（(【\[]?(?:(?:新闻|文章|信息|稿件|资料|消息|本文|内容|原文)?(?:来源|出处)|转自|转载自|摘自|来自|原载)\s*[:：／/]\s*"
    r"(?P<name>[^\s|｜)）\]】]{0,30})"
)
_SPLIT = re.compile(r"[\s、,，;；|#/]+")
_SEPARATOR = re.compile(r"\s*(?:[_|｜»]|\s[-–—－]\s|[-–—－]{1,2}(?=[^-–—－]{2,14}$))\s*")
_BLANK = re.compile(r"\s+")
_SENTENCE_END = "。！？!?；;，,：:、"


@dataclass(slots=True)
class Fields:
    """What was found, and which blocks became a field: index of the block to kind and reason."""

    title: str = ""
    byline: str = ""
    source: str = ""
    published: str = ""
    canonical_url: str = ""
    tags: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    moved: dict[int, tuple[str, str]] = field(default_factory=dict)


def iso_date(text: str, crawled: str = "") -> str:
    """Return the first date of `text` (folded) as ISO 8601, as exact as it says, or "".

    Reads 2025年4月3日 08:15, 2025-04-03T08:15:00+08:00, 20:51 2023/03/31, 民國114年4月3日, and, against the crawl
    time, 3小時前 and 昨天 18:40. The offset is given only where the text gives one.
    """
    first = _TIME_FIRST.search(text)
    for match in (first,) if first else _DATE.finditer(text):
        parts = match.groupdict()
        year = int(parts["y"])
        if parts.get("roc") or (100 <= year < 200 and parts["y"] and "年" in match.group()):
            year += 1911
        elif year < 100:
            year += 2000 if len(parts["y"]) == 2 and year < 70 else 1900
        hour = int(parts["H"]) if parts.get("H") else None
        if (
            hour is not None
            and hour < 12
            and (parts.get("half") in ("下午", "晚上") or (parts.get("ampm") or "").lower() == "pm")
        ):
            hour += 12
        try:
            when = datetime(
                year, int(parts["m"]), int(parts["d"]), hour or 0, int(parts.get("M") or 0), int(parts.get("S") or 0)
            )
        except ValueError:
            continue
        if not 1980 <= year <= 2100:
            continue
        if hour is None:
            return when.date().isoformat()
        zone = parts.get("tz") or ""
        zone = "+00:00" if zone == "Z" else zone if ":" in zone or not zone else f"{zone[:3]}:{zone[3:]}"
        return when.isoformat(timespec="seconds" if parts.get("S") else "minutes") + zone
    ago = _AGO.search(text)
    if ago and crawled:
        try:
            now = datetime.fromisoformat(crawled.replace("Z", "+00:00"))
        except ValueError:
            return ""
        if ago["unit"]:
            unit = {"分钟": "minutes", "小时": "hours", "天": "days", "日": "days", "周": "weeks"}[ago["unit"]]
            when = now - timedelta(**{unit: int(ago["n"])})
            exact = unit in ("minutes", "hours") and len(crawled) > 10
            return when.isoformat(timespec="minutes") if exact else when.date().isoformat()
        back = {"今天": 0, "昨天": 1, "前天": 2}[ago["day"]]
        if int(ago["H"]) < 24 and int(ago["M"]) < 60:
            when = (now - timedelta(days=back)).replace(
                hour=int(ago["H"]), minute=int(ago["M"]), second=0, microsecond=0
            )
            return when.isoformat(timespec="minutes")
    return ""


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


def _linked_data(head: Head) -> dict[str, str]:
    """Return headline, datePublished and author of the page's first NewsArticle-like JSON-LD object."""
    for text in head.json_ld:
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


def find_title(
    page: Page, flat: Flat, key: str, kept: Sequence[int], bits: Sequence[int], body: str
) -> tuple[str, list[int]]:
    """Return the title ("" if unknown) and the blocks that show it.

    Args:
        page: its `title`, where the record has one, is taken at its word.
        flat: the page text and blocks.
        key: the folded page text.
        kept: indices of the kept blocks, not empty.
        bits: noise rules of each block.
        body: the folded, mended article text: a title speaks of what the body speaks of.
    """
    from pipeline.script.fold import fold

    blocks = flat.blocks

    def line(i: int) -> str:
        return key[blocks[i].start : blocks[i].end]

    pairs = _pairs(body)
    known: list[str] = [page.title] if page.title else []
    if flat.head is not None:
        data = _linked_data(flat.head)
        known += [t for t in (data.get("headline", ""), flat.head.metas.get("og:title", ""), flat.head.title) if t]
    first = kept[0]
    near = range(max(0, first - 60), min(len(blocks), first + 3))
    for title in known:
        whole = _squeeze(fold(title))
        showing = [i for i in near if len(_squeeze(line(i))) >= 4 and _squeeze(line(i)) in whole and not bits[i]]
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
    for i in range(max(0, first - _BEFORE), min(first + 1, len(blocks))):
        text = line(i)
        if bits[i] or not 5 <= len(text) <= _LONGEST_TITLE or text[-1] in "。；;，,、" or text.count("。"):
            continue
        # A first line of the kept text is a title only if a body follows it.
        rest = pairs if i != first else _pairs(body[len(text) :])
        share = _share(text, rest)
        score = share - 0.02 * (first - i)
        if share >= _TITLE_SHARE and score > best_score:
            best_score, best_index = score, i
    if best_index < 0:
        return "", []
    text = line(best_index)
    same = [i for i in range(max(0, first - _BEFORE), first + 1) if line(i) == text]
    block = blocks[best_index]
    return flat.text[block.start : block.end], same


def _published(
    page: Page, flat: Flat, key: str, order: Sequence[int], kinds: Sequence[str], moved: dict[int, tuple[str, str]]
) -> str:
    """Return the publication time; lines that tell it are noted in `moved`."""
    shown = ""
    for i in order:
        if kinds[i] != "date":
            continue
        block = flat.blocks[i]
        found = iso_date(key[block.start : block.end], page.crawled)
        if found and (not shown or found[:10] == shown[:10]):
            shown = max(shown, found, key=len)
            moved[i] = ("date", f"date line: {found}")
    if page.date:
        return iso_date(page.date, page.crawled) or page.date
    if flat.head is not None:
        stated = [_linked_data(flat.head).get("datePublished", ""), *(flat.head.metas.get(n, "") for n in _META_DATES)]
        for text in stated:
            if found := iso_date(text):
                return found if len(found) >= len(shown) else shown
    if shown:
        return shown
    match = _URL_DATE.search(urlsplit(page.url).path) if page.url else None
    return "-".join(match.groups()) if match else ""


def _tag_line(text: str, body: str) -> tuple[str, ...]:
    """Return the tags of a line that is nothing but tags, labelled or not; () for any other line.

    Without a label it is a tag line if it has two to ten short words and the article uses them.
    """
    label = _LABEL.match(text)
    words = [w for w in _SPLIT.split(text[label.end() :] if label else text) if w]
    if label or (text.startswith("#") and all(len(w) <= 20 for w in words)):
        return tuple(words)
    if not 2 <= len(words) <= 10 or any(len(w) > 10 or w[-1] in _SENTENCE_END for w in words):
        return ()
    known = sum(w in body for w in words)
    return tuple(words) if known >= 0.6 * len(words) and known >= 2 else ()


def find_fields(page: Page, flat: Flat, key: str, kept: Sequence[int], bits: Sequence[int], body: str) -> Fields:
    """Return the fields of a page and the blocks that became one.

    Args:
        page: the record: its title, date and url are taken at their word.
        flat: the page text and blocks.
        key: the folded page text.
        kept: indices of the blocks that strip keeps, in order, not empty.
        bits: noise rules of each block.
        body: the folded, mended article text.
    """
    found = Fields()
    blocks: tuple[Block, ...] = flat.blocks
    kinds = [next((r.kind for k, r in enumerate(rules()) if b >> k & 1), "") for b in bits]
    found.title, shows = find_title(page, flat, key, kept, bits, body)
    for i in shows:
        found.moved[i] = ("title", "the article's title")
    first, last = kept[0], kept[-1]
    top = shows[-1] if shows else first
    start = max(0, min(top, first) - _BEFORE)
    around = [*range(top, min(first + 3, len(blocks))), *range(top - 1, start - 1, -1)]
    around += range(last, min(last + _AFTER, len(blocks)))
    ends = [*range(max(first, last - 1), last), *range(last, min(last + _AFTER, len(blocks)))]
    order = list(dict.fromkeys([*around, *ends]))
    found.published = _published(page, flat, key, order, kinds, found.moved)
    seen: set[str] = set()
    captions: list[str] = []
    inside = set(range(max(0, first - 4), min(last + 2, len(blocks))))
    for i, block in enumerate(blocks):
        if i in found.moved or (i not in inside and i not in order):
            continue
        text, folded = flat.text[block.start : block.end], key[block.start : block.end]
        kind = kinds[i]
        if i in order and kind == "byline" and folded[-1] not in "。？！?!":
            found.moved[i] = ("byline", "byline")
            found.byline = found.byline or text
        elif i in order and kind == "source" and (named := _SOURCE.match(folded)):
            found.moved[i] = ("source", "source line")
            found.source = found.source or text[named.start("name") : named.end("name")]
        elif i >= last and i in order and (tags := _tag_line(folded, body)):
            found.moved[i] = ("tag_line", f"{len(tags)} tags")
            if not found.tags:
                label = _LABEL.match(folded)
                found.tags = tuple(w for w in _SPLIT.split(text[label.end() if label else 0 :]) if w)
        elif i in inside and (kind == "caption" or _in_figure(block)) and _is_caption(i, folded, blocks, key, first):
            found.moved[i] = ("caption", "caption")
            if folded not in seen:
                seen.add(folded)
                captions.append(text)
    found.captions = tuple(captions)
    if flat.head is not None:
        address = flat.head.canonical or flat.head.metas.get("og:url", "")
        found.canonical_url = urljoin(page.url, address) if address else ""
        if not found.byline:
            found.byline = flat.head.metas.get("author", "")
    return found


def _in_figure(block: Block) -> bool:
    return block.markup is not None and "figcaption" in block.markup.tags


def _is_caption(i: int, text: str, blocks: Sequence[Block], key: str, first: int) -> bool:
    """Tell a caption from a last paragraph that ends with its agency."""
    if _in_figure(blocks[i]) or text[0] in "▲▼△▽↑↓◤◢(（【[图" or len(text) <= 40:
        return True
    doubled = any(0 <= j < len(blocks) and key[blocks[j].start : blocks[j].end] == text for j in (i - 1, i + 1))
    return doubled or (i <= first and len(text) <= 120)
