"""Development step: write `data/leaning.tsv`, what characters and pairs say of the script where both scripts have them.

    python -m pipeline.script.learn_leaning

A logistic regression on short pieces of articles in which no character tells the script. It needs the news pool at
`$TAOWEN_DATA` or `../shared/data` (a minute). Same data, same bytes. Nothing else imports this module.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from pipeline.configure import data_path, shared_data
from pipeline.errors import InputError
from pipeline.script.fold import code_points
from pipeline.script.identify import HANS, HANT, as_leaning, classes

__all__ = ["held_out", "main"]

_HEADER = """\
# Made by `python -m pipeline.script.learn_leaning` from news-pool. Do not edit. Columns: script, how strongly (tenths
# of a nat), characters and pairs of characters; 0 is any digit, A any Latin letter, _ a space, ＿ a wide one. None of
# them tells the script by its shape, since both scripts have it; they are words, subjects and marks of the presses that
# write this script: 警方 and 「 are hant, 同比 and “ hans.
"""
_LEAST_PUBLISHER = 80_000
"""Characters below which a publisher says nothing of how often a pair is written."""
_FOREIGN = 0.02
"""Share of the other script's telling characters from which an article is left out."""
_PIECES = 30_000
"""Pieces of each publisher that are learnt from. With 15,000, longer strings are told .003 worse."""
_SHORTEST, _LONGEST = 4, 14
"""Characters of a piece: shorter ones say nothing, headlines are up to 30 and have as much that counts as 14 do."""
_LEAST_SEEN, _LEAST_PUBLISHERS = 20, 4
"""Occurrences below which a character or a pair is left out, and publishers that must have it three times: a subject of
two or three publishers is no word of a script."""
_LEAST_PUBLISHERS_TWO_FACED = 2
"""The same for pairs with a character that the other script divides (后 in 皇后, in 以后). They tell by their shape."""
_TWO_FACED = 3.0
"""How many times cheaper such a pair is to the regression, so that it can make up for its character: 皇后 for 后."""
_STRENGTH = 0.1
"""Inverse of the regularisation. .03 is as good on long strings and .01 worse on four characters, .3 worse on both."""
_WEIGHT = 0.25
"""Power of a publisher's size that is its weight: news-pool has half of its Traditional text from one paper."""
_SEED = 5


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


def _by_publisher() -> dict[tuple[str, str], str]:
    """Return each publisher's articles in the script that it mostly writes: others are converted."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    table = classes()
    for script, publisher, text in _articles():
        hant, hans = np.bincount(table.take(code_points(text), mode="clip"), minlength=8)[[HANT, HANS]].tolist()
        if min(hant, hans) <= _FOREIGN * (hant + hans):
            found[script, publisher].append(text)
    texts = {known: "".join(parts) for known, parts in found.items()}
    other = {"hant": "hans", "hans": "hant"}
    return {
        (script, publisher): text
        for (script, publisher), text in sorted(texts.items())
        if len(text) >= _LEAST_PUBLISHER and len(text) >= len(texts.get((other[script], publisher), ""))
    }


def _pieces(text: str, chance: random.Random) -> list[list[str]]:
    """Return what is in some stretches between telling characters, as `leaning.tsv` writes it."""
    telling = np.flatnonzero((classes() == HANT) | (classes() == HANS)).tolist()
    apart = re.compile(f"[\n{re.escape(''.join(map(chr, telling)))}]")
    stretches = [stretch for stretch in apart.split(text) if len(stretch) >= _SHORTEST]
    pieces: list[list[str]] = []
    for stretch in chance.sample(stretches, min(_PIECES, len(stretches))):
        length = min(len(stretch), chance.randint(_SHORTEST, _LONGEST))
        start = chance.randint(0, len(stretch) - length)
        signs = as_leaning(stretch[start : start + length])
        pieces.append(sorted({*signs, *(signs[at : at + 2] for at in range(length - 1))}))
    return pieces


def _two_faced() -> set[str]:
    """Return the characters that are one in one script and several in the other: 后 in 皇后 says nothing, in 以后 much.

    What is one character's other form is in it too.
    """
    rows = [line.split("\t") for line in data_path("fold.tsv").read_text("utf-8").splitlines() if line[:4] == "char"]
    return {character for row in rows for character in row[1:]}


def _entries(pieces: Mapping[tuple[str, str], list[list[str]]]) -> dict[str, float]:
    """Return what may be an entry, and how cheap it is."""
    seen: Counter[str] = Counter()
    publishers: Counter[str] = Counter()
    for of_publisher in pieces.values():
        counts = Counter(entry for piece in of_publisher for entry in piece)
        seen.update(counts)
        publishers.update(entry for entry, count in counts.items() if count >= 3)
    two_faced = _two_faced()
    entries: dict[str, float] = {}
    for entry in sorted(entry for entry, count in seen.items() if count >= _LEAST_SEEN):
        cheap = len(entry) == 2 and not two_faced.isdisjoint(entry)
        if publishers[entry] >= (_LEAST_PUBLISHERS_TWO_FACED if cheap else _LEAST_PUBLISHERS):
            entries[entry] = _TWO_FACED if cheap else 1.0
    return entries


def _rows() -> Iterator[tuple[int, str]]:
    """Yield each entry with its tenths of a nat: above zero for Traditional."""
    from scipy.sparse import csr_array
    from sklearn.linear_model import LogisticRegression

    chance = random.Random(_SEED)
    texts = _by_publisher()
    pieces = {known: _pieces(text, chance) for known, text in texts.items()}
    entries = _entries(pieces)
    numbers = {entry: number for number, entry in enumerate(entries)}
    cheap = np.array(list(entries.values()))
    flat: list[int] = []
    ends = [0]
    for of_publisher in pieces.values():
        for piece in of_publisher:
            flat += (numbers[entry] for entry in piece if entry in numbers)
            ends.append(len(flat))
    columns = np.array(flat, np.int32)  # liblinear takes no others
    given = csr_array((cheap[columns], columns, np.array(ends, np.int32)), shape=(len(ends) - 1, len(entries)))
    hant = np.array([script == "hant" for (script, _), of in pieces.items() for _ in of])
    weights: NDArray[np.float64] = np.concatenate(
        [np.full(len(of), len(texts[known]) ** _WEIGHT / len(of)) for known, of in pieces.items()]
    )
    for one in (hant, ~hant):
        weights[one] *= len(hant) / weights[one].sum()
    # liblinear regularises the bias too, and there is none to be learnt: either script is as likely.
    model = LogisticRegression(C=_STRENGTH, solver="liblinear", tol=1e-3, fit_intercept=False, max_iter=200)
    model.fit(given, hant, sample_weight=weights)
    tenths = np.trunc(10 * model.coef_[0] * cheap).astype(int)
    for entry, step in zip(entries, tenths.tolist(), strict=True):
        if step:
            yield step, entry


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
