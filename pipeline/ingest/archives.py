"""Members of zip and tar archives as streams. Nothing is unpacked to disk; a member's name is a label, never a path.

What a library passes over in silence is told here: Python's tarfile ends at the first damaged header as if the archive
did, and says nothing of one that is cut between two members.
"""

from __future__ import annotations

import struct
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol
from zipfile import BadZipFile, ZipFile

from pipeline.ingest.unpack import Broken

__all__ = ["Damage", "Member", "Readable", "tar_members", "zip_members"]

_BLOCK = 512
_LONG = 1 << 20
"""Bytes of a long name or of a pax header: more is damage."""
_ZEROS = bytes(_BLOCK)
_ZIP_ERRORS = (BadZipFile, OSError, RuntimeError, NotImplementedError, EOFError, ValueError, zlib.error)
"""What zipfile raises for damage, encryption and methods that it does not know."""
_LOCAL = struct.Struct("<4s5H3I2H")
"""Of a file in a zip archive (APPNOTE 4.3.7): signature, version, flags, method, time, date, CRC-32, stored bytes,
bytes, lengths of the name and of the extra field behind it."""
_FEED = 1 << 14
"""Stored bytes unpacked at once: of a bomb, 16 MB."""
_LISTED = (b"PK\1\2", b"PK\5\6", b"PK\6\6")
"""What the list of the files begins with."""


class Readable(Protocol):
    """What a member is read from."""

    def read(self, size: int = -1, /) -> bytes:
        """Return the next bytes, OSError where they are damaged."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive, to be read before the next one is asked for."""

    name: str
    place: int
    """Where it begins in the archive, in its (unpacked) bytes."""
    stream: Readable
    link: bool = False
    """Whether it only points to another."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A place of the archive that cannot be read, or a member, and why."""

    place: int
    reason: str
    name: str = ""


def zip_members(stream: BinaryIO) -> Iterator[Member | Damage]:
    """Yield the files of a zip archive in the order in which they lie in it. `stream` must be able to seek.

    The list of the files stands at the end. Where it is cut off or damaged, each file is found by its own header, and
    the last thing is the damage: what the list had besides, nobody can tell.
    """
    try:
        archive = ZipFile(stream)
    except _ZIP_ERRORS as error:
        found = False
        for one in _unlisted(stream):
            found = True
            yield one
        lost = "; its files were read by their own headers" if found else ""
        yield Damage(stream.seek(0, 2) if found else 0, f"damaged zip: {_said(error)}{lost}")
        return
    with archive:
        for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
            if info.is_dir():
                continue
            try:
                with archive.open(info) as member:
                    yield Member(info.filename, info.header_offset, _Careful(member))
            except _ZIP_ERRORS as error:
                yield Damage(info.header_offset, f"damaged zip: {_said(error)}", info.filename)


def _unlisted(stream: BinaryIO) -> Iterator[Member | Damage]:
    """Yield the files of a zip archive by the headers before each of them."""
    at = 0
    while True:
        stream.seek(at)
        header = stream.read(_LOCAL.size)
        if len(header) < _LOCAL.size or not header.startswith(b"PK\3\4"):
            if header.startswith(_LISTED) or not header:
                return
            after = _next_local(stream, at + 1)
            if after is None:
                return
            if at:
                yield Damage(at, f"{after - at} bytes are no file of the zip archive")
            at = after
            continue
        _, _, flags, method, _, _, crc, packed, _, name_size, extra_size = _LOCAL.unpack(header)
        name = stream.read(name_size).decode("utf-8" if flags & 0x800 else "cp437", "replace")
        start = stream.seek(extra_size, 1)
        known = not flags & 8 and packed != 0xFFFFFFFF
        if flags & 1 or method not in (0, 8) or (method == 0 and not known):
            yield Damage(
                at, "damaged zip: without its list this file cannot be read (encrypted, or its end unknown)", name
            )
            at = start + packed if known else start
            continue
        part = _Unlisted(stream, start, packed if known else None, crc if known else None, deflated=method == 8)
        if not name.endswith("/"):
            yield Member(name, at, part)
        at = part.end()
        if not known:  # its checksum and sizes stand behind it: 12 bytes, with a signature 16, in a zip64 archive more
            stream.seek(at)
            behind = stream.read(28)
            signed = behind.startswith(b"PK\7\x08")
            sizes = (16, 24) if signed else (12, 20)
            at += next((size for size in sizes if behind[size : size + 2] == b"PK"), 16 if signed else 0)


