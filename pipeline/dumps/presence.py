"""Who works in the folder of a run: a lock on the folder itself, which ends with its process, however that ends."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.errors import UsageError
from pipeline.folders import Folder, Where, folder_of
from pipeline.places import is_address

__all__ = ["Presence", "present", "work_in"]

_UNLOCKABLE = frozenset((errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP))
"""What file systems answer that lock no folders: NFS (which wants one open for writing), Lustre without `-o flock`."""
_SHARED = ("9p", "afs", "beegfs", "ceph", "cifs", "fuse.", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "smb")
"""How the types of file systems begin that other machines may write to. Some of their locks hold on one machine."""
_TRIES = 5
_PAUSE = 0.02
"""Seconds until a lock is tried again: `present` takes it for a moment."""


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether somebody works in a folder."""

    state: Literal["at work", "nobody", "unknown"]
    """Unknown where other machines can work in it and nothing shows that, and where nothing can be locked."""
    processes: tuple[int, ...] = ()
    """Those at work, where the system tells."""
    last: float | None = None
    """When a task was done last, in seconds since the epoch by the clock of the file system; None where none tells."""


@contextmanager
def work_in(out: Folder, *, alone: bool) -> Iterator[None]:
    """Make the folder, and keep a second launch out of it.

    Two launches would write the same bytes, but sweep away each other's temporary files. Launches that each have
    their share of the tasks do not. Behind an address, and on some file systems, nothing can be locked: there a second
    launch may take away a part that the first has just put in its place, which the first then counts as not done.

    Raises:
        UsageError: the folder cannot be made, or somebody works in it.
    """
    try:
        out.make()
    except OSError as error:
        raise UsageError(f"The folder {out} cannot be made: {error.strerror}.") from error
    number = _opened(out)
    try:
        for left in reversed(range(_TRIES)):
            if number is None or _locked(number, alone=alone) is not False:
                break
            if not left:
                here = f" (process {', '.join(map(str, holders))})" if (holders := _holders(number)) else ""
                raise UsageError(f"Another taowen works in {out}{here}. Wait for it, or stop it first.")
            time.sleep(_PAUSE)
        yield
    finally:
        if number is not None:
            os.close(number)


def present(out: Where) -> Presence:
    """Return who works in the folder of a run. Changes nothing there."""
    folder = folder_of(out)
    if is_address(str(folder)):
        return Presence("unknown")
    try:
        last = (Path(str(folder)) / "receipts").stat().st_mtime if folder.sizes("receipts") else None
        number = _opened(folder)
    except OSError:
        return Presence("unknown")
    if number is None:
        return Presence("unknown", last=last)
    try:
        free = _locked(number, alone=True)
        if free is False:
            return Presence("at work", _holders(number), last)
        return Presence("unknown" if free is None or _is_shared(str(folder)) else "nobody", last=last)
    finally:
        os.close(number)


def _opened(out: Folder) -> int | None:
    """Return the descriptor of a folder; None where a folder cannot be opened."""
    return None if is_address(str(out)) or sys.platform == "win32" else os.open(str(out), os.O_RDONLY)


def _locked(number: int, *, alone: bool) -> bool | None:
    """Lock an open folder until it is closed. False where another process has it, None where nothing can be locked."""
    import fcntl

    try:
        fcntl.flock(number, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _UNLOCKABLE:
            return None
        raise
    return True


def _holders(number: int) -> tuple[int, ...]:
    """Return the processes that have locked an open folder, where the system tells: Linux does."""
    stat = os.fstat(number)
    name = f"{os.major(stat.st_dev):02x}:{os.minor(stat.st_dev):02x}:{stat.st_ino}"
    try:
        rows = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
    except OSError:
        return ()
    # 1: FLOCK  ADVISORY  WRITE 4242 fe:00:1310721 0 EOF; who waits has an arrow behind the number
    found = {int(row[4]) for row in rows if len(row) > 5 and row[1] == "FLOCK" and row[5] == name}
    return tuple(sorted(found - {0, -1}))  # those are of other containers


def _is_shared(path: str) -> bool:
    """Whether other machines may write to a folder, by the type of its file system; False where none tells."""
    try:
        mounts = Path("/proc/self/mountinfo").read_text()
    except OSError:
        return False
    device = os.stat(path).st_dev  # noqa: PTH116 - by its number, since a mount may lie over another
    name = f"{os.major(device)}:{os.minor(device)}"
    # 36 35 98:0 /root /mnt rw,noatime master:1 - ext3 /dev/sda rw: the type is behind the dash
    rows = [line.split() for line in mounts.splitlines()]
    return any(row[2] == name and row[row.index("-") + 1].startswith(_SHARED) for row in rows if "-" in row)
