"""Commands on dumps: run, status."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipeline.cli.app import app
from pipeline.cli.options import MaxRejects, Model, Overrides, PageText, Threshold, To, tagging_config
from pipeline.cli.terminal import TOO_MANY, progress_bar, say


@app.command(epilog="Example: taowen run crawl/*.warc.gz --out tagged --workers 2")
def run(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Files, folders, globs.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="DIR", help="Folder of the run; an unfinished run goes on.")
    ],
    workers: Annotated[int, typer.Option("--workers", min=1, help="Tasks at a time, each with its processes.")] = 1,
    page_seconds: Annotated[
        float | None,
        typer.Option(
            "--page-seconds", metavar="S", help="Reject a page that takes longer; 0 for no deadline. [default: 10]"
        ),
    ] = None,
    format: Annotated[Literal["jsonl", "parquet"], typer.Option("--format", help="Format of the parts.")] = "jsonl",
    model: Model = None,
    threshold: Threshold = None,
    to: To = "zh-Hans",
    page_text: PageText = False,
    sites: Overrides = None,
    max_rejects: MaxRejects = "5%",
    force: Annotated[bool, typer.Option("--force", help="Throw away another run that DIR holds.")] = False,
) -> None:
    """Process a dump into DIR: parts, rejects, receipts, report.json. Stopped at any time, the same command resumes."""
    from pipeline.configure import LIMITS
    from pipeline.dumps.local import run as run_dump
    from pipeline.dumps.status import Status, to_text
    from pipeline.process import Process
    from pipeline.streams import RejectLimit

    limit = RejectLimit.parse(max_rejects)
    make = partial(Process, tagging_config(model, threshold, to, page_text, sites))
    make().check()
    with progress_bar() as advance:

        def progress(status: Status) -> None:
            advance(
                status.counts.bytes, status.bytes, f"{status.counts.read:,} read, {status.counts.rejected:,} rejected"
            )

        seconds = LIMITS.page_seconds if page_seconds is None else page_seconds
        status = run_dump(
            inputs, out, make, workers=workers, kind=format, force=force, page_seconds=seconds, progress=progress
        )
    say(to_text(status))
    counts = status.counts
    too_many = limit.exceeded(counts.rejected, counts.written)
    if too_many:
        say(f"{TOO_MANY} in {out / 'rejects'}.")
    if status.failed or too_many:
        raise typer.Exit(1)


@app.command(epilog="Example: taowen status tagged")
def status(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run.")]) -> None:
    """How far a run is: tasks done, books, rejects by reason, sites. Reads only; safe while the run works."""
    from pipeline.dumps.status import status as status_of
    from pipeline.dumps.status import to_text

    typer.echo(to_text(status_of(folder)))


@app.command(epilog="Example: taowen report tagged")
def report(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE.html", help="The file. [default: DIR/report.html]")
    ] = None,
    corpus: Annotated[
        Path | None,
        typer.Option("--corpus", metavar="CORPUS", help="Labelled articles: adds how good the tags are on them."),
    ] = None,
    model: Model = None,
    force: Annotated[bool, typer.Option("--force", help="Write over an existing report.")] = False,
) -> None:
    """How a run went, as one HTML file: cuts by kind and site, pages without an article, pages worth a look.

    It opens without network, runs nothing, and whatever a page says stands there as text.
    """
    from pipeline.cli.options import check_new
    from pipeline.report.dump import dump_page
    from pipeline.streams import whole_file

    place = folder / "report.html" if out is None else out
    more = []
    if folder.is_dir():
        check_new(place, force=force)
    if corpus is not None:
        from pipeline.report.evaluation import evaluation_sections
        from pipeline.topics.assessment import assess
        from pipeline.topics.corpus import read_corpus
        from pipeline.topics.tagger import Tagger

        more = evaluation_sections(assess(read_corpus(corpus, Tagger.load(model).topics), model), model)
    content = dump_page(folder, more)
    with whole_file(place) as file:
        file.write(content)
    say(f"The report is in {place}.")
