"""Commands on dumps: run, status, report."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.cli.app import app
from pipeline.cli.options import MaxRejects, Model, Names, Overrides, PageText, Threshold, To, found_in, tagging_config
from pipeline.cli.terminal import progress_bar, say, too_many_rejects
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.dumps.status import Status


@app.command(epilog="Example: taowen run crawl/*.warc.gz --out tagged --workers 2")
def run(
    out: Annotated[
        str,
        typer.Option("--out", "-o", metavar="DIR", help="Folder of the run, or an address; an unfinished run goes on."),
    ],
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="INPUT",
            help="Files, folders, globs, addresses (s3://...). Without any, the run in DIR goes on with its own.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", metavar="N", min=1, help="Tasks at a time, each with its processes.")
    ] = 1,
    page_seconds: Annotated[
        float,
        typer.Option("--page-seconds", metavar="S", help="Reject a page that takes longer; 0 for no deadline."),
    ] = 10,
    format: Annotated[Literal["jsonl", "parquet"], typer.Option("--format", help="Format of the parts.")] = "jsonl",
    model: Model = None,
    threshold: Threshold = None,
    to: To = "zh-Hans",
    names: Names = False,
    page_text: PageText = False,
    sites: Overrides = None,
    max_rejects: MaxRejects = "5%",
    fail_under: Annotated[
        str,
        typer.Option("--fail-under", metavar="P%", help="End with 1 if fewer of the pages than this are articles."),
    ] = "0%",
    add: Annotated[bool, typer.Option("--add", help="Append those of the inputs that the run does not have.")] = False,
    sample: Annotated[
        int | None, typer.Option("--sample", metavar="N", min=1, help="Read about N records, from all over the dump.")
    ] = None,
    share: Annotated[
        str | None,
        typer.Option("--share", metavar="K/N", help="Do every N-th task from the K-th (from 0) on: one of N machines."),
    ] = None,
    engine: Annotated[
        Literal["local", "ray"], typer.Option("--engine", help="This machine, or all cores of a Ray cluster.")
    ] = "local",
    address: Annotated[
        str, typer.Option("--address", metavar="HOST:PORT", help="Of the Ray cluster; auto is the one of this machine.")
    ] = "auto",
    deduplicate: Annotated[
        bool, typer.Option("--deduplicate", help="At the end, list copies in duplicates.parquet; none is removed.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Throw away another run that DIR holds.")] = False,
) -> None:
    """Process a dump into DIR: parts, rejects, receipts, report.json. Stopped at any time, the same command resumes."""
    from pipeline.dumps.local import check_asked
    from pipeline.dumps.local import run as run_dump
    from pipeline.dumps.manifest import PAGE
    from pipeline.dumps.status import to_text
    from pipeline.places import is_address
    from pipeline.process import Process
    from pipeline.streams import RejectLimit

    limit = RejectLimit.parse(max_rejects)
    floor = _percent(fail_under)
    part = _share(share)
    make = partial(Process, tagging_config(model, threshold, to, names, page_text, sites))
    given = inputs or []
    if dry_run or engine == "ray":  # else the run loads the models itself before it begins
        make().check()
    if dry_run:
        from pipeline.dumps.preview import preview

        check_asked(page_seconds=page_seconds, share=part, add=add, force=force, deduplicate=deduplicate)
        typer.echo(preview(given, out, make, kind=format, add=add, force=force, sample=sample or 0, workers=workers))
        return
    found_in([one for one in given if not is_address(one)])  # there every look at a file is a request
    page = Path(out, PAGE)  # never at an address: reports are files of this machine
    stood = not is_address(out) and page.exists()
    with progress_bar(lines=True) as advance:

        def progress(status: Status) -> None:
            counts = status.counts
            told = f"{counts.read:,} read, {counts.rejected:,} rejected, {counts.bytes / 1e6:,.1f} MB"
            advance(counts.bytes, status.bytes, told, counts.read)

        status = run_dump(
            given,
            out,
            make,
            workers=workers,
            kind=format,
            add=add,
            force=force,
            sample=sample or 0,
            share=part,
            deduplicate=deduplicate,
            engine=engine,
            address=address,
            page_seconds=page_seconds,
            progress=progress,
        )
    say(to_text(status))
    if stood and not page.exists():
        say(f"{page} told of the run as it was, and is removed; 'taowen report {out}' writes it anew.")
    counts = status.counts
    too_many = limit.exceeded(counts.rejected, counts.written)
    if too_many:
        say(too_many_rejects(f"in {out}/rejects"))
    pages = counts.written + counts.rejected
    too_few = status.complete and counts.status["article"] < floor * pages
    if too_few:
        say(
            f"{counts.status['article']} of {pages} pages are articles, fewer than --fail-under {fail_under}. "
            f"'taowen status {out}' shows what became of the others, by site."
        )
    if status.failed or too_many or too_few:
        raise typer.Exit(1)


def _percent(given: str) -> float:
    number = given.removesuffix("%")
    try:
        share = float(number) / 100
    except ValueError:
        share = -1
    if not given.endswith("%") or not 0 <= share <= 1:
        raise UsageError(f"--fail-under takes a percentage such as 90%, not '{given}'.")
    return share


def _share(given: str | None) -> tuple[int, int]:
    if given is None:
        return 0, 1
    one, slash, of = given.partition("/")
    if not (slash and one.isdecimal() and of.isdecimal() and int(one) < int(of)):
        raise UsageError(f"--share takes K/N with K from 0 to N - 1, such as 0/4, not '{given}'.")
    return int(one), int(of)


@app.command(epilog="Example: taowen status tagged")
def status(folder: Annotated[str, typer.Argument(metavar="DIR", help="Folder of a run, or an address.")]) -> None:
    """How far a run is: tasks done, books, rejects by reason, sites. Reads only; safe while the run works."""
    from pipeline.dumps.status import status as status_of
    from pipeline.dumps.status import to_text

    typer.echo(to_text(status_of(folder)))


@app.command(epilog="Example: taowen report tagged")
def report(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Folder of a run, or an address.")],
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
    from pipeline.dumps.manifest import PAGE
    from pipeline.places import is_address
    from pipeline.report.dump import dump_page
    from pipeline.streams import check_new, whole_file

    if out is None and is_address(folder):
        raise UsageError(f"{folder} is no folder of this machine. Say where the report goes: -o FILE.html.")
    place = Path(folder, PAGE) if out is None else out
    more = []
    if Path(folder).is_dir():
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
    say(f"The report is in {'standard output' if out == Path('-') else place}.")
