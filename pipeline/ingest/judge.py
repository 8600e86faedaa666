"""The judge of blocks: does a block belong to the page's article? A small network over the features of `blocks`.

Its weights are arrays in `models/strip/`, trained by `python -m pipeline.ingest.learn`; the card there says on what.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.configure import model_path
from pipeline.errors import ModelError
from pipeline.ingest.blocks import Features, feature_names

__all__ = ["Judge", "default_judge"]

_ARRAYS = ("mean", "scale", "hidden", "hidden_bias", "out", "out_bias")


@dataclass(frozen=True, slots=True)
class Judge:
    """Networks of one hidden layer (ReLU), side by side; their mean log-odds is the answer.

    Shapes: `mean`, `scale` (n_features,), `hidden` (n_features, n_units), `out` (n_units,), `out_bias` ().
    """

    mean: NDArray[np.float32]
    scale: NDArray[np.float32]
    hidden: NDArray[np.float32]
    hidden_bias: NDArray[np.float32]
    out: NDArray[np.float32]
    out_bias: NDArray[np.float32]
    digest: str

    def keep(self, features: Features) -> NDArray[np.float64]:
        """Return for each block the probability that it belongs to the article, shape `(n_blocks,)`."""
        layer = np.maximum(((features - self.mean) / self.scale) @ self.hidden + self.hidden_bias, 0)
        odds = (layer @ self.out + self.out_bias).astype(np.float64)
        # Rounded, so that the last bits of one machine's matrix product decide nothing.
        return np.round(1 / (1 + np.exp(-np.clip(odds, -30, 30))), 4)

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
                values = {name: np.asarray(arrays[name], dtype=np.float32) for name in _ARRAYS}
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise ModelError(f"{path} cannot be read ({error}). Reinstall taowen, or run 'make train'.") from error
        if names != feature_names():
            raise ModelError(f"{path} was trained on other features than this version counts. Run 'make train'.")
        shapes = {name: value.shape for name, value in values.items()}
        units = values["hidden_bias"].size
        wanted = ((len(names),), (len(names),), (len(names), units), (units,), (units,), ())
        if tuple(shapes[name] for name in _ARRAYS) != wanted:
            raise ModelError(f"{path}: arrays have shapes {shapes}. Reinstall taowen, or run 'make train'.")
        return cls(**values, digest=hashlib.blake2b(path.read_bytes(), digest_size=6).hexdigest())


@cache
def default_judge() -> Judge:
    """Return the shipped judge."""
    return Judge.load()
