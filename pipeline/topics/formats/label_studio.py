"""Label Studio: tasks with the labelling interface, and its export read back.

Offsets are code points, and a carriage return counts like its line feed: its editor's tests and its page on the Text
tag say so ("NER - Emoji - Text: should calculate offsets by code points", labelstud.io/tags/text). Older versions have
UTF-16 units (HumanSignal/label-studio issues 1008 and 1347). Each span carries its text, so both are told apart.
Interface, predictions and annotations pass the checks of its SDK 2.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from pipeline.topics.exchange import (
    NONE,
    Imported,
    Span,
    Task,
    Utf16,
    as_choices,
    chosen,
    json_list,
    known_texts,
    read_each,
)
from pipeline.topics.taxonomy import Taxonomy

__all__ = ["config", "read", "write"]


def config(tasks: Sequence[Task], taxonomy: Taxonomy) -> bytes:
    """Return the labelling interface: topics to choose for the article, and to mark in title and text."""

    def each(element: str, extra: Mapping[str, str] | None = None) -> list[str]:
        return [
            f"    <{element} value={quoteattr(topic.id)} hint={quoteattr(topic.definition)}/>"
            for topic in taxonomy.topics
        ] + [f"    <{element} value={quoteattr(name)} hint={quoteattr(told)}/>" for name, told in (extra or {}).items()]

    labels = [f"    <Label value={quoteattr(topic.id)}/>" for topic in taxonomy.topics]
    rows = [
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
    return "\n".join(rows).encode()


def write(tasks: Sequence[Task], taxonomy: Taxonomy) -> bytes:
    """Return a JSON list of tasks: labels as annotations, suggestions as predictions. Offsets are code points."""
    return json_list(map(_studio_task, tasks))


def _studio_task(task: Task) -> dict[str, Any]:
    result: list[dict[str, Any]] = []
    values = as_choices(task.labels) if task.labels is not None else list(task.suggested)
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


def read(path: Path) -> Imported:
    """Read an export as JSON (not JSON-MIN, which has no people and no title). Cancelled annotations do not count."""

    def tasks(row: dict[str, Any]) -> Iterator[Task]:
        data = row["data"]
        plain = Task(str(data["id"]), str(data.get("title") or ""), data["text"], meta=known_texts(data.get("meta")))
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

    return read_each(path, tasks)


def _who(note: Mapping[str, Any]) -> dict[str, str]:
    by, at = note.get("completed_by"), note.get("updated_at") or note.get("created_at")
    person = by.get("email") or by.get("id") if isinstance(by, Mapping) else by
    return known_texts({"labelled_by": person, "labelled_at": at})


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
    if cited is not None and not _cites(text[start:end], cited):
        units = Utf16(text)
        start, end = units.points(start), units.points(end)
        if not _cites(text[start:end], cited):
            raise ValueError(f"{task.id}: a span cites {cited!r}, which does not stand at its place in the {name}")
    if not 0 <= start < end <= len(text):
        raise ValueError(f"{task.id}: span {start}-{end} lies outside the {name}")
    return Span("title" if name == "title" else "text", start, end, label)


def _cites(text: str, cited: str) -> bool:
    """Whether a span's text is this one, but for blanks: its editor may trim them in what it saves."""
    return text == cited or "".join(text.split()) == "".join(cited.split())
