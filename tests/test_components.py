from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import spacy
from hypothesis import given, settings
from hypothesis import strategies as st
from spacy.language import Language
from spacy.tokens import DocBin

from pipeline.article import Page
from pipeline.components import blank
from pipeline.errors import ModelError
from pipeline.ingest import clean
from pipeline.script.words import words
from pipeline.topics.tagger import Tagger

ROOT = Path(__file__).resolve().parent.parent
TEXT = "美國對稀土磁鐵加徵關稅 OK。\n\n  第二段"
PAGE = (ROOT / "corpora" / "sample" / "text" / "tw-arctic-ores.txt").read_text("utf-8")
NONE = (ROOT / "corpora" / "sample" / "text" / "hk-trail-signs.txt").read_text("utf-8")
COMPONENTS = ("taowen_clean", "taowen_script", "taowen_topics")


@pytest.fixture(scope="module")
def nlp() -> Language:
    made = blank()
    for name in COMPONENTS:
        made.add_pipe(name)
    return made


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


def test_a_page_is_cleaned_and_tagged_as_elsewhere(nlp: Language) -> None:
    doc = nlp(PAGE)
    article = clean(Page(id="", text=PAGE))
    assert doc.text == PAGE
    assert (doc._.status, doc._.title, doc._.kept) == ("article", article.title, article.text)
    assert doc._.cuts == tuple((cut.start, cut.end, cut.kind) for cut in article.cuts)
    for span, cut in zip(doc.spans["removed"], article.cuts, strict=True):
        assert span.label_ == cut.kind
        assert span.start_char <= cut.start and cut.end <= span.end_char
    [tags] = Tagger.load().tag([article.text], [article.title])
    assert doc._.topics == tuple(tag.id for tag in tags) == ("rare_earths", "geopolitics")
    for tag in tags:
        assert doc.cats[tag.id] == tag.score
        cited = [evidence.text for evidence in tag.evidence if evidence.field == "text"]
        spans = doc.spans[f"evidence:{tag.id}"]
        assert cited and len(spans) == len(cited)
        assert all(text in span.text for span, text in zip(spans, cited, strict=True))
    assert "evidence:trade_war" not in doc.spans


def test_a_page_without_a_topic_and_one_without_an_article(nlp: Language) -> None:
    doc = nlp(NONE)
    assert (doc._.status, doc._.topics) == ("article", ())
    assert not [name for name in doc.spans if name.startswith("evidence")]
    doc = nlp(
        "中国のレアアース（希土類）の輸出規制について、政府は関係国と協議を続けると発表した。稀土の磁石が不足している。"
    )
    assert doc._.script == "other"
    assert (set(doc.cats.values()), doc._.topics) == ({0.0}, ())
    doc = nlp("稀土\n關稅\n")
    assert doc._.status.startswith("no_article")
    assert set(doc.cats.values()) == {0.0}


def test_without_the_cleaner_the_whole_text_is_tagged() -> None:
    nlp = spacy.blank("zh")  # spaCy's own tokenizer, one character a token
    nlp.add_pipe("taowen_topics")
    doc = nlp("美國宣布對稀土磁鐵加徵關稅，中國商務部宣布對稀土實施出口管制。")
    assert "rare_earths" in doc._.topics
    assert "稀土" in doc.spans["evidence:rare_earths"][0].text


def test_processes_batches_and_stored_models_change_nothing(nlp: Language, tmp_path: Path) -> None:
    pages = [PAGE, NONE, TEXT]
    wanted = [nlp(page).cats for page in pages]
    told = [(doc._.script, doc._.topics, doc._.cuts) for doc in nlp.pipe(pages)]
    assert [(doc._.script, doc._.topics, doc._.cuts) for doc in nlp.pipe(pages, n_process=2, batch_size=1)] == told
    assert [doc.cats for doc in nlp.pipe(pages, batch_size=2)] == wanted
    assert [doc.cats for doc in nlp.pipe(pages, n_process=2, batch_size=1)] == wanted
    nlp.to_disk(tmp_path / "model")
    stored = spacy.load(tmp_path / "model")
    assert stored.pipe_names == list(COMPONENTS)
    assert stored(PAGE).cats == wanted[0]
    again = blank()
    for name in COMPONENTS:
        again.add_pipe(name)
    again.from_bytes(nlp.to_bytes())
    assert again(PAGE).cats == wanted[0]
    (tmp_path / "model" / "taowen_topics" / "weights.npz").write_bytes(b"damaged")
    with pytest.raises(ModelError, match="damaged"):
        spacy.load(tmp_path / "model")


def test_doc_bin_keeps_what_was_found(nlp: Language) -> None:
    docs = list(nlp.pipe([PAGE, "美国对稀土加征关税。"]))
    stored = DocBin(store_user_data=True, attrs=["ORTH", "SPACY"], docs=docs).to_bytes()
    again = list(DocBin().from_bytes(stored).get_docs(nlp.vocab))
    assert [doc._.script for doc in again] == ["zh-Hant", "zh-Hans"]
    for doc, other in zip(docs, again, strict=True):
        assert (doc.text, doc.cats, doc._.cuts) == (other.text, other.cats, other._.cuts)
        assert doc._.topics == other._.topics
        for name in doc.spans:
            spans = [[(s.start, s.end, s.label_) for s in group] for group in (doc.spans[name], other.spans[name])]
            assert spans[0] == spans[1]


def test_spacy_finds_the_components_where_taowen_is_installed(tmp_path: Path) -> None:
    """What pip writes of pyproject.toml is enough: nothing of taowen is imported."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]
    info = tmp_path / "taowen-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: taowen\nVersion: 0\n")
    lines = [
        line for group, names in groups.items() for line in (f"[{group}]", *(f"{k} = {v}" for k, v in names.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines))
    script = (
        "import spacy, sys\n"
        "nlp = spacy.blank('zh', config={'nlp': {'tokenizer': {'@tokenizers': 'taowen.words.v1'}}})\n"
        f"for name in {COMPONENTS!r}: nlp.add_pipe(name)\n"
        "print(nlp('美國對稀土加徵關稅。')._.script)\n"
    )
    paths = os.pathsep.join([str(tmp_path), str(ROOT), *sys.path])
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": paths})
    assert done.stdout == "zh-Hant\n", done.stderr


_NLP = blank()


@given(st.text(st.characters(), max_size=60))
@settings(deadline=None)
def test_the_document_is_the_text(text: str) -> None:
    doc = _NLP(text)
    assert doc.text == "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)
    assert len(doc) <= len(words(text))
