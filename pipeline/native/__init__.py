"""Kernels in C: loops over the characters, lines and elements of a page that Python and numpy are too slow for.

The C sources stand beside this file. Building or installing the package compiles them (`build.py`), with a compiler
that comes as a package: nobody needs one of their own. The library knows nothing of Python, so one serves every
version.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Flattened", "flatten"]

_HERE = Path(__file__).parent
_TOO_MANY = -2


@cache
def _library() -> ctypes.CDLL:
    """Return the library, loaded once in a process."""
    from pipeline.native.build import LIBRARY, sources_digest

    path = _HERE / LIBRARY
    advice = "Install taowen again ('make setup' in a checkout)."
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise ImportError(f"The kernels {path} cannot be loaded ({error}). {advice}") from error
    library.tw_sources.restype = ctypes.c_char_p
    if (_HERE / "kernels.h").exists() and library.tw_sources().decode() != sources_digest():
        raise ImportError(f"The kernels {path} were made from other sources than those beside them. {advice}")
    library.tw_flatten.restype = ctypes.c_int64
    return library


def _at(array: NDArray[Any]) -> int:
    """Return where an array's data stands in memory."""
    return int(array.__array_interface__["data"][0])


_LINE = np.dtype([("start", "i4"), ("end", "i4"), ("element", "i4"), ("linked", "i4")])
_STYLED = [("hidden", "i4"), ("style_size", "i4"), ("style", "i8")]
_ELEMENT = np.dtype([("parent", "i4"), ("begin", "i4"), ("end", "i4"), ("mark", "i4"), *_STYLED])
_INNER = np.dtype([("start", "i4"), ("end", "i4"), *_STYLED])


class _Walk(ctypes.Structure):
    _fields_ = (
        ("html", ctypes.c_char_p),
        ("size", ctypes.c_int64),
        ("mark", ctypes.c_char_p),
        ("most", ctypes.c_int64),
        ("noscript", ctypes.c_int32),
        ("prose", ctypes.c_int32),
        ("hint_most", ctypes.c_int32),
        ("text", ctypes.c_void_p),
        ("lines", ctypes.c_void_p),
        ("elements", ctypes.c_void_p),
        ("inner", ctypes.c_void_p),
        ("told", ctypes.c_void_p),
        *((name, ctypes.c_int64) for name in ("text_size", "n_lines", "n_elements", "n_inner", "told_size")),
    )


class Flattened(NamedTuple):
    """What a page's tree shows. Rows of elements end with size and place of their style in the tree: see `style`."""

    text: str
    lines: list[tuple[int, int, int, int]]
    """Start, end, number of the element, characters inside links."""
    elements: list[tuple[int, int, int, int, int, int, int]]
    """Parent (-1: none), first block inside, first block behind, mark (-1: none), whether it has `hidden`; style."""
    names: list[str]
    """Name of each element."""
    hints: list[str]
    """Class, id, role and itemprop of each element, lower case."""
    inner: list[tuple[int, int, int, int, int]]
    """Start, end and whether they have `hidden`, of elements inside lines of prose; style."""
    tree: bytes

    def style(self, size: int, at: int) -> str:
        """Return a style, lower case."""
        return self.tree[at : at + size].decode().lower()


def flatten(tree: bytes, *, mark: str, most: int, noscript: bool, prose: int, hint_most: int) -> Flattened | None:
    """Return what a page shows; None where it has more than `most` lines.

    Args:
        tree: the body as the HTML parser writes it out.
        mark: attribute whose number is an element's mark; "" is none.
        most: lines.
        noscript: whether what is inside `noscript` shows.
        prose: characters of a line whose inner elements are told of.
        hint_most: code points of an element's hints.
    """
    tags = tree.count(b"<") + 1
    text = np.empty(len(tree) + 1, np.uint32)
    lines = np.empty(len(tree) // 2 + 2, _LINE)
    elements, inner = np.empty(tags, _ELEMENT), np.empty(tags, _INNER)
    told = np.empty(len(tree) + 2 * tags, np.uint8)
    walk = _Walk(
        *(tree, len(tree), mark.encode(), most, noscript, prose, hint_most),
        *(_at(array) for array in (text, lines, elements, inner, told)),
    )
    error = _library().tw_flatten(ctypes.byref(walk))
    if error == _TOO_MANY:
        return None
    if error:
        raise MemoryError

    names_and_hints = told[: walk.told_size].tobytes().decode().lower().split("\0")
    return Flattened(
        text[: walk.text_size].tobytes().decode("utf-32-le"),
        lines[: walk.n_lines].tolist(),
        elements[: walk.n_elements].tolist(),
        names_and_hints[:-1:2],
        names_and_hints[1::2],
        inner[: walk.n_inner].tolist(),
        tree,
    )
