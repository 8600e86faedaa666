"""Processes for a run: one that has its processing loaded and forks, where that is safe; else a fresh one for each.

Loading takes a second of CPU and 130 MB. On Linux a process that does nothing else loads once; workers and their
processes for pages are its forks, which take a millisecond and share its memory. It has a single thread and no file of
the run open, so a fork finds nothing half done. Elsewhere, and under other schedulers, each process loads by itself.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing as mp
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import reduction, resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_for
from typing import Any, NoReturn, Protocol

from pipeline.article import Page
from pipeline.dumps.tasks import Rows
from pipeline.errors import TaowenError

__all__ = ["CAN_FORK", "FIRST", "Forked", "Loaded", "Nursery", "Process", "Spawned", "begin_child", "how"]

CAN_FORK = sys.platform == "linux"
"""macOS has libraries that do not survive a fork, Windows has none."""
FIRST = Page(
    "",
    text="兩國會談\n\n台灣的貿易代表今日在首都會面，"
    + "雙方討論關稅、軟體和稀土。會後發表聲明，稱氣氛良好。" * 3
    + "\n\n谈判结束后，双方一起参观了展览，看了新的網路平台。\n\n會場對面的理发店，這幾天一直開到深夜。",
)
"""The first page loads models and tables. It is one of ours, long enough for all of them and in both scripts, so that
no page of the input is timed for that and all processes share them."""
_PATIENCE = 1.0
"""Seconds that a process has to end by itself, once nobody listens to it."""
_PR_SET_PDEATHSIG = 1
"""linux/prctl.h: the signal that a process gets when its parent ends, however it ends."""


class Process(Protocol):
    """A process that answers what is sent to its connection."""

    connection: Connection

    @property
    def pid(self) -> int:
        """Its number."""

    def kill(self) -> None:
        """Kill it (-9). It still has to be ended."""

    def end(self) -> int:
        """Close the connection, wait a moment for the process to end by itself, else kill it. Return its exit code."""


class Spawned:
    """A fresh process that knows nothing of this one."""

    def __init__(self, serve: Callable[..., None], *arguments: Any, daemon: bool = False) -> None:
        context = mp.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, *arguments), daemon=daemon)
        with _deaf():
            self._process.start()
        theirs.close()

    @property
    def pid(self) -> int:
        """See `Process`."""
        return self._process.pid or 0

    def kill(self) -> None:
        """See `Process`."""
        self._process.kill()

    def end(self) -> int:
        """See `Process`."""
        self.connection.close()
        self._process.join(_PATIENCE)
        self._process.kill()
        self._process.join()
        return self._process.exitcode or 0


@contextmanager
def _deaf() -> Iterator[None]:
    """Keep Ctrl-C from a process that is begun here, from its first moment on; `begin_child` would come too late."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # it would listen again itself
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Forked:
    """A fork of a loaded process."""

    def __init__(self, parent: Loaded, connection: Connection, pid: int) -> None:
        self.connection = connection
        self.pid = pid
        self._parent = parent

    def kill(self) -> None:
        """See `Process`."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def end(self) -> int:
        """See `Process`."""
        self.connection.close()
        return self._parent.ended(self.pid)


class Loaded:
    """The line to a loaded process, by which it is asked for forks. Each fork has a line of its own."""

    def __init__(self, line: Connection) -> None:
        self._line = line

    def fork(self, serve: Callable[..., None], *arguments: Any) -> Forked:
        """Return a fork at work.

        Args:
            serve: what it does, called with its end of the connection, what makes rows of pages, and its own line to
                the loaded process. It must be picklable.
            *arguments: what it is called with behind these.

        Raises:
            OSError: the loaded process is no more; EOFError if it went just now.
        """
        ours, theirs = mp.Pipe()
        with theirs:
            self._line.send((serve, arguments))
            reduction.send_handle(self._line, theirs.fileno(), None)
        return Forked(self, ours, self._line.recv())

    def ended(self, pid: int) -> int:
        """Return the exit code of a fork that was asked for here, once it has ended; it is killed if it does not."""
        try:
            self._line.send(pid)
            return int(self._line.recv())
        except (EOFError, OSError):
            return -signal.SIGKILL  # the loaded process has ended, and all its forks with it

    def close(self) -> None:
        """Let the forks that were asked for here be killed."""
        self._line.close()


class Nursery(Loaded):
    """The loaded process itself: it ends with `close`, or with this process, and all its forks with it."""

    def __init__(self, make: Callable[[], Rows]) -> None:
        self._process = Spawned(_load_and_fork, make, daemon=False)
        super().__init__(self._process.connection)
        first_page(self._process)

    def close(self) -> None:
        """End it. Forks at work are killed."""
        self._process.end()


def first_page(process: Process) -> None:
    """Wait until a process has loaded all and made the row of a first page. What it raises is raised here.

    Raises:
        TaowenError: it ends before.
    """
    try:
        answer = process.connection.recv()
    except (EOFError, OSError):
        reason = f"ends the process that works on it ({how(process.end())})"
        raise TaowenError(f"Processing does not get as far as its first page: {reason}.") from None
    except BaseException:
        process.kill()
        process.end()
        raise
    if isinstance(answer, Exception):
        process.end()
        raise answer


def load(connection: Connection, make: Callable[[], Rows]) -> Rows | None:
    """Load in a process what `first_page` waits for; None if it fails there."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):  # as the command line: a page's matrices are small,
        os.environ.setdefault(name, "1")  # and a process that forks has one thread
    try:
        rows = make()
        list(rows.rows([FIRST]))
    except Exception as error:
        connection.send(error)
        return None
    gc.collect()
    gc.freeze()  # models and tables stay: the collector need not go through them (7% of the time of pages)
    connection.send(None)
    return rows


