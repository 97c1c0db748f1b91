"""What was wanted, day by day: units per product and location, how much of the day they could be had, at what price.

The books in, arrays out. What days without stock mean is for those who look at them; here nothing is estimated.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.connectors.ports import Catalogue, Prices
from smartshop.data_collection.pipelines.demand_arrays import DaySums, LineTable, line_table, sums_by_day
from smartshop.data_collection.pipelines.demand_days import last_whole_day, local_days, selling_hours
from smartshop.data_collection.pipelines.demand_offers import (
    PriceSteps,
    Promotions,
    dated_offers,
    no_price_steps,
    price_steps,
)
from smartshop.data_collection.pipelines.demand_rows import DemandRows
from smartshop.data_collection.pipelines.demand_stock import DayGrid, Place, StockHistory, read_outages, share_in_stock
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.pipelines.shelf_arrays import Pricing
from smartshop.data_collection.schemas.catalogue import DEFAULT_MARKET
from smartshop.data_collection.schemas.ids import LocationId, Micros
from smartshop.data_collection.schemas.orders import Order, Refund
from smartshop.data_collection.schemas.stock import DEFAULT_LOCATION

LONGEST_DAYS = 4 * 366
"""Older days say little of tomorrow, and one order dated 1970 would make twenty thousand of them."""


class OrderBook(Protocol):
    """What of the port of orders is asked here."""

    def scan(self, until: Micros | None = None) -> Iterator[list[Order]]: ...
    def refunds(self, until: Micros | None = None) -> Iterator[Refund]: ...


@dataclass(frozen=True, slots=True)
class DemandQuestion:
    """Which days of which shop."""

    until: Micros
    """Nothing later counts; the last day is the newest that was over by then."""
    timezone: ZoneInfo
    currency: str
    market: str = DEFAULT_MARKET
    longest_days: int = LONGEST_DAYS


@dataclass(frozen=True, slots=True, eq=False)
class DemandTable:
    """n series over t days, by (product, location); a product without a sale in these days has none."""

    product_no: NDArray[np.int32]
    """(n,)"""
    location: NDArray[np.int32]
    """(n,) index into `locations`."""
    locations: tuple[LocationId, ...]
    first_day: int
    """Ordinal of the first day, in the shop's time zone; the days have no gap."""
    sold: NDArray[np.float32]
    """(n, t) units ordered, less those called off the same day."""
    in_stock: NDArray[np.float32]
    """(n, t) 0 to 1: share of a usual day's orders that would have found it there; 1 where stock is not counted."""
    price_minor: NDArray[np.float32]
    """(n, t) as sold; NaN where nothing was."""
    share_off: NDArray[np.float32]
    """(n, t) what discounts of whole orders took off."""
    listed: NDArray[np.int32]
    """(n,) index of the day from which it could be bought: its publication, else its first sale."""
    orders: NDArray[np.int32]
    """(t,) orders of the whole shop: days without any are closed, or lost."""
    promotions: Promotions
    steps: PriceSteps = field(default_factory=no_price_steps)
    """When the shop set other prices; none where it keeps no history of them. Of later days too, which do not count."""
    units_called_off: int = 0
    lines_left_out: int = 0
    """Of unknown products, of no units, or outside the days."""

    def __len__(self) -> int:
        return len(self.product_no)

    @property
    def days(self) -> int:
        """t"""
        return int(self.sold.shape[1])


