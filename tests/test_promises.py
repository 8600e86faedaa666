"""The promises of the design, each as a property. They are numbered as there.

Promise 2 after a crash and a resume is tests/dumps/test_local.py: a run is killed at every point where it writes.
"""

from __future__ import annotations

import ast
import gzip
import json
import random
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.article import Article, Page, Reject, Skip, cut_out, restore
from pipeline.configure import Limits
from pipeline.dumps.local import run
from pipeline.errors import PageError
from pipeline.ingest import clean
from pipeline.ingest.inputs import expand
from pipeline.ingest.read import read
from pipeline.process import Process, ProcessConfig
from pipeline.records import reject_record, to_line
from pipeline.script.fold import fold
from pipeline.topics.tagger import Tagger

ROOT = Path(__file__).resolve().parent.parent
PROCESS = Process(ProcessConfig(page_text=True))

# Texts: sentences, what stands round them on a page, and what breaks programs.

SENTENCES = (
    "海事局昨天公布調查結果，貨輪在進港前兩小時已經失去動力，船長並未立即通報塔台。",
    "当地渔民说，今年的潮水来得比往年早，他们只好提前两周把网箱拖回岸边。",
    "商務部宣布對七類中重稀土實施出口管制，企業須申報最終用途。",
    "双方同意暂停加征关税九十天，并在秋天之前举行第三轮谈判。",
    "外長會談後發表聯合聲明，呼籲在南海保持克制。",
    "「我們只是想把路修好，」村長說，「別的以後再談。」",
)
FURNITURE = (
    "首頁 > 新聞 > 國際", "延伸閱讀", "熱門新聞", "24小时热文", "上一則", "下一篇：市府公布夏季供水計畫",
    "分享到微信朋友圈", "記者王一明／綜合報導", "来源：海岸日报", "2026-02-03 10:12", "3小時前",
    "關鍵字：稀土、港口、航運", "#稀土 #港口 #航運", "▲工人在港口裝卸貨櫃。（圖／記者王一明攝）",
    "（責編：林一、陳二）", "版權所有 不得轉載", "請繼續往下閱讀...", "{{ article.title }}", "0:00", "打赏",
    "网友评论", "海事局公布貨輪失去動力調查結果",
)  # fmt: skip
HOSTILE = (
    "\x00", "\x1b[31m", "\r", "\r\n", "\n", "\n\n", "\u2028", "\x85", "\x0b", "\u202e", "\u2066", "\ufeff", "\u200b",
    "\xad", "\ud83d", "\ude00", "\ud800\udc00", "𠮷", "🏴\U000e0067\U000e007f", "\ue000", "\ufffe", "(yǎn)", "　",
    " ", "é", "ﬁ", "&#xD800;",
)  # fmt: skip
ANY = st.text(st.characters(), max_size=40)
"""Every code point, lone surrogates and NUL too."""
PIECES = st.one_of(st.sampled_from(SENTENCES), st.sampled_from(FURNITURE), st.sampled_from(HOSTILE), ANY)
TEXTS = st.one_of(
    st.text(st.characters(), max_size=200),
    st.lists(PIECES, max_size=30).map("".join),
    st.lists(st.one_of(PIECES, st.sampled_from(SENTENCES)), max_size=30).map("\n".join),
)
TAGS = (
    "<p>", "</p>", "<div>", "</div>", "<div class='related hot'>", "<article>", "</article>", "<nav>", "</nav>",
    "<h1>", "</h1>", "<a href='/x'>", "</a>", "<span>", "</span>", "<li>", "<ul>", "</ul>", "<table><tr><td>",
    "</td><td>", "</table>", "<br>", "<br/>", "<pre>", "</pre>", "<script>", "</script>", "<style>", "</style>",
    "<!--", "-->", "<textarea>", "</textarea>", "<template>", "</template>", "<svg>", "</svg>", "<title>", "</title>",
    "<head>", "</head>", "<body>", "</html>", "<html lang='zh'>", "<div style='display:none'>", "<p hidden>",
    "<figure><img src=x><figcaption>", "</figcaption></figure>", "<![CDATA[", "]]>",
    "<meta property='og:title' content='貨輪'>", "<script type='application/ld+json'>{\"@type\":\"NewsArticle\"}",
    "<p", "<", ">", "'", "&nbsp;", "&lt;p&gt;", "&#0;", "&#x1F600;", "&notanentity;", "&#x202e;", "<base href='//['>",
    "<link rel=canonical href='http://['>",
)  # fmt: skip
HTML = st.lists(st.one_of(st.sampled_from(TAGS), st.sampled_from(TAGS), PIECES), max_size=40).map("".join)


