"""Speed on one core, in CPU seconds, and the packages beside taowen: their speed and quality on the same pages."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from .quality import records
from .report import BENCH, scored, table

__all__ = ["HERE", "ONE_THREAD", "PACKAGES", "Package", "environment", "fold_speed", "seconds", "speed"]

ROUNDS = 3
"""Passes over the data; the fastest one counts, after a few pages that load models and tables. Passes of the same work
differ by two fifths on a machine with neighbours: 38 and 22 pages/s were seen."""
FOLD_ROUNDS = 9
"""The same for folding, where a round takes half a second."""
TEXTS = 2000
"""Articles of the pool that fold and tag are timed on."""
STRANGERS = 200
"""Articles that a fork cleans before its clock starts."""
SLICE = 10
"""Pages that a package cleans before it is the next one's turn: about half a second."""
EVERY = 40
"""Every so manieth article of the pool is cleaned as flattened text: about a thousand, of all its sources."""
HERE = Path(__file__).resolve().parent
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
"""Set for the packages' processes; what runs in this one is held to one thread by threadpoolctl."""


@dataclass(frozen=True, slots=True)
class Package:
    """What pip is told to install into an environment of its own."""

    requirements: tuple[str, ...]
    oldest: tuple[int, int] = (3, 11)
    """The oldest Python that it runs on, as far as it matters: taowen itself asks for 3.11."""


# lxml_html_clean: not every release of the two asks for it, but both need it.
PACKAGES = {
    "trafilatura": Package(("trafilatura", "lxml_html_clean")),
    "readability-lxml": Package(("readability-lxml", "lxml_html_clean")),
    "resiliparse": Package(("resiliparse",)),
    "magic-html": Package((os.environ.get("TAOWEN_MAGIC_HTML") or "magic-html",), (3, 12)),
    "opencc-pyo3": Package(("opencc-pyo3",)),
    "zhconv-rs": Package(("zhconv-rs",)),
    "hanzidentifier": Package(("hanzidentifier",)),
}
PEERS = {
    "trafilatura": ("trafilatura", "trafilatura"),
    "trafilatura-precision": ("trafilatura", "trafilatura, favor_precision"),
    "readability": ("readability-lxml", "readability-lxml"),
    "resiliparse": ("resiliparse", "resiliparse, main_content"),
    "magic-html": ("magic-html", "magic-html"),
}
"""A way of peer.py, its package, and how the table calls it."""
YARDSTICK = "magic-html"
"""The peer that the last column compares with: the one of them that was made for Chinese pages first."""
COLUMNS = (
    "HTML, one core",
    "version",
    "Python",
    "F1 of news",
    "Simplified",
    "Traditional",
    "foreign lines a page",
    "lost paragraphs",
    "pages F1 < .5",
    "pages per CPU s",
    f"times {YARDSTICK}",
)
_SCORES = re.compile(r"^news( Hans| Hant|) +n .* F1 (\S+) .* lines/page (\S+) .* paragraphs (\S+) .*<\.5 (\d+)", re.M)
"""A line of score_cleaning.py about news."""


def _one_pass(work: Callable[[], object], first: Callable[[], object], end: Connection) -> None:
    first()
    start = time.process_time()
    work()
    end.send(time.process_time() - start)


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of all threads that `work` takes, the best of `ROUNDS`."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def seconds_afresh(work: Callable[[], object], first: Callable[[], object]) -> float:
    """Return the same for work that remembers what it saw: each pass is a fork, which no earlier pass has made quicker.

    Before the clock starts the fork does `first`, the same for other pages: it copies the memory that it touches.
    """
    fork = multiprocessing.get_context("fork")
    best = float("inf")
    for _ in range(ROUNDS):
        here, there = fork.Pipe(duplex=False)
        child = fork.Process(target=_one_pass, args=(work, first, there))
        child.start()
        there.close()  # so that a child that dies is the end of the file
        best = min(best, here.recv())
        child.join()
    return best


