"""The unit of a run: a task reads some pages, writes what became of them, and commits itself with a receipt.

Any scheduler may run a task any number of times, on any machine that sees the folders: the bytes are the same.
A task with a receipt is done. What lies there without one is overwritten.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from hashlib import blake2b, sha256
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from pipeline.article import Page, Reject, Skip
from pipeline.configure import LIMITS, Limits
from pipeline.dumps.counts import Counts
from pipeline.dumps.shards import Format, Shard
from pipeline.errors import InputError, TaowenError, UsageError
from pipeline.folders import Where, folder_of
from pipeline.ingest.inputs import expand
from pipeline.ingest.ranges import Reader, can_cut
from pipeline.places import is_address, is_folder, read_spans, size_of
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
    "cut",
    "files_of",
    "identity",
    "plan",
    "receipts",
    "run_task",
    "sampled",
]

Read: TypeAlias = Page | Reject | Skip
Result: TypeAlias = dict[str, Any] | Reject | Skip

TASK_BYTES = 64 * 2**20
"""The most input of one task, where it can be cut: what a power cut may cost, minutes of one core's work."""
LEAST_TASK_BYTES = 2**20
TASKS = 64
"""A small dump is cut finer than `TASK_BYTES`, so that this many tasks keep the cores of one machine busy to the
end. The plan knows the input only, never the number of workers, so the parts do not depend on it."""
SAMPLE_TASKS = 32
"""A sample is taken from so many places of the dump: a crawl lies there site by site."""
TASK_FILES = 1000
"""The most files of one task."""
WINDOWS = 16
WINDOW = 4096
"""What a file's digest sees: all of a file of up to 64 KiB; of a larger one so many windows of so many bytes, the first
and the last among them. A change that leaves the size as it was and falls between them is not noticed: to read all of
a terabyte before every start would cost hours."""

REQUESTS = 32
"""Files behind addresses that are looked at side by side: each takes two requests of some hundredths of a second."""

BATCH_ROWS = 256
BATCH_CHARACTERS = 2**20
"""Pages handed to processing at a time: whichever comes first."""

FOLDERS = ("parts", "rejects", "receipts")


class Rows(Protocol):
    """Makes rows of pages."""

    def rows(self, pages: Iterable[Read]) -> Iterator[Result]:
        """Give one result for each input, in order; a Reject or Skip goes through as it is."""


class Processing(Rows, Protocol):
    """Says what decides the rows too: `pipeline.process.Process`, or a test's own."""

    @property
    def options(self) -> Mapping[str, Any]:
        """Everything of the configuration that can change a row, by name, as JSON data."""

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
    """Its place below the input root: the same on every machine."""
    size: int
    """Bytes of the whole file."""
    digest: str = ""
    """Of samples of its content: see `WINDOWS`."""
    start: int = 0
    end: int | None = None
    """None where it is read to its end."""

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
    """Digest of the pieces (name, size, content, range) and of the processing's identity."""
    pieces: tuple[Piece, ...]
    records: int | None = None
    """At most so many are read: it is part of a sample. None for all."""

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


def receipts(out: Where, tasks: Sequence[Task], kind: Format) -> Iterator[Receipt | None]:
    """Yield the receipt of each task; None where it is not done, or its files are not what its receipt says."""
    folder = folder_of(out)
    there = folder.sizes("receipts")  # before the others are listed: a task that ends meanwhile is not done yet
    parts, rejects = folder.sizes("parts"), folder.sizes("rejects")
    contents = folder.read_all([_receipt(task) for task in tasks if f"{task.stem}.json" in there])
    for task in tasks:
        content = next(contents) if f"{task.stem}.json" in there else None
        sizes = parts.get(f"{task.stem}.{kind}", 0), rejects.get(f"{task.stem}.jsonl", 0)
        yield None if content is None else _vouched(task, content, sizes)


def _vouched(task: Task, content: bytes, sizes: tuple[int, int]) -> Receipt | None:
    try:
        data = json.loads(content)
        receipt = Receipt(**{**data, "counts": Counts.from_dict(data["counts"])})
    except (ValueError, KeyError, TypeError):
        return None
    right = receipt.task == task.id and (receipt.part_bytes, receipt.rejects_bytes) == sizes
    return receipt if right else None


def identity(process: Processing) -> str:
    """Return a digest of everything but the input that decides a row: configuration, model, rules, package."""
    return _digest([sorted(process.options.items()), sorted(process.versions.items())])


def files_of(inputs: Sequence[str]) -> list[Piece]:
    """Return the files that the inputs name, whole, in input order.

    Args:
        inputs: files, folders and globs, at paths and addresses, as `pipeline.ingest.inputs.expand` takes them.

    Raises:
        InputError: an input is missing, or cannot be read.
        UsageError: an input is standard input, which cannot be read twice; or there is no file.
    """
    if "-" in inputs:
        raise UsageError("A run can be resumed, so it cannot read standard input. Save it to a file and give that.")
    files: dict[str, Piece] = {}
    for given in inputs:
        found = expand([given])
        folder = found != [given] and is_folder(given)
        for path, content in zip(found, _contents(found), strict=True):
            if is_address(given):
                where, place = path, path.removeprefix(f"{given.rstrip('/')}/") if folder else Path(path).name
            else:
                place = os.path.relpath(path, given) if folder else Path(path).name
                where = os.path.abspath(path)  # noqa: PTH100 - named twice, read once; keeps links
            if where not in files:
                files[where] = Piece(path, path, Path(place).as_posix(), *content)
    if not files:
        raise UsageError(f"There is no file to read in {', '.join(inputs)}.")
    return list(files.values())


