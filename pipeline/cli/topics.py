"""Commands on the topics model: train, evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.app import app
from pipeline.cli.options import Model
from pipeline.cli.terminal import progress_bar, say
from pipeline.errors import UsageError


@app.command(epilog="Example: taowen train corpora --out build/models/topics")
def train(
    corpus: Annotated[
        Path, typer.Argument(metavar="CORPUS", help="Labelled articles: a JSONL or Parquet file, or a folder.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="MODEL_DIR", help="Folder of the model.")],
    topics: Annotated[Path | None, typer.Option("--topics", metavar="FILE", help="A topics.toml of your own.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an earlier model in MODEL_DIR.")] = False,
) -> None:
    """Train the topic model and write it with its card, its calibration and its out-of-fold scores."""
    from pipeline.topics.corpus import read_corpus
    from pipeline.topics.evaluate import table
    from pipeline.topics.learn import train as train_model
    from pipeline.topics.taxonomy import read_taxonomy

    if (out / "model.json").exists() and not force:
        raise UsageError(f"{out} holds a model. Name another folder, or give --force to write over it.")
    taxonomy = read_taxonomy(topics)
    examples = read_corpus(corpus, taxonomy.ids)
    with progress_bar() as advance:
        told = train_model(examples, out, taxonomy, lambda what, done, of: advance(done, of, what))
    typer.echo(table(told.report))
    if doubts := told.doubts():
        say("Labels to read again, those that models which had not seen the article contradict most:")
        for line in doubts:
            say(f"  {line}")
    say(f"{len(examples)} articles; the model is in {out}.")


@app.command(epilog="Example: taowen evaluate corpora --floors models/floors.json")
def evaluate(
    corpus: Annotated[
        Path, typer.Argument(metavar="CORPUS", help="Labelled articles: a JSONL or Parquet file, or a folder.")
    ],
    model: Model = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    floors: Annotated[
        Path | None, typer.Option("--floors", metavar="FILE", help="End with 1 if a figure is under its floor.")
    ] = None,
) -> None:
    """Score a model on labelled articles, by topic and script. Articles it was trained on are scored out of fold."""
    import json

    from pipeline.topics.corpus import read_corpus
    from pipeline.topics.evaluate import evaluate as score
    from pipeline.topics.evaluate import missed_floors, table
    from pipeline.topics.tagger import Tagger

    examples = read_corpus(corpus, Tagger.load(model).topics)
    report = score(examples, model)
    typer.echo(json.dumps(report.as_json(), ensure_ascii=False, indent=1) if as_json else table(report))
    if floors is not None:
        try:
            wanted = json.loads(floors.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise UsageError(f"{floors} cannot be read as JSON: {error}") from error
        wanted = wanted.get("topics", wanted)
        if wanted.get("corpus") != report.corpus:
            raise UsageError(f"The floors in {floors} were measured on another corpus; pin them anew on this one.")
        missed = missed_floors(report, wanted)
        for line in missed:
            say(line)
        if missed:
            raise typer.Exit(1)
