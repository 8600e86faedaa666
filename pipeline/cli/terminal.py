"""What a command says on standard error, and how it ends."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.streams import Books


def too_many_rejects(where: str) -> str:
    """Return what to say where --max-rejects is passed; `where` are the rejects."""
    return f"More records were rejected than --max-rejects allows; each is told {where}."


def say(text: str) -> None:
    """Print to standard error, with characters that steer a terminal made visible."""
    from pipeline.records import visible

    print(visible(text), file=sys.stderr)


def output_ended(error: OSError) -> int:
    """Tell what a file or standard output refuses; return the exit code, 0 if a reader has what it wanted."""
    with suppress(OSError, ValueError, AttributeError):  # at its end Python must not write there what it still holds
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return 0
    what = f"{error.filename}" if error.filename else "Standard output cannot be written"
    say(f"taowen: {what}: {error.strerror or error}.")
    return 2


MINUTE = 60.0


class progress_bar:  # noqa: N801  used like a function
    """A progress bar on standard error on a terminal; else nothing, or with `lines` a plain line a minute.

    Gives a function of what is done, of how much, a text, and the number of records so far, whose pace is told.
    """

    def __init__(self, *, lines: bool = False) -> None:
        self._lines = lines

    def __enter__(self) -> Callable[..., None]:
        self._progress: Any = None
        if not sys.stderr.isatty():
            return _Lines() if self._lines else lambda done, of, text, records=0: None
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TextColumn("{task.description}"))
        self._progress = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
        self._progress.start()
        task = self._progress.add_task("", total=None)
        pace = _Pace()

        def advance(done: float, of: float, text: str, records: int = 0) -> None:
            told = text + pace.told(done, of, records)[0] if records else text
            self._progress.update(task, completed=done, total=of, description=told)

        return advance

    def __exit__(self, *error: object) -> None:
        if self._progress is not None:
            self._progress.stop()


class _Pace:
    """How fast this launch is: what earlier ones did is there at the first call."""

    def __init__(self) -> None:
        self._start: tuple[float, float, int] | None = None

    def told(self, done: float, of: float, records: int) -> tuple[str, str]:
        """Return ", N records/s" and ", N min left", empty where nothing is known yet."""
        now = time.monotonic()  # a clock that is set does not change it
        if self._start is None:
            self._start = now, done, records
        seconds = now - self._start[0]
        new, more = records - self._start[2], done - self._start[1]
        if seconds < 1 or not new or not more:
            return "", ""
        left = (of - done) * seconds / more
        return f", {new / seconds:,.1f} records/s", f", {left / MINUTE:,.0f} min left" if done < of else ""


class _Lines:
    """Says how far the work is, at most once a minute."""

    def __init__(self) -> None:
        self._pace = _Pace()
        self._last = time.monotonic()

    def __call__(self, done: float, of: float, text: str, records: int = 0) -> None:
        pace, left = self._pace.told(done, of, records)
        if time.monotonic() - self._last >= MINUTE:
            self._last = time.monotonic()
            say(f"{100 * done / of if of else 100:.0f}%: {text}{pace}{left}")


@contextmanager
def watched(books: Books, verb: str) -> Iterator[None]:
    """Tell on a terminal how far the books are while the body runs; say nothing in a pipe."""
    if not sys.stderr.isatty():
        yield
        return
    import threading

    from rich.console import Console

    console = Console(stderr=True)
    done = threading.Event()
    begun = time.monotonic()

    def show() -> None:
        with console.status("") as status:
            while not done.wait(0.5):
                seconds = time.monotonic() - begun
                rate = books.read / seconds
                status.update(f"{verb}: {books.read:,} read, {books.rejected:,} rejected, {rate:,.0f} pages/s")

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
