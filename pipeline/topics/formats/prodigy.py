"""Prodigy: JSON lines for the interface "choice", title and text as one.

Offsets are code points, the characters of spaCy (prodi.gy/docs/api-interfaces: "start and end character offsets").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.records import to_line
from pipeline.topics.exchange import NONE, Imported, Task, as_choices, chosen, joined, known_texts, parted, read_each
from pipeline.topics.taxonomy import Taxonomy

__all__ = ["read", "write"]


def write(tasks: Sequence[Task], taxonomy: Taxonomy) -> bytes:
    """Return JSON lines for the interface "choice"; what is suggested is chosen beforehand. Offsets are code points."""
    options = [{"id": topic.id, "text": f"{topic.id} {topic.names['zh-Hant']}"} for topic in taxonomy.topics]
    return b"".join(_line(task, [*options, {"id": NONE, "text": NONE}]) for task in tasks)


def _line(task: Task, options: Sequence[Mapping[str, str]]) -> bytes:
    text, spans = joined(task)
    row: dict[str, Any] = {
        "text": text,
        "options": list(options),
        "accept": as_choices(task.labels) if task.labels is not None else list(task.suggested),
        "spans": [{"start": start, "end": end, "label": label} for start, end, label in spans],
        "config": {"choice_style": "multiple"},
        "meta": {"id": task.id, **({"why": task.meta["why"]} if "why" in task.meta else {})},
        "taowen": {"id": task.id, "title_length": len(task.title), "meta": dict(task.meta)},
    }
    if task.labels is not None:
        row["answer"] = "accept"
    return to_line(row)


def read(path: Path) -> Imported:
    """Read what `prodigy db-out` wrote. Rows that were rejected or ignored stay without labels."""

    def tasks(row: dict[str, Any]) -> Iterator[Task]:
        text, ours = row["text"], row.get("taowen") or {}
        name = str(ours.get("id") or (row.get("meta") or {})["id"])
        spans = [(int(one["start"]), int(one["end"]), str(one["label"])) for one in row.get("spans") or []]
        title, body, found = parted(text, int(ours.get("title_length") or 0), spans, name)
        answer, values = row.get("answer"), chosen(row.get("accept") or [])
        if answer == "accept" and values is None:
            raise ValueError(f"{name}: accepted without a choice; choose '{NONE}' for none of the topics")
        meta = known_texts(ours.get("meta"))
        if answer is not None:
            meta |= known_texts({"labelled_by": row.get("_annotator_id") or row.get("_session_id")})
            if stamp := row.get("_timestamp"):
                meta["labelled_at"] = datetime.fromtimestamp(int(stamp), UTC).isoformat()
        labels = values if answer == "accept" else None
        suggested = (values or ()) if answer is None else ()
        yield Task(name, title, body, labels, suggested, found if answer in (None, "accept") else (), meta)

    return read_each(path, tasks)
