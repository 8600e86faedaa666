"""Commands on labels: suggest, label, export."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.cli.app import app
from pipeline.cli.options import Force, Model
from pipeline.cli.terminal import progress_bar, say
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.topics.exchange import Task
    from pipeline.topics.taxonomy import Taxonomy

Tool = Literal["jsonl", "labelstudio", "doccano", "argilla", "prodigy", "fasttext", "spacy", "datasets"]
Asking = Literal["jsonl", "labelstudio", "doccano", "argilla", "prodigy", "datasets"]
Topics = Annotated[
    Path | None, typer.Option("--topics", metavar="FILE", help="A topics.toml of your own. [default: the model's]")
]


@app.command(epilog="Example: taowen suggest run -n 40 --format labelstudio -o tasks.json")
def suggest(
    pool: Annotated[
        list[str],
        typer.Argument(
            metavar="POOL",
            help="Rows of 'taowen clean', 'tag' or 'run': files, globs, or a run's folder.",
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="File for the tool.")],
    count: Annotated[int, typer.Option("-n", "--count", metavar="N", min=1, help="Articles to suggest.")] = 40,
    format: Annotated[Asking, typer.Option("--format", help="The tool; jsonl is for labelling by hand.")] = "jsonl",
    by: Annotated[
        str | None,
        typer.Option(
            "--by",
            metavar="WAY,...",
            help="margin, disagreement, terms, meaning, random. [default: margin,disagreement,random; "
            "terms,random where --topics has a new topic]",
        ),
    ] = None,
    model: Model = None,
    second: Annotated[
        Path | None,
        typer.Option("--second", metavar="DIR", help="A model to disagree with. [default: the word lists]"),
    ] = None,
    topics: Topics = None,
    labelled: Annotated[
        list[Path] | None,
        typer.Option("--labelled", metavar="CORPUS", help="Leave out what is labelled there; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Of what is drawn at random, and of the order.")] = 0,
    force: Force = False,
) -> None:
    """Choose what to label next: what the model is unsure of or contradicts the word lists on, and a tenth at random.

    For a topic that the model does not have yet, articles are found by its terms, or with '--by meaning' by an encoder
    that reads 200 of the pool ('taowen[encoder]'). Copies come once.
    """
    from functools import partial

    from pipeline.topics.corpus import read_corpus
    from pipeline.topics.pool import pool_files, read_pool
    from pipeline.topics.suggest import suggest as choose
    from pipeline.topics.tagger import Tagger
    from pipeline.topics.taxonomy import read_taxonomy

    _check_places(out, format, force=force)
    pool_files(pool)
    tagger = Tagger.load(model)
    taxonomy = tagger.taxonomy if topics is None else read_taxonomy(topics)
    ids = tuple(dict.fromkeys((*taxonomy.ids, *tagger.topics)))
    with progress_bar() as advance:
        found = choose(
            partial(read_pool, pool),
            tagger,
            taxonomy,
            count,
            strategies=[way for way in (by or "").split(",") if way],
            second=None if second is None else Tagger.load(second),
            labelled=[example for corpus in labelled or () for example in read_corpus(corpus, ids)],
            seed=seed,
            tell=lambda what, done, of: advance(done, of, what),
        )
    _write(found.tasks, format, taxonomy, out)
    passed = "".join(f", {number} {why}" for why, number in sorted(found.passed_over.items()))
    ways: dict[str, int] = {}
    for task in found.tasks:
        way = task.meta["why"].split(":")[0]
        ways[way] = ways.get(way, 0) + 1
    told = ", ".join(f"{number} by {way}" for way, number in sorted(ways.items()))
    say(
        f"{len(found.tasks)} of {found.articles} articles suggested: {told}{'. Passed over' if passed else ''}{passed}."
    )
    if len(found.tasks) < count:
        say(f"{count} were wanted; the pool has no more that differ.")


@app.command(epilog="Example: taowen label export.json --pool run -o my-corpus/labels.jsonl")
def label(
    source: Annotated[Path, typer.Argument(metavar="IMPORT", help="What the tool exported.")],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="Rows for 'taowen train' and 'evaluate'.")],
    format: Annotated[
        Tool | None, typer.Option("--format", help="The tool. [default: told by the file]", show_default=False)
    ] = None,
    pool: Annotated[
        list[str] | None,
        typer.Option("--pool", metavar="POOL", help="Where the articles came from: adds cuts and checks the text."),
    ] = None,
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who labelled, where the file does not say.")] = "",
    topics: Topics = None,
    force: Force = False,
) -> None:
    """Bring labels back from a tool, with who gave them, when, in which file and why the article was suggested.

    Articles that were skipped, or that several people labelled differently, are left out and told.
    """
    from pipeline.records import to_line, visible
    from pipeline.streams import check_new, whole_file
    from pipeline.topics.formats import import_labels
    from pipeline.topics.labels import rows_from
    from pipeline.topics.pool import read_pool
    from pipeline.topics.taxonomy import read_taxonomy

    check_new(out, force=force)
    tool, imported = import_labels(source, format or "")
    rows = None if pool is None else read_pool(pool)
    found = rows_from(imported, read_taxonomy(topics).ids, tool=tool, file=source, by=by, pool=rows)
    for line in (*found.notes, *found.problems):
        say(visible(line, breaks=False))
    if not found.rows:
        raise UsageError(f"{source} has no labelled article to bring back; nothing is written.")
    with whole_file(out) as file:
        for row in found.rows:
            file.write(to_line(row))
    left = f"; left out: {found.unlabelled} without labels" if found.unlabelled else ""
    left += f", {len(found.problems)} told above" if found.problems else ""
    bare = (
        "" if pool is not None else " Their pages' cuts are not among them: --pool names where the articles came from."
    )
    say(f"{len(found.rows)} labelled articles from {tool}{left}.{bare}")


@app.command(epilog="Example: taowen export corpora --format spacy -o corpora.spacy")
def export(
    corpus: Annotated[
        Path, typer.Argument(metavar="CORPUS", help="Labelled articles: a JSONL or Parquet file, or a folder.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="FILE", help="File, or folder, to write.")],
    format: Annotated[Tool, typer.Option("--format", help="The tool or library.")],
    topics: Topics = None,
    force: Force = False,
) -> None:
    """Write labelled articles for another tool or library. What its format cannot carry is told."""
    from pipeline.topics.corpus import read_corpus
    from pipeline.topics.labels import tasks_of
    from pipeline.topics.taxonomy import read_taxonomy

    _check_places(out, format, force=force)
    taxonomy = read_taxonomy(topics)
    tasks = tasks_of(read_corpus(corpus, taxonomy.ids))
    _write(tasks, format, taxonomy, out)
    say(f"{len(tasks)} articles written to {out}.")


def _check_places(out: Path, format: Tool, *, force: bool) -> None:
    """Refuse what is there, and with --force a folder that holds more than a dataset, since all of it would go."""
    from pipeline.streams import STANDARD_OUTPUT, check_new
    from pipeline.topics.formats import FORMATS, places

    folder = FORMATS[format].write is None and out.suffix != ".parquet"
    if out == STANDARD_OUTPUT and (folder or len(places(format, out)) > 1):
        raise UsageError(f"--format {format} is more than one file, too much for standard output. Name a file.")
    for place in places(format, out):
        check_new(place, force=force, folder=folder)
    if folder and out.is_dir():
        kept = [path for path in out.iterdir() if path.is_dir() or path.suffix not in (".arrow", ".json")]
        if kept or not (out / "dataset_info.json").is_file():
            raise UsageError(f"{out} is a folder, and not one that this command wrote. Name another place.")


def _write(tasks: Sequence[Task], format: Tool, taxonomy: Taxonomy, out: Path) -> None:
    """Write tasks in a format, each file whole or not at all, and say what the format cannot carry."""
    import shutil

    from pipeline.streams import whole_file
    from pipeline.topics.formats import packed, told

    files = packed(tasks, format, taxonomy, out)
    if out not in files:  # a folder; `_check_places` saw to what it holds
        if out.is_dir():
            shutil.rmtree(out)
        out.mkdir()
    for place, content in files.items():
        with whole_file(place) as file:
            file.write(content)
    for line in told(tasks, format, out):
        say(line)
