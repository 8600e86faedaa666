"""The books as tables: what was cut, by kind and by site, as JSON, as Markdown and for a terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipeline.dumps.counts import Counts, Site
from pipeline.records import visible

__all__ = ["kind_table", "site_table", "stands_out", "to_json", "to_markdown"]

_TIMES = 2.0
_MORE = 0.05
"""What stands out has this many times the share that it has on the other sites, and is this much over it."""
_NAMED = 3
"""What stands out of one site, at most this many, the farthest out first."""
_WIDEST = 40
"""Columns of a site's name on a terminal."""
_NO_URL = "(no url)"
_SIGNS = re.compile(r"[\\`*\[\]<>|~&$]|(?<!\w)_|_(?!\w)")
"""What Markdown takes for more than itself inside a line."""


def stands_out(site: Site, whole: Site) -> list[tuple[str, float, float]]:
    """Return kinds of cut that have far more of a site's characters than of the other sites', with both shares.

    `no_article` among them is the share of pages without an article. What a site lacks is not told.
    """
    found = []
    others, other_pages = whole.characters - site.characters, whole.pages - site.pages
    if others and other_pages:
        for kind, characters in site.cut_characters.items():
            rest = whole.cut_characters[kind] - characters
            found.append((kind, characters / site.characters, rest / others))
        without = site.pages - site.articles
        found.append(("no_article", without / site.pages, (whole.pages - whole.articles - without) / other_pages))
    far = [one for one in found if one[1] >= _TIMES * one[2] and one[1] - one[2] >= _MORE]
    return sorted(far, key=lambda one: (one[2] - one[1], one[0]))[:_NAMED]


def _ordered(counts: Counts) -> list[tuple[str, Site]]:
    """The largest site first, ties by name."""
    return sorted(counts.site.items(), key=lambda item: (-item[1].pages, item[0]))


def _share(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _told(site: Site) -> dict[str, Any]:
    cuts = {
        kind: {"cuts": site.cuts[kind], "characters": size, "share": _share(size, site.characters)}
        for kind, size in _most(site.cut_characters)
    }
    return site.to_dict() | {"share_kept": _share(site.kept, site.characters), "cuts": cuts}


def _most(numbers: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(numbers.items(), key=lambda item: (-item[1], item[0]))


def to_json(counts: Counts, versions: Mapping[str, str]) -> dict[str, Any]:
    """Return the report as JSON data: the whole run, then the sites by number of pages, "" being pages without URL."""
    whole = counts.total()
    books = {name: getattr(counts, name) for name in ("read", "written", "rejected", "skipped")}
    sites = [
        {"site": name, **_told(site)}
        | {
            "stands_out": [
                {"what": what, "share": round(share, 4), "others": round(rest, 4)}
                for what, share, rest in stands_out(site, whole)
            ]
        }
        for name, site in _ordered(counts)
    ]
    reasons = dict(_most(counts.reject_reason))
    return books | {"reject_reason": reasons, "all": _told(whole), "sites": sites, "versions": dict(versions)}


def _row(name: str, site: Site, whole: Site) -> list[str]:
    told = ", ".join(f"{what} {share:.0%} (others {rest:.0%})" for what, share, rest in stands_out(site, whole))
    numbers = (f"{n:,}" for n in (site.pages, site.articles, site.characters))
    return [name, *numbers, f"{_share(site.kept, site.characters):.0%}", told]


_HEAD = ["site", "pages", "articles", "characters", "kept", "stands out"]


def site_table(counts: Counts, most: int = 10) -> list[str]:
    """Return lines for a terminal: the whole run, and at most so many sites. Names are shown, never obeyed."""
    whole, ordered = counts.total(), _ordered(counts)
    rows = [_HEAD, _row("all", whole, whole)]
    for name, site in ordered[:most]:
        name = visible(name, breaks=False) or _NO_URL
        rows.append(_row(name if len(name) <= _WIDEST else f"{name[: _WIDEST - 1]}…", site, whole))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(row[i].rjust(widths[i]) for i in range(1, 5)), row[5]]
        lines.append("  ".join(cells).rstrip())
    left = len(ordered) - most
    return [*lines, f"and {left} more site{'s' if left > 1 else ''}"] if left > 0 else lines


def kind_table(counts: Counts) -> list[str]:
    """Return lines for a terminal: every kind of cut with its number of cuts, its characters and their share."""
    whole = counts.total()
    rows = [["kind", "cuts", "characters", "share"], *_kinds(whole)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join([r[0].ljust(widths[0]), *(r[i].rjust(widths[i]) for i in (1, 2, 3))]) for r in rows]


def _kinds(whole: Site) -> list[list[str]]:
    return [
        [kind, f"{whole.cuts[kind]:,}", f"{size:,}", f"{_share(size, whole.characters):.1%}"]
        for kind, size in _most(whole.cut_characters)
    ]


def to_markdown(counts: Counts) -> str:
    """Return the report as Markdown: what comes from pages stands there as text, whatever it says."""
    whole = counts.total()
    books = f"read {counts.read} = written {counts.written} + rejected {counts.rejected} + skipped {counts.skipped}"
    sites = [_row(name or _NO_URL, site, whole) for name, site in _ordered(counts)]
    reasons = [[reason, f"{pages:,}"] for reason, pages in _most(whole.no_article)]
    rejects = [[reason, f"{number:,}"] for reason, number in _most(counts.reject_reason)]
    lines = ["# What taowen cut", "", books, "", "## By site", ""]
    lines += _pipes(_HEAD, [_row("all", whole, whole), *sites])
    lines += ["", "## By kind", "", *_pipes(["kind", "cuts", "characters", "share"], _kinds(whole))]
    if reasons:
        lines += ["", "## Pages without an article", "", *_pipes(["reason", "pages"], reasons)]
    if rejects:
        lines += ["", "## Rejects", "", *_pipes(["reason", "records"], rejects)]
    return "\n".join(lines) + "\n"


def _pipes(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    def line(cells: Iterable[str]) -> str:
        return f"| {' | '.join(_SIGNS.sub(_escaped, visible(cell, breaks=False)) for cell in cells)} |"

    return [line(head), f"|{' --- |' * len(head)}", *map(line, rows)]


def _escaped(sign: re.Match[str]) -> str:
    return "\\" + sign[0]
