"""Prices far from usual with demand to show it, and demand that moved against its price. Pure.

Both sides need evidence: a price that moved and a demand that did nothing unusual is a price the shop meant; demand
that moved without its price is a surge.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.alerts.false_alarms import surprising
from smartshop.ai_agents.inventory.alerts.recent_demand import RecentDemand
from smartshop.ai_agents.inventory.alerts.surge import RecentLines, large_line
from smartshop.ai_agents.inventory.forecasting.panel import Floats

MAD_TO_DEVIATION = 1.4826
"""Of a normal law (Rousseeuw & Croux 1993)."""


@dataclass(frozen=True, slots=True)
class PriceConfig:
    days: int = 7
    """Of demand looked back at."""
    latest_days: int = 3
    """With a sale, the newest of these days: their median price is the present one, whatever was paid before."""
    usual_days: int = 180
    """Before these, from which the usual price is the median."""
    least_days: int = 5
    """With a known price in that time."""
    slip_times: float = 7.0
    """A price so many times the usual one, or its inverse, may be a slipped digit: slips are by 10 or 100, while
    clearances of a wholesaler go down to a fifth and are meant."""
    slip_chance: float = 0.05
    """Demand that answers a slip: at most this chance without one."""
    moved_share: float = 0.10
    """Less is no change that demand is expected to answer."""
    moved_deviations: float = 4.0
    """Robust deviations of the log price from its median (median absolute deviation)."""
    least_deviation: float = 0.02
    share_false: float = 0.05
    """Of those told to move against their price."""
    large_line_share: float = 0.5
    """As of surges."""
    closes_chance: float = 0.10


USUAL_CONFIG = PriceConfig()


@dataclass(frozen=True, slots=True, eq=False)
class ToldPrices:
    """Of n series over t days, in minor units; NaN where nobody knows."""

    paid: Floats
    """(n, t) where something was sold."""
    asked: Floats
    """(n, t) at the end of each day, where the shop keeps when it set prices; else all unknown."""
    set_lately: NDArray[np.bool_]
    """(n,) within the days of demand looked back at: what was paid before says nothing of the present price."""
    offered: Floats
    """(n,) now"""


@dataclass(frozen=True, slots=True, eq=False)
class PriceSurprises:
    """(n,) each."""

    usual_minor: Floats
    """NaN where it is not known."""
    price_minor: Floats
    """The present one."""
    chance: Floats
    """That demand strays so far, to the side that surprises."""
    is_slip: NDArray[np.bool_]
    is_against: NDArray[np.bool_]


def find_price_surprises(
    prices: ToldPrices,
    recent: RecentDemand,
    lines: RecentLines,
    is_open: NDArray[np.bool_],
    config: PriceConfig,
) -> PriceSurprises:
    """One large buyer is an answer to a slip, and no proof that demand moved against its price."""
    # What seldom sells was paid for on few days; where it is known what was asked, every day tells.
    is_told = np.isfinite(prices.asked).any(axis=1, keepdims=True)
    usual, deviation = _usual(np.where(is_told, prices.asked, prices.paid), config)
    price = present_price(prices, config)
    moved = np.log(np.maximum(price, 1.0) / usual)
    more, less = recent.chance_of_more(recent.units), recent.chance_of_less(recent.units)
    of_many = recent.chance_of_more(recent.units - large_line(recent, lines, config.large_line_share))
    with np.errstate(invalid="ignore"):
        is_far = np.abs(moved) >= np.log(config.slip_times)
        has_moved = np.abs(moved) >= np.maximum(
            np.log1p(config.moved_share), config.moved_deviations * np.maximum(deviation, config.least_deviation)
        )
        answered, opposed = np.where(moved < 0, more, less), np.where(moved < 0, less, of_many)
    line = np.where(is_open, config.closes_chance, config.slip_chance)
    is_slip = is_far & (answered <= line)
    against = surprising(np.where(has_moved & ~is_slip, opposed, np.nan), config.share_false)
    stays = is_open & has_moved & (opposed <= config.closes_chance)
    return PriceSurprises(
        usual_minor=usual,
        price_minor=price,
        chance=np.where(is_slip, answered, opposed),
        is_slip=is_slip,
        is_against=(against | stays) & ~is_slip,
    )


def present_price(prices: ToldPrices, config: PriceConfig) -> Floats:
    """(n,) minor units: as set lately, else as paid lately, else as offered.

    What costs a hundred times as much is not bought, so nobody paid it.
    """
    paid = _median(_newest(prices.paid[:, -config.days :], config.latest_days))
    asked = np.where(prices.set_lately, prices.asked[:, -1], np.nan)
    price = np.where(np.isfinite(asked), asked, paid)
    return np.asarray(np.where(np.isfinite(price), price, prices.offered), np.float64)


def _usual(paid_minor: Floats, config: PriceConfig) -> tuple[Floats, Floats]:
    """(n,) median price before the last days, and the robust deviation of its logarithm; NaN where seldom known."""
    before = paid_minor[:, -config.days - config.usual_days : -config.days]
    before = np.where(before > 0, before, np.nan)
    enough = np.isfinite(before).sum(axis=1) >= config.least_days
    usual = np.where(enough, _median(before), np.nan)
    apart = np.abs(np.log(before / usual[:, None]))
    return usual, MAD_TO_DEVIATION * _median(apart)


def _newest(values: Floats, count: int) -> Floats:
    """(n, t) with all but the last so many known ones of each row unknown."""
    known = np.isfinite(values)
    behind = np.cumsum(known[:, ::-1], axis=1)[:, ::-1]
    return np.where(known & (behind <= count), values, np.nan)


def _median(values: Floats) -> Floats:
    """(n,) over known ones; NaN where there is none."""
    found = np.full(len(values), np.nan)
    known = np.isfinite(values).any(axis=1)
    if known.any():
        found[known] = np.nanmedian(values[known], axis=1)
    return found
