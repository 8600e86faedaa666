"""taowen in spaCy: a tokenizer over `pipeline.script.words` and a component that says what script a document is in.

    import pipeline.components as taowen
    nlp = taowen.blank()
    nlp.add_pipe("taowen_script")
    nlp("台灣記者會")._.script  # "zh-Hant"

Importing this module imports spaCy and registers both names with it. Nothing else of taowen imports it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import registry
from spacy.vocab import Vocab

from pipeline.script.identify import identify
from pipeline.script.words import words

__all__ = ["WordTokenizer", "blank", "script_component"]

_SURROGATES = re.compile("[\ud800-\udfff]")


class WordTokenizer:
    """Cuts a text into the words of `pipeline.script.words`. It has no settings, so nothing is stored of it.

    `doc.text` is the text given, except that lone surrogates, which spaCy cannot hold, become U+FFFD.
    """

    def __init__(self, vocab: Vocab) -> None:
        self.vocab = vocab

    def __call__(self, text: str) -> Doc:
        """Return the document; a single space after a word belongs to the word, as everywhere in spaCy."""
        tokens: list[str] = []
        spaces: list[bool] = []
        for word in words(_SURROGATES.sub("\ufffd", text)):
            if word == " " and tokens and not spaces[-1] and not tokens[-1].isspace():
                spaces[-1] = True
            else:
                tokens.append(word)
                spaces.append(False)
        return Doc(self.vocab, words=tokens, spaces=spaces)

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Return nothing: there is nothing to store."""
        return b""

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> WordTokenizer:
        """Return the tokenizer as it is."""
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write nothing."""

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> WordTokenizer:
        """Return the tokenizer as it is."""
        return self


@registry.tokenizers("taowen.words.v1")  # type: ignore[untyped-decorator]  # spaCy's registry has no types
def _word_tokenizer() -> Callable[[Language], WordTokenizer]:
    return lambda nlp: WordTokenizer(nlp.vocab)


@Language.component("taowen_script", assigns=["doc._.script", "doc._.region", "doc._.language"])
def script_component(doc: Doc) -> Doc:
    """Set `doc._.script`, `doc._.region` and `doc._.language`, strings as `Script` has them."""
    found = identify(doc.text)
    doc._.script, doc._.region, doc._.language = found.script, found.region, found.language
    return doc


def blank() -> Language:
    """Return spaCy's empty Chinese pipeline with our tokenizer. It is stored and loaded like any other."""
    return spacy.blank("zh", config={"nlp": {"tokenizer": {"@tokenizers": "taowen.words.v1"}}})


for _name in ("script", "region", "language"):
    Doc.set_extension(_name, default="", force=True)
