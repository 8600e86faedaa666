"""The books of a task, of a run so far and of a whole run: what was read, and what became of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from pipeline.article import Reject, Skip

__all__ = ["Counts", "host"]

REASONS = 200
"""Different reasons kept apart in one counter: one that cites its record would else grow without bound."""
_NUMBER = re.compile("[0-9]+")
OTHER = "(other reasons)"


@dataclass(slots=True)
class Counts:
    """Numbers of records, but for `cut_characters` (code points) and `bytes` (of input, as stored)."""

    read: int = 0
    written: int = 0
    rejected: int = 0
    skipped: int = 0
    bytes: int = 0
    status: Counter[str] = field(default_factory=Counter)
    script: Counter[str] = field(default_factory=Counter)
    topic: Counter[str] = field(default_factory=Counter)
    site: Counter[str] = field(default_factory=Counter)
    """By host of the record's URL, "" where there is none."""
    cut_characters: Counter[str] = field(default_factory=Counter)
    """By kind of cut."""
    stage: Counter[str] = field(default_factory=Counter)
    """Rejects by the stage that gave up."""
    reject_reason: Counter[str] = field(default_factory=Counter)
    skip_reason: Counter[str] = field(default_factory=Counter)

    def add(self, result: Mapping[str, Any] | Reject | Skip) -> None:
        """Book one record."""
        self.read += 1
        if isinstance(result, Reject):
            self.rejected += 1
            self.stage[result.stage] += 1
            _count_reason(self.reject_reason, f"{result.stage}: {result.reason}", 1)
        elif isinstance(result, Skip):
            self.skipped += 1
            _count_reason(self.skip_reason, result.reason, 1)
        else:
            self.written += 1
            self.status[result["status"]] += 1
            self.script[result["script"]] += 1
            self.site[host(result["url"] or result["canonical_url"])] += 1
            for topic in result["topics"]:
                self.topic[topic["id"]] += 1
            for cut in result["cuts"]:
                self.cut_characters[cut["kind"]] += cut["end"] - cut["start"]

    def merge(self, other: Counts) -> None:
        """Add another's books to these."""
        for name in _NUMBERS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in _COUNTERS:
            mine, its = getattr(self, name), getattr(other, name)
            if name.endswith("_reason"):
                for reason in sorted(its):
                    _count_reason(mine, reason, its[reason])
            else:
                mine.update(its)

    def balanced(self) -> bool:
        """Tell whether every record read is accounted for."""
        return (
            self.read == self.written + self.rejected + self.skipped
            and self.written == self.status.total() == self.script.total() == self.site.total()
            and self.rejected == self.stage.total() == self.reject_reason.total()
            and self.skipped == self.skip_reason.total()
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the books as JSON data, counters in the order of their keys."""
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        return numbers | {name: dict(sorted(getattr(self, name).items())) for name in _COUNTERS}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Counts:
        """Return the books that `to_dict` wrote."""
        values: dict[str, Any] = {name: data[name] for name in _NUMBERS}
        values |= {name: Counter(data[name]) for name in _COUNTERS}
        return cls(**values)


_NUMBERS = ("read", "written", "rejected", "skipped", "bytes")
_COUNTERS = tuple(item.name for item in fields(Counts) if item.name not in _NUMBERS)


def _count_reason(counter: Counter[str], reason: str, number: int) -> None:
    reason = _NUMBER.sub("#", reason)  # "bad UTF-8 at byte 17" is one reason, wherever it is
    counter[reason if reason in counter or len(counter) < REASONS else OTHER] += number


def host(url: str) -> str:
    """Return the host of a URL in lower case, "" where there is none or the URL is broken."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # such as an unclosed IPv6 bracket
        return ""
