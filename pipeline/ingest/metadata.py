"""Fields of an article: title, byline, source, publication time, tags, captions, canonical address.

A field is read from the page's head where HTML has one, else from the lines round the article; a line that became a
field is no longer body text. Nothing is guessed from the clock: "3小時前" needs the record's `crawled`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from pipeline.article import Block, Page
from pipeline.ingest.flatten import Flat, Head
from pipeline.ingest.rules import rules

if TYPE_CHECKING:
    from pipeline.ingest.strip import Judged

__all__ = ["Fields", "find_fields", "find_title", "iso_date"]

_BEFORE = 15
"""Blocks before the article in which its title, byline and date are looked for: 95% of the titles in pages-dev."""
_TAG_LINES = 12
"""Tags that stand on lines of their own."""
_NO_INFO = ("hot_list", "related", "previous_next", "navigation", "comments", "copyright")
_SURE = 0.8
"""Probability from which on a line without a sentence stays above the title or behind the last paragraph."""
_AFTER = 4
"""Blocks after the article in which tags, byline and source are looked for."""
_TITLE_SHARE = 0.35
"""Least share of a title's character pairs that the body has, with `_AT_FIELDS` for one that stands at its fields.
On 104 news pages of pages-dev titles have .30 and more in 95% of cases, median .65; the other lines of these pages
under .33 in 95% of cases, median .02."""
_AT_FIELDS = 0.1
"""What it is worth that a byline, a date or a caption follows."""
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
_LABEL = re.compile(
    r"^[^\w]{0,3}(?:关键[字词]|标签云?|tags?|keywords?|主题词?|分类标签|相关(?:标签|话题|主题|关键[字词])|话题|热词)\s*[:：]\s*",
    re.IGNORECASE,
)
_INFO = 150
"""Longest line (code points) that is read for byline, source and time."""
_LABELLED_DATE = re.compile(
    r"(?:(?:首次|最后|最新)?(?:发布|发表|更新|刊登|出版|上传|建立)?(?:时间|日期|于)?\s*[:：]?\s*)" + _DATE.pattern
)
_SOURCE = re.compile(
    r"[（(【\[]?(?:(?:新闻|文章|信息|稿件|资料|消息|本文|内容|原文)?(?:来源|出处)|稿源|转自|转载自|摘自|原载)\s*[:：／/]\s*"
    r"(?P<name>[^\s|｜)）\]】]{0,30})[)）\]】]?"
)
_OTHER_INFO = re.compile(
    r"(?:浏览|阅读|点击|观看|点阅|访问|查看|评论|人气)(?:量|数|次数|时间约?)?\s*[:：]?\s*\d[\d,.万]*\s*(?:次|分钟)?"
    r"|(?:分类|栏目|频道|字[号级体](?:大小)?|编辑|责任编辑|责编|打印|分享到?)\s*[:：]?\s*[^|｜]*$"
)
_BYLINE = re.compile(
    r"^[〔【（(\[]?(?:(?:(?:本报|本网|本刊|本台|特约|特派|实习|驻\S{1,6})?(?:记者|通讯员)|编译|(?:地方|财经|政治|体育|生活|国际|娱乐"
    r"|社会|即时|综合|新闻|大陆)?中心[／/∕]|作者|撰文|撰稿|采写|口述|文[／/∕：:・·•]|by\b)[^，。！？!?；;]{1,40}"
    r"|[^，。！？!?；;:：]{2,20}(?:报导|报道|外电|专电|特译|编译|摄影))[〕】）)\]]?$",
    re.IGNORECASE,
)
_TOLD = re.compile(r"。|[！？!?].*[！？!?]|[！？!?…][”」』)）]?$")
"""A sentence. One mark inside a line is still a headline's: 淹水四十公分！鎮立圖書館搶救兩萬冊."""
_CREDITED = re.compile(r"[（(][^（）()，。]{2,14}[)）]$")
"""A line above the first paragraph that ends with a name in brackets is a caption with its credit."""
_CHUNK = re.compile(r"[|｜\u3000\x00]|\s{2,}")
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
    from pipeline.script.fold import fold

    blocks = flat.blocks

    def line(i: int) -> str:
        return key[blocks[i].start : blocks[i].end]

    pairs = _pairs(body)
    known: list[str] = [page.title] if page.title else []
    if flat.head is not None:
        data = _linked_data(flat.head)
        known += [t for t in (data.get("headline", ""), flat.head.metas.get("og:title", ""), flat.head.title) if t]
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
        share = _share(text, pairs if i != first else _pairs(body[len(text) :]))
        followed = i + 1 < len(blocks) and bool(bits[i + 1] & _field_bits())
        score = share + _AT_FIELDS * followed - 0.02 * (first - i)
        if share + _AT_FIELDS * followed >= _TITLE_SHARE and score > best_score:
            best_score, best_index = score, i
    if best_index < 0:
        return "", []
    # The page's <title> often stands in flattened text too: the headline, and the site's name behind it.
    near = range(max(0, first - _BEFORE), first + 2)
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
    return flat.text[block.start : block.end], same


