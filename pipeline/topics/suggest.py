"""What to label next: what a model is unsure of, or contradicts the word lists on, or what a new topic's terms find.

A tenth is always drawn at random. It is the only part from which the share of a topic in the pool can be told, and the
only one that finds what the model is sure of and wrong about.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import UsageError
from pipeline.script.fold import fold
from pipeline.topics.corpus import Example
from pipeline.topics.exchange import Span, Task
from pipeline.topics.pool import article_of
from pipeline.topics.recipes import encode, encode_name, load_encoder, term_density
from pipeline.topics.tagger import Tagger
from pipeline.topics.taxonomy import Taxonomy

__all__ = ["STRATEGIES", "Suggestion", "suggest"]

STRATEGIES = ("margin", "disagreement", "terms", "meaning", "random")
RANDOM_SHARE = 0.1
_BATCH = 256
_SHINGLE = 6
"""Characters of a shingle."""
_ALIKE = 0.5
"""Share of shingles that two texts have in common (Jaccard) from which on the second is a copy. A judgement: a reprint
with another lead has more, two reports of one event by two hands hardly ever."""
_MEANT = 200
"""Candidates, drawn at random, that the encoder reads, at a third of a second each. Of 130 articles it ranked those of
a topic by its name alone with an average precision of .95 (rare earths), .80 (trade war) and .45 (geopolitics), by its
definition .66, .39 and .47; all the terms of the topic came to .88, .91 and .83."""
_EXAMPLES = 5
"""Labelled articles of a topic from which on likeness to them takes the place of the name's: .75 and .59 for the last
two topics."""
_READ_AGAIN = 6
"""Candidates of each kind that are read again for every article wanted: copies and doubles of other kinds fall out."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What to label, in the order to label it, and what the pool was."""

    tasks: tuple[Task, ...]
    articles: int
    """In the pool."""
    passed_over: Mapping[str, int]
    """Rows that are no candidates, by reason."""


@dataclass(frozen=True, slots=True, eq=False)
class _Pool:
    """What is kept of every candidate: its place in the pool, and numbers."""

    places: npt.NDArray[np.int64]
    scores: Array
    """Of the model, shape (n, n_topics)."""
    others: Array
    """Of the second model, or of the word lists, same shape."""
    terms: Array
    """Density of terms of the taxonomy's topics, shape (n, n_topics of the taxonomy)."""
    passed_over: Mapping[str, int]
    near: Array
    """Likeness to each new topic by the encoder, nan where it did not read, shape (n, n_new_topics)."""


@dataclass(frozen=True, slots=True)
class _Pick:
    number: int
    """Of the candidate in `_Pool`."""
    why: str


