"""What is known to move demand, day by day and as far ahead as is forecast: price, promotion, holidays, own events.

Nothing here tells what its own day sold, for it is asked for days ahead as well: a price is the one of the evening
before (a wholesaler's price falls on the very day that much is bought, and a product's discount is seen only where it
sold), and discounts are those of the whole shop. Weather is not among the causes: no order tells of it, and none is
known ahead.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.calendar import HOLIDAY, OPEN, PROMOTION, country_holidays
from smartshop.data_collection.pipelines.demand import DemandTable
from smartshop.data_collection.schemas.ids import LocationId

PRICE = "price"
"""Price as last sold or set before the day, over what it usually was: 1 as usual, 0.8 a fifth below."""
DISCOUNT = "discount"
"""Share that discounts of whole orders took off the day's orders of the shop."""
ABOUT_TODAY = 28
"""Days of which the mean is expected of discounts to come."""
EVENT_PREFIX = "event_"
USUAL_HALF_LIFE_DAYS = 45.0
"""So many days ago a price says half as much of what is usual: a rise is usual again after some months."""
USUAL_ORDERS, AROUND_WEEKS = 10.0, 8
"""A day without any order, where the same weekday of the weeks around usually has so many, was closed or is lost: by
chance it comes once in 22,000 (Poisson)."""

Table = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ShopEvent:
    """Days on which something was on: a fair, an anniversary, a campaign. Both ends included."""

    name: str
    first_day: int
    """Ordinal"""
    last_day: int
    location: LocationId | None = None
    """None: everywhere."""


@dataclass(frozen=True, slots=True, eq=False)
class DailyReading:
    """A number of each day, weather above all, as far ahead as it is told."""

    name: str
    location: LocationId | None
    """None: everywhere where no place has one of its own."""
    first_day: int
    """Ordinal"""
    values: Table
    """(t,) NaN where unknown"""


@dataclass(frozen=True, slots=True)
class KnownCauses:
    """What the shop's keeper told."""

    country: str | None = None
    """ISO 3166 alpha-2; its public holidays, where the package that knows them is installed."""
    events: Sequence[ShopEvent] = ()
    readings: Sequence[DailyReading] = ()


NOTHING_TOLD = KnownCauses()


def daily_causes(table: DemandTable, horizon_days: int, known: KnownCauses = NOTHING_TOLD) -> dict[str, Table]:
    """Name → (n, t + h) or (1, t + h). A cause that never stirs is left out: it could explain nothing.

    Raises:
        ValueError: no holidays are known of the country.
    """
    days = table.days + horizon_days
    ordinals = table.first_day + np.arange(days, dtype=np.int64)
    causes = {
        PRICE: relative_prices(table, horizon_days),
        PROMOTION: promotions(table, horizon_days),
        DISCOUNT: discounts(table, horizon_days),
        OPEN: open_days(table.orders, horizon_days),
    }
    for event in known.events:
        is_on = (event.first_day <= ordinals) & (ordinals <= event.last_day)
        causes[EVENT_PREFIX + event.name] = is_on[None, :].astype(np.float32)
    if known.country is not None:
        causes[HOLIDAY] = country_holidays(known.country, ordinals)
    return {name: cause for name, cause in causes.items() if cause.size and np.ptp(cause) > 0}


def open_days(orders: NDArray[np.integer], horizon_days: int) -> Table:
    """(1, t + h) 0 on days that sold nothing where as many orders are usual; 1 else, and on all days to come.

    `orders`: (t,) of the whole shop. A weekday that never sells is no closed day: its demand is zero, and known.
    """
    usual = np.zeros(len(orders))
    for day in np.flatnonzero(orders == 0):
        around = np.arange(day - 7 * AROUND_WEEKS, day + 7 * AROUND_WEEKS + 1, 7)
        inside = around[(around >= 0) & (around < len(orders))]
        usual[day] = np.median(orders[inside])
    is_open = ~((orders == 0) & (usual >= USUAL_ORDERS))
    return np.concatenate([is_open, np.ones(horizon_days, bool)])[None, :].astype(np.float32)


