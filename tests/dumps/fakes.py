"""A processing with the interface of `pipeline.process.Process`, cheap and with accidents to order.

What a page's text says decides what becomes of it, so a test writes the accident into its input.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from pipeline.article import Article, Cut, Evidence, Page, Reject, Skip, Tag, cut_out
from pipeline.errors import ModelError
from pipeline.records import row


@dataclass(frozen=True)
class Written:
    script: str = "zh-Hans"
    region: str = ""
    language: str = "zh-Hans"


@dataclass
class Fake:
    to: str = "zh-Hans"
    model: str = "m1"
    page_text: bool = False
    once: str = ""
    """A file that is made at the first 死一次, which then happens no more."""

    @property
    def options(self) -> Mapping[str, Any]:
        return {"to": self.to, "page-text": self.page_text}

    @property
    def versions(self) -> Mapping[str, str]:
        return {"package": "0", "model": self.model, "rules": "r1"}

    def rows(self, pages: Iterable[Page | Reject | Skip]) -> Iterator[dict[str, Any] | Reject | Skip]:
        for page in pages:
            if not isinstance(page, Page):
                yield page
                continue
            text = page.text or ""
            if "拒" in text:
                yield Reject(page.input, page.position, page.id, "clean", "拒")
            elif "略" in text:
                yield Skip(page.input, page.position, "略")
            elif "漏" not in text:
                self.accident(text)
                yield row(article(page, text), Written(), text, tags(text), self.versions, page_text=self.page_text)

    def accident(self, text: str) -> None:
        if "死一次" in text and not Path(self.once).exists():
            Path(self.once).touch()
            os._exit(9)
        if "必死" in text:
            os._exit(9)
        if "殺" in text:
            os.kill(os.getpid(), signal.SIGKILL)
        if "纏" in text:
            re.match(r"(a+)+$", "a" * 40 + "b")  # for hours, and never lets go of the interpreter's lock
        if "滿" in text:
            raise OSError(28, "No space left on device")
        if "錯" in text:
            raise ArithmeticError("錯")
        if "慢" in text:
            time.sleep(60)


@dataclass
class Slow(Fake):
    """Takes a moment for each page."""

    def accident(self, text: str) -> None:
        super().accident(text)
        time.sleep(0.02)


@dataclass
class NoModel(Fake):
    """Cannot be loaded."""

    def accident(self, text: str) -> None:
        raise ModelError("no model")


def article(page: Page, text: str) -> Article:
    cuts = (Cut(0, 1, "spam", "mixed in", text[0]),) if text.startswith("雜") else ()
    return Article(page, text, cut_out(text, cuts), cuts, title=page.title)


def tags(text: str) -> list[Tag]:
    at = text.removeprefix("雜").find("稀土")
    return [Tag("rare_earths", 0.91234, (Evidence("text", at, at + 2, "稀土"),))] if at >= 0 else []


def write_lines(path: Path, texts: Sequence[str | None]) -> str:
    """Write one JSONL record for each text; None is a line that is no JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (
        "{broken" if text is None else json.dumps({"id": f"{path.stem}-{n}", "text": text}, ensure_ascii=False)
        for n, text in enumerate(texts)
    )
    path.write_bytes("".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace"))
    return str(path)


def write_files(folder: Path, texts: Sequence[str | None]) -> str:
    """Write a file of one record for each text: with `ONE_EACH` for `task_bytes`, each is a task of its own."""
    for n, text in enumerate(texts):
        write_lines(folder / f"{n}.jsonl", [text])
    return str(folder)


ONE_EACH = 45
"""Bytes: more than such a file has, less than two."""


def fingerprint(out: Path) -> str:
    """Return a digest of every file of a run folder, its name and its bytes, but for the times."""
    digest = sha256()
    for path in sorted(out.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if path.parent.name == "receipts" or path.name == "report.json":
                content = json.dumps({**json.loads(content), "seconds": 0}).encode()
            digest.update(f"{path.relative_to(out)} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] != "Z"
