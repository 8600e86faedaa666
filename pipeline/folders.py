"""Folders that files are put into whole: on this machine, or behind an address that fsspec knows.

Behind an address a file cannot be appended to or renamed, so it is written here first and put there whole; where even
that is not done in one step (SFTP), half a file may be left, which is why a run counts what its receipts vouch for and
nothing else.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeAlias

from pipeline.places import as_oserror, is_address, open_file, system_of

__all__ = ["TEMPORARY", "Folder", "Where", "folder_of", "temporary_of"]

TEMPORARY = ".*.tmp"
"""Matches what an attempt that was killed leaves behind in a folder of this machine."""
_TOGETHER = 256
"""Small files fetched at a time: an object store answers them side by side."""


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
        except (FileNotFoundError, NotADirectoryError):
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
        with as_oserror(self.address):
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
        with as_oserror(f"{self.address}/{name}"):
            return bytes(system.cat_file(path))

    def read_all(self, names: Sequence[str]) -> Iterator[bytes | None]:
        system, _ = self._at("")
        source = iter(names)
        while some := [self._at(name)[1] for name in islice(source, _TOGETHER)]:
            with as_oserror(self.address):
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
        with as_oserror(f"{self.address}/{name}"):
            system.put_file(str(temporary), path)
        temporary.unlink()

    def write(self, name: str, content: bytes) -> None:
        _write_whole(self, name, content)

    def remove(self, name: str) -> None:
        system, path = self._at(name)
        with as_oserror(f"{self.address}/{name}"):
            if system.exists(path):
                system.rm_file(path)

    def scratch(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="taowen-"))

    def _at(self, name: str) -> tuple[Any, str]:
        system, root = system_of(self.address)
        return system, f"{root.rstrip('/')}/{name}" if name else root

    def _listed(self, inside: str) -> list[dict[str, Any]]:
        system, path = self._at(inside)
        system.invalidate_cache()  # others write there too
        with as_oserror(f"{self.address}/{inside}"):
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


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder last through a power cut."""
    if os.name == "nt":  # Windows opens no folders
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
