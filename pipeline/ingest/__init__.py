"""A dump becomes articles: read, decode, flatten, metadata, strip, mend.

`clean` is the way of one page through this room. Modules are imported when a page comes, not before.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.article import Article, Cut, Page, cut_out
from pipeline.configure import LIMITS, Limits

if TYPE_CHECKING:
    from pipeline.ingest.flatten import Flat
    from pipeline.ingest.judge import Judge
    from pipeline.ingest.mend import Mending
    from pipeline.ingest.metadata import Fields
    from pipeline.ingest.sites import Sites
    from pipeline.ingest.strip import Judged

__all__ = ["clean"]


def clean(page: Page, limits: Limits = LIMITS, judge: Judge | None = None, sites: Sites | None = None) -> Article:
    """Return a page's article: the kept text, every cut with its kind and reason, and the fields.

    `restore(article.text, article.cuts) == article.page_text` on every input. The page text is the record's `text`
    exactly as given, or what its HTML shows. A page without an article has `status` "no_article", a reason, and cuts
    that cover all its lines. `judge` is another judge of blocks than the shipped one, `sites` what a user says of
    single sites (`pipeline.ingest.sites.read_sites`).

    Raises:
        PageError: the bytes are no text, or the page is over a limit; the run rejects it with this reason.
    """
    from pipeline.ingest.mend import Mending, mend
    from pipeline.ingest.metadata import Fields, find_fields
    from pipeline.ingest.signs import find_invisible
    from pipeline.ingest.strip import block_cuts, judge_blocks, name_cuts
    from pipeline.script.fold import fold
    from pipeline.script.identify import identify

    flat = _flatten(page, limits, sites)
    key = fold(flat.text)
    plain, plain_key = _without_glosses(flat, key)
    judged = judge_blocks(plain, plain_key, judge)
    kept = "\n".join([flat.lines[i] for i in judged.kept])
    written = identify(kept or flat.text)
    if not judged.kept:
        fields = Fields(title=page.title or (flat.head.title if flat.head else ""))
        named = name_cuts(plain, judged, {})
        foreign = f"not Chinese ({written.language})" if written.script == "other" and judged.lines else ""
        return _article(page, flat, block_cuts(flat, named), fields, reason=foreign or judged.reason)

    spans = [flat.spans[i] for i in judged.kept]
    stays = set(judged.kept)
    above = _above(judged)
    # What was cut between the paragraphs may be the article's, such as code, and no list of a site.
    inside = range(judged.kept[0], judged.kept[-1])
    noise = [line for i, line in enumerate(judged.lines) if i not in inside and i not in stays and i not in above]
    if written.script == "other":  # the language model knows Chinese only: to it, kana are spam
        mending = Mending(tuple(find_invisible(flat.text, spans)), ())
    else:
        titles = [plain.head.title if plain.head else page.title, *(judged.lines[i] for i in above)]
        mending = mend(flat.text, key, spans, "\n".join(titles), noise, flat.inlines)
    mending = _spared(mending, flat, judged)
    body = _without(key, spans, mending.cuts)
    fields = find_fields(page, plain, plain_key, judged, body)
    for i, said in judged.forced.items():
        if said.keep and i in fields.moved and (said.line or fields.moved[i][0] not in _FIELDS):
            del fields.moved[i]
    spam = {_folded(key, cut) for cut in mending.cuts if cut.kind == "search_phrase"}
    named = name_cuts(plain, judged, fields.moved, sorted(spam))
    if len(named) == len(judged.lines):
        return _article(page, flat, block_cuts(flat, named), fields, reason="nothing is left but its fields")
    cuts = block_cuts(flat, named)
    moved = [flat.spans[i] for i in sorted(fields.moved)]
    cuts = _around(cuts, find_invisible(flat.text, moved))
    cuts += [cut for cut in mending.cuts if not any(a <= cut.start < b for a, b in moved)]
    cuts.sort(key=lambda cut: cut.start)
    doubts = tuple(d for d in mending.doubts if not any(a <= d[0] < b for a, b in moved))
    return _article(page, flat, cuts, fields, doubts=doubts)


_FIELDS = frozenset(("title", "byline", "source", "date", "caption", "tag_line"))
"""Kinds of cut whose text is in a field. In an element that a user keeps, nothing else is taken out as a whole."""


_TITLES_ABOVE, _SHORTEST_TITLE = 5, 4
"""Lines above the first paragraph among which its title is, and the code points of a title at least."""
_FAR_ABOVE, _LONG_TITLE = 12, 14
"""The same where buttons, names and captions stand between: then it is a line of so many code points at least."""


def _above(judged: Judged) -> list[int]:
    """Return the lines above the first paragraph that may be its title: what they name belongs to the article."""
    from pipeline.ingest.title import LONGEST_TITLE

    lines, kept = judged.lines, judged.kept
    first = next((i for i in kept if "。" in lines[i] or len(lines[i]) > LONGEST_TITLE), kept[0])
    return [
        i
        for i in range(max(0, first - _FAR_ABOVE), first)
        if not judged.bits[i]
        and (_SHORTEST_TITLE if first - i <= _TITLES_ABOVE else _LONG_TITLE) <= len(lines[i]) <= LONGEST_TITLE
    ]


def _spared(mending: Mending, flat: Flat, judged: Judged) -> Mending:
    """Return a mending without the cuts that touch a line that a user wants to stay whole."""
    whole = [flat.spans[i] for i, said in judged.forced.items() if said.keep and said.line]
    if not whole:
        return mending
    cuts = (cut for cut in mending.cuts if not any(cut.start < end and start < cut.end for start, end in whole))
    return replace(mending, cuts=tuple(cuts))


def _flatten(page: Page, limits: Limits, sites: Sites | None) -> Flat:
    from pipeline.ingest.decode import decode
    from pipeline.ingest.flatten import flatten_html, flatten_text

    if page.html is None:
        return flatten_text(page.text or "", sites.of(page.url) if sites is not None else None)
    html = page.html if isinstance(page.html, str) else decode(page.html, page.charset)[0]
    return flatten_html(html, limits, sites, page.url)


def _without_glosses(flat: Flat, key: str) -> tuple[Flat, str]:
    """Return the page without pinyin in brackets, and its key: the same blocks, which then say what they are.

    Copying sites gloss every other character, of menus, headlines and dates too: 首頁(yè), 2024年3月19日 星(xīng)期二.
    """
    import numpy as np

    from pipeline.ingest.signs import glossed, unglossed

    cuts = glossed(flat.text, flat.edges)
    if not cuts:
        return flat, key
    gone = np.array([(cut.end, cut.end - cut.start) for cut in cuts], np.int64)
    before = np.concatenate(([0], gone[:, 1].cumsum()))[np.searchsorted(gone[:, 0], flat.edges, "right")]
    text = cut_out(flat.text, cuts)
    head = flat.head
    if head is not None:
        metas = {name: unglossed(value) for name, value in head.metas.items()}
        head = replace(head, title=unglossed(head.title), metas=metas)
    plain = replace(flat, text=text, edges=flat.edges - before, head=head)
    folded = cut_out(key, [Cut(cut.start, cut.end, cut.kind, cut.reason, key[cut.start : cut.end]) for cut in cuts])
    return plain, text if key is flat.text else folded


def _folded(key: str, cut: Cut) -> str:
    return key[cut.start : cut.end].strip()


def _around(cuts: list[Cut], inside: list[Cut]) -> list[Cut]:
    """Return the cuts, those inside others as cuts of their own: what shows nothing is no part of a field."""
    if not inside:
        return cuts
    parts: list[Cut] = []
    left = sorted(inside, key=lambda cut: cut.start)
    for cut in cuts:
        at = cut.start
        while left and left[0].start < cut.end:
            hole = left.pop(0)
            if at < hole.start:
                parts.append(
                    cut._replace(start=at, end=hole.start, text=cut.text[at - cut.start : hole.start - cut.start])
                )
            parts.append(hole)
            at = hole.end
        if at < cut.end:
            parts.append(cut._replace(start=at, text=cut.text[at - cut.start :]))
    return parts


def _without(key: str, spans: list[tuple[int, int]], cuts: tuple[Cut, ...]) -> str:
    """Return the folded text of the spans without the cuts inside them, a line a span."""
    lines = []
    left = list(cuts)
    for start, end in spans:
        pieces = []
        while left and left[0].start < end:
            cut = left.pop(0)
            pieces.append(key[start : cut.start])
            start = cut.end
        pieces.append(key[start:end])
        lines.append("".join(pieces))
    return "\n".join(lines)


def _article(
    page: Page,
    flat: Flat,
    cuts: list[Cut],
    fields: Fields,
    *,
    reason: str = "",
    doubts: tuple[tuple[int, int], ...] = (),
) -> Article:
    from pipeline.ingest.signs import shown

    text = cut_out(flat.text, cuts)
    doubted = sum(end - start for start, end in doubts)
    return Article(
        page=page,
        page_text=flat.text,
        text=text,
        cuts=tuple(cuts),
        status="no_article" if reason else "article",
        reason=reason,
        title=shown(fields.title),
        byline=shown(fields.byline),
        source=shown(fields.source),
        published=fields.published,
        canonical_url=fields.canonical_url,
        tags=tuple(shown(tag) for tag in fields.tags),
        captions=tuple(shown(caption) for caption in fields.captions),
        integrity=1 - doubted / len(text) if text and not reason else 1.0,
        doubts=doubts,
    )
