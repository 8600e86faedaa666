"""Where files lie: in a folder of this machine, or behind an address that fsspec knows, such as `s3://bucket/crawl`.

What is on this machine is reached directly. Behind an address a file cannot be appended to or renamed, so it is
written here first and put there whole; where even that is not done in one step (SFTP), half a file may be left, which
is why a run counts what its receipts vouch for and nothing else.
"""

from __future__ import annotations

import errno
import io
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias

from pipeline.errors import InputError, UsageError

__all__ = [
    "TEMPORARY",
    "Folder",
    "Where",
    "below",
    "exists",
    "folder_of",
    "is_address",
    "is_folder",
    "matching",
    "open_file",
    "read_spans",
    "size_of",
    "temporary_of",
]

TEMPORARY = ".*.tmp"
"""Matches what an attempt that was killed leaves behind in a folder of this machine."""
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
"""Two letters at least: `C://` is a drive."""
_BLOCK = 4 * 2**20
"""Bytes fetched ahead of a reader: a request to an object store takes some hundredths of a second."""
_CHUNK = 2**20
"""Bytes handed on at a time: each passes through Python."""
_TOGETHER = 256
"""Small files fetched at a time: an object store answers them side by side."""
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
    system, path = _system(address)
    with _as_oserror(address):
        return bool(system.exists(path))


def is_folder(given: str) -> bool:
    """Whether an address or a path is that of a folder. Raises OSError where that cannot be told."""
    if not is_address(given):
        return Path(given).is_dir()
    system, path = _system(given)
    with _as_oserror(given):
        return bool(system.isdir(path))


def below(address: str) -> list[str]:
    """Return the addresses of all files below a folder, sorted."""
    system, path = _system(address)
    with _as_oserror(address):
        found = system.find(path)
    root = len(path.rstrip("/"))
    return sorted(address.rstrip("/") + one[root:] for one in found)


def matching(pattern: str) -> list[str]:
    """Return the addresses of the files and folders that a glob matches, sorted."""
    system, path = _system(pattern)
    with _as_oserror(pattern):
        return sorted(system.unstrip_protocol(one) for one in system.glob(path))


def size_of(path: str) -> int:
    """Return the bytes of a file, at an address or on this machine. Raises OSError."""
    if not is_address(path):
        return Path(path).stat().st_size
    system, place = _system(path)
    with _as_oserror(path):
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
    system, place = _system(path)
    starts, ends = [start for start, _ in spans], [end for _, end in spans]
    with _as_oserror(path):
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
    system, place = _system(path)
    with _as_oserror(path):
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
            with _as_oserror(self._address):
                yield
        except OSError as error:
            raise InputError(f"{self._address} cannot be read further: {error.strerror}.") from error


class Folder(Protocol):
    """A folder that files are put into whole. Names are relative to it, with `/` between folder and file."""

    def make(self, *inside: str) -> None:
        """Make the folder and some inside it, where they are not there."""

    def entries(self) -> list[str]:
        """Return the names of all that lies in it, folders too; none where it is not there."""

    def sizes(self, inside: str) -> dict[str, int]:
        """Return the files of a folder inside by their names there, sorted, with their bytes."""

    def read(self, name: str) -> bytes:
        """Return the content of a file. Raises FileNotFoundError, and OSError."""

    def read_all(self, names: Sequence[str]) -> Iterator[bytes | None]:
        """Yield the content of each file, None for one that is not there."""

    def open(self, name: str) -> BinaryIO:
        """Open a file for reading, whatever it is for: a stream that can seek."""

    def temporary(self, name: str) -> Path:
        """Return where on this machine to write what `commit` will put in its place."""

    def commit(self, temporary: Path, name: str) -> None:
        """Put a file in its place, on disk before this returns; `temporary` is no more."""

    def write(self, name: str, content: bytes) -> None:
        """Write a file that is there with all its content or not at all, on disk before this returns."""

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

    def scratch(self) -> Path:
        """Make a folder on this machine for what is needed for a while. What a killed process left is removed."""


Where: TypeAlias = str | Path | Folder


def folder_of(given: Where) -> Folder:
    """Return the folder at a path or an address."""
    if isinstance(given, Path):
        return _Here(given)
    if not isinstance(given, str):
        return given
    return _There(given.rstrip("/")) if is_address(given) else _Here(Path(given))


def temporary_of(path: Path) -> Path:
    """Return a name for `path` while it is written. Chance keeps apart attempts on machines that share the folder."""
    return path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.tmp")


