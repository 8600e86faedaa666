"""`taowen train` and `evaluate` read what labelling tools exported, as they read a corpus."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import InputError
from pipeline.topics.corpus import read_corpus
from pipeline.topics.exchange import Task
from pipeline.topics.formats import FORMATS, packed
from pipeline.topics.taxonomy import read_taxonomy

TAXONOMY = read_taxonomy()
TASKS = [
    Task("a", "稀土漲價", "稀土價格上漲，磁材廠叫苦。", ("rare_earths",), meta={"source": "s1", "script": "hant"}),
    Task("b", "关税", "双方互加关税，\n谈判破裂。😀", ("geopolitics", "trade_war"), meta={"source": "s2"}),
    Task("c", "", "球隊奪冠。", (), meta={"source": "s1"}),
    Task("d", "沒人讀", "這一篇還沒有人讀過。", None),
]


@pytest.mark.parametrize("name", ["labelstudio", "doccano", "argilla", "prodigy", "spacy"])
def test_the_export_of_a_tool_is_a_corpus(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / {"labelstudio": "x.json", "argilla": "x.json", "spacy": "x.spacy"}.get(name, "x.jsonl")
    file.write_bytes(packed(TASKS, name, TAXONOMY, file)[file])
    found = read_corpus(file, TAXONOMY.ids)
    assert [(e.id, e.title, e.text, e.labels, e.source) for e in found] == [
        (t.id, t.title, t.text, t.labels, t.meta.get("source", "")) for t in TASKS[:3]
    ]
    assert "1 articles that nobody has labelled are left out" in capsys.readouterr().err
    assert name in FORMATS


def test_a_label_that_is_no_topic_and_a_file_of_no_tool_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_bytes(packed(TASKS, "labelstudio", TAXONOMY, file)[file])
    with pytest.raises(InputError, match="has the label trade_war; the topics are geopolitics, rare_earths"):
        read_corpus(file, ["geopolitics", "rare_earths"])
    file.write_text('[{"colour": "blue"}]', "utf-8")
    with pytest.raises(InputError, match="no export of a tool that is known here"):
        read_corpus(file, TAXONOMY.ids)
    rows = tmp_path / "x.jsonl"
    rows.write_text('{"id": "a", "text": "沒有標"}\n', "utf-8")
    with pytest.raises(InputError, match="line 1: 'labels' must be a list"):
        read_corpus(rows, TAXONOMY.ids)
