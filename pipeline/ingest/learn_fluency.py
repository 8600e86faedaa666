"""Development step: learn the arrays of `fluency` from the news pool.

    python -m pipeline.ingest.fluency train --out build/models/fluency

The pool is at `$TAOWEN_DATA` or `../shared/data`. Same data, same machine: same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.ingest.fluency import FORMAT, KEY_BITS, STEP, THEME_SCALE, Fluency, canonical
from pipeline.script.fold import code_points, fold_many

__all__ = ["held_out", "learn", "train"]

_RARE = 30
"""Occurrences below which a character is left to the unknown symbol (0.07% of the pool's characters)."""
_PAIRS = 210_000
_TRIPLES = 730_000
"""N-grams kept, those that lower the pool's cost most. 2.5 MB of arrays; keeping all 7.3 million triples gains 0.06
nats a character (measured on held-out publishers: 3.91 against 3.85), half of them loses 0.07."""
_THEMED = 9_000
"""Pairs of Han characters that have a theme: the most frequent ones, but the commonest."""
_COMMON = 0.12
"""Share of passages from which on a pair is too common to have a theme."""
_THEMES = 32
_PASSAGE = 700
"""Characters of a passage, in which what stands together shares a theme."""
_HELD_OUT = 12
"""Of 16 classes of publishers, by hash of their name, those from this one on are never trained on."""


class _Counts(NamedTuple):
    points: NDArray[np.uint16]
    one: NDArray[np.float64]
    two: NDArray[np.uint64]
    two_count: NDArray[np.float64]
    three: NDArray[np.uint64]
    three_count: NDArray[np.float64]


def _count(text: str) -> _Counts:
    canon = canonical()[np.minimum(code_points(text), 0xFFFF)]
    times = np.bincount(canon, minlength=0x10000)
    points = np.union1d(np.flatnonzero(times >= _RARE), [ord("\n")])
    # The commonest first: then what a text looks up stands close together, and stays in the cache.
    points = points[np.argsort(-times[points], kind="stable")]
    table = np.zeros(0x10000, np.uint64)
    table[points] = np.arange(1, len(points) + 1)
    ids = table[canon]
    one = np.bincount(ids.astype(np.int64), minlength=len(points) + 1).astype(np.float64) + 0.5
    pairs = (ids[:-1] << KEY_BITS) | ids[1:]
    two, two_count = np.unique(pairs, return_counts=True)
    three, three_count = np.unique((pairs[:-1] << KEY_BITS) | ids[2:], return_counts=True)
    return _Counts(
        points.astype(np.uint16), one, two, two_count.astype(np.float64), three, three_count.astype(np.float64)
    )


def _discount(counts: NDArray[np.float64]) -> float:
    once, twice = float((counts == 1).sum()), float((counts == 2).sum())
    return min(0.9, max(0.1, once / max(1.0, once + 2 * twice)))


def _top(gain: NDArray[np.float64], size: int) -> NDArray[np.bool_]:
    """Return which entries are among the `size` largest positive ones; ties go to the first."""
    keep = np.zeros(len(gain), bool)
    order = np.argsort(-gain, kind="stable")[:size]
    keep[order[gain[order] > 0]] = True
    return keep


def _estimate(counts: _Counts) -> dict[str, NDArray[Any]]:
    """Return the arrays of the model: absolute discounting, pruned by weighted difference (Seymore, Rosenfeld 1996)."""
    points, one, two, two_count, three, three_count = counts
    mask = np.uint64((1 << int(KEY_BITS)) - 1)
    p1 = one / one.sum()
    first, second = (two >> KEY_BITS).astype(np.int64), (two & mask).astype(np.int64)
    discount = _discount(two_count)
    total = np.maximum(np.bincount(first, two_count, len(p1)), 1)
    rest = discount * np.bincount(first, minlength=len(p1)) / total
    p2 = (two_count - discount) / total[first] + rest[first] * p1[second]
    gain2 = two_count * np.log(p2 / (rest[first] * p1[second]))

    context, tail = np.searchsorted(two, three >> KEY_BITS), np.searchsorted(two, three & ((mask << KEY_BITS) | mask))
    discount = _discount(three_count)
    total = np.maximum(np.bincount(context, three_count, len(two)), 1)
    rest = discount * np.bincount(context, minlength=len(two)) / total
    p3 = (three_count - discount) / total[context] + rest[context] * p2[tail]
    gain3 = np.where(three_count > 1, three_count * np.log(p3 / (rest[context] * p2[tail])), 0)

    keep3 = _top(gain3, _TRIPLES)
    keep2 = _top(gain2, _PAIRS)
    keep2[context[keep3]] = True  # a triple is found through its first pair
    unseen = np.bincount(first[keep2], p1[second[keep2]], len(p1))
    back1 = (1 - np.bincount(first[keep2], p2[keep2], len(p1))) / np.maximum(1 - unseen, 1e-6)
    row = np.cumsum(keep2) - 1
    context, tail = context[keep3], tail[keep3]
    lower = np.where(keep2[tail], p2[tail], back1[first[tail]] * p1[second[tail]])
    size = int(keep2.sum())
    left2 = 1 - np.bincount(row[context], p3[keep3], size).astype(np.float64)
    back2 = left2 / np.maximum(1 - np.bincount(row[context], lower, size), 1e-6)
    third = three[keep3] & mask

    def steps(p: NDArray[np.float64]) -> NDArray[np.uint8]:
        return np.clip(np.round(-np.log(np.maximum(p, 1e-9)) / STEP), 0, 255).astype(np.uint8)

    return {
        "format": np.array(FORMAT),
        "points": points,
        "unigram": steps(p1),
        "unigram_back": steps(back1),
        "bigram_count": np.bincount(first[keep2], minlength=len(p1)).astype(np.uint16),
        "bigram_low": (second[keep2] & 255).astype(np.uint8),  # bytes apart: sorted numbers pack better so
        "bigram_high": (second[keep2] >> 8).astype(np.uint8),
        "bigram": steps(p2[keep2]),
        "bigram_back": steps(back2),
        "trigram_count": np.bincount(row[context], minlength=size).astype(np.uint16),
        "trigram_low": (third & np.uint64(255)).astype(np.uint8),
        "trigram_high": (third >> np.uint64(8)).astype(np.uint8),
        "trigram": steps(p3[keep3]),
    }


def held_out(publisher: str) -> bool:
    """Tell whether a publisher's texts are kept from training, for measuring: decided by the hash of its name."""
    return hashlib.sha256(publisher.encode()).digest()[0] % 16 >= _HELD_OUT


def train(texts: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return the arrays of a model of `texts`, which are in any script."""
    keys = list(fold_many(texts))
    arrays = _estimate(_count("\n\n".join(keys)))
    themed, themes = _themes(keys, arrays)
    return {**arrays, "themed": themed, "themes": themes}


def _themes(keys: Sequence[str], arrays: dict[str, NDArray[Any]]) -> tuple[NDArray[np.int32], NDArray[np.int8]]:
    """Return which pairs have a theme, and which: latent semantic analysis of pairs of Han characters.

    Passages are rows, pairs columns, inverse document frequency the weight. A theme is a direction in the space of
    the strongest singular vectors; its length is the weight again, so that common words count less.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.linalg import svds

    size = len(arrays["points"]) + 1
    first = np.repeat(np.arange(size, dtype=np.int64), arrays["bigram_count"])
    second = arrays["bigram_low"].astype(np.int64) | (arrays["bigram_high"].astype(np.int64) << 8)
    points = np.concatenate(([0], arrays["points"].astype(np.int64)))
    han = (points >= 0x4E00) & (points <= 0x9FFF)
    table = np.zeros(0x10000, np.int64)
    table[arrays["points"]] = np.arange(1, size)
    table = table[canonical()]
    shift = int(KEY_BITS)
    rows: list[NDArray[np.int64]] = []
    for key in keys:
        ids = table[np.minimum(code_points(key), 0xFFFF)]
        pairs = np.where(han[ids[:-1]] & han[ids[1:]], (ids[:-1] << shift) | ids[1:], -1)
        for start in range(0, max(1, len(pairs) - _PASSAGE // 3), _PASSAGE):
            passage = np.unique(pairs[start : start + _PASSAGE])
            rows.append(passage[passage >= 0])
    two = (first << shift) | second
    column = np.concatenate(rows)
    place = np.minimum(np.searchsorted(two, column), len(two) - 1)
    row = np.repeat(np.arange(len(rows)), [len(passage) for passage in rows])[two[place] == column]
    place = place[two[place] == column]
    frequency = np.bincount(place, minlength=len(two))
    frequency[frequency > _COMMON * len(rows)] = 0
    themed = np.sort(np.argsort(-frequency, kind="stable")[:_THEMED])
    weight = np.log(len(rows) / np.maximum(frequency[themed], 1))
    index = np.full(len(two), -1)
    index[themed] = np.arange(len(themed))
    fit = index[place] >= 0
    row, place = row[fit], index[place[fit]]
    length = np.sqrt(np.bincount(row, weight[place] ** 2, len(rows)))
    matrix = csr_array((weight[place] / length[row], (row, place)), shape=(len(rows), len(themed)))
    start = np.ones(min(matrix.shape)) / np.sqrt(min(matrix.shape))
    _, strength, right = svds(matrix, k=min(_THEMES, min(matrix.shape) - 1), v0=start)
    theme = right.T * np.sqrt(strength)
    theme *= (weight / np.maximum(np.sqrt((theme**2).sum(1)), 1e-9))[:, None]
    return themed.astype(np.int32), np.clip(np.round(theme * THEME_SCALE), -127, 127).astype(np.int8)


def _rows(path: Path) -> Iterable[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def learn(out: Path, data: Path) -> None:
    """Train the model on the real texts in `data` and write `fluency.npz` and `card.md` into `out`."""
    # The articles that were spoiled for measuring are in the pool too; the model must not know them by heart.
    known = {row["gold"] for row in _rows(data / "spoiled-dev.jsonl.gz")}
    seen: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for row in _rows(data / "news-pool.jsonl.gz"):
        if row["text"] not in known:
            seen[held_out(row["publisher"])].append(row)
    arrays = train([row["text"] for row in seen[False]])
    model = Fluency(arrays)
    cost = np.concatenate([model.surprise(key) for key in fold_many([row["text"] for row in seen[True]][::8])])
    out.mkdir(parents=True, exist_ok=True)
    target = out / "fluency.npz"
    with target.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # numpy types the keywords as a bool
    stored = target.read_bytes()
    (out / "card.md").write_text(_card(data, seen, arrays, stored, float(cost.mean()), len(cost)), "utf-8")
    print(f"{target}: {len(stored)} bytes, {cost.mean():.3f} nats a character on held-out publishers")


def _card(
    data: Path,
    seen: dict[bool, list[dict[str, Any]]],
    arrays: dict[str, NDArray[Any]],
    stored: bytes,
    cost: float,
    characters: int,
) -> str:
    pool = hashlib.sha256((data / "news-pool.jsonl.gz").read_bytes()).hexdigest()
    repositories: Counter[tuple[str, bool]] = Counter()
    lines = []
    for held, rows in sorted(seen.items()):
        repositories.update((row["repo"], held) for row in rows)
        scripts = Counter(row["script"] for row in rows)
        size = sum(len(row["text"]) for row in rows)
        told = ", ".join(f"{script} {count:,}" for script, count in sorted(scripts.items()))
        lines.append(f"| {'held out' if held else 'trained'} | {len(rows):,} | {size:,} | {told} |")
    sources = [
        f"| {name} | {repositories[name, False]:,} | {repositories[name, True]:,} |"
        for name in sorted({name for name, _ in repositories})
    ]
    return "\n".join(
        [
            "# fluency: a character trigram model of Chinese news",
            "",
            "Written by `python -m pipeline.ingest.fluency train`. Mending uses it to find spans that a sentence reads",
            "better without. It knows no script (texts are folded), no numbers and no Latin words; it is no judge of",
            "style, of truth or of other genres, and must not be used to tell authors or machines apart.",
            "",
            "| part | articles | characters | scripts |",
            "| --- | --- | --- | --- |",
            *lines,
            "",
            f"- arrays: {len(arrays['points']):,} characters, {len(arrays['bigram']):,} pairs,",
            f"  {len(arrays['trigram']):,} triples; absolute discounting, pruned by weighted difference;",
            f"  themes of {len(arrays['themed']):,} pairs (latent semantic analysis,",
            f"  {arrays['themes'].shape[1]} dimensions)",
            f"- `fluency.npz`: {len(stored):,} bytes, sha256 `{hashlib.sha256(stored).hexdigest()}`",
            f"- news pool: sha256 `{pool}`; the articles of `spoiled-dev` are left out",
            f"- cost on held-out publishers (every eighth article, {characters:,} characters): {cost:.3f} nats a",
            f"  character, perplexity {np.exp(cost):.1f}",
            "",
            "| repository | articles trained on | held out |",
            "| --- | --- | --- |",
            *sources,
            "",
        ]
    )
