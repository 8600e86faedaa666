"""Fields of an article: title, byline, source, publication time, tags, captions, canonical address.

A field is read from the page's head where HTML has one, else from the lines round the article; a line that became a
field is no longer body text. Nothing is guessed from the clock: "3小時前" needs the record's `crawled`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from pipeline.article import Page
from pipeline.ingest import bylines
from pipeline.ingest.captions import CREDIT, CREDITED, find_captions
from pipeline.ingest.dates import CLOCK_LINE, STAMP, iso_date, same_instant, url_date
from pipeline.ingest.flatten import Flat
from pipeline.ingest.infolines import DATE_LABEL, Info, read_info
from pipeline.ingest.rules import first_rule
from pipeline.ingest.title import LINES_ABOVE, LONGEST_TITLE, find_title, is_button_row, is_old_name, linked_data
from pipeline.script.fold import fold

if TYPE_CHECKING:
    from pipeline.ingest.strip import Judged

__all__ = ["Fields", "find_fields"]

_LONGEST_TAGS = 400
"""Code points of a line of tags."""
_TAG_LINES = 12
"""Tags that stand on lines of their own."""
_NO_INFO = ("hot_list", "related", "previous_next", "navigation", "comments", "copyright")
_SURE, _SURE_MARKED = 0.8, 0.6
"""Probability from which on a line without a sentence stays above the title or behind the last paragraph; with markup
the judge is right earlier."""
_AFTER = 4
"""Blocks after the article in which tags, byline and source are looked for."""
_FAR_AFTER = 15
"""The same for lines that are nothing but a byline, or a date with its label."""
_HEADS = frozenset({"related", "hot_list"})
"""What stands below such a heading is another article's."""
_META_DATES = (
    "article:published_time", "datepublished", "pubdate", "publishdate", "publish_date", "og:published_time",
    "og:article:published_time", "weibo:article:create_at", "date", "dc.date",
    "dcterms.created", "apub:time", "publish-date",
)  # fmt: skip
_VAGUE_DATES = ("og:time", "dateupdate", "datemodified", "article:modified_time", "livetime")
"""What some sites write the time of publication to and others that of the last change: the page's line goes first."""
_LABEL = re.compile(
    r"^[^\w]{0,3}(?:关键[字词]|标签云?|tags?|keywords?|主题词?|分类标签|相关(?:标签|话题|主题|关键[字词])|话题|热词)\s*[:：]\s*",
    re.IGNORECASE,
)
_ENDS = 100_000
"""Code points at either end of a page in which the editor's name is looked for."""
_CALLED = re.compile(r"[！？!?…](?:[”」』)）]?$|(?<!…).*[！？!?])")
"""A sentence without a full stop. One mark inside a line is still a headline's: 淹水四十公分！鎮立圖書館搶救兩萬冊."""
_TODAY = re.compile("星期|周[一二三四五六日天]|今[天日]|农历")
_YEAR = re.compile(r"(?:19|20)\d{2}\s*年?")
_DATELINE = re.compile(r"[【〔\[(（][^】〕\])）。]{0,14}?((?:19|20)\d{2}年\d{1,2}月\d{1,2}日)\s?(?:讯|电|消息|报道)")
"""The day in a dateline: 【某某社2024年3月19日訊】."""
_MAIL = re.compile(r"\S{1,30}@[\w.-]{4,30}")
_ALONE = re.compile(r"(?:(?:发布|发表|更新)?(?:时间|日期)|(?P<source>(?:新闻|文章|信息|稿件)?来源))\s*[:：]")
"""A label whose value stands on the next block."""
_SPLIT = re.compile(r"[\s、,，;；|#/]+")
_MARK_ONLY = re.compile(r"[()（）\[\]【】]*")
_NO_TAG = re.compile("[。！？!?：:]")
"""What a tag has none of, beside the marks between tags."""


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


def _stated_time(page: Page, flat: Flat, shown: str, changed: str, issue: str) -> str:
    """Return the publication time: the record's, the head's, the line's, or the address's, the most exact of a day.

    Args:
        page: the record.
        flat: its head.
        shown: what the line at the title tells.
        changed: the time of the last change, if a line tells that.
        issue: the day above the title: a newspaper's issue, or the day of the crawl.
    """
    if page.date:
        given = iso_date(fold(page.date), page.crawled)
        return shown if shown[:10] == given[:10] and len(shown) > len(given) else given
    head = flat.head
    data = linked_data(head.json_ld) if head else {}
    metas = head.metas if head else {}
    stated = next(filter(None, (iso_date(metas.get(n, "")) for n in _META_DATES if n in metas)), "")
    stated = iso_date(data.get("datePublished", "")) or stated
    if stated:
        # The clock that readers see is the site's word; a head that tells another of the same day tells of its system.
        exact = len(shown) > 10 and (len(stated) <= 10 or not same_instant(stated, shown))
        return shown if shown[:10] == stated[:10] and exact else stated
    vague = next(filter(None, (iso_date(metas.get(n, "")) for n in _VAGUE_DATES if n in metas)), "")
    vague = vague or iso_date(data.get("pubDate", ""))
    if shown:
        return vague if vague[:10] == shown[:10] and len(shown) <= 10 else shown
    address = url_date(page.url) or (url_date(head.canonical or metas.get("og:url", "")) if head else "")
    return vague or changed or address or issue


