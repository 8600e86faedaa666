"""Commands on pages: clean, tag, convert, explain."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.cli.app import app
from pipeline.cli.options import (
    Force,
    Format,
    Inputs,
    MaxRejects,
    Model,
    Names,
    Out,
    Overrides,
    PageText,
    Report,
    Threshold,
    To,
    check_output,
    check_report,
    pages_of,
    read_overrides,
    sources_of,
    tagging_config,
)
from pipeline.cli.terminal import say, too_many_rejects, watched
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.dumps.counts import Counts
    from pipeline.process import ProcessConfig
    from pipeline.streams import RejectLimit, Sink


@app.command(epilog="Example: taowen clean pages.jsonl -o articles.jsonl --sites mine.toml --report cuts.md")
def clean(
    context: typer.Context,
    inputs: Inputs = None,
    out: Out = Path("-"),
    format: Format = "jsonl",
    to: To = "zh-Hans",
    names: Names = False,
    page_text: PageText = False,
    sites: Overrides = None,
    report: Report = None,
    max_rejects: MaxRejects = "5%",
    force: Force = False,
) -> None:
    """Pages in, cleaned articles out: each with its kept text, its fields, and every cut with kind and reason."""
    from pipeline.process import ProcessConfig

    config = ProcessConfig(tag=False, to=to, names=names, page_text=page_text, sites=read_overrides(sites))
    _stream("clean", sources_of(context, inputs), config, out, format, max_rejects, report, force=force)


@app.command(epilog="Example: taowen tag page.html --threshold trade_war=0.7")
def tag(
    context: typer.Context,
    inputs: Inputs = None,
    out: Out = Path("-"),
    model: Model = None,
    threshold: Threshold = None,
    format: Format = "jsonl",
    to: To = "zh-Hans",
    names: Names = False,
    page_text: PageText = False,
    sites: Overrides = None,
    report: Report = None,
    max_rejects: MaxRejects = "5%",
    force: Force = False,
) -> None:
    """Clean, normalise and tag: topics with calibrated scores, each with the spans of the article that speak for it."""
    config = tagging_config(model, threshold, to, names, page_text, sites)
    _stream("tag", sources_of(context, inputs), config, out, format, max_rejects, report, force=force)


@app.command(epilog="Example: taowen convert --to zh-Hans --names page.html")
def convert(
    context: typer.Context,
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="SCRIPT|CONFIG",
            help="zh-Hans, zh-Hant, zh-Hant-TW or zh-Hant-HK, line by line where it is needed. Or all of it by one of "
            "OpenCC's configurations: s2t, s2tw, s2twp, s2hk, s2hkp, t2s, tw2s, tw2sp, hk2s, hk2sp, t2tw, t2hk, tw2t, "
            "hk2t, t2jp, jp2t.",
        ),
    ],
    inputs: Inputs = None,
    out: Out = Path("-"),
    names: Names = False,
    field: Annotated[
        list[str] | None,
        typer.Option("--field", metavar="NAME", help="Convert this field of JSON in place (a.b: b of a); repeat it."),
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Tell which rule changes what, instead.")] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Standard input line by line, as it comes: text or JSON lines in UTF-8.")
    ] = False,
    max_rejects: MaxRejects = "5%",
    force: Force = False,
) -> None:
    """Convert the script of text, HTML and subtitles as they are; of JSON lines, with text_normalised added."""
    from pipeline.conversion import Conversion, Kept, More, convert_live, convert_source
    from pipeline.streams import RejectLimit, open_sink

    limit = RejectLimit.parse(max_rejects)
    config = Conversion(to, names, tuple(field or ()), explain)
    config.check()
    if live and (out != Path("-") or explain or inputs not in (None, ["-"]) or sys.stdin is None):
        raise UsageError("--live goes from standard input to standard output: leave out files, -o and --explain.")
    sources = ["-"] if live else sources_of(context, inputs)
    check_output(out, sources)
    kept = 0
    with open_sink(out, "jsonl", force=force) as sink, watched(sink.books, "convert"):
        for source in sources:
            for result in convert_live(sys.stdin.buffer, config) if live else convert_source(source, config):
                if isinstance(result, More):
                    sink.go_on(result)
                else:
                    sink.take(result)
                    kept += isinstance(result, Kept)
                if live:
                    sink.flush()
        if kept and kept == sink.books.written:
            told = " or ".join(f"'{name}'" for name in config.fields)
            raise UsageError(f"No object has a string under {told}. Check the names given by --field.")
    _finish(sink, limit)


@app.command(epilog="Example: taowen explain pages.jsonl --id page-17 | less")
def explain(
    context: typer.Context,
    inputs: Inputs = None,
    id: Annotated[str | None, typer.Option("--id", metavar="ID", help="Only the page with this id.")] = None,
    model: Model = None,
    threshold: Threshold = None,
    sites: Overrides = None,
) -> None:
    """Show pages as a person reads them: what was cut and why, which spans made each tag.

    Behind a span stands what it is worth: by how much the log odds of its topic fall without its words.
    """
    from rich.console import Console

    from pipeline.article import Article, Reject
    from pipeline.explain import explain as shown
    from pipeline.process import Process
    from pipeline.script.identify import identify
    from pipeline.streams import rejected_line

    process = Process(tagging_config(model, threshold, "zh-Hans", False, False, sites))
    if sys.stdout is None:
        raise UsageError("Standard output is closed.")
    sources = sources_of(context, inputs)
    colour = sys.stdout.isatty()
    console = Console(highlight=False, soft_wrap=not colour, no_color=not colour)
    found = rejected = 0
    for result in process.articles(p for p in pages_of(sources) if id is None or getattr(p, "id", None) == id):
        if isinstance(result, Reject):
            say(rejected_line(result))
            rejected += 1
        if not isinstance(result, Article):
            continue
        script = identify(result.text or result.page_text, context=result.page_text)
        told = " ".join(filter(None, (script.script, script.region)))
        tags = process.tags([result])[0]
        worths = [process.tagger.worths(result.text, result.title, tag) for tag in tags]
        with console.capture() as page:  # written by rich itself, a closed pipe would be an error
            if found:
                console.print("\n" + "=" * 60 + "\n")
            console.print(shown(result, tags, told, colour=colour, worths=worths), end="")
        sys.stdout.write(page.get())
        found += 1
    if not found and not rejected:
        wanted = f"no page with the id '{id}'" if id is not None else "no page"
        raise UsageError(f"{', '.join(inputs or ['Standard input'])} has {wanted}.")
    if not found:
        raise typer.Exit(1)


def _stream(
    verb: str,
    sources: list[str],
    config: ProcessConfig,
    out: Path,
    kind: Literal["jsonl", "csv"],
    max_rejects: str,
    report: Path | None,
    *,
    force: bool,
) -> None:
    from pipeline.dumps.counts import Counts
    from pipeline.process import Process
    from pipeline.streams import RejectLimit, open_sink

    limit = RejectLimit.parse(max_rejects)
    check_output(out, sources, kind)
    process = Process(config)
    if report is not None:
        check_report(report, out, sources, force=force)
    process.check()
    counts = Counts()
    with open_sink(out, kind, force=force) as sink, watched(sink.books, verb):
        for result in process.rows(pages_of(sources)):
            sink.take(result)
            counts.add(result)
    if report is not None:
        _write_report(report, counts, process.versions)
    _finish(sink, limit)


def _finish(sink: Sink, limit: RejectLimit) -> None:
    """Say how it went, and end with 1 if too many records were rejected."""
    say(sink.books.summary())
    if limit.exceeded(sink.books.rejected, sink.books.written):
        say(too_many_rejects(sink.rejects_in))
        raise typer.Exit(1)


def _write_report(path: Path, counts: Counts, versions: Mapping[str, str]) -> None:
    """Write the books: Markdown if the name ends in .md, else JSON; a table for a terminal where the path is -."""
    import json

    from pipeline.dumps.tables import kind_table, site_table, to_json, to_markdown
    from pipeline.streams import STANDARD_OUTPUT, whole_file

    if path == STANDARD_OUTPUT:  # which the rows have
        say("\n".join(("", *site_table(counts), "", *kind_table(counts), "")))
        return
    if path.suffix.lower() == ".md":
        text = to_markdown(counts)
    else:
        text = json.dumps(to_json(counts, versions), ensure_ascii=False, indent=1) + "\n"
    with whole_file(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))
