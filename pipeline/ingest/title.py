"""The title of an article: stated in the head, or the line above the body that speaks of what the body speaks of."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any

import numpy as np

from pipeline.article import Page
from pipeline.ingest import bylines
from pipeline.ingest.dates import ENGLISH_DATE, STAMP
from pipeline.ingest.flatten import Flat
from pipeline.ingest.rules import mask
from pipeline.native import pages
from pipeline.script.fold import code_points, fold

__all__ = ["LINES_ABOVE", "LONGEST_TITLE", "find_title", "is_button_row", "is_old_name", "linked_data"]

LINES_ABOVE = 15
"""Blocks before the article in which its byline and date are looked for where no title is shown."""
_TITLE_ABOVE = 40
"""Blocks before the article in which its title is looked for: a row of share buttons or a date picker has up to 30."""
_SHOWN_ABOVE = 60
"""The same where the head states the title: only the place is looked for."""
_SHARE = 0.35
"""Least share of a title's character pairs that the body has, where nothing else speaks for it. On 104 news pages of
pages-dev titles have .30 and more in 95% of cases, median .65; the other lines of these pages under .33 in 95% of
cases, median .02."""
_WORTH = 0.4
_FADES = (1.0, 0.9, 0.7, 0.5)
"""What a date or byline below is worth, in shares, if it is the next, second, third, fourth line."""
_FIELDS = ("byline", "date", "source")
_HEADING = 0.3
"""What an h1 is worth, and half of it a line that stands twice."""
_TOPMOST = 0.1
"""What it is worth to be the first line of a page where the article begins at once, as in feeds and archives."""
_RENAMED = 0.3
"""What the title under which another site ran the article loses against the page's own."""
_FARTHER = 0.01
"""What a title loses for each block between it and the article."""
_SHORT = 0.03
"""What a title loses for each character that it has less than eighteen: two pairs in the body may be chance."""
_BELOW_THE_DATE = 0.4
"""What a line below a date with a clock loses: a title stands above it, a subhead below."""
_BARELY = 0.25
"""Share under which a line is no title whatever stands beside it."""
_ALONE = 10
"""Code points of a line that is the title by its place alone."""
_HALF = r"[^\sA-Za-z（(]{4,24}"
_HALVES = re.compile(
    rf"(?=[\u3400-\u9fff「『《【“]){_HALF}[ \u3000]{_HALF}(?:[ \u3000]{_HALF})?(?:\s?[(（]\d\d:\d\d[)）])?$"
)
_BLURRED = re.compile(r"(?<!\d)[：:]|[*/|｜@#，。；]|作者|[编审][辑校核]|校对|撰|译|[报网站]$")
"""What such a line has none of: marks of labels, of sentences, of credits."""
_SHORTEST_TITLE = 6
LONGEST_TITLE = 80
"""Code points of the longest line that is looked at as a title."""
_READ = 3_000
"""Code points of the body that a title is compared with: what comes later is the same story."""

