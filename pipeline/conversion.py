"""`taowen convert`: the script of text, web pages and JSON lines, everything else of them left as it is."""

from __future__ import annotations

from codecs import BOM_UTF8
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from pipeline.article import Reject
from pipeline.configure import LIMITS, Limits
from pipeline.errors import PageError, UsageError

if TYPE_CHECKING:
    from pipeline.script.convert import Change
    from pipeline.script.identify import Script

__all__ = ["Conversion", "Kept", "More", "convert_live", "convert_source"]

_PIECE = 1 << 20
"""Bytes of a long text that are converted at a time, up to the line break before."""
_CONTEXT = 2_000
"""Characters of the lines before that a line of a live stream is converted with. They tell script and region, and what
the text speaks of; it is what a news article has, and takes half a millisecond a line."""


class More(bytes):
    """Bytes that go on with the text that was yielded before; they are no result of their own."""


class Kept(bytes):
    """An object as it was, since it has none of the chosen fields."""


_Result = bytes | Reject


@dataclass(frozen=True, slots=True)
class Conversion:
    """What is to be done."""

    to: str
    """A target of `pipeline.script.convert`, or one of OpenCC's configurations."""
    names: bool = False
    """Write names and terms as the region of `to` does."""
    fields: tuple[str, ...] = ()
    """Fields of JSON objects that are converted in place, `a.b` for field b of a, or one of that name; every item of a
    list. An object that has none of them stays as it is. Without any, `text` becomes `text_normalised`, which is
    added."""
    explain: bool = False
    """Tell what would be changed, in place of the converted source."""

    def check(self) -> None:
        """Refuse what cannot be done, before anything is read.

        Raises:
            UsageError: there is no such target, or names are asked of one without a region; a field has no name.
        """
        from pipeline.script.convert import convert

        convert("中", self.to, names=self.names)
        for field in self.fields:
            if not all(field.split(".")):
                raise UsageError(f"--field takes the name of a field, or names joined by dots, not '{field}'.")


def convert_source(path: str, config: Conversion, limits: Limits = LIMITS) -> Iterator[_Result]:
    """Yield what a source becomes: JSON objects with their text converted, or a text's or a web page's bytes in UTF-8.

    Line breaks and a byte order mark stay as they are. A web page that was in another encoding gets such a mark, which
    a browser believes before the page's own declaration.

    Raises:
        UsageError: the source is neither text, nor a web page, nor JSON lines.
        InputError: it cannot be opened.
    """
    from pipeline.ingest.read import open_source
    from pipeline.ingest.unpack import unpack

    with open_source(path) as source:
        chunks = unpack(source.stream, source.compression)
        if source.kind == "jsonl":
            yield from _objects(source.name, chunks, config, limits)
        elif source.kind == "json":
            yield from _document(source.name, chunks, config, limits)
        elif source.kind in ("text", "html"):
            yield from _whole(source.name, chunks, source.kind, config, limits)
        else:
            raise UsageError(
                f"{path} is {source.kind}, and convert takes text, HTML and JSON lines. "
                f"'taowen clean {path}' gives rows as JSON lines, with text_normalised in the script of its --to."
            )


def convert_live(stream: BinaryIO, config: Conversion, limits: Limits = LIMITS) -> Iterator[_Result]:
    """Yield each line of a stream converted, as soon as it is there: JSON lines, or text.

    A line of text is converted as it would be behind the lines before it, so when it arrives makes no difference.
    """
    position, is_json = 0, False
    before = _Before()
    while line := stream.readline(limits.page_bytes + 1):
        start, position = position, position + len(line)
        if not line.endswith(b"\n") and len(line) > limits.page_bytes:
            yield Reject("-", start, "", "read", "over the limit page_bytes")
            while line and not line.endswith(b"\n"):  # the rest of it
                line = stream.readline(_PIECE)
                position += len(line)
            continue
        is_json |= not before and line.removeprefix(BOM_UTF8).lstrip().startswith(b"{")
        if not is_json:
            try:
                yield before.converted(line.decode(), config)
            except UnicodeDecodeError as error:
                yield Reject("-", start, "", "decode", f"not UTF-8, which --live takes: {error.reason}")
        elif line.strip():
            yield _parsed(line.removesuffix(b"\n"), "-", start, config)


