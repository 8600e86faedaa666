"""How good the tags are: per topic and script, for articles of no topic, calibration, and floors that must hold."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import ModelError, UsageError
from pipeline.topics.corpus import Example, corpus_digest

__all__ = [
    "Report",
    "Scored",
    "Slice",
    "TopicScore",
    "calibration_error",
    "evaluate",
    "floors_of",
    "judge",
    "missed_floors",
    "read_out_of_fold",
    "score",
    "table",
    "truth",
]

BINS = 10
FEW_POSITIVES = 10
"""With fewer positives in a slice, one article moves F1 by .05 or more: the figure is shown, no floor is set on it."""


@dataclass(frozen=True, slots=True)
class TopicScore:
    """One topic in one slice; all shares in [0, 1]."""

    topic: str
    positives: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class Slice:
    """The articles of one kind. `none` are articles of no topic, `none_untagged` the share of them left untagged."""

    name: str
    articles: int
    topics: tuple[TopicScore, ...]
    macro_f1: float
    none: int
    none_untagged: float
    calibration_error: float


@dataclass(frozen=True, slots=True)
class Report:
    """All slices of one evaluation."""

    slices: tuple[Slice, ...]
    corpus: str
    """Digest of the articles it was measured on."""
    how: str
    """How the scores came about: out of fold by source, or by a model that had not seen the articles."""

    def as_json(self) -> dict[str, Any]:
        """Return plain data, figures rounded to four places."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)), parse_float=lambda text: round(float(text), 4))
        return plain


