"""Trains a topics model by scikit-learn; what it writes is arrays and text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import InputError, UsageError, why
from pipeline.topics.card import card
from pipeline.topics.corpus import Example, corpus_digest
from pipeline.topics.evaluate import Report, judge, truth
from pipeline.topics.features import BITS, batches, key
from pipeline.topics.learn_pairs import PairFit, Space, fit_pairs, solve, space_of
from pipeline.topics.pairs import count_rows
from pipeline.topics.reprints import clusters
from pipeline.topics.taxonomy import Taxonomy
from pipeline.topics.terms import TermFinder, keyed_terms
from pipeline.topics.weights import SCHEMA, TERM_UNIT

__all__ = ["FOLDS", "TrainingReport", "cross_validate", "train"]

FOLDS = 5
SEED = 20240607
FEWEST = 10
"""Labelled articles of a topic below which training it is refused: thresholds would be guesses."""

TERM_STRENGTH = 0.3
"""C of the logistic regression. Log loss by source on 2,071 articles: .1238 for .15, .1223 for .3, .1228 for .5."""

PAIR_PENALTY = 0.3
"""Penalty of the ridge regression over characters and pairs. .15 to .6 differ by .0006 in log loss."""

PAIR_SHARE = 0.6
"""Size of the characters' and pairs' score beside the term features, in standard deviations: a small input has a small
say under L2. By source .45, .6, .8 and 1: macro-F1 .893, .897, .892, .888, of sure labels .963, .966, .964, .964."""

BORDERLINE = 0.8
"""Weight of an article that readers could label otherwise, in both regressions. .4 to 1 differ by .0005 in log loss by
source and .002 in macro-F1."""

FOREIGN = 0.7
"""Size of the columns of other topics' groups and of the background beside a topic's own: they share the penalty, so
they say less. By source .5, .7, .85 and 1: log loss .1225, .1223, .1226, .1256 (1 with the earlier calibration)."""

OWN = 2.0
"""Weight of an own-written article, in both regressions. 1, 2 and 3: log loss by source on real ones .1223, .1223
and .1230, macro-F1 .890, .897 and .897; they show what the real ones lack, rare earths above all."""

FLAT = 0.03
"""What F1 of a topic a threshold may give away for fewer wrong tags. F1 is flat round its best, and a wrong tag costs
readers more than it costs F1. By source .02, .03 and .04, as means over three partitions: macro-F1 on the 2,071
labelled first .903, .902 and .899, articles of no topic left untagged .929, .937 and .941; where two readings agree
.929, .929 and .928, where both are sure .980, .985 and .987."""

CAUTION = 500
"""A threshold moves from .5 towards the one found by positives / (positives + CAUTION): the best place on some sources
is not the best on others. By source 1000, 500 and 300: macro-F1 .882, .881, .879, articles of no topic left untagged
.897, .906, .911; with the thresholds at .5 .885 and .879. Sure labels come out at .958 or .959 each time."""

RESTRAINT = 500.0
"""What calibration pays, in nats, for a slope or an offset of 1 away from the regression's own. By source 10, 50, 200
and 1000: log loss .1249, .1238, .1228, .1221, macro-F1 at .5 .894, .897, .898, .898, calibration error .002 to .003.
Isotonic regression: .134 and .005. What fits some sources does not fit others."""

_FILES = ("card.md", "model.json", "out_of_fold.jsonl", "topics.toml", "weights.npz")

Array = npt.NDArray[np.float64]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What a training came to: honest figures, and labels that the out-of-fold scores contradict."""

    report: Report
    thresholds: dict[str, float]
    examples: int
    digest: str
    """Of the model's files."""
    doubtful: tuple[tuple[str, str, float], ...]
    """Article, topic and probability where label and out-of-fold score disagree most, worst first."""

    def doubts(self, most: int = 10) -> list[str]:
        """Return a line for each of the labels that are contradicted most."""
        return [
            f"{name}: {topic} is {'not ' if score > 0.5 else ''}among its labels, its score out of fold is {score:.2f}"
            for name, topic, score in self.doubtful[:most]
        ]