def suggest(
    pool: Callable[[], Iterator[Mapping[str, Any]]],
    tagger: Tagger,
    taxonomy: Taxonomy,
    count: int,
    *,
    strategies: Sequence[str] = (),
    second: Tagger | None = None,
    labelled: Sequence[Example] = (),
    seed: int = 0,
    tell: Callable[[str, int, int], None] | None = None,
) -> Suggestion:
    """Choose articles to label. The pool is read twice: only numbers of it are kept, so it may be large.

    `margin` takes what is nearest to a topic's threshold. `disagreement` takes what the model and the word lists (or a
    second model) decide differently on, the farthest apart first. `terms` takes, for topics that the model does not
    have, what their terms find, two thirds with many and one third with few, which are the near misses. `meaning` finds
    for such topics what an encoder takes for nearest, of 200 drawn at random: for a topic with hardly a term yet. The
    topics take turns. Copies of a text that is chosen or already labelled are passed over, reprints too.

    Args:
        pool: gives the rows, each time from the beginning.
        tagger: the model.
        taxonomy: topics and terms; may have topics that the model has not.
        count: how many are wanted.
        strategies: those of STRATEGIES to take in equal parts; without it margin and disagreement, or terms alone
            where the taxonomy has a new topic, and a tenth at random.
        second: another model, to disagree with.
        labelled: articles that are labelled already.
        seed: of the random part and of the order.
        tell: called with what takes long, how many steps of it are done, and of how many.

    Raises:
        UsageError: nothing can be chosen so, the pool has no article, or `meaning` lacks its encoder.
    """
    new = [topic for topic in taxonomy.ids if topic not in tagger.topics]
    chosen = tuple(strategies) or (("terms", "random") if new else ("margin", "disagreement", "random"))
    _check(chosen, new, count)
    known = {example.fingerprint for example in labelled}
    kept = _read(pool, tagger, taxonomy, second, known)
    if not len(kept.places):
        why = ", ".join(f"{n} {why}" for why, n in kept.passed_over.items()) or "it is empty"
        raise UsageError(f"The pool has no article to suggest: {why}.")
    if "meaning" in chosen:
        kept = replace(kept, near=_nearness(pool, kept, taxonomy, new, labelled, seed, tell))
    ranked = {name: _RANKS[name](kept, tagger, taxonomy, new, seed) for name in chosen}
    quotas = _quotas(chosen, count)
    wanted = {name: picks[: quotas[name] * _READ_AGAIN + 10] for name, picks in ranked.items()}
    numbers = {int(kept.places[pick.number]): pick.number for picks in wanted.values() for pick in picks}
    texts: dict[int, Task] = {}
    for place, row in enumerate(pool()):
        if place in numbers and isinstance(task := article_of(row), Task):
            texts[numbers[place]] = task
    tasks = _without_copies(wanted, quotas, count, texts)
    random.Random(seed).shuffle(tasks)
    told = tuple(_told(tasks, texts, kept, tagger))
    return Suggestion(told, len(kept.places), kept.passed_over)


def _check(chosen: Sequence[str], new: Sequence[str], count: int) -> None:
    if unknown := [name for name in chosen if name not in STRATEGIES]:
        raise UsageError(f"There is no way '{unknown[0]}' to suggest; there are {', '.join(STRATEGIES)}.")
    for name in {"terms", "meaning"} & set(chosen):
        if not new:
            raise UsageError(f"'{name}' is for topics that the model does not have yet. Give them with --topics FILE.")
    if "meaning" in chosen:
        load_encoder()
    if count < 1:
        raise UsageError("The number of articles to suggest must be 1 or more.")


def _quotas(chosen: Sequence[str], count: int) -> dict[str, int]:
    """Share out the articles: a tenth, rounded up, at random, the rest in equal parts, the first take what is left."""
    others = [name for name in chosen if name != "random"]
    drawn = count if not others else math.ceil(count * RANDOM_SHARE) if "random" in chosen else 0
    rest = count - drawn
    quotas = {name: rest // len(others) + (number < rest % len(others)) for number, name in enumerate(others)}
    return {name: quotas.get(name, drawn) for name in chosen}


def _read(
    pool: Callable[[], Iterator[Mapping[str, Any]]],
    tagger: Tagger,
    taxonomy: Taxonomy,
    second: Tagger | None,
    known: set[str],
) -> _Pool:
    places: list[int] = []
    parts: list[tuple[Array, Array, Array]] = []
    passed: dict[str, int] = {}
    seen = set(known)
    ids: set[str] = set()
    batch: list[Example] = []

    def score() -> None:
        texts, titles = [e.text for e in batch], [e.title for e in batch]
        scores = tagger.scores(texts, titles)
        density = term_density(batch, taxonomy)
        others = _columns(second.scores(texts, titles), second.topics, tagger.topics) if second else scores
        parts.append((scores, others, density))
        batch.clear()

    for place, row in enumerate(pool()):
        task = article_of(row)
        if isinstance(task, Task):
            example = Example(task.id, task.title, task.text, ())
            fingerprint = example.fingerprint
            if fingerprint in seen or task.id in ids:
                task = "labelled already" if fingerprint in known else "copies"
            else:
                seen.add(fingerprint)
                ids.add(example.id)
                places.append(place)
                batch.append(example)
        if isinstance(task, str):
            passed[task] = passed.get(task, 0) + 1
        if len(batch) == _BATCH:
            score()
    if batch:
        score()
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)] if parts else [np.zeros((0, 1))] * 3
    scores, others, density = columns
    if second is None and len(places):
        others = _of_terms(scores, _columns(density, taxonomy.ids, tagger.topics), tagger)
    near = np.zeros((len(places), 0))
    return _Pool(np.array(places, dtype=np.int64), scores, others, density, passed, near)


