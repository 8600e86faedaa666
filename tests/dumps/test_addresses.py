"""Inputs and run folders behind addresses: fsspec's own file systems, one in memory and one of this machine."""

from __future__ import annotations

import errno
import gzip
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli import main
from pipeline.dumps.local import run
from pipeline.dumps.preview import preview
from pipeline.dumps.status import status
from pipeline.errors import InputError, UsageError
from pipeline.folders import folder_of
from pipeline.ingest.inputs import expand
from pipeline.ingest.read import read
from pipeline.report.dump import dump_page

from .crash import MIXTURE
from .fakes import Fake, fingerprint, write_lines

fsspec: Any = pytest.importorskip("fsspec")
TASK = 3000


@pytest.fixture
def store() -> Iterator[dict[str, Any]]:
    """What a store in memory holds: each file by its path."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    yield system.store
    system.store.clear()


def put(name: str, content: bytes) -> str:
    with fsspec.open(f"memory://{name}", "wb") as file:
        file.write(content)
    return f"memory://{name}"


def crawl(tmp_path: Path) -> dict[str, bytes]:
    """Files of several formats, by their names below a folder."""
    lines = Path(write_lines(tmp_path / "plain.jsonl", MIXTURE)).read_bytes()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for n in range(5):
            archive.writestr(zipfile.ZipInfo(f"sub/{n}.txt"), f"第{n}篇。" * 30)
    return {
        "a/plain.jsonl": lines,
        "a/packed.jsonl.gz": gzip.compress(lines * 4, mtime=0),
        "b [1]/pages.zip": packed.getvalue(),
        "b [1]/.hidden.jsonl": lines,
        "note.txt": "一則短訊。".encode(),
    }


def both(tmp_path: Path) -> tuple[str, str]:
    """The same dump in a folder and in the store."""
    for name, content in crawl(tmp_path).items():
        place = tmp_path / "crawl" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        put(f"/bucket/crawl/{name}", content)
    return str(tmp_path / "crawl"), "memory://bucket/crawl"


def held(store: dict[str, Any], out: str) -> dict[str, Any]:
    """The files of a run in the store by their names there, but for the times."""
    found = {name.removeprefix(out): file.getvalue() for name, file in store.items() if name.startswith(out)}
    return {
        name: {**json.loads(content), "seconds": 0}
        if name.startswith("receipts/") or name == "report.json"
        else content
        for name, content in found.items()
    }


def test_a_store_gives_what_a_folder_gives(tmp_path: Path, store: dict[str, Any]) -> None:
    here, there = both(tmp_path)

    def told(source: str) -> list[Any]:
        return [(record, path.removeprefix(source)) for path in expand([source]) for record in read(path)]

    first, second = told(here), told(there)
    assert [path for _, path in first] == [path for _, path in second]
    assert len(first) == len(second) > 90
    for (one, _), (other, _) in zip(first, second, strict=True):
        assert one.input.removeprefix(here) == other.input.removeprefix(there)
        assert getattr(one, "text", None) == getattr(other, "text", None)
    assert expand([f"{there}/a/*"]) == [
        f"memory:///bucket/crawl/a/{name}" for name in ("packed.jsonl.gz", "plain.jsonl")
    ]
    done = [run([source], tmp_path / name, Fake, task_bytes=TASK) for source, name in ((here, "1"), (there, "2"))]
    assert done[0].counts == done[1].counts and done[0].complete


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_a_run_in_a_store_holds_the_bytes_of_one_in_a_folder(tmp_path: Path, store: dict[str, Any], kind: Any) -> None:
    _, source = both(tmp_path)
    how = {"kind": kind, "task_bytes": TASK, "page_seconds": 0, "deduplicate": True}
    run([source], tmp_path / "out", Fake, **how)
    run([source], "memory://bucket/run/", Fake, **how)
    there = held(store, "/bucket/run/")
    here = tmp_path / "out"
    assert set(there) == {path.relative_to(here).as_posix() for path in here.rglob("*") if path.is_file()}
    for name, content in there.items():
        if isinstance(content, bytes):
            assert (here / name).read_bytes() == content
        else:
            assert {**json.loads((here / name).read_bytes()), "seconds": 0} == content
    found = status("memory://bucket/run")
    assert (found.complete, found.counts) == (True, status(here).counts)
    assert b"finished" in dump_page("memory://bucket/run")
    assert "6 of 6" not in preview(
        [], "memory://bucket/run", Fake, kind=kind, add=False, force=False, sample=0, workers=1
    )


class Killed(BaseException):
    """As if the process ended here."""


def test_stopped_at_any_request_it_comes_to_the_same(
    tmp_path: Path, store: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a file is left at each of them: a store puts it there whole or not at all, SFTP does not."""
    _, source = both(tmp_path)

    def launch(out: str, **how: Any) -> None:
        run([source], out, Fake, task_bytes=1000, page_seconds=0, deduplicate=True, **how)

    launch("memory://undisturbed")
    expected = held(store, "/undisturbed/")
    for point in range(100):
        out = f"memory://killed-{point}"
        with monkeypatch.context() as during:
            killed_at(point, during)
            try:
                launch(out)
                break
            except Killed:
                pass
        if point == 0:  # half a manifest: nothing was done yet, and the message says what to do
            with pytest.raises(UsageError, match=r"manifest\.json cannot be read.*--force"):
                launch(out)
        launch(out, force=point == 0)
        assert held(store, f"/killed-{point}/") == expected, point
    assert point > 12


