"""Who is like these customers: a seed against the rest of the shop, told apart by what is known of everybody.

A logistic regression with weight decay, both sides weighing the same:

    minimise  Σ_i c_i · log(1 + exp(−y_i (w·z_i + b))) + reg/2 · |w|²,   c_i = 1 for a seed, n_seed / n_rest else

The rest is a sample of everyone; that it holds some whom we look for only lowers all scores alike (Elkan & Noto 2008,
lemma 1). Minimised by steps with a fixed upper bound of the curvature, ¼ ZᵀCZ + reg, which never overshoot (Böhning &
Lindsay 1988, theorem 4.1). z: robustly scaled figures, their squares (so that a seed in the middle of a range is found
as well as one at its end), whether a figure is missing, and what the seed's customers lean to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.data_collection.schemas.segments import AffinityKind, Standing

Rows = NDArray[np.float32]
"""(n, d), NaN where a figure does not apply."""
N_NUMBERS = 8
"""Figures that every standing has a place for, before its features."""
NORMAL_IQR = 1.349
"""Interquartile range of a normal distribution in standard deviations."""


class LookalikeConfig(msgspec.Struct, frozen=True, kw_only=True):
    reg: Annotated[float, Meta(gt=0)] = 5.0
    """In seeds: with few of them hardly anything is believed."""
    max_subjects: Annotated[int, Meta(ge=0, le=1_000)] = 64
    """Categories, brands and products that the seed leans to most."""
    clip: Annotated[float, Meta(gt=0)] = 4.0
    """Robust standard deviations beyond which more says nothing more."""
    steps: Annotated[int, Meta(ge=1)] = 200


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns rows have: the numbers, `n_features` features, one strength per subject."""

    n_features: int
    subjects: tuple[tuple[AffinityKind, str], ...]

    @property
    def n_figures(self) -> int:
        return N_NUMBERS + self.n_features


@dataclass(frozen=True, slots=True)
class Likeness:
    """What sets the seed apart. All arrays by column of z but the scaling, which is by column of the rows."""

    layout: Layout
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: float
    clip: float


