"""Compressed streams as chunks, chunks as lines: in bounded memory, and with the place where a stream broke."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import BinaryIO, Protocol

__all__ = [
    "Broken",
    "Decompressor",
    "collect",
    "compression_of",
    "lines",
    "start_decompressor",
    "unpack",
    "unpack_head",
    "unpack_members",
]

_CHUNK = 1 << 20
"""Bytes read at once from a stream that is not compressed."""
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_FEED = {"gz": 1 << 14, "zst": 1 << 10}
"""Compressed bytes handed over at once. A Zstandard block of 4 bytes gives up to 128 KiB, so a bomb takes 32 MiB before
the limit of a record ends it; zlib is told to stop at _CHUNK."""


class Broken(Exception):  # noqa: N818  it is an event of reading, the readers make a Reject of it
    """A stream that cannot be read further. `position` is that of the unfinished line, in unpacked bytes."""

    def __init__(self, reason: str, position: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position


class Decompressor(Protocol):
    """One gzip member or Zstandard frame."""

    @property
    def eof(self) -> bool:
        """Whether the member is complete."""

    @property
    def unused_data(self) -> bytes:
        """What was handed over behind its end."""

    def decompress(self, data: bytes, /) -> bytes:
        """Return what `data` unpacks to."""


def compression_of(head: bytes) -> str:
    """Return "gz", "zst" or "" by the first bytes of a stream."""
    if head.startswith(_GZIP):
        return "gz"
    # Zstandard streams may start with a skippable frame (a dictionary, a seek table).
    skippable = len(head) > 3 and 0x50 <= head[0] <= 0x5F and head[1:4] == b"\x2a\x4d\x18"
    return "zst" if head.startswith(_ZSTD) or skippable else ""


def unpack_head(head: bytes, compression: str) -> bytes:
    """Return what the first bytes of a stream unpack to, as far as they do."""
    pieces: list[bytes] = []
    try:
        for piece in _unpack(iter((head,)), compression) if compression else (head,):
            pieces.append(piece)
            if sum(map(len, pieces)) >= len(head):
                break
    except Broken:
        pass  # a head is cut anywhere; damage is told when the stream itself is read
    return b"".join(pieces)


def unpack(stream: BinaryIO, compression: str) -> Iterator[bytes]:
    """Yield the unpacked bytes of `stream` in chunks.

    Raises:
        Broken: the stream is damaged, cut short or cannot be read further; all that came before was yielded.
    """
    return _unpack(_chunks(stream), compression) if compression else _chunks(stream)


def start_decompressor(compression: str) -> tuple[Callable[[], Decompressor], type[Exception]]:
    """Return what makes the decompressor of one member or frame, and the error that it raises."""
    if compression == "gz":
        return lambda: zlib.decompressobj(31), zlib.error  # 31: a gzip member, its checksum tested
    import zstandard

    return lambda: zstandard.ZstdDecompressor().decompressobj(), zstandard.ZstdError


def lines(chunks: Iterable[bytes], position: int, limit: int) -> Iterator[tuple[int, bytes | None]]:
    r"""Yield the position and the bytes of each line, without its `\n`; None for a line of more than `limit` bytes.

    A line that is too long is passed over without being held. The last line may lack its `\n`.

    Raises:
        Broken: with the position of the line that could not be finished.
    """
    parts: list[bytes] = []
    size = 0
    try:
        for chunk in chunks:
            first, *rest = chunk.split(b"\n")
            size += len(first)
            if size <= limit:
                parts.append(first)
            else:
                parts.clear()
            if not rest:
                continue
            yield position, b"".join(parts) if size <= limit else None
            position += size + 1
            last = rest.pop()
            for line in rest:
                yield position, line if len(line) <= limit else None
                position += len(line) + 1
            parts = [last]
            size = len(last)
    except Broken as broken:
        raise Broken(broken.reason, position) from None
    if size:
        yield position, b"".join(parts) if size <= limit else None


def collect(chunks: Iterator[bytes], limit: int) -> tuple[bytes, Broken | None]:
    """Return the first bytes, up to the chunk that passes `limit`, and what broke the stream before that, if so."""
    pieces: list[bytes] = []
    size = 0
    try:
        for chunk in chunks:
            pieces.append(chunk)
            size += len(chunk)
            if size > limit:
                break
    except Broken as broken:
        return b"".join(pieces), Broken(broken.reason, size)
    return b"".join(pieces), None


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    while True:
        try:
            chunk = stream.read(_CHUNK)
        except OSError as error:
            raise Broken(f"cannot be read further: {error.strerror or error}") from None
        if not chunk:
            return
        yield chunk


def unpack_members(chunks: Iterator[bytes], compression: str) -> Iterator[tuple[int, bytes]]:
    """Yield unpacked bytes, never none, each with the stored offset of their member; 0 where nothing is packed.

    Raises:
        Broken: with the stored offset of the member that is damaged, cut short, or none.
    """
    if not compression:
        for chunk in chunks:
            yield 0, chunk
        return
    start, errors = start_decompressor(compression)
    name = {"gz": "gzip", "zst": "zstd"}[compression]
    member: Decompressor | None = None
    feed = _FEED[compression]
    offset = begin = 0
    """Stored: of what is fed now, and of its member."""
    for chunk in chunks:
        for at in range(0, len(chunk), feed):
            data = chunk[at : at + feed]
            end = offset + at + len(data)
            while data:
                if member is None:
                    data = data.lstrip(b"\0")  # tapes and block devices pad with NUL, gzip allows it
                    if not data:
                        break
                    member, begin = start(), end - len(data)
                try:
                    for unpacked in (pieces := _feed(member, data)):
                        if unpacked:  # zstd gives nothing before its first block is whole
                            yield begin, unpacked
                    data = member.unused_data
                except errors as error:
                    pieces.close()
                    raise Broken(f"damaged {name} stream: {str(error).split(': ')[-1]}", begin) from None
                if member.eof:
                    member = None
        offset += len(chunk)
    if member is not None:
        raise Broken(f"the {name} stream ends before its end", begin)


def _unpack(chunks: Iterator[bytes], compression: str) -> Iterator[bytes]:
    for _, unpacked in unpack_members(chunks, compression):
        yield unpacked


def _feed(member: Decompressor, data: bytes) -> Generator[bytes, None, None]:
    """Yield what `data` unpacks to; what is left of it behind the end of the member is the member's `unused_data`."""
    if not isinstance(member, _ZLIB):
        yield member.decompress(data)
        return
    while data and not member.eof:
        saved = member.copy()
        try:
            yield member.decompress(data, _CHUNK)
        except zlib.error:
            yield from _salvage(saved, data)
            raise
        data = member.unconsumed_tail


def _salvage(member: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """Yield what comes before the damage: zlib keeps back the output of a call that fails, so go byte by byte."""
    try:
        for at in range(len(data)):
            yield member.decompress(data[at : at + 1])
    except zlib.error:
        return


_ZLIB = type(zlib.decompressobj())
