"""How a product that few have turned to borrows what is known of those it is like. Pure, sparse, in blocks.

`lent`: (n, n), what an anchor's rows in the other sources name, the anchor itself first. `adopted`: (n, n), entry
(b, c) is how much the cold product c stands for the known b: likeness × fade, fade = k / (n_c + k), n_c the shoppers c
has of its own. Then

    lent · adopted            cold products in the rows of the anchors
    adoptedᵀ · lent           the rows that a cold anchor borrows, as the mean of its neighbours'

A known product stands for so many cold ones at most, those most like it: else a catalogue with a few known products
and a long tail would be multiplied out.
"""

import numpy as np
import scipy  # its parts load when first used, which is off the request path
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.content_likeness import Alike
from smartshop.ai_agents.recommendation.rows import Rows, empty_rows, join_rows

BLOCK_ROWS = 4_000
"""Anchors whose borrowed rows are held at once before they are cut: some 100 MB; below 65,536, for a quick sort."""


def matrix_of(rows: Rows, n: int) -> "scipy.sparse.csr_array":
    """(n, n); entries of products beyond n are left out."""
    kept = min(rows.n_rows, n)
    end = int(rows.indptr[kept])
    indptr = np.concatenate((rows.indptr[: kept + 1], np.full(n - kept, end))).astype(np.int64)
    inside = rows.indices[:end] < n
    row = np.repeat(np.arange(n), np.diff(indptr))[inside]
    return scipy.sparse.csr_array((rows.weights[:end][inside], (row, rows.indices[:end][inside])), shape=(n, n))


def by_rank(rows: Rows, k: float) -> Rows:
    """The same neighbours weighing 1 / (k + rank), so that sources of any scale can be added up."""
    rank = np.arange(len(rows.indices)) - np.repeat(rows.indptr[:-1], np.diff(rows.indptr)) + 1
    return Rows(rows.indptr, rows.indices, (1 / (k + rank)).astype(np.float32), rows.evidence)


def cut_rows(matrix: "scipy.sparse.csr_array", n: int) -> Rows:
    """Every row's n greatest entries, greatest first, ties by product; nothing is counted: the evidence is 0."""
    matrix = matrix.tocsr()
    matrix.sort_indices()
    row = np.repeat(np.arange(matrix.shape[0], dtype=np.uint32), np.diff(matrix.indptr))
    positive = matrix.data > 0
    row, column, weight = row[positive], matrix.indices[positive], matrix.data[positive]
    if matrix.shape[0] <= np.iinfo(np.uint16).max:
        row = row.astype(np.uint16)  # which numpy sorts by counting
    order = np.argsort(-weight, kind="stable")
    order = order[np.argsort(row[order], kind="stable")]
    row, column, weight = row[order], column[order], weight[order]
    starts = np.searchsorted(row, np.arange(matrix.shape[0] + 1))
    kept = np.arange(len(row)) - np.repeat(starts[:-1], np.diff(starts)) < n
    return Rows(
        indptr=np.concatenate(([0], np.cumsum(np.minimum(np.diff(starts), n)))).astype(np.int64),
        indices=column[kept].astype(np.int32),
        weights=weight[kept].astype(np.float32),
        evidence=np.zeros(int(kept.sum()), np.int32),
    )


def adoption(
    alike: Alike,
    cold: NDArray[np.integer],
    known: NDArray[np.integer],
    fade: NDArray[np.floating],
    n: int,
) -> "scipy.sparse.csr_array":
    """(n, n): `alike` holds the neighbours of `cold` products, (n_cold,), as places in `known`; `fade`: (n_cold,)."""
    row, column = np.nonzero(alike.likeness > 0)
    weight = alike.likeness[row, column] * fade[row]
    places = (known[alike.place[row, column]], cold[row])
    return scipy.sparse.csr_array((weight.astype(np.float32), places), shape=(n, n))


def _few(adopted: "scipy.sparse.csr_array", most: int) -> "scipy.sparse.csr_array":
    """Every known product's `most` greatest."""
    cut = cut_rows(adopted, most)
    return scipy.sparse.csr_array((cut.weights, cut.indices, cut.indptr), shape=adopted.shape)


def borrowed(lent: "scipy.sparse.csr_array", adopted: "scipy.sparse.csr_array", *, adopters: int, n_kept: int) -> Rows:
    """Rows over all products: see the head of this file. No product is in its own row.

    `adopters`: cold products that one known product stands for; `n_kept`: entries kept per row.
    """
    if not adopted.nnz:
        return empty_rows(lent.shape[0])
    own, adopted = _shares(adopted.T.tocsr()), _few(adopted, adopters)
    parts = []
    for first in range(0, lent.shape[0], BLOCK_ROWS):
        through = own[first : first + BLOCK_ROWS] @ lent
        block = (lent[first : first + BLOCK_ROWS] @ adopted + through).tocoo()
        other = block.row + first != block.col
        kept = (block.data[other], (block.row[other], block.col[other]))
        parts.append(cut_rows(scipy.sparse.csr_array(kept, shape=block.shape), n_kept))
    return join_rows(parts)


def _shares(adopted: "scipy.sparse.csr_array") -> "scipy.sparse.csr_array":
    """Each cold product's row as a mean: its entries over the sum of what they would be without fading."""
    total = np.asarray(adopted.sum(axis=1)).ravel()
    greatest = np.asarray(adopted.max(axis=1).todense()).ravel()
    row = np.repeat(np.arange(adopted.shape[0]), np.diff(adopted.indptr))
    shares = adopted.copy()
    # The nearest neighbour's likeness times the fade says how much of this is the product's own.
    shares.data = adopted.data * (greatest / np.maximum(total, 1e-9))[row]
    return shares
