"""The embedded engine: one machine, a pool of processes, no service."""

from __future__ import annotations

import errno
import multiprocessing as mp
import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from pipeline.configure import LIMITS
from pipeline.dumps.deadline import Guarded, begin_child
from pipeline.dumps.manifest import REPORT, Manifest, open_run, sweep
from pipeline.dumps.shards import Format, write_whole
from pipeline.dumps.status import Failure, Status, of_tasks
from pipeline.dumps.tasks import Processing, Receipt, Rows, Task, identity, plan, run_task
from pipeline.errors import UsageError
from pipeline.records import to_line

__all__ = ["run"]

WINDOW = 2
"""Tasks handed out for each worker: one to work on, one waiting. Those are what a dead worker puts in doubt."""
DAY = 86_400
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
"""Writing fails for every task alike, so the run ends at the first."""

Make = Callable[[], Processing]
MakeRows = Callable[[], Rows]
Outcome = Receipt | Failure


def run(
    inputs: Sequence[str],
    out: str | Path,
    make: Make,
    *,
    workers: int = 1,
    kind: Format = "jsonl",
    force: bool = False,
    task_bytes: int | None = None,
    page_seconds: float = LIMITS.page_seconds,
    progress: Callable[[Status], None] | None = None,
) -> Status:
    """Process a dump into the folder `out`, or go on where an earlier launch was stopped.

    Args:
        inputs: files, folders and globs.
        out: `manifest.json`, `parts/`, `rejects/`, `receipts/` and, at the end, `report.json`.
        make: makes the processing, once in this process and once in each that works on pages, so it must be picklable
            (a class, or `functools.partial(Process, config)`). Reading its digest here should not load its models.
        workers: tasks at a time. A single one is read and written in this process, else each has its own.
        kind: of the parts.
        force: throw away another run that `out` holds.
        task_bytes: input bytes of a task; see `plan`.
        page_seconds: the deadline of a page. Pages are processed in processes of their own, and one that takes longer,
            or kills its process, is rejected. 0 is none: pages are processed where they are read, `make` need not
            be picklable for a single worker, and a page that kills costs its task, or with a single worker the run.
        progress: called at the start and after each task, in this process.

    Returns:
        The books of all launches. `failed` holds tasks that could not be finished: the same command tries them again.

    Raises:
        UsageError: `out` holds something else, or another run works in it, or the disk is full.
        InputError: an input is missing.
        KeyboardInterrupt: with what to say; the tasks that were done stay done.
    """
    out = Path(out)
    process = make()
    if workers < 1:
        raise UsageError(f"{workers} workers cannot do anything. Give at least 1.")
    if not 0 <= page_seconds <= DAY:
        raise UsageError(
            f"A page cannot have {page_seconds} seconds. Give more than 0 and at most {DAY}, or 0 for none."
        )
    tasks = plan(inputs, identity=identity(process), task_bytes=task_bytes)
    if not tasks:
        raise UsageError(f"There is no file to read in {', '.join(inputs)}.")
    _keep_apart(inputs, tasks, out)
    wanted = Manifest(kind, process.config_digest, dict(process.versions), tuple(tasks))
    with _alone_in(out):
        manifest = open_run(out, wanted, force=force)
        (out / REPORT).unlink(missing_ok=True)
        found, todo = of_tasks(out, manifest)
        sweep(out, todo)
        if progress:
            progress(found)
        failures = []
        rows = partial(Guarded, make, page_seconds) if page_seconds else make
        engine = _here(todo, rows, out, kind) if workers == 1 else _pool(todo, rows, out, kind, workers)
        try:
            with closing(engine):
                for outcome in engine:
                    if isinstance(outcome, Receipt):
                        found.add(outcome)
                    else:
                        failures.append(outcome)
                    if progress:
                        progress(found)
        except KeyboardInterrupt:
            message = f"Interrupted. {found.done} of {found.tasks} tasks are done and stay; the same command resumes."
            raise KeyboardInterrupt(message) from None
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
            raise UsageError(f"{out} takes no more: {error.strerror}. The same command resumes.") from error
        report, unfinished = of_tasks(out, manifest)  # from the receipts in task order, whoever wrote them
        sweep(out, unfinished)
        report.failed = tuple(sorted(failures, key=lambda failure: failure.task))
        write_whole(out / REPORT, to_line(report.to_dict()))
    return report


