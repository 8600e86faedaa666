from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.configure import shared_data
from pipeline.errors import InputError, ModelError, UsageError
from pipeline.topics.corpus import Example, corpus_digest, read_corpus
from pipeline.topics.evaluate import (
    calibration_error,
    evaluate,
    floors_of,
    judge,
    missed_floors,
    read_out_of_fold,
    table,
    truth,
)
from pipeline.topics.features import batches
from pipeline.topics.learn import CAUTION, _platt, _threshold, train
from pipeline.topics.learn_pairs import fit_pairs, solve, space_of
from pipeline.topics.pairs import count_rows
from pipeline.topics.tagger import Tagger
from pipeline.topics.taxonomy import read_taxonomy
from tests.topics.two_topics import SAYS, TAXONOMY

ROOT = Path(__file__).parents[2]
TOPICS = ("tea", "rain")


def example(number: int, kind: str = "real") -> Example:
    labels = ((), ("tea",), ("rain",), ("rain", "tea"))[number % 4]
    text = f"第{number}篇報導：" + "".join(SAYS[k] for k in labels)
    text += f"今天的第{number * 7}件事情，大家都說很好。"
    certainty = "sure" if number % 3 else "borderline"
    script = "hant" if number % 2 else "hans"
    return Example(f"e{number:03}", "標題", text, labels, script, f"s{number % 7}", "", certainty, "", kind)


EXAMPLES = [example(number) for number in range(48)] + [example(number, "own") for number in range(48, 60)]


def test_training_writes_the_same_bytes_and_a_model_that_tags(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    first = train(EXAMPLES, tmp_path / "a", TAXONOMY, lambda *step: told.append(step))
    second = train(EXAMPLES, tmp_path / "b", TAXONOMY)
    files = sorted(file.name for file in (tmp_path / "a").iterdir())
    assert files == ["card.md", "model.json", "out_of_fold.jsonl", "topics.toml", "weights.npz"]
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)
    assert first == second and told[-1][0] == "written"
    model = Tagger.load(tmp_path / "a")
    assert model.digest == first.digest and model.thresholds == first.thresholds
    assert [tag.id for tag in model.tag(["春天採茶，茶葉很香。"])[0]] == ["tea"]
    assert model.tag(["今天的事情，大家都說很好。"]) == [[]]
    assert first.report.slices[0].articles == 48, "own articles are not counted"
    assert first.report.slices[0].macro_f1 > 0.9
    assert first.digest in (tmp_path / "a" / "card.md").read_text(encoding="utf-8")
    report = evaluate(EXAMPLES, tmp_path / "a")
    assert report.how.startswith("48 articles out of fold")
    fresh = [Example("new", "", "暴雨來了，下雨下雨。", ("rain",), "hant", "elsewhere")]
    assert evaluate(fresh, tmp_path / "a").how.endswith("1 new to the model")


def test_training_says_which_labels_are_contradicted(tmp_path: Path) -> None:
    wrong = replace(EXAMPLES[1], labels=("rain",))
    told = train([e for e in EXAMPLES if e.id != wrong.id] + [wrong], tmp_path / "m", TAXONOMY)
    assert {(name, topic) for name, topic, _ in told.doubtful[:2]} == {(wrong.id, "tea"), (wrong.id, "rain")}
    lines = "\n".join(told.doubts())
    assert f"{wrong.id}: tea is not among its labels" in lines and f"{wrong.id}: rain is among its labels" in lines


def test_own_articles_alone_train_a_model_without_figures(tmp_path: Path) -> None:
    own = [example(number, "own") for number in range(48)]
    report = train(own, tmp_path / "m", TAXONOMY).report
    assert report.slices == () and "no real article" in table(report)
    assert [tag.id for tag in Tagger.load(tmp_path / "m").tag(["暴雨下雨。"])[0]] == ["rain"]


def test_training_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'tea' has"):
        train([e for e in EXAMPLES if "tea" not in e.labels], tmp_path / "m", TAXONOMY)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="something else"):
        train(EXAMPLES, tmp_path / "full", TAXONOMY)
    one = [Example(e.id, e.title, e.text, e.labels, e.script, "same") for e in EXAMPLES]
    with pytest.raises(UsageError, match="one source"):
        train(one, tmp_path / "m", TAXONOMY)


