"""Conversion of what a page of HTML shows, with its markup left as it is, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from pipeline.script.convert import Converted

__all__ = ["convert_markup", "text_of_markup"]

_TAG = re.compile(r"""</?([a-zA-Z][^\s/>]*+)(?:=\s*+(?:"[^"]*+"|'[^']*+')|[^>])*+>""")
"""A tag up to the `>` that ends it, which is not one in a quoted value. Possessive, so it cannot backtrack."""
_CDATA = "<![CDATA["
_OTHER = (("<!--", "-->"), (_CDATA, "]]>"), ("<!", ">"), ("<?", ">"))
_RAW = frozenset({"script", "style", "iframe", "noembed", "noframes", "xmp", "textarea"})
"""Elements whose content is no text to convert: programs, styles, and what a reader is to type or to copy."""
_ADDRESSES = frozenset({"link", "guid", "loc"})
"""Elements of feeds and site maps, whose text is an address."""
_INLINE = frozenset(
    re.findall(
        r"\w+",
        "a abbr acronym b bdi bdo big cite del dfn em font i ins kbd mark nobr q s samp small span strike strong sub "
        "sup tt u var wbr",
    )
)
"""Elements inside which a word goes on. Any other tag ends the line."""
_HAN = ((0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF))
_REFERENCE = re.compile(r"&#(?:[xX]0*([0-9a-fA-F]{1,6})|0*([0-9]{1,7}));")


def _pieces(html: str) -> Iterator[tuple[str, bool]]:
    """Yield the pieces of a page, in order and without a gap, each with whether it is text."""
    xml = html.lstrip("\ufeff \t\r\n").startswith("<?xml")
    start = 0
    while start < len(html):
        at = html.find("<", start)
        end = _markup_end(html, at, xml) if at >= 0 else 0
        while at >= 0 and not end:  # a `<` that begins nothing is text
            at = html.find("<", at + 1)
            end = _markup_end(html, at, xml) if at >= 0 else 0
        if at < 0:
            yield html[start:], True
            return
        if at > start:
            yield html[start:at], True
        yield html[at:end], False
        start = end


def _markup_end(html: str, at: int, xml: bool) -> int:
    """Return where the markup that begins at `at` ends, with a raw element's content; 0 if none begins there.

    What stands in a CDATA section is text in XML (a feed's titles), and a comment in HTML.
    """
    if xml and html.startswith(_CDATA, at):
        return at + len(_CDATA)
    if (tag := _TAG.match(html, at)) is not None:
        name = tag[1].lower()
        raw = name in _RAW or (xml and name in _ADDRESSES)
        if not raw or html.startswith("</", at) or (xml and tag[0].endswith("/>")):
            return tag.end()
        close = re.compile(f"</{re.escape(name)}(?=[\\s/>])", re.I).search(html, tag.end())
        return close.start() if close else len(html)
    for opening, closing in _OTHER:
        if html.startswith(opening, at):
            end = html.find(closing, at + len(opening))
            return end + len(closing) if end >= 0 else len(html)
    return len(html) if re.compile("</?[a-zA-Z]").match(html, at) else 0


def _shown(text: str) -> str:
    """Return text with its references to Han characters resolved; others stand for marks, and stay."""

    def character(reference: re.Match[str]) -> str:
        point = int(reference[1], 16) if reference[1] else int(reference[2])
        return chr(point) if any(first <= point <= last for first, last in _HAN) else reference[0]

    return _REFERENCE.sub(character, text) if "&#" in text else text


def _text(pieces: list[tuple[str, bool]]) -> tuple[str, list[tuple[int, int] | None]]:
    """Return what a page shows, lines ended by its tags, and where each piece of text is in it; None for markup."""
    joined: list[str] = []
    spans: list[tuple[int, int] | None] = []
    length = 0
    for piece, is_text in pieces:
        shown = _shown(piece) if is_text else ""
        spans.append((length, length + len(shown)) if is_text else None)
        if not is_text and (tag := _TAG.match(piece)) is not None and tag[1].lower() not in _INLINE:
            shown = "\n"
        joined.append(shown)
        length += len(shown)
    return "".join(joined), spans


def text_of_markup(html: str) -> str:
    """Return the text that `convert_markup` converts."""
    return _text(list(_pieces(html)))[0]


def convert_markup(html: str, convert: Callable[[str], Converted]) -> str:
    """Return a page with its text converted: tags, attributes, comments, scripts and styles stay as they are.

    The text of the whole page is converted at once, so that the page tells its script and region, and a word goes on
    over an inline tag (頭<b>髮</b>). A word that becomes shorter or longer over a tag stands before it.

    Args:
        html: any string; what is broken is read as browsers read it.
        convert: converts a text, such as `convert_with_offsets` for one target.
    """
    pieces = list(_pieces(html))
    shown, spans = _text(pieces)
    converted = convert(shown)
    written: list[str] = []
    for (piece, _), span in zip(pieces, spans, strict=True):
        if span is None:
            written.append(piece)
        else:
            # The end of an edit on both sides: what a tag stands in the middle of goes before it.
            start, end = (converted.offsets.there(place, place)[1] for place in span)
            written.append(converted.text[start:end])
    return "".join(written)
