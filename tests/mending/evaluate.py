"""Measure mending: `make mending`, or `python -m tests.mending.evaluate [--clean N] [--out FILE.json]`.

Articles are spoiled by the generator beside this file, in kinds that `spoiled-dev` has and kinds that it has not, and
mended; characters are compared by the offsets of the cuts, white space left out. With the real texts at hand the
articles are of publishers that the fluency model has not seen, and that the phrase model was not taught on; clean
articles of the pool are mended too. Without them they are our own (`corpora/articles-*.jsonl`). The phrases are of
`tests/mending/phrases.py` and were not taught.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.article import Cut, cut_out
from pipeline.configure import shared_data
from pipeline.ingest.flatten import flatten_text
from pipeline.ingest.mend import mend
from pipeline.ingest.spoil import Spoiled, Spoiling, spoil
from pipeline.script.fold import fold
from pipeline.topics.tagger import Tagger
from tests.mending.phrases import PHRASES

SEED = 4
HANT = tuple(phrase for kind, several in sorted(PHRASES.items()) if kind.endswith("_hant") for phrase in several)
HANS = tuple(phrase for kind, several in sorted(PHRASES.items()) if not kind.endswith("_hant") for phrase in several)


@dataclass(frozen=True, slots=True)
class Host:
    """An article to spoil."""

    text: str
    title: str
    script: str


@dataclass(frozen=True, slots=True)
class Score:
    """What was cut of what was spliced in, in characters."""

    articles: int
    hit: int
    cut: int
    spliced: int

    @property
    def precision(self) -> float:
        return self.hit / max(1, self.cut)

    @property
    def recall(self) -> float:
        return self.hit / max(1, self.spliced)

    @property
    def f1(self) -> float:
        return 2 * self.hit / max(1, self.cut + self.spliced)


def spoilings(host: Host, rng: random.Random) -> dict[str, Spoiling]:
    """Return how to spoil an article, by kind."""
    same, other = (HANT, HANS) if host.script == "hant" else (HANS, HANT)
    count = rng.choice((1, 2, 3, 4, 6, 8))
    variety = rng.choice((1, 2, 4, 8))
    title = host.title or host.text[:24]
    pieces = Spoiling(title=title, piece=rng.choice(((2, 3), (2, 4))), gap=rng.choice(((8, 16), (10, 25), (15, 30))))
    return {
        "title pieces": pieces,
        "title pieces, sparse": Spoiling(title=title, piece=(2, 5), gap=(25, 60), share=1.0, at_joints=0.1),
        "phrases, other script": Spoiling(phrases=other, phrase_count=count, variety=variety),
        "phrases, same script": Spoiling(phrases=same, phrase_count=count, variety=variety),
        "one phrase, same script": Spoiling(phrases=same, phrase_count=1, variety=1),
        "pieces and phrases": Spoiling(title=title, gap=(10, 25), phrases=(*same, *other), phrase_count=4, variety=3),
        "glosses": Spoiling(glosses=12),
        "invisible": Spoiling(invisible=40),
        "watermarks": Spoiling(watermark=rng.choice(("www.shuge.com", "xinwen.cc", "m.kanbao.net")), watermark_count=3),
        "fillers": Spoiling(fillers=rng.choice((0.2, 0.35, 0.5))),
    }


def hosts(data: Path | None, count: int) -> list[Host]:
    """Return articles that no model of mending has seen."""
    if data is None:
        rows: list[dict[str, Any]] = []
        for file in sorted(Path("corpora").glob("articles-*.jsonl")):
            rows += [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    else:
        from pipeline.ingest.learn_phrases import articles

        rows = articles(data)[0::2]  # the others are lessons
    rows = [row for row in rows if len(row["text"]) >= 250]
    return [Host(row["text"], row["title"], row["script"]) for row in rows[:count]]


def mended(text: str) -> tuple[Cut, ...]:
    """Return the cuts of a text whose lines all stay."""
    spans = flatten_text(text).spans
    return mend(text, fold(text), spans).cuts


def compare(spoiled: Spoiled, cuts: Sequence[Cut]) -> tuple[int, int, int]:
    """Return how many characters were cut and spliced in, cut, and spliced in."""
    gone = {at for cut in cuts for at in range(cut.start, cut.end) if not spoiled.text[at].isspace()}
    spliced = {at for start, end in spoiled.spans for at in range(start, end) if not spoiled.text[at].isspace()}
    return len(gone & spliced), len(gone), len(spliced)


def by_kind(articles: Sequence[Host]) -> dict[str, Score]:
    """Spoil and mend every article in every kind."""
    sums: dict[str, list[int]] = {}
    for number, host in enumerate(articles):
        rng = random.Random(SEED + number)
        for kind, how in spoilings(host, rng).items():
            spoiled = spoil(host.text, how, number)
            if spoiled.spans:
                told = compare(spoiled, mended(spoiled.text))
                sums[kind] = [a + b for a, b in zip(sums.get(kind, [0, 0, 0, 0]), (1, *told), strict=True)]
    return {kind: Score(*told) for kind, told in sums.items()}


def tags_back(articles: Sequence[Host]) -> tuple[int, int, int, int]:
    """Return how many articles, how many have a topic, and how many have other tags when spoiled, and when mended."""
    tagger = Tagger.load()
    clean = [{tag.id for tag in tags} for tags in tagger.tag([host.text for host in articles])]
    spoiled = []
    for number, host in enumerate(articles):
        same, other = (HANT, HANS) if host.script == "hant" else (HANS, HANT)
        lures = (*LURES, *same, *other)
        how = Spoiling(title=host.title or host.text[:24], phrases=lures, phrase_count=10, variety=6)
        spoiled.append(spoil(host.text, how, number).text)
    before = [{tag.id for tag in tags} for tags in tagger.tag(spoiled)]
    after = [{tag.id for tag in tags} for tags in tagger.tag([cut_out(text, mended(text)) for text in spoiled])]
    changed = sum(a != b for a, b in zip(clean, before, strict=True))
    still = sum(a != b for a, b in zip(clean, after, strict=True))
    return len(articles), sum(bool(tags) for tags in clean), changed, still


LURES = (
    "稀土概念股龙头排名",
    "关税查询系统官网入口",
    "贸易战最新消息直播",
    "稀土永磁股票有哪些",
    "军事新闻最新消息app",
)
"""Search phrases that name the topics: spliced in, they make an article look like what it is not."""


def clean_damage(data: Path, count: int) -> tuple[int, int, float, list[tuple[str, str]]]:
    """Mend clean articles of the pool: how many, how many have a cut, the share of characters cut, and the cuts."""
    with gzip.open(data / "news-pool.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    step = max(1, len(rows) // count)
    touched = lost = size = 0
    seen: list[tuple[str, str]] = []
    for row in rows[step // 2 :: step][:count]:
        cuts = [cut for cut in mended(row["text"]) if cut.kind != "invisible"]
        touched += bool(cuts)
        lost += sum(not c.isspace() for cut in cuts for c in cut.text)
        size += sum(not c.isspace() for c in row["text"])
        seen += [(cut.kind, cut.text) for cut in cuts]
    return len(rows[step // 2 :: step][:count]), touched, lost / size, seen


def report(articles: int, clean: int) -> Iterator[str]:
    """Yield the lines of the report."""
    data = shared_data()
    chosen = hosts(data, articles)
    yield f"{len(chosen)} {'own' if data is None else 'real'} articles, spoiled in each kind and mended:"
    yield ""
    yield "| kind | articles | F1 | precision | recall |"
    yield "| --- | --- | --- | --- | --- |"
    for kind, score in by_kind(chosen).items():
        yield f"| {kind} | {score.articles} | {score.f1:.3f} | {score.precision:.3f} | {score.recall:.3f} |"
    count, topical, changed, still = tags_back(chosen)
    yield ""
    yield (
        f"Tags of {count} articles ({topical} with a topic), spoiled with pieces and with phrases that name topics: "
        f"{changed} have other tags than the clean article, {still} after mending."
    )
    if data is not None and clean:
        number, touched, share, seen = clean_damage(data, clean)
        yield ""
        yield f"Of {number:,} clean articles of the pool {touched} have a cut; {share:.6f} of their characters go."
        for kind, text in seen[:40]:
            yield f"    {kind}: {text}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report."""
    parser = argparse.ArgumentParser(prog="python -m tests.mending.evaluate")
    parser.add_argument("--articles", type=int, default=300)
    parser.add_argument("--clean", type=int, default=6000)
    options = parser.parse_args(arguments)
    for line in report(options.articles, options.clean):
        print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
