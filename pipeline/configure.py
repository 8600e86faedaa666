"""Where the shipped files are, and the limits of one page."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipeline.errors import ModelError

__all__ = ["LIMITS", "Limits", "data_path", "model_path", "shared_data"]

_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Limits:
    """What one page may cost. Over a limit the page is rejected with the limit's name."""

    page_bytes: int = 32 * 2**20
    """Bytes of one record, after decompression. The largest hostile page that is tried has 20 MB."""
    blocks: int = 400_000
    """Blocks of one page: a hostile page of 300,000 paragraphs is still read whole."""
    page_seconds: float = 10.0
    """Seconds of one page by the clock, in a run. No part of `Process.options`: it changes no row, only whether
    there is one, and that depends on the machine as well. So a run may go on with another deadline."""


LIMITS = Limits()


@cache
def model_path(name: str) -> Path:
    """Return the folder of a default model, `name` being `strip`, `fluency`, `phrases` or `topics`.

    A checkout keeps models at its top level; the wheel carries the same folder as `pipeline/models`.

    Raises:
        ModelError: neither place has it.
    """
    for top in (_HERE / "models", _HERE.parent / "models"):
        if (top / name).is_dir():
            return top / name
    raise ModelError(f"The default model '{name}' is not installed. Reinstall taowen, or run 'make train'.")


def data_path(name: str) -> Path:
    """Return a data file of the package, such as `topics.toml`."""
    return _HERE / "data" / name


def shared_data() -> Path | None:
    """Return the folder of the real texts: $TAOWEN_DATA, or ../shared/data beside the repository; None without."""
    named = os.environ.get("TAOWEN_DATA")
    folder = Path(named) if named else _HERE.parent.parent / "shared" / "data"
    return folder if folder.is_dir() else None
