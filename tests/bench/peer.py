"""Run by the Python of a peer's own environment: peer.py NAME PAGES OUT. Writes {id, text}, prints CPU seconds.

Each page's HTML is given as the decoded string, as to `pipeline.clean`; options are those that the peer recommends for
the text of an article without comments. Stands by itself: nothing of taowen is installed there.
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

ROUNDS = 2
"""Passes over all pages; the faster one counts. A few pages before them load what is loaded lazily."""


def trafilatura() -> Callable[[str], str]:
    import trafilatura  # type: ignore[import-not-found]

    return lambda html: trafilatura.extract(html, include_comments=False) or ""


def readability() -> Callable[[str], str]:
    from lxml import html as parser  # type: ignore[import-not-found,import-untyped,unused-ignore]
    from readability import Document  # type: ignore[import-not-found]

    def extract(html: str) -> str:
        body = parser.fromstring(Document(html).summary())
        # Text of elements runs together in lxml; a line a block is what a reader would see.
        for element in body.iter("p", "div", "br", "li", "h1", "h2", "h3", "h4", "tr"):
            element.tail = "\n" + (element.tail or "")
        return str(body.text_content())

    return extract


PEERS = {"trafilatura": (trafilatura, "trafilatura"), "readability": (readability, "readability-lxml")}


def main(name: str, pages: str, out: str) -> None:
    make, package = PEERS[name]
    extract = make()
    with gzip.open(pages, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]

    def text_of(html: str) -> str:
        try:
            return extract(html)
        except Exception:  # a page it cannot read is a page without text
            return ""

    for row in rows[:5]:
        text_of(row["html"])
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.process_time()
        texts = [text_of(row["html"]) for row in rows]
        best = min(best, time.process_time() - start)
    with Path(out).open("w", encoding="utf-8") as file:
        for row, text in zip(rows, texts, strict=True):
            file.write(json.dumps({"id": row["id"], "text": text}) + "\n")
    print(json.dumps({"seconds": best, "version": version(package)}))


if __name__ == "__main__":
    main(*sys.argv[1:4])
