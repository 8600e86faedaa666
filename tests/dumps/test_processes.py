from __future__ import annotations

import functools
import multiprocessing
import os
from pathlib import Path

import pytest

from pipeline.dumps.local import run
from pipeline.dumps.processes import CAN_FORK
from pipeline.dumps.status import Status
from pipeline.errors import ModelError

from .crash import descendants
from .fakes import ONE_EACH, Fake, NoModel, Slow, alive, fingerprint, write_files


@pytest.mark.parametrize("page_seconds", [0, 10])
@pytest.mark.parametrize("forks", [CAN_FORK, False])
def test_a_worker_that_dies_once_costs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forks: bool, page_seconds: float
) -> None:
    monkeypatch.setattr("pipeline.dumps.pool.CAN_FORK", forks)
    source = write_files(tmp_path / "in", ["平常", "平常", "死一次", "平常", "平常", "平常"])
    make = functools.partial(Fake, once=str(tmp_path / "happened"))
    done = run([source], tmp_path / "out", make, workers=2, task_bytes=ONE_EACH, page_seconds=page_seconds)
    assert (tmp_path / "happened").exists()
    assert (done.complete, done.failed, done.counts.written) == (True, (), 6)
    run([source], tmp_path / "undisturbed", make, task_bytes=ONE_EACH)
    assert fingerprint(tmp_path / "out") == fingerprint(tmp_path / "undisturbed")


@pytest.mark.skipif(not CAN_FORK, reason="workers are forks on Linux only")
@pytest.mark.parametrize("page_seconds", [0, 10])
def test_the_process_that_forks_may_die(tmp_path: Path, page_seconds: float) -> None:
    source = write_files(tmp_path / "in", ["平常"] * 8)
    killed: list[int] = []

    def kill(found: Status) -> None:
        if found.done == 3 and not killed:
            (loaded,) = multiprocessing.active_children()
            killed.extend(descendants(os.getpid()))
            loaded.kill()

    done = run(
        [source], tmp_path / "out", Slow, workers=2, task_bytes=ONE_EACH, page_seconds=page_seconds, progress=kill
    )
    assert len(killed) >= (5 if page_seconds else 3)
    assert (done.complete, done.failed, done.counts.written) == (True, (), 8)
    assert multiprocessing.active_children() == []
    tracker = {one for one in killed if one in descendants(os.getpid())}  # of multiprocessing, until this one ends
    assert len(tracker) <= 1 and not any(map(alive, set(killed) - tracker))
    run([source], tmp_path / "undisturbed", Slow, task_bytes=ONE_EACH)
    assert fingerprint(tmp_path / "out") == fingerprint(tmp_path / "undisturbed")


def test_a_model_that_cannot_be_loaded_begins_no_run(tmp_path: Path) -> None:
    source = write_files(tmp_path / "in", ["平常"] * 2)
    for workers in (1, 2):
        with pytest.raises(ModelError, match="no model"):
            run([source], tmp_path / "out", NoModel, workers=workers)
        assert not (tmp_path / "out").exists()
    run([source], tmp_path / "out", Fake)
    before = fingerprint(tmp_path / "out")
    for workers in (1, 2):
        with pytest.raises(ModelError, match="no model"):
            run([source], tmp_path / "out", functools.partial(NoModel, model="m2"), workers=workers, force=True)
        assert fingerprint(tmp_path / "out") == before
    assert multiprocessing.active_children() == []


def test_what_always_kills_a_worker_fails_its_task_only(tmp_path: Path) -> None:
    source = write_files(tmp_path / "in", ["平常", "必死", "錯", "平常"])
    done = run([source], tmp_path / "out", Fake, workers=2, task_bytes=ONE_EACH, page_seconds=0)
    assert ["kills the process" in failure.reason for failure in done.failed] == [True, False]
    assert "ArithmeticError" in done.failed[1].reason
    assert (done.complete, done.done, done.counts.written) == (False, done.tasks - 2, 2)
    assert len(list((tmp_path / "out" / "parts").iterdir())) == 2
