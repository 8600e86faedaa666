from __future__ import annotations

import json
import random
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal
from xml.etree import ElementTree

import pyarrow.parquet
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from spacy.tokens import DocBin

from pipeline.errors import InputError, UsageError
from pipeline.topics.exchange import Imported, Span, Task, Utf16, chosen, joined, parted
from pipeline.topics.formats import FORMATS, import_labels, packed, places, told
from pipeline.topics.taxonomy import read_taxonomy

TAXONOMY = read_taxonomy()
SCRAPS = (
    *("稀土", "關稅", "关税", "。", "，", "記者", "A", "b7", " ", "  ", "\n", "\n\n", "\t", "\r\n", "\u3000", "\u2028"),
    *(
        "𠮷",
        "𪚥",
        "😀",
        "👨‍👩‍👧",
        "e\u0301",
        "\ufeff",
        "\u200b",
        "\x85",
        "<b>",
        "&amp;",
        '"',
        "\\",
        "__label__x",
        "␠",
        "␛␊",
        "␞",
    ),
    *("none", "[]", "{", ",", "\x0b", "\x0c"),
)


def article(number: int, seed: str = "") -> Task:
    """An article of scraps: astral characters, line breaks, what formats use as marks, and overlapping spans."""
    chance = random.Random(f"{seed}{number}")

    def text(least: int, most: int) -> str:
        return "".join(chance.choice(SCRAPS) for _ in range(chance.randint(least, most)))

    title, body = text(0, 6) if chance.random() < 0.8 else "", text(3, 60)
    spans = set()
    for _ in range(chance.choice((0, 0, 2, 5))):
        name: Literal["text", "title"] = "title" if title and chance.random() < 0.2 else "text"
        size = len(title if name == "title" else body)
        start = chance.randrange(size)
        spans.add(Span(name, start, chance.randint(start + 1, size), chance.choice(TAXONOMY.ids)))
    topics = tuple(sorted(chance.sample(TAXONOMY.ids, chance.randint(0, 3))))
    read = chance.random() < 0.7
    meta = {"source": f"報{number % 7}", "date": "2024-05-07", "why": "margin: 𠮷 <.5>"} if number % 5 else {}
    return Task(f"a{number}", title, body, topics if read else None, () if read else topics, tuple(sorted(spans)), meta)


THOUSAND = tuple(article(number) for number in range(1000))


def written(tasks: Sequence[Task], name: str, path: Path) -> None:
    for place, content in packed(tasks, name, TAXONOMY, path).items():
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)


def there_and_back(
    name: str, tasks: tuple[Task, ...], folder: Path
) -> tuple[list[str], tuple[Task, ...], tuple[str, ...]]:
    path = folder / f"{name}.file"
    written(tasks, name, path)
    _, found = import_labels(path, name)
    assert not found.notes
    beside = 1 if FORMATS[name].beside else 0
    lost = told(tasks, name, path)
    return lost[: len(lost) - beside], found.tasks, found.problems


def test_the_thousand_have_what_makes_it_hard() -> None:
    assert any("𠮷" in t.text[: s.start] for t in THOUSAND for s in t.spans), "an astral character before a span"
    assert any(a.start < b.start < a.end for t in THOUSAND for a in t.spans for b in t.spans if a.field == b.field)
    assert any("\n" in t.text and "\n" in t.title for t in THOUSAND)
    assert {None, ()} < {t.labels for t in THOUSAND}


@pytest.mark.parametrize("name", FORMATS)
def test_a_thousand_articles_go_there_and_back_exactly(name: str, tmp_path: Path) -> None:
    lost, found, problems = there_and_back(name, THOUSAND, tmp_path)
    assert (lost, problems) == ([], ())
    assert found == THOUSAND


def test_a_thousand_articles_go_through_parquet_exactly(tmp_path: Path) -> None:
    written(THOUSAND, "datasets", tmp_path / "x.parquet")
    assert import_labels(tmp_path / "x.parquet") == ("datasets", Imported(THOUSAND))


LABELLED = tuple(task for task in THOUSAND if task.labels is not None)


def test_a_file_of_fasttext_by_itself_keeps_title_text_and_labels_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "x"
    written(THOUSAND, "fasttext", path)
    beside = places("fasttext", path)[1]
    assert told(THOUSAND, "fasttext", path) == [
        f"fastText has place for labels and words only; ids, spans and all else are in {beside}, for 'taowen label'."
    ]
    beside.unlink()
    _, found = import_labels(path)
    assert [(t.title, t.text, t.labels) for t in found.tasks] == [(t.title, t.text, t.labels) for t in LABELLED]
    assert found.problems == () and len(found.notes) == 1 and beside.name in found.notes[0]
    assert path.read_bytes().count(b"\n") == len(LABELLED), "a line an article"
    plain = Task("1", "", "稀土出口管制", ("trade_war",))
    assert FORMATS["fasttext"].write is not None
    words = FORMATS["fasttext"].write([plain], TAXONOMY).decode()
    assert words.startswith("__label__trade_war ") and words.count(" ") > 1, "Chinese is cut into words"


