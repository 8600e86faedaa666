"""Dates as pages write them, in ISO 8601. The clock is never read: "3小時前" counts from the crawl time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

__all__ = ["AGO", "CLOCK_LINE", "DATE", "ENGLISH_DATE", "STAMP", "iso_date", "same_instant", "url_date"]

_HALF = "上午|下午|早上|清晨|晚上|晚间|傍晚|凌晨|中午|[AaPp][Mm]"
_CLOCK = (
    rf"(?:[T\s,，|｜·•–—-]{{0,4}}(?:\S{{0,2}}(?:星期|周)[一二三四五六日天]\S?\s*|HKT\s*)?(?P<half>{_HALF})?\s*"
    r"(?P<H>\d{1,2})\s*[:：时]\s*(?P<M>\d{2})(?:\s*[:：分]\s*(?P<S>\d{2}))?(?:\.\d+)?\s*(?P<ampm>[AaPp][Mm])?"
    r"\s*(?P<tz>Z|[+-]\d{2}:?\d{2})?)?"
)
DATE = re.compile(
    r"(?:(?P<roc>民国)\s*)?(?<!\d)(?P<y>\d{2,4})(?:\s*[-/年.．]\s*|(?<=20\d\d)\s(?=\d\d/\d\d\b))"
    r"(?P<m>\d{1,2})\s*[-/月.．]\s*(?P<d>\d{1,2})(?!\d)\s*[日号]?" + _CLOCK
)
_TIME_FIRST = re.compile(
    r"(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2}))?\s+(?P<y>\d{4})[-/年.](?P<m>\d{1,2})[-/月.](?P<d>\d{1,2})"
)
_YEAR_LAST = re.compile(r"(?<!\d)(?P<d>\d{1,2})[-/.](?P<m>\d{1,2})[-/.](?P<y>(?:19|20)\d{2})(?!\d)" + _CLOCK)
"""06/02/2022 - 13:48. The day comes first, as in Hong Kong, Singapore, France and Australia, unless it cannot."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?P<month>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?"
    r"|Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
)
ENGLISH_DATE = re.compile(
    rf"{_MONTH}\s{{1,2}}(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?:,\s?|\s(?P<T>\d\d:\d\d:\d\d\s)?)(?P<y>20\d\d)(?!\d)"
    r"(?:,?\s(?:at\s)?(?P<C>\d{1,2}:\d\d\s?(?:[AaPp][Mm])?))?"
    rf"|(?P<d2>\d{{1,2}})\s{_MONTH.replace('month', 'month2')}\s(?P<y2>20\d\d)(?!\d)"
    r"(?:,?\s(?P<C2>\d{1,2}:\d\d))?"
    r"|(?P<month3>\d{1,2})月\s(?P<d3>\d{1,2}),\s(?P<y3>20\d\d)(?!\d)"
)
"""March 19, 2024; Mar 19 12:30:11 2024; 19 March 2024, 12:30; 3月 19, 2024."""
_ENGLISH_CLOCK = re.compile(r"(?P<H>\d{1,2}):(?P<M>\d\d)(?::(?P<S>\d\d))?\s?(?P<ampm>[AaPp][Mm])?")
_NO_YEAR = re.compile(
    r"(?<![\d年./-])(?P<m>\d{1,2})(?:-|/|月)(?P<d>\d{1,2})日?\s{0,3}(?P<H>(?<=[\s日])\d{1,2}|(?<=\d\d)\d{2})[:：](?P<M>\d{2})(?!\d)"
)
"""10-08 12:00 on a page of this year or the last; the blank is lost in 10-0812:00."""
STAMP = re.compile(r"^\s*(?:date|日期|时间)?\s*[:：]?\s*" + DATE.pattern + r"\s+", re.IGNORECASE)
"""A date put before a line by whoever flattened the page: " date 2025-12-09 " and then the first words."""
AGO = re.compile(
    r"(?P<n>\d{1,3})\s*个?(?P<unit>分钟|小时|天|日|周)\s*之?前"
    r"|(?P<day>昨天|前天|今天)\s*(?:(?P<H>\d{1,2})[:：](?P<M>\d{2})|(?=[\s|｜]*$)(?<=^..))"
)
"""3小时前, 昨天 18:40, and 昨天 as all that a line says."""
CLOCK_LINE = re.compile(r"[^\w]{0,2}\d{1,2}[:：]\d{2}(?:[:：]\d{2})?[^\w]{0,2}")
_PARTS = re.compile(r"\d\s*[-/年.．]\s*\d")
"""Two parts of a date. Without any there is none but one told from the crawl."""
_URL_DATE = re.compile(
    r"(?<!\d)(20\d{2})[-/_]?(0[1-9]|1[0-2])[-/_]?(0[1-9]|[12]\d|3[01])(?!\d)"
    r"|(?<!\d)(20\d{2})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d[0-5]\d(?!\d)"
)


def iso_date(text: str, crawled: str = "") -> str:
    """Return the first date of `text` (folded) as ISO 8601, as exact as it says, or "".

    Reads 2025年4月3日 08:15, 2025-04-03T08:15:00+08:00, 20:51 2023/03/31, 03/04/2025, 民國114年4月3日, and, against the
    crawl time, 3小時前, 昨天 18:40 and 04-03 08:15. The offset is given only where the text, or the crawl time, gives
    one.
    """
    found = _full_date(text) if _PARTS.search(text) else ""
    found = found or _english_date(text)
    return found or (_relative(text, crawled) if crawled else "")


