"""Processes that run tasks, one at a time each. One that dies puts only its own task in doubt."""

from __future__ import annotations

import errno
import multiprocessing as mp
from collections import OrderedDict, deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for
from typing import Any, TypeAlias, TypeVar

from pipeline.dumps.deadline import Guarded, begin_child
from pipeline.dumps.shards import Format
from pipeline.dumps.status import Failure
from pipeline.dumps.tasks import Receipt, Rows, Task, run_task
from pipeline.errors import TaowenError
from pipeline.folders import Where
from pipeline.ingest.ranges import Reader

__all__ = ["NO_ROOM", "Hand", "MakeRows", "Outcome", "failure", "map_in_pool", "run_in_pool"]

Outcome: TypeAlias = Receipt | Failure
MakeRows: TypeAlias = Callable[[], Rows]
Item = TypeVar("Item")
Answer = TypeVar("Answer")

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
"""Writing fails for every task alike, so the run ends at the first."""


class Hand:
    """Runs tasks one after another: makes the processing at the first, and keeps a packed file open in between."""

    def __init__(self, make: MakeRows, out: Where, kind: Format) -> None:
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
    todo: Sequence[Task], make: MakeRows, out: Where, kind: Format, workers: int
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
    hands = [_Worker(_run_tasks, make, out, kind) for _ in range(min(workers, len(todo)))]
    try:
        while True:
            for number, hand in enumerate(hands):
                if hand.task is None and waiting:
                    if not hand.process.is_alive():
                        hand.end()
                        hands[number] = hand = _Worker(_run_tasks, make, out, kind)
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


def map_in_pool(
    function: Callable[[Item], Answer], items: Sequence[Item], workers: int
) -> Generator[Answer, None, None]:
    """Yield what a function answers for each item, in order, worked out in processes: at most two waiting for each.

    Raises:
        TaowenError: a process died.
        Exception: what the function raises.
    """
    hands = [_Worker(_answer_with, function) for _ in range(min(workers, len(items)))]
    given: dict[Connection, int] = {}
    found: dict[int, Answer] = {}
    next_ = at = 0
    try:
        while at < len(items):
            for hand in hands:
                if hand.connection not in given and next_ < min(len(items), at + 2 * workers):
                    hand.send(items[next_])
                    given[hand.connection] = next_
                    next_ += 1
            wait_for(list(given))
            for connection in [one for one in given if one.poll()]:
                number = given.pop(connection)
                try:
                    answer: Any = connection.recv()
                except (EOFError, OSError):
                    raise TaowenError(
                        "A process was killed from outside (memory?). The same command resumes."
                    ) from None
                if isinstance(answer, Exception):
                    raise answer
                found[number] = answer
            while at in found:
                yield found.pop(at)
                at += 1
    finally:
        for hand in hands:
            hand.end()


class _Worker:
    """A process that does what it is sent (spawn: no state of this one leaks in)."""

    def __init__(self, serve: Callable[..., None], *arguments: Any) -> None:
        context = mp.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, *arguments))
        self.process.start()
        theirs.close()
        self.task: Task | None = None
        self.path = ""

    def give(self, task: Task) -> None:
        """Hand out a task."""
        self.task = task
        self.path = task.pieces[-1].path
        self.send(task)

    def send(self, what: Any) -> None:
        """Hand out something. If the process is gone, that shows when its answer is read."""
        with suppress(OSError):
            self.connection.send(what)

    def end(self) -> None:
        """End the process; what it started ends with it."""
        self.connection.close()
        if self.process.is_alive():
            self.process.terminate()
        self.process.join()


def _run_tasks(connection: Connection, make: MakeRows, out: Where, kind: Format) -> None:
    hand = Hand(make, out, kind)
    _answer_with(connection, hand.run)
    hand.close()


def _answer_with(connection: Connection, function: Callable[[Any], Any]) -> None:
    """Answer what comes until the other side is gone. What ends the run is sent as it is."""
    begin_child()
    with suppress(EOFError, OSError):
        while True:
            item = connection.recv()
            answer: Any
            try:
                answer = function(item)
            except Exception as error:
                answer = error
            connection.send(answer)