def how(code: int) -> str:
    """Return how a process ended, for a person."""
    return next((one.name for one in signal.Signals if one == -code), f"exit code {code}")


def begin_child() -> None:
    """Begin a process that leaves Ctrl-C to its parent and ends when the parent does, even by kill -9."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = mp.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)


def _die_with(parent: int) -> None:
    """End when the parent does. A thread that waits for it would be a second one, in a process that forks."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before
        os._exit(1)


def _load_and_fork(connection: Connection, make: Callable[[], Rows]) -> None:
    """Load, then fork whenever a line asks for it, and tell how forks ended, until the first line is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = mp.parent_process()
    if parent is not None and parent.pid is not None:
        _die_with(parent.pid)
    rows = load(connection, make)
    if rows is None:
        return
    lines: dict[Connection, set[int]] = {connection: set()}
    while connection in lines:
        for line in wait_for(list(lines)):
            assert isinstance(line, Connection)
            try:
                _answer(line, lines, rows)
            except (EOFError, OSError):  # nobody is there any more
                line.close()
                for pid in lines.pop(line):
                    _reap(pid, patience=0)


def _answer(line: Connection, lines: dict[Connection, set[int]], rows: Rows) -> None:
    asked = line.recv()
    if isinstance(asked, int):
        lines[line].discard(asked)
        line.send(_reap(asked, _PATIENCE))
        return
    handle = reduction.recv_handle(line)
    ours, theirs = mp.Pipe()
    here = os.getpid()
    pid = os.fork()
    if not pid:
        _work(here, [*lines, ours], theirs, handle, rows, *asked)
    os.close(handle)
    theirs.close()
    lines[line].add(pid)
    lines[ours] = set()
    line.send(pid)


def _work(
    parent: int,
    lines: Sequence[Connection],
    line: Connection,
    handle: int,
    rows: Rows,
    serve: Callable[..., None],
    arguments: Sequence[Any],
) -> NoReturn:
    """Be a fork, and end without a word to what the loaded process has registered for its own end."""
    code = 1
    try:
        _die_with(parent)
        for one in lines:
            one.close()
        serve(Connection(handle), rows, Loaded(line), *arguments)
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(Exception):
            sys.stderr.flush()
        os._exit(code)


def _reap(pid: int, patience: float) -> int:
    """Return the exit code of a fork, killed if it does not end within so many seconds."""
    end = time.monotonic() + patience
    done, status = os.waitpid(pid, os.WNOHANG)
    while not done and time.monotonic() < end:
        time.sleep(0.001)
        done, status = os.waitpid(pid, os.WNOHANG)
    if not done:
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)
