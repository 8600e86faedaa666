"""WARC and WET records as pages.

Every record gives one Page, Reject or Skip. A record counts as whole if another one, or the end, stands where its
Content-Length says that it ends; behind damage reading goes on at the next record that can be found. Records are framed
here: of the first 159 damaged files of `tests/ingest/test_warc_damage.py`, fastwarc 2 gives pages that are cut or
garbled as good in 84 and loses whole records without a word in 102; with our checks round it, 42 were still read
wrongly.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from typing import BinaryIO, TypeAlias

from pipeline.article import Page, Reject, Skip
from pipeline.configure import Limits
from pipeline.errors import PageError
from pipeline.ingest.decode import decode
from pipeline.ingest.members import Unpacked, next_member

__all__ = ["read_warc"]

Result: TypeAlias = Page | Reject | Skip

_HTML = ("text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml")
_WANTED = ("response", "resource", "conversion")
_ERRORS = (OSError, ValueError, RuntimeError, OverflowError)
"""What the readers of Brotli and Zstandard raise on damage."""
_BLANK = re.compile(rb"\r?\n\r?\n")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s\"';,]+)", re.I)
_CHUNK_SIZE = re.compile(rb"(?:\r?\n)?([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_MARKUP = re.compile(rb"\s*<(?:!doctype\s+html|html|head|body|\?xml|!--)", re.I)
_HEADER = 1 << 20
"""Bytes of a record's own header; real ones have under 2 kB, hostile ones 200 kB."""
_BEGIN = re.compile(rb"WARC/[01]\.[0-9]{1,2}[ \t]*\r?\n[A-Za-z][A-Za-z0-9-]{0,60}[ \t]*:")
"""How a record begins."""
_BEGIN_BYTES = 96
"""The most that `_BEGIN` matches, and more."""


@dataclass(frozen=True, slots=True)
class _Record:
    position: int
    fields: dict[str, str]
    """By name in lower case; of fields of one name the first."""
    block: bytes

    @property
    def id(self) -> str:
        return _id(self.fields)


def read_warc(stream: BinaryIO, name: str, limits: Limits) -> Iterator[Result]:
    """Yield the records of a WARC stream (plain, gzip or Zstandard) in their order.

    Positions are byte offsets in the stream as stored: where the record begins, or the compressed member that it is in;
    of a record in the middle of a member that offset and its place in what the member unpacks to, added.

    Args:
        stream: at its beginning. If it cannot seek, reading ends where a compressed stream is damaged, with a Reject
            that says so.
        name: the input, for the results.
        limits: a block over `page_bytes`, stored or unpacked, is rejected.
    """
    start: int | None = 0
    digests = _Digests()
    while start is not None:
        start = yield from _read_stretch(stream, name, limits, digests, start)


class _Digests:
    """Compares blocks with the digests that their records tell: a flipped byte shows nowhere else in a plain file.

    There are crawlers that write wrong ones. Until one of the file is right, none is believed.
    """

    def __init__(self) -> None:
        self._believed = False

    def deny(self, record: _Record) -> bool:
        """Whether the block is another than it was when it was stored, as far as that can be told."""
        name, _, told = record.fields.get("warc-block-digest", "").partition(":")
        algorithm = _ALGORITHMS.get(name.lower())
        if algorithm is None:
            return False
        told = told.strip()
        own = hashlib.new(algorithm, record.block, usedforsecurity=False).digest()
        try:
            digest = bytes.fromhex(told) if len(told) == 2 * len(own) else base64.b32decode(told.upper())
        except (ValueError, binascii.Error):
            return False
        if digest == own:
            self._believed = True
        return self._believed and digest != own and len(digest) == len(own)


_ALGORITHMS = {"sha1": "sha1", "sha-1": "sha1", "sha256": "sha256", "sha-256": "sha256", "md5": "md5"}


def _read_stretch(
    stream: BinaryIO, name: str, limits: Limits, digests: _Digests, start: int
) -> Generator[Result, None, int | None]:
    """Yield records from `start` up to where the compressed stream breaks; return where to go on, None at the end."""
    source = Unpacked(stream, start)
    at = 0
    """Unpacked bytes from `start` on: all before is told."""
    told = -1
    """Where what was rejected last began: the damage of a stream is no second reject of the same record."""
    while True:
        at = _skip_breaks(source, at)
        source.forget(at)
        if not source.has(at, 1):
            break
        if not (source.has(at, 5) and source.view(at, at + 5) == b"WARC/" and _begins(source, at)):
            place, after = source.stored(at), _next_record(source, at)
            packed = _member_before(stream, place, source.stored(after)) if not source.packed else None
            size = after - at if packed is None else packed - place
            yield Reject(name, place, "", "read", f"{size} bytes are no WARC record")
            if packed is not None:
                return packed
            told, at = at, after
            continue
        begin = at
        found, at = _record(source, at, limits)
        if isinstance(found, Reject):
            told = begin
            yield replace(found, input=name)
        elif digests.deny(found):
            yield Reject(name, found.position, found.id, "read", "its bytes are not those of its WARC-Block-Digest")
        else:
            yield _result(found, name, limits)
    if source.broken is None:
        return None
    if not stream.seekable():
        yield Reject(name, source.broken_at, "", "read", f"{source.broken}; the rest of the stream is lost")
        return None
    if told < source.broken_from:
        yield Reject(name, source.broken_at, "", "read", source.broken)
    again = next_member(stream, source.broken_at + 1)
    return again


