"""What a model is worth beside other recipes: all learn from the same articles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.errors import UsageError
from pipeline.topics.corpus import Example
from pipeline.topics.evaluate import Scored
from pipeline.topics.recipes import RECIPES
from pipeline.topics.taxonomy import Taxonomy

__all__ = ["compete", "cross_validated"]

FOLDS = 5


def compete(
    name: str, scored: Scored, examples: Sequence[Example], taxonomy: Taxonomy, taught: Sequence[Example] | None = None
) -> Scored:
    """Return what a peer makes of the articles that a model was scored on.

    Without `taught` it learns as the model did: by cross-validation, from the articles of other sources and all
    own-written ones, so that neither has seen the source it is judged on.

    Args:
        name: one of RECIPES.
        scored: the model's tags.
        examples: the corpus that `scored` came of, with its own-written articles.
        taxonomy: topics and terms of the model.
        taught: another corpus for the peer to learn from.

    Raises:
        UsageError: there is no such peer, or too little to learn from.
    """
    return cross_validated(name, scored.examples, examples, taxonomy, taught)


def cross_validated(
    name: str,
    judged: tuple[Example, ...],
    examples: Sequence[Example],
    taxonomy: Taxonomy,
    taught: Sequence[Example] | None = None,
) -> Scored:
    """Return what a recipe makes of real articles, learnt without their sources: `compete` without a model beside it.

    Raises:
        UsageError: there is no such recipe, or too little to learn from.
    """
    if name not in RECIPES:
        raise UsageError(f"There is no peer '{name}'. Name one of {', '.join(RECIPES)}, or the folder of a model.")
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
        judge = RECIPES[name](lessons, taxonomy)
        scores[held], limits[held] = judge.scores([judged[n] for n in held]), judge.thresholds
    given = np.round(scores, 4) >= limits
    seen = np.zeros(len(judged), dtype=bool)
    return Scored(name, judged, taxonomy.ids, scores, given, tuple(limits[0]), told, seen)


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
