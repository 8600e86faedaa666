"""The commands evaluate, suggest, label and export as a user meets them: what they say, and how they end."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.topics.corpus import read_corpus
from pipeline.topics.formats import FORMATS
from pipeline.topics.taxonomy import read_taxonomy
from tests.documents import invoke

ROOT = Path(__file__).parents[2]
OWN = [json.loads(line) for line in (ROOT / "corpora" / "articles-b.jsonl").read_text("utf-8").splitlines()]
HOSTILE = "\x1b[31mpaper\u202e\u2066\x9b\nall articles 1.000\ud800"
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def written(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return str(path)


@pytest.fixture
def corpus(tmp_path: Path) -> str:
    rows = [{**row, "kind": "real", "source": HOSTILE} for row in OWN[:60]]
    wrong = next(row for row in rows if "geopolitics" in row["labels"])
    wrong["labels"] = []  # the model has learnt these articles: without it there would be no error to show
    return written(tmp_path / "c.jsonl", rows)


def refused(*arguments: str) -> str:
    said, code = invoke(list(arguments))
    assert code == 2, said
    return said


def done(*arguments: str, code: int = 0) -> str:
    said, ended = invoke(list(arguments))
    assert ended == code, said
    return said


def test_a_floor_ends_with_1_and_says_by_how_much(corpus: str, tmp_path: Path) -> None:
    assert "floor" not in done("evaluate", corpus, "--floor", "geopolitics=0.1")
    said = done("evaluate", corpus, "--floor", "geopolitics=1", "--floor", "macro=0.1", code=1)
    assert re.search(r"geopolitics: F1 is 0\.\d{4}, the floor is 1\.0000\.", said)
    assert "macro: F1 is refused" in said, "a floor on a figure that there is not is no floor"
    for wrong in ("macro", "macro=x", "macro=2", "=1"):
        assert "--floor takes NAME=NUMBER" in refused("evaluate", corpus, "--floor", wrong)
    assert "no topic of the model" in refused("evaluate", corpus, "--floor", "coffee=0.5")
    (tmp_path / "floors.json").write_text("{", "utf-8")
    assert "cannot be read as JSON" in refused("evaluate", corpus, "--floors", str(tmp_path / "floors.json"))
    floors = str(ROOT / "models" / "floors.json")
    assert "another corpus" in refused("evaluate", corpus, "--floors", floors)


def test_names_in_the_corpus_are_shown_and_not_obeyed(corpus: str, tmp_path: Path) -> None:
    table = done("evaluate", corpus)
    assert not OBEYED.search(table)
    assert "\\x1b[31mpaper" in table and table.count("\nall articles") == 0, "a name makes no line of its own"
    as_json = done("evaluate", corpus, "--json")
    assert as_json.isascii()
    assert HOSTILE in {facet["name"] for facet in json.loads(as_json)["facets"]}
    done("evaluate", corpus, "--report", str(tmp_path / "r.html"))
    assert not OBEYED.search((tmp_path / "r.html").read_text("utf-8"))
    assert "--force" in refused("evaluate", corpus, "--report", str(tmp_path / "r.html"))
    charts = tmp_path / "charts"
    assert f"are in {charts}" in done("evaluate", corpus, "--charts", str(charts))
    made = sorted(path.name for path in charts.iterdir())
    assert "confusions.svg" in made and "reliability-geopolitics.png" in made
    assert "--force" in refused("evaluate", corpus, "--charts", str(charts))
    (charts / "reliability-coffee.svg").write_text("of an earlier model", "utf-8")
    (charts / "mine.txt").write_text("mine", "utf-8")
    done("evaluate", corpus, "--charts", str(charts), "--force")
    assert sorted(path.name for path in charts.iterdir()) == sorted([*made, "mine.txt"])
    assert "does not exist" in refused("evaluate", corpus, "--report", str(tmp_path / "no" / "r.html"))


def test_who_is_compared_with_has_to_be_there(corpus: str) -> None:
    assert "no peer (lexicon, linear, tfidf, fasttext, spacy, encoder)" in refused(
        "evaluate", corpus, "--against", "xgboost"
    )
    said = done("evaluate", corpus, "--against", f"lexicon,{ROOT / 'models' / 'topics'}", "--teach", corpus)
    assert "shipped against lexicon" in said and "taught on 60 articles" in said
    assert "no difference is shown" in said.split("shipped against")[2], "the shipped model against itself"


def test_labelling_by_hand_in_an_editor(tmp_path: Path) -> None:
    pool = written(tmp_path / "pool.jsonl", [{k: row[k] for k in ("id", "title", "text")} for row in OWN[:40]])
    tasks, labels = tmp_path / "tasks.jsonl", tmp_path / "labels.jsonl"
    done("suggest", pool, "-n", "10", "-o", str(tasks))
    assert "--force" in refused("suggest", pool, "-n", "10", "-o", str(tasks))
    assert "no labelled article" in refused("label", str(tasks), "-o", str(labels))
    assert not labels.exists()
    rows = [json.loads(line) for line in tasks.read_text("utf-8").splitlines()]
    assert len(rows) == 10 and all(row["labels"] is None and row["why"] for row in rows)
    rows[0]["labels"], rows[1]["labels"] = [], ["trade_war"]
    written(tasks, rows)
    said = done("label", str(tasks), "-o", str(labels), "--by", "me", "--pool", pool)
    assert "2 labelled articles from jsonl; left out: 8 without labels" in said
    back = {row["id"]: row for row in map(json.loads, labels.read_text("utf-8").splitlines())}
    assert [back[row["id"]]["labels"] for row in rows[:2]] == [[], ["trade_war"]]
    assert {row["labelled_by"] for row in back.values()} == {"me"}
    said = done("suggest", pool, "-n", "60", "-o", str(tmp_path / "more.jsonl"), "--labelled", str(labels))
    assert "2 labelled already" in said and "60 were wanted" in said
    rows[0]["labels"] = ["coffee"]
    written(tasks, rows)
    assert "--topics" in refused("label", str(tasks), "-o", str(tmp_path / "x.jsonl"))


def test_problems_of_a_file_are_one_line_each(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"id": "a", "text": "文", "labels": []}, {"id": HOSTILE, "text": "文", "labels": "x"}]
    said = done("label", written(tmp_path / "f.jsonl", rows), "-o", str(tmp_path / "o.jsonl"))
    assert not OBEYED.search(said)
    assert "1 labelled articles" in said and "f.jsonl, item 2" not in said and "line 2: 'labels' must be a list" in said


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows as `taowen label` wrote them: with spans, cuts, and where each label comes from."""
    folder = tmp_path_factory.mktemp("labelled")
    rows = []
    for number, row in enumerate(OWN[:30]):
        mark = {"field": "text", "start": number, "end": number + 9, "label": "trade_war"}
        cut = {"start": 0, "end": 3, "kind": "related", "reason": "x", "text": "廣告。"}
        told = {"labelled_by": "ann", "labelled_at": "2024-06-01", "note": "讀了兩遍", "why": "random", "model": "0f"}
        place = {"source": "報", "url": "https://paper.example/1", "date": "2024-05-07", "certainty": "sure"}
        rows.append({**row, **told, **place, "spans": [mark], "cuts": [cut], "kind": ("own", "real")[number % 2]})
    return Path(written(folder / "labels.jsonl", rows))


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_exported_is_the_same_corpus_when_it_comes_back(name: str, labelled: Path, tmp_path: Path) -> None:
    out, back = str(tmp_path / "x"), tmp_path / "back.jsonl"
    said = done("export", str(labelled), "--format", name, "-o", out)
    assert "left out" not in said and "30 articles written" in said
    assert ("x.rows.json" in said) == (name == "fasttext") and ("x.config.xml" in said) == (name == "labelstudio")
    done("label", out, "-o", str(back), "--pool", str(labelled))
    ids = read_taxonomy().ids
    assert read_corpus(back, ids) == read_corpus(labelled, ids)
    for place in sorted(tmp_path.iterdir()):
        if place != back:
            assert "--force" in refused("export", str(labelled), "--format", name, "-o", out)
            place.unlink() if place.is_file() else shutil.rmtree(place)
    done("export", str(labelled), "--format", name, "-o", out)
    done("export", str(labelled), "--format", name, "-o", out, "--force")


