"""Labelled articles: read from JSONL, Parquet and folders, and from labels that name text lying elsewhere."""

from __future__ import annotations

import gzip
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from pipeline.article import Cut
from pipeline.configure import shared_data
from pipeline.errors import InputError, why
from pipeline.places import open_file
from pipeline.records import visible
from pipeline.topics.exchange import Span
from pipeline.topics.features import key

__all__ = ["PROVENANCE", "Example", "corpus_digest", "dataset_rows", "facts_of", "read_corpus"]

_TEXT_FILES = ("topics-dev.jsonl.gz", "news-pool.jsonl.gz", "labelled.jsonl.gz")
"""Files of the shared data that hold articles, in this order; the last is what `make corpora` fetches."""

_CERTAINTIES = ("", "sure", "borderline")

PROVENANCE = ("labelled_by", "labelled_at", "note", "why", "scores", "model")
"""Fields of a row that say where its label comes from."""


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled article."""

    id: str
    title: str
    text: str
    labels: tuple[str, ...]
    """Topic ids, sorted; empty = none of the topics."""
    script: str = ""
    """hans, hant, or "" where unknown."""
    source: str = ""
    """Publisher or repository: what cross-validation keeps together."""
    date: str = ""
    certainty: str = ""
    region: str = ""
    kind: str = "real"
    """real, or own for articles written for this project: those train and are never counted in a score."""
    cuts: tuple[Cut, ...] = ()
    """What cleaning took out of the page, where the row says so: `restore(text, cuts)` is the page text."""
    spans: tuple[Span, ...] = ()
    """What a reader marked."""
    provenance: tuple[tuple[str, str], ...] = ()
    """Where the label comes from, and the page: field and value, as far as the row says so."""

    @property
    def fingerprint(self) -> str:
        """First 16 hex digits of the SHA-256 of the folded key: the same for both scripts of a text."""
        return hashlib.sha256(key(self.text).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def corpus_digest(examples: Iterable[Example]) -> str:
    """Return the SHA-256 of what the examples are and say, whatever their order."""
    rows = sorted(json.dumps([e.id, e.title, e.text, e.labels, e.kind], ensure_ascii=True) for e in examples)
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def read_corpus(path: Path, topics: Sequence[str]) -> list[Example]:
    """Read labelled articles from a file or a folder, sorted by id.

    Takes JSONL (also .gz) and Parquet files with id, title, text, labels, script, source or publisher, date; a folder
    of them; a folder written by HF `datasets.save_to_disk`; a file that a labelling tool exported (Label Studio,
    doccano, Argilla, Prodigy, DocBin); and `corpora/`, whose labels.jsonl names texts that lie in the shared data.
    Articles that nobody has labelled, and labels whose text is not at hand, are left out, with one line on stderr.

    Args:
        path: the file or folder.
        topics: the ids that labels may have.

    Raises:
        InputError: nothing is there, a row is wrong (the message says file and line), or an id is there twice.
    """
    if not path.exists():
        raise InputError(f"The corpus {path} does not exist. Give a JSONL or Parquet file, or a folder of them.")
    found: list[Example] = []
    for file in _files(path):
        tool = _tool_of(file)
        if tool:
            found += (_example(row, f"{file}, article '{row['id']}'", topics) for row in _exported(file, tool, topics))
            continue
        rows = _rows(file)
        if file.name == "labels.jsonl" and path.is_dir():
            rows = _with_text(rows, file)  # rows that bring their text keep it
        found += (_example(row, f"{file}, line {line}", topics) for line, row in rows)
    if not found:
        raise InputError(f"The corpus {path} has no article with a text that can be read here.")
    seen: set[str] = set()
    for example in found:
        if example.id in seen:
            raise InputError(f"The corpus {path} has the id '{example.id}' twice. Ids must be unique over all files.")
        seen.add(example.id)
    return sorted(found, key=lambda example: example.id)


def _tool_of(path: Path) -> str:
    """Return the labelling tool that exported a file, "" for rows of a corpus.

    Raises:
        InputError: it is JSON of no tool that is known.
    """
    from pipeline.topics.formats import kind_of

    if path.suffix == ".jsonl":
        if any("labels" in row for row in islice(facts_of(path), 1)):
            return ""
    elif path.suffix not in (".json", ".spacy"):
        return ""
    try:
        return kind_of(path)
    except InputError as error:
        if path.suffix == ".jsonl":
            return ""  # what is wrong with its rows is told as of any other's
        raise InputError(
            f"{path} is no export of a tool that is known here ({error}). Give JSONL or Parquet: id, text, labels."
        ) from error


def _exported(path: Path, tool: str, topics: Sequence[str]) -> tuple[dict[str, Any], ...]:
    """Return the labelled articles of a tool's file as rows; say what was left out."""
    from pipeline.topics.formats import import_labels
    from pipeline.topics.labels import rows_from

    labels = rows_from(import_labels(path, tool)[1], topics, tool=tool, file=path)
    for line in labels.problems:
        print(f"{path}: {visible(line)}", file=sys.stderr)
    if labels.unlabelled:
        print(f"{path}: {labels.unlabelled} articles that nobody has labelled are left out.", file=sys.stderr)
    return labels.rows


