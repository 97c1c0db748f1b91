"""Daily forecasts made one: a geometric mean, weighted by what would have been best at earlier origins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from scipy.optimize import nnls

from smartshop.ai_agents.inventory.forecasting.boosted_daily import BoostedDaily
from smartshop.ai_agents.inventory.forecasting.conformal import (
    ConformalConfig,
    Trials,
    earlier_origins,
    log_errors,
    seasonal_trial,
    trials_of,
)
from smartshop.ai_agents.inventory.forecasting.daily_linear import DailyLinear
from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Floats, Forecast, Panel, tidy
from smartshop.ai_agents.inventory.forecasting.prophet_model import ProphetWithCauses

SUM_OF_WEIGHTS = 1e3
"""How strictly the weights add up to one, beside errors of about a tenth."""


@dataclass(frozen=True, slots=True)
class DailyBlendConfig:
    """Chosen on 42 days each after five origins from June to November 2014 of a hundred shops."""

    shrinkage: float = 0.3
    """Share of the best member's squared error that is laid on every weight: the more, the more alike they count."""
    earlier: ConformalConfig = field(default_factory=ConformalConfig)
    """The origins that weights and quantiles are learned from."""


@dataclass(frozen=True, slots=True)
class Blended:
    """A blend's forecast before quantiles, and what they are learned from."""

    mean: Floats
    """(n, h)"""
    weights: Floats
    """(k,) ≥ 0, adding up to 1, in the members' order"""
    trials: Trials
    """The blend itself at earlier origins, with these weights"""


@dataclass(frozen=True, slots=True)
class DailyBlend:
    """Members weighted together; quantiles from the blend's own earlier errors."""

    name: ClassVar[str] = "daily_blend"
    members: Mapping[str, Candidate] = field(default_factory=lambda: daily_members())
    config: DailyBlendConfig = field(default_factory=DailyBlendConfig)

    def __post_init__(self) -> None:
        if not self.members:
            raise ValueError("A blend has no members; it takes one candidate or more.")

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        blended = self.blend(panel, horizon)
        return tidy(blended.mean, blended.trials.around_days(blended.mean, levels, self.config.earlier.shrinkage))

    def over_lead_time(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        """What the first 1 … h days will sell together: (n, h) and (n, h, q)."""
        blended = self.blend(panel, horizon)
        return blended.trials.around_sums(blended.mean, levels, self.config.earlier.shrinkage)

    def blend(self, panel: Panel, horizon: int) -> Blended:
        """Every member is asked once for each earlier origin and once for now."""
        origins = earlier_origins(panel, horizon, self.config.earlier)
        now = self._told(panel, horizon)
        if not origins:
            weights = np.full(len(now), 1.0 / len(now))
            return Blended(geometric_mean(now, weights), weights, seasonal_trial(panel, horizon))
        then = [self._told(panel.until(origin), horizon) for origin in origins]
        came = np.array([panel.demand[:, origin : origin + horizon] for origin in origins])
        weights = best_weights(came, np.stack(then, axis=1), self.config.shrinkage)
        trials = trials_of(panel, horizon, origins, [geometric_mean(told, weights) for told in then])
        return Blended(geometric_mean(now, weights), weights, trials)

    def _told(self, panel: Panel, horizon: int) -> Floats:
        """(k, n, h)"""
        return np.array([member.forecast(panel, horizon, ()).mean for member in self.members.values()])


def geometric_mean(told: Floats, weights: Floats) -> Floats:
    """(…) of forecasts (k, …), of one more than the units, so that one member's nothing is not the blend's."""
    return np.asarray(np.expm1(np.tensordot(weights, np.log1p(told), axes=1)), np.float64)


def best_weights(came: Floats, told: Floats, shrinkage: float) -> Floats:
    """(k,) ≥ 0, adding up to 1, that leave the least squared error of logarithms (Granger & Ramanathan 1984, method B).

    `came`: (…) units, NaN where not known; `told`: (k, …). Errors of members are much alike, so that weights run to the
    ends: `shrinkage` lays that share of the best one's squared error on each, which pulls them together.
    """
    members = len(told)
    errors = log_errors(came, told).reshape(members, -1)
    errors = errors[:, np.isfinite(errors).all(axis=0)]
    if not errors.size:
        return np.full(members, 1.0 / members)
    squares = errors @ errors.T / errors.shape[1]
    usual = float(np.trace(squares)) / members
    if usual == 0.0:
        return np.full(members, 1.0 / members)
    laid = shrinkage * float(np.diag(squares).min()) / usual + 1e-9
    root = np.linalg.cholesky(squares / usual + laid * np.eye(members)).T
    whole = np.full((1, members), SUM_OF_WEIGHTS)
    weights, _ = nnls(np.vstack([root, whole]), np.append(np.zeros(members), SUM_OF_WEIGHTS))
    return np.asarray(weights / weights.sum(), np.float64)


def factor_for_shares(came: Floats, told: Floats) -> float:
    """What to multiply forecasts with for the least squared *share* of error, Σ (1 − c·f/y)².

    Too high by half costs as a share more than too low by half, so that the best is below the middle: its root is at
    c = Σ (f/y) / Σ (f/y)². To be taken from earlier origins; 1 where nothing is known.
    """
    counted = (came > 0) & np.isfinite(told)
    ratios = told[counted] / came[counted]
    return float(ratios.sum() / (ratios**2).sum()) if len(ratios) and ratios.any() else 1.0


def daily_members() -> dict[str, Candidate]:
    """Those that won together: trees, a regression and Prophet err differently."""
    return {
        BoostedDaily.name: BoostedDaily(),
        DailyLinear.name: DailyLinear(),
        ProphetWithCauses.name: ProphetWithCauses(),
    }
