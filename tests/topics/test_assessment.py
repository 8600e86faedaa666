from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import UsageError
from pipeline.topics.assessment import Assessment, assess, assessment_table, under_floors
from pipeline.topics.compare import compare, comparison_table
from pipeline.topics.corpus import Example
from pipeline.topics.curves import confusions, curves, curves_json, worst
from pipeline.topics.evaluate import Scored, judge, truth
from pipeline.topics.facets import days_of, facets, facets_table, whole
from pipeline.topics.intervals import f1_of, interval, macro_of, resampled, tallies
from pipeline.topics.peers import compete
from pipeline.topics.splits import splits, splits_table
from pipeline.topics.taxonomy import Taxonomy
from tests.topics.two_topics import SAYS, two_topics

TOPICS = ("tea", "rain")
TAXONOMY = two_topics('[topics.phrases]\nfigure = ["茶叶蛋"]')


def example(number: int, kind: str = "real") -> Example:
    labels = ((), ("tea",), ("rain",), ("rain", "tea"))[number % 4]
    text = f"第{number}篇報導：{''.join(SAYS[k] for k in labels)}今天的第{number * 7}件事情，大家都說很好。" * (
        1 + number % 3
    )
    day = f"2024-{1 + number // 10:02}-{1 + number % 10:02}"
    region = ("TW", "HK", "")[number % 3]
    return Example(f"e{number:03}", "標題", text, labels, "hant", f"s{number % 7}", day, "sure", region, kind)


EXAMPLES = [example(number) for number in range(80)]


def scored(examples: Sequence[Example], wrong: Sequence[int] = (), name: str = "model") -> Scored:
    """Right tags at .9 and .1, and both topics wrong for the articles of these numbers."""
    labels = truth(examples, TOPICS)
    labels[list(wrong)] = ~labels[list(wrong)]
    scores = np.where(labels, 0.9, 0.1)
    seen = np.zeros(len(examples), dtype=bool)
    return Scored(name, tuple(examples), TOPICS, scores, labels, (0.5, 0.5), "by hand", seen)


@given(st.lists(st.tuples(*[st.booleans()] * 4), min_size=1, max_size=40))
def test_a_figure_lies_in_its_interval_and_the_interval_in_0_to_1(rows: list[tuple[bool, bool, bool, bool]]) -> None:
    table = np.array(rows, dtype=bool)
    counted = tallies(table[:, :2], table[:, 2:])
    for figure in (f1_of(0, 2), f1_of(1, 2), macro_of(2)):
        found = interval(counted, figure, trials=len(rows))
        assert 0 <= found.low <= found.high <= 1
        assert interval(counted, figure, trials=len(rows)) == found, "the draws are seeded"


def test_resamples_draw_as_many_articles_as_there_are() -> None:
    sums = resampled(np.column_stack((np.ones(37), np.arange(37.0))))
    assert (sums[:, 0] == 37).all()
    assert abs(sums[:, 1].mean() - 18 * 37) < 20 and len(np.unique(sums[:, 1])) > 200


def test_no_error_in_ten_is_no_proof_of_perfection() -> None:
    right = np.ones((10, 1), dtype=bool)
    found = interval(tallies(right, right), f1_of(0, 1), trials=10)
    assert (found.value, found.high) == (1.0, 1.0) and found.low == pytest.approx(0.7)


def test_every_slice_is_told_and_the_small_ones_are_refused() -> None:
    found = facets(scored(EXAMPLES, wrong=range(0, 80, 9)))
    by = {
        name: [facet for facet in found if facet.by == name] for name in ("all", "script", "region", "month", "source")
    }
    assert [facet.articles for facet in by["all"]] == [80]
    assert {facet.name for facet in by["region"]} >= {"TW", "HK"}
    assert [facet.name for facet in by["month"]] == [f"2024-{month:02}" for month in range(1, 9)]
    for facets_of in by.values():
        assert sum(facet.articles for facet in facets_of) == 80
    assert [facet.name for facet in found if facet.by == "certainty"] == ["sure"]
    assert not any(facet.by == "certainty" for facet in facets(scored([replace(e, certainty="") for e in EXAMPLES])))
    for facet in found:
        for topic in facet.topics:
            assert (topic.f1 is None) == (topic.positives < 10)
        assert (facet.macro_f1 is None) == any(topic.positives < 10 for topic in facet.topics)
    assert all(facet.refused for facet in by["month"]) and not by["all"][0].refused
    told = "\n".join(facets_table(found))
    assert "refused: 8 of 8 with under 10 positives" in told and "2024-03" in told
    plain = json.loads(json.dumps(found[0].as_json()))
    assert plain["topics"][0]["f1"]["value"] == round(found[0].topics[0].f1.value, 6)  # type: ignore[union-attr]


