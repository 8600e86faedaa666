"""Take out of a text what was spliced into its sentences: the spam that no cut of whole lines reaches.

Four kinds: pieces of the title dealt out in a cycle, search phrases, pinyin glosses, invisible characters. The rule
throughout: in doubt, keep. A true sentence that is cut costs more than a phrase that stays.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pipeline.article import Cut
from pipeline.ingest.fluency import Fluency, Glance, Ints, default_fluency
from pipeline.ingest.phrases import Phrase, find_phrases, mixed
from pipeline.ingest.pieces import ACCEPTED, DOUBTED, NOTHING_DEALT, Dealt, Piece, find_pieces
from pipeline.ingest.signs import find_glosses, find_invisible
from pipeline.script.fold import fold

__all__ = ["Mending", "mend"]

_SURE, _SURE_PAIR = 2.5, 3.0
"""Log odds that the best phrase of a page must have, or the best two together, for the page to count as spoiled: 26 of
8,194 clean articles of held-out publishers do."""
_LIKELY = -1.0
"""Log odds from which on a phrase is cut from a page that is known to be spoiled."""
_DOUBT = 0.0
"""Log odds from which on a phrase that stays is doubted."""
_IN_TITLE = 3.0
"""Log odds taken from a phrase that the article's title names too: what an article is about recurs in it."""
_SHORT, _LONGEST = 60, 10_000
"""Characters of kept text below which no sentence is judged, and above which it is judged in parts: 99.9% of articles
are shorter, and what a hostile page costs grows with the square of a part."""
_PIECES = (0.835, 0.793, -0.162, -0.118, 0.673, 0.235, 0.108, 0.171, 0.144, -1.358, 0.053, -0.644, -12.28)
_PHRASES = (-0.326, 0.073, -0.354, -0.203, 0.474, 0.553, 0.14, -0.033, 0.063, -0.939, 1.013, 0.837, -1.04)
"""Weights of `_signs`, and a constant: above 0 a full look is taken for pieces, or for phrases. Logistic regression on
1,300 generated pages of each (`tests/ingest/spoil.py`) against 2,600 clean articles; 98% of the pages where a full
look finds something are above, and 17% and 45% of the clean articles."""
_ENOUGH = 300_000
"""Characters of kept text that are judged; what is longer is no article, and its end stays as it is."""
_ROUNDS = 3
"""Looks at a text: what was cut uncovers what stood beside it."""


@dataclass(frozen=True, slots=True)
class Mending:
    """What to take out of a page text, and what looks spliced but stays."""

    cuts: tuple[Cut, ...]
    doubts: tuple[tuple[int, int], ...]


def mend(
    page_text: str,
    key: str,
    spans: Sequence[tuple[int, int]],
    title: str = "",
    noise: Sequence[str] = (),
) -> Mending:
    """Return what to cut inside `spans`, and what is doubtful there.

    Args:
        page_text: the whole page.
        key: `fold(page_text)`, of the same length.
        spans: the blocks that are kept, sorted and disjoint; nothing outside is cut.
        title: the article's title where it is known: what it names belongs to the article.
        noise: keys of the page's other lines, which were cut: a phrase that is in them too is more likely spam.
    """
    cuts = [*find_invisible(page_text, spans), *find_glosses(page_text, spans)]
    cuts.sort(key=lambda cut: cut.start)
    doubts: list[tuple[int, int]] = []
    for text in _texts(page_text, key, spans, cuts):
        found, doubted = _spliced(default_fluency(), text, fold(title), noise)
        cuts += found
        doubts += doubted
    return Mending(tuple(sorted(cuts, key=lambda cut: cut.start)), tuple(sorted(doubts)))


