"""taowen in spaCy: a tokenizer over `pipeline.script.words`, and components that clean, tell the script and tag.

    import pipeline.components as taowen
    nlp = taowen.blank()
    nlp.add_pipe("taowen_clean")
    nlp.add_pipe("taowen_script")
    nlp.add_pipe("taowen_topics")
    doc = nlp(page_text)
    doc._.script, doc.cats, doc.spans["removed"], doc.spans["evidence:rare_earths"]

A document's text is the page as it is given; nothing is taken out of it, what would be is in `doc.spans["removed"]`.
`spacy.blank("zh").add_pipe("taowen_topics")` works as well: where taowen is installed, spaCy finds the components by
their entry points. Importing this module imports spaCy; nothing else of taowen imports it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import spacy
from spacy import util
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.vocab import Vocab

from pipeline.article import Article, Page, Tag
from pipeline.configure import model_path
from pipeline.errors import PageError
from pipeline.ingest import clean
from pipeline.script.identify import identify
from pipeline.script.words import words
from pipeline.topics.tagger import Tagger

__all__ = [
    "Cleaner",
    "TopicTagger",
    "WordTokenizer",
    "blank",
    "make_cleaner",
    "make_tagger",
    "script_component",
    "word_tokenizer",
]

_SURROGATES = re.compile("[\ud800-\udfff]")
_MODEL_FILES = ("model.json", "topics.toml", "weights.npz")
"""What a stored component carries of its model."""


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


@util.registry.tokenizers("taowen.words.v1")  # type: ignore[untyped-decorator]  # spaCy's registry has no types
def word_tokenizer() -> Callable[[Language], WordTokenizer]:
    """Return what makes the tokenizer, for spaCy's configuration."""
    return lambda nlp: WordTokenizer(nlp.vocab)


class Cleaner:
    """`taowen_clean`: takes the document's text for a page and says what of it is the article.

    It sets `doc.spans["removed"]` (its spans' labels are the kinds of cut; a token that is cut in part is whole in it),
    `doc._.cuts` (start, end and kind in code points of `doc.text`, exact), `doc._.title`, `doc._.kept`, `doc._.status`.
    """

    def __call__(self, doc: Doc) -> Doc:
        """Clean one document. A page that cannot be cleaned has the status `rejected: why`, and nothing removed."""
        try:
            article = clean(Page(text=doc.text))
        except PageError as error:
            doc._.status, doc._.kept = f"rejected: {error.reason}", doc.text
            doc.spans["removed"] = []
            return doc
        doc._.status, doc._.title, doc._.kept = _status(article), article.title, article.text
        doc._.cuts = tuple((cut.start, cut.end, cut.kind) for cut in article.cuts)
        spans = [_span(doc, cut.start, cut.end, cut.kind) for cut in article.cuts]
        doc.spans["removed"] = [span for span in spans if span is not None]
        return doc


def _status(article: Article) -> str:
    return f"{article.status}: {article.reason}" if article.reason else str(article.status)


def _span(doc: Doc, start: int, end: int, label: str) -> Span | None:
    """Return the tokens that hold a stretch of characters."""
    found: Span | None = doc.char_span(start, end, label=label, alignment_mode="expand")
    return found


