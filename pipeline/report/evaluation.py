"""The report on a model: the figures of `taowen evaluate --json`, its curves, and the worst errors in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.report.articles import Mark, shown_article
from pipeline.report.charts import as_png, as_svg, confusion_matrix, precision_recall, range_bar, reliability
from pipeline.report.html import Html, element, figure, grouped, page, table, together

if TYPE_CHECKING:
    from pipeline.topics.assessment import Assessment

__all__ = ["chart_files", "charts_of", "evaluation_page", "evaluation_sections"]

Section = tuple[str, str, Html]


def evaluation_page(found: Assessment, model: Path | None) -> bytes:
    """Return the report as one HTML file; every figure is one of `found.as_json()`."""
    return page("taowen: how good are the tags", evaluation_sections(found, model))


def evaluation_sections(found: Assessment, model: Path | None) -> list[Section]:
    """Return the sections of the report, for a file of its own or behind those of a run."""
    data = found.as_json()
    charts = charts_of(data, found.scored.topics)
    sections = [("figures", "Figures", _figures(data, found.scored.name))]
    if data["splits"]:
        sections.append(("splits", "Random and time split", _splits(data["splits"])))
    if data["against"]:
        sections.append(("against", "Against others", _against(data["against"])))
    return [
        *sections,
        ("curves", "Curves", _curves(data["curves"], charts)),
        ("confused", "Confused topics", _confused(data["confusions"], charts["confusions"])),
        ("errors", "Worst errors", _errors(found, model)),
    ]


def _interval(value: Mapping[str, float] | None, path: str, *, drawn: bool = False) -> Html:
    if value is None:
        return figure(None, path)
    point, low, high = (figure(value[name], f"{path}/{name}") for name in ("value", "low", "high"))
    chart = range_bar(value["value"], value["low"], value["high"]) if drawn else ""
    return together(chart, " ", point, " ", element("span", "[", low, ", ", high, "]", class_="interval"))


def _macro(facet: Mapping[str, Any], path: str, *, drawn: bool = False) -> Html:
    """Return macro-F1, or that it is refused and for which topics."""
    few = [(n, topic) for n, topic in enumerate(facet["topics"]) if topic["f1"] is None]
    told: list[Html | str] = [_interval(facet["macro_f1"], f"{path}/macro_f1", drawn=drawn)]
    for n, topic in few:
        told += [
            ", " if n != few[0][0] else ": ",
            f"{topic['topic']} ",
            figure(topic["positives"], f"{path}/topics/{n}/positives", "{}"),
        ]
    return together(*told)


def _rows(facet: Mapping[str, Any], path: str) -> list[list[Html | str]]:
    """Return a row for macro-F1, one for each topic that is not refused, and one for articles of no topic."""
    rows: list[list[Html | str]] = [["macro-F1", "", _macro(facet, path, drawn=True), "", ""]]
    for n, topic in enumerate(facet["topics"]):
        place = f"{path}/topics/{n}"
        if topic["f1"] is not None:
            positives = figure(topic["positives"], f"{place}/positives", "{} positives")
            f1 = _interval(topic["f1"], f"{place}/f1", drawn=True)
            rest = (_interval(topic[name], f"{place}/{name}") for name in ("precision", "recall"))
            rows.append([topic["topic"], positives, f1, *rest])
    if facet["none_untagged"] is not None:
        none = figure(facet["none"], f"{path}/none", "{} articles")
        rows.append(
            ["no topic, untagged", none, _interval(facet["none_untagged"], f"{path}/none_untagged", drawn=True)]
        )
        rows[-1] += ["", ""]
    if facet["by"] in ("all", "script"):
        error = figure(facet["calibration_error"], f"{path}/calibration_error")
        rows.append(["calibration error", "", error, "", ""])
    return rows


_HEAD = ["figure", "of", "F1, or share", "precision", "recall"]


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
        groups: list[tuple[Html | str, list[list[Html | str]]]] = []
        left: list[str] = []
        for number, facet in enumerate(data["facets"]):
            path = f"facets/{number}"
            if facet["by"] != by:
                continue
            if by != "all" and all(topic["f1"] is None for topic in facet["topics"]):
                left.append(f"{facet['name']} ({facet['articles']})")
                continue
            count = figure(facet["articles"], f"{path}/articles", "{} articles")
            groups.append((together("" if by == "all" else f"{facet['name']}: ", count), _rows(facet, path)))
        parts.append(element("h3", "All articles" if by == "all" else f"By {by}"))
        if groups:
            parts.append(grouped(_HEAD, groups, aside=(3, 4)))
        if left:
            told = f"Refused, with under ten positives of every topic (articles): {', '.join(left)}."
            parts.append(element("p", told, class_="note"))
    return together(*parts)


def _splits(splits: Sequence[Mapping[str, Any]]) -> Html:
    """Return the splits side by side, a column each."""
    parts: list[Html | str] = [
        element("p", "The same recipe, trained anew. News of tomorrow is met as in the split by time.")
    ]
    made = [(f"splits/{n}", split) for n, split in enumerate(splits) if split["figures"] is not None]
    for split in splits:
        told = f"{split['taught']} articles taught, {split['held']} held out ({split['told']})"
        if split["figures"] is None:
            told = f"refused. {split['refused']}"
        parts.append(element("p", f"{split['name']}: {told}", class_="note"))
    if not made:
        return together(*parts)
    rows: list[list[Html | str]] = [
        ["macro-F1", *(_macro(split["figures"], f"{path}/figures") for path, split in made)],
    ]
    if any(split["carried_f1"] for _, split in made):
        named = f"mean F1 of {', '.join(made[0][1]['carried'])}"
        rows.append([named, *(_interval(split["carried_f1"], f"{path}/carried_f1") for path, split in made)])
    for n, topic in enumerate(made[0][1]["figures"]["topics"]):
        cells: list[Html | str] = []
        for path, split in made:
            row, place = split["figures"]["topics"][n], f"{path}/figures/topics/{n}"
            count = figure(row["positives"], f"{place}/positives", "{} positives")
            cells.append(together(_interval(row["f1"], f"{place}/f1"), " of " if row["f1"] else ", ", count))
        rows.append([f"{topic['topic']}, F1", *cells])
    for name, told in (("none_untagged", "no topic, untagged"), ("calibration_error", "calibration error")):
        cells = []
        for path, split in made:
            value, place = split["figures"][name], f"{path}/figures/{name}"
            cells.append(figure(value, place) if name == "calibration_error" else _interval(value, place))
        rows.append([told, *cells])
    return together(*parts, table(["figure", *(split["name"] for _, split in made)], rows))


def _against(against: Sequence[Mapping[str, Any]]) -> Html:
    groups: list[tuple[Html | str, list[list[Html | str]]]] = []
    for n, one in enumerate(against):
        path = f"against/{n}"
        gap, ends = one["difference"], f"{path}/difference"
        low, high = (figure(gap[end], f"{ends}/{end}", "{:+.3f}") for end in ("low", "high"))
        rows: list[list[Html | str]] = [
            [
                "macro-F1",
                _interval(one["macro_f1"], f"{path}/macro_f1"),
                _interval(one["macro_f1_other"], f"{path}/macro_f1_other"),
                together(
                    figure(gap["value"], f"{ends}/value", "{:+.3f}"),
                    " ",
                    element("span", "[", low, ", ", high, "]", class_="interval"),
                ),
                _p(one["p"], f"{path}/p"),
            ]
        ]
        for number, topic in enumerate(one["topics"]):
            place = f"{path}/topics/{number}"
            right, right_other = (
                figure(topic[name], f"{place}/{name}", "{}") for name in ("only_right", "only_right_other")
            )
            rows.append(
                [
                    topic["topic"],
                    figure(topic["f1"], f"{place}/f1"),
                    figure(topic["f1_other"], f"{place}/f1_other"),
                    together("only right ", right, " : ", right_other),
                    _p(topic["p"], f"{place}/p"),
                ]
            )
        verdict = f"{one['better']} is better" if one["better"] else "no difference is shown"
        told = f"against {one['other']} on the same {one['articles']} articles: {verdict} ({one['how_other']})"
        groups.append((told, rows))
    note = (
        "Macro-F1: the difference by paired bootstrap over articles. Topics: articles that only the one, and only the "
        "other, decides as the label says, by the exact McNemar test, not corrected for the number of topics."
    )
    head = ["F1", against[0]["name"], "the other", "difference", "p"]
    return together(element("p", note, class_="note"), grouped(head, groups, aside=(1, 2)))


def _p(value: float, path: str) -> Html:
    return figure(value, path, "<0.001" if value < 0.001 else "{:.3f}")


def charts_of(data: Mapping[str, Any], topics: Sequence[str]) -> dict[str, Html]:
    """Return every chart of an evaluation by the name of its file, without the ending.

    Args:
        data: `Assessment.as_json()`.
        topics: in their order.
    """
    found = {}
    for curve in data["curves"]:
        topic = curve["topic"]
        if curve["average_precision"] is not None:
            found[f"precision-recall-{topic}"] = precision_recall(topic, curve["precision_recall"], curve["at"])
        found[f"reliability-{topic}"] = reliability(topic, curve["reliability"])
    return found | {"confusions": confusion_matrix(data["confusions"], topics)}


def chart_files(found: Assessment) -> dict[str, bytes]:
    """Return the charts as files by name: SVG, and PNG too where resvg is installed."""
    files = {}
    for name, chart in charts_of(found.as_json(), found.scored.topics).items():
        files[f"{name}.svg"] = as_svg(chart)
        if (png := as_png(chart)) is not None:
            files[f"{name}.png"] = png
    return files


def _curves(curves: Sequence[Mapping[str, Any]], charts: Mapping[str, Html]) -> Html:
    parts: list[Html | str] = [
        element(
            "p",
            "Precision over recall as the threshold falls; the ring is where the tags are given. Reliability is the "
            "share of articles that have the topic, with its 95% interval, by tenths of the score; on the dashes "
            "scores are true. A tenth with under ten articles is joined to the next one.",
            class_="note",
        )
    ]
    for n, curve in enumerate(curves):
        topic = curve["topic"]
        told: list[Html | str] = [f"{topic}, ", figure(curve["positives"], f"curves/{n}/positives", "{} positives")]
        if curve["average_precision"] is None:
            told.append(": too few for a curve of precision and recall")
        else:
            told += [", average precision ", figure(curve["average_precision"], f"curves/{n}/average_precision")]
        drawn = [charts[name] for name in (f"precision-recall-{topic}", f"reliability-{topic}") if name in charts]
        shown = element("div", *(element("figure", chart) for chart in drawn), class_="charts")
        parts.append(element("div", element("h3", *told), shown, class_="curve"))
    return together(*parts)


def _confused(pairs: Sequence[Mapping[str, Any]], chart: Html) -> Html:
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
    note = "Articles that lack the first and have the second wrongly. What is only missing or only wrong has no topic."
    listed = table(["missing", "wrongly given", "articles"], rows, left=(0, 1))
    return together(element("p", note, class_="note"), element("div", element("figure", chart), listed, class_="row"))


def _errors(found: Assessment, model: Path | None) -> Html:
    from pipeline.topics.curves import worst
    from pipeline.topics.tagger import Tagger

    errors = worst(found.scored)
    if not errors:
        return element("p", "No tag is wrong or missing.")
    tagger = Tagger.load(model)
    told = (
        "The farthest on the wrong side of the threshold. What cleaning took out is struck through, with kind and "
        "reason, where the corpus says so; what speaks for a topic is marked, with the topic behind it."
    )
    if any(found.scored.seen[error.article] for error in errors):
        told += (
            " Scores out of fold are of a model that had not learnt from the article's source, the marks of this one."
        )
    parts: list[Html | str] = [element("p", told, class_="note")]
    for number, error in enumerate(errors):
        example = found.scored.examples[error.article]
        # At any score: the model may say less of it now than the one that had not learnt from the source.
        [tags] = tagger.tag([example.text], [example.title], thresholds={error.topic: 0.0})
        marks = [Mark(e.field, e.start, e.end, tag.id) for tag in tags for e in tag.evidence]
        limit = found.scored.thresholds[found.scored.topics.index(error.topic)]
        what = "is missing" if error.missing else "is wrong"
        heading = f"{number + 1}. {error.topic} {what}: {error.score:.3f}, threshold {limit:.3f}"
        how = "scored out of fold" if found.scored.seen[error.article] else ""
        known = (example.id, example.source, example.date, example.script, example.region, how)
        facts = [" · ".join(filter(None, known)), f"Labels: {', '.join(example.labels) or 'none of the topics'}"]
        parts.append(shown_article(heading, example.title, example.text, example.cuts, marks, facts, example.script))
    return together(*parts)