@dataclass(frozen=True, slots=True)
class _Features:
    """What a model is fitted to, of all articles."""

    terms: Array
    """Shape (n_articles, n_columns)."""
    space: Space
    columns: tuple[npt.NDArray[np.int64], ...]
    """For each topic the columns it may use."""
    sizes: tuple[Array, ...]
    """For each topic what these columns are multiplied by."""
    weights: Array
    """What an article counts, shape (n_articles,)."""


@dataclass(frozen=True, slots=True)
class _Fitted:
    """One linear model of all topics: what `Tagger` needs but calibration and thresholds."""

    terms: npt.NDArray[np.int32]
    bias: Array
    pairs: PairFit
    scale: Array


def train(
    examples: Sequence[Example], out: Path, taxonomy: Taxonomy, progress: Progress | None = None
) -> TrainingReport:
    """Train on labelled articles and write a model's folder; the same input gives the same bytes.

    Args:
        examples: real and own-written articles; own ones train in every fold and are never counted.
        out: folder to write, new or an earlier model's.
        taxonomy: topics and terms.
        progress: called with what is being done, how many steps are done, and of how many.

    Raises:
        UsageError: too few labelled articles or sources, or `out` holds something else than a model.
        InputError: `out` cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(file.name not in _FILES for file in out.iterdir())):
        raise UsageError(f"{out} holds something else than a model. Give --out a new folder.")
    _enough(examples, taxonomy)
    with _told(out):
        out.mkdir(parents=True, exist_ok=True)  # before the minutes that training takes
    tell = progress or (lambda what, done, steps: None)
    features = _featurise(examples, taxonomy, tell)
    raw = _out_of_fold(examples, features, taxonomy, tell)
    labels = truth(examples, taxonomy.ids)
    real = _counted(examples)
    report, scores = _honest(examples, taxonomy, raw, labels, real)
    tell("final model", FOLDS, FOLDS + 1)
    fitted = _fit(features, labels, np.arange(len(examples)), _groups(examples))
    calibration = np.array([_platt(raw[real, k], labels[real, k]) for k in range(len(taxonomy.ids))])
    calibrated = _calibrate(raw, calibration)
    limits = np.array([_threshold(calibrated[real, k], labels[real, k]) for k in range(len(taxonomy.ids))])
    arrays = _arrays(taxonomy, fitted, calibration, limits)
    digest = _write(out, examples, taxonomy, arrays, _known(examples, scores, real), report)
    tell("written", FOLDS + 1, FOLDS + 1)
    thresholds = dict(zip(taxonomy.ids, limits.tolist(), strict=True))
    doubtful = _doubtful(examples, taxonomy, scores, labels, real)
    return TrainingReport(report, thresholds, len(examples), digest, doubtful)


def cross_validate(
    examples: Sequence[Example], taxonomy: Taxonomy, progress: Progress | None = None
) -> tuple[Report, Array]:
    """Return the figures by source out of fold, and the calibrated scores, shape (n_articles, n_topics).

    Calibration and thresholds of a fold come from the other folds' scores. Rows of own articles are zero.

    Raises:
        UsageError: too few labelled articles or sources.
    """
    _enough(examples, taxonomy)
    tell = progress or (lambda what, done, steps: None)
    raw = _out_of_fold(examples, _featurise(examples, taxonomy, tell), taxonomy, tell)
    real = _counted(examples)
    return _honest(examples, taxonomy, raw, truth(examples, taxonomy.ids), real)


def _enough(examples: Sequence[Example], taxonomy: Taxonomy) -> None:
    for topic in taxonomy.ids:
        count = sum(topic in example.labels for example in examples)
        if count < FEWEST:
            raise UsageError(f"Topic '{topic}' has {count} labelled articles; training needs {FEWEST}. Label more.")
    if len(examples) < 2 * FOLDS:
        raise UsageError(f"Cross-validation needs {2 * FOLDS} articles or more. Label more.")


def _counted(examples: Sequence[Example]) -> npt.NDArray[np.bool_]:
    """Return which articles calibrate and are scored: the real ones; all where the real texts are not at hand."""
    real = np.array([example.kind == "real" for example in examples], dtype=bool)
    return real if int(real.sum()) >= 2 * FOLDS else np.ones(len(examples), dtype=bool)


def _groups(examples: Sequence[Example]) -> list[str]:
    return [e.source or e.id if e.kind == "real" else f"own {e.id}" for e in examples]


def _featurise(examples: Sequence[Example], taxonomy: Taxonomy, tell: Progress) -> _Features:
    finder = TermFinder(taxonomy)
    measured, read = [], []
    for first, batch in batches([e.text for e in examples], [e.title for e in examples]):
        tell("features", first, len(examples))
        measured.append(finder.measure(batch, finder.find(batch)))
        read.append(batch)
    terms = np.concatenate(measured).astype(np.float64) * 2.0**-12
    space = space_of(count_rows(read, BITS), BITS)
    own = np.array([example.kind == "own" for example in examples])
    borderline = np.array([example.certainty == "borderline" for example in examples])
    weights = np.where(own, OWN, np.where(borderline, BORDERLINE, 1.0))
    columns = _columns_of(finder)
    sizes = tuple(
        np.array(
            [1.0 if finder.columns[c].topic == topic or finder.columns[c].measure == "length" else FOREIGN for c in of]
        )
        for topic, of in zip(finder.topics, columns, strict=True)
    )
    return _Features(terms, space, columns, sizes, weights)


def _columns_of(finder: TermFinder) -> tuple[npt.NDArray[np.int64], ...]:
    """Return the columns each topic may use: all of its own, and three measures of the other groups.

    Fewer columns did better: with 571 articles macro-F1 by source .875 against .844, with 2,071 log loss .1303
    against .1355.
    """
    return tuple(
        np.array(
            [
                number
                for number, column in enumerate(finder.columns)
                if column.topic == topic
                or (column.group >= 0 and column.measure in ("density", "title", "coverage"))
                or column.measure == "length"
            ]
        )
        for topic in finder.topics
    )


def _fit(
    features: _Features, labels: npt.NDArray[np.bool_], chosen: npt.NDArray[np.int64], groups: Sequence[str]
) -> _Fitted:
    """Fit characters and pairs first, then terms together with their out-of-fold score (stacking)."""
    from sklearn.linear_model import LogisticRegression

    y, weight = labels[chosen], features.weights[chosen]
    likeness = features.space.likeness(chosen, chosen)
    inner = np.zeros(y.shape)
    for kept, held in _folds([groups[n] for n in chosen]):
        shares, bias = solve(likeness[np.ix_(kept, kept)], y[kept].astype(np.float64), PAIR_PENALTY, weight[kept])
        inner[held] = likeness[np.ix_(held, kept)] @ shares + bias
    pairs = fit_pairs(features.space.only(chosen), y.astype(np.float64), PAIR_PENALTY, weight)
    spread = np.maximum(inner.std(axis=0), 1e-9)
    terms = np.zeros((y.shape[1], features.terms.shape[1]), dtype=np.int32)
    bias, scale = np.zeros(y.shape[1]), np.zeros(y.shape[1])
    for topic, columns in enumerate(features.columns):
        known = features.terms[chosen][:, columns] * features.sizes[topic]
        inputs = np.column_stack((known, inner[:, topic] * PAIR_SHARE / spread[topic]))
        model = LogisticRegression(C=TERM_STRENGTH, max_iter=3000).fit(inputs, y[:, topic], sample_weight=weight)
        terms[topic, columns] = np.rint(model.coef_[0, :-1] * features.sizes[topic] / TERM_UNIT)
        share = float(model.coef_[0, -1]) * PAIR_SHARE / spread[topic]
        bias[topic] = model.intercept_[0] + share * pairs.bias[topic]
        scale[topic] = share * pairs.scale[topic]
    return _Fitted(terms, bias, pairs, scale)


def _apply(fitted: _Fitted, features: _Features, chosen: npt.NDArray[np.int64]) -> Array:
    """Return raw scores before calibration, shape (n_chosen, n_topics)."""
    sums = features.terms[chosen] @ (fitted.terms.T * TERM_UNIT) + fitted.bias
    rows = fitted.pairs.weights / np.maximum(fitted.pairs.rarity, 1)[:, None]
    return np.asarray(sums + fitted.scale * (features.space.vectors[chosen] @ rows))


def _folds(groups: Sequence[str]) -> list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """Return (train, held out) for up to FOLDS folds that never part a group."""
    from sklearn.model_selection import GroupKFold

    count = min(FOLDS, len(set(groups)))
    if count < 2:
        raise UsageError("All articles have one source; scores by source need two or more. Give 'source' in the rows.")
    return [(kept, held) for kept, held in GroupKFold(count).split(np.zeros(len(groups)), groups=list(groups))]


def _out_of_fold(examples: Sequence[Example], features: _Features, taxonomy: Taxonomy, tell: Progress) -> Array:
    """Return raw scores of counted articles by models that saw none of their source, nor a reprint of them.

    The other rows stay zero.
    """
    labels, groups = truth(examples, taxonomy.ids), _groups(examples)
    real, own = np.flatnonzero(_counted(examples)), np.flatnonzero(~_counted(examples))
    tell("reprints", 0, len(examples))
    stories = np.array(clusters([key(example.text) for example in examples]))
    raw = np.zeros(labels.shape)
    folds = _folds([groups[n] for n in real])
    for step, (kept, held) in enumerate(folds):
        tell("cross-validation", step, len(folds) + 1)
        others = real[kept][~np.isin(stories[real[kept]], stories[real[held]])]
        if (labels[others].any(axis=0) != labels[real[kept]].any(axis=0)).any() or labels[others].all(axis=0).any():
            # In a corpus made of variants of a few texts nothing would be left to learn from.
            others = real[kept]
        fitted = _fit(features, labels, np.concatenate((others, own)), groups)
        raw[real[held]] = _apply(fitted, features, real[held])
    return raw


def _platt(raw: Array, labels: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Return slope and offset of Platt's calibration, with his smoothed targets (Platt 1999), drawn towards 1 and 0.

    The raw scores are log odds of a regression already. With few positives from few sources, free lines moved .5 to
    where other sources have .1: rare earths .925 to .835 F1 by source.
    """
    from scipy.optimize import minimize

    positives = int(labels.sum())
    negatives = labels.size - positives
    target = np.where(labels, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(values: Array) -> tuple[float, Array]:
        logit = values[0] * raw + values[1]
        probability = 1 / (1 + np.exp(-np.clip(logit, -50, 50)))
        gap = probability - target
        entropy = np.logaddexp(0, logit) - target * logit
        drawn = values - np.array([1.0, 0.0])
        slope = np.array([float((gap * raw).sum()), float(gap.sum())]) + 2 * RESTRAINT * drawn
        return float(entropy.sum() + RESTRAINT * (drawn @ drawn)), slope

    best = minimize(loss, np.array([1.0, 0.0]), jac=True, method="L-BFGS-B", bounds=[(0.05, 20.0), (-20.0, 20.0)])
    return float(best.x[0]), float(best.x[1])


def _calibrate(raw: Array, calibration: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(raw * calibration[:, 0] + calibration[:, 1], -50, 50))))