def _tag_line(text: str, body: str) -> tuple[str, ...]:
    """Return the tags of a line that is nothing but tags, labelled or not; () for any other line.

    Without a label it is a tag line if it has two to ten short words and the article uses them.
    """
    if len(text) > _LONGEST_TAGS:
        return ()
    if label := _LABEL.match(text):
        words = _words(text[label.end() :])
        return words if len(words) <= 10 else ()
    if text.startswith("#"):
        words = _words(text)
        if all(len(w) <= 20 for w in words):
            return words
    if _NO_TAG.search(text):
        return ()
    words = _words(text)
    if not 2 <= len(words) <= 10 or any(len(w) > 10 for w in words):
        return ()
    known = sum(w in body for w in words)
    return words if known >= 0.6 * len(words) and known >= 2 else ()


def _words(tags: str) -> tuple[str, ...]:
    return tuple(word for word in _SPLIT.split(tags) if not _MARK_ONLY.fullmatch(word))


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
    kept, lines = judged.kept, judged.lines
    kind_of = {bits: rule.kind if (rule := first_rule(bits)) else "" for bits in set(judged.bits)}
    kinds = list(map(kind_of.__getitem__, judged.bits))
    figures = flat.tree.figures.tolist() if flat.tree is not None else [False] * len(lines)
    paragraphs = [
        i
        for i in kept
        if len(line := lines[i]) > 20
        and ("。" in line or _CALLED.search(line))
        and not figures[i]
        and (kinds[i] != "caption" or len(line) > 120)
    ]
    told = paragraphs or list(kept)
    last = told[-1]
    # A headline may look told: 甲？乙！ or 甲，为什么？
    first = next((i for i in told[:4] if "。" in lines[i] or len(lines[i]) > LONGEST_TITLE), told[0])
    if len(told) > 2 and len(lines[first]) <= CREDIT and CREDITED.search(lines[first]):
        first = next(
            (i for i in told if i > first), first
        )  # a picture's caption with its credit, above the first paragraph
    found.title, shows = find_title(page, flat, lines, first, judged.bits, body)
    for i in shows:
        found.moved[i] = ("title", "the article's title")
    if shows:  # players and "now reading" lines repeat it below the text
        below = [i for i in kept if i > last and lines[i] == lines[shows[-1]]]
        found.moved |= dict.fromkeys(below, ("title", "the article's title again"))
    if first in shows:
        first = next((i for i in told if i > first and i not in shows), first)
    top = shows[-1] if shows else min(first, kept[0])
    for i in range(top, first):
        if i not in found.moved and is_old_name(lines[i]):
            found.moved[i] = ("title", "the title where it ran before")
    near = range(max(0, min(top, first - 4)), min(last + 2, len(lines)))
    captions, told_in = find_captions(figures, kinds, flat.lines, lines, near, first, kept, found.moved)
    found.captions = captions
    found.moved |= told_in
    blocks = _Blocks(flat.lines, lines, kinds, top, first, last, bool(shows))
    shown, changed, issue = _find_info(found, page, blocks, set(kept))
    for i in dict.fromkeys((0, *shows, first)):
        if (stamp := STAMP.match(lines[i])) and not _TODAY.match(lines[i], stamp.end()):
            stamped = iso_date(stamp.group())
            shown = shown if shown[:10] == stamped[:10] and len(shown) > 10 else stamped
            break
    issue = next((iso_date(day[1]) for i in told[:3] if (day := _DATELINE.match(lines[i]))), "") or issue
    found.published = _stated_time(page, flat, shown, changed, issue)
    if not found.byline:
        found.byline = _written_by(found, blocks, kept, [i for i in told if i >= first])
    prose = "\n".join([lines[i] for i in kept if i <= last])  # what stands behind it may be the tags themselves
    _find_tags(found, blocks, prose)
    if flat.head is not None:
        address = flat.head.canonical or flat.head.metas.get("og:url", "")
        found.canonical_url = _absolute(page.url, address) if address else ""
        stated = linked_data(flat.head.json_ld).get("author", ""), flat.head.metas.get("author", "")
        found.byline = found.byline or next((name for name in stated if _is_author(name, flat, key)), "")
    # Lines that strip was not sure of stay only inside the article: behind its title, before its last paragraph. A
    # sentence stays, and a note in brackets: the last entries of a live blog are short.
    sure = _SURE if flat.tree is None else _SURE_MARKED
    outside = [i for i in kept if i < first or i < top or i > last]
    for i in sorted(set(outside).difference(found.moved, paragraphs)):
        if judged.keep[i] >= sure or _is_note(lines[i]):
            continue
        if i < first and is_button_row(lines[i]):
            found.moved[i] = ("navigation", "buttons before the text")
        elif shows and i < top:
            found.moved[i] = ("navigation", "before the title")
        elif i > last:
            found.moved[i] = ("related", "after the last paragraph")
    return found


