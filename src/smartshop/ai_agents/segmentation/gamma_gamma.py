"""What an order of a customer is worth: Gamma-Gamma (Fader & Hardie 2013).

The values of a customer's orders are Gamma(p, ν), and ν ~ Gamma(q, v) over customers. Having seen x repeat orders of
mean value m, ν ~ Gamma(q + p·x, v + x·m); the sum of n further orders over (v + x·m) is Beta prime (p·n, q + p·x).
"""

from typing import Annotated

import msgspec
import numpy as np
import scipy  # its parts load when first used, which is when learning
from msgspec import Meta
from numpy.typing import NDArray

Array = NDArray[np.float64]

MAD_TO_SIGMA = 1.4826
"""Median absolute deviation → standard deviation, of a normal."""
LEAST_SPREAD = 0.25
"""Least spread of ln(value) that the cap assumes: where nearly all pay the same, the cap is still e^1.25 of it."""
LEAST_Q = 1.2
"""At q ≤ 1 the mean value of an order is infinite; close to it a few customers would decide it."""
LOG_BOUNDS = ((-5.0, 7.0), (float(np.log(LEAST_Q)), 7.0), (-9.0, 9.0))
"""Of ln p, ln q, ln v, with v in median order values."""
STARTS = ((1.0, 1.2, 0.0), (0.0, 0.7, 0.5), (2.5, 0.7, -2.0), (3.0, 3.0, 0.0))
MAX_ITERATIONS = 1_000


class GammaGammaConfig(msgspec.Struct, frozen=True, kw_only=True):
    cap_sigmas: Annotated[float, Meta(ge=2, le=20)] = 5.0
    """Mean values above the median by so many robust standard deviations, in logs, are taken as that (winsorised): one
    order of 80,995 units says nothing about the next."""
    most_customers: Annotated[int, Meta(ge=1_000, le=2_000_000)] = 200_000
    """In a fit; above it they are drawn at random."""


class GammaGamma(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters; v in minor units of money."""

    p: float
    q: float
    v: float
    cap_minor: float
    """Greatest mean value that is believed, in fit and prediction."""
    capped: int = 0
    """Customers of the fit whose mean value was above the cap."""


def fit_gamma_gamma(
    x: Array, mean_value: Array, *, config: GammaGammaConfig, rng: np.random.Generator
) -> GammaGamma | None:
    """Maximum likelihood over those of the (n,) customers with x ≥ 1 and a positive mean value; None if nobody is."""
    usable = (x > 0) & (mean_value > 0) & np.isfinite(mean_value)
    x, mean_value = x[usable], mean_value[usable]
    if not len(x):
        return None
    if len(x) > config.most_customers:
        drawn = rng.choice(len(x), size=config.most_customers, replace=False)
        x, mean_value = x[drawn], mean_value[drawn]
    cap = _cap(mean_value, config.cap_sigmas)
    capped = int((mean_value > cap).sum())
    median = float(np.median(mean_value))
    known = np.minimum(mean_value, cap) / median

    def loss(log_theta: Array) -> tuple[float, Array]:
        value, slope = _value_and_slope(np.exp(log_theta), x, known)
        return -value / len(x), -slope * np.exp(log_theta) / len(x)

    options = {"maxiter": MAX_ITERATIONS, "ftol": 1e-14, "gtol": 1e-9}
    ends = [
        scipy.optimize.minimize(loss, np.array(start), jac=True, method="L-BFGS-B", bounds=LOG_BOUNDS, options=options)
        for start in STARTS
    ]
    p, q, v = (float(value) for value in np.exp(min(ends, key=lambda end: float(end.fun)).x))
    return GammaGamma(p=p, q=q, v=v * median, cap_minor=cap, capped=capped)


def expected_order_value(params: GammaGamma, x: Array, mean_value: Array) -> Array:
    """(n,) expected value of an order, > 0: p(v + x·m)/(px + q − 1) (Fader & Hardie 2013, eq. 5); x = 0 needs no m."""
    known, seen = _known(params, x, mean_value)
    return np.asarray(params.p * (params.v + seen * known) / (params.p * seen + params.q - 1))


def total_value_cdf(params: GammaGamma, x: float, mean_value: float, n: Array, total: float) -> Array:
    """(k,) chance that the next n orders (k,), n ≥ 1, of one customer are worth at most `total`."""
    known, seen = _known(params, np.array([x]), np.array([mean_value]))
    rate = params.v + float(seen[0] * known[0])
    return np.asarray(scipy.special.betainc(params.p * n, params.q + params.p * float(seen[0]), total / (total + rate)))


def _known(params: GammaGamma, x: Array, mean_value: Array) -> tuple[Array, Array]:
    """Believed mean values, and over how many orders; a customer without a usable one counts as unseen."""
    usable = (x > 0) & (mean_value > 0) & np.isfinite(mean_value)
    return np.where(usable, np.minimum(mean_value, params.cap_minor), 0.0), np.where(usable, x, 0.0)


def _cap(mean_value: Array, sigmas: float) -> float:
    logs = np.log(mean_value)
    centre = float(np.median(logs))
    spread = max(MAD_TO_SIGMA * float(np.median(np.abs(logs - centre))), LEAST_SPREAD)
    return float(np.exp(centre + sigmas * spread))


def _value_and_slope(theta: Array, x: Array, mean_value: Array) -> tuple[float, Array]:
    """Log-likelihood (Fader & Hardie 2013, eq. 1a) and its derivatives by (p, q, v)."""
    p, q, v = theta
    gammaln, psi = scipy.special.gammaln, scipy.special.psi
    shape, rate = p * x + q, v + x * mean_value
    log_share = np.log(x * mean_value) - np.log(rate)
    value = gammaln(shape) - gammaln(p * x) - gammaln(q) + q * (np.log(v) - np.log(rate)) + p * x * log_share
    slope_p = x * (psi(shape) - psi(p * x) + log_share)
    slope_q = psi(shape) - psi(q) + np.log(v) - np.log(rate)
    slope_v = q / v - shape / rate
    # ln(mean value) is added by the density but no parameter's concern.
    total = float(np.sum(value - np.log(mean_value)))
    return total, np.array([slope_p.sum(), slope_q.sum(), slope_v.sum()])
