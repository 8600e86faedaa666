"""`datasets`: a folder as `save_to_disk` writes it, or a Parquet file. Offsets are code points.

Half a surrogate pair cannot be held: U+FFFD stands in its place.
"""

from __future__ import annotations

import hashlib
import io
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.topics.exchange import Imported, Task, id_of, merged, spans_of, whole

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["read", "write_folder", "write_parquet"]

_COLUMNS = ("id", "title", "text", "labels", "labelled", "suggested", "spans")


def write_folder(tasks: Sequence[Task]) -> dict[str, bytes]:
    """Return the files of a folder as `datasets.save_to_disk` writes it, by name.

    `labelled` is false where nobody has read the article; `labels` is empty there and says nothing.
    """
    import datasets  # type: ignore[import-untyped,unused-ignore]

    rows, table = _table(tasks)
    # A fingerprint of our own: the one that datasets would draw differs from run to run.
    digest = hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()[:16]
    datasets.disable_progress_bars()
    datasets.utils.logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as folder:
        datasets.Dataset(table, fingerprint=digest).save_to_disk(folder)
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


def write_parquet(tasks: Sequence[Task]) -> bytes:
    """Return the same rows as a Parquet file."""
    import pyarrow.parquet as pq

    content = io.BytesIO()
    pq.write_table(_table(tasks)[1], content)
    return content.getvalue()


def _table(tasks: Sequence[Task]) -> tuple[list[dict[str, Any]], pa.Table]:
    import pyarrow as pa

    keys = sorted({key for task in tasks for key in task.meta})
    texts, names = pa.string(), pa.list_(pa.string())
    span = pa.struct([("field", texts), ("start", pa.int64()), ("end", pa.int64()), ("label", texts)])
    kinds = (texts, texts, texts, names, pa.bool_(), names, pa.list_(span))
    schema = pa.schema([*zip(_COLUMNS, kinds, strict=True), *((key, texts) for key in keys)])
    rows = [
        {
            "id": whole(task.id),
            "title": whole(task.title),
            "text": whole(task.text),
            "labels": list(task.labels or ()),
            "labelled": task.labels is not None,
            "suggested": list(task.suggested),
            "spans": [span.as_json() for span in task.spans],
            **{key: whole(task.meta.get(key, "")) for key in keys},
        }
        for task in tasks
    ]
    return rows, pa.Table.from_pylist(rows, schema=schema)


def read(path: Path) -> Imported:
    """Read such a folder or file, or other rows with a text and labels."""
    from pipeline.topics.corpus import dataset_rows

    tasks: list[Task] = []
    problems: list[str] = []
    for number, row in enumerate(dataset_rows(path), 1):
        labels, text, title = row.get("labels"), row.get("text"), str(row.get("title") or "")
        if not isinstance(text, str) or isinstance(labels, str):
            problems.append(f"{path}, row {number}: 'text' must be a text and 'labels' a list")
            continue
        known = labels is not None and row.get("labelled") is not False
        tasks.append(
            Task(
                str(row.get("id") or id_of(title, text)),
                title,
                text,
                tuple(sorted(labels or ())) if known else None,
                tuple(row.get("suggested") or ()),
                spans_of(row.get("spans")),
                {
                    key: str(v)
                    for key, v in row.items()
                    if key not in _COLUMNS and isinstance(v, (str, int)) and v != ""
                },
            )
        )
    found = merged(tasks)
    return Imported(found.tasks, (*problems, *found.problems))
