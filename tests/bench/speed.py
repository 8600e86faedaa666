"""Speed on one core, in CPU seconds, beside plain peers in the same run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .quality import records
from .report import BENCH, scored, table

__all__ = ["fold_speed", "speed"]

ROUNDS = 2
"""Passes over the data; the faster one counts, after a few pages that load models and tables."""
TEXTS = 2000
"""Articles of the pool that fold and tag are timed on."""
PEERS = {"trafilatura": "trafilatura", "readability": "readability-lxml"}
"""Peer and what pip calls it. Both need lxml_html_clean, which not every release of theirs asks for."""
HERE = Path(__file__).resolve().parent


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of all threads that `work` takes, the best of `ROUNDS`."""
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return best


def _megabytes(texts: Sequence[str]) -> float:
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts) / 1e6


def _pool(data: Path) -> list[dict[str, Any]]:
    rows = list(records(data / "news-pool.jsonl.gz"))
    return rows[:: max(1, len(rows) // TEXTS)][:TEXTS]


def fold_speed(data: Path) -> str:
    """Time `fold` beside OpenCC, which it stands in for."""
    import opencc

    from pipeline.script.fold import fold

    converter = opencc.OpenCC("t2s")

    def until_stable(text: str) -> str:
        while (after := converter.convert(text)) != text:
            text = after
        return text

    ways: dict[str, Callable[[str], str]] = {
        "fold": fold,
        "OpenCC t2s, one pass": converter.convert,
        "OpenCC t2s until nothing changes (what fold gives)": until_stable,
    }
    pool = _pool(data)
    texts = {script: [row["text"] for row in pool if row["script"] == script] for script in ("hant", "hans")}
    rows = []
    for name, way in ways.items():
        way(texts["hant"][0])
        figures = []
        for chosen in texts.values():
            took = seconds(lambda way=way, chosen=chosen: [way(text) for text in chosen])  # type: ignore[misc]
            figures.append(f"{_megabytes(chosen) / took:.0f}")
        rows.append((name, *figures))
    different = sum(fold(text) != until_stable(text) for chosen in texts.values() for text in chosen)
    return (
        f"{table(('MB/s of UTF-8', 'Traditional', 'Simplified'), rows)}\n\nArticles where the two differ: {different}."
    )


def _environment(name: str) -> Path | str:
    """Return the Python of a peer's own environment, made when it is missing; or why there is none."""
    folder = BENCH / f"env-{name}"
    python = folder / "bin" / "python"
    if (folder / ".made").exists():
        return python
    steps = (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PEERS[name], "lxml_html_clean"],
    )
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            return f"{PEERS[name]} could not be installed, so it is not measured: {last}"
    (folder / ".made").touch()
    return python


def _peers(data: Path, pages: list[dict[str, Any]]) -> tuple[list[tuple[str, ...]], list[str]]:
    source = data / "pages-dev.jsonl.gz"
    rows: list[tuple[str, ...]] = []
    notes: list[str] = []
    for name in PEERS:
        python = _environment(name)
        if isinstance(python, str):
            print(python)
            notes.append(python)
            continue
        out = BENCH / f"cleaned-{name}.jsonl"
        command = [str(python), str(HERE / "peer.py"), name, str(source), str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            notes.append(f"{name} failed: {done.stderr.strip().splitlines()[-1]}")
            print(notes[-1])
            continue
        told = json.loads(done.stdout.splitlines()[-1])
        size = _megabytes([page["html"] for page in pages])
        rows.append(
            (
                f"{PEERS[name]} {told['version']}, HTML to text",
                f"{len(pages) / told['seconds']:.0f}",
                f"{size / told['seconds']:.2f}",
            )
        )
        figures = scored(data.parent / "tools" / "score_cleaning.py", source, out)
        if figures is not None:
            notes.append(f"{PEERS[name]} on the same pages:\n\n```\n{figures}\n```")
    return rows, notes


def speed(data: Path) -> str:
    """Time `clean` on HTML and on flattened text, `tag` on clean text, the whole way, and the peers."""
    from pipeline.article import Page
    from pipeline.ingest import clean
    from pipeline.process import Process, ProcessConfig

    pages = list(records(data / "pages-dev.jsonl.gz"))
    html = [Page(id=page["id"], html=page["html"]) for page in pages]
    text = [Page(id=page["id"], text=page["text"]) for page in pages]
    pool = _pool(data)
    texts, titles = [row["text"] for row in pool], [row["title"] or "" for row in pool]
    process = Process(ProcessConfig())
    for some in (html[:5], text[:5]):
        list(process.rows(some))
    html_size, text_size = _megabytes([p["html"] for p in pages]), _megabytes([p["text"] for p in pages])
    rows: list[tuple[str, ...]] = []
    work: tuple[tuple[str, Callable[[], object], int, float], ...] = (
        ("clean, HTML", lambda: [clean(page) for page in html], len(html), html_size),
        ("clean, flattened text", lambda: [clean(page) for page in text], len(text), text_size),
        ("tag, clean text in memory", lambda: process.tagger.tag(texts, titles), len(texts), _megabytes(texts)),
        ("the whole way (clean, normalise, tag), HTML", lambda: list(process.rows(html)), len(html), html_size),
        ("the whole way, flattened text", lambda: list(process.rows(text)), len(text), text_size),
    )
    for name, job, count, size in work:
        took = seconds(job)
        rows.append((name, f"{count / took:.0f}", f"{size / took:.2f}"))
    peers, notes = _peers(data, pages)
    names = ("one core", "pages per CPU second", "MB per CPU second")
    sizes = (
        f"{len(pages)} pages of pages-dev, {html_size:.1f} MB of HTML, {text_size:.2f} MB flattened; to tag, "
        f"{len(texts)} articles of the pool, {_megabytes(texts):.1f} MB. From memory, decoded; the best of {ROUNDS} "
        "passes; one thread (OPENBLAS_NUM_THREADS=1)."
    )
    return "\n\n".join([table(names, [*rows, *peers]), sizes, *notes])
