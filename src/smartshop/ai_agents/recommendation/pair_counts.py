"""Counts over pairs of products, exact and distinct."""

from collections.abc import Iterator

import numpy as np
import scipy  # its parts load when first used, which is when learning
from numpy.typing import NDArray

MAX_KEY = 2**63 - 1
BLOCK_ROWS = 512
"""Products whose co-occurrences are held at once: a wholesaler's table is nearly full, and would not fit whole."""


def distinct_units(
    unit: NDArray[np.integer],
    origin: NDArray[np.integer],
    goal: NDArray[np.integer],
    n_products: int,
    *,
    n_rows: int | None = None,
) -> "scipy.sparse.csr_array":
    """(n_rows, n_products): how many distinct units (shoppers, orders, sessions) hold each pair.

    `unit`, `origin`, `goal`: (n_pairs,), the same pair of the same unit any number of times. `n_rows`: of the origins;
    None: `n_products`.
    """
    n_rows = n_products if n_rows is None else n_rows
    pair = origin.astype(np.int64) * n_products + goal
    n_pairs = n_rows * n_products
    if (int(unit.max(initial=0)) + 1) * n_pairs <= MAX_KEY:
        distinct = np.unique(unit.astype(np.int64) * n_pairs + pair) % n_pairs
    else:
        order = np.lexsort((pair, unit))
        unit, pair = unit[order], pair[order]
        new = np.r_[True, (unit[1:] != unit[:-1]) | (pair[1:] != pair[:-1])][: len(pair)]
        distinct = pair[new]
    ones = np.ones(len(distinct), np.int64)
    places = (distinct // n_products, distinct % n_products)
    return scipy.sparse.csr_array((ones, places), shape=(n_rows, n_products))


def freshness(occurred_at: NDArray[np.int64], half_life: int | None) -> NDArray[np.float64]:
    """(n,) how much each sign still counts: 1 for the newest, half after every `half_life` (µs); None: all alike."""
    if half_life is None or not len(occurred_at):
        return np.ones(len(occurred_at))
    return np.asarray(np.exp2((occurred_at - occurred_at.max()) / half_life), np.float64)


def incidence(
    unit: NDArray[np.integer],
    product: NDArray[np.integer],
    n_products: int,
    max_unit_size: int,
    weight: NDArray[np.float64] | None = None,
) -> "scipy.sparse.csr_array":
    """(n_units, n_products): which unit holds which product; the last `max_unit_size` of a longer unit.

    Entries are 1, or the `weight`, (n_signs,), of the product's last sign in the unit. Units are renumbered densely in
    the order of their number. Within a unit the given order is oldest first.
    """
    pair = unit.astype(np.int64) * n_products + product
    # The last occurrence stands for a repeated product, so that the newest of a unit are kept.
    _, first_from_end = np.unique(pair[::-1], return_index=True)
    last = np.sort(len(pair) - 1 - first_from_end)
    unit, product = unit[last], product[last]
    by_unit = np.argsort(unit, kind="stable")
    unit, product = unit[by_unit], product[by_unit]
    starts = np.flatnonzero(np.r_[True, unit[1:] != unit[:-1]][: len(unit)])
    sizes = np.diff(np.r_[starts, len(unit)])
    from_end = np.repeat(starts + sizes, sizes) - 1 - np.arange(len(unit))
    keep = from_end < max_unit_size
    dense = np.repeat(np.arange(len(starts)), sizes)[keep]
    entries = np.ones(len(dense)) if weight is None else weight[last][by_unit][keep]
    return scipy.sparse.csr_array((entries, (dense, product[keep])), shape=(len(starts), n_products))


def co_occurrences(
    units: "scipy.sparse.csr_array", weighted: "scipy.sparse.csr_array"
) -> "Iterator[tuple[int, scipy.sparse.csr_array]]":
    """unitsᵀ · weighted in blocks of rows: (first row, block with sorted indices). Both: (n_units, n_products)."""
    by_product = units.T.tocsr()
    for first in range(0, by_product.shape[0], BLOCK_ROWS):
        block = (by_product[first : first + BLOCK_ROWS] @ weighted).tocsr()
        block.sort_indices()
        yield first, block


def with_entries(places: "scipy.sparse.csr_array", entries: NDArray[np.floating]) -> "scipy.sparse.csr_array":
    """These entries, (nnz,), in the places of a matrix with sorted indices; the index arrays are shared."""
    return scipy.sparse.csr_array((entries.copy(), places.indices, places.indptr), shape=places.shape)
