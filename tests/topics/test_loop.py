"""The loop as the README tells it, and a topic from nothing, on own-written articles; a person labels in between."""

from __future__ import annotations

import gzip
import json
import random
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.documents import blocks, invoke

ROOT = Path(__file__).parents[2]
OWN = [
    json.loads(line)
    for name in ("articles-a", "articles-b", "articles-c")
    for line in (ROOT / "corpora" / f"{name}.jsonl").read_text("utf-8").splitlines()
]
Row = dict[str, Any]


def taowen(*arguments: str) -> str:
    output, code = invoke(list(arguments))
    assert code == 0, output
    return output


def written(path: Path, rows: Sequence[Row]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def real(rows: Sequence[Row]) -> list[Row]:
    """Own-written articles as if they were a user's: counted, and each of a publisher."""
    return [{**row, "kind": "real", "source": f"paper-{n % 9}"} for n, row in enumerate(rows)]


def read_by_a_person(tasks: Path, export: Path, gold: dict[str, list[str]], skip: int = 0) -> None:
    """Label tasks in Label Studio, as its export looks. `skip` articles are left undone."""
    rows = json.loads(tasks.read_text("utf-8"))
    for number, row in enumerate(rows):
        choices = gold[row["data"]["id"]] or ["none"]
        result = [
            {"id": "x", "from_name": "topics", "to_name": "text", "type": "choices", "value": {"choices": choices}}
        ]
        note = {"id": number, "completed_by": 1, "result": result, "updated_at": "2024-06-01T10:00:00Z"}
        row |= {"id": number, "annotations": [note | {"was_cancelled": number < skip}]}
    export.write_text(json.dumps(rows, ensure_ascii=False), "utf-8")


@pytest.fixture(scope="module")
def old() -> list[Row]:
    """What the old model learns from: a third of the articles."""
    return OWN[::3]


def test_the_story_of_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: list[Row]) -> None:
    monkeypatch.chdir(tmp_path)
    rest = [row for row in OWN if row not in old]
    gold = {row["id"]: row["labels"] for row in OWN}
    written(tmp_path / "corpus" / "start.jsonl", real(old))
    written(tmp_path / "held-out.jsonl", real(rest[::2]))
    written(tmp_path / "pages.jsonl", [{k: row[k] for k in ("id", "title", "text")} for row in rest[1::2]])
    taowen("train", "corpus", "--out", "build/old")
    (story,) = [b for b in blocks((ROOT / "README.md").read_text("utf-8")) if "taowen suggest" in b.body]
    commands = [shlex.split(line, comments=True) for line in story.body.splitlines() if line.startswith("taowen ")]
    assert [command[1] for command in commands] == ["tag", "suggest", "label", "train", "evaluate"]
    said = {}
    for command in commands:
        if command[1] == "label":
            read_by_a_person(Path("tasks.json"), Path("export.json"), gold, skip=2)
        said[command[1]] = taowen(*command[1:])
    assert "40 of " in said["suggest"] and "4 by random" in said["suggest"]
    labels = [json.loads(line) for line in Path("corpus/labels-1.jsonl").read_text("utf-8").splitlines()]
    assert len(labels) == 38 and "2 without labels" in said["label"]
    assert all(row["labels"] == sorted(gold[row["id"]]) and row["labelled_by"] == "1" and row["why"] for row in labels)
    assert f"{len(old) + 38} articles" in said["train"]
    assert f"0 articles out of fold by source, {len(rest[::2])} new to the model" in said["evaluate"]
    assert re.search(r"build/new against build/old, on the same \d+ articles", said["evaluate"])
    found = json.loads(taowen("evaluate", "held-out.jsonl", "--model", "build/new", "--against", "build/old", "--json"))
    (gap,) = found["against"]
    verdict = f"{gap['better']} is better" if gap["better"] else "no difference is shown"
    assert verdict in said["evaluate"]
    assert gap["macro_f1"]["value"] > gap["macro_f1_other"]["value"] - 0.05, "labels do no harm"


# A topic from nothing. Chip plants of our own invention, and texts that use the same words for other things.

PLACES = ("青霧縣", "石磯鎮", "南浦市", "榕川區", "白鷺島", "嶺東", "河灣村", "銅鼓鄉")
HITS = (
    "{p}的晶圓代工廠昨天說，新製程良率到了{n}成，半導體設備廠跟著加班。",
    "芯片厂在{p}扩建封装产线，{n}台光刻机下月进厂。",
    "{p}的記憶體廠減產{n}天，晶片報價止跌。",
    "一家封測厂落户{p}，{n}奈米的晶片年底流片。",
    "{p}的集成电路产业园投产，首批晶圆{n}万片。",
)
NEAR = (
    "{p}的零食廠推出洋芋晶片新口味，{n}元一包。",
    "{p}要民眾換發芯片卡，{n}天內到區公所辦理。",
    "氣象局預報{p}週末有雨，氣溫{n}度。",
    "{p}商家賣出{n}支新手機，店員說晶片快不快客人不問。",
    "{p}話劇社演出半導體收音機的故事，共{n}場。",
)
AFTER = (
    "鎮長{s}說，{n}名志工輪流值班，{s}自己也去了。",
    "當地居民{s}今年{n}歲，他說從來沒有見過這樣的事。",
    "相關單位表示，後續的{n}項工作會在{s}主持的會議上決定。",
    "一位姓{s}的店主把{n}箱水搬到門口，分給路過的人。",
    "學校停課{n}天，老師{s}在網上陪學生讀書。",
)
NAMES = ("卓", "湯素梅", "彭紹倫", "林可望", "喬木生", "沈", "羅秋白", "鄔")


