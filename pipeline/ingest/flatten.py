"""Flatten: HTML and already flattened text become one page text and a list of blocks, spans of that text.

After this there is one cleaner, not two. An HTML block knows its markup, a text line does not.

The parser is selectolax (lexbor, HTML5). Measured on 145 real pages of 94 kB (one core of an AMD EPYC, 2026-11),
parse and walk from Python: selectolax 450 pages/s, lxml 218 (and it drops text below depth 254 and after a 10 MB
node), resiliparse (the same lexbor) 60 walked and 227 serialised and scanned. Lexbor loses no text on nesting of
200,000 levels, but takes quadratic time there, so nesting is bounded before it parses.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.configure import LIMITS, Limits
from pipeline.errors import PageError
from pipeline.ingest.elements import Forced, Tree
from pipeline.native import pages
from pipeline.script.fold import code_points

if TYPE_CHECKING:
    from pipeline.ingest.sites import Site, Sites

__all__ = ["Flat", "Head", "Inline", "flatten_html", "flatten_text", "is_selector"]


@dataclass(frozen=True, slots=True)
class Head:
    """What the page says of itself outside its text: `<title>`, `<meta>`, canonical link, JSON-LD."""

    title: str = ""
    metas: dict[str, str] = field(default_factory=dict)
    """First content of each meta, by lower-case name, property or itemprop."""
    canonical: str = ""
    json_ld: tuple[str, ...] = ()
    """Texts of `<script type="application/ld+json">`, unparsed."""
    language: str = ""


@dataclass(frozen=True)
class Flat:
    """A page as one text and its blocks, in order, disjoint, none of them blank."""

    text: str
    edges: NDArray[np.int64]
    """Start and end of each block, shape `(n_blocks, 2)`."""
    tree: Tree | None = None
    """The page's elements, and where in them the blocks stand; None for a page that is text."""
    head: Head | None = None
    site: Site | None = None
    """What a user's site file says of the page's site."""
    inlines: tuple[Inline, ...] = ()
    """The elements inside lines of prose, text before and behind them, sorted by their ends."""

    @cached_property
    def spans(self) -> list[tuple[int, int]]:
        """The same as pairs of numbers."""
        return list(zip(*self.edges.T.tolist(), strict=True)) if len(self.edges) else []

    @cached_property
    def lines(self) -> list[str]:
        """The text of each block."""
        return self.lines_of(self.text)

    def lines_of(self, text: str) -> list[str]:
        """Return the blocks' spans of another text of the same length."""
        return [text[start:end] for start, end in self.spans]


class Inline(NamedTuple):
    """An element inside a line, by code points of the page text."""

    start: int
    end: int
    hidden: bool
    """Whether its style hides it: a reader sees the line without it."""


def flatten_text(text: str, site: Site | None = None) -> Flat:
    """Return the page text as it is, each line that is not blank as a block (without the white space at its ends)."""
    return Flat(text, pages.lines(code_points(text)), site=site)


def _names(told: str) -> frozenset[str]:
    return frozenset(told.split())


_SPACE = re.compile(r"[ \t\n\r\f]+")
_HIDDEN = re.compile(
    rb"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:px|em|pt|%)?\s*(?:;|$))"
)
_FAINT = re.compile(
    rb"(?:^|;)\s*(?:font-size\s*:\s*[0-3](?:\.\d+)?(?:px|pt)?\s*(?:;|$)|opacity\s*:\s*0?\.?0*\s*(?:;|$)"
    rb"|(?:left|top|text-indent|margin-left)\s*:\s*-\d{3,}|(?:width|height)\s*:\s*[01](?:px)?\s*(?:;|$))"
)
"""Styles that hide an element inside a line as well. Of whole blocks they say little: pages fade in what they load."""
_PROSE = 20
"""Characters of a line whose inner elements are told of."""
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_LONE = re.compile("[\ud800-\udfff]")
_NEVER_DEEP = _names(
    "area base br col embed hr img input link meta source track wbr param "
    "p li dt dd td th tr tbody thead tfoot option optgroup colgroup"
)
"""Elements that are empty, or that close the one before them: left open they do not pile up."""
_DEEPEST = 20_000
"""Open elements that take the parser 2 s (it is quadratic: 227 s at 200,000). Real pages nest 20 to 40."""
_LONG_TAG, _MOST_ATTRIBUTES = 40_000, 10_000
"""Code points of a tag from which on its attributes are counted, and the most it may have: parsing takes .2 s for
10,000 and 5 s for 50,000. Real tags have ten."""
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_LONGEST_HINT = 200
"""Code points of an element's hints that are remembered."""
_LITTLE_PROSE = 3
"""Sentence ends below which a page may keep its article where it does not show it: in `noscript`, in scripts."""