@dataclass(frozen=True, slots=True)
class _Here:
    """A folder of this machine, or mounted on it: renames are whole."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def make(self, *inside: str) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        for name in inside:
            (self.path / name).mkdir(exist_ok=True)

    def entries(self) -> list[str]:
        try:
            return sorted(one.name for one in self.path.iterdir())
        except FileNotFoundError:
            return []

    def sizes(self, inside: str) -> dict[str, int]:
        try:
            with os.scandir(self.path / inside) as found:
                return dict(sorted((one.name, one.stat().st_size) for one in found if one.is_file()))
        except FileNotFoundError:
            return {}

    def read(self, name: str) -> bytes:
        return (self.path / name).read_bytes()

    def read_all(self, names: Sequence[str]) -> Iterator[bytes | None]:
        for name in names:
            try:
                content = self.read(name)
            except FileNotFoundError:
                yield None
            else:
                yield content

    def open(self, name: str) -> BinaryIO:
        return (self.path / name).open("rb")

    def temporary(self, name: str) -> Path:
        return temporary_of(self.path / name)

    def commit(self, temporary: Path, name: str) -> None:
        place = self.path / name
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(place)
        _sync_folder(place.parent)

    def write(self, name: str, content: bytes) -> None:
        _write_whole(self, name, content)

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    def scratch(self) -> Path:
        for stale in self.path.glob(".scratch-*"):
            shutil.rmtree(stale)
        return Path(tempfile.mkdtemp(prefix=".scratch-", dir=self.path))


@dataclass(frozen=True, slots=True)
class _There:
    """A folder behind an address. An object store has no folders: they are there with their files."""

    address: str

    def __str__(self) -> str:
        return self.address

    def make(self, *inside: str) -> None:
        system, path = self._at("")
        top = path.partition("/")[0]
        with _as_oserror(self.address):
            if top and not system.exists(top):  # a bucket costs money and has an owner: it is not made here
                raise OSError(errno.ENOENT, f"there is no {top}", self.address)
            for name in ("", *inside):
                system.makedirs(self._at(name)[1], exist_ok=True)

    def entries(self) -> list[str]:
        return [one["name"].rstrip("/").rpartition("/")[2] for one in self._listed("")]

    def sizes(self, inside: str) -> dict[str, int]:
        files = (one for one in self._listed(inside) if one["type"] == "file")
        return dict(sorted((one["name"].rpartition("/")[2], int(one["size"] or 0)) for one in files))

    def read(self, name: str) -> bytes:
        system, path = self._at(name)
        with _as_oserror(f"{self.address}/{name}"):
            return bytes(system.cat_file(path))

    def read_all(self, names: Sequence[str]) -> Iterator[bytes | None]:
        system, _ = self._at("")
        source = iter(names)
        while some := [self._at(name)[1] for name in islice(source, _TOGETHER)]:
            with _as_oserror(self.address):
                # No cat(): it takes a bracket in a name for a pattern.
                found = system.cat_ranges(some, [None] * len(some), [None] * len(some), on_error="return")
                for one in found:
                    if isinstance(one, Exception) and not isinstance(one, FileNotFoundError):
                        raise one
            yield from (None if isinstance(one, FileNotFoundError) else bytes(one) for one in found)

    def open(self, name: str) -> BinaryIO:
        return open_file(f"{self.address}/{name}")

    def temporary(self, name: str) -> Path:
        number, path = tempfile.mkstemp(prefix="taowen-", suffix=Path(name).suffix)
        os.close(number)
        return Path(path)

    def commit(self, temporary: Path, name: str) -> None:
        system, path = self._at(name)
        with _as_oserror(f"{self.address}/{name}"):
            system.put_file(str(temporary), path)
        temporary.unlink()

    def write(self, name: str, content: bytes) -> None:
        _write_whole(self, name, content)

    def remove(self, name: str) -> None:
        system, path = self._at(name)
        with _as_oserror(f"{self.address}/{name}"):
            if system.exists(path):
                system.rm_file(path)

    def scratch(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="taowen-"))

    def _at(self, name: str) -> tuple[Any, str]:
        system, root = _system(self.address)
        return system, f"{root.rstrip('/')}/{name}" if name else root

    def _listed(self, inside: str) -> list[dict[str, Any]]:
        system, path = self._at(inside)
        system.invalidate_cache()  # others write there too
        with _as_oserror(f"{self.address}/{inside}"):
            try:
                found: list[dict[str, Any]] = system.ls(path, detail=True)
            except FileNotFoundError:
                return []
        # A bucket may hold an empty object that stands for the folder itself.
        return [one for one in found if one["name"].rstrip("/") != path.rstrip("/")]


def _write_whole(folder: Folder, name: str, content: bytes) -> None:
    temporary = folder.temporary(name)
    try:
        temporary.write_bytes(content)
        folder.commit(temporary, name)
    finally:
        temporary.unlink(missing_ok=True)


def _system(address: str) -> tuple[Any, str]:
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
def _as_oserror(address: str) -> Iterator[None]:
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


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder last through a power cut."""
    if os.name == "nt":  # Windows opens no folders
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