def invented(templates: Sequence[str], number: int, kind: str) -> Row:
    chance = random.Random(f"{kind}{number}")

    def filled(template: str) -> str:
        return template.format(p=chance.choice(PLACES), n=chance.randint(2, 97), s=chance.choice(NAMES))

    body = "".join(
        filled(chance.choice(templates)) + filled(chance.choice(AFTER)) + filled(chance.choice(AFTER)) for _ in range(3)
    )
    text = f"{body}\n{filled(chance.choice(AFTER))}"
    labels = ["semiconductors"] if kind == "hit" else []
    return {"id": f"{kind}-{number}", "title": filled(templates[number % 5])[:14], "text": text, "labels": labels}


def walk_through() -> tuple[str, list[list[str]]]:
    """The topic that docs/adding.md adds, and its commands in their order."""
    page = (ROOT / "docs" / "adding.md").read_text("utf-8")
    (part,) = re.findall(r"^## A topic$(.*?)^## ", page, re.M | re.S)
    (topic,) = re.findall(r"^ +```toml\n(.*?)^ +```$", part, re.M | re.S)
    lines = [line for block in re.findall(r"^ +```sh\n(.*?)^ +```$", part, re.M | re.S) for line in block.splitlines()]
    return topic, [shlex.split(line, comments=True)[1:] for line in lines if line.strip().startswith("taowen ")]


def crawled(path: Path, rows: Sequence[Row]) -> None:
    """Write articles as the pages of sites, as a crawler leaves them."""
    path.parent.mkdir()
    records = b""
    for number, row in enumerate(rows):
        paragraphs = "".join(f"<p>{line}</p>" for line in row["text"].split("\n") if line.strip())
        body = f"<title>{row['title']}</title><nav><a href=/>首頁</a></nav><h1>{row['title']}</h1>{paragraphs}".encode()
        reply = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + body
        head = (
            f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Record-ID: <urn:page:{row['id']}>\r\n"
            f"WARC-Date: 2025-06-01T00:00:00Z\r\nWARC-Target-URI: https://paper-{number % 9}.example/{row['id']}\r\n"
            f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(reply)}\r\n\r\n"
        )
        records += gzip.compress(head.encode() + reply + b"\r\n\r\n", mtime=0)
    path.write_bytes(records)


def test_a_fourth_topic_from_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: list[Row]) -> None:
    """By the commands of docs/adding.md as they stand there; `models/topics` is the model of the old articles."""
    monkeypatch.chdir(tmp_path)
    topic, commands = walk_through()
    shipped = (ROOT / "pipeline" / "data" / "topics.toml").read_text("utf-8")
    Path("my-topics.toml").write_text(shipped.replace("\n[background]", f"\n{topic}\n[background]", 1), "utf-8")
    made = [*(invented(HITS, n, "hit") for n in range(40)), *(invented(NEAR, n, "near") for n in range(20))]
    unseen = invented(HITS, 100, "hit")
    crawled(tmp_path / "crawl" / "june.warc.gz", [*made, *(row for row in OWN[1::12] if row not in old)])
    Path("page.html").write_text(f"<h1>{unseen['title']}</h1><p>{unseen['text']}</p>", "utf-8")
    gold = {f"urn:page:{row['id']}": row["labels"] for row in (*made, *OWN)}
    written(tmp_path / "my-corpus" / "old.jsonl", real(old))
    taowen("train", "my-corpus", "--out", "models/topics")
    assert [c[0] for c in commands] == ["run", "suggest", "label", "train", "evaluate", "tag"]
    said = {}
    for command in commands:
        if command[0] == "label":
            read_by_a_person(Path("tasks.json"), Path("export.json"), gold)
        said[command[0]] = taowen(*command)
    assert "27 by terms" in said["suggest"] and "3 by random" in said["suggest"]
    labels = [json.loads(line) for line in Path("my-corpus/labels-1.jsonl").read_text("utf-8").splitlines()]
    given = [row["labels"] for row in labels]
    assert len(given) == 30 and 10 <= given.count(["semiconductors"]) < 30, "near misses are among them"
    assert all(row["cuts"] and row["url"].startswith("https://paper-") for row in labels), "the pool's page is known"
    assert f"{len(old) + 30} articles; the model is in build/my-model" in said["train"]
    found = json.loads(taowen(*commands[4], "--json"))
    by_topic = {row["topic"]: row for row in found["facets"][0]["topics"]}
    assert list(by_topic) == ["rare_earths", "trade_war", "geopolitics", "semiconductors"]
    assert by_topic["semiconductors"]["f1"]["value"] > 0.8
    (gap,) = found["against"]
    assert [row["topic"] for row in gap["topics"]] == ["rare_earths", "trade_war", "geopolitics"]
    assert gap["difference"]["high"] >= 0 and gap["difference"]["value"] > -0.05, "the old topics keep their scores"
    assert gap["better"] != "models/topics" and "models/topics" in said["evaluate"]
    (row,) = map(json.loads, said["tag"].splitlines()[:1])
    assert [tag["id"] for tag in row["topics"]] == ["semiconductors"]
