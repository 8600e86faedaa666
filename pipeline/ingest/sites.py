"""What a user says of single sites, as TOML: elements and lines that never belong to the article, or always do.

    [[site]]
    host = "news.example.com"      # and its subdomains; or a list
    cut = [".author-card"]         # CSS selectors
    keep = ["div.article-body"]

      [[site.rule]]                # for lines, also of flattened text
      kind = "promotion"           # what a cut is called
      pattern = "^更多内容请下载"

      [[site.rule]]
      pattern = "^编者按"
      keep = true                  # such a line stays whole

The file is checked as a whole before the first page, and every error names the place in it.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipeline.errors import UsageError
from pipeline.ingest.elements import Forced, Tree

__all__ = ["Site", "Sites", "host", "kinds", "read_sites"]

_SEE = "docs/adding.md shows such a file."
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)*")
_OF_CODE = frozenset(
    (
        "filler",
        "foreign_article",
        "gloss",
        "hidden",
        "inserted",
        "invisible",
        "search_phrase",
        "title",
        "title_piece",
        "watermark",
    )
)
"""Kinds of cut that no noise rule gives."""


def host(url: str) -> str:
    """Return the host of a URL in lower case, "" where there is none or the URL is broken."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:  # such as an unclosed IPv6 bracket
        return ""


def kinds() -> frozenset[str]:
    """Return every kind of cut, any of which a rule of a site may give."""
    from pipeline.ingest.rules import rules

    return _OF_CODE | {rule.kind for rule in rules()}


@dataclass(frozen=True, slots=True)
class Site:
    """What the file says of one site."""

    hosts: tuple[str, ...]
    elements: tuple[tuple[str, Forced], ...]
    """Selectors, those that keep behind those that cut: of an element that both name, the last one holds."""
    lines: tuple[tuple[re.Pattern[str], Forced], ...]
    """Patterns for folded lines, those that keep before those that cut: the first that matches holds."""

    def forced(self, lines: Sequence[str], tree: Tree | None) -> dict[int, Forced]:
        """Return what is said of blocks: of the folded line, else of the elements round it."""
        found: dict[int, Forced] = {}
        for i, line in enumerate(lines):
            said = next((said for pattern, said in self.lines if pattern.search(line)), None)
            if said is None and tree is not None and tree.said:
                said = tree.said[i]
            if said is not None:
                found[i] = said
        return found


@dataclass(frozen=True, slots=True)
class Sites:
    """A site file. Equal to another one with the same content."""

    digest: str
    """Of the file's bytes: with another file, a run is another run."""
    table: dict[str, Site] = field(compare=False, repr=False)
    """By host."""

    def of(self, *urls: str) -> Site | None:
        """Return the site of a page by the first of its addresses that has a host: the longest name in the file."""
        name = next(filter(None, map(host, urls)), "")
        while name:
            if (found := self.table.get(name)) is not None:
                return found
            name = name.partition(".")[2]
        return None


def read_sites(path: str | Path) -> Sites:
    """Read a site file.

    Raises:
        UsageError: it is missing, no TOML, or says something that cannot be carried out; with the place.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. --sites takes a TOML file; {_SEE}") from error
    try:
        data = tomllib.loads(content.decode("utf-8-sig"))
    except ValueError as error:
        raise UsageError(f"{path} is no TOML in UTF-8: {error}. {_SEE}") from error
    _known(str(path), data, ("site",), "the file")
    table: dict[str, Site] = {}
    for number, row in enumerate(_tables(str(path), data, "site"), 1):
        site = _site(f"{path}, site {number}", row)
        for name in site.hosts:
            if name in table:
                raise UsageError(f"{path}, site {number}: the host '{name}' has a [[site]] already. Join the two.")
            table[name] = site
    if not table:
        raise UsageError(f"{path} has no [[site]]. {_SEE}")
    return Sites(hashlib.blake2b(content, digest_size=6).hexdigest(), table)


def _site(where: str, row: dict[str, Any]) -> Site:
    from pipeline.ingest.flatten import is_selector

    hosts = tuple(name.lower().rstrip(".") for name in _strings(where, row, "host", "a host such as example.com"))
    if not hosts:
        raise UsageError(f'{where} has no host. Give it one, such as host = "example.com".')
    where = f"{where} ({hosts[0]})"
    _known(where, row, ("host", "cut", "keep", "rule"), "a site")
    for name in hosts:
        if not _HOST.fullmatch(name):
            raise UsageError(f"{where}: '{name}' is no host. Write example.com, without https:// and path.")
    elements = []
    for key in ("cut", "keep"):
        for selector in _strings(where, row, key, "CSS selectors such as .author-card"):
            if not is_selector(selector):
                raise UsageError(
                    f"{where}: {key} has '{selector}', which is no CSS selector. "
                    "Write .name for a class, #name for an id, div.name for an element with a class."
                )
            elements.append((selector, Forced(key == "keep", "", f"site {hosts[0]}: {key} {selector}")))
    lines = [
        _rule(f"{where}, rule {number}", rule, hosts[0]) for number, rule in enumerate(_tables(where, row, "rule"), 1)
    ]
    lines.sort(key=lambda line: not line[1].keep)
    if not elements and not lines:
        raise UsageError(f"{where} says nothing. Give it cut, keep or a [[site.rule]], or take it out. {_SEE}")
    return Site(hosts, tuple(elements), tuple(lines))


def _rule(where: str, row: dict[str, Any], name: str) -> tuple[re.Pattern[str], Forced]:
    from pipeline.script.fold import fold

    _known(where, row, ("kind", "pattern", "keep"), "a rule")
    keep, kind, written = row.get("keep", False), row.get("kind", ""), row.get("pattern")
    if not isinstance(keep, bool):
        raise UsageError(f"{where}: keep is {keep!r}. Write keep = true for lines that stay, or leave it out.")
    if not (keep and kind == "") and (not isinstance(kind, str) or kind not in kinds()):
        told = f"the kind is {kind!r}" if "kind" in row else "there is no kind"
        raise UsageError(f"{where}: {told}. Give one of {', '.join(sorted(kinds()))}.")
    if not isinstance(written, str):
        told = f"the pattern is {written!r}" if "pattern" in row else "there is no pattern"
        raise UsageError(f"{where}: {told}. Give a regular expression, such as pattern = '^更多内容请下载'.")
    try:
        pattern = re.compile(fold(written), re.IGNORECASE)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(
            f"{where}: the pattern '{written}' is no regular expression: {error}. Mark signs that mean themselves "
            "with a backslash, and write the pattern in single quotes."
        ) from error
    if pattern.search(""):
        raise UsageError(f"{where}: the pattern '{written}' matches every line. Say more of the line.")
    return pattern, Forced(keep, kind, f"site {name}: rule {written}", line=True)


def _known(where: str, table: dict[str, Any], names: Collection[str], what: str) -> None:
    for key in table:
        if key not in names:
            raise UsageError(f"{where}: there is no key '{key}'. What {what} can have: {', '.join(names)}. {_SEE}")


def _tables(where: str, table: dict[str, Any], key: str) -> list[dict[str, Any]]:
    value = table.get(key, [])
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        name = "[[site]]" if key == "site" else "[[site.rule]]"
        raise UsageError(f"{where}: {key} is no list of tables. Begin each with {name}, in double brackets.")
    return value


def _strings(where: str, table: dict[str, Any], key: str, what: str) -> tuple[str, ...]:
    value = table.get(key, [])
    value = [value] if isinstance(value, str) else value
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise UsageError(f"{where}: {key} is {table[key]!r}. It takes {what}, in quotes, one or a list.")
    return tuple(value)
