"""The shape of segments: what each leans to and how its customers behave, learned from customers of unknown segment.

A segment j has a share π_j, a profile P_j over topics and a centre c_j of habits. With s a customer's (rooted) signs by
topic, z their habits, g the shop's average over topics,

    score_j = log π_j + 1/φ · Σ_t s_t · log(P_jt / g_t) − w/2 · ‖z − c_j‖²

is the log of how likely the customer is under j, up to what is the same for all j: a mixture of multinomials (Nigam
et al. 2000) with spherical Gaussians beside, fitted by expectation and maximisation. Where a shop has no topics that
divide its customers, the habits alone are divided by k-means, which is the same with equal shares and hard assignment
(Banerjee et al. 2005); its centres are then softened by the spread within segments.

Signs of one customer are alike for more reasons than the segment (an errand, a habit), so they say less than as many
independent ones would: φ, the dispersion, is how many times more they vary than a multinomial (McCullagh & Nelder 1989,
section 4.5). Without it memberships would claim to be surer than they are.
"""

from dataclasses import dataclass, replace

import numpy as np
import scipy  # its sparse arrays load when first used
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

SMOOTHING = 1.0
"""Signs per topic, spread as the shop's average, that a profile begins with."""
SHORT_STEPS = 12
"""Steps of each start before only the best goes on."""
MAX_STEPS = 80
CONVERGED = 1e-6
"""Relative gain of a step below which fitting ends."""
START_SAMPLE = 3000
"""Customers among whom the starting segments are sought."""


@dataclass(frozen=True, slots=True)
class Mixture:
    """k segments over t topics and d habits."""

    lift: NDArray[np.float32]
    """(k, t) log(P / g): how much more, in log-odds, a segment leans to a topic than the shop does."""
    centroids: NDArray[np.float32]
    """(k, d) on the scale of `Space`."""
    log_share: NDArray[np.float64]
    """(k,) zero throughout where habits alone divide."""
    taste_weight: float
    """1/φ; 0 where habits alone divide."""
    habit_weight: float
    """w: log-odds per squared spread, twice."""

    def __len__(self) -> int:
        return len(self.centroids)


def only(mixture: Mixture, kept: NDArray[np.bool_]) -> Mixture:
    """Some of the segments; `kept` (k,)."""
    return replace(
        mixture, lift=mixture.lift[kept], centroids=mixture.centroids[kept], log_share=mixture.log_share[kept]
    )


def scores(mixture: Mixture, points: NDArray[np.float32], signs: "scipy.sparse.csr_array") -> NDArray[np.float64]:
    """(n, k) log-odds of each segment, up to a number per customer."""
    c = mixture.centroids.astype(np.float64)
    found: NDArray[np.float64] = points @ c.T
    found -= (c * c).sum(axis=1) / 2
    found *= mixture.habit_weight
    found += mixture.log_share
    if mixture.taste_weight:
        found += mixture.taste_weight * np.asarray(signs @ mixture.lift.T)
    return found