_SEPARATOR = re.compile(r"\s*(?:[_|｜»]|\s[-–—－]\s|[-–—－]{1,2}(?=[^-–—－]{2,14}$))\s*")
_OPEN_END, _PATH = "；;，,、:：", re.compile("[>›»]")
"""What part of a sentence, or a label, ends with; what stands between links."""
_NUMBERS = re.compile(r"[\d\s年月日时分点零〇一二三四五六七八九十.:：/-]+")
_ADDRESS = re.compile(r"https?:.*|(?:[\w-]+\.)+[a-z]{2,4}(?:/\S*)?", re.IGNORECASE)
_LONGEST_OFFICE = 12
"""Code points of a line that says for whom a reporter works."""
_BUTTONS = re.compile(r"[^【]{0,8}(?:【[^】]{1,12}】\s*){3,}|\d+\s*人?(?:次|参与)\s*\d*\s*(?:条?评论|阅读)?")
"""页面功能【打印】【关闭】【推荐】, 12人参与3评论."""
_OLD_NAME = re.compile(r"^[（(【\[]?\s*(?:原(?:文)?标题|原题)\s*[:：]?\s*")
_TITLE_LABEL = re.compile(
    r"^(?:正在(?:阅读|浏览|播放)|(?:文章|新闻|本文)?标题)\s*(?:[:：]|(?=\[))\s*(?:\[[^\]]{2,4}\]\s*)?"
)
_PICTURED = re.compile(r"[（(](?:[多组附]?图|[组多]?图文?|视频)[）)]$")
_CHINESE = re.compile("[\u3400-\u9fff].*[\u3400-\u9fff]")
_CLOCK = re.compile(r"\d(?:[:：时]\d{2}|\s*(?:分钟|小时|天)前)")
_TIME = re.compile(
    r"\d(?:(?<!\d\d)(?:\d{1,3}\s*[-/年.]\s*\d{1,2}\s*[-/月.]\s*\d{1,2}|\d?[-/.]\d{1,2}[-/.]20\d{2}"
    r"|\d?[-/月]\d{1,2}日?\s*\d{1,2}[:：]\d{2})|\s*(?:分钟|小时|天)前)"
)
"""Both begin with the first digit, so that `re` passes fast over what is none (1.6 and 3.5 to .4 us a line)."""
_CREDIT = re.compile(r"(?:\S{0,2}来源于?|作者|记者)\s*[:：]")
_SITE = re.compile(r"(?:网|网站|官网|首页|频道|中心|资讯|新闻|日报|晚报|门户|专题|列表)[)）]?$|^.{1,5}$")
"""A stated title that is the name of a section or of the site."""
_NAME_SHARE = 0.2
"""Share under which a stated title that no line shows is the name of a section or of the site."""
_ARTICLE = re.compile("article|posting", re.IGNORECASE)
_BROKEN_DATE = re.compile(r'"datePublished"\s*:\s*"([^"]{8,40})"')


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
    """Return `headline`, `datePublished` and `author` of the page's first NewsArticle-like JSON-LD object.

    The author is one that is said to be a person and is not the publisher. `pubDate` is the time of an object without a
    type, which some sites write; of JSON that is broken only the time is read.
    """
    untyped: dict[str, str] = {}
    for text in json_ld:
        try:
            parsed = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            if found := _BROKEN_DATE.search(text):
                untyped.setdefault("datePublished", found[1])
            continue
        for item in _objects(parsed):
            if _ARTICLE.search(str(item.get("@type", ""))):
                stated = {k: v for k in ("headline", "datePublished") if isinstance(v := item.get(k), str)}
                return stated | {"author": _person(item)}
            if isinstance(told := item.get("pubDate"), str):
                untyped.setdefault("pubDate", told)
    return untyped


def _person(item: Mapping[str, Any]) -> str:
    authors = item.get("author")
    publisher = item.get("publisher")
    house = publisher.get("name") if isinstance(publisher, dict) else publisher
    for author in authors if isinstance(authors, list) else [authors]:
        name = author.get("name") if isinstance(author, dict) and author.get("@type") == "Person" else None
        if isinstance(name, str) and name and name != house:
            return name.strip()
    return ""


def is_button_row(line: str) -> bool:
    """Whether a folded line is a row of buttons or a counter: 【打印】【关闭】【推荐】, 12人参与3评论."""
    may_be = len(line) <= 2 * LONGEST_TITLE and ("【" in line or line[:1].isdecimal())
    return may_be and _BUTTONS.fullmatch(line) is not None


def is_old_name(line: str) -> bool:
    """Whether a folded line says under which title another site ran the article: （原标题：…）."""
    return len(line) <= 2 * LONGEST_TITLE and _OLD_NAME.match(line) is not None


def _squeeze(text: str) -> str:
    return "".join(text.split())


def _shares(lines: Collection[str], body: str) -> list[float]:
    """Return the share of each line's pairs of characters that a body has; white space says nothing."""
    ends = np.fromiter(accumulate(map(len, lines)), np.int64)
    return pages.shares(code_points("".join(lines)), ends, code_points(body))


def _without_suffix(title: str, body: str) -> str:
    """Return a `<title>` without the site's and the channel's names at its end.

    A part is a name if the body shares nothing with it; the first part always stays.
    """
    parts = _SEPARATOR.split(title)
    shares = _shares([fold(part) for part in parts], body)
    while len(parts) > 1 and shares[len(parts) - 1] < 0.5:
        parts.pop()
    kept = parts[-1]
    return title[: title.rindex(kept) + len(kept)].strip()


