"""`taowen convert`: the script of text files and of JSON lines, everything else of them left as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pipeline.article import Reject
from pipeline.configure import LIMITS, Limits
from pipeline.errors import PageError, UsageError

__all__ = ["convert_source"]


def convert_source(path: str, to: str, limits: Limits = LIMITS) -> Iterator[dict[str, Any] | bytes | Reject]:
    """Yield what a source becomes: each JSON object with `text_normalised` added, or a text file's bytes in UTF-8.

    `text_normalised` is the object's `text` in the script asked for. Line breaks stay as they are.

    Raises:
        UsageError: the source is neither text nor JSON lines.
        InputError: it cannot be opened.
    """
    from pipeline.ingest.read import open_source
    from pipeline.ingest.unpack import unpack

    with open_source(path) as source:
        chunks = unpack(source.stream, source.compression)
        if source.kind == "jsonl":
            yield from _objects(source.name, chunks, to, limits)
        elif source.kind == "json":
            yield from _document(source.name, chunks, to, limits)
        elif source.kind == "text":
            yield _text(source.name, chunks, to, limits)
        else:
            raise UsageError(
                f"{path} is {source.kind}, and convert takes text and JSON lines. "
                f"'taowen clean --to {to} {path}' gives rows with text_normalised."
            )


def _objects(name: str, chunks: Iterator[bytes], to: str, limits: Limits) -> Iterator[dict[str, Any] | Reject]:
    from pipeline.ingest.unpack import Broken, lines

    try:
        for position, line in lines(chunks, 0, limits.page_bytes):
            if line is None:
                yield Reject(name, position, "", "read", "over the limit page_bytes")
                continue
            if not line.strip():
                continue
            try:
                record = json.loads(line.decode("utf-8-sig" if position == 0 else "utf-8"))
            except (ValueError, RecursionError) as error:
                yield Reject(name, position, "", "read", f"bad JSON: {error}")
                continue
            yield _converted(record, name, position, to)
    except Broken as broken:
        yield Reject(name, broken.position, "", "read", broken.reason)


def _converted(record: object, name: str, position: int, to: str) -> dict[str, Any] | Reject:
    from pipeline.script.convert import convert

    text = record.get("text") if isinstance(record, dict) else None
    if not isinstance(record, dict) or not isinstance(text, str):
        return Reject(name, position, "", "read", "no text: the object has no string under 'text'")
    return {**record, "text_normalised": convert(text, to)}


def _document(name: str, chunks: Iterator[bytes], to: str, limits: Limits) -> Iterator[dict[str, Any] | Reject]:
    """Convert one JSON object over several lines, or an array of objects; a reject's position counts them."""
    from pipeline.ingest.unpack import collect

    data, broken = collect(chunks, limits.page_bytes)
    try:
        if broken or len(data) > limits.page_bytes:
            raise ValueError(broken.reason if broken else "over the limit page_bytes: write one object a line")
        parsed = json.loads(data)
    except (ValueError, RecursionError) as error:
        yield Reject(name, 0, "", "read", f"bad JSON: {error}")
        return
    for number, record in enumerate(parsed if isinstance(parsed, list) else [parsed]):
        yield _converted(record, name, number, to)


def _text(name: str, chunks: Iterator[bytes], to: str, limits: Limits) -> bytes | Reject:
    from pipeline.ingest.decode import decode
    from pipeline.ingest.unpack import collect
    from pipeline.script.convert import convert

    data, broken = collect(chunks, limits.page_bytes)
    if broken:
        return Reject(name, broken.position, "", "read", broken.reason)
    if len(data) > limits.page_bytes:
        return Reject(name, 0, "", "read", "over the limit page_bytes: split the file at line breaks")
    try:
        return convert(decode(data)[0], to).encode("utf-8", "replace")
    except PageError as error:
        return Reject(name, 0, "", error.stage, error.reason)
