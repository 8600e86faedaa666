"""Labelled articles for other libraries: fastText, spaCy's DocBin, `datasets`, each also read back."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.script.words import words
from pipeline.topics.exchange import NONE, Imported, Span, Task, joined, parted
from pipeline.topics.taxonomy import Taxonomy

__all__ = ["read_datasets", "read_docbin", "read_fasttext", "write_datasets", "write_docbin", "write_fasttext"]

_SURROGATES = re.compile("[\ud800-\udfff]")


def _whole(text: str) -> str:
    return _SURROGATES.sub("\ufffd", text)


# fastText: a line an article, blanks between words.

_LABEL = "__label__"
_SIGNS = {" ": "␠", "\n": "␊", "\r": "␍", "\t": "␉", "\v": "␋", "\f": "␌", "\0": "␀"}
"""What fastText takes for the end of a word or line (its README: ASCII blanks and the null byte), and the picture that
stands for it."""
_ESCAPE, _TITLE = "␛", "␞"
"""Before a picture that the text has itself, and before a word that looks like a label; between title and text."""
_PLAIN = {picture: sign for sign, picture in _SIGNS.items()}
_SPECIAL = re.compile(f"[{''.join(map(re.escape, (*_SIGNS, *_PLAIN, _ESCAPE, _TITLE)))}]")


def write_fasttext(tasks: Sequence[Task], taxonomy: Taxonomy) -> bytes:
    """Return lines `__label__a __label__b word word`, `__label__none` for none of the topics.

    Words are jieba's: fastText parts words at blanks, which Chinese has none of. Blanks and line breaks of the text are
    words of their own (␠ ␊), so that the text can be read back exactly.
    """
    lines = []
    for task in tasks:
        if task.labels is not None:
            labels = [_LABEL + label for label in task.labels or (NONE,)]
            title, text = (" ".join(map(_shown, words(_whole(part)))) for part in (task.title, task.text))
            parts = [title, _TITLE, text] if title else [text]
            lines.append(" ".join([*labels, *parts]) + "\n")
    return "".join(lines).encode()


def _shown(word: str) -> str:
    shown = _SPECIAL.sub(lambda m: _SIGNS.get(m[0], _ESCAPE + m[0]), word)
    return _ESCAPE + shown if shown.startswith(_LABEL) else shown


def read_fasttext(path: Path) -> Imported:
    """Read what `write_fasttext` wrote. Ids are made of the text; of other files, blanks between words are lost."""
    tasks = []
    try:
        lines = path.read_bytes().decode("utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        given = line.split(" ") if line else []
        labels = [word.removeprefix(_LABEL) for word in given if word.startswith(_LABEL)]
        rest = [word for word in given if not word.startswith(_LABEL)]
        if not given:
            continue
        if not labels or (NONE in labels and len(labels) > 1):
            raise InputError(f"{path}, line {number}: must have topics as {_LABEL}TOPIC, or {_LABEL}{NONE} alone.")
        title: list[str] = []
        if _TITLE in rest:
            place = rest.index(_TITLE)
            title, rest = rest[:place], rest[place + 1 :]
        told, text = ("".join(map(_read_back, part)) for part in (title, rest))
        name = hashlib.sha256(f"{told}\n{text}".encode()).hexdigest()[:16]
        tasks.append(Task(name, told, text, tuple(sorted(set(labels) - {NONE}))))
    return Imported(tuple(tasks))


_SHOWN = re.compile(f"{_ESCAPE}(.)|[{''.join(_PLAIN)}]", re.S)


def _read_back(word: str) -> str:
    return _SHOWN.sub(lambda m: m[1] if m[1] is not None else _PLAIN[m[0]], word)


# spaCy.

_GROUP = "taowen"


def write_docbin(tasks: Sequence[Task], taxonomy: Taxonomy) -> bytes:
    """Return a DocBin: topics as `doc.cats`, spans as `doc.spans["taowen"]`, the rest in `doc.user_data["taowen"]`.

    Words are jieba's, cut at the borders of spans: spaCy has no span that begins inside a word.
    """
    import spacy
    from spacy.tokens import Doc, DocBin
    from spacy.tokens import Span as Mark

    vocab = spacy.blank("zh").vocab
    store = DocBin(store_user_data=True)
    for task in tasks:
        text, spans = joined(task)
        text = _whole(text)
        borders = {place for start, end, _ in spans for place in (start, end)} | {0, len(text)}
        place = 0
        for word in words(text):
            place += len(word)
            borders.add(place)
        cuts = sorted(borders)
        doc = Doc(vocab, words=[text[a:b] for a, b in pairwise(cuts)], spaces=[False] * (len(cuts) - 1))
        number = {border: index for index, border in enumerate(cuts)}
        doc.spans[_GROUP] = [Mark(doc, number[start], number[end], label=label) for start, end, label in spans]
        if task.labels is not None:
            doc.cats = {topic: float(topic in task.labels) for topic in sorted({*taxonomy.ids, *task.labels})}
        told = {"id": task.id, "title": len(task.title), "suggested": list(task.suggested), "meta": dict(task.meta)}
        doc.user_data["taowen"] = json.dumps(told)
        store.add(doc)
    packed: bytes = store.to_bytes()
    return packed


def read_docbin(path: Path) -> Imported:
    """Read a DocBin. Documents of others have ids made of their text, and topics where `cats` is .5 or more."""
    import spacy
    from spacy.tokens import DocBin

    try:
        docs = list(DocBin(store_user_data=True).from_bytes(path.read_bytes()).get_docs(spacy.blank("zh").vocab))
    except Exception as error:  # zlib, msgpack and spaCy each have errors of their own
        raise InputError(f"{path} cannot be read as a DocBin: {error}") from error
    tasks, problems = [], []
    for number, doc in enumerate(docs, 1):
        told: dict[str, Any] = json.loads(doc.user_data.get("taowen") or "{}")
        marks = [(m.start_char, m.end_char, m.label_) for m in doc.spans.get(_GROUP, ())]
        try:
            title, text, spans = parted(doc.text, int(told.get("title", 0)), marks)
        except ValueError as error:
            problems.append(f"{path}, document {number}: {error}")
            continue
        labels = tuple(sorted(topic for topic, score in doc.cats.items() if score >= 0.5)) if doc.cats else None
        name = told.get("id") or hashlib.sha256(doc.text.encode()).hexdigest()[:16]
        tasks.append(Task(name, title, text, labels, tuple(told.get("suggested", ())), spans, told.get("meta", {})))
    return Imported(tuple(tasks), tuple(problems))


# datasets.

_COLUMNS = ("id", "title", "text", "labels", "labelled", "suggested", "spans")


def write_datasets(tasks: Sequence[Task], path: Path) -> None:
    """Write a folder as `datasets.save_to_disk` does, or a Parquet file where the name ends in .parquet.

    `labelled` is false where nobody has read the article; `labels` is empty there and says nothing.
    """
    import datasets  # type: ignore[import-untyped,unused-ignore]
    import pyarrow as pa
    import pyarrow.parquet as pq

    keys = sorted({key for task in tasks for key in task.meta})
    texts, names = pa.string(), pa.list_(pa.string())
    span = pa.struct([("field", texts), ("start", pa.int64()), ("end", pa.int64()), ("label", texts)])
    kinds = (texts, texts, texts, names, pa.bool_(), names, pa.list_(span))
    schema = pa.schema([*zip(_COLUMNS, kinds, strict=True), *((key, texts) for key in keys)])
    rows = [
        {
            "id": _whole(task.id),
            "title": _whole(task.title),
            "text": _whole(task.text),
            "labels": list(task.labels or ()),
            "labelled": task.labels is not None,
            "suggested": list(task.suggested),
            "spans": [{"field": s.field, "start": s.start, "end": s.end, "label": s.label} for s in task.spans],
            **{key: _whole(task.meta.get(key, "")) for key in keys},
        }
        for task in tasks
    ]
    table = pa.Table.from_pylist(rows, schema=schema)
    if path.suffix == ".parquet":
        pq.write_table(table, path)
        return
    if path.exists():
        shutil.rmtree(path)
    # A fingerprint of our own: the one that datasets would draw differs from run to run.
    digest = hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:16]
    quiet = datasets.utils.logging
    datasets.disable_progress_bars()
    quiet.set_verbosity_error()
    datasets.Dataset(table, fingerprint=digest).save_to_disk(str(path))


def read_datasets(path: Path) -> Imported:
    """Read what `write_datasets` wrote, or other rows with a text and labels."""
    from pipeline.topics.corpus import dataset_rows

    tasks, problems = [], []
    for number, row in enumerate(dataset_rows(path), 1):
        labels = row.get("labels")
        if not isinstance(row.get("text"), str) or isinstance(labels, str):
            problems.append(f"{path}, row {number}: 'text' must be a text and 'labels' a list")
            continue
        known = labels is not None and row.get("labelled") is not False
        spans = {Span(s["field"], s["start"], s["end"], s["label"]) for s in row.get("spans") or []}
        meta = {key: str(v) for key, v in row.items() if key not in _COLUMNS and isinstance(v, (str, int)) and v != ""}
        tasks.append(
            Task(
                str(row.get("id") or hashlib.sha256(row["text"].encode()).hexdigest()[:16]),
                row.get("title") or "",
                row["text"],
                tuple(sorted(labels or ())) if known else None,
                tuple(row.get("suggested") or ()),
                tuple(sorted(spans)),
                meta,
            )
        )
    return Imported(tuple(tasks), tuple(problems))
