"""Batch runs: CPU against a bare loop, memory and time as the dump grows, and what a user would build instead."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

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


def _measured(command: list[str]) -> tuple[float, float, float]:
    """Run a command; return CPU seconds of it and all that it started, seconds by the clock, peak memory in MB."""
    before, start, peak = os.times(), time.monotonic(), 0
    log = (BENCH / "dumps.log").open("w")
    with log, subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **ONE_THREAD}) as process:
        while process.poll() is None:
            peak = max(peak, sum(map(_resident, _family(process.pid))))
            time.sleep(0.5)
        if process.returncode:
            raise RuntimeError(f"{command[:4]} ended with {process.returncode}: see {BENCH / 'dumps.log'}")
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return cpu, time.monotonic() - start, peak / 1e6


def _run(source: Path, name: str, workers: int = 2) -> tuple[float, float, float]:
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
    bare = _measured([sys.executable, "-c", _BARE, str(large), str(BENCH / "bare.jsonl")])
    runs = {number: _run(path, str(number)) for number, path in sources.items()}
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
    pages = [one for one in read(str(source)) if isinstance(one, Page)]
    folders = {len(some): _packed(some) for some in (pages, pages[:FILES])}
    table_ = [_peer_row("taowen run --workers 2", lambda folder: _run(folder, "html"), folders)]
    for name, (script, package) in PEERS.items():
        python = environment(script.removesuffix("_peer.py"), package)
        if isinstance(python, str):
            table_.append((name, python, *("-",) * 6))
            continue

        def theirs(folder: Path, python: Path = python, script: str = script) -> tuple[float, float, float]:
            out = BENCH / f"{script}.out"
            shutil.rmtree(out, ignore_errors=True)
            return _measured([str(python), str(HERE / script), str(folder), str(out)])

        table_.append(_peer_row(name, theirs, folders))
    ours = float(table_[0][5])
    rows = [(*row[:-1], f"{ours / float(row[5]):.1f}" if row[5] != "-" else "-") for row in table_]
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
        f"{table(head, rows)}\n\nThe start is a run of {FILES} pages, and pages per CPU second are those behind it. "
        f"Each page comes once, in {FILES} files; of {ROUNDS} runs in turn the one with the least CPU counts."
    )


def _peer_row(
    name: str, run: Callable[[Path], tuple[float, float, float]], folders: dict[int, Path]
) -> tuple[str, ...]:
    whole, start = ([run(folder) for _ in range(ROUNDS)] for folder in folders.values())
    pages, few = folders
    cpu, least = min(one[0] for one in whole), min(one[0] for one in start)
    peak = max(one[2] for one in whole)
    return name, str(pages), f"{cpu:.1f}", f"{least:.1f}", f"{peak:.0f}", f"{(pages - few) / (cpu - least):.2f}", ""


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
