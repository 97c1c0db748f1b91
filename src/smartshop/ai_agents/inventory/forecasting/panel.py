"""Many demand series side by side, and what is said of their future. Arrays alone: no clock, no store, no shop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.known_ahead import Ahead, as_known

Cause = NDArray[np.float32]
Floats = NDArray[np.float64]


class Period(StrEnum):
    """How long one step of a series is."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def season(self) -> int:
        """Steps after which the same is expected again: weekdays for days, the year for weeks and months."""
        return {Period.DAY: 7, Period.WEEK: 52, Period.MONTH: 12}[self]

    @property
    def year(self) -> int:
        """Steps of a year, of days those of its whole weeks."""
        return {Period.DAY: 364, Period.WEEK: 52, Period.MONTH: 12}[self]


@dataclass(frozen=True, slots=True)
class Panel:
    """n series of t periods each, all ending with the same period."""

    demand: Floats
    """(n, t) units ≥ 0; NaN where the demand is not known: not yet sold, closed, or out of stock."""
    period: Period
    first_day: int
    """Proleptic ordinal (`date.toordinal`) of the first period's first day: weeks begin on Mondays."""
    causes: Mapping[str, Cause] = field(default_factory=dict)
    """Name → (n, t + h) or (1, t + h): promotion, price, holiday, open, weather …; h periods ahead, where they are not
    told with what is taken to be."""
    groups: Mapping[str, NDArray[np.int32]] = field(default_factory=dict)
    """Name → (n,) codes: category, brand, location, supplier; -1 for none."""
    told_ahead: Mapping[str, Ahead] = field(default_factory=dict)
    """Name → how far ahead a cause was told at any time; those not named as far as they reach."""

    def __post_init__(self) -> None:
        if self.demand.ndim != 2:
            raise ValueError(f"Demand has {self.demand.ndim} dimensions; it is (series, periods).")
        if np.isinf(self.demand).any() or (self.demand < 0).any():
            raise ValueError(
                "Demand holds a negative or infinite number; returns and corrections are taken off before."
            )

    def __len__(self) -> int:
        return len(self.demand)

    @property
    def periods(self) -> int:
        """t"""
        return int(self.demand.shape[1])

    def until(self, periods: int) -> "Panel":
        """As it was known after so many periods. Causes stay that were known ahead; of others only what was told then.

        Raises:
            ValueError: there are fewer periods.
        """
        if not 0 < periods <= self.periods:
            raise ValueError(f"The panel has {self.periods} periods, so it cannot be cut to {periods}.")
        if periods == self.periods:
            return self
        causes = {name: self._known_then(name, cause, periods) for name, cause in self.causes.items()}
        return replace(self, demand=self.demand[:, :periods], causes=causes)

    def _known_then(self, name: str, cause: Cause, periods: int) -> Cause:
        """(…, periods + h) of a cause that was told for a while only."""
        ahead = self.told_ahead.get(name)
        if ahead is None:
            return cause
        horizon = cause.shape[1] - self.periods
        return np.hstack([cause[:, :periods], as_known(cause, periods, horizon, ahead, self.period.year)])

    def of(self, series: NDArray[np.integer]) -> "Panel":
        """Some of the series, in this order."""
        return replace(
            self,
            demand=self.demand[series],
            causes={name: cause if len(cause) == 1 else cause[series] for name, cause in self.causes.items()},
            groups={name: codes[series] for name, codes in self.groups.items()},
        )


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is expected of n series over the h periods after a panel's last."""

    mean: Floats
    """(n, h) ≥ 0"""
    quantiles: Floats
    """(n, h, q) ≥ 0, rising along the last axis, for the levels asked for."""


class Candidate(Protocol):
    """One way to forecast. Pure: the same panel gives the same forecast; it never fails for an odd series.

    A series with no known demand at all is forecast as zero.
    """

    name: ClassVar[str]

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast: ...


def tidy(mean: Floats, quantiles: Floats) -> Forecast:
    """Never negative, never NaN, quantiles in order."""
    mean = np.maximum(np.nan_to_num(mean, nan=0.0, posinf=0.0, neginf=0.0), 0.0)
    quantiles = np.maximum(np.nan_to_num(quantiles, nan=0.0, posinf=0.0, neginf=0.0), 0.0)
    return Forecast(mean, np.sort(quantiles, axis=-1))
