"""Tags articles with topics: arrays in, calibrated probabilities and evidence out. No scikit-learn here."""

from __future__ import annotations

import hashlib
import json
import math
import re
import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.article import Evidence, Tag
from pipeline.configure import model_path
from pipeline.errors import ModelError, UsageError
from pipeline.topics.features import BITS, Document, Found, TermFinder, documents, hashes, letters
from pipeline.topics.taxonomy import Taxonomy, parse_taxonomy

__all__ = ["ARRAYS", "SCHEMA", "Tagger"]

SCHEMA = 1
"""Version of the model's form; a model of another version is refused."""

ARRAYS = ("bias", "calibration", "pairs", "scale", "terms", "thresholds")
"""Arrays of `weights.npz`."""

_MOST_BYTES = 64 * 2**20
"""A model unpacks to less than this; more is damage or an attack. The shipped one has 0.4 MB."""

_MOST_EVIDENCE = 5
_SHOWN_CLAUSE = 80
"""Code points of a clause that is cited where no term speaks for a topic."""

_CLAUSE = re.compile(r"[^\n。!?;,、:\s][^\n。!?;,:]*")
"""A clause of a key: marks are half width there."""


_Span = tuple[int, int, int]
"""Where evidence stands: 0 title or 1 text, start, end."""


class Tagger:
    """A trained model. Make one with `Tagger.load`; it holds no state that tagging changes."""

    def __init__(self, taxonomy: Taxonomy, arrays: Mapping[str, npt.NDArray[Any]], digest: str) -> None:
        self.taxonomy = taxonomy
        self.topics: tuple[str, ...] = taxonomy.ids
        self.digest = digest
        self._finder = TermFinder(taxonomy)
        _check(arrays, len(self.topics), len(self._finder.columns))
        self._terms = arrays["terms"]
        self._bias = arrays["bias"]
        self._pairs = arrays["pairs"].astype(np.int64)
        self._scale = arrays["scale"]
        self._calibration = arrays["calibration"]
        self.thresholds: dict[str, float] = dict(zip(self.topics, arrays["thresholds"].tolist(), strict=True))
        worth = np.zeros((len(self.topics), len(self._finder.groups)))
        for column, (group, _) in enumerate(self._finder.columns):
            if group >= 0:
                worth[:, group] += self._terms[:, column]
        self._worth = worth
        self._own = [
            [group.topic == topic and group.kind == "terms" for group in self._finder.groups] for topic in self.topics
        ]

    @classmethod
    def load(cls, path: Path | None = None) -> Tagger:
        """Load a model's folder, the shipped model without `path`. Nothing in it is ever run.

        Raises:
            ModelError: the folder is missing, damaged, of another version, or not what its digests say.
        """
        folder = path or model_path("topics")
        try:
            described = (folder / "model.json").read_bytes()
            packed = (folder / "weights.npz").read_bytes()
            topics = (folder / "topics.toml").read_bytes()
        except OSError as error:
            raise ModelError(f"{folder} is not a topics model: {error}. Train one with 'taowen train'.") from error
        about = _described(described, folder)
        for name, content in (("weights.npz", packed), ("topics.toml", topics)):
            found = hashlib.sha256(content).hexdigest()
            if about["files"].get(name) != found:
                raise ModelError(
                    f"{folder / name} is damaged: its SHA-256 is {found[:12]}, model.json says "
                    f"{str(about['files'].get(name))[:12]}. Copy the model again, or train it."
                )
        try:
            taxonomy = parse_taxonomy(topics.decode("utf-8"), str(folder / "topics.toml"))
        except (UsageError, UnicodeDecodeError) as error:
            raise ModelError(f"The model in {folder} carries no valid topics: {error}") from error
        arrays = _unpack(packed, folder)
        try:
            return cls(taxonomy, arrays, hashlib.sha256(described).hexdigest())
        except ModelError as error:
            raise ModelError(f"The model in {folder} does not fit: {error}") from error

    def scores(self, texts: Sequence[str], titles: Sequence[str] | None = None) -> npt.NDArray[np.float64]:
        """Return calibrated probabilities, shape (n_articles, n_topics), columns in the order of `topics`.

        A row depends on its own article only, to the last bit. A text without any letter scores 0.
        """
        articles = documents(texts, titles)
        rows = [self._probabilities(article, *self._finder.both(article)) for article in articles]
        return np.array(rows).reshape(len(articles), len(self.topics))

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
        articles = documents(texts, titles)
        given = [""] * len(texts) if titles is None else titles
        tagged = []
        for number, article in enumerate(articles):
            tags = []
            in_title, in_text = self._finder.both(article)
            row = self._probabilities(article, in_title, in_text)
            for topic, (name, score) in enumerate(zip(self.topics, row, strict=True)):
                # The printed score decides, so that a reader of the output can redo the decision.
                rounded = round(score, 4)
                if score > 0 and rounded >= wanted[name]:
                    evidence = self._evidence(topic, article, in_title, in_text)
                    tags.append(Tag(name, rounded, _cited(evidence, texts[number], given[number])))
            tagged.append(sorted(tags, key=lambda tag: (-tag.score, tag.id)))
        return tagged

    def _probabilities(self, article: Document, in_title: Sequence[Found], in_text: Sequence[Found]) -> list[float]:
        """Return one probability a topic: sums in one order, exponentials one by one."""
        points = letters(f"{article.title}\n{article.text}")
        if not points[len(article.title) + 1 :].any():
            return [0.0] * len(self.topics)
        columns = self._finder.row(article, in_title, in_text)
        rows, _ = hashes(points)
        # Integers add up to the same sum in every order; accumulate adds floats from left to right.
        pairs = self._pairs[rows].sum(axis=0) / rows.size
        sums = np.add.accumulate(self._terms * columns, axis=1)[:, -1]
        raw = self._bias + sums + self._scale * pairs
        logits = self._calibration[:, 0] * raw + self._calibration[:, 1]
        return [_logistic(logit) for logit in logits.tolist()]

    def _evidence(
        self, topic: int, article: Document, in_title: Sequence[Found], in_text: Sequence[Found]
    ) -> list[_Span]:
        """Return a few spans that speak for a topic: its terms, or else the clause that adds most."""
        best: dict[int, tuple[float, int, int, int]] = {}
        for place, matches in enumerate((in_title, in_text)):
            for found in matches:
                worth = max(
                    (self._worth[topic, group] for group in found.groups if self._own[topic][group]), default=0.0
                )
                if worth > 0 and found.term not in best:
                    best[found.term] = (-worth, place, found.start, found.end)
        chosen = sorted(best.values())[:_MOST_EVIDENCE]
        return sorted(span[1:] for span in chosen) or [self._clause(topic, article)]

    def _clause(self, topic: int, article: Document) -> _Span:
        """Return the clause of the text whose characters add most to a topic."""
        rows, places = hashes(letters(article.text))
        gains = np.zeros(len(article.text) + 1, dtype=np.int64)
        np.add.at(gains, places + 1, self._pairs[rows, topic])
        total = np.cumsum(gains)
        best, span = -math.inf, (1, 0, min(len(article.text), _SHOWN_CLAUSE))
        for match in _CLAUSE.finditer(article.text):
            start, end = match.start(), min(match.end(), match.start() + _SHOWN_CLAUSE)
            gain = float(total[end] - total[start])
            if gain > best:
                best, span = gain, (1, start, end)
        return span


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