def _nearness(
    pool: Callable[[], Iterator[Mapping[str, Any]]],
    kept: _Pool,
    taxonomy: Taxonomy,
    new: Sequence[str],
    labelled: Sequence[Example],
    seed: int,
    tell: Callable[[str, int, int], None] | None,
) -> Array:
    """Return how near some candidates are to each new topic, by its name or by the articles it has."""
    numbers = list(range(len(kept.places)))
    random.Random(seed).shuffle(numbers)
    at = {int(kept.places[number]): number for number in numbers[:_MEANT]}
    wanted = []
    for topic in taxonomy.topics:
        if topic.id in new:
            have = [example for example in labelled if topic.id in example.labels]
            lack = [example for example in labelled if topic.id not in example.labels]
            if len(have) >= _EXAMPLES and len(lack) >= _EXAMPLES:
                wanted.append(encode(have[:_MEANT]).mean(axis=0) - encode(lack[:_MEANT]).mean(axis=0))
            else:
                wanted.append(encode_name(topic.names["zh-Hans"]))
    near, done = np.full((len(numbers), len(new)), np.nan), 0
    for place, row in enumerate(pool()):
        if place in at and isinstance(task := article_of(row), Task):
            near[at[place]] = np.array(wanted) @ encode([Example(task.id, task.title, task.text, ())])[0]
            done += 1
            if tell is not None:
                tell("meaning", done, len(at))
    return near


def _columns(values: Array, have: Sequence[str], want: Sequence[str]) -> Array:
    """Return the columns of `values` for the topics wanted, nan where there is none."""
    found = np.full((len(values), len(want)), np.nan)
    for number, topic in enumerate(want):
        if topic in have:
            found[:, number] = values[:, list(have).index(topic)]
    return found


def _of_terms(scores: Array, density: Array, tagger: Tagger) -> Array:
    """Return the word lists' opinion in the model's numbers: the densest text gets the highest score that there is.

    So both give a topic to as many articles, and only which ones differs. Without a term the opinion is 0.
    """
    found = np.zeros_like(scores)
    for topic in range(scores.shape[1]):
        order = np.argsort(density[:, topic], kind="stable")
        found[order, topic] = np.sort(scores[:, topic])
    return np.where(np.isnan(density), np.nan, np.where(density > 0, found, 0.0))


def _limits(tagger: Tagger) -> Array:
    return np.array([tagger.thresholds[topic] for topic in tagger.topics])


def _in_turns(columns: Sequence[Sequence[_Pick]]) -> list[_Pick]:
    """Return the picks of all topics, each topic's best first, the topics taking turns; a place counts once."""
    found: list[_Pick] = []
    seen: set[int] = set()
    for rank in range(max((len(column) for column in columns), default=0)):
        for column in columns:
            if rank < len(column) and column[rank].number not in seen:
                seen.add(column[rank].number)
                found.append(column[rank])
    return found


def _margin(kept: _Pool, tagger: Tagger, taxonomy: Taxonomy, new: Sequence[str], seed: int) -> list[_Pick]:
    columns = []
    for number, topic in enumerate(tagger.topics):
        limit = tagger.thresholds[topic]
        order = np.argsort(np.abs(kept.scores[:, number] - limit), kind="stable")
        columns.append(
            # Of the four places that the task's meta has: rounding twice gives another second place.
            [
                _Pick(int(n), f"margin: {topic} {round(kept.scores[n, number], 4):.2f}, threshold {limit:.2f}")
                for n in order
            ]
        )
    return _in_turns(columns)


def _disagreement(kept: _Pool, tagger: Tagger, taxonomy: Taxonomy, new: Sequence[str], seed: int) -> list[_Pick]:
    columns = []
    for number, (topic, limit) in enumerate(zip(tagger.topics, _limits(tagger), strict=True)):
        mine, other = kept.scores[:, number], kept.others[:, number]
        apart = np.where(((mine >= limit) != (other >= limit)) & ~np.isnan(other), np.abs(mine - other), 0.0)
        order = [n for n in np.argsort(-apart, kind="stable") if apart[n] > 0]
        columns.append([_Pick(int(n), f"disagreement: {topic} {mine[n]:.2f} against {other[n]:.2f}") for n in order])
    return _in_turns(columns)


