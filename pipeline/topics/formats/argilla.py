"""Argilla: records as JSON, with a question for the topics and one for the evidence in title and in text.

Offsets are UTF-16 units, as its page reads and writes them (argilla-io/argilla issue 5729). Its SDK 2.8.0 read our file
and wrote it back with nothing changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.topics.exchange import Imported, Span, Task, Utf16, as_choices, chosen, json_list, known_texts, read_each
from pipeline.topics.taxonomy import Taxonomy

__all__ = ["read", "write"]

_LABELLED = "taowen label"
_SUGGESTED = "taowen"
"""The agents of suggestions: a response needs a user of the server, so labels that are there already come as
suggestions of another agent."""


def write(tasks: Sequence[Task], taxonomy: Taxonomy) -> bytes:
    """Return a JSON list for `dataset.records.from_json`. Offsets are UTF-16 units, as Argilla's page counts."""
    return json_list(map(_record, tasks))


def _record(task: Task) -> dict[str, Any]:
    values: dict[str, Any] = {}
    topics = as_choices(task.labels) if task.labels is not None else list(task.suggested)
    if topics:
        values["topics"] = topics
    for name, text in (("text", task.text), ("title", task.title)):
        units = Utf16(text)
        spans = [
            {"start": units.units(s.start), "end": units.units(s.end), "label": s.label}
            for s in task.spans
            if s.field == name
        ]
        if spans:
            values[f"evidence_{name}"] = spans
    agent = _SUGGESTED if task.labels is None else _LABELLED
    return {
        "id": task.id,
        "fields": {"title": task.title, "text": task.text},
        "metadata": dict(task.meta),
        "suggestions": {name: {"value": value, "score": None, "agent": agent} for name, value in values.items()},
        "responses": {},
        "vectors": {},
    }


def read(path: Path) -> Imported:
    """Read what `dataset.records.to_json` wrote: responses, each of its user; else labels that came with the export."""

    def tasks(row: dict[str, Any]) -> Iterator[Task]:
        fields = row["fields"]
        plain = Task(
            str(row["id"]),
            str(fields.get("title") or ""),
            fields["text"],
            meta=known_texts(row.get("metadata")),
        )
        people: dict[str, dict[str, Any]] = {}
        for question, responses in (row.get("responses") or {}).items():
            for response in responses:
                people.setdefault(str(response.get("user_id") or ""), {})[question] = response["value"]
        for person, values in people.items():
            if "topics" in values:
                labels = chosen(values["topics"])
                meta = {**plain.meta, **known_texts({"labelled_by": person})}
                yield replace(plain, labels=labels, spans=_spans(plain, values), meta=meta)
        if not any("topics" in values for values in people.values()):
            given = row.get("suggestions") or {}
            values = {question: one["value"] for question, one in given.items()}
            labels, spans = chosen(values.get("topics", [])), _spans(plain, values)
            if any(one.get("agent") == _LABELLED for one in given.values()):
                yield replace(plain, labels=labels, spans=spans)
            else:
                yield replace(plain, suggested=labels or (), spans=spans)

    return read_each(path, tasks)


def _spans(task: Task, values: Mapping[str, Any]) -> tuple[Span, ...]:
    found = set()
    for name, text in (("text", task.text), ("title", task.title)):
        units = Utf16(text)
        for one in values.get(f"evidence_{name}") or []:
            start, end = units.points(int(one["start"])), units.points(int(one["end"]))
            found.add(Span("title" if name == "title" else "text", start, end, str(one["label"])))
    return tuple(sorted(found))
