"""How much less a lower place is looked at, told apart from how much worse the products are that stand there.

A click needs a look and a liking: P(click at place k) = (k + 1)^-severity × σ(intercept + slope × argued), the
position-based model with a power law (Joachims, Swaminathan & Schnabel 2017, section 5). All three are fitted together
by maximum likelihood over every place that came into view; what the advisors argued differs between products at the
same place from slate to slate, which is what tells the two apart.
"""

from dataclasses import dataclass

import numpy as np
import scipy  # its parts load when first used, which is when learning
from numpy.typing import NDArray

MOST_SEVERE = 3.0
LEAST_CHANCE = 1e-9
MOST_WEIGHT = 10.0
"""Inverse chances are cut here: rare looks must not decide alone (truncated weighting, Ionides 2008)."""


@dataclass(frozen=True, slots=True)
class Examination:
    """How looks thin out down a slate."""

    severity: float
    """0: every place in view is looked at alike."""

    def log_chance(self, place: NDArray[np.integer]) -> NDArray[np.float64]:
        """(n,) places from 0 → (n,) ln of the chance of a look, relative to the top."""
        return np.asarray(-self.severity * np.log(place + 1.0))

    def weight(self, place: NDArray[np.integer]) -> NDArray[np.float64]:
        """(n,) how many clicks at the top one at this place stands for."""
        return np.minimum(np.exp(-self.log_chance(place)), MOST_WEIGHT)


def fit_examination(
    place: NDArray[np.integer], argued: NDArray[np.floating], clicked: NDArray[np.bool_]
) -> Examination:
    """From n places that came into view; without any click, or with nothing but clicks, places are alike."""
    if not clicked.any() or clicked.all():
        return Examination(severity=0.0)
    fall = np.log(place + 1.0)
    liking = np.asarray(argued, np.float64)

    def loss(parameters: NDArray[np.float64]) -> float:
        severity, intercept, slope = parameters
        chance = np.exp(-severity * fall) / (1.0 + np.exp(-(intercept + slope * liking)))
        chance = np.clip(chance, LEAST_CHANCE, 1.0 - LEAST_CHANCE)
        return -float(np.mean(np.where(clicked, np.log(chance), np.log1p(-chance))))

    rate = float(np.clip(clicked.mean() * 2, 1e-4, 0.9))
    start = np.array([0.5, np.log(rate / (1.0 - rate)), 0.5])
    bounds = [(0.0, MOST_SEVERE), (-15.0, 15.0), (0.0, 10.0)]
    found = scipy.optimize.minimize(loss, start, method="L-BFGS-B", bounds=bounds)
    return Examination(severity=round(float(found.x[0]), 6))