def _threshold(scores: Array, labels: npt.NDArray[np.bool_]) -> float:
    """Return the probability in [.25, .75] with the fewest wrong tags of those whose F1 is within FLAT of the best.

    The nearest to .5 of equals; drawn towards .5 by CAUTION.
    """
    candidates = np.arange(25, 76) / 100  # the very numbers: a score of .3 is not under .30000000000000004
    given = scores >= candidates[:, None]
    f1 = 2 * (given & labels).sum(axis=1) / np.maximum(1, given.sum(axis=1) + int(labels.sum()))
    wrong = (given & ~labels).sum(axis=1)
    order = np.lexsort((np.abs(candidates - 0.5), wrong, f1 < f1.max() - FLAT))
    threshold = float(candidates[order[0]])
    positives = int(labels.sum())
    return round(0.5 + (threshold - 0.5) * positives / (positives + CAUTION), 4)


def _honest(
    examples: Sequence[Example],
    taxonomy: Taxonomy,
    raw: Array,
    labels: npt.NDArray[np.bool_],
    real: npt.NDArray[np.bool_],
) -> tuple[Report, Array]:
    """Judge out-of-fold scores, calibration and thresholds of a fold taken from the other folds."""
    scores, given = np.zeros(raw.shape), np.zeros(raw.shape, dtype=bool)
    members = np.flatnonzero(real)
    groups = _groups(examples)
    for kept, held in _folds([groups[n] for n in members]):
        for topic in range(raw.shape[1]):
            line = np.array([_platt(raw[members[kept], topic], labels[members[kept], topic])])
            known = _calibrate(raw[members[kept], topic][:, None], line)[:, 0]
            limit = _threshold(known, labels[members[kept], topic])
            scores[members[held], topic] = _calibrate(raw[members[held], topic][:, None], line)[:, 0]
            given[members[held], topic] = scores[members[held], topic] >= limit
    if not any(example.kind == "real" for example in examples):
        return Report(
            (), corpus_digest(()), "nothing: no real article is at hand, and own-written ones are not counted"
        ), scores
    return judge(examples, taxonomy.ids, scores, given, "out of fold by source"), scores


