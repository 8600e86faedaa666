"""Batch runs: CPU against a bare loop, memory and time as the dump grows, and what a user would build instead."""

from __future__ import annotations

import ctypes
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from compileall import compile_dir
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import pipeline
from pipeline.article import Page
from pipeline.ingest.read import read

from .quality import records
from .report import BENCH, table
from .speed import HERE, ONE_THREAD, Package, environment

__all__ = ["dumps"]

PAGES = 20_000
"""Articles of the pool in the large dump; the small one has a tenth."""
LONGEST = 1500
"""Characters of an article: what a dump of flattened news has, and the run stays under three minutes."""
TIMES = 4
"""Copies of pages-dev: what loads and warms up weighs less."""
_TEXT = re.compile("(?<=>)([\u4e00-\u9f00])(?=[^<>]{7})")
FILES = 4
"""That the pages of HTML lie in: datatrove's workers take a file each."""
ROUNDS = 2
PEERS = {
    "trafilatura + OpenCC + jieba + TF-IDF, pool of 2": (
        "pool_peer.py",
        Package(("trafilatura", "lxml_html_clean", "opencc", "jieba", "scikit-learn")),
    ),
    "datatrove with its trafilatura extractor, 2 workers": (
        "datatrove_peer.py",
        Package(("datatrove[io,processing]", "lxml_html_clean")),
    ),
}
"""What a user would take instead: the script, and its environment."""
OURS = "taowen run --workers 2"
Figures: TypeAlias = tuple[float, float, float]
"""CPU seconds, seconds by the clock, peak memory in MB."""
_BARE = """
import sys
from pipeline.ingest.read import read
from pipeline.process import Process, ProcessConfig
from pipeline.records import to_line
with open(sys.argv[2], "wb") as out:
    for row in Process(ProcessConfig()).rows(read(sys.argv[1])):
        if isinstance(row, dict):
            out.write(to_line(row))
"""
_RUN = "import sys; from pipeline.cli import main; sys.argv[0] = 'taowen'; main()"


def _family(process: int) -> list[int]:
    try:
        own = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return []
    return [process, *(one for child in own for one in _family(int(child)))]


def _resident(process: int) -> int:
    """Bytes of memory of a process that no other process shares, and its share of the rest; 0 where none tells."""
    try:
        told = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss: +(\d+) kB", told, re.M)
    return int(found[1]) * 1024 if found else 0


def _measured(command: list[str]) -> Figures:
    """Run a command; return CPU seconds of it and all that it started, seconds by the clock, peak memory in MB."""
    before, start, peak = os.times(), time.monotonic(), 0
    log = (BENCH / "dumps.log").open("w")
    _adopt_orphans()
    with log, subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **ONE_THREAD}) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(_resident, _family(process.pid))))
            time.sleep(0.5)
        if process.returncode:
            raise RuntimeError(f"{command[:4]} ended with {process.returncode}: see {BENCH / 'dumps.log'}")
    with suppress(ChildProcessError):
        while os.waitpid(-1, 0):
            pass
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return cpu, time.monotonic() - start, peak / 1e6