def _next_local(stream: BinaryIO, at: int) -> int | None:
    """Return where the next header of a file is."""
    stream.seek(at)
    window = b""
    while chunk := stream.read(1 << 20):
        window += chunk
        found = window.find(b"PK\3\4")
        if found >= 0:
            return at + found
        at += max(0, len(window) - 3)
        window = window[-3:]
    return None


class _Unlisted:
    """A file of a zip archive of which only its own header is known."""

    def __init__(self, stream: BinaryIO, start: int, packed: int | None, crc: int | None, *, deflated: bool) -> None:
        self._stream = stream
        self._at = start
        self._left = packed
        """Stored bytes that are not read yet; None where only the data tell."""
        self._crc = crc
        self._inflate = zlib.decompressobj(-15) if deflated else None
        self._seen = 0
        self._held = b""
        self._done = False
        self._broken = ""

    def read(self, size: int = -1, /) -> bytes:
        pieces = [self._held]
        have = len(self._held)
        while not self._done and (size < 0 or have < size):
            pieces.append(self._more())
            have += len(pieces[-1])
        data = b"".join(pieces)
        if self._broken and (size < 0 or not data):
            raise OSError(self._broken)
        cut = len(data) if size < 0 else size
        self._held = data[cut:]
        return data[:cut]

    def end(self) -> int:
        """Pass over what was not read, and return where the file ends in the archive."""
        if self._left is not None and self._stream.seek(0, 2) >= self._at + self._left:
            return self._at + self._left
        while not self._done:
            self._more()
        return self._at

    def _more(self) -> bytes:
        """Return what the next stored bytes are unpacked."""
        self._stream.seek(self._at)
        chunk = self._stream.read(_FEED if self._left is None else min(_FEED, self._left))
        self._at += len(chunk)
        if self._left is not None:
            self._left -= len(chunk)
        data = chunk
        if self._inflate is not None:
            try:
                data = self._inflate.decompress(chunk)
            except zlib.error as error:
                return self._ended(f"damaged: {error}")
            self._at -= len(self._inflate.unused_data)
        self._seen = zlib.crc32(data, self._seen)
        if self._left == 0 if self._inflate is None else self._inflate.eof:
            self._ended("damaged: its checksum is another" if self._crc not in (None, self._seen) else "")
        elif not chunk:
            self._ended("the archive ends inside a file")
        return data

    def _ended(self, broken: str) -> bytes:
        self._done = True
        self._broken = broken
        return b""


def tar_members(chunks: Iterator[bytes]) -> Iterator[Member | Damage]:
    """Yield the files of a tar archive (ustar, GNU or pax), of which `chunks` are the unpacked bytes."""
    source = _Bytes(chunks)
    ended = False
    name, size = "", -1
    try:
        while header := source.read(_BLOCK):
            place = source.at - len(header)
            if header == _ZEROS:  # the end mark; behind it padding, or another archive
                ended = True
                continue
            info = _header(header)
            if info is None:
                yield Damage(place, f"{_skip_to_header(source)} bytes are no tar header")
                ended, name, size = False, "", -1
                continue
            ended = False
            if info.type in (tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK):
                said = _data(source, info.size)
                if info.type == tarfile.XHDTYPE:
                    name, size = _pax(said, name, size)
                elif info.type == tarfile.GNUTYPE_LONGNAME:
                    name = said.rstrip(b"\0").decode("utf-8", "replace")
                continue
            told = name or info.name
            if info.type == tarfile.DIRTYPE:
                pass
            elif info.islnk() or info.issym():
                yield Member(told, place, _Part(source, 0), link=True)
            elif info.type == tarfile.GNUTYPE_SPARSE:
                _data(source, info.size)
                yield Damage(place, "a sparse file cannot be read", told)
            else:
                part = _Part(source, size if size >= 0 else info.size)
                yield Member(told, place, part)
                part.finish()
            name, size = "", -1
        if not ended:
            yield Damage(source.at, "the archive ends without its end mark: it is cut short")
    except Broken as broken:
        yield Damage(source.at, broken.reason)


