"""Search phrases: what people type into a search box, spliced into the middle of sentences.

No phrase is known beforehand. A candidate is a span between two places where the sentence breaks; evidence for it is
counted in log odds and added up: how badly it sits at both ends and how well the sentence reads without it, how
little its words belong to the page, whether it is in the other script, whether it has letters and digits as such
phrases do, and whether the same string breaks other sentences of the page as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipeline.configure import data_path
from pipeline.ingest.fluency import Floats, Glance, Ints, Reading, word_table
from pipeline.script.fold import code_points

__all__ = ["FEATURES", "Phrase", "find_phrases", "measure", "mixed"]

SHORTEST, LONGEST = 4, 22
"""Characters of a phrase. Shorter ones are words, longer ones clauses."""
_Least = tuple[float, float, float]
_LEAST: _Least = (-1.5, 4.5, 0.0)
"""Nats below which a span is no candidate: at its left seam, of the characters after it, at both seams. Of spliced
phrases 94% pass."""
_FIRST: _Least = (-0.5, 5.5, 1.0)
"""The same for the spans of a glance: fewer are looked at, and the worst is nearly always among them."""
_WORTH = -0.5
"""Log odds of the worst span of the first look from which on all candidates are looked at: 98% of the pages with
phrases that can be found have it, and 10% of clean articles."""
_MOST = 2
"""Candidates for each character of the text, at most; an article has 0.3, a page of random words 10."""
_NEAR = 60
"""Characters to either side that tell the script of the neighbourhood."""

FEATURES = (
    "left",
    "right",
    "least",
    "han_cost",
    "over_five",
    "length",
    "foreign",
    "foreign_much",
    "turns",
    "letters",
    "digits",
    "joint_left",
    "joint_right",
    "joint_both",
    "in_token",
    "joins_token",
    "again",
    "again_share",
    "known",
    "known_again",
    "unknown",
    "theme_near",
    "theme_mass",
    "theme_none",
)
"""Names of the columns of `measure`."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A span that may be a search phrase."""

    start: int
    end: int
    score: float
    """Log odds of being spliced in."""
    foreign: int
    """Characters of the other script, less those of the script round it."""
    again: int
    """Other places of the page where the same string breaks a sentence."""
    listed: bool
    """Whether a line of the page that was cut has it too."""


@cache
def _scripts() -> NDArray[np.int8]:
    """Return 1 for characters written in Traditional only, -1 for Simplified only, by code point."""
    table = np.zeros(0x110000, np.int8)
    for line in data_path("scripts.tsv").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, characters = line.split("\t")[:2]
            table[code_points(characters)] = 1 if name == "hant" else -1
    return table


def mixed(page_text: str) -> int:
    """Return how many characters are of the script that the text has less of."""
    script = _scripts()[code_points(page_text)]
    return int(min((script > 0).sum(), (script < 0).sum()))


def _sums(values: NDArray[np.generic]) -> Ints:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)))


def _candidates(
    reading: Reading, word: NDArray[np.bool_], split: NDArray[np.bool_], glance: Glance | None
) -> tuple[Ints, Ints, Floats, Floats]:
    """Return starts, ends and both seams of the spans that may be phrases: all, or those that a glance saw."""
    least = _LEAST if glance is None else _FIRST
    starts_cost, after = reading.breaks()
    if glance is None:
        first = np.flatnonzero((starts_cost > least[0]) & word)
        sizes = np.arange(SHORTEST, LONGEST + 1)
        starts = np.repeat(first, len(sizes))
        ends = starts + np.tile(sizes, len(first))
    else:
        fit = (glance.ends - glance.starts >= SHORTEST) & (starts_cost[glance.starts] > least[0])
        starts, ends = glance.starts[fit], glance.ends[fit]
    inside = ends < len(word)  # a splice has text after it
    starts, ends = starts[inside], ends[inside]
    barrier = _sums(~word)
    fit = (after[ends] > least[1]) & (barrier[ends] == barrier[starts])
    fit &= ~split[starts] & ~split[ends]
    starts, ends = starts[fit], ends[fit]
    left, right = reading.seams(starts, ends)
    seams = left + right
    fit = seams > least[2]
    if fit.sum() > _MOST * len(word):
        fit &= seams >= np.partition(seams, -_MOST * len(word))[-_MOST * len(word)]
    return starts[fit], ends[fit], left[fit], right[fit]


