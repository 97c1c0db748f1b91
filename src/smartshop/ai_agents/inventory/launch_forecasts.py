"""What is expected of products that have not sold yet: how products like them were launched. Pure.

Witnesses are the shop's own launches, of a product over all places, and those that lie unsold: a product that nobody
wanted in its first weeks was a launch too, and without it the others would promise too much. How well launches are
told is tried on the launches themselves, each part of them by the others; from that the spread of sums is learned.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.demand.cold import (
    ColdConfig,
    Launches,
    Likeness,
    category_paths,
    forecast_cold,
    launches,
)
from smartshop.ai_agents.inventory.demand.series import DemandSeries
from smartshop.ai_agents.inventory.forecasting.measures import pinball
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast
from smartshop.ai_agents.inventory.newcomers import Newcomer
from smartshop.ai_agents.inventory.young_series import FEWEST_WITNESSES, PATH_DEPTH
from smartshop.data_collection.pipelines.shelf import Shelf

MOST_LAIN = 8
"""Weeks that a product lies unsold beyond which it is like any other that did."""
PARTS = 5
"""Into which launches are split, each told by the others."""
WEIGHINGS = (ColdConfig(fewest_witnesses=80.0), ColdConfig(fewest_witnesses=20.0), ColdConfig())
"""How much those who are alike count beside all: where a shop's categories and prices say little of a launch, hearing
few is worse than hearing everybody. Which is right for a shop is tried on its launches."""
AT_ONCE = 500
"""Newcomers: each is held against every launch."""


@dataclass(frozen=True, slots=True, eq=False)
class LaunchTrial:
    """l launches, each told by the others as if nothing of it had sold yet."""

    config: ColdConfig
    """Who counted as alike."""
    came: Floats
    """(l, h)"""
    told: Forecast
    """(l, h) means and (l, h, q) quantiles."""
    mean_launch: Floats
    """(l, h) the mean of the others, whatever they are like."""

    def loss(self, levels: Sequence[float]) -> float:
        """Mean pinball loss of the forecast; NaN without a launch."""
        return float(pinball(self.came, self.told.quantiles, levels).mean()) if len(self.came) else float("nan")

    def loss_of_mean_launch(self, levels: Sequence[float]) -> float:
        """The same of the mean launch, said at every level."""
        blind = np.repeat(self.mean_launch[..., None], len(levels), axis=2)
        return float(pinball(self.came, blind, levels).mean()) if len(self.came) else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """n newcomers, and what is known of them."""

    newcomers: Sequence[Newcomer]
    likeness: Likeness


def record_launches(series: DemandSeries, shelf: Shelf, unsold: Sequence[Newcomer], weeks: int) -> Launches:
    """(w, weeks) of every launch that was seen, and of what lay unsold for at least a week."""
    products, place = np.unique(series.product_no, return_inverse=True)
    demand, known = series.panel.demand, np.isfinite(series.panel.demand)
    summed, told = np.zeros((len(products), demand.shape[1])), np.zeros((len(products), demand.shape[1]))
    np.add.at(summed, place, np.where(known, demand, 0.0))
    np.add.at(told, place, known)
    whole = np.where(told > 0, summed, np.nan)
    lived = launches(whole, np.where((told > 0).any(axis=1), (told > 0).argmax(axis=1), 0), weeks)
    seen = np.isfinite(lived).any(axis=1)
    lain = [one for one in unsold if one.lain_weeks > 0]
    ages = np.array([one.lain_weeks for one in lain], np.int64)
    silent = np.where(np.arange(weeks) < ages[:, None], 0.0, np.nan)
    numbers = np.concatenate([products[seen], np.array([one.product_no for one in lain], products.dtype)])
    return Launches(np.concatenate([lived[seen], silent]), likeness_of(shelf, numbers))


def likeness_of(shelf: Shelf, product_no: NDArray[np.integer]) -> Likeness:
    """By category path, brand and present price."""
    price, brand = shelf.price_minor[product_no].astype(np.float64), shelf.brand[product_no]
    return Likeness(
        path=category_paths(shelf.categories, PATH_DEPTH)[shelf.category[product_no]],
        brand=np.where(brand > 0, brand, -1),
        price=np.where(price > 0, price, np.nan),
    )


def foresee_launches(
    record: Launches, asked: Asked, horizon: int, levels: Sequence[float], config: ColdConfig
) -> tuple[Forecast, NDArray[np.bool_]]:
    """(n, h) and (n, h, q) from now on, and (n,) for which enough launches were lived through.

    What lay unsold is told by how launches went on that began as quietly; what is yet to come sells nothing before.
    """
    newcomers, n = asked.newcomers, len(asked.newcomers)
    mean, quantiles, heard = np.zeros((n, horizon)), np.zeros((n, horizon, len(levels))), np.zeros(n, np.bool_)
    lain = _told_as_lain(record, np.array([one.lain_weeks for one in newcomers], np.int64), horizon)
    for weeks in np.unique(lain[lain >= 0]).tolist():
        witnesses = _lived(record, weeks + horizon)
        rows = np.flatnonzero(lain == weeks)
        for first in range(0, len(rows), AT_ONCE):
            some = rows[first : first + AT_ONCE]
            silent = np.zeros((len(some), weeks))
            told = forecast_cold(asked.likeness.of(some), silent, witnesses, horizon, levels, config)
            mean[some], quantiles[some], heard[some] = told.mean, told.quantiles, True
    for row, one in enumerate(newcomers):
        if (wait := min(one.comes_in_weeks, horizon)) > 0:
            mean[row] = np.concatenate([np.zeros(wait), mean[row, : horizon - wait]])
            quantiles[row] = np.concatenate([np.zeros((wait, len(levels))), quantiles[row, : horizon - wait]])
    return Forecast(mean, quantiles), heard


def try_launches(record: Launches, horizon: int, levels: Sequence[float]) -> LaunchTrial:
    """Every launch that was lived through for so long, told by those of the other parts, in the way that lost least."""
    return min((_tried(record, horizon, levels, config) for config in WEIGHINGS), key=lambda one: one.loss(levels))


def _tried(record: Launches, horizon: int, levels: Sequence[float], config: ColdConfig) -> LaunchTrial:
    whole = _lived(record, horizon)
    n = len(whole.likeness)
    mean, quantiles, plain = np.zeros((n, horizon)), np.zeros((n, horizon, len(levels))), np.zeros((n, horizon))
    if n < 2 * FEWEST_WITNESSES:
        empty = np.zeros((0, horizon))
        return LaunchTrial(config, empty, Forecast(empty, np.zeros((0, horizon, len(levels)))), empty)
    for part in range(PARTS):
        own = np.arange(n) % PARTS == part
        others = Launches(whole.demand[~own], whole.likeness.of(np.flatnonzero(~own)))
        asked = whole.likeness.of(np.flatnonzero(own))
        told = forecast_cold(asked, np.zeros((len(asked), 0)), others, horizon, levels, config)
        mean[own], quantiles[own], plain[own] = told.mean, told.quantiles, others.demand[:, :horizon].mean(axis=0)
    return LaunchTrial(config, whole.demand[:, :horizon], Forecast(mean, quantiles), plain)


def _told_as_lain(record: Launches, lain_weeks: NDArray[np.int64], horizon: int) -> NDArray[np.int64]:
    """(n,) weeks as they are, or fewer where too few launches are that old; -1 where no forecast can be."""
    ages = np.isfinite(record.demand).sum(axis=1)
    found = np.full(len(lain_weeks), -1)
    for weeks in range(MOST_LAIN + 1):
        if (ages >= weeks + horizon).sum() >= FEWEST_WITNESSES:
            found[lain_weeks >= weeks] = weeks
    return found


def _lived(record: Launches, weeks: int) -> Launches:
    rows = np.flatnonzero(np.isfinite(record.demand[:, :weeks]).all(axis=1) & (record.demand.shape[1] >= weeks))
    return Launches(record.demand[rows, :weeks], record.likeness.of(rows))
