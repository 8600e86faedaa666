"""JSON lines, for labelling by hand in an editor. Offsets are code points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pipeline.records import to_line
from pipeline.topics.exchange import Imported, Task, json_list, known_texts, read_each, spans_of
from pipeline.topics.taxonomy import Taxonomy

__all__ = ["read", "write", "write_list"]

_OUR_KEYS = ("id", "title", "text", "labels", "suggested", "spans", "cuts")


def write(tasks: Sequence[Task], taxonomy: Taxonomy) -> bytes:
    """Return JSON lines: `labels` is null until somebody writes a list there, [] for none of the topics."""
    return b"".join(map(to_line, map(_row, tasks)))


def write_list(tasks: Sequence[Task], taxonomy: Taxonomy) -> bytes:
    """Return the same rows as a JSON list. `read` takes either; a folder of labels is looked through for lines only."""
    return json_list(map(_row, tasks))


def _row(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "title": task.title,
        "text": task.text,
        "labels": None if task.labels is None else list(task.labels),
        "suggested": list(task.suggested),
        "spans": [span.as_json() for span in task.spans],
        **task.meta,
    }


def read(path: Path) -> Imported:
    """Read what `write` or `write_list` wrote, or rows of a corpus."""

    def tasks(row: dict[str, Any]) -> Iterator[Task]:
        labels = row.get("labels")
        if labels is not None and not (isinstance(labels, list) and all(isinstance(one, str) for one in labels)):
            raise ValueError(f"'labels' must be a list of topic ids, [] for none, null for not yet; it is {labels!r}")
        yield Task(
            str(row["id"]),
            str(row.get("title") or ""),
            row["text"],
            None if labels is None else tuple(sorted(set(labels))),
            tuple(row.get("suggested") or ()),
            spans_of(row.get("spans")),
            known_texts(
                {key: value for key, value in row.items() if key not in _OUR_KEYS and not isinstance(value, bool)}
            ),
        )

    return read_each(path, tasks)
