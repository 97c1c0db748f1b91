"""A history as steps from one moment to the next: what had been chosen up to there, and what came after.

A moment holds what one shopper chose at the same time: one look, or all lines of an order, whose order in the log says
nothing. A linear model that learns from steps reproduces the order of things and not only their company.
"""

import numpy as np
import scipy  # its parts load when first used, which is when learning
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.pair_counts import incidence
from smartshop.ai_agents.recommendation.sequences import Sequences


def moment_of(sequences: Sequences) -> NDArray[np.int64]:
    """(n_signs,): dense number of each sign's moment, rising."""
    shopper, at = sequences.shopper, sequences.occurred_at
    starts = (shopper[1:] != shopper[:-1]) | (at[1:] != at[:-1])
    return np.concatenate(([0], np.cumsum(starts)))[: len(sequences)].astype(np.int64)


def moment_starts(sequences: Sequences) -> NDArray[np.intp]:
    """(n_moments,): where each moment's first sign stands."""
    return np.flatnonzero(np.diff(moment_of(sequences), prepend=-1))


def steps(
    sequences: Sequences, *, window: int, decay: float, max_unit_size: int
) -> "tuple[scipy.sparse.csr_array, scipy.sparse.csr_array]":
    """Past and future of every step, (n_moments, n_products) each; row k is the step from moment k to the next.

    In the past, what was chosen d moments before k weighs decay^d; in the future, d moments after it, decay^(d − 1).
    `window` moments count to either side, of each the newest `max_unit_size` products. No step leads from a shopper's
    last moment: its rows are empty.
    """
    moment = moment_of(sequences)
    chosen = incidence(moment, sequences.product, sequences.n_products, max_unit_size)
    shopper = sequences.shopper[moment_starts(sequences)]
    return (
        (_band(shopper, range(0, -window, -1), decay) @ chosen).tocsr(),
        (_band(shopper, range(1, window + 1), decay) @ chosen).tocsr(),
    )


def _band(shopper: NDArray[np.int32], shifts: range, decay: float) -> "scipy.sparse.csr_array":
    """(n_moments, n_moments): which moments a step looks at, each further one weighing `decay` of the one before it."""
    size = len(shopper)
    goes_on = np.zeros(size, np.bool_)
    goes_on[:-1] = shopper[1:] == shopper[:-1]
    step = np.flatnonzero(goes_on)
    rows, columns, weights = [], [], []
    for distance, shift in enumerate(shifts):
        seen = step + shift
        same = (seen >= 0) & (seen < size)
        same[same] = shopper[seen[same]] == shopper[step[same]]
        rows.append(step[same])
        columns.append(seen[same])
        weights.append(np.full(int(same.sum()), decay**distance))
    places = (np.concatenate(rows), np.concatenate(columns))
    return scipy.sparse.csr_array((np.concatenate(weights), places), shape=(size, size))
