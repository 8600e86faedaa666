"""Processes that run tasks, one at a time each. One that dies puts only its own task in doubt."""

from __future__ import annotations

import errno
import multiprocessing as mp
from collections import OrderedDict, deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for
from pathlib import Path
from typing import TypeAlias

from pipeline.dumps.deadline import Guarded, begin_child
from pipeline.dumps.shards import Format
from pipeline.dumps.status import Failure
from pipeline.dumps.tasks import Receipt, Rows, Task, run_task
from pipeline.ingest.ranges import Reader

__all__ = ["NO_ROOM", "Hand", "MakeRows", "Outcome", "failure", "run_in_pool"]

Outcome: TypeAlias = Receipt | Failure
MakeRows: TypeAlias = Callable[[], Rows]

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
"""Writing fails for every task alike, so the run ends at the first."""


class Hand:
    """Runs tasks one after another: makes the processing at the first, and keeps a packed file open in between."""

    def __init__(self, make: MakeRows, out: Path, kind: Format) -> None:
        self._make = make
        self._out = out
        self._kind = kind
        self._rows: Rows | None = None
        self._reader = Reader()

    def run(self, task: Task) -> Outcome:
        """Run a task. What fails in it fails alone, but for a disk that takes no more: that is everyone's.

        Raises:
            OSError: writing fails, as it would for every task.
        """
        if self._rows is None:
            self._rows = self._make()
        try:
            return run_task(task, self._rows, self._out, self._kind, reader=self._reader)
        except OSError as error:
            if error.errno in NO_ROOM:
                raise
            return failure(task, str(error))
        except Exception as error:  # whatever a library throws: the other tasks do not suffer for it
            return failure(task, f"{type(error).__name__}: {error}")

    def close(self) -> None:
        """End the process for pages, and close the file that is open."""
        self._reader.close()
        if isinstance(self._rows, Guarded):
            self._rows.close()


def failure(task: Task, reason: str) -> Failure:
    """Return the report of a task that could not be finished."""
    return Failure(task.stem, tuple(dict.fromkeys(piece.label for piece in task.pieces)), reason)


def run_in_pool(
    todo: Sequence[Task], make: MakeRows, out: Path, kind: Format, workers: int
) -> Generator[Outcome, None, None]:
    """Run tasks in processes and give what came of each, as they end.

    A worker goes on with the file it is at; else it takes one that nobody is at; else it helps the first. So many files
    are each read once, and one packed file is read by all, each once.

    Raises:
        OSError: writing fails, as it would for every task.
        TaowenError: the processing cannot be made.
    """
    waiting = _Waiting(todo)
    died: set[int] = set()
    hands = [_Worker(make, out, kind) for _ in range(min(workers, len(todo)))]
    try:
        while True:
            for number, hand in enumerate(hands):
                if hand.task is None and waiting:
                    if not hand.process.is_alive():
                        hand.end()
                        hands[number] = hand = _Worker(make, out, kind)
                    hand.give(waiting.take(hand.path, [other.path for other in hands if other.task]))
            busy = {hand.connection: hand for hand in hands if hand.task is not None}
            if not busy:
                break
            for connection in wait_for(list(busy)):
                hand = busy[connection]  # type: ignore[index]  # only these were waited for
                task, hand.task = hand.task, None
                assert task is not None
                try:
                    outcome = hand.connection.recv()
                except (EOFError, OSError):
                    hand.process.kill()  # if it still lives, nobody hears it
                    hand.process.join()
                    if task.number not in died:
                        died.add(task.number)
                        waiting.put_back(task)
                        continue
                    # With a deadline it is reading or writing, since pages are processed elsewhere: what lies behind
                    # such a record cannot be read.
                    reason = "something in it kills the process that works on it (memory, or a fault in a library)"
                    outcome = failure(task, reason)
                if isinstance(outcome, Exception):
                    raise outcome
                yield outcome
        for hand in hands:
            hand.connection.close()  # it ends by itself, and what it started before it
        for hand in hands:
            hand.process.join(10)
    finally:
        # Interrupted, or the disk is full: a task cut short leaves nothing that counts, so there is no need to wait.
        for hand in hands:
            hand.end()


class _Waiting:
    """Tasks in the order of the input, by the file that they begin in."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self._files: OrderedDict[str, deque[Task]] = OrderedDict()
        for task in tasks:
            self._files.setdefault(task.pieces[0].path, deque()).append(task)

    def __bool__(self) -> bool:
        return bool(self._files)

    def take(self, mine: str, others: Sequence[str]) -> Task:
        """Return the next task for who is at the file `mine` while others are at theirs."""
        path = mine
        if mine not in self._files:
            path = next((path for path in self._files if path not in others), next(iter(self._files)))
        task = self._files[path].popleft()
        if not self._files[path]:
            del self._files[path]
        return task

    def put_back(self, task: Task) -> None:
        """Take a task back: it is the first of its file."""
        self._files.setdefault(task.pieces[0].path, deque()).appendleft(task)


class _Worker:
    """A process that runs tasks (spawn: no state of this one leaks in)."""

    def __init__(self, make: MakeRows, out: Path, kind: Format) -> None:
        context = mp.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, make, out, kind))
        self.process.start()
        theirs.close()
        self.task: Task | None = None
        self.path = ""

    def give(self, task: Task) -> None:
        """Hand out a task. If the process is gone, that shows when its answer is read."""
        self.task = task
        self.path = task.pieces[-1].path
        with suppress(OSError):
            self.connection.send(task)

    def end(self) -> None:
        """End the process; what it started ends with it."""
        self.connection.close()
        if self.process.is_alive():
            self.process.terminate()
        self.process.join()


def _serve(connection: Connection, make: MakeRows, out: Path, kind: Format) -> None:
    """Run tasks until the other side is gone. What ends the run is sent as it is."""
    begin_child()
    hand = Hand(make, out, kind)
    with suppress(EOFError, OSError):
        while True:
            task = connection.recv()
            answer: Outcome | Exception
            try:
                answer = hand.run(task)
            except Exception as error:
                answer = error
            connection.send(answer)
    hand.close()
