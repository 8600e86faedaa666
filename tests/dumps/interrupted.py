"""A run with two workers that prints the ids of all its processes as it goes: interrupted.py INPUT OUT."""

from __future__ import annotations

import multiprocessing
import os
import sys
from importlib import import_module
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from pipeline.dumps.local import run  # noqa: E402 - the paths come first
from pipeline.dumps.status import Status  # noqa: E402

fakes = import_module("fakes")
descendants = import_module("tests.dumps.crash").descendants


def show(found: Status) -> None:
    children = {child.pid or 0 for child in multiprocessing.active_children()}  # all that some systems tell
    print(found.done, *sorted(children.union(descendants(os.getpid()))), flush=True)


if __name__ == "__main__":
    try:
        run(sys.argv[1:2], sys.argv[2], fakes.Fake, workers=2, task_bytes=fakes.ONE_EACH, progress=show)
    except KeyboardInterrupt as stop:
        sys.exit(f"{stop}")
