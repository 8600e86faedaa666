"""What a model is worth beside plain ways of tagging: a word list, TF-IDF, fastText, spaCy.

All learn from the same articles.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import UsageError
from pipeline.script.fold import fold
from pipeline.topics.corpus import Example
from pipeline.topics.evaluate import Scored, truth
from pipeline.topics.taxonomy import Taxonomy

__all__ = ["PEERS", "compete", "term_density"]

FOLDS = 5
SEED = 20240607
_ROUNDS = 12
"""Passes of spaCy over the articles. Not tuned: 12 give macro-F1 .608 on 571 articles by source, in 100 seconds."""
_BATCH = 32
_PASSES = 25
"""Passes of fastText over the articles, as in its tutorial."""

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Peer = Callable[[Sequence[Example], Sequence[Example], Taxonomy], tuple[Array, tuple[float, ...]]]
"""From articles to learn from and articles to judge to scores (n_judged, n_topics) and the threshold of each topic."""


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


def _lexicon(
    taught: Sequence[Example], judged: Sequence[Example], taxonomy: Taxonomy
) -> tuple[Array, tuple[float, ...]]:
    """Judge by the density of the topic's terms; the one number learnt is the density from which a topic is given."""
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
    density = term_density(judged, taxonomy)
    # As a number in [0, 1] that is .5 at the limit, so that curves and margins read like those of a probability.
    return density / (density + np.array(limits)), tuple(0.5 for _ in limits)


def _tfidf(taught: Sequence[Example], judged: Sequence[Example], taxonomy: Taxonomy) -> tuple[Array, tuple[float, ...]]:
    """Judge by logistic regression on TF-IDF of characters, pairs and triples, as tutorials do it."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    weigher = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True, max_features=200_000)
    inputs, others = weigher.fit_transform(map(_folded, taught)), weigher.transform(map(_folded, judged))
    labels = truth(taught, taxonomy.ids)
    scores = np.zeros((len(judged), len(taxonomy.ids)))
    for topic in range(len(taxonomy.ids)):
        model = LogisticRegression(C=10, class_weight="balanced", max_iter=1000).fit(inputs, labels[:, topic])
        scores[:, topic] = model.predict_proba(others)[:, 1]
    return scores, tuple(0.5 for _ in taxonomy.ids)


def _spacy(taught: Sequence[Example], judged: Sequence[Example], taxonomy: Taxonomy) -> tuple[Array, tuple[float, ...]]:
    """Judge by spaCy's bag of words for several labels, on characters up to triples (its own Chinese tokens)."""
    import random

    import spacy
    from spacy.training import Example as Lesson
    from spacy.util import fix_random_seed  # type: ignore[attr-defined]

    fix_random_seed(SEED)
    order = random.Random(SEED)  # noqa: S311  an order of lessons, no secret
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
    found = [nlp(_folded(example)).cats for example in judged]
    scores = np.array([[cats[topic] for topic in taxonomy.ids] for cats in found], dtype=np.float64)
    return scores.reshape(len(judged), len(taxonomy.ids)), tuple(0.5 for _ in taxonomy.ids)


def _fasttext(
    taught: Sequence[Example], judged: Sequence[Example], taxonomy: Taxonomy
) -> tuple[Array, tuple[float, ...]]:
    """Judge by fastText, one against all, on characters and their pairs (it parts words at blanks)."""
    import tempfile
    from pathlib import Path

    fasttext = _import_fasttext()

    def line(example: Example) -> str:
        return " ".join(character for character in _folded(example) if not character.isspace())

    with tempfile.TemporaryDirectory() as folder:
        lessons = Path(folder) / "lessons.txt"
        rows = (
            " ".join([*(f"__label__{topic}" for topic in example.labels or ("none",)), line(example)])
            for example in taught
        )
        lessons.write_text("".join(f"{row}\n" for row in rows), "utf-8")
        settings = {"loss": "ova", "wordNgrams": 2, "epoch": _PASSES, "lr": 0.5, "dim": 50, "bucket": 1 << 18}
        model = fasttext.train_supervised(str(lessons), **settings, thread=1, seed=SEED % 2**31, verbose=0)
    scores = np.zeros((len(judged), len(taxonomy.ids)))
    for row, example in enumerate(judged):
        # Its own `predict` asks numpy for an array without a copy, which numpy 2 refuses.
        told = {label: score for score, label in model.f.predict(line(example) + "\n", -1, 0.0, "strict")}
        scores[row] = [min(1.0, told.get(f"__label__{topic}", 0.0)) for topic in taxonomy.ids]
    return scores, tuple(0.5 for _ in taxonomy.ids)


