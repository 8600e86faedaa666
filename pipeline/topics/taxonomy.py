"""The topics as data: what `topics.toml` says of each, checked and in the form the features need."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.configure import data_path
from pipeline.errors import UsageError, why

__all__ = ["SCHEMA", "Group", "Iptc", "Taxonomy", "Topic", "parse_taxonomy", "read_taxonomy"]

SCHEMA = 1
"""Version of the file's form. A file of another version is refused, never guessed at."""

_ID = re.compile(r"[a-z][a-z0-9_]{0,39}")
_NAMES = ("zh-Hant", "zh-Hans", "en")
_MATCHES = ("exact", "close", "broad", "narrow")


@dataclass(frozen=True, slots=True)
class Iptc:
    """A topic of the IPTC media topics (cv.iptc.org/newscodes/mediatopic) and how near it is, as SKOS says it."""

    id: str
    match: Literal["exact", "close", "broad", "narrow"]


@dataclass(frozen=True, slots=True)
class Group:
    """Terms that count together. `topic` is "" for background; a `phrases` group hides the terms inside it."""

    topic: str
    name: str
    terms: tuple[str, ...]
    kind: Literal["terms", "phrases", "background"]


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: its id in the output, names by language, and the rule of what is in and out."""

    id: str
    names: Mapping[str, str]
    definition: str
    inside: tuple[str, ...]
    outside: tuple[str, ...]
    iptc: tuple[Iptc, ...]


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Topics in the order of the file, the term groups of all of them, and the file's own text."""

    topics: tuple[Topic, ...]
    groups: tuple[Group, ...]
    source: str
    """The TOML text, kept with a model so that it is always used with the terms it was trained with."""

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the topics, in order."""
        return tuple(topic.id for topic in self.topics)


def read_taxonomy(path: Path | None = None) -> Taxonomy:
    """Read a taxonomy file, the shipped one without `path`.

    Raises:
        UsageError: the file is missing or not a taxonomy; the message names file and place.
    """
    place = path or data_path("topics.toml")
    try:
        text = place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The topics file {place} cannot be read: {why(error)}.") from error
    return parse_taxonomy(text, str(place))


def parse_taxonomy(text: str, place: str) -> Taxonomy:
    """Return the taxonomy written in `text`; `place` is what an error calls it.

    Raises:
        UsageError: it is no TOML, of another schema, or a topic lacks something.
    """
    try:
        top = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"{place} is not valid TOML: {why(error)}.") from error
    if top.get("schema") != SCHEMA:
        raise UsageError(f"{place}: 'schema' is {top.get('schema')!r}, this version reads {SCHEMA}.")
    tables = top.get("topics")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise UsageError(f"{place}: there is no [[topics]] table. Add one with id, names, definition and terms.")
    topics: list[Topic] = []
    groups: list[Group] = []
    for number, table in enumerate(tables, 1):
        topic = _topic(table, f"{place}, topic {number}")
        if topic.id in {known.id for known in topics}:
            raise UsageError(f"{place}, topic {number}: the id '{topic.id}' is there twice.")
        topics.append(topic)
        found = _groups(table.get("terms"), topic.id, "terms", f"{place}, topic '{topic.id}', terms")
        if not found:
            raise UsageError(
                f"{place}, topic '{topic.id}': it has no terms. Add [topics.terms] with at least one group."
            )
        groups += found
        groups += _groups(table.get("phrases"), topic.id, "phrases", f"{place}, topic '{topic.id}', phrases")
    groups += _groups(top.get("background"), "", "background", f"{place}, background")
    return Taxonomy(tuple(topics), tuple(groups), text)


def _topic(table: Mapping[str, Any], place: str) -> Topic:
    name = table.get("id")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise UsageError(
            f"{place}: 'id' is {name!r}; it must be lower-case letters, digits and _, such as 'rare_earths'."
        )
    names = table.get("names")
    if not isinstance(names, dict) or any(not isinstance(names.get(key), str) or not names[key] for key in _NAMES):
        raise UsageError(f"{place} ('{name}'): 'names' must have {', '.join(_NAMES)}.")
    definition = table.get("definition")
    if not isinstance(definition, str) or not definition:
        raise UsageError(f"{place} ('{name}'): 'definition' is missing.")
    iptc = []
    for entry in table.get("iptc", []):
        if not isinstance(entry, dict) or entry.get("match") not in _MATCHES or not str(entry.get("id", "")).isdigit():
            raise UsageError(f"{place} ('{name}'): an iptc entry needs a number as id and match, one of {_MATCHES}.")
        iptc.append(Iptc(str(entry["id"]), entry["match"]))
    return Topic(
        id=name,
        names={key: names[key] for key in _NAMES},
        definition=definition,
        inside=_strings(table.get("in", []), f"{place} ('{name}'), in"),
        outside=_strings(table.get("out", []), f"{place} ('{name}'), out"),
        iptc=tuple(iptc),
    )


def _groups(value: object, topic: str, kind: Literal["terms", "phrases", "background"], place: str) -> list[Group]:
    if value is None:
        return []
    if not isinstance(value, dict):
        raise UsageError(f"{place}: must be a table of groups, each a list of terms.")
    groups = []
    for name, terms in value.items():
        listed = _strings(terms, f"{place}, group '{name}'")
        if not listed or len(set(listed)) != len(listed):
            raise UsageError(f"{place}, group '{name}': it is empty, or a term is there twice.")
        groups.append(Group(topic, name, listed, kind))
    return groups


def _strings(value: object, place: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(
        isinstance(item, str) and item.strip() == item and item for item in value
    ):
        raise UsageError(f"{place}: must be a list of strings without blanks at their ends.")
    return tuple(value)