def test_fasttext_itself_reads_the_lines_as_they_are_meant(tmp_path: Path) -> None:
    fasttext = pytest.importorskip("fasttext", reason="fastText is not installed")
    written(THOUSAND, "fasttext", tmp_path / "x")
    model = fasttext.train_supervised(str(tmp_path / "x"), dim=2, epoch=1, thread=1, minn=0, maxn=0, verbose=0)
    labels = {f"__label__{label}" for task in LABELLED for label in task.labels or ("none",)}
    assert set(model.get_labels()) == labels
    words = {
        word
        for line in (tmp_path / "x").read_text("utf-8").split("\n")
        for word in line.split(" ")
        if not word.startswith("__label__")
    }
    assert set(model.get_words()) - {"</s>"} == words - {""}


@given(st.data())
def test_lines_in_any_order_and_with_other_labels_find_their_rows(data: st.DataObject) -> None:
    tasks = (*THOUSAND[:12], replace(THOUSAND[1], id="twin"))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "x"
        written(tasks, "fasttext", path)
        lines = path.read_text("utf-8").split("\n")[:-1]
        path.write_text("".join(f"{line}\n" for line in data.draw(st.permutations(lines))), "utf-8")
        assert import_labels(path, "fasttext")[1] == Imported(tasks)


def test_labels_that_were_changed_in_the_lines_win(tmp_path: Path) -> None:
    marked = replace(
        next(task for task in LABELLED if task.spans and task.labels == ("trade_war",)),
        meta={"source": "報", "labelled_by": "ann", "labelled_at": "2024", "certainty": "sure"},
    )
    unread = next(task for task in THOUSAND if task.labels is None)
    path = tmp_path / "x"
    written((marked, unread), "fasttext", path)
    line = path.read_text("utf-8")
    more = FORMATS["fasttext"].write
    assert more is not None
    added = more([replace(unread, labels=("geopolitics",))], TAXONOMY).decode()
    path.write_text(line.replace("__label__trade_war", "__label__none") + added, "utf-8")
    _, found = import_labels(path)
    assert found.tasks == (
        replace(marked, labels=(), meta={"source": "報"}),
        replace(unread, labels=("geopolitics",), suggested=()),
    )


