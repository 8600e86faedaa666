"""Evidence that a span was spliced into its sentence: what `phrase_model` weighs.

How badly the span sits at both ends and how well the sentence reads without it, how little its words belong to the
page, whether it is in the other script, whether its characters follow each other as in search boxes, and whether the
same string breaks other sentences of the page as well. `suspicions` are the cheap ones, `measure` counts them all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set as AbstractSet
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipeline.ingest.fluency import Floats, Glance, Ints, Reading, word_table
from pipeline.ingest.phrase_model import Shape
from pipeline.script.fold import code_points
from pipeline.script.identify import HANS, HANT, classes

__all__ = [
    "FEATURES",
    "LONGEST",
    "SHORTEST",
    "SUSPICIONS",
    "are_in",
    "between",
    "kinds",
    "measure",
    "prints",
    "suspicions",
    "times",
]

SHORTEST, LONGEST = 4, 22
"""Characters of a phrase. Shorter ones are words, longer ones clauses."""
_Least = tuple[float, float, float]
_LEAST: _Least = (-1.5, 4.5, 0.0)
"""Nats below which a span is no candidate: at its left seam, of the characters after it, at both seams. Of spliced
phrases 94% pass."""
_HOPE = (0.55, 0.49, 0.27, 0.15, -0.8)
"""Weights of both seams, the shape and the length of a candidate, and their least sum, for it to be measured in full,
if it is not in the other script: half of clean text's candidates have it, and 99.6% of the splices that are found."""
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
    "shape",
    "shape_sum",
    "shape_good",
    "shape_before",
    "shape_behind",
    "shape_behind_2",
    "shape_first",
    "shape_goes_on",
    "shape_last",
    "page_seams",
    "page_shape",
    "page_cost",
    "page_length",
)
"""Names of the columns of `measure`."""
SUSPICIONS = (
    *("gain", "length", "shape", "foreign", "foreign_much", "latin", "again", "link_left", "link_right", "link"),
    *("known", "joint_left", "joint_right", "shape_first", "shape_behind", "shape_before", "shape_good"),
    *("gain_more", "shape_more", "page_spans", "page_cost", "page_length"),
)
"""Names of the columns of `suspicions`."""
_GLANCED, _USUAL = 300, 20
"""Spans of a glance that are looked at, and which of them, from the best, is what the page has anyway."""


@cache
def _scripts() -> NDArray[np.int8]:
    """Return 1 for characters written in Traditional only, -1 for Simplified only, by code point."""
    told = classes()
    signs: NDArray[np.int8] = (told == HANT).astype(np.int8) - (told == HANS)
    return signs


def _sums(values: NDArray[np.generic]) -> Ints:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(values, dtype=np.int64)))


def _candidates(
    reading: Reading, word: NDArray[np.bool_], split: NDArray[np.bool_]
) -> tuple[Ints, Ints, Floats, Floats]:
    """Return starts, ends and both seams of the spans that may be phrases."""
    before, after = reading.breaks()
    first = np.flatnonzero((before > _LEAST[0]) & word)
    sizes = np.arange(SHORTEST, LONGEST + 1)
    starts = np.repeat(first, len(sizes))
    ends = starts + np.tile(sizes, len(first))
    inside = ends < len(word)  # a splice has text after it
    starts, ends = starts[inside], ends[inside]
    barrier = _sums(~word)
    fit = (after[ends] > _LEAST[1]) & (barrier[ends] == barrier[starts])
    fit &= ~split[starts] & ~split[ends]
    starts, ends = starts[fit], ends[fit]
    left, right = reading.seams(starts, ends)
    seams = left + right
    fit = seams > _LEAST[2]
    if fit.sum() > _MOST * len(word):
        fit &= seams >= np.partition(seams, -_MOST * len(word))[-_MOST * len(word)]
    return starts[fit], ends[fit], left[fit], right[fit]


def are_in(elements: AbstractSet[tuple[int, int]], starts: Ints, ends: Ints) -> NDArray[np.bool_]:
    """Tell which spans are among `elements`."""
    if not elements:
        return np.zeros(len(starts), bool)
    return np.array([span in elements for span in zip(starts.tolist(), ends.tolist(), strict=True)], bool)


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


def kinds(codes: NDArray[np.uint32]) -> tuple[NDArray[np.bool_], ...]:
    """Return which code points may be inside a phrase, which are letters, and which are digits."""
    kind = _kinds()[codes]
    return kind & 1 > 0, kind & 2 > 0, kind & 4 > 0


