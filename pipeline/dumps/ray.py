"""The engine for many machines: the same tasks as the embedded one, handed out by Ray.

Every machine must see inputs and run folder at the same paths. Ray may run a task more than once, on a machine that is
taken for dead: the bytes are the same, and the receipt comes last.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from pipeline.dumps.pool import Hand, MakeRows, Outcome, failure
from pipeline.dumps.shards import Format
from pipeline.dumps.tasks import Task
from pipeline.errors import UsageError

__all__ = ["require_engine", "run_on_ray"]

WINDOW = 2
"""Tasks handed out for each core of the cluster: one to work on, one waiting."""
RETRIES = 3
"""Times that a task is begun again when its process or its machine dies. After that the fault is taken to be its own;
the next launch tries it again."""


def require_engine() -> None:
    """Make sure that Ray is there.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import_module("ray")
    except ImportError:
        raise UsageError("--engine ray needs Ray. Install it on every machine: pip install 'taowen[ray]'.") from None


def run_on_ray(
    todo: Sequence[Task], make: MakeRows, out: Path, kind: Format, address: str
) -> Generator[Outcome, None, None]:
    """Run tasks on a Ray cluster and give what came of each, as they end.

    Args:
        todo: tasks.
        make: makes the processing on each machine; it is pickled by Ray.
        out: the run folder, at the same path on every machine.
        kind: of the parts.
        address: of the cluster, as `ray.init` takes it; "auto" finds the one of this machine.

    Raises:
        UsageError: there is no cluster there.
        OSError: writing fails, as it would for every task.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray: Any = import_module("ray")  # its types are there only where it is
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False, namespace="taowen")
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        said = str(error).partition("\n")[0]
        raise UsageError(f"There is no Ray cluster at {address} ({said}). Start one: ray start --head.") from None
    try:
        work = ray.remote(max_retries=RETRIES, num_cpus=1)(_work)
        send = partial(work.remote, make=ray.put(make), out=str(out.resolve()), kind=kind)
        waiting = deque(todo)
        running: dict[Any, Task] = {}
        while waiting or running:
            cores = int(ray.cluster_resources().get("CPU", 1))  # machines come and go
            while waiting and len(running) < WINDOW * max(1, cores):
                task = waiting.popleft()
                running[send(_anywhere(task))] = task
            for one in ray.wait(list(running))[0]:
                task = running.pop(one)
                try:
                    yield ray.get(one)
                except ray.exceptions.RayTaskError as error:
                    cause = error.cause
                    raise (cause if isinstance(cause, Exception) else error) from None
                except ray.exceptions.RayError:
                    yield failure(
                        task, f"its process or its machine died {RETRIES + 1} times (memory, or a fault in a library)"
                    )
    finally:
        ray.shutdown()


def _anywhere(task: Task) -> Task:
    """Return the task with paths that hold whatever folder a worker is in."""
    pieces = (replace(piece, path=os.path.abspath(piece.path)) for piece in task.pieces)  # noqa: PTH100 - keeps links
    return replace(task, pieces=tuple(pieces))


_hands: dict[str, Hand] = {}


def _work(task: Task, make: MakeRows, out: str, kind: Format) -> Outcome:
    """Run a task in a worker of Ray, which keeps its processing for the next one."""
    if out not in _hands:
        for hand in _hands.values():
            hand.close()
        _hands.clear()
        _hands[out] = Hand(make, Path(out), kind)
    return _hands[out].run(task)
