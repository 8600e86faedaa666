"""The unit of a run: a task reads some pages, writes what became of them, and commits itself with a receipt.

Any scheduler may run a task any number of times, on any machine that sees the folders: the bytes are the same.
A task with a receipt is done. What lies there without one is overwritten.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from pipeline.article import Page, Reject, Skip
from pipeline.configure import LIMITS, Limits
from pipeline.dumps.counts import Counts
from pipeline.dumps.shards import Format, Shard, write_whole
from pipeline.errors import InputError, TaowenError, UsageError
from pipeline.ingest import read as ingest
from pipeline.records import reject_record, to_line

__all__ = [
    "FOLDERS",
    "Piece",
    "Processing",
    "Read",
    "Receipt",
    "Result",
    "Rows",
    "Task",
    "identity",
    "plan",
    "run_task",
]

Read: TypeAlias = Page | Reject | Skip
Result: TypeAlias = dict[str, Any] | Reject | Skip

TASK_BYTES = 64 * 2**20
"""The most input of one task, where it can be cut: what a power cut may cost, about a minute's work of one core."""
LEAST_TASK_BYTES = 2**20
TASKS = 64
"""A small dump is cut finer than `TASK_BYTES`, so that this many tasks keep the cores of one machine busy to the
end. The plan knows the input only, never the number of workers, so the parts do not depend on it."""
TASK_FILES = 1000
"""The most files of one task."""

BATCH_ROWS = 256
BATCH_CHARACTERS = 8 * 2**20
"""Pages handed to processing at a time: whichever comes first."""

FOLDERS = ("parts", "rejects", "receipts")


class Rows(Protocol):
    """Makes rows of pages."""

    def rows(self, pages: Iterable[Read]) -> Iterator[Result]:
        """Give one result for each input, in order; a Reject or Skip goes through as it is."""


class Processing(Rows, Protocol):
    """Says what decides the rows too: `pipeline.process.Process`, or a test's own."""

    @property
    def config_digest(self) -> str:
        """Changes with everything of the configuration that can change a row."""

    @property
    def versions(self) -> Mapping[str, str]:
        """Package, model digest and rules digest."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A file, or a range of its bytes: the records that begin in it."""

    path: str
    """Where the file lies today."""
    label: str
    """The file as it was given when the run began: the `input` of its rows, wherever the run goes on."""
    name: str
    """Its place below the input root, with the root's number in front: the same on every machine."""
    size: int
    """Bytes of the whole file."""
    start: int = 0
    end: int | None = None
    """None where the file cannot be cut and is read to its end."""

    @property
    def bytes(self) -> int:
        """Input bytes of this piece, as stored."""
        return (self.size if self.end is None else self.end) - self.start