@cache
def sample_pages() -> tuple[Page, ...]:
    sources = expand([str(ROOT / "corpora" / "sample")])
    return tuple(page for source in sources for page in read(source) if isinstance(page, Page))


@cache
def sample_records() -> tuple[Page | Reject | Skip, ...]:
    return tuple(found for source in expand([str(ROOT / "corpora" / "sample")]) for found in read(source))


@cache
def sample_rows() -> tuple[dict[str, Any] | Reject | Skip, ...]:
    return tuple(PROCESS.rows(sample_records()))


def written_rows() -> list[dict[str, Any]]:
    return [row for row in sample_rows() if isinstance(row, dict)]


@cache
def own_articles() -> tuple[dict[str, Any], ...]:
    files = sorted((ROOT / "corpora").glob("articles-*.jsonl"))
    return tuple(json.loads(line) for file in files for line in file.read_text("utf-8").splitlines())


@cache
def tagger() -> Tagger:
    return Tagger.load()


# 1. Kept text and cuts rebuild the page text.


def check_rebuild(article: Article) -> None:
    assert restore(article.text, article.cuts) == article.page_text
    assert cut_out(article.page_text, article.cuts) == article.text  # sorted, disjoint, each cites the page
    for cut in article.cuts:
        assert cut.kind
        assert cut.reason
        assert cut.text
    assert 0 <= article.integrity <= 1
    for start, end in article.doubts:
        assert 0 <= start < end <= len(article.page_text)
        assert not any(cut.start < end and start < cut.end for cut in article.cuts), "a doubt that was cut"
    if article.status == "no_article":
        assert article.reason
        assert not article.text.strip()
    else:
        assert not article.reason
        assert article.text.strip(), "an article without a text"


@given(TEXTS, st.sampled_from(("", "海事局公布貨輪失去動力調查結果", "\ud800\x00")))
@settings(max_examples=150)
@example("", "")
@example("\ud800", "")
@example("\x00\r\n\u202e\u2028\U0010ffff", "")
def test_1_any_text_is_rebuilt(text: str, title: str) -> None:
    article = clean(Page(id="1", text=text, title=title))
    assert article.page_text == text
    check_rebuild(article)


@given(HTML)
@settings(max_examples=150)
@example("")
@example("<title>a</title>")
def test_1_any_html_is_rebuilt(html: str) -> None:
    check_rebuild(clean(Page(id="1", html=html, url="https://a.example/2026/02/03/x.html")))


@given(
    st.binary(max_size=80),
    st.sampled_from(("", "utf-8", "gb2312", "big5", "utf-16", "no-such-charset", "x-user-defined")),
)
def test_1_any_bytes_are_rebuilt_or_rejected(body: bytes, charset: str) -> None:
    try:
        article = clean(Page(id="1", html=b"<p>" + SENTENCES[0].encode() + body, charset=charset))
    except PageError:
        return
    check_rebuild(article)


