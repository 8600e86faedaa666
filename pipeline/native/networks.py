"""The kernel of the networks that judge blocks and spans."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.native.library import Record, at, call

__all__ = ["Networks", "judge", "networks"]

_AT_ONCE, _PART = 64, 16
"""Units of the first layer that are summed at once, whose weights stand together, and of the second."""
Floats = NDArray[np.float32]


class Networks(Record):
    """Networks of one or two hidden layers (ReLU) side by side: see `networks`."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("mean", "scale", "zero", "first", "bias")),
        *((name, ctypes.c_void_p) for name in ("second", "second_bias", "out", "out_bias")),
        *((name, ctypes.c_int64) for name in ("n_features", "n_networks", "n_units", "n_inner", "width")),
        ("far", ctypes.c_float),
    )


def networks(mean: Floats, scale: Floats, layers: Sequence[tuple[Floats, Floats]], far: float) -> Networks:
    """Return networks for the kernel.

    Args:
        mean: of each feature.
        scale: and its standard deviation.
        layers: weights and biases of each, shapes `(n_networks, n_in, n_out)` and `(n_networks, 1, n_out)`; the last
            has one unit.
        far: standard deviations at which a feature is held.
    """
    (weights, biases), *_, (out, out_bias) = layers
    count, features, units = weights.shape
    deep, inner = (np.zeros(1), np.zeros(1)), 0
    out = out[:, :, 0]
    if len(layers) == 3:  # units that are always off fill the inner layer up
        inner = -(-out.shape[1] // _PART) * _PART
        fill = (0, inner - out.shape[1])
        deep = (np.pad(layers[1][0], ((0, 0), (0, 0), fill)), np.pad(layers[1][1][:, 0], ((0, 0), fill)))
        out = np.pad(out, ((0, 0), fill))
    # The kernel passes over features that are 0, so it begins with what zeros add.
    zero = np.clip(-mean / scale, -far, far)
    width = -(-count * units // _AT_ONCE) * _AT_ONCE
    first, bias = np.zeros((features, width), np.float32), np.zeros(width, np.float32)
    first[:, : count * units] = weights.transpose(1, 0, 2).reshape(features, -1)
    bias[: count * units] = (zero @ weights + biases[:, 0]).ravel()
    parts = first.reshape(features, -1, _AT_ONCE).transpose(1, 0, 2)
    arrays = (mean, 1 / scale, zero, parts, bias, *deep, out, out_bias.ravel())
    return Networks(
        *(np.ascontiguousarray(array, np.float32) for array in arrays), features, count, units, inner, width, far
    )


def judge(told: Networks, features: Floats) -> NDArray[np.float64]:
    """Return the mean log odds of each row of features, shape `(n_rows,)`."""
    features = np.ascontiguousarray(features, np.float32)
    odds = np.empty(len(features))
    call("tw_judge", told, at(features), ctypes.c_int64(len(features)), at(odds))
    return odds
