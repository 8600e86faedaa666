"""Options that several commands take, and what they become."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pipeline.cli.terminal import say
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from pipeline.article import Page, Reject, Skip
    from pipeline.ingest.sites import Sites
    from pipeline.process import ProcessConfig

Target = Literal["zh-Hans", "zh-Hant", "zh-Hant-TW", "zh-Hant-HK"]
Inputs = Annotated[
    list[str] | None,
    typer.Argument(metavar="INPUT", help="Files, folders, globs, or - for standard input.", show_default=False),
]
Out = Annotated[
    Path, typer.Option("-o", "--out", metavar="FILE", help="Write here (.gz is packed); - is standard output.")
]
Format = Annotated[Literal["jsonl", "csv"], typer.Option("--format", help="JSON lines, or CSV for spreadsheets.")]
Force = Annotated[bool, typer.Option("--force", help="Write over an existing output.")]
MaxRejects = Annotated[
    str, typer.Option("--max-rejects", metavar="N|P%", help="End with 1 if more records than this are rejected.")
]
To = Annotated[Target, typer.Option("--to", help="The script of text_normalised.")]
Names = Annotated[bool, typer.Option("--names", help="Write names and terms as the region of --to does, too.")]
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


def read_overrides(path: Path | None) -> Sites | None:
    """Return what --sites says, if it is given."""
    from pipeline.ingest.sites import read_sites

    return None if path is None else read_sites(path)


def tagging_config(
    model: Path | None, threshold: list[str] | None, to: str, names: bool, page_text: bool, sites: Path | None
) -> ProcessConfig:
    """Return what the options of a tagging command ask for."""
    from pipeline.process import ProcessConfig

    chosen = "" if model is None else str(model)
    thresholds = tuple(sorted(numbers_of("--threshold", threshold).items()))
    overrides = read_overrides(sites)
    return ProcessConfig(model=chosen, to=to, names=names, thresholds=thresholds, page_text=page_text, sites=overrides)


def sources_of(context: typer.Context, inputs: list[str] | None) -> list[str]:
    """Return the files to read. Without any, standard input; on a terminal that would wait for ever, so help."""
    if not inputs:
        if sys.stdin is None or sys.stdin.isatty():
            typer.echo(context.get_help())
            raise typer.Exit
        inputs = ["-"]
    return found_in(inputs)


def found_in(inputs: Sequence[str]) -> list[str]:
    """Return the files that the arguments name, and say what is passed over in folders."""
    from pipeline.ingest.inputs import by_ending, find

    found = find(inputs)
    if left := found.passed_over:
        say(f"passed over in folders: {by_ending(left)}. What is named, by itself or by a glob, is read.")
    return found.files


def pages_of(sources: list[str]) -> Iterator[Page | Reject | Skip]:
    """Read files one after another."""
    from pipeline.ingest.read import read

    for source in sources:
        yield from read(source)


def check_output(out: Path, sources: Sequence[str], kind: str = "") -> None:
    """Refuse an output that is an input, which would be lost, or whose name promises another format."""
    if _is_one_of(out, sources):
        raise UsageError(f"{out} is one of the inputs. Write to another file, outside the folder that is read.")
    named = Path(out.name.removesuffix(".gz")).suffix.lower()
    if (named == ".csv") != (kind == "csv") and kind and named in (".csv", ".json", ".jsonl"):
        raise UsageError(f"{out} and --format {kind} do not fit. Name the file otherwise, or give the other format.")
    if named in (".parquet", ".zst"):
        raise UsageError(f"{out}: write .jsonl, .jsonl.gz or .csv. 'taowen run --format parquet' writes Parquet.")


def check_report(report: Path, out: Path, sources: Sequence[str], *, force: bool) -> None:
    """Refuse a file for the report that cannot be written, or is the output or an input."""
    from pipeline.streams import STANDARD_OUTPUT, check_new

    if report == STANDARD_OUTPUT:  # the report is a table on standard error then
        return
    if _is_one_of(report, [*sources, str(out), f"{out}.rejects.jsonl"]):
        raise UsageError(f"--report {report} is an input or the output itself. Name another file.")
    check_new(report, force=force)


def _is_one_of(path: Path, others: Sequence[str]) -> bool:
    return path.resolve() in {Path(other).resolve() for other in others if other != "-"}


def numbers_of(option: str, given: Sequence[str] | None) -> dict[str, float]:
    """Return what an option TOPIC=NUMBER says, the number being between 0 and 1."""
    wanted: dict[str, float] = {}
    for one in given or ():
        name, _, value = one.partition("=")
        try:
            wanted[name] = float(value)
        except ValueError:
            name = ""
        if not name or not 0 <= wanted[name] <= 1:
            raise UsageError(
                f"{option} takes NAME=NUMBER with a number between 0 and 1, such as trade_war=0.6, not '{one}'."
            )
    return wanted