def test_days_of_all_forms_and_none_that_is_guessed() -> None:
    forms = {
        "2024-05-07": "2024-05-07",
        "2018-09-13T03:12:21+08:00": "2018-09-13",
        "2019-01": "2019-01",
        "Tue, 07 May 2024 05:09:00 GMT": "2024-05-07",
        "2025年4月3日 08:15": "2025-04-03",
        "7/6/2023": "",
        "": "",
        "yesterday": "",
    }
    alone = [Example(str(n), "", "x", (), date=text, source=str(n)) for n, text in enumerate(forms)]
    assert days_of(alone) == list(forms.values())
    american = [
        Example(str(n), "", "x", (), date=text, source="one") for n, text in enumerate(("10/29/2024", "7/6/2023"))
    ]
    assert days_of(american) == ["2024-10-29", "2023-07-06"]
    assert days_of([*american, Example("x", "", "x", (), date="29/10/2024", source="one")])[1] == "", "both orders"


def test_a_model_against_itself_shows_nothing_and_against_a_worse_one_it_wins() -> None:
    ours, worse = scored(EXAMPLES), scored(EXAMPLES, range(0, 80, 5), "worse")
    same = compare(ours, scored(EXAMPLES, name="twin"))
    assert (same.better, same.p, same.difference.value) == ("", 1.0, 0.0)
    assert all(topic.p == 1.0 for topic in same.topics)
    won = compare(ours, worse)
    assert won.better == "model" and won.difference.low > 0 and won.p < 0.01
    lost = compare(worse, ours)
    assert lost.better == "model" and lost.difference.value == -won.difference.value
    tea = won.topics[0]
    assert (tea.only_right, tea.only_right_other) == (16, 0) and tea.p == pytest.approx(2 / 2**16)
    assert "model is better" in "\n".join(comparison_table([won]))
    json.dumps(won.as_json())


def test_comparing_needs_the_same_articles_and_a_topic_in_common() -> None:
    ours = scored(EXAMPLES)
    with pytest.raises(UsageError, match="same articles"):
        compare(ours, scored(EXAMPLES[:40]))
    other = Scored("x", ours.examples, ("wind",), ours.scores[:, :1], ours.given[:, :1], (0.5,), "", ours.seen)
    with pytest.raises(UsageError, match="nothing to compare"):
        compare(ours, other)


def test_a_peer_that_is_not_installed_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fasttext", None)
    with pytest.raises(UsageError, match=r"pip install 'taowen\[fasttext\]'"):
        compete("fasttext", scored(EXAMPLES[:56]), EXAMPLES[:56], TAXONOMY)


@pytest.mark.parametrize("name", ["lexicon", "tfidf", "spacy"])
def test_a_peer_learns_an_easy_task_and_never_sees_what_it_is_judged_on(name: str) -> None:
    found = compete(name, scored(EXAMPLES[:56]), EXAMPLES[:56], TAXONOMY)
    report = judge(found.examples, TOPICS, found.scores, found.given, found.how)
    assert report.slices[0].macro_f1 > 0.8 and found.how == "out of fold by source"
    assert ((found.scores >= 0) & (found.scores <= 1)).all()


def test_a_peer_that_cannot_learn_says_so() -> None:
    with pytest.raises(UsageError, match="no peer"):
        compete("magic", scored(EXAMPLES), EXAMPLES, TAXONOMY)
    only = [e for e in EXAMPLES if "tea" not in e.labels]
    with pytest.raises(UsageError, match="cannot learn 'tea'"):
        compete("lexicon", scored(only), only, TAXONOMY)
    taught = compete("lexicon", scored(only), only, TAXONOMY, EXAMPLES)
    assert taught.how == "taught on 80 articles" and not taught.given[:, 0].any()


def test_splits_hold_out_the_same_number_and_the_time_split_the_latest() -> None:
    held: list[set[str]] = []

    def train(taught: Sequence[Example], out: Path, taxonomy: Taxonomy) -> None:
        held.append({e.id for e in EXAMPLES} - {e.id for e in taught})
        raise UsageError("enough seen")

    own = [example(100 + n, "own") for n in range(5)]
    undated = Example("undated", "", "茶葉", ("tea",), date="soon")
    found = splits([*EXAMPLES, *own, undated], TAXONOMY, train)
    assert [split.refused for split in found] == ["enough seen"] * 2 and "refused: enough seen" in splits_table(found)[
        -1
    ]
    drawn, latest = held
    assert len(drawn) == len(latest) == 16
    assert latest == {e.id for e in EXAMPLES[64:]} and drawn != latest
    assert [split.taught for split in found] == [64 + 5] * 2, "own articles train, what has no day is left out"
    assert all(split.refused for split in splits(EXAMPLES[:20], TAXONOMY, train))


