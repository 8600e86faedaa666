"""Tags articles with topics: texts in, calibrated probabilities and evidence out. No scikit-learn here."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.article import Evidence, Tag
from pipeline.configure import model_path
from pipeline.errors import ModelError, UsageError
from pipeline.native import tags
from pipeline.topics.features import Batch, Integers, batches, key
from pipeline.topics.taxonomy import Taxonomy
from pipeline.topics.terms import TermFinder
from pipeline.topics.weights import Weights, check_keys, check_weights, read_weights

__all__ = ["Tagger"]

_MOST_EVIDENCE = 5
_SHOWN_CLAUSE = 80
"""Code points of a clause that is cited where no term speaks for a topic."""

_LEAST = 1e-12
"""Probability that log odds are told of: a float knows no other number as near to 1."""

_CLAUSE = re.compile(r"[^\n。!?;,、:\s][^\n。!?;,:]*")
"""A clause of a key: marks are half width there."""

_ROUNDED = 1e-4
"""More than rounding to four places changes a score by."""


Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Read:
    """A batch as the model sees it."""

    first: int
    """Number of its first article."""
    batch: Batch
    probabilities: Array
    """Shape (n_articles, n_topics); 0 for all topics where a text has no letter."""
    found: Integers
    """Places of terms, shape (n_found, 3)."""


class Tagger:
    """A trained model. Make one with `Tagger.load`; it holds no state that tagging changes."""

    def __init__(self, taxonomy: Taxonomy, arrays: Mapping[str, npt.NDArray[Any]], digest: str) -> None:
        self._made_of = taxonomy, arrays, digest
        self.taxonomy = taxonomy
        self.topics: tuple[str, ...] = taxonomy.ids
        self.digest = digest
        check_keys(arrays, [term for group in taxonomy.groups for term in group.terms])
        self._finder = TermFinder(taxonomy, arrays["keys"].tolist())
        check_weights(arrays, len(self.topics), len(self._finder.columns))
        self._weights = Weights(arrays)
        self.thresholds: dict[str, float] = dict(zip(self.topics, arrays["thresholds"].tolist(), strict=True))
        self._worth = self._finder.worth(self._weights.terms)

    def __reduce__(self) -> tuple[type[Tagger], tuple[Taxonomy, Mapping[str, npt.NDArray[Any]], str]]:
        """For copies in other processes: what the kernels take are addresses, which are made anew there."""
        return Tagger, self._made_of

    @classmethod
    def load(cls, path: str | Path | None = None) -> Tagger:
        """Load a model's folder, the shipped model without `path`. Nothing in it is ever run.

        Raises:
            ModelError: the folder is missing, damaged, of another version, or not what its digests say.
        """
        folder = Path(path) if path else model_path("topics")
        taxonomy, arrays, digest = read_weights(folder)
        try:
            return cls(taxonomy, arrays, digest)
        except ModelError as error:
            raise ModelError(f"The model in {folder} does not fit: {error}") from error

    def scores(self, texts: Sequence[str], titles: Sequence[str] | None = None) -> Array:
        """Return calibrated probabilities, shape (n_articles, n_topics), columns in the order of `topics`.

        A row depends on its own article only, to the last bit. A text without any letter scores 0.
        """
        scores = [read.probabilities for read in self._read(texts, titles)]
        return np.concatenate(scores) if scores else np.zeros((0, len(self.topics)))

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
        tagged: list[list[Tag]] = [[] for _ in texts]
        for read in self._read(texts, titles):
            likely = (read.probabilities > 0) & (read.probabilities >= np.array(limits) - _ROUNDED)
            # The printed score decides, so that a reader of the output can redo the decision.
            scores = [round(score, 4) for score in read.probabilities[likely].tolist()]
            given = np.argwhere(likely)
            kept = [n for n, topic in enumerate(given[:, 1].tolist()) if scores[n] >= limits[topic]]
            if not kept:
                continue
            given = given[kept]
            spans = tags.evidence(read.found, read.batch.bounds, self._worth, given, _MOST_EVIDENCE)
            for number, (row, topic), places in zip(kept, given.tolist(), spans, strict=True):
                article = read.first + row
                text, title = texts[article], titles[article] if titles else ""
                cited = _cited(places or [self._clause(topic, read.batch, row, text)], text, title)
                tagged[article].append(Tag(self.topics[topic], scores[number], cited))
        for of_article in tagged:
            if len(of_article) > 1:
                of_article.sort(key=lambda tag: (-tag.score, tag.id))
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
        for first, batch in batches(texts, titles):
            told = self._weights.pairs.told, self._finder.told, self._weights.told
            yield _Read(first, batch, *tags.score(*told, batch.keys, batch.bounds))

    def _clause(self, topic: int, batch: Batch, number: int, text: str) -> list[int]:
        """Return the clause of the text of an article of a batch whose characters add most to a topic."""
        title, start, end = batch.bounds[2 * number : 2 * number + 3].tolist()
        gains = self._weights.pairs.gains(topic, batch.keys[title:end])[start - title :]
        total = np.cumsum(np.append(0, gains))
        keyed = key(text)
        best, chosen = -math.inf, [1, 0, min(len(keyed), _SHOWN_CLAUSE)]
        for match in _CLAUSE.finditer(keyed):
            begin, stop = match.start(), min(match.end(), match.start() + _SHOWN_CLAUSE)
            gain = float(total[stop] - total[begin])
            if gain > best:
                best, chosen = gain, [1, begin, stop]
        return chosen


def _cited(spans: Iterable[Sequence[int]], text: str, title: str) -> tuple[Evidence, ...]:
    """Return spans (1 in the text or 0 in the title, start, end) as evidence, in the article's own words."""
    return tuple(
        [
            Evidence("text", start, end, text[start:end]) if place else Evidence("title", start, end, title[start:end])
            for place, start, end in spans
        ]
    )
