from __future__ import annotations

import tempfile
from pathlib import Path

import jieba
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.script import words as module
from pipeline.script.fold import fold
from pipeline.script.words import spans, words


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


def test_jieba_s_cache_is_neither_read_nor_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "jieba.cache").write_bytes(b"forged")
    module._cut.cache_clear()
    assert words("稀土關稅") == ["稀土", "關稅"]
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("jieba.cache", b"forged")]
    assert not jieba.dt.initialized, "jieba's own tokenizer is not ours to touch"


def test_a_run_of_one_character_is_linear() -> None:
    assert "".join(words("一" * 40_000)) == "一" * 40_000
