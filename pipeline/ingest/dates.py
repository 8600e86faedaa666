"""Dates as pages write them, in ISO 8601. The clock is never read: "3小時前" counts from the crawl time."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

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
    time, 3小時前 and 昨天 18:40. The offset is given only where the text gives one.
    """
    first = _TIME_FIRST.search(text)
    for match in (first,) if first else DATE.finditer(text):
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
    ago = AGO.search(text)
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


def url_date(path: str) -> str:
    """Return the date in the path of an address such as /2024/05/06/ or /20240506-, or ""."""
    match = _URL_DATE.search(path)
    return "-".join(match.groups()) if match else ""
