"""Which files the arguments of a command name: paths, folders, globs and addresses."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.errors import InputError
from pipeline.ingest.read import ENDINGS, recognised
from pipeline.places import below, exists, is_address, is_folder, matching

__all__ = ["expand", "passed_over"]


def expand(inputs: Sequence[str]) -> list[str]:
    """Return the files that the arguments name, each once: in the order of the arguments, sorted within each.

    An argument is a path, a glob, or an address such as `s3://bucket/crawl` (also with a glob).

    A folder gives all files below it whose ending is known or whose content is recognised; hidden files and
    `*.rejects.jsonl` are left out. A file named by itself or by a glob is always taken.

    Raises:
        InputError: a path is missing, a glob matches nothing, or a folder holds nothing readable.
    """
    found: dict[str, str] = {}
    for given in inputs:
        for path in _expand_one(given):
            same = path if path == "-" or is_address(path) else os.path.abspath(path)  # noqa: PTH100  keeps links
            found.setdefault(same, path)
    return list(found.values())


def passed_over(inputs: Sequence[str]) -> list[str]:
    """Return the files that the folders among the arguments hold and `expand` leaves out; of this machine only.

    Behind an address every look at a file is a request, and `expand` has made them once.

    Raises:
        InputError: a folder cannot be listed.
    """
    folders = [given for given in inputs if not is_address(given) and Path(given).is_dir()]
    return sorted({path for folder in folders for path, wanted in _walk(folder) if not wanted})


def _expand_one(given: str) -> list[str]:
    path = Path(given)
    if given == "-":
        return ["-"]
    if is_address(given):
        try:
            return _expand_address(given)
        except OSError as error:
            raise InputError(f"{given} cannot be read: {error.strerror}.") from error
    if path.is_dir():
        files = _walked(given)
        if not files:
            raise InputError(f"{given} holds no file that can be read. Give a folder with {', '.join(ENDINGS)} files.")
        return files
    if path.exists() or path.is_symlink():
        return [given]
    if not glob.has_magic(given):
        raise InputError(f"{given} does not exist. Check the path.")
    matches = sorted(glob.glob(given, recursive=True))  # noqa: PTH207  Path.glob takes no absolute pattern
    if not matches:
        raise InputError(f"No file matches {given}. Check the pattern, and quote it so that the shell leaves it alone.")
    return [file for match in matches for file in (_walked(match) if Path(match).is_dir() else (match,))]


def _expand_address(given: str) -> list[str]:
    if is_folder(given):
        files = [path for path in below(given) if _wanted(path.removeprefix(given), path)]
        if not files:
            raise InputError(f"{given} holds no file that can be read. Give a folder with {', '.join(ENDINGS)} files.")
        return files
    if exists(given):
        return [given]
    matches = matching(given) if glob.has_magic(given) else []
    if not matches:
        raise InputError(f"{given} does not exist. Check the address.")
    return [file for match in matches for file in (_expand_address(match) if is_folder(match) else (match,))]


def _wanted(below: str, path: str) -> bool:
    """Whether a file of a folder is read: `below` is its place there."""
    name = Path(path).name
    hidden = any(part.startswith(".") for part in below.split("/"))
    return not hidden and not name.endswith(".rejects.jsonl") and recognised(path)


def _walked(folder: str) -> list[str]:
    return sorted(path for path, wanted in _walk(folder) if wanted)


def _walk(folder: str) -> Iterator[tuple[str, bool]]:
    """Yield the files below a folder, and whether they are read. Hidden folders are left out.

    Links to folders are followed, but not in circles.

    Raises:
        InputError: a folder cannot be listed: what it holds would be passed over without a word.
    """
    waiting: list[tuple[str, frozenset[tuple[int, int]]]] = [(folder, frozenset())]
    while waiting:
        top, above = waiting.pop()
        try:
            about = Path(top).stat()
            with os.scandir(top) as found:
                entries = list(found)
        except OSError as error:
            raise InputError(f"The folder {top} cannot be read: {error.strerror}. Check its permissions.") from None
        here = about.st_dev, about.st_ino
        if here in above:
            continue
        for entry in entries:
            if entry.is_dir() and not entry.name.startswith("."):
                waiting.append((entry.path, above | {here}))
            elif not entry.is_dir():
                yield entry.path, _wanted(entry.name, entry.path)
