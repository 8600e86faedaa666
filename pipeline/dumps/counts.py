"""The books of a task, of a run so far and of a whole run: what was read, and what became of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from pipeline.article import Reject, Skip
from pipeline.ingest.sites import host

__all__ = ["Counts", "Site", "host"]

REASONS = 200
"""Different reasons kept apart in one counter: one that cites its record would else grow without bound."""
_NUMBER = re.compile("[0-9]+")
OTHER = "(other reasons)"
SITES = 1000
"""Most sites kept apart: a crawl may have millions. One more, and the smaller half is summed."""
OTHER_SITES = "(other sites)"


@dataclass(slots=True)
class Site:
    """What became of the pages of one site, in pages, cuts and characters (code points)."""

    pages: int = 0
    articles: int = 0
    characters: int = 0
    """Of the page texts."""
    kept: int = 0
    """Of them, those that stay."""
    cuts: Counter[str] = field(default_factory=Counter)
    """Number of cuts by kind."""
    cut_characters: Counter[str] = field(default_factory=Counter)
    """By kind."""
    no_article: Counter[str] = field(default_factory=Counter)
    """Pages without an article, by reason."""

    def add(self, row: Mapping[str, Any]) -> None:
        """Book one row."""
        self.pages += 1
        self.kept += len(row["text"])
        self.characters += len(row["text"])
        if row["status"] == "article":
            self.articles += 1
        else:
            _count_reason(self.no_article, row["reason"], 1)
        for cut in row["cuts"]:
            size = cut["end"] - cut["start"]
            self.characters += size
            self.cuts[cut["kind"]] += 1
            self.cut_characters[cut["kind"]] += size

    def merge(self, other: Site) -> None:
        """Add another's books to these."""
        self.pages += other.pages
        self.articles += other.articles
        self.characters += other.characters
        self.kept += other.kept
        self.cuts.update(other.cuts)
        self.cut_characters.update(other.cut_characters)
        for reason in sorted(other.no_article):
            _count_reason(self.no_article, reason, other.no_article[reason])

    def to_dict(self) -> dict[str, Any]:
        """Return the books as JSON data."""
        return {
            "pages": self.pages,
            "articles": self.articles,
            "no_article": dict(sorted(self.no_article.items())),
            "characters": self.characters,
            "kept": self.kept,
            "cuts": {kind: [self.cuts[kind], self.cut_characters[kind]] for kind in sorted(self.cuts)},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Site:
        """Return the books that `to_dict` wrote."""
        cuts, characters = (Counter({kind: both[i] for kind, both in data["cuts"].items()}) for i in (0, 1))
        reasons = Counter(data["no_article"])
        return cls(data["pages"], data["articles"], data["characters"], data["kept"], cuts, characters, reasons)


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
    cut_characters: Counter[str] = field(default_factory=Counter)
    """By kind of cut."""
    stage: Counter[str] = field(default_factory=Counter)
    """Rejects by the stage that gave up."""
    reject_reason: Counter[str] = field(default_factory=Counter)
    skip_reason: Counter[str] = field(default_factory=Counter)
    site: dict[str, Site] = field(default_factory=dict)
    """By host of the record's URL, else of the page's own, "" where there is none. Where there are more than `SITES`,
    those with the fewest pages are summed as `OTHER_SITES`; what comes of them later is kept apart again."""

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
            self.site.setdefault(host(result["url"]) or host(result["canonical_url"]), Site()).add(result)
            self._bound()
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
        for name, site in sorted(other.site.items()):
            self.site.setdefault(name, Site()).merge(site)
            self._bound()

    def _bound(self) -> None:
        """Sum the smaller half of the sites, ties by name, where there are too many."""
        if len(self.site) <= SITES:
            return
        rest = self.site.pop(OTHER_SITES, Site())
        ordered = sorted(self.site.items(), key=lambda item: (-item[1].pages, item[0]))
        for _, site in ordered[SITES // 2 :]:
            rest.merge(site)
        self.site = {**dict(ordered[: SITES // 2]), OTHER_SITES: rest}

    def total(self) -> Site:
        """Return the books of all sites in one."""
        whole = Site()
        for _, site in sorted(self.site.items()):
            whole.merge(site)
        return whole

    def balanced(self) -> bool:
        """Tell whether every record read is accounted for."""
        return (
            self.read == self.written + self.rejected + self.skipped
            and self.written
            == self.status.total()
            == self.script.total()
            == sum(site.pages for site in self.site.values())
            and self.rejected == self.stage.total() == self.reject_reason.total()
            and self.skipped == self.skip_reason.total()
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the books as JSON data, counters in the order of their keys."""
        numbers = {name: getattr(self, name) for name in _NUMBERS}
        counters = {name: dict(sorted(getattr(self, name).items())) for name in _COUNTERS}
        return numbers | counters | {"site": {name: site.to_dict() for name, site in sorted(self.site.items())}}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Counts:
        """Return the books that `to_dict` wrote."""
        values: dict[str, Any] = {name: data[name] for name in _NUMBERS}
        values |= {name: Counter(data[name]) for name in _COUNTERS}
        return cls(**values, site={name: Site.from_dict(site) for name, site in data["site"].items()})


_NUMBERS = ("read", "written", "rejected", "skipped", "bytes")
_COUNTERS = tuple(item.name for item in fields(Counts) if item.name not in (*_NUMBERS, "site"))


def _count_reason(counter: Counter[str], reason: str, number: int) -> None:
    reason = _NUMBER.sub("#", reason)  # "bad UTF-8 at byte 17" is one reason, wherever it is
    counter[reason if reason in counter or len(counter) < REASONS else OTHER] += number
