"""From the blend's score to the log-odds that the shopper acts: monotone, fitted on held-out data.

A logistic curve over ln(score) (Platt 1999) is the backbone; the observed rate of each score band pulls it, and pooling
adjacent violators (Ayer et al. 1955) keeps it rising. A small slope is added at the end, so that different scores never
become equal odds.
"""

import math

import msgspec
import numpy as np
import scipy  # its parts load when first used, which is when learning
from numpy.typing import NDArray

N_BANDS = 24
"""Score bands of the fit: enough to bend, few enough that each holds hits."""
BACKBONE_OBSERVATIONS = 200.0
"""How many observations the logistic backbone is worth in each band."""
LEAST_SLOPE = 0.05
"""Log-odds per e-fold of score, at least."""
MIN_HITS = 20
"""With fewer held-out hits than this nothing is fitted and the default curve stands."""
FLOOR = 1e-9
"""Scores below are taken as this."""


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """Piecewise linear over ln(score), going on beyond the ends with the slope of the backbone. Knots rise in both."""

    log_scores: tuple[float, ...] = (-9.0, 0.0)
    log_odds: tuple[float, ...] = (-9.0, -2.0)
    """The default: odds nearly proportional to the score, about one in eight at the very best."""
    slope: float = 0.8
    """Log-odds per e-fold of score beyond the knots; > 0."""

    def of(self, scores: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n,) scores → (n,) log-odds, strictly rising with the score."""
        x = np.log(np.maximum(scores, FLOOR))
        inside = np.interp(x, self.log_scores, self.log_odds)
        beyond = np.minimum(x - self.log_scores[0], 0.0) + np.maximum(x - self.log_scores[-1], 0.0)
        return np.asarray(inside + self.slope * beyond)


def fit_calibration(scores: NDArray[np.floating], acted: NDArray[np.bool_]) -> Calibration:
    """Fit on held-out candidates. `scores`, `acted`: (n,), score > 0 and whether the shopper went on to it."""
    if acted.sum() < MIN_HITS or acted.all():
        return Calibration()
    x = np.log(np.maximum(scores.astype(np.float64), FLOOR))
    slope, intercept = _logistic(x, acted)
    order = np.argsort(x, kind="stable")
    # Bands hold equal shares of the hits, not of the candidates: that is where the curve bends.
    hits_so_far = np.cumsum(acted[order])
    band = np.minimum((hits_so_far - 1).clip(0) * N_BANDS // int(hits_so_far[-1]), N_BANDS - 1)
    count = np.bincount(band, minlength=N_BANDS).astype(np.float64)
    hits = np.bincount(band, weights=acted[order], minlength=N_BANDS)
    centre = np.bincount(band, weights=x[order], minlength=N_BANDS) / np.maximum(count, 1)
    used = count > 0
    count, hits, centre = count[used], hits[used], centre[used]
    prior = 1 / (1 + np.exp(-(slope * centre + intercept)))
    rate = (hits + BACKBONE_OBSERVATIONS * prior) / (count + BACKBONE_OBSERVATIONS)
    rising = pool_adjacent_violators(rate, count + BACKBONE_OBSERVATIONS)
    distinct = np.r_[True, np.diff(centre) > 1e-9]
    centre, rising = centre[distinct], rising[distinct]
    log_odds = np.log(rising / (1 - rising)) + LEAST_SLOPE * (centre - centre[0])
    return Calibration(log_scores=tuple(centre.tolist()), log_odds=tuple(log_odds.tolist()), slope=slope)


def pool_adjacent_violators(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest (weighted least squares) sequence that never falls.

    >>> pool_adjacent_violators(np.array([1.0, 3.0, 2.0, 4.0]), np.ones(4)).tolist()
    [1.0, 2.5, 2.5, 4.0]
    """
    means: list[float] = []
    masses: list[float] = []
    sizes: list[int] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        means.append(value)
        masses.append(weight)
        sizes.append(1)
        while len(means) > 1 and means[-2] > means[-1]:
            mass = masses[-2] + masses[-1]
            means[-2:] = [(means[-2] * masses[-2] + means[-1] * masses[-1]) / mass]
            masses[-2:] = [mass]
            sizes[-2:] = [sizes[-2] + sizes[-1]]
    return np.repeat(means, sizes)


def _logistic(x: NDArray[np.float64], acted: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope (≥ the least slope) and intercept of the log-odds over x, by maximum likelihood."""
    target = acted.astype(np.float64)

    def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = parameters[0] * x + parameters[1]
        gap = 1 / (1 + np.exp(-odds)) - target
        value = float(np.mean(np.logaddexp(0.0, odds) - target * odds))
        return value, np.array([np.mean(gap * x), np.mean(gap)])

    start = np.array([1.0, math.log(target.mean() / (1 - target.mean())) - float(x.mean())])
    found = scipy.optimize.minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=[(LEAST_SLOPE, None), (None, None)]
    )
    return float(found.x[0]), float(found.x[1])
