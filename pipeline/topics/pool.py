"""The pool that articles to label are chosen from: rows of `taowen clean`, `tag` or `run`, read one by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import InputError
from pipeline.ingest.sites import host
from pipeline.topics.corpus import rows_of
from pipeline.topics.exchange import Task

__all__ = ["article_of", "pool_files", "read_pool"]


def pool_files(places: Sequence[Path]) -> list[Path]:
    """Return the files of a pool: JSONL (also .gz) and Parquet; of a run's folder its parts.

    Raises:
        InputError: there are none.
    """
    files: list[Path] = []
    for place in places:
        if not place.exists():
            raise InputError(f"The pool {place} does not exist. Give rows of 'taowen clean', 'tag' or 'run'.")
        if place.is_dir():
            inside = place / "parts" if (place / "manifest.json").is_file() else place
            files += (p for p in sorted(inside.rglob("*")) if p.name.endswith((".jsonl", ".jsonl.gz", ".parquet")))
        else:
            files.append(place)
    if not files:
        raise InputError("The pool has no .jsonl, .jsonl.gz or .parquet file.")
    return files


def read_pool(places: Sequence[Path]) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a pool in order.

    Raises:
        InputError: a file is missing or cannot be read.
    """
    for file in pool_files(places):
        yield from rows_of(file)


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
