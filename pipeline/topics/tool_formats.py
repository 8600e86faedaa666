"""The files of doccano, Argilla and Prodigy, and plain JSON lines for labelling by hand.

Where offsets are counted, and how it is known:

* doccano: UTF-16 units (doccano/doccano issues 2290 and 2484), in projects that do not count grapheme clusters.
* Argilla: UTF-16 units, as its page reads and writes them (argilla-io/argilla issue 5729). Its SDK 2.8.0
  read our file and wrote it back with nothing changed.
* Prodigy: code points, the characters of spaCy (prodi.gy/docs/api-interfaces: "start and end character offsets").
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.records import to_line
from pipeline.topics.exchange import (
    NONE,
    Imported,
    Span,
    Task,
    Utf16,
    as_choices,
    chosen,
    joined,
    json_list,
    known_texts,
    parted,
    read_each,
    text_in,
)
from pipeline.topics.taxonomy import Taxonomy

__all__ = [
    "read_argilla",
    "read_doccano",
    "read_lines",
    "read_prodigy",
    "write_argilla",
    "write_doccano",
    "write_lines",
    "write_prodigy",
]

_OUR_KEYS = ("id", "title", "text", "labels", "suggested", "spans", "cuts")


def _spans(rows: object) -> tuple[Span, ...]:
    rows = rows if isinstance(rows, list) else []
    return tuple(sorted({Span(r["field"], int(r["start"]), int(r["end"]), str(r["label"])) for r in rows}))


# JSON lines, by hand.


def write_lines(tasks: Sequence[Task], taxonomy: Taxonomy) -> bytes:
    """Return JSON lines: `labels` is null until somebody writes a list there, [] for none of the topics."""
    return b"".join(
        to_line(
            {
                "id": task.id,
                "title": task.title,
                "text": task.text,
                "labels": None if task.labels is None else list(task.labels),
                "suggested": list(task.suggested),
                "spans": [{"field": s.field, "start": s.start, "end": s.end, "label": s.label} for s in task.spans],
                **task.meta,
            }
        )
        for task in tasks
    )


def read_lines(path: Path) -> Imported:
    """Read what `write_lines` wrote, or rows of a corpus."""

    def read(row: dict[str, Any]) -> Iterator[Task]:
        labels = row.get("labels")
        if labels is not None and not (isinstance(labels, list) and all(isinstance(one, str) for one in labels)):
            raise ValueError(f"'labels' must be a list of topic ids, [] for none, null for not yet; it is {labels!r}")
        yield Task(
            str(row["id"]),
            str(row.get("title") or ""),
            text_in(row["text"]),
            None if labels is None else tuple(sorted(set(labels))),
            tuple(row.get("suggested") or ()),
            _spans(row.get("spans")),
            known_texts(
                {key: value for key, value in row.items() if key not in _OUR_KEYS and not isinstance(value, bool)}
            ),
        )

    return read_each(path, read)


# doccano, Prodigy: one text.


def _back(
    text: str, size: object, spans: Iterable[tuple[int, int, str]], name: str
) -> tuple[str, str, tuple[Span, ...]]:
    try:
        return parted(text, int(str(size or 0)), spans)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def write_doccano(tasks: Sequence[Task], taxonomy: Taxonomy) -> bytes:
    """Return JSON lines for a project of intent detection and slot filling. Offsets are UTF-16 units.

    doccano has labels only: what is suggested stands in columns of its own, so that it is not taken for a label.
    """
    return b"".join(map(_doccano_line, tasks))


def _doccano_line(task: Task) -> bytes:
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


def read_doccano(path: Path) -> Imported:
    """Read JSON lines of doccano: of this project, of text classification, or of sequence labelling."""

    def read(row: dict[str, Any]) -> Iterator[Task]:
        row = {**row.get("metadata", {}), **row.get("meta", {}), **row}
        text, units = text_in(row["text"]), Utf16(text_in(row["text"]))
        name = str(row.get("article") or row["id"])
        labels = row.get("cats", [])
        given = row.get("entities", [])
        for one in row.get("label", []):
            (labels if isinstance(one, str) else given).append(one)
        known = chosen(labels)
        places = [
            _doccano_place(one)
            for one in (given if known is not None else json.loads(row.get("suggested_spans") or "[]"))
        ]
        spans = [(units.points(start), units.points(end), label) for start, end, label in places]
        title, body, found = _back(text, row.get("title_length"), spans, name)
        meta = known_texts(json.loads(row.get("taowen") or "{}")) | known_texts({"labelled_by": row.get("username")})
        suggested = () if known is not None else tuple(str(row.get("suggested") or "").split())
        yield Task(name, title, body, known, suggested, found, meta)

    return read_each(path, read)


def _doccano_place(one: Any) -> tuple[int, int, str]:
    if isinstance(one, Mapping):
        return int(one["start_offset"]), int(one["end_offset"]), str(one["label"])
    return int(one[0]), int(one[1]), str(one[2])


def write_prodigy(tasks: Sequence[Task], taxonomy: Taxonomy) -> bytes:
    """Return JSON lines for the interface "choice"; what is suggested is chosen beforehand. Offsets are code points."""
    options = [{"id": topic.id, "text": f"{topic.id} {topic.names['zh-Hant']}"} for topic in taxonomy.topics]
    return b"".join(_prodigy_line(task, [*options, {"id": NONE, "text": NONE}]) for task in tasks)


def _prodigy_line(task: Task, options: Sequence[Mapping[str, str]]) -> bytes:
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


def read_prodigy(path: Path) -> Imported:
    """Read what `prodigy db-out` wrote. Rows that were rejected or ignored stay without labels."""

    def read(row: dict[str, Any]) -> Iterator[Task]:
        text, ours = text_in(row["text"]), row.get("taowen") or {}
        name = str(ours.get("id") or (row.get("meta") or {})["id"])
        spans = [(int(one["start"]), int(one["end"]), str(one["label"])) for one in row.get("spans") or []]
        title, body, found = _back(text, ours.get("title_length"), spans, name)
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

    return read_each(path, read)


# Argilla.

_LABELLED = "taowen label"
_SUGGESTED = "taowen"
"""The agents of suggestions: a response needs a user of the server, so labels that are there already come as
suggestions of another agent."""


def write_argilla(tasks: Sequence[Task], taxonomy: Taxonomy) -> bytes:
    """Return a JSON list for `dataset.records.from_json`. Offsets are UTF-16 units, as Argilla's page counts."""
    return json_list(map(_argilla_record, tasks))


