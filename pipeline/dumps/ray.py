"""The engine for many machines: the same tasks as the embedded one, handed out by Ray.

Every machine must see inputs and run folder at the same paths or addresses. Ray may run a task more than once, on a
machine that is taken for dead: the bytes are the same, and the receipt comes last.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from pipeline.dumps.pool import Hand, MakeRows, Outcome, failure
from pipeline.dumps.shards import Format
from pipeline.dumps.tasks import Task
from pipeline.errors import TaowenError, UsageError
from pipeline.folders import Where
from pipeline.places import is_address

if TYPE_CHECKING:
    from pipeline.dumps.deduplicate import Sketch

__all__ = ["require_engine", "run_on_ray", "sketches_on_ray"]

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
    todo: Sequence[Task], make: MakeRows, out: Where, kind: Format, address: str
) -> Generator[Outcome, None, None]:
    """Run tasks on a Ray cluster and give what came of each, as they end.

    Args:
        todo: tasks.
        make: makes the processing on each machine; it is pickled by Ray.
        out: the run folder, at the same path or address on every machine.
        kind: of the parts.
        address: of the cluster, as `ray.init` takes it; "auto" finds the one of this machine.

    Raises:
        UsageError: there is no cluster there.
        OSError: writing fails, as it would for every task.
    """
    with _cluster(address) as ray:
        work = ray.remote(max_retries=RETRIES, num_cpus=1)(_work)
        send = partial(work.remote, make=ray.put(make), out=_absolute(str(out)), kind=kind)
        waiting = deque(todo)
        running: dict[Any, Task] = {}
        while waiting or running:
            while waiting and len(running) < _window(ray):
                task = waiting.popleft()
                running[send(_anywhere(task))] = task
            for one in ray.wait(list(running))[0]:
                task = running.pop(one)
                try:
                    yield _got(ray, one)
                except ray.exceptions.RayError:
                    yield failure(
                        task, f"its process or its machine died {RETRIES + 1} times (memory, or a fault in a library)"
                    )


def sketches_on_ray(out: Where, parts: Sequence[str], address: str) -> Generator[Sketch, None, None]:
    """Yield the sketch of each part of a run, in order, made on a Ray cluster.

    Raises:
        UsageError: there is no cluster there.
        TaowenError: a part cannot be read, or its sketch cannot be made.
    """
    from pipeline.dumps.deduplicate import sketch_of_part

    with _cluster(address) as ray:
        work = ray.remote(max_retries=RETRIES, num_cpus=1)(sketch_of_part)
        waiting = deque(parts)
        running: deque[tuple[Any, str]] = deque()
        while waiting or running:
            while waiting and len(running) < _window(ray):
                part = waiting.popleft()
                running.append((work.remote(_absolute(str(out)), part), part))
            one, part = running.popleft()
            try:
                yield _got(ray, one)
            except ray.exceptions.RayError as error:
                raise TaowenError(
                    f"{part} cannot be searched for copies ({error}). The same command resumes."
                ) from None


@contextmanager
def _cluster(address: str) -> Iterator[Any]:
    """Give Ray, at work on the cluster there."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    ray: Any = import_module("ray")  # its types are there only where it is
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False, namespace="taowen")
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        said = str(error).partition("\n")[0]
        raise UsageError(f"There is no Ray cluster at {address} ({said}). Start one: ray start --head.") from None
    try:
        yield ray
    finally:
        ray.shutdown()


def _window(ray: Any) -> int:
    """Return how many tasks are handed out together: machines come and go."""
    return WINDOW * max(1, int(ray.cluster_resources().get("CPU", 1)))


def _got(ray: Any, one: Any) -> Any:
    """Return what a task answers, or raise what it raised."""
    try:
        return ray.get(one)
    except ray.exceptions.RayTaskError as error:
        cause = error.cause
        raise (cause if isinstance(cause, Exception) else error) from None


def _anywhere(task: Task) -> Task:
    """Return the task with paths that hold whatever folder a worker is in."""
    return replace(task, pieces=tuple(replace(piece, path=_absolute(piece.path)) for piece in task.pieces))


def _absolute(path: str) -> str:
    return path if is_address(path) else os.path.abspath(path)  # noqa: PTH100 - keeps links


_hands: dict[str, Hand] = {}


def _work(task: Task, make: MakeRows, out: str, kind: Format) -> Outcome:
    """Run a task in a worker of Ray, which keeps its processing for the next one."""
    if out not in _hands:
        for hand in _hands.values():
            hand.close()
        _hands.clear()
        _hands[out] = Hand(make, out, kind)
    return _hands[out].run(task)
