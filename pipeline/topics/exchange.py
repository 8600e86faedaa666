"""Articles on their way to a person who labels them and back: one form for all tools, and the units tools count in."""

from __future__ import annotations

import hashlib
import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, cast

from pipeline.errors import InputError, UsageError, why
from pipeline.records import to_line

__all__ = [
    "NONE",
    "SEPARATOR",
    "Imported",
    "Span",
    "Task",
    "Utf16",
    "as_choices",
    "check_ids",
    "chosen",
    "id_of",
    "joined",
    "json_list",
    "known_texts",
    "merged",
    "parted",
    "read_each",
    "read_json",
    "sentences",
    "spans_of",
    "whole",
]

NONE = "none"
"""The choice "none of the topics" in a tool: it tells an article without a topic from one that nobody has read."""

SEPARATOR = "\n\n"
"""Between title and text in tools that show one text."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in the title or the text that speaks for a topic, in code points, half open."""

    field: Literal["text", "title"]
    start: int
    end: int
    label: str

    def as_json(self) -> dict[str, Any]:
        """Return plain data, which `spans_of` reads."""
        return {"field": self.field, "start": self.start, "end": self.end, "label": self.label}


@dataclass(frozen=True, slots=True)
class Task:
    """An article that is labelled, or is to be. `meta` holds no empty value."""

    id: str
    title: str
    text: str
    labels: tuple[str, ...] | None = None
    """Topic ids, sorted; () is none of the topics, None is not labelled yet."""
    suggested: tuple[str, ...] = ()
    """Topics a model would give; only where there are no labels yet."""
    spans: tuple[Span, ...] = ()
    """Sorted and each once; they may overlap."""
    meta: Mapping[str, str] = field(default_factory=dict)
    """Source, script, date, who labelled it, why it was chosen ..."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file of labels holds, and what about it a person must hear."""

    tasks: tuple[Task, ...]
    problems: tuple[str, ...] = ()
    """Articles that are left out, each with the reason."""
    notes: tuple[str, ...] = ()
    """What else there is to know; nothing is left out for it."""


class Utf16:
    """Code points of a text to UTF-16 units and back: a browser counts 𠮷 and emoji as two."""

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise ValueError("'text' is no text")
        self._wide = [place for place, character in enumerate(text) if character > "\uffff"]
        self._at = [place + number for number, place in enumerate(self._wide)]
        self._size = len(text)

    def units(self, point: int) -> int:
        """Return the UTF-16 offset of a code point offset."""
        return point + bisect_left(self._wide, point)

    def points(self, unit: int) -> int:
        """Return the code point offset of a UTF-16 offset.

        Raises:
            ValueError: it lies inside a character, or outside the text.
        """
        before = bisect_left(self._at, unit)
        if before and self._at[before - 1] == unit - 1:
            raise ValueError(f"offset {unit} lies inside a character of two units")
        if not 0 <= unit - before <= self._size:
            raise ValueError(f"offset {unit} lies outside the text")
        return unit - before


def joined(task: Task) -> tuple[str, list[tuple[int, int, str]]]:
    """Return title and text as one, and the spans in it as (start, end, label), in code points."""
    if not task.title:
        return task.text, [(s.start, s.end, s.label) for s in task.spans]
    shift = len(task.title) + len(SEPARATOR)
    spans = [
        (s.start, s.end, s.label) if s.field == "title" else (s.start + shift, s.end + shift, s.label)
        for s in task.spans
    ]
    return task.title + SEPARATOR + task.text, spans


def parted(
    text: str, title_size: int, spans: Iterable[tuple[int, int, str]], name: str
) -> tuple[str, str, tuple[Span, ...]]:
    """Return title, text and spans of what `joined` made.

    Args:
        text: title and text as one.
        title_size: code points of the title, 0 if there is none.
        spans: (start, end, label) in code points of `text`.
        name: of the article, for messages.

    Raises:
        ValueError: the text was changed, or a span lies outside it or over the border of title and text.
    """
    shift = title_size + len(SEPARATOR) if title_size else 0
    if title_size and text[title_size:shift] != SEPARATOR:
        raise ValueError(f"{name}: the text is not the one that was exported: its title has another length")
    found = set()
    for start, end, label in spans:
        if not 0 <= start < end <= len(text):
            raise ValueError(f"{name}: span {start}-{end} lies outside the text")
        if start >= shift:
            found.add(Span("text", start - shift, end - shift, label))
        elif end <= title_size:
            found.add(Span("title", start, end, label))
        else:
            raise ValueError(f"{name}: span {start}-{end} lies over the border of title and text")
    return text[:title_size], text[shift:], tuple(sorted(found))


def chosen(values: Sequence[object]) -> tuple[str, ...] | None:
    """Return the labels that choices in a tool stand for; None where nothing was chosen.

    Raises:
        ValueError: both a topic and none of the topics are chosen, or a choice is no text.
    """
    names = {value for value in values if isinstance(value, str)}
    if len(names) < len(set(map(str, values))):
        raise ValueError(f"a choice is no text: {values!r}")
    if not names:
        return None
    if NONE in names and len(names) > 1:
        raise ValueError(f"both '{NONE}' and {', '.join(sorted(names - {NONE}))} are chosen")
    return tuple(sorted(names - {NONE}))