def _foreign(codes: NDArray[np.uint32], starts: Ints, ends: Ints) -> Ints:
    """Return how many characters of each span are of the other script than its neighbourhood, at most 4.

    A part of a longer passage in the other script, such as a quotation, gets none: the characters next to the span
    that belong to one script only must be of the neighbourhood's.
    """
    script = _scripts()[codes]
    size = len(codes)
    if not script.min(initial=0) or not script.max(initial=0):
        return np.zeros(len(starts), np.int64)
    hant, hans = _sums(script > 0), _sums(script < 0)
    low, high = np.maximum(starts - _NEAR, 0), np.minimum(ends + _NEAR, size)
    hant_in, hans_in = hant[ends] - hant[starts], hans[ends] - hans[starts]
    hant_out, hans_out = hant[high] - hant[low] - hant_in, hans[high] - hans[low] - hans_in
    at = np.arange(size)
    before = np.maximum.accumulate(np.where(script != 0, at, -1))
    after = np.minimum.accumulate(np.where(script != 0, at, size)[::-1])[::-1]
    padded = np.append(script, np.int8(0))  # -1 and `size` are no character: no script
    last = padded[np.where(starts > 0, before[starts - 1], size)]
    following = padded[after[ends]]
    in_hant = (hant_out > 2 * hans_out + 3) & (last >= 0) & (following >= 0) & (hant_in == 0)
    in_hans = (hans_out > 2 * hant_out + 3) & (last <= 0) & (following <= 0) & (hans_in == 0)
    foreign: Ints = np.minimum(in_hant * hans_in + in_hans * hant_in, 4)
    return foreign


def measure(
    reading: Reading, key: str, page_text: str, glance: Glance | None = None
) -> tuple[Ints, Ints, NDArray[np.float32]]:
    """Return the candidates' starts and ends, and their evidence, shape `(n_candidates, len(FEATURES))`."""
    codes = code_points(key)
    alphanumeric = word_table()[codes]
    word = alphanumeric | (codes == ord("-")) | (codes == ord("."))
    if len(key) <= SHORTEST:
        none = np.zeros(0, np.int64)
        return none, none, np.zeros((0, len(FEATURES)), np.float32)
    letter = ((codes | 32) >= ord("a")) & ((codes | 32) <= ord("z"))
    digit = (codes >= ord("0")) & (codes <= ord("9"))
    split = np.concatenate(([False], letter[:-1] & digit[1:], [False]))  # a name like tv5 is one
    starts, ends, left, right = _candidates(reading, word, split, glance)
    kind = np.concatenate((letter + 2 * digit, [0])).astype(np.int64)
    han = alphanumeric & ~letter & ~digit
    length = ends - starts
    hans = _sums(han)
    han_count = hans[ends] - hans[starts + 1]
    cost = np.concatenate((np.zeros(1), np.cumsum(reading.cost * han, dtype=np.float64)))
    han_cost = (cost[ends] - cost[starts + 1]) / np.maximum(han_count, 1)
    turn = _sums(np.concatenate(([False], kind[1:-1] != kind[:-2])))
    letters, digits = _sums(letter), _sums(digit)
    before = np.where(starts > 0, kind[starts - 1], 0)
    after = kind[ends]
    in_token = ((before > 0) & (before == kind[starts])) | ((after > 0) & (after == kind[ends - 1]))
    joint_left = ~alphanumeric[starts - 1] | (starts == 0)
    joint_right = ~alphanumeric[ends]
    again, share, known = _elsewhere(key, codes, han, starts, ends)
    unknown = _sums(reading.unknown & han)
    foreign = _foreign(code_points(page_text), starts, ends)
    foreign = np.where(joint_left & joint_right & (again == 0), np.minimum(foreign, 1), foreign)
    near, mass = reading.themes(starts, ends)
    columns = (
        np.clip(left, -2, 6),
        np.clip(right, -4, 8),
        np.clip(np.minimum(left, right), -3, 4),
        han_cost,
        np.clip(han_cost - 5, 0, 4),
        np.minimum(length, 12),
        foreign,
        foreign > 1,
        np.minimum(turn[ends] - turn[starts + 1], 4),
        letters[ends] > letters[starts],
        digits[ends] > digits[starts],
        joint_left,
        joint_right,
        joint_left & joint_right,
        in_token,
        (before > 0) & (before == after),
        np.minimum(again, 3),
        share * (again > 0),
        known,
        known * (again > 0),
        (unknown[ends] - unknown[starts]) / length,
        near,
        np.minimum(mass, 4),
        mass == 0,
    )
    return starts, ends, np.stack([np.asarray(column, np.float32) for column in columns], 1)