@cache
def _kinds() -> NDArray[np.uint8]:
    table = word_table().astype(np.uint8)
    table[[ord("-"), ord(".")]] = 1
    table[[*range(ord("a"), ord("z") + 1), *range(ord("A"), ord("Z") + 1)]] |= 2
    table[ord("0") : ord("9") + 1] |= 4
    return table


def suspicions(shape: Shape, glance: Glance, key: str, page_text: str) -> tuple[Floats, tuple[Ints, Ints]]:
    """Return what spans of a glance have of phrases, shape `(n_spans, len(SUSPICIONS))`, and their starts and ends.

    A cheap look: it decides which pages are looked at closely. Much is told against the rest of the page, since a page
    of an unusual kind, a novel or a manual, sits badly all over.
    """
    starts, ends, gain = glance.most(_GLANCED)
    codes = code_points(key)
    word, letter, digit = kinds(codes)
    barrier = _sums(~word)
    fit = (ends - starts >= SHORTEST) & (ends < len(key)) & (barrier[ends] == barrier[starts])
    starts, ends, gain = starts[fit], ends[fit], np.minimum(gain[fit], 15)
    if not len(starts):
        return np.zeros((0, len(SUSPICIONS)), np.float32), (starts, ends)
    first, gains = shape.gains(glance.symbols[:-2])
    edge = np.zeros(2, np.float32)
    behind = np.concatenate((gains, edge))
    link = np.concatenate((glance.pair - glance.alone, edge))
    length = ends - starts
    foreign = _foreign(code_points(page_text), starts, ends)
    latin = _sums(letter | digit)
    _, name, copies = np.unique(prints(codes, starts, ends), return_inverse=True, return_counts=True)
    rows = np.zeros((4, len(codes) + 1))
    np.cumsum((gains, np.maximum(gains, 0), link[:-2], np.append(False, times(codes) > 1)), axis=1, out=rows[:, 1:])
    shape_in, good_in, link_in, seen_in = rows[:, ends] - rows[:, starts + 1]
    shaped = (shape_in + first[starts]) / length
    columns = (
        gain,
        np.minimum(length, 12),
        shaped,
        foreign,
        foreign > 1,
        latin[ends] > latin[starts],
        np.minimum(copies[name] - 1, 3),
        link[starts],
        link[ends],
        link_in / (length - 1),
        seen_in / (length - 1),
        (starts == 0) | ~word[starts - 1],
        ~word[ends],
        first[starts],
        behind[ends],
        np.where(starts > 0, first[starts - 1], _NO_PHRASE),
        good_in / length,
        gain - np.sort(gain)[-min(len(gain), _USUAL)],
        shaped - np.median(shaped),
        np.full(len(starts), len(starts) / max(300, len(key))),
        np.full(len(starts), -glance.pair.mean()),
        np.full(len(starts), np.log(len(key))),
    )
    return np.stack([np.asarray(column, np.float32) for column in columns], 1), (starts, ends)


def between(values: NDArray[np.generic], starts: Ints, ends: Ints) -> NDArray[np.float64]:
    """Return the sums of `values` from each start to each end."""
    sums = np.concatenate((np.zeros(1), np.cumsum(values, dtype=np.float64)))
    between: NDArray[np.float64] = sums[ends] - sums[starts]
    return between


def times(codes: NDArray[np.uint32]) -> Ints:
    """Return how often the page has each pair of characters, by a hash: never too low. Shape `(len(codes) - 1,)`."""
    bits = max(12, (8 * len(codes)).bit_length())
    pairs = (codes[:-1] * np.uint32(0x9E3779B1) ^ codes[1:] * np.uint32(0x85EBCA6B)) >> np.uint32(32 - min(bits, 20))
    counts: Ints = np.bincount(pairs)[pairs]
    return counts


