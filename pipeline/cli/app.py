"""The application that the commands hang under."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from pipeline.cli.config import config_app, defaults

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


app.add_typer(config_app)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    if version:
        from pipeline import __version__

        typer.echo(f"taowen {__version__}")
        raise typer.Exit
    group: Any = context.command
    context.default_map = defaults(group.commands)
