from __future__ import annotations

import gzip
import json
import lzma
import os
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

from pipeline.topics.corpus import read_corpus
from pipeline.topics.fetch import fetch, main, read_sources
from pipeline.topics.originals import FORMS, original_of

CORPORA = Path(__file__).parents[2] / "corpora"
TEXT = "縣府今天公布稀土回收計畫，由三家電子廠先行試辦。\n承辦人說，磁鐵要先退磁，再分離鐠與釹。"
FILES = {
    "text": TEXT,
    "page": (
        f"<html><head><title>稀土回收試辦</title></head><body><h1>稀土回收試辦</h1><p>{TEXT}</p></body></html>".replace(
            "\n", "</p><p>"
        )
    ),
    "markdown": (
        '---\ntitle: "稀土回收試辦"\ntags:\n  - "稀土"\n---\n\n# 稀土回收試辦\n\n<figure><img src="a.png"></figure>\n\n'
        "[縣府](https://a.example/b)今天公布**稀土**回收計畫，由[[zh:三家電子廠]]先行試辦。\n![](c.png)\n\n"
        "<p>承辦人說，磁鐵要先退磁，再分離鐠與釹。</p>\n\n---\n\n歡迎訂閱\n"
    ),
    "collection": (
        "### 首頁\n---\n\n## 別的文章\n`某人` [轉載](https://a.example/1/)\n\n與此無關。\n\n"
        f"## 稀土回收試辦\n`某人` [轉載](https://a.example/2/)\n\n{TEXT}\n"
    ),
    "feed": (
        '<?xml version="1.0"?><rss><channel><item><title>別的</title><link>https://a.example/1</link></item>\n'
        "<item>\n<title>\n稀土回收試辦\n</title>\n<link>\n https://a.example/2\n</link>\n"
        "<description>摘要</description>\n<content:encoded><![CDATA[<p>縣府今天公布稀土回收計畫，由三家電子廠先行試辦。</p>"
        "<p>承辦人說，磁鐵要先退磁，再分離鐠與釹。</p>]]></content:encoded></item></channel></rss>"
    ),
    "table": f'index,title,body\n6,別的,與此無關\n7,稀土回收試辦,"{TEXT}"\n',
}
ITEMS = {"collection": "https://a.example/2", "feed": "https://a.example/2", "table": "7"}


@pytest.mark.parametrize("form", FORMS)
def test_the_article_of_every_form_is_found(form: str) -> None:
    found = original_of(form, FILES[form].encode(), ITEMS.get(form, ""))
    assert found is not None
    assert found.text == TEXT
    assert found.title == ("" if form == "text" else "稀土回收試辦")


@pytest.mark.parametrize("form", ITEMS)
def test_an_item_that_is_not_there_is_none(form: str) -> None:
    assert original_of(form, FILES[form].encode(), "https://a.example/3") is None


@pytest.mark.parametrize("form", FORMS)
def test_a_file_of_rubbish_raises_nothing_and_gives_no_empty_text(form: str) -> None:
    for rubbish in (
        b"",
        b"\xff\xfe\x00\x81",
        b"\xfd7zXZ\x00cut off",
        b"---\n",
        b"\n\n",
        b"<item><link>7</link>",
        b'"7',
    ):
        found = original_of(form, rubbish, "7")
        assert found is None or found.text.strip()


def test_a_packed_page_and_one_section_are_read() -> None:
    page = original_of("page", lzma.compress(FILES["page"].encode()), "")
    assert page is not None
    assert page.text == TEXT
    parts = f"# 稀土回收試辦\n\n- **Date**: 2024\n\n## Summary\n\n{TEXT}\n\n## Notes\n\n與此無關。\n"
    part = original_of("markdown", parts.encode(), "", "Summary")
    assert part is not None
    assert part.text == TEXT
    assert original_of("markdown", parts.encode(), "", "Elsewhere") is None


