"""Fields of an article: title, byline, source, publication time, tags, captions, canonical address.

A field is read from the page's head where HTML has one, else from the lines round the article; a line that became a
field is no longer body text. Nothing is guessed from the clock: "3小時前" needs the record's `crawled`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from pipeline.article import Block, Page
from pipeline.ingest.dates import AGO, DATE, STAMP, iso_date, url_date
from pipeline.ingest.flatten import Flat
from pipeline.ingest.rules import first_rule
from pipeline.ingest.title import LINES_ABOVE, find_title, linked_data
from pipeline.script.fold import fold

if TYPE_CHECKING:
    from pipeline.ingest.strip import Judged

__all__ = ["Fields", "find_fields"]

_TAG_LINES = 12
"""Tags that stand on lines of their own."""
_NO_INFO = ("hot_list", "related", "previous_next", "navigation", "comments", "copyright")
_SURE = 0.8
"""Probability from which on a line without a sentence stays above the title or behind the last paragraph."""
_AFTER = 4
"""Blocks after the article in which tags, byline and source are looked for."""
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
    r"(?:(?:首次|最后|最新)?(?:发布|发表|更新|刊登|出版|上传|建立)?(?:时间|日期|于)?\s*[:：]?\s*)" + DATE.pattern
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


def _stated_time(page: Page, flat: Flat, shown: str) -> str:
    """Return the publication time: the record's, the head's, the line's, or the address's, the most exact of a day."""
    if page.date:
        given = iso_date(fold(page.date), page.crawled)
        return shown if shown[:10] == given[:10] and len(shown) > len(given) else given
    if flat.head is not None:
        stated = [
            linked_data(flat.head.json_ld).get("datePublished", ""),
            *(flat.head.metas.get(n, "") for n in _META_DATES),
        ]
        for text in stated:
            if found := iso_date(text):
                return shown if shown[:10] == found[:10] and len(shown) > len(found) else found
    if shown:
        return shown
    return url_date(page.url)


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
        masked = AGO.sub(lambda m: "\x00" * len(m.group()), masked)
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
    kinds = [rule.kind if (rule := first_rule(bits)) else "" for bits in judged.bits]

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
    above = [*range(top, first), *range(top - 1, max(0, top - LINES_ABOVE) - 1, -1)]
    below = range(last + 1, min(last + _AFTER + 1, len(blocks)))
    stamped = [m.group() for i in dict.fromkeys((0, *shows, first)) if (m := STAMP.match(line(i)[1]))]
    shown = iso_date(stamped[0]) if stamped else ""
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
        found.canonical_url = _absolute(page.url, address) if address else ""
        found.byline = found.byline or flat.head.metas.get("author", "")
    # Lines that strip was not sure of stay only inside the article: behind its title, before its last paragraph. A
    # sentence stays: the last entries of a live blog are short.
    for i in kept:
        if i in found.moved or is_told(i) or judged.keep[i] >= _SURE or line(i)[1][-1] in "。！!」”":
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


def _absolute(base: str, address: str) -> str:
    """Return the address, joined to the page's own where it is relative; "" where either is none."""
    try:
        return urljoin(base, address)
    except ValueError:
        return ""


def _in_figure(block: Block) -> bool:
    markup = block.markup
    if markup is None:
        return False
    near = markup.hints.split()[-2:]
    return "figcaption" in markup.tags or any("caption" in hint for hint in near)