class _Before:
    """The last lines of a stream of text, and the conversion of the next."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._size = 0
        self._begun = False

    def __bool__(self) -> bool:
        return self._begun

    def converted(self, line: str, config: Conversion) -> bytes:
        """Return the next line converted; it is a result of its own only if it is the first."""
        from pipeline.script.convert import convert

        text, end = (line[:-1], "\n") if line.endswith("\n") else (line, "")
        whole = convert("\n".join((*self._lines, text)), config.to, names=config.names)
        self._lines.append(text)
        self._size += len(text)
        while len(self._lines) > 1 and self._size > _CONTEXT:
            self._size -= len(self._lines.popleft())
        kind = More if self._begun else bytes
        self._begun = True
        return kind((whole.rpartition("\n")[2] + end).encode("utf-8", "replace"))


def _objects(name: str, chunks: Iterator[bytes], config: Conversion, limits: Limits) -> Iterator[_Result]:
    from pipeline.ingest.unpack import Broken, lines

    try:
        for position, line in lines(chunks, 0, limits.page_bytes):
            if line is None:
                yield Reject(name, position, "", "read", "over the limit page_bytes")
                continue
            if line.strip():
                yield _parsed(line, name, position, config)
    except Broken as broken:
        yield Reject(name, broken.position, "", "read", broken.reason)


def _parsed(line: bytes, name: str, position: int, config: Conversion) -> _Result:
    """Convert one line of JSON lines."""
    mark = _mark(line) if position == 0 else b""
    try:
        text = line.removeprefix(mark).decode()
    except UnicodeDecodeError as error:
        return _not_utf8(name, position, position + len(mark) + error.start)
    converted = _record(text, name, position, config)
    if not mark or isinstance(converted, Reject) or config.explain:
        return converted
    return type(converted)(mark + converted)


def _not_utf8(name: str, position: int, byte: int) -> Reject:
    return Reject(name, position, "", "read", f"bad UTF-8 at byte {byte}; JSON is UTF-8")


def _document(name: str, chunks: Iterator[bytes], config: Conversion, limits: Limits) -> Iterator[_Result]:
    """Convert one JSON object over several lines, or an array of objects; a reject's position counts them."""
    from pipeline.ingest.unpack import collect
    from pipeline.script.json_strings import items_in, on_one_line

    data, broken = collect(chunks, limits.page_bytes)
    try:
        if broken or len(data) > limits.page_bytes:
            raise ValueError(broken.reason if broken else "over the limit page_bytes: write one object a line")
        items = items_in(data.removeprefix(_mark(data)).decode())
    except UnicodeDecodeError as error:
        yield _not_utf8(name, 0, len(_mark(data)) + error.start)
        return
    except (ValueError, RecursionError) as error:
        yield Reject(name, 0, "", "read", f"bad JSON: {error}")
        return
    for number, item in enumerate(items):
        yield _record(on_one_line(item), name, number, config)


def _record(text: str, name: str, position: int, config: Conversion) -> _Result:
    """Convert the chosen fields of one object. All of them tell its script and region together.

    All else of it stays as it is written.
    """
    from pipeline.script.convert import convert
    from pipeline.script.identify import identify
    from pipeline.script.json_strings import parse, respelled, strings_in, with_member

    try:
        record = parse(text)
    except (ValueError, RecursionError) as error:
        return Reject(name, position, "", "read", f"bad JSON: {error}")
    if not isinstance(record, dict):
        return Reject(name, position, "", "read", "no object: convert takes one JSON object a line")
    fields = config.fields or ("text",)
    if not config.fields and not isinstance(record.get("text"), str):
        return Reject(name, position, "", "read", "no text: the object has no string under 'text'")
    found = [string for string in strings_in(text) if ".".join(string.path) in fields]
    if not config.fields:
        found = found[-1:]  # of two equal keys the last one holds
    if not found:
        return f"{name}:{position}: nothing\n".encode() if config.explain else Kept(f"{text}\n".encode())
    ordered = sorted(found, key=lambda string: fields.index(".".join(string.path)))
    script = identify("\n".join(string.text for string in ordered))
    if config.explain:
        place = f"{name}:{position}"
        return b"".join(
            _explained(f"{place} {'.'.join(string.path)}", string.text, config, script) for string in ordered
        )
    written = [respelled(text, string, convert(string.text, config.to, script, names=config.names)) for string in found]
    if not config.fields:
        return f"{with_member(text, 'text_normalised', written[0], found[0])}\n".encode()
    pieces: list[str] = []
    last = 0
    for string, new in zip(found, written, strict=True):
        pieces += (text[last : string.start], new)
        last = string.end
    return "".join([*pieces, text[last:], "\n"]).encode()


