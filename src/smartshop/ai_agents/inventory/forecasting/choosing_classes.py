"""How often and how evenly a series sells: Syntetos, Boylan & Croston (2005), and those that hardly sell at all."""

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.panel import Floats, Panel

CLASSES = ("smooth", "erratic", "intermittent", "lumpy", "rare")
NEWCOMER = len(CLASSES)
"""The class of what has not sold yet: no candidate is tried on it."""
YOUNG = (NEWCOMER + 1, NEWCOMER + 2)
"""The classes of what was launched a week and two weeks ago: few sales, as the rare have, but not for being rare."""
CLASS_NAMES = (*CLASSES, "not sold yet", "sold for a week", "sold for two weeks")
LONG_INTERVAL = 1.32
"""Periods between sales, on the mean (Syntetos, Boylan & Croston 2005, figure 3)."""
UNEVEN = 0.49
"""Squared coefficient of variation of sizes, same source."""
FEW_SALES = 3
"""With fewer sales than that nothing can be said of their sizes: `rare`."""


def weeks_known(demand: Floats) -> NDArray[np.int64]:
    """(n,) of (n, t) periods, from the first that is known on; 0 where none is."""
    known = np.isfinite(demand)
    return np.where(known.any(axis=1), demand.shape[1] - known.argmax(axis=1), 0)


def classes_by_age(panel: Panel) -> NDArray[np.int64]:
    """(n,) numbers into `CLASS_NAMES`: `demand_classes`, but `YOUNG` where the launch of a week or two ago was seen.

    What was there from the panel's first period on began nobody knows when.
    """
    found, age = demand_classes(panel), weeks_known(panel.demand)
    for weeks, number in enumerate(YOUNG, start=1):
        if weeks < panel.periods:
            found[age == weeks] = number
    return found


def demand_classes(panel: Panel) -> NDArray[np.int64]:
    """(n,) numbers into `CLASSES`, by all that is known."""
    known, sold = np.isfinite(panel.demand), panel.demand > 0
    sales = sold.sum(axis=1)
    interval = known.sum(axis=1) / np.maximum(sales, 1)
    sizes = np.where(sold, panel.demand, 0.0)
    mean = sizes.sum(axis=1) / np.maximum(sales, 1)
    variance = (np.where(sold, panel.demand - mean[:, None], 0.0) ** 2).sum(axis=1) / np.maximum(sales - 1, 1)
    uneven = np.divide(variance, mean**2, out=np.zeros(len(panel)), where=mean > 0) > UNEVEN
    found = 2 * (interval > LONG_INTERVAL) + uneven
    return np.asarray(np.where(sales < FEW_SALES, CLASSES.index("rare"), found), np.int64)