def find_title(
    page: Page, flat: Flat, folded: Sequence[str], first: int, bits: Sequence[int], body: str
) -> tuple[str, list[int]]:
    """Return the title ("" if unknown) and the blocks that show it.

    Args:
        page: its `title`, where the record has one, is taken at its word.
        flat: the page text and blocks.
        folded: the folded text of each block.
        first: index of the article's first paragraph.
        bits: noise rules of each block.
        body: the folded, mended article text: a title speaks of what the body speaks of.
    """
    known: list[str] = [page.title] if page.title else []
    if flat.head is not None:
        data = linked_data(flat.head.json_ld)
        known += [t for t in (data.get("headline", ""), flat.head.metas.get("og:title", ""), flat.head.title) if t]
    body = body[:_READ]
    for title in dict.fromkeys(known):
        if shown := _place(title, flat, folded, first, bits):
            return page.title or shown[0], shown[1]
    if page.title:
        return page.title, []
    stated = ""
    if known:
        stated = _without_suffix(known[0], body)
        if _shares([fold(stated)], body)[0] >= _NAME_SHARE and not _SITE.search(fold(stated)):
            return stated, []
    found, shows = _best_line(flat, folded, first, bits, body)
    return (found, shows) if found else (stated, [])


def _place(
    title: str, flat: Flat, folded: Sequence[str], first: int, bits: Sequence[int]
) -> tuple[str, list[int]] | None:
    """Return a stated title as the page prints it, and the blocks that show it; None where none does."""
    whole = _squeeze(fold(title))
    lines: dict[int, str] = {}
    highest = max(0, first - _SHOWN_ABOVE)
    for i, line in enumerate(folded[highest : first + 3], highest):
        if 4 <= len(line) <= 2 * len(title) + 20 and line[0] in whole:
            line = _squeeze(line)
            if len(line) >= 4 and line in whole and (not bits[i] or len(line) > 8):
                lines[i] = line
    longest = max(map(len, lines.values()), default=0)
    if not longest or longest < 0.4 * len(_squeeze(_SEPARATOR.split(title)[0])):
        return None
    best = [i for i in lines if len(lines[i]) == longest]
    # A long headline may stand on two lines: 甲 and then ——乙.
    low = high = best[-1]
    joined = lines[high]
    while high + 1 in lines and joined + lines[high + 1] in whole:
        joined, high = joined + lines[high + 1], high + 1
    while low - 1 in lines and lines[low - 1] + joined in whole:
        joined, low = lines[low - 1] + joined, low - 1
    return _printed(flat, low, high), sorted({*best, *range(low, high + 1)})


def _printed(flat: Flat, low: int, high: int) -> str:
    """Return the lines of a headline as one: 甲 乙, 甲——乙."""
    lines = flat.lines[low : high + 1]
    return "".join(f" {line}" if i and line[0] not in "—–-" else line for i, line in enumerate(lines))


_DATED = re.compile(r"(?<=.{5})\s+[\[(（]?(?:19|20)\d{2}[-/.年]\d{1,2}[-/.月]\d{1,2}日?[\])）]?$")
"""A date behind a title, on its line."""


