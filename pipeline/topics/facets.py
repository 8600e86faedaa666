"""How good the tags are by script, region, source, length and month, each figure with its interval or refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from email.utils import parsedate_to_datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.ingest.dates import iso_date
from pipeline.records import visible
from pipeline.script.fold import fold
from pipeline.script.identify import Script, identify
from pipeline.topics.corpus import Example
from pipeline.topics.evaluate import FEW_POSITIVES, Scored, calibration_error
from pipeline.topics.intervals import Interval, f1_of, interval, macro_of, tallies

__all__ = ["FACETS", "Facet", "TopicFigures", "days_of", "facets", "facets_table", "rounded", "shown", "whole"]

FACETS = ("script", "region", "length", "month", "source", "certainty")
"""What articles are told apart by, besides topic."""
LENGTHS = (300, 800, 2000)
"""Code points of the text that part short from long: a flash, a short report, a report, a feature."""
UNKNOWN = "unknown"

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TopicFigures:
    """One topic on the articles of one kind; figures are None where there are too few positives for them."""

    topic: str
    positives: int
    given: int
    precision: Interval | None
    recall: Interval | None
    f1: Interval | None


@dataclass(frozen=True, slots=True)
class Facet:
    """The articles of one kind: `by` is script, region, ... and `name` is hant, TW, ..."""

    by: str
    name: str
    articles: int
    topics: tuple[TopicFigures, ...]
    macro_f1: Interval | None
    """None where a topic has too few positives: a mean over other topics is another figure."""
    none: int
    """Articles of no topic."""
    none_untagged: Interval | None
    """Share of them that were left untagged."""
    calibration_error: float

    @property
    def refused(self) -> bool:
        """Whether not one topic has positives enough."""
        return all(topic.f1 is None for topic in self.topics)

    def as_json(self) -> dict[str, Any]:
        """Return plain data, figures rounded to six places, null where refused."""
        plain: dict[str, Any] = rounded(asdict(self))
        return plain


def rounded(value: Any) -> Any:
    """Return plain data with every figure rounded to six places."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(inner) for inner in value]
    return value


def facets(scored: Scored) -> tuple[Facet, ...]:
    """Return the figures of all articles, and of each script, region, length, month, source and certainty of labels."""
    labels = scored.labels
    found = [whole(scored)]
    for by, names in zip(FACETS, _kinds(scored.examples), strict=True):
        order = sorted(set(names)) if by != "length" else [name for name in _length_names() if name in names]
        if by == "certainty" and order == [UNKNOWN]:
            continue  # nobody said how sure the labels are
        for name in order:
            mask = np.array([one == name for one in names], dtype=bool)
            found.append(_facet(by, name, scored, labels, mask))
    return tuple(found)


def whole(scored: Scored) -> Facet:
    """Return the figures of all articles."""
    return _facet("all", "all", scored, scored.labels, np.ones(len(scored.examples), dtype=bool))


def _kinds(examples: Sequence[Example]) -> Iterator[list[str]]:
    """Yield for each of FACETS the kind of every article."""
    written = [(e.script and e.region and None) or identify(e.text) for e in examples]
    yield [e.script or _script(found) for e, found in zip(examples, written, strict=True)]
    yield [e.region or (found.region if found else "") or UNKNOWN for e, found in zip(examples, written, strict=True)]
    yield [_length(len(e.text)) for e in examples]
    yield [day[:7] if len(day) >= 7 else UNKNOWN for day in days_of(examples)]
    yield [e.source or UNKNOWN for e in examples]
    yield [e.certainty or UNKNOWN for e in examples]


def _script(found: Script | None) -> str:
    told = found.script if found else ""
    return {"zh-Hans": "hans", "zh-Hant": "hant"}.get(told, told or UNKNOWN)


def _length_names() -> list[str]:
    edges = (0, *LENGTHS)
    return [f"{low}-{high - 1}" for low, high in zip(edges, LENGTHS, strict=False)] + [f"{LENGTHS[-1]}-"]


def _length(size: int) -> str:
    return _length_names()[sum(size >= edge for edge in LENGTHS)]


_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})")


def days_of(examples: Sequence[Example]) -> list[str]:
    """Return the day of every article as ISO 8601 (or the month, or the year), "" where it cannot be told.

    Takes ISO 8601, what pages write, and the form of mail and RSS (RFC 2822). Where 7/6/2023 may be June or July, the
    other dates of the source decide; where they do not, the day is unknown.
    """
    month_first: dict[str, set[bool]] = {}
    for example in examples:
        if match := _SLASHED.match(example.date):
            one, other = int(match[1]), int(match[2])
            if (one > 12) != (other > 12):
                month_first.setdefault(example.source, set()).add(other > 12)
    return [_day(example.date, month_first.get(example.source, set())) for example in examples]