def _megabytes(texts: Sequence[str]) -> float:
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) / 1e6


def _pool(data: Path) -> list[dict[str, Any]]:
    rows = list(records(data / "news-pool.jsonl.gz"))
    return rows[:: max(1, len(rows) // TEXTS)][:TEXTS]


def fold_speed(data: Path) -> str:
    """Time `fold` beside OpenCC, which it stands in for."""
    import opencc

    from pipeline.script.fold import fold, fold_many

    converter = opencc.OpenCC("t2s")

    def until_stable(text: str) -> str:
        while (after := converter.convert(text)) != text:
            text = after
        return text

    def each(way: Callable[[str], str]) -> Callable[[Sequence[str]], list[str]]:
        return lambda texts: [way(text) for text in texts]

    ways: dict[str, Callable[[Sequence[str]], list[str]]] = {
        "OpenCC t2s, one pass": each(converter.convert),
        "OpenCC t2s until nothing changes (what fold gives)": each(until_stable),
        "fold, one text after the other": each(fold),
        "fold_many": fold_many,
    }
    pool = _pool(data)
    texts = {
        f"{kind}, {script}": [row[field] for row in pool if row["script"] == script]
        for script in ("hant", "hans")
        for kind, field in (("articles", "text"), ("headlines", "title"))
    }
    took = {name: dict.fromkeys(ways, float("inf")) for name in texts}
    for _ in range(FOLD_ROUNDS):  # in turn, so that a busy moment of the machine is no one way's
        for name, chosen in texts.items():
            for way, work in ways.items():
                started = time.process_time()
                work(chosen)
                took[name][way] = min(took[name][way], time.process_time() - started)
    stable = "OpenCC t2s until nothing changes (what fold gives)"
    rows = [
        (
            way,
            *(
                f"{_megabytes(chosen) / took[name][way]:.0f} ({took[name][stable] / took[name][way]:.1f})"
                for name, chosen in texts.items()
            ),
        )
        for way in ways
    ]
    different = sum(
        key != until_stable(text)
        for chosen in texts.values()
        for text, key in zip(chosen, fold_many(chosen), strict=True)
    )
    head = ("MB/s of UTF-8 (times OpenCC until stable)", *texts)
    return f"{table(head, rows)}\n\nTexts where the two differ: {different}."


def _interpreter(oldest: tuple[int, int]) -> str | None:
    """Return a Python of that version or newer: this one, one on the PATH, or one of pyenv's; None without."""
    names = [f"python{oldest[0]}.{oldest[1] + newer}" for newer in range(3)]
    found = [sys.executable, *filter(None, map(shutil.which, names))]
    pyenv = shutil.which("pyenv")
    if pyenv:
        root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False).stdout.strip()
        found += [str(place) for name in names for place in sorted(Path(root).glob(f"versions/*/bin/{name}"))]
    fits = f"import sys; sys.exit(sys.version_info[:2] < {oldest})"
    for python in found:  # a name on the PATH may be a shim without a Python behind it
        if not subprocess.run([python, "-c", fits], capture_output=True, check=False).returncode:
            return python
    return None


def environment(name: str, package: Package) -> Path | str:
    """Return the Python of a package's own environment, made where it is missing or stale; or why there is none."""
    base = _interpreter(package.oldest)
    if base is None:
        return f"needs Python {package.oldest[0]}.{package.oldest[1]}, none found: left out"
    # A wheel or a folder is told to pip as the path that it is.
    asked = [str(Path(what).resolve()) if Path(what).exists() else what for what in package.requirements]
    folder = BENCH / f"env-{name}"
    python, made = folder / "bin" / "python", folder / ".made"
    if python.exists() and made.is_file() and made.read_text("utf-8").splitlines() == asked:
        return python
    for step in (
        [base, "-m", "venv", "--clear", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *asked],
    ):
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            if "No matching distribution found" in done.stderr and "Retrying" not in done.stderr:
                return "not on the package index: left out"
            print(f"{name} could not be installed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}")
            return "could not be installed: left out"
    made.write_text("\n".join(asked), "utf-8")
    return python


def _quality(source: Path, cleaned: Path) -> tuple[str, ...]:
    """Return what the table says of the news pages that were cleaned: six columns, or as many dashes."""
    told = scored(source.parent.parent / "tools" / "score_cleaning.py", source, cleaned) if cleaned.is_file() else None
    found = {name.strip(): figures for name, *figures in _SCORES.findall(told or "")}
    if not found:
        return ("-",) * 6
    f1, leaked, lost, bad = found[""]
    return (f1, found["Hans"][0], found["Hant"][0], leaked, lost, bad)


def _answer(worker: subprocess.Popen[str], asked: str = "") -> str:
    """Return the next line of a worker, after it was asked for something or not; nothing when it has ended."""
    assert worker.stdin is not None and worker.stdout is not None
    worker.stdin.write(asked)
    worker.stdin.flush()
    return worker.stdout.readline()


def _in_turns(pythons: dict[str, Path], source: Path) -> dict[str, tuple[dict[str, Any], list[float]]]:
    """Return what each way told and the CPU seconds of each slice, for one pass; a way that failed is missing.

    All clean a slice before any cleans the next, so that a busy spell of the machine falls on all of them. Each is a
    process of its own and sees a page once: some remember lines, and are quicker with pages they have seen.
    """
    told: dict[str, tuple[dict[str, Any], list[float]]] = {}
    pipe, environment = subprocess.PIPE, {**os.environ, **ONE_THREAD}
    with ExitStack() as stack:
        workers: dict[str, subprocess.Popen[str]] = {}
        for way, python in pythons.items():
            command = [str(python), str(HERE / "peer.py"), way, str(source)]
            if way in PEERS:  # taowen as shipped has learnt from these pages: its text here is not to be judged
                command.append(str(BENCH / f"cleaned-{way}.jsonl"))
            log = stack.enter_context((BENCH / f"peer-{way}.log").open("w"))
            workers[way] = stack.enter_context(
                subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe, stderr=log, env=environment)
            )
            answer = _answer(workers[way])
            if answer:
                told[way] = json.loads(answer), []
        pages = max((one["pages"] for one, _ in told.values()), default=0)
        for first in range(0, pages, SLICE):
            for way in list(told):
                answer = _answer(workers[way], f"{min(SLICE, pages - first)}\n")
                if answer:
                    told[way][1].append(float(answer))
                else:
                    del told[way]
    for way in pythons.keys() - told.keys():
        print(f"{way} failed: see {BENCH / f'peer-{way}.log'}")
    return told