def _full_date(text: str) -> str:
    """Return the first date with its year, or ""."""
    first = _TIME_FIRST.match(text)
    for match in [first] if first else DATE.finditer(text):
        parts = {name: value or "" for name, value in match.groupdict().items()}
        year = int(parts["y"])
        if parts.get("roc") or (100 <= year < 200 and "年" in match.group()):
            year += 1911
        elif year < 100:
            year += 2000 if year < 70 else 1900
        if found := _day(year, int(parts["m"]), int(parts["d"])):
            return f"{found}{_clock(parts)}"
    if last := _YEAR_LAST.search(text):
        parts = {name: value or "" for name, value in last.groupdict().items()}
        year, month, day = int(parts["y"]), int(parts["m"]), int(parts["d"])
        if found := _day(year, month, day) or _day(year, day, month):
            return f"{found}{_clock(parts)}"
    return ""


def _english_date(text: str) -> str:
    """Return the first date with an English month, or ""."""
    match = ENGLISH_DATE.search(text) if "20" in text else None
    if match is None:
        return ""
    month, day, year = (match[name] or match[f"{name}2"] or match[f"{name}3"] for name in ("month", "d", "y"))
    found = _day(int(year), int(match["month3"] or 0) or _MONTHS.index(month[:3].lower()) + 1, int(day))
    clock = _ENGLISH_CLOCK.match(match["T"] or match["C"] or match["C2"] or "")
    return f"{found}{_clock(clock.groupdict(default=''))}" if found and clock else found


def _day(year: int, month: int, day: int) -> str:
    """Return the date, or "" where there is no such day or nobody published on the web."""
    try:
        found = date(year, month, day)
    except ValueError:
        return ""
    return found.isoformat() if 1980 <= year <= 2100 else ""


def _clock(parts: Mapping[str, str]) -> str:
    """Return "T08:15", with seconds and offset where they are given; "" where there is no time of day."""
    if not parts["H"]:
        return ""
    hour, half = int(parts["H"]), (parts.get("half", "") or parts.get("ampm", "")).lower()
    if hour == 12 and half in ("上午", "早上", "凌晨", "am"):
        hour = 0
    elif hour < 12 and (half in ("下午", "晚上", "晚间", "傍晚", "pm") or (half == "中午" and hour < 3)):
        hour += 12
    try:
        clock = time(hour, int(parts["M"]), int(parts["S"] or 0))
    except ValueError:
        return ""
    told = clock.isoformat(timespec="seconds" if parts["S"] else "minutes")
    zone = parts.get("tz", "").replace(":", "")
    if zone == "Z":
        zone = "+0000"
    # No place is farther from Greenwich than fourteen hours.
    known = bool(zone) and int(zone[1:3]) <= 14 and int(zone[3:]) < 60
    return f"T{told}{zone[:3]}:{zone[3:]}" if known else f"T{told}"


def _relative(text: str, crawled: str) -> str:
    """Return the date that `text` tells from the time of the crawl, or ""."""
    ago, no_year = AGO.search(text), _NO_YEAR.search(text)
    try:
        now = datetime.fromisoformat(crawled.replace("Z", "+00:00"))
        return _before(ago, now, timed=len(crawled) > len("2026-02-03")) if ago else _this_year(no_year, now)
    except (ValueError, OverflowError):
        return ""


def _before(ago: re.Match[str], now: datetime, *, timed: bool) -> str:
    if ago["day"]:
        then = now - timedelta(days={"今天": 0, "昨天": 1, "前天": 2}[ago["day"]])
        if not ago["H"]:
            return then.date().isoformat()
        then = then.replace(hour=int(ago["H"]), minute=int(ago["M"]), second=0, microsecond=0)
        return then.isoformat(timespec="minutes")
    unit = {"分钟": "minutes", "小时": "hours", "天": "days", "日": "days", "周": "weeks"}[ago["unit"]]
    if unit in ("minutes", "hours") and not timed:
        return ""  # hours before an unknown hour: it may be the day before
    then = now - timedelta(**{unit: int(ago["n"])})
    return then.isoformat(timespec="minutes") if unit in ("minutes", "hours") else then.date().isoformat()


def _this_year(match: re.Match[str] | None, now: datetime) -> str:
    """Return the last such day before the crawl."""
    if match is None:
        return ""
    month, day, hour, minute = (int(match[name]) for name in ("m", "d", "H", "M"))
    then = now.replace(month=month, day=day, hour=hour, minute=minute, second=0, microsecond=0)
    if then > now + timedelta(days=1):  # the page's clock may be ahead of ours
        then = then.replace(year=then.year - 1)
    return then.isoformat(timespec="minutes")


def same_instant(one: str, other: str) -> bool:
    """Whether two ISO times of one day may be one instant: only one of them says its offset, or both the same clock."""
    if one[11:16] == other[11:16]:
        return True
    offset = [len(told) > 16 and (told[-6] in "+-") for told in (one, other)]
    return any(offset) and one[14:16] == other[14:16]


def url_date(url: str) -> str:
    """Return the date in an address such as http://news.example/2024/05/06/1, /20240506- or /t20240506_, or ""."""
    for match in _URL_DATE.finditer(re.split(r"[?#]", url, maxsplit=1)[0]):
        year, month, day = (int(part) for part in match.groups() if part)
        if found := _day(year, month, day):
            return found
    return ""