def _prints(codes: NDArray[np.uint32], starts: Ints, ends: Ints) -> NDArray[np.uint64]:
    """Return a number for each span that is the same for the same string: a polynomial in 2^64, from running sums."""
    powers = _powers(1 << max(1, len(codes).bit_length()))
    sums = np.concatenate((np.zeros(1, np.uint64), np.cumsum(codes * powers[0][: len(codes)], dtype=np.uint64)))
    prints: NDArray[np.uint64] = (sums[ends] - sums[starts]) * powers[1][starts]
    return prints


@cache
def _powers(size: int) -> NDArray[np.uint64]:
    """Return the powers of an odd number modulo 2^64, and those of its inverse, shape `(2, size)`."""
    base = 0x9E3779B97F4A7C15
    both = (np.full(size, number, np.uint64) for number in (base, pow(base, -1, 1 << 64)))
    return np.stack([np.multiply.accumulate(row) for row in both])


def _elsewhere(
    key: str, codes: NDArray[np.uint32], han: NDArray[np.bool_], starts: Ints, ends: Ints
) -> tuple[Ints, Floats, Floats]:
    """Return for each candidate where else the page has it and its characters.

    First the other places where the same string is a candidate between other characters; second the share of its
    places in the text where it is one; third the share of its pairs of characters that the page has elsewhere.
    """
    again, share = np.zeros(len(starts), np.int64), np.ones(len(starts), np.float32)
    _, name, copies = np.unique(_prints(codes, starts, ends), return_inverse=True, return_counts=True)
    same: dict[str, list[int]] = defaultdict(list)
    for row in np.flatnonzero(copies[name] > 1).tolist():
        same[key[starts[row] : ends[row]]].append(row)
    for string, rows in same.items():
        before = {key[starts[row] - 1] if starts[row] else "" for row in rows}
        after = {key[ends[row]] for row in rows}
        again[rows] = min(len(before), len(after)) - 1
        share[rows] = len(rows) / key.count(string)
    pairs = (codes[:-1] * np.uint32(0x9E3779B1) ^ codes[1:] * np.uint32(0x85EBCA6B)) >> np.uint32(15)
    times = np.bincount(pairs, minlength=1 << 17)[pairs]
    worth = (han[:-1] | han[1:]).astype(bool)
    total = _sums(worth)
    own = np.minimum(again, 4)
    found = np.zeros(len(starts), np.int64)
    for k in np.unique(own).tolist():
        seen = _sums(worth & (times > k + 1))
        found = np.where(own == k, seen[ends - 1] - seen[starts], found)
    known = found / np.maximum(total[ends - 1] - total[starts], 1)
    return again, share, known.astype(np.float32)


