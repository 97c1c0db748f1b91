"""Planted surges of `bench.stock_alerts`: found by the agent, and by one who knows what is usually asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.policies import PLAIN_WEEKS, PLAIN_WINDOW, SETTLING, YEAR, Tried
from bench.policies_model import EPOCH_ORDINAL
from bench.policies_rules import CoverAboveTrigger
from bench.stock_alerts_year import KNOWING, OURS
from smartshop.ai_agents.inventory.alerts.demand_alerts import DemandConfigs
from smartshop.ai_agents.inventory.alerts.recent_demand import RecentDemand, recent_demand
from smartshop.ai_agents.inventory.alerts.surge import WINDOWS, RecentLines, find_surges
from smartshop.ai_agents.inventory.demand.series import daily_demand
from smartshop.data_collection.pipelines.demand import DemandTable
from smartshop.data_collection.pipelines.demand_offers import no_promotions
from smartshop.data_collection.schemas.stock import DEFAULT_LOCATION
from smartshop.simulator.chance import stream
from smartshop.simulator.supply import Floats
from smartshop.simulator.supply_run import Books, live_on

SURGE_SHARE, SURGE_TIMES, SURGE_DAYS = 0.2, 3, 14


@dataclass(frozen=True, slots=True, eq=False)
class SurgeYear:
    """n products."""

    usual: Floats
    """(n,) units a day before the surge; NaN where none was planted."""
    found: NDArray[np.bool_]
    """(n,)"""
    days: Sequence[int]
    """Until each that was found."""
    false: Floats
    """(n,) warnings at other times."""


def surge_years(tried: Tried, seed: int) -> dict[str, SurgeYear]:
    """Of the same year, as the agent and as one who knows the law look at it each night."""
    world, n, begin = tried.world, len(tried.world), tried.start.day + SETTLING
    planted, starts = _planted(tried, seed)
    policy, books = CoverAboveTrigger(planted.world, PLAIN_WEEKS, PLAIN_WINDOW), tried.start.copy()
    told = {who: np.zeros((n, begin + YEAR + 1), np.bool_) for who in (OURS, KNOWING)}
    while books.day < begin + YEAR:
        live_on(planted.world, books, books.day + 1, policy)
        if books.day < begin:
            continue
        learned = _windows(planted, books)
        for who, windows in ((OURS, learned), (KNOWING, [_as_known(tried, books, one) for one in learned])):
            told[who][:, books.day] = _surging(windows, told[who][:, books.day - 1])
    usual = np.full(n, np.nan)
    for product, start in starts.items():
        usual[product] = world.mean[product, start - 28 : start].mean()
    return {who: _judged(each, usual, starts, begin) for who, each in told.items()}


def _planted(tried: Tried, seed: int) -> tuple[Tried, dict[int, int]]:
    """The shop with surges, and the day on which each product's begins."""
    world, begin = tried.world, tried.start.day + SETTLING
    rng = stream(seed, world.scenario.name, "surges")
    some = np.sort(rng.choice(len(world), size=round(SURGE_SHARE * len(world)), replace=False))
    starts = {int(product): int(rng.integers(begin + 14, begin + YEAR - 2 * SURGE_DAYS)) for product in some}
    demand = world.demand.copy()
    for product, start in starts.items():
        days = slice(start, start + SURGE_DAYS)
        for _ in range(SURGE_TIMES - 1):
            lines = rng.poisson(world.lines[product, days])
            demand[product, days] += lines + rng.poisson(lines * (world.units[product] - 1.0))
    return replace(tried, world=replace(world, demand=demand)), starts


def _judged(told: NDArray[np.bool_], usual: Floats, starts: dict[int, int], begin: int) -> SurgeYear:
    found, false, days = np.zeros(len(told), np.bool_), np.zeros(len(told)), list[int]()
    opens = told[:, begin:] & ~told[:, begin - 1 : -1]
    begins = np.full(len(told), told.shape[1], np.int64)
    begins[list(starts)] = list(starts.values())
    for product, night in np.argwhere(opens).tolist():
        after = begin + night - int(begins[product])
        if not 1 <= after <= SURGE_DAYS:
            false[product] += 1.0
        elif not found[product]:
            found[product] = True
            days.append(after)
    return SurgeYear(usual, found, days, false)


def _windows(tried: Tried, books: Books) -> list[RecentDemand]:
    """As the agent expects the last days, from the shop's books."""
    world, day = tried.world, books.day
    sold = books.sold[:, :day]
    begun = (books.in_stock[:, :day] > 0).any(axis=1)
    table = DemandTable(
        product_no=np.arange(len(world), dtype=np.int32),
        location=np.zeros(len(world), np.int32),
        locations=(DEFAULT_LOCATION,),
        first_day=world.first_day + EPOCH_ORDINAL,
        sold=sold.astype(np.float32),
        in_stock=books.in_stock[:, :day].astype(np.float32),
        price_minor=np.full(sold.shape, np.nan, np.float32),
        share_off=np.zeros(sold.shape, np.float32),
        listed=np.where(begun, (books.in_stock[:, :day] > 0).argmax(axis=1), day).astype(np.int32),
        orders=(sold.sum(axis=0) + tried.rest_of_category[:, :day].sum(axis=0)).astype(np.int32),
        promotions=no_promotions(),
    )
    configs, daily = DemandConfigs(), daily_demand(table)
    return [recent_demand(table, daily, world.leaf, days, configs.recent) for days in WINDOWS]


def _as_known(tried: Tried, books: Books, window: RecentDemand) -> RecentDemand:
    """The same days with the scenario's own mean and variance of what was there to be sold."""
    world, days = tried.world, slice(books.day - window.days, books.day)
    there = books.in_stock[:, days]
    there = np.where(books.sold[:, days] > 0, np.maximum(there, 0.5), there)
    mean, variance = ((law[:, days] * there).sum(axis=1) for law in (world.mean, world.variance))
    return replace(window, expected=mean, variance=variance + 1e-9)


def _surging(windows: Sequence[RecentDemand], is_open: NDArray[np.bool_]) -> NDArray[np.bool_]:
    none = np.zeros(0, np.int64)
    return find_surges(windows, RecentLines(none, none, np.zeros(0)), is_open, DemandConfigs().surge).is_surge
