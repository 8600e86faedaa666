"""How well a stretch of a sentence sits there, by the character trigrams of `models/fluency`.

The model is made and used by the room of cleaning (`pipeline.ingest.fluency`), which is below this one. What is needed
here is little: a few stretches now and then. So its arrays are read as they are stored and searched by bisection,
without the tables of 20 MB that mending lives on; a test compares the two.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.configure import model_path
from pipeline.errors import ModelError
from pipeline.script.fold import code_points

__all__ = ["clause_ends", "off_theme", "pair_logs", "seams"]

_FORMAT = 1
_STEP = 1 / 16
"""Nats per step of a stored logarithm."""
_BITS = 13
"""Bits of a symbol in the key of a pair or of a triple."""
_THEME_STEP = 1 / 16
"""Length per step of a stored theme coordinate."""
_STRAY, _HOME = 1.35, 0.78
"""Nats for a pair that has a theme and nothing in common with the text's, and less for one unit that it has. Fitted as
the weights of `runs` were chosen, on half of the publishers (1.6, .87) and on the other half (1.1, .69)."""
_SUBJECT = 30
"""Pairs with themes at which a text tells its subject by half."""

_Floats = NDArray[np.float32]
_Ints = NDArray[np.int64]


class _Trigrams(NamedTuple):
    """Log probabilities in nats, and what a missing pair or triple costs beside the shorter one."""

    symbols: _Ints
    """Of each code point of the basic plane; 0 is unknown."""
    one: _Floats
    one_back: _Floats
    pairs: _Ints
    two: _Floats
    two_back: _Floats
    triples: _Ints
    three: _Floats
    themed: _Ints
    """Of each pair its row in `themes`, -1 where it has none; one more, for a missing pair."""
    themes: _Floats
    """What subjects pairs belong to, shape `(n_themed, 32)`."""


@cache
def _trigrams() -> _Trigrams:
    """Return the model, loaded once in a process (a tenth of a second).

    Raises:
        ModelError: it is missing, or one that this version cannot read.
    """
    path = model_path("fluency") / "fluency.npz"
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        if int(arrays["format"]) != _FORMAT:
            raise ModelError(f"{path} has format {arrays['format']}, this taowen reads {_FORMAT}.")
        points = arrays["points"]
        symbols = np.zeros(0x10000, np.int64)
        symbols[points] = np.arange(1, len(points) + 1)
        first = np.repeat(np.arange(len(points) + 1), arrays["bigram_count"])
        pairs = (first << _BITS) | _join(arrays["bigram_low"], arrays["bigram_high"])
        triples = np.repeat(pairs, arrays["trigram_count"]) << _BITS
        triples |= _join(arrays["trigram_low"], arrays["trigram_high"])
        themed = np.full(len(pairs) + 1, -1, np.int64)
        themed[arrays["themed"]] = np.arange(len(arrays["themed"]))
        return _Trigrams(
            symbols,
            _logs(arrays["unigram"]),
            _logs(arrays["unigram_back"]),
            pairs,
            _logs(arrays["bigram"]),
            _logs(arrays["bigram_back"]),
            triples,
            _logs(arrays["trigram"]),
            themed,
            arrays["themes"].astype(np.float32) * np.float32(_THEME_STEP),
        )
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(f"The model {path} is missing or damaged ({error}). Run 'make train'.") from error


def _logs(steps: NDArray[np.uint8]) -> _Floats:
    return steps.astype(np.float32) * np.float32(-_STEP)


def _join(low: NDArray[np.uint8], high: NDArray[np.uint8]) -> _Ints:
    return low.astype(np.int64) | (high.astype(np.int64) << 8)


def _find(keys: _Ints, wanted: _Ints) -> _Ints:
    """Return the rows of keys, -1 where there is none."""
    rows = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[rows] == wanted, rows, -1)


def _pair(first: _Ints, second: _Ints) -> tuple[_Floats, _Ints]:
    """Return the log probability of `second` after `first`, and the pair's row."""
    model = _trigrams()
    rows = _find(model.pairs, (first << _BITS) | second)
    return np.where(rows >= 0, model.two[rows], model.one_back[first] + model.one[second]), rows