def relative_prices(table: DemandTable, horizon_days: int) -> Table:
    """(n, t + h) price last asked before each day, over the usual. The last of all stands ahead.

    The usual is an exponentially weighted mean of the logarithms of the prices before that one.
    """
    keep = 0.5 ** (1.0 / USUAL_HALF_LIFE_DAYS)
    prices = evening_prices(table)
    relative = np.ones((len(table), table.days + horizon_days), np.float32)
    usual = np.zeros(len(table))
    weight = np.zeros(len(table))
    for day in range(table.days):
        price = prices[:, day]
        told = np.isfinite(price)
        logs = np.log(np.where(told, price, 1.0))
        gap = logs - np.divide(usual, weight, out=logs.copy(), where=weight > 0)
        known_on = slice(day + 1, day + 2) if day + 1 < table.days else slice(table.days, None)
        relative[:, known_on] = np.exp(gap)[:, None]
        usual, weight = usual * keep + np.where(told, logs, 0.0), weight * keep + told
    return relative


def evening_prices(table: DemandTable) -> Table:
    """(n, t) what was asked at the end of each day: as last sold, moved by what the shop changed since; NaN before the
    first sale.

    On the day of a change the sale says less than the change: nobody knows which of the two prices it was at.
    """
    sold = np.where(table.price_minor > 0, table.price_minor, np.nan)
    moved = _steps_by_day(table)
    if moved is None:
        return _last_told(sold)
    told = np.isfinite(sold)
    was_told = np.zeros_like(told)
    was_told[:, 1:] = np.logical_or.accumulate(told, axis=1)[:, :-1]
    sold[(moved != 0) & was_told] = np.nan
    level = np.cumsum(moved, axis=1)
    return np.asarray(_last_told(np.asarray(sold * np.exp(-level), np.float32)) * np.exp(level), np.float32)


def _steps_by_day(table: DemandTable) -> Table | None:
    """(n, t) logarithms of new over old price on the days of the table; None where no price was set."""
    steps = table.steps
    day = steps.day - table.first_day
    some = np.flatnonzero((day >= 0) & (day < table.days))
    if not len(some):
        return None
    moved = np.zeros((len(table), table.days), np.float32)
    begins, ends = (np.searchsorted(table.product_no, steps.product_no, side) for side in ("left", "right"))
    for step in some:
        moved[begins[step] : ends[step], day[step]] += steps.log_step[step]
    return moved


def _last_told(values: Table) -> Table:
    """Each day's value, or the last one before it; NaN before the first."""
    days = np.arange(values.shape[1])
    last = np.maximum.accumulate(np.where(np.isfinite(values), days, -1), axis=1)
    told = np.take_along_axis(values, np.maximum(last, 0), axis=1)
    return np.asarray(np.where(last >= 0, told, np.nan), np.float32)


def promotions(table: DemandTable, horizon_days: int) -> Table:
    """(n, t + h) share off the price by dated offers, 0 to 1; those to come are known."""
    off = np.zeros((len(table), table.days + horizon_days), np.float32)
    cuts = table.promotions
    # Series stand by product, so those of one product are a stretch.
    begins, ends = (np.searchsorted(table.product_no, cuts.product_no, side) for side in ("left", "right"))
    for cut in np.flatnonzero(ends > begins):
        first = max(int(cuts.first_day[cut]) - table.first_day, 0)
        behind = max(int(cuts.last_day[cut]) - table.first_day + 1, 0)
        some = off[begins[cut] : ends[cut], first:behind]
        np.maximum(some, cuts.share_off[cut], out=some)
    return off


def discounts(table: DemandTable, horizon_days: int) -> Table:
    """(1, t + h) of the whole shop, by units; ahead what the last four weeks had on average."""
    units = table.sold.sum(axis=0, dtype=np.float64)
    off = (table.share_off * table.sold).sum(axis=0, dtype=np.float64)
    share = np.divide(off, units, out=np.zeros(table.days), where=units > 0)
    lately = float(share[-ABOUT_TODAY:].mean()) if table.days else 0.0
    return np.concatenate([share, np.full(horizon_days, lately)])[None, :].astype(np.float32)
