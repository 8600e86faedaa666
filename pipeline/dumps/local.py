"""A run from beginning to end: on one machine with a pool of processes and no service, or on a Ray cluster."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from pipeline.configure import LIMITS
from pipeline.dumps.deadline import Guarded
from pipeline.dumps.manifest import DUPLICATES, MANIFEST, PAGE, REPORT, Asked, Manifest, open_run, sweep
from pipeline.dumps.pool import NO_ROOM, Hand, MakeRows, Outcome, Pool, map_in_pool
from pipeline.dumps.presence import work_in
from pipeline.dumps.ray import require_engine, run_on_ray, sketches_on_ray
from pipeline.dumps.shards import Format
from pipeline.dumps.status import Status, of_tasks
from pipeline.dumps.tasks import Piece, Processing, Receipt, Task, files_of, identity
from pipeline.errors import UsageError
from pipeline.folders import Folder, Where, folder_of
from pipeline.places import is_address
from pipeline.records import to_line

if TYPE_CHECKING:
    from pipeline.dumps.deduplicate import Sketch

__all__ = ["asked_for", "check_asked", "run"]

DAY = 86_400

Make: TypeAlias = Callable[[], Processing]


def run(
    inputs: Sequence[str],
    out: Where,
    make: Make,
    *,
    workers: int = 1,
    kind: Format = "jsonl",
    add: bool = False,
    force: bool = False,
    sample: int = 0,
    share: tuple[int, int] = (0, 1),
    task_bytes: int | None = None,
    page_seconds: float = LIMITS.page_seconds,
    deduplicate: bool = False,
    engine: Literal["local", "ray"] = "local",
    address: str = "auto",
    progress: Callable[[Status], None] | None = None,
) -> Status:
    """Process a dump into the folder `out`, or go on where an earlier launch was stopped.

    Args:
        inputs: files, folders and globs, at paths and addresses; none to go on with those that the run in `out` has.
        out: a path or an address: `manifest.json`, `parts/`, `rejects/`, `receipts/` and, at the end, `report.json`.
        make: makes the processing, once in this process and once in each that works on pages, so it must be picklable
            (a class, or `functools.partial(Process, config)`). Reading its digest here should not load its models.
        workers: tasks at a time. A single one is read and written in this process, else each has its own.
        kind: of the parts.
        add: append those of the inputs that the run in `out` does not have.
        force: throw away another run that `out` holds.
        sample: read about so many records, from all over the dump; 0 for all.
        share: (k, n) does every n-th task from the k-th (from 0) on, and leaves the rest, and the report, to others.
        task_bytes: input bytes of a task; see `cut`.
        page_seconds: the deadline of a page. Pages are processed in processes of their own, and one that takes longer,
            or kills its process, is rejected. 0 is none: pages are processed where they are read, `make` need not
            be picklable for a single worker, and a page that kills costs its task, or with a single worker the run.
        deduplicate: when every task is done, find copies and write `duplicates.parquet`.
        engine: this machine, where `workers` counts, or a Ray cluster, whose cores count.
        address: of the Ray cluster.
        progress: called at the start and after each task, in this process.

    Returns:
        The books of all launches. `failed` holds tasks that could not be finished: the same command tries them again.

    Raises:
        UsageError: `out` holds something else, or another run works in it, or the disk is full.
        InputError: an input is missing.
        KeyboardInterrupt: with what to say; the tasks that were done stay done.
    """
    folder = folder_of(out)
    if workers < 1:
        raise UsageError(f"{workers} workers cannot do anything. Give at least 1.")
    if engine == "ray":
        require_engine()
    check_asked(page_seconds=page_seconds, share=share, add=add, force=force, deduplicate=deduplicate)
    asked = asked_for(inputs, make(), kind=kind, sample=sample, task_bytes=task_bytes)
    if not inputs:
        Manifest.load(folder)  # which says so if there is none, before a folder is made
    _keep_apart(inputs, asked.files, str(folder))
    alone = share[1] == 1
    hands = _engine(make, page_seconds, folder, kind, workers, engine, address)
    with _told(folder), closing(hands), ExitStack() as work:
        if force or MANIFEST not in folder.entries():
            hands.load()  # what cannot be loaded begins no run, and throws none away
        work.enter_context(work_in(folder, alone=alone))
        manifest = open_run(folder, asked, add=add, force=force, shared=not alone)
        if alone:
            folder.remove(REPORT)
            folder.remove(DUPLICATES)
        found, unfinished = of_tasks(folder, manifest)
        todo = [task for task in unfinished if task.number % share[1] == share[0]]
        if todo:
            folder.remove(PAGE)  # it tells of the run as it was
        failures = []
        try:
            sweep(folder, todo, shared=not alone)
            if progress:
                progress(found)
            with closing(hands.outcomes(todo)) as outcomes:
                for outcome in outcomes:
                    if isinstance(outcome, Receipt):
                        found.add(outcome)
                    else:
                        failures.append(outcome)
                    if progress:
                        progress(found)
            hands.close()
            report, unfinished = of_tasks(folder, manifest)  # from the receipts in task order, whoever wrote them
            report.failed = tuple(sorted(failures, key=lambda failure: failure.task))
            if alone:
                sweep(folder, unfinished)
                if deduplicate and report.complete:
                    from pipeline.dumps.deduplicate import write_duplicates  # which loads numpy

                    with closing(_sketches(folder, workers, engine, address)) as sketches:
                        report.copies = write_duplicates(folder, sketches)
                folder.write(REPORT, to_line(report.to_dict()))
        except KeyboardInterrupt:
            message = f"Interrupted. {found.done} of {found.tasks} tasks are done and stay; the same command resumes."
            raise KeyboardInterrupt(message) from None
    return report


def check_asked(*, page_seconds: float, share: tuple[int, int], add: bool, force: bool, deduplicate: bool) -> None:
    """Refuse what cannot be, or not together; see `run`."""
    if not 0 <= page_seconds <= DAY:
        raise UsageError(
            f"A page cannot have {page_seconds} seconds. Give more than 0 and at most {DAY}, or 0 for none."
        )
    if not 0 <= share[0] < share[1]:
        raise UsageError(f"There is no share {share[0]} of {share[1]}. Shares of n are 0 to n - 1.")
    if share[1] > 1 and (add or force):
        raise UsageError("A share neither adds inputs nor throws a run away. Do that first, in a launch of its own.")
    if share[1] > 1 and deduplicate:
        raise UsageError("Copies are found in the whole run: give --deduplicate when the shares are done.")


def asked_for(
    inputs: Sequence[str], process: Processing, *, kind: Format, sample: int = 0, task_bytes: int | None = None
) -> Asked:
    """Return what a launch with these inputs and options asks for; see `run`. Nothing is written."""
    if sample < 0:
        raise UsageError(f"A sample cannot have {sample} records. Give at least 1, or 0 for all.")
    files = tuple(files_of(inputs)) if inputs else ()
    versions = dict(process.versions)
    return Asked(kind, process.options, versions, identity(process), files, task_bytes, sample)


def _keep_apart(inputs: Sequence[str], files: Sequence[Piece], out: str) -> None:
    """Refuse to write where the run reads: the next launch would read the output."""
    where = _place(out)
    paths = {file.path for file in files}
    roots = [_place(given) for given in inputs if given not in paths]
    folders = {_place(folder) for folder in {posixpath.dirname(path.replace(os.sep, "/")) for path in paths}}
    if any(_within(where, root) for root in roots) or any(_within(folder, where) for folder in folders):
        raise UsageError(f"{out} lies among the inputs, or they in it. Give a folder elsewhere for the output.")


def _place(given: str) -> str:
    """Return a folder's path or address in a form that can be compared."""
    return posixpath.normpath(given) if is_address(given) else Path(given).resolve().as_posix()