def _check_nesting(html: str, data: bytes) -> None:
    """Reject a page whose open elements could pile up so high that parsing takes minutes."""
    if pages.count_byte(data, b"<") < _DEEPEST:
        return
    depth = 0
    for match in _TAG.finditer(html):
        if match[2].lower() not in _NEVER_DEEP:
            depth = max(0, depth + (-1 if match[1] else 1))
            if depth > _DEEPEST:
                raise PageError("flatten", f"elements nest deeper than {_DEEPEST:,}")


def _check_attributes(data: bytes) -> None:
    """Reject a page with a tag of so many attributes that parsing takes seconds: the parser compares each with all."""
    at = 0
    while at + _LONG_TAG < len(data):
        last = data.rfind(b">", at, at + _LONG_TAG)
        if last < 0:  # what is this long is a script as a rule
            last = data.find(b">", at + _LONG_TAG)
            last = last if last >= 0 else len(data)
            part = data[at:last].decode(errors="replace")
            tag = _TAG.search(part)
            if tag is not None and len(_QUOTED.sub("", part[tag.start() :]).split()) > _MOST_ATTRIBUTES:
                raise PageError("flatten", f"a tag with more than {_MOST_ATTRIBUTES:,} attributes")
        at = last + 1


def _walk(tree: Any, most: int, forced: Sequence[Forced], *, noscript: bool = False) -> Flat:
    """Return what a page shows, and what it says of itself.

    `forced` is what a site file says of elements: those marked with its number. Such an element has its lines to
    itself, so that cutting it takes nothing else.

    Raises:
        PageError: there are more blocks than `most`.
    """
    shown = pages.flatten(
        (tree.html or "").encode(),
        mark=_MARK if forced else "",
        most=most,
        noscript=noscript,
        prose=_PROSE,
        hint_most=_LONGEST_HINT,
    )
    if shown is None:
        raise PageError("flatten", f"over the limit blocks ({most:,})")
    table = shown.elements
    hides = table["hidden"] != 0
    places = table["style_size"].nonzero()[0]
    styles = zip(table["style_size"][places].tolist(), table["style"][places].tolist(), strict=True)
    hides[places] |= np.array([_hides(shown.style(*style)) for style in styles], bool)
    edges = np.stack((shown.lines["start"], shown.lines["end"]), axis=1).astype(np.int64)
    sizes = edges[:, 1] - edges[:, 0]
    here = shown.lines["element"].copy()
    hidden = pages.nearest(table, hides)[here] >= 0 if hides.any() else np.zeros(len(here), bool)
    marked = Tree(table, shown.makes, here, hidden, np.minimum(np.round(shown.lines["linked"] / sizes, 4), 1.0))
    if forced:
        near = pages.nearest(table, table["mark"] >= 0)[here].tolist()
        marked = replace(marked, said=[forced[table["mark"][number]] if number >= 0 else None for number in near])
    inlines = []
    for start, end, hidden, styled, at in shown.inner:
        style = shown.style(styled, at) if styled else b""
        inlines.append(Inline(start, end, bool(hidden or (style and (_hides(style) or _is_faint(style))))))
    return Flat(shown.text, edges, marked, _head(shown.said), inlines=tuple(inlines))


@lru_cache(maxsize=1 << 12)
def _hides(style: bytes) -> bool:
    return _HIDDEN.search(style.lower()) is not None


@lru_cache(maxsize=1 << 12)
def _is_faint(style: bytes) -> bool:
    return _FAINT.search(style.lower()) is not None


