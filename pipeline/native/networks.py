"""The kernel that judges blocks."""

from __future__ import annotations

import ctypes

import numpy as np
from numpy.typing import NDArray

from pipeline.native.library import Record, at, call

__all__ = ["AT_ONCE", "Networks", "judge"]

AT_ONCE = 32
"""Units of the first layer that are summed at once: their weights stand together."""


class Networks(Record):
    """Networks of two hidden layers side by side, as `pipeline.ingest.judge` loads them."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("mean", "scale", "zero", "first", "bias")),
        *((name, ctypes.c_void_p) for name in ("second", "second_bias", "out", "out_bias")),
        *((name, ctypes.c_int64) for name in ("n_features", "n_networks", "n_units", "n_inner", "width")),
        ("far", ctypes.c_float),
    )


def judge(networks: Networks, features: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean log odds of each row of features, shape `(n_rows,)`."""
    odds = np.empty(len(features))
    call("tw_judge", networks, at(features), ctypes.c_int64(len(features)), at(odds))
    return odds