def _keep_apart(inputs: Sequence[str], tasks: Sequence[Task], out: Path) -> None:
    """Refuse to write where the run reads: the next launch would read the output."""
    where = out.resolve()
    roots = [Path(given).resolve() for given in inputs if Path(given).is_dir()]
    folders = {Path(piece.path).parent for task in tasks for piece in task.pieces}
    if any(where.is_relative_to(root) for root in roots) or any(
        folder.resolve().is_relative_to(where) for folder in folders
    ):
        raise UsageError(f"{out} lies among the inputs, or they in it. Give a folder elsewhere for the output.")


@contextmanager
def _alone_in(out: Path) -> Iterator[None]:
    """Make the folder, and keep a second launch out of it. The lock ends with the process, however it ends.

    Two launches would write the same bytes, but sweep away each other's temporary files.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"The folder {out} cannot be made: {error.strerror}.") from error
    if sys.platform == "win32":
        yield
        return
    import fcntl

    number = os.open(out, os.O_RDONLY)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"Another taowen works in {out}. Wait for it, or stop it first.") from None
        yield
    finally:
        os.close(number)


def _attempt(task: Task, process: Rows, out: Path, kind: Format) -> Outcome:
    """Run a task. What fails in it fails alone; a full disk is everyone's."""
    try:
        return run_task(task, process, out, kind)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise
        return _failure(task, str(error))
    except Exception as error:  # whatever a library throws: the other tasks do not suffer for it
        return _failure(task, f"{type(error).__name__}: {error}")


def _failure(task: Task, reason: str) -> Failure:
    return Failure(task.stem, tuple(piece.label for piece in task.pieces), reason)


def _here(todo: Sequence[Task], make: MakeRows, out: Path, kind: Format) -> Generator[Outcome, None, None]:
    process = make()
    try:
        for task in todo:
            yield _attempt(task, process, out, kind)
    finally:
        if isinstance(process, Guarded):
            process.close()


def _pool(
    todo: Sequence[Task], make: MakeRows, out: Path, kind: Format, workers: int
) -> Generator[Outcome, None, None]:
    """Run tasks in processes, at most `WINDOW` of them a worker at a time. A dead worker breaks only its window."""
    waiting = deque(todo)
    while waiting:
        doubtful: list[Task] = []
        with _processes(min(workers, len(waiting)), make) as pool:
            running: dict[Future[Outcome], Task] = {}
            while (waiting or running) and not doubtful:
                try:
                    while waiting and len(running) < WINDOW * workers:
                        running[pool.submit(_work, waiting[0], out, kind)] = waiting[0]
                        waiting.popleft()
                    finished = wait(running, return_when=FIRST_COMPLETED).done
                    for future in finished:
                        outcome = future.result()
                        del running[future]
                        yield outcome
                except BrokenProcessPool:
                    doubtful = [task for future, task in running.items() if not _finished(future)]
                    yield from (future.result() for future in running if _finished(future))
        for task in sorted(doubtful, key=lambda task: task.number):
            yield _by_itself(task, make, out, kind)


def _finished(future: Future[Outcome]) -> bool:
    return future.done() and not future.exception()


def _by_itself(task: Task, make: MakeRows, out: Path, kind: Format) -> Outcome:
    """Run a task that may have killed a worker in a process of its own.

    If it dies again, the fault is in the task: it is reported and the run goes on. With a deadline that is reading or
    writing, since pages are processed elsewhere; what lies behind such a record cannot be read.
    """
    with _processes(1, make) as pool:
        try:
            return pool.submit(_work, task, out, kind).result()
        except BrokenProcessPool:
            return _failure(
                task, "something in it kills the process that works on it (memory, or a fault in a library)"
            )


@contextmanager
def _processes(workers: int, make: MakeRows) -> Iterator[ProcessPoolExecutor]:
    """Give a pool of fresh processes (spawn: no state of this one leaks in), all gone when the block ends."""
    others = set(mp.active_children())
    pool = ProcessPoolExecutor(workers, mp_context=mp.get_context("spawn"), initializer=_begin, initargs=(make,))
    try:
        yield pool
    except BaseException:
        # Interrupted, or the disk is full: a task cut short leaves nothing that counts, so there is no need to wait.
        for child in set(mp.active_children()) - others:
            child.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_make: MakeRows | None = None
_process: Rows | None = None


def _begin(make: MakeRows) -> None:
    global _make
    _make = make
    begin_child()


def _work(task: Task, out: Path, kind: Format) -> Outcome:
    """Run a task in a worker. The processing is made at the first one, where what goes wrong has somewhere to go."""
    global _process
    if _process is None:
        assert _make is not None
        _process = _make()
    return _attempt(task, _process, out, kind)
