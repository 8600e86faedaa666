"""The file of a topics model: arrays that are read, checked and applied, never run."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import ModelError, UsageError, why
from pipeline.native import tags
from pipeline.topics.features import BITS
from pipeline.topics.pairs import LARGEST, Pairs
from pipeline.topics.taxonomy import Taxonomy, parse_taxonomy

__all__ = ["ARRAYS", "SCHEMA", "TERM_UNIT", "Weights", "check_keys", "check_weights", "read_weights"]

SCHEMA = 4
"""Version of the model's form and of what its numbers mean; a model of another version is refused. In 4 hash rows weigh
by the logarithm of their count."""

ARRAYS = ("bias", "calibration", "keys", "pairs", "rarity", "scale", "terms", "thresholds")
"""Arrays of `weights.npz`."""

TERM_UNIT = 2.0**-20
"""Weights of term features are whole numbers of this, the features of 2**-12. Products and sums are then integers
below 2**53, which a float holds exactly: the sum is the same in every order, so in every batch and on every machine."""

_HEAVIEST = 2**26
"""Largest weight of a term feature, in units: 64. 2**26 * 2**14 * 2,000 columns are below 2**53."""

_MOST_BYTES = 64 * 2**20
"""A model unpacks to less than this; more is damage or an attack. The shipped one has 0.4 MB."""

Array = npt.NDArray[np.float64]


class Weights:
    """A linear model of all topics, as arrays: probability = logistic(calibration of bias + terms + scale * pairs)."""

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self.terms: Array = arrays["terms"].astype(np.float64)
        """Shape (n_topics, n_columns), whole numbers of TERM_UNIT."""
        self.bias: Array = arrays["bias"]
        self.scale: Array = arrays["scale"]
        self.calibration: Array = arrays["calibration"]
        self.thresholds: Array = arrays["thresholds"]
        self.pairs = Pairs(arrays["rarity"], arrays["pairs"])
        of_terms, calibration = (np.ascontiguousarray(a) for a in (arrays["terms"].T, self.calibration))
        self.told = tags.Linear(of_terms, self.bias, self.scale, calibration, TERM_UNIT * 2.0**-12)
        """What the kernels take; features are in units of 2**-12."""


def read_weights(folder: Path) -> tuple[Taxonomy, dict[str, npt.NDArray[Any]], str]:
    """Return the topics, arrays and digest of a model's folder. Nothing in it is ever run.

    Raises:
        ModelError: the folder is missing, damaged, of another version, or not what its digests say.
    """
    try:
        described = (folder / "model.json").read_bytes()
        packed = (folder / "weights.npz").read_bytes()
        topics = (folder / "topics.toml").read_bytes()
    except OSError as error:
        raise ModelError(f"{folder} is not a topics model: {why(error)}. Train one with 'taowen train'.") from error
    about = _described(described, folder)
    for name, content in (("weights.npz", packed), ("topics.toml", topics)):
        found = hashlib.sha256(content).hexdigest()
        if about["files"].get(name) != found:
            raise ModelError(
                f"{folder / name} is damaged: its SHA-256 is {found[:12]}, model.json says "
                f"{str(about['files'].get(name))[:12]}. Copy the model again, or train it."
            )
    try:
        taxonomy = parse_taxonomy(topics.decode("utf-8"), str(folder / "topics.toml"))
    except (UsageError, UnicodeDecodeError) as error:
        raise ModelError(f"The model in {folder} carries no valid topics: {error}") from error
    return taxonomy, _unpack(packed, folder), hashlib.sha256(described).hexdigest()


def _described(content: bytes, folder: Path) -> dict[str, Any]:
    try:
        about = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{folder / 'model.json'} is damaged: {error}") from error
    if not isinstance(about, dict) or about.get("kind") != "taowen topics":
        raise ModelError(f"{folder / 'model.json'} does not describe a topics model.")
    if about.get("schema") != SCHEMA:
        raise ModelError(
            f"The model in {folder} has schema {about.get('schema')!r}, this version reads {SCHEMA}. Train it again."
        )
    if about.get("bits") != BITS or not isinstance(about.get("files"), dict):
        raise ModelError(
            f"The model in {folder} was made for other features (bits {about.get('bits')!r}, here {BITS})."
        )
    return about


def _unpack(packed: bytes, folder: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a weights file; sizes are looked at before anything is unpacked, pickles are refused."""
    try:
        with zipfile.ZipFile(BytesIO(packed)) as archive:
            names = sorted(info.filename for info in archive.infolist())
            if names != sorted(f"{name}.npy" for name in ARRAYS):
                raise ModelError(f"The weights in {folder} hold {names}, expected {list(ARRAYS)}.")
            if sum(info.file_size for info in archive.infolist()) > _MOST_BYTES:
                raise ModelError(f"The weights in {folder} unpack to more than {_MOST_BYTES >> 20} MB.")
        with np.load(BytesIO(packed), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in ARRAYS}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, SyntaxError, MemoryError) as error:
        raise ModelError(f"The weights in {folder} cannot be read: {error}") from error


def check_keys(arrays: Mapping[str, npt.NDArray[Any]], terms: Sequence[str]) -> None:
    """Raise `ModelError` unless the array of keys is that of a model with these terms: one for each, and as long."""
    keys = arrays.get("keys")
    if keys is None or keys.dtype.kind != "U" or keys.shape != (len(terms),):
        found = "nothing" if keys is None else f"{keys.dtype} {keys.shape}"
        raise ModelError(f"array 'keys' is {found}, expected strings ({len(terms)},).")
    if list(map(len, keys.tolist())) != list(map(len, terms)):
        raise ModelError("array 'keys' does not fit the terms of topics.toml.")


def check_weights(arrays: Mapping[str, npt.NDArray[Any]], topics: int, columns: int) -> None:
    """Raise `ModelError` unless the other arrays are those of a model with so many topics and columns."""
    expected: dict[str, tuple[tuple[int, ...], str]] = {
        "bias": ((topics,), "float64"),
        "calibration": ((topics, 2), "float64"),
        "pairs": ((1 << BITS, topics), "int16"),
        "rarity": ((1 << BITS,), "uint8"),
        "scale": ((topics,), "float64"),
        "terms": ((topics, columns), "int32"),
        "thresholds": ((topics,), "float64"),
    }
    for name, (shape, kind) in expected.items():
        array = arrays.get(name)
        if array is None or array.shape != shape or array.dtype != np.dtype(kind):
            found = "nothing" if array is None else f"{array.dtype} {array.shape}"
            raise ModelError(f"array '{name}' is {found}, expected {kind} {shape}.")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise ModelError(f"array '{name}' has a value that is no number.")
    if not _within(arrays["terms"], _HEAVIEST):
        raise ModelError("array 'terms' has a weight beyond 64.")
    if not _within(arrays["pairs"], LARGEST):
        raise ModelError(f"array 'pairs' has a weight beyond {LARGEST}.")


def _within(array: npt.NDArray[Any], largest: int) -> bool:
    return int(array.min(initial=0)) >= -largest and int(array.max(initial=0)) <= largest
