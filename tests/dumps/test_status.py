from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.article import Reject, Skip
from pipeline.dumps.counts import OTHER, OTHER_SITES, REASONS, SITES, Counts, host
from pipeline.dumps.local import run
from pipeline.dumps.presence import present, work_in
from pipeline.dumps.status import status, to_text
from pipeline.errors import UsageError
from pipeline.folders import folder_of

from .fakes import ONE_EACH, Fake, write_files, write_lines

reasons = st.text(max_size=3)
results = st.builds(Reject, st.just("f"), st.just(0), st.just("i"), reasons, reasons) | st.builds(
    Skip, st.just("f"), st.just(0), reasons
)


def books(records: list[Reject | Skip]) -> Counts:
    counts = Counts()
    for record in records:
        counts.add(record)
    return counts


@given(st.lists(results), st.lists(results))
def test_books_add_up(first: list[Reject | Skip], second: list[Reject | Skip]) -> None:
    sum_of_books = books(first)
    sum_of_books.merge(books(second))
    assert sum_of_books == books(first + second)
    assert sum_of_books.balanced()
    assert Counts.from_dict(sum_of_books.to_dict()) == sum_of_books


def test_reasons_that_never_repeat_do_not_fill_the_books() -> None:
    counts = books([Skip("f", n, f"reason {chr(0x4E00 + n)}") for n in range(REASONS + 50)])
    counts.merge(books([Skip("f", n, f"other {chr(0x4E00 + n)}") for n in range(20)]))
    assert counts.balanced()
    assert len(counts.skip_reason) == REASONS + 1
    assert counts.skip_reason[OTHER] == 70
    assert books([Reject("f", n, "", "read", f"byte {n}") for n in range(30)]).reject_reason == {"read: byte #": 30}


def paged(*sites: int) -> Counts:
    counts = Counts()
    for site in sites:
        cuts = [{"start": 0, "end": 2, "kind": "related"}] if site % 2 else []
        page = {"url": f"http://{site}.example/", "canonical_url": "", "text": "字", "cuts": cuts, "topics": []}
        status = {"status": "no_article", "reason": f"{site} lines"} if site % 2 else {"status": "article"}
        counts.add({**page, **status, "script": "none"})
    return counts


def test_books_of_sites_add_up() -> None:
    counts = paged(1, 2, 2)
    counts.merge(paged(2, 3))
    assert counts == paged(1, 2, 2, 2, 3)
    assert counts.balanced()
    assert Counts.from_dict(counts.to_dict()) == counts
    assert (counts.total().characters, counts.total().kept, counts.total().articles) == (9, 5, 3)
    assert counts.site["1.example"].to_dict() == {
        "pages": 1, "articles": 0, "no_article": {"# lines": 1}, "characters": 3, "kept": 1, "cuts": {"related": [1, 2]}
    }  # fmt: skip


def test_sites_that_never_come_again_do_not_fill_the_books() -> None:
    often = [7] * 3
    counts = paged(*often, *range(1000, 1000 + SITES + 50))
    counts.merge(paged(*often, *range(5000, 5000 + SITES)))
    assert counts.balanced()
    assert len(counts.site) <= SITES
    assert counts.site["7.example"].pages == 6
    assert counts.site[OTHER_SITES].pages > SITES / 2
    assert counts.total().pages == 6 + 2 * SITES + 50


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://News.Example.com:8080/a", "news.example.com"),
        ("", ""),
        ("http://[::1", ""),
        ("//h/x", "h"),
        ("http://h./", "h"),
    ],
)
def test_the_host_of_any_url(url: str, expected: str) -> None:
    assert host(url) == expected


def test_status_of_a_run_under_way_and_done(tmp_path: Path) -> None:
    source = write_files(tmp_path / "in", ["稀土", "拒", "必死", "平常", "略"])
    done = run([source], tmp_path / "out", Fake, workers=2, task_bytes=ONE_EACH, page_seconds=0)
    found = status(tmp_path / "out")
    assert found == done
    text = to_text(found)
    assert "not finished" in text
    assert f"{done.tasks - 1} of {done.tasks} tasks" in text
    assert "read 4 = written 2 + rejected 1 + skipped 1" in text
    assert "failed: task 000002" in text
    assert re.search(r"^all +2 +2 +4 +100%$", text, re.M)
    (tmp_path / "out" / "report.json").unlink()  # as while it works
    next((tmp_path / "out" / "receipts").glob("000000*")).unlink()
    found = status(tmp_path / "out")
    assert (found.done, found.counts.written, found.failed) == (done.tasks - 2, 1, ())


