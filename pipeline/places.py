"""Where files lie that are read: on this machine, or behind an address that fsspec knows, such as `s3://bucket/crawl`.

What is on this machine is reached directly.
"""

from __future__ import annotations

import errno
import io
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any, BinaryIO

from pipeline.errors import InputError, UsageError

__all__ = [
    "as_oserror",
    "below",
    "exists",
    "is_address",
    "is_file",
    "is_folder",
    "matching",
    "open_file",
    "read_spans",
    "size_of",
    "system_of",
]

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
"""Two letters at least: `C://` is a drive."""
_BLOCK = 4 * 2**20
"""Bytes fetched ahead of a reader: a request to an object store takes some hundredths of a second."""
_CHUNK = 2**20
"""Bytes handed on at a time: each passes through Python."""
_HELD = 2**16
"""Bytes held of a file of this machine: what is looked at to tell its format is then not read twice."""
_PASSING = frozenset((errno.EIO, errno.ETIMEDOUT, errno.EAGAIN, errno.ECONNRESET))
"""What a network file system answers while its server starts anew, and a disk that needs another try."""
_PAUSES = (0.1, 1.0)
"""Seconds before reading is tried again. A server that is gone for longer fails the task; the next start repeats it."""


def is_address(given: str | Path) -> bool:
    """Whether a file or folder lies behind an address, and not on this machine."""
    return isinstance(given, str) and _ADDRESS.match(given) is not None


def exists(address: str) -> bool:
    """Whether there is a file or a folder. Raises OSError where that cannot be told."""
    system, path = system_of(address)
    with as_oserror(address):
        return bool(system.exists(path))


def is_folder(given: str) -> bool:
    """Whether an address or a path is that of a folder. Raises OSError where that cannot be told."""
    if not is_address(given):
        return Path(given).is_dir()
    system, path = system_of(given)
    with as_oserror(given):
        return bool(system.isdir(path))


def is_file(given: str) -> bool:
    """Whether an address or a path is that of a file. Raises OSError where that cannot be told."""
    if not is_address(given):
        return Path(given).is_file()
    system, path = system_of(given)
    with as_oserror(given):
        return bool(system.isfile(path))


def below(address: str) -> list[str]:
    """Return the addresses of all files below a folder, sorted."""
    system, path = system_of(address)
    with as_oserror(address):
        found = system.find(path)
    root = len(path.rstrip("/"))
    return sorted(address.rstrip("/") + one[root:] for one in found)


def matching(pattern: str) -> list[str]:
    """Return the addresses of the files and folders that a glob matches, sorted."""
    system, path = system_of(pattern)
    with as_oserror(pattern):
        return sorted(system.unstrip_protocol(one) for one in system.glob(path))


def size_of(path: str) -> int:
    """Return the bytes of a file, at an address or on this machine. Raises OSError."""
    if not is_address(path):
        return Path(path).stat().st_size
    system, place = system_of(path)
    with as_oserror(path):
        size = system.info(place)["size"]
    if size is None:
        raise OSError(errno.EIO, "its size is not told there")
    return int(size)


def read_spans(path: str, spans: Sequence[tuple[int, int]]) -> list[bytes]:
    """Return some spans of a file's bytes, at an address or on this machine. Raises OSError."""
    if not is_address(path):
        found = []
        with open(path, "rb") as file:  # noqa: PTH123 - the path is named as given
            for start, end in spans:
                file.seek(start)
                found.append(file.read(end - start))
        return found
    system, place = system_of(path)
    starts, ends = [start for start, _ in spans], [end for _, end in spans]
    with as_oserror(path):
        return [bytes(one) for one in system.cat_ranges([place] * len(spans), starts, ends, on_error="raise")]


def open_file(path: str) -> BinaryIO:
    """Open a file for reading, at an address or on this machine.

    What fails later, in the middle of it, is no damage of the file: it ends the reading with InputError.

    Raises:
        OSError: it cannot be opened.
        ValueError: the path has a NUL.
    """
    if not is_address(path):
        return io.BufferedReader(_File(path), _HELD)
    system, place = system_of(path)
    with as_oserror(path):
        return io.BufferedReader(_Stream(path, system.open(place, "rb", block_size=_BLOCK)), _CHUNK)


class _File(io.RawIOBase):
    """A file of this machine. Where reading fails for the moment, it is tried again."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = FileIO(path)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def readinto(self, buffer: Any, /) -> int:
        pauses = iter(_PAUSES)
        while True:
            try:
                return self._file.readinto(buffer)
            except OSError as error:
                pause = next(pauses, None)
                if pause is None or error.errno not in _PASSING:
                    where = f", from byte {self.tell()} on" if self.seekable() else ""
                    raise InputError(f"{self._path} cannot be read further{where}: {error.strerror}.") from error
            time.sleep(pause)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


class _Stream(io.RawIOBase):
    """A file behind an address."""

    def __init__(self, address: str, file: Any) -> None:
        self._address = address
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return bool(self._file.seekable())

    def readinto(self, buffer: Any, /) -> int:
        with self._reached():
            found = self._file.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        with self._reached():
            return int(self._file.seek(offset, whence))

    def tell(self) -> int:
        return int(self._file.tell())

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            with as_oserror(self._address):
                yield
        except OSError as error:
            raise InputError(f"{self._address} cannot be read further: {error.strerror}.") from error


def system_of(address: str) -> tuple[Any, str]:
    """Return the file system behind an address, and the path there.

    Raises:
        UsageError: there is none that is known, or the package that knows it is missing.
    """
    from fsspec.core import url_to_fs

    try:
        system, path = url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise UsageError(f"{address} cannot be reached: {error}.".replace("..", ".")) from None
    return system, str(path)


@contextmanager
def as_oserror(address: str) -> Iterator[None]:
    """Make an OSError with number and text of whatever a file system raises: each has errors of its own."""
    try:
        yield
    except OSError as error:
        if isinstance(error, FileNotFoundError) and error.errno is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), address) from error
        if error.errno is None or error.strerror is None:
            number = errno.EACCES if isinstance(error, PermissionError) else errno.EIO
            raise OSError(number, str(error) or type(error).__name__, address) from error
        raise
    except Exception as error:
        raise OSError(errno.EIO, f"{type(error).__name__}: {error}", address) from error
