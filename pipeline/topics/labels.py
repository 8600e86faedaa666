"""Labels that come back from a tool, as rows of a corpus: with text, provenance, and the cuts of the page."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.topics.corpus import PROVENANCE, Example
from pipeline.topics.exchange import Imported, Task

__all__ = ["Labels", "rows_from", "tasks_of"]

_FROM_POOL = ("url", "published", "crawled", "integrity")
_FIELDS = ("source", "script", "region", "date", "certainty")


@dataclass(frozen=True, slots=True)
class Labels:
    """Rows for `taowen train` and `evaluate`, and what about the import a person must hear."""

    rows: tuple[dict[str, Any], ...]
    unlabelled: int
    """Articles of the file that nobody has labelled, or that were skipped."""
    problems: tuple[str, ...]
    """Labelled articles that are left out, each with the reason."""
    notes: tuple[str, ...]
    """What else there is to know."""


def rows_from(
    imported: Imported,
    topics: Sequence[str],
    *,
    tool: str,
    file: Path,
    by: str = "",
    pool: Iterable[Mapping[str, Any]] | None = None,
) -> Labels:
    """Return the labelled articles of a file as rows of a corpus.

    Each row says who labelled it, when, in which tool, why it was suggested by which model, and the file with its
    SHA-256. With the pool that the articles were suggested from, the row has the cuts of the page and the pool's text,
    and a text that was changed on the way is refused.

    Args:
        imported: what the tool's file holds.
        topics: ids that labels may have.
        tool: name of the format.
        file: where it was read from.
        by: who labelled, where the file does not say.
        pool: rows of `taowen clean`, `tag` or `run`.

    Raises:
        InputError: a label is none of the topics.
    """
    labelled = [task for task in imported.tasks if task.labels is not None]
    for task in labelled:
        if unknown := sorted(set(task.labels or ()) - set(topics)):
            raise InputError(
                f"{file}: article '{task.id}' has the label {', '.join(unknown)}; the topics are {', '.join(topics)}. "
                "Give the file with your topics by --topics."
            )
    known: dict[str, Mapping[str, Any]] = {}
    if pool is not None:
        wanted = {task.id for task in labelled}
        for row in pool:
            if str(row.get("id")) in wanted:
                known.setdefault(str(row["id"]), row)
    problems = list(imported.problems)
    digest = _digest(file)
    rows = []
    for task in labelled:
        row = known.get(task.id, {})
        if pool is not None and row.get("text") != task.text:
            problems.append(f"{task.id}: {'its text is not that of the pool' if row else 'it is not in the pool'}")
            continue
        rows.append(_row(task, row, {"tool": tool, "file": file.name, "file_sha256": digest}, by))
    unread = len(imported.tasks) - len(labelled)
    return Labels(tuple(sorted(rows, key=lambda row: str(row["id"]))), unread, tuple(problems), imported.notes)


def _row(task: Task, page: Mapping[str, Any], origin: Mapping[str, str], by: str) -> dict[str, Any]:
    meta = task.meta
    return {
        "id": task.id,
        "title": task.title,
        "text": task.text,
        "labels": list(task.labels or ()),
        "kind": "own" if meta.get("kind") == "own" else "real",
        **{name: meta.get(name, "") for name in _FIELDS},
        **({"url": meta["url"]} if "url" in meta else {}),
        **{name: page[name] for name in _FROM_POOL if page.get(name)},
        "spans": [span.as_json() for span in task.spans],
        "cuts": list(page.get("cuts") or ()),
        **{name: meta.get(name, "") for name in PROVENANCE},
        "labelled_by": meta.get("labelled_by") or by,
        **origin,
    }


def _digest(file: Path) -> str:
    """Return the SHA-256 of a file, or of the files of a folder in the order of their names."""
    digest = hashlib.sha256()
    for part in sorted(p for p in file.rglob("*") if p.is_file()) if file.is_dir() else [file]:
        digest.update(part.read_bytes())
    return digest.hexdigest()


def tasks_of(examples: Iterable[Example]) -> list[Task]:
    """Return labelled articles as tasks, to export them."""
    return [
        Task(
            e.id,
            e.title,
            e.text,
            e.labels,
            spans=e.spans,
            meta={name: value for name in (*_FIELDS, "kind") if (value := getattr(e, name))} | dict(e.provenance),
        )
        for e in examples
    ]
