"""The pool that articles to label are chosen from: rows of `taowen clean`, `tag` or `run`, read one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.configure import LIMITS
from pipeline.errors import InputError
from pipeline.ingest.inputs import expand
from pipeline.ingest.read import open_source
from pipeline.ingest.sites import host
from pipeline.ingest.unpack import Broken, lines, unpack
from pipeline.places import is_file, is_folder
from pipeline.topics.corpus import dataset_rows
from pipeline.topics.exchange import Task

__all__ = ["article_of", "pool_files", "read_pool"]

_ENDINGS = (".jsonl", ".jsonl.gz", ".jsonl.zst", ".parquet")
_ROW = 8 * LIMITS.page_bytes
"""Bytes of the longest row: the text stands there twice or three times, and its cuts."""


def pool_files(places: Sequence[str]) -> list[str]:
    """Return the files of a pool: JSON lines (also packed) and Parquet; of a run's folder its parts.

    Args:
        places: files, folders and globs, at paths and addresses.

    Raises:
        InputError: one is missing, or there are none.
    """
    files: list[str] = []
    for given in places:
        if given == "-":
            raise InputError("A pool is read twice, so it cannot be standard input. Save it to a file and give that.")
        try:
            run = is_folder(given) and is_file(f"{given.rstrip('/')}/manifest.json")
        except OSError as error:
            raise InputError(f"The pool {given} cannot be read: {error.strerror}.") from None
        found = expand([f"{given.rstrip('/')}/parts" if run else given])
        files += (file for file in found if file == given or file.endswith(_ENDINGS))
    if not files:
        raise InputError("The pool has no .jsonl, .jsonl.gz, .jsonl.zst or .parquet file.")
    return files


def read_pool(places: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a pool in order.

    Raises:
        InputError: a file is missing or cannot be read.
    """
    for file in pool_files(places):
        yield from dataset_rows(file) if file.endswith(".parquet") else _rows(file)


def _rows(file: str) -> Iterator[Mapping[str, Any]]:
    number = 0
    with open_source(file) as source:
        try:
            for number, (_, line) in enumerate(lines(unpack(source.stream, source.compression), 0, _ROW), 1):
                if line is None:
                    raise InputError(f"{file}, line {number}: a row of more than {_ROW} bytes.")
                if not line.strip():
                    continue
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise InputError(f"{file}, line {number}: a row must be a JSON object.")
                yield row
        except Broken as broken:
            raise InputError(f"{file}, behind line {number}: {broken.reason}.") from None
        except (ValueError, RecursionError) as error:
            raise InputError(f"{file}, line {number}: not a row of 'taowen clean', 'tag' or 'run' ({error}).") from None


def article_of(row: Mapping[str, Any]) -> Task | str:
    """Return a row of `taowen clean`, `tag` or `run` as an article to label, or why it is none.

    Rows that taowen did not write do as well, if they have a text.
    """
    if row.get("status", "article") != "article":
        return "no article"
    text = row.get("text")
    if not isinstance(text, str) or not text.strip():
        return "HTML that is not cleaned: run 'taowen clean' first" if row.get("html") else "no text"
    if row.get("id") in (None, ""):
        return "no id"
    script = str(row.get("script") or "")
    meta = {
        "source": str(row.get("source") or row.get("publisher") or "")
        or host(str(row.get("url") or row.get("canonical_url") or "")),
        "script": {"zh-Hans": "hans", "zh-Hant": "hant"}.get(script, script),
        "region": str(row.get("region") or ""),
        "date": str(row.get("published") or row.get("date") or ""),
        "url": str(row.get("url") or ""),
    }
    return Task(
        str(row["id"]), str(row.get("title") or ""), text, meta={key: value for key, value in meta.items() if value}
    )
