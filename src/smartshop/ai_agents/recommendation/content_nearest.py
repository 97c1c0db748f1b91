"""Nearest vectors by brute force, in blocks of bounded memory: exact, and up to 200,000 products a matter of minutes.

The products of a block of queries with all targets are one matrix product. To find a row's n greatest, its entries are
first reduced to maxima of groups: the n greatest entries lie within the n groups of greatest maxima, so that only these
are looked into.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

BLOCK_ENTRIES = 12_000_000
"""Products held at once: 48 MB."""
GROUP = 32
"""Entries per group: each of the two steps then looks at a small part of the row."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """Per query the nearest targets, nearest first."""

    place: NDArray[np.int64]
    """(n_queries, n): index of the target; -1 where there are fewer."""
    likeness: Vectors
    """(n_queries, n): their product; 0 where there are fewer."""


def nearest(queries: Vectors, targets: Vectors, n: int) -> Nearest:
    """The n targets with the greatest product above 0 of each query; ties go to the smaller place.

    `queries`: (n_queries, size), `targets`: (n_targets, size), of length 1 or nought.
    """
    n_targets = len(targets)
    place = np.full((len(queries), n), -1, np.int64)
    likeness = np.zeros((len(queries), n), np.float32)
    if not n_targets:
        return Nearest(place, likeness)
    n_groups = -(-n_targets // GROUP)
    across = np.zeros((targets.shape[1], n_groups * GROUP), np.float32)
    across[:, :n_targets] = targets.T
    rows = max(1, BLOCK_ENTRIES // across.shape[1])
    for first in range(0, len(queries), rows):
        block = np.asarray(queries[first : first + rows], np.float32) @ across
        found = _greatest(block, n, n_groups)
        value = np.take_along_axis(block, found, axis=1)
        kept = (value > 0) & (found < n_targets)
        width = found.shape[1]
        place[first : first + rows, :width] = np.where(kept, found, -1)
        likeness[first : first + rows, :width] = np.where(kept, value, 0)
    return Nearest(place, likeness)


def _greatest(block: Vectors, n: int, n_groups: int) -> NDArray[np.int64]:
    """(n_rows, min(n, width)) places of each row's greatest entries, greatest first, ties by place."""
    width = block.shape[1]
    places = np.broadcast_to(np.arange(width), block.shape)
    if n < n_groups:
        # Group g is every place g + i·n_groups: maxima of such groups are taken over whole stretches of memory.
        maxima = block.reshape(len(block), GROUP, n_groups).max(axis=1)
        groups = np.argpartition(maxima, n_groups - n, axis=1)[:, n_groups - n :]
        places = (groups[:, :, None] + n_groups * np.arange(GROUP)).reshape(len(block), -1)
    inside = np.take_along_axis(block, places, axis=1)
    if n < inside.shape[1]:
        taken = np.argpartition(inside, inside.shape[1] - n, axis=1)[:, inside.shape[1] - n :]
        places, inside = np.take_along_axis(places, taken, axis=1), np.take_along_axis(inside, taken, axis=1)
    order = np.lexsort((places, -inside), axis=1)
    return np.asarray(np.take_along_axis(places, order, axis=1), np.int64)
