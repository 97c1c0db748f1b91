"""The shop's own past as it was known at some day, so that forecasts can be judged by what came after it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.demand.causes import NOTHING_TOLD, KnownCauses, known_until, told_ahead
from smartshop.ai_agents.inventory.demand.series import DemandSeries, demand_series
from smartshop.ai_agents.inventory.forecasting.known_ahead import Beyond
from smartshop.ai_agents.inventory.forecasting.measures import Interval, ratio_interval
from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Floats, Forecast, Panel, Period
from smartshop.ai_agents.inventory.learning import yearly_turnover
from smartshop.data_collection.pipelines.demand import DemandTable
from smartshop.data_collection.pipelines.shelf import Shelf

LEAST_SERIES = 10
"""Of fewer series resampling says nothing."""


class Gain(msgspec.Struct, frozen=True):
    """How far below a rival's loss, as a share (0.1: 10 % below), with its 95 % interval over series."""

    rival: str
    value: float
    low: float | None
    high: float | None
    """None where there are too few series to say."""


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """All of a shop's demand, and any earlier state of it. Series keep their places."""

    table: DemandTable
    shelf: Shelf
    told: KnownCauses = NOTHING_TOLD
    """Of the days, past and to come."""

    def known(self, days: int) -> DemandTable:
        """What had been seen after so many days; a series that had not begun yet is there, and empty.

        Prices and discounts to come are gone: what a forecast is told of them is what was known then.
        """
        return replace(
            self.table,
            sold=self.table.sold[:, :days],
            in_stock=self.table.in_stock[:, :days],
            price_minor=self.table.price_minor[:, :days],
            share_off=self.table.share_off[:, :days],
            orders=self.table.orders[:days],
        )

    def series(self, days: int, period: Period, horizon: int) -> DemandSeries:
        """As a forecaster would have had it, demand behind empty shelves estimated from those days alone.

        Weather is known for as many days ahead as today's is.
        """
        weather = [one.told for one in told_ahead(self.table, self.told).values() if one.beyond is Beyond.USUAL]
        told = known_until(self.told, self.table.first_day + days - 1 + min(weather, default=0))
        return demand_series(self.known(days), self.shelf, period, horizon, told)

    def came(self, period: Period) -> Panel:
        """What forecasts are judged by: as sold, and unknown for any period that was partly out of stock."""
        return demand_series(self.table, self.shelf, period, 0).seen_only()

    def most_valuable(self, days: int, most: int) -> NDArray[np.int64]:
        """Up to `most` (0: all) of the series sold in the year before that day, by turnover; in their own order."""
        known = self.known(days)
        turnover = yearly_turnover(known)
        ranked = np.argsort(-turnover, kind="stable")
        sold = ranked[(known.sold[ranked] > 0).any(axis=1)]
        return np.sort(sold[: most or len(sold)])


@dataclass(slots=True)
class AskedOnce:
    """A candidate that is asked once for each origin, and always of what was known there.

    Calibrations look back at earlier origins of the panel they are given, which tells of prices that were to come.
    """

    name: ClassVar[str] = "asked_once"
    candidate: Candidate
    panels: dict[int, Panel]
    """By periods known."""
    told: dict[int, Forecast]

    def forecast(self, panel: Panel, horizon: int, levels: Sequence[float]) -> Forecast:
        """Means alone: quantiles are for those who ask."""
        if panel.periods not in self.told:
            self.told[panel.periods] = self.candidate.forecast(self.panels[panel.periods], horizon, ())
        return self.told[panel.periods]


def gain_on(rival: str, ours: Floats, theirs: Floats, rng: np.random.Generator) -> Gain | None:
    """Of losses (n, …), NaN where nothing is known; None where the rival lost nothing, so that nobody can be better."""
    flat = [losses.reshape(len(losses), -1) for losses in (ours, theirs)]
    some = np.isfinite(flat[0]).any(axis=1) & np.isfinite(flat[1]).any(axis=1)
    if not some.any() or not np.nansum(flat[1][some]):
        return None
    if int(some.sum()) < LEAST_SERIES:
        means = [float(np.nanmean(losses[some], axis=1).mean()) for losses in flat]
        return Gain(rival, 1.0 - means[0] / means[1], None, None)
    with np.errstate(divide="ignore", invalid="ignore"):
        found: Interval = ratio_interval(flat[0][some], flat[1][some], rng)
    return Gain(rival, found.value, found.low, found.high)
