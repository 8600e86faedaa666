"""The key of a text: its Simplified form, one code point for one code point.

`fold` gives what OpenCC's `t2s` gives when it is applied until nothing changes (one pass leaves 100 of news-pool's
39,675 articles unstable: 壞 becomes 坏, which only then makes 毛坏 a phrase). The length in code points never changes,
so whatever matches on the key can be cited in the original at the same offsets. The key is for matching; it is not for
publishing, since words and regional usage stay as they were (`convert` is for that).

OpenCC itself is not called. Its characters and phrases are the rows of `data/fold.tsv`, made from the installed
OpenCC by `python -m pipeline.script.tables` and compared with it in the tests. A model that was trained on keys thus
keeps its keys when OpenCC is upgraded, lone surrogates and NUL need no detour, and nothing has to survive a fork.
Equal to OpenCC on all of news-pool. Characters are looked up by a kernel, which also tells where a phrase may be; what
is folded with its phrases there is Python's.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import ItemsView, Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import accumulate, pairwise
from operator import add
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pipeline.configure import data_path
from pipeline.native import folding

__all__ = [
    "characters_folded",
    "characters_that_change",
    "code_points",
    "fold",
    "fold_many",
    "folded_keys",
    "folded_points",
    "utf32",
]

Codes: TypeAlias = NDArray[np.uint32]

_CODES = np.dtype("<u4")
_JOINED = 20_000
"""Code points of texts that are folded together: an article by itself costs as much in calls as in characters."""
_SPARSE = 50
"""Characters among which one changes, in texts that are then taken apart one by one instead of all together."""
_FEW = 64
"""Code points up to which characters are looked up by Python: the call of a kernel costs as much as 100 of them."""
_BRIEF = 400
"""Code points up to which a pattern tells sooner than a kernel that a text is its own key."""
_SHORT = 32
"""Code points of a neighbourhood worth remembering; a page made of one long one must not stay in memory."""
_SETTLED = 16_384
"""Neighbourhoods remembered. They recur (反覆, 瞭解): 2,412 different ones in all of the pool, 90% found again."""
_RARER = 3
"""How much rather a character that changes is taken for the sign of a phrase: Simplified text does not have it. With 2
the signs are four times as many there (海 for 哩)."""


class _Table(NamedTuple):
    """`data/fold.tsv`, ready for use."""

    folding: folding.Folding
    """What the kernel looks up."""
    changes: dict[str, str]
    """What characters become that change by themselves."""
    hot: frozenset[str]
    """Characters that may be in a phrase, so their neighbourhood is folded by `_settle`."""
    once: dict[int, str]
    """One pass over a character, where it changes anything; for `str.translate`."""
    normal: dict[int, str]
    """Compatibility ideographs, which OpenCC replaces before it looks for phrases."""
    phrases: dict[str, str]
    pairs: frozenset[str]
    """Two characters that are, or become, an anchor and its neighbour in a phrase: what makes a hot place one."""
    sizes: dict[str, tuple[int, ...]]
    """For the first two characters of a phrase, the lengths of the phrases that begin so, longest first."""


def code_points(text: str) -> Codes:
    """Return the code points of `text`, shape `(len(text),)`, lone surrogates included. The array is read-only."""
    return np.frombuffer(utf32(text), _CODES)


def utf32(text: str) -> bytes:
    """Return `text` in UTF-32, as kernels read it, lone surrogates included."""
    return text.encode("utf-32-le", "surrogatepass")


def _rows() -> Iterator[tuple[str, str, str]]:
    lines = data_path("fold.tsv").read_text("utf-8").split("\n")
    cells = "\t".join([line for line in lines if line and line[0] != "#"]).split("\t")
    return zip(cells[::3], cells[1::3], cells[2::3], strict=True)


def _idle(phrases: dict[str, str], once: dict[str, str]) -> set[str]:
    """Return the phrases that say what their characters say anyway (想像) and keep no other from its place."""
    starting: dict[str, list[str]] = {}
    for phrase in phrases:
        starting.setdefault(phrase[0], []).append(phrase)

    def is_idle(phrase: str) -> bool:
        rests = [phrase[at:] for at in range(1, len(phrase))]
        return (
            phrases[phrase] == "".join(once.get(character, character) for character in phrase)
            and not any(phrase[:size] in phrases for size in range(2, len(phrase)))
            and not any(
                other.startswith(rest) or rest.startswith(other)
                for rest in rests
                for other in starting.get(rest[0], ())
            )
        )

    return set(filter(is_idle, phrases))


def _anchors(phrases: Sequence[str], once: dict[str, str]) -> set[str]:
    """Return few characters of which each phrase has one: the one that is in most phrases, first, and so on.

    They turn out to be the rare ones that the phrases are about (乾, 覆, 藉, 昇): .5% of Traditional text, .03% of
    Simplified.
    """
    having: dict[str, set[str]] = {}
    for phrase in phrases:
        for character in phrase:
            having.setdefault(character, set()).add(phrase)
    weight = {character: _RARER if character in once else 1 for character in having}
    anchors: set[str] = set()
    while having:
        best = max(having, key=lambda character: (weight[character] * len(having[character]), character))
        anchors.add(best)
        for phrase in having.pop(best):
            for character in phrase:
                if character in having:
                    having[character].discard(phrase)
        having = {character: left for character, left in having.items() if left}
    return anchors


@cache
def _table() -> _Table:
    maps: dict[str, dict[str, str]] = {"normal": {}, "char": {}, "phrase": {}}
    for kind, source, target in _rows():
        maps[kind][source] = target
    once, normal, phrases = maps["char"], maps["normal"], maps["phrase"]
    for phrase in _idle(phrases, once):
        del phrases[phrase]
    onces, normals = str.maketrans(once), str.maketrans(normal)
    anchors, members = _anchors(sorted(phrases), once), set("".join(phrases))
    every = "".join({**once, **normal, **dict.fromkeys(members)})
    # All that a character becomes, pass by pass, when no phrase is near.
    stages = [every, every.translate(normals)]
    while (after := stages[-1].translate(onces)) != stages[-1]:
        stages.append(after)
    origins = {member: {member} for member in members}
    for before, after in pairwise(stages):
        for character, was, form in zip(every, before, after, strict=True):
            if form != was and form in members:
                origins[form].add(character)
    hot = {character for anchor in anchors for character in origins[anchor]}
    pairs = {
        left + right
        for phrase in phrases
        for first, second in pairwise(phrase)
        if first in anchors or second in anchors
        for left in origins[first]
        for right in origins[second]
    }
    sizes: dict[str, set[int]] = {}
    for phrase in phrases:
        sizes.setdefault(phrase[:2], set()).add(len(phrase))
    points = np.arange(ord(max(every)) + 1, dtype=_CODES)
    points[code_points(every)] = code_points(stages[-1])
    points[code_points("".join(hot))] |= np.uint32(folding.HOT)
    # Characters that are in a phrase, or become one that is. No phrase reaches over any other.
    points[code_points("".join(set().union(*origins.values())))] |= np.uint32(folding.NEAR)
    firsts, seconds = (code_points("".join(pair[side] for pair in pairs)) for side in (0, 1))
    return _Table(
        folding.folding(points, firsts, seconds),
        {character: form for character, form in zip(every, stages[-1], strict=True) if form != character},
        frozenset(hot),
        onces,
        normals,
        phrases,
        frozenset(pairs),
        {pair: tuple(sorted(found, reverse=True)) for pair, found in sizes.items()},
    )


class _Signs(NamedTuple):
    """What short texts are looked up by; apart from the table, since it takes 10 ms and long ones need none of it."""

    stable: str
    """The stable form of each code point up to the last one that changes. `str.translate` takes it twice as fast as a
    dict."""
    telling: re.Pattern[str]
    """A character that changes, one that may be in a phrase, or any above the basic plane, since `re` is slow with sets
    of those."""
    hot: re.Pattern[str]
    """One that may be in a phrase."""


@cache
def _signs() -> _Signs:
    table = _table()
    basic = "".join(sorted(character for character in {*table.changes, *table.hot} if character <= "\uffff"))
    points = np.arange(ord(max(table.changes)) + 1, dtype=_CODES)
    points[code_points("".join(table.changes))] = code_points("".join(table.changes.values()))
    return _Signs(
        _string(points),
        re.compile(f"[{basic}\U00010000-\U0010ffff]"),
        re.compile(f"[{''.join(sorted(table.hot))}]"),
    )


def _string(points: Codes) -> str:
    return str(points.data, "utf-32-le", "surrogatepass")


def _pass(text: str, table: _Table) -> str:
    """Return `text` as one pass of `t2s` leaves it: at each place the longest phrase, else the character."""
    text = text.translate(table.normal)
    folded: list[str] = []
    done = 0
    for at, pair in enumerate(map(add, text, text[1:])):
        if pair not in table.sizes or at < done:
            continue
        for size in table.sizes[pair]:
            target = table.phrases.get(text[at : at + size])
            if target is not None:
                folded += (text[done:at].translate(table.once), target)
                done = at + len(target)
                break
    folded.append(text[done:].translate(table.once))
    return "".join(folded)


def _settle(text: str) -> str:
    """Return `text` folded with its phrases, until nothing changes."""
    table = _table()
    while (folded := _pass(text, table)) != text:
        text = folded
    return text


_settle_short = lru_cache(maxsize=_SETTLED)(_settle)


@lru_cache(maxsize=8_192)
def _meets(spot: str) -> bool:
    """Whether a hot character, with the one before and the one behind it, has one of the pairs that make a phrase.

    Remembered, since nine of ten such spots come again, and hardly one has such a pair: fold takes a quarter less.
    """
    pairs = _table().pairs
    return spot[:2] in pairs or spot[1:] in pairs


def _spot(text: str, place: int) -> str:
    return text[place - 1 if place else 0 : place + 2]


def _settled(text: str) -> str:
    return (_settle_short if len(text) <= _SHORT else _settle)(text)


def _is_key(text: str) -> bool:
    """Whether nothing of a brief `text` folds: 5 ns a character."""
    telling = _signs().telling
    found = telling.search(text)
    while found is not None:
        place = found.start()
        if text[place] in _table().changes or _meets(_spot(text, place)):
            return False
        found = telling.search(text, place + 1)
    return True


def fold(text: str) -> str:
    r"""Return the key of `text`: OpenCC's `t2s` until nothing changes, with as many code points as `text`.

    Idempotent, and `fold(a + "\n" + b) == fold(a) + "\n" + fold(b)`. Any string is taken, with lone surrogates too.
    A text that is its own key is returned itself.
    """
    if text.isascii():
        return text
    if len(text) <= _BRIEF and _is_key(text):
        return text
    if len(text) > _FEW:
        points, changed = _folded(text, utf32(text))
        folded = _string(points) if changed else text
    elif any(_meets(_spot(text, found.start())) for found in _signs().hot.finditer(text)):
        folded = _settled(text)
    else:
        folded = text.translate(_signs().stable)
    return text if folded == text else folded  # 乾 changes, but not in 乾元


def folded_points(text: str) -> Codes:
    """Return the code points of `fold(text)`, shape `(len(text),)`: half the time where no string is wanted."""
    return code_points(text) if text.isascii() else _folded(text, utf32(text))[0]


def folded_keys(text: str) -> NDArray[np.uint16]:
    """Return `folded_points` in lower case, half width and 16 bits, as `pipeline.native.folding.keys` has them."""
    if text.isascii():
        return folding.keys(code_points(text))
    keys, stretches = folding.fold_keys(_table().folding, utf32(text))
    if stretches:
        _put(keys, stretches, folding.keys(_settled_points(text, stretches)))
    return keys


def _folded(text: str, encoded: bytes) -> tuple[Codes, bool]:
    """Return the code points of the key of `text`, and whether they may be others than those given."""
    folded, stretches, changed = folding.fold(_table().folding, encoded)
    if stretches:
        _put(folded, stretches, _settled_points(text, stretches))
    return folded, changed or bool(stretches)


def _settled_points(text: str, stretches: Iterable[Sequence[int]]) -> Codes:
    return code_points("".join([_settled(text[start:end]) for start, end in stretches]))


def _put(into: NDArray[Any], stretches: Iterable[Sequence[int]], settled: NDArray[Any]) -> None:
    """Put what stretches of an array become, all in one array, in their places."""
    done = 0
    for start, end in stretches:
        into[start:end] = settled[done : (done := done + end - start)]


def characters_folded(text: str) -> str:
    """Return `text` with each character folded by itself, as if no phrase were near it: 乾隆 becomes 干隆.

    It differs from `fold` in one character of 5,000.
    """
    return text.translate(_signs().stable)


def characters_that_change() -> ItemsView[str, str]:
    """Return the characters that fold to another one by themselves, and those they become."""
    return _table().changes.items()


def fold_many(texts: Iterable[str]) -> list[str]:
    """Return the keys of `texts`, in order: `[fold(text) for text in texts]`, quicker the shorter the texts are.

    Raises:
        TypeError: one text is given in place of several; `fold` takes it.
    """
    if isinstance(texts, str):
        raise TypeError("fold_many takes several texts; fold takes one.")
    left = list(texts)
    ends = list(accumulate(map(len, left)))
    folded: list[str] = []
    while len(folded) < len(left):
        first = len(folded)
        most = (ends[first - 1] if first else 0) + _JOINED
        folded += _fold_joined(left[first : max(first + 1, bisect_right(ends, most))])
    return folded


def _fold_joined(texts: list[str]) -> list[str]:
    """Return the keys of texts, folded together: a line break separates."""
    if len(texts) == 1:
        return [fold(texts[0])]
    joined = "\n".join(texts)
    if joined.isascii():
        return texts
    encoded = utf32(joined)
    folded, changes = _folded(joined, encoded)
    if not changes:
        return texts
    changed = (folded != np.frombuffer(encoded, _CODES)).nonzero()[0]
    dense = len(changed) * _SPARSE > len(folded)
    if dense and len(keys := (key := _string(folded)).split("\n")) == len(texts):
        return keys
    starts = [0, *accumulate(len(text) + 1 for text in texts)]
    if dense:
        return [key[start : start + len(text)] for start, text in zip(starts, texts, strict=False)]
    for number in {bisect_right(starts, place) - 1 for place in changed.tolist()}:
        texts[number] = _string(folded[starts[number] : starts[number + 1] - 1])
    return texts