def _described(content: bytes, folder: Path) -> dict[str, Any]:
    try:
        about = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{folder / 'model.json'} is damaged: {error}") from error
    if not isinstance(about, dict) or about.get("kind") != "taowen topics":
        raise ModelError(f"{folder / 'model.json'} does not describe a topics model.")
    if about.get("schema") != SCHEMA:
        raise ModelError(
            f"The model in {folder} has schema {about.get('schema')!r}, this version reads {SCHEMA}. Train it again."
        )
    if about.get("bits") != BITS or not isinstance(about.get("files"), dict):
        raise ModelError(
            f"The model in {folder} was made for other features (bits {about.get('bits')!r}, here {BITS})."
        )
    return about


def _unpack(packed: bytes, folder: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a weights file; sizes are looked at before anything is unpacked, pickles are refused."""
    try:
        with zipfile.ZipFile(BytesIO(packed)) as archive:
            names = sorted(info.filename for info in archive.infolist())
            if names != sorted(f"{name}.npy" for name in ARRAYS):
                raise ModelError(f"The weights in {folder} hold {names}, expected {list(ARRAYS)}.")
            if sum(info.file_size for info in archive.infolist()) > _MOST_BYTES:
                raise ModelError(f"The weights in {folder} unpack to more than {_MOST_BYTES >> 20} MB.")
        with np.load(BytesIO(packed), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in ARRAYS}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, SyntaxError, MemoryError) as error:
        raise ModelError(f"The weights in {folder} cannot be read: {error}") from error


def _check(arrays: Mapping[str, npt.NDArray[Any]], topics: int, columns: int) -> None:
    expected: dict[str, tuple[tuple[int, ...], str]] = {
        "bias": ((topics,), "float64"),
        "calibration": ((topics, 2), "float64"),
        "pairs": ((1 << BITS, topics), "int16"),
        "scale": ((topics,), "float64"),
        "terms": ((topics, columns), "float64"),
        "thresholds": ((topics,), "float64"),
    }
    for name, (shape, kind) in expected.items():
        array = arrays.get(name)
        if array is None or array.shape != shape or array.dtype != np.dtype(kind):
            found = "nothing" if array is None else f"{array.dtype} {array.shape}"
            raise ModelError(f"array '{name}' is {found}, expected {kind} {shape}.")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ModelError(f"array '{name}' has a value that is no number.")
