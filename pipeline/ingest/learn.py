"""Teach the judge of blocks: `python -m pipeline.ingest.learn --out build/models/strip` (`make train`).

Pages come from the development data (`pipeline.configure.shared_data`): real pages with the article's text, each seen
as HTML, as HTML without classes and as flattened text; and real articles without labels, of which every line stays,
some of them dressed in the furniture of other pages. Their text does not enter the repository, the weights do. More
pages are made from the templates in `corpora/templates`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import platform
import random
import re
import sys
import unicodedata
import warnings
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.ingest.blocks import Features, describe, feature_names
from pipeline.ingest.flatten import Flat, flatten_html, flatten_text
from pipeline.ingest.judge import ARRAYS, FAR, Judge
from pipeline.ingest.learn_pages import fill, read_templates, without_classes
from pipeline.ingest.rules import mask, rule_bits
from pipeline.script.fold import fold
from pipeline.script.identify import identify

__all__ = ["Lesson", "block_labels", "lessons_from_articles", "lessons_from_pages", "lessons_from_templates", "teach"]

SEED = 20260
UNITS, NETWORKS, EPOCHS, PENALTY = (32, 16), 5, 30, 1.0
"""Units of the two hidden layers, networks side by side (they take out the luck of the start), epochs, weight decay."""
_WITHOUT_CLASSES, _TEMPLATE = 0.5, 0.35
"""What a page without its classes, and one made from a template, weighs beside a real one."""
_BLANK = re.compile(r"[\s\u200b-\u200f\ufeff]+")
_FIELD_KINDS = ("byline", "source", "date", "caption", "credit", "tag_line", "copyright")


@dataclass(frozen=True, slots=True)
class Lesson:
    """A page with the truth of its blocks: 1 belongs to the article, 0 does not, -1 counts for nothing."""

    site: str
    features: Features
    truth: NDArray[np.int8]
    weights: NDArray[np.float64]
    """Of each block; a page weighs the same however long it is."""


def _squeeze(text: str) -> str:
    return _BLANK.sub("", unicodedata.normalize("NFKC", text))


def block_labels(lines: Sequence[str], gold: str, optional: str) -> NDArray[np.int8]:
    """Return the truth of each line, from the article's text (`gold`) and the neutral one (`optional`)."""
    truth, neutral = _squeeze(gold), _squeeze(optional)
    wholes = {_squeeze(line) for line in gold.split("\n")}
    neutral_wholes = {_squeeze(line) for line in optional.split("\n")}
    squeezed = [_squeeze(line) for line in lines]
    labels = np.zeros(len(lines), dtype=np.int8)
    undecided = []
    for i, line in enumerate(squeezed):
        if not line or (len(line) > 1 and line in neutral_wholes):
            labels[i] = -1
        elif len(line) < 12:
            undecided.append(i)
        else:
            pieces = [line[k : k + 6] for k in range(0, len(line) - 5, 3)]
            if sum(p in truth for p in pieces) >= len(pieces) / 2:
                labels[i] = 1
            elif neutral and sum(p in neutral for p in pieces) >= 0.6 * len(pieces):
                labels[i] = -1
    # A short line says little by itself: it belongs where the article is, if the article has it.
    sure = np.flatnonzero(labels == 1)
    for i in undecided if len(sure) else ():
        inside = sure[0] - 3 <= i <= sure[-1] + 3
        if inside and (squeezed[i] in wholes or (len(squeezed[i]) > 3 and squeezed[i] in truth)):
            labels[i] = 1
    return labels


def _lesson(site: str, flat: Flat, truth: NDArray[np.int8], weight: float = 1.0) -> Lesson:
    key = fold(flat.text)
    features = describe(flat, key, rule_bits(key, flat.edges))
    sizes = np.diff(flat.edges, axis=1)[:, 0].astype(np.float64)
    weights = np.sqrt(sizes + 4) * (truth >= 0)
    return Lesson(site, features, truth, 50 * weight * weights / max(weights.sum(), 1e-9))