def _terms(kept: _Pool, tagger: Tagger, taxonomy: Taxonomy, new: Sequence[str], seed: int) -> list[_Pick]:
    columns = []
    for topic in new:
        density = kept.terms[:, taxonomy.ids.index(topic)]
        found = [int(n) for n in np.argsort(-density, kind="stable") if density[n] > 0]
        many, few = found[: len(found) * 2 // 3 + 1], found[: len(found) * 2 // 3 : -1]
        order = []
        for rank in range(len(found)):
            source = few if rank % 3 == 2 and few else many or few
            order.append(source.pop(0))
        columns.append([_Pick(n, f"terms: {topic} {density[n]:.1f} in 1,000 characters") for n in order])
    return _in_turns(columns)


def _meaning(kept: _Pool, tagger: Tagger, taxonomy: Taxonomy, new: Sequence[str], seed: int) -> list[_Pick]:
    columns = []
    for number, topic in enumerate(topic for topic in taxonomy.ids if topic in new):
        near = kept.near[:, number]
        order = [int(n) for n in np.argsort(-near, kind="stable") if not np.isnan(near[n])]
        columns.append([_Pick(n, f"meaning: {topic} {near[n]:.3f}") for n in order])
    return _in_turns(columns)


def _random(kept: _Pool, tagger: Tagger, taxonomy: Taxonomy, new: Sequence[str], seed: int) -> list[_Pick]:
    order = list(range(len(kept.places)))
    random.Random(seed).shuffle(order)
    return [_Pick(n, "random") for n in order]


_RANKS = {"margin": _margin, "disagreement": _disagreement, "terms": _terms, "meaning": _meaning, "random": _random}


def _shingles(text: str) -> frozenset[str]:
    folded = "".join(character for character in fold(text) if character.isalnum())
    return frozenset(folded[n : n + _SHINGLE] for n in range(max(1, len(folded) - _SHINGLE + 1)))


def _without_copies(
    wanted: Mapping[str, Sequence[_Pick]], quotas: Mapping[str, int], count: int, texts: Mapping[int, Task]
) -> list[_Pick]:
    """Fill the quotas in the order of the strategies, what is left of them from the others; copies fall out."""
    found: list[_Pick] = []
    taken: set[int] = set()
    seen: list[frozenset[str]] = []

    def take(pick: _Pick) -> bool:
        if pick.number in taken:
            return False
        taken.add(pick.number)
        own = _shingles(texts[pick.number].text)
        if any(len(own & other) >= _ALIKE * len(own | other) for other in seen):
            return False
        seen.append(own)
        found.append(pick)
        return True

    for name in sorted(wanted, key=lambda one: one == "random"):
        room = quotas[name]
        for pick in wanted[name]:
            if not room:
                break
            room -= take(pick)
    asked = [picks for name, picks in wanted.items() if name != "random"]
    for pick in (*_in_turns(asked), *wanted.get("random", ())):
        if len(found) >= count:
            break
        take(pick)
    return found


def _told(picks: Sequence[_Pick], texts: Mapping[int, Task], kept: _Pool, tagger: Tagger) -> Iterator[Task]:
    """Yield the chosen articles with what the model says of each, and why it was chosen."""
    tags = tagger.tag([texts[p.number].text for p in picks], [texts[p.number].title for p in picks])
    for pick, given in zip(picks, tags, strict=True):
        task = texts[pick.number]
        spans = {Span(e.field, e.start, e.end, tag.id) for tag in given for e in tag.evidence}
        scores = " ".join(f"{t} {s:.4f}" for t, s in zip(tagger.topics, kept.scores[pick.number], strict=True))
        yield replace(
            task,
            suggested=tuple(sorted(tag.id for tag in given)),
            spans=tuple(sorted(spans)),
            meta={**task.meta, "why": pick.why, "scores": scores, "model": tagger.digest[:12]},
        )
