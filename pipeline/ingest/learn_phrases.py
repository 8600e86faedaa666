"""Teach `pipeline.ingest.phrase_model` what search phrases are.

    python -m pipeline.ingest.learn_phrases --out build/models/phrases

Clean articles of publishers that the fluency model has not seen are spoiled by `pipeline.ingest.spoil` with
phrases of `corpora/search-phrases.toml`; networks learn which candidates were spliced in. The shape of phrases (a
bigram model) that an article is measured with has never seen the kinds of phrases that are spliced into it, so the
networks learn how far it can be trusted on kinds that nobody has written down. The shipped shape knows all kinds.

Needs the news pool (`$TAOWEN_DATA` or ../shared/data). Same data, same versions: same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import platform
import random
import sys
import tomllib
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.configure import shared_data
from pipeline.ingest import evidence as measured
from pipeline.ingest import pieces
from pipeline.ingest.fluency import Fluency, canonical, default_fluency
from pipeline.ingest.glance import OF_PHRASES, OF_PIECES, glance
from pipeline.ingest.learn_fluency import held_out
from pipeline.ingest.phrase_model import LAYERS, LINE, Line, Networks, PhraseModel, Shape
from pipeline.ingest.spoil import Spoiled, Spoiling, spoil
from pipeline.script.convert import convert
from pipeline.script.fold import code_points, fold

SEED = 20261
GRAMMAR = Path("corpora/search-phrases.toml")
FOLDS = 3
"""Parts of the kinds of phrases; a page is measured with a shape that knows the other parts."""
NETWORKS, UNITS, EPOCHS, BATCH, PENALTY = 4, 16, 24, 512, 1e-3
"""Sixteen units do .03 F1 better than none on kinds of phrases and publishers left out, 24 no better than 16."""
CLEAN, TOUCHING = 0.5, 0.1
"""Share of the candidates of clean text, and of those that overlap a splice without being it, that are lessons."""
PUBLISHER = 500
"""Articles of one publisher, at most."""
LONGEST = 6000
"""Characters of an article."""
KAPPA, BETA = 4.0, 800.0
"""Smoothing of pairs and of characters: counts of the news that are added."""
PAGE = 4.0
"""Weight of the text of a real page beside an article of the pool, where whole pages are lessons: there are few."""
SURE = 2.5
"""Log odds of a phrase from which on a page counts as found when the gate is set."""
RECALL, RECALL_PIECES = 0.98, 0.995
"""Share of the splices, on pages where the full look finds them, that each of the two cheap looks lets through."""

Floats = NDArray[np.float32]
Grammar = dict[str, dict[str, list[str]]]


@dataclass(frozen=True, slots=True)
class Lesson:
    """A text, clean or spoiled, with what was seen of it."""

    part: str
    """teach or test."""
    script: str
    text: str
    spoiled: Spoiled | None
    shape: Shape
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    evidence: Floats
    truth: NDArray[np.int8]
    """1 for a candidate that was spliced in, -1 for one that touches a splice, 0."""


def shape_arrays(grammar: Grammar, kinds: Sequence[str], fluency: Fluency) -> dict[str, NDArray[Any]]:
    """Count the pairs of the kinds' phrases. A head counts once, a tail 1.5 times, each joint by its share."""
    canon = canonical()
    single: Counter[int] = Counter()
    double: Counter[tuple[int, int]] = Counter()

    def points(string: str) -> list[int]:
        return [int(p) for p in canon[np.minimum(code_points(fold(string)), 0xFFFF)]]

    for kind in kinds:
        heads, tails = grammar[kind]["heads"], grammar[kind]["tails"]
        for several, weight in ((heads, 1.0), (tails, 1.5)):
            for string in several:
                row = points(string)
                for point in row:
                    single[point] += weight  # type: ignore[assignment]
                for a, b in pairwise(row):
                    double[a, b] += weight  # type: ignore[assignment]
        for head in heads:
            for tail in tails:
                a, b = points(head[-1] + tail[0])
                double[a, b] += 1.0 / len(heads)  # type: ignore[assignment]
    total = float(sum(single.values()))
    seen = sorted({p for pair in double for p in pair} | set(single))
    news = np.exp(fluency.alone(fluency.symbols("".join(map(chr, seen)))).astype(np.float64))
    likely = (np.array([single[p] for p in seen], np.float64) + BETA * news) / (total + BETA)
    by_point = dict(zip(seen, likely.tolist(), strict=True))
    behind: Counter[int] = Counter()
    for (a, _), count in double.items():
        behind[a] += count
    pairs = sorted(double)
    logs = [np.log((double[a, b] + KAPPA * by_point[b]) / (behind[a] + KAPPA)) for a, b in pairs]
    return {
        "points": np.array([0, *seen], np.uint16),
        "point_gain": np.array([np.log(BETA / (total + BETA)), *np.log(likely / news)], np.float32),
        "point_after": np.array([0, *(np.log(KAPPA / (behind[p] + KAPPA)) for p in seen)], np.float32),
        "pairs": np.array([a << 16 | b for a, b in pairs], np.uint32),
        "pair_log": np.array(logs, np.float32),
    }


