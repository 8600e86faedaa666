"""Take out of a text what was spliced into its sentences: the spam that no cut of whole lines reaches.

Six kinds: pieces of the title dealt out in a cycle, search phrases, pinyin glosses, invisible characters, disguised
addresses, fillers before marks. The rule throughout: in doubt, keep. A true sentence that is cut costs more than a
phrase that stays.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.article import Cut
from pipeline.ingest import evidence
from pipeline.ingest.evidence import LONGEST, SHORTEST
from pipeline.ingest.fillers import find_fillers
from pipeline.ingest.flatten import Inline
from pipeline.ingest.fluency import Fluency, default_fluency
from pipeline.ingest.glance import judge
from pipeline.ingest.phrase_model import PhraseModel, default_phrases
from pipeline.ingest.phrases import Phrase, find_phrases
from pipeline.ingest.pieces import ACCEPTED, DOUBTED, NOTHING_DEALT, Dealt, find_pieces
from pipeline.ingest.signs import finders
from pipeline.native import splices
from pipeline.script.fold import fold, utf32

__all__ = ["Mending", "mend"]

_SURE = (3.0, 4.5)
"""Log odds that the best phrase of a page must have, or the best two together, for the page to count as spoiled: 0.6%
of clean articles of held-out publishers do, with quotations in the other script in some of them."""
_LIKELY = -0.5
"""Log odds from which on a phrase is cut from a page that is known to be spoiled."""
_DOUBT = 0.0
"""Log odds from which on a phrase that stays is doubted."""
_IN_TITLE = 3.0
"""Log odds taken from a phrase that the article names itself, in its title, as a paragraph's first words, in quotation
marks, or with its spelling in brackets: what an article is about recurs in it."""
_SHORT, _LONGEST = 60, 10_000
"""Characters of kept text below which no sentence is judged, and above which it is judged in parts: 99.9% of articles
are shorter, and what a hostile page costs grows with the square of a part."""
_ENOUGH = 300_000
"""Characters of kept text that are judged; what is longer is no article, and its end stays as it is."""
_LOOKED = (1.5, 1.5)
"""Log odds of a glance above which a page is looked at closely for pieces, and for phrases: 14% and 6% of real pages
(at 0: 30% and 25%). On spoiled articles F1 is .001 lower than with a close look at all of them; .02 where there is one
phrase only, or where pieces are sparse."""
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
    inlines: Sequence[Inline] = (),
) -> Mending:
    """Return what to cut inside `spans`, and what is doubtful there.

    Args:
        page_text: the whole page.
        key: `fold(page_text)`, of the same length.
        spans: the blocks that are kept, sorted and disjoint; nothing outside is cut.
        title: the article's title where it is known: what it names belongs to the article.
        noise: keys of the page's other lines, which were cut: a phrase that is in them too is more likely spam.
        inlines: elements inside lines of prose: what their style hides goes, and a splice is often one of them.
    """
    encoded, edges = utf32(page_text), splices.pairs(spans)
    worth, mixed = finders(encoded, edges)
    page = _Page(page_text, key, encoded, utf32(key), mixed)
    within = [x for x in inlines if (x.hidden or SHORTEST <= x.end - x.start <= LONGEST) and _is_within(x, spans)]
    cuts = [Cut(x.start, x.end, "hidden", _UNSEEN, page_text[x.start : x.end]) for x in within if x.hidden]
    for find in worth:
        free = _untouched([(cut.start, cut.end) for cut in cuts])
        cuts += [cut for cut in find(page_text, spans) if free(cut.start, cut.end)]
    cuts.sort(key=lambda cut: cut.start)
    own = {(x.start, x.end) for x in within if not x.hidden}
    doubts: list[tuple[int, int]] = []
    for text in _texts(page, edges, cuts):
        if fillers := find_fillers(default_fluency(), text.points[0]):
            told = f"two characters that mean nothing before a mark, one of {len(fillers)} such pairs"
            cuts += [cut for start, end in fillers for cut in text.cut(start, end, "filler", told)]
            text = text.without(fillers)
        found, doubted = _spliced(default_fluency(), default_phrases(), text, title, noise, own)
        cuts += found
        doubts += doubted
    return Mending(tuple(sorted(cuts, key=lambda cut: cut.start)), tuple(sorted(doubts)))


class _Page(NamedTuple):
    """A page text, its key, both in UTF-32, and whether what is kept of it has both scripts."""

    text: str
    key: str
    encoded: bytes
    encoded_key: bytes
    mixed: bool


class _Text:
    """What is left of the kept text, and where each character stands on the page (-1: a break between blocks)."""

    def __init__(self, page: _Page, edges: NDArray[np.int64]) -> None:
        """Join the parts of the page with these edges, shape `(n_parts, 2)`; (-1, 0) is a break."""
        self.page, self._edges = page, edges
        first, last = edges.sum(axis=0).tolist()
        self.size: int = last - first

    @cached_property
    def _parts(self) -> list[tuple[int, int]]:
        return list(zip(*self._edges.T.tolist(), strict=True))

    @cached_property
    def key(self) -> str:
        """The folded text."""
        return "".join([self.page.key[a:b] if a >= 0 else "\n" for a, b in self._parts])

    @cached_property
    def points(self) -> NDArray[np.uint32]:
        """The code points of `key`, and of the text as it is, shape `(2, size)`."""
        return splices.joined(self.page.encoded_key, self.page.encoded, self._edges, self.size)

    @cached_property
    def told(self) -> splices.Text:
        """The text as the kernels have it."""
        return evidence.text_of(*self.points, mixed=self.page.mixed)

    def without(self, gone: Sequence[tuple[int, int]]) -> _Text:
        """Return the text without these spans of it, which are sorted and disjoint."""
        parts: list[tuple[int, int]] = []
        last = 0
        for start, end in (*gone, (self.size, self.size)):
            parts += self.on_page(last, start) if start > last else []
            last = end
        return _Text(self.page, np.array(parts, np.int64).reshape(-1, 2))

    @cached_property
    def _begins(self) -> list[int]:
        """Where each part begins in this text."""
        return list(accumulate((b - a for a, b in self._parts), initial=0))[:-1]

    def on_page(self, start: int, end: int) -> list[tuple[int, int]]:
        """Return the spans of the page that `start` to `end` stands for: several where something was cut inside.

        A break between blocks is (-1, 0).
        """
        part = bisect_right(self._begins, start) - 1
        (a, b), begin = self._parts[part], self._begins[part]
        if a >= 0 and end - begin <= b - a:  # as nearly always
            return [(a + start - begin, a + end - begin)]
        found: list[tuple[int, int]] = []
        while part < len(self._parts) and (begin := self._begins[part]) < end:
            a, b = self._parts[part]
            if a < 0:
                found.append((-1, 0))
            else:
                found.append((a + max(0, start - begin), min(b, a + end - begin)))
            part += 1
        return found

    def spans(self, wanted: AbstractSet[tuple[int, int]]) -> list[tuple[int, int]]:
        """Return those spans of the page that are whole in this text, by its own offsets."""
        return splices.placed(self._edges, sorted(wanted)) if wanted else []

    def cut(self, start: int, end: int, kind: str, reason: str) -> list[Cut]:
        """Return the cuts of the page that take out `start` to `end`."""
        return [Cut(a, b, kind, reason, self.page.text[a:b]) for a, b in self.on_page(start, end)]


def _texts(page: _Page, edges: NDArray[np.int64], cuts: Sequence[Cut]) -> Iterator[_Text]:
    """Yield the spans of these edges without `cuts`, in parts of about `_LONGEST` characters that end with a block."""
    if not cuts and len(edges) and (sizes := edges[:, 1] - edges[:, 0]).max() <= _LONGEST:  # nearly all pages
        reached = np.cumsum(sizes)
        edges = edges[: int(np.searchsorted(reached, _ENOUGH)) + 1]
        first = before = 0
        while first < len(edges) and reached[-1] - before >= _SHORT:
            behind = min(int(np.searchsorted(reached, before + _LONGEST)) + 1, len(edges))
            if reached[behind - 1] - before >= _SHORT:
                yield _Text(page, _with_breaks(edges[first:behind]))
            first, before = behind, int(reached[behind - 1])
        return
    parts: list[tuple[int, int]] = []
    size = judged = 0
    gone = [(cut.start, cut.end) for cut in cuts]
    at = 0
    for start, end in _short_spans(edges.tolist()):
        while at < len(gone) and gone[at][1] <= start:
            at += 1
        if at == len(gone) or gone[at][0] >= end:
            parts.append((start, end))
        else:
            inside = [start]
            while at < len(gone) and gone[at][0] < end:
                inside += (max(start, gone[at][0]), min(end, gone[at][1]))
                if gone[at][1] > end:
                    break
                at += 1
            inside.append(end)
            parts += [(a, b) for a, b in list(pairwise(inside))[::2] if a < b]
        parts.append(_BREAK)
        size += end - start
        judged += end - start
        if judged >= _ENOUGH:
            break
        if size >= _LONGEST:
            yield _Text(page, np.array(parts, np.int64))
            parts, size = [], 0
    if size >= _SHORT:
        yield _Text(page, np.array(parts, np.int64))


_BREAK = (-1, 0)
"""The part that is a break between blocks."""


def _with_breaks(edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the spans with a break behind each."""
    parts = np.empty((len(edges), 2, 2), np.int64)
    parts[:, 0], parts[:, 1] = edges, _BREAK
    return parts.reshape(-1, 2)


