"""Pages are processed in a process of their own, so one that hangs there, or kills it, costs only itself."""

from __future__ import annotations

import gc
import multiprocessing as mp
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for

from pipeline.article import Page, Reject
from pipeline.dumps.tasks import Read, Result, Rows
from pipeline.errors import PageError, TaowenError

__all__ = ["Guarded", "begin_child"]

BATCH = 64
"""Pages that go there at a time, at most. On 2,000 articles of 11 ms each that takes 1.00 times the CPU of a bare loop
(one at a time 1.12) and 1.02 times its time."""
SHARE = 1 / 16
"""A batch grows while it takes less than this share of the deadline: far from failing because its pages are many."""
RENEWED = 20_000
"""Pages after which the process is a fresh one, whatever a library may have leaked. The start takes a second, the pages
some minutes."""
FIRST = Page("", text="兩國會談\n\n貿易代表今日在首都會面，" + "雙方討論關稅和稀土。會後發表聲明，稱氣氛良好。" * 3)
"""The first page loads models and tables. It is one of ours, and long enough for all of them, so
that no page of the input is timed for that."""


class Guarded:
    """Makes rows of pages in a process of its own, and rejects a page that takes too long there, or kills it.

    A batch has the time of one page. If it fails, its pages go one by one, in a fresh process where needed, and what
    fails alone is at fault; else it was the batch, or the machine (memory that another program held).
    """

    def __init__(self, make: Callable[[], Rows], seconds: float) -> None:
        self.make = make
        self.seconds = seconds
        self._size = 1
        self._served = 0
        self._child: _Child | None = None

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
        self._served = 0

    def _ask(self, batch: Sequence[Read]) -> list[Result]:
        if self._served >= RENEWED:
            self.close()
        if self._child is None:
            self._child = _Child(self.make)
        self._served += len(batch)
        try:
            return self._child.ask(batch, self.seconds)
        except PageError:
            self._child = None
            raise

    def _alone(self, page: Read) -> list[Result]:
        if not isinstance(page, Page):
            return [page]
        try:
            return self._ask([page])
        except PageError as error:
            return [Reject(page.input, page.position, page.id, error.stage, error.reason)]


class _Child:
    """A process that has its processing loaded and waits for pages (spawn: no state of this one leaks in)."""

    def __init__(self, make: Callable[[], Rows]) -> None:
        context = mp.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, make), daemon=True)
        self.process.start()
        theirs.close()
        try:
            self.ask([FIRST], None)
        except PageError as error:
            raise TaowenError(f"Processing does not get as far as its first page: {error.reason}.") from None
        except BaseException:
            self.end()
            raise

    def ask(self, batch: Sequence[Read], seconds: float | None) -> list[Result]:
        """Return the results of some pages. What the processing raises is raised here.

        Raises:
            PageError: they took longer than `seconds`, or killed the process. It is no more.
        """
        try:
            self.connection.send((batch, seconds))
            if not self.connection.poll(seconds):
                self.process.kill()
                self.end()
                raise PageError("deadline", f"over the limit page_seconds ({seconds:g})")
            answer: list[Result] | Exception = self.connection.recv()
        except (EOFError, OSError):
            raise PageError("killed", f"ends the process that works on it ({self.end()})") from None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def end(self) -> str:
        """End the process, which does so by itself when nobody listens, and return how it ended."""
        self.connection.close()
        self.process.join(1)
        self.process.kill()
        self.process.join()
        code = self.process.exitcode or 0
        return next((one.name for one in signal.Signals if one == -code), f"exit code {code}")


def _serve(connection: Connection, make: Callable[[], Rows]) -> None:
    """Answer each batch with its results, or with what went wrong, until the other side is gone."""
    begin_child()
    process: Rows | None = None
    frozen = False
    with suppress(EOFError, OSError):
        while True:
            batch, seconds = connection.recv()
            _end_after(2 * seconds if seconds else 0)
            answer: list[Result] | Exception
            try:
                process = process or make()
                answer = list(process.rows(batch))
            except Exception as error:
                answer = error
            _end_after(0)
            if not frozen:  # models and tables stay: the collector need not go through them (7% of the time of pages)
                gc.freeze()
                frozen = True
            connection.send(answer)


def begin_child() -> None:
    """Begin a process that leaves Ctrl-C to its parent and ends when the parent does, even by kill -9."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = mp.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _end_after(seconds: float) -> None:
    """Let the kernel end this process, 0 for never: under a page that holds the lock `_end_with_parent` cannot."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)
