"""An S3 of this machine and runs in it: store.py INPUT OUT. Prints what the commands said, as JSON.

moto stands in for S3, over HTTP and in a process of its own; s3fs reaches it as it reaches the real one. A run is
killed in the middle, told and resumed, its workers reaching the store by themselves.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from pipeline.dumps.local import run  # noqa: E402 - the paths come first
from pipeline.dumps.status import Status, status  # noqa: E402
from tests.dumps.fakes import Fake  # noqa: E402

BUCKET = "s3://taowen"


def main(source: str, out: str) -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "us-east-1",
        "FSSPEC_S3_ENDPOINT_URL": f"http://127.0.0.1:{port}",
    }
    server = subprocess.Popen([sys.executable, "-m", "moto.server", "-p", port], stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 30
        while not reached(int(port)):
            assert time.monotonic() < end, "the store does not start"
            time.sleep(0.1)
        store: Any = import_module("fsspec").filesystem("s3")
        store.mkdir(BUCKET)
        for path in sorted(Path(source).iterdir()):
            store.put_file(str(path), f"{BUCKET}/crawl/{path.name}")
        how: dict[str, Any] = {"workers": 2, "task_bytes": 1500, "deduplicate": True}
        assert subprocess.run([sys.executable, __file__, "--killed"], check=False).returncode == -signal.SIGKILL
        before = status(f"{BUCKET}/run")
        done = run([f"{BUCKET}/crawl"], f"{BUCKET}/run", Fake, **how)
        run([f"{BUCKET}/crawl"], f"{out}/here", Fake, **how)
        store.invalidate_cache()
        for name in store.find(f"{BUCKET}/run"):
            place = Path(out, "there", name.removeprefix("taowen/run/"))
            place.parent.mkdir(parents=True, exist_ok=True)
            store.get_file(name, str(place))
        print(json.dumps({"before": before.done, "after": done.done, "tasks": done.tasks, "read": done.counts.read}))
    finally:
        server.terminate()
        server.wait()


def reached(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def killed() -> None:
    """Begin the run, and end as a power cut would end it when three tasks are done."""

    def accident(found: Status) -> None:
        if found.done >= 3:
            os.kill(os.getpid(), signal.SIGKILL)

    run([f"{BUCKET}/crawl"], f"{BUCKET}/run", Fake, workers=2, task_bytes=1500, progress=accident)


if __name__ == "__main__":
    killed() if sys.argv[1:] == ["--killed"] else main(*sys.argv[1:3])