def test_rows_that_are_not_those_of_the_lines_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x"
    written(THOUSAND[:20], "fasttext", path)
    whole = path.read_text("utf-8")
    first, rest = whole.split("\n", 1)
    beside = places("fasttext", path)[1]
    rows = beside.read_text("utf-8")
    for content, message in (
        (rest, "has no line"),
        (whole + "__label__none 別的 文章\n", "line .* has no row"),
        (whole.replace("稀土", "稀有 土"), "has no (line|row)"),
        (whole + first + "\n", "has no row"),
    ):
        path.write_text(content, "utf-8")
        with pytest.raises(InputError, match=message) as caught:
            import_labels(path)
        assert str(beside) in str(caught.value) and "Export both again" in str(caught.value)
    path.write_text(whole, "utf-8")
    beside.write_text(re.sub('"labels": ?null', '"labels": "x"', rows), "utf-8")
    with pytest.raises(InputError, match="must be a list"):
        import_labels(path)


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_articles_give_the_same_bytes(name: str, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        written(THOUSAND[:50], name, tmp_path / folder / "x")
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert files and all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_told_by_its_content(name: str, tmp_path: Path) -> None:
    labelled = tuple(task for task in THOUSAND[:40] if task.labels is not None)
    written(labelled, name, tmp_path / "x")
    assert import_labels(tmp_path / "x")[0] == name


@pytest.mark.parametrize("name", FORMATS)
def test_half_characters_are_kept_or_told(name: str, tmp_path: Path) -> None:
    task = Task("1", "", "前\ud800後", ("trade_war",))
    lost, (found,), _ = there_and_back(name, (task,), tmp_path)
    if any("half a surrogate" in line for line in lost):
        assert found.text == "前\ufffd後"
    else:
        assert found.text == task.text


def test_offsets_are_in_the_unit_of_the_tool(tmp_path: Path) -> None:
    task = Task("1", "𠮷", "😀稀土😀", ("rare_earths",), spans=(Span("text", 1, 3, "rare_earths"),))

    def row(name: str) -> Any:
        write = FORMATS[name].write
        assert write is not None
        found = json.loads(write([task], TAXONOMY))
        return found[0] if isinstance(found, list) else found

    studio = row("labelstudio")["annotations"][0]["result"][1]
    assert studio["value"] == {"start": 1, "end": 3, "text": "稀土", "labels": ["rare_earths"]}
    assert row("argilla")["suggestions"]["evidence_text"]["value"] == [{"start": 2, "end": 4, "label": "rare_earths"}]
    assert row("doccano")["entities"] == [[6, 8, "rare_earths"]], "title 2, line breaks 2, emoji 2"
    written([task], "datasets", tmp_path / "d.parquet")
    (saved,) = pyarrow.parquet.read_table(tmp_path / "d.parquet").to_pylist()
    assert [saved["text"][s["start"] : s["end"]] for s in saved["spans"]] == ["稀土"], "code points, as Python has them"
    written([task], "spacy", tmp_path / "d.spacy")
    (doc,) = DocBin().from_disk(tmp_path / "d.spacy").get_docs(spacy.blank("zh").vocab)
    (mark,) = doc.spans["taowen"]
    assert (mark.text, mark.label_, [token.text for token in doc[: mark.start]]) == (
        "稀土",
        "rare_earths",
        ["𠮷", "\n", "\n", "😀"],
    )
    assert row("prodigy")["spans"] == [{"start": 4, "end": 6, "label": "rare_earths"}], "title 1, breaks 2, emoji 1"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_utf16_offsets_are_those_of_utf16(text: str) -> None:
    units = Utf16(text)
    for place in range(len(text) + 1):
        unit = len(text[:place].encode("utf-16-le")) // 2
        assert units.units(place) == unit and units.points(unit) == place
    total = len(text.encode("utf-16-le")) // 2
    good = {units.units(place) for place in range(len(text) + 1)}
    for unit in {-1, total + 1, *range(total)} - good:
        with pytest.raises(ValueError, match="offset"):
            units.points(unit)


def test_one_text_is_parted_again_and_not_where_it_was_changed() -> None:
    task = article(3)
    text, spans = joined(task)
    assert parted(text, len(task.title), spans, "a") == (task.title, task.text, task.spans)
    with pytest.raises(ValueError, match="another length"):
        parted("題目文字", 2, [], "a")
    with pytest.raises(ValueError, match="border"):
        parted("題目\n\n文字", 2, [(1, 5, "x")], "a")
    with pytest.raises(ValueError, match="outside"):
        parted("題目\n\n文字", 2, [(4, 9, "x")], "a")


def test_none_is_a_choice_and_no_choice_is_no_label() -> None:
    assert (chosen(["none"]), chosen([]), chosen(["b", "a"])) == ((), None, ("a", "b"))
    with pytest.raises(ValueError, match="both"):
        chosen(["none", "a"])
    with pytest.raises(UsageError, match="twice"):
        packed([article(1), article(1)], "jsonl", TAXONOMY, Path("never"))


def as_json(folder: Path, content: object) -> Path:
    path = folder / "x.json"
    path.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    return path


def studio(*annotations: dict[str, Any], text: str = "😀稀土出口") -> dict[str, Any]:
    return {"id": 7, "data": {"id": "a", "title": "題", "text": text}, "annotations": list(annotations)}


def note(*choices: str, by: object = 1, **more: Any) -> dict[str, Any]:
    choice = {"from_name": "topics", "to_name": "text", "type": "choices", "value": {"choices": list(choices)}}
    return {
        "completed_by": by,
        "updated_at": "2024-06-01T10:00:00Z",
        "result": [choice, *more.pop("marks", [])],
        **more,
    }


def test_label_studio_tells_who_labelled_and_when(tmp_path: Path) -> None:
    person = {"id": 3, "email": "reader@paper.example"}
    _, found = import_labels(as_json(tmp_path, [studio(note("trade_war", by=person))]))
    (task,) = found.tasks
    assert (task.id, task.title, task.labels) == ("a", "題", ("trade_war",))
    assert task.meta == {"labelled_by": "reader@paper.example", "labelled_at": "2024-06-01T10:00:00Z"}


def test_readers_who_agree_count_once_and_who_do_not_are_told(tmp_path: Path) -> None:
    _, found = import_labels(as_json(tmp_path, [studio(note("none", by=2), note("none", by=1))]))
    assert found.tasks[0].labels == () and found.tasks[0].meta["labelled_by"] == "1, 2"
    _, found = import_labels(as_json(tmp_path, [studio(note("none", by=2), note("trade_war", by=1))]))
    assert found.tasks[0].labels is None and found.problems == ("a: not agreed (2: none; 1: trade_war)",)
    _, found = import_labels(as_json(tmp_path, [studio(note("none"), note("trade_war", ground_truth=True))]))
    assert found.tasks[0].labels == ("trade_war",) and not found.problems


def test_cancelled_and_empty_annotations_are_no_labels(tmp_path: Path) -> None:
    _, found = import_labels(as_json(tmp_path, [studio(note("trade_war", was_cancelled=True))]))
    assert found.tasks[0].labels is None and not found.problems
    _, found = import_labels(as_json(tmp_path, [studio({"result": []})]))
    assert not found.tasks and "no choice of topics" in found.problems[0]


def test_label_studio_spans_of_old_versions_are_read_by_their_text(tmp_path: Path) -> None:
    def span(start: int, end: int, text: str) -> dict[str, Any]:
        value = {"start": start, "end": end, "text": text, "labels": ["rare_earths"]}
        return {"to_name": "text", "type": "labels", "value": value}

    for start, end in ((1, 3), (2, 4)):  # code points, UTF-16 units
        _, found = import_labels(as_json(tmp_path, [studio(note("none", marks=[span(start, end, "稀土")]))]))
        assert found.tasks[0].spans == (Span("text", 1, 3, "rare_earths"),)
    _, found = import_labels(as_json(tmp_path, [studio(note("none", marks=[span(0, 2, "出口")]))]))
    assert not found.tasks and "does not stand at its place" in found.problems[0]


def test_the_interface_for_label_studio_is_xml_with_every_topic_and_none(tmp_path: Path) -> None:
    written(THOUSAND[:1], "labelstudio", tmp_path / "t.json")
    root = ElementTree.parse(places("labelstudio", tmp_path / "t.json")[1]).getroot()
    assert root.tag == "View"
    assert [choice.get("value") for choice in root.iter("Choice")] == [*TAXONOMY.ids, "none"]
    assert {text.get("name"): text.get("value") for text in root.iter("Text")} == {"title": "$title", "text": "$text"}


def test_what_the_tools_write_themselves_is_read(tmp_path: Path) -> None:
    doccano = {
        "id": 4,
        "text": "😀稀土",
        "label": [[2, 4, "rare_earths"], "trade_war"],
        "Comments": [],
        "username": "ann",
    }
    _, found = import_labels(as_json(tmp_path, doccano))
    assert found.tasks == (
        Task(
            "4", "", "😀稀土", ("trade_war",), spans=(Span("text", 1, 3, "rare_earths"),), meta={"labelled_by": "ann"}
        ),
    )
    prodigy: dict[str, Any] = {
        "text": "稀土",
        "meta": {"id": "p"},
        "options": [],
        "accept": ["none"],
        "answer": "accept",
    }
    prodigy |= {"_timestamp": 1717236000, "_annotator_id": "bo", "_input_hash": 1}
    _, found = import_labels(as_json(tmp_path, prodigy))
    assert found.tasks == (
        Task("p", "", "稀土", (), meta={"labelled_by": "bo", "labelled_at": "2024-06-01T10:00:00+00:00"}),
    )
    _, found = import_labels(as_json(tmp_path, prodigy | {"answer": "ignore"}))
    assert found.tasks[0].labels is None
    record = json.loads(FORMATS["argilla"].write([replace(article(1), labels=None)], TAXONOMY))[0]  # type: ignore[misc]
    record["responses"] = {"topics": [{"value": ["trade_war"], "user_id": "u1"}]}
    _, found = import_labels(as_json(tmp_path, [record]))
    assert found.tasks[0].labels == ("trade_war",) and found.tasks[0].meta["labelled_by"] == "u1"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([{"data": {"id": "a"}}], "'text' is missing"),
        ([{"data": None}], "item 1"),
        ({"text": "x", "labels": "trade_war", "id": "1"}, "must be a list"),
        ({"text": "x", "cats": [], "title_length": 5, "id": 1}, "another length"),
        ({"text": "x", "cats": ["a"], "entities": [[0, 9, "a"]], "id": 1}, "outside"),
        ({"text": "x", "options": [], "accept": [], "answer": "accept", "meta": {"id": "1"}}, "without a choice"),
    ],
)
def test_a_row_that_does_not_fit_is_told_with_its_place(content: object, message: str, tmp_path: Path) -> None:
    path = as_json(tmp_path, content)
    _, found = import_labels(path)
    assert not found.tasks
    assert str(path) in found.problems[0] and message in found.problems[0]


def test_files_of_no_tool_are_refused(tmp_path: Path) -> None:
    for content, message in (("", "empty"), ("{", "--format"), ('{"a": 1}', "no tool"), ("[1]", "JSON object")):
        (tmp_path / "x").write_text(content, "utf-8")
        with pytest.raises(InputError, match=message):
            import_labels(tmp_path / "x")
    with pytest.raises(InputError, match="does not exist"):
        import_labels(tmp_path / "none")
    (tmp_path / "x.spacy").write_bytes(b"no zlib")
    with pytest.raises(InputError, match="DocBin"):
        import_labels(tmp_path / "x.spacy")
