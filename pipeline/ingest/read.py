"""Files and standard input become Pages, in the order of the file and bounded memory.

What a file is, is told by its content as much as by its name. Every record gives exactly one Page, Reject or Skip;
blank lines are nothing.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias, cast

from pipeline.article import Page, Reject, Skip
from pipeline.configure import LIMITS, Limits
from pipeline.errors import InputError, PageError
from pipeline.ingest.archives import Damage, Member, tar_members, zip_members
from pipeline.ingest.decode import decode
from pipeline.ingest.json_records import (
    FIELDS,
    hash_id,
    json_kind,
    looks_like_json,
    page_of,
    read_document,
    read_lines,
)
from pipeline.ingest.unpack import collect, compression_of, unpack, unpack_head
from pipeline.ingest.warc import read_warc
from pipeline.places import is_address, open_file

__all__ = ["ENDINGS", "PACKED", "READERS", "Source", "can_split", "open_source", "read", "recognised"]

Record: TypeAlias = Page | Reject | Skip

ENDINGS: Mapping[str, str] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".shtml": "html",
    ".txt": "text",
    ".text": "text",
    ".warc": "warc",
    ".wet": "warc",
    ".parquet": "parquet",
    ".zip": "zip",
    ".tar": "tar",
    ".tgz": "tar",
}
"""What a name promises, after `.gz`, `.zst` or `.zstd` is taken off. The content has the last word."""

PACKED = (".gz", ".zst", ".zstd")
_HEAD = 1 << 16
"""Bytes by which a file is recognised."""
_BATCH = 64
"""Rows of Parquet held at once."""
_BOM = b"\xef\xbb\xbf"
# What the WHATWG's MIME sniffing takes for HTML, with white space before.
_HTML = re.compile(
    rb"\s*<(?:!doctype\s|(?:html|head|body|script|style|title|meta|link|div|p|table|h1|a|br|iframe)[\s/>]|!--|\?xml\s)",
    re.I,
)
_FEED = re.compile(
    rb"\s*(?:<\?[^>]{0,300}\?>\s*|<!--(?:(?!-->).){0,3000}-->\s*){0,9}<(?:rss|feed|rdf:RDF|urlset|sitemapindex|opml)[\s>]",
    re.S,
)
"""RSS, Atom and sitemaps: the beginnings of many articles, or none, and no page."""
_TABLES = (".csv", ".tsv")
_HIDDEN = re.compile(r"(?:^|/)\.(?!\.?/)")
_HTML_LATE = re.compile(rb"<html[\s>]|<body[\s>]", re.I)


@dataclass(slots=True)
class Source:
    """An opened input at its beginning."""

    name: str
    """The file as it was given, or "-"."""
    stream: BinaryIO
    compression: str
    kind: str
    """A key of READERS."""
    mark: int = 0
    """Where the last record was found, in stored bytes, as far as its reader tells: see `pipeline.ingest.ranges`."""

    @property
    def stem(self) -> str:
        """The file's name without its endings; "" for standard input."""
        return Path(_unpacked_name(self.name)).stem if self.name != "-" else ""


def can_split(path: str) -> bool:
    """Whether byte ranges of the file can be read apart: an uncompressed file of JSON lines."""
    if path == "-" or not (is_address(path) or Path(path).is_file()):
        return False
    with open_source(path) as source:
        return source.kind == "jsonl" and not source.compression


def read(path: str, *, limits: Limits = LIMITS, start: int = 0, end: int | None = None) -> Iterator[Record]:
    """Yield what `path` holds, in its order.

    Positions are byte offsets of the unpacked stream for JSON, of the stored stream for WARC, row numbers for Parquet
    and 0 for whole files. Damage ends a file, or a part of it, with a Reject; it is never an exception.

    Args:
        path: a file, at a path or an address, or "-" for standard input.
        limits: a record of more than `page_bytes` is rejected without being held.
        start: byte offset; lines that begin before it are left out. Only where `can_split`.
        end: byte offset; lines that begin at or after it are left out. None for no end.

    Raises:
        InputError: the file cannot be opened, or cannot be read in ranges.
    """
    with open_source(path) as source:
        if start == 0 and end is None:
            yield from READERS[source.kind](source, limits)
        elif source.kind == "jsonl" and not source.compression:
            yield from _read_range(source, limits, start, end)
        else:
            raise InputError(f"{path} cannot be read in ranges. Read it whole, without start and end.")


