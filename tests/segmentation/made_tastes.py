"""Made-up customers whose segments are known: each sort leans to topics of its own."""

from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray


@dataclass(frozen=True)
class Known:
    """n customers, as much of them as segments are learned from."""

    x: NDArray[np.float64]
    taste: "scipy.sparse.csr_array"
    evidence: NDArray[np.float32]

    def only(self, rows: NDArray[np.intp] | slice) -> "Known":
        return Known(self.x[rows], self.taste[rows], self.evidence[rows])


def known(x: NDArray[np.floating] | None, taste: NDArray[np.number] | None) -> Known:
    """Customers from dense tables; either may be missing."""
    n = len(x) if x is not None else len(taste) if taste is not None else 0
    counts = np.zeros((n, 0)) if taste is None else taste
    evidence = np.full(n, 9.0) if taste is None else counts.sum(axis=1)
    return Known(
        np.zeros((n, 1)) if x is None else np.asarray(x, np.float64),
        scipy.sparse.csr_array(counts, dtype=np.float32),
        evidence.astype(np.float32),
    )


def sorts(n: int, k: int, seed: int, *, topics_each: int = 3, signs: float = 14.0) -> tuple[Known, NDArray[np.int64]]:
    """n customers of k sorts; two thirds of what they do is about the topics of their sort. And their sorts."""
    rng = np.random.default_rng(seed)
    sort = rng.integers(0, k, n)
    mine = np.repeat(np.eye(k), topics_each, axis=1)[sort]
    shares = mine * (2 / 3) / topics_each + 1 / (3 * k * topics_each)
    return known(rng.normal(size=(n, 2)), rng.poisson(shares * rng.gamma(2.0, signs / 2, n)[:, None])), sort


def blobs(n: int, centres: NDArray[np.float64], seed: int) -> tuple[Known, NDArray[np.int64]]:
    """n customers known by habits only, spread by 1 around centres (k, d); and their sorts."""
    rng = np.random.default_rng(seed)
    sort = rng.integers(0, len(centres), n)
    return known(centres[sort] + rng.normal(size=(n, centres.shape[1])), None), sort
