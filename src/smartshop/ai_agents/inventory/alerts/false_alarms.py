"""How many of many surprising products may be chance: false alarms held to a share, not to a number per product."""

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.panel import Floats


def surprising(chances: Floats, share_false: float) -> NDArray[np.bool_]:
    """(m,) which to tell of, so that at most this share of those told is expected to be chance.

    Benjamini & Hochberg (1995), section 3: the k smallest p-values, k the largest with p₍ₖ₎ ≤ k/m·q. Valid for tests
    that go together positively (Benjamini & Yekutieli 2001), as days of one shop do. `chances`: (m,) p-values; NaN
    where nothing was tested, which counts for nothing.

    >>> surprising(np.array([0.01, 0.04, 0.03, 0.6, np.nan]), 0.06).tolist()
    [True, True, True, False, False]
    """
    tested = np.isfinite(chances)
    told = np.zeros(len(chances), np.bool_)
    count = int(tested.sum())
    if not count:
        return told
    ordered = np.sort(chances[tested])
    within = np.flatnonzero(ordered <= share_false * np.arange(1, count + 1) / count)
    if len(within):
        told[tested] = chances[tested] <= ordered[within[-1]]
    return told
