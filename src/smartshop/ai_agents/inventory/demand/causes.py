"""What is known to move demand, day by day and as far ahead as is forecast: price, promotion, holidays, events,
weather.

Nothing here tells what its own day sold, for it is asked for days ahead as well: a price is the one of the evening
before (a wholesaler's price falls on the very day that much is bought, and a product's discount is seen only where it
sold), and discounts are those of the whole shop. Promotions, holidays and events to come are known; of prices,
discounts and weather `told_ahead` says how far, so that a trial at an earlier day knows no more than was told then.
The history of prices says since when one held and not when it was decided: what was planned then nobody can tell, so
that the price of the evening stands.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.demand.asked_prices import relative_prices
from smartshop.ai_agents.inventory.forecasting.calendar import (
    EVENT_PREFIX,
    HOLIDAY,
    OPEN,
    PROMOTION,
    WEATHER_PREFIX,
    country_holidays,
)
from smartshop.ai_agents.inventory.forecasting.known_ahead import Ahead, Beyond, as_known
from smartshop.data_collection.pipelines.demand import DemandTable
from smartshop.data_collection.schemas.ids import LocationId

PRICE = "price"
"""Price as last sold or set before the day, over what it usually was: 1 as usual, 0.8 a fifth below."""
DISCOUNT = "discount"
"""Share that discounts of whole orders took off the day's orders of the shop."""
ABOUT_TODAY = 28
"""Days of which the mean is expected of discounts to come."""
MOST_EVENTS, MOST_READINGS = 24, 6
"""Causes each: of more, the events with most days so far and the readings with most days told."""
FARTHEST_TOLD = 7
"""Days ahead beyond which a forecast of the weather says no more than the time of the year."""
YEAR_DAYS = 364
LEAST_READ = 28
"""Days on which a reading must be known before anything is explained by it."""
USUAL_ORDERS, AROUND_WEEKS = 10.0, 8
"""A day without any order, where the same weekday of the weeks around usually has so many, was closed or is lost: by
chance it comes once in 22,000 (Poisson)."""

Table = NDArray[np.float32]
Ordinals = NDArray[np.int64]


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
    """ISO 3166 alpha-2; its public holidays, where the package that knows them is installed, else none."""
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
    causes |= events_by_day(table, ordinals, known.events)
    causes |= readings_by_day(table, ordinals, known.readings)
    if known.country is not None and find_spec("holidays") is not None:
        causes[HOLIDAY] = country_holidays(known.country, ordinals)
    return {name: cause for name, cause in causes.items() if cause.size and np.ptp(cause) > 0}


def told_ahead(table: DemandTable, known: KnownCauses) -> dict[str, Ahead]:
    """Days after the table's last for which the causes were told that are not known as far as is forecast."""
    ahead = {PRICE: Ahead(1, Beyond.LAST), DISCOUNT: Ahead(0, Beyond.RECENT)}
    for name, readings in _readings_used(table, known.readings).items():
        told = min(_days_told(table, one) for one in readings)
        ahead[WEATHER_PREFIX + name] = Ahead(told, Beyond.USUAL)
    return ahead


def known_until(known: KnownCauses, day: int) -> KnownCauses:
    """Without readings after a day (ordinal): as it was told by then."""
    readings = [replace(one, values=one.values[: max(day - one.first_day + 1, 0)]) for one in known.readings]
    return replace(known, readings=readings)


def events_by_day(table: DemandTable, ordinals: Ordinals, events: Sequence[ShopEvent]) -> dict[str, Table]:
    """Name → (1, t + h), or (n, t + h) where something is on at some places alone; 1 on its days."""
    found: dict[str, Table] = {}
    for name, stretches in _most_on(table, events).items():
        by_place = np.zeros((len(table.locations), len(ordinals)), np.float32)
        for one in stretches:
            is_on = (one.first_day <= ordinals) & (ordinals <= one.last_day)
            by_place[_places(table, one.location)] += is_on
        found[EVENT_PREFIX + name] = _of_series(table, np.minimum(by_place, 1.0))
    return found


