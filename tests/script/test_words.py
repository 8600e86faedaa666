from __future__ import annotations

import tempfile
from pathlib import Path

import jieba
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.configure import data_path
from pipeline.script import words as module
from pipeline.script.fold import fold
from pipeline.script.words import domain_words, spans, words


@given(
    st.one_of(st.text(st.characters(), max_size=60), st.text("台灣稀土出口 \r\n\t\u30003.5%，a\ud800\0", max_size=40))
)
def test_words_are_the_text(text: str) -> None:
    assert "".join(words(text)) == text
    found = spans(text)
    assert all(start < end for start, end in found)
    assert [0, *(end for _, end in found)] == [*(start for start, _ in found), len(text)]
    assert spans(text, key=fold(text)) == found


@given(st.text("台灣對美國稀土磁鐵出口關稅總統說會議", max_size=40))
def test_both_scripts_are_cut_alike(text: str) -> None:
    assert spans(text) == spans(fold(text))


def test_traditional_words() -> None:
    assert words("美國對稀土磁鐵加徵關稅。") == ["美國", "對", "稀土", "磁鐵", "加徵", "關稅", "。"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("重稀土與釹鐵硼受管制", ["重稀土", "與", "釹鐵硼", "受", "管制"]),
        ("澤倫斯基與普丁談到關稅戰", ["澤倫斯基", "與", "普丁", "談到", "關稅戰"]),
        ("卢比奥与泽连斯基会面", ["卢比奥", "与", "泽连斯基", "会面"]),
    ],
)
def test_names_and_terms_of_the_news_are_words(text: str, wanted: list[str]) -> None:
    assert words(text) == wanted


def test_the_list_has_what_jieba_breaks() -> None:
    lines = data_path("words.txt").read_text("utf-8").splitlines()
    rows = [line for line in lines if not line.startswith("#")]
    assert rows == sorted(set(rows))
    assert all(fold(row) == row and 1 < len(row) <= 4 for row in rows)
    plain = jieba.Tokenizer()
    with Path(jieba.__file__).with_name("dict.txt").open("rb") as dictionary:
        plain.FREQ, plain.total = plain.gen_pfdict(dictionary)
    plain.initialized = True
    assert [row for row in rows if list(plain.cut(row, HMM=False)) == [row]] == []
    assert [word for word in domain_words() if words(word) != [word]] == []


def test_jieba_s_cache_is_neither_read_nor_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "jieba.cache").write_bytes(b"forged")
    module._cut.cache_clear()
    assert words("稀土關稅") == ["稀土", "關稅"]
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("jieba.cache", b"forged")]
    assert not jieba.dt.initialized, "jieba's own tokenizer is not ours to touch"


def test_a_run_of_one_character_is_linear() -> None:
    assert "".join(words("一" * 40_000)) == "一" * 40_000