def test_a_place_that_cannot_be_written_is_told_before_training(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    steps: list[str] = []
    with pytest.raises(InputError, match="cannot be written"):
        train(EXAMPLES, tmp_path / "file" / "model", TAXONOMY, lambda what, done, of: steps.append(what))
    assert steps == []


def written(folder: Path, *rows: object) -> Path:
    file = folder / "c.jsonl"
    lines = (row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


GOOD = {"id": "1", "title": "", "text": "茶葉", "labels": ["tea"]}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({**GOOD, "id": "2", "labels": ["coffee"]}, "no topic coffee"),
        ({**GOOD, "id": "2", "labels": "tea"}, "list of topic ids"),
        ({"id": "2", "text": "茶"}, "list of topic ids"),
        ({**GOOD, "id": "2", "labels": ["tea", "tea"]}, "twice"),
        ({**GOOD, "id": "2", "text": " "}, "missing or empty"),
        ({**GOOD, "id": "2", "certainty": "perhaps"}, "certainty"),
        ({**GOOD, "id": "2", "kind": "stolen"}, "kind"),
        ("{", "not JSON"),
        ("[1]", "JSON object"),
    ],
)
def test_a_wrong_row_is_named_by_file_and_line(row: object, message: str, tmp_path: Path) -> None:
    file = written(tmp_path, GOOD, "", row)
    with pytest.raises(InputError, match=message) as caught:
        read_corpus(file, TOPICS)
    assert f"{file}, line 3" in str(caught.value)


def test_ids_are_unique_and_paths_exist(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="twice"):
        read_corpus(written(tmp_path, GOOD, GOOD), TOPICS)
    with pytest.raises(InputError, match="does not exist"):
        read_corpus(tmp_path / "none", TOPICS)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no \.jsonl"):
        read_corpus(tmp_path / "empty", TOPICS)


