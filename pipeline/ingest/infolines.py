"""Info lines: what a short line at an article says of its time, its source and its author.

One line often says several: 2025-08-15 17:26　来源：望湖有色　作者：步青　浏览：2317.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.ingest import bylines
from pipeline.ingest.dates import AGO, DATE, ENGLISH_DATE, iso_date

__all__ = ["DATE_LABEL", "SOURCE", "Info", "read_info"]

_LONGEST = 150
"""Longest line (code points) that is read for byline, source and time."""
_SAYS_TIME = re.compile(r"\d\s*[-/年月.．:：]\s*\d")
_SAYS_INFO = re.compile(
    r"来源|稿源|出处|转自|摘自|原载|作者|记者|通讯员|报[导道]|撰[文稿:：∕|｜]|文[文稿:：∕|｜]|采写|编译|执笔|外电|口述|天|前"
    r"|B(?<=\bB)[Yy]\b|b(?<=\bb)[Yy]\b|/|／"
)
"""Lines without any of these are not looked at closer. They begin with characters: see `bylines`."""
_LABELLED_DATE = re.compile(
    r"(?:(?:首次|最后|最新)?(?:发布|发表|更新|刊登|出版|上传|建立)?(?:时间|日期|于)?\s*[:：]?\s*)" + DATE.pattern
)
_FIRST_TIME = re.compile(r"(?:发布|发表|刊登|首次|出版|上传|建立|创建|发稿)\S{0,4}?\s*[:：]?\s*(?=\d)")
_CHANGED = re.compile(r"(?:更新|修改|修订|编辑)(?:时间|日期|于)?\s*[:：]?\s*$")
DATE_LABEL = re.compile(
    r"(?:发布|发表|刊登|出版|上传|发稿|更新)?(?:时间|日期)\s*[:：]|(?:发布|发表|刊登)于?\s*[:：]?\s*\d"
)
_ADDRESS = re.compile(
    r"(?:https?://)?(?:[\w-]{1,40}\.){1,5}(?:com|cn|net|org|gov|edu|hk|tw|mo|sg|info)\b[^\s\u3000]*", re.IGNORECASE
)
SOURCE = re.compile(
    r"[（(【\[]?(?:(?:新闻|文章|信息|稿件|资料|消息|本文|内容|原文)?(?:来源于?|出处)|稿源|转自|转载自|摘自|原载)\s*[:：／/]\s*"
    r"[\[【(（]?\s*(?P<name>(?:(?!作者|记者\s*[:：]|编辑|责编|责任编辑|发布时间|时间[:：]|字[号体]|浏览|阅读|点击)"
    r"[^\s|｜()（）\[\]【】]){0,30})\s*[)）\]】]?"
)
_PAPER = re.compile(
    r"(?<=[\x00\s|｜·])(?!本[报网刊社台])(?P<name>[\u3400-\u9fff]{1,8}(?:[报网社]|周刊|杂志|客户端|电视台|通讯社|(?<=新华)社))\s*$"
)
"""A paper's name behind a date with its clock, as all that follows: 2024年03月19日 07:30 某某报."""
_OTHER_INFO = re.compile(
    r"(?:浏览|阅读|点击|观看|点阅|访问|查看|评论|人气)(?:量|数|次数|时间约?)?\s*[:：]?\s*[(（]?\d[\d,.万]*[)）]?\s*(?:次|分钟)?"
    r"|(?:(?:分类|栏目|频道)\s*(?=[:：])|字[号级体](?:大小)?|编辑|责任编辑|责编|打印|分享到?)\s*[:：]?\s*[^|｜]*?"
    r"(?=\s(?:作者|记者|文|来源)\s*[:：/]|[|｜]|$)"
)
_MARKS = " \t\xa0\u3000|｜"
_BETWEEN = re.compile(r"[^\x00]+")
_CHUNK = re.compile(r"[|｜\u3000\ue000-\uf8ff]|\s{2,}")


@dataclass(frozen=True, slots=True)
class Info:
    """What a line says of its article besides telling it."""

    published: str
    source: str
    byline: str
    changed: bool = False
    """The time is that of the last change."""


def _blank(match: re.Match[str]) -> str:
    return "\x00" * len(match.group())


def read_info(text: str, key: str, crawled: str) -> Info | None:
    """Return what a short line says of time, source and author; None if it says none of these.

    Args:
        text: the line as printed.
        key: the same folded.
        crawled: the time of the crawl, for 3小時前.
    """
    if len(key) > _LONGEST or "。" in key:
        return None
    if not (_SAYS_INFO.search(key) or _SAYS_TIME.search(key) or ("20" in key and ENGLISH_DATE.search(key))):
        return None
    masked = _ADDRESS.sub(_blank, key) if "." in key else key
    published, changed = _line_date(masked, crawled)
    if published:
        masked = AGO.sub(_blank, _LABELLED_DATE.sub(_blank, masked))
        masked = ENGLISH_DATE.sub(_blank, masked) if "20" in masked else masked
    source = ""
    named = SOURCE.search(masked)
    if named is None and len(published) > len("2024-03-19"):
        named = _PAPER.search(masked)
    if named:
        source = text[named.start("name") : named.end("name")]
        masked = masked[: named.start()] + _blank(named) + masked[named.end() :]
    masked = _OTHER_INFO.sub(_blank, masked)
    if not (published or source or bylines.may_have_byline(masked)):
        return None
    span, left = _byline_among(masked, beside=bool(published or source))
    # A sentence that names a day is no date line: what is left must be less than what was understood.
    understood = len(key) - left
    if not (published or source or span) or left > max(24, understood):
        return None
    return Info(published, source, text[span[0] : span[1]] if span else "", changed)


def _line_date(key: str, crawled: str) -> tuple[str, bool]:
    """Return the time of publication that a line tells, and whether it only tells that of the last change."""
    if (first := _FIRST_TIME.search(key)) and (found := iso_date(key[first.end() :], crawled)):
        return found, False
    found = iso_date(key, crawled)
    day = DATE.search(key) if found else None
    return found, day is not None and _CHANGED.search(key[: day.start()]) is not None


def _byline_among(masked: str, *, beside: bool) -> tuple[tuple[int, int] | None, int]:
    """Return the span of the byline in what is left of an info line, and how many characters are neither.

    `beside` a date or a source a name in brackets is the author's: 2004年7月16日08:19 [ 甲 ] 来源：…
    """
    found: tuple[int, int] | None = None
    left = 0
    for part in _BETWEEN.finditer(masked):
        text, at = part.group().strip(_MARKS), part.start()
        if not text:
            continue
        # 来自甲报  记者 乙: only a piece of it may be one.
        whole = bylines.is_byline(text)
        for said in [text] if whole else [piece.strip(_MARKS) for piece in _CHUNK.split(text)]:
            at = masked.index(said, at)
            if found is None and (
                whole or bylines.is_byline(said) or (beside and bylines.signature(said) == (0, len(said)))
            ):
                found = (at, at + len(said))
            else:
                left += len(said)
            at += len(said)
    return found, left
