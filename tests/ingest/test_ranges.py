from __future__ import annotations

import gzip
import io
import random
import tarfile
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipeline.article import Page, Reject
from pipeline.configure import Limits
from pipeline.ingest.ranges import Reader, can_cut
from pipeline.ingest.read import read

from .test_read import BODY, PACKERS, lines_of, parquet, responses, tarred, zipped

RECORDS = [{"id": str(n), "text": f"第{n}篇。" + "字" * (n * 37 % 400)} for n in range(120)]
PAGES = {f"{n:03}.html": BODY.encode() + b" " * (n * 91 % 900) for n in range(60)}
MANY = {
    "lines.jsonl": lines_of(*RECORDS),
    "crawl.warc": b"".join(responses(80)),
    "rows.parquet": parquet(RECORDS * 2),
    "pages.zip": zipped(PAGES),
    "pages.tar": tarred(PAGES),
}


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("damaged", [False, True])
def test_ranges_of_every_format_give_each_record_once(name: str, packing: str, damaged: bool, tmp_path: Path) -> None:
    if packing and name.endswith((".parquet", ".zip")):
        pytest.skip("not read compressed")
    if name.endswith(".warc") and packing == ".gz":
        data = b"".join(map(gzip.compress, responses(80)))
    else:
        data = PACKERS[packing](MANY[name])
    if damaged:
        middle = len(data) // 2
        data = data[:middle] + bytes(byte ^ 0x55 for byte in data[middle : middle + 40]) + data[middle + 40 :]
    path = tmp_path / (name + packing)
    path.write_bytes(data)
    whole = list(read(str(path)))
    assert can_cut(str(path)) and (len(whole) > 1 or damaged)
    chance = random.Random(8)
    for _ in range(6):
        ends = sorted({0, *(chance.randrange(1, len(data)) for _ in range(chance.randrange(1, 9)))})
        ranges = list(pairwise((*ends, None)))
        with Reader() as one:
            assert [found for start, end in ranges for found in one.read(str(path), start=start or 0, end=end)] == whole
        apart = []
        for start, end in chance.sample(ranges, len(ranges)):  # by many processes, in any order
            with Reader() as reader:
                apart.append((start or 0, list(reader.read(str(path), start=start or 0, end=end))))
        assert [found for _, some in sorted(apart, key=lambda pair: pair[0]) for found in some] == whole


def test_a_reader_goes_on_where_its_last_range_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pipeline.ingest.ranges as ranges

    path = tmp_path / "a.warc"
    path.write_bytes(b"".join(responses(40)))
    opened: list[int] = []

    class Counted(ranges._Scan):
        def __init__(self, path: str, limits: Limits) -> None:
            opened.append(1)
            super().__init__(path, limits)

    monkeypatch.setattr(ranges, "_Scan", Counted)
    size = path.stat().st_size
    with Reader() as reader:
        for start in range(0, size, 1000):
            list(reader.read(str(path), start=start, end=start + 1000 if start + 1000 < size else None))
        assert len(opened) == 1
        for found in reader.read(str(path), start=1000, end=5000):  # left in the middle: not gone on with
            assert isinstance(found, Page)
            break
        assert list(reader.read(str(path), start=5000, end=None))
        assert len(opened) == 3


def test_what_holds_one_page_is_not_cut(tmp_path: Path) -> None:
    for name, data in (("a.html", BODY.encode()), ("a.txt", "字".encode()), ("a.json", b'[{"text": "a"}]')):
        (tmp_path / name).write_bytes(data)
        assert not can_cut(str(tmp_path / name))


def test_a_packed_file_is_read_in_bounded_memory(tmp_path: Path) -> None:
    import tracemalloc

    sink = io.BytesIO()
    with gzip.GzipFile(fileobj=sink, mode="w", mtime=0) as packed:
        for n in range(3000):
            packed.write(lines_of({"id": str(n), "text": "長" * 3000}))
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(sink.getvalue())
    tracemalloc.start()
    with Reader() as reader:
        assert sum(1 for _ in reader.read(str(path), start=1, end=None)) == 3000  # one chunk: all is found behind it
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 << 20


