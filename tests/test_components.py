from __future__ import annotations

from pathlib import Path

import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.tokens import DocBin

from pipeline.components import blank
from pipeline.script.words import words

TEXT = "美國對稀土磁鐵加徵關稅 OK。\n\n  第二段"


def test_script_component_and_round_trip(tmp_path: Path) -> None:
    nlp = blank()
    nlp.add_pipe("taowen_script")
    doc = nlp(TEXT)
    assert (doc._.script, doc._.region, doc._.language) == ("zh-Hant", "", "zh-Hant")
    assert doc.text == TEXT
    nlp.to_disk(tmp_path / "model")
    again = spacy.load(tmp_path / "model")
    assert [token.text_with_ws for token in again(TEXT)] == [token.text_with_ws for token in doc]
    assert again(TEXT)._.script == "zh-Hant"
    assert blank().from_bytes(blank().to_bytes())(TEXT).text == TEXT


def test_doc_bin_keeps_what_was_found() -> None:
    nlp = blank()
    nlp.add_pipe("taowen_script")
    stored = DocBin(store_user_data=True, docs=nlp.pipe([TEXT, "美国对稀土加征关税。"])).to_bytes()
    docs = list(DocBin().from_bytes(stored).get_docs(nlp.vocab))
    assert [doc._.script for doc in docs] == ["zh-Hant", "zh-Hans"]
    assert docs[0].text == TEXT


_NLP = blank()


@given(st.text(st.characters(), max_size=60))
@settings(deadline=None)
def test_the_document_is_the_text(text: str) -> None:
    doc = _NLP(text)
    assert doc.text == "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)
    assert len(doc) <= len(words(text))