def _within(inner: str, outer: str) -> bool:
    return f"{inner}/".startswith(f"{outer}/")


@contextmanager
def _told(out: Folder) -> Iterator[None]:
    """Make prose of what the disk says. Reading fails a task; what comes as far as here is about the run folder."""
    try:
        yield
    except OSError as error:
        what = "takes no more" if error.errno in NO_ROOM else "cannot be worked in"
        raise UsageError(f"{out} {what}: {error.strerror or error}. The same command resumes.") from error


class _Engine(Protocol):
    """What runs tasks."""

    def load(self) -> None:
        """Load what the tasks share, as far as that can be done beforehand."""

    def outcomes(self, todo: Sequence[Task]) -> Generator[Outcome, None, None]:
        """Run tasks and give what came of each."""

    def close(self) -> None:
        """End what was begun."""


class _Here:
    """Runs tasks in this process, one after another."""

    def __init__(self, make: MakeRows, out: Folder, kind: Format) -> None:
        self._hand = Hand(make, out, kind)

    def load(self) -> None:
        self._hand.load()

    def outcomes(self, todo: Sequence[Task]) -> Generator[Outcome, None, None]:
        yield from map(self._hand.run, todo)

    def close(self) -> None:
        self._hand.close()


class _OnRay:
    """Runs tasks on a Ray cluster, whose processes load when they have their first task."""

    def __init__(self, make: MakeRows, out: Folder, kind: Format, address: str) -> None:
        self._how = make, out, kind, address

    def load(self) -> None:
        pass

    def outcomes(self, todo: Sequence[Task]) -> Generator[Outcome, None, None]:
        return run_on_ray(todo, *self._how)

    def close(self) -> None:
        pass


def _engine(
    make: Make, page_seconds: float, out: Folder, kind: Format, workers: int, engine: str, address: str
) -> _Engine:
    rows = partial(Guarded, make, page_seconds) if page_seconds else make
    if engine == "ray":
        return _OnRay(rows, out, kind, address)
    return _Here(rows, out, kind) if workers == 1 else Pool(make, out, kind, workers, page_seconds)


def _sketches(out: Folder, workers: int, engine: str, address: str) -> Generator[Sketch, None, None]:
    """Yield the sketches of all parts, in the order of the input."""
    from pipeline.dumps.deduplicate import sketch_of_part

    parts = [f"parts/{name}" for name in out.sizes("parts")]
    if engine == "ray":
        yield from sketches_on_ray(out, parts, address)
    elif workers == 1:
        yield from (sketch_of_part(out, part) for part in parts)
    else:
        yield from map_in_pool(partial(sketch_of_part, out), parts, workers)