@dataclass(frozen=True, slots=True)
class Task:
    """Pieces that are read, written and committed together."""

    number: int
    """Its place in the order of the input."""
    id: str
    """Digest of the pieces (name, size, range) and of the processing's identity."""
    pieces: tuple[Piece, ...]

    @property
    def stem(self) -> str:
        """What its part, rejects and receipt are called: they sort in input order."""
        return f"{self.number:06d}-{self.id}"

    @property
    def bytes(self) -> int:
        """Input bytes, as stored."""
        return sum(piece.bytes for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Says that a task is done, and its books. `seconds` is the one field that two runs do not share."""

    task: str
    counts: Counts
    part_bytes: int
    """0 where the task wrote no row, and so no part."""
    rejects_bytes: int
    seconds: float

    def to_line(self) -> bytes:
        """Return the receipt as its file holds it."""
        sizes = {"part_bytes": self.part_bytes, "rejects_bytes": self.rejects_bytes}
        return to_line({"task": self.task, **sizes, "counts": self.counts.to_dict(), "seconds": self.seconds})

    @classmethod
    def load(cls, out: Path, task: Task, kind: Format) -> Receipt | None:
        """Return the receipt of a task that is done, None where it is not, or its files are not what it says."""
        try:
            data = json.loads((out / "receipts" / f"{task.stem}.json").read_bytes())
            receipt = cls(**{**data, "counts": Counts.from_dict(data["counts"])})
        except (OSError, ValueError, KeyError, TypeError):
            return None
        sizes = {_part(out, task, kind): receipt.part_bytes, _rejects(out, task): receipt.rejects_bytes}
        right = all((path.stat().st_size if path.exists() else 0) == size for path, size in sizes.items())
        return receipt if right and receipt.task == task.id else None


def identity(process: Processing) -> str:
    """Return a digest of everything but the input that decides a row: configuration, model, rules, package."""
    return _digest([process.config_digest, sorted(process.versions.items())])


def plan(
    inputs: Sequence[str],
    *,
    identity: str = "",
    task_bytes: int | None = None,
) -> list[Task]:
    """Cut the inputs into tasks, in input order. Small files share a task, a large file that can be cut gets several.

    Args:
        inputs: files, folders and globs, as `pipeline.ingest.read.expand` takes them.
        identity: of the processing; other processing, other ids.
        task_bytes: input bytes of a task; by default `TASK_BYTES`, less for a small dump.

    Raises:
        InputError: an input is missing.
        UsageError: an input is standard input, which cannot be read twice.
    """
    if "-" in inputs:
        raise UsageError("A run can be resumed, so it cannot read standard input. Save it to a file and give that.")
    files: dict[str, Piece] = {}
    for number, given in enumerate(inputs):
        for piece in _files(number, given):
            files.setdefault(os.path.abspath(piece.path), piece)  # noqa: PTH100 - named twice, read once; keeps links
    if task_bytes is None:
        total = sum(piece.size for piece in files.values())
        task_bytes = min(TASK_BYTES, max(LEAST_TASK_BYTES, total // TASKS))
    groups: list[list[Piece]] = []
    room = 0
    for piece in (piece for file in files.values() for piece in _cut(file, task_bytes)):
        if not groups or piece.bytes > room or len(groups[-1]) >= TASK_FILES:
            groups.append([])
            room = task_bytes
        groups[-1].append(piece)
        room -= piece.bytes
    return [Task(number, _task_id(pieces, identity), tuple(pieces)) for number, pieces in enumerate(groups)]


def run_task(task: Task, process: Rows, out: Path, kind: Format = "jsonl", *, limits: Limits = LIMITS) -> Receipt:
    """Run one task and commit it: part, rejects, and last the receipt are each put in their place whole.

    Raises:
        InputError: a file is not the one that was planned.
        OSError: reading or writing failed; nothing is committed.
        TaowenError: processing lost or doubled a record; nothing is committed.
    """
    started = time.perf_counter()
    counts = Counts(bytes=task.bytes)
    with Shard(_part(out, task, kind), kind) as part, Shard(_rejects(out, task)) as rejects:
        for batch in _batches(_read(task, limits)):
            results = list(process.rows(batch))
            if len(results) != len(batch):
                raise TaowenError(
                    f"Processing gave {len(results)} results for {len(batch)} records, near {_place(batch[0])}. "
                    "This is a fault of the program: please report it."
                )
            for result in results:
                counts.add(result)
                if isinstance(result, Reject):
                    rejects.add(reject_record(result))
                elif not isinstance(result, Skip):
                    part.add(result)
        assert counts.balanced(), counts
        sizes = part.commit(), rejects.commit()
    receipt = Receipt(task.id, counts, *sizes, seconds=round(time.perf_counter() - started, 3))
    write_whole(out / "receipts" / f"{task.stem}.json", receipt.to_line())
    return receipt


def _part(out: Path, task: Task, kind: Format) -> Path:
    return out / "parts" / f"{task.stem}.{kind}"


def _rejects(out: Path, task: Task) -> Path:
    return out / "rejects" / f"{task.stem}.jsonl"


def _digest(data: object) -> str:
    """16 hex digits: among the 10^5 tasks of 10^9 pages, two the same have odds below one in 10^9."""
    return sha256(json.dumps(data).encode()).hexdigest()[:16]


def _task_id(pieces: Sequence[Piece], identity: str) -> str:
    return _digest([identity, [[piece.name, piece.size, piece.start, piece.end] for piece in pieces]])


def _files(number: int, given: str) -> Iterator[Piece]:
    for path in ingest.expand([given]):
        place = os.path.relpath(path, given) if Path(given).is_dir() else Path(path).name
        try:
            size = Path(path).stat().st_size
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}.") from error
        yield Piece(path, path, f"{number}:{Path(place).as_posix()}", size)


def _cut(file: Piece, task_bytes: int) -> Iterator[Piece]:
    if file.size <= task_bytes or not ingest.can_split(file.path):
        yield file
        return
    for start in range(0, file.size, task_bytes):
        yield replace(file, start=start, end=min(start + task_bytes, file.size))


def _read(task: Task, limits: Limits) -> Iterator[Read]:
    for piece in task.pieces:
        size = Path(piece.path).stat().st_size
        if size != piece.size:
            raise InputError(f"{piece.path} had {piece.size} bytes when the run was planned and has {size} now.")
        for found in ingest.read(piece.path, limits=limits, start=piece.start, end=piece.end):
            yield found if found.input == piece.label else replace(found, input=piece.label)


def _batches(found: Iterable[Read]) -> Iterator[list[Read]]:
    batch: list[Read] = []
    characters = 0
    for one in found:
        batch.append(one)
        if isinstance(one, Page):
            characters += len(one.text or "") + len(one.html or "")
        if len(batch) >= BATCH_ROWS or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _place(one: Read) -> str:
    return f"{one.input} at {one.position}"