def _said(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


class _Careful:
    """A member of a zip archive that raises nothing but OSError."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream

    def read(self, size: int = -1, /) -> bytes:
        try:
            return self._stream.read(size)
        except _ZIP_ERRORS as error:
            raise OSError(_said(error)) from None


class _Bytes:
    """Chunks as a stream that can step back by what was read last."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._left = b""
        self.at = 0

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer at the end. Raises Broken where the stream does."""
        pieces = []
        wanted = size
        while wanted:
            if not self._left:
                self._left = next(self._chunks, b"")
                if not self._left:
                    break
            pieces.append(self._left[:wanted])
            self._left = self._left[wanted:]
            wanted -= len(pieces[-1])
        self.at += size - wanted
        return b"".join(pieces)

    def back(self, data: bytes) -> None:
        """Put `data`, which was read last, back."""
        self._left = data + self._left
        self.at -= len(data)


class _Part:
    """The next `size` bytes of a tar archive, and what pads them to a whole block."""

    def __init__(self, source: _Bytes, size: int) -> None:
        self._source = source
        self._left = size
        self._padding = -size % _BLOCK
        self._broken: Broken | None = None

    def read(self, size: int = -1, /) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        if self._broken is not None:
            raise OSError(self._broken.reason)
        try:
            data = self._source.read(wanted)
        except Broken as broken:
            self._broken = broken
            raise OSError(broken.reason) from None
        self._left -= len(data)
        if len(data) < wanted:
            self._broken = Broken("the archive ends inside a file")
            self._left = 0
            raise OSError(self._broken.reason)
        return data

    def finish(self) -> None:
        """Pass over what was not read."""
        if self._broken is not None:
            raise self._broken
        while self._left:
            passed = self._source.read(min(self._left, 1 << 20))
            if not passed:
                raise Broken("the archive ends inside a file")
            self._left -= len(passed)
        self._source.read(self._padding)


def _header(block: bytes) -> tarfile.TarInfo | None:
    try:
        found = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.HeaderError, ValueError):
        return None
    return found if found.size >= 0 else None


def _skip_to_header(source: _Bytes) -> int:
    """Pass over blocks until one is a header or empty; return the bytes that are neither, with the one before."""
    passed = _BLOCK
    while block := source.read(_BLOCK):
        if block == _ZEROS or _header(block) is not None:
            source.back(block)
            break
        passed += len(block)
    return passed


def _data(source: _Bytes, size: int) -> bytes:
    """Return the bytes of a header that is longer than a block; none where it is too long to be one."""
    part = _Part(source, size)
    said = source.read(size) if size <= _LONG else b""
    part._left -= len(said)
    part.finish()
    return said


def _pax(said: bytes, name: str, size: int) -> tuple[str, int]:
    """Return name and size as far as a pax header tells them: `length key=value` in lines, length in bytes."""
    at = 0
    while at < len(said):
        number, _, _ = said[at : at + 20].partition(b" ")
        if not number.isdigit() or not int(number):
            break
        key, _, value = said[at + len(number) + 1 : at + int(number) - 1].partition(b"=")
        if key == b"path":
            name = value.decode("utf-8", "replace")
        elif key == b"size" and value.isdigit():
            size = int(value)
        at += int(number)
    return name, size
