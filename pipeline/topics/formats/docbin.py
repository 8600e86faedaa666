"""spaCy: a DocBin, title and text as one. Spans are counted in tokens, as spaCy does.

Half a surrogate pair cannot be held: U+FFFD stands in its place.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.script.words import words
from pipeline.topics.exchange import Imported, Task, id_of, joined, merged, parted, whole
from pipeline.topics.taxonomy import Taxonomy

__all__ = ["read", "write"]

_GROUP = "taowen"


def write(tasks: Sequence[Task], taxonomy: Taxonomy) -> bytes:
    """Return a DocBin: topics as `doc.cats`, spans as `doc.spans["taowen"]`, the rest in `doc.user_data["taowen"]`.

    Words are jieba's, cut at the borders of spans: spaCy has no span that begins inside a word.
    """
    import spacy
    from spacy.tokens import Doc, DocBin
    from spacy.tokens import Span as Mark

    vocab = spacy.blank("zh").vocab
    # Words are all there is: the ten attributes of the default make the file twice as large, and all are empty.
    store = DocBin(attrs=["ORTH"], store_user_data=True)
    for task in tasks:
        text, spans = joined(task)
        text = whole(text)
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


def read(path: Path) -> Imported:
    """Read a DocBin. Documents of others have ids made of their text, and topics where `cats` is .5 or more."""
    import spacy
    from spacy.tokens import DocBin

    try:
        docs = list(DocBin(store_user_data=True).from_bytes(path.read_bytes()).get_docs(spacy.blank("zh").vocab))
    except Exception as error:  # zlib, msgpack and spaCy each have errors of their own
        raise InputError(f"{path} cannot be read as a DocBin: {error}") from error
    tasks: list[Task] = []
    problems: list[str] = []
    for number, doc in enumerate(docs, 1):
        told: dict[str, Any] = json.loads(doc.user_data.get("taowen") or "{}")
        size = int(told.get("title", 0))
        name = told.get("id") or id_of(doc.text[:size], doc.text[size:])
        marks = [(m.start_char, m.end_char, m.label_) for m in doc.spans.get(_GROUP, ())]
        try:
            title, text, spans = parted(doc.text, size, marks, name)
        except ValueError as error:
            problems.append(f"{path}, document {number}: {error}")
            continue
        labels = tuple(sorted(topic for topic, score in doc.cats.items() if score >= 0.5)) if doc.cats else None
        tasks.append(Task(name, title, text, labels, tuple(told.get("suggested", ())), spans, told.get("meta", {})))
    found = merged(tasks)
    return Imported(found.tasks, (*problems, *found.problems))
