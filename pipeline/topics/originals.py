"""The article in a file of a public repository: what `corpora/sources.toml` calls the form of a source.

A label names repository, commit, path and item. Git proves that a file is the one that was labelled; these functions
find the article in it. Nothing here looks at what an article says.
"""

from __future__ import annotations

import csv
import html
import io
import lzma
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from pipeline.article import Page
from pipeline.errors import PageError

__all__ = ["FORMS", "Original", "original_of"]

_LARGEST = 64 << 20
"""Bytes that a packed page may unpack to."""

_ENTRY = re.compile(r"<item[\s>].*?</item>", re.DOTALL)
_CDATA = re.compile(r"^\s*<!\[CDATA\[(.*)\]\]>\s*$", re.DOTALL)
_FRONT = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_FRONT_TITLE = re.compile(r'^title:\s*"?(.*?)"?\s*$', re.MULTILINE)
_RULE = re.compile(r"^\s*(?:-{3,}|\*{3,}|_{3,})\s*$")
_FIGURE = re.compile(r"<(figure|script|style)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_BREAK = re.compile(r"</?(?:p|br|div|li|h\d|blockquote|tr)\b[^>]*>", re.IGNORECASE)
_MARK = re.compile(r"<[^<>]*>")
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^)]*\)")
_TERM = re.compile(r"\[\[\w+:([^\[\]]*)\]\]")
_STRONG = re.compile(r"\*{1,3}|`")
_SECTION = re.compile(r"^## (?P<title>[^\n]*)\n[^\n]*\]\((?P<address>[^)\s]+)\)[^\n]*\n", re.MULTILINE)
"""A section of a collection: heading, then a line with the address that the article was copied from."""


class Original(NamedTuple):
    """An article as its file has it."""

    title: str
    text: str


def original_of(form: str, content: bytes, item: str, section: str = "") -> Original | None:
    """Return the article that an item of a file is, None where the file has no such item or no text there.

    Args:
        form: one of `FORMS`.
        content: the file.
        item: which article of the file: an address, the number of a row, or "" where the file is one article.
        section: in Markdown, the heading whose part is the article; "" for all of it.
    """
    try:
        found = FORMS[form](content, item, section)
    except (PageError, UnicodeDecodeError, lzma.LZMAError, csv.Error):
        return None
    return found if found and found.text.strip() else None


def _feed(content: bytes, item: str, section: str) -> Original | None:
    """Return an entry of an RSS feed by its address: the longest of its descriptions."""
    for entry in _ENTRY.findall(content.decode()):
        if item in (_element(entry, "link"), _element(entry, "guid")):
            texts = [_element(entry, name) for name in ("description", "content:encoded")]
            return Original(_element(entry, "title"), _plain(max(texts, key=len)))
    return None


def _element(entry: str, name: str) -> str:
    match = re.search(rf"<{name}(?:\s[^>]*)?>(.*?)</{name}>", entry, re.DOTALL)
    if match is None:
        return ""
    inside = _CDATA.match(match[1])
    return (inside[1] if inside else html.unescape(match[1])).strip()


def _plain(markup: str) -> str:
    """Return the lines of a fragment of HTML, without its marks."""
    text = _MARK.sub("", _BREAK.sub("\n", _FIGURE.sub("", markup)))
    return "\n".join(line for line in (one.strip() for one in html.unescape(text).split("\n")) if line)


def _page(content: bytes, item: str, section: str) -> Original | None:
    """Return the article of a web page, also of a packed one, as `taowen clean` finds it."""
    from pipeline.ingest import clean

    if content.startswith(b"\xfd7zXZ\x00"):
        content = lzma.LZMADecompressor(memlimit=_LARGEST * 4).decompress(content, _LARGEST)
    article = clean(Page("original", html=content))
    return Original(article.title, article.text)


def _markdown(content: bytes, item: str, section: str) -> Original | None:
    """Return a file of Markdown: its title from the front matter or the first heading, its text up to a rule."""
    text = content.decode().replace("\r\n", "\n")
    front = _FRONT.match(text)
    titles = _FRONT_TITLE.findall(front[1]) if front else []
    lines = text[front.end() if front else 0 :].strip().split("\n")
    if lines[0].startswith("#"):
        titles.append(lines.pop(0).lstrip("#"))
        if lines and _RULE.match(lines[0]):
            lines.pop(0)
    return Original(titles[0].strip() if titles else "", _body(lines, section))


def _body(lines: list[str], section: str = "") -> str:
    if section:
        starts = [number for number, line in enumerate(lines) if line.strip("# ") == section and line.startswith("#")]
        if not starts:
            return ""
        lines = lines[starts[0] + 1 :]
        lines = lines[: next((number for number, line in enumerate(lines) if line.startswith("#")), len(lines))]
    end = next((number for number, line in enumerate(lines) if _RULE.match(line) and any(lines[:number])), len(lines))
    text = _TERM.sub(r"\1", _IMAGE.sub("", "\n".join(lines[:end])))
    return _plain(_STRONG.sub("", _LINK.sub(r"\1", text)))


def _collection(content: bytes, item: str, section: str) -> Original | None:
    """Return the article of a collection in Markdown that was copied from the address `item`."""
    text = content.decode().replace("\r\n", "\n")
    heads = list(_SECTION.finditer(text))
    for number, head in enumerate(heads):
        if head["address"].rstrip("/") == item.rstrip("/"):
            end = heads[number + 1].start() if number + 1 < len(heads) else len(text)
            return Original(head["title"].strip(), _body(text[head.end() : end].split("\n")))
    return None


def _table(content: bytes, item: str, section: str) -> Original | None:
    """Return a row of a CSV file with a header, by the number in its first cell, else counted from 0."""
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    if not rows:
        return None
    head, rows = [cell.strip().lower() for cell in rows[0]], rows[1:]
    named = [row for row in rows if row and row[0].strip() == item]
    if not named and not (item.isdecimal() and int(item) < len(rows)):
        return None
    row = named[0] if named else rows[int(item)]
    title = row[head.index("title")] if "title" in head and len(row) > head.index("title") else ""
    return Original(title.strip(), _plain(max(row, key=len)))


def _text(content: bytes, item: str, section: str) -> Original | None:
    """Return a file that is nothing but the text of an article."""
    return Original("", content.decode("utf-8-sig").strip())


FORMS: Mapping[str, Callable[[bytes, str, str], Original | None]] = {
    "collection": _collection,
    "feed": _feed,
    "markdown": _markdown,
    "page": _page,
    "table": _table,
    "text": _text,
}
