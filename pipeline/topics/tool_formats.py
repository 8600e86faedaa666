"""The files of labelling tools: Label Studio, doccano, Argilla, Prodigy, and plain JSON lines for labelling by hand.

Where offsets are counted, and how it is known:

* Label Studio: code points. Its editor's tests say so ("NER - Emoji - Text: should calculate offsets by code points",
  web/libs/editor/tests); before 1.6 it was UTF-16 units (HumanSignal/label-studio issues 1008 and 1347). Each span
  carries its text, so both are told apart.
* doccano: UTF-16 units (doccano/doccano issues 2290 and 2484), in projects that do not count grapheme clusters.
* Argilla: UTF-16 units, as its page reads and writes them (argilla-io/argilla issue 5729).
* Prodigy: code points, the characters of spaCy (prodi.gy/docs/api-interfaces: "start and end character offsets").
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from pipeline.records import to_line
from pipeline.topics.exchange import NONE, Imported, Span, Task, Utf16, chosen, joined, merged, parted, read_json
from pipeline.topics.taxonomy import Taxonomy

__all__ = [
    "label_studio_config",
    "read_argilla",
    "read_doccano",
    "read_label_studio",
    "read_lines",
    "read_prodigy",
    "write_argilla",
    "write_doccano",
    "write_label_studio",
    "write_lines",
    "write_prodigy",
]

_OUR_KEYS = ("id", "title", "text", "labels", "suggested", "spans", "cuts")


def _choices(topics: Sequence[str] | None) -> list[str]:
    """Return labels as the choices of a tool."""
    return [] if topics is None else list(topics) or [NONE]


def _texts(value: object) -> dict[str, str]:
    """Return what is known of an article besides: texts and numbers that are not empty."""
    if not isinstance(value, Mapping):
        return {}
    return {str(k): str(v) for k, v in value.items() if isinstance(v, (str, int, float)) and v != "" and v is not None}


def _json_list(rows: Iterable[Mapping[str, Any]]) -> bytes:
    return b"[\n" + b",\n".join(to_line(row).rstrip(b"\n") for row in rows) + b"\n]\n"


def _spans(rows: object) -> tuple[Span, ...]:
    rows = rows if isinstance(rows, list) else []
    return tuple(sorted({Span(r["field"], int(r["start"]), int(r["end"]), str(r["label"])) for r in rows}))


def _each(path: Path, read: Callable[[dict[str, Any]], Iterable[Task]]) -> Imported:
    """Read the rows of a file. A row that does not fit is told with its place and left out; others go on."""
    tasks: list[Task] = []
    problems = []
    for place, row in read_json(path):
        try:
            tasks += read(row)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            told = f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else str(error)
            problems.append(f"{place}: {told}")
    found = merged(tasks)
    return Imported(found.tasks, (*problems, *found.problems))


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
            _text(row["text"]),
            None if labels is None else tuple(sorted(set(labels))),
            tuple(row.get("suggested") or ()),
            _spans(row.get("spans")),
            _texts({key: value for key, value in row.items() if key not in _OUR_KEYS and not isinstance(value, bool)}),
        )

    return _each(path, read)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("'text' is no text")
    return value


# Label Studio.


def label_studio_config(taxonomy: Taxonomy) -> str:
    """Return the labelling interface: topics to choose for the article, and to mark in title and text."""

    def each(element: str, extra: Mapping[str, str] | None = None) -> list[str]:
        return [
            f"    <{element} value={quoteattr(topic.id)} hint={quoteattr(topic.definition)}/>"
            for topic in taxonomy.topics
        ] + [f"    <{element} value={quoteattr(name)} hint={quoteattr(told)}/>" for name, told in (extra or {}).items()]

    labels = [f"    <Label value={quoteattr(topic.id)}/>" for topic in taxonomy.topics]
    return "\n".join(
        [
            "<View>",
            # Without it blanks are trimmed and offsets shift: labelstud.io/tags/text
            "  <Style>.htx-text{ white-space: pre-wrap; }</Style>",
            '  <Choices name="topics" toName="text" choice="multiple" required="true" showInline="true">',
            *each("Choice", {NONE: "None of the topics."}),
            "  </Choices>",
            '  <Labels name="evidence_title" toName="title">',
            *labels,
            "  </Labels>",
            '  <Text name="title" value="$title"/>',
            '  <Labels name="evidence_text" toName="text">',
            *labels,
            "  </Labels>",
            '  <Text name="text" value="$text"/>',
            "</View>",
            "",
        ]
    )


def write_label_studio(tasks: Sequence[Task], taxonomy: Taxonomy) -> bytes:
    """Return a JSON list of tasks: labels as annotations, suggestions as predictions. Offsets are code points."""
    return _json_list(map(_studio_task, tasks))


def _studio_task(task: Task) -> dict[str, Any]:
    result: list[dict[str, Any]] = []
    values = _choices(task.labels) if task.labels is not None else list(task.suggested)
    if values:
        result.append({"from_name": "topics", "to_name": "text", "type": "choices", "value": {"choices": values}})
    for span in task.spans:
        cited = (task.text if span.field == "text" else task.title)[span.start : span.end]
        value = {"start": span.start, "end": span.end, "text": cited, "labels": [span.label]}
        name = f"evidence_{span.field}"
        result.append({"from_name": name, "to_name": span.field, "type": "labels", "value": value})
    named = [{"id": f"r{number}", **item} for number, item in enumerate(result)]
    row: dict[str, Any] = {"data": {"id": task.id, "title": task.title, "text": task.text, "meta": dict(task.meta)}}
    if task.labels is not None:
        row["annotations"] = [{"result": named}]
    elif named:
        row["predictions"] = [{"model_version": "taowen", "result": named}]
    return row


def read_label_studio(path: Path) -> Imported:
    """Read an export as JSON (not JSON-MIN, which has no people and no title). Cancelled annotations do not count."""

    def read(row: dict[str, Any]) -> Iterator[Task]:
        data = row["data"]
        plain = Task(str(data["id"]), str(data.get("title") or ""), _text(data["text"]), meta=_texts(data.get("meta")))
        notes = [note for note in row.get("annotations") or [] if not note.get("was_cancelled")]
        final = [note for note in notes if note.get("ground_truth")] or notes
        for note in final:
            values, spans = _studio_result(plain, note.get("result") or [])
            if values is None:
                raise ValueError(f"{plain.id}: an annotation has no choice of topics")
            yield replace(plain, labels=values, spans=spans, meta={**plain.meta, **_who(note)})
        if not final:
            results = (row.get("predictions") or [{}])[0].get("result") or []
            values, spans = _studio_result(plain, results)
            yield replace(plain, suggested=values or (), spans=spans)

    return _each(path, read)


def _who(note: Mapping[str, Any]) -> dict[str, str]:
    by, at = note.get("completed_by"), note.get("updated_at") or note.get("created_at")
    person = by.get("email") or by.get("id") if isinstance(by, Mapping) else by
    return _texts({"labelled_by": person, "labelled_at": at})


def _studio_result(task: Task, result: Sequence[Mapping[str, Any]]) -> tuple[tuple[str, ...] | None, tuple[Span, ...]]:
    values: list[object] = []
    spans = set()
    for item in result:
        value = item.get("value") or {}
        if item.get("type") == "choices":
            values += value["choices"]
        elif item.get("type") == "labels":
            name = "title" if item.get("to_name") == "title" else "text"
            for label in value["labels"]:
                spans.add(_studio_span(task, name, value, str(label)))
    return chosen(values), tuple(sorted(spans))


def _studio_span(task: Task, name: str, value: Mapping[str, Any], label: str) -> Span:
    """Return a span in code points, told by its text from one in UTF-16 units."""
    text = task.title if name == "title" else task.text
    start, end, cited = int(value["start"]), int(value["end"]), value.get("text")
    if cited is not None and text[start:end] != cited:
        units = Utf16(text)
        start, end = units.points(start), units.points(end)
        if text[start:end] != cited:
            raise ValueError(f"{task.id}: a span cites {cited!r}, which does not stand at its place in the {name}")
    if not 0 <= start < end <= len(text):
        raise ValueError(f"{task.id}: span {start}-{end} lies outside the {name}")
    return Span("title" if name == "title" else "text", start, end, label)


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
        "cats": _choices(task.labels),
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
        text, units = _text(row["text"]), Utf16(_text(row["text"]))
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
        meta = _texts(json.loads(row.get("taowen") or "{}")) | _texts({"labelled_by": row.get("username")})
        suggested = () if known is not None else tuple(str(row.get("suggested") or "").split())
        yield Task(name, title, body, known, suggested, found, meta)

    return _each(path, read)


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
        "accept": _choices(task.labels) if task.labels is not None else list(task.suggested),
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
        text, ours = _text(row["text"]), row.get("taowen") or {}
        name = str(ours.get("id") or (row.get("meta") or {})["id"])
        spans = [(int(one["start"]), int(one["end"]), str(one["label"])) for one in row.get("spans") or []]
        title, body, found = _back(text, ours.get("title_length"), spans, name)
        answer, values = row.get("answer"), chosen(row.get("accept") or [])
        if answer == "accept" and values is None:
            raise ValueError(f"{name}: accepted without a choice; choose '{NONE}' for none of the topics")
        meta = _texts(ours.get("meta"))
        if answer is not None:
            meta |= _texts({"labelled_by": row.get("_annotator_id") or row.get("_session_id")})
            if stamp := row.get("_timestamp"):
                meta["labelled_at"] = datetime.fromtimestamp(int(stamp), UTC).isoformat()
        labels = values if answer == "accept" else None
        suggested = (values or ()) if answer is None else ()
        yield Task(name, title, body, labels, suggested, found if answer in (None, "accept") else (), meta)

    return _each(path, read)


# Argilla.

_LABELLED = "taowen label"
_SUGGESTED = "taowen"
"""The agents of suggestions: a response needs a user of the server, so labels that are there already come as
suggestions of another agent."""


def write_argilla(tasks: Sequence[Task], taxonomy: Taxonomy) -> bytes:
    """Return a JSON list for `dataset.records.from_json`. Offsets are UTF-16 units, as Argilla's page counts."""
    return _json_list(map(_argilla_record, tasks))


