"""The report on a run: what was cut by kind and site, why pages have no article, and pages worth a look."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pipeline.article import Cut
from pipeline.dumps.manifest import told
from pipeline.dumps.shards import rows_of
from pipeline.dumps.status import Status, status
from pipeline.dumps.tables import to_json
from pipeline.folders import Where, folder_of
from pipeline.places import is_address
from pipeline.report.articles import Mark, shown_article
from pipeline.report.charts import bar
from pipeline.report.html import Html, element, figure, page, pointer, table, together

__all__ = ["dump_page", "dump_sections"]

_SITES = 50
"""Sites in the table; the rest is counted."""
_MATRIX = (20, 8)
"""Sites and kinds of the table of both: the largest."""
_SHOWN = 5
"""Pages shown of each kind that is worth a look."""

Section = tuple[str, str, Html]


def dump_page(folder: Where, more: list[Section] | None = None) -> bytes:
    """Return the report on a run as one HTML file; its figures are those of the run's own report.

    Args:
        folder: of the run, at a path or an address; safe while it works.
        more: sections to stand behind those of the run.

    Raises:
        UsageError: it is no run's folder.
    """
    name = str(folder) if is_address(str(folder)) else Path(str(folder)).resolve().name
    return page(f"taowen: how the run “{name}” went", [*dump_sections(folder), *(more or [])])


def dump_sections(folder: Where) -> list[Section]:
    """Return the sections on a run."""
    found = status(folder)
    data = found.to_dict() | {"cleaning": to_json(found.counts, found.versions)}
    return [
        ("run", "The run", _run(found, data)),
        ("cuts", "What was cut", _cuts(data["cleaning"])),
        ("sites", "By site", together(_sites(data["cleaning"]), _sites_and_kinds(data["cleaning"]))),
        ("none", "Pages without an article, rejects", _reasons(data)),
        ("look", "Pages worth a look", _look(folder)),
    ]


def _run(found: Status, data: Mapping[str, Any]) -> Html:
    state = "finished" if found.complete else "not finished: the command that began it goes on"
    if found.sample:
        state = f"a sample of about {found.sample} records, {state}"
    books = [
        together(f"{sign} " if sign else "", name, " ", figure(data[name], name, "{:,}"), " ")
        for sign, name in (("", "read"), ("=", "written"), ("+", "rejected"), ("+", "skipped"))
    ]
    parts: list[Html | str] = [
        element("p", f"{state}, {found.done} of {found.tasks} tasks."),
        element("p", *books),
    ]
    tables = []
    for name in ("status", "script", "topic"):
        numbers = data[name]
        if numbers:
            rows: list[list[Html | str]] = [
                [key or "(none)", figure(count, pointer(name, key), "{:,}"), _share(count, data["written"])]
                for key, count in sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
            ]
            tables.append(table([name, "pages", "share"], rows))
    parts.append(element("div", *tables, class_="row"))
    if found.failed:
        failed = "; ".join(f"{one.task}: {one.reason}" for one in found.failed)
        parts.append(element("p", f"Failed tasks: {failed}"))
    versions = ", ".join(f"{name} {value}" for name, value in data["versions"].items())
    options = ", ".join(f"{name} {told(value)}" for name, value in data["options"].items())
    return together(*parts, element("p", f"{versions}; {options}", class_="note"))


def _share(part: int, of: int) -> Html:
    share = part / of if of else 0.0
    return together(f"{share:.1%} ", bar(share))


def _cuts(cleaning: Mapping[str, Any]) -> Html:
    whole = cleaning["all"]
    kept = together(
        "Of ",
        figure(whole["characters"], "cleaning/all/characters", "{:,}"),
        " characters ",
        figure(whole["kept"], "cleaning/all/kept", "{:,}"),
        " stay (",
        figure(whole["share_kept"], "cleaning/all/share_kept", "{:.1%}"),
        ").",
    )
    rows: list[list[Html | str]] = []
    for kind, numbers in whole["cuts"].items():
        path = f"cleaning/all/cuts/{kind}"
        rows.append(
            [
                kind,
                figure(numbers["cuts"], f"{path}/cuts", "{:,}"),
                figure(numbers["characters"], f"{path}/characters", "{:,}"),
                together(figure(numbers["share"], f"{path}/share", "{:.1%}"), " ", bar(numbers["share"])),
            ]
        )
    return together(element("p", kept), table(["kind", "cuts", "characters", "share"], rows))


def _sites(cleaning: Mapping[str, Any]) -> Html:
    rows: list[list[Html | str]] = []
    for n, site in enumerate(cleaning["sites"][:_SITES]):
        path = f"cleaning/sites/{n}"
        out = ", ".join(f"{one['what']} {one['share']:.0%} (others {one['others']:.0%})" for one in site["stands_out"])
        rows.append(
            [
                site["site"] or "(no url)",
                figure(site["pages"], f"{path}/pages", "{:,}"),
                figure(site["articles"], f"{path}/articles", "{:,}"),
                figure(site["characters"], f"{path}/characters", "{:,}"),
                together(figure(site["share_kept"], f"{path}/share_kept", "{:.0%}"), " ", bar(site["share_kept"])),
                out,
            ]
        )
    left = len(cleaning["sites"]) - _SITES
    more = element("p", f"and {left} more sites", class_="note") if left > 0 else ""
    return together(
        table(["site", "pages", "articles", "characters", "kept", "stands out"], rows, left=(0, 5), spare=(2, 3)), more
    )


def _sites_and_kinds(cleaning: Mapping[str, Any]) -> Html:
    """Return the cut characters of the largest sites by the largest kinds, each kind with a column."""
    sites, most = _MATRIX
    kinds = list(cleaning["all"]["cuts"])[:most]
    rows: list[list[Html | str]] = []
    for n, site in enumerate(cleaning["sites"][:sites]):
        cells: list[Html | str] = [site["site"] or "(no url)"]
        for kind in kinds:
            cut = site["cuts"].get(kind)
            steps = ("cleaning", "sites", str(n), "cuts", kind, "characters")
            cells.append(figure(cut["characters"], pointer(*steps), "{:,}") if cut else "0")
        rows.append(cells)
    left = max(0, len(cleaning["sites"]) - sites), max(0, len(cleaning["all"]["cuts"]) - most)
    more = f"Left out: {left[0]} sites, {left[1]} kinds." if any(left) else ""
    return together(
        element("h3", "Cut characters by site and kind"),
        table(["site", *kinds], rows),
        element("p", more, class_="note") if more else "",
    )


def _reasons(data: Mapping[str, Any]) -> Html:
    parts: list[Html | str] = []
    for heading, steps, numbers in (
        ("Pages without an article", ("cleaning", "all", "no_article"), data["cleaning"]["all"]["no_article"]),
        ("Rejects", ("reject_reason",), data["reject_reason"]),
        ("Skipped: records that are no page", ("skip_reason",), data["skip_reason"]),
    ):
        ordered = sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
        rows: list[list[Html | str]] = [
            [reason, figure(count, pointer(*steps, reason), "{:,}")] for reason, count in ordered
        ]
        parts += [element("h3", heading), table(["reason", "records"], rows) if rows else element("p", "None.")]
    return together(*parts)


def _look(folder: Where) -> Html:
    """Show the least sure articles, those of which most was cut, and the longest pages that are said to have none.

    From one pass over the parts.
    """
    doubtful: list[tuple[float, int, dict[str, Any]]] = []
    shorn: list[tuple[float, int, dict[str, Any]]] = []
    refused: list[tuple[float, int, dict[str, Any]]] = []
    for number, row in enumerate(_rows(folder)):
        cut = sum(c["end"] - c["start"] for c in row["cuts"])
        size = cut + len(row["text"])
        if row["status"] == "article":
            found = [(doubtful, 1 - row["integrity"]), (shorn, cut / max(1, size))]
        else:
            found = [(refused, float(size))]
        for heap, key in found:
            if key > 0:
                heapq.heappush(heap, (key, -number, row))
                if len(heap) > _SHOWN:
                    heapq.heappop(heap)
    parts: list[Html | str] = [
        element(
            "p", "Cuts are struck through, with kind and reason; evidence is marked, with its topic.", class_="note"
        )
    ]
    for heading, heap, why in (
        ("Least sure", doubtful, "{:.1%} of the kept text is in doubt"),
        ("Most was cut", shorn, "{:.1%} of the page was cut"),
        ("No article", refused, "{:,.0f} characters, and no article"),
    ):
        parts.append(element("h3", heading))
        if not heap:
            parts.append(element("p", "No page."))
        for key, _, row in sorted(heap, key=lambda one: (-one[0], -one[1])):
            marks = [Mark(e["field"], e["start"], e["end"], t["id"]) for t in row["topics"] for e in t["evidence"]]
            topics = ", ".join(f"{t['id']} {t['score']:.2f}" for t in row["topics"]) or row["reason"] or "no topic"
            facts = [" · ".join(filter(None, (row["url"], row["input"], row["published"]))), topics]
            cuts = [Cut(**cut) for cut in row["cuts"]]
            title = f"{row['id']}: {why.format(key)}"
            parts.append(shown_article(title, row["title"], row["text"], cuts, marks, facts, row["script"]))
    return together(*parts)


def _rows(folder: Where) -> Iterator[dict[str, Any]]:
    """Yield the rows of the parts in their order."""
    there = folder_of(folder)
    for name in there.sizes("parts"):
        if name.endswith((".parquet", ".jsonl")) and not name.startswith("."):
            yield from rows_of(there, f"parts/{name}")