def test_splits_are_compared_by_the_topics_that_both_carry(tmp_path: Path) -> None:
    from pipeline.topics.learn import train

    many = [replace(example(n), labels=("tea",) if n % 4 == 2 else example(n).labels) for n in range(80)]
    found = splits(many, TAXONOMY, train)
    assert [split.carried for split in found] == [("tea",)] * 2
    for split in found:
        assert split.figures and split.carried_f1 and split.figures.topics[0].f1
        assert split.carried_f1.value == split.figures.topics[0].f1.value
    assert "mean of tea: F1" in "\n".join(splits_table(found))


def test_curves_of_known_scores() -> None:
    right = curves(scored(EXAMPLES))[0]
    assert right.average_precision == 1.0 and right.at == (1.0, 1.0)
    assert right.precision_recall[0] == (0.9, 1.0, 1.0)
    assert sum(part[2] for part in right.reliability) == 80
    for mean, share, articles, low, high in right.reliability:
        assert 0 <= low <= share <= high <= 1 and 0 <= mean <= 1 and articles >= 10
    few = curves(scored(EXAMPLES[:20]))[0]
    assert few.positives == 10 and curves(scored(EXAMPLES[:8]))[0].precision_recall == ()
    found = scored(EXAMPLES, [1, 2, 3])
    assert {(c.has, c.got): c.articles for c in confusions(found)} == {
        ("tea", "rain"): 1,
        ("rain", "tea"): 1,
        ("rain", ""): 1,
        ("tea", ""): 1,
    }
    errors = worst(found, 3)
    assert [(found.examples[w.article].id, w.topic, w.missing) for w in errors] == [
        ("e001", "tea", True),
        ("e001", "rain", False),
        ("e002", "tea", False),
    ]
    assert len(worst(found, 100)) == 6
    json.dumps(curves_json(found))


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_reliability_leaves_no_article_out_and_shows_none_alone(rows: list[tuple[float, bool]]) -> None:
    examples = tuple(example(number) for number in range(len(rows)))
    scores = np.array([[score, score] for score, _ in rows])
    labels = np.array([[has, has] for _, has in rows], dtype=bool)
    named = tuple(replace(e, labels=TOPICS if has else ()) for e, (_, has) in zip(examples, rows, strict=True))
    found = Scored("m", named, TOPICS, scores, labels, (0.5, 0.5), "", np.zeros(len(rows), dtype=bool))
    (tea, _) = curves(found)
    assert sum(part[2] for part in tea.reliability) == len(rows)
    assert all(part[2] >= min(10, len(rows)) for part in tea.reliability)
    means = [part[0] for part in tea.reliability]
    assert means == sorted(means)
    assert sum(part[1] * part[2] for part in tea.reliability) == pytest.approx(sum(has for _, has in rows))


def assessment(found: Scored) -> Assessment:
    report = judge(found.examples, found.topics, found.scores, found.given, found.how)
    return Assessment(found, report, facets(found), (), (), TAXONOMY)


def test_floors_by_topic() -> None:
    found = assessment(scored(EXAMPLES, range(0, 80, 9)))
    assert under_floors(found, {"tea": 0.5, "macro": 0.5}) == []
    assert len(under_floors(found, {"tea": 0.99, "macro": 0.99})) == 2
    assert "refused" in under_floors(assessment(scored(EXAMPLES[:8])), {"tea": 0.1})[0]
    with pytest.raises(UsageError, match="no topic"):
        under_floors(found, {"coffee": 0.5})
    assert whole(found.scored) == found.facets[0]
    assert "--splits" in assessment_table(found)


def test_the_json_keeps_the_report_that_floors_are_set_on(tmp_path: Path) -> None:
    from pipeline.topics.learn import train

    train(EXAMPLES[:48], tmp_path / "m", TAXONOMY)
    found = assess(EXAMPLES, tmp_path / "m", against=["lexicon", str(tmp_path / "m")], by_split=True)
    plain = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert set(plain) >= {"slices", "corpus", "how", "facets", "splits", "against", "curves", "confusions", "worst"}
    assert plain["how"] == "48 articles out of fold by source, 32 new to the model"
    assert [split["figures"]["articles"] for split in plain["splits"]] == [16, 16]
    assert [split["carried"] for split in plain["splits"]] == [[], []], "too few positives on either side"
    assert [one["other"] for one in plain["against"]] == ["lexicon", str(tmp_path / "m")]
    assert plain["against"][1]["better"] == ""
    assert round(plain["facets"][0]["macro_f1"]["value"], 4) == plain["slices"][0]["macro_f1"]
    with pytest.raises(UsageError, match="no peer"):
        assess(EXAMPLES, tmp_path / "m", against=["xgboost"])