def membership_of(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, k) scores to shares that sum to 1."""
    shares = np.exp(found - found.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True), np.float64)


def distances(
    mixture: Mixture, background: NDArray[np.float64], points: NDArray[np.float32], signs: "scipy.sparse.csr_array"
) -> NDArray[np.float64]:
    """(n, k) ≥ 0: how far customers lie from segments; their sum over customers is the inertia.

    Squared distance where habits alone divide (the inertia of k-means). Else twice the Bregman divergence that belongs
    to the mixture: the signs times the Kullback-Leibler divergence of a customer's shares from the profile, and the
    squared distance of habits times its weight.
    """
    z, c = points.astype(np.float64), mixture.centroids.astype(np.float64)
    apart = (z * z).sum(axis=1)[:, None] - 2 * (z @ c.T) + (c * c).sum(axis=1)
    if not mixture.taste_weight:
        return np.asarray(np.maximum(apart, 0.0), np.float64)
    total = np.asarray(signs.sum(axis=1), np.float64).ravel()
    row = np.repeat(np.arange(signs.shape[0]), np.diff(signs.indptr))
    # A topic with no sign of it adds nothing: x log x goes to 0.
    own = signs.data * np.log(np.maximum(signs.data / total[row] / background[signs.indices], 1e-300))
    best = np.bincount(row, weights=own, minlength=signs.shape[0])
    divergence = best[:, None] - signs @ mixture.lift.T
    divergence *= mixture.taste_weight
    return np.asarray(np.maximum(2 * divergence + mixture.habit_weight * apart, 0.0), np.float64)


def fit_tastes(
    points: NDArray[np.float32],
    signs: "scipy.sparse.csr_array",
    background: NDArray[np.float64],
    k: int,
    *,
    weights: tuple[float, float],
    starts: int,
    rng: np.random.Generator,
) -> Mixture:
    """The likeliest of `starts` fits. Starts differ in the customers whose tastes the first segments take.

    `weights` are those of tastes and of habits.
    """
    best, best_value = None, -np.inf
    for _ in range(starts):
        begun = _begin(points, signs, background, k, weights, rng)
        tried, value = _climb(begun, points, signs, background, SHORT_STEPS)
        if value > best_value:
            best, best_value = tried, value
    assert best is not None
    return go_on(best, points, signs, background)


def go_on(
    mixture: Mixture, points: NDArray[np.float32], signs: "scipy.sparse.csr_array", background: NDArray[np.float64]
) -> Mixture:
    """Climb from a mixture to the nearest top of the likelihood."""
    return _climb(mixture, points, signs, background, MAX_STEPS)[0]


def dispersion(
    mixture: Mixture, points: NDArray[np.float32], signs: "scipy.sparse.csr_array", background: NDArray[np.float64]
) -> float:
    """φ ≥ 1: Pearson's χ² over its degrees of freedom, of the better known half of the customers."""
    total = np.asarray(signs.sum(axis=1), np.float64).ravel()
    known = np.flatnonzero((total >= np.median(total)) & (total > 0))
    if len(known) > START_SAMPLE:
        known = known[:: -(-len(known) // START_SAMPLE)]
    shares = membership_of(scores(mixture, points[known], signs[known]))
    profile = np.exp(mixture.lift.astype(np.float64)) * background
    expected = total[known, None] * (shares @ profile)
    squares = (signs[known].toarray() - expected) ** 2 / np.maximum(expected, 1e-9)
    return max(1.0, float(squares.sum() / max(1, len(known) * (len(background) - 1))))


def likelihood(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) log of how likely a customer is: log Σ_j exp(score_j)."""
    top = found.max(axis=1)
    return np.asarray(top + np.log(np.exp(found - top[:, None]).sum(axis=1)), np.float64)


def _climb(
    mixture: Mixture,
    points: NDArray[np.float32],
    signs: "scipy.sparse.csr_array",
    background: NDArray[np.float64],
    steps: int,
) -> tuple[Mixture, float]:
    value = -np.inf
    for _ in range(steps):
        found = scores(mixture, points, signs)
        before, value = value, float(likelihood(found).sum())
        mixture = _refine(membership_of(found), points, signs, background, (mixture.taste_weight, mixture.habit_weight))
        if value - before <= CONVERGED * abs(value):
            break
    return mixture, value


def _refine(
    shares: NDArray[np.float64],
    points: NDArray[np.float32],
    signs: "scipy.sparse.csr_array",
    background: NDArray[np.float64],
    weights: tuple[float, float],
) -> Mixture:
    """The segments that memberships (n, k) make."""
    n_topics, k = signs.shape[1], shares.shape[1]
    in_segment = shares.sum(axis=0)
    profile = np.asarray((signs.T @ shares).T, np.float64) + SMOOTHING * n_topics * background
    profile /= profile.sum(axis=1, keepdims=True)
    centroids = (shares.T @ points) / np.maximum(in_segment, 1e-9)[:, None]
    return Mixture(
        lift=np.log(profile / background).astype(np.float32),
        centroids=centroids.astype(np.float32),
        log_share=np.log((in_segment + 1) / (in_segment.sum() + k)),
        taste_weight=weights[0],
        habit_weight=weights[1],
    )


def _begin(
    points: NDArray[np.float32],
    signs: "scipy.sparse.csr_array",
    background: NDArray[np.float64],
    k: int,
    weights: tuple[float, float],
    rng: np.random.Generator,
) -> Mixture:
    """Segments around k well-known customers whose tastes lie apart (k-means++, Arthur & Vassilvitskii 2007)."""
    total = np.asarray(signs.sum(axis=1)).ravel()
    known = np.flatnonzero(total >= np.median(total))
    if len(known) > START_SAMPLE:
        known = np.sort(rng.choice(known, START_SAMPLE, replace=False))
    few = signs[known].toarray().astype(np.float64)
    shares = (few + 2 * background) / (few.sum(axis=1, keepdims=True) + 2)
    leaning = (shares - background) / np.sqrt(background)
    leaning /= np.maximum(np.linalg.norm(leaning, axis=1, keepdims=True), 1e-12)
    chosen = [int(rng.integers(len(known)))]
    nearest = leaning @ leaning[chosen[0]]
    for _ in range(k - 1):
        apart = np.maximum(1 - nearest, 1e-9)
        chosen.append(int(rng.choice(len(known), p=apart / apart.sum())))
        nearest = np.maximum(nearest, leaning @ leaning[chosen[-1]])
    hard = np.zeros((len(known), k))
    hard[np.arange(len(known)), (leaning @ leaning[chosen].T).argmax(axis=1)] = 1.0
    return _refine(hard, points[known], signs[known], background, weights)


def fit_habits(
    points: NDArray[np.float32],
    signs: "scipy.sparse.csr_array",
    background: NDArray[np.float64],
    k: int,
    *,
    starts: int,
    rng: np.random.Generator,
) -> Mixture:
    """k-means of the habits alone, the best of `starts`."""
    from sklearn.cluster import KMeans  # heavy, and only a refit needs it

    # Several threads add up in the order in which they finish: not the same bytes twice.
    with threadpool_limits(limits=1):
        fitted = KMeans(k, n_init=starts, random_state=int(rng.integers(2**31))).fit(points.astype(np.float64))
    return _softened(fitted.cluster_centers_, points, signs, background)


def go_on_with_habits(
    mixture: Mixture, points: NDArray[np.float32], signs: "scipy.sparse.csr_array", background: NDArray[np.float64]
) -> Mixture:
    """k-means from the centres of a mixture."""
    from sklearn.cluster import KMeans  # heavy, and only a refit needs it

    start = mixture.centroids.astype(np.float64)
    with threadpool_limits(limits=1):
        fitted = KMeans(len(start), init=start, n_init=1).fit(points.astype(np.float64))
    return _softened(fitted.cluster_centers_, points, signs, background)


def _softened(
    centroids: NDArray[np.float64],
    points: NDArray[np.float32],
    signs: "scipy.sparse.csr_array",
    background: NDArray[np.float64],
) -> Mixture:
    """Add to centres the spread within segments, and what their customers lean to."""
    k = len(centroids)
    plain = Mixture(
        lift=np.zeros((k, signs.shape[1]), np.float32),
        centroids=centroids.astype(np.float32),
        log_share=np.zeros(k),
        taste_weight=0.0,
        habit_weight=1.0,
    )
    apart = distances(plain, background, points, signs)
    hard = np.zeros_like(apart)
    hard[np.arange(len(apart)), apart.argmin(axis=1)] = 1.0
    variance = apart.min(axis=1).mean() / max(1, np.count_nonzero(points.any(axis=0)))
    return Mixture(
        lift=_refine(hard, points, signs, background, (0.0, 0.0)).lift,
        centroids=plain.centroids,
        log_share=plain.log_share,
        taste_weight=0.0,
        habit_weight=float(1.0 / max(variance, 1e-6)),
    )
