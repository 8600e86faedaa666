"""Quality on the development data: topics, mending, and what cleaning does to a clean article."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pipeline.article import Article, Page
from tests.sample import CORPORA

from .report import BENCH, scored, table

__all__ = ["cleaning", "damage", "mending", "records", "topics"]

SAMPLE_SIZE = 1000
"""Clean articles that damage is measured on: every so manieth of the pool, so that all its sources are among them."""
FIELD_KINDS = frozenset({"title", "date", "byline", "source", "caption", "tags", "tag_line"})
"""Cuts of these kinds move into fields; they are no damage."""
_LINE = re.compile(
    r"^(news Hans|news Hant|news|all) +n +(\d+) +F1 (\S+) +P (\S+) +R (\S+) +leaked lines/page (\S+)"
    r" +lost paragraphs (\S+) +pages F1<\.5 (\d+)",
    re.MULTILINE,
)
"""A line of score_cleaning.py."""


def records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a .jsonl.gz file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def cleaning(data: Path) -> str:
    """Score cleaning by cross-validation over sites (tests/bench/cleaning.py)."""
    command = [sys.executable, "-m", "tests.bench.cleaning"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return f"{' '.join(command[1:])} ended with {done.returncode}: {done.stderr[-400:]}"
    rows = []
    for part in done.stdout.split("== ")[1:]:
        way = part.split()[0]
        rows += [(f"{way}, {name}", *figures) for name, *figures in _LINE.findall(part)]
    names = ("page as", "pages", "F1", "precision", "recall", "foreign lines a page", "lost paragraphs", "F1 under .5")
    return f"{table(names, rows)}\n\n{_block(done.stdout.rstrip())}"


def topics(data: Path) -> str:
    """Score topics by cross-validation over sources, on the labels of corpora/."""
    from pipeline.topics import learn
    from pipeline.topics.corpus import read_corpus
    from pipeline.topics.evaluate import judge
    from pipeline.topics.evaluate import table as figures
    from pipeline.topics.taxonomy import read_taxonomy

    taxonomy = read_taxonomy(None)
    examples = read_corpus(CORPORA, taxonomy.ids)
    # The tags of a fold stand under the other folds' thresholds, which only the judge of the report is told.
    with patch.object(learn, "judge", wraps=judge) as asked:
        report, scores = learn.cross_validate(examples, taxonomy)
    given = asked.call_args.args[3]
    out = BENCH / "topics.jsonl"
    with out.open("w", encoding="utf-8") as file:
        for number, example in enumerate(examples):
            if example.kind == "real":
                ids = [
                    {"id": topic, "score": round(float(scores[number, k]), 4)}
                    for k, topic in enumerate(taxonomy.ids)
                    if given[number, k]
                ]
                file.write(json.dumps({"id": example.id, "topics": ids}) + "\n")
    real = sum(example.kind == "real" for example in examples)
    parts = [f"All {real} real articles of corpora/labels.jsonl:", _block(figures(report))]
    labels = data / "topics-dev.jsonl.gz"
    tool = data.parent / "tools" / "score_topics.py"
    for option, what in (((), "all labels"), (("--sure",), "sure labels only")):
        told = scored(tool, labels, out, *option)
        if told is not None:
            parts += [f"The {labels.name} among them, {what}:", _block(told)]
    return "\n\n".join(parts)


def mending(data: Path) -> str:
    """Clean the spoiled articles by the command and score what was cut inside sentences."""
    source, out = data / "spoiled-dev.jsonl.gz", BENCH / "mended.jsonl"
    taowen = Path(sys.executable).parent / "taowen"
    done = subprocess.run([taowen, "clean", source, "-o", out, "--force"], capture_output=True, text=True, check=False)
    if done.returncode:
        return f"taowen clean ended with {done.returncode}: {done.stderr[-400:]}"
    told = scored(data.parent / "tools" / "score_mending.py", source, out)
    if told is None:
        return "not scored"
    rows = []
    for line in told.splitlines():
        words = line.split()
        name = " ".join(words[: words.index("n")])
        if "F1" in words:
            rows.append((name, *(words[words.index(key) + 1] for key in ("n", "F1", "P", "R")), ""))
        else:
            rows.append((name, words[words.index("n") + 1], "", "", "", words[-1]))
    return table(("kind", "articles", "F1", "precision", "recall", "characters lost"), rows)


def damage(data: Path) -> str:
    """Clean articles that are clean already and count what is lost."""
    from pipeline.ingest import clean

    pool = list(records(data / "news-pool.jsonl.gz"))
    step = max(1, len(pool) // SAMPLE_SIZE)
    chosen = pool[step // 2 :: step][:SAMPLE_SIZE]
    rows = []
    kinds: Counter[str] = Counter()
    with (BENCH / "damaged.jsonl").open("w", encoding="utf-8") as file:
        results = [(row, clean(Page(id=row["id"], text=row["text"], title=row["title"] or ""))) for row in chosen]
        for row, article in results:
            cuts = [cut for cut in article.cuts if cut.kind not in FIELD_KINDS]
            kinds.update({cut.kind for cut in cuts})
            if cuts:
                told = {"id": row["id"], "status": article.status, "cuts": [[c.kind, c.reason, c.text] for c in cuts]}
                file.write(json.dumps(told, ensure_ascii=False) + "\n")
    for script in ("all", "hans", "hant"):
        part = [(row, article) for row, article in results if script in ("all", row["script"])]
        unchanged = sum(not _lost(article) for _, article in part)
        solid = sum(_solid(row["text"]) for row, _ in part)
        lost = sum(_lost(article) for _, article in part)
        none = sum(article.status != "article" for _, article in part)
        rows.append((script, len(part), f"{unchanged / len(part):.1%}", f"{1 - lost / solid:.3%}", none))
    names = ("script", "articles", "unchanged but for fields", "characters kept", "no article")
    listed = ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items(), key=lambda x: (-x[1], x[0])))
    return (
        f"{table(names, rows)}\n\nEvery {step}th article of the pool, as text with its title, by the shipped models; "
        "about 3% of them were among the judge's lessons. The pool is not free of noise: some of these cuts are right. "
        f"Articles with a cut, by kind: {listed or 'none'}. The cuts are in {BENCH / 'damaged.jsonl'}."
    )


def _solid(text: str) -> int:
    return sum(not c.isspace() for c in text)


def _lost(article: Article) -> int:
    return sum(_solid(cut.text) for cut in article.cuts if cut.kind not in FIELD_KINDS)


def _block(text: str) -> str:
    return f"```\n{text}\n```"
