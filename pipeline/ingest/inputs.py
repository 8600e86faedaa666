"""Which files the arguments of a command name: paths, folders, globs and addresses."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import InputError
from pipeline.ingest.read import ENDINGS, PACKED, recognised
from pipeline.places import below, exists, is_address, is_folder, matching

__all__ = ["Found", "by_ending", "expand", "find"]

_ENDINGS = 8
"""Endings of files that are told apart."""


@dataclass(frozen=True, slots=True)
class Found:
    """What arguments name."""

    files: list[str]
    """Each once: in the order of the arguments, sorted within each."""
    passed_over: list[str]
    """What their folders hold beside these, sorted: files of no kind that is read, hidden ones, rejects."""


def expand(inputs: Sequence[str]) -> list[str]:
    """Return the files that `find` finds. What it raises is raised."""
    return find(inputs).files


def find(inputs: Sequence[str]) -> Found:
    """Return the files that the arguments name.

    An argument is a path, a glob, or an address such as `s3://bucket/crawl` (also with a glob).

    A folder gives all files below it whose ending is known or whose content is recognised; hidden files and
    `*.rejects.jsonl` are left out. A file named by itself or by a glob is always taken.

    Raises:
        InputError: a path is missing, a glob matches nothing, or a folder holds nothing readable or cannot be listed.
    """
    found: dict[str, str] = {}
    left: dict[str, str] = {}
    for given in inputs:
        for path, wanted in _found(given):
            same = path if path == "-" or is_address(path) else os.path.abspath(path)  # noqa: PTH100  keeps links
            (found if wanted else left).setdefault(same, path)
    return Found(list(found.values()), sorted(path for same, path in left.items() if same not in found))


def by_ending(paths: Iterable[str]) -> str:
    """Return the endings of some files with how many have them, the most frequent first: `.srt 3, hidden 1`."""
    found = Counter(_ending(Path(path)) for path in paths)
    told = [f"{ending} {number}" for ending, number in found.most_common(_ENDINGS)]
    rest = found.total() - sum(number for _, number in found.most_common(_ENDINGS))
    return ", ".join([*told, f"others {rest}"] if rest else told)


def _ending(path: Path) -> str:
    if path.name.startswith("."):
        return "hidden"
    packed = path.suffix.lower() in PACKED
    return "".join(path.suffixes[-2 if packed else -1 :]).lower() or "(none)"


def _found(given: str) -> list[tuple[str, bool]]:
    """Return the files that an argument names, sorted, and whether each is read."""
    path = Path(given)
    if given == "-":
        return [("-", True)]
    if is_address(given):
        try:
            return _found_address(given)
        except OSError as error:
            raise InputError(f"{given} cannot be read: {error.strerror}.") from error
    if path.is_dir():
        return _readable(given, sorted(_walk(given)))
    if path.exists() or path.is_symlink():
        return [(given, True)]
    if not glob.has_magic(given):
        raise InputError(f"{given} does not exist. Check the path.")
    matches = sorted(glob.glob(given, recursive=True))  # noqa: PTH207  Path.glob takes no absolute pattern
    if not matches:
        raise InputError(f"No file matches {given}. Check the pattern, and quote it so that the shell leaves it alone.")
    return [file for match in matches for file in (sorted(_walk(match)) if Path(match).is_dir() else ((match, True),))]


def _readable(folder: str, files: list[tuple[str, bool]]) -> list[tuple[str, bool]]:
    if not any(wanted for _, wanted in files):
        held = f" (it holds {by_ending(path for path, _ in files)})" if files else ""
        raise InputError(
            f"{folder} holds no file that can be read{held}. Give a folder with {', '.join(ENDINGS)} files, or name "
            "the files: what is named is read."
        )
    return files


def _found_address(given: str) -> list[tuple[str, bool]]:
    if is_folder(given):
        return _readable(given, [(path, _wanted(path.removeprefix(given), path)) for path in below(given)])
    if exists(given):
        return [(given, True)]
    matches = matching(given) if glob.has_magic(given) else []
    if not matches:
        raise InputError(f"{given} does not exist. Check the address.")
    return [file for match in matches for file in (_found_address(match) if is_folder(match) else ((match, True),))]


def _wanted(below: str, path: str) -> bool:
    """Whether a file of a folder is read: `below` is its place there."""
    name = Path(path).name
    hidden = any(part.startswith(".") for part in below.split("/"))
    return not hidden and not name.endswith(".rejects.jsonl") and recognised(path)


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
