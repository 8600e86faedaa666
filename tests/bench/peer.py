"""Run by the Python of a package's own environment: peer.py NAME PAGES [OUT].

Prints its versions and the number of pages as JSON; then, for each number it reads, cleans so many of the next pages
and prints the CPU seconds they took. When nothing more is asked, OUT gets {id, text}. Each page's HTML is given as the
decoded string and nothing else, as to `pipeline.clean`; options are those that the package recommends for the text of
an article without comments. Stands by itself: nothing of taowen is installed in the environments of the others.
"""

from __future__ import annotations

import gzip
import json
import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

WARM = 5
"""Pages before the clock starts: they load what is loaded lazily. They are cleaned, but not timed."""


def _lines(html: str) -> str:
    """Return the text of a body. Elements run together in lxml; a line a block is what a reader would see."""
    from lxml import html as parser  # type: ignore[import-not-found,import-untyped,unused-ignore]

    body = parser.fromstring(html)
    for element in body.iter("p", "div", "br", "li", "h1", "h2", "h3", "h4", "tr"):
        element.tail = "\n" + (element.tail or "")
    return str(body.text_content())


def taowen() -> Callable[[str], str]:
    from pipeline.article import Page
    from pipeline.ingest import clean

    return lambda html: clean(Page(id="page", html=html)).text


def trafilatura() -> Callable[[str], str]:
    import trafilatura  # type: ignore[import-not-found]

    return lambda html: trafilatura.extract(html, include_comments=False) or ""


def trafilatura_precision() -> Callable[[str], str]:
    import trafilatura

    return lambda html: trafilatura.extract(html, include_comments=False, favor_precision=True) or ""


def readability() -> Callable[[str], str]:
    from readability import Document  # type: ignore[import-not-found]

    return lambda html: _lines(Document(html).summary())


def resiliparse() -> Callable[[str], str]:
    from resiliparse.extract.html2text import extract_plain_text  # type: ignore[import-not-found,unused-ignore]

    return lambda html: str(extract_plain_text(html, main_content=True))


def magic_html() -> Callable[[str], str]:
    from magic_html import GeneralExtractor  # type: ignore[import-not-found]

    extractor = GeneralExtractor()
    return lambda html: _lines(extractor.extract(html)["html"])


WAYS: dict[str, tuple[Callable[[], Callable[[str], str]], str]] = {
    "taowen": (taowen, "taowen"),
    "trafilatura": (trafilatura, "trafilatura"),
    "trafilatura-precision": (trafilatura_precision, "trafilatura"),
    "readability": (readability, "readability-lxml"),
    "resiliparse": (resiliparse, "resiliparse"),
    "magic-html": (magic_html, "magic-html"),
}
"""What makes the extractor, and the package whose version is told."""


def main(name: str, pages: str, out: str = "") -> None:
    make, package = WAYS[name]
    extract = make()
    with gzip.open(pages, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]

    def text_of(html: str) -> str:
        try:
            return extract(html)
        except Exception:  # a page it cannot read is a page without text
            return ""

    answers, sys.stdout = sys.stdout, sys.stderr  # what a package prints is no answer
    texts = [text_of(row["html"]) for row in rows[:WARM]]
    told = {"version": version(package), "python": platform.python_version(), "pages": len(rows) - WARM}
    print(json.dumps(told), file=answers, flush=True)
    for count in map(int, sys.stdin):
        some = rows[len(texts) : len(texts) + count]
        start = time.process_time()
        texts += [text_of(row["html"]) for row in some]
        print(time.process_time() - start, file=answers, flush=True)
    if out:
        with Path(out).open("w", encoding="utf-8") as file:
            for row, text in zip(rows, texts, strict=True):
                file.write(json.dumps({"id": row["id"], "text": text}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:4])
