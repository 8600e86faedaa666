"""The bundled sample dump agrees with its gold file and its README: what the demo and the golden run stand on."""

from __future__ import annotations

import gzip
import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

CORPORA = Path(__file__).resolve().parent.parent / "corpora"
SAMPLE = CORPORA / "sample"
ENCODINGS = {
    "html/cn-quota-table.html": "gb18030",
    "html/cn-terrace-nested.html": "gb18030",
    "html/hk-clock-shop-big5.html": "big5hkscs",
    "html/tw-islands-broken.htm": "big5hkscs",
}
"""What a page's bytes are, where they are not UTF-8."""
KEYS = ["file", "id", "status", "title", "byline", "published", "source", "tags", "captions", "body", "topics"]
KEYS += ["script", "region", "note"]
TOPICAL = re.compile("稀土|关税|關稅|军演|軍演|贸易|貿易|外长|外長|防[长長]|制裁|停火|管制|南海|解放军|解放軍")
TYPES = {"tags": list, "captions": list, "body": list, "topics": list, "injected": list}
"""Fields of a gold row that are lists; the others are strings."""


def squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)


class Text(HTMLParser):
    """The visible characters of a page: enough to look paragraphs up, no more."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.silent += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self.silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.pieces.append(data)


def visible(html: str) -> str:
    parser = Text()
    parser.feed(html)
    parser.close()
    return "".join(parser.pieces)


@cache
def gold() -> tuple[dict[str, Any], ...]:
    with (CORPORA / "sample-gold.jsonl").open(encoding="utf-8") as lines:
        return tuple(json.loads(line) for line in lines)


def articles() -> list[dict[str, Any]]:
    return [row for row in gold() if row["status"] == "article"]


def files() -> list[str]:
    found = (path.relative_to(SAMPLE).as_posix() for path in SAMPLE.rglob("*") if path.is_file())
    return sorted(name for name in found if name != "README.md")


def json_lines(name: str) -> list[str]:
    raw = (SAMPLE / name).read_bytes()
    return (gzip.decompress(raw) if name.endswith(".gz") else raw).decode("utf-8").splitlines()


def warc_records(name: str) -> Iterator[tuple[str, str, bytes]]:
    """Yield type, id and block of each record; fails where a length is wrong."""
    stream = io.BytesIO(gzip.decompress((SAMPLE / name).read_bytes()))
    while (version := stream.readline()) != b"":
        assert version == b"WARC/1.0\r\n"
        headers: dict[str, str] = {}
        while (line := stream.readline()) != b"\r\n":
            key, _, value = line.decode("utf-8").strip().partition(": ")
            headers[key] = value
        block = stream.read(int(headers["Content-Length"]))
        assert stream.read(4) == b"\r\n\r\n"
        yield headers["WARC-Type"], headers["WARC-Record-ID"].removeprefix("<urn:uuid:").removesuffix(">"), block


def response_text(block: bytes) -> str:
    head, _, body = block.partition(b"\r\n\r\n")
    if b"Content-Encoding: gzip" in head:
        body = gzip.decompress(body)
    return visible(body.decode("gb18030" if b"charset=GBK" in head else "utf-8"))


@cache
def page_text(file: str, page_id: str) -> str:
    if ".jsonl" in file:
        rows = [json.loads(line) for line in json_lines(file) if line.endswith("}")]
        row = next(row for row in rows if str(row["id"]) == page_id)
        text = visible(row["html"]) if "html" in row else row["text"]
        return f"{row.get('title', '')}\n{text}"
    if ".warc." in file:
        kind, block = next((kind, block) for kind, given, block in warc_records(file) if given == page_id)
        return response_text(block) if kind == "response" else block.decode("utf-8")
    source = (SAMPLE / file).read_bytes().decode(ENCODINGS.get(file, "utf-8"))
    return source if file.endswith(".txt") else visible(source)


def test_gold_rows_have_every_key_and_known_values() -> None:
    for row in gold():
        assert [key for key in row if key != "injected"] == KEYS, row["file"]
        assert all(isinstance(value, TYPES.get(key, str)) for key, value in row.items()), row["id"]
        assert row["status"] in ("article", "no_article", "reject", "skipped")
        assert set(row["topics"]) <= {"rare_earths", "trade_war", "geopolitics"}
        assert bool(row["body"]) == (row["status"] == "article")
        if row["status"] == "article":
            assert row["script"] in ("zh-Hans", "zh-Hant")
            assert row["region"] in ("TW", "HK", "CN", "SG")
            assert re.fullmatch(r"(\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?([+]\d\d:\d\d)?)?)?", row["published"]), row["id"]


def test_gold_covers_every_file_in_the_order_of_a_sorted_walk() -> None:
    assert list(dict.fromkeys(row["file"] for row in gold())) == files()


def test_ids_are_unique_and_are_what_the_records_say() -> None:
    ids = [row["id"] for row in gold() if row["id"]]
    assert len(ids) == len(set(ids))
    for name in files():
        told = [row["id"] for row in gold() if row["file"] == name]
        if ".warc." in name:
            assert told == [given for _, given, _ in warc_records(name)]
        elif ".jsonl" in name:
            assert told == [str(json.loads(line)["id"]) if line.endswith("}") else "" for line in json_lines(name)]
        else:
            assert told == [Path(name).stem]


@pytest.mark.parametrize("row", articles(), ids=lambda row: row["id"])
def test_every_gold_paragraph_stands_in_its_page_in_order(row: dict[str, Any]) -> None:
    page = squeeze(page_text(row["file"], row["id"]))
    splice = f"(?:{'|'.join(map(re.escape, sorted(map(squeeze, row.get('injected', [])), key=len, reverse=True)))})*"
    at = 0
    for paragraph in row["body"]:
        assert paragraph == paragraph.strip(" \u3000")
        found = re.compile(splice.join(map(re.escape, squeeze(paragraph)))).search(page, at)
        assert found, f"not in the page, or out of order: {paragraph[:30]}"
        at = found.end()
    for piece in [row["title"], row["byline"], row["source"], *row["tags"], *row["captions"], *row.get("injected", [])]:
        assert squeeze(piece) in page, piece


@pytest.mark.parametrize("row", articles(), ids=lambda row: row["id"])
def test_captions_tags_and_injected_matter_are_not_in_the_body(row: dict[str, Any]) -> None:
    body = "\n".join(row["body"])
    assert not [caption for caption in row["captions"] if caption in body]
    assert row["byline"] == "" or row["byline"] not in body
    phrases = [spam for spam in row.get("injected", []) if len(spam) > 5 or not spam.isalpha()]
    assert not [spam for spam in phrases if spam in body]


def test_spoiled_pages_are_spoiled() -> None:
    spoiled = [row for row in articles() if "injected" in row]
    assert len(spoiled) >= 3
    for row in spoiled:
        page = squeeze(page_text(row["file"], row["id"]))
        assert sum(squeeze(paragraph) in page for paragraph in row["body"]) < len(row["body"])
    farm = next(row for row in spoiled if row["id"] == "farm-001")
    assert any(piece in "".join(farm["body"]) for piece in farm["injected"]), "no piece is also a word of the text"


def test_readme_counts_are_the_gold_files() -> None:
    told = re.findall(r"^\| `?([a-z./]+)`?[^|]*\| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", readme(), re.M)
    kinds = ("article", "no_article", "skipped", "reject")
    want = []
    for name in [*dict.fromkeys(row["file"].split("/")[0] for row in gold()), "all"]:
        rows = [row for row in gold() if name in ("all", row["file"].split("/")[0])]
        counts = Counter(row["status"] for row in rows)
        folder = "/" if (SAMPLE / name).is_dir() else ""
        want.append((name + folder, *map(str, (len(rows), *(counts[kind] for kind in kinds)))))
    assert told == want
    assert len([row for row in gold() if row["status"] in ("article", "no_article")]) >= 30


def readme() -> str:
    return (SAMPLE / "README.md").read_text(encoding="utf-8")


def test_topics_come_alone_together_and_not_at_all() -> None:
    sets = Counter(tuple(row["topics"]) for row in articles())
    assert sets[()] >= 10
    assert {len(topics) for topics in sets} == {0, 1, 2, 3}
    for topic in ("rare_earths", "trade_war", "geopolitics"):
        for script in ("zh-Hans", "zh-Hant"):
            assert sum(topic in row["topics"] and row["script"] == script for row in articles()) >= 2, (topic, script)


def test_off_topic_pages_carry_topical_headlines_and_the_reverse() -> None:
    tempted, calm = 0, 0
    for row in articles():
        rest = squeeze(page_text(row["file"], row["id"]))
        for own in [row["title"], *row["body"], *row["captions"], *row["tags"]]:
            rest = rest.replace(squeeze(own), "")
        topical = len(TOPICAL.findall(rest))
        tempted += not row["topics"] and topical >= 3
        calm += bool(row["topics"]) and topical == 0 and len(rest) > 100
    assert tempted >= 7
    assert calm >= 5


def test_encodings_are_what_they_should_be() -> None:
    for name, encoding in ENCODINGS.items():
        raw = (SAMPLE / name).read_bytes()
        raw.decode(encoding)
        with pytest.raises(UnicodeDecodeError):
            raw.decode("utf-8")
        assert b"charset=gb2312" in raw if encoding == "gb18030" else b"charset=big5" in raw
    with pytest.raises(UnicodeDecodeError):
        (SAMPLE / "html/cn-quota-table.html").read_bytes().decode("gb2312")
    assert "㛃".encode("gb18030") in (SAMPLE / "html/cn-quota-table.html").read_bytes()
    with pytest.raises(UnicodeDecodeError):
        (SAMPLE / "html/hk-clock-shop-big5.html").read_bytes().decode("big5")
    wrong = (SAMPLE / "html/sg-reexport-misdeclared.html").read_bytes()
    assert b"charset=gb2312" in wrong
    assert "转口" in wrong.decode("utf-8")
    assert "转口" not in wrong.decode("gb18030", "replace")


def test_rubbish_is_no_text_in_any_encoding() -> None:
    raw = (SAMPLE / "html/rubbish.html").read_bytes()
    assert b"\0" in raw
    for encoding in ("utf-8", "gb18030", "big5hkscs"):
        broken = raw.decode(encoding, "replace").count("\ufffd")
        assert broken > len(raw) / 20, encoding


def test_warc_has_every_kind_that_is_skipped() -> None:
    kinds = Counter(kind for kind, _, _ in warc_records("crawl.warc.gz"))
    assert kinds == {"warcinfo": 1, "request": 4, "response": 5, "metadata": 1}
    heads = [block.split(b"\r\n\r\n")[0] for kind, _, block in warc_records("crawl.warc.gz") if kind == "response"]
    assert sum(b" 404 " in head.splitlines()[0] for head in heads) == 1
    assert sum(b"image/png" in head for head in heads) == 1


def test_compressed_files_carry_no_clock() -> None:
    for name in ("crawl.warc.gz", "crawl.warc.wet.gz", "briefs.jsonl.gz"):
        assert (SAMPLE / name).read_bytes()[4:8] == b"\0\0\0\0", name


def test_addresses_are_reserved_names() -> None:
    for name in files():
        raw = (SAMPLE / name).read_bytes()
        text = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode("latin-1")
        hosts = re.findall(r"https?://([a-z0-9.-]+)", text)
        assert not [host for host in hosts if not host.endswith((".example", "schema.org", "w3.org"))], name


def test_nothing_is_copied_from_the_development_data() -> None:
    from pipeline.configure import shared_data

    data = shared_data()
    if data is None:
        pytest.skip("real data is absent (TAOWEN_DATA): overlap with it not checked")
    ours = squeeze("\n".join("\n".join(row["body"]) for row in articles()))
    width, stride = 14, 7  # finds every shared run of 20 characters
    shingles = {ours[i : i + width] for i in range(len(ours) - width + 1)}
    for name in ("pages-dev.jsonl.gz", "topics-dev.jsonl.gz"):
        with gzip.open(data / name, "rt", encoding="utf-8") as lines:
            for line in lines:
                real = squeeze(json.loads(line)["text"])
                shared = shingles.intersection(real[i : i + width] for i in range(0, len(real) - width + 1, stride))
                assert not shared, shared