def _import_fasttext() -> Any:
    try:
        import fasttext
    except ImportError:
        raise UsageError(
            "--against fasttext needs fastText, which has wheels for CPython 3.11 and 3.12: "
            "pip install 'taowen[fasttext]'. On 3.13 it has to be compiled: pip install fasttext."
        ) from None
    return fasttext


def _folded(example: Example) -> str:
    text = fold(f"{example.title}\n{example.text}").lower()
    return text.encode("utf-8", "replace").decode()  # neither scikit-learn nor spaCy takes half a surrogate pair


PEERS: dict[str, Peer] = {"lexicon": _lexicon, "tfidf": _tfidf, "fasttext": _fasttext, "spacy": _spacy}
"""Peers by the name that --against takes."""


def compete(
    name: str, scored: Scored, examples: Sequence[Example], taxonomy: Taxonomy, taught: Sequence[Example] | None = None
) -> Scored:
    """Return what a peer makes of the articles that a model was scored on.

    Without `taught` it learns as the model did: by cross-validation, from the articles of other sources and all
    own-written ones, so that neither has seen the source it is judged on.

    Args:
        name: one of PEERS.
        scored: the model's tags.
        examples: the corpus that `scored` came of, with its own-written articles.
        taxonomy: topics and terms of the model.
        taught: another corpus for the peer to learn from.

    Raises:
        UsageError: there is no such peer, or too little to learn from.
    """
    if name not in PEERS:
        raise UsageError(f"There is no peer '{name}'. Name one of {', '.join(PEERS)}, or the folder of a model.")
    judged = scored.examples
    scores = np.zeros((len(judged), len(taxonomy.ids)))
    limits = np.zeros_like(scores)
    if taught is not None:
        told, folds = f"taught on {len(taught)} articles", [(list(taught), np.arange(len(judged)))]
    else:
        own = [example for example in examples if example.kind == "own"]
        told, parts = _folds(judged)
        folds = [([*(judged[n] for n in kept), *own], held) for kept, held in parts]
    for lessons, held in folds:
        for topic in taxonomy.ids:
            count = sum(topic in example.labels for example in lessons)
            if not 0 < count < len(lessons):
                raise UsageError(
                    f"{name} cannot learn '{topic}': {count} of the {len(lessons)} articles it may learn from have it. "
                    "Label more sources, or name a corpus to learn from with --teach."
                )
        scores[held], limit = PEERS[name](lessons, [judged[n] for n in held], taxonomy)
        limits[held] = limit
    given = np.round(scores, 4) >= limits
    return Scored(name, judged, taxonomy.ids, scores, given, tuple(limits[0]), told, np.zeros(len(judged), dtype=bool))


def _folds(examples: Sequence[Example]) -> tuple[str, list[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]]:
    from sklearn.model_selection import GroupKFold

    groups = [example.source or example.id for example in examples]
    how = "out of fold by source"
    if len(set(groups)) < 2:
        groups, how = [example.id for example in examples], "out of fold by article: there is one source only"
    count = min(FOLDS, len(set(groups)))
    if count < 2:
        raise UsageError("A peer cannot be cross-validated on one article. Name a corpus to learn from with --teach.")
    return how, list(GroupKFold(count).split(np.zeros(len(groups)), groups=groups))