def articles(data: Path) -> list[dict[str, Any]]:
    """Return the clean articles of held-out publishers, in an order by chance."""
    with gzip.open(data / "spoiled-dev.jsonl.gz", "rt", encoding="utf-8") as file:
        known = {json.loads(line)["gold"] for line in file}
    with gzip.open(data / "news-pool.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [row for row in map(json.loads, file) if held_out(row["publisher"]) and row["text"] not in known]
    random.Random(SEED).shuffle(rows)
    taken: Counter[str] = Counter()
    chosen = []
    for row in rows:
        if row["script"] in ("hans", "hant") and 150 <= len(row["text"]) <= LONGEST:
            taken[row["publisher"]] += 1
            if taken[row["publisher"]] <= PUBLISHER:
                chosen.append(row)
    return chosen


def page_texts(data: Path) -> list[dict[str, Any]]:
    """Return the articles of real pages, of more kinds than the pool's news: clean lessons only."""
    with gzip.open(data / "pages-dev.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [{"text": row["gold"][:LONGEST], "script": row["script"]} for row in rows if len(row["gold"]) >= 150]


def some_phrases(grammar: Grammar, kinds: Sequence[str], traditional: bool, rng: random.Random) -> tuple[str, ...]:
    """Return eight phrases of these kinds; on a Traditional page a third of them are Traditional."""
    found: list[str] = []
    while len(found) < 8:
        kind = grammar[rng.choice(kinds)]
        phrase = rng.choice(kind["heads"]) + rng.choice(kind["tails"])
        if rng.random() < 0.15:
            phrase += rng.choice(kind["tails"])
        if traditional and rng.random() < 0.35:
            phrase = convert(phrase, "zh-Hant")
        if measured.SHORTEST <= len(phrase) <= measured.LONGEST:
            found.append(phrase)
    return tuple(found)


def quoting(text: str, script: str, rng: random.Random) -> str:
    """Return the text with one of its quotations in the other script, as a clean text may have it."""
    left, right = ("「", "」") if script == "hant" else ("“", "”")
    quotes = [part.split(right)[0] for part in text.split(left)[1:] if 6 <= len(part.split(right)[0]) <= 60]
    if not quotes:
        return text
    quote = rng.choice(quotes)
    return text.replace(quote, convert(quote, "zh-Hans" if script == "hant" else "zh-Hant"), 1)


def lessons(grammar: Grammar, rows: Sequence[dict[str, Any]], fluency: Fluency) -> Iterator[Lesson]:
    """Yield each article clean and, mostly, spoiled as well."""
    rng = random.Random(SEED)
    kinds = sorted(grammar)
    rng.shuffle(kinds)
    parts = [kinds[i::FOLDS] for i in range(FOLDS)]
    shapes = [Shape(shape_arrays(grammar, [k for k in kinds if k not in part], fluency), fluency) for part in parts]
    for number, row in enumerate(rows):
        part = "teach" if number % 2 else "test"
        fold_of = number // 2 % FOLDS
        text = row["text"]
        if rng.random() < 0.15:
            text = quoting(text, row["script"], rng)
        yield lesson(part, row["script"], text, None, shapes[fold_of], fluency)
        if number % 3 == 0:
            continue
        found = some_phrases(grammar, parts[fold_of], row["script"] == "hant", rng)
        how = Spoiling(
            phrases=found,
            phrase_count=rng.choice((1, 2, 3, 4, 5, 6, 8, 10)),
            variety=rng.choice((1, 2, 3, 6, 8)),
            at_joints=rng.choice((0, 0.2, 0.4, 0.8)),
        )
        spoiled = spoil(row["text"], how, number)
        yield lesson(part, row["script"], spoiled.text, spoiled, shapes[fold_of], fluency)


def lesson(part: str, script: str, text: str, spoiled: Spoiled | None, shape: Shape, fluency: Fluency) -> Lesson:
    """Measure the candidates of a text and tell which were spliced in."""
    key = fold(text)
    starts, ends, evidence = measured.measure(
        fluency.read(key), measured.text_of(code_points(key), code_points(text)), shape
    )
    truth = np.zeros(len(starts), np.int8)
    if spoiled is not None and len(starts):
        spliced = np.zeros(len(text) + 1, np.int64)
        for start, end in spoiled.spans:
            spliced[start:end] = 1
        sums = np.concatenate((np.zeros(1, np.int64), np.cumsum(spliced)))
        truth[sums[ends] > sums[starts]] = -1
        exact = set(spoiled.spans)
        truth[[(a, b) in exact for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]] = 1
    return Lesson(part, script, text, spoiled, shape, starts, ends, evidence, truth)


def teach(
    evidence: Floats, truth: NDArray[np.bool_], weight: NDArray[np.float64] | None = None, epochs: int = EPOCHS
) -> dict[str, NDArray[Any]]:
    """Return the arrays of networks fitted to rows of evidence."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    mean, scale = evidence.mean(axis=0), evidence.std(axis=0) + 1e-3
    inputs = np.clip((evidence - mean) / scale, -6, 6).astype(np.float32)
    networks = []
    for number in range(NETWORKS):
        network = MLPClassifier((UNITS,), alpha=PENALTY, max_iter=epochs, batch_size=BATCH, random_state=SEED + number)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the number of epochs is the choice
            network.fit(inputs, truth, sample_weight=weight)
        networks.append(network)
    layers = [mean, scale]
    for depth in range(2):
        layers.append(np.stack([n.coefs_[depth] for n in networks]))
        layers.append(np.stack([n.intercepts_[depth][None] for n in networks]))
    return {name: layer.astype(np.float32) for name, layer in zip(LAYERS, layers, strict=True)}


def teach_spliced(taught: Sequence[Lesson]) -> dict[str, NDArray[Any]]:
    """Return networks that tell which candidates were spliced in."""
    evidence = np.concatenate([x.evidence for x in taught])
    truth = np.concatenate([x.truth for x in taught])
    draw = np.random.default_rng(SEED).random(len(truth))
    used = (truth == 1) | ((truth == 0) & (draw < CLEAN)) | ((truth == -1) & (draw < TOUCHING))
    return teach(evidence[used], truth[used] == 1)


def teach_phrases(taught: Sequence[Lesson], spliced: Networks, fluency: Fluency) -> dict[str, NDArray[Any]]:
    """Return networks over a glance's suspicions: above 0 are `RECALL` of the splices that the full look finds."""
    rows: list[Floats] = []
    truth: list[NDArray[np.bool_]] = []
    seen: list[tuple[Floats, int]] = []
    for x in taught:
        key = fold(x.text)
        spans, signs, _ = glance(fluency, x.shape, measured.text_of(code_points(key), code_points(x.text)))
        exact = set(x.spoiled.spans) if x.spoiled is not None else set()
        hit = np.array([span in exact for span in spans], bool)
        counted = hit if exact else np.ones(len(hit), bool)
        rows.append(signs[counted])
        truth.append(hit[counted])
        if not exact or float(spliced.odds(x.evidence).max(initial=-99)) >= SURE:
            seen.append((signs, len(exact)))
    layers = teach(np.concatenate(rows), np.concatenate(truth))
    networks = Networks.of(layers, len(OF_PHRASES))
    best = np.array([float(networks.odds(signs).max(initial=-99)) for signs, _ in seen])
    return _shifted("phrases", "second_bias", layers, best, np.array([count for _, count in seen]))


def teach_pieces(
    rows: Sequence[dict[str, Any]], pages: Sequence[dict[str, Any]], fluency: Fluency, shape: Shape
) -> dict[str, NDArray[Any]]:
    """Return networks over a glance's signs: above 0 are `RECALL_PIECES` of the pieces that the full look finds."""
    rng = random.Random(SEED)
    signs: list[Floats] = []
    splices: list[int] = []
    for number, row in enumerate(rows):
        how = Spoiling(
            title=row["title"] or row["text"][:24],
            piece=rng.choice(((2, 3), (2, 4), (3, 5))),
            shuffle=rng.choice((0.0, 0.1, 0.2)),
            gap=rng.choice(((5, 12), (10, 25), (15, 35), (20, 50))),
            at_joints=rng.choice((0.0, 0.4, 0.8)),
            share=rng.choice((0.4, 0.8, 1.0)),
        )
        spoiled = spoil(row["text"], how, number)
        for text, count in ((row["text"], 0), (spoiled.text, len(spoiled.spans))):
            key = fold(text)
            told = measured.text_of(code_points(key), code_points(text))
            if not count or pieces.find_pieces(fluency.read(key), told, key).odds >= pieces.ACCEPTED:
                signs.append(glance(fluency, shape, told).pieces)
                splices.append(count)
    for row in pages:
        key = fold(row["text"])
        signs.append(glance(fluency, shape, measured.text_of(code_points(key), code_points(key))).pieces)
        splices.append(0)
    counted = np.array(splices)
    weight = np.where(counted > 0, counted / max(1.0, counted[counted > 0].mean()), 1.0)
    weight[len(weight) - len(pages) :] = PAGE
    evidence = np.concatenate(signs)
    layers = teach_line(evidence, counted > 0, weight)
    best = Line.of(layers, len(OF_PIECES)).odds(evidence)
    return _shifted("pieces", "bias", layers, best, counted, RECALL_PIECES)


def teach_line(evidence: Floats, truth: NDArray[np.bool_], weight: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a logistic regression. Whole pages are few: on those left out it does better than networks.

    At a recall of .995 it lets 17% of the real pages through, networks on the same evidence 23%.
    """
    from sklearn.linear_model import LogisticRegression

    mean, scale = evidence.mean(axis=0), evidence.std(axis=0) + 1e-3
    inputs = np.clip((evidence - mean) / scale, -6, 6).astype(np.float64)
    line = LogisticRegression(max_iter=5000).fit(inputs, truth, sample_weight=weight)
    layers = (mean, scale, line.coef_[0], line.intercept_)
    return {name: layer.astype(np.float32) for name, layer in zip(LINE, layers, strict=True)}


def _shifted(
    name: str,
    bias: str,
    layers: dict[str, NDArray[Any]],
    best: NDArray[Any],
    splices: NDArray[np.int64],
    recall: float = RECALL,
) -> dict[str, NDArray[Any]]:
    """Return the layers with 0 where `recall` of the splices are above; `splices` is 0 for a clean page."""
    found = np.flatnonzero(splices > 0)
    order = found[np.argsort(best[found])]
    lost = np.cumsum(splices[order]) / splices[order].sum()
    least = float(best[order][np.searchsorted(lost, 1 - recall)]) - 1e-3
    clean = best[splices == 0]
    print(
        f"{name}: a glance lets {np.mean(clean > least):.1%} of {len(clean):,} clean articles through", file=sys.stderr
    )
    return layers | {bias: layers[bias] - np.float32(least)}


def card(taught: Sequence[Lesson], grammar: Grammar, stored: bytes, data: Path) -> str:
    """Return what the model was taught on."""
    import sklearn

    clean = [x for x in taught if x.spoiled is None]
    spoiled = [x for x in taught if x.spoiled is not None]
    count = sum(len(kind["heads"]) * len(kind["tails"]) for kind in grammar.values())
    pool = hashlib.sha256((data / "news-pool.jsonl.gz").read_bytes()).hexdigest()
    return f"""# phrases: what search phrases look like, and how evidence for them weighs

Written by `python -m pipeline.ingest.learn_phrases`. Mending uses it to tell spans that were spliced into sentences.

- Shape: a bigram model of characters of {count:,} phrases of {len(grammar)} kinds, made by the grammar in
  `corpora/search-phrases.toml` (own writing); folded, so one model serves both scripts.
- Evidence: {NETWORKS} networks of {UNITS} hidden units over {len(measured.FEATURES)} features of a candidate span
  (`pipeline/ingest/evidence.py`), taught on {len(clean):,} clean articles: of publishers held out from the fluency
  model, and of real pages;
  {len(spoiled):,} of them also spoiled by `pipeline/ingest/spoil.py`. The shape used in teaching had never seen the
  kinds of phrases that were spliced in.
- Gates: which pages get the full look; set so that {RECALL:.0%} of the pages where it finds something pass.
- `weights.npz`: {len(stored):,} bytes, sha256 `{hashlib.sha256(stored).hexdigest()}`; float32 arrays, no code
- news pool: sha256 `{pool}`; the articles of `spoiled-dev` are left out
- seed {SEED}, scikit-learn {sklearn.__version__}, Python {platform.python_version()}
- Figures: see docs/figures.md; `make mending` measures them again. Not for telling advertising from news: it sees
  spans inside sentences only.
"""


def learn(out: Path, data: Path, grammar_path: Path = GRAMMAR) -> PhraseModel:
    """Teach, write the arrays and the card, and return the model."""
    grammar: Grammar = tomllib.loads(grammar_path.read_text("utf-8"))
    fluency = default_fluency()
    rows = articles(data)
    seen = list(lessons(grammar, rows, fluency))
    pages = page_texts(data)
    whole = Shape(shape_arrays(grammar, sorted(grammar), fluency), fluency)
    taught = [x for x in seen if x.part == "teach"]
    taught += [lesson("teach", row["script"], row["text"], None, whole, fluency) for row in pages]
    spliced = teach_spliced(taught)
    layers = {
        "spliced": (spliced, measured.FEATURES),
        "phrases": (
            teach_phrases(taught, Networks.of(spliced, len(measured.FEATURES)), fluency),
            OF_PHRASES,
        ),
        "pieces": (teach_pieces(rows[1::2], pages, fluency, whole), OF_PIECES),
    }
    arrays = shape_arrays(grammar, sorted(grammar), fluency)
    for name, (told, columns) in layers.items():
        arrays |= {f"{name}_{layer}": array for layer, array in told.items()} | {f"{name}_names": np.array(columns)}
    out.mkdir(parents=True, exist_ok=True)
    target = out / "weights.npz"
    np.savez(target, **arrays)  # type: ignore[arg-type]  # numpy types the keywords as a bool
    (out / "card.md").write_text(card(taught, grammar, target.read_bytes(), data), "utf-8")
    print(f"{target}: {target.stat().st_size:,} bytes", file=sys.stderr)
    return PhraseModel.load(out)


def main(arguments: Sequence[str] | None = None) -> int:
    """Teach and write the model."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.ingest.learn_phrases")
    parser.add_argument("--out", type=Path, default=Path("build/models/phrases"))
    options = parser.parse_args(arguments)
    data = shared_data()
    if data is None:
        print("The news pool is not here (set TAOWEN_DATA to its folder); phrases is left as it is.", file=sys.stderr)
        return 0
    learn(options.out, data)
    return 0


if __name__ == "__main__":
    sys.exit(main())
