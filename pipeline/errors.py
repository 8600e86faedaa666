"""Errors that a user can act on. Each message is finished prose: what happened, where, what to try next."""

from __future__ import annotations

__all__ = ["InputError", "ModelError", "PageError", "TaowenError", "UsageError", "why"]


class TaowenError(Exception):
    """Anything taowen says no to. The command line ends with `exit_code`."""

    exit_code = 2


class UsageError(TaowenError):
    """A command, an option or a configuration that cannot be carried out."""


class InputError(TaowenError):
    """An input that is missing, or unreadable as a whole."""


class ModelError(TaowenError):
    """A model folder that is missing, damaged, or of another version."""


class PageError(TaowenError):
    """One page that cannot be processed; the run records a Reject with this stage and reason and goes on."""

    exit_code = 1

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(f"{stage}: {reason}")
        self.stage = stage
        self.reason = reason


def why(error: Exception) -> str:
    """Return what went wrong for the end of a sentence: without Python's numbers of errors and names of codecs."""
    if isinstance(error, UnicodeDecodeError):
        return f"it is not UTF-8 at byte {error.start}"
    told = error.strerror if isinstance(error, OSError) else None
    return (told or str(error)).rstrip(".")
