"""The strings of a JSON text where they stand, so that one can be written anew and all else stays, byte for byte.

Parsing and writing a whole object would change what nobody asked for: 1.0E5, numbers of thirty digits, escapes, spaces
between the members, the second of two equal keys.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from pipeline.script.offsets import Edit, align

__all__ = ["JsonString", "items_in", "on_one_line", "parse", "respelled", "strings_in", "with_member"]

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"|[{}\[\],]')
_SPELLED = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.|[^\\]")
"""One character as it is written inside a string: a pair of escaped surrogates is one."""
_BROKEN = re.compile(r'("(?:[^"\\]++|\\.)*+")|(,?)\s*[\r\n]\s*')
_BETWEEN = re.compile(r"[\s,]*")
_DECODER = json.JSONDecoder(parse_int=len, parse_float=len)
"""A number is read as how long it is: one of 5,000 digits is no error, and none is lost where it stays as written."""


class JsonString(NamedTuple):
    """A string that is a value, not a key."""

    path: tuple[str, ...]
    """The keys above it, outermost first; lists add none."""
    start: int
    """Of its quotation mark in the JSON text."""
    end: int
    text: str
    """What it says."""


def parse(text: str) -> object:
    """Return what a JSON text says, but for its numbers.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    said: object = _DECODER.decode(text)
    return said


def items_in(text: str) -> list[str]:
    """Return the items of an array as they are written, or the text itself if it is none.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    body = text.strip(" \t\r\n")
    if not isinstance(parse(body), list):
        return [body]
    items: list[str] = []
    at = _after(body, 1)
    while at < len(body) - 1:
        _, end = _DECODER.raw_decode(body, at)
        items.append(body[at:end])
        at = _after(body, end)
    return items


def _after(text: str, at: int) -> int:
    between = _BETWEEN.match(text, at)
    return between.end() if between else at


def strings_in(text: str) -> Iterator[JsonString]:
    """Yield the strings of a JSON text that `parse` takes, in order."""
    keys: list[str] = []
    open_: list[str] = []
    key_comes = False
    for token in _TOKEN.finditer(text):
        mark = text[token.start()]
        if mark == '"':
            said: str = json.loads(token[0]) if "\\" in token[0] else token[0][1:-1]
            if key_comes:
                keys[-1] = said
                key_comes = False
            else:
                yield JsonString(tuple(keys), token.start(), token.end(), said)
        elif mark == ",":
            key_comes = open_[-1] == "{"
        elif mark in "{[":
            open_.append(mark)
            key_comes = mark == "{"
            if key_comes:
                keys.append("")
        elif open_.pop() == "{":
            keys.pop()
            key_comes = False


def respelled(text: str, string: JsonString, new: str) -> str:
    r"""Return how `new` is written in place of a string of `text`.

    Characters that did not change keep their spelling (`\/`, `\u000A`), new ones are escaped where the old ones were.
    """
    literal = text[string.start : string.end]
    if new == string.text:
        return literal
    for ascii_ in (False, True):  # as most writers spell, and quicker than going character by character
        if json.dumps(string.text, ensure_ascii=ascii_) == literal:
            return json.dumps(new, ensure_ascii=ascii_)
    old = _SPELLED.findall(literal[1:-1])
    written: list[str] = []
    here = there = 0
    for edit in (*align(string.text, new).edits, Edit(len(old), len(old), len(new), len(new))):
        for place in range(here, edit.start):
            character = new[there + place - here]
            same = character == string.text[place]
            written.append(old[place] if same else _spelled(character, escaped=len(old[place]) > 1))
        escaped = any(len(spelled) > 1 for spelled in old[edit.start : edit.end])
        written += [_spelled(character, escaped=escaped) for character in new[edit.new_start : edit.new_end]]
        here, there = edit.end, edit.new_end
    return f'"{"".join(written)}"'


def _spelled(character: str, *, escaped: bool) -> str:
    return json.dumps(character, ensure_ascii=escaped or "\ud800" <= character <= "\udfff")[1:-1]


def with_member(text: str, name: str, value: str, after: JsonString) -> str:
    """Return an object with a member, written as JSON, in place of the one of that name or else behind all others.

    Args:
        text: the object.
        name: the key.
        value: its value, as it is to be written.
        after: a string of the object's own; the new member has as much space round it.
    """
    colon = text[: after.start].rstrip(" \t")
    gap = text[len(colon) : after.start]
    end = text.rindex("}")
    last = text[:end].rstrip(" \t\r\n")
    for start, stop in _members(text, name):
        return text[:start] + value + text[stop:]
    return f"{last},{gap}{json.dumps(name)}:{gap}{value}{text[len(last) :]}"


def _members(text: str, name: str) -> Iterator[tuple[int, int]]:
    """Yield where the values of a key of the object stand, the last of them first: it is the one that holds."""
    found: list[tuple[int, int]] = []
    at = text.index("{") + 1
    while (key := _TOKEN.search(text, at)) is not None and key[0].startswith('"'):
        start = _after(text, text.index(":", key.end()) + 1)
        _, at = _DECODER.raw_decode(text, start)
        if json.loads(key[0]) == name:
            found.append((start, at))
        comma = _TOKEN.search(text, at)
        at = comma.end() if comma else len(text)
    return reversed(found)


def on_one_line(text: str) -> str:
    """Return a JSON text without line breaks, which stand between its tokens only."""
    return _BROKEN.sub(lambda found: found[1] or (", " if found[2] else ""), text)