def _argilla_record(task: Task) -> dict[str, Any]:
    values: dict[str, Any] = {}
    topics = _choices(task.labels) if task.labels is not None else list(task.suggested)
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
            str(row["id"]), str(fields.get("title") or ""), _text(fields["text"]), meta=_texts(row.get("metadata"))
        )
        people: dict[str, dict[str, Any]] = {}
        for question, responses in (row.get("responses") or {}).items():
            for response in responses:
                people.setdefault(str(response.get("user_id") or ""), {})[question] = response["value"]
        for person, values in people.items():
            if "topics" in values:
                labels = chosen(values["topics"])
                meta = plain.meta | _texts({"labelled_by": person})  # type: ignore[operator]
                yield replace(plain, labels=labels, spans=_argilla_spans(plain, values), meta=meta)
        if not any("topics" in values for values in people.values()):
            given = row.get("suggestions") or {}
            values = {question: one["value"] for question, one in given.items()}
            labels, spans = chosen(values.get("topics", [])), _argilla_spans(plain, values)
            if any(one.get("agent") == _LABELLED for one in given.values()):
                yield replace(plain, labels=labels, spans=spans)
            else:
                yield replace(plain, suggested=labels or (), spans=spans)

    return _each(path, read)


def _argilla_spans(task: Task, values: Mapping[str, Any]) -> tuple[Span, ...]:
    found = set()
    for name, text in (("text", task.text), ("title", task.title)):
        units = Utf16(text)
        for one in values.get(f"evidence_{name}") or []:
            start, end = units.points(int(one["start"])), units.points(int(one["end"]))
            found.add(Span("title" if name == "title" else "text", start, end, str(one["label"])))
    return tuple(sorted(found))
