"""fastText: a line an article, labels and words between blanks. What a line cannot hold stands beside the file.

A line has labels and words, no id, no span, no source. So the whole rows are written beside it, as `FILE.rows.json`,
and read from there: with them an export comes back as it was. The file by itself is read too, with what it has.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pipeline.errors import InputError, why
from pipeline.script.words import words
from pipeline.topics.exchange import NONE, Imported, Task, id_of, merged, whole
from pipeline.topics.formats import lines
from pipeline.topics.taxonomy import Taxonomy

__all__ = ["BESIDE", "read", "write"]

BESIDE = ".rows.json"
"""What the name of the file with the whole rows has behind that of the fastText file."""
_OF_A_LABEL = ("labelled_by", "labelled_at", "certainty", "note")
"""What is known of a label, and no longer true of another one."""

_LABEL = "__label__"
_SIGNS = {" ": "␠", "\n": "␊", "\r": "␍", "\t": "␉", "\v": "␋", "\f": "␌", "\0": "␀"}
"""What fastText takes for the end of a word or line (its README: ASCII blanks and the null byte), and the picture that
stands for it."""
_ESCAPE, _TITLE = "␛", "␞"
"""Before a picture that the text has itself, and before a word that looks like a label; between title and text."""
_PLAIN = {picture: sign for sign, picture in _SIGNS.items()}
_SPECIAL = re.compile(f"[{''.join(map(re.escape, (*_SIGNS, *_PLAIN, _ESCAPE, _TITLE)))}]")
_SHOWN = re.compile(f"{_ESCAPE}(.)|[{''.join(_PLAIN)}]", re.S)


def write(tasks: Sequence[Task], taxonomy: Taxonomy) -> bytes:
    """Return lines `__label__a __label__b word word`, `__label__none` for none of the topics.

    Words are jieba's: fastText parts words at blanks, which Chinese has none of. Blanks and line breaks of the text are
    words of their own (␠ ␊), so that the text can be read back exactly. An article without labels has no line.
    """
    found = []
    for task in tasks:
        if task.labels is not None:
            labels = [_LABEL + label for label in task.labels or (NONE,)]
            title, text = (" ".join(map(_shown, words(whole(part)))) for part in (task.title, task.text))
            parts = [title, _TITLE, text] if title else [text]
            found.append(" ".join([*labels, *parts]) + "\n")
    return "".join(found).encode()


def _shown(word: str) -> str:
    shown = _SPECIAL.sub(lambda m: _SIGNS.get(m[0], _ESCAPE + m[0]), word)
    return _ESCAPE + shown if shown.startswith(_LABEL) else shown


def _read_back(word: str) -> str:
    return _SHOWN.sub(lambda m: m[1] if m[1] is not None else _PLAIN[m[0]], word)


@dataclass(frozen=True, slots=True)
class _Line:
    number: int
    labels: tuple[str, ...]
    title: str
    text: str


def read(path: Path) -> Imported:
    """Read a file of fastText with the rows beside it: labels are those of the lines, all else is the rows'.

    Lines may come in another order, and with other labels. Without the rows, ids are made of title and text, and in a
    file of others the blanks between words are lost.

    Raises:
        InputError: it is no such file, or the rows are not those of its lines.
    """
    told = _lines(path)
    beside = path.with_name(path.name + BESIDE)
    if beside.is_file():
        return Imported(_with_rows(told, path, beside))
    found = merged(Task(id_of(line.title, line.text), line.title, line.text, line.labels) for line in told)
    note = f"{beside.name} is not beside {path}: ids are made of the text; spans, sources and dates are not known."
    return Imported(found.tasks, found.problems, (note,))


def _lines(path: Path) -> list[_Line]:
    try:
        content = path.read_bytes().decode("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {why(error)}.") from error
    found = []
    for number, line in enumerate(content, 1):
        if not line:
            continue
        labels = {word.removeprefix(_LABEL) for word in line.split(" ") if word.startswith(_LABEL)}
        rest = [word for word in line.split(" ") if not word.startswith(_LABEL)]
        if not labels or (NONE in labels and len(labels) > 1):
            raise InputError(f"{path}, line {number}: must have topics as {_LABEL}TOPIC, or {_LABEL}{NONE} alone.")
        place = rest.index(_TITLE) if _TITLE in rest else -1
        title, text = ("".join(map(_read_back, part)) for part in (rest[: max(place, 0)], rest[place + 1 :]))
        found.append(_Line(number, tuple(sorted(labels - {NONE})), title, text))
    return found


def _with_rows(told: Sequence[_Line], path: Path, beside: Path) -> tuple[Task, ...]:
    """Return the rows with the labels of the lines. A line finds its row by its text, wherever either stands."""
    rows = lines.read(beside)
    lost = list(rows.problems)
    tasks = list(rows.tasks)
    given: dict[tuple[str, str], list[_Line]] = {}
    for line in told:
        given.setdefault((line.title, line.text), []).append(line)
    same: dict[tuple[str, str], list[int]] = {}
    for number, task in enumerate(tasks):
        same.setdefault((whole(task.title), whole(task.text)), []).append(number)
    for key, numbers in same.items():
        # Those that had a line come first; an article without labels may have been given some.
        numbers.sort(key=lambda number: tasks[number].labels is None)
        read = [tasks[number].labels for number in numbers if tasks[number].labels is not None]
        found = given.pop(key, [])
        if sorted(line.labels for line in found) != sorted(labels for labels in read if labels is not None):
            for number, line in zip(numbers, found, strict=False):
                tasks[number] = _relabelled(tasks[number], line.labels)
        lost += [f"the article '{tasks[number].id}' has no line" for number in numbers[len(found) : len(read)]]
        given[key] = found[len(numbers) :]
    lost += [f"line {line.number} has no row" for rest in given.values() for line in rest]
    if lost:
        more = f", and {len(lost) - 1} more" if len(lost) > 1 else ""
        raise InputError(
            f"{beside} does not fit {path}: {lost[0]}{more}. Export both again, or move {beside.name} elsewhere to "
            "read the labels and texts of the file by itself."
        )
    return tuple(tasks)


def _relabelled(task: Task, labels: tuple[str, ...]) -> Task:
    if task.labels == labels:
        return task
    meta = {key: value for key, value in task.meta.items() if key not in _OF_A_LABEL}
    return replace(task, labels=labels, suggested=(), meta=meta)