@given(st.data())
@settings(max_examples=50)
def test_1_spoiled_sample_pages_are_rebuilt(data: st.DataObject) -> None:
    """Pages cut short, doubled, put together, with their lines in another order and hostile pieces inside."""
    pages = st.sampled_from(sample_pages())
    page = data.draw(pages)
    source = page.html if isinstance(page.html, str) else page.text
    if source is None:
        assert isinstance(page.html, bytes)
        source = page.html.decode("utf-8", "replace")
    other = data.draw(pages)
    for step in data.draw(
        st.lists(st.sampled_from(("cut", "double", "join", "shuffle", "splice", "fold")), max_size=4)
    ):
        a = data.draw(st.integers(0, len(source)))
        b = data.draw(st.integers(a, len(source)))
        if step == "cut":
            source = source[:a] + source[b:]
        elif step == "double":
            source = source[:b] + source[a:]
        elif step == "join":
            source += str(other.text or other.html)
        elif step == "shuffle":
            lines = source.split("\n")
            random.Random(a).shuffle(lines)
            source = "\n".join(lines)
        elif step == "splice":
            source = source[:a] + data.draw(PIECES) + source[a:]
        else:
            source = fold(source)
        source = source[:20_000]
    html = page.html is not None
    check_rebuild(clean(Page(id="1", html=source) if html else Page(id="1", text=source, title=page.title)))


def test_1_the_rows_of_the_sample_rebuild_their_pages() -> None:
    texts = {page.id: page.text for page in sample_pages() if page.text is not None}
    for row in written_rows():
        read_back = json.loads(to_line(row))
        last, kept = 0, []
        for cut in read_back["cuts"]:
            assert last <= cut["start"] < cut["end"]
            assert read_back["page_text"][cut["start"] : cut["end"]] == cut["text"]
            kept.append(read_back["page_text"][last : cut["start"]])
            last = cut["end"]
        assert "".join(kept) + read_back["page_text"][last:] == read_back["text"]
        assert row["id"] not in texts or read_back["page_text"] == texts[row["id"]]


# 2. read = written + rejected + skipped.

LINES = st.one_of(
    st.sampled_from(
        (
            json.dumps({"id": 1, "text": SENTENCES[0]}),
            '{"text": ""}',
            '{"id": "x"}',
            json.dumps({"id": "h", "html": "<p>" + SENTENCES[1]}),
            '{"text": "\\ud800"}',
            '{"text": 3}',
            "[]",
            "{broken",
            "null",
            '{"id": null, "text": "x", "title": [], "url": "http://["}',
            json.dumps({"text": "長" * 600}),
            json.dumps({"html": "<p>a" * 60}),
        )
    ),
    st.dictionaries(
        st.sampled_from(("id", "text", "html", "title", "date", "url", "crawled", "q")), st.one_of(ANY, st.integers())
    ).map(json.dumps),
)


@given(st.lists(LINES, max_size=12))
@settings(max_examples=40)
def test_2_every_record_is_written_rejected_or_skipped(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str]
) -> None:
    file = tmp_path_factory.mktemp("lines") / "in.jsonl"
    file.write_text("\n".join([SEEN, *lines]), "utf-8")
    limits = Limits(page_bytes=1500, blocks=50)
    process = Process(ProcessConfig(tag=False, limits=limits))
    results = list(process.rows(read(str(file), limits=limits)))
    assert len(results) == 1 + len(lines)
    places = [r["position"] if isinstance(r, dict) else r.position for r in results]
    assert places == sorted(set(places)), "in input order, each record once"
    for result in results:
        if isinstance(result, Reject):
            assert result.reason
            assert result.stage
        elif isinstance(result, dict):
            assert result["status"] in ("article", "no_article")
            assert bool(result["reason"]) == (result["status"] == "no_article")


SEEN = json.dumps({"id": "first", "text": SENTENCES[0]}, ensure_ascii=False)
"""Makes the file a JSON lines file at a glance."""


def test_2_the_sample_balances() -> None:
    kinds = [type(result).__name__ for result in sample_rows()]
    assert len(kinds) == len(sample_records())
    assert (kinds.count("dict"), kinds.count("Reject"), kinds.count("Skip")) == (49, 3, 9)


# 3. The script changes no tag; order, batches and workers change no byte.


def told(texts: Sequence[str], titles: Sequence[str]) -> list[list[tuple[str, float, list[tuple[str, int, int]]]]]:
    tagged = tagger().tag(texts, titles, thresholds=dict.fromkeys(tagger().topics, 0.0))
    return [[(t.id, t.score, [(e.field, e.start, e.end) for e in t.evidence]) for t in tags] for tags in tagged]


