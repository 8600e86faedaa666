from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from pipeline.dumps.local import run
from pipeline.errors import UsageError

from .fakes import ONE_EACH, Slow, fingerprint, write_files, write_lines

CLUSTER = Path(__file__).parent / "cluster.py"


@pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: make engines")
def test_a_cluster_writes_the_same_bytes_whatever_dies(tmp_path: Path) -> None:
    source = write_files(tmp_path / "in", ["平常", "拒", None, "稀土", "略"] * 4)
    run([source], tmp_path / "here", Slow, task_bytes=ONE_EACH, page_seconds=0, deduplicate=True)
    script = [sys.executable, str(CLUSTER), source, str(tmp_path / "there")]
    done = subprocess.run(script, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads(done.stdout.splitlines()[-1])
    assert report["happened"] == ["worker", "node"]
    assert (report["done"], report["failed"], report["read"]) == (report["tasks"], [], 20)
    assert (report["clusters"], report["copies"]) == (2, 8)
    assert fingerprint(tmp_path / "there") == fingerprint(tmp_path / "here")


def test_without_ray_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    source = write_lines(tmp_path / "in.jsonl", ["平常"])
    with pytest.raises(UsageError, match=r"taowen\[ray\]"):
        run([source], tmp_path / "out", Slow, engine="ray")
    assert not (tmp_path / "out").exists()
