"""The row: what every command writes for a page, its schema, and its forms as JSON line, Arrow table and CSV.

`SCHEMA` is the one source of truth. The Arrow schema, the features for `datasets` (`pipeline/data/features.json`)
and the CSV columns are made from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import msgspec

from pipeline.article import Article, Reject, Tag

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "KEYS",
    "REJECT_KEYS",
    "SCHEMA",
    "Identified",
    "arrow_schema",
    "csv_header",
    "features",
    "plain_cell",
    "reject_record",
    "row",
    "to_csv_row",
    "to_line",
    "to_table",
    "visible",
]

Kind: TypeAlias = "str | dict[str, Kind] | list[Kind]"

SCHEMA: Mapping[str, Kind] = {
    "id": "string",
    "input": "string",
    "position": "int64",
    "url": "string",
    "canonical_url": "string",
    "title": "string",
    "byline": "string",
    "source": "string",
    "published": "string",
    "crawled": "string",
    "tags": ["string"],
    "captions": ["string"],
    "script": "string",
    "region": "string",
    "language": "string",
    "status": "string",
    "reason": "string",
    "integrity": "float64",
    "text": "string",
    "text_normalised": "string",
    "page_text": "string",
    "cuts": [{"start": "int64", "end": "int64", "kind": "string", "reason": "string", "text": "string"}],
    "tagged": "bool",
    "topics": [
        {
            "id": "string",
            "score": "float64",
            "evidence": [{"field": "string", "start": "int64", "end": "int64", "text": "string"}],
        }
    ],
    "primary": "string",
    "versions": {"package": "string", "model": "string", "rules": "string"},
}
"""Field to type, in the order of the row. A list holds the type of its items; `page_text` only where asked for."""

KEYS: tuple[str, ...] = tuple(key for key in SCHEMA if key != "page_text")
"""The keys of every row, in order."""

REJECT_KEYS: tuple[str, ...] = ("input", "position", "id", "stage", "reason")

SCORE_PLACES = 4
"""Decimal places of scores and shares: more would show differences between processors' arithmetic."""


class Identified(Protocol):
    """What identification says of a text: its script, region and BCP 47 language."""

    @property
    def script(self) -> str:
        """zh-Hant, zh-Hans, mixed, other or none."""

    @property
    def region(self) -> str:
        """TW, HK, CN, SG or the empty string."""

    @property
    def language(self) -> str:
        """BCP 47."""


def row(
    article: Article,
    script: Identified,
    text_normalised: str,
    tags: Sequence[Tag] | None,
    versions: Mapping[str, str],
    *,
    page_text: bool = False,
) -> dict[str, Any]:
    """Return the row of a page, all keys in the order of `SCHEMA`.

    Args:
        article: the cleaned page.
        script: what identification says of the kept text.
        text_normalised: the kept text in the script asked for.
        tags: the topics, in the tagger's order; None where no model looked.
        versions: `package`, `model` and `rules`; a missing one is "".
        page_text: add the whole page text, which the offsets of the cuts count in.

    Raises:
        ValueError: a score is not finite.
    """
    page = article.page
    record: dict[str, Any] = {
        "id": page.id,
        "input": page.input,
        "position": page.position,
        "url": page.url,
        "canonical_url": article.canonical_url,
        "title": article.title,
        "byline": article.byline,
        "source": article.source,
        "published": article.published,
        "crawled": page.crawled,
        "tags": list(article.tags),
        "captions": list(article.captions),
        "script": script.script,
        "region": script.region,
        "language": script.language,
        "status": article.status,
        "reason": article.reason,
        "integrity": _rounded(article.integrity),
        "text": article.text,
        "text_normalised": text_normalised,
    }
    if page_text:
        record["page_text"] = article.page_text
    record["cuts"] = [
        {"start": cut.start, "end": cut.end, "kind": cut.kind, "reason": cut.reason, "text": cut.text}
        for cut in article.cuts
    ]
    record["tagged"] = tags is not None
    record["topics"] = [
        {
            "id": tag.id,
            "score": _rounded(tag.score),
            "evidence": [
                {"field": span.field, "start": span.start, "end": span.end, "text": span.text} for span in tag.evidence
            ],
        }
        for tag in tags or ()
    ]
    record["primary"] = max(tags, key=lambda tag: tag.score).id if tags else ""  # a tie: the first
    record["versions"] = {key: versions.get(key, "") for key in ("package", "model", "rules")}
    return record


def _rounded(score: float) -> float:
    if not isfinite(score):
        raise ValueError(f"A score is {score}: neither JSON nor a reader of the rows knows that.")
    return round(float(score), SCORE_PLACES)


def reject_record(reject: Reject) -> dict[str, Any]:
    """Return the record that says why a page is not among the rows."""
    return {key: getattr(reject, key) for key in REJECT_KEYS}


_LINE_ENDS = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"), (b"\xc2\x85", b"\\u0085"))
"""What `str.splitlines` and JavaScript take for a line end and JSON lets pass unescaped."""
_ENCODER = msgspec.json.Encoder()
"""Seven times as fast as the standard library's."""
_TWO_HALVES = re.compile("[\ud800-\udbff](?=[\udc00-\udfff])")
_LONE = re.compile("[\ud800-\udfff]")


