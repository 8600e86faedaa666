"""Where rows and rejects of the commands go: a file that appears whole, or standard output; and what to say of it."""

from __future__ import annotations

import csv
import gzip
import io
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, cast

from pipeline.article import Reject, Skip
from pipeline.errors import UsageError
from pipeline.records import csv_header, reject_record, to_csv_row, to_line, visible

__all__ = [
    "STANDARD_OUTPUT",
    "Books",
    "RejectLimit",
    "Sink",
    "check_new",
    "open_sink",
    "rejected_line",
    "whole_file",
]

RowFormat = Literal["jsonl", "csv"]
STANDARD_OUTPUT = Path("-")
DEFAULT_SHARE = 0.05
"""Share of the records that may be rejected before a command ends with 1. A single record may not."""


@dataclass(slots=True)
class Books:
    """What was read and what became of it: read = written + rejected + skipped."""

    written: int = 0
    rejected: int = 0
    skipped: int = 0
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def read(self) -> int:
        """All records, whatever became of them."""
        return self.written + self.rejected + self.skipped

    def summary(self) -> str:
        """Return the line that a command ends with."""
        told = ", ".join(f"{n} {name}" for name, n in sorted(self.statuses.items()))
        detail = f" ({told})" if told else ""
        return f"read {self.read} = written {self.written}{detail} + rejected {self.rejected} + skipped {self.skipped}"


@dataclass(frozen=True, slots=True)
class RejectLimit:
    """How many rejects are too many: a number, or a share of the records that are pages."""

    number: int | None = None
    share: float = DEFAULT_SHARE

    @classmethod
    def parse(cls, text: str) -> RejectLimit:
        """Read `12` as a number and `5%` as a share.

        Raises:
            UsageError: it is neither.
        """
        try:
            if text.endswith("%"):
                share = float(text[:-1]) / 100
                if 0 <= share <= 1:
                    return cls(share=share)
            elif int(text) >= 0:
                return cls(number=int(text))
        except ValueError:
            pass
        raise UsageError(f"--max-rejects takes a number such as 12 or a share such as 5%, not '{text}'.")

    def exceeded(self, rejected: int, written: int) -> bool:
        """Whether that many rejects are too many."""
        if self.number is not None:
            return rejected > self.number
        return rejected > self.share * (rejected + written)


class Sink:
    """Takes rows, rejects and skips, and keeps the books."""

    def __init__(self, rows: IO[bytes], rejects: _Rejects, kind: RowFormat) -> None:
        self.books = Books()
        self.rejects_in = f"in {rejects.path}" if rejects.path else "above"
        """Where a rejected record is told, for a sentence."""
        self._rows = rows
        self._rejects = rejects
        self._csv = kind == "csv"
        if self._csv:
            # Excel reads a CSV file as UTF-8 only with a byte order mark.
            self._rows.write(b"\xef\xbb\xbf" + _csv_line(csv_header()))

    def take(self, result: Mapping[str, Any] | bytes | Reject | Skip) -> None:
        """Write one result where it belongs; bytes are written as they are."""
        if isinstance(result, Reject):
            self.books.rejected += 1
            self._rejects.take(result)
        elif isinstance(result, Skip):
            self.books.skipped += 1
        elif isinstance(result, bytes):
            self.books.written += 1
            self._rows.write(result)
        else:
            self.books.written += 1
            status = str(result.get("status", ""))
            if status:
                self.books.statuses[status] = self.books.statuses.get(status, 0) + 1
            self._rows.write(_csv_line(to_csv_row(result)) if self._csv else to_line(result))

    def go_on(self, data: bytes) -> None:
        """Write more of the result that was taken last."""
        self._rows.write(data)

    def flush(self) -> None:
        """Let go of what is written, for a reader who waits for it."""
        self._rows.flush()


class _Rejects:
    """A reject file that is made with its first reject; without an output file, a line on standard error."""

    def __init__(self, path: Path | None, stack: ExitStack) -> None:
        self.path = path
        self._stack = stack
        self._file: IO[bytes] | None = None

    def take(self, reject: Reject) -> None:
        if self.path is None:
            print(rejected_line(reject), file=sys.stderr)
            return
        if self._file is None:
            self._file = self._stack.enter_context(whole_file(self.path))
        self._file.write(to_line(reject_record(reject)))


def rejected_line(reject: Reject) -> str:
    """Return a reject as one line for a terminal."""
    told = f"rejected {reject.input}:{reject.position} [{reject.stage}] {reject.reason}"
    return visible(told, breaks=False)


def _csv_line(cells: Iterable[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(cells)
    return line.getvalue().encode("utf-8", "replace")


def check_new(path: Path, *, force: bool, folder: bool = False) -> None:
    """Refuse a place to write that is taken, or whose folder is not there. Devices and pipes take whatever comes.

    Args:
        path: of the file, or of the folder.
        force: whether what is there may be written over.
        folder: whether a folder is to be written.

    Raises:
        UsageError: so it is.
    """
    if not folder and (path == STANDARD_OUTPUT or _is_stream(path)):
        return
    if path.is_dir() and not folder:
        raise UsageError(f"{path} is a folder. Name a file.")
    if path.exists() and (not force or (folder and not path.is_dir())):
        over = ", or give --force to write over it" if not force else ""
        raise UsageError(f"{path} exists. Name another {'folder' if folder else 'file'}{over}.")
    if not path.absolute().parent.is_dir():
        raise UsageError(f"The folder {path.parent} does not exist. Make it, or name another place.")


def _is_stream(path: Path) -> bool:
    """Whether a path is that of a device or a pipe, which no whole file may take the place of."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its name only when it is whole; `.gz` is packed, with time 0.

    A link stays one, and the file that it leads to is written. `-`, a device and a pipe are written to as they are.
    """
    try:
        if path == STANDARD_OUTPUT:
            yield _standard_output()
            sys.stdout.buffer.flush()
        elif _is_stream(path):
            with path.open("wb") as file:
                yield file
        else:
            with _partial(path.resolve()) as file:
                if path.suffix == ".gz":
                    with gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as packed:
                        yield cast("IO[bytes]", packed)
                else:
                    yield file
    except OSError as error:
        if isinstance(error, BrokenPipeError) or path == STANDARD_OUTPUT:
            raise
        raise UsageError(f"{path} cannot be written: {error.strerror}.") from error


@contextmanager
def _partial(path: Path) -> Iterator[IO[bytes]]:
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _standard_output() -> IO[bytes]:
    if sys.stdout is None:
        raise UsageError("Standard output is closed. Name a file with --out.")
    return sys.stdout.buffer


@contextmanager
def open_sink(out: Path, kind: RowFormat, *, force: bool) -> Iterator[Sink]:
    """Open the place for the rows; rejects go to a file beside it, or to standard error if `out` is a stream.

    Raises:
        UsageError: the file exists and `force` is not given, or its folder is missing; or standard output is closed.
        OSError: standard output takes no more; BrokenPipeError if its reader is gone.
    """
    check_new(out, force=force)
    with ExitStack() as stack:
        rejects = None
        if out != STANDARD_OUTPUT and not _is_stream(out):
            rejects = out.with_name(out.name + ".rejects.jsonl")
            check_new(rejects, force=force)
            rejects.unlink(missing_ok=True)  # an earlier run's rejects are not this run's
        yield Sink(stack.enter_context(whole_file(out)), _Rejects(rejects, stack), kind)