def test_forms_of_a_corpus_say_the_same(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    rows = [{**GOOD, "id": str(number), "publisher": "p"} for number in range(3)]
    plain = read_corpus(written(tmp_path, *rows), TOPICS)
    (tmp_path / "z").mkdir()
    (tmp_path / "p").mkdir()
    with gzip.open(tmp_path / "z" / "c.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in rows)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "p" / "c.parquet")
    assert read_corpus(tmp_path / "z", TOPICS) == read_corpus(tmp_path / "p" / "c.parquet", TOPICS) == plain
    assert plain[0].source == "p" and corpus_digest(plain) == corpus_digest(plain[::-1])


def test_labels_are_facts_and_find_their_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, data = tmp_path / "corpora", tmp_path / "data"
    corpus.mkdir()
    data.mkdir()
    address = {"repo": "a/b", "path": "x.md", "item": "1"}
    facts = [{**address, "id": name, "labels": ["tea"], "certainty": "sure"} for name in ("here", "gone")]
    (corpus / "labels.jsonl").write_text("\n".join(map(json.dumps, facts)), encoding="utf-8")
    (corpus / "articles-x.jsonl").write_text(json.dumps({**GOOD, "id": "own", "kind": "own"}), encoding="utf-8")
    with gzip.open(data / "news-pool.jsonl.gz", "wt", encoding="utf-8") as lines:
        lines.write(json.dumps({**address, "id": "here", "title": "題", "text": "茶葉"}))
    monkeypatch.setenv("TAOWEN_DATA", str(data))
    assert [(e.id, e.kind) for e in read_corpus(corpus, TOPICS)] == [("here", "real"), ("own", "own")]
    assert "1 of 2 labels is not here" in capsys.readouterr().err.replace("text of 1", "1")
    monkeypatch.setenv("TAOWEN_DATA", str(tmp_path / "nowhere"))
    assert shared_data() is None
    assert [e.id for e in read_corpus(corpus, TOPICS)] == ["own"]


def test_the_shipped_labels_are_facts_only() -> None:
    lines = (ROOT / "corpora" / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    fields = {"id", "labels", "certainty", "script", "repo", "commit", "path", "item", "publisher", "date", "note"}
    assert {frozenset(row) for row in rows} == {frozenset(fields | {"drawn", "labelled_by", "pass"})}
    assert [row["id"] for row in rows] == sorted({row["id"] for row in rows})
    topics = set(read_taxonomy().ids)
    assert all(set(row["labels"]) <= topics for row in rows)
    assert all(re.fullmatch("[0-9a-f]{7,40}", row["commit"]) for row in rows)
    assert all(len(row["note"]) < 120 for row in rows), "a note is a remark, never a passage"


def test_figures_on_a_case_done_by_hand() -> None:
    labels = [("tea",), ("tea", "rain"), (), ("rain",)]
    examples = [Example(str(n), "", "x", tuple(sorted(given)), "hant", "s") for n, given in enumerate(labels)]
    given = np.array([[1, 0], [0, 1], [0, 0], [1, 1]], dtype=bool)
    report = judge(examples, TOPICS, given.astype(float), given, "by hand")
    assert [part.name for part in report.slices] == ["all", "hant"]
    tea, rain = report.slices[0].topics
    assert (tea.precision, tea.recall, tea.f1) == (0.5, 0.5, 0.5) and (rain.precision, rain.recall) == (1.0, 1.0)
    assert report.slices[0].macro_f1 == 0.75 and report.slices[0].none_untagged == 1.0
    assert truth(examples, TOPICS).tolist() == [[True, False], [True, True], [False, False], [False, True]]
    assert json.loads(json.dumps(report.as_json()))["slices"][0]["macro_f1"] == 0.75
    assert "0.750" in table(report)
    with pytest.raises(UsageError, match="no real article"):
        judge([example(1, "own")], TOPICS, np.zeros((1, 2)), np.zeros((1, 2), dtype=bool), "")


def test_calibration_error_of_known_scores() -> None:
    sure = np.array([[0.0], [1.0]] * 50)
    assert calibration_error(sure, sure.astype(bool)) == 0.0
    assert calibration_error(np.full((100, 1), 0.5), np.arange(100).reshape(-1, 1) < 100) == pytest.approx(0.5)


def test_floors_hold_for_their_own_corpus_and_are_missed_by_worse_figures() -> None:
    examples = [example(number) for number in range(80)]
    right = truth(examples, TOPICS)
    report = judge(examples, TOPICS, right.astype(float), right, "")
    floors = floors_of(report)
    assert missed_floors(report, floors) == []
    worse = right.copy()
    worse[::4] = True
    poor = judge(examples, TOPICS, worse.astype(float), worse, "")
    assert any("macro-F1" in line for line in missed_floors(poor, floors))
    assert any("untagged" in line for line in missed_floors(poor, floors))
    assert missed_floors(poor, {**floors, "corpus": "another"}) == []


def test_a_damaged_out_of_fold_file_is_refused(tmp_path: Path) -> None:
    assert read_out_of_fold(tmp_path, 2) == {}
    (tmp_path / "out_of_fold.jsonl").write_text('{"fingerprint": "a", "scores": [1]}', encoding="utf-8")
    with pytest.raises(ModelError, match="2 topics"):
        read_out_of_fold(tmp_path, 2)
    (tmp_path / "out_of_fold.jsonl").write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="damaged"):
        read_out_of_fold(tmp_path, 2)


def test_the_shipped_model_keeps_its_floors() -> None:
    if shared_data() is None:
        pytest.skip("the real articles are not here (no $TAOWEN_DATA, no ../shared/data)")
    floors = json.loads((ROOT / "models" / "floors.json").read_text(encoding="utf-8"))["topics"]
    examples = read_corpus(ROOT / "corpora", read_taxonomy().ids)
    report = evaluate(examples, ROOT / "models" / "topics")
    assert report.corpus == floors["corpus"], "labels changed: train, compare, and pin the floors again"
    assert missed_floors(report, floors) == []


def test_weights_of_articles_mean_the_same_in_closed_form_and_by_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    articles = [example(number) for number in range(40)]
    space = space_of(count_rows([batch for _, batch in batches([e.text for e in articles])], 10), 10)
    labels = truth(articles, TOPICS).astype(np.float64)
    counts = np.array([2.0 if number % 5 else 0.5 for number in range(40)])
    closed = fit_pairs(space, labels, 0.3, counts)
    monkeypatch.setattr("pipeline.topics.learn_pairs._CLOSED", 10)
    steps = fit_pairs(space, labels, 0.3, counts)
    for one, other in ((closed.weights * closed.scale, steps.weights * steps.scale), (closed.bias, steps.bias)):
        assert np.allclose(one, other, atol=0.01 * np.abs(one).max())
    assert not np.array_equal(closed.weights, fit_pairs(space, labels, 0.3).weights), "they do count"
    # An article that counts twice is one that is there twice, but for the bias, which is the plain mean.
    half = np.arange(40, dtype=np.int64)
    doubled = np.concatenate((half, half))
    twice, _ = solve(space.likeness(doubled, doubled), labels[doubled], 0.3)
    shares, _ = solve(space.likeness(half, half), labels, 0.3, np.full(40, 2.0))
    assert np.allclose(space.likeness(half, doubled) @ twice, space.likeness(half, half) @ shares)


@pytest.mark.parametrize("positives", [10, 200, 20_000])
def test_calibration_and_threshold_move_as_far_as_positives_carry_them(positives: int) -> None:
    dice = np.random.default_rng(1)
    logits = dice.normal(-1, 2, 4 * positives)
    labels = dice.random(logits.size) < 1 / (1 + np.exp(-(1.6 * logits - 1)))
    slope, offset = _platt(logits, labels)
    assert 1 <= slope < 1.7 and -1.1 < offset <= 0, "between the regression's own line and the true one"
    if positives == 10:
        assert slope < 1.1 and offset > -0.1
    if positives == 20_000:
        assert abs(slope - 1.6) < 0.2 and abs(offset + 1) < 0.2
    scores = np.where(labels, 0.3, 0.1)
    limit = _threshold(scores, labels)
    best = 0.3  # the highest that loses nothing: what lies above it would lose every tag
    assert best - 1e-9 <= limit <= 0.5
    assert abs(limit - (0.5 + (best - 0.5) * labels.sum() / (labels.sum() + CAUTION))) < 0.011
