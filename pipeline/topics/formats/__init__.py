"""The formats of `suggest`, `label` and `export`: a module for each, what each carries, and which one a file is in."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import InputError, why
from pipeline.topics.exchange import Imported, Task, check_ids, read_json, sentences
from pipeline.topics.formats import (
    argilla,
    docbin,
    doccano,
    fasttext_lines,
    label_studio,
    lines,
    prodigy,
    saved_dataset,
)
from pipeline.topics.taxonomy import Taxonomy

__all__ = ["FORMATS", "Beside", "Format", "import_labels", "kind_of", "packed", "places", "told"]

_ALL = frozenset(
    {
        "ids",
        "spans",
        "suggested topics",
        "other fields (source, date ...)",
        "half characters",
        "articles without labels",
    }
)
Write = Callable[[Sequence[Task], Taxonomy], bytes]


@dataclass(frozen=True, slots=True)
class Beside:
    """A second file of a format."""

    ending: str
    """What its name has behind that of the first."""
    write: Write
    told: str
    """What to say of it; {} is its name."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format."""

    title: str
    read: Callable[[Path], Imported]
    write: Write | None
    """None where the format is a folder."""
    carries: frozenset[str] = _ALL
    beside: Beside | None = None


FORMATS: dict[str, Format] = {
    "jsonl": Format("JSON lines", lines.read, lines.write),
    "labelstudio": Format(
        "Label Studio",
        label_studio.read,
        label_studio.write,
        beside=Beside(
            ".config.xml", label_studio.config, "The labelling interface for the project's settings is in {}."
        ),
    ),
    "doccano": Format("doccano", doccano.read, doccano.write),
    "argilla": Format("Argilla", argilla.read, argilla.write),
    "prodigy": Format("Prodigy", prodigy.read, prodigy.write),
    "fasttext": Format(
        "fastText",
        fasttext_lines.read,
        fasttext_lines.write,
        beside=Beside(
            fasttext_lines.BESIDE,
            lines.write_list,
            "fastText has place for labels and words only; ids, spans and all else are in {}, for 'taowen label'.",
        ),
    ),
    "spacy": Format("DocBin", docbin.read, docbin.write, _ALL - {"half characters"}),
    "datasets": Format("datasets", saved_dataset.read, None, _ALL - {"half characters"}),
}
"""By the name that --format takes."""


def packed(tasks: Sequence[Task], name: str, taxonomy: Taxonomy, path: Path) -> dict[Path, bytes]:
    """Return the files that tasks are in a format. Nothing is written.

    Raises:
        UsageError: two tasks have one id, or a topic a name that tools need.
    """
    form = FORMATS[name]
    check_ids(tasks, taxonomy.ids)
    if form.write is None:
        if path.suffix == ".parquet":
            return {path: saved_dataset.write_parquet(tasks)}
        return {path / part: content for part, content in saved_dataset.write_folder(tasks).items()}
    files = {path: form.write(tasks, taxonomy)}
    if form.beside:
        files[places(name, path)[1]] = form.beside.write(tasks, taxonomy)
    return files


def places(name: str, path: Path) -> list[Path]:
    """Return the file of a format, and the one beside it if there is one."""
    beside = FORMATS[name].beside
    return [path, path.with_name(path.name + beside.ending)] if beside else [path]


def told(tasks: Sequence[Task], name: str, path: Path) -> list[str]:
    """Return a sentence for everything of the tasks that a format cannot carry, and one for the file beside it."""
    form = FORMATS[name]
    more = [form.beside.told.format(places(name, path)[1])] if form.beside else []
    return sentences(tasks, form.title, form.carries) + more


def import_labels(path: Path, name: str = "") -> tuple[str, Imported]:
    """Read a file of labels; without `name` its format is told by its content.

    Raises:
        InputError: it cannot be read, or its format cannot be told.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist.")
    name = name or kind_of(path)
    return name, FORMATS[name].read(path)


def kind_of(path: Path) -> str:
    """Return the format that a file is in.

    Raises:
        InputError: none is told by its content.
    """
    if path.is_dir() or path.suffix == ".parquet":
        return "datasets"
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {why(error)}.") from error
    if path.suffix == ".spacy" or head[:1] == b"\x78":  # zlib
        return "spacy"
    if head.startswith(b"__label__"):
        return "fasttext"
    try:
        keys = set(read_json(path)[0][1])
    except IndexError:
        raise InputError(f"{path} is empty.") from None
    except InputError as error:
        raise InputError(f"{error} Name the format with --format.") from error
    for name, signs in (
        ("labelstudio", {"data"}),
        ("argilla", {"fields"}),
        ("prodigy", {"text", "options"}),
        ("prodigy", {"text", "answer"}),
        ("doccano", {"text", "cats"}),
        ("doccano", {"text", "label"}),
        ("doccano", {"text", "entities"}),
        ("jsonl", {"text", "labels"}),
    ):
        if signs <= keys:
            return name
    told = json.dumps(sorted(keys)[:8], ensure_ascii=True)
    raise InputError(f"{path}: rows with the keys {told} are of no tool that is known here. Name it with --format.")
