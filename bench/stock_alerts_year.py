"""A watched year of `bench.stock_alerts` as it is judged: what was told each night, by whom, and what came true."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.policies import PLAIN_WEEKS, PLAIN_WINDOW, SETTLING, YEAR, Tried
from bench.policies_foresight import LearnedForesight, shop_candidates
from bench.policies_rules import ByLaw, CoverAboveTrigger
from bench.stock_alerts_knowing import KnowsTheLaw
from bench.stock_alerts_watch import LooksAhead, Watched, look, runs_out
from smartshop.ai_agents.inventory.alerts.stockout import StockoutConfig
from smartshop.simulator.chance import stream
from smartshop.simulator.supply import Counts, Floats
from smartshop.simulator.supply_run import Replenishment, live_on

OURS, KNOWING = "the agent", "knows the law"
BY_LAW, BY_RULE = "our decision", "a plain rule"
WEEK_BEFORE = 7
FARTHEST = 60
"""Days before a stock-out in which the last night to order is looked for: longer than any supplier takes."""
LEAST_CHANCE = 0.1
"""Chances below are told as none: no line that is tried closes below."""
RESAMPLES = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class WatchedYear:
    """n products over t nights, night d being the one before day d; h headrooms."""

    begin: int
    """The first night that counts."""
    headrooms: tuple[int, ...]
    chance: Mapping[str, Floats]
    """By who tells it: (h, n, t) that it runs out in time; NaN where little or nothing was told."""
    came_true: NDArray[np.bool_]
    """(h, n, t) whether it did, were nothing more ordered."""
    missed: Counts
    """(n, t) units of each day."""
    left: Counts
    """(n, t) in the evening."""
    lead_days: NDArray[np.int32]
    """(n, t)"""


def watch_year(tried: Tried, shop: str, seed: int, headrooms: tuple[int, ...]) -> WatchedYear:
    """Nobody acts on what is told."""
    watched, books, world = _watched(tried, shop), tried.start.copy(), tried.world
    begin, shape = books.day + SETTLING, (len(headrooms), len(world), world.days)
    chance = {who: np.full(shape, np.nan) for who in (OURS, KNOWING)}
    came_true, left = np.zeros(shape, np.bool_), np.zeros(shape[1:], np.int64)
    knowing = KnowsTheLaw(world, stream(seed, world.scenario.name, "knows the law"))
    ours = [
        StockoutConfig(opens_at=LEAST_CHANCE, closes_at=LEAST_CHANCE, headroom_days=float(days)) for days in headrooms
    ]
    none_open = np.zeros(len(world), np.bool_)
    while books.day < begin + YEAR:
        live_on(world, books, books.day + 1, watched)
        night = books.day
        left[:, night - 1] = books.on_hand
        if not begin - WEEK_BEFORE <= night < begin + YEAR:
            continue
        chance[OURS][:, :, night] = [look(watched, books, none_open, config) for config in ours]
        chance[KNOWING][:, :, night] = knowing.chances(watched, books, headrooms)
        for place, days in enumerate(headrooms):
            came_true[place, :, night] = [runs_out(watched, books, product, days) for product in range(len(world))]
    return WatchedYear(begin, headrooms, chance, came_true, world.demand - books.sold, left, world.lead_days)


def _watched(tried: Tried, shop: str) -> Watched:
    world = tried.world
    foresight = LearnedForesight(world, tried.rest_of_category, shop_candidates())
    if shop == BY_LAW:
        policy: Replenishment = ByLaw(world, foresight)
    else:
        policy = LooksAhead(CoverAboveTrigger(world, PLAIN_WEEKS, PLAIN_WINDOW), foresight)
    return Watched(world, policy, foresight)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """(n,) counts of each product."""

    warnings: Floats
    right: Floats
    told: Floats
    """Sum of the chances told when warnings opened."""
    stockouts: Floats
    in_time: Floats
    at_all: Floats

    def joined(self, other: "Judged") -> "Judged":
        pairs = ((getattr(self, name), getattr(other, name)) for name in self.__slots__)
        return Judged(*(np.concatenate(pair) for pair in pairs))


@dataclass(frozen=True, slots=True)
class Share:
    value: float
    low: float
    high: float


def judge(year: WatchedYear, who: str, headroom: int, config: StockoutConfig) -> Judged:
    """By the lines of this configuration; its headroom is the one told."""
    place = year.headrooms.index(headroom)
    stands, opened = _standing(year.chance[who][place], year.begin, config)
    counts = np.zeros((6, len(stands)))
    rows, nights = opened
    np.add.at(counts[0], rows, 1.0)
    np.add.at(counts[1], rows, year.came_true[place][rows, nights])
    np.add.at(counts[2], rows, year.chance[who][place][rows, nights])
    for product, day, last in _stockouts(year):
        counts[3, product] += 1.0
        counts[4, product] += bool(stands[product, max(last - WEEK_BEFORE, 0) : last + 1].any())
        counts[5, product] += bool(stands[product, day - WEEK_BEFORE : day + 1].any())
    return Judged(*counts)


def _standing(
    chance: Floats, begin: int, config: StockoutConfig
) -> tuple[NDArray[np.bool_], tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(n, t) warned of on a night, and the products and nights on which warnings opened."""
    stands, is_open = np.zeros(chance.shape, np.bool_), np.zeros(len(chance), np.bool_)
    opened: list[tuple[int, int]] = []
    for night in range(begin - WEEK_BEFORE, begin + YEAR):
        now = np.nan_to_num(chance[:, night]) >= np.where(is_open, config.closes_at, config.opens_at)
        if night >= begin:
            opened += [(product, night) for product in np.flatnonzero(now & ~is_open).tolist()]
        stands[:, night] = is_open = now
    rows, nights = np.array(opened, np.int64).reshape(-1, 2).T
    return stands, (rows, nights)


def _stockouts(year: WatchedYear) -> Iterator[tuple[int, int, int]]:
    """Product, day and the last night on which an order would still have come (−1: none), of every first day on which
    something was missing after one that ended with stock.
    """
    for day in range(year.begin + 1, year.begin + YEAR):
        for product in np.flatnonzero((year.missed[:, day] > 0) & (year.left[:, day - 1] > 0)).tolist():
            nights = range(max(day - FARTHEST, 0), day)
            yield product, day, max((at for at in nights if at + year.lead_days[product, at] <= day), default=-1)


def share_of(part: Floats, whole: Floats) -> Share:
    """Sum over sum with a 95 % interval, resampling products."""
    drawn = np.random.default_rng(0).integers(0, len(whole), (RESAMPLES, len(whole)))
    sums = whole[drawn].sum(axis=1)
    shares = part[drawn].sum(axis=1)[sums > 0] / sums[sums > 0]
    if not len(shares):
        return Share(float("nan"), float("nan"), float("nan"))
    low, high = np.quantile(shares, [0.025, 0.975])
    return Share(float(part.sum() / whole.sum()) if whole.sum() else float("nan"), float(low), float(high))


def judged_together(years: Sequence[WatchedYear], who: str, headroom: int, config: StockoutConfig) -> Judged:
    first, *others = (judge(year, who, headroom, config) for year in years)
    for other in others:
        first = first.joined(other)
    return first