def _short_spans(spans: Iterable[Sequence[int]]) -> Iterator[tuple[int, int]]:
    for start, end in spans:
        yield from ((part, min(end, part + _LONGEST)) for part in range(start, end, _LONGEST))


def _spliced(
    fluency: Fluency,
    model: PhraseModel,
    text: _Text,
    title: str,
    noise: Sequence[str],
    own: AbstractSet[tuple[int, int]],
) -> tuple[list[Cut], list[tuple[int, int]]]:
    """Return the cuts of title pieces and search phrases, and what is doubtful."""
    cuts: list[Cut] = []
    doubts: list[tuple[int, int]] = []
    placed = text.spans(own)
    seen = judge(fluency, model, text.told, placed)
    elements = {text.on_page(*span)[0] for span, like in zip(placed, seen.like, strict=True) if like}
    look_for_pieces, look_for_phrases = seen.pieces > _LOOKED[0], bool(elements) or seen.phrases > _LOOKED[1]
    if not (look_for_pieces or look_for_phrases):
        return cuts, doubts
    spoiled, title = False, fold(title)
    for _ in range(_ROUNDS):
        doubts = []
        reading = fluency.reading(text.points[0])
        dealt = find_pieces(reading, text.told, text.key) if look_for_pieces else NOTHING_DEALT
        dealt_out = [(piece.start, piece.end) for piece in dealt.pieces]
        if dealt.odds >= ACCEPTED:
            spoiled, look_for_pieces = True, False
            reasons = _told(dealt)
            for piece in dealt.pieces:
                cuts += text.cut(piece.start, piece.end, "title_piece", reasons[piece.place])
            text = text.without(dealt_out)
            reading = fluency.reading(text.points[0])
        elif dealt.odds >= DOUBTED:
            doubts += [place for piece in dealt_out for place in text.on_page(*piece)]
        if not (spoiled or look_for_phrases):
            break
        found = [
            (phrase, phrase.score - _IN_TITLE * (phrase.foreign < 2 and _is_named(text.key, phrase, title)))
            for phrase in find_phrases(
                model, reading, text.told, text.key, noise, _LIKELY, frozenset(text.spans(elements))
            )
        ]
        if not spoiled and _is_spoiled([score for _, score in found]):
            spoiled = True
            if not look_for_pieces and find_pieces(reading, text.told, text.key).odds >= ACCEPTED:
                look_for_pieces = True
                continue  # they are taken out first: phrases are told better without them
        gone = [phrase for phrase, score in found if spoiled and score >= _LIKELY]
        for phrase in gone:
            cuts += text.cut(phrase.start, phrase.end, "search_phrase", _evidence(phrase))
        doubts += [
            place
            for phrase, score in found
            if not spoiled and score >= _DOUBT
            for place in text.on_page(phrase.start, phrase.end)
        ]
        if not gone:
            break
        text = text.without([(phrase.start, phrase.end) for phrase in gone])
    return cuts, _disjoint(doubts, cuts)


