"""What a command says on standard error, and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import typer

TOO_MANY = "More records were rejected than --max-rejects allows; each is told"


def finish(summary: str, too_many: bool) -> None:
    """Say how it went, and end with 1 if too many records were rejected."""
    say(summary)
    if too_many:
        say(f"{TOO_MANY} above or in the rejects file.")
        raise typer.Exit(1)


def say(text: str) -> None:
    """Print to standard error, with characters that steer a terminal made visible."""
    from pipeline.records import visible

    print(visible(text), file=sys.stderr)


class progress_bar:  # noqa: N801  used like a function
    """A progress bar on standard error, on a terminal only."""

    def __enter__(self) -> Callable[[float, float, str], None]:
        self._progress: Any = None
        if not sys.stderr.isatty():
            return lambda done, of, text: None
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TextColumn("{task.description}"))
        self._progress = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
        self._progress.start()
        task = self._progress.add_task("", total=None)
        return lambda done, of, text: self._progress.update(task, completed=done, total=of, description=text)

    def __exit__(self, *error: object) -> None:
        if self._progress is not None:
            self._progress.stop()
