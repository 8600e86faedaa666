from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import conversion
from pipeline.article import Reject
from pipeline.configure import LIMITS
from pipeline.conversion import Conversion, More, convert_live, convert_source
from pipeline.script.convert import convert

TEXT = "記者王小明，綜合報導　網路上的軟體與程式，業者說明資訊安全，新台幣三億元。\r\n皇后的頭髮\n\n" * 40
SMALL = replace(LIMITS, page_bytes=1000)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "big5hkscs", "gb18030"])
def test_a_long_text_is_converted_in_pieces(encoding: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "_PIECE", 300)
    monkeypatch.setattr("pipeline.ingest.unpack._CHUNK", 256)
    path = tmp_path / "long.txt"
    path.write_bytes(TEXT.encode(encoding))
    first, *more = convert_source(str(path), Conversion("zh-Hans"), SMALL)
    assert not isinstance(first, More) and len(more) > 3 and all(isinstance(piece, More) for piece in more)
    pieces = [piece for piece in (first, *more) if isinstance(piece, bytes)]
    mark = "\ufeff" if encoding == "utf-8-sig" else ""  # it stays, like all that is not to be converted
    assert b"".join(pieces).decode() == mark + convert(TEXT, "zh-Hans")
    [whole] = convert_source(str(path), Conversion("zh-Hans"))
    assert whole == b"".join(pieces)


def test_what_cannot_be_cut_is_told(tmp_path: Path) -> None:
    def told(content: bytes, config: Conversion) -> str:
        path = tmp_path / "long.txt"
        path.write_bytes(content)
        last = list(convert_source(str(path), config, SMALL))[-1]
        assert isinstance(last, Reject)
        return last.reason

    assert "no lines to cut it at" in told("軟體".encode() * 500, Conversion("zh-Hans"))
    assert "no lines to cut it at" in told(TEXT.encode("utf-16"), Conversion("zh-Hans"))
    assert "split the file" in told(TEXT.encode(), Conversion("zh-Hans", explain=True))
    page = f"<!doctype html><p>{TEXT}</p>".encode()
    assert "split the file" in told(page, Conversion("zh-Hans"))


LINES = st.lists(
    st.sampled_from(
        ["記者王小明／綜合報導　業者指出，網路上的軟體", "软件里的程序", "一了百了", "The end.", "", "頭髮\r"]
    ),
    max_size=8,
)


@given(LINES, st.sampled_from(["zh-Hans", "zh-Hant-TW"]), st.booleans())
def test_a_line_of_a_stream_depends_on_the_lines_before_it_only(lines: list[str], to: str, ended: bool) -> None:
    text = "\n".join(lines) + "\n" * ended
    results = list(convert_live(BytesIO(text.encode()), Conversion(to)))
    pieces = [piece for piece in results if isinstance(piece, bytes)]
    assert len(results) == len(pieces) == text.count("\n") + (not ended and bool(lines) and bool(lines[-1]))
    assert [isinstance(piece, More) for piece in results] == [number > 0 for number in range(len(results))]
    for number, piece in enumerate(pieces):
        so_far = text.split("\n")[: number + 1]
        assert piece.decode().removesuffix("\n") == convert("\n".join(so_far), to).split("\n")[-1]


def test_what_a_stream_cannot_hold_is_told_and_passed_over() -> None:
    stream = BytesIO("臺灣\n".encode() + b"\xb1\n" + "軟".encode() * 1000 + "\n頭髮".encode())
    first, encoding, size, last = convert_live(stream, Conversion("zh-Hans"), SMALL)
    assert (first, last) == ("台湾\n".encode(), "头发".encode())
    assert isinstance(encoding, Reject) and isinstance(size, Reject)
    assert (encoding.position, size.position) == (7, 9)
    assert "not UTF-8" in encoding.reason and "page_bytes" in size.reason


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("more", [b"", b'{"text": "x"}\n'], ids=["document", "lines"])
def test_a_byte_that_is_not_utf_8_is_told_with_its_place_in_the_file(mark: bytes, more: bytes, tmp_path: Path) -> None:
    content = mark + b'{"text": "\xb9\xd8\xcb\xb0"}\n' + more
    (tmp_path / "a.jsonl").write_bytes(content)
    told, *_ = convert_source(str(tmp_path / "a.jsonl"), Conversion("zh-Hans"))
    assert isinstance(told, Reject)
    assert told.reason.startswith(f"bad UTF-8 at byte {content.index(0xB9)};")