def _whole(name: str, chunks: Iterator[bytes], kind: str, config: Conversion, limits: Limits) -> Iterator[_Result]:
    """Convert a text or a web page; what is longer than the limit piece by piece, if it is text."""
    from pipeline.ingest.unpack import collect

    data, broken = collect(chunks, limits.page_bytes)
    if broken:
        yield Reject(name, broken.position, "", "read", broken.reason)
    elif len(data) <= limits.page_bytes:
        yield _at_once(name, data, kind, config)
    elif kind == "text" and not config.explain:
        yield from _in_pieces(name, data, chunks, config, limits)
    else:
        yield Reject(name, 0, "", "read", "over the limit page_bytes: split the file at line breaks")


def _in_pieces(
    name: str, data: bytes, chunks: Iterator[bytes], config: Conversion, limits: Limits
) -> Iterator[_Result]:
    """Convert a long text by its lines. Its beginning tells encoding, script and region for all of it."""
    from pipeline.ingest.decode import decode
    from pipeline.ingest.encodings import decode_as
    from pipeline.ingest.unpack import Broken
    from pipeline.script.convert import convert
    from pipeline.script.identify import identify

    cut = data.rfind(b"\n") + 1
    try:
        text, encoding = decode(data[:cut])
    except PageError as error:
        yield Reject(name, 0, "", error.stage, error.reason)
        return
    if not cut or encoding.startswith(("utf-16", "iso-2022")):
        yield Reject(name, 0, "", "read", "over the limit page_bytes, and it has no lines to cut it at")
        return
    script = identify(text)

    def converted(text: str) -> bytes:
        return convert(text, config.to, script, names=config.names).encode("utf-8", "replace")

    yield _mark(data) + converted(text)
    position, rest = cut, data[cut:]
    try:
        for chunk in chunks:
            rest += chunk
            if len(rest) < _PIECE or (cut := rest.rfind(b"\n") + 1) == 0:
                if len(rest) > limits.page_bytes:
                    yield Reject(name, position, "", "read", "a line over the limit page_bytes")
                    return
                continue
            piece, rest = rest[:cut], rest[cut:]
            position += cut
            yield More(converted(decode_as(piece, encoding)))
    except Broken as broken:
        yield Reject(name, broken.position, "", "read", broken.reason)
        return
    yield More(converted(decode_as(rest, encoding)))


def _at_once(name: str, data: bytes, kind: str, config: Conversion) -> bytes | Reject:
    from pipeline.ingest.decode import decode
    from pipeline.script.convert import convert, convert_with_offsets
    from pipeline.script.markup import convert_markup, text_of_markup

    try:
        text, encoding = decode(data)
    except PageError as error:
        return Reject(name, 0, "", error.stage, error.reason)
    if config.explain:
        return _explained(name, text_of_markup(text) if kind == "html" else text, config)
    if kind == "text":
        return _mark(data) + convert(text, config.to, names=config.names).encode("utf-8", "replace")
    mark = _mark(data) if encoding == "utf-8" else BOM_UTF8
    page = convert_markup(text, lambda shown: convert_with_offsets(shown, config.to, names=config.names))
    return mark + page.encode("utf-8", "replace")


def _mark(data: bytes) -> bytes:
    """Return the byte order mark of a text in UTF-8."""
    return BOM_UTF8 if data.startswith(BOM_UTF8) else b""


def _explained(place: str, text: str, config: Conversion, script: Script | None = None) -> bytes:
    """Return what conversion changes in a text, for a reader: words and names with their place, characters counted."""
    from pipeline.records import visible
    from pipeline.script.convert import changes

    told = changes(text, config.to, script, names=config.names)
    counts = Counter[str](change.kind for change in told)
    kinds = ("names", "words", "phrase", "characters")
    summary = ", ".join(f"{counts[kind]} {kind}" for kind in kinds if counts[kind]) or "nothing"
    lines = [f"{place}: {summary}"]
    for kind in kinds[:-1]:
        lines += _places(text, [change for change in told if change.kind == kind])
    same = Counter((change.rule, change.old, change.new) for change in told if change.kind == "characters")
    for (rule, old, new), number in sorted(same.items(), key=lambda item: (-item[1], item[0])):
        lines.append(f"  characters  {rule:<6} {number:>6} x  {old} -> {new}")
    return "".join(visible(line, breaks=False) + "\n" for line in lines).encode("utf-8", "replace")


def _places(text: str, told: Iterable[Change]) -> Iterator[str]:
    line, begin = 1, 0
    for change in sorted(told, key=lambda change: change.start):
        line += text.count("\n", begin, change.start)
        begin = max(begin, text.rfind("\n", begin, change.start) + 1)
        place = f"{line}:{change.start - begin + 1}"
        yield f"  {change.kind:<10}  {change.rule:<6} {place:>8}  {change.old} -> {change.new}"
