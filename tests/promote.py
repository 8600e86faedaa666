"""Move freshly trained models to where the package takes them from, if they are no worse: `make promote`.

    python -m tests.promote build/models models [--force]

Both models are scored on the same things here and now, and the figures printed side by side. A model that is worse in
one of them, or does not load, stays where it is and the exit code is 1. `--force` copies a worse one all the same, and
says so; it never copies one that does not load.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pipeline.article import Article, Page, Reject
from pipeline.errors import ModelError, PageError, UsageError
from pipeline.ingest.judge import Judge
from tests.sample import CORPORA, SAMPLE, Place, bigram_f1, body_of, mean, place_of, read_gold


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number."""

    name: str
    value: float
    places: int
    """Decimals it is compared at: less than that is the luck of a library's version."""
    better: int = 1
    """1 where more is better, -1 where less is."""

    @property
    def shown(self) -> str:
        return f"{self.value:.{self.places}f}"

    def worse_than(self, other: Figure) -> bool:
        """Tell whether this figure is worse than the other model's, at the decimals shown."""
        return self.better * round(self.value, self.places) < self.better * round(other.value, self.places)


@cache
def pages() -> dict[Place, Page]:
    """Return the pages of the sample dump, articles only."""
    from pipeline.ingest.inputs import expand
    from pipeline.ingest.read import read

    wanted = {place for place, row in read_gold().items() if row["status"] == "article"}
    found: dict[Place, Page] = {}
    for file in expand([str(SAMPLE)]):
        for page in read(file):
            if isinstance(page, Page) and (place := place_of({"input": page.input, "id": page.id})) in wanted:
                found[place] = page
    assert found.keys() == wanted, wanted - found.keys()
    return found


def cleaned(chosen: Mapping[Place, Page], judge: Judge | None = None) -> dict[Place, Article | Reject]:
    """Return what becomes of pages."""
    from pipeline.ingest import clean

    results: dict[Place, Article | Reject] = {}
    for place, page in chosen.items():
        try:
            results[place] = clean(page, judge=judge)
        except PageError as error:
            results[place] = Reject(page.input, page.position, page.id, error.stage, error.reason)
    return results


def kept_texts(results: Mapping[Place, Article | Reject]) -> dict[Place, str]:
    """Return the kept text of each page, "" of one that was rejected."""
    return {place: result.text if isinstance(result, Article) else "" for place, result in results.items()}


def mean_f1(texts: Mapping[Place, str]) -> float:
    """Return the mean bigram F1 of kept texts of the sample against its gold."""
    gold = read_gold()
    return mean(bigram_f1(text, "\n".join(gold[place]["body"])) for place, text in texts.items())


def _agreement(results: Mapping[Place, Article | Reject], what: str) -> list[Figure]:
    gold = read_gold()
    texts = kept_texts(results)
    f1 = mean_f1(texts)
    exact = sum(body_of(text) == gold[place]["body"] for place, text in texts.items())
    return [Figure(f"mean bigram F1, {what}", f1, 4), Figure(f"texts exactly right, {what}", exact, 0)]


def score_strip(folder: Path, others: Path) -> list[Figure]:
    """Score a judge of blocks on the articles of the sample dump, with the shipped fluency."""
    judge = Judge.load(folder)
    return _agreement(cleaned(pages(), judge), f"{len(pages())} sample articles")


def score_fluency(folder: Path, others: Path) -> list[Figure]:
    """Score a fluency model: what own-written clean text costs, what it mends on spoiled pages, what it spoils."""
    import numpy as np

    from pipeline.ingest.fluency import Fluency
    from pipeline.script.fold import fold

    model = Fluency.load(folder)
    with ExitStack() as stack:
        for module in ("mend", "signs"):
            stack.enter_context(patch(f"pipeline.ingest.{module}.default_fluency", lambda: model))
        figures = _mended(Judge.load(others / "strip"))
    gold = read_gold()
    cost = np.concatenate([model.surprise(fold("\n".join(gold[place]["body"]))) for place in pages()]).mean()
    return [Figure("nats a character, own clean text", float(cost), 2, -1), *figures]


def _mended(judge: Judge) -> list[Figure]:
    """Return what is mended of the spoiled pages of the sample, and how many of the others are."""
    gold = read_gold()
    spoiled = {place: page for place, page in pages().items() if "injected" in gold[place]}
    clean_ones = {place: page for place, page in pages().items() if place not in spoiled}
    mended, calm = cleaned(spoiled, judge), cleaned(clean_ones, judge)
    spliced = ("search_phrase", "title_piece", "gloss", "invisible", "watermark", "filler")
    harmed = sum(
        isinstance(article, Article) and any(cut.kind in spliced for cut in article.cuts) for article in calm.values()
    )
    return [
        *_agreement(mended, f"{len(spoiled)} spoiled sample pages"),
        Figure(f"clean sample pages mended, of {len(calm)}", harmed, 0, -1),
    ]


def score_phrases(folder: Path, others: Path) -> list[Figure]:
    """Score a model of search phrases: what it mends on spoiled pages, what it spoils."""
    from pipeline.ingest.phrase_model import PhraseModel

    model = PhraseModel.load(folder)
    with patch("pipeline.ingest.mend.default_phrases", lambda: model):
        return _mended(Judge.load(others / "strip"))


