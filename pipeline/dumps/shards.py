"""Files that appear whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeAlias

from pipeline.folders import Folder
from pipeline.records import arrow_schema, to_line, to_table

if TYPE_CHECKING:
    import pyarrow.parquet as pq

__all__ = ["Format", "Shard", "rows_of", "write_table"]

Format: TypeAlias = Literal["jsonl", "parquet"]

GROUP_ROWS = 2048
GROUP_CHARACTERS = 16 * 2**20
"""A Parquet row group is written at whichever comes first: at most about 64 MB of text waits in memory."""


class Shard:
    """Rows on their way to a file of a folder: they are in a temporary file on this machine until `commit`.

    A shard without rows makes no file, since no reader of JSONL tells an empty one from a broken one. Lone
    surrogates become U+FFFD: one such character makes pyarrow and pandas refuse the file.
    """

    def __init__(self, folder: Folder, name: str, kind: Format = "jsonl") -> None:
        self.folder = folder
        self.name = name
        self.kind = kind
        self._temporary: Path | None = None
        self._file: BinaryIO | None = None
        self._parquet: pq.ParquetWriter | None = None
        self._waiting: list[Mapping[str, Any]] = []
        self._characters = 0

    def __enter__(self) -> Shard:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Discard what was not committed."""
        with suppress(OSError):  # a full disk: closing writes what is left, and none of it is wanted
            if self._file is not None and self._parquet is not None:
                self._parquet.close()
        with suppress(OSError):
            if self._file is not None:
                self._file.close()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)

    def add(self, record: Mapping[str, Any]) -> None:
        """Append a row."""
        if self._file is None:
            self._temporary = self.folder.temporary(self.name)
            self._file = self._temporary.open("wb", buffering=2**20)
        if self.kind == "jsonl":
            self._file.write(to_line(record, surrogates="replace"))
            return
        self._waiting.append(record)
        self._characters += len(record["text"]) + len(record["text_normalised"]) + len(record.get("page_text", ""))
        if len(self._waiting) >= GROUP_ROWS or self._characters >= GROUP_CHARACTERS:
            self._write_group()

    def commit(self) -> int:
        """Put the file in its place, on disk before this returns, and return its bytes: 0 where there is no file."""
        if self._file is None or self._temporary is None:
            return 0
        if self._waiting:
            self._write_group()
        if self._parquet is not None:
            self._parquet.close()
        size = self._file.tell()
        self._file.close()
        self.folder.commit(self._temporary, self.name)
        self._file = self._temporary = None
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


def rows_of(folder: Folder, name: str, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a part, in its order: some of their columns, or all.

    Raises:
        OSError: it cannot be read.
        ValueError: it is damaged.
    """
    with folder.open(name) as stored:
        if name.endswith(".parquet"):
            import pyarrow.parquet as pq

            with pq.ParquetFile(stored) as file:
                for batch in file.iter_batches(256, columns=None if columns is None else list(columns)):
                    yield from batch.to_pylist()
            return
        for line in stored:
            row = json.loads(line)
            yield row if columns is None else {name: row[name] for name in columns}


def write_table(folder: Folder, name: str, rows: Iterable[Mapping[str, Any]], types: Mapping[str, str]) -> None:
    """Write a Parquet file that is there whole or not at all; columns and their types in this order."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([(column, pa.type_for_alias(kind)) for column, kind in types.items()])
    temporary = folder.temporary(name)
    source = iter(rows)
    try:
        with pq.ParquetWriter(temporary, schema, compression="zstd") as writer:
            while batch := list(islice(source, GROUP_ROWS)):
                writer.write_table(pa.Table.from_pylist(batch, schema))
        folder.commit(temporary, name)
    finally:
        temporary.unlink(missing_ok=True)
