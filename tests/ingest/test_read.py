from __future__ import annotations

import errno
import gzip
import io
import json
import os
import random
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline import places
from pipeline.article import Page, Reject, Skip
from pipeline.configure import LIMITS, Limits
from pipeline.errors import InputError
from pipeline.ingest.inputs import by_ending, expand, find
from pipeline.ingest.json_records import _decode
from pipeline.ingest.read import ENDINGS, READERS, can_split, read

BODY = "<html><head><title>稀土</title></head><body><p>商務部公布新的出口管制清單。</p></body></html>"
TEXT = "商务部公布新的出口管制清单。\r\n第二行\n"
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": lambda data: data,
    ".gz": lambda data: gzip.compress(data, mtime=0),
    ".zst": lambda data: zstandard.ZstdCompressor().compress(data),
}
Found = Page | Reject | Skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For property tests, which may not share a function's folder between examples."""
    return tmp_path_factory.mktemp("read")


def everything(path: Path | str, **how: Any) -> list[Found]:
    return list(read(str(path), **how))


def stored(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def pages(found: list[Found]) -> list[Page]:
    assert [one for one in found if not isinstance(one, Page)] == []
    return [one for one in found if isinstance(one, Page)]


def rejects(found: list[Found]) -> list[Reject]:
    return [one for one in found if isinstance(one, Reject)]


def lines_of(*records: object) -> bytes:
    return b"".join(
        json.dumps(record, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n" for record in records
    )


# --- WARC files are built here byte by byte, so that they can be built wrong --------------------------------------


def warc(
    kind: str, block: bytes, number: int = 1, media: str = "application/http; msgtype=response", **wrong: str
) -> bytes:
    fields = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<urn:uuid:0000-{number}>",
        "WARC-Date": "2025-04-05T06:07:08Z",
        "WARC-Target-URI": f"https://news.example/{number}",
        "Content-Type": media,
        "Content-Length": str(len(block)),
        **{key.replace("_", "-"): value for key, value in wrong.items()},
    }
    header = "".join(f"{key}: {value}\r\n" for key, value in fields.items() if value)
    return b"WARC/1.1\r\n" + header.encode() + b"\r\n" + block + b"\r\n\r\n"


def http(body: bytes, *fields: str, status: str = "200 OK", media: str = "text/html; charset=Big5") -> bytes:
    lines = [f"HTTP/1.1 {status}", *([f"Content-Type: {media}"] if media else []), *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def responses(count: int) -> list[bytes]:
    return [warc("response", http(f"<html><p>第{n}篇</p></html>".encode()), n) for n in range(count)]


# --- one contract for every reader ----------------------------------------------------------------------------------


def parquet(rows: list[dict[str, Any]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return sink.getvalue()


def tarred(members: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return sink.getvalue()


@dataclass(frozen=True)
class Format:
    ending: str
    two: bytes
    """A file of two pages, or of one where the format holds one."""
    packed: bool = True
    count: int = 2


RECORDS: list[dict[str, Any]] = [
    {"id": "a", "text": TEXT, "url": "https://news.example/a"},
    {"id": 2, "html": BODY, "crawled": "2025-04-05"},
]
FORMATS = {
    "jsonl": Format(".jsonl", lines_of(*RECORDS)),
    "json": Format(".json", json.dumps(RECORDS, ensure_ascii=False, indent=2).encode()),
    "html": Format(".html", BODY.encode("big5"), count=1),
    "text": Format(".txt", TEXT.encode("gb18030"), count=1),
    "warc": Format(".warc", b"".join(responses(2))),
    "parquet": Format(".parquet", parquet(RECORDS[:1] * 2), packed=False),
    "zip": Format(".zip", zipped({"in/two.jsonl": lines_of(*RECORDS)}), packed=False),
    "tar": Format(".tar", tarred({"in/two.jsonl": lines_of(*RECORDS)})),
}


def test_every_reader_has_its_format_here() -> None:
    assert set(FORMATS) == set(READERS) == set(ENDINGS.values())


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("kind", READERS)
class TestContract:
    def test_content_tells_the_format(self, kind: str, packing: str, tmp_path: Path) -> None:
        form = FORMATS[kind]
        if packing and not form.packed:
            pytest.skip("not read compressed")
        data = PACKERS[packing](form.two)
        promised = pages(everything(stored(tmp_path, f"dump{form.ending}{packing}", data)))
        assert len(promised) == form.count
        for name in ("dump", "dump.txt"):  # a wrong name or none
            nameless = pages(everything(stored(tmp_path, name, data)))
            assert [replace(page, input="") for page in nameless] == [replace(page, input="") for page in promised]
        positions = [page.position for page in promised]
        assert positions == sorted(set(positions)) or packing == ".zst"
        path = str(tmp_path / f"dump{form.ending}{packing}")
        assert {page.input for page in promised} == {f"{path}/in/two.jsonl" if kind in ("zip", "tar") else path}
        assert len({page.id for page in promised}) == form.count or kind == "parquet"

    def test_standard_input(self, kind: str, packing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        form = FORMATS[kind]
        data = PACKERS[packing](form.two)
        for stream in (io.BytesIO(data), Pipe(data)):
            monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(stream))
            if not form.packed and (packing or not stream.seekable()):
                with pytest.raises(InputError, match="is read from its end"):
                    everything("-")
                continue
            found = pages(everything("-"))
            assert len(found) == form.count
            assert {page.input[:1] for page in found} == {"-"} and all(page.id for page in found)

    def test_rubbish_and_cuts_never_raise(self, kind: str, packing: str, tmp_path: Path) -> None:
        form = FORMATS[kind]
        if packing and not form.packed:
            pytest.skip("not read compressed")
        data = PACKERS[packing](form.two)
        whole = len(everything(stored(tmp_path, f"whole{form.ending}", data)))
        for at in range(1, len(data), 37):
            cut = everything(stored(tmp_path, f"cut{form.ending}", data[:at]))
            flipped = everything(
                stored(tmp_path, f"flipped{form.ending}", data[:at] + bytes((data[at] ^ 0x55,)) + data[at + 1 :])
            )
            assert cut or at < 60 or kind == "jsonl"
            assert flipped
            if packing:
                assert rejects(cut) or len(cut) == whole

    def test_a_missing_or_forbidden_file_is_an_input_error(self, kind: str, packing: str, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="cannot be opened"):
            everything(tmp_path / f"absent{FORMATS[kind].ending}{packing}")
        with pytest.raises(InputError, match="cannot be opened"):
            everything(tmp_path)


class Pipe(io.BytesIO):
    """A stream that cannot seek and hands over little at once."""

    def seekable(self) -> bool:
        return False

    def seek(self, offset: int, whence: int = 0, /) -> int:
        raise io.UnsupportedOperation("seek")

    def read1(self, size: int | None = -1, /) -> bytes:
        return super().read1(min(size or 7, 7) if size and size > 0 else 7)


# --- JSON lines -----------------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
keys = st.sampled_from(["id", "url", "html", "text", "title", "date", "crawled", "other"])
good_lines = st.dictionaries(keys, json_values, max_size=5).map(lambda record: json.dumps(record).encode())
bad_lines = st.binary(max_size=20).map(lambda data: data.replace(b"\n", b"")) | json_values.map(
    lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
)
files = st.lists(good_lines | bad_lines | st.sampled_from([b"", b" \r", b'{"text": "']), max_size=8)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(files, st.booleans(), st.sampled_from(list(PACKERS)))
@example([b"[", b'{"text": "a"}', b'{"text": "b"}'], True, "")
@example([b'{"text": "a', b'{"text": "b"}'], True, ".gz")
def test_each_line_gives_one_page_or_reject(place: Path, records: list[bytes], ended: bool, packing: str) -> None:
    data = b"\n".join(records) + (b"\n" if ended else b"")
    # A first record keeps the file one of lines: without it, it might be a document.
    data = b'{"text": ""}\n' + data
    found = everything(stored(place, "dump.jsonl" + packing, PACKERS[packing](data)))
    expected = [line for line in data.split(b"\n") if line.strip()]
    assert len(found) == len(expected)
    for one, line in zip(found, expected, strict=True):
        assert data[one.position :].startswith(line)
        assert isinstance(one, Page) or (isinstance(one, Reject) and one.stage == "read" and one.reason)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(files, st.lists(st.integers(0, 200), max_size=4), st.sampled_from([20, LIMITS.page_bytes]))
@example([b"x" * 50, b'{"text": "a"}'], [1, 13, 14, 20, 66], 20)
def test_ranges_put_together_are_the_whole(place: Path, records: list[bytes], cuts: list[int], limit: int) -> None:
    limits = Limits(page_bytes=limit)
    path = stored(place, "ranges.jsonl", b"\n".join([b'{"text": ""}', *records]))
    whole = everything(path, limits=limits)
    bounds = [0, *sorted(cuts), path.stat().st_size]
    pieces = [
        one
        for start, end in pairwise(bounds)
        if start < end
        for one in read(str(path), limits=limits, start=start, end=end)
    ]
    assert pieces == whole
    assert everything(path, limits=limits, start=bounds[-2]) == [one for one in whole if one.position >= bounds[-2]]


def test_fields_of_a_record(tmp_path: Path) -> None:
    full = {"id": 7, "url": "u", "text": "t", "title": "ti", "date": "d", "crawled": "c", "more": [1]}
    first, second, third, fourth = pages(
        everything(
            stored(
                tmp_path,
                "a.jsonl",
                lines_of(
                    full, {"html": BODY, "id": None, "title": None}, {"text": "", "id": "x"}, {"text": "t", "html": ""}
                ),
            )
        )
    )
    assert first == Page("7", str(tmp_path / "a.jsonl"), 0, "t", None, "", "u", "ti", "d", "c")
    assert (second.html, second.text, second.title, len(second.id)) == (BODY, None, "", 16)
    assert int(second.id, 16) >= 0
    assert (third.id, third.text) == ("x", "")
    assert (fourth.text, fourth.html) == ("t", None)


def test_ids_of_nameless_records_differ_by_content_and_position(tmp_path: Path) -> None:
    path = stored(tmp_path, "a.jsonl", lines_of({"text": "t"}, {"text": "t"}, {"text": "u"}))
    ids = [page.id for page in pages(everything(path))]
    assert len(set(ids)) == 3
    assert ids == [
        page.id for page in pages(everything(stored(tmp_path, "b.jsonl.gz", gzip.compress(path.read_bytes()))))
    ]


@pytest.mark.parametrize(
    ("line", "reason", "id_"),
    [
        (b'{"id": "a"}', "no text", "a"),
        (b'{"id": "a", "body": "t", "at": 1}', "no text: neither a field html nor text; not read: body, at", "a"),
        (b'{"text": null, "html": null}', "no text", ""),
        (b'{"text": 5, "id": 9}', "text is a number, not a string", "9"),
        (b'{"html": ["<p>"], "id": "b"}', "html is a list, not a string", "b"),
        (b'{"text": "t", "date": {"y": 2025}}', "date is an object, not a string", ""),
        (b'{"text": "t", "id": true}', "id is a boolean, not a string", ""),
        (b'{"text": "t", "id": NaN}', "id is a number, not a string", ""),
        (b"[1]", "the record is a list, not an object", ""),
        (b'"t"', "the record is a string, not an object", ""),
        (b'{"text": "t"', "bad JSON: Expecting ',' delimiter: line 1 column 13 (char 12)", ""),
        (b'{"text": "\xff"}', "bad UTF-8 at byte 27", ""),
        (b'{"text": ' + b"9" * 5000 + b"}", "bad JSON: Exceeds the limit", ""),
        (b'{"a": ' + b"[" * 200_000, "bad JSON: nested too deeply", ""),
    ],
)
def test_what_is_wrong_with_a_line(line: bytes, reason: str, id_: str, tmp_path: Path) -> None:
    path = stored(tmp_path, "a.jsonl", b'{"text": "bf"}\n\n\n' + line + b'\n{"text": "behind"}\n')
    before, wrong, behind = everything(path)
    assert isinstance(before, Page) and isinstance(behind, Page)
    assert isinstance(wrong, Reject)
    assert wrong.reason.startswith(reason)
    assert (wrong.input, wrong.position, wrong.id, wrong.stage) == (str(path), 17, id_, "read")


@pytest.mark.parametrize(
    "line",
    [
        b'{"text": "\\ud800 lone"}',
        b'{"text": "a", "text": "b"}',
        b'\xef\xbb\xbf{"text": "t"}',
        b'{"text": "t", "n": NaN, "m": -Infinity}',
        b'{"text": "\\u0000"}\r',
    ],
)
def test_odd_but_valid_lines_are_pages(line: bytes, tmp_path: Path) -> None:
    assert len(pages(everything(stored(tmp_path, "a.jsonl", line)))) == 1


@pytest.mark.parametrize("packing", PACKERS)
def test_a_long_line_is_rejected_without_being_held(packing: str, tmp_path: Path) -> None:
    import tracemalloc

    limits = Limits(page_bytes=1 << 18)
    data = lines_of({"text": "a"}) + b'{"text": "' + b"x" * (24 << 20) + b'"}\n' + lines_of({"text": "b"})
    path = stored(tmp_path, "a.jsonl" + packing, PACKERS[packing](data))
    del data
    tracemalloc.start()
    found = everything(path, limits=limits)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [type(one) for one in found] == [Page, Reject, Page]
    assert rejects(found)[0].reason == "over the limit page_bytes"
    assert rejects(found)[0].position == 14
    assert peak < (64 if packing == ".zst" else 8) << 20


@pytest.mark.parametrize("packing", [".gz", ".zst"])
def test_records_before_damage_are_kept(packing: str, tmp_path: Path) -> None:
    data = b"".join(lines_of({"id": n, "text": os.urandom(2000).hex()}) for n in range(400))
    packed = PACKERS[packing](data)
    cut = everything(stored(tmp_path, "cut.jsonl" + packing, packed[: len(packed) // 2]))
    assert len(cut) > 120
    assert isinstance(cut[-1], Reject) and "ends before its end" in cut[-1].reason
    assert data[: cut[-1].position].count(b"\n") == len(cut) - 1
    if packing == ".gz":
        flipped = bytearray(packed)
        flipped[len(packed) // 2 : len(packed) // 2 + 9] = b"\xff" * 9
        found = everything(stored(tmp_path, "flip.jsonl.gz", bytes(flipped)))
        assert [one for one in found[:150] if not isinstance(one, Page)] == []
        assert isinstance(found[-1], Reject)
        # A wrong checksum is found when all has been read: everything is kept, and the damage told.
        last = everything(stored(tmp_path, "sum.jsonl.gz", packed[:-8] + b"\0" * 8))
        assert len(last) == 401 and isinstance(last[-1], Reject)


def test_gzip_members_and_padding(tmp_path: Path) -> None:
    parts = [gzip.compress(lines_of({"id": n, "text": "t"})) for n in range(3)]
    path = stored(tmp_path, "a.jsonl.gz", b"".join(parts) + b"\0" * 600)
    assert [page.id for page in pages(everything(path))] == ["0", "1", "2"]
    found = everything(stored(tmp_path, "b.jsonl.gz", b"".join(parts) + b"rubbish"))
    assert [type(one) for one in found] == [Page, Page, Page, Reject]


def test_documents(tmp_path: Path) -> None:
    objects = [{"id": "a", "text": "稀土"}, {"id": "b", "text": "t"}]
    pretty = json.dumps(objects[0], ensure_ascii=False, indent=2).encode()
    assert [page.id for page in pages(everything(stored(tmp_path, "a.json", pretty)))] == ["a"]
    several = pretty + b"\n" + json.dumps(objects[1], indent=2).encode() + b"\n"
    found = pages(everything(stored(tmp_path, "b.json", several)))
    assert [(page.id, page.position) for page in found] == [("a", 0), ("b", len(pretty) + 1)]
    array = json.dumps(objects, ensure_ascii=False).encode()
    found = pages(everything(stored(tmp_path, "c.json", array)))
    assert [(page.id, array[page.position : page.position + 1]) for page in found] == [("a", b"{"), ("b", b"{")]
    assert everything(stored(tmp_path, "d.json", b"[]")) == []
    broken = everything(stored(tmp_path, "e.json", array[:-8]))
    assert [type(one) for one in broken] == [Page, Reject]
    assert broken[1].position == found[1].position
    long = everything(stored(tmp_path, "f.json", array), limits=Limits(page_bytes=20))
    assert [one.reason[:25] for one in rejects(long)] == ["over the limit page_bytes"]


# --- whole files ----------------------------------------------------------------------------------------------------


def test_text_files_keep_their_line_breaks_and_stem(tmp_path: Path) -> None:
    for name, data in (("a.b.txt", TEXT.encode("gb18030")), ("a.b.txt.gz", gzip.compress(TEXT.encode("utf-8-sig")))):
        (page,) = pages(everything(stored(tmp_path, name, data)))
        assert (page.id, page.text, page.html, page.position) == ("a.b", TEXT, None, 0)


def test_html_files_stay_bytes(tmp_path: Path) -> None:
    (page,) = pages(everything(stored(tmp_path, "新聞.html", BODY.encode("big5"))))
    assert (page.id, page.html, page.text) == ("新聞", BODY.encode("big5"), None)


def test_empty_files(tmp_path: Path) -> None:
    assert everything(stored(tmp_path, "a.jsonl", b"")) == []
    assert everything(stored(tmp_path, "a.warc.gz", b"")) == []
    for name in ("a.txt", "a.html"):
        assert [(page.id, page.text) for page in pages(everything(stored(tmp_path, name, b"")))] == [("a", "")]
    assert len(rejects(everything(stored(tmp_path, "a.parquet", b"")))) == 1


@pytest.mark.parametrize("name", ["a.txt", "a", "a.jpg", "a.parquet"])
def test_binary_rubbish_is_rejected(name: str, tmp_path: Path) -> None:
    (reject,) = rejects(
        everything(stored(tmp_path, name, b"\x89PNG\r\n\x1a\n" + zlib.compress(os.urandom(900)) + bytes(99)))
    )
    assert (reject.stage, reject.id) == ("decode", "a")


def test_whole_files_have_a_limit(tmp_path: Path) -> None:
    for name in ("a.txt", "a.html", "a.txt.gz"):
        data = b"<html>" * 4000
        (reject,) = rejects(
            everything(
                stored(tmp_path, name, gzip.compress(data) if name.endswith("gz") else data),
                limits=Limits(page_bytes=9999),
            )
        )
        assert reject.reason == "over the limit page_bytes"


# --- Parquet --------------------------------------------------------------------------------------------------------


def test_parquet_rows(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1, "html": BODY.encode("gbk"), "text": None, "date": date(2025, 4, 5), "extra": 1.5},
        {"id": 2, "html": None, "text": "t", "date": None, "extra": None},
        {"id": 3, "html": None, "text": None, "date": None, "extra": None},
    ]
    first, second, third = everything(stored(tmp_path, "a.parquet", parquet(rows * 1)))
    assert isinstance(first, Page) and isinstance(second, Page) and isinstance(third, Reject)
    assert (first.id, first.html, first.date, first.position) == ("1", BODY.encode("gbk"), "2025-04-05", 0)
    assert (second.id, second.text, second.position) == ("2", "t", 1)
    assert (third.id, third.reason, third.position) == ("3", "no text", 2)
    many = everything(stored(tmp_path, "b.parquet", parquet([{"text": str(n)} for n in range(300)])))
    assert [(page.text, page.position) for page in pages(many)] == [(str(n), n) for n in range(300)]
    others = rejects(everything(stored(tmp_path, "c.parquet", parquet([{"other": 1, "id": "x"}] * 3))))
    assert [one.reason for one in others] == ["no text: neither a field html nor text; not read: other"] * 3


# --- WARC -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [False, True])
def test_warc_records(packed: bool, tmp_path: Path) -> None:
    big5 = BODY.encode("big5")
    records = [
        warc("warcinfo", b"software: x\r\n", 0, media="application/warc-fields"),
        warc("request", b"GET / HTTP/1.1\r\n\r\n", 1, media="application/http; msgtype=request"),
        warc("response", http(big5), 2),
        warc("response", http(b"gone", status="404 Not Found"), 3),
        warc("response", http(b"\x89PNG", media="image/png"), 4),
        warc("revisit", http(b""), 5),
        warc("response", http(gzip.compress(big5), "Content-Encoding: gzip"), 6),
        warc("response", http(b"5\r\n<html\r\n2;x=y\r\n>a\r\n0\r\n\r\n", "Transfer-Encoding: chunked"), 7),
        warc("resource", big5, 8, media="text/html"),
        warc("conversion", TEXT.encode(), 9, media="text/plain"),
        warc("response", http(TEXT.encode("big5", "ignore"), media="text/plain; charset=big5"), 10),
        warc("metadata", b"a: b\r\n", 11, media="application/warc-fields"),
        warc("response", http(b"<!doctype html><p>a", media=""), 12),
        warc("response", http(zlib.compress(big5), "content-encoding: deflate"), 13),
        warc("response", http(big5, "Content-Encoding: gzip"), 14),
        warc("response", http(b"", status="301 Moved"), 15),
    ]
    stored_records = [gzip.compress(record) for record in records] if packed else records
    found = everything(stored(tmp_path, "a.warc.gz" if packed else "a.warc", b"".join(stored_records)))
    assert [one.position for one in found] == [sum(map(len, stored_records[:n])) for n in range(len(records))]
    assert {one.position: one.reason for one in found if isinstance(one, Skip)} == {
        found[n].position: reason
        for n, reason in {
            0: "WARC warcinfo",
            1: "WARC request",
            3: "HTTP 404",
            4: "content type image/png",
            5: "WARC revisit",
            11: "WARC metadata",
            15: "HTTP 301",
        }.items()
    }
    read_pages = {one.id: one for one in found if isinstance(one, Page)}
    assert not rejects(found)
    first = read_pages["0000-2"]
    assert (first.html, first.charset, first.url) == (big5, "Big5", "https://news.example/2")
    assert first.crawled == "2025-04-05T06:07:08Z"
    assert {read_pages[f"0000-{n}"].html for n in (2, 6, 8, 13, 14)} == {big5}
    assert read_pages["0000-7"].html == b"<html>a"
    assert read_pages["0000-9"].text == TEXT
    assert read_pages["0000-10"].text == TEXT.encode("big5", "ignore").decode("big5")
    assert read_pages["0000-12"].html == b"<!doctype html><p>a"


def damaged() -> Iterator[tuple[str, list[bytes], int]]:
    """Yield name, records of which one is damaged, and how many pages must be kept."""
    a, b, c, d = responses(4)
    yield "length too small", [a, warc("response", http(b"<html>" * 30), 1, Content_Length="90"), c, d], 3
    yield "length too large", [a, warc("response", http(b"<html>" * 3), 1, Content_Length="400"), c, d], 3
    yield "length negative", [a, warc("response", http(b"<html>"), 1, Content_Length="-7"), c, d], 3
    yield "length huge", [a, warc("response", http(b"<html>"), 1, Content_Length="9" * 15), c, d], 3
    yield "length missing", [a, warc("response", http(b"<html>"), 1, Content_Length=""), c, d], 3
    yield "length no number", [a, warc("response", http(b"<html>"), 1, Content_Length="ten"), c, d], 3
    yield "rubbish between", [a, b"rubbish\r\n\r\n" * 9, c, d], 3
    yield "truncated", [a, b, c, d[:-30]], 3
    yield "truncated header", [a, b, c, d[:60]], 3
    yield "no HTTP header", [a, warc("response", b"HTTP nonsense", 1), c, d], 3
    yield (
        "damaged gzip body",
        [a, warc("response", http(b"\x1f\x8b\x08" + bytes(40), "Content-Encoding: gzip"), 1), c, d],
        3,
    )
    yield "bomb", [a, warc("response", http(gzip.compress(bytes(1 << 22)), "Content-Encoding: gzip"), 1), c, d], 3
    yield "cut chunks", [a, warc("response", http(b"ff\r\nabc", "Transfer-Encoding: chunked"), 1), c, d], 3


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("name", "records", "kept"), list(damaged()), ids=[case[0] for case in damaged()])
def test_damaged_warc_loses_nothing_quietly(
    name: str, records: list[bytes], kept: int, packed: bool, tmp_path: Path
) -> None:
    data = b"".join(gzip.compress(record) for record in records) if packed else b"".join(records)
    found = everything(stored(tmp_path, "a.warc", data), limits=Limits(page_bytes=1 << 20))
    whole = {page.html: page.id for page in pages(everything(stored(tmp_path, "b.warc", b"".join(responses(4)))))}
    good = [one for one in found if isinstance(one, Page) and one.html in whole]
    assert rejects(found), found
    assert len(good) >= kept, found
    assert all(0 <= reject.position < len(data) and reject.reason for reject in rejects(found))


def test_a_cut_gzip_member_is_rejected_where_it_begins(tmp_path: Path) -> None:
    members = [gzip.compress(record) for record in responses(3)]
    for cut in (3, 12, 40, len(members[2]) - 30):
        found = everything(stored(tmp_path, "a.warc.gz", b"".join(members[:2]) + members[2][:cut]))
        assert [type(one) for one in found] == [Page, Page, Reject]
        assert found[2].position == len(members[0] + members[1])


def test_a_cut_file_of_one_member_is_told(tmp_path: Path) -> None:
    packed = gzip.compress(b"".join(responses(40)))
    assert len(pages(everything(stored(tmp_path, "a.warc.gz", packed)))) == 40
    for at in range(20, len(packed), 50):
        found = everything(stored(tmp_path, "a.warc.gz", packed[:at]))
        assert isinstance(found[-1], Reject) and len(found) <= 41


def test_warc_with_line_feeds_only(tmp_path: Path) -> None:
    data = b"".join(
        warc("response", http(b"<html>%d" % n).replace(b"\r\n", b"\n"), n).replace(b"\r\n", b"\n") for n in range(2)
    )
    assert [page.html for page in pages(everything(stored(tmp_path, "a.warc", data)))] == [b"<html>0", b"<html>1"]


# --- ranges, folders ------------------------------------------------------------------------------------------------


def test_only_plain_json_lines_can_be_split(tmp_path: Path) -> None:
    for kind, form in FORMATS.items():
        for packing, pack in PACKERS.items():
            path = stored(tmp_path, f"{kind}{form.ending}{packing}", pack(form.two))
            assert can_split(str(path)) == (kind == "jsonl" and not packing)
            if not can_split(str(path)):
                with pytest.raises(InputError, match="ranges"):
                    everything(path, start=1)
    assert not can_split("-") and not can_split(str(tmp_path / "absent"))


def test_expand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("b.jsonl", "a.html", "sub/c.txt", "sub/d.warc.gz", ".hidden.txt", ".git/x.txt", "out.rejects.jsonl"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        stored(tmp_path, name, b"")
    stored(tmp_path, "style.css", b"p { color: red }")
    stored(tmp_path, "page.php", BODY.encode())
    stored(tmp_path, "image.png", b"\x89PNG\r\n\x1a\n")
    stored(tmp_path, "lines", lines_of({"text": "t"}))
    stored(tmp_path, "odd[1].txt", b"")
    monkeypatch.chdir(tmp_path)
    everywhere = ["a.html", "b.jsonl", "lines", "odd[1].txt", "page.php", "sub/c.txt", "sub/d.warc.gz"]
    assert expand(["."]) == [f"./{name}" for name in everywhere]
    left = find(["."]).passed_over
    assert left == [f"./{name}" for name in (".hidden.txt", "image.png", "out.rejects.jsonl", "style.css")]
    assert by_ending([*left, "a.2.srt.gz", "README", "b.2.css"]) == (
        ".css 2, hidden 1, .png 1, .jsonl 1, .srt.gz 1, (none) 1"
    )
    assert find(["sub", "style.css", "*.png"]).passed_over == []
    assert find([".", "style.css"]).passed_over == [path for path in left if path != "./style.css"]
    assert expand(["sub", "a.html", "-", "*.html", "sub/../a.html", "-"]) == [
        "sub/c.txt",
        "sub/d.warc.gz",
        "a.html",
        "-",
    ]
    assert expand(["**/*.txt"]) == ["odd[1].txt", "sub/c.txt"]
    assert expand(["odd[1].txt", "style.css", "out.rejects.jsonl"]) == ["odd[1].txt", "style.css", "out.rejects.jsonl"]
    for wrong, said in (("absent.txt", "does not exist"), ("*.nothing", "No file matches"), (".git/none", "not exist")):
        with pytest.raises(InputError, match=said) as caught:
            expand(["a.html", wrong])
        assert wrong in str(caught.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no file"):
        expand(["empty"])


def test_links_to_folders_are_followed_and_not_in_circles(tmp_path: Path) -> None:
    (tmp_path / "crawl" / "sub").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    stored(tmp_path / "elsewhere", "a.txt", b"")
    stored(tmp_path / "crawl" / "sub", "b.txt", b"")
    (tmp_path / "crawl" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "crawl")
    (tmp_path / "crawl" / "sub" / "up").symlink_to("..")
    found = expand([str(tmp_path / "crawl")])
    assert found == [str(tmp_path / "crawl" / name) for name in ("more/a.txt", "sub/b.txt")]


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed").mkdir()
    stored(tmp_path, "a.txt", b"")
    listed = os.scandir

    def scandir(path: str) -> Any:
        if path.endswith("closed"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
    with pytest.raises(InputError, match="closed cannot be read: Permission denied"):
        expand([str(tmp_path)])


def test_feeds_and_tables_are_no_pages(tmp_path: Path) -> None:
    prolog = '<?xml version="1.0"?>\n<?xml-stylesheet href="a"?>\n<!-- 一 -->\n'
    for root in ("<rss version='2.0'>", "<feed xmlns='a'>", "<rdf:RDF>", "<urlset>", "<sitemapindex>"):
        for begin in ("", prolog):
            feed = f"{begin}{root}<title>稀土</title><p>商務部公布新的出口管制清單。</p>".encode()
            [reject] = rejects(everything(stored(tmp_path, "a.xml", feed)))
            assert "a feed or a sitemap" in reject.reason
            [skip] = everything(stored(tmp_path, "a.zip", zipped({"a.xml": feed})))
            assert isinstance(skip, Skip)
    (tmp_path / "feeds").mkdir()
    stored(tmp_path / "feeds", "a.xml", feed)
    with pytest.raises(InputError, match="holds no file"):
        expand([str(tmp_path / "feeds")])
    [page] = pages(everything(stored(tmp_path, "b.xml", f"{prolog}<html><p>清單</p>".encode())))
    assert page.html
    for name in ("a.csv", "a.CSV.gz", "a.tsv"):
        [reject] = rejects(everything(stored(tmp_path, name, "id,text\n1,清單\n".encode())))
        assert "a table is not read" in reject.reason


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("size", [100, 2_000, 70_000, 3_000_000])
def test_packed_archives_and_lines_of_any_size(size: int, packing: str, tmp_path: Path) -> None:
    text = random.Random(size).randbytes(size // 2).hex()
    for name, data in (
        ("a.tar", tarred({"a.txt": text.encode(), "b.txt": text.encode()})),
        ("a.jsonl", lines_of({"text": text}, {"text": text})),
    ):
        path = stored(tmp_path, f"{name}{packing}", PACKERS[packing](data))
        assert [page.text for page in pages(everything(path))] == [text, text]


# --- a disk that fails ----------------------------------------------------------------------------------------------


class Failing(io.FileIO):
    """A file whose bytes from 100,000 on cannot be read, at the first tries, or ever."""

    errno, left = errno.EIO, 99

    def readinto(self, buffer: Any, /) -> int:
        if self.tell() + len(buffer) > 100_000 and Failing.left:
            Failing.left -= 1
            raise OSError(Failing.errno, "Input/output error")
        return super().readinto(buffer)


@pytest.mark.parametrize(
    ("kind", "packing"),
    [("parquet", ""), ("zip", ""), *((kind, packing) for kind in ("jsonl", "warc", "tar") for packing in PACKERS)],
)
def test_a_disk_that_fails_is_no_damage(
    kind: str, packing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = random.Random(0).randbytes(300_000).hex()
    two = {
        "jsonl": lambda: lines_of({"text": text}, {"text": "t"}),
        "warc": lambda: warc("response", http(text.encode())) + responses(1)[0],
        "parquet": lambda: parquet([{"text": text}, {"text": "t"}]),
        "zip": lambda: zipped({"a.txt": text.encode(), "b.txt": b"t"}),
        "tar": lambda: tarred({"a.txt": text.encode(), "b.txt": b"t"}),
    }[kind]()
    path = stored(tmp_path, f"a.{kind}{packing}", PACKERS[packing](two))
    whole = everything(path)
    assert len(pages(whole)) == 2
    monkeypatch.setattr(places, "FileIO", Failing)
    monkeypatch.setattr(places, "_PAUSES", (0.0, 0.0))
    monkeypatch.setattr(Failing, "left", 99)
    with pytest.raises(InputError, match=r"cannot be read further, from byte [0-9]+ on: Input/output error"):
        everything(path)
    monkeypatch.setattr(Failing, "left", 2)
    assert everything(path) == whole  # it had a moment's trouble
    monkeypatch.setattr(Failing, "left", 1)
    monkeypatch.setattr(Failing, "errno", errno.EBADF)
    with pytest.raises(InputError):
        everything(path)


_ANY = st.text(st.characters() | st.sampled_from('\ud800\udbff\udc00\udfff\u2028"\\/\0'), max_size=8)
_VALUES = st.recursive(
    _ANY | st.none() | st.booleans() | st.integers() | st.floats(), lambda v: st.lists(v, max_size=3)
)


@given(st.dictionaries(_ANY, _VALUES, max_size=3), st.booleans(), st.integers(0), st.integers(0, 255))
def test_a_line_is_what_the_standard_library_reads(
    record: dict[str, Any], ascii_only: bool, at: int, byte: int
) -> None:
    """Whoever decodes it: lone surrogates, NaN, numbers of any size, and lines with a wrong byte too."""
    line = json.dumps(record, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    spoiled = bytearray(line)
    spoiled[at % len(line)] = byte
    for one in (line, bytes(spoiled)):
        try:
            known = repr(json.loads(one.decode("utf-8")))
        except ValueError as error:
            with pytest.raises(type(error)):
                _decode(one)
        else:
            assert repr(_decode(one)) == known
