"""An article as a person reads it: what was cut struck through, what speaks for a topic marked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pipeline.article import Cut
from pipeline.report.html import Html, element, together

__all__ = ["Mark", "shown_article"]

_HEAD, _TAIL = 160, 80
"""Code points that are shown of a long stretch without evidence, at its beginning and at its end."""
_CUT = 120
"""Code points that are shown of a cut."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A span of the title or the kept text that speaks for a topic, in code points."""

    field: str
    start: int
    end: int
    topic: str


def shown_article(
    heading: str, title: str, text: str, cuts: Sequence[Cut], marks: Iterable[Mark], facts: Sequence[str], script: str
) -> Html:
    """Return an article with its cuts and marks. Long stretches between are shortened, and say by how much.

    Args:
        heading: what is wrong, or worth a look.
        title: of the article.
        text: the kept text.
        cuts: of the page text, sorted and disjoint.
        marks: evidence; where two overlap the first is marked, with all topics that cite it.
        facts: lines below the heading.
        script: hans or zh-Hans for Simplified, so that its glyphs are shown.
    """
    language = "zh-Hans" if script in ("hans", "zh-Hans") else "zh-Hant"
    places = list(marks)
    titled = together(*_marked(title, 0, [m for m in places if m.field == "title"], whole=True))
    body = together(*_pieces(text, cuts, [m for m in places if m.field == "text"]))
    return element(
        "article",
        element("h3", heading),
        *(element("p", fact, class_="note") for fact in facts),
        element("p", element("strong", titled), lang=language) if title else "",
        element("div", body, class_="text", lang=language),
    )


def _pieces(text: str, cuts: Sequence[Cut], marks: Sequence[Mark]) -> Iterator[Html | str]:
    kept = page = 0
    for cut in cuts:
        size = max(0, cut.start - page)
        yield from _marked(text[kept : kept + size], kept, marks)
        kept, page = kept + size, cut.end
        told = cut.text.strip("\n")
        told = told if len(told) <= _CUT else f"{told[:_CUT]}… ({len(told) - _CUT} more characters)"
        if cut.text.startswith("\n"):
            yield "\n"
        yield element("del", told)
        yield element("span", f" ({cut.kind}: {cut.reason})", class_="why")
        if cut.text.endswith("\n"):
            yield "\n"
    yield from _marked(text[kept:], kept, marks)


def _marked(piece: str, start: int, marks: Sequence[Mark], *, whole: bool = False) -> Iterator[Html | str]:
    """Yield a piece of the text that begins at `start` of it, its evidence marked."""
    end, place = start + len(piece), start
    topics: dict[tuple[int, int], list[str]] = {}
    for mark in sorted(marks, key=lambda m: (m.start, m.end, m.topic)):
        first, last = max(mark.start, start), min(mark.end, end)
        if first < last:
            topics.setdefault((first, last), []).append(mark.topic)
    for (first, last), names in topics.items():
        if first < place:
            continue
        yield _shortened(piece[place - start : first - start], whole=whole)
        yield element(
            "mark", piece[first - start : last - start], element("span", f" [{', '.join(names)}]", class_="topic")
        )
        place = last
    yield _shortened(piece[place - start :], whole=whole)


def _shortened(text: str, *, whole: bool) -> str:
    if whole or len(text) <= _HEAD + _TAIL + 40:
        return text
    return f"{text[:_HEAD]} … ({len(text) - _HEAD - _TAIL} characters) … {text[-_TAIL:]}"
