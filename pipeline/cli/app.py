"""The application that the commands hang under."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pipeline.cli.config import config_app, defaults, origin_of
from pipeline.cli.terminal import output_ended, say
from pipeline.errors import UsageError

__all__ = ["app"]


class _Group(TyperGroup):
    """The commands. What is wrong with a value that nobody typed is told with the place where it stands."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command, and keep what was typed."""
        for before, typed in zip([None, *args], args, strict=False):
            if not typed or (typed.startswith("--") and typed.endswith("=")):
                option = typed.rstrip("=") or before or ""
                told = f"{option} is given nothing" if option.startswith("-") else "An argument is empty"
                raise UsageError(f"{told}. Is a variable of the shell not set?")
        ctx.meta["taowen.typed"] = list(args)
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was typed."""
        try:
            try:
                return super().invoke(ctx)
            finally:  # here: at the end of the process nobody could tell what went wrong
                if sys.stdout is not None:
                    sys.stdout.flush()
        except OSError as error:
            raise typer.Exit(output_ended(error)) from None
        except (typer.BadParameter, UsageError) as error:
            said = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
            origin = origin_of(said, self.commands, ctx.meta.get("taowen.typed", ()))
            if not origin:
                raise
            raise UsageError(f"{origin}: {said}") from None
        except KeyboardInterrupt as stop:  # here: further out it loses what it has to say
            say(str(stop) or "Interrupted.")
            raise typer.Exit(130) from None


app = typer.Typer(
    name="taowen",
    cls=_Group,
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