def test_3_both_scripts_of_a_kept_text_have_the_same_tags() -> None:
    rows = written_rows()
    texts = [row["text"] for row in rows] + [article["text"] for article in own_articles()]
    titles = [row["title"] for row in rows] + [article["title"] for article in own_articles()]
    given_tags = told(texts, titles)
    assert given_tags == told([fold(text) for text in texts], [fold(title) for title in titles])
    assert sum(any(score > 0.5 for _, score, _ in tags) for tags in given_tags) > 100


@given(st.lists(st.tuples(TEXTS, st.one_of(st.just(""), PIECES)), max_size=4))
def test_3_both_scripts_of_any_text_have_the_same_tags(articles: list[tuple[str, str]]) -> None:
    texts, titles = [text for text, _ in articles], [title for _, title in articles]
    assert told(texts, titles) == told([fold(text) for text in texts], [fold(title) for title in titles])


def place(result: dict[str, Any] | Reject | Skip) -> tuple[str, int]:
    return (result["input"], result["position"]) if isinstance(result, dict) else (result.input, result.position)


def as_line(result: dict[str, Any] | Reject | Skip) -> bytes:
    if isinstance(result, Skip):
        return f"{result}\n".encode()
    return to_line(reject_record(result) if isinstance(result, Reject) else result)


def test_3_order_and_batches_change_no_byte() -> None:
    wanted = {place(result): as_line(result) for result in sample_rows()}
    records = list(sample_records())
    random.Random(3).shuffle(records)
    source = iter(records)
    sizes = iter([1] * 40)  # then by sevens; the rows to compare with came in one batch
    fresh = Process(PROCESS.config)
    found: dict[tuple[str, int], bytes] = {}
    while batch := list(islice(source, next(sizes, 7))):
        results = list(fresh.rows(batch))
        assert [place(result) for result in results] == [(record.input, record.position) for record in batch]
        found |= {place(result): as_line(result) for result in results}
    assert {where for where in wanted if wanted[where] != found[where]} == set()


def test_3_workers_change_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    make = partial(Process, PROCESS.config)
    files: list[dict[str, bytes]] = []
    for workers in (1, 2):
        out = tmp_path / str(workers)
        done = run(["corpora/sample/text", "corpora/sample/pages.jsonl"], out, make, workers=workers, task_bytes=6000)
        assert done.complete
        assert done.tasks >= 4
        parts = sorted([*(out / "parts").iterdir(), *(out / "rejects").iterdir()])
        files.append({f"{part.parent.name}/{part.name}": part.read_bytes() for part in parts})
    assert files[0] == files[1]
    lines = [line for name, part in sorted(files[0].items()) if name.startswith("parts") for line in part.splitlines()]
    alone = {row["id"]: row for row in written_rows()}
    for row in map(json.loads, lines):
        assert row == alone[row["id"]] | {"input": row["input"]}  # `input` is as given: here from the root


# 4. A clean article comes out unchanged.

FIELDS = {"title", "date", "byline", "source", "caption", "tags", "tag_line"}
"""Kinds of cuts whose text moves into a field."""


def changed(article: Article) -> str:
    """What was cut from an article that is no field of it, "" if nothing was."""
    if article.status != "article":
        return article.reason
    return "; ".join(f"{c.kind} ({c.reason}): {c.text[:30]!r}" for c in article.cuts if c.kind not in FIELDS)


def robbed(article: Article) -> str:
    """Which prose was cut from an article, or what out of its sentences, "" if nothing was.

    Publishers leave credits, disclaimers and links under their texts: lines without a sentence, or that a rule names.
    """
    if article.status != "article":
        return article.reason
    spliced = [c for c in article.cuts if c.kind in ("search_phrase", "title_piece", "gloss")]
    named = ("rule ", "under the heading")
    prose = [c for c in article.cuts if set(c.text) & set("。！？") and not c.reason.startswith(named)]
    lost = [c for c in prose if c.kind not in FIELDS] + spliced
    return "; ".join(f"{c.kind} ({c.reason}): {c.text[:30]!r}" for c in lost)


