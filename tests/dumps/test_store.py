from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from .crash import MIXTURE
from .fakes import fingerprint, write_lines

MISSING = [name for name in ("s3fs", "moto", "flask") if find_spec(name) is None]


@pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} not installed: make engines")
def test_a_run_in_an_object_store_resumes_and_holds_the_same_bytes(tmp_path: Path) -> None:
    for number in range(4):
        write_lines(tmp_path / "in" / f"{number}.jsonl", MIXTURE)
    script = [sys.executable, str(Path(__file__).parent / "store.py"), str(tmp_path / "in"), str(tmp_path)]
    done = subprocess.run(script, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert 3 <= told["before"] < told["after"] == told["tasks"]
    assert told["read"] == 4 * len(MIXTURE)
    assert fingerprint(tmp_path / "there") == fingerprint(tmp_path / "here")
