"""How much less a lower place is looked at, told apart from how much worse the products are that stand there.

A click needs a look and a liking: P(click at place k) = look_k × σ(intercept + slope × argued), look_0 = 1, the
position-based model (Joachims, Swaminathan & Schnabel 2017, section 5) with liking by regression (Wang et al. 2018).
All are fitted together by maximum likelihood over every place that came into view; what the advisors argued differs
between products at the same place from slate to slate, which is what tells the two apart.
"""

from dataclasses import dataclass

import numpy as np
import scipy  # its parts load when first used, which is when learning
from numpy.typing import NDArray

PLACES = 24
"""Each has a chance of its own; all below have the last one's."""
LEAST_LOG_LOOK = -4.0
SMOOTHNESS = 20.0
"""Clicks' worth of belief that neighbouring places differ little."""
MOST_WEIGHT = 10.0
"""Inverse chances are cut here: rare looks must not decide alone (truncated weighting, Ionides 2008)."""
LEAST_CHANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Examination:
    """How looks thin out down a slate."""

    log_looks: tuple[float, ...] = (0.0,)
    """ln of the chance of a look at each place, relative to the first; all below have the last one's."""

    def log_chance(self, place: NDArray[np.integer]) -> NDArray[np.float64]:
        """(n,) places from 0 → (n,) ln of the chance of a look."""
        looks = np.array(self.log_looks, np.float64)
        return np.asarray(looks[np.minimum(place, len(looks) - 1)])

    def weight(self, place: NDArray[np.integer]) -> NDArray[np.float64]:
        """(n,) how many clicks at the top one at this place stands for."""
        return np.minimum(np.exp(-self.log_chance(place)), MOST_WEIGHT)

    def halved(self) -> "Examination":
        """Were half of the fall no matter of looks, but of worse products that the argument did not see."""
        return Examination(tuple(look / 2 for look in self.log_looks))


def fit_examination(
    place: NDArray[np.integer], argued: NDArray[np.floating], clicked: NDArray[np.bool_]
) -> Examination:
    """From n places that came into view; without any click, or with nothing but clicks, places are alike."""
    if not clicked.any() or clicked.all():
        return Examination()
    at = np.minimum(place, PLACES - 1)
    n_places = int(at.max()) + 1
    liking, acted = np.asarray(argued, np.float64), clicked.astype(np.float64)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        looks, intercept, slope = np.append(0.0, parameters[:-2]), parameters[-2], parameters[-1]
        likes = 1.0 / (1.0 + np.exp(-(intercept + slope * liking)))
        chance = np.clip(np.exp(looks[at]) * likes, LEAST_CHANCE, 1.0 - LEAST_CHANCE)
        gap = acted - (1.0 - acted) * chance / (1.0 - chance)
        steps = np.diff(looks)
        likelihood = float(np.sum(acted * np.log(chance) + (1.0 - acted) * np.log1p(-chance)))
        of_looks = np.bincount(at, weights=gap, minlength=n_places)
        of_looks += SMOOTHNESS * (np.append(steps, 0.0) - np.append(0.0, steps))
        of_liking = gap * (1.0 - likes)
        gradient = np.concatenate((of_looks[1:], [of_liking.sum(), of_liking @ liking]))
        return -likelihood + SMOOTHNESS * float(steps @ steps) / 2, -gradient

    rate = float(np.clip(acted.mean() * 2, 1e-4, 0.9))
    start = np.concatenate((np.full(n_places - 1, -0.5), [np.log(rate / (1.0 - rate)), 0.5]))
    bounds = [(LEAST_LOG_LOOK, 0.0)] * (n_places - 1) + [(-15.0, 15.0), (0.0, 10.0)]
    found = scipy.optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return Examination((0.0, *np.round(found.x[:-2], 6).tolist()))