def measure(
    reading: Reading, key: str, page_text: str, shape: Shape, elements: AbstractSet[tuple[int, int]] = frozenset()
) -> tuple[Ints, Ints, NDArray[np.float32]]:
    """Return the candidates' starts and ends, and their evidence, shape `(n_candidates, len(FEATURES))`.

    `elements` are candidates however well they sit: a splice is often an element of its own.
    """
    codes = code_points(key)
    alphanumeric = word_table()[codes]
    word, letter, digit = kinds(codes)
    split = np.concatenate(([False], letter[:-1] & digit[1:], [False]))  # a name like tv5 is one
    starts, ends, left, right = _candidates(reading, word, split)
    if elements:
        more = np.array(sorted(elements - set(zip(starts.tolist(), ends.tolist(), strict=True))), np.int64).reshape(
            -1, 2
        )
        starts, ends = np.concatenate((starts, more[:, 0])), np.concatenate((ends, more[:, 1]))
        left, right = reading.seams(starts, ends)
    if not len(starts):
        return starts, ends, np.zeros((0, len(FEATURES)), np.float32)
    length = ends - starts
    alone, goes_on = shape.gains(reading.symbols)
    shaped = between(goes_on, starts + 1, ends) + alone[starts]
    foreign = _foreign(code_points(page_text), starts, ends)
    page_seams, page_shape = np.median(left + right), np.median(shaped / length)
    own = np.array(
        [span in elements for span in zip(starts.tolist(), ends.tolist(), strict=True)] if elements else False
    )
    hopeful = (
        own
        | (foreign > 0)
        | (
            _HOPE[0] * left + _HOPE[1] * right + _HOPE[2] * np.clip(shaped, -20, 20) + _HOPE[3] * np.minimum(length, 12)
            > _HOPE[4]
        )
    )
    starts, ends, left, right, length, shaped, foreign = (
        column[hopeful] for column in (starts, ends, left, right, length, shaped, foreign)
    )
    kind = np.concatenate((letter + 2 * digit, [0])).astype(np.int64)
    han = alphanumeric & ~letter & ~digit
    han_count = between(han, starts + 1, ends)
    han_cost = between(reading.cost * han, starts + 1, ends) / np.maximum(han_count, 1)
    turns = np.concatenate(([False], kind[1:-1] != kind[:-2]))
    before = np.where(starts > 0, kind[starts - 1], 0)
    after = kind[ends]
    in_token = ((before > 0) & (before == kind[starts])) | ((after > 0) & (after == kind[ends - 1]))
    joint_left = ~alphanumeric[starts - 1] | (starts == 0)
    joint_right = ~alphanumeric[ends]
    again, share, known = _elsewhere(key, codes, han, starts, ends)
    foreign = np.where(joint_left & joint_right & (again == 0), np.minimum(foreign, 1), foreign)
    near, mass = reading.themes(starts, ends)
    behind = np.concatenate((goes_on, np.zeros(2, np.float32)))
    columns = (
        np.clip(left, -2, 6),
        np.clip(right, -4, 8),
        np.clip(np.minimum(left, right), -3, 4),
        han_cost,
        np.clip(han_cost - 5, 0, 4),
        np.minimum(length, 12),
        foreign,
        foreign > 1,
        np.minimum(between(turns, starts + 1, ends), 4),
        between(letter, starts, ends) > 0,
        between(digit, starts, ends) > 0,
        joint_left,
        joint_right,
        joint_left & joint_right,
        in_token,
        (before > 0) & (before == after),
        np.minimum(again, 3),
        share * (again > 0),
        known,
        known * (again > 0),
        between(reading.unknown & han, starts, ends) / length,
        near,
        np.minimum(mass, 4),
        mass == 0,
        shaped / length,
        np.clip(shaped, -20, 20),
        between(np.maximum(goes_on, 0), starts + 1, ends) / length,
        np.where(starts > 0, alone[starts - 1], _NO_PHRASE),
        behind[ends],
        behind[ends + 1],
        alone[starts],
        goes_on[starts],
        goes_on[ends - 1],
        left + right - page_seams,
        shaped / length - page_shape,
        np.full(len(starts), reading.cost.mean()),
        np.full(len(starts), np.log(len(key))),
    )
    return starts, ends, np.stack([np.asarray(column, np.float32) for column in columns], 1)


def prints(codes: NDArray[np.uint32], starts: Ints, ends: Ints) -> NDArray[np.uint64]:
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
    _, name, copies = np.unique(prints(codes, starts, ends), return_inverse=True, return_counts=True)
    same: dict[str, list[int]] = defaultdict(list)
    for row in np.flatnonzero(copies[name] > 1).tolist():
        same[key[starts[row] : ends[row]]].append(row)
    for string, rows in same.items():
        before = {key[starts[row] - 1] if starts[row] else "" for row in rows}
        after = {key[ends[row]] for row in rows}
        again[rows] = min(len(before), len(after)) - 1
        share[rows] = len(rows) / key.count(string)
    pairs = times(codes)
    worth = (han[:-1] | han[1:]).astype(bool)
    total = _sums(worth)
    own = np.minimum(again, 4)
    found = np.zeros(len(starts), np.int64)
    for k in np.unique(own).tolist():
        seen = _sums(worth & (pairs > k + 1))
        found = np.where(own == k, seen[ends - 1] - seen[starts], found)
    known = found / np.maximum(total[ends - 1] - total[starts], 1)
    return again, share, known.astype(np.float32)


_NO_PHRASE = -3.0
"""Nats where there is no character."""