def truth(examples: Sequence[Example], topics: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Return which topics the examples have, shape (n_articles, n_topics)."""
    return np.array([[topic in e.labels for topic in topics] for e in examples], dtype=bool).reshape(-1, len(topics))


def calibration_error(scores: npt.NDArray[np.float64], labels: npt.NDArray[np.bool_], bins: int = BINS) -> float:
    """Return the expected calibration error over bins of equal mass (Nguyen and O'Connor 2015), in [0, 1].

    All topics' scores together. Every bin is weighed by its number of scores.
    """
    flat, hits = scores.ravel(), labels.ravel()
    if not flat.size:
        return 0.0
    order = np.argsort(flat, kind="stable")
    error = 0.0
    for part in np.array_split(order, min(bins, flat.size)):
        error += abs(float(flat[part].mean()) - float(hits[part].mean())) * part.size / flat.size
    return error


def judge(
    examples: Sequence[Example],
    topics: Sequence[str],
    scores: npt.NDArray[np.float64],
    given: npt.NDArray[np.bool_],
    how: str,
) -> Report:
    """Score tags against labels.

    Args:
        examples: the articles; own-written ones (kind own) are left out of every figure.
        topics: topic ids, the order of the columns.
        scores: calibrated probabilities, shape (n_articles, n_topics).
        given: which tags were given, same shape.
        how: one line for the report.

    Raises:
        UsageError: no real article is among the examples.
    """
    real = np.array([e.kind == "real" for e in examples], dtype=bool)
    if not real.any():
        raise UsageError("There is no real article to score on: own-written articles train, they are never counted.")
    labels = truth(examples, topics)
    parts: dict[str, npt.NDArray[np.bool_]] = {"all": real}
    for script in ("hans", "hant"):
        parts[script] = real & np.array([e.script == script for e in examples], dtype=bool)
    parts["sure"] = real & np.array([e.certainty == "sure" for e in examples], dtype=bool)
    slices = tuple(_slice(name, topics, scores[m], labels[m], given[m]) for name, m in parts.items() if m.any())
    return Report(slices, corpus_digest(e for e in examples if e.kind == "real"), how)


def _slice(
    name: str,
    topics: Sequence[str],
    scores: npt.NDArray[np.float64],
    labels: npt.NDArray[np.bool_],
    given: npt.NDArray[np.bool_],
) -> Slice:
    rows = []
    for number, topic in enumerate(topics):
        hit = int((given[:, number] & labels[:, number]).sum())
        wanted, said = int(labels[:, number].sum()), int(given[:, number].sum())
        f1 = 2 * hit / (wanted + said) if wanted + said else 0.0
        rows.append(TopicScore(topic, wanted, hit / said if said else 0.0, hit / wanted if wanted else 0.0, f1))
    none = ~labels.any(axis=1)
    untagged = float((~given[none].any(axis=1)).mean()) if none.any() else 1.0
    macro = sum(row.f1 for row in rows) / len(rows)
    return Slice(name, len(labels), tuple(rows), macro, int(none.sum()), untagged, calibration_error(scores, labels))


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Real articles with the tags that somebody gave them: a model, or a peer that it is compared with."""

    name: str
    """Whose tags: "model", the name of a peer, or a folder."""
    examples: tuple[Example, ...]
    topics: tuple[str, ...]
    scores: npt.NDArray[np.float64]
    """Probabilities, shape (n_articles, n_topics)."""
    given: npt.NDArray[np.bool_]
    """Which tags were given, same shape."""
    thresholds: tuple[float, ...]
    """From which probability on a topic is given."""
    how: str
    """How the scores came about, for the report."""
    seen: npt.NDArray[np.bool_]
    """Articles that were scored out of fold since the model had learnt from them, shape (n_articles,)."""

    @property
    def labels(self) -> npt.NDArray[np.bool_]:
        """Which topics the articles have, shape (n_articles, n_topics)."""
        return truth(self.examples, self.topics)


def score(examples: Sequence[Example], model: Path | None = None, name: str = "model") -> Scored:
    """Tag the real articles among `examples` with a model, the shipped model without `model`.

    Articles that the model was trained on are scored by its stored out-of-fold scores, by models that had not seen
    their source; all others by the model. So a corpus may hold both, and no figure flatters.

    Raises:
        ModelError: the model cannot be loaded.
        UsageError: there is no real article.
    """
    from pipeline.configure import model_path
    from pipeline.topics.tagger import Tagger

    folder = model or model_path("topics")
    tagger = Tagger.load(folder)
    known = read_out_of_fold(folder, len(tagger.topics))
    real = [example for example in examples if example.kind == "real"]
    if not real:
        raise UsageError("There is no real article to score on: own-written articles train, they are never counted.")
    scores = np.zeros((len(real), len(tagger.topics)))
    seen = np.zeros(len(real), dtype=bool)
    for number, example in enumerate(real):
        row = known.get(example.fingerprint)
        if row is not None:
            scores[number], seen[number] = row, True
    fresh = np.flatnonzero(~seen).tolist()
    if fresh:
        scores[fresh] = tagger.scores([real[n].text for n in fresh], [real[n].title for n in fresh])
    limits = tuple(tagger.thresholds[topic] for topic in tagger.topics)
    how = f"{len(real) - len(fresh)} articles out of fold by source, {len(fresh)} new to the model"
    given = np.round(scores, 4) >= np.array(limits)
    return Scored(name, tuple(real), tagger.topics, scores, given, limits, how, seen)


def evaluate(examples: Sequence[Example], model: Path | None = None) -> Report:
    """Return the figures of a model on labelled articles, scored as `score` does.

    Raises:
        ModelError: the model cannot be loaded.
        UsageError: there is nothing to score on.
    """
    found = score(examples, model)
    return judge(found.examples, found.topics, found.scores, found.given, found.how)


def read_out_of_fold(folder: Path, topics: int) -> dict[str, list[float]]:
    """Return the out-of-fold scores that a model keeps, by the fingerprint of the article's text.

    Raises:
        ModelError: the file is damaged.
    """
    place = folder / "out_of_fold.jsonl"
    if not place.is_file():
        return {}
    known: dict[str, list[float]] = {}
    try:
        for line in place.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            scores = [float(score) for score in row["scores"]]
            if len(scores) != topics:
                raise ModelError(f"{place}: {len(scores)} scores in a row, the model has {topics} topics.")
            known[str(row["fingerprint"])] = scores
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{place} is damaged: {error}") from error
    return known


def table(report: Report) -> str:
    """Return the report as plain text, for a terminal or a card."""
    lines = [f"{'slice':6} {'topic':16} {'positives':>9} {'precision':>9} {'recall':>7} {'F1':>6}"]
    for part in report.slices:
        for row in part.topics:
            few = "  (few)" if row.positives < FEW_POSITIVES else ""
            figures = f"{row.precision:9.3f} {row.recall:7.3f} {row.f1:6.3f}"
            lines.append(f"{part.name:6} {row.topic:16} {row.positives:9} {figures}{few}")
        lines.append(
            f"{part.name:6} {'macro-F1':16} {part.macro_f1:33.3f}   articles {part.articles}, of no topic and untagged "
            f"{part.none_untagged:.3f} of {part.none}, calibration error {part.calibration_error:.3f}"
        )
    lines.append(f"measured: {report.how}; corpus {report.corpus[:12]}")
    return "\n".join(lines)


def missed_floors(report: Report, floors: Mapping[str, Any]) -> list[str]:
    """Return a sentence for every floor that the report misses; none for another corpus than the floors'.

    Args:
        report: what was measured.
        floors: the table "topics" of `models/floors.json`: `corpus` (digest), `macro_f1` by slice and `f1` by slice
            and topic, `none_untagged` by slice.
    """
    if floors.get("corpus") != report.corpus:
        return []
    missed = []
    for part in report.slices:
        wanted: list[tuple[str, float, object]] = [
            ("macro-F1", part.macro_f1, floors.get("macro_f1", {}).get(part.name)),
            ("share untagged of none", part.none_untagged, floors.get("none_untagged", {}).get(part.name)),
        ]
        wanted += [
            (f"F1 of {t.topic}", t.f1, floors.get("f1", {}).get(part.name, {}).get(t.topic)) for t in part.topics
        ]
        for name, value, floor in wanted:
            if isinstance(floor, (int, float)) and round(value, 4) < floor:
                missed.append(f"{part.name}: {name} is {value:.4f}, the floor is {floor:.4f}.")
    return missed


def floors_of(report: Report, slack: float = 0.01) -> dict[str, Any]:
    """Return the floors that a report sets: its figures less `slack`, for slices and topics with enough positives.

    Slack is for other versions of numpy and scikit-learn; not measured yet, so a first guess.
    """

    def down(value: float) -> float:
        return round(max(value - slack, 0.0), 4)

    return {
        "corpus": report.corpus,
        "macro_f1": {s.name: down(s.macro_f1) for s in report.slices if _enough(s)},
        "none_untagged": {s.name: down(s.none_untagged) for s in report.slices},
        "f1": {s.name: {t.topic: down(t.f1) for t in s.topics if t.positives >= FEW_POSITIVES} for s in report.slices},
    }


def _enough(part: Slice) -> bool:
    return all(topic.positives >= FEW_POSITIVES for topic in part.topics)
