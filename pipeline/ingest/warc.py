"""WARC and WET records as pages. fastwarc finds the records; what it passes over in silence is found here.

Every record gives one Page, Reject or Skip. Its block is read whole and compared with its Content-Length, and behind
damage reading goes on at the next record that can be found.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Generator, Iterator
from dataclasses import replace
from io import BytesIO
from typing import Any, BinaryIO, TypeAlias

from pipeline.article import Page, Reject, Skip
from pipeline.configure import Limits
from pipeline.errors import PageError
from pipeline.ingest.decode import decode
from pipeline.ingest.unpack import compression_of, start_decompressor, unpack_head

__all__ = ["read_warc"]

Result: TypeAlias = Page | Reject | Skip

_HTML = ("text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml")
_WANTED = ("response", "resource", "conversion")
_ERRORS = (OSError, ValueError, RuntimeError, OverflowError)
"""What fastwarc 2 raises on damage: OSError so far; the others are what bindings raise for odd bytes and numbers."""
_BLANK = re.compile(rb"\r?\n\r?\n")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s\"';,]+)", re.I)
_CHUNK_SIZE = re.compile(rb"(?:\r?\n)?([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_MARKUP = re.compile(rb"\s*<(?:!doctype\s+html|html|head|body|\?xml|!--)", re.I)
_WINDOW = 1 << 20
_HEADER = 1 << 20
"""Bytes of a record's own header; real ones have under 2 kB, hostile ones 200 kB."""
_SIGNS = {
    "": (re.compile(rb"\nWARC/[01]\.\d"), 1),
    "gz": (re.compile(rb"\x1f\x8b\x08"), 0),
    "zst": (re.compile(rb"\x28\xb5\x2f\xfd"), 0),
}
"""What a record begins with by compression, and how many bytes of the match stand before it."""


def read_warc(stream: BinaryIO, name: str, limits: Limits) -> Iterator[Result]:
    """Yield the records of a WARC stream (plain, gzip or Zstandard) in their order.

    Positions are byte offsets in the stream as stored, so compressed where it is.

    Args:
        stream: at its beginning. If it cannot seek, reading ends at the first damage, with a Reject that says so.
        name: the input, for the results.
        limits: a block over `page_bytes`, stored or unpacked, is rejected.
    """
    start: int | None = 0
    while start is not None:
        start = yield from _read_stretch(stream, name, limits, start)


def _read_stretch(stream: BinaryIO, name: str, limits: Limits, start: int) -> Generator[Result, None, int | None]:
    """Yield records from `start` up to the first damage, and that; return where to go on, None at the end."""
    size = stream.seek(0, 2) if stream.seekable() else None
    position, length, told, swallowed, rejected = start, -1, True, False, False
    trouble = ""
    try:
        for record in _records(stream, start):
            position, told = record.stream_pos, False
            length = _length(record)
            block = b"" if length > limits.page_bytes else record.reader.read(max(length, 0))
            # With a length that is too large, a record swallows the next ones.
            swallowed = len(block) != length or b"\nWARC/1." in block
            result = _result(record, block, length, name, limits)
            told = True
            yield result
            rejected = isinstance(result, Reject)
    except _ERRORS as error:
        trouble = f"damaged WARC: {error}"
    if size is None:
        if trouble:
            yield Reject(name, position, "", "read", f"{trouble}; the rest of the stream is lost")
        return None
    end = _end_of(stream, start, position, length, size) if length >= 0 else position
    swallowed = swallowed or end > size
    if not trouble and end == size and not swallowed:
        return None
    again = _next_record(stream, position + 1 if swallowed or end == position else end)
    # Where a record begins right behind the last one, it is the last one that has more in it than it says.
    damage = position if swallowed or again == end or not told else end
    if not trouble and end > size:
        trouble = "the stream ends inside a record"
    elif not trouble and again != end:
        trouble = f"{(again or size) - end} bytes are no WARC record"
    if trouble and not (rejected and damage == position):
        yield Reject(name, damage, "", "read", trouble)
    return again


def _records(stream: BinaryIO, start: int) -> Iterator[Any]:
    from fastwarc.warc import ArchiveIterator

    lf_only = False
    if stream.seekable():
        stream.seek(start)
        head = stream.read(200)
        # Line feeds alone are against the standard, but exist; without its quirks mode fastwarc passes over them.
        lf_only = b"\r\n" not in unpack_head(head, compression_of(head))
        stream.seek(start)
    return iter(ArchiveIterator(stream, parse_http=False, quirks_mode=lf_only, max_header_len=_HEADER))


def _length(record: Any) -> int:
    """The declared Content-Length, -1 if there is none."""
    declared = (record.headers.get("Content-Length") or "").strip()
    return int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 19 else -1


def _end_of(stream: BinaryIO, start: int, position: int, length: int, size: int) -> int:
    """Where the record at `position` ends, in stored bytes; more than `size` if it is cut off."""
    stream.seek(start)
    compression = compression_of(stream.read(4))
    stream.seek(position)
    head = stream.read(_WINDOW)
    if not compression:
        blank = _BLANK.search(head)
        end = position + (blank.end() if blank else len(head)) + length
        stream.seek(min(end, size))
        tail = stream.read(8)
        return end + len(tail) - len(tail.lstrip(b"\r\n"))
    if not compression_of(head):
        # One member for the whole file: fastwarc tells only how far it has read, so the member is walked again.
        position = start
        stream.seek(start)
        head = stream.read(_WINDOW)
    member, errors = start_decompressor(compression)
    decompress = member()
    try:
        while head:
            decompress.decompress(head)
            position += len(head)
            if decompress.eof:
                return position - len(decompress.unused_data)
            head = stream.read(_WINDOW)
    except errors:
        pass
    return size + 1