def layout_for(seed: Sequence[Standing], config: LookalikeConfig) -> Layout:
    """Columns that can tell this seed apart: features as long as most of the seed's, subjects by summed strength."""
    lengths = np.bincount([len(standing.features) // 4 for standing in seed] or [0])
    strength: dict[tuple[AffinityKind, str], float] = {}
    for standing in seed:
        for leaning in standing.affinities:
            key = (leaning.kind, leaning.subject)
            strength[key] = strength.get(key, 0.0) + leaning.strength
    strongest = sorted(strength, key=lambda key: (-strength[key], key))[: config.max_subjects]
    return Layout(int(lengths.argmax()), tuple(strongest))


def rows_of(standings: Sequence[Standing], layout: Layout) -> Rows:
    """(n, d) what is known of each; features of another length than the layout's are unknown."""
    rows = np.full((len(standings), layout.n_figures + len(layout.subjects)), np.nan, np.float32)
    rows[:, layout.n_figures :] = 0.0
    column_of = {subject: layout.n_figures + index for index, subject in enumerate(layout.subjects)}
    n_bytes = layout.n_features * 4
    for row, standing in zip(rows, standings, strict=True):
        row[:N_NUMBERS] = _numbers(standing)
        if n_bytes and len(standing.features) == n_bytes:
            row[N_NUMBERS : layout.n_figures] = np.frombuffer(standing.features, np.float32)
        for leaning in standing.affinities:
            column = column_of.get((leaning.kind, leaning.subject))
            if column is not None:
                row[column] = leaning.strength
    return rows


def fit_likeness(layout: Layout, seed: Rows, rest: Rows, config: LookalikeConfig) -> Likeness:
    """Learn what sets `seed` (n_seed, d) apart from `rest` (n_rest, d); both may be as small as one row, or alike."""
    centre, scale = _robust_scaling(rest, layout.n_figures)
    unfitted = Likeness(layout, centre, scale, np.zeros(0), 0.0, config.clip)
    z = np.concatenate([_columns(unfitted, seed), _columns(unfitted, rest)])
    target = np.concatenate([np.ones(len(seed)), np.zeros(len(rest))])
    cost = np.concatenate([np.ones(len(seed)), np.full(len(rest), len(seed) / max(len(rest), 1))])
    weights, bias = _fit(z, target, cost, config)
    return Likeness(layout, centre, scale, weights, bias, config.clip)


def score(likeness: Likeness, rows: Rows) -> NDArray[np.float64]:
    """(n,) higher is more alike; the log-odds of being of the seed were both sides as many."""
    return np.asarray(_columns(likeness, rows) @ likeness.weights + likeness.bias)


def _numbers(standing: Standing) -> list[float]:
    orders, unknown = standing.orders, float("nan")
    never = orders == 0
    return [
        float(standing.recency_score),
        float(standing.frequency_score),
        float(standing.monetary_score),
        float(np.log1p(max(orders, 0))),
        unknown if never else _signed_log(standing.spent_minor / orders),
        unknown if standing.p_alive is None else standing.p_alive,
        unknown if standing.churn_risk is None else standing.churn_risk,
        unknown if never else _signed_log(standing.expected_value_minor[1]),
    ]


def _signed_log(value: float) -> float:
    """Money spans powers of ten, and may be below zero."""
    return float(np.copysign(np.log1p(abs(value)), value))


def _robust_scaling(rest: Rows, n_figures: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(d,) medians and (d,) widths; a column of one value has width 1, and what is leaned to is centred on 0."""
    d = rest.shape[1]
    centre, scale = np.zeros(d), np.ones(d)
    for column in range(d):
        known = rest[:, column]
        known = known[np.isfinite(known)].astype(np.float64)
        if not len(known):
            continue
        low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
        width = (high - low) / NORMAL_IQR or float(known.std())
        centre[column] = middle if column < n_figures else 0.0
        scale[column] = width if width > 1e-9 * max(1.0, abs(middle)) else 1.0
    return centre, scale


def _columns(likeness: Likeness, rows: Rows) -> NDArray[np.float64]:
    """(n, d + 2 · n_figures): scaled, then the figures' squares, then where figures are missing."""
    n_figures, clip = likeness.layout.n_figures, likeness.clip
    missing = ~np.isfinite(rows[:, :n_figures])
    with np.errstate(over="ignore", invalid="ignore"):
        z = (rows - likeness.centre) / likeness.scale
    z = np.clip(np.nan_to_num(z, nan=0.0, posinf=0.0, neginf=0.0), -clip, clip)
    squares = np.where(missing, 0.0, z[:, :n_figures] ** 2 / 2.0)
    return np.concatenate([z, squares, missing], axis=1, dtype=np.float64)


def _fit(
    z: NDArray[np.float64], target: NDArray[np.float64], cost: NDArray[np.float64], config: LookalikeConfig
) -> tuple[NDArray[np.float64], float]:
    """Weights (d,) and bias; the bias alone has no decay, but for a trace that keeps the curvature invertible."""
    with_bias = np.concatenate([z, np.ones((len(z), 1))], axis=1)
    decay = np.full(with_bias.shape[1], config.reg)
    decay[-1] = 1e-6
    bound = 0.25 * (with_bias.T * cost) @ with_bias + np.diag(decay)
    step = np.linalg.inv(bound)
    weights = np.zeros(with_bias.shape[1])
    for _ in range(config.steps):
        chance = 1.0 / (1.0 + np.exp(-np.clip(with_bias @ weights, -30.0, 30.0)))
        change = step @ (with_bias.T @ (cost * (target - chance)) - decay * weights)
        weights += change
        if float(np.abs(change).max()) < 1e-5:
            break
    return weights[:-1], float(weights[-1])
