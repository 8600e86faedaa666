"""Names and terms that each region writes in its own way: 川普 and 特朗普, 聯準會 and 美联储.

`data/variants.tsv` has one concept a row. Its forms are looked for in the folded key of a text, so both scripts are
served, and what is found is cited in the original at the same offsets. At each place the longest form wins, and a form
that a region shares with the mainland is no variant. Forms that are other words as well (范斯, 德州) count only in a
text that has one of the row's context words elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal, NamedTuple, TypeAlias

from pipeline.configure import data_path
from pipeline.script.fold import fold
from pipeline.script.lexicon import Lexicon
from pipeline.script.offsets import Edit, Offsets

__all__ = ["KINDS", "Concept", "Found", "Place", "concepts", "find", "forms_of", "mainland", "rename"]

Place: TypeAlias = Literal["CN", "TW", "HK", "SG"]

KINDS = ("body", "company", "mineral", "person", "place", "shield", "term", "treaty", "weapon")
"""What a row is. A `shield` is a longer word that holds a form and is something else (理查德 holds 查德): it is found
and left alone."""

_COLUMNS: tuple[Place, ...] = ("CN", "TW", "HK", "SG")


@dataclass(frozen=True, slots=True)
class Concept:
    """A row of the table."""

    kind: str
    forms: dict[Place, tuple[str, ...]]
    """What each region writes, the usual form first, in its own script; empty where nothing else than in CN."""
    doubtful: frozenset[str]
    """Keys of forms that are other words too."""
    context: tuple[str, ...]
    """Keys of words of which a text must have one for a doubtful form to count."""
    note: str

    def written(self, place: Place) -> str:
        """Return what `place` usually writes; "" where the table has no form of its own for it."""
        return next(iter(self.forms[place]), "")


@dataclass(frozen=True, slots=True)
class Found:
    """A form in a text."""

    start: int
    end: int
    concept: Concept
    places: frozenset[Place]
    """The regions that write this form."""


class _Index(NamedTuple):
    lexicon: Lexicon
    by_key: dict[str, tuple[Concept, frozenset[Place]]]
    """A form's row, and the regions that write it."""


@cache
def concepts() -> tuple[Concept, ...]:
    """Return the rows of `data/variants.tsv`, in order."""
    rows = []
    for line in data_path("variants.tsv").read_text("utf-8").splitlines():
        if line.startswith("#"):
            continue
        kind, *cells, context, note = line.split("\t")
        split = [tuple(filter(None, cell.split("|"))) for cell in cells]
        doubtful = frozenset(fold(form[:-1]) for forms in split for form in forms if form.endswith("?"))
        plain = [tuple(form.removesuffix("?") for form in forms) for forms in split]
        rows.append(Concept(kind, dict(zip(_COLUMNS, plain, strict=True)), doubtful, tuple(context.split()), note))
    return tuple(rows)


@cache
def _index() -> _Index:
    by_key: dict[str, tuple[Concept, frozenset[Place]]] = {}
    for concept in concepts():
        for place, forms in concept.forms.items():
            for form in map(fold, forms):
                by_key[form] = concept, by_key.get(form, (concept, frozenset[Place]()))[1] | {place}
    return _Index(Lexicon(by_key), by_key)


def _told(concept: Concept, form: str, key: str, context: str) -> bool:
    """Whether a doubtful form is backed by a context word, which must not be the form itself."""
    return any(word in text.replace(form, "\n") for word in concept.context for text in (key, context))


def find(key: str, context: str = "") -> list[Found]:
    """Return the forms in a text, sorted and disjoint, whichever region's they are; shields are not among them.

    Args:
        key: `fold(text)`. Offsets are those of the text too.
        context: the key of more of the same article, which is asked for context words only.
    """
    index = _index()
    found: list[Found] = []
    done = 0
    told: dict[str, bool] = {}
    for place, forms in index.lexicon.find(key):
        if place < done:
            continue
        for form in forms:
            concept, places = index.by_key[form]
            if form in concept.doubtful:
                if form not in told:
                    told[form] = _told(concept, form, key, context)
                if not told[form]:
                    continue
            done = place + len(form)
            if concept.kind != "shield":
                found.append(Found(place, done, concept, places))
            break
    return found


def _replacements(key: str, context: str, to: Place) -> Iterator[tuple[int, int, str]]:
    for found in find(key, context):
        written = found.concept.written(to)
        if written and to not in found.places:
            yield found.start, found.end, written


def rename(text: str, to: Place, context: str = "", key: str | None = None) -> tuple[str, Offsets]:
    """Return `text` with the names and terms that `to` writes, and the offsets of the change.

    They are written in the region's own script: for text that is in that script already.

    Args:
        text: any string.
        to: the region.
        context: the key of more of the same article.
        key: `fold(text)`, where the caller has it already.
    """
    pieces: list[str] = []
    edits: list[Edit] = []
    last = grown = 0
    for start, end, written in _replacements(fold(text) if key is None else key, context, to):
        pieces += (text[last:start], written)
        edits.append(Edit(start, end, start + grown, start + grown + len(written)))
        grown += len(written) - (end - start)
        last = end
    return "".join([*pieces, text[last:]]), Offsets(tuple(edits))


def mainland(key: str, context: str = "") -> tuple[str, Offsets]:
    """Return the folded `key` of a text as the mainland would name things in it, and the offsets of the change.

    For matching: a term in mainland form found at `start:end` stands in the text at `offsets.back(start, end)`.
    """
    return rename(key, "CN", context, key)


@cache
def forms_of(term: str) -> tuple[str, ...]:
    """Return the keys of all ways to write `term`, itself first: 普京 gives 普京, 普丁, 蒲亭.

    A term that holds forms (导弹部队) is given with each of their variants. Doubtful forms are left out, as a list of
    terms has no context.
    """
    key = fold(term)
    ways = [key]
    for found in reversed(find(key)):
        others = [fold(form) for forms in found.concept.forms.values() for form in forms]
        others = [form for form in others if form not in found.concept.doubtful]
        ways = [
            way[: found.start] + form + way[found.end :]
            for way in ways
            for form in (key[found.start : found.end], *others)
        ]
    return tuple(dict.fromkeys(ways))
