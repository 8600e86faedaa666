"""A file in ranges: what lets several processes work on one large file, and a run commit it piece by piece.

Lines that are not packed are entered anywhere. Everything else can only be read from its beginning: there a range
holds the records that are found while reading is between its ends, and a `Reader` goes on from where its last range
ended, so that a process which takes the ranges of a file in order reads it once. Reading a page costs a twentieth of
cleaning it (pages-dev as packed lines: 1.5 ms and 35).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType

from pipeline.configure import LIMITS, Limits
from pipeline.ingest.read import READERS, Record, Source, can_split, open_source, read

__all__ = ["Reader", "can_cut"]

_CUT = ("jsonl", "warc", "parquet", "zip", "tar")
"""Formats of many records whose place in the file is known while they are read."""


def can_cut(path: str) -> bool:
    """Whether a file holds many records, so that it can be read in ranges.

    Raises:
        InputError: it cannot be opened.
    """
    with open_source(path) as source:
        return source.kind in _CUT


class Reader:
    """Reads files, whole or in ranges. Of one that is read from its beginning, it stays open where a range ended."""

    def __init__(self) -> None:
        self._scan: _Scan | None = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file that is open."""
        if self._scan is not None:
            self._scan.close()
            self._scan = None

    def read(self, path: str, limits: Limits = LIMITS, start: int = 0, end: int | None = None) -> Iterator[Record]:
        """Yield the records of a range, in the file's order. The ranges of a file together give each record once.

        Args:
            path: a file.
            limits: as for `pipeline.ingest.read.read`.
            start: stored bytes; 0, or the end of another range.
            end: stored bytes; None for the last range, or a whole file.

        Raises:
            InputError: the file cannot be opened.
        """
        if (start == 0 and end is None) or can_split(path):
            self.close()
            yield from read(path, limits=limits, start=start, end=end)
            return
        scan, self._scan = self._scan, None
        if scan is None or (scan.path, scan.limits) != (path, limits) or scan.at > start:
            if scan is not None:
                scan.close()
            scan = _Scan(path, limits)
        try:
            for _ in scan.until(start):
                pass
            yield from scan.until(end)
            if end is not None:
                self._scan, scan = scan, None
        finally:
            if scan is not None:
                scan.close()


class _Scan:
    """A file that is read from its beginning, stopped between two records."""

    def __init__(self, path: str, limits: Limits) -> None:
        self.path = path
        self.limits = limits
        self.at = 0
        """Records before this were given."""
        self._files = ExitStack()
        self._source = self._files.enter_context(open_source(path))
        self._records = READERS[self._source.kind](self._source, limits)
        self._waiting: Record | None = None
        self._place = 0

    def until(self, end: int | None) -> Iterator[Record]:
        """Yield the records found before `end`."""
        while True:
            if self._waiting is None:
                self._waiting = next(self._records, None)
                if self._waiting is None:
                    break
                # A record damaged at its end is told at its beginning: places must not go back.
                self._place = max(self._place, _place(self._source, self._waiting))
            if end is not None and self._place >= end:
                break
            found, self._waiting = self._waiting, None
            yield found
        self.at = max(self.at, end or 0)

    def close(self) -> None:
        """Close the file."""
        self._files.close()


def _place(source: Source, found: Record) -> int:
    """Where in the stored bytes a record is, as far as its format tells: the same whenever it is read."""
    if source.kind == "warc":  # in a member of many records, positions count what it unpacks to
        return min(found.position, source.stream.tell())
    if source.kind in ("parquet", "zip"):
        return source.mark
    return source.stream.tell()