def _beside_peers(source: Path) -> str:
    """Clean the HTML of all pages with taowen and with each peer, in turns; return one table of quality and speed."""
    environments = {name: environment(name, PACKAGES[name]) for name, _ in PEERS.values()}
    pythons = {"taowen": Path(sys.executable)}
    for way, (package, _) in PEERS.items():
        python = environments[package]
        if isinstance(python, Path):
            pythons[way] = python
    passes = [_in_turns(pythons, source) for _ in range(ROUNDS)]
    pace, told = {}, {}
    for way in set.intersection(*(set(one) for one in passes)):
        told[way] = passes[0][way][0]
        pace[way] = told[way]["pages"] / sum(map(min, zip(*(one[way][1] for one in passes), strict=True)))
    rows: list[tuple[str, ...]] = []
    for way, label in {"taowen": "taowen", **{way: label for way, (_, label) in PEERS.items()}}.items():
        if way not in pace:
            reason = "failed: left out" if way in pythons else str(environments[PEERS[way][0]])
            rows.append((label, reason, *("-",) * (len(COLUMNS) - 2)))
            continue
        cleaned = BENCH / ("cleaned-html.jsonl" if way == "taowen" else f"cleaned-{way}.jsonl")
        ratio = f"{pace[way] / pace[YARDSTICK]:.2f}" if YARDSTICK in pace else "-"
        one = told[way]
        rows.append((label, one["version"], one["python"], *_quality(source, cleaned), f"{pace[way]:.1f}", ratio))
    return (
        f"{table(COLUMNS, rows)}\n\n"
        "Each package has an environment of its own and one thread, and gets the decoded HTML and nothing else. They "
        f"take turns, {SLICE} pages each; of {ROUNDS} passes the fastest of each {SLICE} pages counts. taowen's "
        "quality is that of pages whose site the judge never saw (the part `cleaning`, as it was last measured; "
        "dashes where it was not); its speed is that of the shipped models."
    )


