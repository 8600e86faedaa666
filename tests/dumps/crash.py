"""Kill -9 a run at every point where it makes something last, start it again, and print what came out.

Run as a script: crash.py INPUT FOLDER. Each run is a fork of this process, which has no other threads.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from pipeline.dumps.local import run  # noqa: E402 - the paths come first

fakes = import_module("fakes")


def killed_at(point: int, source: str, out: Path) -> bool:
    """Run in a fork that is killed before its call number `point` of fsync or replace; tell whether it got there."""
    child = os.fork()
    if not child:
        calls = count()

        def deadly(function: Any) -> Any:
            def call(*args: Any) -> Any:
                if next(calls) == point:
                    os.kill(os.getpid(), signal.SIGKILL)
                return function(*args)

            return call

        os.fsync, os.replace = deadly(os.fsync), deadly(os.replace)
        run([source], out, fakes.Fake, task_bytes=500, page_seconds=0)  # a process each for 60 runs would take 20 s
        os._exit(0)
    _, ended = os.waitpid(child, 0)
    assert ended in {0, signal.SIGKILL}, ended
    return ended != 0


def main(source: str, folder: Path) -> None:
    results = []
    for point in count():
        out = folder / str(point)
        killed = killed_at(point, source, out)
        done = len(list((out / "receipts").glob("*.json")))
        if killed:
            assert not killed_at(-1, source, out)
        results.append({"killed": killed, "done": done, "fingerprint": fakes.fingerprint(out)})
        if not killed:
            break
    print(json.dumps(results))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