def _argilla_record(task: Task) -> dict[str, Any]:
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


def read_argilla(path: Path) -> Imported:
    """Read what `dataset.records.to_json` wrote: responses, each of its user; else labels that came with the export."""

    def read(row: dict[str, Any]) -> Iterator[Task]:
        fields = row["fields"]
        plain = Task(
            str(row["id"]),
            str(fields.get("title") or ""),
            text_in(fields["text"]),
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
                yield replace(plain, labels=labels, spans=_argilla_spans(plain, values), meta=meta)
        if not any("topics" in values for values in people.values()):
            given = row.get("suggestions") or {}
            values = {question: one["value"] for question, one in given.items()}
            labels, spans = chosen(values.get("topics", [])), _argilla_spans(plain, values)
            if any(one.get("agent") == _LABELLED for one in given.values()):
                yield replace(plain, labels=labels, spans=spans)
            else:
                yield replace(plain, suggested=labels or (), spans=spans)

    return read_each(path, read)


def _argilla_spans(task: Task, values: Mapping[str, Any]) -> tuple[Span, ...]:
    found = set()
    for name, text in (("text", task.text), ("title", task.title)):
        units = Utf16(text)
        for one in values.get(f"evidence_{name}") or []:
            start, end = units.points(int(one["start"])), units.points(int(one["end"]))
            found.add(Span("title" if name == "title" else "text", start, end, str(one["label"])))
    return tuple(sorted(found))
