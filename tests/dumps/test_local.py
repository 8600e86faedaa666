from __future__ import annotations

import errno
import functools
import gzip
import io
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from pipeline import places
from pipeline.configure import data_path
from pipeline.dumps.local import run
from pipeline.dumps.preview import preview
from pipeline.dumps.status import Status, status
from pipeline.dumps.tasks import WINDOW, WINDOWS
from pipeline.errors import UsageError
from pipeline.process import Process, ProcessConfig

from .fakes import ONE_EACH, Fake, alive, fingerprint, write_files, write_lines

HERE = Path(__file__).parent
MIXTURE = ["稀土出口", None, "雜關稅", "拒", "略", "\ud800\u2028行", "平常", "", "長" * 300] * 2
TASK = 500


@pytest.fixture
def source(tmp_path: Path) -> str:
    return write_lines(tmp_path / "in.jsonl", MIXTURE)


@pytest.fixture
def undisturbed(tmp_path: Path, source: str) -> str:
    run([source], tmp_path / "undisturbed", Fake, task_bytes=TASK)
    return fingerprint(tmp_path / "undisturbed")


def test_the_report_is_the_sum_of_everything(tmp_path: Path, source: str) -> None:
    seen: list[int] = []
    done = run([source], tmp_path / "out", Fake, task_bytes=TASK, progress=lambda found: seen.append(found.done))
    report = json.loads((tmp_path / "out" / "report.json").read_bytes())
    assert report == done.to_dict()
    assert seen == list(range(done.tasks + 1))
    assert done.tasks > 3
    assert done.complete
    assert done.counts.balanced()
    assert done.counts.read == len(MIXTURE)
    assert (report["stage"]["clean"], report["skipped"], report["topic"]) == (2, 2, {"rare_earths": 2})
    assert report["cut_characters"] == {"spam": 2}
    again = run([source], tmp_path / "out", Fake, task_bytes=TASK)
    assert again.to_dict() == done.to_dict()


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_the_bytes_do_not_depend_on_the_workers(tmp_path: Path, source: str, kind: Any) -> None:
    prints = set()
    for workers in (1, 2, 4):
        out = tmp_path / f"{workers}"
        run([source], out, Fake, workers=workers, kind=kind, task_bytes=1000)
        prints.add(fingerprint(out))
    assert len(prints) == 1


def test_stopped_anywhere_and_started_again_it_comes_to_the_same() -> None:
    """A third of what `make crash` does at named points, and ten times of chance."""
    script = [sys.executable, "-m", "tests.dumps.crash", "10", "3"]
    done = subprocess.run(script, capture_output=True, text=True, cwd=HERE.parents[1], timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    points = [int(number) for number in re.findall(r" at (\d+) named points", done.stdout)]
    assert len(points) == 4 and points[0] >= 40 and min(points) >= 12, done.stdout
    assert "10 runs killed" in done.stdout


def test_a_full_disk_ends_the_run_at_once_and_says_so(tmp_path: Path) -> None:
    source = write_files(tmp_path / "in", ["平常", "滿", "平常"])
    with pytest.raises(UsageError, match=r"No space left.*resumes"):
        run([source], tmp_path / "out", Fake, task_bytes=ONE_EACH)
    assert len(list((tmp_path / "out" / "receipts").iterdir())) == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"make": functools.partial(Fake, model="m2")}, "model was m1 and is now m2"),
        ({"make": functools.partial(Fake, to="zh-Hant")}, "the option to was zh-Hans and is now zh-Hant"),
        ({"make": functools.partial(Fake, page_text=True)}, "the option page-text was off and is now on"),
        ({"kind": "parquet"}, "format was jsonl and is now parquet"),
        ({"more": ["平常"]}, "bytes"),
        ({"extra": "other.jsonl"}, "other.jsonl is new"),
    ],
)
def test_another_run_is_never_mixed_in(tmp_path: Path, source: str, change: dict[str, Any], said: str) -> None:
    out = tmp_path / "out"
    options: dict[str, Any] = {"make": Fake, "task_bytes": TASK}
    run([source], out, **options)
    before = fingerprint(out)
    inputs = [source]
    if "more" in change:
        write_lines(Path(source), MIXTURE + change.pop("more"))
    if "extra" in change:
        inputs.append(write_lines(tmp_path / change.pop("extra"), ["平常"]))
    with pytest.raises(UsageError, match=said):
        run(inputs, out, **options | change)
    assert fingerprint(out) == before
    assert run(inputs, out, **options | change, force=True).complete
    run(inputs, tmp_path / "fresh", **options | change)
    assert fingerprint(out) == fingerprint(tmp_path / "fresh")


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, source: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / ".notes.tmp").write_text("mine")
    for force in (False, True):
        with pytest.raises(UsageError, match="holds no run"):
            run([source], tmp_path / "mine", Fake, force=force)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == [".notes.tmp"]
    with pytest.raises(UsageError, match="cannot be made"):
        run([source], source, Fake)
    with pytest.raises(UsageError, match="lies among the inputs"):
        run([str(tmp_path)], tmp_path / "out", Fake)


