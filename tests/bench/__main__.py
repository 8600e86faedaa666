"""Measure everything, or the parts named: `python -m tests.bench [PART ...]` (make bench).

Prints each part and writes them all to build/bench/report.md, with the machine and the versions. Parts that were not
asked for are not in the report. A part whose data is missing is left out with one line, and so is a peer that cannot
be installed. TAOWEN_MAGIC_HTML is what pip is told to install as magic-html: a requirement, a wheel or a folder.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.configure import shared_data

from .copies import copies
from .dumps import dumps
from .fields import fields
from .quality import cleaning, damage, mending, topics
from .report import BENCH, machine, versions
from .script import script
from .speed import fold_speed, speed
from .topics import public_sets, topics_agreed, topics_pages, topics_speed

PARTS: dict[str, tuple[str, tuple[str, ...], Callable[[Path], str]]] = {
    "fold": ("Folding the script", ("news-pool.jsonl.gz",), fold_speed),
    "script": ("Scripts, regions and names", ("news-pool.jsonl.gz",), script),
    "mending": ("Mending, on spoiled-dev", ("spoiled-dev.jsonl.gz",), mending),
    "fields": ("Fields of annotated pages", ("pages-dev.jsonl.gz",), fields),
    "damage": ("What cleaning does to clean articles", ("news-pool.jsonl.gz",), damage),
    "topics": ("Topics, by cross-validation over sources", ("topics-dev.jsonl.gz",), topics),
    "copies": ("Deduplication, on reprints made from news-pool", ("news-pool.jsonl.gz",), copies),
    "dumps": ("Batch runs", ("news-pool.jsonl.gz", "pages-dev.jsonl.gz"), dumps),
    "topics-speed": ("Topics, speed beside a plain peer", ("news-pool.jsonl.gz",), topics_speed),
    "topics-agreed": ("Topics, where two readings agree", ("news-pool.jsonl.gz",), topics_agreed),
    "topics-pages": ("Topics, a page and its article", ("pages-dev.jsonl.gz",), topics_pages),
    "topics-sets": ("Topics, the same code on public sets", ("bench/nlpcc/train.jsonl.gz",), public_sets),
    "cleaning": (
        "Cleaning, by cross-validation over sites",
        ("pages-dev.jsonl.gz", "news-pool.jsonl.gz"),
        cleaning,
    ),
    "speed": ("Speed, and the peers", ("pages-dev.jsonl.gz", "news-pool.jsonl.gz"), speed),
}
"""Title, the files of the real data it needs, and what measures it. The quick parts come first; `speed` has
what `cleaning` wrote in its table."""


def main(arguments: Sequence[str]) -> int:
    """Run the parts; return the exit code."""
    unknown = sorted(set(arguments) - set(PARTS))
    if unknown:
        print(f"There is no part {', '.join(unknown)}. The parts are {', '.join(PARTS)}.", file=sys.stderr)
        return 2
    data = shared_data()
    if data is None:
        print("The development data is not here (set TAOWEN_DATA to its folder); nothing can be measured.")
        return 0
    BENCH.mkdir(parents=True, exist_ok=True)
    lines = ["# Figures", "", f"{machine()}; {versions()}.", "Written by `make bench`.", ""]
    print(lines[2])
    for name, (title, files, measure) in PARTS.items():
        if arguments and name not in arguments:
            continue
        missing = [file for file in files if not (data / file).is_file()]
        if missing:
            print(f"{title}: left out, {', '.join(missing)} is not in {data}.")
            continue
        start = time.monotonic()
        told = measure(data)
        print(f"\n## {title}\n\n{told}\n\n({name}: {time.monotonic() - start:.0f} s)", flush=True)
        lines += [f"## {title}", "", told, ""]
    (BENCH / "report.md").write_text("\n".join(lines), "utf-8")
    print(f"\nThe report is in {BENCH / 'report.md'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