def readings_by_day(table: DemandTable, ordinals: Ordinals, readings: Sequence[DailyReading]) -> dict[str, Table]:
    """Name → (1, t + h), or (n, t + h) where places differ.

    A day of which nobody told is as the four weeks before it, one before all that was told as the first four weeks,
    and one to come as usual at that time of the year. A place without a reading of its own has the mean of the others.
    """
    found: dict[str, Table] = {}
    for name, own in _readings_used(table, readings).items():
        told = min(_days_told(table, one) for one in own)
        by_place = np.full((len(table.locations), len(ordinals)), np.nan, np.float32)
        # Those for everywhere first: a place's own takes precedence.
        for one in sorted(own, key=lambda reading: reading.location is not None):
            by_place[_places(table, one.location)] = _over(one, ordinals)
        missing = np.isnan(by_place).all(axis=1)
        if missing.any():
            by_place[missing] = _known_mean(by_place[~missing])
        filled = np.stack([_without_gaps(row[: table.days + told]) for row in by_place])
        horizon = len(ordinals) - table.days
        beyond = as_known(filled, table.days, horizon, Ahead(told, Beyond.USUAL), YEAR_DAYS)
        found[WEATHER_PREFIX + name] = _of_series(table, np.hstack([filled[:, : table.days], beyond]))
    return found


def _most_on(table: DemandTable, events: Sequence[ShopEvent]) -> dict[str, list[ShopEvent]]:
    """By name, at most `MOST_EVENTS` names: those with most days up to the table's last."""
    by_name: dict[str, list[ShopEvent]] = {}
    last = table.first_day + table.days - 1
    for one in events:
        by_name.setdefault(one.name, []).append(one)

    def days(name: str) -> int:
        return sum(max(min(one.last_day, last) - max(one.first_day, table.first_day) + 1, 0) for one in by_name[name])

    return {name: by_name[name] for name in sorted(by_name, key=lambda name: (-days(name), name))[:MOST_EVENTS]}


def _readings_used(table: DemandTable, readings: Sequence[DailyReading]) -> dict[str, list[DailyReading]]:
    """By name, those of the shop's places that say something of its days; at most `MOST_READINGS` names."""
    by_name: dict[str, list[DailyReading]] = {}
    known: dict[str, int] = {}
    for one in readings:
        days = int(np.isfinite(_over(one, table.first_day + np.arange(table.days))).sum())
        if days >= LEAST_READ and (one.location is None or one.location in table.locations):
            by_name.setdefault(one.name, []).append(one)
            known[one.name] = max(known.get(one.name, 0), days)
    return {name: by_name[name] for name in sorted(by_name, key=lambda name: (-known[name], name))[:MOST_READINGS]}


def _days_told(table: DemandTable, reading: DailyReading) -> int:
    """Days after the table's last that are told without a gap, at most `FARTHEST_TOLD`."""
    to_come = _over(reading, table.first_day + table.days + np.arange(FARTHEST_TOLD))
    return int(np.logical_and.accumulate(np.isfinite(to_come)).sum())


def _known_mean(values: Table) -> Table:
    """(d,) over the rows (k, d) that know a day; NaN where none does."""
    known = np.isfinite(values)
    sums, counts = np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0)
    return np.asarray(np.divide(sums, counts, out=np.full(len(sums), np.nan, np.float32), where=counts > 0), np.float32)


def _over(reading: DailyReading, ordinals: Ordinals) -> Table:
    """(d,) values of these days, NaN where it says nothing."""
    place = ordinals - reading.first_day
    inside = (place >= 0) & (place < len(reading.values))
    found = np.full(len(ordinals), np.nan, np.float32)
    found[inside] = reading.values[place[inside]]
    return found


def _without_gaps(values: Table) -> Table:
    """(t,) with a number for each day. Days that nobody told never look ahead, but those before the first told."""
    told = np.flatnonzero(np.isfinite(values))
    filled = values.copy()
    filled[: told[0]] = values[told[:LEAST_READ]].mean()
    for day in np.flatnonzero(~np.isfinite(filled)):
        filled[day] = filled[max(day - LEAST_READ, 0) : day].mean()
    return filled


def _places(table: DemandTable, location: LocationId | None) -> list[int]:
    return [place for place, one in enumerate(table.locations) if location is None or one == location]


def _of_series(table: DemandTable, by_place: Table) -> Table:
    """(1, d) where all places are alike, else (n, d)."""
    if (by_place == by_place[:1]).all():
        return by_place[:1]
    return by_place[table.location]


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