def load_demand(
    orders: OrderBook,
    stock: StockHistory,
    catalogue: Catalogue,
    shelf: Shelf,
    question: DemandQuestion,
    prices: Prices | None = None,
) -> DemandTable:
    """Read the books up to `question.until`: orders the shop vouches for, refunds, movements of stock, dated offers.

    Variants count for their product, an order without a location for the default one. A quantity below one, a product
    that nobody knows and a day outside the span are left out and counted; a foreign currency hides the price alone.
    """
    rows = DemandRows(number_of=shelf.number_of, currency=question.currency)
    for batch in orders.scan(until=question.until):
        for order in batch:
            rows.add_order(order)
    for refund in orders.refunds(until=question.until):
        rows.add_refund(refund)
    lines = line_table(rows, question.timezone)
    rows.forget_orders()
    first_day, days = _span(lines, question)
    inside = lines.only((lines.day >= first_day) & (lines.day < first_day + days))
    sums = sums_by_day(inside, first_day, days, len(rows.locations))
    hours = selling_hours(lines.order_share)
    grid = DayGrid(first_day, days, question.timezone, hours)
    outages = read_outages(stock, _places(rows, inside, sums), len(sums.product_no), question.until)
    listed = catalogue.changed_since(Micros(0))
    pricing = Pricing(question.currency, question.market, question.until)
    order_days = lines.order_day[(lines.order_day >= first_day) & (lines.order_day < first_day + days)]
    return DemandTable(
        product_no=sums.product_no,
        location=sums.location,
        locations=tuple(rows.locations),
        first_day=first_day,
        sold=sums.sold,
        in_stock=share_in_stock(outages, len(sums.product_no), grid),
        price_minor=sums.price_minor,
        share_off=sums.share_off,
        listed=_listed(sums, shelf.published_at[sums.product_no], outages.counted_since, grid),
        orders=np.bincount(order_days - first_day, minlength=days).astype(np.int32),
        promotions=dated_offers(listed, question.currency, question.market, question.timezone),
        steps=no_price_steps() if prices is None else price_steps(prices.history(), listed, pricing, question.timezone),
        units_called_off=lines.units_called_off,
        lines_left_out=rows.lines_left_out + len(lines.day) - len(inside.day),
    )


def _span(lines: LineTable, question: DemandQuestion) -> tuple[int, int]:
    """The first day and how many there are; no day at all where nothing was sold."""
    last = last_whole_day(question.until, question.timezone)
    earliest = last - question.longest_days + 1
    usable = lines.day[(lines.day >= earliest) & (lines.day <= last)]
    first = int(usable.min()) if len(usable) else last + 1
    return first, last - first + 1


def _places(rows: DemandRows, lines: LineTable, sums: DaySums) -> list[Place]:
    """Every variant of every series with its share of the units. Orders that name no location take from anywhere."""
    variants, locations = list(rows.variants), list(rows.locations)
    key = sums.series * len(variants) + lines.variant
    pairs, place = np.unique(key, return_inverse=True)
    units = np.bincount(place, weights=lines.units, minlength=len(pairs))
    series, variant = pairs // max(len(variants), 1), pairs % max(len(variants), 1)
    weights = units / np.bincount(series, weights=units, minlength=len(sums.product_no))[series]
    anywhere = {locations.index(DEFAULT_LOCATION)} if rows.unlocated else set()
    return [
        Place(one, variants[which], None if sums.location[one] in anywhere else locations[sums.location[one]], weight)
        for one, which, weight in zip(series.tolist(), variant.tolist(), weights.tolist(), strict=True)
    ]


def _listed(
    sums: DaySums, published_at: NDArray[np.int64], counted_since: NDArray[np.int64], grid: DayGrid
) -> NDArray[np.int32]:
    """(n,) From its publication on, a product that nobody bought was wanted by nobody. Not so before the place had
    sold anything at all, or before the first delivery of what was never sold without one.
    """
    if not len(sums.sold):
        return np.zeros(0, np.int32)
    first_sale = np.argmax(sums.sold > 0, axis=1)
    opened = np.full(int(sums.location.max()) + 1, grid.days)
    np.minimum.at(opened, sums.location, first_sale)
    since = np.maximum(_day_of(published_at, grid), opened[sums.location])
    since = np.maximum(since, np.where(counted_since > 0, _day_of(counted_since, grid), 0))
    return np.asarray(np.where(published_at > 0, np.minimum(since, first_sale), first_sale), np.int32)


def _day_of(at: NDArray[np.int64], grid: DayGrid) -> NDArray[np.int64]:
    """Index among the days, below 0 or beyond them too."""
    return local_days(at, grid.timezone)[0].astype(np.int64) - grid.first_day
