"""The Markov chain takes steps made since its training: exact sums, and rows weighed anew where they changed. Pure."""

from dataclasses import dataclass, replace

import numpy as np
import scipy  # its parts load when first used
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.markov import (
    TINY,
    Markov,
    MarkovConfig,
    StepCounts,
    StepTotals,
    count_steps,
)
from smartshop.ai_agents.recommendation.rows import Row, best_first
from smartshop.ai_agents.recommendation.sequences import Sequences

UNCHANGED = 1e-9
"""A sum that changed by less was added up in another order, or fades beyond notice: its row is not weighed again."""


def grow_steps(learned: Markov, before: Sequences, after: Sequences, config: MarkovConfig) -> Markov:
    """Put `after` in the place of `before`, both whole shoppers. The same chain where no counts were kept."""
    if learned.counts is None:
        return learned
    change = _difference(count_steps(after, config), count_steps(before, config))
    changed = _changed_rows(change)
    if not len(changed):
        return learned
    counts = _added(learned.counts, change)
    newer = {row: _weighed(counts, row, config) for row in changed.tolist()}
    return Markov(replace(learned.rows, newer={**learned.rows.newer, **newer}), counts)


def resized(matrix: "scipy.sparse.csr_array", n: int) -> "scipy.sparse.csr_array":
    """(n, n): room for what came later."""
    if matrix.shape == (n, n):
        return matrix
    larger = matrix.copy()
    larger.resize((n, n))
    return larger


def _difference(after: StepTotals, before: StepTotals) -> StepTotals:
    total, shoppers = (after.total - before.total).tocsr(), (after.shoppers - before.shoppers).tocsr()
    total.eliminate_zeros()
    shoppers.eliminate_zeros()
    return StepTotals(total, shoppers)


def _changed_rows(change: StepTotals) -> NDArray[np.int64]:
    origin = np.repeat(np.arange(change.total.shape[0]), np.diff(change.total.indptr))
    moved = origin[np.abs(change.total.data) > UNCHANGED]
    return np.union1d(moved, np.flatnonzero(np.diff(change.shoppers.indptr)))


def _added(counts: StepCounts, change: StepTotals) -> StepCounts:
    n = change.total.shape[0]
    row_sum = np.zeros(n)
    row_sum[: len(counts.row_sum)] = counts.row_sum
    row_sum += np.asarray(change.total.sum(axis=1)).ravel()
    if counts.added is None:
        return replace(counts, row_sum=row_sum, added=change)
    total = resized(counts.added.total, n) + change.total
    shoppers = resized(counts.added.shoppers, n) + change.shoppers
    return replace(counts, row_sum=row_sum, added=StepTotals(total.tocsr(), shoppers.tocsr()))


@dataclass(frozen=True, slots=True)
class CountedRow:
    """What is counted of one product's steps, by goal; parallel arrays."""

    goal: NDArray[np.int32]
    total: NDArray[np.float64]
    """Sums, not divided."""
    shoppers: NDArray[np.int32]
    """Distinct, ≥ 1."""


def counted_row(counts: StepCounts, row: int) -> CountedRow:
    """What is counted of one row by now."""
    kept = counts.kept.row(row)
    goals, totals, walkers = [kept.indices], [kept.weights.astype(np.float64)], [kept.evidence.astype(np.float64)]
    if counts.added is not None:
        for matrix, filled, empty in (
            (counts.added.total, totals, walkers),
            (counts.added.shoppers, walkers, totals),
        ):
            goal, value = _entries(matrix, row)
            goals.append(goal)
            filled.append(value)
            empty.append(np.zeros(len(goal)))
    goal, place = np.unique(np.concatenate(goals), return_inverse=True)
    total = np.asarray(np.bincount(place, weights=np.concatenate(totals), minlength=len(goal)), np.float64)
    shoppers = np.rint(np.bincount(place, weights=np.concatenate(walkers), minlength=len(goal)))
    # What nobody walks any longer leaves a trace of rounding in its sum.
    walked = shoppers > 0
    return CountedRow(goal[walked].astype(np.int32), total[walked], shoppers[walked].astype(np.int32))


def _entries(matrix: "scipy.sparse.csr_array", row: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    if row >= matrix.shape[0]:
        return np.zeros(0, np.int32), np.zeros(0)
    here = slice(int(matrix.indptr[row]), int(matrix.indptr[row + 1]))
    return matrix.indices[here].astype(np.int32), matrix.data[here].astype(np.float64)


def _weighed(counts: StepCounts, row: int, config: MarkovConfig) -> Row:
    counted = counted_row(counts, row)
    weights = counted.total / max(float(counts.row_sum[row]), TINY) ** config.reg
    best = best_first(weights, config.n)
    return Row(counted.goal[best], weights[best].astype(np.float32), counted.shoppers[best])