def _records(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def lessons_from_pages(path: Path) -> list[Lesson]:
    """Return three lessons from each real page: its HTML, the same without its classes, and its flattened text."""
    lessons = []
    for page in _records(path):
        views = (
            (flatten_html(page["html"]), 1.0),
            (flatten_html(without_classes(page["html"])), _WITHOUT_CLASSES),
            (flatten_text(page["text"]), 1.0),
        )
        for flat, weight in views:
            truth = block_labels(flat.lines, page["gold"], page["optional"])
            lessons.append(_lesson(page["site"], flat, truth, weight))
    return lessons


def _furniture(pages: Path, sites: Container[str]) -> list[tuple[list[str], list[str]]]:
    """Return for each real page of `sites` the lines before its article and those after it."""
    result = []
    for page in _records(pages):
        if page["site"] not in sites:
            continue
        lines = flatten_text(page["text"]).lines
        kept = np.flatnonzero(block_labels(lines, page["gold"], page["optional"]) == 1)
        if len(kept):
            result.append((lines[max(0, kept[0] - 60) : kept[0]], lines[kept[-1] + 1 : kept[-1] + 80]))
    return result


def _teasers(others: Sequence[dict[str, Any]], dice: random.Random) -> list[str]:
    """Return a list of other articles as content farms hang it under a page: beginnings, broken off."""
    ending = dice.choice(("...[详细]", " ...[详细]", "…", "...", "……", "……閱讀全文", "...[全文]"))
    bullet = dice.choice(("", "", "-", "·"))
    headed = dice.random() < 0.4
    lines = []
    for other in others:
        start = other["text"].replace("\n", "")[: dice.randint(40, 130)]
        lines += [line for line in (bullet, other["title"] if headed else "", start + ending) if line]
    return lines


def lessons_from_articles(pool: Path, pages: Path, sites: Container[str], count: int = 900) -> list[Lesson]:
    """Return lessons from real articles.

    Half as they are, a sixth cut short, a sixth dressed in the furniture of real pages, a sixth followed by teasers of
    other articles or by a second article.

    Furniture is taken from the pages of `sites`. Lines that metadata rules match (byline, caption ...) count for
    nothing: they may become fields.
    """
    dice = random.Random(SEED)
    chosen: list[dict[str, Any]] = []
    for seen, article in enumerate(_records(pool)):
        slot = seen if seen < count else dice.randrange(seen + 1)
        if slot < len(chosen):
            chosen[slot] = article
        elif slot < count:
            chosen.append(article)
    dressings = _furniture(pages, sites)
    titles = [a["title"] for a in chosen if a["title"]]
    fields = mask(_FIELD_KINDS)
    lessons = []
    for i, article in enumerate(chosen):
        lines = [line for line in article["text"].split("\n") if line.strip()]
        before: list[str] = []
        after: list[str] = []
        if i % 6 == 1:
            lines = lines[: dice.randint(1, 3)]
        elif i % 6 > 3:
            before, after = dice.choice(dressings)
            others = dice.sample(titles, dice.randint(0, 8))
            if dice.random() < 0.5:  # further reading as photo and headline: each headline twice
                others = [t for title in others for t in (title, title)]
            before = [*before, *([article["title"]] if dice.random() < 0.7 else [])]
            after = [*others, *after]
            if i % 6 == 5:
                more = dice.sample(chosen, dice.randint(4, 12))
                if dice.random() < 0.7:
                    after = [*_teasers(more, dice), *(after if dice.random() < 0.5 else [])]
                else:  # a second article, under its own headline
                    after = [*after, more[0]["title"], *more[0]["text"].split("\n")]
                if dice.random() < 0.5:
                    before = before[-3:]
        flat = flatten_text("\n".join((*before, *lines, *after)))
        key = fold(flat.text)
        bits = rule_bits(key, flat.edges)
        truth = np.ones(len(flat.edges), dtype=np.int8)
        shown = flat.lines
        head, tail = len(flatten_text("\n".join(before)).lines), len(flatten_text("\n".join(after)).lines)
        for k in range(len(shown)):
            if k < head or k >= len(shown) - tail:
                truth[k] = 0
            elif bits[k] & fields:
                truth[k] = -1
            if shown[k].strip() == article["title"].strip():
                truth[k] = -1
        lessons.append(_lesson(f"pool {i % 50}", flat, truth))
    return lessons


def lessons_from_templates(pool: Path, folder: Path, fills: int = 6) -> list[Lesson]:
    """Return lessons from the templates of `folder`, each filled `fills` times with articles of its script.

    Each page is seen as HTML and as flattened text; a third of the HTML pages without their classes.
    """
    dice = random.Random(SEED)
    articles: dict[str, list[dict[str, Any]]] = {"zh-Hans": [], "zh-Hant": []}
    for number, article in enumerate(_records(pool)):
        if number % 20 == 0 and article["title"] and article["text"].count("\n") > 1:
            articles["zh-Hant" if article["script"] == "hant" else "zh-Hans"].append(article)
    lessons = []
    for name, template in read_templates(folder).items():
        script = "zh-Hant" if identify(template).script == "zh-Hant" else "zh-Hans"
        for number in range(fills):
            filled = fill(template, dice.choice(articles[script]), articles[script], dice)
            flat = filled.flat
            if number % 3 == 2:
                flat = flatten_html(without_classes(filled.html))
            for view in (flat, flatten_text(flat.text)):
                lessons.append(_lesson(f"template {name}", view, filled.truth, _TEMPLATE))
    return lessons


def teach(lessons: Sequence[Lesson], seed: int = SEED) -> Judge:
    """Return a judge fitted to the lessons. Same lessons and seed, same weights."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    features = np.concatenate([x.features for x in lessons])
    truth = np.concatenate([x.truth for x in lessons])
    weights = np.concatenate([x.weights for x in lessons])
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-3
    counted = truth >= 0
    inputs = np.clip((features - mean) / scale, -FAR, FAR)[counted].astype(np.float32)
    truth, weights = truth[counted], weights[counted]
    networks = []
    for number in range(NETWORKS):
        network = MLPClassifier(
            UNITS,
            alpha=PENALTY,
            max_iter=EPOCHS,
            learning_rate_init=0.004,
            batch_size=1024,
            random_state=seed + number,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is the choice, not a tolerance
            network.fit(inputs, truth, sample_weight=weights)
        networks.append(network)

    def layer(number: int) -> NDArray[np.float32]:
        return np.stack([n.coefs_[number] for n in networks]).astype(np.float32)

    def bias(number: int) -> NDArray[np.float32]:
        return np.stack([n.intercepts_[number][None] for n in networks]).astype(np.float32)

    return Judge(
        mean=mean.astype(np.float32),
        scale=scale.astype(np.float32),
        first=layer(0),
        first_bias=bias(0),
        second=layer(1),
        second_bias=bias(1),
        out=layer(2),
        out_bias=bias(2),
        digest="",
    )


def save(judge: Judge, folder: Path, card: str) -> None:
    """Write the weights and their card."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays = {name: getattr(judge, name) for name in ARRAYS}
    np.savez(folder / "weights.npz", features=np.array(feature_names()), **arrays)
    (folder / "card.md").write_text(card, "utf-8")


def _card(lessons: Sequence[Lesson]) -> str:
    import sklearn

    blocks = sum(len(x.truth) for x in lessons)
    sites = len({x.site for x in lessons if not x.site.startswith(("pool", "template"))})
    templates = len({x.site for x in lessons if x.site.startswith("template")})
    return f"""# strip: which blocks belong to the article

Generated by `python -m pipeline.ingest.learn`. {NETWORKS} networks of {UNITS[0]} and {UNITS[1]} hidden units
over {len(feature_names())} features of a block (`pipeline/ingest/blocks.py`); float32 arrays, no code.

- Taught on {len(lessons)} page views ({blocks:,} blocks): the real pages of {sites} sites as HTML, with and
  without classes, and as flattened text; real articles as they are, cut short, or dressed in the furniture of other
  pages; and real articles in {templates} templates of pages, which are our own (`corpora/templates`).
- Seed {SEED}, scikit-learn {sklearn.__version__}, Python {platform.python_version()}.
- Figures by site, out of fold: see docs/figures.md; `make bench` measures them again.
- Limits: 21 of the 151 pages are Traditional, all from Hong Kong and Taiwan; forums and blogs are few.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Teach and write the weights, or measure them by site."""
    from pipeline.configure import shared_data

    parser = argparse.ArgumentParser(prog="python -m pipeline.ingest.learn", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("build/models/strip"))
    parser.add_argument("--templates", type=Path, default=Path("corpora/templates"))
    options = parser.parse_args(arguments)
    data = shared_data()
    if data is None:
        print("The real pages are not here (set TAOWEN_DATA to their folder); strip is left as it is.", file=sys.stderr)
        return 0
    pages = data / "pages-dev.jsonl.gz"
    lessons = lessons_from_pages(pages)
    sites = {lesson.site for lesson in lessons}
    pool = data / "news-pool.jsonl.gz"
    lessons += lessons_from_articles(pool, pages, sites)
    lessons += lessons_from_templates(pool, options.templates)
    save(teach(lessons), options.out, _card(lessons))
    print(f"{len(lessons)} page views taught; weights in {options.out}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