@cache
def _field_bits() -> int:
    return sum(1 << k for k, rule in enumerate(rules()) if rule.kind in ("byline", "date", "source", "caption"))


def _stated_time(page: Page, flat: Flat, shown: str) -> str:
    """Return the publication time: the record's, the head's, the line's, or the address's, the most exact of a day."""
    if page.date:
        given = iso_date(page.date, page.crawled) or page.date
        return shown if shown[:10] == given[:10] and len(shown) > len(given) else given
    if flat.head is not None:
        stated = [_linked_data(flat.head).get("datePublished", ""), *(flat.head.metas.get(n, "") for n in _META_DATES)]
        for text in stated:
            if found := iso_date(text):
                return shown if shown[:10] == found[:10] and len(shown) > len(found) else found
    if shown:
        return shown
    match = _URL_DATE.search(urlsplit(page.url).path) if page.url else None
    return "-".join(match.groups()) if match else ""


@dataclass(frozen=True, slots=True)
class _Info:
    """What a line says of its article besides telling it."""

    published: str
    source: str
    byline: str


def _info(text: str, key: str, crawled: str) -> _Info | None:
    """Return what a short line says of time, source and author; None if it says none of these.

    One line often says several: 2025-08-15 17:26　来源：望湖有色　作者：步青　浏览：2317.
    """
    if len(key) > _INFO or "。" in key:
        return None
    published = iso_date(key, crawled)
    source = ""
    masked = key
    if published:
        masked = _LABELLED_DATE.sub(lambda m: "\x00" * len(m.group()), masked)
        masked = _AGO.sub(lambda m: "\x00" * len(m.group()), masked)
    if named := _SOURCE.search(masked):
        source = text[named.start("name") : named.end("name")]
        masked = masked[: named.start()] + "\x00" * len(named.group()) + masked[named.end() :]
    masked = _OTHER_INFO.sub(lambda m: "\x00" * len(m.group()), masked)
    byline = ""
    start = 0
    left = 0
    for gap in (*_CHUNK.finditer(masked), None):
        end = gap.start() if gap else len(masked)
        chunk = masked[start:end]
        if _BYLINE.match(chunk.strip()) and not byline:
            offset = start + len(chunk) - len(chunk.lstrip())
            byline = text[offset : start + len(chunk.rstrip())]
        else:
            left += len(chunk.strip())
        start = gap.end() if gap else end
    # A sentence that names a day is no date line: what is left must be less than what was understood.
    understood = len(key) - left
    if not (published or source or byline) or left > max(24, understood):
        return None
    return _Info(published, source, byline)


def _tag_line(text: str, body: str) -> tuple[str, ...]:
    """Return the tags of a line that is nothing but tags, labelled or not; () for any other line.

    Without a label it is a tag line if it has two to ten short words and the article uses them.
    """
    label = _LABEL.match(text)
    words = [w for w in _SPLIT.split(text[label.end() :] if label else text) if w]
    if label and len(words) > 10:
        return ()
    if label or (text.startswith("#") and all(len(w) <= 20 for w in words)):
        return tuple(words)
    if not 2 <= len(words) <= 10 or any(len(w) > 10 or set(w) & set(_SENTENCE_END) for w in words):
        return ()
    known = sum(w in body for w in words)
    return tuple(words) if known >= 0.6 * len(words) and known >= 2 else ()