def _triple(first: _Ints, second: _Ints, third: _Ints, rows: _Ints, lower: _Floats) -> _Floats:
    """Return the log probability of `third` after two; `rows` are the first pair's, `lower` the second pair's."""
    model = _trigrams()
    found = _find(model.triples, (((first << _BITS) | second) << _BITS) | third)
    backed = np.where(rows >= 0, model.two_back[rows], np.float32(0)) + lower
    return np.where(found >= 0, model.three[found], backed)


def _symbols(key: str) -> _Ints:
    codes = code_points(key)
    return np.where(codes < 0x10000, _trigrams().symbols[np.minimum(codes, 0xFFFF)], 0)


def pair_logs(key: str, places: _Ints) -> _Floats:
    """Return the log probability, in nats, that two characters taken at random are those of `key` at each place.

    Args:
        key: a folded text.
        places: where the first of the two stands, shape `(n,)`; each has one behind it.
    """
    x = _symbols(key)
    return _trigrams().one[x[places]] + _pair(x[places], x[places + 1])[0]


def off_theme(key: str, rest: NDArray[np.bool_]) -> _Floats:
    """Return the nats by which each pair of characters speaks of something else than the rest of the text.

    Args:
        key: a folded text.
        rest: of each pair whether it belongs to the rest, shape `(len(key) - 1,)`, as the answer has it.
    """
    model = _trigrams()
    x = _symbols(key)
    rows = model.themed[_pair(x[:-1], x[1:])[1]]
    told = rows[rest & (rows >= 0)]
    subject = np.bincount(told, minlength=len(model.themes)).astype(np.float32) @ model.themes
    length = np.sqrt(subject @ subject)
    if not length:
        return np.zeros(len(rows), np.float32)
    nats = np.float32(_STRAY) - np.float32(_HOME) * (model.themes @ (subject / length))
    nats *= np.float32(len(told) / (len(told) + _SUBJECT))
    return np.where(rows >= 0, nats[rows], np.float32(0))


def clause_ends(key: str) -> tuple[_Floats, _Floats]:
    """Return by how many nats each character begins a clause oftener than it stands anywhere, and the same for its end.

    What is put into a sentence begins and ends like a clause (not 們 and not 的), what it is put into goes on.
    """
    model = _trigrams()
    x = _symbols(key)
    comma = np.full(len(x), model.symbols[ord("，")])
    begins: _Floats = _pair(comma, x)[0] - model.one[x]
    ends: _Floats = _pair(x, comma)[0] - model.one[comma]
    return begins, ends


def seams(key: str, starts: _Ints, ends: _Ints) -> _Floats:
    """Return how badly each stretch `starts:ends` of `key` sits there, in nats: what both its seams gain if it goes.

    About -8 for a stretch taken at random, +6 to +8 for one that was put in.

    Args:
        key: the folded line, or a part of it. What stands before it and after it is taken for line breaks.
        starts: code points, shape `(n,)`.
        ends: the same, each greater than its start.
    """
    model = _trigrams()
    edge = np.full(2, model.symbols[ord("\n")])
    x = np.concatenate((edge, _symbols(key), edge))
    pair, rows = _pair(x[:-1], x[1:])  # of the characters at 0 and 1, and so on
    log = np.zeros(len(x), np.float32)
    log[2:] = _triple(x[:-2], x[1:-1], x[2:], rows[:-1], pair[1:])
    a, b = starts + 2, ends + 2
    second = np.where(b - a > 1, log[a + 1] - pair[a], np.float32(0))
    left = model.one[x[a]] - log[a] - second
    join, joined = _pair(x[a - 1], x[b])
    right = _triple(x[a - 2], x[a - 1], x[b], rows[a - 2], join)
    right += _triple(x[a - 1], x[b], x[b + 1], joined, pair[b])
    right -= log[b] + log[b + 1]
    gain: _Floats = left + right
    return gain