def score_topics(folder: Path, others: Path) -> list[Figure]:
    """Score a topic model on the labels of corpora/ (out of fold where it was trained on them) and on the sample."""
    from pipeline.topics.corpus import read_corpus
    from pipeline.topics.evaluate import evaluate
    from pipeline.topics.tagger import Tagger

    tagger = Tagger.load(folder)
    figures = []
    examples = read_corpus(CORPORA, tagger.topics)
    if any(example.kind == "real" for example in examples):
        report = evaluate(examples, folder)
        for part in report.slices:
            if part.name in ("all", "hans", "hant"):
                figures.append(Figure(f"macro-F1, {part.name}, {part.articles} articles", part.macro_f1, 3))
        figures.append(Figure("of no topic and untagged", report.slices[0].none_untagged, 3))
    gold = {place: row for place, row in read_gold().items() if row["status"] == "article"}
    tags = tagger.tag(["\n".join(row["body"]) for row in gold.values()], [row["title"] for row in gold.values()])
    right = sum({tag.id for tag in given} == set(row["topics"]) for given, row in zip(tags, gold.values(), strict=True))
    return [*figures, Figure(f"topics exactly right, {len(gold)} sample articles", right, 0)]


def unmeasured(folder: Path) -> bool:
    """Tell whether a topic model was trained without real articles, so that nothing honest is known of it."""
    return not json.loads((folder / "model.json").read_text("utf-8")).get("figures", {}).get("slices")


def missed(folder: Path, floors: Path) -> list[str]:
    """Return the floors that a topic model misses; none where the real articles are not here."""
    from pipeline.topics.corpus import read_corpus
    from pipeline.topics.evaluate import evaluate, missed_floors
    from pipeline.topics.tagger import Tagger

    if not floors.is_file():
        return []
    wanted: dict[str, Any] = json.loads(floors.read_text("utf-8")).get("topics", {})
    examples = read_corpus(CORPORA, Tagger.load(folder).topics)
    if not any(example.kind == "real" for example in examples):
        return []
    report = evaluate(examples, folder)
    if wanted.get("corpus") != report.corpus:
        print(f"{floors} was measured on another corpus ({str(wanted.get('corpus'))[:12]}): it binds nothing here.")
    return missed_floors(report, wanted)


SCORES: dict[str, Callable[[Path, Path], list[Figure]]] = {
    "strip": score_strip,
    "fluency": score_fluency,
    "phrases": score_phrases,
    "topics": score_topics,
}


def same(new: Path, old: Path) -> bool:
    """Tell whether two folders hold the same files."""
    files = [{f.name: f.read_bytes() for f in folder.iterdir()} if folder.is_dir() else {} for folder in (new, old)]
    return files[0] == files[1]


def move(new: Path, old: Path) -> None:
    """Put a copy of `new` in the place of `old`: whole, or not at all."""
    fresh, gone = old.with_name(f".{old.name}.new"), old.with_name(f".{old.name}.old")
    for left in (fresh, gone):
        shutil.rmtree(left, ignore_errors=True)
    shutil.copytree(new, fresh)
    if old.exists():
        old.rename(gone)
    fresh.rename(old)
    shutil.rmtree(gone, ignore_errors=True)


def _side_by_side(name: str, ours: Sequence[Figure], theirs: Sequence[Figure]) -> list[str]:
    """Print the figures of both models and return the names of those that became worse."""
    shipped = {figure.name: figure for figure in ours}
    worse = []
    for figure in theirs:
        before = shipped.get(figure.name)
        mark = ""
        if before is not None and figure.worse_than(before):
            worse.append(figure.name)
            mark = "  worse"
        print(f"{name:8} {figure.name:46} {before.shown if before else '-':>9} {figure.shown:>9}{mark}")
    return worse


def promote(name: str, new: Path, old: Path, *, force: bool) -> bool:
    """Compare a model with the shipped one and copy it if it is no worse. Return False if it was refused."""
    if same(new, old):
        print(f"{name:8} is the shipped one already.")
        return True
    try:
        theirs = SCORES[name](new, new.parent if name == "strip" else old.parent)
    except (ModelError, UsageError) as error:
        print(f"{name:8} REFUSED: {error}")
        return False
    try:
        ours = SCORES[name](old, old.parent)
    except ModelError as error:
        print(f"{name:8} the shipped one cannot be used, so there is nothing to compare with: {error}")
        ours = []
    faults = _side_by_side(name, ours, theirs)
    if name == "topics":
        if unmeasured(new) and ours and not unmeasured(old):
            faults.append("what is known: it was trained without real articles, the shipped one with them")
        faults += missed(new, old.parent / "floors.json")
    if faults and not force:
        print(f"{name:8} REFUSED: worse in {'; '.join(faults)}. The shipped one stays; --force copies it all the same.")
        return False
    if faults:
        print(f"{name:8} WARNING: copied by --force, though worse in {'; '.join(faults)}.")
    move(new, old)
    print(f"{name:8} copied from {new} to {old}.")
    return True


def main(arguments: Sequence[str]) -> int:
    """Promote what is there; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.promote", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("new", type=Path, help="folder with strip, fluency, topics, as 'make train' writes it")
    parser.add_argument("old", type=Path, help="folder of the shipped models")
    parser.add_argument("--force", action="store_true", help="copy a model that is worse, too")
    options = parser.parse_args(arguments)
    found = [name for name in SCORES if (options.new / name).is_dir()]
    if not found:
        print(f"There is no model in {options.new}. Run 'make train'.", file=sys.stderr)
        return 2
    print(f"{'model':8} {'figure':46} {'shipped':>9} {'new':>9}")
    results = [promote(name, options.new / name, options.old / name, force=options.force) for name in found]
    for name in SCORES:
        if name not in found:
            print(f"{name:8} was not trained; the shipped one stays.")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
