"""Pages are processed in a process of their own, so one that hangs there, or kills it, costs only itself."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from multiprocessing.connection import Connection

from pipeline.article import Page, Reject
from pipeline.dumps.processes import Loaded, Process, Spawned, begin_child, first_page, how, load
from pipeline.dumps.tasks import Read, Result, Rows
from pipeline.errors import PageError

__all__ = ["Guarded"]

BATCH = 64
"""Pages that go there at a time, at most. On 2,000 articles of 11 ms each that takes 1.00 times the CPU of a bare loop
(one at a time 1.12) and 1.02 times its time."""
SHARE = 1 / 16
"""A batch grows while it takes less than this share of the deadline: far from failing because its pages are many."""
RENEWED = 20_000
"""Pages after which the process is a fresh one, whatever a library may have leaked. The start takes a second or, by a
fork, none; the pages half a minute or more."""


class Guarded:
    """Makes rows of pages in a process of its own, and rejects a page that takes too long there, or kills it.

    A batch has the time of one page. If it fails, its pages go one by one, in a fresh process where needed, and what
    fails alone is at fault; else it was the batch, or the machine (memory that another program held).
    """

    def __init__(self, make: Callable[[], Rows] | Loaded, seconds: float) -> None:
        """Prepare the process, which begins with the first page or with `start`.

        Args:
            make: makes the processing in a fresh process, so it must be picklable; or a loaded one, which forks.
            seconds: that a page may take.
        """
        self.make = make
        self.seconds = seconds
        self._size = 1
        self._served = 0
        self._child: Process | None = None

    def start(self) -> None:
        """Begin the process, if there is none.

        Raises:
            TaowenError: it ends while it loads.
            Exception: what loading raises: a model that is damaged.
        """
        if self._child is not None:
            return
        self._served = 0
        if isinstance(self.make, Loaded):
            self._child = self.make.fork(_serve)
        else:
            child = Spawned(_load_and_serve, self.make, daemon=True)
            first_page(child)
            self._child = child

    def rows(self, pages: Iterable[Read]) -> Iterator[Result]:
        """Give what the processing gives for each input, in order; a Reject or Skip goes through as it is."""
        source = iter(pages)
        while batch := list(islice(source, self._size)):
            started = time.monotonic()
            try:
                results = self._ask(batch)
            except PageError:
                results = [result for page in batch for result in self._alone(page)]
            quick = time.monotonic() - started < self.seconds * SHARE
            self._size = min(BATCH, self._size * 2) if quick else max(1, self._size // 2)
            yield from results

    def close(self) -> None:
        """End the process."""
        if self._child is not None:
            self._child.end()
            self._child = None

    def _ask(self, batch: Sequence[Read]) -> list[Result]:
        """Return the results of some pages. What the processing raises is raised here.

        Raises:
            PageError: they took too long, or killed the process. It is no more.
        """
        if self._served >= RENEWED:
            self.close()
        self.start()
        assert self._child is not None
        self._served += len(batch)
        connection = self._child.connection
        try:
            connection.send((batch, self.seconds))
            if not connection.poll(self.seconds):
                self._child.kill()
                self.close()
                raise PageError("deadline", f"over the limit page_seconds ({self.seconds:g})")
            answer: list[Result] | Exception = connection.recv()
        except (EOFError, OSError):
            code, self._child = self._child.end(), None
            raise PageError("killed", f"ends the process that works on it ({how(code)})") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _alone(self, page: Read) -> list[Result]:
        if not isinstance(page, Page):
            return [page]
        try:
            return self._ask([page])
        except PageError as error:
            return [Reject(page.input, page.position, page.id, error.stage, error.reason)]


def _load_and_serve(connection: Connection, make: Callable[[], Rows]) -> None:
    begin_child()
    rows = load(connection, make)
    if rows is not None:
        _serve(connection, rows)


def _serve(connection: Connection, rows: Rows, loaded: Loaded | None = None) -> None:
    """Answer each batch with its results, or with what went wrong, until the other side is gone."""
    with suppress(EOFError, OSError):
        while True:
            batch, seconds = connection.recv()
            _end_after(2 * seconds)
            answer: list[Result] | Exception
            try:
                answer = list(rows.rows(batch))
            except Exception as error:
                answer = error
            _end_after(0)
            connection.send(answer)


def _end_after(seconds: float) -> None:
    """Let the kernel end this process, 0 for never: under a page that holds the lock a thread cannot."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)
