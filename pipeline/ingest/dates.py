"""Dates as pages write them, in ISO 8601. The clock is never read: "3小時前" counts from the crawl time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

__all__ = ["AGO", "DATE", "STAMP", "iso_date", "url_date"]

DATE = re.compile(
    r"(?:(?P<roc>民国)\s*)?(?<!\d)(?P<y>\d{2,4})\s*[-/年.．]\s*(?P<m>\d{1,2})\s*[-/月.．]\s*(?P<d>\d{1,2})(?!\d)\s*[日号]?"
    r"(?:[T\s,，|｜·•]{0,4}(?:\S{0,2}(?:星期|周)[一二三四五六日天]\S?\s*|HKT\s*)?(?P<half>上午|下午|早上|晚上|凌晨|中午)?\s*"
    r"(?P<H>\d{1,2})\s*[:：时]\s*(?P<M>\d{2})(?:\s*[:：分]\s*(?P<S>\d{2}))?(?:\.\d+)?\s*(?P<ampm>[AaPp][Mm])?"
    r"\s*(?P<tz>Z|[+-]\d{2}:?\d{2})?)?"
)
_TIME_FIRST = re.compile(
    r"^(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2}))?\s+(?P<y>\d{4})[-/年.](?P<m>\d{1,2})[-/月.](?P<d>\d{1,2})"
)
STAMP = re.compile(r"^\s*(?:date|日期|时间)?\s*[:：]?\s*" + DATE.pattern + r"\s+", re.IGNORECASE)
"""A date put before a line by whoever flattened the page: " date 2025-12-09 " and then the first words."""
AGO = re.compile(
    r"(?P<n>\d{1,3})\s*个?(?P<unit>分钟|小时|天|日|周)\s*之?前|(?P<day>昨天|前天|今天)\s*(?P<H>\d{1,2})[:：](?P<M>\d{2})"
)
_URL_DATE = re.compile(r"(?<!\d)(20\d{2})[-/_]?(0[1-9]|1[0-2])[-/_]?(0[1-9]|[12]\d|3[01])(?!\d)")


def iso_date(text: str, crawled: str = "") -> str:
    """Return the first date of `text` (folded) as ISO 8601, as exact as it says, or "".

    Reads 2025年4月3日 08:15, 2025-04-03T08:15:00+08:00, 20:51 2023/03/31, 民國114年4月3日, and, against the crawl
    time, 3小時前 and 昨天 18:40. The offset is given only where the text, or the crawl time, gives one.
    """
    first = _TIME_FIRST.search(text)
    for match in (first,) if first else DATE.finditer(text):
        parts = {name: value or "" for name, value in match.groupdict().items()}
        year = int(parts["y"])
        if parts.get("roc") or (100 <= year < 200 and "年" in match.group()):
            year += 1911
        elif year < 100:
            year += 2000 if year < 70 else 1900
        try:
            day = date(year, int(parts["m"]), int(parts["d"]))
        except ValueError:
            continue
        if 1980 <= year <= 2100:
            return f"{day.isoformat()}{_clock(parts)}"
    ago = AGO.search(text)
    return _before(ago, crawled) if ago and crawled else ""


def _clock(parts: Mapping[str, str]) -> str:
    """Return "T08:15", with seconds and offset where they are given; "" where there is no time of day."""
    if not parts["H"]:
        return ""
    hour, half, am_pm = int(parts["H"]), parts.get("half", ""), parts.get("ampm", "").lower()
    if hour == 12 and (half in ("上午", "早上", "凌晨") or am_pm == "am"):
        hour = 0
    elif hour < 12 and (half in ("下午", "晚上") or am_pm == "pm" or (half == "中午" and hour < 3)):
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


def _before(ago: re.Match[str], crawled: str) -> str:
    try:
        now = datetime.fromisoformat(crawled.replace("Z", "+00:00"))
        if ago["day"]:
            then = now - timedelta(days={"今天": 0, "昨天": 1, "前天": 2}[ago["day"]])
            then = then.replace(hour=int(ago["H"]), minute=int(ago["M"]), second=0, microsecond=0)
            return then.isoformat(timespec="minutes")
        unit = {"分钟": "minutes", "小时": "hours", "天": "days", "日": "days", "周": "weeks"}[ago["unit"]]
        timed = len(crawled) > len("2026-02-03")
        if unit in ("minutes", "hours") and not timed:
            return ""  # hours before an unknown hour: it may be the day before
        then = now - timedelta(**{unit: int(ago["n"])})
    except (ValueError, OverflowError):
        return ""
    return then.isoformat(timespec="minutes") if unit in ("minutes", "hours") else then.date().isoformat()


def url_date(url: str) -> str:
    """Return the date in an address such as http://news.example/2024/05/06/1 or /20240506-, or ""."""
    match = _URL_DATE.search(re.split(r"[?#]", url, maxsplit=1)[0])
    return "-".join(match.groups()) if match else ""
