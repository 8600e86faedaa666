"""Floors of cleaning that only go up: `python -m tests.floors` pins them in models/floors.json, the tests hold them.

Each set of pages is measured with the shipped models and known by the digest of its data: with other data, other
floors. The pages of pages-dev taught the judge, so their floor guards against breaking, it is no estimate; that is what
`make bench` gives, by site.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.article import Page
from pipeline.configure import shared_data
from tests.sample import CORPORA, bigram_f1, mean

__all__ = ["FLOORS", "SETS", "measure_pages", "measure_sample", "measure_templates"]

FLOORS = Path(__file__).resolve().parent.parent / "models" / "floors.json"
SLACK = 0.002
"""What a floor is below the figure: the luck of a library's version."""
STEP = 3
"""Every so manieth page of pages-dev is measured, to keep the tests short."""

Measured = tuple[str, dict[str, float]]
"""Digest of the data, and figures where more is better."""


def _digest(files: Iterable[Path]) -> str:
    whole = hashlib.sha256()
    for file in files:
        whole.update(file.read_bytes())
    return whole.hexdigest()[:16]


def measure_sample() -> Measured:
    """Clean the sample dump."""
    from tests.promote import cleaned, kept_texts, mean_f1, pages

    f1 = mean_f1(kept_texts(cleaned(pages())))
    files = sorted(path for path in (CORPORA / "sample").rglob("*") if path.is_file())
    return _digest([*files, CORPORA / "sample-gold.jsonl"]), {"f1": f1}


def measure_templates() -> Measured:
    """Clean every template filled with an own-written article, as HTML and as text."""
    from pipeline.ingest import clean
    from pipeline.ingest.learn_pages import fill, read_templates

    with (CORPORA / "articles-a.jsonl").open(encoding="utf-8") as lines:
        articles = [json.loads(line) for line in lines]
    folder = CORPORA / "templates"
    scores: dict[str, list[float]] = {"html_f1": [], "text_f1": []}
    for name, template in read_templates(folder).items():
        dice = random.Random(name)
        filled = fill(template, dice.choice(articles), articles, dice)
        text = filled.flat.text
        shown = list(zip(filled.flat.lines, filled.truth.tolist(), strict=True))
        gold = "\n".join(line for line, truth in shown if truth == 1)
        neutral = {line for line, truth in shown if truth == -1}
        for way, page in (("html_f1", Page(name, html=filled.html)), ("text_f1", Page(name, text=text))):
            kept = [line for line in clean(page).text.split("\n") if line not in neutral]
            scores[way].append(bigram_f1("\n".join(kept), gold))
    files = [*sorted(folder.glob("*.html")), CORPORA / "articles-a.jsonl"]
    return _digest(files), {name: mean(values) for name, values in scores.items()}


def measure_pages() -> Measured | None:
    """Clean some news pages of pages-dev, as HTML and as text; None where they are not here."""
    from pipeline.ingest import clean

    data = shared_data()
    source = data / "pages-dev.jsonl.gz" if data else None
    if source is None or not source.is_file():
        return None
    with gzip.open(source, "rt", encoding="utf-8") as lines:
        pages: list[dict[str, Any]] = [page for line in lines if (page := json.loads(line))["genre"] == "news"]
    figures = {}
    for way in ("html", "text"):
        texts = [(clean(Page(page["id"], **{way: page[way]})).text, page["gold"]) for page in pages[::STEP]]
        figures[f"{way}_f1"] = mean(bigram_f1(kept, gold) for kept, gold in texts)
    return _digest([source]), figures


SETS = {"sample": measure_sample, "templates": measure_templates, "pages-dev": measure_pages}


def main() -> int:
    """Measure and pin: a floor goes up, or is set anew where the data is another."""
    floors = json.loads(FLOORS.read_text("utf-8"))
    pinned = floors.setdefault("cleaning", {})
    for name, measure in SETS.items():
        measured = measure()
        if measured is None:
            print(f"{name}: not here, its floors stay.")
            continue
        digest, figures = measured
        old = pinned.get(name, {})
        same = old.get("data") == digest
        new = {key: round(value - SLACK, 4) for key, value in figures.items()}
        pinned[name] = {"data": digest, **{k: max(v, old.get(k, 0.0)) if same else v for k, v in new.items()}}
        for key, value in figures.items():
            print(f"{name:10} {key:8} measured {value:.4f}  floor {pinned[name][key]:.4f}")
    FLOORS.write_text(json.dumps(floors, indent=1, sort_keys=True) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
