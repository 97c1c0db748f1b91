"""How well churn was foretold on a later part of the shop's own past: the figures shown beside the risk."""

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

RESAMPLES = 200
LEVEL = 0.9
"""Of the intervals, and how surely the model must be the better one."""
BANDS = 10


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Of the customers known at the cut-off, and what became of them."""

    order: Array
    """(n,) chance of an order within the horizon."""
    comes: Array
    """(n,) chance of any sign of life."""
    bg_nbd: Array
    """(n,) BG/NBD's chance of an order; NaN for those who never bought."""
    ordered: Bools
    came: Bools

    @property
    def has_bought(self) -> Bools:
        return ~np.isnan(self.bg_nbd)


class Auc(msgspec.Struct, frozen=True):
    """Chance that of a customer who churned and one who did not the former was given the higher risk."""

    value: float
    low: float
    """The middle 90 % of resamples of the customers lies between."""
    high: float


class Band(msgspec.Struct, frozen=True):
    """A tenth of the customers, by risk."""

    foretold: float
    """Mean chance of no order."""
    happened: float
    """Share who did not order."""
    customers: int


class ChurnCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The recipe fitted one horizon earlier, held against what then happened. None: only one outcome occurred."""

    horizon_days: int
    customers: int
    buyers: int
    churned_share: float
    """Of the buyers: no order within the horizon."""
    no_order: Auc | None
    """Of all customers."""
    no_order_of_buyers: Auc | None
    no_sign: Auc | None
    """Of all customers: neither a visit nor an order."""
    bg_nbd_of_buyers: Auc | None
    """BG/NBD on the same buyers: what the model must beat."""
    better_share: float
    """Share of resamples in which the model beats BG/NBD."""
    brier: float
    """Mean squared error of the buyers' risk."""
    bg_nbd_brier: float
    bands: tuple[Band, ...]
    """Reliability over all customers, least risk first."""

    @property
    def is_better(self) -> bool:
        """The model is surely no worse a guide than BG/NBD; else the value model's own risk is to be shown."""
        return self.better_share >= LEVEL


def check_forecasts(forecasts: Forecasts, horizon_days: int, rng: np.random.Generator) -> ChurnCheck:
    """Hold forecasts against what happened; all customers known at the cut-off."""
    bought, churned = forecasts.has_bought, ~forecasts.ordered
    buyers = np.flatnonzero(bought)
    draws = _draws(len(buyers), rng)
    ours = _Ranking(-forecasts.order[buyers], churned[buyers])
    theirs = _Ranking(-forecasts.bg_nbd[buyers], churned[buyers])
    of_ours, of_theirs = (np.array([one.auc(draw) for draw in draws]) for one in (ours, theirs))
    no_order = 1 - forecasts.order
    return ChurnCheck(
        horizon_days=horizon_days,
        customers=len(bought),
        buyers=len(buyers),
        churned_share=float(churned[buyers].mean()) if len(buyers) else 0.0,
        no_order=_auc_of(-forecasts.order, churned, rng),
        no_order_of_buyers=_auc(ours, of_ours),
        no_sign=_auc_of(-forecasts.comes, ~forecasts.came, rng),
        bg_nbd_of_buyers=_auc(theirs, of_theirs),
        better_share=float(np.mean(of_ours > of_theirs)) if len(draws) else 0.0,
        brier=_brier(no_order[buyers], churned[buyers]),
        bg_nbd_brier=_brier(1 - forecasts.bg_nbd[buyers], churned[buyers]),
        bands=reliability(no_order, churned),
    )


def reliability(foretold: Array, happened: Bools) -> tuple[Band, ...]:
    """Tenths of (n,) chances, lowest first; fewer where there are fewer customers."""
    parts = np.array_split(np.argsort(foretold, kind="stable"), min(BANDS, max(len(foretold), 1)))
    return tuple(
        Band(float(foretold[part].mean()), float(happened[part].mean()), len(part)) for part in parts if len(part)
    )


def area_under_curve(score: Array, positive: Bools) -> float:
    """AUC with ties counted half (Hanley & McNeil 1982); NaN where there is only one outcome.

    >>> area_under_curve(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True]))
    0.875
    """
    return _Ranking(score, positive).auc(np.ones(len(score), np.int64))


class _Ranking:
    """Scores sorted once, so that each resample costs one pass."""

    def __init__(self, score: Array, positive: Bools) -> None:
        self.order = np.argsort(score, kind="stable")
        ordered = score[self.order]
        self.begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(score) else np.zeros(0, np.intp)
        self.positive = positive[self.order]

    def auc(self, times: NDArray[np.int64]) -> float:
        """`times`: (n,) how often each customer is drawn."""
        if not len(self.order):
            return float("nan")
        drawn = times[self.order]
        positive = np.add.reduceat(np.where(self.positive, drawn, 0), self.begins).astype(np.float64)
        negative = np.add.reduceat(np.where(self.positive, 0, drawn), self.begins).astype(np.float64)
        pairs = positive.sum() * negative.sum()
        if pairs == 0:
            return float("nan")
        below = np.cumsum(negative) - negative / 2
        return float(positive @ below / pairs)


def _auc_of(score: Array, positive: Bools, rng: np.random.Generator) -> Auc | None:
    ranking = _Ranking(score, positive)
    return _auc(ranking, np.array([ranking.auc(draw) for draw in _draws(len(score), rng)]))


def _auc(ranking: _Ranking, resampled: Array) -> Auc | None:
    value = ranking.auc(np.ones(len(ranking.order), np.int64))
    known = resampled[~np.isnan(resampled)]
    if np.isnan(value) or not len(known):
        return None
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Auc(value, float(low), float(high))


def _draws(n: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """How often each of n customers is in each resample (Efron 1979); the same for all that is compared."""
    return [np.bincount(rng.integers(0, n, size=n), minlength=n) for _ in range(RESAMPLES)] if n else []


def _brier(foretold: Array, happened: Bools) -> float:
    return float(np.mean((foretold - happened) ** 2)) if len(foretold) else 0.0