def find_fields(page: Page, flat: Flat, key: str, judged: Judged, body: str) -> Fields:
    """Return the fields of a page and the blocks that became one.

    Args:
        page: the record: its title, date and url are taken at their word.
        flat: the page text and blocks.
        key: the folded page text.
        judged: which blocks strip keeps; at least one.
        body: the folded, mended article text.
    """
    found = Fields()
    blocks = flat.blocks
    kept = judged.kept
    kinds = [next((r.kind for k, r in enumerate(rules()) if b >> k & 1), "") for b in judged.bits]

    def line(i: int) -> tuple[str, str]:
        block = blocks[i]
        return flat.text[block.start : block.end], key[block.start : block.end]

    def is_told(i: int) -> bool:
        folded = line(i)[1]
        if len(folded) <= 20 or not _TOLD.search(folded) or _in_figure(blocks[i]):
            return False
        return kinds[i] != "caption" or len(folded) > 120

    told = [i for i in kept if is_told(i)] or list(kept)
    first, last = told[0], told[-1]
    if len(told) > 2 and len(line(first)[1]) <= 100 and _CREDITED.search(line(first)[1]):
        first = told[1]  # a picture's caption with its credit, above the first paragraph
    found.title, shows = find_title(page, flat, key, first, judged.bits, body)
    for i in shows:
        found.moved[i] = ("title", "the article's title")
    top = shows[-1] if shows else min(first, kept[0])
    _find_captions(found, blocks, kinds, line, range(max(0, min(top, first - 4)), min(last + 2, len(blocks))), first)
    above = [*range(top, first), *range(top - 1, max(0, top - _BEFORE) - 1, -1)]
    below = range(last + 1, min(last + _AFTER + 1, len(blocks)))
    shown = ""
    for i in (*above, *below):
        if i in found.moved or (kinds[i] in _NO_INFO and i < top):
            continue
        info = _info(*line(i), page.crawled)
        if info is None or (i in below and not (info.byline or info.source) and shown):
            continue
        kind = "byline" if info.byline else "source" if info.source else "date"
        found.moved[i] = (kind, "says " + ", ".join(n for n in ("published", "source", "byline") if getattr(info, n)))
        if info.published and (not shown or (info.published[:10] == shown[:10] and len(info.published) > len(shown))):
            shown = info.published
        found.source = found.source or info.source
        found.byline = found.byline or info.byline
    found.published = _stated_time(page, flat, shown)
    prose = "\n".join(line(i)[1] for i in kept if i <= last)  # what stands behind it may be the tags themselves
    _find_tags(found, kinds, line, range(last + 1, min(last + 2 + _TAG_LINES, len(blocks))), prose)
    if flat.head is not None:
        address = flat.head.canonical or flat.head.metas.get("og:url", "")
        found.canonical_url = urljoin(page.url, address) if address else ""
        found.byline = found.byline or flat.head.metas.get("author", "")
    # Lines that strip was not sure of stay only inside the article: behind its title, before its last paragraph.
    for i in kept:
        if i in found.moved or is_told(i) or judged.keep[i] >= _SURE:
            continue
        if shows and i < top:
            found.moved[i] = ("navigation", "before the title")
        elif i > last:
            found.moved[i] = ("related", "after the last paragraph")
    return found


def _find_captions(
    found: Fields,
    blocks: Sequence[Block],
    kinds: Sequence[str],
    line: Callable[[int], tuple[str, str]],
    inside: range,
    first_told: int,
) -> None:
    seen: set[str] = set()
    captions = []
    for i in inside:
        text, folded = line(i)
        doubled = len(folded) >= 8 and any(0 <= j < len(blocks) and line(j)[1] == folded for j in (i - 1, i + 1))
        marked = _in_figure(blocks[i])
        if kinds[i] == "caption":
            # A last paragraph may end with its agency, as a caption does.
            opened = folded[0] in "▲▼△▽↑↓◤◢(（【[图" or len(folded) <= 40
            marked = marked or opened or (i <= first_told and len(folded) <= 120)
        credited = i <= first_told and len(folded) <= 100 and _CREDITED.search(folded) is not None and i + 1 in inside
        marked = marked or credited
        if i not in found.moved and (marked or doubled) and (kinds[i] in ("", "caption")):
            found.moved[i] = ("caption", "doubled line" if doubled and not marked else "caption")
            if folded not in seen:
                seen.add(folded)
                captions.append(text)
    found.captions = tuple(captions)


def _find_tags(
    found: Fields, kinds: Sequence[str], line: Callable[[int], tuple[str, str]], behind: range, body: str
) -> None:
    """Note the tags behind the article: one line of them, or several lines of one word each."""
    runs: list[list[int]] = [[]]
    for i in behind:
        text, folded = line(i)
        if i in found.moved:
            continue
        if tags := _tag_line(folded, body):
            label = _LABEL.match(folded)
            found.moved[i] = ("tag_line", f"{len(tags)} tags")
            found.tags = tuple(w for w in _SPLIT.split(text[label.end() if label else 0 :]) if w)
            return
        single = folded.strip("#＃").strip()
        if 2 <= len(single) <= 10 and kinds[i] in ("", "tag_line") and (single in body or folded.startswith("#")):
            runs[-1].append(i)
        elif runs[-1]:
            runs.append([])
    run = max(runs, key=len)
    if len(run) > 1:
        for i in run:
            found.moved[i] = ("tag_line", "a tag")
        found.tags = tuple(line(i)[0].strip("#＃ ") for i in run)


def _in_figure(block: Block) -> bool:
    markup = block.markup
    if markup is None:
        return False
    near = markup.hints.split()[-2:]
    return "figcaption" in markup.tags or any("caption" in hint for hint in near)
