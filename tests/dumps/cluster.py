"""A Ray cluster on this machine and a run on it, in which a worker dies and later a whole node: cluster.py INPUT OUT.

Starts a head without cores and two nodes with one core each, and stops them. Prints the run's report.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ |= {"PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0"}

from pipeline.dumps.local import run  # noqa: E402 - the paths come first
from pipeline.dumps.status import Status  # noqa: E402
from tests.dumps.crash import descendants  # noqa: E402
from tests.dumps.fakes import ONE_EACH, Slow  # noqa: E402


def main(source: str, out: str) -> None:
    Cluster: Any = import_module("ray.cluster_utils").Cluster  # noqa: N806 - a class
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": 80 * 2**20})
    nodes = [cluster.add_node(num_cpus=1, object_store_memory=80 * 2**20) for _ in range(2)]
    happened: list[str] = []

    def accident(found: Status) -> None:
        if found.done >= 3 and not happened:
            happened.append("worker")
            os.kill(at_work(), signal.SIGKILL)
        elif found.done >= 7 and len(happened) == 1:
            happened.append("node")
            cluster.remove_node(nodes[0], allow_graceful=False)

    try:
        done = run(
            [source],
            out,
            partial(Slow),
            task_bytes=ONE_EACH,
            deduplicate=True,
            engine="ray",
            address=cluster.address,
            progress=accident,
        )
        print(json.dumps({"happened": happened, **done.to_dict()}))
    finally:
        cluster.shutdown()


def at_work() -> int:
    """Return a process that runs a task of ours."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        for one in descendants(os.getpid()):
            if command(one).startswith("ray::_work"):
                return one
    raise AssertionError("no process works")


def command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""


if __name__ == "__main__":
    main(*sys.argv[1:3])
