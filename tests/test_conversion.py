from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pipeline import conversion
from pipeline.article import Reject
from pipeline.configure import LIMITS
from pipeline.conversion import Conversion, More, convert_source
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
    assert b"".join(pieces).decode() == convert(TEXT, "zh-Hans")
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
