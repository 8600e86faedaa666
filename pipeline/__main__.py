"""The command `taowen`, also `python -m pipeline`.

A process that is begun for a run imports the module that the command began in: this one, which loads nothing.
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line and end the process with its exit code."""
    try:
        from pipeline.cli import main as command
    except KeyboardInterrupt:
        sys.exit(130)
    command()


if __name__ == "__main__":
    main()