def _is_note(line: str) -> bool:
    return line[-1] in "。！!」”" or (line[0] in "（(" and line[-1] in ")）")


@dataclass(frozen=True, slots=True)
class _Blocks:
    """A page's blocks, and where among them the fields of its article stand."""

    texts: Sequence[str]
    lines: Sequence[str]
    """Their folded texts."""
    kinds: Sequence[str]
    """Of the noise rule that names each, "" where none does."""
    top: int
    """The title's last block, or the first that is kept."""
    first: int
    """The first paragraph."""
    last: int
    """The last paragraph."""
    titled: bool
    """Whether the page shows the title; else `top` is no border."""

    def below(self) -> range:
        """Return the blocks behind the article up to the headlines of others."""
        begin, end = self.last + 1, min(self.last + _FAR_AFTER + 1, len(self.lines))
        return range(begin, next((i for i in range(begin, end) if self.kinds[i] in _HEADS), end))


def _find_info(found: Fields, page: Page, blocks: _Blocks, stays: Collection[int]) -> tuple[str, str, str]:
    """Note the lines that say time, source and author; return the time shown, of the last change, and of the issue."""
    top, first, last = blocks.top, blocks.first, blocks.last
    shown = changed = issue = ""
    above = range(top - 1, max(0, top - LINES_ABOVE) - 1, -1)
    for i in chain(range(top, first), above, blocks.below()):
        if i in found.moved or (i < top and blocks.kinds[i] in _NO_INFO):
            continue
        line = blocks.lines[i]
        info = read_info(blocks.texts[i], line, page.crawled) or _over_blocks(found, blocks, i)
        if info is None:
            continue
        byline, published = info.byline, info.published
        if i > last:
            labelled = DATE_LABEL.search(line) is not None
            near = i <= last + _AFTER
            if not (byline or info.source) and (shown or not (near or labelled)):
                continue
            if not near and not labelled:
                continue
        elif i < top and blocks.titled:
            byline = ""  # a menu's word, or another article's
            if len(published) <= 10:  # the day of the issue, or of the crawl
                issue = issue or ("" if _TODAY.search(line) else published)
                published = ""
            if not (published or info.source):
                continue
        if published and len(published) <= 10 and not info.byline and not info.source:
            published = _with_clock(found, blocks, i, published)
        if byline and not (published or info.source) and i in stays and (i > last or bylines.names_paper(line)):
            found.byline = found.byline or byline
            continue
        says = [
            name for name, value in (("published", published), ("source", info.source), ("byline", byline)) if value
        ]
        found.moved[i] = ("byline" if byline else "source" if info.source else "date", "says " + ", ".join(says))
        if info.changed:
            changed = changed or published
        elif published and (not shown or (published[:10] == shown[:10] and len(published) > len(shown))):
            shown = published
        found.source = found.source or info.source
        found.byline = found.byline or byline
    return shown, changed, issue


def _over_blocks(found: Fields, blocks: _Blocks, i: int) -> Info | None:
    """Return what stands on block i and those after it: 来源： and 石榕日報, or 2022, 02/13 and 07:48."""
    line = blocks.lines[i]
    if line[-1] in ":：" and (label := _ALONE.fullmatch(line)):
        text, beside = (blocks.texts[i + 1], blocks.lines[i + 1]) if i + 1 < blocks.first else ("", "")
        if not label["source"] or not 2 <= len(beside) <= 16 or read_info(text, beside, ""):
            return Info("", "", "")
        found.moved[i + 1] = ("source", "says source")
        return Info("", text, "")
    if i + 2 < blocks.first and _YEAR.fullmatch(line):
        day, clock = blocks.lines[i + 1 : i + 3]
        timed = CLOCK_LINE.fullmatch(clock) is not None
        if told := iso_date(f"{line[:4]}/{day.replace('月', '/').rstrip('日')} {clock if timed else ''}"):
            found.moved.update(dict.fromkeys((i + 1, i + 2)[: 1 + timed], ("date", "says published")))
            return Info(told, "", "")
    return None


