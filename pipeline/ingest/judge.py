"""The judge of blocks: does a block belong to the page's article? A small network over the features of `blocks`.

Its weights are arrays in `models/strip/`, trained by `python -m pipeline.ingest.learn`; the card there says on what.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.configure import model_path
from pipeline.errors import ModelError
from pipeline.ingest.blocks import Features, feature_names
from pipeline.native import networks

__all__ = ["ARRAYS", "FAR", "Judge", "default_judge"]

ARRAYS = ("mean", "scale", "first", "first_bias", "second", "second_bias", "out", "out_bias")
FAR = 4.0
"""Standard deviations from the mean at which a feature is held: farther out the lessons say nothing."""


@dataclass(frozen=True)
class Judge:
    """Networks of two hidden layers (ReLU), side by side; their mean log-odds is the answer.

    Shapes: `mean`, `scale` (n_features,), `first` (n_networks, n_features, n_units), `second` (n_networks, n_units,
    n_inner), `out` (n_networks, n_inner, 1); each bias (n_networks, 1, n) of its layer.
    """

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    first: NDArray[np.float32]
    first_bias: NDArray[np.float32]
    second: NDArray[np.float32]
    second_bias: NDArray[np.float32]
    out: NDArray[np.float32]
    out_bias: NDArray[np.float32]
    digest: str

    def keep(self, features: Features) -> NDArray[np.float64]:
        """Return for each block the probability that it belongs to the article, shape `(n_blocks,)`."""
        odds = networks.judge(self._kernel, np.ascontiguousarray(features, np.float32))
        # Rounded, so that the last bits of one machine's sums decide nothing.
        told: NDArray[np.float64] = np.round(1 / (1 + np.exp(-np.clip(odds, -30, 30))), 4)
        return told

    @cached_property
    def _kernel(self) -> networks.Networks:
        """The networks for the kernel, which begins with what zeros add."""
        count, features, units = self.first.shape
        zero = np.clip(-self.mean / self.scale, -FAR, FAR)
        width = -(-count * units // networks.AT_ONCE) * networks.AT_ONCE
        first, bias = np.zeros((features, width), np.float32), np.zeros(width, np.float32)
        first[:, : count * units] = self.first.transpose(1, 0, 2).reshape(features, -1)
        bias[: count * units] = (zero @ self.first + self.first_bias[:, 0]).ravel()
        parts = first.reshape(features, -1, networks.AT_ONCE).transpose(1, 0, 2)
        deep = (self.second, self.second_bias[:, 0], self.out[:, :, 0], self.out_bias.ravel())
        return networks.Networks(
            *(np.ascontiguousarray(array, np.float32) for array in (self.mean, self.scale, zero, parts, bias, *deep)),
            *(features, count, units, self.second.shape[2], width, FAR),
        )

    @classmethod
    def load(cls, folder: Path | None = None) -> Judge:
        """Load the weights.

        Raises:
            ModelError: the file is missing, damaged, or made for other features.
        """
        path = (folder or model_path("strip")) / "weights.npz"
        try:
            with np.load(path, allow_pickle=False) as arrays:
                names = tuple(str(n) for n in arrays["features"])
                values = {name: np.asarray(arrays[name], dtype=np.float32) for name in ARRAYS}
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise ModelError(f"{path} cannot be read ({error}). Reinstall taowen, or run 'make train'.") from error
        if names != feature_names():
            raise ModelError(f"{path} was trained on other features than this version counts. Run 'make train'.")
        shapes = {name: value.shape for name, value in values.items()}
        try:
            (count, width, units), inner = shapes["first"], shapes["second"][-1]
        except (ValueError, IndexError):
            count, width, units, inner = 0, 0, 0, 0
        layers = [
            (count, a, b) for a, b in ((width, units), (1, units), (units, inner), (1, inner), (inner, 1), (1, 1))
        ]
        if not count or [shapes[name] for name in ARRAYS] != [(len(names),), (len(names),), *layers]:
            raise ModelError(f"{path}: arrays have shapes {shapes}. Reinstall taowen, or run 'make train'.")
        return cls(**values, digest=hashlib.blake2b(path.read_bytes(), digest_size=6).hexdigest())


@cache
def default_judge() -> Judge:
    """Return the shipped judge."""
    return Judge.load()