def merged(tasks: Iterable[Task]) -> Imported:
    """Return one task for each article. Where several people labelled it and do not agree, it stays without labels."""
    groups: dict[str, list[Task]] = {}
    for task in tasks:
        groups.setdefault(task.id, []).append(task)
    found, problems = [], []
    for name, group in groups.items():
        if len({(task.title, task.text) for task in group}) > 1:
            problems.append(f"{name}: articles with different texts have this id")
            continue
        told = [task for task in group if task.labels is not None]
        if not told:
            found.append(group[0])
            continue
        if len({task.labels for task in told}) > 1:
            views = "; ".join(
                f"{task.meta.get('labelled_by', 'somebody')}: {', '.join(task.labels or ()) or NONE}" for task in told
            )
            problems.append(f"{name}: not agreed ({views})")
            found.append(replace(told[0], labels=None, spans=(), suggested=()))
            continue
        people = sorted({task.meta["labelled_by"] for task in told if "labelled_by" in task.meta})
        named = {"labelled_by": ", ".join(people)} if people else {}
        found.append(replace(told[0], meta={**told[0].meta, **named}))
    return Imported(tuple(found), tuple(problems))


def read_json(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Return the objects of a JSON list or of JSON lines, each with its place for messages.

    Raises:
        InputError: the file cannot be read, or holds something else.
    """
    try:
        content = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {why(error)}.") from error
    try:
        whole = json.loads(content)
        rows = [(f"{path}, item {n}", row) for n, row in enumerate(whole if isinstance(whole, list) else [whole], 1)]
    except (ValueError, RecursionError):
        rows = []
        # Not splitlines: a text may hold U+2028 and its like unescaped.
        for number, line in enumerate(content.split("\n"), 1):
            if line.strip():
                try:
                    rows.append((f"{path}, line {number}", json.loads(line)))
                except (ValueError, RecursionError) as error:
                    raise InputError(f"{path}, line {number}: neither a JSON list nor JSON lines ({error}).") from error
    for place, row in rows:
        if not isinstance(row, dict):
            raise InputError(f"{place}: must be a JSON object.")
    return cast("list[tuple[str, dict[str, Any]]]", rows)


def sentences(tasks: Sequence[Task], name: str, carries: frozenset[str]) -> list[str]:
    """Return what a format cannot carry of these tasks, each with the number of articles it touches."""
    parts: dict[str, Any] = {
        "ids": lambda task: task.id,
        "spans": lambda task: task.spans,
        "suggested topics": lambda task: task.suggested,
        "other fields (source, date ...)": lambda task: task.meta,
    }
    lost = []
    for part, holds in parts.items():
        count = sum(bool(holds(task)) for task in tasks)
        if part not in carries and count:
            lost.append(f"{name} has no place for {part}: left out of {count} article{'s' if count > 1 else ''}.")
    if "half characters" not in carries:
        count = sum(any("\ud800" <= c <= "\udfff" for c in task.title + task.text) for task in tasks)
        if count:
            lost.append(f"{name} cannot hold half a surrogate pair: U+FFFD stands in its place in {count} articles.")
    unread = sum(task.labels is None for task in tasks)
    if "articles without labels" not in carries and unread:
        lost.append(f"{name} has no place for articles without labels: {unread} left out.")
    return lost


def check_ids(tasks: Sequence[Task], topics: Sequence[str]) -> None:
    """Refuse what no tool can keep apart.

    Raises:
        UsageError: an id is there twice, or a topic is called like the choice of none.
    """
    if NONE in topics:
        raise UsageError(f"A topic cannot be called '{NONE}': tools need that name for none of the topics.")
    seen: set[str] = set()
    for task in tasks:
        if task.id in seen:
            raise UsageError(f"The id '{task.id}' is there twice. Labels could not be told apart.")
        seen.add(task.id)


def as_choices(topics: Sequence[str] | None) -> list[str]:
    """Return labels as the choices of a tool."""
    return [] if topics is None else list(topics) or [NONE]


def known_texts(value: object) -> dict[str, str]:
    """Return what is known of an article besides: texts and numbers that are not empty."""
    if not isinstance(value, Mapping):
        return {}
    return {str(k): str(v) for k, v in value.items() if isinstance(v, (str, int, float)) and v != "" and v is not None}


def json_list(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return rows as a JSON list, a line each."""
    return b"[\n" + b",\n".join(to_line(row).rstrip(b"\n") for row in rows) + b"\n]\n"


def read_each(path: Path, read: Callable[[dict[str, Any]], Iterable[Task]]) -> Imported:
    """Read the rows of a file. A row that does not fit is told with its place and left out; others go on."""
    tasks: list[Task] = []
    problems = []
    for place, row in read_json(path):
        try:
            for task in read(row):
                if not isinstance(task.text, str):
                    raise ValueError("'text' is no text")
                tasks.append(task)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            told = f"'{error.args[0]}' is missing" if isinstance(error, KeyError) else str(error)
            problems.append(f"{place}: {told}")
    found = merged(tasks)
    return Imported(found.tasks, (*problems, *found.problems))


def spans_of(rows: object) -> tuple[Span, ...]:
    """Return the spans of plain data, sorted and each once; none where there is no list."""
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        return ()
    return tuple(sorted({Span(r["field"], int(r["start"]), int(r["end"]), str(r["label"])) for r in rows}))


_HALVES = re.compile("[\ud800-\udfff]")


def whole(text: str) -> str:
    """Return a text with U+FFFD for half surrogate pairs, which UTF-8 cannot hold."""
    return _HALVES.sub("\ufffd", text)


def id_of(title: str, text: str) -> str:
    """Return an id for an article that came without: 16 hex digits of the SHA-256 of title and text."""
    return hashlib.sha256(f"{title}\n{text}".encode()).hexdigest()[:16]
