"""A stream that is plain, gzip or Zstandard as unpacked bytes that know where they are stored, member by member."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import BinaryIO

from pipeline.ingest.unpack import Broken, compression_of, unpack_head, unpack_members

__all__ = ["Unpacked", "next_member"]

_CHUNK = 1 << 20
_HEAD = 1 << 12
_MAGIC = re.compile(rb"\x1f\x8b\x08|\x28\xb5\x2f\xfd")


class Unpacked:
    """Unpacked bytes from a stored offset on. What lies before the last `forget` is gone, the rest is held.

    Offsets are unpacked bytes, 0 at the start.
    """

    def __init__(self, stream: BinaryIO, start: int) -> None:
        self._start = start
        self.broken: str | None = None
        """Why nothing comes behind `end`, if that is damage."""
        self.broken_at = 0
        """Where the member that is damaged is stored."""
        self.broken_from = 0
        """What it unpacks to begins here."""
        if stream.seekable():
            stream.seek(start)
        head = stream.read(_HEAD)
        self._compression = compression_of(head)
        self._chunks = unpack_members(_chained(head, stream), self._compression)
        self._held = bytearray()
        self._base = 0
        self._members = [(0, start)]
        self._done = False

    @property
    def packed(self) -> bool:
        """Whether the stream is compressed."""
        return bool(self._compression)

    @property
    def end(self) -> int:
        """Where what was unpacked so far ends."""
        return self._base + len(self._held)

    def has(self, at: int, size: int) -> bool:
        """Unpack so much, and tell whether there is so much."""
        while self.end < at + size and not self._done:
            try:
                stored, chunk = next(self._chunks)
            except StopIteration:
                self._done = True
                break
            except Broken as broken:
                self._done = True
                self.broken, self.broken_at = broken.reason, self._start + broken.position
                if self._members[-1][1] != self.broken_at:
                    self._members.append((self.end, self.broken_at))
                self.broken_from = self._members[-1][0]
                break
            if self._compression and self._members[-1][1] != self._start + stored:
                self._members.append((self.end, self._start + stored))
            self._held += chunk
        return self.end >= at + size

    def view(self, start: int, end: int) -> bytes:
        """Return the bytes of a span, as far as they are held."""
        return bytes(self._held[max(0, start - self._base) : max(0, end - self._base)])

    def search(self, pattern: re.Pattern[bytes], start: int, end: int | None = None) -> int | None:
        """Return where the pattern is found first in what is held, None if it is not."""
        last = len(self._held) if end is None else max(0, end - self._base)
        found = pattern.search(self._held, max(0, start - self._base), last)
        return None if found is None else self._base + found.start()

    def match(self, pattern: re.Pattern[bytes], at: int) -> bytes:
        """Return what the pattern matches at a place; nothing if it does not."""
        found = pattern.match(self._held, at - self._base)
        return bytes(found[0]) if found else b""

    def forget(self, at: int) -> None:
        """Let go of what lies before."""
        drop = min(at, self.end) - self._base
        if drop > 0:
            del self._held[:drop]
            self._base += drop
            keep = bisect_right(self._members, self._base, key=lambda member: member[0]) - 1
            if keep > 0:
                del self._members[:keep]

    def stored(self, at: int) -> int:
        """Return where a byte is stored: for a packed stream, its member, and behind it the place in its bytes."""
        if not self._compression:
            return self._start + at
        self.has(at, 1)
        begin, place = self._members[bisect_right(self._members, at, key=lambda member: member[0]) - 1]
        return place + at - begin


def next_member(stream: BinaryIO, start: int, end: int | None = None) -> int | None:
    """Return the offset of the next member from `start` on, and before `end`, that begins with a WARC record."""
    at, window = start, b""
    stream.seek(start)
    while (end is None or at < end) and (chunk := stream.read(_CHUNK)):
        window += chunk
        for match in _MAGIC.finditer(window):
            found = at + match.start()
            if end is not None and found >= end:
                return None
            stream.seek(found)
            head = stream.read(_HEAD)
            if unpack_head(head, compression_of(head)).lstrip(b"\r\n").startswith(b"WARC/"):
                return found
        keep = window[-3:]
        at += len(window) - len(keep)
        window = keep
        stream.seek(at + len(window))
    return None


def _chained(head: bytes, stream: BinaryIO) -> Iterator[bytes]:
    if head:
        yield head
    try:
        while chunk := stream.read(_CHUNK):
            yield chunk
    except OSError as error:
        raise Broken(f"cannot be read further: {error.strerror or error}") from None
