"""How often and how evenly a series sells: Syntetos, Boylan & Croston (2005), and those that hardly sell at all."""

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.panel import Panel

CLASSES = ("smooth", "erratic", "intermittent", "lumpy", "rare")
NEWCOMER = len(CLASSES)
"""The class of what has not sold yet: no candidate is tried on it."""
CLASS_NAMES = (*CLASSES, "not sold yet")
LONG_INTERVAL = 1.32
"""Periods between sales, on the mean (Syntetos, Boylan & Croston 2005, figure 3)."""
UNEVEN = 0.49
"""Squared coefficient of variation of sizes, same source."""
FEW_SALES = 3
"""With fewer sales than that nothing can be said of their sizes: `rare`."""


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