class TopicTagger:
    """`taowen_topics`: sets `doc.cats` (probability of each topic) and `doc.spans["evidence:TOPIC"]` of those it has.

    It tags what `taowen_clean` kept, with its title, where that component came before it, and the whole text otherwise.
    A document without an article, or in another language than Chinese, has probability 0 of every topic.
    `doc._.topics` are the topics that reach their threshold, strongest first.
    """

    def __init__(self, model: str = "", name: str = "taowen_topics") -> None:
        self.name = name
        self._use(Path(model) if model else model_path("topics"))

    def _use(self, folder: Path) -> None:
        self._files = {file: (folder / file).read_bytes() for file in _MODEL_FILES if (folder / file).is_file()}
        self._tagger = Tagger.load(folder)

    @property
    def labels(self) -> tuple[str, ...]:
        """The topics."""
        return self._tagger.topics

    def __call__(self, doc: Doc) -> Doc:
        """Tag one document."""
        return next(self.pipe([doc]))

    def pipe(self, stream: Iterable[Doc], *, batch_size: int = 64) -> Iterator[Doc]:
        """Tag documents in batches. A tag never depends on the batch."""
        source = iter(stream)
        while batch := list(islice(source, batch_size)):
            texts = [self._text(doc) for doc in batch]
            titles = [doc._.title if text else "" for doc, text in zip(batch, texts, strict=True)]
            scores = self._tagger.scores(texts, titles)
            for doc, row, tags in zip(batch, scores, self._tagger.tag(texts, titles), strict=True):
                doc.cats |= {topic: round(float(score), 4) for topic, score in zip(self.labels, row, strict=True)}
                doc._.topics = tuple(tag.id for tag in tags)
                self._cite(doc, tags)
                yield doc

    @staticmethod
    def _text(doc: Doc) -> str:
        if doc._.status and not doc._.status.startswith("article"):
            return ""
        text = str(doc._.kept if doc._.status else doc.text)
        return "" if identify(text).script == "other" else text

    def _cite(self, doc: Doc, tags: Sequence[Tag]) -> None:
        for topic in self.labels:
            doc.spans.pop(f"evidence:{topic}", None)
        for tag in tags:
            spans = []
            for evidence in tag.evidence:
                if evidence.field == "text":
                    start = _in_page(evidence.start, doc._.cuts)
                    end = _in_page(evidence.end - 1, doc._.cuts) + 1
                    spans.append(_span(doc, start, end, tag.id))
            doc.spans[f"evidence:{tag.id}"] = [span for span in spans if span is not None]

    def to_bytes(self, *, exclude: Iterable[str] = ()) -> bytes:
        """Return the model."""
        return bytes(util.to_bytes({file: partial(bytes, content) for file, content in self._files.items()}, exclude))

    def from_bytes(self, data: bytes, *, exclude: Iterable[str] = ()) -> TopicTagger:
        """Take another component's model.

        Raises:
            ModelError: it is damaged.
        """
        with TemporaryDirectory() as folder:
            util.from_bytes(data, {file: (Path(folder) / file).write_bytes for file in _MODEL_FILES}, exclude)
            self._use(Path(folder))
        return self

    def to_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> None:
        """Write the model into a folder of that name."""
        Path(path).mkdir(parents=True, exist_ok=True)
        for file, content in self._files.items():
            (Path(path) / file).write_bytes(content)

    def from_disk(self, path: str | Path, *, exclude: Iterable[str] = ()) -> TopicTagger:
        """Take the model of a folder.

        Raises:
            ModelError: the folder holds none, or a damaged one.
        """
        self._use(Path(path))
        return self


def _in_page(place: int, cuts: Sequence[Sequence[Any]]) -> int:
    """Return where a place of the kept text is in the page."""
    for start, end, _ in cuts:
        if start > place:
            break
        place += end - start
    return place


@Language.component("taowen_script", assigns=["doc._.script", "doc._.region", "doc._.language"])
def script_component(doc: Doc) -> Doc:
    """Set `doc._.script`, `doc._.region` and `doc._.language`, strings as `Script` has them."""
    found = identify(doc._.kept or doc.text, context=doc.text)
    doc._.script, doc._.region, doc._.language = found.script, found.region, found.language
    return doc


@Language.factory("taowen_clean", assigns=["doc._.kept", "doc._.cuts", "doc._.title", "doc._.status"])
def make_cleaner(nlp: Language, name: str) -> Cleaner:
    """Return the component that cleans."""
    return Cleaner()


@Language.factory("taowen_topics", default_config={"model": ""}, assigns=["doc.cats", "doc._.topics"])
def make_tagger(nlp: Language, name: str, model: str) -> TopicTagger:
    """Return the component that tags; `model` is a folder that `taowen train` wrote, "" the shipped model."""
    return TopicTagger(model, name)


def blank() -> Language:
    """Return spaCy's empty Chinese pipeline with our tokenizer. It is stored and loaded like any other."""
    return spacy.blank("zh", config={"nlp": {"tokenizer": {"@tokenizers": "taowen.words.v1"}}})


def _asked(doc: Doc, name: str) -> tuple[Any, ...]:
    return tuple(tuple(item) if isinstance(item, list) else item for item in doc.user_data.get(f"taowen_{name}", ()))


def _told(doc: Doc, value: tuple[Any, ...], name: str) -> None:
    doc.user_data[f"taowen_{name}"] = value


for _name in ("script", "region", "language", "kept", "title", "status"):
    Doc.set_extension(_name, default="", force=True)
for _name in ("cuts", "topics"):
    # Between processes spaCy makes lists of tuples, in a DocBin it does not: what is asked for is always a tuple.
    Doc.set_extension(_name, getter=partial(_asked, name=_name), setter=partial(_told, name=_name), force=True)
