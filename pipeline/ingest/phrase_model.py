"""What is learned of search phrases: how their characters follow each other, and what each piece of evidence weighs.

The arrays in `models/phrases/` are made by `python -m pipeline.ingest.learn_phrases`; the card there says from what.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.configure import model_path
from pipeline.errors import ModelError
from pipeline.ingest.fluency import STEP, Floats, Fluency, default_fluency
from pipeline.native import networks, splices

__all__ = ["LAYERS", "LINE", "NETWORKS", "Line", "Networks", "PhraseModel", "Shape", "default_phrases"]

NETWORKS = ("spliced", "phrases")
"""The networks: is a candidate spliced in; are the spans of a glance."""
LAYERS = ("mean", "scale", "first", "first_bias", "second", "second_bias")
"""Arrays of each."""
LINE = ("mean", "scale", "weight", "bias")
"""Arrays of the line `pieces`: are pieces dealt out on the page."""
SHAPE = ("points", "point_gain", "point_after", "pairs", "pair_log")
"""Arrays of `Shape`."""
_FAR = 6.0
"""Standard deviations from the mean at which evidence is held: farther out the lessons say nothing."""
_LOW, _HIGH = -3.0, 4.0
"""Nats at which the gain of one character is held, so that no single pair decides."""
_ROWS = 256
"""Rows of the table of pairs that are made at a time."""


class Shape:
    """How likely characters are in what people type into a search box, against the news: a bigram model.

    A pair of characters of the lessons has its log probability; any other has that of its second character, less what
    the pairs take. What a pair gains over the news is kept in one table for all pairs of symbols of the fluency model:
    18 MB for look-ups of 10 ns, which every page needs.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]], fluency: Fluency) -> None:
        """Take arrays as they are stored: the first of `points` is 0 and stands for all that are not there."""
        points, pairs = arrays["points"][1:], arrays["pairs"].astype(np.int64)
        symbols = fluency.symbols_of(points)
        gain = np.full(fluency.size, arrays["point_gain"][0], np.float32)
        after = np.zeros(fluency.size, np.float32)
        gain[symbols[symbols > 0]] = arrays["point_gain"][1:][symbols > 0]
        after[symbols[symbols > 0]] = arrays["point_after"][1:][symbols > 0]
        alone = fluency.alone(np.arange(fluency.size))
        self._first = np.clip(gain, _LOW, _HIGH).astype(np.float32)
        self._pairs = np.empty((fluency.size, fluency.size), np.int8)
        for row in range(0, fluency.size, _ROWS):
            rows = slice(row, min(row + _ROWS, fluency.size))
            told = (gain + alone)[None, :] + after[rows, None] - fluency.pairs_of(rows)
            self._pairs[rows] = np.rint(np.clip(told, _LOW, _HIGH) / STEP)
        first, second = fluency.symbols_of(pairs >> 16), fluency.symbols_of(pairs & 0xFFFF)
        known = (first > 0) & (second > 0)
        first, second = first[known], second[known]
        told = arrays["pair_log"][known] - fluency.pair(first, second)[0]
        self._pairs[first, second] = np.rint(np.clip(told, _LOW, _HIGH) / STEP)
        self.told = splices.Shape(self._first, self._pairs, fluency.size)
        """The same as the kernels have it."""


@dataclass(frozen=True)
class Networks:
    """Networks of one hidden layer (ReLU) side by side; the mean of their log odds is the answer.

    Shapes: `mean`, `scale` (n_features,), `first` (n_networks, n_features, n_units), `second` (n_networks, n_units, 1);
    each bias (n_networks, 1, n) of its layer.
    """

    mean: Floats
    scale: Floats
    first: Floats
    first_bias: Floats
    second: Floats
    second_bias: Floats

    def odds(self, evidence: Floats) -> Floats:
        """Return the log odds of each row, shape `(n_rows,)`."""
        # Rounded, so that the last bits of one machine's sums decide nothing.
        rounded: Floats = np.round(networks.judge(self.told, evidence), 3).astype(np.float32)
        return rounded

    @cached_property
    def told(self) -> networks.Networks:
        """The same as the kernels have it."""
        layers = ((self.first, self.first_bias), (self.second, self.second_bias))
        return networks.networks(self.mean, self.scale, layers, _FAR)

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], width: int) -> Networks:
        """Return the networks of these arrays.

        Raises:
            ValueError: they do not fit each other, or not `width` features.
        """
        shapes = [arrays[name].shape for name in LAYERS]
        count, _, units = shapes[2]
        layers = [(width,), (width,), (count, width, units), (count, 1, units), (count, units, 1), (count, 1, 1)]
        if shapes != layers or not count:
            raise ValueError(f"arrays of shapes {shapes} instead of {layers}")
        return cls(*(arrays[name].astype(np.float32) for name in LAYERS))


