"""Tags articles with topics: arrays in, calibrated probabilities and evidence out. No scikit-learn here."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.article import Evidence, Tag
from pipeline.configure import model_path
from pipeline.errors import ModelError, UsageError
from pipeline.topics.features import Batch, batches, keep_memory, key
from pipeline.topics.pairs import Hashed
from pipeline.topics.taxonomy import Taxonomy
from pipeline.topics.terms import Found, TermFinder
from pipeline.topics.weights import Weights, check_keys, check_weights, read_weights

__all__ = ["Tagger"]

_MOST_EVIDENCE = 5
_SHOWN_CLAUSE = 80
"""Code points of a clause that is cited where no term speaks for a topic."""

_LEAST = 1e-12
"""Probability that log odds are told of: a float knows no other number as near to 1."""

_CLAUSE = re.compile(r"[^\n。!?;,、:\s][^\n。!?;,:]*")
"""A clause of a key: marks are half width there."""

_Span = tuple[int, int, int]
"""Where evidence stands: 0 title or 1 text, start, end."""


@dataclass(frozen=True, slots=True)
class _Read:
    """A batch as the model sees it."""

    first: int
    """Number of its first article."""
    batch: Batch
    hashed: Hashed
    found: Found
    probabilities: list[list[float]]


class Tagger:
    """A trained model. Make one with `Tagger.load`; it holds no state that tagging changes."""

    def __init__(self, taxonomy: Taxonomy, arrays: Mapping[str, npt.NDArray[Any]], digest: str) -> None:
        keep_memory()
        self.taxonomy = taxonomy
        self.topics: tuple[str, ...] = taxonomy.ids
        self.digest = digest
        check_keys(arrays, [term for group in taxonomy.groups for term in group.terms])
        self._finder = TermFinder(taxonomy, arrays["keys"].tolist())
        check_weights(arrays, len(self.topics), len(self._finder.columns))
        self._weights = Weights(arrays)
        self.thresholds: dict[str, float] = dict(zip(self.topics, arrays["thresholds"].tolist(), strict=True))
        self._worth: list[list[float]] = self._finder.worth(self._weights.terms).tolist()

    @classmethod
    def load(cls, path: Path | None = None) -> Tagger:
        """Load a model's folder, the shipped model without `path`. Nothing in it is ever run.

        Raises:
            ModelError: the folder is missing, damaged, of another version, or not what its digests say.
        """
        folder = path or model_path("topics")
        taxonomy, arrays, digest = read_weights(folder)
        try:
            return cls(taxonomy, arrays, digest)
        except ModelError as error:
            raise ModelError(f"The model in {folder} does not fit: {error}") from error

    def scores(self, texts: Sequence[str], titles: Sequence[str] | None = None) -> npt.NDArray[np.float64]:
        """Return calibrated probabilities, shape (n_articles, n_topics), columns in the order of `topics`.

        A row depends on its own article only, to the last bit. A text without any letter scores 0.
        """
        rows = [row for read in self._read(texts, titles) for row in read.probabilities]
        return np.array(rows).reshape(len(texts), len(self.topics))

    def tag(
        self,
        texts: Sequence[str],
        titles: Sequence[str] | None = None,
        *,
        thresholds: Mapping[str, float] | None = None,
    ) -> list[list[Tag]]:
        """Return the tags of each article, strongest first; a list may be empty.

        Args:
            texts: kept texts of articles, in either script.
            titles: their titles, "" where unknown.
            thresholds: probabilities in place of the model's own, by topic id.

        Raises:
            UsageError: a threshold names no topic of the model or is not in [0, 1].
        """
        wanted = dict(self.thresholds)
        for name, value in (thresholds or {}).items():
            if name not in wanted:
                raise UsageError(f"There is no topic '{name}' in this model; it has {', '.join(self.topics)}.")
            if not 0 <= value <= 1:
                raise UsageError(f"The threshold of '{name}' is {value}; it must be between 0 and 1.")
            wanted[name] = value
        limits = list(wanted.values())
        tagged = []
        for read in self._read(texts, titles):
            for number, row in enumerate(read.probabilities):
                # The printed score decides, so that a reader of the output can redo the decision.
                given = [
                    (topic, rounded)
                    for topic, score in enumerate(row)
                    if score > 0 and (rounded := round(score, 4)) >= limits[topic]
                ]
                tags = []
                if given:
                    title = titles[read.first + number] if titles else ""
                    terms = _terms_of(read, number)
                    for topic, score in given:
                        spans = self._evidence(topic, terms) or [self._clause(topic, read, number, texts)]
                        cited = _cited(spans, texts[read.first + number], title)
                        tags.append(Tag(self.topics[topic], score, cited))
                tagged.append(sorted(tags, key=lambda tag: (-tag.score, tag.id)))
        return tagged

    def worths(self, text: str, title: str, tag: Tag) -> tuple[float, ...]:
        """Return what each piece of evidence of a tag is worth to it, in log odds, in the order of the evidence.

        That is by how much the log odds of the topic fall when the cited words are blanked wherever they stand in the
        article: exact, since the article is scored again without them. Less than 0 where it is surer without them; one
        of several terms that say the same may be worth little.
        """
        keys = [(key(title), key(text))]
        for span in tag.evidence:
            words = key(span.text)
            blank = " " * len(words)
            keys.append((keys[0][0].replace(words, blank), keys[0][1].replace(words, blank)))
        scores = self.scores([told for _, told in keys], [head for head, _ in keys])[:, self.topics.index(tag.id)]
        odds = [math.log(max(score, _LEAST) / max(1 - score, _LEAST)) for score in scores.tolist()]
        return tuple(round(odds[0] - without, 4) for without in odds[1:])

    def _read(self, texts: Sequence[str], titles: Sequence[str] | None) -> Iterator[_Read]:
        calibration = self._weights.calibration
        for first, batch in batches(texts, titles):
            hashed = self._weights.pairs.read(batch)
            found = self._finder.find(batch, hashed.rows)
            raw = self._weights.raw(hashed, self._finder.measure(batch, found))
            logits = calibration[:, 0] * raw + calibration[:, 1]
            # Exponentials one by one: in arrays their last bit depends on the place.
            rows = [
                [_logistic(logit) for logit in row] if known else [0.0] * len(self.topics)
                for row, known in zip(logits.tolist(), hashed.in_text.tolist(), strict=True)
            ]
            yield _Read(first, batch, hashed, found, rows)

    def _evidence(self, topic: int, terms: Sequence[tuple[int, _Span]]) -> list[_Span]:
        """Return where the terms stand that speak most for a topic, each where it stands first; at most a few."""
        worth = self._worth[topic]
        best: dict[int, tuple[float, _Span]] = {}
        for term, span in terms:
            if worth[term] > 0 and term not in best:
                best[term] = (-worth[term], span)
        return sorted(span for _, span in sorted(best.values())[:_MOST_EVIDENCE])

    def _clause(self, topic: int, read: _Read, number: int, texts: Sequence[str]) -> _Span:
        """Return the clause of the text whose characters add most to a topic."""
        start, end = read.batch.bounds[2 * number + 1 : 2 * number + 3].tolist()
        total = np.cumsum(np.append(0, self._weights.pairs.gains(topic, read.hashed, start, end)))
        keyed = key(texts[read.first + number])
        best, chosen = -math.inf, (1, 0, min(len(keyed), _SHOWN_CLAUSE))
        for match in _CLAUSE.finditer(keyed):
            begin, stop = match.start(), min(match.end(), match.start() + _SHOWN_CLAUSE)
            gain = float(total[stop] - total[begin])
            if gain > best:
                best, chosen = gain, (1, begin, stop)
        return chosen


def _terms_of(read: _Read, number: int) -> list[tuple[int, _Span]]:
    """Return the terms of one article and where they stand, those of its title first."""
    title, text, after = read.batch.bounds[2 * number : 2 * number + 3].tolist()
    first, last = np.searchsorted(read.found.starts, (title, after)).tolist()
    return [
        (term, (1, start - text, end - text) if start >= text else (0, start - title, end - title))
        for start, end, term in zip(
            read.found.starts[first:last].tolist(),
            read.found.ends[first:last].tolist(),
            read.found.terms[first:last].tolist(),
            strict=True,
        )
    ]


def _cited(spans: Sequence[_Span], text: str, title: str) -> tuple[Evidence, ...]:
    """Return spans as evidence, in the words of the article as it was given."""
    return tuple(
        Evidence("text" if place else "title", start, end, (text if place else title)[start:end])
        for place, start, end in spans
    )


def _logistic(logit: float) -> float:
    return (
        1 / (1 + math.exp(-logit)) if logit >= 0 else math.exp(max(logit, -700.0)) / (1 + math.exp(max(logit, -700.0)))
    )
