"""The data in a page's scripts: the literals of JSON and of code, as plain values.

Scripts are read as data, never run: one pass over their tokens finds the literals, whatever the code round them, with
an own stack instead of recursion. JSON is read the same way, since some of it on pages is none (raw line breaks,
trailing commas, comments). Libraries that do a part of this need a compiler (chompjs) and resolve no names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from itertools import islice
from typing import Any
from urllib.parse import unquote

__all__ = ["CHINESE", "Script", "flight_rows", "hydrate", "is_json"]

# Reading. Every closing mark is optional in these patterns, so that no token is tried twice: the pass is linear.


class _Name(str):  # an identifier, perhaps with dots: window.__NUXT__
    __slots__ = ()


class _Paren(list[Any]):  # what stands in round brackets: arguments, parameters, a grouped value
    __slots__ = ()


def _tokens(stop: str) -> re.Pattern[str]:
    """Return the pattern of a token; strings in single and double quotes end before `stop`."""
    quoted = [
        rf"{q}([^{q}\\{end}]*+(?:\\.[^{q}\\{end}]*+)*+)(?:{q}|())" for q, end in (('"', stop), ("'", stop), ("`", ""))
    ]
    skipped = (
        r"//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?"  # comments and regular expressions
        r"|(?:(?<=[=(,:!&|?{;\[])|(?<=[=(,:] ))/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*+\]?)*+/?"
    )
    words = (r"((?:[^\W\d]|\$)[\w$]*+(?:\.[^\W\d][\w$]*+)*+)", r"(\d[\w.]*+)", r"([\[{(])", r"([\]})])")
    return re.compile("|".join((skipped, r"([,;:./]|[-=!<>+*%&|^~?]++)", *quoted, *words)), re.DOTALL)


_CODE, _DATA = _tokens(r"\n"), _tokens("")
# Groups of a token; behind that of a string stands the one that says that it does not end.
_MARK, _CLOSED, _NAME, _NUMBER, _OPEN, _CLOSE = 1, (2, 4, 6), 8, 9, 10, 11
_PAIRS = {"]": "[", "}": "{", ")": "("}
# Signs between values. _OTHER is any other, a string that does not end, a block of code: there is no data.
_COMMA, _SEMICOLON, _COLON, _EQUALS, _PLUS, _ARROW, _OTHER = (object() for _ in range(7))
_MARKS = {",": _COMMA, ";": _SEMICOLON, ":": _COLON, "=": _EQUALS, "+": _PLUS, "=>": _ARROW}
_MOST_TOKENS = 1_000_000  # read of a script, in a second or two; 5 MB of state have some 500,000
_DEEPEST = 10_000  # brackets open at a time: state nests some dozens
_WRAPPED = re.compile(r"[\s\ufeff]*+(?:[/*>\s-]*(?:<!--|<!\[CDATA\[)[/*>!<\s-]*)*")
CHINESE = re.compile(r"[\u4e00-\u9fff]|\\u[4-9]|%[eE][4-9]|__next_f")
_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_ROW = re.compile(rb"([0-9a-f]{0,8}):(?:T([0-9a-f]{1,8}),)?")
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": "", "f": "", "v": "", "0": "", "\n": ""}
# Functions that give back their one argument, the same or decoded; strings of JSON are read where they stand.
_PASSING = {"JSON.parse", "Object.freeze", "Object.seal", "String", "decodeURI", "decodeURIComponent"}


def _unescaped(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code is None:
        return _LETTERS.get(match[4], match[4])
    return chr(number) if (number := int(code, 16)) < 0x110000 else "\ufffd"


class Script:
    """The data of one script."""

    def __init__(self, flight: list[str]) -> None:
        self.flight = flight
        self.found: list[Any] = []
        # What is assigned, by what stands before the last dot: b.title=... and b.content=... are one object.
        self.named: dict[str, dict[str, Any]] = {}
        self.values: dict[str, Any] = {}  # variables and arguments by name, None where two differ
        self.slots: list[tuple[Any, Any, str]] = []  # places in the data that hold a name: container, key, name
        self.params: list[Any] = []

    def read(self, script: str) -> list[Any]:
        """Return the outermost values of a script: objects, arrays, strings of JSON."""
        if '"' not in script and "&quot;" in script:
            script = unescape(script)
        start = wrapper.end() if (wrapper := _WRAPPED.match(script)) else 0
        stack, opened = [list[Any]()], [""]
        pattern = _DATA if script.startswith(("{", "["), start) else _CODE
        for match in islice(pattern.finditer(script, start), _MOST_TOKENS):
            kind = match.lastindex
            if kind is None:
                continue
            text = match[kind]
            if kind == _MARK:
                stack[-1].append(_MARKS.get(text, _OTHER))
            elif kind in _CLOSED:
                code = kind == _CLOSED[2] and "${" in text
                stack[-1].append(_OTHER if code else _ESCAPE.sub(_unescaped, text) if "\\" in text else text)
            elif kind == _OPEN:
                stack.append([])
                opened.append(text)
                if len(stack) > _DEEPEST:
                    break
            elif kind == _CLOSE:
                if _PAIRS[text] != opened[-1] and _PAIRS[text] in opened[-2:-1]:
                    self._close(stack, opened)  # a bracket is missing
                if _PAIRS[text] == opened[-1]:
                    self._close(stack, opened)
            elif kind == _NUMBER:
                stack[-1].append(int(text) if len(text) < 16 and text.isdecimal() else None)
            else:
                stack[-1].append(_Name(text) if kind == _NAME else _OTHER)
        while len(stack) > 1:  # the page was cut off: what was whole counts
            self._close(stack, opened)
        self._code(stack[0])
        for container, key, name in self.slots:
            container[key] = self.values.get(name)
        for base, fields in self.named.items():
            if isinstance(known := self.values.get(base), dict):
                known.update(fields)
            self.found.append(fields)
        return self.found

    def _close(self, stack: list[list[Any]], opened: list[str]) -> None:
        """Make a value of the innermost open bracket: an object if it has entries, else a block of code."""
        tokens, bracket = stack.pop(), opened.pop()
        made: Any = {} if bracket == "{" else [] if bracket == "[" else _Paren()
        part: list[Any] = []
        for token in (*tokens, _COMMA) if tokens and tokens[-1] is not _COMMA else tokens:
            if token is not _COMMA and token is not _SEMICOLON:
                part.append(token)
                continue
            key: Any = len(made)
            if bracket != "{":
                made.append(self._value(part))
            elif len(part) > 2 and part[1] is _COLON and isinstance(part[0], str | int):
                key = str(part[0])
                made[key] = self._value(part[2:])
            else:
                self._code(part)
            if (bracket != "{" or key in made) and type(made[key]) is _Name:
                self.slots.append((made, key, made[key]))
            part = []
        stack[-1].append(made if made or not tokens else _OTHER)

    def _value(self, part: list[Any]) -> Any:
        """Return what the tokens between two commas say if it is data, else None."""
        first, last = (part[0], part[-1]) if part else (None, None)
        if len(part) == 1 and type(first) not in (object, _Paren):
            return first
        if len(part) % 2 and all(type(t) is str for t in part[::2]) and all(t is _PLUS for t in part[1::2]):
            return "".join(part[::2])
        if type(last) is _Paren and len(last) == 1:
            passing = len(part) == 2 and type(first) is _Name and first in _PASSING
            if passing and str(first).startswith("decode") and type(last[0]) is str:
                return unquote(last[0], errors="replace")
            if passing or len(part) == 1:
                return last[0]
            if len(part) == 3 and type(first) is _Name and first == "new":
                return last[0]
        self._code(part)
        return None

    def _code(self, part: list[Any]) -> None:
        """Note the data that stands in code: literals, what is assigned, arguments. Other strings are no data."""
        for i, token in enumerate(part):
            kind = type(token)
            if kind is object:
                continue
            assigned = i > 0 and part[i - 1] is _EQUALS
            after = part[i + 1] if i + 1 < len(part) else None
            if kind is _Paren:
                self._call(part, i, token)
            elif token and (kind is dict or (kind is list and after is not _EQUALS)):
                self._assign(part, i, token)
            elif kind is str and assigned:
                end = i + 1
                while end + 1 < len(part) and part[end] is _PLUS and type(part[end + 1]) is str:
                    end += 2
                if end == len(part) or part[end] in (_COMMA, _SEMICOLON) or type(part[end]) is _Name:
                    self._assign(part, i, "".join(part[i:end:2]))
            elif kind is _Name and assigned and type(after) is not _Paren:
                self._assign(part, i, token)

    def _call(self, part: list[Any], i: int, given: _Paren) -> None:
        before = part[i - 1] if i else None
        if part[i + 1 : i + 2] == [_ARROW] or "function" in part[max(0, i - 2) : i]:
            self.params = list(given)
        elif type(before) is _Name and before.endswith("__next_f.push"):
            self.flight += [v[1] for v in given if type(v) is list and len(v) > 1 and type(v[1]) is str]
        elif type(before) is _Name and before in _PASSING and len(given) == 1:
            self._assign(part, i - 1, self._value([before, given]))
        else:
            if self.params and (isinstance(before, dict | _Paren) or before is _OTHER):
                for name, value in zip(self.params, given, strict=False):
                    self._know(name, value)
                self.params = []
            self.found += [v for v in given if isinstance(v, dict | list) or is_json(v)]

    def _assign(self, part: list[Any], i: int, value: Any) -> None:
        """Note a value under the name before its equals sign; data without a name is noted alone."""
        name = part[i - 2] if i > 1 and part[i - 1] is _EQUALS else None
        if isinstance(name, list) and len(name) == 1 and isinstance(name[0], str):
            name = _Name(name[0])  # window["__INITIAL_STATE__"]
        base, _, key = name.rpartition(".") if type(name) is _Name else ("", "", "")
        fields = self.named.setdefault(base, {}) if key else {}
        if key and key not in fields:
            fields[key] = value
            if type(value) is _Name:
                self.slots.append((fields, key, value))
        elif isinstance(value, dict | list) or is_json(value):
            self.found.append({key: value} if key else value)
        if key and not base:
            self._know(name, value)

    def _know(self, name: Any, value: Any) -> None:
        if type(name) is _Name:
            self.values[name] = None if name in self.values or type(value) is _Name else value


def is_json(value: Any) -> bool:
    """Whether a value is a string that looks like JSON of some length."""
    return type(value) is str and len(value) > 80 and value.lstrip()[:1] in ("{", "[") and value.rstrip()[-1] in "}]"


def flight_rows(chunks: Sequence[str]) -> tuple[list[Any], dict[str, Any]]:
    """Return the values of React's flight format, and by "$id" what other rows cite: `1a:[...]`, `1b:T3f,text`."""
    data = "".join(chunks).encode("utf-8", "surrogatepass")
    roots: list[Any] = []
    refs: dict[str, Any] = {}
    at = 0
    while (match := _ROW.match(data, at)) or (at := data.find(b"\n", at) + 1):
        if match:
            start, name, size = match.end(), match[1].decode(), match[2]
            at = start + int(size, 16) if size else data.find(b"\n", start) % (len(data) + 1)  # -1 is the end
            text = data[start:at].decode("utf-8", "replace")
            if size:
                refs[f"${name}"] = text
            elif values := Script([]).read(text):
                roots += values
                refs[f"${name}"] = refs[f"$L{name}"] = values[0]
    return roots, refs


def hydrate(value: list[Any]) -> None:
    """Put values for numbers in the flat array of devalue (Nuxt 3, SvelteKit): its items cite others by their place."""
    first = value[0] if len(value) > 2 else None
    tagged = isinstance(first, list) and first and isinstance(first[0], str)
    numbers = list(first.values()) if isinstance(first, dict) else first[1:] if first and tagged else []
    if numbers and all(type(n) is int and 0 <= n < len(value) for n in numbers):
        for item in value:
            for key, at in [*(item.items() if type(item) is dict else enumerate(item) if type(item) is list else ())]:
                if type(at) is int and 0 <= at < len(value):
                    item[key] = value[at]
