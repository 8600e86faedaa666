"""The command `taowen`. The library does the work; only this room ends the process."""

from __future__ import annotations

import os
import sys

from pipeline.cli import articles, dumps, labels, topics
from pipeline.cli.app import app
from pipeline.cli.terminal import output_ended, say
from pipeline.errors import InputError, TaowenError

__all__ = ["COMMANDS", "app", "main"]

COMMANDS = (articles, dumps, topics, labels)
"""The modules whose functions are commands; to import one is to hang its commands under the application."""


def main() -> None:
    """Run the command line and end the process with its exit code."""
    # A page's matrices are small: threads of the linear algebra only wait for each other (pages-dev as flattened text:
    # 10.6 CPU seconds with two, 5.1 with one, the same bytes). Workers inherit it.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        app(standalone_mode=True, prog_name="taowen")
    except (TaowenError, InputError) as error:
        say(f"taowen: {error}")
        sys.exit(error.exit_code)
    except OSError as error:
        sys.exit(output_ended(error))
    except KeyboardInterrupt as error:
        say(str(error) or "Interrupted.")
        sys.exit(130)
