"""The application that the commands hang under."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["app"]

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


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False) -> None:
    if version:
        from pipeline import __version__

        typer.echo(f"taowen {__version__}")
        raise typer.Exit
