"""Whether a customer will come again: visits at a rate of one's own, until one leaves for good.

Pareto/NBD (Schmittlein, Morrison & Colombo 1987) with one hazard of leaving for all: while here, a customer comes
Poisson with rate λ ~ Gamma(r, α) and leaves at μ a day. Unlike BG/NBD one may leave between visits, which is what
people do who only look around, and unlike the full Pareto/NBD three parameters are enough: a shop of two months
does not determine how the hazard differs between people. With x visits after the beginning, the last at t, up to T:

    L = Γ(r+x)/Γ(r) α^r { e^(−μT) (α+T)^−(r+x) + ∫_t^T μ e^(−μs) (α+s)^−(r+x) ds }

The integral is taken by Gauss–Legendre in w = 1 − ((α+t)/(α+s))^(r+x), where it is all but a straight line.
Times are in days.
"""

from dataclasses import dataclass

import msgspec
import numpy as np
import scipy  # its parts load when first used, which is when learning
from numpy.typing import NDArray

Array = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(12)
_PLACE, _WEIGHT = (_NODES + 1) / 2, _WEIGHTS / 2
"""On 0 to 1."""
TINY = 1e-300
LOG_BOUNDS = ((-4.0, 5.0), (-7.0, 14.0), (-14.0, 1.5))
"""Of ln r, ln α, ln μ: from nobody ever leaving to leaving on the day of coming."""
PRIOR = (0.0, 0.0, -1.5)
"""Where ln r, ln α and ln μ go without evidence, the latter two relative to the mean time between visits."""
PRIOR_CUSTOMERS = 2.0
"""How many customers that is worth."""


class Rhythm(msgspec.Struct, frozen=True, kw_only=True):
    r: float
    alpha: float
    """Days."""
    mu: float
    """Hazard of leaving, a day."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """(n,) each."""

    alive: Array
    """Chance that the customer has not left."""
    comes: Array
    """Chance of at least one visit within the horizon."""


def fit_rhythm(x: Array, t: Array, T: Array, window: float | None = None) -> Rhythm:  # noqa: N803  # the literature's
    """Maximum likelihood over (n,) customers, n ≥ 1, with a prior worth two of them.

    With a `window` (days) everybody was there from its beginning, T is the window, and those who never came are not
    in the table: the likelihood is then given that x ≥ 1.
    """
    log_gap = float(np.log((T.sum() + 1.0) / (x.sum() + 1.0)))
    centre = np.array([0.0, log_gap, -log_gap]) + PRIOR

    def loss(log_theta: Array) -> float:
        params = Rhythm(
            r=float(np.exp(log_theta[0])), alpha=float(np.exp(log_theta[1])), mu=float(np.exp(log_theta[2]))
        )
        total = float(log_likelihood(params, x, t, T).sum())
        if window is not None:
            none = log_likelihood(params, np.zeros(1), np.zeros(1), np.full(1, window))[0]
            total -= len(x) * float(np.log(max(-np.expm1(none), TINY)))
        return (-total + PRIOR_CUSTOMERS * 0.5 * float(((log_theta - centre) ** 2).sum())) / len(x)

    start = np.clip(centre, [low for low, _ in LOG_BOUNDS], [high for _, high in LOG_BOUNDS])
    found = scipy.optimize.minimize(loss, start, method="L-BFGS-B", bounds=LOG_BOUNDS, options={"maxiter": 60})
    r, alpha, mu = (float(value) for value in np.exp(found.x))
    return Rhythm(r=r, alpha=alpha, mu=mu)


def log_likelihood(params: Rhythm, x: Array, t: Array, T: Array) -> Array:  # noqa: N803
    """(n,) log-likelihood of each customer's visits."""
    stayed, left = _stayed_and_left(params, x, t, T)
    shape = params.r + x
    gammaln = scipy.special.gammaln
    lead = gammaln(shape) - gammaln(params.r) + params.r * np.log(params.alpha) - shape * np.log(params.alpha + t)
    return np.asarray(lead + np.log(np.maximum(stayed + left, TINY)))


def outlook(
    params: Rhythm,
    x: Array,
    t: Array,
    T: Array,  # noqa: N803
    horizon: float,
    *,
    share: float = 1.0,
) -> Outlook:
    """What is to be expected within `horizon` days when `share` of the visits count (1: all)."""
    stayed, left = _stayed_and_left(params, x, t, T)
    alive = stayed / np.maximum(stayed + left, TINY)
    shape, rate = params.r + x, params.alpha + T
    # None comes: stays and does not, or leaves first.
    none = np.exp(-params.mu * horizon - shape * np.log1p(share * horizon / rate))
    leaves = horizon * _PLACE
    before = np.exp(-np.multiply.outer(shape, np.ones(1)) * np.log1p(share * np.divide.outer(leaves, rate).T))
    none += before @ (params.mu * horizon * _WEIGHT * np.exp(-params.mu * leaves))
    return Outlook(alive=alive, comes=alive * np.clip(1 - none, 0.0, 1.0))


def _stayed_and_left(params: Rhythm, x: Array, t: Array, T: Array) -> tuple[Array, Array]:  # noqa: N803
    """(n,) each: the two parts of the likelihood, over Γ(r+x) (α+t)^−(r+x)."""
    shape = params.r + x
    since = params.alpha + t
    silence = np.exp(-shape * np.log((params.alpha + T) / since))
    w = np.multiply.outer(1 - silence, _PLACE)
    inverse = (1.0 / shape)[:, None]
    # (α+s) = (α+t) (1−w)^(−1/shape); ds = (α+s) / (shape (1−w)) dw, and (1−w) is the integrand's own factor.
    moment = since[:, None] * np.exp(-inverse * np.log1p(-w))
    inside = moment * inverse * np.exp(-params.mu * (moment - params.alpha))
    left = params.mu * (1 - silence) * (inside @ _WEIGHT)
    return silence * np.exp(-params.mu * T), left