def _head(said: Sequence[tuple[str, str]]) -> Head:
    metas: dict[str, str] = {}
    of: dict[str, list[str]] = {"T": [], "L": [], "J": [], "H": []}
    for what, value in said:
        if what[0] == "M":
            metas.setdefault(what[1:].lower().strip(), value.strip())
        else:
            of[what].append(value)
    title, canonical, language = ((of[what] or [""])[0] for what in "TLH")
    return Head(_SPACE.sub(" ", title).strip(), metas, canonical.strip(), tuple(of["J"]), language)


def is_selector(text: str) -> bool:
    """Tell whether the parser can select by this text."""
    from selectolax.lexbor import LexborHTMLParser, SelectolaxError

    try:
        LexborHTMLParser("").css(text)
    except SelectolaxError:
        return False
    return True


_MARK = "data-taowen-forced"


def _forced(tree: Any, site: Site | None) -> list[Forced]:
    """Return what the site file says of elements of this page, which are marked with its number."""
    if site is None:
        return []
    for node in tree.css(f"[{_MARK}]"):  # the page's own: it says nothing here
        del node.attrs[_MARK]
    said = []
    for number, (selector, forced) in enumerate(site.elements):
        said.append(forced)
        for node in tree.css(selector):
            node.attrs[_MARK] = str(number)
    return said


def flatten_html(html: str, limits: Limits = LIMITS, sites: Sites | None = None, url: str = "") -> Flat:
    """Return the text that an HTML page shows, one line a block, joined by line feeds.

    White space inside a line is collapsed as a browser does; `<pre>` keeps its lines. Script, style, form fields and
    embedded objects are not text. Hidden elements are kept as blocks, marked in their markup: strip cuts them, with
    the reason, so that nothing disappears silently. Where the page shows hardly a sentence, an article that it keeps
    in `noscript` or in the data of its scripts is put behind what it shows.

    Args:
        html: the page.
        limits: what it may cost.
        sites: what a user says of single sites. Elements that it speaks of are marked so, and have their own lines.
        url: where the page is from; without it, the page's own word decides of what site it is.

    Raises:
        PageError: elements nest too deep, or there are more blocks than the limit.
    """
    from selectolax.lexbor import LexborHTMLParser

    try:
        data = html.encode()
    except UnicodeEncodeError:  # lone surrogates are no characters of a document: a browser reads U+FFFD
        html = _LONE.sub("\ufffd", html)
        data = html.encode()
    _check_nesting(html, data)
    _check_attributes(data)
    tree = LexborHTMLParser(data)
    flat = _walk(tree, limits.blocks, ())
    head = flat.head or Head()
    site = sites.of(url, head.canonical, head.metas.get("og:url", "")) if sites is not None else None
    forced = _forced(tree, site)
    if forced:
        flat = _walk(tree, limits.blocks, forced)
    if tree.body is not None and _ends(flat.text) < _LITTLE_PROSE:
        if tree.body.css_first("noscript") is not None:
            flat = _walk(tree, limits.blocks, forced, noscript=True)
        if _ends(flat.text) < _LITTLE_PROSE:
            flat = _with_embedded(tree, head, flat)
    return replace(flat, site=site) if site is not None else flat


def _ends(text: str) -> int:
    return text.count("。") + text.count("！") + text.count("？")


def _with_embedded(tree: Any, head: Head, flat: Flat) -> Flat:
    """Return the page with the article that it keeps in its scripts behind what it shows, if it keeps one."""
    from pipeline.ingest.embedded import find_embedded

    scripts = [
        script.text()
        for script in tree.css("script")
        if re.fullmatch(r"|module|.*(?:java|ecma)script|.*json", (script.attributes.get("type") or "").strip().lower())
    ]
    found = find_embedded(scripts, head.title)
    if found is None:
        return flat
    head.metas.setdefault("datepublished", found.published)
    behind = flatten_text("\n".join(line for line in (found.title, found.text) if line))
    shift = len(flat.text) + 1 if flat.text else 0
    assert flat.tree is not None
    return replace(
        flat,
        text=f"{flat.text}\n{behind.text}" if flat.text else behind.text,
        edges=np.concatenate((flat.edges, behind.edges + shift)),
        tree=flat.tree.with_script(len(behind.edges)),
    )