def _adopt_orphans() -> None:
    """Let this process be told what servers of a command have used: datatrove's workers, most of its CPU, are such."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER


def _run(source: Path, name: str, workers: int = 2) -> Figures:
    out = BENCH / f"run-{name}"
    options = ["run", str(source), "--out", str(out), "--force", "--workers", str(workers), "--max-rejects", "100%"]
    return _measured([sys.executable, "-c", _RUN, *options])


def dumps(data: Path) -> str:
    """Return the tables."""
    pool = (row for row in records(data / "news-pool.jsonl.gz") if len(row["text"]) <= LONGEST)
    sources = {number: BENCH / f"dump-{number}.jsonl" for number in (PAGES // 10, PAGES)}
    some = list(islice(pool, PAGES))
    for number, path in sources.items():
        with path.open("w", encoding="utf-8") as file:
            for row in some[:: len(some) // number]:
                file.write(json.dumps({"id": row["id"], "text": row["text"]}, ensure_ascii=False) + "\n")
    large = sources[PAGES]
    compile_dir(
        Path(pipeline.__file__).parent, quiet=1
    )  # as pip does: where nothing may be written there, each process would compile anew
    bares, several = [], []
    for _ in range(ROUNDS):
        bares.append(_measured([sys.executable, "-c", _BARE, str(large), str(BENCH / "bare.jsonl")]))
        several.append({number: _run(path, str(number)) for number, path in sources.items()})
    bare = min(bares)
    runs = {number: min(one[number] for one in several) for number in sources}
    rows = [("bare loop, one process", PAGES, *(f"{one:.0f}" for one in bare), "1.00")]
    for number, (cpu, wall, peak) in runs.items():
        share = f"{cpu / bare[0]:.2f}" if number == PAGES else "-"
        rows.append(("taowen run --workers 2", number, f"{cpu:.0f}", f"{wall:.0f}", f"{peak:.0f}", share))
    head = ("articles of news-pool as text", "pages", "CPU s", "s", "peak MB", "CPU of the bare loop")
    grown = runs[PAGES][0] / runs[PAGES // 10][0], runs[PAGES][2] / runs[PAGES // 10][2]
    told = f"{table(head, rows)}\n\nTen times the pages: {grown[0]:.1f} times the CPU, {grown[1]:.2f} times the memory."
    return f"{told}\n\n{_beside_peers(data / 'pages-dev.jsonl.gz')}"


def _beside_peers(source: Path) -> str:
    """Run the same HTML pages through taowen and through what a user would take instead."""
    found = [one for one in read(str(source)) if isinstance(one, Page)]
    pages = [replace(page, id=f"{page.id}-{time}", html=_varied(page, time)) for time in range(TIMES) for page in found]
    whole, few = _packed(pages), _packed(pages[:FILES])
    ways: dict[str, Callable[[Path], Figures]] = {OURS: lambda folder: _run(folder, "html")}
    missing = []
    for name, (script, package) in PEERS.items():
        python = environment(script.removesuffix("_peer.py"), package)
        if isinstance(python, str):
            missing.append((name, python, *("-",) * 5))
        else:
            ways[name] = partial(_run_peer, python, script)
    figures: dict[str, list[tuple[Figures, Figures]]] = {name: [] for name in ways}
    for _ in range(ROUNDS):  # in turns, so that a busy spell of the machine falls on all of them
        for name, run in ways.items():
            figures[name].append((run(whole), run(few)))
    rows, pace = [], {}
    for name, rounds in figures.items():
        cpu, start = (min(one[which][0] for one in rounds) for which in (0, 1))
        pace[name] = (len(pages) - FILES) / (cpu - start)
        peak = max(one[0][2] for one in rounds)
        told = f"{cpu:.1f}", f"{start:.1f}", f"{peak:.0f}", f"{pace[name]:.1f}", f"{pace[OURS] / pace[name]:.1f}"
        rows.append((name, len(pages), *told))
    head = (
        "pages-dev, packed HTML",
        "pages",
        "CPU s",
        "of them start",
        "peak MB",
        "pages per CPU s",
        "taowen is times",
    )
    return (
        f"{table(head, [*rows, *missing])}\n\nThe start is a run of {FILES} pages, and pages per CPU second are those "
        f"behind it. The pages lie in {FILES} files, {TIMES} times, each with another character in each line, since "
        f"taowen and trafilatura remember lines. Of {ROUNDS} rounds the least CPU counts."
    )


def _run_peer(python: Path, script: str, folder: Path) -> Figures:
    out = BENCH / f"{script}.out"
    shutil.rmtree(out, ignore_errors=True)
    out.unlink(missing_ok=True)
    return _measured([str(python), str(HERE / script), str(folder), str(out)])


def _varied(page: Page, time: int) -> str:
    """Return a page's HTML with the first character of each of its longer lines of text changed."""
    assert isinstance(page.html, str)
    return _TEXT.sub(lambda line: chr(ord(line[1]) + time), page.html) if time else page.html


def _packed(pages: Sequence[Page]) -> Path:
    """Write pages as packed JSON lines in a folder of `FILES` files."""
    folder = BENCH / f"pages-{len(pages)}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number in range(FILES):
        with gzip.open(folder / f"{number}.jsonl.gz", "wt", encoding="utf-8", compresslevel=1) as file:
            for page in pages[number::FILES]:
                file.write(json.dumps({"id": page.id, "html": page.html}, ensure_ascii=False) + "\n")
    return folder