def recognised(path: str) -> bool:
    """Whether a file that lies in a folder is read: its ending is known, or what it holds."""
    if _promised(path):
        return True
    if not is_address(path) and not Path(path).is_file():
        return False
    try:
        with open_source(path) as source:
            # Style sheets and licences are text, and office documents are zip archives: those need their ending.
            return source.kind not in ("text", "zip")
    except InputError:
        return True  # to be told when it is read, not passed over


@contextmanager
def open_source(path: str) -> Iterator[Source]:
    """Open a file at a path or an address, or "-" for standard input; tell kind and packing by its first bytes.

    Raises:
        InputError: it cannot be opened.
    """
    if path == "-":
        if sys.stdin is None:
            raise InputError("Standard input is closed. Name a file.")
        try:
            source = _source(path, cast(BinaryIO, sys.stdin.buffer))
        except OSError as error:
            raise InputError(f"Standard input cannot be read: {error.strerror}. Name a file.") from None
        yield source
        return
    try:
        stream = open_file(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path} cannot be opened: {reason}. Check the path and its permissions.") from None
    with stream:
        try:
            source = _source(path, stream)
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}. Check the disk it lies on.") from None
        yield source


def _source(name: str, stream: BinaryIO) -> Source:
    head = stream.read(_HEAD)
    if stream.seekable():
        stream.seek(-len(head), 1)
    else:
        stream = cast(BinaryIO, _Rewound(head, stream))
    compression = compression_of(head)
    return Source(name, stream, compression, _kind(unpack_head(head, compression), _promised(name), len(head) < _HEAD))


class _Rewound:
    """A stream that cannot seek, put back to where its head was read."""

    def __init__(self, head: bytes, stream: BinaryIO) -> None:
        self._head = head
        self._stream = stream
        self._position = 0

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        return self._position

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            data, self._head = self._head + self._stream.read(), b""
        elif self._head:
            data, self._head = self._head[:size], self._head[size:]
        else:
            data = self._stream.read(size)
        self._position += len(data)
        return data

    def close(self) -> None:
        """Leave the stream open: it is the caller's."""


def _unpacked_name(name: str) -> str:
    return next((name[: -len(ending)] for ending in PACKED if name.lower().endswith(ending)), name)


def _promised(name: str) -> str:
    return ENDINGS.get(Path(_unpacked_name(name)).suffix.lower(), "")


def _kind(head: bytes, promised: str, whole: bool) -> str:
    """Return a key of READERS for a file that begins with `head`; `whole` if that is all of it."""
    body = head.removeprefix(_BOM)
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        body = body.decode("utf-16", "replace").encode("utf-8", "replace")
    if not body:
        return promised or ("jsonl" if whole else "text")
    if body.startswith(b"PAR1"):
        return "parquet"
    if body.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if body[257:262] == b"ustar":
        return "tar"
    if body.lstrip(b"\r\n").startswith(b"WARC/"):
        return "warc"
    if _FEED.match(body):
        return "text"  # to be told when it is read; in a folder it is passed over
    if _HTML.match(body):
        return "html"
    if promised in ("html", "warc", "zip", "tar"):
        return promised
    if promised in ("jsonl", "json") or looks_like_json(body):
        return json_kind(body, whole=whole)
    return "html" if not promised and _HTML_LATE.search(body) else "text"


def _read_lines(source: Source, limits: Limits) -> Iterator[Record]:
    return read_lines(source.name, unpack(source.stream, source.compression), limits)


def _read_range(source: Source, limits: Limits, start: int, end: int | None) -> Iterator[Record]:
    # From one byte before, so that a line that begins at `start` is seen to begin there.
    source.stream.seek(max(0, start - 1))
    return read_lines(source.name, unpack(source.stream, ""), limits, start=start, end=end)


def _read_document(source: Source, limits: Limits) -> Iterator[Record]:
    chunks = unpack(source.stream, source.compression)
    return read_document(source.name, chunks, limits, named_lines=_promised(source.name) == "jsonl")