ARCHIVES: dict[str, Callable[..., bytes]] = {
    "a.zip": zipped,
    "a.tar": tarred,
    "a.tar.gz": lambda members: gzip.compress(tarred(members)),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_members_are_read_as_what_they_are_and_nothing_is_unpacked(name: str, tmp_path: Path) -> None:
    long = "很長的名字" * 30
    members = {
        "../../etc/one.html": BODY.encode(),
        "sub/two.txt": "第二篇。".encode("gb18030"),
        f"{long}.jsonl.gz": gzip.compress(lines_of({"id": "3", "text": "三"}, {"id": "4", "text": 4})),
        "crawl.warc.gz": b"".join(map(gzip.compress, responses(3))),
        "style.css": b"p { color: red }",
        ".hidden/five.html": BODY.encode(),
        "inner.zip": zipped({"six.html": BODY.encode()}),
        "empty.txt": b"",
        "rows.parquet": parquet(RECORDS[:2]),
    }
    path = tmp_path / name
    path.write_bytes(ARCHIVES[name](members))
    found = list(read(str(path)))
    assert [(one.input.removeprefix(f"{path}/"), type(one).__name__) for one in found] == [
        ("../../etc/one.html", "Page"),
        ("sub/two.txt", "Page"),
        (f"{long}.jsonl.gz", "Page"),
        (f"{long}.jsonl.gz", "Reject"),
        *[("crawl.warc.gz", "Page")] * 3,
        ("style.css", "Skip"),
        (".hidden/five.html", "Skip"),
        ("inner.zip", "Reject"),
        ("empty.txt", "Page"),
        ("rows.parquet", "Reject"),
    ]
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert isinstance(found[1], Page) and (found[1].id, found[1].text) == ("two", "第二篇。")


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_a_damaged_tar_loses_what_is_damaged_and_says_so(form: int, tmp_path: Path) -> None:
    members = {f"sub/{'名' * (9 * n)}{n}.html": f"<html><p>{n}</p>".encode() for n in range(3)}
    whole = tarred(members, form)
    path = tmp_path / "a.tar"

    def read_bytes(data: bytes) -> list[Any]:
        path.write_bytes(data)
        return list(read(str(path)))

    assert [one.html for one in read_bytes(whole)] == list(members.values())
    assert [one.html for one in read_bytes(whole + whole)] == [*members.values()] * 2  # tar -A
    flipped = read_bytes(b"\xff" * 300 + whole[300:])
    assert isinstance(flipped[0], Reject) and "no tar header" in flipped[0].reason
    assert [one.html for one in flipped[-2:]] == list(members.values())[1:]
    end = len(whole.rstrip(b"\0"))
    for at in range(1, end, 97):
        found = read_bytes(whole[:at])
        assert isinstance(found[-1], Reject), (at, found)
        assert [one.html for one in found if isinstance(one, Page) and one.html] == list(members.values())[
            : sum(isinstance(one, Page) and bool(one.html) for one in found)
        ]


def test_a_damaged_zip_loses_what_is_damaged_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    whole = zipped(PAGES, zipfile.ZIP_STORED)
    at = whole.index(b"<html>", len(whole) // 3)
    path.write_bytes(whole[:at] + b"!" + whole[at + 1 :])
    found = list(read(str(path)))
    assert [one.reason[:27] for one in found if isinstance(one, Reject)] == ["cannot be read: Bad CRC-32 "]
    assert sum(isinstance(one, Page) for one in found) == len(PAGES) - 1


def streamed(members: dict[str, bytes], method: int) -> bytes:
    """A zip archive written to a pipe: sizes and checksum stand behind each file."""

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *_: Any) -> int:
            raise io.UnsupportedOperation

        tell = seek

    sink = Pipe()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return sink.getvalue()


ZIPS = {
    "deflated": lambda members: zipped(members),
    "stored": lambda members: zipped(members, zipfile.ZIP_STORED),
    "streamed": lambda members: streamed(members, zipfile.ZIP_DEFLATED),
}


@pytest.mark.parametrize("kind", ZIPS)
def test_a_zip_that_is_cut_gives_the_files_before_the_cut(kind: str, tmp_path: Path) -> None:
    chance = random.Random(8)
    members = {
        f"{n}.txt": "".join(chr(chance.randrange(0x4E00, 0x9FA0)) for _ in range(300 * n)).encode() for n in range(1, 8)
    }
    whole = ZIPS[kind](members)
    texts = [data.decode() for data in members.values()]
    path = tmp_path / "a.zip"
    ends = [whole.index(b"PK\3\4", 1)]
    while (after := whole.find(b"PK\3\4", ends[-1] + 1)) > 0:
        ends.append(after)
    ends.append(whole.index(b"PK\1\2"))
    for at in range(0, len(whole) - 1, 331):
        path.write_bytes(whole[:at])
        found = list(read(str(path)))
        there = [one.text for one in found if isinstance(one, Page)]
        complete = sum(end <= at for end in ends)
        assert there[:complete] == texts[:complete], at
        assert complete <= len(there) <= complete + (kind == "streamed"), at  # only what stands behind it is gone
        assert not at or isinstance(found[-1], Reject), at
    list_ = whole.index(b"PK\1\2")
    path.write_bytes(whole[:list_] + bytes(len(whole) - list_))
    assert [one.text for one in read(str(path)) if isinstance(one, Page)] == texts
    path.write_bytes(whole[: ends[1]] + b"rubbish" + whole[ends[1] : list_])
    *found, last = read(str(path))
    assert isinstance(last, Reject) and "its files were read by their own headers" in last.reason
    assert [one.text for one in found if isinstance(one, Page)] == texts
    assert [one.reason for one in found if isinstance(one, Reject)] == ["7 bytes are no file of the zip archive"]
    flipped = bytearray(whole[:list_])
    flipped[ends[2] + 800] ^= 4
    path.write_bytes(flipped)
    found = list(read(str(path)))
    there = [one.text for one in found if isinstance(one, Page)]
    assert set(texts) - set(there) == {texts[3]}
    assert kind == "streamed" or len(there) == 6  # its checksum may come too late to be found
    path.write_bytes(b"PK\3\4" + bytes(5000))
    found = list(read(str(path)))
    assert isinstance(found[-1], Reject) and not [one for one in found if isinstance(one, Page)]


def test_a_bomb_in_an_archive_is_rejected(tmp_path: Path) -> None:
    for name, pack in ARCHIVES.items():
        path = tmp_path / name
        path.write_bytes(pack({"bomb.html": b"<html>" * 20_000, "good.html": BODY.encode()}))
        first, second = read(str(path), limits=Limits(page_bytes=50_000))
        assert isinstance(first, Reject) and first.reason == "over the limit page_bytes"
        assert isinstance(second, Page)
