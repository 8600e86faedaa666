"""The compiled library, and how arrays are given to it."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from pipeline.native.build import LIBRARY, sources_digest

__all__ = ["TOO_MANY", "Arrays", "Record", "address", "addresses", "at", "call"]

_HERE = Path(__file__).parent
TOO_MANY = -2
"""What a kernel returns where there is more than it was told to take."""
_NO_MEMORY = -1


@cache
def _library() -> ctypes.CDLL:
    """Return the library, loaded once in a process.

    Raises:
        ImportError: it is missing, or made from other sources than those beside it.
    """
    path = _HERE / LIBRARY
    advice = "Install taowen again ('make setup' in a checkout)."
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise ImportError(f"The kernels {path} cannot be loaded ({error}). {advice}") from error
    library.tw_sources.restype = ctypes.c_char_p
    if library.tw_sources().decode() != sources_digest():
        raise ImportError(f"The kernels {path} were made from other sources than those beside them. {advice}")
    return library


@cache
def _function(name: str) -> Any:
    function = getattr(_library(), name)
    function.restype = ctypes.c_int64
    return function


def call(name: str, *arguments: Any) -> int:
    """Call a kernel with records, addresses (`at`) and ctypes numbers; return what it returns.

    Raises:
        MemoryError: it got none.
    """
    result = int(_function(name)(*[ctypes.byref(a) if isinstance(a, ctypes.Structure) else a for a in arguments]))
    if result == _NO_MEMORY:
        raise MemoryError
    return result


_where = (ctypes.c_char * 0).from_buffer


def address(array: NDArray[Any]) -> int:
    """Return where an array's data stands in memory. Keep the array as long as the kernel runs."""
    try:  # by the buffer in .4 us, by numpy's own way in 1.5
        return ctypes.addressof(_where(cast(Any, array)))
    except TypeError:  # it cannot be written, or its items do not stand side by side
        assert array.flags.c_contiguous, "kernels read arrays from one end to the other"
        return int(array.ctypes.data)


def at(array: NDArray[Any]) -> ctypes.c_void_p:
    """Return the `address` as an argument of a kernel."""
    return ctypes.c_void_p(address(array))


class Record(ctypes.Structure):
    """A struct of the kernels. Given arrays, it keeps them."""

    def __init__(self, *values: Any) -> None:
        self.kept = values
        super().__init__(*[address(value) if isinstance(value, np.ndarray) else value for value in values])


def addresses(*names: str) -> tuple[tuple[str, type[ctypes.c_void_p]], ...]:
    """Return the fields of a struct of addresses, for `Arrays`."""
    return tuple((f"{name}_at", ctypes.c_void_p) for name in names)


class Arrays(Record):
    """A struct of addresses, for arrays that kernels ask for again and again: an attribute for each."""

    def __init__(self, *arrays: NDArray[Any]) -> None:
        super().__init__(*arrays)
        for (name, *_), array in zip(self._fields_, arrays, strict=True):
            setattr(self, name.removesuffix("_at"), array)