def _with_clock(found: Fields, blocks: _Blocks, i: int, published: str) -> str:
    """Return the day that block i tells, with the clock of the block beside it, if that says nothing else."""
    for k in (i + 1, i - 1):
        if 0 <= k < blocks.first and k not in found.moved and CLOCK_LINE.fullmatch(blocks.lines[k]):
            found.moved[k] = ("date", "says published")
            return iso_date(f"{published} {blocks.lines[k]}")
    return published


def _written_by(found: Fields, blocks: _Blocks, kept: Sequence[int], told: Sequence[int]) -> str:
    """Return the byline that is no line above the article: two blocks, a dateline, a line below, a signature; or "".

    What stands inside a paragraph, or between two, stays in the text.
    """
    texts, lines, last = blocks.texts, blocks.lines, blocks.last
    above = range(blocks.top if blocks.titled else max(0, blocks.top - 3), blocks.first)
    below = blocks.below()
    for i in above:
        if both := _on_two_blocks(blocks, i):
            return both
        if i not in found.moved and _is_signed(found, blocks, i):
            found.moved[i] = ("byline", "says byline")
            return texts[i]
    for i in told[:2]:
        if span := bylines.dateline(lines[i]):
            return texts[i][span[0] : span[1]]
    inside = [i for i in kept if blocks.first <= i <= last]
    for i in chain(inside, below):
        if len(lines[i]) > bylines.LONGEST_BYLINE or i in found.moved:
            continue
        if bylines.is_byline(lines[i]):
            if i > last and i not in kept:
                found.moved[i] = ("byline", "says byline")
            return texts[i]
        if i > last and (both := _on_two_blocks(blocks, i)):
            return both
    for i in chain(above, inside[:1], below):
        if span := bylines.taken_from(lines[i]):
            return texts[i][span[0] : span[1]]
    for i in chain(reversed(below[:3]), reversed(kept[-3:])):
        if span := bylines.signature(lines[i]):
            return texts[i][span[0] : span[1]]
    return ""


def _is_signed(found: Fields, blocks: _Blocks, i: int) -> bool:
    """Whether block i is a name, and nothing else, beside the date or above an address for letters."""
    lines = blocks.lines
    if len(lines[i]) > 4 or blocks.kinds[i] or not bylines.is_name(lines[i]):
        return False
    beside = (found.moved.get(k, ("", ""))[0] for k in (i - 1, i + 1))
    return "date" in beside or (i + 1 < len(lines) and _MAIL.fullmatch(lines[i + 1]) is not None)


def _on_two_blocks(blocks: _Blocks, i: int) -> str:
    """Return label and name, or name and office, that stand on two blocks: 撰文： and 甲, 甲 and 某报记者."""
    if i + 1 >= len(blocks.lines):
        return ""
    line, beside = blocks.lines[i : i + 2]
    if len(line) > 14 or len(beside) > 20:
        return ""
    if bylines.is_label(line) and bylines.is_byline(f"{line}{beside}"):
        return "".join(blocks.texts[i : i + 2])
    if beside.endswith(("记者", "撰稿人", "评论员", "特派员", "通讯员")) and bylines.is_name(line):
        return " ".join(blocks.texts[i : i + 2])
    return ""


def _find_tags(found: Fields, blocks: _Blocks, body: str) -> None:
    """Note the tags behind the article: one line of them, or several lines of one word each."""
    runs: list[list[int]] = [[]]
    for i in range(blocks.last + 1, min(blocks.last + 2 + _TAG_LINES, len(blocks.lines))):
        if i in found.moved:
            continue
        line = blocks.lines[i]
        if tags := _tag_line(line, body):
            label = _LABEL.match(line)
            found.moved[i] = ("tag_line", f"{len(tags)} tags")
            found.tags = _words(blocks.texts[i][label.end() if label else 0 :])
            return
        single = line.strip("#＃").strip()
        if 2 <= len(single) <= 10 and blocks.kinds[i] in ("", "tag_line") and (single in body or line[0] == "#"):
            runs[-1].append(i)
        elif runs[-1]:
            runs.append([])
    run = max(runs, key=len)
    if len(run) > 1:
        for i in run:
            found.moved[i] = ("tag_line", "a tag")
        found.tags = tuple(blocks.texts[i].strip("#＃ ") for i in run)


def _is_author(name: str, flat: Flat, key: str) -> bool:
    """Whether whom the head calls the author is a person, and neither the site nor whom the page calls its editor."""
    if not name or (flat.head and name == flat.head.metas.get("og:site_name")) or not bylines.person(fold(name)):
        return False
    editor = re.compile(rf"(?:编辑|责编|校对|审核)\W{{0,3}}{re.escape(fold(name))}")
    return editor.search(key[:_ENDS]) is None and editor.search(key[-_ENDS:]) is None


def _absolute(base: str, address: str) -> str:
    """Return the address, joined to the page's own where it is relative; "" where either is none."""
    try:
        return urljoin(base, address)
    except ValueError:
        return ""