@dataclass(frozen=True)
class Line:
    """A logistic regression. Shapes: `mean`, `scale`, `weight` (n_features,), `bias` (1,)."""

    mean: Floats
    scale: Floats
    weight: Floats
    bias: Floats

    def odds(self, evidence: Floats) -> Floats:
        """Return the log odds of each row, shape `(n_rows,)`."""
        inputs = np.clip((evidence - self.mean) / self.scale, -_FAR, _FAR)
        rounded: Floats = np.round((inputs * self.weight).sum(axis=1, dtype=np.float64) + self.bias, 3)
        return rounded.astype(np.float32)

    @cached_property
    def told(self) -> splices.Regression:
        """The same as the kernels have it."""
        return splices.Regression(self.mean, self.scale, self.weight, float(self.bias[0]), _FAR)

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], width: int) -> Line:
        """Return the line of these arrays.

        Raises:
            ValueError: they do not fit each other, or not `width` features.
        """
        shapes = [arrays[name].shape for name in LINE]
        if shapes != [(width,), (width,), (width,), (1,)]:
            raise ValueError(f"arrays of shapes {shapes} for {width} features")
        return cls(*(arrays[name].astype(np.float32) for name in LINE))


@dataclass(frozen=True, slots=True)
class PhraseModel:
    """The shape of phrases, and what decides; `phrases` and `pieces` tell who gets the full look."""

    shape: Shape
    spliced: Networks
    phrases: Networks
    pieces: Line
    digest: str

    @classmethod
    def load(cls, folder: Path | None = None) -> PhraseModel:
        """Load the arrays.

        Raises:
            ModelError: the file is missing, damaged, or made for other evidence.
        """
        path = (folder or model_path("phrases")) / "weights.npz"
        try:
            with np.load(path, allow_pickle=False) as stored:
                arrays = {name: stored[name] for name in stored.files}
            return cls.of(arrays, hashlib.blake2b(path.read_bytes(), digest_size=6).hexdigest())
        except (OSError, ValueError, IndexError, KeyError, EOFError) as error:
            raise ModelError(f"{path} cannot be read ({error}). Reinstall taowen, or run 'make train'.") from error

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], digest: str = "", fluency: Fluency | None = None) -> PhraseModel:
        """Return the model of these arrays, beside the shipped fluency model or another.

        Raises:
            KeyError: one is missing.
            ValueError: they do not fit each other, or were made for other evidence.
        """
        from pipeline.ingest.evidence import FEATURES
        from pipeline.ingest.glance import OF_PHRASES, OF_PIECES

        names = {"spliced": FEATURES, "phrases": OF_PHRASES, "pieces": OF_PIECES}
        for part, columns in names.items():
            if tuple(str(name) for name in arrays[f"{part}_names"]) != columns:
                raise ValueError("made for other evidence than this version counts")
        shape = {name: arrays[name] for name in SHAPE}
        if len({shape[n].shape for n in SHAPE[:3]}) > 1 or len({shape[n].shape for n in SHAPE[3:]}) > 1:
            raise ValueError(f"arrays of shapes {[array.shape for array in shape.values()]}")
        networks = {
            name: Networks.of({layer: arrays[f"{name}_{layer}"] for layer in LAYERS}, len(names[name]))
            for name in NETWORKS
        }
        line = Line.of({layer: arrays[f"pieces_{layer}"] for layer in LINE}, len(OF_PIECES))
        return cls(Shape(shape, fluency or default_fluency()), **networks, pieces=line, digest=digest)


@cache
def default_phrases() -> PhraseModel:
    """Return the shipped model, loaded once in a process."""
    return PhraseModel.load()
