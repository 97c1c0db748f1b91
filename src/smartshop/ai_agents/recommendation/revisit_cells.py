"""The cells that returns within a visit are counted by. Pure."""

import numpy as np
from numpy.typing import NDArray

LOOK, LINE, ORDER = 0, 1, 2
"""The newest sign: a look, a line of an order that still goes on, the last line of one that is done."""
AFTER_HERE = (-np.inf, 1, 2, 3, 5)
"""Signs after the newest product's place before, from which a bucket begins: before it, 1, 2, 3 to 4, more; in front of
them stands a bucket of their own for newest products that had no place before."""
AGO = (2, 3, 5, 9)
"""Signs ago: 1, 2, 3 to 4, 5 to 8, more."""
TIMES = (2, 3)
"""Times turned to: 1, 2, more."""
SHAPE = (3, 2, len(AFTER_HERE) + 1, len(AGO) + 1, len(TIMES) + 1)


def sign_before(bought: NDArray[np.bool_], is_pause: NDArray[np.bool_]) -> NDArray[np.int64]:
    """`bought`: the newest sign is an order's; `is_pause`: time has passed since. Whoever is asked for a slate after a
    whole order is not about to add its next line."""
    return np.where(bought, np.where(is_pause, ORDER, LINE), LOOK)


def cells(
    *,
    before: NDArray[np.int64],
    ordered: NDArray[np.bool_],
    onwards: NDArray[np.floating] | NDArray[np.integer],
    ago: NDArray[np.integer],
    times: NDArray[np.integer],
) -> NDArray[np.intp]:
    """(n,): the flat index into `SHAPE` of each case. All (n,), `before` also (1,).

    `onwards`: how many signs after the newest product's place before the product's last sign stands; NaN without one.
    """
    # NaN is sorted behind everything; its bucket is the first.
    placed = np.searchsorted(AFTER_HERE, onwards, side="right")
    placed = np.where(np.isnan(onwards), 0, placed)
    parts = (before, ordered.astype(np.int64), placed, np.searchsorted(AGO, ago, side="right"))
    cell = np.ravel_multi_index(np.broadcast_arrays(*parts, np.searchsorted(TIMES, times, side="right")), SHAPE)
    return np.asarray(cell, np.intp)
