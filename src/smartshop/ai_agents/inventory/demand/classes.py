"""What sort of demand a series has: worth much or little, steady or wild, smooth or intermittent. Pure."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.panel import Floats

A_SHARE, B_SHARE = 0.80, 0.95
"""Of all value, added up from the largest: the first 80 % are A, up to 95 % B, the rest C (the usual 80/15/5)."""
X_VARIATION, Y_VARIATION = 0.5, 1.0
"""Coefficients of variation up to which demand counts as steady, and as varying (the usual cuts of XYZ analysis)."""
ADI_CUT, CV2_CUT = 1.32, 0.49
"""Where Croston's method and its correction change places (Syntetos, Boylan & Croston 2005, figure 3)."""


class Value(StrEnum):
    A = "A"
    B = "B"
    C = "C"


class Steadiness(StrEnum):
    X = "X"
    Y = "Y"
    Z = "Z"


class Pattern(StrEnum):
    SMOOTH = "smooth"
    INTERMITTENT = "intermittent"
    ERRATIC = "erratic"
    LUMPY = "lumpy"
    UNSOLD = "unsold"
    """Nothing was wanted in any known period."""


@dataclass(frozen=True, slots=True, eq=False)
class Intermittency:
    """(n,) each."""

    interval: Floats
    """ADI: known periods from the first demand on, per period with demand; infinite without any."""
    squared_variation: Floats
    """CV² of the sizes of demand where there was some; 0 with fewer than two."""


@dataclass(frozen=True, slots=True, eq=False)
class DemandClasses:
    """(n,) each."""

    value: NDArray[np.str_]
    """Of `Value`."""
    steadiness: NDArray[np.str_]
    """Of `Steadiness`."""
    pattern: NDArray[np.str_]
    """Of `Pattern`."""
    intermittency: Intermittency


def demand_classes(demand: Floats, value_minor: Floats) -> DemandClasses:
    """Every series' classes. `demand`: (n, t) with NaN where unknown, best by week or month, since XYZ of days is the
    weekday; `value_minor`: (n,) turnover, or margin where that is known.
    """
    intermittency = measure_intermittency(demand)
    return DemandClasses(abc_classes(value_minor), xyz_classes(demand), demand_patterns(intermittency), intermittency)


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


def measure_intermittency(demand: Floats) -> Intermittency:
    """How seldom something is wanted, and how unequal the amounts are. `demand`: (n, t), NaN where unknown."""
    known = np.isfinite(demand)
    wanted = known & (np.nan_to_num(demand) > 0)
    begun = np.cumsum(wanted, axis=1) > 0
    times = wanted.sum(axis=1)
    periods = (known & begun).sum(axis=1)
    interval = np.divide(periods, times, out=np.full(len(times), np.inf), where=times > 0)
    sizes = np.where(wanted, demand, 0.0)
    mean = sizes.sum(axis=1) / np.maximum(times, 1)
    squares = np.where(wanted, (sizes - mean[:, None]) ** 2, 0.0).sum(axis=1)
    variance = squares / np.maximum(times - 1, 1)
    squared = np.divide(variance, mean**2, out=np.zeros(len(mean)), where=(times >= 2) & (mean > 0))
    return Intermittency(interval, squared)


def demand_patterns(intermittency: Intermittency) -> NDArray[np.str_]:
    """(n,) the four classes of Syntetos, Boylan & Croston (2005): by interval and squared variation of the sizes."""
    is_seldom = intermittency.interval > ADI_CUT
    is_unequal = intermittency.squared_variation > CV2_CUT
    return np.select(
        [np.isinf(intermittency.interval), is_seldom & is_unequal, is_seldom, is_unequal],
        [Pattern.UNSOLD, Pattern.LUMPY, Pattern.INTERMITTENT, Pattern.ERRATIC],
        Pattern.SMOOTH,
    )