def git(folder: Path, *arguments: str) -> str:
    settings = ("-c", "user.name=t", "-c", "user.email=t@a.example", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *settings, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A host of two repositories, one with two states, and labels of what lies in them."""
    labels = []
    for name, form in (("owner/feeds", "feed"), ("owner/notes", "text")):
        folder = tmp_path / "hub" / name
        folder.mkdir(parents=True)
        git(folder, "init", "--quiet", "--initial-branch=main")
        for key in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
            git(folder, "config", key, "true")
        path = folder / "deep" / f"{form}.txt"
        path.parent.mkdir()
        for state in (FILES[form], "別的內容"):
            path.write_text(state, "utf-8")
            (folder / "other.bin").write_bytes(os.urandom(2000))
            git(folder, "add", "--all")
            git(folder, "commit", "--quiet", "--message", "state")
        commit = git(folder, "rev-parse", "HEAD~1")
        row = {"id": form, "labels": ["rare_earths"], "repo": name, "item": ITEMS.get(form, "")}
        labels.append({**row, "commit": commit, "path": f"deep/{form}.txt"})
    labels.append({**labels[1], "id": "short", "commit": labels[1]["commit"][:8], "path": "text.txt"})
    (tmp_path / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in labels), "utf-8")
    (tmp_path / "sources.toml").write_text(
        "schema = 1\n"
        f'[[sources]]\nrepository = "file://{tmp_path}/hub/owner/feeds"\nform = "feed"\n'
        f'[[sources]]\nrepository = "file://{tmp_path}/hub/owner/notes"\nform = "text"\n',
        "utf-8",
    )
    return tmp_path


def run(hub: Path, *more: str) -> int:
    named = [f"--{name}={hub / file}" for name, file in (("labels", "labels.jsonl"), ("sources", "sources.toml"))]
    return main([*named, f"--out={hub / 'out'}", *more])


def rows(hub: Path) -> dict[str, dict[str, Any]]:
    with gzip.open(hub / "out" / "labelled.jsonl.gz", "rt", encoding="utf-8") as lines:
        return {row["id"]: row for row in map(json.loads, lines)}


def test_labels_get_their_text_from_the_state_that_was_labelled(
    hub: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(hub) == 0
    assert {name: row["text"] for name, row in rows(hub).items()} == {"feed": TEXT, "text": TEXT, "short": TEXT}
    assert "3 of 3 labels have their text" in capsys.readouterr().err
    # What was not asked for was not fetched: neither the other file nor the other state.
    bare = hub / "out" / "git" / "owner__feeds.git"
    kinds = git(bare, "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)").split()
    assert kinds.count("blob") == 1
    # Where the folder is the data, labels find their text.
    monkeypatch.setenv("TAOWEN_DATA", str(hub / "out"))
    assert {e.id: (e.title, e.text) for e in read_corpus(hub, ["rare_earths"])} == {
        "feed": ("稀土回收試辦", TEXT),
        "text": ("", TEXT),
        "short": ("", TEXT),
    }


def test_a_second_call_asks_for_nothing_that_is_here(hub: Path) -> None:
    assert run(hub, "--only=owner/feeds") == 1  # the others are missing
    assert set(rows(hub)) == {"feed"}
    before = (hub / "out" / "labelled.jsonl.gz").read_bytes()
    (hub / "hub" / "owner" / "feeds").rename(hub / "hub" / "gone")
    assert run(hub, "--only=owner/feeds") == 1
    assert (hub / "out" / "labelled.jsonl.gz").read_bytes() == before
    assert run(hub, "--only=owner/notes") == 0
    assert set(rows(hub)) == {"feed", "text", "short"}


def test_a_host_that_does_not_answer_leaves_the_others(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (hub / "hub" / "owner" / "feeds").rename(hub / "hub" / "gone")
    assert run(hub) == 1
    told = capsys.readouterr().err
    assert "owner/feeds: " in told
    assert "run this again to go on" in told
    assert set(rows(hub)) == {"text", "short"}
    (hub / "hub" / "gone").rename(hub / "hub" / "owner" / "feeds")
    assert run(hub) == 0
    assert set(rows(hub)) == {"feed", "text", "short"}


def test_a_file_that_is_not_there_is_told(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = hub / "labels.jsonl"
    labels.write_text(labels.read_text("utf-8").replace("deep/text.txt", "deep/other.txt"), "utf-8")
    assert run(hub) == 1
    assert "owner/notes: 1 of 2 articles are not in their files, such as text." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("sources.toml", "schema = 2\n", "has schema 2"),
        ("sources.toml", "[[", "cannot be read"),
        ("sources.toml", 'schema = 1\n[[sources]]\nrepository = "a/b"\nform = "guess"\n', "'form' one of"),
        ("sources.toml", "schema = 1\n", "does not list owner/feeds, owner/notes"),
        ("labels.jsonl", "", "holds no labels"),
    ],
)
def test_a_wrong_file_ends_with_2(
    hub: Path, capsys: pytest.CaptureFixture[str], file: str, content: str, said: str
) -> None:
    (hub / file).write_text(content, "utf-8")
    assert run(hub) == 2
    assert said in capsys.readouterr().err


def test_without_git_it_is_told(hub: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(hub))
    assert run(hub) == 2
    assert "needs git" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_told(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (hub / "out").write_text("a file stands in the way", "utf-8")
    assert run(hub) == 2
    assert "cannot be made" in capsys.readouterr().err


def test_the_order_and_the_bytes_are_those_of_the_labels(hub: Path) -> None:
    assert run(hub) == 0
    before = (hub / "out" / "labelled.jsonl.gz").read_bytes()
    assert fetch(hub / "labels.jsonl", hub / "sources.toml", hub / "out")[0] == 3
    assert (hub / "out" / "labelled.jsonl.gz").read_bytes() == before
    assert list(rows(hub)) == ["feed", "text", "short"]


def test_every_source_of_the_corpus_has_a_form() -> None:
    listed = read_sources(CORPORA / "sources.toml")
    with (CORPORA / "sources.toml").open("rb") as file:
        assert len(listed) == len(tomllib.load(file)["sources"])
    assert {json.loads(line)["repo"] for line in (CORPORA / "labels.jsonl").read_text("utf-8").splitlines()} <= set(
        listed
    )