def _read_whole(source: Source, limits: Limits) -> Iterator[Record]:
    if _unpacked_name(source.name).lower().endswith(_TABLES):  # as text, all its rows would be one article
        yield Reject(source.name, 0, source.stem, "read", "a table is not read: write it as JSON lines or Parquet")
        return
    data, broken = collect(unpack(source.stream, source.compression), limits.page_bytes)
    id_ = source.stem or hash_id(data, 0)
    if broken or len(data) > limits.page_bytes:
        position, reason = (broken.position, broken.reason) if broken else (0, "over the limit page_bytes")
        yield Reject(source.name, position, id_, "read", reason)
    elif source.kind == "text" and _FEED.match(data):
        yield Reject(source.name, 0, id_, "read", "a feed or a sitemap is no page: give the pages that it names")
    elif source.kind == "html" and data:
        yield Page(id_, source.name, html=data)
    else:
        try:
            yield Page(id_, source.name, text=decode(data)[0])
        except PageError as error:
            yield Reject(source.name, 0, id_, error.stage, error.reason)


def _read_warc(source: Source, limits: Limits) -> Iterator[Record]:
    return read_warc(source.stream, source.name, limits)


def _read_parquet(source: Source, limits: Limits) -> Iterator[Record]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    _need_the_end(source, "Parquet")
    row = 0
    try:
        with pq.ParquetFile(source.stream) as file:
            columns = [name for name in file.schema_arrow.names if name in FIELDS]
            others = [name for name in file.schema_arrow.names if name not in FIELDS]
            size, rows = source.stream.seek(0, 2), file.metadata.num_rows
            for batch in file.iter_batches(_BATCH, columns=columns):
                for index in range(batch.num_rows):
                    source.mark = row * size // rows
                    yield _row(batch, index, others, source.name, row, limits)
                    row += 1
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        yield Reject(source.name, row, "", "read", f"damaged Parquet: {str(error).partition(chr(10))[0]}")


def _row(batch: Any, index: int, others: Sequence[str], name: str, row: int, limits: Limits) -> Page | Reject:
    try:
        record: dict[str, Any] = {key: batch.column(key)[index].as_py() for key in batch.schema.names}
        # Typed columns are what Parquet is for: a date is a date there, and text may be stored as bytes.
        for key, value in record.items():
            if isinstance(value, date):
                record[key] = value.isoformat()
            elif isinstance(value, bytes) and key == "text":
                record[key] = decode(value)[0]
    except UnicodeDecodeError as error:
        return Reject(name, row, "", "read", f"bad UTF-8 in a string: {error.reason}")
    except PageError as error:
        return Reject(name, row, "", error.stage, error.reason)
    if max(len(record.get(key) or "") for key in ("html", "text")) > limits.page_bytes:
        return Reject(name, row, "", "read", "over the limit page_bytes")
    return page_of(record | dict.fromkeys(others), name, row)


def _need_the_end(source: Source, what: str) -> None:
    if source.compression or not source.stream.seekable():
        raise InputError(f"{source.name}: {what} is read from its end. Unpack it, or give it as a file.")


def _read_zip(source: Source, limits: Limits) -> Iterator[Record]:
    _need_the_end(source, "a zip archive")
    return _read_members(source, zip_members(source.stream), limits)


def _read_tar(source: Source, limits: Limits) -> Iterator[Record]:
    return _read_members(source, tar_members(unpack(source.stream, source.compression)), limits)


def _read_members(source: Source, members: Iterator[Member | Damage], limits: Limits) -> Iterator[Record]:
    for member in members:
        source.mark = member.place
        if isinstance(member, Damage):
            yield Reject(source.name, member.place, member.name, "read", member.reason)
            continue
        name = f"{source.name}/{member.name}"
        reason = "a link" if member.link else "a hidden file" if _HIDDEN.search(member.name) else ""
        if reason:
            yield Skip(name, 0, f"archive: {reason}")
            continue
        try:
            inner = _source(name, cast(BinaryIO, _Rewound(b"", cast(BinaryIO, member.stream))))
        except OSError as error:
            yield Reject(name, 0, "", "read", f"cannot be read: {error}")
            continue
        if not _promised(member.name) and inner.kind == "text":
            yield Skip(name, 0, "archive: no kind of page")  # as in a folder: text needs its ending
        elif inner.kind in ("zip", "tar", "parquet"):
            yield Reject(name, 0, "", "read", f"{inner.kind} inside an archive is not read: unpack it")
        else:
            yield from READERS[inner.kind](inner, limits)


READERS: Mapping[str, Callable[[Source, Limits], Iterator[Record]]] = {
    "jsonl": _read_lines,
    "json": _read_document,
    "html": _read_whole,
    "text": _read_whole,
    "warc": _read_warc,
    "parquet": _read_parquet,
    "zip": _read_zip,
    "tar": _read_tar,
}
