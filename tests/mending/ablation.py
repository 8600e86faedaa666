"""What each part of the evidence for search phrases is worth: `python -m tests.mending.ablation`.

The networks are taught anew with a part alone, and with all but a part, and judged on spoiled and clean articles that
they have not seen, with phrases of kinds that the shape has not seen. F1 of characters, at the same harm: a page counts
as spoiled from the score on at which 0.0002 of the characters of clean articles are cut.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Sequence

import numpy as np

from pipeline.configure import shared_data
from pipeline.ingest.evidence import FEATURES
from pipeline.ingest.fluency import default_fluency
from pipeline.ingest.learn_phrases import GRAMMAR, Lesson, articles, lessons, teach_spliced
from pipeline.ingest.phrase_model import Networks

HARM = 0.0002
LIKELY = -0.5
PARTS = {
    "how it sits (seams)": ("left", "right", "least", "page_seams"),
    "how odd its words are": ("han_cost", "over_five", "known", "unknown", "theme_near", "theme_mass", "theme_none"),
    "the other script": ("foreign", "foreign_much"),
    "the same string again": ("again", "again_share", "known_again"),
    "the shape of search phrases": (*tuple(name for name in FEATURES if name.startswith("shape")), "page_shape"),
    "letters, digits, marks": (
        *("turns", "letters", "digits", "joint_left", "joint_right", "joint_both", "in_token", "joins_token"),
    ),
}
"""Parts of the evidence; length, and length and cost of the page, are always there."""


def without(seen: Sequence[Lesson], gone: Sequence[str]) -> list[Lesson]:
    """Return the lessons with columns that say nothing."""
    columns = [FEATURES.index(name) for name in gone]
    told = []
    for x in seen:
        evidence = x.evidence.copy()
        evidence[:, columns] = 0
        told.append(Lesson(x.part, x.script, x.text, x.spoiled, x.shape, x.starts, x.ends, evidence, x.truth))
    return told


def f1(seen: Sequence[Lesson]) -> float:
    """Teach on one half of the lessons, and return the F1 of characters on the other."""
    networks = Networks.of(teach_spliced([x for x in seen if x.part == "teach"]), len(FEATURES))
    judged = [(x, chosen(x, networks.odds(x.evidence))) for x in seen if x.part == "test"]
    clean = [(x, found) for x, found in judged if x.spoiled is None]
    size = sum(len(x.text) for x, _ in clean)
    harms = sorted(((found[0][0], sum(b - a for _, a, b in found)) for _, found in clean if found), reverse=True)
    lost, sure = 0, -99.0
    for best, harm in harms:
        lost += harm
        if lost > HARM * size:
            sure = best + 1e-3
            break
    hit = cut = spliced = 0
    for x, found in judged:
        if x.spoiled is not None:
            gone = {at for _, a, b in found for at in range(a, b)} if found and found[0][0] >= sure else set[int]()
            there = {at for a, b in x.spoiled.spans for at in range(a, b)}
            hit, cut, spliced = hit + len(gone & there), cut + len(gone), spliced + len(there)
    return 2 * hit / max(1, cut + spliced)


def chosen(x: Lesson, odds: np.ndarray[tuple[int], np.dtype[np.float32]]) -> list[tuple[float, int, int]]:
    """Return the spans that score best where they overlap, best first: score, start, end."""
    found: list[tuple[float, int, int]] = []
    taken: set[int] = set()
    for row in np.argsort(-odds, kind="stable"):
        if odds[row] < LIKELY:
            break
        span = range(int(x.starts[row]), int(x.ends[row]))
        if taken.isdisjoint(span):
            taken.update(span)
            found.append((float(odds[row]), span.start, span.stop))
    return found


def main() -> int:
    """Print the table."""
    data = shared_data()
    if data is None:
        print("The news pool is not here (set TAOWEN_DATA to its folder): nothing is measured.", file=sys.stderr)
        return 0
    seen = list(lessons(tomllib.loads(GRAMMAR.read_text("utf-8")), articles(data), default_fluency()))
    every = [name for names in PARTS.values() for name in names]
    print("| evidence | alone | all the others |\n| --- | --- | --- |", flush=True)
    for part, names in PARTS.items():
        alone = f1(without(seen, [name for name in every if name not in names]))
        print(f"| {part} | {alone:.3f} | {f1(without(seen, names)):.3f} |", flush=True)
    print(f"| together | {f1(seen):.3f} | |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
