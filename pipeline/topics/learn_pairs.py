"""Fits the weights of characters and pairs: ridge regression on TF-IDF vectors of hash rows.

Ridge and a linear support vector machine came out the same (nlpcc .775 and .771, thuc .873 and .869 accuracy), and
ridge has a solution in closed form, so the scores that each fold's models give others cost little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.topics.pairs import LARGEST, Counts, Pairs, length_of, logs_of, sketch_of

__all__ = ["PairFit", "Space", "fit_pairs", "solve", "space_of"]

_CLOSED = 4000
"""Articles up to which the equations are solved in closed form; more would take minutes and gigabytes."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Space:
    """Articles as vectors of length 1."""

    vectors: Any
    """Sparse, shape (n_articles, 2**bits)."""
    rarity: npt.NDArray[np.uint8]
    """Shape (2**bits,)."""

    def likeness(self, some: npt.NDArray[np.int64], others: npt.NDArray[np.int64]) -> Array:
        """Return the products of the vectors of some articles with those of others, shape (n_some, n_others)."""
        return np.asarray((self.vectors[some] @ self.vectors[others].T).toarray())

    def only(self, chosen: npt.NDArray[np.int64]) -> Space:
        """Return the space of some of the articles."""
        return Space(self.vectors[chosen], self.rarity)


@dataclass(frozen=True, slots=True)
class PairFit:
    """Weights for `Pairs`: the score of topic k is scale[k] * what `Pairs.read` gives + bias[k]."""

    rarity: npt.NDArray[np.uint8]
    weights: npt.NDArray[np.int16]
    scale: Array
    bias: Array

    def pairs(self, *, marks: bool = False) -> Pairs:
        """Return the weights in the form that reads texts."""
        return Pairs(self.rarity, self.weights, marks=marks)


def space_of(counts: Counts, bits: int) -> Space:
    """Weigh logarithms of counts by rarity and scale articles to length 1, as `Pairs` does when it reads them."""
    from scipy import sparse

    size = counts.starts.size - 1
    shape = (size, 1 << bits)

    def logs(kind: npt.NDArray[np.bool_]) -> Any:
        starts = np.append(0, np.cumsum(kind))[counts.starts]
        kept = counts.rows[kind]
        found = sparse.csr_matrix((np.ones(kept.size, dtype=np.int64), kept, starts), shape=shape, copy=True)
        found.sum_duplicates()
        found.data = logs_of(found.data).astype(np.float64)
        return found

    pairs = logs(counts.paired)
    matrix = pairs + logs(~counts.paired)
    seen = np.bincount(matrix.indices, minlength=1 << bits)
    # In sixteenths, so that lengths are roots of whole numbers; below 256 up to eight million articles.
    rarity = np.where(seen > 0, np.rint(np.log((size + 1) / (seen + 1)) * 16), 0)
    weighed = matrix @ sparse.diags(rarity)
    sign, bucket, buckets = sketch_of(1 << bits)
    sketch = sparse.csr_matrix((sign, (np.arange(1 << bits), bucket)), shape=(1 << bits, buckets))
    folded = (pairs @ sparse.diags(rarity) @ sketch).tocsr()
    lengths = length_of(np.asarray(folded.multiply(folded).sum(axis=1)).ravel())
    vectors = (sparse.diags(1 / lengths) @ weighed).tocsr()
    return Space(vectors, rarity.astype(np.uint8))


def solve(likeness: Array, labels: Array, penalty: float, counts: Array | None = None) -> tuple[Array, Array]:
    """Return the shares (n_articles, n_topics) of articles in the weights, and the bias (n_topics,), in closed form.

    Args:
        likeness: products of the articles' vectors, shape (n_articles, n_articles).
        labels: in [0, 1], shape (n_articles, n_topics).
        penalty: of the squared weights.
        counts: what an article's error counts, shape (n_articles,); 1 without.
    """
    bias = labels.mean(axis=0)
    each = np.ones(len(labels)) if counts is None else counts
    shares = np.linalg.solve(likeness + np.diag(penalty / each), labels - bias)
    return np.asarray(shares), np.asarray(bias)


def fit_pairs(space: Space, labels: Array, penalty: float, counts: Array | None = None) -> PairFit:
    """Fit weights to labels in [0, 1], shape (n_articles, n_topics); `counts` as in `solve`."""
    every = np.arange(len(labels), dtype=np.int64)
    if len(labels) <= _CLOSED:
        shares, bias = solve(space.likeness(every, every), labels, penalty, counts)
    else:
        shares, bias = _solve_by_steps(space.vectors, labels, penalty, counts)
    weights = np.asarray(space.vectors.T @ shares) * space.rarity[:, None]
    largest = np.maximum(np.abs(weights).max(axis=0), 1e-12)
    return PairFit(space.rarity, np.rint(weights / largest * LARGEST).astype(np.int16), largest / LARGEST, bias)


def _solve_by_steps(vectors: Any, labels: Array, penalty: float, counts: Array | None) -> tuple[Array, Array]:
    """Solve the same equations by conjugate gradients."""
    from scipy.sparse.linalg import LinearOperator, cg

    size, transposed = len(labels), vectors.T.tocsr()
    each = penalty / (np.ones(size) if counts is None else counts)
    equations = LinearOperator((size, size), matvec=lambda x: vectors @ (transposed @ x.ravel()) + each * x.ravel())
    bias = labels.mean(axis=0)
    shares = [cg(equations, column, rtol=1e-3, maxiter=200)[0] for column in (labels - bias).T]
    return np.stack(shares, axis=1), np.asarray(bias)
