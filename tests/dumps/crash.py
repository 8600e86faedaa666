"""Stop a run in every way there is, start it again, and see that what comes out is what an undisturbed run writes.

`python -m tests.dumps.crash [N [APART]]` (make crash) kills runs at every named point, or each APART-th, and at N times
of chance. A named point is a call that makes something last, or takes it away: `Shard.commit: replace, 3`. There the
run is killed (-9), or, at a third of them, the call fails as on a full, a read-only or a broken disk.
"""

from __future__ import annotations

import errno
import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipeline.dumps import shards
from pipeline.dumps.local import run
from pipeline.errors import UsageError
from pipeline.script.fold import fold
from tests.dumps.fakes import Fake, fingerprint, write_lines

MIXTURE = ["稀土出口", None, "雜關稅", "拒", "略", "\ud800\u2028行", "平常", "", "長" * 300] * 2
TASK = 3000
DISK = {"full": errno.ENOSPC, "read-only": errno.EROFS, "broken": errno.EIO}
LONGEST = 60.0
"""Seconds after which a run is taken to hang."""


@dataclass(frozen=True)
class Dump:
    """What is run: a first set of inputs, and one that is added when the first is done."""

    first: tuple[str, ...]
    added: tuple[str, ...]


def write_dump(folder: Path) -> Dump:
    """Write small files of several formats."""
    plain = write_lines(folder / "plain.jsonl", MIXTURE)
    packed = folder / "packed.jsonl.gz"
    packed.write_bytes(gzip.compress(Path(plain).read_bytes() * 4, mtime=0))
    with zipfile.ZipFile(folder / "pages.zip", "w") as archive:
        for n in range(12):
            archive.writestr(zipfile.ZipInfo(f"sub/{n}.txt"), f"第{n}篇。" * 30)
    added = write_lines(folder / "added.jsonl", MIXTURE[:7])
    return Dump((plain, str(packed), str(folder / "pages.zip")), (added,))


def launch(dump: Dump, out: Path, **how: Any) -> None:
    """Run to the end: the first inputs, then what is added."""
    run(dump.first, out, Fake, task_bytes=TASK, add=True, page_seconds=0, **how)
    run(dump.added, out, Fake, task_bytes=TASK, add=True, page_seconds=0, deduplicate=True, **how)


def in_a_fork(work: Callable[[], None], seconds: float = LONGEST) -> int:
    """Do some work in a fork of this process, killed after `seconds`; return how it ended, as `os.waitpid` tells."""
    child = os.fork()
    if not child:
        code = 1
        try:
            work()
            code = 0
        except UsageError:  # anything else is a traceback for the user
            code = 2
        finally:
            os._exit(code)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, ended = os.waitpid(child, os.WNOHANG)
        if done:
            return ended
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    assert seconds < LONGEST, "the run hangs"
    return os.waitpid(child, 0)[1]


