"""Processes that run tasks, one at a time each. One that dies puts only its own task in doubt."""

from __future__ import annotations

import errno
from collections import OrderedDict, deque
from collections.abc import Callable, Generator, Sequence
from contextlib import closing, suppress
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for
from typing import Any, TypeAlias, TypeVar

from pipeline.dumps.deadline import Guarded
from pipeline.dumps.processes import CAN_FORK, Loaded, Nursery, Process, Spawned, begin_child
from pipeline.dumps.shards import Format
from pipeline.dumps.status import Failure
from pipeline.dumps.tasks import Receipt, Rows, Task, run_task
from pipeline.errors import TaowenError
from pipeline.folders import Where
from pipeline.ingest.ranges import Reader

__all__ = ["NO_ROOM", "Hand", "MakeRows", "Outcome", "Pool", "failure", "map_in_pool"]

Outcome: TypeAlias = Receipt | Failure
MakeRows: TypeAlias = Callable[[], Rows]
Item = TypeVar("Item")
Answer = TypeVar("Answer")

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
"""Writing fails for every task alike, so the run ends at the first."""


class Hand:
    """Runs tasks one after another: loads the processing before the first, and keeps a packed file open in between."""

    def __init__(self, make: MakeRows, out: Where, kind: Format) -> None:
        self._make = make
        self._out = out
        self._kind = kind
        self._rows: Rows | None = None
        self._reader = Reader()

    def load(self) -> Rows:
        """Make the processing, and load it where it has a process of its own.

        Raises:
            TaowenError: it cannot be loaded.
            Exception: what it raises.
        """
        if self._rows is None:
            self._rows = self._make()
        if isinstance(self._rows, Guarded):
            self._rows.start()
        return self._rows

    def run(self, task: Task) -> Outcome:
        """Run a task. What fails in it fails alone, but for a disk that takes no more: that is everyone's.

        Raises:
            OSError: writing fails, as it would for every task.
            TaowenError: the processing cannot be loaded.
        """
        rows = self.load()
        try:
            return run_task(task, rows, self._out, self._kind, reader=self._reader)
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


class Pool:
    """Processes that run tasks.

    A worker goes on with the file it is at; else it takes one that nobody is at; else it helps the first. So many files
    are each read once, and one packed file is read by all, each once.
    """

    def __init__(
        self, make: Callable[[], Rows], out: Where, kind: Format, workers: int, page_seconds: float = 0
    ) -> None:
        """Prepare a pool.

        Args:
            make: makes the processing.
            out: the folder of the run.
            kind: of the parts.
            workers: processes, at most.
            page_seconds: the deadline of a page, which then has a process of its own beside each worker; 0 for none.
        """
        self._make = make
        self._out = out
        self._kind = kind
        self._workers = workers
        self._seconds = page_seconds
        self._nursery: Nursery | None = None

    def load(self) -> None:
        """Load what the workers share, where they can.

        Raises:
            TaowenError: the processing cannot be loaded.
            Exception: what it raises.
        """
        if self._nursery is None and CAN_FORK:
            self._nursery = Nursery(self._make)

    def close(self) -> None:
        """End what the workers share, and so all workers that fork."""
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None

    def outcomes(self, todo: Sequence[Task]) -> Generator[Outcome, None, None]:
        """Run tasks and give what came of each, as they end.

        Raises:
            OSError: writing fails, as it would for every task.
            TaowenError: the processing cannot be loaded.
        """
        waiting = _Waiting(todo)
        died: set[int] = set()
        hands: list[_Worker] = []
        try:
            hands += [self._begin() for _ in range(min(self._workers, len(todo)))]
            while True:
                for number, hand in enumerate(hands):
                    if hand.task is None and waiting:
                        if hand.connection.poll():  # nothing was asked, so this is its end
                            hand.process.end()
                            hands[number] = hand = self._begin()
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
                        if task.number not in died:
                            died.add(task.number)
                            waiting.put_back(task)
                            continue
                        # With a deadline it is reading or writing, since pages are processed elsewhere: what lies
                        # behind such a record cannot be read.
                        reason = "something in it kills the process that works on it (memory, or a fault in a library)"
                        outcome = failure(task, reason)
                    if isinstance(outcome, Exception):
                        raise outcome
                    yield outcome
        finally:
            # Done, interrupted, or the disk is full: a task cut short leaves nothing that counts, so nobody waits.
            for hand in hands:
                hand.process.kill()
            for hand in hands:
                hand.process.end()

    def _begin(self) -> _Worker:
        if not CAN_FORK:
            rows = partial(Guarded, self._make, self._seconds) if self._seconds else self._make
            return _Worker(Spawned(_run_tasks, rows, self._out, self._kind))
        self.load()
        assert self._nursery is not None
        given = _run_tasks_loaded, self._out, self._kind, self._seconds
        try:
            return _Worker(self._nursery.fork(*given))
        except (EOFError, OSError):  # it was killed, and all its forks with it
            self.close()
            self.load()
            return _Worker(self._nursery.fork(*given))


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
    hands = [Spawned(_answer_items, function) for _ in range(min(workers, len(items)))]
    given: dict[Connection, int] = {}
    found: dict[int, Answer] = {}
    next_ = at = 0
    try:
        while at < len(items):
            for hand in hands:
                if hand.connection not in given and next_ < min(len(items), at + 2 * workers):
                    _send(hand, items[next_])
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
            hand.kill()
        for hand in hands:
            hand.end()


class _Worker:
    """A process and the task that it is at."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.connection = process.connection
        self.task: Task | None = None
        self.path = ""

    def give(self, task: Task) -> None:
        """Hand out a task. If the process is gone, that shows when its answer is read."""
        self.task = task
        self.path = task.pieces[-1].path
        _send(self.process, task)


def _send(process: Process, what: Any) -> None:
    with suppress(OSError):
        process.connection.send(what)


def _run_tasks(connection: Connection, make: MakeRows, out: Where, kind: Format) -> None:
    begin_child()
    with closing(Hand(make, out, kind)) as hand:
        _answer_with(connection, hand.run)


def _run_tasks_loaded(
    connection: Connection, rows: Rows, loaded: Loaded, out: Where, kind: Format, page_seconds: float
) -> None:
    with closing(Hand(lambda: Guarded(loaded, page_seconds) if page_seconds else rows, out, kind)) as hand:
        _answer_with(connection, hand.run)


def _answer_items(connection: Connection, function: Callable[[Any], Any]) -> None:
    begin_child()
    _answer_with(connection, function)


def _answer_with(connection: Connection, function: Callable[[Any], Any]) -> None:
    """Answer what comes until the other side is gone. What ends the run is sent as it is."""
    with suppress(EOFError, OSError):
        while True:
            item = connection.recv()
            answer: Any
            try:
                answer = function(item)
            except Exception as error:
                answer = error
            connection.send(answer)