def _is_named(key: str, phrase: Phrase, title: str) -> bool:
    """Whether the article names a phrase itself: in its title, first in a line, in quotation marks, or spelt behind."""
    words = key[phrase.start : phrase.end]
    most = max(SHORTEST, -(-2 * len(words) // 3))  # a headline leaves words out
    if any(words[at : at + most] in title for at in range(len(words) - most + 1)):
        return True
    if key.startswith(words) or f"\n{words}" in key:
        return True
    at = key.find(words)
    while at >= 0:
        before, behind = key[at - 1 : at], key[at + len(words) : at + len(words) + 3]
        if (before and before in _OPENING and behind[:1] in _CLOSING) or _SPELT.match(behind):
            return True
        at = key.find(words, at + 1)
    return False


_OPENING, _CLOSING = frozenset("「『“《〈"), frozenset("」』”》〉")
_SPELT = re.compile(r"[」』”》〉]?[（(][A-Za-z]")
"""卫(Wei …): spam has no foreign spelling."""


def _is_spoiled(scores: Sequence[float]) -> bool:
    """Tell from the log odds of a page's phrases whether the page is spoiled."""
    best = sorted(scores, reverse=True)
    return any(len(best) >= count and sum(best[:count]) >= least for count, least in enumerate(_SURE, 1))


_FAR = 1 << 60
_UNSEEN = "inside a line, and hidden by its style"


def _is_within(inline: Inline, spans: Sequence[tuple[int, int]]) -> bool:
    at = bisect_right(spans, (inline.start, _FAR)) - 1
    return at >= 0 and spans[at][0] <= inline.start and inline.end <= spans[at][1]


def _untouched(taken: Iterable[tuple[int, int]]) -> Callable[[int, int], bool]:
    """Return what tells whether a span touches none of `taken`, which are disjoint."""
    taken = sorted(taken)
    starts = [start for start, _ in taken]

    def free(start: int, end: int) -> bool:
        at = bisect_left(starts, end)
        return at == 0 or taken[at - 1][1] <= start

    return free


def _disjoint(doubts: Sequence[tuple[int, int]], cuts: Sequence[Cut]) -> list[tuple[int, int]]:
    """Return the doubts that touch no cut and no other doubt."""
    kept: list[tuple[int, int]] = []
    free = _untouched((cut.start, cut.end) for cut in cuts)
    last = 0
    for start, end in sorted(set(doubts)):
        if start >= last and free(start, end):
            kept.append((start, end))
            last = end
    return kept


def _told(dealt: Dealt) -> list[str]:
    """Return the evidence for the pieces of each place of a cycle."""
    count, turns = len(dealt.cycle), len(dealt.pieces) / len(dealt.cycle)
    return [
        f"piece {k} of {count} strings that recur in one order, {turns:.1f} times over" for k in range(1, count + 1)
    ]


def _evidence(phrase: Phrase) -> str:
    told = ["the sentence reads better without it"]
    if phrase.foreign > 1:
        told.append("it is in the other script")
    if phrase.again:
        told.append(f"it breaks {phrase.again} other sentence{'s' * (phrase.again > 1)} too")
    if phrase.listed:
        told.append("another line of the page has it")
    return ", ".join(told) + f" (log odds {phrase.score:.1f})"
