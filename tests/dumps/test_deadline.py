from __future__ import annotations

import json
import multiprocessing
import os
import time
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from pipeline.article import Page, Reject, Skip
from pipeline.configure import Limits
from pipeline.dumps.deadline import Guarded
from pipeline.dumps.local import run
from pipeline.dumps.tasks import identity
from pipeline.errors import ModelError, TaowenError, UsageError
from pipeline.process import Process, ProcessConfig

from .fakes import Fake, NoModel, Slow, alive, fingerprint, write_lines

CULPRITS = ["平常", "殺", None, "略", "稀土", "纏", "平常", "平常", "慢", "拒", "平常"]
"""One kills its process, one never lets go of the interpreter's lock, one sleeps."""
SECONDS = 0.5


class NeverStarts(Fake):
    def accident(self, text: str) -> None:
        os._exit(3)


def test_a_page_that_hangs_or_kills_is_rejected_and_every_other_is_written(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "in.jsonl", CULPRITS)
    out = tmp_path / "out"
    done = run([source], out, Fake, task_bytes=250, page_seconds=SECONDS)
    assert (done.complete, done.failed, done.tasks) == (True, (), 2)
    counts = done.counts
    assert counts.balanced()
    assert (counts.read, counts.written, counts.rejected, counts.skipped) == (11, 5, 5, 1)
    lines = [line for path in sorted((out / "rejects").iterdir()) for line in path.read_bytes().splitlines()]
    assert [(r["id"], r["stage"], r["reason"]) for r in map(json.loads, lines) if r["stage"] != "read"] == [
        ("in-1", "killed", "ends the process that works on it (SIGKILL)"),
        ("in-5", "deadline", "over the limit page_seconds (0.5)"),
        ("in-8", "deadline", "over the limit page_seconds (0.5)"),
        ("in-9", "clean", "拒"),
    ]
    assert multiprocessing.active_children() == []
    before = fingerprint(out)
    min((out / "receipts").iterdir()).unlink()
    resumed = run([source], out, Fake, workers=2, task_bytes=250, page_seconds=SECONDS)
    assert (resumed.complete, fingerprint(out)) == (True, before)


def test_a_run_goes_on_with_another_deadline(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "in.jsonl", ["平常"])
    for seconds in (0, 1, 2.5):
        assert run([source], tmp_path / "out", Fake, page_seconds=seconds).complete
    for wrong in (-1, float("nan"), float("inf")):
        with pytest.raises(UsageError, match="A page cannot have"):
            run([source], tmp_path / "out", Fake, page_seconds=wrong)
    assert len({identity(Process(ProcessConfig(limits=Limits(page_seconds=seconds)))) for seconds in (1, 10)}) == 1


def test_pages_of_a_batch_that_is_too_slow_are_not_at_fault() -> None:
    pages = [Page(str(n), text="平常") for n in range(30)]
    others = Skip("f", 40, "略"), Reject("f", 41, "", "read", "破")
    with closing(Guarded(Slow, SECONDS)) as guarded:
        guarded._size = 64
        results = list(guarded.rows([*pages, *others]))
        assert results == [*Fake().rows(pages), *others]
        assert guarded._size == 32


def test_what_processing_raises_is_raised_and_work_goes_on() -> None:
    with closing(Guarded(Fake, SECONDS)) as guarded:
        for _ in range(2):
            with pytest.raises(ArithmeticError, match="錯"):
                list(guarded.rows([Page("1", text="錯")]))
            assert len(list(guarded.rows([Page("2", text="平常")]))) == 1
        assert list(guarded.rows([Page("3", text="漏")])) == []  # which `run_task` tells
    for make, error in ((NoModel, ModelError), (NeverStarts, TaowenError)):
        with (
            closing(Guarded(make, SECONDS)) as guarded,
            pytest.raises(error, match=r"no model|first page.*exit code 3"),
        ):
            list(guarded.rows([Page("1", text="平常")]))


def test_the_process_is_renewed_against_leaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.dumps.deadline.RENEWED", 20)
    seen = []
    with closing(Guarded(Fake, SECONDS)) as guarded:
        for number in range(60):
            assert len(list(guarded.rows([Page(str(number), text="平常")]))) == 1
            assert guarded._child
            seen.append(guarded._child.pid)
    assert [seen.count(one) for one in dict.fromkeys(seen)] == [20, 20, 20]
    assert multiprocessing.active_children() == []


def hang(connection: Connection) -> None:
    guarded = Guarded(Fake, SECONDS)
    list(guarded.rows([Page("1", text="平常")]))
    assert guarded._child
    connection.send(guarded._child.pid)
    list(guarded.rows([Page("2", text="纏")]))


def test_a_hanging_page_does_not_outlive_a_run_that_was_killed() -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=hang, args=(theirs,))
    process.start()
    child = ours.recv()
    time.sleep(0.2)
    assert alive(child)
    process.kill()
    process.join()
    deadline = time.monotonic() + 5
    while alive(child):
        assert time.monotonic() < deadline, "the page hangs on"
        time.sleep(0.02)
