"""Demand while a delivery is awaited: its mean and spread, or its whole law, with lead times that vary too."""

import math
from typing import NamedTuple

import numpy as np
from scipy import signal

from smartshop.ai_agents.inventory.policies.bounds import Floats, not_negative, probabilities, searchable


class Moments(NamedTuple):
    """Mean and standard deviation, in units."""

    mean: float
    sd: float


def lead_time_moments(mean: float, sd: float, lead_time: float, lead_time_sd: float = 0.0) -> Moments:
    """E = μ E[L], Var = E[L] σ² + μ² Var[L]: a random number of independent periods (Snyder & Shen 2019, eq. 5.2).

    `mean` and `sd` are of one period; the lead time and its spread are in periods.

    Raises:
        InvalidValue: a number is negative or not finite.
    """
    not_negative("Mean demand", mean)
    not_negative("The standard deviation of demand", sd)
    not_negative("The lead time", lead_time)
    not_negative("The spread of the lead time", lead_time_sd)
    return Moments(mean * lead_time, math.sqrt(lead_time * sd**2 + (mean * lead_time_sd) ** 2))


def lead_time_chances(per_period: Floats, of_lead_time: Floats) -> Floats:
    """(m,) chances of a demand of 0, 1, 2 … units over a lead time of whole periods: Σ P(L = l) × l-fold convolution.

    `per_period`: (n,) chances of 0, 1, 2 … units in one period; `of_lead_time`: (k,) chances of 0, 1, 2 … periods.

    Raises:
        InvalidValue: chances are none, or the sum spans too many units.
    """
    each = probabilities("The law of demand", per_period)
    weights = probabilities("The law of the lead time", of_lead_time)
    width = searchable("Demand over the lead time", (len(each) - 1) * (len(weights) - 1) + 1)
    found, so_far = np.zeros(width), np.ones(1)
    for periods, weight in enumerate(weights):
        if periods:
            # By FFT a chance may come out as a tiny negative number.
            so_far = np.maximum(signal.fftconvolve(so_far, each), 0.0)
        found[: len(so_far)] += weight * so_far
    return np.asarray(found / found.sum(), np.float64)
