from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dumps.counts import Counts
from pipeline.dumps.tasks import FOLDERS, identity, plan, receipts, run_task
from pipeline.errors import InputError, TaowenError, UsageError

from .fakes import Fake, write_lines

texts = st.sampled_from(["稀土出口", "雜關稅", "拒", "略", "", None, "長" * 90, "\ud800\u2028"])


def folders(out: Path) -> Path:
    for name in FOLDERS:
        (out / name).mkdir(parents=True)
    return out


@settings(deadline=None, max_examples=25)
@given(st.lists(st.lists(texts, max_size=10), min_size=1, max_size=3), st.integers(20, 400))
def test_every_record_is_accounted_for_once(files: list[list[str | None]], task_bytes: int) -> None:
    with TemporaryDirectory() as top:
        out = folders(Path(top, "out"))
        names = [write_lines(Path(top, f"{n}.jsonl"), lines) for n, lines in enumerate(files)]
        tasks = plan(names, task_bytes=task_bytes)
        total = Counts()
        for task in tasks:
            receipt = run_task(task, Fake(), out)
            assert receipt.counts.balanced()
            assert [receipt] == list(receipts(out, [task], "jsonl"))
            total.merge(receipt.counts)
        written, rejected = (
            [json.loads(line) for path in sorted((out / folder).iterdir()) for line in path.read_bytes().splitlines()]
            for folder in ("parts", "rejects")
        )
        assert (total.written, total.rejected) == (len(written), len(rejected))
        assert total.read == sum(map(len, files))
        assert total.bytes == sum(Path(name).stat().st_size for name in names)
        places = [(record["input"], record["position"]) for record in written + rejected]
        assert len(set(places)) == len(places)
        assert [(row["input"], row["position"]) for row in written] == sorted(
            (row["input"], row["position"]) for row in written
        )


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 30), min_size=1, max_size=6), st.integers(1, 500))
def test_a_plan_covers_every_byte_once_in_order(sizes: list[int], task_bytes: int) -> None:
    with TemporaryDirectory() as top:
        for n, size in enumerate(sizes):
            write_lines(Path(top, f"{n}.jsonl"), ["字"] * size)
        pieces = [piece for task in plan([top], task_bytes=task_bytes) for piece in task.pieces]
        for n in range(len(sizes)):
            path = Path(top, f"{n}.jsonl")
            at = 0
            for piece in (piece for piece in pieces if piece.path == str(path)):
                assert piece.start == at
                at = path.stat().st_size if piece.end is None else piece.end
            assert at == path.stat().st_size


def test_ids_name_the_content_and_the_processing_not_the_place(tmp_path: Path) -> None:
    for place in ("a", "b"):
        write_lines(tmp_path / place / "x.jsonl", ["稀土"])
    ids = [[task.id for task in plan([str(tmp_path / place)], identity=identity(Fake()))] for place in ("a", "b")]
    assert ids[0] == ids[1]
    write_lines(tmp_path / "b" / "x.jsonl", ["稀土礦"])
    assert ids[0] != [task.id for task in plan([str(tmp_path / "b")], identity=identity(Fake()))]
    for other in (Fake(model="m2"), Fake(to="zh-Hant")):
        assert ids[0] != [task.id for task in plan([str(tmp_path / "a")], identity=identity(other))]


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    twice = [write_lines(tmp_path / "in" / "x.jsonl", ["稀土"]), str(tmp_path / "in")]
    assert [task.pieces for task in plan(twice)] == [task.pieces for task in plan(twice[:1])]


def test_small_files_share_a_task(tmp_path: Path) -> None:
    for n in range(30):
        (tmp_path / f"{n:02}.txt").write_text("稀土出口管制。\n" * 5, encoding="utf-8")
    (task,) = plan([str(tmp_path)])
    assert [Path(piece.path).name for piece in task.pieces] == [f"{n:02}.txt" for n in range(30)]


@pytest.mark.parametrize(("text", "error"), [("漏", TaowenError), ("錯", ArithmeticError), ("滿", OSError)])
def test_a_task_that_fails_leaves_nothing(tmp_path: Path, text: str, error: type[Exception]) -> None:
    out = folders(tmp_path / "out")
    (task,) = plan([write_lines(tmp_path / "in.jsonl", ["好", None, text])])
    with pytest.raises(error):
        run_task(task, Fake(), out)
    assert [path for path in out.rglob("*") if path.is_file()] == []


def test_a_file_that_changed_since_the_plan_is_not_read(tmp_path: Path) -> None:
    source = write_lines(tmp_path / "in.jsonl", ["好"])
    (task,) = plan([source])
    write_lines(tmp_path / "in.jsonl", ["好", "好"])
    with pytest.raises(InputError, match="when the run was planned"):
        run_task(task, Fake(), folders(tmp_path / "out"))


def test_standard_input_cannot_be_planned() -> None:
    with pytest.raises(UsageError, match="standard input"):
        plan(["-"])
