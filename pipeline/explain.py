"""Show a page as a person reads it: what stays, what was cut and why, which spans made each tag."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pipeline.article import Article, Tag
from pipeline.records import visible

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["explain"]

_COLOURS = ("black on yellow", "black on cyan", "black on green", "black on magenta")


def _spans(article: Article, tags: Sequence[Tag]) -> dict[int, tuple[int, str]]:
    """Return evidence in the kept text: start to (end, topic id); the first topic wins a place."""
    found: dict[int, tuple[int, str]] = {}
    taken = 0
    every = sorted((e.start, e.end, t.id) for t in tags for e in t.evidence if e.field == "text")
    for start, end, topic in every:
        if start >= taken:
            found[start] = (end, topic)
            taken = end
    return found


def _head(
    article: Article, tags: Sequence[Tag], script: str, worths: Sequence[Sequence[float]]
) -> Iterator[tuple[str, str]]:
    yield "id", article.page.id
    yield "status", article.status + (f": {article.reason}" if article.reason else "")
    yield "script", script
    for name in ("title", "byline", "source", "published"):
        if value := getattr(article, name):
            yield name, value
    if article.tags:
        yield "tags", "、".join(article.tags)
    for caption in article.captions:
        yield "caption", caption
    if article.integrity < 1:
        yield "integrity", f"{article.integrity:.4f}"
    if article.status == "article":
        yield "topics", ", ".join(f"{t.id} {t.score:.2f}" for t in tags) or "none"
    for number, tag in enumerate(tags):
        told = [f" ({worth:+.1f})" for worth in worths[number]] if worths else [""] * len(tag.evidence)
        cited = "; ".join(f"{e.field} {e.start}: {e.text}{w}" for e, w in zip(tag.evidence, told, strict=True))
        yield f"  {tag.id}", cited


def explain(
    article: Article, tags: Sequence[Tag], script: str, *, colour: bool, worths: Sequence[Sequence[float]] = ()
) -> Text:
    """Return the page for a terminal, or, without colour, with the same told by marks.

    `worths` has, for each tag, what its evidence is worth (`Tagger.worths`), and is told behind it where it is given.

    Without colour a cut line begins with `- ` and ends with its kind and reason, a cut inside a sentence stands in
    `[-...-]`, evidence in `{+...+}`: the marks of wdiff.
    """
    from rich.text import Text

    shown = Text()
    for name, value in _head(article, tags, script, worths):
        shown.append(f"{visible(name, breaks=False):<13} ", style="bold" if colour else "")
        shown.append(visible(value, breaks=False) + "\n")
    shown.append("\n")
    topics = {tag.id: _COLOURS[i % len(_COLOURS)] for i, tag in enumerate(tags)}
    evidence = _spans(article, tags)
    kept = 0

    def keep(text: str) -> None:
        nonlocal kept
        position, end = kept, kept + len(text)
        for start, (stop, topic) in evidence.items():
            if not position <= start < end:
                continue
            shown.append(visible(text[position - kept : start - kept]))
            marked = visible(text[start - kept : min(stop, end) - kept])
            shown.append(marked if colour else f"{{+{marked}+}}", style=topics[topic] if colour else "")
            position = min(stop, end)
        shown.append(visible(text[position - kept :]))
        kept = end

    last = 0
    for cut in article.cuts:
        keep(article.page_text[last : cut.start])
        last = cut.end
        whole = article.page_text[cut.start - 1 : cut.start] in ("", "\n", "\r") or "\n" in cut.text
        if not whole:
            text = visible(cut.text)
            shown.append(text if colour else f"[-{text}-]", style="red strike" if colour else "")
            continue
        lines = [line for line in cut.text.splitlines() if line.strip()]
        if shown.plain and not shown.plain.endswith("\n"):
            shown.append("\n")
        for number, line in enumerate(lines):
            shown.append("" if colour else "- ")
            shown.append(visible(line.strip()), style="red strike" if colour else "")
            if number == 0:
                note = f"  <- {cut.kind}: {cut.reason}" + (f" ({len(lines)} lines)" if len(lines) > 1 else "")
                shown.append(visible(note), style="dim" if colour else "")
            shown.append("\n")
    keep(article.page_text[last:])
    if not shown.plain.endswith("\n"):
        shown.append("\n")
    return shown