def at_point(number: int, accident: Callable[[], None], told: Path) -> None:
    """Let `accident` happen before call number `number` of those that change what is on disk; tell their names."""
    seen: Counter[str] = Counter()

    def watched(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            frame = sys._getframe(1)
            while frame.f_back is not None and "pathlib" in frame.f_code.co_filename:
                frame = frame.f_back
            name = f"{frame.f_code.co_qualname}: {getattr(function, '__name__', '')}"
            if seen.total() == number:
                told.write_text(f"{name}, {seen[name] + 1}")
                accident()
            seen[name] += 1
            return function(*arguments, **named)

        return call

    for name in ("fsync", "replace", "unlink", "mkdir"):
        setattr(os, name, watched(getattr(os, name)))
    shards.Shard.add = watched(shards.Shard.add)  # type: ignore[method-assign]


def kill() -> None:
    """As a power cut does, as far as a process goes."""
    os.kill(os.getpid(), signal.SIGKILL)


def fail(number: int) -> None:
    """As a disk does."""
    raise OSError(number, os.strerror(number))


def named_points(dump: Dump, folder: Path, wanted: str, every: int = 1) -> list[str]:
    """Stop a run before each `every`-th of its points, run it to the end, compare. Return the points' names."""
    names: list[str] = []
    while True:
        out, told = folder / f"{wanted}-{len(names)}", folder / "point"
        accident = kill if wanted == "kill" else partial(fail, DISK[wanted])

        def work(out: Path = out, accident: Callable[[], None] = accident, told: Path = told) -> None:
            at_point(len(names) * every, accident, told)
            launch(dump, out)

        ended = in_a_fork(work)
        if not told.exists():
            assert ended == 0, ended
            return names
        names.append(told.read_text())
        told.unlink()
        assert ended == signal.SIGKILL if wanted == "kill" else os.waitstatus_to_exitcode(ended) in (0, 2), names[-1]
        assert in_a_fork(lambda out=out: launch(dump, out)) == 0, names[-1]  # type: ignore[misc]
        compare(out, names[-1])


def compare(out: Path, when: str) -> None:
    """Compare a run folder with the undisturbed one beside it."""
    expected = (out.parent / "undisturbed.txt").read_text()
    assert fingerprint(out) == expected, f"after {when} the run is another: {out}"


def random_times(dump: Dump, folder: Path, number: int, seed: int = 8) -> Counter[str]:
    """Kill `number` runs at times of chance, one to three times each, and run them to the end; tell what was killed."""
    chance = random.Random(seed)
    killed: Counter[str] = Counter()
    started = time.monotonic()
    assert in_a_fork(lambda: launch(dump, folder / "timed")) == 0
    seconds = time.monotonic() - started
    for one in range(number):
        out = folder / f"random-{one}"
        for _ in range(chance.randrange(1, 4)):
            if one % 10 == 9:  # with workers, each with its process for pages: any of them is killed
                killed[kill_one_of_many(dump, out, chance)] += 1
            elif in_a_fork(lambda out=out: launch(dump, out), chance.uniform(0, seconds)):  # type: ignore[misc]
                killed["the run"] += 1
        assert in_a_fork(lambda out=out: launch(dump, out)) == 0, f"seed {seed}, run {one}"  # type: ignore[misc]
        compare(out, f"seed {seed}, run {one}")
    return killed


def kill_one_of_many(dump: Dump, out: Path, chance: random.Random) -> str:
    """Start a run with two or four workers, kill one of its processes after a while; return what that was."""
    inputs = [json.dumps(dump.first), json.dumps(dump.added)]
    workers = chance.choice("24")
    command = [sys.executable, "-m", "tests.dumps.crash", "--run", *inputs, str(out), workers]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout
        process.stdout.readline()  # it begins now; its workers need half a second
        time.sleep(chance.uniform(0, 1.6))
        family = [process.pid, *descendants(process.pid)]
        victim = chance.choice(family)
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            victim = 0
        process.wait(LONGEST)
    return "nothing: it had ended" if not victim else "the run" if victim == family[0] else "a process of the run"


def descendants(process: int) -> list[int]:
    """The processes that a process started, and theirs; none where the system does not tell."""
    told = Path(f"/proc/{process}/task/{process}/children")
    try:
        own = [int(one) for one in told.read_text().split()]
    except OSError:
        return []
    return [one for child in own for one in (child, *descendants(child))]


def undisturbed(dump: Dump, folder: Path) -> None:
    """Run once as it should be."""
    assert in_a_fork(lambda: launch(dump, folder / "undisturbed")) == 0
    (folder / "undisturbed.txt").write_text(fingerprint(folder / "undisturbed"))


def main(arguments: Sequence[str]) -> None:
    """Do all of it, and print what was done."""
    if arguments[:1] == ["--run"]:
        print("begun", flush=True)
        first, added, out = json.loads(arguments[1]), json.loads(arguments[2]), Path(arguments[3])
        run(first, out, Fake, task_bytes=TASK, add=True, workers=int(arguments[4]))
        run(added, out, Fake, task_bytes=TASK, add=True, workers=int(arguments[4]), deduplicate=True)
        return
    number, apart = (int(given) for given in (*arguments, *("100", "1")[len(arguments) :]))
    for name in ("rensa", "pyarrow.parquet", "pandas"):
        import_module(name)  # once, and not in every fork, like the table that fold loads
    fold("字")
    with TemporaryDirectory() as top:
        folder = Path(top)
        dump = write_dump(folder / "in")
        undisturbed(dump, folder)
        for wanted, every in {"kill": apart, **dict.fromkeys(DISK, 3 * apart)}.items():
            names = named_points(dump, folder, wanted, every)
            kinds = len({name.split(",")[0] for name in names})
            told = "killed" if wanted == "kill" else f"{wanted} disk"
            print(f"{told} at {len(names)} named points of {kinds} kinds: as undisturbed", flush=True)
        killed = random_times(dump, folder, number)
        what = ", ".join(f"{name} {times}" for name, times in killed.most_common())
        print(f"{number} runs killed at times of chance ({what}): as undisturbed")


if __name__ == "__main__":
    main(sys.argv[1:])
