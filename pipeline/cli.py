"""The command `taowen`. The library does the work; only this module ends the process."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pipeline.errors import InputError, TaowenError, UsageError

if TYPE_CHECKING:
    from pipeline.article import Page, Reject, Skip
    from pipeline.ingest.sites import Sites
    from pipeline.process import ProcessConfig

__all__ = ["app", "main"]

# Products here are small: threads would cost more than they give, and the workers of a run would share the cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

app = typer.Typer(
    name="taowen",
    help="Clean, script-normalised, topic-tagged articles from crawled dumps of Chinese news.",
    epilog="Exit codes: 0 done, 1 too many rejects or a floor missed, 2 usage or configuration, 130 interrupted.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Target = Literal["zh-Hans", "zh-Hant", "zh-Hant-TW", "zh-Hant-HK"]
Inputs = Annotated[
    list[str] | None,
    typer.Argument(metavar="[INPUT]...", help="Files, folders, globs, or - for standard input.", show_default=False),
]
Out = Annotated[
    Path | None,
    typer.Option("-o", "--out", metavar="FILE", help="Write here (.gz is packed) instead of to standard output."),
]
Format = Annotated[Literal["jsonl", "csv"], typer.Option("--format", help="JSON lines, or CSV for spreadsheets.")]
Force = Annotated[bool, typer.Option("--force", help="Write over an existing output.")]
MaxRejects = Annotated[
    str, typer.Option("--max-rejects", metavar="N|P%", help="End with 1 if more records than this are rejected.")
]
To = Annotated[Target, typer.Option("--to", help="The script of text_normalised.")]
PageText = Annotated[bool, typer.Option("--page-text", help="Add page_text, which the offsets of the cuts count in.")]
Model = Annotated[
    Path | None,
    typer.Option("--model", metavar="DIR", help="A folder that 'taowen train' wrote. [default: the shipped one]"),
]
Threshold = Annotated[
    list[str] | None,
    typer.Option("--threshold", metavar="TOPIC=P", help="Tag TOPIC from probability P on; may be repeated."),
]
Overrides = Annotated[
    Path | None,
    typer.Option("--sites", metavar="FILE", help="A TOML file: what to keep and to cut on single sites."),
]
Report = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE",
        help="Tell what was cut, by kind and site: JSON, Markdown (.md), or - for a table on standard error.",
    ),
]


_TOO_MANY = "More records were rejected than --max-rejects allows; each is told"


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False) -> None:
    if version:
        from pipeline import __version__

        typer.echo(f"taowen {__version__}")
        raise typer.Exit


@app.command(epilog="Example: taowen clean pages.jsonl -o articles.jsonl --sites mine.toml --report cuts.md")
def clean(
    context: typer.Context,
    inputs: Inputs = None,
    out: Out = None,
    format: Format = "jsonl",
    to: To = "zh-Hans",
    page_text: PageText = False,
    sites: Overrides = None,
    report: Report = None,
    max_rejects: MaxRejects = "5%",
    force: Force = False,
) -> None:
    """Pages in, cleaned articles out: each with its kept text, its fields, and every cut with kind and reason."""
    from pipeline.process import ProcessConfig

    config = ProcessConfig(tag=False, to=to, page_text=page_text, sites=_overrides(sites))
    _stream("clean", _sources(context, inputs), config, out, format, max_rejects, report, force=force)


@app.command(epilog="Example: taowen tag page.html --threshold trade_war=0.7")
def tag(
    context: typer.Context,
    inputs: Inputs = None,
    out: Out = None,
    model: Model = None,
    threshold: Threshold = None,
    format: Format = "jsonl",
    to: To = "zh-Hans",
    page_text: PageText = False,
    sites: Overrides = None,
    report: Report = None,
    max_rejects: MaxRejects = "5%",
    force: Force = False,
) -> None:
    """Clean, normalise and tag: topics with calibrated scores, each with the spans of the article that speak for it."""
    config = _tagging(model, threshold, to, page_text, sites)
    _stream("tag", _sources(context, inputs), config, out, format, max_rejects, report, force=force)


@app.command(epilog="Example: taowen convert --to zh-Hant-TW article.txt")
def convert(
    context: typer.Context,
    to: Annotated[Target, typer.Option("--to", help="The script, and region, to write in.")],
    inputs: Inputs = None,
    out: Out = None,
    max_rejects: MaxRejects = "5%",
    force: Force = False,
) -> None:
    """Convert the script: text in, text out; JSON lines in, the same objects with text_normalised out."""
    from pipeline.conversion import convert_source
    from pipeline.streams import RejectLimit, open_sink, watched

    limit = RejectLimit.parse(max_rejects)
    sources = _sources(context, inputs)
    _check_output(out, sources)
    with open_sink(out, "jsonl", force=force) as sink, watched(sink, "convert"):
        for source in sources:
            for result in convert_source(source, to):
                sink.take(result)
    _finish(sink.books.summary(), limit.exceeded(sink.books.rejected, sink.books.written))


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
    make = partial(Process, _tagging(model, threshold, to, page_text, sites))
    make().check()
    with _bar() as advance:

        def progress(status: Status) -> None:
            advance(
                status.counts.bytes, status.bytes, f"{status.counts.read:,} read, {status.counts.rejected:,} rejected"
            )

        seconds = LIMITS.page_seconds if page_seconds is None else page_seconds
        status = run_dump(
            inputs, out, make, workers=workers, kind=format, force=force, page_seconds=seconds, progress=progress
        )
    _say(to_text(status))
    counts = status.counts
    too_many = limit.exceeded(counts.rejected, counts.written)
    if too_many:
        _say(f"{_TOO_MANY} in {out / 'rejects'}.")
    if status.failed or too_many:
        raise typer.Exit(1)


@app.command(epilog="Example: taowen status tagged")
def status(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a run.")]) -> None:
    """How far a run is: tasks done, books, rejects by reason, sites. Reads only; safe while the run works."""
    from pipeline.dumps.status import status as status_of
    from pipeline.dumps.status import to_text

    typer.echo(to_text(status_of(folder)))


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
    with _bar() as advance:
        told = train_model(examples, out, taxonomy, lambda what, done, of: advance(done, of, what))
    typer.echo(table(told.report))
    _say(f"{len(examples)} articles; the model is in {out}.")


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
            _say(line)
        if missed:
            raise typer.Exit(1)


@app.command(epilog="Example: taowen explain pages.jsonl --id page-17 | less")
def explain(
    source: Annotated[str, typer.Argument(metavar="INPUT", help="A file, or - for standard input.")],
    id: Annotated[str | None, typer.Option("--id", metavar="ID", help="Only the page with this id.")] = None,
    model: Model = None,
    threshold: Threshold = None,
    sites: Overrides = None,
) -> None:
    """Show pages as a person reads them: what was cut and why, which spans made each tag."""
    from rich.console import Console

    from pipeline.article import Article, Reject
    from pipeline.explain import explain as shown
    from pipeline.process import Process
    from pipeline.script.identify import identify
    from pipeline.streams import rejected_line

    process = Process(_tagging(model, threshold, "zh-Hans", False, sites))
    colour = sys.stdout.isatty()
    console = Console(highlight=False, soft_wrap=not colour, no_color=not colour)
    found = rejected = 0
    for result in process.articles(p for p in _pages([source]) if id is None or getattr(p, "id", None) == id):
        if isinstance(result, Reject):
            _say(rejected_line(result))
            rejected += 1
        if not isinstance(result, Article):
            continue
        if found:
            console.print("\n" + "=" * 60 + "\n")
        found += 1
        script = identify(result.text or result.page_text, context=result.page_text)
        told = " ".join(filter(None, (script.script, script.region)))
        console.print(shown(result, process.tags([result])[0], told, colour=colour), end="")
    if not found and not rejected:
        wanted = f"no page with the id '{id}'" if id is not None else "no page"
        raise UsageError(f"{source} has {wanted}.")
    if not found:
        raise typer.Exit(1)


def _overrides(path: Path | None) -> Sites | None:
    from pipeline.ingest.sites import read_sites

    return None if path is None else read_sites(path)


def _tagging(
    model: Path | None, threshold: list[str] | None, to: str, page_text: bool, sites: Path | None
) -> ProcessConfig:
    from pipeline.process import ProcessConfig

    wanted: dict[str, float] = {}
    for given in threshold or ():
        topic, equals, value = given.partition("=")
        try:
            wanted[topic] = float(value)
        except ValueError:
            equals = ""
        if not equals or not topic or not 0 <= wanted[topic] <= 1:
            raise UsageError(f"--threshold takes TOPIC=P with P between 0 and 1, such as trade_war=0.6, not '{given}'.")
    chosen = "" if model is None else str(model)
    thresholds = tuple(sorted(wanted.items()))
    return ProcessConfig(model=chosen, to=to, thresholds=thresholds, page_text=page_text, sites=_overrides(sites))


def _sources(context: typer.Context, inputs: list[str] | None) -> list[str]:
    """Return the files to read. Without any, standard input; on a terminal that would wait for ever, so help."""
    from pipeline.ingest.read import expand

    if not inputs:
        if sys.stdin is None or sys.stdin.isatty():
            typer.echo(context.get_help())
            raise typer.Exit
        inputs = ["-"]
    return expand(inputs)


def _pages(sources: list[str]) -> Iterator[Page | Reject | Skip]:
    from pipeline.ingest.read import read

    for source in sources:
        yield from read(source)


def _stream(
    verb: str,
    sources: list[str],
    config: ProcessConfig,
    out: Path | None,
    kind: Literal["jsonl", "csv"],
    max_rejects: str,
    report: Path | None,
    *,
    force: bool,
) -> None:
    from pipeline.dumps.counts import Counts
    from pipeline.dumps.report import check_place, write_report
    from pipeline.process import Process
    from pipeline.streams import RejectLimit, open_sink, watched

    limit = RejectLimit.parse(max_rejects)
    _check_output(out, sources, kind)
    process = Process(config)
    if report is not None:
        check_place(report, out, sources, force=force)
    process.check()
    counts = Counts()
    with open_sink(out, kind, force=force) as sink, watched(sink, verb):
        for result in process.rows(_pages(sources)):
            sink.take(result)
            counts.add(result)
    if report is not None:
        write_report(report, counts, process.versions)
    _finish(sink.books.summary(), limit.exceeded(sink.books.rejected, sink.books.written))


def _check_output(out: Path | None, sources: list[str], kind: str = "") -> None:
    """Refuse an output that is an input, which would be lost, or whose name promises another format."""
    if out is None:
        return
    if any(source != "-" and Path(source).resolve() == out.resolve() for source in sources):
        raise UsageError(f"{out} is one of the inputs. Write to another file, outside the folder that is read.")
    named = Path(out.name.removesuffix(".gz")).suffix.lower()
    if (named == ".csv") != (kind == "csv") and kind and named in (".csv", ".json", ".jsonl"):
        raise UsageError(f"{out} and --format {kind} do not fit. Name the file otherwise, or give the other format.")
    if named in (".parquet", ".zst"):
        raise UsageError(f"{out}: write .jsonl, .jsonl.gz or .csv. 'taowen run --format parquet' writes Parquet.")


def _finish(summary: str, too_many: bool) -> None:
    _say(summary)
    if too_many:
        _say(f"{_TOO_MANY} above or in the rejects file.")
        raise typer.Exit(1)


def _say(text: str) -> None:
    from pipeline.records import visible

    print(visible(text), file=sys.stderr)


class _bar:  # noqa: N801  used like a function
    """A progress bar on standard error, on a terminal only."""

    def __enter__(self) -> Callable[[float, float, str], None]:
        self._progress: Any = None
        if not sys.stderr.isatty():
            return lambda done, of, text: None
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (BarColumn(), TextColumn("{task.percentage:>3.0f}%"), TextColumn("{task.description}"))
        self._progress = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
        self._progress.start()
        task = self._progress.add_task("", total=None)
        return lambda done, of, text: self._progress.update(task, completed=done, total=of, description=text)

    def __exit__(self, *error: object) -> None:
        if self._progress is not None:
            self._progress.stop()


def main() -> None:
    """Run the command line and end the process with its exit code."""
    # A page's matrices are small: threads of the linear algebra only wait for each other (pages-dev as flattened text:
    # 10.6 CPU seconds with two, 5.1 with one, the same bytes). Workers inherit it.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        app(standalone_mode=True, prog_name="taowen")
    except (TaowenError, InputError) as error:
        _say(f"taowen: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt as error:
        _say(str(error) or "Interrupted.")
        sys.exit(130)
