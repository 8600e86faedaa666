"""Flatten: HTML and already flattened text become one page text and a list of blocks, spans of that text.

After this there is one cleaner, not two. An HTML block knows its markup, a text line does not.

The parser is selectolax (lexbor, HTML5). Measured on 145 real pages of 94 kB (one core of an AMD EPYC, 2026-11),
parse and walk from Python: selectolax 450 pages/s, lxml 218 (and it drops text below depth 254 and after a 10 MB
node), resiliparse (the same lexbor) 60 walked and 227 serialised and scanned. Lexbor loses no text on nesting of
200,000 levels, but takes quadratic time there, so nesting is bounded before it parses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pipeline.article import Block, Markup
from pipeline.configure import LIMITS, Limits
from pipeline.errors import PageError

__all__ = ["Flat", "Head", "flatten_html", "flatten_text"]

LINE = re.compile(r"[^\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]+")
"""A line of text: what `str.splitlines` calls one, without its break."""


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


@dataclass(frozen=True, slots=True)
class Flat:
    """A page as one text and its blocks, in order, disjoint, none of them blank."""

    text: str
    blocks: tuple[Block, ...]
    head: Head | None = None


def flatten_text(text: str) -> Flat:
    """Return the page text as it is, each line that is not blank as a block (without the white space at its ends)."""
    blocks = []
    for line in LINE.finditer(text):
        start = line.start()
        shown = line.group()
        stripped = shown.strip()
        if stripped:
            start += len(shown) - len(shown.lstrip())
            blocks.append(Block(start, start + len(stripped)))
    return Flat(text, tuple(blocks))


# HTML: elements by how they show (WHATWG rendering section 15.3).
_UNSEEN = frozenset(
    [
        "script",
        "style",
        "template",
        "noscript",
        "svg",
        "math",
        "iframe",
        "object",
        "embed",
        "applet",
        "audio",
        "video",
        "canvas",
        "map",
        "select",
        "datalist",
        "option",
        "optgroup",
        "input",
        "textarea",
        "head",
        "title",
        "meta",
        "link",
        "base",
        "frameset",
        "noframes",
        "-comment",
    ]
)
_BREAKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "button",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "dir",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hgroup",
        "hr",
        "html",
        "legend",
        "li",
        "listing",
        "main",
        "menu",
        "nav",
        "ol",
        "optgroup",
        "p",
        "pre",
        "search",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
        "br",
    ]
)
_SPACE = re.compile(r"[ \t\n\r\f]+")
_HIDDEN = re.compile(
    r"(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:px|em|pt|%)?\s*(?:;|$))"
)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_LONE = re.compile("[\ud800-\udfff]")
_NEVER_DEEP = frozenset(
    (
        *(
            "area",
            "base",
            "br",
            "col",
            "embed",
            "hr",
            "img",
            "input",
            "link",
            "meta",
            "source",
            "track",
            "wbr",
            "param",
        ),
        *("p", "li", "dt", "dd", "td", "th", "tr", "tbody", "thead", "tfoot", "option", "optgroup", "colgroup"),
    )
)
"""Elements that are empty, or that close the one before them: left open they do not pile up."""
_DEEPEST = 20_000
"""Open elements that take the parser 2 s (it is quadratic: 227 s at 200,000). Real pages nest 20 to 40."""
_REMEMBERED = 60
"""Open elements that a block remembers, from its own upwards: real pages nest 20 to 40."""
_HINTED = ("class", "id", "role", "itemprop")


def _check_nesting(html: str) -> None:
    """Reject a page whose open elements could pile up so high that parsing takes minutes."""
    if html.count("<") < _DEEPEST:
        return
    depth = 0
    for match in _TAG.finditer(html):
        if match[2].lower() not in _NEVER_DEEP:
            depth = max(0, depth + (-1 if match[1] else 1))
            if depth > _DEEPEST:
                raise PageError("flatten", f"elements nest deeper than {_DEEPEST:,}")


class _Line:
    """The text collected since the last break, and the markup of the element that holds it."""

    __slots__ = ("linked", "path", "pieces")

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.linked = 0
        self.path: _Element | None = None


class _Element:
    """An open element, linked to its parent, so that blocks share what they know of their ancestors."""

    __slots__ = ("hidden", "hints", "linked", "node", "parent", "path", "tag", "tags")

    def __init__(self, node: Any, tag: str, parent: _Element | None, number: int) -> None:
        self.node = node
        self.parent: _Element | None = parent
        self.tag = tag
        self.tags: tuple[str, ...] = (*parent.tags[-_REMEMBERED:], tag) if parent else (tag,)
        self.path: tuple[int, ...] = (*parent.path[-_REMEMBERED:], number) if parent else (number,)
        attributes = node.attributes
        self.hidden: bool = parent.hidden if parent else False
        self.linked: bool = tag == "a" or (parent.linked if parent else False)
        self.hints: str = parent.hints if parent else ""
        if attributes:
            own = " ".join(value for name in _HINTED if (value := attributes.get(name)))
            if own:
                self.hints = f"{self.hints} {own.lower()}"[-400:]
            style = attributes.get("style")
            if "hidden" in attributes or (style and _HIDDEN.search(style.lower())):
                self.hidden = True


def _lines(body: Any) -> Iterator[tuple[str, Markup]]:
    """Yield each line that the body shows, with its markup, in document order."""
    line = _Line()

    def finish() -> tuple[str, Markup] | None:
        text = _SPACE.sub(" ", "".join(line.pieces)).strip()
        path, linked = line.path, line.linked
        line.pieces, line.linked, line.path = [], 0, None
        if not text or path is None:
            return None
        share = min(1.0, linked / max(1, len(text)))
        return text, Markup(path.tags, path.path, round(share, 4), path.hints, path.hidden)

    element = _Element(body, "body", None, 0)
    number = 0
    node = body.child
    while True:
        if node is None:  # the end of `element`
            if element.tag in _BREAKS and (done := finish()):
                yield done
            if element.parent is None:
                break
            node, element = element.node.next, element.parent
            continue
        tag = node.tag
        if tag == "-text":
            text = node.text_content or ""
            if text:
                if not text.isspace():
                    # The innermost block element names the line; inline elements inside it only add links.
                    if line.path is None:
                        line.path = element
                    if element.linked:
                        line.linked += len(text.strip())
                if "pre" in element.tags:
                    first, *rest = text.split("\n")
                    line.pieces.append(first)
                    for more in rest:
                        if done := finish():
                            yield done
                        line.path = element
                        line.pieces.append(more)
                else:
                    line.pieces.append(text)
            node = node.next
        elif tag in _UNSEEN:
            node = node.next
        else:
            if tag in _BREAKS and (done := finish()):
                yield done
            if tag == "a" and line.pieces and line.linked and node.prev is not None and node.prev.tag == "a":
                line.pieces.append(" ")  # two links side by side are two words, kept apart by their style
            child = node.child
            if child is None:
                node = node.next
            else:
                number += 1
                element = _Element(node, tag, element, number)
                node = child


def _head(tree: Any) -> Head:
    metas: dict[str, str] = {}
    for meta in tree.css("meta"):
        attributes = meta.attributes
        name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop")
        content = attributes.get("content")
        if name and content:
            metas.setdefault(name.lower().strip(), content.strip())
    title = tree.css_first("title")
    canonical = tree.css_first('link[rel~="canonical"]')
    root = tree.root
    return Head(
        title=_SPACE.sub(" ", title.text()).strip() if title is not None else "",
        metas=metas,
        canonical=(canonical.attributes.get("href") or "").strip() if canonical is not None else "",
        json_ld=tuple(s.text() for s in tree.css('script[type="application/ld+json"]')),
        language=(root.attributes.get("lang") or "") if root is not None else "",
    )


def flatten_html(html: str, limits: Limits = LIMITS) -> Flat:
    """Return the text that an HTML page shows, one line a block, joined by line feeds.

    White space inside a line is collapsed as a browser does; `<pre>` keeps its lines. Script, style, form fields and
    embedded objects are not text. Hidden elements are kept as blocks, marked in their markup: strip cuts them, with
    the reason, so that nothing disappears silently.

    Raises:
        PageError: elements nest too deep, or there are more blocks than the limit.
    """
    from selectolax.lexbor import LexborHTMLParser

    _check_nesting(html)
    # Lone surrogates are no characters of a document (a browser reads U+FFFD); lexbor would drop them silently.
    tree = LexborHTMLParser(_LONE.sub("\ufffd", html))
    body = tree.body
    pieces: list[str] = []
    blocks: list[Block] = []
    length = 0
    for text, markup in _lines(body) if body is not None else ():
        pieces.append(text)
        blocks.append(Block(length, length + len(text), markup))
        length += len(text) + 1
        if len(blocks) > limits.blocks:
            raise PageError("flatten", f"over the limit blocks ({limits.blocks:,})")
    return Flat("\n".join(pieces), tuple(blocks), _head(tree))