def cut(files: Sequence[Piece], *, identity: str = "", task_bytes: int | None = None, first: int = 0) -> list[Task]:
    """Cut files into tasks, in their order. Small files share a task, a large file that can be cut gets several.

    Args:
        files: as `files_of` gives them.
        identity: of the processing; other processing, other ids.
        task_bytes: input bytes of a task; by default `TASK_BYTES`, less for a small dump.
        first: number of the first task.
    """
    if task_bytes is None:
        total = sum(piece.size for piece in files)
        task_bytes = min(TASK_BYTES, max(LEAST_TASK_BYTES, total // TASKS))
    groups: list[list[Piece]] = []
    room = 0
    for piece in (piece for file in files for piece in _cut(file, task_bytes)):
        if not groups or piece.bytes > room or len(groups[-1]) >= TASK_FILES:
            groups.append([])
            room = task_bytes
        groups[-1].append(piece)
        room -= piece.bytes
    return [Task(number, _task_id(pieces, identity), tuple(pieces)) for number, pieces in enumerate(groups, first)]


def plan(inputs: Sequence[str], *, identity: str = "", task_bytes: int | None = None) -> list[Task]:
    """Return the tasks of a dump: `cut(files_of(inputs))`. What they raise is raised."""
    return cut(files_of(inputs), identity=identity, task_bytes=task_bytes)


def sampled(tasks: Sequence[Task], records: int) -> list[Task]:
    """Return tasks that read about `records` records together: the first ones of tasks spread over the dump.

    A task that has fewer than its share makes the sample smaller.
    """
    places = min(len(tasks), records, SAMPLE_TASKS)
    found = []
    for number in range(places):
        task = tasks[number * len(tasks) // places]
        share = records // places + (number < records % places)
        found.append(replace(task, number=number, id=_digest([task.id, share]), records=share))
    return found


def run_task(
    task: Task,
    process: Rows,
    out: Where,
    kind: Format = "jsonl",
    *,
    limits: Limits = LIMITS,
    reader: Reader | None = None,
) -> Receipt:
    """Run one task and commit it: part, rejects, and last the receipt are each put in their place whole.

    Args:
        task: of a run whose folder `out` is; its folders `FOLDERS` are there.
        process: what makes rows of pages.
        out: the folder of the run, at a path or an address.
        kind: of the part.
        limits: of a record.
        reader: kept from task to task, it reads a packed file once and not from its beginning for each task.

    Raises:
        InputError: a file is not the one that was planned, or is no more.
        OSError: reading or writing failed; nothing is committed.
        TaowenError: processing lost or doubled a record; nothing is committed.
    """
    started = time.perf_counter()
    folder = folder_of(out)
    counts = Counts(bytes=task.bytes)
    with (
        Reader() if reader is None else nullcontext(reader) as source,
        Shard(folder, f"parts/{task.stem}.{kind}", kind) as part,
        Shard(folder, f"rejects/{task.stem}.jsonl") as rejects,
    ):
        for batch in _batches(islice(_read(task, limits, source), task.records)):
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
    folder.write(_receipt(task), receipt.to_line())
    return receipt


def _receipt(task: Task) -> str:
    return f"receipts/{task.stem}.json"


def _digest(data: object) -> str:
    """16 hex digits: among the 10^5 tasks of 10^9 pages, two the same have odds below one in 10^9."""
    return sha256(json.dumps(data).encode()).hexdigest()[:16]


def _task_id(pieces: Sequence[Piece], identity: str) -> str:
    return _digest([identity, [[piece.name, piece.size, piece.digest, piece.start, piece.end] for piece in pieces]])


def _contents(paths: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield what `_content` tells of each file; behind addresses many are asked for side by side."""
    if paths and is_address(paths[0]):
        with ThreadPoolExecutor(REQUESTS) as threads:
            yield from threads.map(_content, paths)
    else:
        yield from map(_content, paths)


def _content(path: str) -> tuple[int, str]:
    """Return the size of a file and the digest of its samples.

    Raises:
        InputError: it cannot be read.
    """
    digest = blake2b(digest_size=8)
    try:
        size = size_of(path)
        if size <= WINDOWS * WINDOW:
            spans = [(0, size)] if size else []
        else:
            starts = [(size - WINDOW) * number // (WINDOWS - 1) for number in range(WINDOWS)]
            spans = [(start, start + WINDOW) for start in starts]
        for content in read_spans(path, spans):
            digest.update(content)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from None
    return size, digest.hexdigest()


def _cut(file: Piece, task_bytes: int) -> Iterator[Piece]:
    if file.size <= task_bytes or not can_cut(file.path):
        yield file
        return
    for start in range(0, file.size, task_bytes):
        yield replace(file, start=start, end=start + task_bytes if start + task_bytes < file.size else None)


def _read(task: Task, limits: Limits, reader: Reader) -> Iterator[Read]:
    for piece in task.pieces:
        size, digest = _content(piece.path)
        if size != piece.size:
            raise InputError(f"{piece.path} had {piece.size} bytes when the run was planned and has {size} now.")
        if digest != piece.digest:
            raise InputError(f"{piece.path} has changed since the run was planned: as many bytes, but others.")
        for found in reader.read(piece.path, limits, piece.start, piece.end):
            # A member of an archive is named behind the archive.
            label = piece.label + found.input[len(piece.path) :]
            yield found if found.input == label else replace(found, input=label)


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