def test_force_does_not_throw_away_a_folder_that_is_no_export(labelled: Path, tmp_path: Path) -> None:
    for name, said in (("datasets", "not one that this command wrote"), ("jsonl", "is a folder")):
        assert said in refused("export", str(labelled), "--format", name, "-o", str(tmp_path), "--force")
    done("export", str(labelled), "--format", "datasets", "-o", str(tmp_path / "d"))
    (tmp_path / "d" / "thesis.txt").write_text("x", "utf-8")
    refused("export", str(labelled), "--format", "datasets", "-o", str(tmp_path / "d"), "--force")
    assert (tmp_path / "d" / "thesis.txt").exists()


def test_a_file_of_fasttext_alone_is_told_in_a_line(labelled: Path, tmp_path: Path) -> None:
    done("export", str(labelled), "--format", "fasttext", "-o", str(tmp_path / "t.txt"))
    (tmp_path / "t.txt.rows.json").rename(tmp_path / "away")
    said = done("label", str(tmp_path / "t.txt"), "-o", str(tmp_path / "a.jsonl"))
    assert said.splitlines()[0].startswith("t.txt.rows.json is not beside")
    assert "30 labelled articles from fasttext." in said, "nothing is left out"
    rows = json.loads((tmp_path / "away").read_text("utf-8"))
    (tmp_path / "t.txt.rows.json").write_text(json.dumps(rows[1:]), "utf-8")
    assert "has no row" in refused("label", str(tmp_path / "t.txt"), "-o", str(tmp_path / "b.jsonl"))


def test_places_that_are_not_there_are_told(tmp_path: Path) -> None:
    assert "does not exist" in refused("export", str(tmp_path / "no"), "--format", "spacy", "-o", str(tmp_path / "n"))
    assert "does not exist" in refused("suggest", str(tmp_path / "no"), "-o", str(tmp_path / "n"))
