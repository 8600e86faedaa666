"""What every room speaks: a Page goes in, an Article with its Cuts and Tags comes out.

All offsets are code points, half open, of the text they name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

__all__ = [
    "Article",
    "Cut",
    "Evidence",
    "Page",
    "Reject",
    "Skip",
    "Tag",
    "cut_out",
    "restore",
]


@dataclass(frozen=True, slots=True)
class Page:
    """One page as it was read. `html` goes the HTML way, else `text` is a page already flattened."""

    id: str = ""
    input: str = ""
    """The file as it was given, or "-" for standard input."""
    position: int = 0
    """Byte offset of the record in its file (decompressed for .gz and .zst lines), or its row number."""
    text: str | None = None
    html: str | bytes | None = None
    charset: str = ""
    """What the transport declared (HTTP header); only a hint for `decode`."""
    url: str = ""
    title: str = ""
    date: str = ""
    crawled: str = ""


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that could not be read or cleaned. Nothing disappears silently."""

    input: str
    position: int
    id: str
    stage: str
    reason: str


@dataclass(frozen=True, slots=True)
class Skip:
    """A record that is no page: a WARC request, metadata, an image."""

    input: str
    position: int
    reason: str


class Cut(NamedTuple):
    """A span of the page text that is not in the kept text, and why. A page has some sixty: tuples are made quickly."""

    start: int
    end: int
    kind: str
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """A span of the kept `text` or of the `title` that speaks for a topic."""

    field: Literal["text", "title"]
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Tag:
    """A topic of an article, with its calibrated probability in [0, 1]."""

    id: str
    score: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Article:
    """A cleaned page. `restore(article.text, article.cuts) == article.page_text`, always."""

    page: Page
    page_text: str
    text: str
    cuts: tuple[Cut, ...]
    status: Literal["article", "no_article"] = "article"
    reason: str = ""
    title: str = ""
    byline: str = ""
    source: str = ""
    published: str = ""
    """ISO 8601, as exact as the page says; "" where unknown."""
    canonical_url: str = ""
    tags: tuple[str, ...] = ()
    captions: tuple[str, ...] = ()
    integrity: float = 1.0
    """Share of the kept text that is not in doubt, in [0, 1]."""
    doubts: tuple[tuple[int, int], ...] = field(default=())
    """Spans of the page text that look spliced in but could not be decided; they stay in the kept text."""


def cut_out(page_text: str, cuts: Iterable[Cut]) -> str:
    """Return the kept text: `page_text` without `cuts`, which are sorted and disjoint.

    Raises:
        ValueError: a cut is out of order, out of range, or cites another text than the page's.
    """
    kept: list[str] = []
    last = 0
    for cut in cuts:
        if not last <= cut.start < cut.end <= len(page_text):
            raise ValueError(f"cut {cut.start}-{cut.end} is out of order or out of range (page has {len(page_text)})")
        if page_text[cut.start : cut.end] != cut.text:
            raise ValueError(f"cut {cut.start}-{cut.end} cites {cut.text!r}, the page says otherwise")
        kept.append(page_text[last : cut.start])
        last = cut.end
    kept.append(page_text[last:])
    return "".join(kept)


def restore(text: str, cuts: Sequence[Cut]) -> str:
    """Return the page text from the kept text and its cuts: the inverse of `cut_out`."""
    pieces: list[str] = []
    used = 0
    length = 0
    for cut in cuts:
        gap = cut.start - length
        pieces += (text[used : used + gap], cut.text)
        used += gap
        length = cut.end
    pieces.append(text[used:])
    return "".join(pieces)