def test_a_second_launch_is_kept_out_while_the_first_works(tmp_path: Path, source: str) -> None:
    def meanwhile(_: Status) -> None:
        with pytest.raises(UsageError, match="Another taowen"):
            run([source], tmp_path / "out", Fake, task_bytes=TASK)

    assert run([source], tmp_path / "out", Fake, task_bytes=TASK, progress=meanwhile).complete


def test_lost_and_damaged_files_are_made_again(tmp_path: Path, source: str, undisturbed: str) -> None:
    out = tmp_path / "out"
    run([source], out, Fake, task_bytes=TASK)
    receipts, parts = sorted((out / "receipts").iterdir()), sorted((out / "parts").iterdir())
    receipts[0].write_text("{")
    receipts[1].unlink()
    parts[-1].write_bytes(parts[-1].read_bytes()[:-1])
    (out / "parts" / ".000000-x.jsonl.1.tmp").touch()
    at_start: list[set[Path]] = []
    run([source], out, Fake, task_bytes=TASK, progress=lambda _: at_start.append(set((out / "parts").iterdir())))
    assert at_start[0] == set(parts[2:-1])  # what no receipt vouches for is gone before the work begins
    assert fingerprint(out) == undisturbed


def test_a_run_goes_on_where_its_input_was_moved_to(tmp_path: Path) -> None:
    write_lines(tmp_path / "here" / "in.jsonl", MIXTURE)
    run([str(tmp_path / "here")], tmp_path / "out", Fake, task_bytes=TASK)
    before = fingerprint(tmp_path / "out")
    (tmp_path / "here").rename(tmp_path / "there")
    sorted((tmp_path / "out" / "receipts").iterdir())[2].unlink()
    run([str(tmp_path / "there")], tmp_path / "out", Fake, task_bytes=TASK)
    assert fingerprint(tmp_path / "out") == before


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_stopped_it_leaves_no_worker_and_keeps_what_is_done(tmp_path: Path, end: signal.Signals) -> None:
    source = write_files(tmp_path / "in", ["平常", "平常", "慢", "慢", "平常"])
    script = [sys.executable, str(HERE / "interrupted.py"), source, str(tmp_path / "out")]
    with subprocess.Popen(script, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            done, *workers = map(int, line.split())
            if done == 2:
                break
        assert len(workers) >= (5 if sys.platform == "linux" else 2)  # one that forked, two that read, two for pages
        process.send_signal(end)
        _, said = process.communicate(timeout=20)
    if end == signal.SIGINT:
        assert said.strip() == "Interrupted. 2 of 5 tasks are done and stay; the same command resumes."
    deadline = time.monotonic() + 10
    while any(alive(worker) for worker in workers):
        assert time.monotonic() < deadline, "a worker outlives its run"
        time.sleep(0.02)
    assert len(list((tmp_path / "out" / "receipts").iterdir())) == 2


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_any_shard_loads_alone(tmp_path: Path, source: str, kind: Any) -> None:
    import datasets

    pd = pytest.importorskip("pandas")  # comes with datasets, without types
    done = run([source], tmp_path / "out", Fake, kind=kind, task_bytes=1000)
    parts = [str(path) for path in sorted((tmp_path / "out" / "parts").iterdir())]
    features = datasets.Features.from_dict(json.loads(data_path("features.json").read_text(encoding="utf-8")))
    options = {"split": "train", "cache_dir": str(tmp_path / "cache")}
    builder = {"jsonl": "json"}.get(kind, kind)
    alone = [datasets.load_dataset(builder, data_files=part, features=features, **options) for part in parts[:2]]
    together = datasets.load_dataset(builder, data_files=parts, features=features, **options)
    assert all(one.features == features for one in (*alone, together))
    assert len(together) == done.counts.written
    assert together["text"][: len(alone[0])] == list(alone[0]["text"])
    frame = pd.read_parquet(parts[0]) if kind == "parquet" else pd.read_json(parts[0], lines=True)
    assert list(frame["text"]) == list(alone[0]["text"])
    assert list(frame.columns) == list(features)


def test_inputs_are_added_and_what_is_there_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    crawl = tmp_path / "crawl"
    write_lines(crawl / "1.jsonl", MIXTURE)
    run([str(crawl)], out, Fake, task_bytes=TASK)
    first = {path.name: path.read_bytes() for folder in ("parts", "receipts") for path in (out / folder).iterdir()}
    write_lines(crawl / "2.jsonl", MIXTURE[:4])
    with pytest.raises(UsageError, match=r"2\.jsonl is new \(--add appends it\)"):
        run([str(crawl)], out, Fake)
    for inputs in ([str(crawl)], [str(crawl / "2.jsonl")], [], [str(crawl)]):
        done = run(inputs, out, Fake, add=True)
        assert (done.complete, done.counts.read) == (True, len(MIXTURE) + 4)
    run([str(crawl)], out, Fake)  # all are there now
    after = {path.name: path.read_bytes() for folder in ("parts", "receipts") for path in (out / folder).iterdir()}
    assert first.items() < after.items()
    write_lines(tmp_path / "elsewhere" / "2.jsonl", ["別的"])
    assert run([str(tmp_path / "elsewhere")], out, Fake, add=True).counts.read == len(MIXTURE) + 5
    write_lines(crawl / "2.jsonl", MIXTURE[1:5])
    with pytest.raises(UsageError, match=r"2\.jsonl had"):
        run([str(crawl)], out, Fake, add=True)


def test_a_preview_tells_what_is_read_and_what_is_passed_over(tmp_path: Path) -> None:
    crawl, out = tmp_path / "crawl", tmp_path / "out"
    write_lines(crawl / "1.jsonl", MIXTURE)
    (crawl / "style.css").write_text("p { color: red }")

    def told() -> str:
        return preview([str(crawl)], out, Fake, kind="jsonl", add=True, force=False, sample=0, workers=1)

    assert "files: 1 (.jsonl 1)" in told()
    assert "passed over in the folders: 1 (.css 1)" in told()
    assert not out.exists()
    run([str(crawl)], out, Fake)
    write_lines(crawl / "2.jsonl", MIXTURE)
    assert "goes on: 1 of 1 tasks are done, 1 are added" in told()


def test_a_file_of_the_same_size_with_other_content_is_noticed(tmp_path: Path) -> None:
    source = Path(write_lines(tmp_path / "in.jsonl", ["甲" * 9000] * 50))
    assert source.stat().st_size > WINDOWS * WINDOW
    run([str(source)], tmp_path / "out", Fake)
    whole = source.read_bytes()
    for at in (0, len(whole) // 2, len(whole) - 1):
        found = bytearray(whole)
        window = (len(whole) - WINDOW) * 7 // (WINDOWS - 1)
        found[window if at == len(whole) // 2 else at] ^= 1
        source.write_bytes(found)
        with pytest.raises(UsageError, match="as many bytes as before, but others"):
            run([str(source)], tmp_path / "out", Fake)


def test_without_inputs_a_run_goes_on_with_its_own(tmp_path: Path, source: str, undisturbed: str) -> None:
    out = tmp_path / "out"
    run([source], out, Fake, task_bytes=TASK)
    sorted((out / "receipts").iterdir())[1].unlink()
    assert run([], out, Fake).complete
    assert fingerprint(out) == undisturbed
    sorted((out / "receipts").iterdir())[1].unlink()
    Path(source).unlink()
    done = run([], out, Fake)
    assert (done.done, len(done.failed)) == (done.tasks - 1, 1)
    assert "cannot be read: No such file" in done.failed[0].reason
    with pytest.raises(UsageError, match="no folder of a run"):
        run([], tmp_path / "absent", Fake)
    assert not (tmp_path / "absent").exists()


def test_no_clock_decides_anything(
    tmp_path: Path, source: str, undisturbed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    chance = random.Random(8)
    for name in ("time", "perf_counter", "monotonic"):  # at every call another hour, before or after the last
        monkeypatch.setattr(time, name, lambda: chance.uniform(-1e9, 1e9))
    monkeypatch.setattr(time, "time_ns", lambda: chance.randrange(2**60))
    out = tmp_path / "out"
    run([source], out, Fake, task_bytes=TASK, page_seconds=0)
    assert fingerprint(out) == undisturbed
    files = [path for path in [Path(source), *out.rglob("*")] if path.is_file()]
    for path in files:
        os.utime(path, (chance.choice([0, 2**33]),) * 2)
    before = {path: path.stat().st_mtime for path in (out / "parts").iterdir()}
    min((out / "receipts").iterdir()).unlink()
    run([source], out, Fake, task_bytes=TASK, page_seconds=0)
    assert fingerprint(out) == undisturbed
    after = {path: path.stat().st_mtime for path in (out / "parts").iterdir()}
    assert len(before.items() - after.items()) == 1  # of the receipt that was gone


@pytest.mark.parametrize("workers", [1, 2])
def test_an_input_that_goes_away_meanwhile_costs_its_tasks_until_it_is_back(tmp_path: Path, workers: int) -> None:
    source = Path(write_files(tmp_path / "in", ["平常"] * 12))
    gone = source / "7.jsonl"
    content = gone.read_bytes()

    def accident(found: Status) -> None:
        if found.done == 1:
            gone.unlink(missing_ok=True)

    out = tmp_path / "out"
    done = run([str(source)], out, Fake, workers=workers, task_bytes=ONE_EACH, page_seconds=0, progress=accident)
    assert (done.done, [failure.inputs for failure in done.failed]) == (11, [(str(gone),)])
    assert "No such file" in done.failed[0].reason
    gone.write_bytes(content)
    assert run([], out, Fake, workers=workers).complete
    run([str(source)], tmp_path / "undisturbed", Fake, task_bytes=ONE_EACH)
    assert fingerprint(out) == fingerprint(tmp_path / "undisturbed")


def test_a_disk_that_fails_fails_the_task_and_is_no_reject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Bad(io.FileIO):
        def readinto(self, buffer: Any, /) -> int:
            if str(self.name).endswith("1.jsonl"):
                raise OSError(errno.EIO, "Input/output error")
            return super().readinto(buffer)

    source = write_files(tmp_path / "in", ["平常"] * 3)
    run([source], tmp_path / "undisturbed", Fake, task_bytes=ONE_EACH)
    run([source], tmp_path / "out", Fake, task_bytes=ONE_EACH, share=(0, 3))
    monkeypatch.setattr(places, "FileIO", Bad)
    monkeypatch.setattr(places, "_PAUSES", ())
    done = run([], tmp_path / "out", Fake, page_seconds=0)
    assert (done.done, done.counts.read, done.counts.rejected) == (2, 2, 0)
    assert ["cannot be read further, from byte 0 on" in failure.reason for failure in done.failed] == [True]
    monkeypatch.undo()
    run([], tmp_path / "out", Fake)
    assert fingerprint(tmp_path / "out") == fingerprint(tmp_path / "undisturbed")


def test_a_sample_is_spread_over_the_dump_and_is_a_run_of_its_own(tmp_path: Path) -> None:
    source = write_files(tmp_path / "in", ["平常"] * 40)
    out = tmp_path / "out"
    done = run([source], out, Fake, task_bytes=ONE_EACH, sample=4)
    assert (done.complete, done.tasks, done.counts.read) == (True, 4, 4)
    rows = [json.loads(path.read_bytes()) for path in sorted((out / "parts").iterdir())]
    assert [Path(row["input"]).name for row in rows] == ["0.jsonl", "18.jsonl", "27.jsonl", "36.jsonl"]
    assert run([source], out, Fake, task_bytes=ONE_EACH, sample=4).to_dict() == done.to_dict()
    for other in (0, 5):
        with pytest.raises(UsageError, match="the sample was 4"):
            run([source], out, Fake, task_bytes=ONE_EACH, sample=other)
    write_files(tmp_path / "in", ["其他"] * 41)
    with pytest.raises(UsageError, match="the inputs have changed"):
        run([source], out, Fake, task_bytes=ONE_EACH, sample=4)


def test_shares_together_are_the_run(tmp_path: Path, source: str, undisturbed: str) -> None:
    out = tmp_path / "out"
    with ThreadPoolExecutor(3) as machines:
        jobs = [machines.submit(run, [source], out, Fake, share=(k, 3), task_bytes=TASK) for k in (0, 1, 2)]
    assert max(job.result().done for job in jobs) == jobs[0].result().tasks
    assert not (out / "report.json").exists()
    assert run([], out, Fake).complete
    assert fingerprint(out) == undisturbed
    for wrong in ((3, 3), (-1, 2)):
        with pytest.raises(UsageError, match="no share"):
            run([source], out, Fake, share=wrong)
    with pytest.raises(UsageError, match="in a launch of its own"):
        run([source], out, Fake, share=(0, 2), force=True)


def test_one_packed_file_is_shared_by_all_workers(tmp_path: Path) -> None:
    chance = random.Random(8)
    texts = ["".join(chr(chance.randrange(0x3400, 0x4DB0)) for _ in range(8000)) for _ in range(400)]
    plain = Path(write_lines(tmp_path / "in.jsonl", texts))
    source = str(plain) + ".gz"
    Path(source).write_bytes(gzip.compress(plain.read_bytes(), 1))
    prints = set()
    for workers in (1, 3):
        out = tmp_path / f"{workers}"
        done = run([source], out, Fake, workers=workers, page_seconds=0)
        prints.add(fingerprint(out))
        assert (done.complete, done.counts.written) == (True, 400)
    assert len(prints) == 1
    assert sum(path.stat().st_size > 1 << 20 for path in (tmp_path / "1" / "parts").iterdir()) > 3


STAND_IN = """
class Partitions:
    def __init__(self, tasks, number): self.tasks = tasks
    def foreachPartition(self, work): work(iter(self.tasks))
class spark:
    class sparkContext:
        parallelize = Partitions
"""
SPARK = """
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
"""
missing = find_spec("pyspark") is None or which("java") is None


@pytest.mark.parametrize(
    "spark",
    [STAND_IN, pytest.param(SPARK, marks=pytest.mark.skipif(missing, reason="no pyspark or no java: make engines"))],
    ids=["stand-in", "spark"],
)
def test_the_lines_for_spark_in_the_documents_do_the_run(tmp_path: Path, sample: Path, spark: str) -> None:
    """In a process of its own: what runs on an executor must not need more."""
    text = (HERE.parents[1] / "docs" / "dumps.md").read_text("utf-8")
    (lines,) = re.findall(r"```python\n(.*?)```", text, re.S)
    make = functools.partial(Process, ProcessConfig())
    source, out = str(sample / "pages.jsonl"), tmp_path / "out"
    assert run([source], out, make, share=(999_999, 1_000_000)).done == 0
    script = tmp_path / "on_spark.py"
    asked = (spark + lines).replace("/shared/tagged", str(out))
    script.write_text(
        'if __name__ == "__main__":\n' + "".join(f"    {line}\n" for line in asked.splitlines()), encoding="utf-8"
    )
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[1]), "PYSPARK_PYTHON": sys.executable}
    subprocess.run([sys.executable, str(script)], check=True, env=environment, timeout=300)
    done = status(out)
    assert done.complete and done.counts.read > 0
    run([source], tmp_path / "here", make)
    assert run([], out, make).complete
    assert fingerprint(out) == fingerprint(tmp_path / "here")