def test_what_a_page_says_cannot_drive_the_terminal(tmp_path: Path) -> None:
    run([write_lines(tmp_path / "in.jsonl", ["平常"])], tmp_path / "out", Fake)
    found = status(tmp_path / "out")
    found.counts.reject_reason["read: \x1b[31m\u202e\n"] = 1
    found.counts.site["a\x1b[31m\u202e"] = found.counts.site[""]
    text = to_text(found)
    assert "\\x1b[31m\\u202e\\n" in text
    assert all(line.isprintable() for line in text.split("\n"))


def test_many_reasons_are_a_list_and_the_rest_is_counted(tmp_path: Path) -> None:
    run([write_lines(tmp_path / "in.jsonl", ["拒"])], tmp_path / "out", Fake)
    found = status(tmp_path / "out")
    assert re.search(
        r"^rejected \(in .*out/rejects\):\s+(clean: 拒 1|1  clean: 拒)$", to_text(found), re.M
    )  # as paths are long
    found.counts.reject_reason.update({f"read: a reason of some length {chr(0x61 + n)}": 12 - n for n in range(12)})
    _, _, told = to_text(found).partition("rejects):\n")
    assert told.split("\n")[:1] + told.split("\n")[9:11] == [
        "       12  read: a reason of some length a",
        "        3  read: a reason of some length j",
        "           and 4 others",
    ]


def test_a_folder_that_is_no_run_has_no_status(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no folder of a run"):
        status(tmp_path)
    (tmp_path / "manifest.json").write_text('{"layout": 99}')
    with pytest.raises(UsageError, match="another version"):
        status(tmp_path)


def test_status_tells_who_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, out = write_files(tmp_path / "in", ["平常", "必死", "平常"]), tmp_path / "out"
    seen = []
    run(
        [source],
        out,
        Fake,
        workers=2,
        task_bytes=ONE_EACH,
        page_seconds=0,
        progress=lambda _: seen.append(present(out)),
    )
    assert {one.state for one in seen} == {"at work"}
    assert sys.platform != "linux" or {one.processes for one in seen} == {(os.getpid(),)}
    assert (seen[0].last, seen[-1].last is None) == (None, False)
    assert present(out).state == "nobody"
    assert re.search(r"^Nobody works on it now\. The last task was done at 2.* To go on: ", to_text(status(out)), re.M)
    monkeypatch.setattr("pipeline.dumps.presence._SHARED", ("",))  # as if any file system were of many machines
    assert (present(out).state == "unknown") == (sys.platform == "linux")
    with work_in(folder_of(out), alone=False):
        assert to_text(status(out)).startswith(f"{out}: at work")
    assert present("memory://nowhere").state == "unknown"


def test_who_was_killed_works_no_more(tmp_path: Path) -> None:
    source, out = write_files(tmp_path / "in", ["平常", "慢"]), tmp_path / "out"
    script = [sys.executable, str(Path(__file__).parent / "interrupted.py"), source, str(out)]
    with subprocess.Popen(script, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if line.startswith("1 "):
                break
        assert present(out).state == "at work"
        process.kill()
    assert present(out).state == "nobody"


def test_where_nothing_can_be_locked_a_run_works_and_nobody_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def refuses(number: int, how: int) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")  # as NFS answers for a folder

    monkeypatch.setattr(fcntl, "flock", refuses)
    source, out = write_files(tmp_path / "in", ["平常", "必死"]), tmp_path / "out"
    assert run([source], out, Fake, workers=2, task_bytes=ONE_EACH, page_seconds=0).done == 1
    assert "Whether somebody works on it now cannot be told from here" in to_text(status(out))