def facts_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a JSONL file as they are.

    Raises:
        InputError: a line is no JSON object.
    """
    for _, row in _rows(path):
        yield dict(row)


def _files(path: Path) -> list[Path]:
    if path.is_file() or (path / "dataset_info.json").is_file():
        return [path]
    if (path / "labels.jsonl").is_file() and all(
        "text" not in row for row in islice(facts_of(path / "labels.jsonl"), 1)
    ):
        return [path / "labels.jsonl", *sorted(path.glob("articles*.jsonl"))]
    names = [file for file in sorted(path.rglob("*")) if file.name.endswith((".jsonl", ".jsonl.gz", ".parquet"))]
    if not names:
        raise InputError(f"The folder {path} has no .jsonl, .jsonl.gz or .parquet file.")
    return names


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield line number (from 1) and row."""
    if path.is_dir() or path.suffix == ".parquet":
        yield from enumerate(dataset_rows(path), 1)
        return
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise InputError(f"{path}, line {number}: not JSON ({error}).") from error
                if not isinstance(row, dict):
                    raise InputError(f"{path}, line {number}: a row must be a JSON object.")
                yield number, row
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {why(error)}.") from error


def dataset_rows(path: Path | str) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a Parquet file, at a path or an address, or of a folder that `datasets` saved.

    Raises:
        InputError: it is neither.
    """
    import datasets  # type: ignore[import-untyped,unused-ignore]

    try:
        if Path(path).is_dir():
            yield from datasets.load_from_disk(str(path))
        else:
            # Without a cache folder of its own, datasets would keep a copy of the text in the user's home.
            import pyarrow.parquet

            with open_file(str(path)) as file:
                table = pyarrow.parquet.read_table(file)
            yield from datasets.Dataset(table)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as a dataset: {why(error)}.") from error


def _with_text(rows: Iterable[tuple[int, Mapping[str, Any]]], file: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield facts together with the title and text they are about; say once how many have none here."""
    folder = shared_data()
    facts = list(rows)
    bare = frozenset(str(row.get("id")) for _, row in facts if not isinstance(row.get("text"), str))
    texts = _texts(folder, bare) if folder and bare else {}
    missing = 0
    for line, row in facts:
        text = texts.get(_address(row))
        if isinstance(row.get("text"), str):
            yield line, row
        elif text is None:
            missing += 1
        else:
            yield line, {**row, "title": text[0], "text": text[1]}
    if missing:
        place = folder or "no $TAOWEN_DATA and no ../shared/data"
        print(f"{file}: the text of {missing} of {len(facts)} labels is not here ({place}); left out.", file=sys.stderr)


def _address(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    return (str(row.get("repo")), str(row.get("path")), str(row.get("item") or ""), str(row.get("id")))


@cache
def _texts(folder: Path, ids: frozenset[str]) -> dict[tuple[str, str, str, str], tuple[str, str]]:
    """Return title and text by address for `ids`; kept, since commands ask for the same labels more than once."""
    texts: dict[tuple[str, str, str, str], tuple[str, str]] = {}
    for name in _TEXT_FILES:
        if (folder / name).is_file():
            for _, row in _rows(folder / name):
                if row["id"] in ids:
                    texts.setdefault(_address(row), (row["title"] or "", row["text"]))
    return texts


def _example(row: Mapping[str, Any], place: str, topics: Sequence[str]) -> Example:
    labels = row.get("labels")
    if isinstance(labels, str) or labels is None or not all(isinstance(label, str) for label in labels):
        raise InputError(f"{place}: 'labels' must be a list of topic ids, [] for none; it is {labels!r}.")
    if row.get("labelled") is False:
        raise InputError(f"{place}: nobody has labelled this article yet. Leave it out: its labels say nothing.")
    unknown = sorted(set(labels) - set(topics))
    if unknown:
        raise InputError(f"{place}: there is no topic {', '.join(unknown)}; the topics are {', '.join(topics)}.")
    if len(set(labels)) != len(labels):
        raise InputError(f"{place}: a label is there twice: {list(labels)}.")
    text = row.get("text")
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{place}: 'text' is missing or empty.")
    if str(row.get("certainty") or "") not in _CERTAINTIES:
        raise InputError(f"{place}: 'certainty' is {row.get('certainty')!r}; it must be sure or borderline.")
    identity = row.get("id")
    name = str(identity) if identity not in (None, "") else hashlib.sha256(text.encode()).hexdigest()[:16]
    kind = str(row.get("kind") or "real")
    if kind not in ("real", "own"):
        raise InputError(f"{place}: 'kind' is {kind!r}; it must be real or own.")
    return Example(
        id=name,
        title=str(row.get("title") or ""),
        text=text,
        labels=tuple(sorted(labels)),
        script=str(row.get("script") or ""),
        source=str(row.get("source") or row.get("publisher") or row.get("repo") or ""),
        date=str(row.get("date") or ""),
        certainty=str(row.get("certainty") or ""),
        region=str(row.get("region") or ""),
        kind=kind,
        cuts=_cuts(row.get("cuts"), place),
        spans=_spans(row.get("spans"), place),
        provenance=tuple((name, str(row[name])) for name in (*PROVENANCE, "url") if row.get(name)),
    )


def _spans(value: object, place: str) -> tuple[Span, ...]:
    if not value:
        return ()
    try:
        found = {Span(s["field"], int(s["start"]), int(s["end"]), str(s["label"])) for s in value}  # type: ignore[attr-defined]
    except (TypeError, KeyError, ValueError) as error:
        raise InputError(f"{place}: 'spans' are not those of 'taowen label' ({error!r}).") from error
    return tuple(sorted(found))


def _cuts(value: object, place: str) -> tuple[Cut, ...]:
    """Return the cuts of a row, as `taowen clean` writes them; none where the row has none."""
    if not value:
        return ()
    try:
        return tuple(
            Cut(int(cut["start"]), int(cut["end"]), str(cut["kind"]), str(cut["reason"]), str(cut["text"]))
            for cut in value  # type: ignore[attr-defined]
        )
    except (TypeError, KeyError, ValueError) as error:
        raise InputError(f"{place}: 'cuts' are not those of a row of taowen ({error!r}).") from error
