"""Files that appear whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeAlias

from pipeline.records import arrow_schema, to_line, to_table

if TYPE_CHECKING:
    import pyarrow.parquet as pq

__all__ = ["TEMPORARY", "Format", "Shard", "rows_of", "write_table", "write_whole"]

Format: TypeAlias = Literal["jsonl", "parquet"]

TEMPORARY = ".*.tmp"
"""Matches what an attempt that was killed leaves behind."""

GROUP_ROWS = 2048
GROUP_CHARACTERS = 16 * 2**20
"""A Parquet row group is written at whichever comes first: at most about 64 MB of text waits in memory."""


class Shard:
    """Rows on their way to `path`: they are in a temporary file of the same folder until `commit`.

    A shard without rows makes no file, since no reader of JSONL tells an empty one from a broken one. Lone
    surrogates become U+FFFD: one such character makes pyarrow and pandas refuse the file.
    """

    def __init__(self, path: Path, kind: Format = "jsonl") -> None:
        self.path = path
        self.kind = kind
        self.temporary = temporary_of(path)
        self._file: BinaryIO | None = None
        self._parquet: pq.ParquetWriter | None = None
        self._waiting: list[Mapping[str, Any]] = []
        self._characters = 0

    def __enter__(self) -> Shard:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Discard what was not committed."""
        if self._file is None:
            return
        with suppress(OSError):  # a full disk: closing writes what is left, and none of it is wanted
            if self._parquet is not None:
                self._parquet.close()
        with suppress(OSError):
            self._file.close()
        self.temporary.unlink(missing_ok=True)

    def add(self, record: Mapping[str, Any]) -> None:
        """Append a row."""
        if self._file is None:
            self._file = self.temporary.open("wb", buffering=2**20)
        if self.kind == "jsonl":
            self._file.write(to_line(record, surrogates="replace"))
            return
        self._waiting.append(record)
        self._characters += len(record["text"]) + len(record["text_normalised"]) + len(record.get("page_text", ""))
        if len(self._waiting) >= GROUP_ROWS or self._characters >= GROUP_CHARACTERS:
            self._write_group()

    def commit(self) -> int:
        """Put the file in its place, on disk before this returns, and return its bytes: 0 where there is no file."""
        if self._file is None:
            return 0
        if self._waiting:
            self._write_group()
        if self._parquet is not None:
            self._parquet.close()
        self._file.flush()
        os.fsync(self._file.fileno())
        size = self._file.tell()
        self._file.close()
        self.temporary.replace(self.path)
        self._file = None
        _sync_folder(self.path.parent)
        return size

    def _write_group(self) -> None:
        import pyarrow.parquet as pq

        page_text = "page_text" in self._waiting[0]
        if self._parquet is None:
            schema = arrow_schema(page_text=page_text)
            self._parquet = pq.ParquetWriter(self._file, schema, compression="zstd")
        self._parquet.write_table(to_table(self._waiting, page_text=page_text))
        self._waiting = []
        self._characters = 0


def temporary_of(path: Path) -> Path:
    """Return a name for `path` while it is written. Chance keeps apart attempts on machines that share the folder."""
    return path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there with all its content or not at all, on disk before this returns."""
    temporary = temporary_of(path)
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def rows_of(part: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield some columns of the rows of a part, in its order.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
    """
    if part.suffix == ".parquet":
        import pyarrow.parquet as pq

        with pq.ParquetFile(part) as file:
            for batch in file.iter_batches(256, columns=list(columns)):
                yield from batch.to_pylist()
        return
    with part.open("rb") as lines:
        for line in lines:
            row = json.loads(line)
            yield {name: row[name] for name in columns}


def write_table(path: Path, rows: Iterable[Mapping[str, Any]], types: Mapping[str, str]) -> None:
    """Write a Parquet file that is there whole or not at all; columns and their types in this order."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(name, pa.type_for_alias(kind)) for name, kind in types.items()])
    temporary = temporary_of(path)
    source = iter(rows)
    try:
        with temporary.open("wb") as file:
            with pq.ParquetWriter(file, schema, compression="zstd") as writer:
                while batch := list(islice(source, GROUP_ROWS)):
                    writer.write_table(pa.Table.from_pylist(batch, schema))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder last through a power cut."""
    if os.name == "nt":  # Windows opens no folders
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
