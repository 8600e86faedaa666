"""The report on a model: the figures of `taowen evaluate --json`, its curves, and the worst errors in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.report.articles import Mark, shown_article
from pipeline.report.charts import precision_recall, range_bar, reliability
from pipeline.report.html import Html, element, figure, page, table, together

if TYPE_CHECKING:
    from pipeline.topics.assessment import Assessment

__all__ = ["evaluation_page", "evaluation_sections"]

Section = tuple[str, str, Html]


def evaluation_page(found: Assessment, model: Path | None) -> bytes:
    """Return the report as one HTML file; every figure is one of `found.as_json()`."""
    return page("taowen: how good are the tags", evaluation_sections(found, model))


def evaluation_sections(found: Assessment, model: Path | None) -> list[Section]:
    """Return the sections of the report, for a file of its own or behind those of a run."""
    data = found.as_json()
    sections = [("figures", "Figures", _figures(data, found.scored.name))]
    if data["splits"]:
        sections.append(("splits", "Random and time split", _splits(data["splits"])))
    if data["against"]:
        sections.append(("against", "Against others", _against(data["against"])))
    return [
        *sections,
        ("curves", "Curves", _curves(data["curves"])),
        ("confused", "Confused topics", _confused(data["confusions"])),
        ("errors", "Worst errors", _errors(found, model)),
    ]


def _interval(value: Mapping[str, float] | None, path: str, *, drawn: bool = False) -> Html:
    if value is None:
        return figure(None, path)
    point, low, high = (figure(value[name], f"{path}/{name}") for name in ("value", "low", "high"))
    chart = range_bar(value["value"], value["low"], value["high"]) if drawn else ""
    return together(chart, " ", point, " [", low, ", ", high, "]")


def _rows(facet: Mapping[str, Any], path: str) -> list[list[Html | str]]:
    """Return a row for macro-F1, one for each topic that is not refused, and one for articles of no topic."""
    few = [(n, topic) for n, topic in enumerate(facet["topics"]) if topic["f1"] is None]
    macro: list[Html | str] = [_interval(facet["macro_f1"], f"{path}/macro_f1", drawn=True)]
    for n, topic in few:
        macro += [
            ", " if n != few[0][0] else ": ",
            f"{topic['topic']} ",
            figure(topic["positives"], f"{path}/topics/{n}/positives", "{}"),
        ]
    rows: list[list[Html | str]] = [
        [
            facet["name"],
            "macro-F1",
            figure(facet["articles"], f"{path}/articles", "{} articles"),
            together(*macro),
            "",
            "",
        ]
    ]
    for n, topic in enumerate(facet["topics"]):
        place = f"{path}/topics/{n}"
        if topic["f1"] is not None:
            positives = figure(topic["positives"], f"{place}/positives", "{} positives")
            f1 = _interval(topic["f1"], f"{place}/f1", drawn=True)
            rest = (_interval(topic[name], f"{place}/{name}") for name in ("precision", "recall"))
            rows.append(["", topic["topic"], positives, f1, *rest])
    if facet["none_untagged"] is not None:
        none = figure(facet["none"], f"{path}/none", "{} articles")
        untagged = _interval(facet["none_untagged"], f"{path}/none_untagged", drawn=True)
        rows.append(["", "no topic, untagged", none, untagged, "", ""])
    error = figure(facet["calibration_error"], f"{path}/calibration_error")
    rows.append(["", "calibration error", figure(facet["articles"], f"{path}/articles", "{} articles"), error, "", ""])
    return rows


_HEAD = ["articles", "figure", "of", "F1, or share", "precision", "recall"]


def _figures(data: Mapping[str, Any], name: str) -> Html:
    parts: list[Html | str] = [
        element("p", f"Model: {name}. Measured: {data['how']}. Corpus {data['corpus'][:12]}."),
        element(
            "p",
            "In brackets and as bars 95% intervals, by bootstrap over articles: they do not count what other sources "
            "or other times may bring. Under ten positives a figure is refused.",
            class_="note",
        ),
    ]
    for by in dict.fromkeys(facet["by"] for facet in data["facets"]):
        rows: list[list[Html | str]] = []
        left: list[str] = []
        for number, facet in enumerate(data["facets"]):
            if facet["by"] == by:
                if by != "all" and all(topic["f1"] is None for topic in facet["topics"]):
                    left.append(f"{facet['name']} ({facet['articles']})")
                else:
                    rows += _rows(facet, f"facets/{number}")
        parts.append(element("h3", "All articles" if by == "all" else f"By {by}"))
        if rows:
            parts.append(table(_HEAD, rows, left=(0, 1)))
        if left:
            told = f"Refused, with under ten positives of every topic (articles): {', '.join(left)}."
            parts.append(element("p", told, class_="note"))
    return together(*parts)


def _splits(splits: Sequence[Mapping[str, Any]]) -> Html:
    rows: list[list[Html | str]] = []
    notes = []
    for n, split in enumerate(splits):
        if split["figures"] is None:
            notes.append(element("p", f"{split['name']}: refused. {split['refused']}", class_="note"))
            continue
        told = f"{split['name']}: {split['taught']} articles taught, {split['held']} held out ({split['told']})"
        notes.append(element("p", told, class_="note"))
        path = f"splits/{n}/figures"
        facet = {**split["figures"], "name": split["name"]}
        rows += _rows(facet, path)
        if split["carried_f1"]:
            named = f"mean of {', '.join(split['carried'])}"
            held = figure(split["held"], f"splits/{n}/held", "{} articles")
            rows.append(["", named, held, _interval(split["carried_f1"], f"splits/{n}/carried_f1", drawn=True), "", ""])
    why = "The same recipe, trained anew. News of tomorrow is met as in the split by time."
    shown = table(["split", *_HEAD[1:]], rows, left=(0, 1)) if rows else ""
    return together(element("p", why), *notes, shown)


def _against(against: Sequence[Mapping[str, Any]]) -> Html:
    parts: list[Html | str] = []
    for n, one in enumerate(against):
        verdict = f"{one['better']} is better" if one["better"] else "no difference is shown"
        parts += [
            element("h3", f"{one['name']} against {one['other']}: {verdict}"),
            element(
                "p", f"On the same {one['articles']} articles ({one['other']}: {one['how_other']}).", class_="note"
            ),
        ]
        path = f"against/{n}"
        gap = together(
            figure(one["difference"]["value"], f"{path}/difference/value", "{:+.3f}"),
            " [",
            figure(one["difference"]["low"], f"{path}/difference/low", "{:+.3f}"),
            ", ",
            figure(one["difference"]["high"], f"{path}/difference/high", "{:+.3f}"),
            "], p ",
            figure(one["p"], f"{path}/p"),
        )
        rows: list[list[Html | str]] = [
            [
                "macro-F1",
                _interval(one["macro_f1"], f"{path}/macro_f1"),
                _interval(one["macro_f1_other"], f"{path}/macro_f1_other"),
                gap,
            ]
        ]
        for number, topic in enumerate(one["topics"]):
            place = f"{path}/topics/{number}"
            right = together(
                "only right ",
                figure(topic["only_right"], f"{place}/only_right", "{}"),
                " against ",
                figure(topic["only_right_other"], f"{place}/only_right_other", "{}"),
                ", p ",
                figure(topic["p"], f"{place}/p"),
            )
            ours, theirs = figure(topic["f1"], f"{place}/f1"), figure(topic["f1_other"], f"{place}/f1_other")
            rows.append([topic["topic"], ours, theirs, right])
        parts.append(table(["F1", one["name"], one["other"], "difference"], rows))
    tests = "Macro-F1: paired bootstrap over articles. Topics: exact McNemar test, not corrected for their number."
    return together(*parts, element("p", tests, class_="note"))


def _curves(curves: Sequence[Mapping[str, Any]]) -> Html:
    parts: list[Html | str] = [
        element(
            "p",
            "Left: precision over recall as the threshold falls; the ring is where the tags are given. Right: the "
            "share of articles that have the topic, in ten bins of as many articles; on the dashes scores are true.",
            class_="note",
        )
    ]
    for n, curve in enumerate(curves):
        charts: list[Html] = []
        told: list[Html | str] = [
            f"{curve['topic']}, ",
            figure(curve["positives"], f"curves/{n}/positives", "{} positives"),
        ]
        if curve["average_precision"] is None:
            told.append(": too few for a curve of precision and recall")
        else:
            area = figure(curve["average_precision"], f"curves/{n}/average_precision")
            told += [", average precision ", area]
            charts.append(element("figure", precision_recall(curve["topic"], curve["precision_recall"], curve["at"])))
        charts.append(element("figure", reliability(curve["topic"], curve["reliability"])))
        parts += [element("h3", *told), element("div", *charts, class_="charts")]
    return together(*parts)


def _confused(pairs: Sequence[Mapping[str, Any]]) -> Html:
    if not pairs:
        return element("p", "No tag is wrong or missing.")
    rows: list[list[Html | str]] = [
        [
            pair["has"] or "no topic",
            pair["got"] or "no topic",
            figure(pair["articles"], f"confusions/{n}/articles", "{}"),
        ]
        for n, pair in enumerate(pairs)
    ]
    note = "Articles that lack the first and have the second wrongly."
    return together(element("p", note, class_="note"), table(["has", "got instead", "articles"], rows))


def _errors(found: Assessment, model: Path | None) -> Html:
    from pipeline.topics.curves import worst
    from pipeline.topics.tagger import Tagger

    errors = worst(found.scored)
    if not errors:
        return element("p", "No tag is wrong or missing.")
    tagger = Tagger.load(model)
    parts: list[Html | str] = [
        element(
            "p",
            "The farthest on the wrong side of the threshold. What cleaning took out is struck through, with kind and "
            "reason, where the corpus says so; what speaks for a topic is marked, with the topic behind it.",
            class_="note",
        )
    ]
    for number, error in enumerate(errors):
        example = found.scored.examples[error.article]
        lower = {error.topic: 0.0} if error.missing else {}
        [tags] = tagger.tag([example.text], [example.title], thresholds=lower)
        marks = [Mark(e.field, e.start, e.end, tag.id) for tag in tags for e in tag.evidence]
        limit = found.scored.thresholds[found.scored.topics.index(error.topic)]
        what = "is missing" if error.missing else "is wrong"
        heading = f"{number + 1}. {error.topic} {what}: {error.score:.3f}, threshold {limit:.3f}"
        known = (example.id, example.source, example.date, example.script, example.region)
        facts = [
            " · ".join(filter(None, known)),
            f"Labels: {', '.join(example.labels) or 'none of the topics'}",
        ]
        if found.scored.seen[error.article]:
            facts.append(
                "Scored out of fold: by a model that had not learnt from its source. The marks are this model's."
            )
        parts.append(shown_article(heading, example.title, example.text, example.cuts, marks, facts, example.script))
    return together(*parts)