def check_share(articles: Iterable[tuple[str, str]], least: float) -> None:
    results = list(articles)
    harmed = [f"{name}: {what}" for name, what in results if what]
    share = 1 - len(harmed) / len(results)
    summary = f"{share:.4f} of {len(results)} clean articles come out unchanged; not these:\n" + "\n".join(harmed)
    print(summary)  # `pytest -rP` shows it
    assert share >= least, summary


@pytest.mark.parametrize("titled", [False, True], ids=["text", "title and text"])
def test_4_own_articles_come_out_unchanged(titled: bool) -> None:
    chosen = own_articles()[::2] if titled else own_articles()
    pages = [Page(id=a["id"], text=f"{a['title']}\n{a['text']}" if titled else a["text"]) for a in chosen]
    check_share(((page.id, changed(clean(page))) for page in pages), 0.99)


def test_4_real_articles_lose_no_prose(shared: Path) -> None:
    with gzip.open(shared / "news-pool.jsonl.gz", "rb") as lines:
        rows = [json.loads(line) for line in islice(lines, 100, None, 198)]
    assert len(rows) == 200
    pages = [Page(id=row["id"], text=row["text"], title=row["title"]) for row in rows]
    check_share(((page.id, robbed(clean(page))) for page in pages), 0.97)


def test_4_a_subhead_behind_a_bullet_is_no_caption() -> None:
    subheads = ["■ 第一道工序", "■ 誰來付錢"]
    text = "\n".join([SENTENCES[0] * 2, subheads[0], SENTENCES[4] * 2, subheads[1], SENTENCES[2] * 2, SENTENCES[5]])
    kept = clean(Page(id="1", text=text)).text
    assert all(subhead in kept for subhead in subheads)


# 5. Every tag cites the kept text or the title.


def check_evidence(row: dict[str, Any]) -> None:
    for topic in row["topics"]:
        assert topic["evidence"], topic
        for span in topic["evidence"]:
            assert span["field"] in ("text", "title")
            assert span["text"] == row[span["field"]][span["start"] : span["end"]] != ""


def test_5_an_article_in_another_language_has_no_tags() -> None:
    japanese = (
        "中国のレアアース輸出規制、自動車業界に影響\n\n中国政府は先月、重希土類など七種類のレアアース（希土類）の輸出規制を発表した。"
        "関税措置への対抗とみられ、貿易戦争は激化している。稀土の輸出許可の審査に時間がかかり、磁石の調達に苦慮しているという。\n"
        "専門家は、中国への依存を減らす必要があると指摘する。政府は関係国と協議を続けるとしている。"
    )
    process = Process(ProcessConfig())
    assert process.tagger.tag([japanese])[0], "the model by itself is misled"
    (row,) = process.rows([Page(id="ja", text=japanese)])
    assert isinstance(row, dict)
    assert (row["script"], row["language"], row["topics"], row["primary"]) == ("other", "ja", [], "")


def test_5_tags_of_the_sample_cite_what_was_kept() -> None:
    rows = written_rows()
    assert sum(len(row["topics"]) for row in rows) > 15
    for row in rows:
        check_evidence(row)
        assert row["status"] == "article" or not row["topics"]
        # The removed text has no part in a tag: the kept text and the title alone give the same.
        alone = tagger().tag([row["text"] if row["status"] == "article" else ""], [row["title"]])[0]
        assert [(t.id, t.score) for t in alone] == [(t["id"], t["score"]) for t in row["topics"]]


@given(TEXTS, st.booleans())
@settings(max_examples=40)
def test_5_tags_of_any_page_cite_what_was_kept(text: str, html: bool) -> None:
    page = Page(id="1", html=f"<p>{text}") if html else Page(id="1", text=text)
    (row,) = EVERY_TOPIC.rows([page])
    assert isinstance(row, dict)
    check_evidence(row)
    untagged = row["status"] == "no_article" or row["script"] == "other" or not re.search(r"\w", row["text"])
    assert len(row["topics"]) == len(tagger().topics) or untagged


