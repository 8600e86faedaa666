"""JSON as pages: one object a line, or a small document of one object, several or an array.

A line that cannot be read gives a Reject and the next line is read; nothing in a line is an exception.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from hashlib import blake2b
from math import isfinite

import msgspec

from pipeline.article import Page, Reject
from pipeline.configure import Limits
from pipeline.ingest.unpack import Broken, collect, lines

__all__ = ["FIELDS", "hash_id", "json_kind", "looks_like_json", "page_of", "read_document", "read_lines"]

FIELDS = ("id", "url", "html", "text", "title", "date", "crawled")
"""What a record may hold; all else is passed over."""

_STRINGS = ("url", "title", "date", "crawled")
_BOM = b"\xef\xbb\xbf"
_JSON = re.compile(rb"\s*(?:\{\s*(?:\"(?:[^\"\\]|\\.)*\"\s*:|\}|\Z)|\[\s*(?:\{|\]|\Z))")
_SPACE = re.compile(r"[ \t\r\n]*")
_DAMAGED = object()
_DECODER = msgspec.json.Decoder()


def looks_like_json(head: bytes) -> bool:
    """Whether a file that begins so holds JSON objects, rather than a text that begins with a bracket."""
    return _JSON.match(head) is not None


def json_kind(head: bytes, *, whole: bool) -> str:
    """Return "jsonl" or "json" (a document): a first line is complete only in the former. `whole` if `head` is all."""
    body = head.lstrip()
    first, newline, _ = body.partition(b"\n")
    if not (newline or whole):
        return "json" if body.startswith(b"[") else "jsonl"
    try:
        return "json" if isinstance(json.loads(first), list) else "jsonl"
    except (ValueError, RecursionError):
        return "json" if body.startswith((b"{", b"[")) else "jsonl"


def read_lines(
    name: str, chunks: Iterator[bytes], limits: Limits, *, start: int = 0, end: int | None = None
) -> Iterator[Page | Reject]:
    """Yield one Page or Reject for each line that is not blank.

    Args:
        name: the input, for the results.
        chunks: its unpacked bytes: from the byte before `start` on, where that is not 0.
        limits: a line of more than `page_bytes` is rejected without being held.
        start: byte offset; a line that begins before it is left out.
        end: byte offset; lines that begin at or after it are left out.
    """
    found = lines(chunks, max(0, start - 1), limits.page_bytes)
    try:
        if start > 0:
            next(found, None)
        for position, line in found:
            if end is not None and position >= end:
                return
            if line is None:
                yield Reject(name, position, "", "read", "over the limit page_bytes")
                continue
            if position == 0:
                line = line.removeprefix(_BOM)
            if line and not line.isspace():
                yield _parse(line, name, position)
    except Broken as broken:
        yield Reject(name, broken.position, "", "read", broken.reason)


def _parse(line: bytes, name: str, position: int) -> Page | Reject:
    try:
        record = _decode(line)
    except UnicodeDecodeError as error:
        return Reject(name, position, "", "read", f"bad UTF-8 at byte {position + error.start}; JSON is UTF-8")
    except RecursionError:
        return Reject(name, position, "", "read", "bad JSON: nested too deeply")
    except ValueError as error:
        return Reject(name, position, "", "read", f"bad JSON: {error}")
    return page_of(record, name, position)


def _decode(line: bytes) -> object:
    """Return what a line of JSON says: by msgspec in half the time, and what it refuses by the standard library.

    Python knows lone surrogates and NaN, and says what is wrong with a line.
    """
    try:
        return _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return json.loads(line.decode("utf-8"))


def page_of(record: object, name: str, position: int) -> Page | Reject:
    """Return the page that a record holds, or a Reject that says which field is wrong."""
    if not isinstance(record, dict):
        return Reject(name, position, "", "read", f"the record is {_named(record)}, not an object")
    id_, html, text = record.get("id"), record.get("html"), record.get("text")
    if isinstance(id_, (int, float)) and not isinstance(id_, bool) and isfinite(id_):
        id_ = str(id_)
    known = id_ if isinstance(id_, str) else ""
    strings = {key: record.get(key) for key in _STRINGS}
    for key, value in (("id", id_), ("text", text), *strings.items()):
        if value is not None and not isinstance(value, str):
            return Reject(name, position, known, "read", f"{key} is {_named(value)}, not a string")
    if html is not None and not isinstance(html, (str, bytes)):
        return Reject(name, position, known, "read", f"html is {_named(html)}, not a string")
    if not html and text:
        html = None  # an empty field beside a full one is a crawler's way to say that there is none
    content = text if html is None else html
    if content is None:
        return Reject(name, position, known, "read", _without_text(record))
    known = known or hash_id(content, position)
    return Page(known, name, position, text, html, "", **{key: value or "" for key, value in strings.items()})


def hash_id(content: str | bytes, position: int) -> str:
    """Return the id of a page that brings none: 16 hex digits of its content and position."""
    data = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    return blake2b(b"%d\n%b" % (position, data), digest_size=8).hexdigest()


def _without_text(record: dict[str, object]) -> str:
    """Say that a record has no text; where its text may stand in a field of another name, which are there."""
    unread = [key for key in record if key not in FIELDS]
    if not unread or "text" in record or "html" in record:
        return "no text"
    told = ", ".join(key[:30] for key in unread[:8]) + (" ..." if len(unread) > 8 else "")
    return f"no text: neither a field html nor text; not read: {told}"


def _named(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else f"a {type(value).__name__}")


def read_document(
    name: str, chunks: Iterator[bytes], limits: Limits, *, named_lines: bool = False
) -> Iterator[Page | Reject]:
    """Yield the pages of one JSON object, several, or an array of them: read whole, so it must be small.

    What turns out to be lines, the first of them damaged, is read as lines; with `named_lines`, which says that the
    file's name promises lines, whatever is not a document from end to end.
    """
    data, broken = collect(chunks, limits.page_bytes)
    long = len(data) > limits.page_bytes
    if long and data.lstrip().startswith(b"[") and not named_lines:
        reason = "over the limit page_bytes: an array is read whole, write one object a line instead"
        yield Reject(name, 0, "", "read", reason)
        return
    values, trouble = ([], "") if broken or long else _parse_document(data)
    if broken or long or (trouble and (named_lines or not values)):
        yield from read_lines(name, _again(data, chunks, broken), limits)
        return
    for position, value in values:
        damaged = value is _DAMAGED
        yield Reject(name, position, "", "read", trouble) if damaged else page_of(value, name, position)


def _again(data: bytes, chunks: Iterator[bytes], broken: Broken | None) -> Iterator[bytes]:
    yield data
    if broken:
        raise broken
    yield from chunks


def _parse_document(data: bytes) -> tuple[list[tuple[int, object]], str]:
    """Return the values with their byte offsets, and what stopped the parser; its place is the last, as _DAMAGED."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return [], f"bad UTF-8 at byte {error.start}; JSON is UTF-8"
    decoder = json.JSONDecoder()
    values: list[tuple[int, object]] = []
    done = offset = 0
    at = _skip(text, 1 if text.startswith("\ufeff") else 0)
    inside = text.startswith("[", at)
    at = _skip(text, at + 1) if inside else at
    trouble = ""
    while at < len(text) and not trouble:
        offset += len(text[done:at].encode())
        done = at
        if inside and text[at] == "]":
            inside = False
            at = _skip(text, at + 1)
            trouble = "bad JSON: more behind the array" if at < len(text) else ""
            continue
        try:
            value, at = decoder.raw_decode(text, at)
        except RecursionError:
            trouble = "bad JSON: nested too deeply"
            continue
        except ValueError as error:
            trouble = f"bad JSON: {error}"
            continue
        values.append((offset, value))
        at = _skip(text, at)
        if inside and text.startswith(",", at):
            at = _skip(text, at + 1)
        elif inside and not text.startswith("]", at):
            trouble = "bad JSON: no comma or ] behind a record"
    if inside and not trouble:
        trouble = "bad JSON: the array does not end"
    if trouble and values:
        values.append((offset + len(text[done:at].encode()), _DAMAGED))
    return values, trouble


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at