def to_line(record: Mapping[str, Any], *, surrogates: Literal["escape", "replace"] = "escape") -> bytes:
    r"""Return `record` as one line of JSON in UTF-8, with its line end. No reader can split it elsewhere.

    Lone surrogates, which UTF-8 cannot hold, keep their place, so that offsets stay true:

    * `escape` writes them as `\udXXX`: Python reads back what was there. Two halves that came to stand side by
      side would be read as one character, so the first becomes U+FFFD.
    * `replace` writes U+FFFD. Shards use it: pyarrow (with it `datasets`) and pandas refuse a whole file for one
      such escape.
    """
    try:
        line = _ENCODER.encode(record)
    except UnicodeEncodeError:
        text = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        if surrogates == "replace":
            line = _LONE.sub("\ufffd", text).encode()
        else:
            line = _TWO_HALVES.sub("\ufffd", text).encode("utf-8", "backslashreplace")
    for mark, escaped in _LINE_ENDS:
        line = line.replace(mark, escaped)
    return line + b"\n"


def _fields(page_text: bool) -> dict[str, Kind]:
    return {key: kind for key, kind in SCHEMA.items() if page_text or key != "page_text"}


def arrow_schema(*, page_text: bool = False) -> pa.Schema:
    """Return the Arrow schema of the row."""
    import pyarrow as pa

    def arrow(kind: Kind) -> pa.DataType:
        if isinstance(kind, list):
            return pa.list_(arrow(kind[0]))
        if isinstance(kind, dict):
            return pa.struct([(key, arrow(inner)) for key, inner in kind.items()])
        return pa.type_for_alias(kind)

    return pa.schema([(key, arrow(kind)) for key, kind in _fields(page_text).items()])


def to_table(rows: Sequence[Mapping[str, Any]], *, page_text: bool = False) -> pa.Table:
    """Return rows as an Arrow table. Arrow's text is UTF-8: lone surrogates become U+FFFD, offsets stay true."""
    import pyarrow as pa

    schema = arrow_schema(page_text=page_text)
    try:
        return pa.Table.from_pylist(rows, schema=schema)
    except UnicodeEncodeError:
        mended = [json.loads(to_line(record, surrogates="replace")) for record in rows]
        return pa.Table.from_pylist(mended, schema=schema)


def features(*, page_text: bool = False) -> dict[str, Any]:
    """Return the row's schema as `datasets.Features.from_dict` reads it; shipped as `data/features.json`."""

    def feature(kind: Kind) -> dict[str, Any]:
        if isinstance(kind, list):
            return {"feature": feature(kind[0]), "_type": "List"}
        if isinstance(kind, dict):
            return {key: feature(inner) for key, inner in kind.items()}
        return {"dtype": kind, "_type": "Value"}

    return {key: feature(kind) for key, kind in _fields(page_text).items()}


_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Controls but tab and line feed, marks that turn the direction of writing (Unicode 17, Bidi_Control), and the BOM."""
_BLANKS = "\\s\u200b-\u200d\u2060\u00ad"
_SIGNS = "=+\\-@＝＋－＠﹦﹢﹣﹫"
_FORMULA = re.compile(f"[{_BLANKS}]*[{_SIGNS}]")
"""What makes a spreadsheet compute a cell (OWASP, CSV Injection), with the wide and small forms that Excel takes
for the same, also behind white space and characters without width."""
_INNER_FORMULA = re.compile(f"""([;\n][{_BLANKS}"']*)(?=[{_SIGNS}])""")
"""The same behind a semicolon or a line feed. Where Windows parts lists by semicolons, Excel opens a file parted by
commas in that way too: the quotes round our cells bind nothing, and a cell begins there (OWASP, ibid.)."""


def plain_cell(text: str) -> str:
    """Return `text` fit for a spreadsheet's cell: never a formula, no control or direction marks.

    Line feeds stay, tabs become spaces, what would be computed gets a single quote in front: at the beginning of the
    cell, and behind semicolons and line feeds.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    text = _LONE.sub("\ufffd", _UNSEEN.sub("", text)).replace("\t", " ")
    text = _INNER_FORMULA.sub(r"\1'", text)
    return f"'{text}" if _FORMULA.match(text) else text


def visible(text: str, *, breaks: bool = True) -> str:
    """Return text that a terminal shows and does not obey: controls, bidi marks and invisible characters escaped."""
    return "".join(
        c if c.isprintable() or (breaks and c == "\n") or c in "\u3000\u00a0" else c.encode("unicode_escape").decode()
        for c in text.replace("\r\n", "\n").replace("\t", " ")
    )


def csv_header(*, page_text: bool = False) -> list[str]:
    """Return the columns of the CSV form: the row's fields but for the cuts, which have no place in a cell."""
    return [key for key in _fields(page_text) if key != "cuts"]


def to_csv_row(record: Mapping[str, Any]) -> list[str]:
    """Return the cells of a row, for `csv.writer`, under `csv_header`.

    Lists are joined by " | ", topics stand as `id:score` and versions as `name=value`, joined by spaces.
    """
    cells: list[str] = []
    for key in csv_header(page_text="page_text" in record):
        value = record[key]
        if key == "topics":
            text = " ".join(f"{topic['id']}:{topic['score']}" for topic in value)
        elif key == "versions":
            text = " ".join(f"{name}={version}" for name, version in value.items())
        elif isinstance(value, list):
            text = " | ".join(value)
        elif isinstance(value, bool):
            text = "true" if value else "false"
        else:
            text = str(value)
        cells.append(plain_cell(text))
    return cells


if __name__ == "__main__":  # how data/features.json is made
    print(json.dumps(features(), indent=1))
