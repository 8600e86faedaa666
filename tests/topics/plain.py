"""What the kernels of tagging do, in plain Python: the reference of their tests, article by article and slow."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from pipeline.script.fold import fold
from pipeline.topics.features import letters
from pipeline.topics.pairs import UNIT, Pairs, length_of, sketch_of
from pipeline.topics.terms import LEAD, MEASURES, SENTENCES, WINDOW, TermFinder
from pipeline.topics.weights import TERM_UNIT

Span = tuple[int, int, int]
"""Start, end and number of a term."""


def lower(character: str) -> str:
    """Return a character in half width and lower case."""
    code = ord(character)
    if 0xFF01 <= code <= 0xFF5E:
        code -= 0xFEE0
    code = 0x20 if code == 0x3000 else code
    return chr(code + 0x20 if 0x41 <= code <= 0x5A else code)


def key(text: str) -> str:
    """Return the key of a text."""
    return "".join(map(lower, fold(text)))


def short(character: str) -> int:
    """Return a character of a key in 16 bits."""
    code = ord(character)
    return code if code < 0xFFFF else 0xFFFF if 0x20000 <= code < 0x40000 else 0


def keys_of(field: str) -> list[int]:
    """Return the keys of a field with its end mark."""
    return [short(character) for character in key(field)] + [0x0A]


def row(first: int, second: int, bits: int) -> int:
    """Return the hash row of two letters; of one, where the second is 0."""
    mixed = (first * 0x9E3779B1 + second * 0x85EBCA6B) & 0xFFFFFFFF
    return ((mixed ^ mixed >> 15) * 0xC2B2AE35 & 0xFFFFFFFF) >> 32 - bits


def rows(keys: Sequence[int], bits: int, *, marks: bool = False) -> tuple[list[int], list[int]]:
    """Return the rows of characters and of pairs, `1 << bits` where there is no letter."""
    table = letters(marks=marks)
    of = [int(table[code]) for code in keys]
    ones = [row(one, 0, bits) if one else 1 << bits for one in of]
    twos = [row(a, b, bits) if a and b else 1 << bits for a, b in zip(of, [*of[1:], 0], strict=True)]
    return ones, twos


def weigh(pairs: Pairs, rarity: Sequence[int], weights: Sequence[Sequence[int]], keys: Sequence[int]) -> list[float]:
    """Return what the characters and pairs of an article say of each topic."""
    ones, twos = rows(keys, pairs.bits, marks=pairs.marks)
    single, paired = ({of: said(n) for of, n in Counter(rows).items() if of < 1 << pairs.bits} for rows in (ones, twos))
    sign, bucket, size = sketch_of(len(rarity))
    sketch = [0] * size
    for of, much in paired.items():
        sketch[int(bucket[of])] += int(sign[of]) * int(rarity[of]) * much
    length = float(length_of(np.array([float(sum(value * value for value in sketch))]))[0])
    there = [*single.items(), *paired.items()]
    return [sum(int(weights[of][topic]) * much for of, much in there) / length for topic in range(len(weights[0]))]


def said(times: int) -> int:
    """Return what so many mentions say, in units: the tenth less than the second, from 255 on nothing more."""
    return round(UNIT * (1 + math.log(min(times, 255))))


def in_word(keyed: str, start: int, end: int) -> bool:
    """Whether an ASCII letter or digit stands right before or behind a span."""
    around = keyed[max(start - 1, 0) : start] + keyed[end : end + 1]
    return any(character in "0123456789abcdefghijklmnopqrstuvwxyz" for character in around)


def find(finder: TermFinder, keyed: str) -> Iterator[Span]:
    """Yield the terms of a field from left to right, the longest at each place."""
    place = 0
    while place < len(keyed):
        here = [
            (len(term), number)
            for number, term in enumerate(finder.terms)
            if keyed.startswith(term, place)
            and not (len(term) > 1 and term.isascii() and in_word(keyed, place, place + len(term)))
        ]
        if here:
            size, number = max(here)
            yield place, place + size, number
        place += max(here)[0] if here else 1


def groups_of(finder: TermFinder, owners: dict[str, set[int]], term: str) -> tuple[int, ...]:
    """Return the groups that a term counts for: its own, and those of the terms inside it, but for phrases."""
    phrases = {number for number, group in enumerate(finder.groups) if group.kind == "phrases"}
    of = set(owners[term])
    if not of & phrases:
        of |= {owner for other in finder.terms if other in term for owner in owners[other] - phrases}
    return tuple(sorted(of))


def sentences(keyed: str) -> Iterator[tuple[int, int]]:
    """Yield where each sentence begins, and the end behind the mark that ends it. The field's end is one."""
    start = 0
    for place, character in enumerate(keyed + "\n"):
        if character in "。!?;\n":
            yield start, place + 1
            start = place + 1