def _doubtful(
    examples: Sequence[Example],
    taxonomy: Taxonomy,
    scores: Array,
    labels: npt.NDArray[np.bool_],
    real: npt.NDArray[np.bool_],
) -> tuple[tuple[str, str, float], ...]:
    found = [
        (abs(float(scores[n, k]) - float(labels[n, k])), examples[n].id, topic, round(float(scores[n, k]), 4))
        for n in np.flatnonzero(real).tolist()
        for k, topic in enumerate(taxonomy.ids)
    ]
    return tuple((name, topic, score) for gap, name, topic, score in sorted(found, reverse=True)[:50] if gap > 0.5)


def _arrays(taxonomy: Taxonomy, fitted: _Fitted, calibration: Array, limits: Array) -> dict[str, Any]:
    """Return what `Tagger` loads, by name."""
    return {
        "bias": fitted.bias,
        "calibration": calibration,
        "keys": np.array(keyed_terms(taxonomy)),
        "pairs": fitted.pairs.weights,
        "rarity": fitted.pairs.rarity,
        "scale": fitted.scale,
        "terms": fitted.terms,
        "thresholds": limits,
    }


def _known(examples: Sequence[Example], scores: Array, real: npt.NDArray[np.bool_]) -> str:
    """Return the out-of-fold scores of the articles that count, as JSON lines."""
    return "".join(
        json.dumps({"id": examples[n].id, "fingerprint": examples[n].fingerprint, "scores": row}) + "\n"
        for n, row in zip(np.flatnonzero(real).tolist(), np.round(scores[real], 4).tolist(), strict=True)
    )


def _write(
    out: Path, examples: Sequence[Example], taxonomy: Taxonomy, arrays: Mapping[str, Any], known: str, report: Report
) -> str:
    """Write the folder, `model.json` last, and return the model's digest."""
    packed = BytesIO()
    np.savez(packed, **arrays)
    files = {"topics.toml": taxonomy.source.encode(), "weights.npz": packed.getvalue()}
    about = {
        "kind": "taowen topics",
        "schema": SCHEMA,
        "bits": BITS,
        "topics": list(taxonomy.ids),
        "thresholds": dict(zip(taxonomy.ids, arrays["thresholds"].tolist(), strict=True)),
        "corpus": corpus_digest(examples),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        "figures": report.as_json(),
    }
    described = (json.dumps(about, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
    digest = hashlib.sha256(described).hexdigest()
    files["out_of_fold.jsonl"] = known.encode()
    files["card.md"] = card(examples, taxonomy, about, report, digest).encode()
    with _told(out):
        for name, content in {**files, "model.json": described}.items():
            (out / name).write_bytes(content)
    return digest


@contextmanager
def _told(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"The model cannot be written to {out}: {why(error)}.") from error
