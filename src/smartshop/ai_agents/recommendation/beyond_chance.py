"""Pairs that occur together more often than by chance, significantly so.

The score of a pair is the log-likelihood ratio of its 2×2 table of units (Dunning 1993, "Accurate methods for the
statistics of surprise and coincidence"): 2·Σ k·ln(k·N / (row·column)). Significance, unlike lift, does not fall for
pairs seen twice; pairs that occur together less often than by chance have the same ratio and are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy  # its parts load when first used, which is when learning
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.pair_counts import co_occurrences
from smartshop.ai_agents.recommendation.rows import Rows, top_rows


def log_likelihood_ratio(
    both: NDArray[np.floating],
    only_first: NDArray[np.floating],
    only_second: NDArray[np.floating],
    neither: NDArray[np.floating],
) -> NDArray[np.float64]:
    """Dunning's ratio of 2×2 tables, elementwise; ≥ 0, and 0 for independence.

    >>> float(log_likelihood_ratio(*map(np.array, (110.0, 2442.0, 111.0, 29114.0))).round(2))
    270.72
    """
    total = both + only_first + only_second + neither
    first, second = both + only_first, both + only_second
    cells = ((both, first, second), (only_first, first, total - second), (only_second, total - first, second))
    ratio = sum(_surprise(count, row, column, total) for count, row, column in cells)
    return np.maximum(2.0 * (ratio + _surprise(neither, total - first, total - second, total)), 0.0)


def _surprise(
    count: NDArray[np.floating], row: NDArray[np.floating], column: NDArray[np.floating], total: NDArray[np.floating]
) -> NDArray[np.float64]:
    """k · ln(k·N / (row·column)), 0 where the cell is empty."""
    occupied = count > 0
    expected = np.where(occupied, row * column, 1.0)
    return np.where(occupied, count * np.log(np.where(occupied, count * total, 1.0) / expected), 0.0)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Ordered pairs (both directions stand) that occur together more often than by chance. Parallel arrays."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    support: NDArray[np.float64]
    ratio: NDArray[np.float64]
    lift: NDArray[np.float64]
    """Times as often together as by chance."""
    size: int

    def take(self, keep: NDArray[np.bool_]) -> "Pairs":
        return Pairs(
            first=self.first[keep],
            second=self.second[keep],
            support=self.support[keep],
            ratio=self.ratio[keep],
            lift=self.lift[keep],
            size=self.size,
        )

    def take_ratio(self, min_ratio: float) -> "Pairs":
        """Only pairs seen more often than by chance, and significantly so."""
        return self.take((self.lift > 1) & (self.ratio >= min_ratio))

    def rows(self, n: int, among: range) -> Rows:
        """The n partners with the greatest ratio of each product in `among`; evidence: the support."""
        return self._rows(self.ratio, self.support, n, among)

    def rows_by_lift(self, n: int, among: range) -> Rows:
        """As `rows`, by lift; evidence: the lift's whole part."""
        return self._rows(self.lift, self.lift.astype(np.int64), n, among)

    def _rows(self, weight: NDArray[np.float64], evidence: NDArray[np.number], n: int, among: range) -> Rows:
        places, shape = (self.first - among.start, self.second), (len(among), self.size)
        counted = scipy.sparse.csr_array((evidence, places), shape=shape)
        return top_rows(scipy.sparse.csr_array((weight, places), shape=shape), counted, n)


@dataclass(frozen=True, slots=True)
class Block:
    """Some columns' pairs with all columns."""

    among: range
    """The columns."""
    both: "scipy.sparse.csr_array"
    """(len(among), n): units that hold both, also of pairs that chance alone explains; sorted indices."""
    pairs: Pairs
    """Those beyond chance."""


def beyond_chance(units: "scipy.sparse.csr_array", min_support: int, min_ratio: float) -> Iterator[Block]:
    """Pairs of columns of a 0/1 matrix that share rows beyond chance, some columns at a time.

    A block is to be cut before the next one is asked for: all pairs of a wholesaler's range are gigabytes.
    """
    counts, total = np.asarray(units.sum(axis=0)).ravel(), float(units.shape[0])
    for first, block in co_occurrences(units, units):
        row = first + np.repeat(np.arange(block.shape[0]), np.diff(block.indptr))
        pairs = judge_pairs(row, block.indices, block.data, counts, total, min_support)
        yield Block(range(first, first + block.shape[0]), block, pairs.take_ratio(min_ratio))


def judge_pairs(
    first: NDArray[np.integer],
    second: NDArray[np.integer],
    both: NDArray[np.number],
    counts: NDArray[np.number],
    total: float,
    min_support: int,
) -> Pairs:
    """Ratio and lift of these pairs, without those of too little support; `counts`: (n,) units that hold each."""
    enough = (first != second) & (both >= min_support)
    one, other = first[enough].astype(np.int64), second[enough].astype(np.int64)
    support = both[enough].astype(np.float64)
    n_one, n_other = counts[one].astype(np.float64), counts[other].astype(np.float64)
    return Pairs(
        first=one,
        second=other,
        support=support,
        ratio=log_likelihood_ratio(support, n_one - support, n_other - support, total - n_one - n_other + support),
        lift=support * total / (n_one * n_other),
        size=len(counts),
    )
