"""Values of options that stand in the environment or in `taowen.toml`; `taowen config show` tells where from."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from pipeline.errors import UsageError

__all__ = ["Setting", "config_app", "defaults", "origin_of", "settings"]

FILE = "taowen.toml"
NAMED = "TAOWEN_CONFIG"
_OPTION = re.compile(r"--([a-z][a-z-]*)")
NEVER = {"help", "version", "force", "dry-run"}
"""Options that have to be typed: what they do is meant for one call."""

config_app = typer.Typer(
    name="config",
    help="Options from the environment and from taowen.toml.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Setting(NamedTuple):
    """The value of an option and where it comes from."""

    value: Any
    origin: str


def settings(commands: Mapping[str, Any]) -> dict[str, dict[str, Setting]]:
    """Return by command and by option (`page-seconds`) what the environment and the file say; the former goes first.

    Args:
        commands: of the application, by name.

    Raises:
        UsageError: the file cannot be read, or it or a variable names something that there is not.
    """
    known = {name: dict(_options(command)) for name, command in commands.items() if not hasattr(command, "commands")}
    found: dict[str, dict[str, Setting]] = {name: {} for name in known}
    path, told = _read()
    for key, value in told.items():
        if isinstance(value, dict):
            if key not in known:
                raise UsageError(f"{path}: there is no command '{key}'. Tables are {', '.join(known)}.")
            for name, one in value.items():
                if name not in known[key]:
                    raise UsageError(f"{path}: [{key}] takes no '{name}'. It takes {', '.join(sorted(known[key]))}.")
                found[key][name] = Setting(one, str(path))
            continue
        having = [command for command in known if key in known[command]]
        if not having:
            every = sorted({name for options in known.values() for name in options})
            raise UsageError(f"{path}: no command takes '{key}'. Options are {', '.join(every)}.")
        for command in having:  # at the top of the file it is for all of them, and a table goes first
            if not (isinstance(told.get(command), dict) and key in told[command]):
                found[command][key] = Setting(value, str(path))
    for command, options in known.items():
        begin = f"TAOWEN_{command}_".upper()
        by_variable = {begin + name.upper().replace("-", "_"): name for name in options}
        for variable in sorted(name for name, given in os.environ.items() if given and name.startswith(begin)):
            if variable not in by_variable:
                raise UsageError(f"${variable}: there is no such option. Variables are {', '.join(by_variable)}.")
            name = by_variable[variable]
            given = os.environ[variable]
            several = getattr(options[name], "multiple", False)
            found[command][name] = Setting(given.split() if several else given, f"${variable}")
    return found


def defaults(commands: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return `settings` as the command line takes them for what was not typed."""
    return {
        command: {parameter.name: some[name].value for name, parameter in _options(commands[command]) if name in some}
        for command, some in settings(commands).items()
    }


def origin_of(said: str, commands: Mapping[str, Any], typed: Sequence[str]) -> str:
    """Return where an option that a message speaks of was set; "" where it was typed, or where none is.

    Args:
        said: the message.
        commands: of the application, by name.
        typed: the command and what was typed behind it.
    """
    set_ = settings(commands).get(typed[0] if typed else "", {})
    named = [option for option in _OPTION.findall(said) if option in set_]
    by_hand = {argument.partition("=")[0].removeprefix("--") for argument in typed if argument.startswith("--")}
    return next((set_[option].origin for option in named if option not in by_hand), "")


@config_app.command(epilog="Example: taowen config show run")
def show(
    context: typer.Context,
    command: Annotated[
        str | None, typer.Argument(metavar="[COMMAND]", help="Only of this command.", show_default=False)
    ] = None,
) -> None:
    """Print every option that can be set, its value, and where that comes from: environment, taowen.toml, default."""
    group: Any = context.find_root().command
    found = settings(group.commands)
    if command is not None and command not in found:
        raise UsageError(f"There is no command '{command}'. Commands are {', '.join(found)}.")
    for name, options in found.items():
        if command not in (None, name):
            continue
        for option, parameter in _options(group.commands[name]):
            setting = options.get(option, Setting(parameter.default, "default"))
            typer.echo(f"{name}.{option} = {_shown(setting.value)}".ljust(40) + f"  ({setting.origin})")


def _shown(value: Any) -> str:
    """Return a value as the file has it, but for quotation marks round a single one."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _read() -> tuple[Path, dict[str, Any]]:
    named = os.environ.get(NAMED)
    path = Path(named or FILE)
    if not path.is_file():
        if named:
            raise UsageError(f"{path}, which ${NAMED} names, is not there.")
        return path, {}
    import tomllib

    try:
        return path, tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}.") from None


def _options(command: Any) -> Iterator[tuple[str, Any]]:
    """Yield the options that can be set, by what is typed without the dashes, and what the library calls them."""
    for parameter in command.params:
        if parameter.param_type_name == "option":
            name = max(parameter.opts, key=len).lstrip("-")
            if name not in NEVER:
                yield name, parameter
