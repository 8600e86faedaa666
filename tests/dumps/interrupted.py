"""A run with two workers that prints its workers' process ids as it goes: interrupted.py INPUT OUT."""

from __future__ import annotations

import multiprocessing
import sys
from importlib import import_module
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from pipeline.dumps.local import run  # noqa: E402 - the paths come first
from pipeline.dumps.status import Status  # noqa: E402

fakes = import_module("fakes")


def show(found: Status) -> None:
    print(found.done, *(child.pid for child in multiprocessing.active_children()), flush=True)


if __name__ == "__main__":
    try:
        run(sys.argv[1:2], sys.argv[2], fakes.Fake, workers=2, task_bytes=fakes.ONE_EACH, progress=show)
    except KeyboardInterrupt as stop:
        sys.exit(f"{stop}")
