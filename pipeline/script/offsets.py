"""Where a span of a text is after the text was rewritten, and the way back."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from pipeline.script.fold import fold

__all__ = ["Edit", "Offsets", "align"]

_WINDOW = 24
"""Code points of either text in which `align` looks for the place where they agree again: OpenCC's longest phrases
have a dozen. A stretch that is longer is one edit up to the end of its line."""
_AGREE = 2
"""Code points that have to agree for the texts to be in step again; fewer at the end of a line."""

_MARK = re.compile(
    r"([\0-/:-@\[-`{-\xbf\u2000-\u206f\u3000-\u3004\u3008-\u3020\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65])"
)
"""Marks and spaces, which no conversion touches: the first one of a line is the first of what became of it."""

_Span: TypeAlias = tuple[int, int, int, int]
"""Start and end of an edit in the old and in the new line."""


@dataclass(frozen=True, slots=True)
class Edit:
    """A stretch of the source that became another one. Between edits both texts have equally many code points."""

    start: int
    end: int
    new_start: int
    new_end: int


@dataclass(frozen=True, slots=True)
class Offsets:
    """The edits between a source and what it became, sorted and disjoint. Offsets are code points, half open.

    A place inside an edit stands for the whole edit, so a span that begins or ends there becomes wider, never
    narrower, and `back(*there(start, end))` holds the span it was made of.
    """

    edits: tuple[Edit, ...] = ()
    _starts: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _new_starts: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_starts", tuple(edit.start for edit in self.edits))
        object.__setattr__(self, "_new_starts", tuple(edit.new_start for edit in self.edits))

    def there(self, start: int, end: int) -> tuple[int, int]:
        """Return where the source's span `start:end` is in the new text."""
        return self._place(start, self._starts, new=True, last=False), self._place(
            end, self._starts, new=True, last=True
        )

    def back(self, start: int, end: int) -> tuple[int, int]:
        """Return which span of the source became `start:end` of the new text."""
        starts = self._new_starts
        return self._place(start, starts, new=False, last=False), self._place(end, starts, new=False, last=True)

    def _place(self, place: int, starts: tuple[int, ...], *, new: bool, last: bool) -> int:
        number = (bisect_left if last else bisect_right)(starts, place) - 1
        if number < 0:
            return place
        edit = self.edits[number]
        here = (edit.start, edit.end) if new else (edit.new_start, edit.new_end)
        there = (edit.new_start, edit.new_end) if new else (edit.start, edit.end)
        if place >= here[1]:
            return there[1] + place - here[1]
        return there[1] if last else there[0]

    def then(self, later: Offsets) -> Offsets:
        """Return the offsets of both rewritings, one after the other; edits that touch become one."""
        if not self.edits or not later.edits:
            return self if self.edits else later
        between = sorted([(e.new_start, e.new_end) for e in self.edits] + [(e.start, e.end) for e in later.edits])
        merged = [between[0]]
        for start, end in between[1:]:
            if start <= merged[-1][1]:
                merged[-1] = merged[-1][0], max(end, merged[-1][1])
            else:
                merged.append((start, end))
        return Offsets(tuple(Edit(*self.back(*span), *later.there(*span)) for span in merged))


def align(old: str, new: str) -> Offsets:
    """Return what `new` did to `old`, both with as many lines: where their keys agree nothing is said.

    Linear in the length, also on hostile lines.
    """
    if old == new:
        return Offsets()
    return Offsets(tuple(_edits(fold(old).split("\n"), fold(new).split("\n"))))


def _edits(old: Iterable[str], new: Iterable[str]) -> Iterator[Edit]:
    here = there = 0
    for line, other in zip(old, new, strict=True):
        if line != other:
            for start, end, new_start, new_end in _widened(_line_edits(line, other), line):
                yield Edit(here + start, here + end, there + new_start, there + new_end)
        here += len(line) + 1
        there += len(other) + 1


def _widened(edits: Iterable[_Span], line: str) -> Iterator[_Span]:
    """Let an edit that only adds or only takes away hold a neighbour too, so that either side has a place for it.

    The neighbour is the one before, or the one behind where a clause begins. Edits that come to touch become one.
    """
    held: _Span | None = None
    for start, end, new_start, new_end in edits:
        if start == end or new_start == new_end:
            first = held[1] if held else 0
            begins = start == 0 or (start > first and _MARK.match(line, start - 1) is not None)
            if begins and end < len(line) and (start == 0 or _MARK.match(line, end) is None):
                end, new_end = end + 1, new_end + 1
            elif start > first:
                start, new_start = start - 1, new_start - 1
        if held and start <= held[1]:
            held = held[0], end, held[2], new_end
        else:
            if held:
                yield held
            held = start, end, new_start, new_end
    if held:
        yield held


def _line_edits(old: str, new: str) -> Iterator[_Span]:
    """Yield the edits of a line. Where both have the same marks, what stands between two of them stays there.

    Else the last word of a clause and the first one of the next would be one edit, if both changed.
    """
    parts, others = _MARK.split(old), _MARK.split(new)
    if parts[1::2] != others[1::2]:
        parts, others = [old], [new]
    here = there = 0
    for part, other in zip(parts, others, strict=True):
        if part != other:
            for start, end, new_start, new_end in _part_edits(part, other):
                yield here + start, here + end, there + new_start, there + new_end
        here += len(part)
        there += len(other)


def _part_edits(old: str, new: str) -> Iterator[_Span]:
    left = right = 0
    while left < len(old) and right < len(new):
        if old[left] == new[right]:
            left += 1
            right += 1
            continue
        skip = _in_step(old[left : left + _WINDOW], new[right : right + _WINDOW])
        if skip is None:
            break
        yield left, left + skip[0], right, right + skip[1]
        left += skip[0]
        right += skip[1]
    if left < len(old) or right < len(new):
        yield left, len(old), right, len(new)


def _in_step(old: str, new: str) -> tuple[int, int] | None:
    """Return how much of each to leave out, as little as possible, for both to go on alike; None if they do not."""
    for total in range(1, len(old) + len(new) + 1):
        for skipped in sorted(
            range(max(0, total - len(new)), min(total, len(old)) + 1), key=lambda n: abs(2 * n - total)
        ):
            left, right = old[skipped : skipped + _AGREE], new[total - skipped : total - skipped + _AGREE]
            if (left and left == right) or not (left or right):
                return skipped, total - skipped
    return None
