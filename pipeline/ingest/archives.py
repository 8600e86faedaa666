"""Members of zip and tar archives as streams. Nothing is unpacked to disk; a member's name is a label, never a path.

What a library passes over in silence is told here: Python's tarfile ends at the first damaged header as if the archive
did, and says nothing of one that is cut between two members.
"""

from __future__ import annotations

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
    """Yield the files of a zip archive in the order in which they lie in it. `stream` must be able to seek."""
    try:
        archive = ZipFile(stream)
    except _ZIP_ERRORS as error:
        yield Damage(0, f"damaged zip: {error}")
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