EVERY_TOPIC = Process(ProcessConfig(thresholds=(("geopolitics", 0.0), ("rare_earths", 0.0), ("trade_war", 0.0))))


# 6. Nothing is unpickled, nothing is called, no clock is read.

UNPICKLERS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "torch"}
NETWORK = {"socket", "urllib.request", "http", "requests", "httpx", "aiohttp", "ftplib", "smtplib", "huggingface_hub"}
CLOCK = {
    ("time", "time"),
    ("time", "time_ns"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
}
CLOCK |= {("time", "localtime"), ("time", "gmtime"), ("time", "strftime")}


def sources(*rooms: str) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / "pipeline").rglob("*.py")):
        name = path.relative_to(ROOT / "pipeline").as_posix()
        if not rooms or name.split("/")[0] in rooms:
            yield name, ast.parse(path.read_text("utf-8"))


def forbidden(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.split(".")[0] in UNPICKLERS or a.name in NETWORK)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module.split(".")[0] in UNPICKLERS or node.module in NETWORK:
                yield node.module
            if (node.module, "request") in ((node.module, a.name) for a in node.names) and node.module == "urllib":
                yield "urllib.request"
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec", "__import__"):
                yield node.func.id
            for word in node.keywords:
                if word.arg == "allow_pickle" and not (
                    isinstance(word.value, ast.Constant) and word.value.value is False
                ):
                    yield "allow_pickle"
            attribute = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            owner = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
            if (
                attribute == "load"
                and owner in ("np", "numpy")
                and not any(w.arg == "allow_pickle" for w in node.keywords)
            ):
                yield "np.load without allow_pickle=False"
            if attribute == "system" and owner == "os":
                yield "os.system"


def clocks(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (ast.unparse(node.value).split(".")[-1], node.attr) in CLOCK:
            yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            yield "from time"


def test_6_the_source_has_no_unpickling_and_no_network() -> None:
    assert {name: list(forbidden(tree)) for name, tree in sources() if list(forbidden(tree))} == {}


def test_6_the_clock_is_not_read_for_content() -> None:
    rooms = ("ingest", "script", "topics", "process.py", "records.py", "article.py", "conversion.py")
    assert {name: list(clocks(tree)) for name, tree in sources(*rooms) if list(clocks(tree))} == {}


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from joblib import load",
        "np.load(f)",
        "np.load(f, allow_pickle=True)",
        "eval('1')",
        "from urllib import request",
    ],
)
def test_6_the_scan_finds_what_it_looks_for(code: str) -> None:
    assert list(forbidden(ast.parse(code)))


@pytest.mark.parametrize(
    "code", ["time.time()", "datetime.now()", "datetime.datetime.now(tz)", "from time import time", "date.today()"]
)
def test_6_the_scan_finds_clocks(code: str) -> None:
    assert list(clocks(ast.parse(code)))


AUDITED = """
import sys
told = []
# marshal.loads is how Python reads its own .pyc; jieba would read its cache by marshal.load.
never = ("pickle.find_class", "marshal.load", "subprocess.Popen", "os.system")
def hook(event, arguments):
    if event.startswith(("socket.", "urllib.", "http.")) or event in never:
        told.append((event, str(arguments)[:80]))
        raise RuntimeError(f"{event} {arguments}")
sys.addaudithook(hook)
from pipeline.cli import main
sys.argv[0] = "taowen"
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
assert not told, told
"""


@pytest.mark.parametrize("verb", ["tag", "explain", "convert --to zh-Hant-TW"])
def test_6_a_command_opens_no_socket_and_unpickles_nothing(verb: str) -> None:
    page = "corpora/sample/text/cn-rare-earth-price.txt"
    pages = (
        [page, "corpora/sample/html/tw-feature-ores.html", "corpora/sample/crawl.warc.gz"] if verb == "tag" else [page]
    )
    command = [sys.executable, "-c", AUDITED, *verb.split(), *pages]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "稀土" in done.stdout
