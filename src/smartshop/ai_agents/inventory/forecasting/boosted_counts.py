"""One learner over all series: boosted trees that foretell each period ahead from what is known now.

Quantiles by quantile loss, means by the Tweedie deviance (Jørgensen 1987), whose zero and spread suit sales. Direct:
how far ahead is a feature. Where it is said in shares of a series' size, rows weigh as their size, so that the loss
learned is that in units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.boosted_counts_features import look_back, rows
from smartshop.ai_agents.inventory.forecasting.boosted_trees import tree_parameters
from smartshop.ai_agents.inventory.forecasting.counts import whole_units
from smartshop.ai_agents.inventory.forecasting.empirical import FadingEmpirical
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, Panel, tidy

if TYPE_CHECKING:
    import lightgbm


class Told(StrEnum):
    """How a target is said."""

    UNITS = "units"
    """As it is: small counts keep their steps."""
    SHARES = "shares"
    """Per size of the series: a series may outgrow all that was seen."""


@dataclass(frozen=True, slots=True)
class BoostedCounts:
    """LightGBM (Ke et al. 2017) over all series of a panel."""

    name: ClassVar[str] = "boosted"
    told: Told = Told.UNITS
    trees: int = 50
    learning_rate: float = 0.1
    leaves: int = 31
    least_in_leaf: int = 100
    reg: float = 1.0
    column_share: float = 0.6
    row_share: float = 0.7
    most_moments: int = 24
    """Newest moments of the past from which it learns."""
    first_moment: int = 8
    """Periods that must be known at the first of them."""
    most_rows: int = 600_000
    """Beyond it rows are drawn at random."""
    tweedie_power: float = 1.3
    """Between 1 (counts) and 2 (sizes)."""
    seed: int = 1
    threads: int = 1

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        """A panel too short to learn from is told by `FadingEmpirical`."""
        learning = self._learning(panel, horizon)
        if learning is None:
            return FadingEmpirical().forecast(panel, horizon, levels)
        shares = self.told is Told.SHARES
        now = look_back(panel, np.array([panel.periods]))
        asked = np.concatenate([rows(panel, now, ahead, shares=shares)[0] for ahead in range(1, horizon + 1)])
        size = np.tile(now.size[:, 0], horizon) if shares else np.ones(len(asked))
        shape = (horizon, len(panel))
        *quantiles_of, mean_of = self._boost(learning, levels)
        mean = (mean_of.predict(asked) * size).reshape(shape).T
        told = [(booster.predict(asked) * size).reshape(shape).T for booster in quantiles_of]
        quantiles = np.stack(told, axis=2) if told else np.zeros((len(panel), horizon, 0))
        seen = np.asarray(np.isfinite(panel.demand).any(axis=1))[:, None]
        return tidy(np.where(seen, mean, 0.0), whole_units(panel, np.where(seen[..., None], quantiles, 0.0)))

    def _learning(self, panel: Panel, horizon: int) -> "_Learning | None":
        moments = np.arange(panel.periods - 1, self.first_moment - 1, -1)[: self.most_moments]
        kept = self.most_rows / max(len(moments) * len(panel) * horizon, 1)
        rng = np.random.default_rng(self.seed)
        if not len(moments):
            return None
        pasts = look_back(panel, moments)
        parts, wanted, names = list[NDArray[np.float32]](), list[Floats](), list[str]()
        sizes, steps = list[Floats](), list[Floats]()
        step_of_row = np.tile(_usual_step(panel), len(moments))
        for ahead in range(1, horizon + 1):
            table, names = rows(panel, pasts, ahead, shares=self.told is Told.SHARES)
            came = _came(panel, moments, ahead)
            known = np.isfinite(came)
            if kept < 1.0:
                known &= rng.random(len(came)) < kept
            parts.append(table[known])
            wanted.append(came[known])
            sizes.append(pasts.size.T.reshape(-1)[known])
            steps.append(step_of_row[known])
        target, size = np.concatenate(wanted), np.concatenate(sizes)
        if len(target) < 2 * self.least_in_leaf:
            return None
        return _Learning(np.concatenate(parts), target, size, np.concatenate(steps), names)

    def _boost(self, learning: "_Learning", levels: Sequence[float]) -> "list[lightgbm.Booster]":
        """Each quantile's, then the mean's, all from the same bins."""
        import lightgbm  # an extra: only where there is something to learn

        shares = self.told is Told.SHARES
        target = learning.target / learning.size if shares else learning.target
        codes = [name for name in learning.names if name.startswith("code_")]
        weight = learning.size / learning.size.mean() if shares else None
        table = lightgbm.Dataset(
            learning.features, target, weight=weight, feature_name=learning.names, categorical_feature=codes,
            params=tree_parameters(self), free_raw_data=False,
        )  # fmt: skip
        objectives = [{"objective": "quantile", "alpha": level} for level in levels]
        found = [lightgbm.train({**tree_parameters(self), **one}, table, self.trees) for one in objectives]
        # Weights can be given later, but not taken away again: quantiles come first.
        table.set_weight(self._weight_of_means(learning))
        mean: dict[str, object] = {"objective": "tweedie", "tweedie_variance_power": self.tweedie_power}
        return [*found, lightgbm.train({**tree_parameters(self), **mean}, table, self.trees)]

    def _weight_of_means(self, learning: "_Learning") -> Floats:
        """The deviance of units grows by the power 2 - p of their size, that of shares does not: both weigh alike."""
        power = 1.0 if self.told is Told.SHARES else self.tweedie_power - 1.0
        weight = learning.size**power / learning.step
        return np.asarray(weight / weight.mean(), np.float64)


@dataclass(frozen=True, slots=True)
class _Learning:
    features: NDArray[np.float32]
    target: Floats
    size: Floats
    step: Floats
    """How far the row's series usually goes from one period to the next: errors in means are told per it."""
    names: list[str]


def _usual_step(panel: Panel) -> Floats:
    """(n,) root mean squared change between neighbouring periods; the mean of all where unknown, or where none."""
    squares = np.diff(panel.demand, axis=1) ** 2
    known = np.isfinite(squares)
    number = known.sum(axis=1)
    mean = np.where(known, squares, 0.0).sum(axis=1) / np.maximum(number, 1)
    usable = (number > 0) & (mean > 0)
    usual = float(np.sqrt(mean[usable]).mean()) if usable.any() else 1.0
    return np.where(usable, np.sqrt(mean), usual)


def _came(panel: Panel, moments: NDArray[np.int64], ahead: int) -> Floats:
    """(m · n,) demand that many steps after each moment; NaN where it lies beyond the panel."""
    periods = moments + ahead - 1
    inside = periods < panel.periods
    came = np.where(inside, panel.demand[:, np.where(inside, periods, 0)], np.nan)
    return np.asarray(came.T.reshape(-1), np.float64)