def _next_record(stream: BinaryIO, start: int) -> int | None:
    """Return the offset of the next record header (or compressed member that begins with one) from `start` on."""
    stream.seek(0)
    sign, ahead = _SIGNS[compression_of(stream.read(4))]
    stream.seek(start - ahead)
    at = start - ahead
    window = b""
    while chunk := stream.read(_WINDOW):
        window += chunk
        for match in sign.finditer(window):
            found = at + match.start() + ahead
            stream.seek(found)
            head = stream.read(1 << 12)
            if unpack_head(head, compression_of(head)).startswith(b"WARC/"):
                return found
        keep = window[-16:]
        at += len(window) - len(keep)
        window = keep
        stream.seek(at + len(window))
    return None


def _result(record: Any, block: bytes, length: int, name: str, limits: Limits) -> Result:
    position = record.stream_pos
    id_ = (record.record_id or "").strip("<>").removeprefix("urn:uuid:")
    kind = str(record.record_type)
    reason = ""
    if length < 0:
        reason = "no valid Content-Length"
    elif length > limits.page_bytes:
        reason = "over the limit page_bytes"
    elif len(block) != length:
        reason = f"truncated: {len(block)} bytes of {length}"
    if reason:
        return Reject(name, position, id_, "read", reason)
    if kind not in _WANTED:
        return Skip(name, position, f"WARC {kind}")
    content_type = record.headers.get("Content-Type") or ""
    try:
        has_header = block.startswith(b"HTTP/")
        if kind == "response" and has_header:
            status, content_type, block = _http(block, limits.page_bytes)
            if not 200 <= status < 300:
                return Skip(name, position, f"HTTP {status}")
        elif kind == "response":
            content_type = ""
        media, charset = _media_type(content_type)
        if not media and _MARKUP.match(block):
            media = "text/html"
        elif not media and kind == "response" and not has_header:
            raise PageError("read", "no HTTP header")
        url, crawled = record.headers.get("WARC-Target-URI") or "", record.headers.get("WARC-Date") or ""
        page = Page(id_, name, position, charset=charset, url=url.strip("<>"), crawled=crawled)
        if media in _HTML:
            return replace(page, html=block)
        if media == "text/plain":
            # Extracted text (WET) is UTF-8 whatever the page was in.
            text, _ = decode(block, charset or ("utf-8" if kind == "conversion" else ""))
            return replace(page, text=text)
    except PageError as error:
        return Reject(name, position, id_, error.stage, error.reason)
    return Skip(name, position, f"content type {media or 'unknown'}")


def _media_type(content_type: str) -> tuple[str, str]:
    charset = _CHARSET.search(content_type)
    return content_type.partition(";")[0].strip().lower(), charset[1] if charset else ""


def _http(block: bytes, limit: int) -> tuple[int, str, bytes]:
    """Return status, content type and decoded body of an HTTP response.

    Raises:
        PageError: the header is none, or the body cannot be unpacked.
    """
    blank = _BLANK.search(block)
    head, body = (block[: blank.start()], block[blank.end() :]) if blank else (block, b"")
    first, *rest = head.decode("latin-1").splitlines()
    status = first.split(None, 2)[1:2]
    if not status or not (status[0].isascii() and status[0].isdigit()):
        raise PageError("read", "damaged HTTP header")
    fields: dict[str, str] = {}
    for line in rest:
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip().lower(), value.strip())
    if "chunked" in fields.get("transfer-encoding", "").lower():
        body = _join_chunks(body)
    for coding in reversed(fields.get("content-encoding", "").lower().split(",")):
        body = _unpack_body(body, coding.strip(), limit)
    return int(status[0][:9]), fields.get("content-type", ""), body


def _join_chunks(body: bytes) -> bytes:
    """Undo chunked transfer. Crawlers that undid it already keep the header, so what is no chunk is the body."""
    pieces: list[bytes] = []
    at = 0
    while size := _CHUNK_SIZE.match(body, at):
        length = int(size[1], 16)
        if not length:
            return b"".join(pieces)
        pieces.append(body[size.end() : size.end() + length])
        at = size.end() + length
    if not pieces:
        return body
    if at < len(body):
        raise PageError("read", "damaged chunked body")
    raise PageError("read", "truncated chunked body")


def _unpack_body(body: bytes, coding: str, limit: int) -> bytes:
    if coding in ("", "identity", "none", "utf-8") or not body:
        return body
    try:
        if coding in ("gzip", "x-gzip", "deflate"):
            if coding != "deflate" and not body.startswith(b"\x1f\x8b"):
                return body  # unpacked by the crawler, which kept the header
            # 47: gzip or zlib by their first bytes; some servers send deflate bare.
            bits = -15 if coding == "deflate" and body[0] & 0x0F != 8 else 47
            member = zlib.decompressobj(bits)
            out = member.decompress(body, limit + 1)
            if not member.eof and len(out) <= limit:
                raise PageError("read", f"truncated {coding} body")
        elif coding == "br":
            from fastwarc.stream_io import BrotliReader

            out = BrotliReader(BytesIO(body)).read(limit + 1)
        elif coding == "zstd":
            import zstandard

            out = zstandard.ZstdDecompressor().stream_reader(BytesIO(body)).read(limit + 1)
        else:
            raise PageError("read", f"unknown content encoding {coding[:20]}")
    except (zlib.error, *_ERRORS) as error:
        raise PageError("read", f"damaged {coding} body: {str(error).split(': ')[-1]}") from None
    if len(out) > limit:
        raise PageError("read", "over the limit page_bytes")
    return out