def _timed(jobs: Iterable[tuple[str, Callable[[], object], int, float]], first: Callable[[], object], head: str) -> str:
    """Return the table of jobs: name, work, pages, and MB of what they are given."""
    rows = []
    for name, work, count, size in jobs:
        took = seconds_afresh(work, first)
        rows.append((name, count, f"{size:.2f}", f"{count / took:.0f}", f"{size / took:.2f}"))
    return table((head, "pages", "MB", "pages per CPU s", "MB per CPU s"), rows)


def speed(data: Path) -> str:
    """Time `clean` beside its peers on HTML, then on flattened text; and the rest of the way."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from pipeline.article import Page
    from pipeline.ingest import clean
    from pipeline.process import Process, ProcessConfig

    source = data / "pages-dev.jsonl.gz"
    beside = _beside_peers(source)
    rows = list(records(source))
    html = [Page(id=row["id"], html=row["html"]) for row in rows]
    html_size = _megabytes([row["html"] for row in rows])

    def flattened(name: str, some: Iterable[dict[str, Any]]) -> tuple[str, list[Page], float]:
        pages = [Page(id=row["id"], text=row["text"], title=row.get("title") or "") for row in some]
        return name, pages, _megabytes([page.text or "" for page in pages])

    def cleaned(pages: Sequence[Page]) -> Callable[[], object]:
        return lambda: [clean(page) for page in pages]

    kinds = [
        flattened("pages-dev, flattened", rows),
        flattened(
            f"news-pool, every {EVERY}th: clean articles", islice(records(data / "news-pool.jsonl.gz"), 0, None, EVERY)
        ),
    ]
    if (data / "spoiled-dev.jsonl.gz").is_file():
        kinds.append(flattened("spoiled-dev", records(data / "spoiled-dev.jsonl.gz")))
    _, text, text_size = kinds[0]
    pool = _pool(data)
    texts, titles = [row["text"] for row in pool], [row["title"] or "" for row in pool]
    strangers = [Page(id=row["id"], text=row["text"]) for row in pool[1 : 2 * STRANGERS : 2]]
    process = Process(ProcessConfig())

    def others() -> None:
        list(process.rows(strangers))

    with threadpool_limits(1):
        for some in (html[:5], text[:5]):
            list(process.rows(some))
        gc.collect()
        gc.freeze()  # as a run's workers do: the pages of the bench are no garbage to look through
        flat = _timed(
            [(name, cleaned(pages), len(pages), size) for name, pages, size in kinds], others, "clean, one core"
        )
        way = _timed(
            (
                ("tag, clean text in memory", lambda: process.tagger.tag(texts, titles), len(texts), _megabytes(texts)),
                ("clean, normalise and tag, HTML", lambda: list(process.rows(html)), len(html), html_size),
                ("clean, normalise and tag, flattened text", lambda: list(process.rows(text)), len(text), text_size),
            ),
            others,
            "one core",
        )
    sizes = (
        f"MB are 10^6 bytes of UTF-8. From memory, decoded; one thread; the best of {ROUNDS} passes, each in a fork "
        f"that has the models and has seen {STRANGERS} other articles, but none of these pages but a few."
    )
    return "\n\n".join([beside, flat, way, sizes])
