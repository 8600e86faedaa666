"""The formats of `suggest`, `label` and `export`: what each carries, and which one a file is in."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import InputError, UsageError
from pipeline.topics import label_studio
from pipeline.topics import tool_formats as tools
from pipeline.topics import training_formats as training
from pipeline.topics.exchange import Imported, Task, check_ids, read_json, sentences
from pipeline.topics.taxonomy import Taxonomy

__all__ = ["FORMATS", "Format", "config_of", "export", "import_labels", "kind_of"]

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


@dataclass(frozen=True, slots=True)
class Format:
    """One format."""

    title: str
    read: Callable[[Path], Imported]
    write: Callable[[Sequence[Task], Taxonomy], bytes] | None
    """None where the format is a folder."""
    carries: frozenset[str] = _ALL


FORMATS: dict[str, Format] = {
    "jsonl": Format("JSON lines", tools.read_lines, tools.write_lines),
    "labelstudio": Format("Label Studio", label_studio.read, label_studio.write),
    "doccano": Format("doccano", tools.read_doccano, tools.write_doccano),
    "argilla": Format("Argilla", tools.read_argilla, tools.write_argilla),
    "prodigy": Format("Prodigy", tools.read_prodigy, tools.write_prodigy),
    "fasttext": Format("fastText", training.read_fasttext, training.write_fasttext, frozenset()),
    "spacy": Format("DocBin", training.read_docbin, training.write_docbin, _ALL - {"half characters"}),
    "datasets": Format("datasets", training.read_datasets, None, _ALL - {"half characters"}),
}
"""By the name that --format takes."""


def export(tasks: Sequence[Task], name: str, taxonomy: Taxonomy, path: Path) -> list[str]:
    """Write tasks in a format, and return a sentence for everything that it cannot carry.

    For Label Studio the labelling interface stands beside it, as FILE.config.xml.

    Raises:
        UsageError: two tasks have one id, or the place cannot be written.
    """
    form = FORMATS[name]
    check_ids(tasks, taxonomy.ids)
    try:
        if form.write is None:
            training.write_datasets(tasks, path)
        else:
            path.write_bytes(form.write(tasks, taxonomy))
        if name == "labelstudio":
            config_of(path).write_text(label_studio.config(taxonomy), "utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}.") from error
    return sentences(tasks, form.title, form.carries)


def config_of(path: Path) -> Path:
    """Return where the labelling interface for a file of Label Studio stands."""
    return path.with_name(f"{path.name}.config.xml")


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
        raise InputError(f"{path} cannot be read: {error}") from error
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
