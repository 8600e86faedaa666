"""doccano: JSON lines there and back, title and text as one.

Offsets are UTF-16 units, as its page counts (doccano/doccano issues 2290 and 2484), in projects that do not count
grapheme clusters.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.records import to_line
from pipeline.topics.exchange import Imported, Task, Utf16, as_choices, chosen, joined, known_texts, parted, read_each
from pipeline.topics.taxonomy import Taxonomy

__all__ = ["read", "write"]


def write(tasks: Sequence[Task], taxonomy: Taxonomy) -> bytes:
    """Return JSON lines for a project of intent detection and slot filling. Offsets are UTF-16 units.

    doccano has labels only: what is suggested stands in columns of its own, so that it is not taken for a label.
    """
    return b"".join(map(_line, tasks))


def _line(task: Task) -> bytes:
    text, spans = joined(task)
    units = Utf16(text)
    places = [[units.units(start), units.units(end), label] for start, end, label in spans]
    row = {
        "text": text,
        "cats": as_choices(task.labels),
        "entities": places if task.labels is not None else [],
        "article": task.id,
        "title_length": len(task.title),
        "suggested": " ".join(task.suggested),
        "suggested_spans": json.dumps(places) if task.labels is None and places else "",
        "taowen": json.dumps(dict(task.meta), ensure_ascii=True),
    }
    return to_line(row)


def read(path: Path) -> Imported:
    """Read JSON lines of doccano: of this project, of text classification, or of sequence labelling."""

    def tasks(row: dict[str, Any]) -> Iterator[Task]:
        row = {**row.get("metadata", {}), **row.get("meta", {}), **row}
        text, units = row["text"], Utf16(row["text"])
        name = str(row.get("article") or row["id"])
        labels, given = list(row.get("cats", [])), list(row.get("entities", []))
        either = row.get("label", [])
        for one in [either] if isinstance(either, str) else either:
            (labels if isinstance(one, str) else given).append(one)
        known = chosen(labels)
        places = [
            _place(one) for one in (given if known is not None else json.loads(row.get("suggested_spans") or "[]"))
        ]
        spans = [(units.points(start), units.points(end), label) for start, end, label in places]
        title, body, found = parted(text, int(row.get("title_length") or 0), spans, name)
        meta = known_texts(json.loads(row.get("taowen") or "{}")) | known_texts({"labelled_by": row.get("username")})
        suggested = () if known is not None else tuple(str(row.get("suggested") or "").split())
        yield Task(name, title, body, known, suggested, found, meta)

    return read_each(path, tasks)


def _place(one: Any) -> tuple[int, int, str]:
    if isinstance(one, Mapping):
        return int(one["start_offset"]), int(one["end_offset"]), str(one["label"])
    return int(one[0]), int(one[1]), str(one[2])