@dataclass(frozen=True, slots=True)
class _Text:
    """What is left of the kept text, and where each character stands on the page (-1: a break between blocks)."""

    page: str
    key: str
    original: str
    places: Ints

    def without(self, gone: Sequence[tuple[int, int]]) -> _Text:
        """Return the text without these spans of it, which are sorted and disjoint."""
        kept = list(pairwise([0, *(edge for span in gone for edge in span), len(self.key)]))[::2]
        return _Text(
            self.page,
            "".join([self.key[start:end] for start, end in kept]),
            "".join([self.original[start:end] for start, end in kept]),
            np.concatenate([self.places[start:end] for start, end in kept]),
        )

    def on_page(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the spans of the page that `start` to `end` stands for: several where something was cut inside."""
        places = self.places[start:end]
        breaks = (np.flatnonzero(np.diff(places) != 1) + 1).tolist()
        return [(int(places[a]), int(places[b - 1]) + 1) for a, b in pairwise([0, *breaks, len(places)])]

    def cut(self, start: int, end: int, kind: str, reason: str) -> list[Cut]:
        """Return the cuts of the page that take out `start` to `end`."""
        return [Cut(a, b, kind, reason, self.page[a:b]) for a, b in self.on_page(start, end)]


def _texts(page_text: str, key: str, spans: Sequence[tuple[int, int]], cuts: Sequence[Cut]) -> Iterator[_Text]:
    """Yield the kept text without `cuts`, in parts of about `_LONGEST` characters that end with a block."""
    parts: list[tuple[int, int]] = []
    size = judged = 0
    gone = [(cut.start, cut.end) for cut in cuts]
    at = 0
    for start, end in _short_spans(spans):
        while at < len(gone) and gone[at][1] <= start:
            at += 1
        edges = [start]
        while at < len(gone) and gone[at][0] < end:
            edges += (max(start, gone[at][0]), min(end, gone[at][1]))
            if gone[at][1] > end:
                break
            at += 1
        edges.append(end)
        parts += [(a, b) for a, b in list(pairwise(edges))[::2] if a < b]
        parts.append((-1, 0))
        size += end - start
        judged += end - start
        if judged >= _ENOUGH:
            break
        if size >= _LONGEST:
            yield _joined(page_text, key, parts)
            parts, size = [], 0
    if size >= _SHORT:
        yield _joined(page_text, key, parts)


def _short_spans(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for start, end in spans:
        for part in range(start, end, _LONGEST):
            yield part, min(end, part + _LONGEST)


def _joined(page_text: str, key: str, parts: Sequence[tuple[int, int]]) -> _Text:
    return _Text(
        page_text,
        "".join([key[a:b] if a >= 0 else "\n" for a, b in parts]),
        "".join([page_text[a:b] if a >= 0 else "\n" for a, b in parts]),
        np.concatenate([np.arange(a, b) if a >= 0 else np.full(1, -1) for a, b in parts]),
    )


def _spliced(model: Fluency, text: _Text, title: str, noise: Sequence[str]) -> tuple[list[Cut], list[tuple[int, int]]]:
    """Return the cuts of title pieces and search phrases, and what is doubtful."""
    cuts: list[Cut] = []
    doubts: list[tuple[int, int]] = []
    spoiled = False
    for _ in range(_ROUNDS):
        doubts = []
        glance = model.glance(text.key)
        signs = _signs(glance, text)
        look_for_pieces = _odds(_PIECES, signs) > 0
        look_for_phrases = spoiled or _odds(_PHRASES, signs) > 0
        if not (look_for_pieces or look_for_phrases):
            break
        reading = model.read(text.key)
        dealt = find_pieces(reading, text.key) if look_for_pieces else NOTHING_DEALT
        pieces = [(piece.start, piece.end) for piece in dealt.pieces]
        if dealt.odds >= ACCEPTED:
            spoiled = True
            for piece in dealt.pieces:
                cuts += text.cut(piece.start, piece.end, "title_piece", _told(dealt, piece))
            text = text.without(pieces)
            reading = model.read(text.key)
        elif dealt.odds >= DOUBTED:
            doubts += [place for piece in pieces for place in text.on_page(*piece)]
        if not (spoiled or look_for_phrases):
            break
        phrases = [
            (phrase, phrase.score - _IN_TITLE * (phrase.foreign < 2 and text.key[phrase.start : phrase.end] in title))
            for phrase in find_phrases(
                reading, text.key, text.original, noise, _LIKELY, None if spoiled or signs[-1] else glance
            )
        ]
        best = sorted((score for _, score in phrases), reverse=True)[:2]
        spoiled |= bool(best) and (best[0] >= _SURE or (len(best) > 1 and sum(best) >= _SURE_PAIR))
        gone = [phrase for phrase, score in phrases if spoiled and score >= _LIKELY]
        for phrase in gone:
            cuts += text.cut(phrase.start, phrase.end, "search_phrase", _evidence(phrase))
        doubts += [
            place
            for phrase, score in phrases
            if not spoiled and score >= _DOUBT
            for place in text.on_page(phrase.start, phrase.end)
        ]
        if not gone:
            break
        text = text.without([(phrase.start, phrase.end) for phrase in gone])
    return cuts, _disjoint(doubts, cuts)


def _signs(glance: Glance, text: _Text) -> tuple[float, ...]:
    """Return what a glance sees of splices: the cheap test that decides who gets the full look."""
    size = len(text.key)
    scripts = mixed(text.original)
    return (*glance.signs, math.log(max(size, 1)), min(scripts, 12), scripts > 2)


def _odds(weights: Sequence[float], signs: Sequence[float]) -> float:
    return sum(weight * value for weight, value in zip(weights, (*signs, 1.0), strict=True))


def _disjoint(doubts: Sequence[tuple[int, int]], cuts: Sequence[Cut]) -> list[tuple[int, int]]:
    """Return the doubts that touch no cut and no other doubt."""
    kept: list[tuple[int, int]] = []
    taken = sorted((cut.start, cut.end) for cut in cuts)
    starts = [start for start, _ in taken]
    last = 0
    for start, end in sorted(set(doubts)):
        at = bisect_left(starts, end)
        if start >= last and (at == 0 or taken[at - 1][1] <= start):
            kept.append((start, end))
            last = end
    return kept


def _told(dealt: Dealt, piece: Piece) -> str:
    turns = len(dealt.pieces) / len(dealt.cycle)
    return f"piece {piece.place + 1} of {len(dealt.cycle)} strings that recur in one order, {turns:.1f} times over"


def _evidence(phrase: Phrase) -> str:
    told = ["the sentence reads better without it"]
    if phrase.foreign > 1:
        told.append("it is in the other script")
    if phrase.again:
        told.append(f"it breaks {phrase.again} other sentence{'s' * (phrase.again > 1)} too")
    if phrase.listed:
        told.append("another line of the page has it")
    return ", ".join(told) + f" (log odds {phrase.score:.1f})"