_EVIDENCE = {
    "left": 0.640,
    "right": 0.612,
    "least": 0.036,
    "han_cost": 0.690,
    "over_five": -0.183,
    "length": 0.509,
    "foreign": 2.475,
    "foreign_much": 0.694,
    "turns": -0.053,
    "letters": -0.473,
    "digits": 0.014,
    "joint_left": 0.465,
    "joint_right": -0.248,
    "joint_both": -2.129,
    "in_token": -0.143,
    "joins_token": 1.352,
    "again": 0.799,
    "again_share": 4.170,
    "known": -4.214,
    "known_again": 1.511,
    "unknown": -0.254,
    "theme_near": -7.866,
    "theme_mass": -0.273,
    "theme_none": -4.617,
}
"""Log odds for one unit of each feature. Logistic regression: spans spliced into 1,060 generated pages
(`tests/ingest/spoil.py`, half of the kinds of phrases) against the candidates of 1,370 clean articles of held-out
publishers, some with quotations put into the other script."""
_BIAS = -11.275
_WEIGHTS = np.array([_EVIDENCE[name] for name in FEATURES], np.float32)
_IN_NOISE = 2.0
"""Log odds for a phrase that stands in another line of the page which was cut."""


def find_phrases(
    reading: Reading, key: str, page_text: str, noise: Sequence[str], least: float, glance: Glance | None
) -> list[Phrase]:
    """Return the disjoint spans that score at least `least`, best first where they overlap, in the text's order.

    `key` and `page_text` are the same text, folded and as it is. Where a `glance` is given, only its spans are looked
    at first, and if none is bad enough no other.
    """
    if glance is not None:
        _, _, evidence = measure(reading, key, page_text, glance)
        if not len(evidence) or float((evidence @ _WEIGHTS).max()) + _BIAS < _WORTH:
            return []
    starts, ends, evidence = measure(reading, key, page_text)
    score = evidence @ _WEIGHTS + np.float32(_BIAS)
    others = "\n".join(noise)
    chosen: list[Phrase] = []
    taken = np.zeros(len(key) + 1, bool)
    hopeful = np.flatnonzero(score >= least - _IN_NOISE)
    for row in hopeful[np.argsort(-score[hopeful], kind="stable")].tolist():
        start, end = int(starts[row]), int(ends[row])
        if taken[start:end].any():
            continue
        listed = key[start:end] in others
        value = float(score[row]) + _IN_NOISE * listed
        if value >= least:
            taken[start:end] = True
            told = dict(zip(FEATURES, evidence[row].tolist(), strict=True))
            chosen.append(Phrase(start, end, value, int(told["foreign"]), int(told["again"]), listed))
    return _merged(sorted(chosen, key=lambda phrase: phrase.start), starts, ends, score)


def _merged(chosen: Sequence[Phrase], starts: Ints, ends: Ints, score: Floats) -> list[Phrase]:
    """Return the phrases, those side by side as the one that they are halves of.

    Halves score higher than the whole where another phrase of the page shares one of them.
    """
    merged: list[Phrase] = []
    for phrase in chosen:
        if merged and phrase.start - merged[-1].end <= _HALVES:
            last = merged[-1]
            cover = (starts <= last.start) & (starts >= last.start - _MARGIN)
            cover &= (ends >= phrase.end) & (ends <= phrase.end + _MARGIN)
            rows = np.flatnonzero(cover)
            if len(rows):
                row = rows[int(score[rows].argmax())]
                better = last if last.score >= phrase.score else phrase
                merged[-1] = replace(better, start=int(starts[row]), end=int(ends[row]))
                continue
        merged.append(phrase)
    return merged


_HALVES = 2
"""Characters between two phrases that may be halves of one."""
_MARGIN = 4
"""Characters that the whole may reach beyond its halves."""