def killed_at(point: int, during: pytest.MonkeyPatch) -> None:
    """Let the process end at request number `point` of those that change what the store holds."""
    system = type(fsspec.filesystem("memory"))
    calls = iter(range(1000))

    def dying(request: Any) -> Any:
        def call(self: Any, *arguments: Any) -> None:
            if next(calls) == point:
                if len(arguments) == 2:
                    content = Path(arguments[0]).read_bytes()
                    self.pipe_file(arguments[1], content[: len(content) // 2])
                raise Killed
            request(self, *arguments)

        return call

    during.setattr(system, "put_file", dying(system.put_file))
    during.setattr(system, "rm_file", dying(system.rm_file))


def test_all_processes_reach_an_address(tmp_path: Path) -> None:
    """`file://` goes through fsspec as well, and a copy there is not whole until it ends."""
    source = "file://" + write_lines(tmp_path / "crawl" / "in.jsonl", [*MIXTURE, *MIXTURE])
    out = (tmp_path / "there").as_uri()
    how: dict[str, Any] = {"task_bytes": 1500, "deduplicate": True}
    run([source], tmp_path / "here", Fake, **how)
    done = run([source], out, Fake, workers=2, **how)
    assert done.complete and fingerprint(tmp_path / "there") == fingerprint(tmp_path / "here")
    min((tmp_path / "there" / "receipts").iterdir()).unlink()
    max((tmp_path / "there" / "parts").iterdir()).write_bytes(b"half")
    (tmp_path / "there" / "parts" / "000001-of-another.jsonl").touch()
    assert status(out).done == done.tasks - 2
    write_lines(tmp_path / "crawl" / "more.jsonl", ["平常"])
    run([(tmp_path / "crawl").as_uri()], out, Fake, workers=2, add=True, **how)
    (tmp_path / "there" / "parts" / "000001-of-another.jsonl").unlink()
    run([(tmp_path / "crawl").as_uri()], tmp_path / "here", Fake, add=True, **how)
    assert fingerprint(tmp_path / "there") == fingerprint(tmp_path / "here")


def test_what_fails_on_the_way_fails_the_task_and_is_no_damage(
    tmp_path: Path, store: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, source = both(tmp_path)
    system = type(fsspec.filesystem("memory"))
    opened = system._open

    class Cut(io.BytesIO):
        """A connection that breaks behind the first bytes."""

        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() >= 1000:
                raise RuntimeError("reset by peer")
            return super().read(1000)

    monkeypatch.setattr(system, "_open", lambda self, *a, **k: Cut(opened(self, *a, **k).getvalue()))
    done = run([f"{source}/a"], tmp_path / "out", Fake, page_seconds=0)
    assert done.counts.read == 0 and len(done.failed) == done.tasks
    assert "cannot be read further: RuntimeError: reset by peer" in done.failed[0].reason
    monkeypatch.undo()
    done = run([f"{source}/a"], tmp_path / "out", Fake, page_seconds=0)
    assert done.complete and done.counts.stage["read"] == 10  # the broken lines


def test_a_store_that_takes_nothing_ends_the_run(
    tmp_path: Path, store: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, source = both(tmp_path)

    def refuse(*_: Any) -> None:
        raise PermissionError("Access Denied")

    monkeypatch.setattr(type(fsspec.filesystem("memory")), "put_file", refuse)
    with pytest.raises(UsageError, match="cannot be used as the folder of a run: Access Denied"):
        run([source], "memory://out", Fake, page_seconds=0)


def test_addresses_that_cannot_be_are_told(
    tmp_path: Path, store: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match="nowhere://x cannot be reached: Protocol not known: nowhere"):
        expand(["nowhere://x"])
    with pytest.raises(InputError, match="memory://empty does not exist"):
        expand(["memory://empty"])
    with pytest.raises(UsageError, match="lies among the inputs"):
        run([both(tmp_path)[1]], "memory://bucket/crawl/out", Fake)
    with pytest.raises(UsageError, match="no folder of a run"):
        status("memory://empty")
    put("/other/file", b"x")
    with pytest.raises(UsageError, match="not empty and holds no run"):
        run(["memory://bucket/crawl"], "memory://other", Fake)
    monkeypatch.setattr("sys.argv", ["taowen", "report", "memory://bucket/run"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2 and "-o FILE.html" in capsys.readouterr().err


def test_a_folder_here_and_one_in_a_store_keep_the_same_promises(tmp_path: Path, store: dict[str, Any]) -> None:
    for given in (tmp_path / "out [a]", "memory://out [a]"):
        folder = folder_of(given)
        assert (folder.entries(), folder.sizes("parts")) == ([], {})
        folder.make("parts")
        folder.write("parts/b", b"22")
        folder.write("parts/a", b"1")
        folder.write("parts/a", b"333")
        folder.write("top", b"")
        assert folder.entries() == ["parts", "top"]
        assert list(folder.sizes("parts").items()) == [("a", 3), ("b", 2)]
        assert (folder.read("parts/a"), list(folder.read_all(["parts/b", "parts/x"]))) == (b"333", [b"22", None])
        with folder.open("parts/a") as file:
            assert (file.read(1), file.seek(-1, 2), file.read()) == (b"3", 2, b"3")
        with pytest.raises(FileNotFoundError) as error:
            folder.read("parts/x")
        assert error.value.errno == errno.ENOENT
        folder.remove("parts/a")
        folder.remove("parts/a")
        assert list(folder.sizes("parts")) == ["b"]
