"""What a series is worth, and how steadily it sells. How often it sells: `forecasting/choosing_classes.py`. Pure."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.panel import Floats

A_SHARE, B_SHARE = 0.80, 0.95
"""Of all value, added up from the largest: the first 80 % are A, up to 95 % B, the rest C (the usual 80/15/5)."""
X_VARIATION, Y_VARIATION = 0.5, 1.0
"""Coefficients of variation up to which demand counts as steady, and as varying (the usual cuts of XYZ analysis)."""


class Value(StrEnum):
    A = "A"
    B = "B"
    C = "C"


class Steadiness(StrEnum):
    X = "X"
    Y = "Y"
    Z = "Z"


@dataclass(frozen=True, slots=True, eq=False)
class DemandClasses:
    """(n,) each."""

    value: NDArray[np.str_]
    """Of `Value`."""
    steadiness: NDArray[np.str_]
    """Of `Steadiness`."""


def demand_classes(demand: Floats, value_minor: Floats) -> DemandClasses:
    """Every series' classes. `demand`: (n, t) with NaN where unknown, best by week or month, since XYZ of days is the
    weekday; `value_minor`: (n,) turnover, or margin where that is known.
    """
    return DemandClasses(abc_classes(value_minor), xyz_classes(demand))


def abc_classes(value: Floats) -> NDArray[np.str_]:
    """(n,) classes of (n,) values. Who crosses a border belongs above it; worth nothing is C.

    >>> abc_classes(np.array([5.0, 80.0, 15.0, 0.0])).tolist()
    ['C', 'A', 'B', 'C']
    """
    worth = np.maximum(np.nan_to_num(value), 0.0)
    order = np.argsort(-worth, kind="stable")
    before = np.concatenate([[0.0], np.cumsum(worth[order])[:-1]])
    total = worth.sum()
    share_before = before / total if total > 0 else np.ones(len(worth))
    ranked = np.select([share_before < A_SHARE - 1e-12, share_before < B_SHARE - 1e-12], [Value.A, Value.B], Value.C)
    classes = np.full(len(worth), Value.C.value, dtype="<U1")
    classes[order] = np.where(worth[order] > 0, ranked, Value.C.value)
    return classes


def xyz_classes(demand: Floats) -> NDArray[np.str_]:
    """(n,) classes by the coefficient of variation over known periods. With fewer than two, or no demand: Z.

    `demand`: (n, t), NaN where unknown.
    """
    known = np.isfinite(demand)
    count = known.sum(axis=1)
    some = np.where(known, demand, 0.0)
    mean = some.sum(axis=1) / np.maximum(count, 1)
    squares = np.where(known, (some - mean[:, None]) ** 2, 0.0).sum(axis=1)
    deviation = np.sqrt(squares / np.maximum(count - 1, 1))
    usable = (count >= 2) & (mean > 0)
    variation = np.divide(deviation, mean, out=np.full(len(mean), np.inf), where=usable)
    return np.select([variation <= X_VARIATION, variation <= Y_VARIATION], [Steadiness.X, Steadiness.Y], Steadiness.Z)