def measure(finder: TermFinder, title: str, text: str) -> list[int]:
    """Return the term features of an article, of which the keys are given, in units of 1 / 4096."""
    fields = (title, text)
    found = [list(find(finder, keyed)) for keyed in fields]
    length = max(len(text), 1)
    columns: list[float] = []
    for number in range(len(finder.groups)):
        of_title, of_text = (
            [(start, term) for start, _, term in of_field if number in finder.groups_of(term)] for of_field in found
        )
        told = {
            "count": math.sqrt(min(len(of_text), 25)) / 2,
            "density": math.sqrt(min(len(of_text) * 100 / max(length, 100), 9)),
            "kinds": math.sqrt(min(len({term for _, term in of_text}), 16)) / 2,
            "lead": math.sqrt(min(sum(start < LEAD for start, _ in of_text), 9)),
            "title": math.sqrt(min(len(of_title), 4)),
            "coverage": math.sqrt(len({start // WINDOW for start, _ in of_text}) * WINDOW / max(length, 4 * WINDOW)),
        }
        columns += [told[name] for name in MEASURES]
    speaking = [
        [(start, end, _topics(finder, of_field, start, end)) for start, end in sentences(keyed)]
        for keyed, of_field in zip(fields, found, strict=True)
    ]
    for topic in finder.topics:
        shares = {}
        for name, wanted in (("own", None), ("alone", {topic})):
            of_title, of_text = (
                [
                    (start, end - start)
                    for start, end, topics in of_field
                    if topic in topics and wanted in (None, topics)
                ]
                for of_field in speaking
            )
            lead = sum(size for start, size in of_text if start < LEAD)
            shares[name] = math.sqrt(min(sum(size for _, size in of_text) / max(len(text), 100), 1))
            shares[f"{name}_lead"] = math.sqrt(min(lead / min(max(len(text), 100), LEAD + 50), 2))
            shares[f"{name}_title"] = float(bool(of_title))
        columns += [shares[name] for name in SENTENCES]
    columns.append(math.sqrt(math.sqrt(min(length, 10_000) / 100)))
    return [round(value * 4096) for value in columns]


def _topics(finder: TermFinder, found: Sequence[Span], start: int, end: int) -> set[str]:
    """Return the topics that the terms of a sentence speak for."""
    groups = {group for place, _, term in found if start <= place < end for group in finder.groups_of(term)}
    return {finder.groups[group].topic for group in groups if finder.groups[group].kind == "terms"}


def probability(
    measured: Sequence[int], weights: Sequence[int], bias: float, pairs: float, calibration: Sequence[float]
) -> float:
    """Return the probability of a topic from the features and what the pairs say, scaled."""
    terms = sum(value * weight for value, weight in zip(measured, weights, strict=True)) * TERM_UNIT / 4096
    logit = calibration[0] * (bias + terms + pairs) + calibration[1]
    return 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0


def evidence(found: Sequence[Span], worth: Sequence[float], most: int) -> list[Span]:
    """Return the terms worth most, each where it stands first, from left to right."""
    first: dict[int, Span] = {}
    for span in found:
        first.setdefault(span[2], span)
    best = sorted((span for span in first.values() if worth[span[2]] > 0), key=lambda span: (-worth[span[2]], span))
    return sorted(best[:most])
