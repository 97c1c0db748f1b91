"""Sparse rows: for every product the few that follow, resemble or complete it, with weight and counted evidence.

Stored as plain arrays, so that a serving process maps them from disk and shares them with its neighbours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import scipy  # its parts load when first used, which is when learning
from numpy.typing import NDArray

Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Row:
    """One row on its own, best neighbour first; parallel arrays as in `Rows`."""

    indices: Int32s
    weights: Floats
    evidence: Int32s


NO_ROW = Row(np.zeros(0, np.int32), np.zeros(0, np.float32), np.zeros(0, np.int32))


@dataclass(frozen=True, slots=True)
class Rows:
    """Compressed sparse rows: row i is `indptr[i]:indptr[i + 1]` of the parallel arrays, best neighbour first."""

    indptr: Int64s
    """(n_rows + 1,)"""
    indices: Int32s
    """(nnz,): the neighbour's product_no; distinct within a row, never the row itself."""
    weights: Floats
    """(nnz,): > 0."""
    evidence: Int32s
    """(nnz,): how many distinct shoppers (or orders) stand behind the entry: a true count, ≥ 1."""
    newer: Mapping[int, Row] = field(default_factory=dict)
    """Rows that have taken the place of the arrays' since these were written; also of products that came later."""

    @property
    def n_rows(self) -> int:
        """Of the arrays."""
        return len(self.indptr) - 1

    def row(self, number: int) -> Row:
        """One row as it stands now; empty where there is none."""
        newer = self.newer.get(number)
        if newer is not None:
            return newer
        if not 0 <= number < self.n_rows:
            return NO_ROW
        here = slice(int(self.indptr[number]), int(self.indptr[number + 1]))
        return Row(self.indices[here], self.weights[here], self.evidence[here])

    def entries_of(self, numbers: Int32s) -> tuple[Int32s, Floats, Int64s]:
        """All entries of these rows, one row after the other: neighbour, weight, and length of each row."""
        if self.newer:
            found = [self.row(number) for number in numbers.tolist()]
            indices = np.concatenate([NO_ROW.indices, *(row.indices for row in found)])
            weights = np.concatenate([NO_ROW.weights, *(row.weights for row in found)])
            return indices, weights, np.array([len(row.indices) for row in found], np.int64)
        known = numbers < self.n_rows
        at = np.where(known, numbers, 0)
        starts = self.indptr[at]
        lengths = np.where(known, self.indptr[np.minimum(at + 1, self.n_rows)] - starts, 0)
        entry = np.arange(int(lengths.sum())) + np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
        return self.indices[entry], self.weights[entry], lengths

    def evidence_of(self, row: int, neighbour: int) -> int:
        """The count behind one entry; 0 when there is none."""
        found = self.row(row)
        at = np.flatnonzero(found.indices == neighbour)
        return int(found.evidence[at[0]]) if len(at) else 0

    def save(self, folder: Path, name: str) -> None:
        for part in PARTS:
            np.save(folder / f"{name}.{part}.npy", getattr(self, part), allow_pickle=False)


PARTS = ("indptr", "indices", "weights", "evidence")


def map_array(path: Path) -> NDArray[Any]:
    """Map a saved array; the plain view spares every later look the price of numpy's memmap class. Any: its dtype."""
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def load_rows(folder: Path, name: str) -> Rows:
    indptr, indices, weights, evidence = (map_array(folder / f"{name}.{part}.npy") for part in PARTS)
    return Rows(indptr=indptr, indices=indices, weights=weights, evidence=evidence)


def empty_rows(n_rows: int) -> Rows:
    return Rows(
        indptr=np.zeros(n_rows + 1, np.int64),
        indices=np.zeros(0, np.int32),
        weights=np.zeros(0, np.float32),
        evidence=np.zeros(0, np.int32),
    )


def join_rows(parts: Sequence[Rows]) -> Rows:
    """Rows of consecutive blocks, one after the other."""
    lengths = np.concatenate([np.diff(part.indptr) for part in parts])
    return Rows(
        indptr=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        indices=np.concatenate([part.indices for part in parts]),
        weights=np.concatenate([part.weights for part in parts]),
        evidence=np.concatenate([part.evidence for part in parts]),
    )


def top_rows(weights: "scipy.sparse.csr_array", evidence: "scipy.sparse.csr_array", n: int) -> Rows:
    """Cut every row to its n greatest positive weights; ties go to the smaller product_no.

    `weights`, `evidence`: (n_rows, n_products); an entry of `weights` without evidence counts 1.
    """
    weights, evidence = weights.tocsr(), evidence.tocsr()
    weights.sort_indices()
    kept: list[Int64s] = []
    lengths = np.zeros(weights.shape[0], np.int64)
    for row in range(weights.shape[0]):
        start, end = int(weights.indptr[row]), int(weights.indptr[row + 1])
        best = best_first(weights.data[start:end], n)
        kept.append(best + start)
        lengths[row] = len(best)
    taken = np.concatenate(kept) if kept else np.zeros(0, np.int64)
    indices = weights.indices[taken].astype(np.int32)
    row_of = np.repeat(np.arange(len(lengths)), lengths)
    if _same_places(weights, evidence):
        counts = evidence.data[taken].astype(np.int64)
    else:
        counts = _look_up(evidence, row_of, indices)
    return Rows(
        indptr=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        indices=indices,
        weights=weights.data[taken].astype(np.float32),
        evidence=np.maximum(counts, 1).astype(np.int32),
    )


def best_first(values: NDArray[np.floating], n: int) -> Int64s:
    """Positions of the n greatest positive values, greatest first, ties by position.

    >>> best_first(np.array([1.0, 3.0, 0.0, 3.0]), 2).tolist()
    [1, 3]
    """
    positive = np.flatnonzero(values > 0)
    if len(positive) > n:
        chosen = values[positive]
        border = np.partition(chosen, len(chosen) - n)[len(chosen) - n]
        above = positive[chosen > border]
        # Of those equal to the border the first fit, so that the same values always give the same cut.
        positive = np.sort(np.concatenate((above, positive[chosen == border][: n - len(above)])))
    return positive[np.argsort(-values[positive], kind="stable")]


def _same_places(first: "scipy.sparse.csr_array", second: "scipy.sparse.csr_array") -> bool:
    """Whether their entries are parallel; a look is cheap beside looking every entry up."""
    return np.array_equal(first.indptr, second.indptr) and np.array_equal(first.indices, second.indices)


def _look_up(matrix: "scipy.sparse.csr_array", rows: Int64s, columns: Int32s) -> Int64s:
    """Entries of a sparse matrix at these places, 0 where there is none."""
    matrix.sort_indices()
    n_columns = matrix.shape[1]
    keys = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr)) * n_columns + matrix.indices
    wanted = rows * n_columns + columns
    at = np.searchsorted(keys, wanted)
    inside = np.minimum(at, max(len(keys) - 1, 0))
    if not len(keys):
        return np.zeros(len(wanted), np.int64)
    return np.where(keys[inside] == wanted, matrix.data[inside], 0).astype(np.int64)
