"""Commands on the topics model: train, evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pipeline.cli.app import app
from pipeline.cli.options import Model
from pipeline.cli.terminal import progress_bar, say
from pipeline.errors import UsageError, why

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.topics.assessment import Assessment
    from pipeline.topics.corpus import Example
    from pipeline.topics.taxonomy import Taxonomy


@app.command(epilog="Example: taowen train corpora --out build/models/topics")
def train(
    corpus: Annotated[
        Path, typer.Argument(metavar="CORPUS", help="Labelled articles: a JSONL or Parquet file, or a folder.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="MODEL_DIR", help="Folder of the model.")],
    topics: Annotated[Path | None, typer.Option("--topics", metavar="FILE", help="A topics.toml of your own.")] = None,
    recipe: Annotated[
        Literal["linear", "spacy"],
        typer.Option("--recipe", help="linear: what taowen tags with; spacy: a pipeline that spacy.load reads."),
    ] = "linear",
    force: Annotated[bool, typer.Option("--force", help="Write over an earlier model in MODEL_DIR.")] = False,
) -> None:
    """Train the topic model and write it with its card, its calibration and its out-of-fold scores.

    CORPUS may also be what a labelling tool exported: Label Studio, doccano, Argilla, Prodigy, DocBin.
    """
    from pipeline.topics.corpus import read_corpus
    from pipeline.topics.evaluate import table
    from pipeline.topics.learn import train as train_model
    from pipeline.topics.taxonomy import read_taxonomy

    if ((out / "model.json").exists() or (out / "meta.json").exists()) and not force:
        raise UsageError(f"{out} holds a model. Name another folder, or give --force to write over it.")
    taxonomy = read_taxonomy(topics)
    examples = read_corpus(corpus, taxonomy.ids)
    if recipe == "spacy":
        _train_spacy(examples, out, taxonomy)
        return
    with progress_bar() as advance:
        told = train_model(examples, out, taxonomy, lambda what, done, of: advance(done, of, what))
    typer.echo(table(told.report))
    if doubts := told.doubts():
        say("Labels to read again, those that models which had not seen the article contradict most:")
        for line in doubts:
            say(f"  {line}")
    say(f"{len(examples)} articles; the model is in {out}.")


def _train_spacy(examples: Sequence[Example], out: Path, taxonomy: Taxonomy) -> None:
    from pipeline.topics.evaluate import judge, table
    from pipeline.topics.peers import cross_validated
    from pipeline.topics.recipes import save_spacy

    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / "meta.json").exists())):
        raise UsageError(f"{out} holds something else than a spaCy pipeline. Give --out a new folder.")
    real = tuple(example for example in examples if example.kind == "real")
    if real:
        found = cross_validated("spacy", real, examples, taxonomy)
        typer.echo(table(judge(found.examples, found.topics, found.scores, found.given, found.how)))
    else:
        say("No figures: own-written articles train, they are never counted.")
    save_spacy(examples, taxonomy, out)
    say(f"{len(examples)} articles; the pipeline is in {out}.")
    say("It reads pipeline.fold(title + line break + text).lower().")


@app.command(epilog="Example: taowen evaluate corpora --against lexicon,build/my-model --report figures.html")
def evaluate(
    corpus: Annotated[
        Path, typer.Argument(metavar="CORPUS", help="Labelled articles: a JSONL or Parquet file, or a folder.")
    ],
    model: Model = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            "--against",
            metavar="NAME,...",
            help="Compare, by a paired test: lexicon, linear, tfidf, fasttext, spacy, encoder, or folders.",
        ),
    ] = None,
    teach: Annotated[
        Path | None,
        typer.Option(
            "--teach",
            metavar="CORPUS",
            help="What peers learn from. [default: the other sources of the corpus, in turns]",
        ),
    ] = None,
    by_split: Annotated[
        bool, typer.Option("--splits", help="Train anew for a random and for a time split; takes minutes.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE.html", help="Write one HTML file: figures, curves, the worst errors."),
    ] = None,
    charts: Annotated[
        Path | None,
        typer.Option(
            "--charts", metavar="DIR", help="Write curves and confused topics as SVG, and as PNG with taowen[png]."
        ),
    ] = None,
    floors: Annotated[
        Path | None, typer.Option("--floors", metavar="FILE", help="End with 1 if a figure is under its floor.")
    ] = None,
    floor: Annotated[
        list[str] | None,
        typer.Option("--floor", metavar="NAME=F1", help="End with 1 under this F1 of a topic, or of macro."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing report and charts.")] = False,
) -> None:
    """Score a model by topic, script, region, source, length and month, with intervals; what is too few is refused.

    Articles that the model was trained on are scored out of fold by source, all others by the model.
    """
    import json

    from pipeline.cli.options import numbers_of
    from pipeline.records import visible
    from pipeline.streams import STANDARD_OUTPUT, check_new, whole_file
    from pipeline.topics.assessment import assess, assessment_table, check_floors, under_floors
    from pipeline.topics.corpus import read_corpus
    from pipeline.topics.evaluate import missed_floors
    from pipeline.topics.tagger import Tagger

    wanted = numbers_of("--floor", floor)
    pinned = _floors(floors)
    if report == STANDARD_OUTPUT:
        raise UsageError("Standard output has the figures. Name a file for --report.")
    if report is not None:
        check_new(report, force=force)
    if charts is not None:
        check_new(charts, force=force, folder=True)
    tagger = Tagger.load(model)
    check_floors(wanted, tagger.topics)
    examples = read_corpus(corpus, tagger.topics)
    names = [name for given in against or () for name in given.split(",") if name]
    taught = None if teach is None else read_corpus(teach, tagger.topics)
    with progress_bar() as advance:
        found = assess(
            examples,
            model,
            against=names,
            taught=taught,
            by_split=by_split,
            tell=lambda what, done, of: advance(done, of, what),
        )
    # ASCII: names of sources come from the corpus, and a terminal would obey what they hold.
    typer.echo(json.dumps(found.as_json(), indent=1) if as_json else visible(assessment_table(found)))
    if report is not None:
        from pipeline.report.evaluation import evaluation_page

        with whole_file(report) as file:
            file.write(evaluation_page(found, model))
        say(f"The report is in {report}.")
    if charts is not None:
        _write_charts(found, charts)
    if pinned is not None and pinned.get("corpus") != found.report.corpus:
        raise UsageError(f"The floors in {floors} were measured on another corpus; pin them anew on this one.")
    missed = under_floors(found, wanted) + (missed_floors(found.report, pinned) if pinned is not None else [])
    for line in missed:
        say(line)
    if missed:
        raise typer.Exit(1)


def _write_charts(found: Assessment, folder: Path) -> None:
    """Write the charts, and leave none of an earlier evaluation among them."""
    from pipeline.report.evaluation import chart_files
    from pipeline.streams import whole_file

    files = chart_files(found)
    try:
        folder.mkdir(exist_ok=True)
        for pattern in ("precision-recall-*", "reliability-*", "confusions.*"):
            for path in folder.glob(pattern):
                if path.suffix in (".svg", ".png"):
                    path.unlink()
    except OSError as error:
        raise UsageError(f"The charts cannot be written to {folder}: {error.strerror}.") from error
    for name, content in files.items():
        with whole_file(folder / name) as file:
            file.write(content)
    more = "" if any(name.endswith(".png") for name in files) else " as SVG; for PNG too, pip install 'taowen[png]'"
    say(f"{len(files)} charts are in {folder}{more}.")


def _floors(path: Path | None) -> dict[str, Any] | None:
    import json

    if path is None:
        return None
    try:
        floors = json.loads(path.read_text("utf-8"))
        pinned: dict[str, Any] = floors.get("topics", floors)
    except (OSError, ValueError, AttributeError) as error:
        raise UsageError(f"{path} cannot be read as JSON: {why(error)}.") from error
    return pinned