def _day(text: str, month_first: set[bool]) -> str:
    if match := _SLASHED.match(text):
        one, other, year = (int(part) for part in match.groups())
        if one != other and len(month_first) != 1:
            return ""
        month, day = (one, other) if True in month_first or one == other else (other, one)
        try:
            return date(year, month, day).isoformat()
        except ValueError:
            return ""
    if match := re.match(r"\d{4}(-\d\d){0,2}(?=$|[T ])", text):
        return match[0]
    try:
        return parsedate_to_datetime(text).date().isoformat()
    except (ValueError, TypeError, IndexError):
        return iso_date(fold(text))[:10]


def _facet(by: str, name: str, scored: Scored, labels: Mask, mask: Mask) -> Facet:
    wanted, given = labels[mask], scored.given[mask]
    counted = tallies(given, wanted)
    size = len(scored.topics)
    rows = []
    for number, topic in enumerate(scored.topics):
        positives, said = int(wanted[:, number].sum()), int(given[:, number].sum())
        if positives < FEW_POSITIVES:
            rows.append(TopicFigures(topic, positives, said, None, None, None))
            continue
        precision = interval(counted, _ratio(number, size + number), trials=said) if said else None
        recall = interval(counted, _ratio(number, 2 * size + number), trials=positives)
        f1 = interval(counted, f1_of(number, size), trials=positives)
        rows.append(TopicFigures(topic, positives, said, precision, recall, f1))
    enough = all(row.f1 is not None for row in rows)
    none = ~wanted.any(axis=1)
    untagged = none & ~given.any(axis=1)
    shares = np.stack((untagged, none), axis=1).astype(np.float64)
    return Facet(
        by,
        name,
        int(mask.sum()),
        tuple(rows),
        interval(counted, macro_of(size), trials=min(row.positives for row in rows)) if enough else None,
        int(none.sum()),
        interval(shares, _ratio(0, 1), trials=int(none.sum())) if int(none.sum()) >= FEW_POSITIVES else None,
        calibration_error(scored.scores[mask], wanted),
    )


def _ratio(part: int, of: int) -> Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]:
    """Return the function from sums to one column's share of another, nan where there is none of it."""

    def figure(sums: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.where(sums[:, of] > 0, sums[:, part] / np.maximum(sums[:, of], 1), np.nan)

    return figure


def facets_table(found: Sequence[Facet]) -> list[str]:
    """Return lines for a terminal. What is refused is counted, not left out without a word."""
    lines = []
    for by in ("all", *FACETS):
        rows = [facet for facet in found if facet.by == by]
        shown = [facet for facet in rows if not facet.refused]
        if not rows:
            continue
        lines += ["", f"by {by}" if by != "all" else "all articles"]
        for facet in shown:
            lines += _lines(facet)
        if by == "all" and not shown:
            lines += _lines(rows[0])
        if (left := len(rows) - len(shown)) and by != "all":
            told = visible(", ".join(f.name for f in rows if f.refused), breaks=False)
            told = told if len(told) <= 60 else f"{told[:59]}…"
            lines.append(
                f"  refused: {left} of {len(rows)} with under {FEW_POSITIVES} positives of every topic ({told})"
            )
    return lines


def _lines(facet: Facet) -> Iterator[str]:
    few = ", ".join(f"{topic.topic} {topic.positives}" for topic in facet.topics if topic.f1 is None)
    macro = shown(facet.macro_f1) if facet.macro_f1 else f"refused (positives: {few})"
    yield f"  {visible(facet.name, breaks=False)[:24]:24} {facet.articles:5} articles   macro-F1 {macro}"
    for topic in facet.topics:
        if topic.f1 is not None:
            precision = shown(topic.precision) if topic.precision else "none given"
            yield (
                f"    {topic.topic:22} {topic.positives:5} positives  F1 {shown(topic.f1)}  "
                f"P {precision}  R {shown(topic.recall)}"
            )
    if facet.by in ("all", "script"):
        yield f"    {'calibration error':22} {facet.calibration_error:16.3f}"
    if facet.none_untagged:
        yield f"    {'no topic, untagged':22} {facet.none:5} articles   {shown(facet.none_untagged)}"


def shown(figure: Interval | None) -> str:
    """Return a figure and its interval for a table."""
    return "refused" if figure is None else f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"