def _member_before(stream: BinaryIO, start: int, end: int) -> int | None:
    """Return where compressed members begin in a stream that begins with rubbish."""
    if not stream.seekable():
        return None
    at = stream.tell()
    found = next_member(stream, start, end)
    stream.seek(at)
    return found


def _skip_breaks(source: Unpacked, at: int) -> int:
    while source.has(at, 1) and source.view(at, at + 1) in (b"\r", b"\n"):
        at += 1
    return at


def _begins(source: Unpacked, at: int) -> bool:
    source.has(at, _BEGIN_BYTES)
    return _BEGIN.match(source.view(at, at + _BEGIN_BYTES)) is not None


def _next_record(source: Unpacked, at: int) -> int:
    """Return where the next record begins behind `at`, or the end."""
    at += 1
    while source.has(at, _BEGIN_BYTES):
        found = source.search(_BEGIN, at)
        if found is not None:
            return found
        at = source.end - _BEGIN_BYTES + 1
        source.forget(at)
    found = source.search(_BEGIN, at)
    return source.end if found is None else found


def _record(source: Unpacked, begin: int, limits: Limits) -> tuple[_Record | Reject, int]:
    """Return the record that begins at `begin`, or why it is none, and where reading goes on."""
    position = source.stored(begin)

    def rejected(reason: str, id_: str = "", after: int = begin) -> tuple[Reject, int]:
        return Reject("", position, id_, "read", reason), _next_record(source, after)

    length = 0
    while (blank := source.search(_BLANK, begin, begin + _HEADER)) is None:
        if length > _HEADER:
            return rejected(f"its header has more than {_HEADER} bytes")
        if not source.has(begin, length + 1):
            return rejected(source.broken or "cut in its header")
        length = source.end - begin
    header = source.view(begin, blank)
    cut = _BEGIN.search(header, 1)
    if cut is not None:
        return rejected("cut in its header", after=begin + cut.start() - 1)
    fields = _fields(header)
    id_ = _id(fields)
    start = blank + len(source.match(_BLANK, blank))
    declared = fields.get("content-length", "")
    if not (declared.isascii() and declared.isdigit()):
        return rejected("no valid Content-Length", id_, start - 1)
    if len(declared) > 18 or int(declared) > limits.page_bytes:
        return rejected("over the limit page_bytes", id_, start - 1)
    length = int(declared)
    end = start + length
    if not source.has(start, length):
        reason = source.broken or f"truncated: {source.end - start} bytes of {length}"
        return rejected(reason, id_, start - 1)
    source.has(end, 4)
    ended = source.view(end, end + 4)
    after = _skip_breaks(source, end)
    if source.broken is not None and not source.has(after, 1) and source.broken_from < end:
        return rejected(source.broken, id_, start - 1)  # the checksum of its member is wrong
    last = not source.has(after, 1)
    # Rubbish behind a record that ends as it should is not the record's fault.
    right = ended.startswith((b"\r\n\r\n", b"\n\n")) and source.search(_BLANK, start, end) is not None
    if not last and not right and not _begins(source, after):
        return rejected("its Content-Length is not where it ends", id_, start - 1)
    return _Record(position, fields, bytes(source.view(start, end))), after


def _fields(header: bytes) -> dict[str, str]:
    fields: dict[str, str] = {}
    last = ""
    for line in header.decode("utf-8", "replace").replace("\r\n", "\n").split("\n")[1:]:
        if line[:1] in (" ", "\t") and last:
            fields[last] += " " + line.strip()
            continue
        key, colon, value = line.partition(":")
        last = key.strip().lower() if colon else ""
        if last in fields:
            last = ""
        elif last:
            fields[last] = value.strip()
    return fields


def _id(fields: dict[str, str]) -> str:
    return fields.get("warc-record-id", "").strip("<>").removeprefix("urn:uuid:")


def _result(record: _Record, name: str, limits: Limits) -> Result:
    position, fields, block, id_ = record.position, record.fields, record.block, record.id
    kind = fields.get("warc-type", "").lower()
    if not kind:
        return Reject(name, position, id_, "read", "no WARC-Type")
    if kind not in _WANTED:
        return Skip(name, position, f"WARC {kind[:20]}")
    content_type = fields.get("content-type", "")
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
        url, crawled = fields.get("warc-target-uri", ""), fields.get("warc-date", "")
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