def _best_line(flat: Flat, folded: Sequence[str], first: int, bits: Sequence[int], body: str) -> tuple[str, list[int]]:
    """Return the line above the article, or its first, that is most of a title, and the blocks that show it."""
    highest = max(0, first - _TITLE_ABOVE)
    lines = {
        i: line
        for i, line in enumerate(folded[highest : first + 1 + len(_FADES)], highest)
        if len(line) <= LONGEST_TITLE
    }
    fields = mask(_FIELDS)
    # What it is worth to stand above a line; the article's sentences name days too.
    worth = {
        i: _told_by(line, bits[i])
        for i, line in lines.items()
        if (bits[i] & fields or _says_info(line)) and "。" not in line
    }
    told_of: dict[int, float] = {}  # a line, by the best of those below it
    for i, told in worth.items():
        for k, fades in enumerate(_FADES, 1):
            told_of[i - k] = max(told_of.get(i - k, 0.0), told * fades)
    counts = Counter(lines.values())
    prose = [line for line in body.split("\n") if len(line) > LONGEST_TITLE or "。" in line]
    shares = dict(zip(lines, _shares(lines.values(), "".join(prose) or body), strict=True))
    if first in lines and not prose:  # a first line of the kept text is a title only if a body follows it
        shares[first] = _shares([lines[first]], body[len(lines[first]) :])[0]
    old_names = [i for i, line in lines.items() if "原" in line and _OLD_NAME.match(line)]
    renamed = old_names[0] if old_names else first
    dated = next((i for i, told in worth.items() if told == _WORTH and _CLOCK.search(lines[i])), first)
    headed = flat.tree.headed.tolist() if flat.tree is not None else ()
    headings = {i for i in lines if headed and headed[i]}

    def is_like(i: int) -> bool:
        """Whether a line above the article may be its title, and has as much of the body as a title has."""
        return i <= first and shares.get(i, 0.0) >= _SHARE and _may_title(lines[i], bits[i])

    best_score, best = 0.0, -1
    for i, line in reversed(lines.items()):  # of two that are worth the same the upper one is the title
        share = shares[i]
        sure = share >= _BARELY or (worth.get(i + 1, 0.0) >= _WORTH and len(line) >= 10)
        if i > first or not sure:
            continue
        more = told_of.get(i, 0.0) + _TOPMOST * (i == 0 and first <= 2)
        more += _HEADING * (i in headings) + _HEADING / 2 * (counts[line] > 1)
        more -= _RENAMED * (i in old_names)
        less = _FARTHER * (first - i) + _SHORT * max(0, 18 - len(line))
        less += 2 * _RENAMED * (i > renamed) + _BELOW_THE_DATE * (i > dated)
        score = share + more - less
        if share + more >= _SHARE and score >= max(best_score, 1e-9) and _may_title(line, bits[i]):
            best_score, best = score, i
    above = best - 1 if best not in headings else -1  # the line above a subtitle is the title
    if is_like(above) and len(lines[above]) >= 10 and counts[lines[best]] == 1 and above != renamed:
        best = above
    if best < 0:
        best = _by_place(lines, worth, first, bits)
    if best < 0:
        return "", []
    # The page's <title> often stands in flattened text too: the headline, and the site's name behind it.
    headline = lines[best]
    for i, line in lines.items():
        if 5 <= len(line) < len(headline) and headline.startswith(line) and not bits[i] and is_like(i):
            headline, best = line, i
    same = [i for i, line in lines.items() if line == headline or (i < best and line.startswith(headline))]
    start = max(m.end() if (m := label.match(headline)) else 0 for label in (STAMP, _OLD_NAME, _TITLE_LABEL))
    shown = flat.lines[best][start:]
    if _OLD_NAME.match(headline) and headline[0] in "（(【[":
        shown = shown[:-1]
    shown = _DATED.sub("", shown)
    after = lines.get(best + 1, "")
    if after.startswith("——") and not bits[best + 1] and len(after) <= LONGEST_TITLE:
        return _printed(flat, best, best + 1), [*same, best + 1]
    return shown, same


def _by_place(lines: Mapping[int, str], worth: Mapping[int, float], first: int, bits: Sequence[int]) -> int:
    """Return the line that only its place makes the title: alone above the first paragraph; -1 where there is none.

    A headline may share no words with what it stands above. It stands below a date, or it is the text's first line and
    in two halves: 渔港等来好消息 老船长再出海.
    """
    i = first - 1
    line = lines.get(i, "")
    placed = worth.get(i - 1) == _WORTH or (i == 0 and _HALVES.match(line) is not None)
    return i if placed and len(line) >= _ALONE and not bits[i] and _BLURRED.search(line) is None else -1


def _told_by(line: str, bits: int) -> float:
    """Return what an info line is worth to a title above it: more with a clock, little as a source alone."""
    told = (
        _CLOCK.search(line) or bits & mask(("byline", "date")) or ENGLISH_DATE.search(line) or bylines.is_byline(line)
    )
    return _WORTH if told else _WORTH / 2


def _may_title(line: str, bits: int) -> bool:
    """Whether a folded line has the look of a title."""
    if not _SHORTEST_TITLE <= len(line) <= LONGEST_TITLE or "。" in line or not _CHINESE.search(line):
        return False
    if _is_other(line) or is_button_row(line) or (_CLOCK.search(line) and _says_info(line)) or bylines.is_byline(line):
        return False
    if bits and not (bits == mask(("caption",)) and _PICTURED.search(line)):
        return bits == mask(("date",)) and not _says_info(line)  # 9月26日盘中重要资讯汇总
    stamp = STAMP.match(line)
    return stamp is None or len(line) - stamp.end() >= 5


def _is_other(line: str) -> bool:
    """Whether a folded line is part of a sentence, a label, a path of links, an office, a date or clock, an address."""
    return (
        line[-1] in _OPEN_END
        or _PATH.search(line) is not None
        or (len(line) <= _LONGEST_OFFICE and line.endswith("记者"))
        or _NUMBERS.fullmatch(line) is not None
        or _ADDRESS.fullmatch(line) is not None
    )


def _says_info(line: str) -> bool:
    """Whether a folded line tells a time, or begins with a label of the source or the author."""
    if _TIME.search(line) or _CREDIT.match(line):
        return True
    return bylines.is_byline(line) or ("20" in line and ENGLISH_DATE.search(line) is not None)
