"""Development step: write `data/leaning.tsv`, what characters and pairs say of the script where both scripts have them.

    python -m pipeline.script.learn_leaning

It needs the news pool at `$TAOWEN_DATA` or `../shared/data`. Same data, same bytes. Nothing else imports this module.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.configure import data_path, shared_data
from pipeline.errors import InputError
from pipeline.script.fold import code_points
from pipeline.script.identify import HANS, HANT, classes

__all__ = ["held_out", "main"]

_HEADER = """\
# Made by `python -m pipeline.script.learn_leaning` from news-pool. Do not edit. Columns: script, how strongly (half
# nats), characters and pairs of characters. None of them tells the script by its shape, since both scripts have it;
# they are words and subjects of the presses that write this script: 警方 and 唔 are hant, 同比 and 文字 hans.
"""
_LEAST_PUBLISHER = 80_000
"""Characters below which a publisher says nothing of how often a pair is written."""
_LEAST_SEEN = 30
"""Occurrences below which a pair is left out."""
_RARE = 2e-6
"""Added to each publisher's share of a pair, so that a pair it never wrote costs a few nats and not everything. With
3e-6 two thirds of the pairs are left, with 1e-6 the answers are wrong more often."""
_WEIGHT = 0.25
"""Power of a publisher's size that is its weight: news-pool has half of its Traditional text from one paper."""
_ALONE = 0.4
"""What a single character counts beside the pairs it is in."""
_FOREIGN = 0.02
"""Share of the other script's telling characters from which an article is left out."""
_STRONGEST = 6
_HAN = (0x4E00, 0x9FFF)
_SHIFT = np.uint64(21)

_Counts = dict[str, list[NDArray[np.uint32]]]


def held_out(publisher: str) -> bool:
    """Whether a publisher is left out, so that `make bench` can measure on it. `models/fluency` leaves out the same."""
    return hashlib.sha256(publisher.encode()).digest()[0] % 16 >= 12


def _articles() -> Iterator[tuple[str, str, str]]:
    """Yield script, publisher and text of the articles that are learnt from.

    Raises:
        InputError: the shared data is not here.
    """
    shared = shared_data()
    if shared is None:
        raise InputError("The shared data that leaning.tsv is learnt from is not here. Set TAOWEN_DATA to its folder.")
    with gzip.open(shared / "news-pool.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row["script"] in ("hant", "hans") and not held_out(row["publisher"]):
                # What is reprinted under one roof counts as one publisher.
                yield row["script"], row["publisher"].split(" (")[0], f"{row['title']}\n{row['text']}\n"


def _by_publisher() -> dict[tuple[str, str], NDArray[np.uint64]]:
    """Return the code points of each publisher's articles in the script that it mostly writes: others are converted."""
    found: dict[tuple[str, str], list[NDArray[Any]]] = defaultdict(list)
    table = classes()
    for script, publisher, text in _articles():
        codes = code_points(text)
        hant, hans = np.bincount(table.take(codes, mode="clip"), minlength=8)[[HANT, HANS]].tolist()
        if min(hant, hans) <= _FOREIGN * (hant + hans):
            found[script, publisher].append(codes)
    texts = {known: np.concatenate(parts).astype(np.uint64) for known, parts in found.items()}
    other = {"hant": "hans", "hans": "hant"}
    return {
        (script, publisher): text
        for (script, publisher), text in sorted(texts.items())
        if len(text) >= _LEAST_PUBLISHER and len(text) >= len(texts.get((other[script], publisher), ()))
    }


def _ratios(counted: dict[tuple[str, str], tuple[NDArray[np.uint64], NDArray[np.int64]]]) -> tuple[Any, Any]:
    """Return the things counted that are seen often enough, and the log of how much oftener Traditional text has them.

    A publisher's share of a thing enters by its logarithm, so no single publisher decides.
    """
    things, where = np.unique(np.concatenate([names for names, _ in counted.values()]), return_inverse=True)
    seen = np.bincount(where, weights=np.concatenate([counts for _, counts in counted.values()]))
    things = things[seen >= _LEAST_SEEN]
    logs = {"hant": np.zeros(len(things)), "hans": np.zeros(len(things))}
    weights = {"hant": 0.0, "hans": 0.0}
    for (script, _), (names, counts) in counted.items():
        total = counts.sum()
        at = np.minimum(np.searchsorted(names, things), len(names) - 1)
        share = np.where(names[at] == things, counts[at], 0) / total
        weight = float(total) ** _WEIGHT
        logs[script] += weight * np.log(share + _RARE)
        weights[script] += weight
    return things, logs["hant"] / weights["hant"] - logs["hans"] / weights["hans"]


def _two_faced() -> set[str]:
    """Return the characters that are one in one script and several in the other: 后 in 皇后 says nothing, in 以后 much.

    What they say is left to the pairs they are in.
    """
    rows = [line.split("\t") for line in data_path("fold.tsv").read_text("utf-8").splitlines() if line[:4] == "char"]
    return {character for row in rows for character in row[1:]}


def _rows() -> Iterator[tuple[int, str]]:
    """Yield each character and pair with its half nats: above zero for Traditional."""
    texts = _by_publisher()
    table = classes()
    shared = np.zeros(len(table), np.bool_)
    shared[_HAN[0] : _HAN[1] + 1] = True
    shared &= (table != HANT) & (table != HANS)

    def steps(ratios: NDArray[np.float64]) -> list[int]:
        halves: list[int] = np.clip(np.trunc(2 * ratios), -_STRONGEST, _STRONGEST).astype(int).tolist()
        return halves

    single = {known: np.unique(text, return_counts=True) for known, text in texts.items()}
    characters, ratios = _ratios(single)
    two_faced = _two_faced()
    for point, step in zip(characters.tolist(), steps(_ALONE * ratios), strict=True):
        if step and shared[point] and chr(point) not in two_faced:
            yield step, chr(point)
    double = {known: np.unique((text[:-1] << _SHIFT) | text[1:], return_counts=True) for known, text in texts.items()}
    pairs, ratios = _ratios(double)
    first, second = (pairs >> _SHIFT).tolist(), (pairs & np.uint64((1 << 21) - 1)).tolist()
    for left, right, step in zip(first, second, steps(ratios), strict=True):
        if step and shared[left] and shared[right]:
            yield step, chr(left) + chr(right)


def main() -> None:
    """Write the table."""
    found: dict[int, list[str]] = defaultdict(list)
    for step, entry in _rows():
        found[step].append(entry)
    rows = [
        f"{'hant' if step > 0 else 'hans'}\t{abs(step)}\t{' '.join(sorted(entries))}\n"
        for step, entries in sorted(found.items())
    ]
    data_path("leaning.tsv").write_text(_HEADER + "".join(rows), "utf-8")


if __name__ == "__main__":
    main()
