"""A policy of replenishment lives through a world's days: deliveries, sales, lost sales, and what it all cost."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from smartshop.errors import InvalidValue
from smartshop.simulator.supply import Counts, Floats, SupplyWorld


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a shop's books say on the morning of a review; n products."""

    day: int
    """Days known; today is the day of this index."""
    sold: Counts
    """(n, day) units: never more than there were."""
    in_stock: Floats
    """(n, day) share of the day that there was something to sell."""
    on_hand: Counts
    """(n,)"""
    on_order: Counts
    """(n,) ordered and not yet there."""
    receipts: tuple[tuple[int, int], ...]
    """(supplier, days it took) of each order that came, oldest first."""

    @property
    def position(self) -> Counts:
        """(n,) there and on its way."""
        return self.on_hand + self.on_order


class Replenishment(Protocol):
    """Says at every review what to order. It sees the books alone; what else it knows it was made with."""

    def orders(self, seen: Seen) -> Counts: ...


@dataclass(slots=True, eq=False)
class Books:
    """The shop's state, carried from one stretch of days to the next."""

    day: int
    sold: Counts
    """(n, t)"""
    in_stock: Floats
    """(n, t)"""
    on_hand: Counts
    arriving: Counts
    """(n, t + longest lead time) units that come on a day's morning."""
    receipts: list[tuple[int, int, int]] = field(default_factory=list)
    """(day of arrival, supplier, days it took)"""

    def copy(self) -> "Books":
        """Another shop with the same past: both go on by themselves."""
        return Books(
            self.day,
            self.sold.copy(),
            self.in_stock.copy(),
            self.on_hand.copy(),
            self.arriving.copy(),
            list(self.receipts),
        )


@dataclass(frozen=True, slots=True, eq=False)
class SupplyCost:
    """(n,) money over the days counted, and units."""

    holding: Floats
    ordering: Floats
    lost: Floats
    """Margin of what was wanted and not there."""
    wanted: Counts
    missed: Counts

    @property
    def total(self) -> Floats:
        """(n,)"""
        return self.holding + self.ordering + self.lost

    @property
    def fill_rate(self) -> float:
        """Share of all units wanted that were there; 1 where nothing was."""
        wanted = int(self.wanted.sum())
        return 1.0 - int(self.missed.sum()) / wanted if wanted else 1.0


def open_books(world: SupplyWorld, opening_days: float) -> Books:
    """A shop that begins with so many days of the first year's expected sales on its shelf."""
    usual = world.mean[:, : min(365, world.days)].mean(axis=1)
    longest = int(world.lead_days.max()) + 1
    return Books(
        day=0,
        sold=np.zeros((len(world), world.days), np.int64),
        in_stock=np.zeros((len(world), world.days)),
        on_hand=np.ceil(usual * opening_days).astype(np.int64) + 1,
        arriving=np.zeros((len(world), world.days + longest), np.int64),
    )


def live_on(world: SupplyWorld, books: Books, until: int, policy: Replenishment) -> SupplyCost:
    """Let the shop live until the morning of a day; `books` are written on.

    Orders are placed in the morning of each review day, after deliveries; what is not there is not bought later.

    Raises:
        InvalidValue: the day is beyond the world, or the policy orders less than nothing.
    """
    if not books.day <= until <= world.days:
        raise InvalidValue(f"Day {until} cannot be lived until; the books stand at {books.day} of {world.days}.")
    n, first = len(world), books.day
    held, orders, missed = np.zeros(n), np.zeros(n), np.zeros(n, np.int64)
    for day in range(first, until):
        books.on_hand += books.arriving[:, day]
        if day % world.scenario.supply.review_days == 0:
            orders += _place(world, books, day, policy)
        wanted = world.demand[:, day]
        sold = np.minimum(wanted, books.on_hand)
        books.sold[:, day] = sold
        books.in_stock[:, day] = _share_in_stock(books.on_hand, wanted, day >= world.launch_day)
        books.on_hand -= sold
        missed += wanted - sold
        held += books.on_hand
        books.day = day + 1
    return SupplyCost(
        holding=held * world.holding_per_unit_day,
        ordering=orders * world.scenario.supply.order_cost,
        lost=missed * world.margin,
        wanted=world.demand[:, first:until].sum(axis=1),
        missed=missed,
    )


def see(books: Books) -> Seen:
    """What the books say now."""
    day = books.day
    return Seen(
        day=day,
        sold=books.sold[:, :day],
        in_stock=books.in_stock[:, :day],
        on_hand=books.on_hand.copy(),
        on_order=books.arriving[:, day + 1 :].sum(axis=1),
        receipts=tuple((supplier, took) for came, supplier, took in books.receipts if came <= day),
    )


def _place(world: SupplyWorld, books: Books, day: int, policy: Replenishment) -> Floats:
    """(n,) 1 where an order was placed."""
    units = policy.orders(see(books))
    if (units < 0).any():
        raise InvalidValue(f"An order of {int(units.min())} units was asked for; it is at least 0.")
    for product in np.flatnonzero(units).tolist():
        took = int(world.lead_days[product, day])
        books.arriving[product, day + took] += units[product]
        books.receipts.append((day + took, int(world.supplier[product]), took))
    return (units > 0).astype(np.float64)


def _share_in_stock(on_hand: Counts, wanted: Counts, is_listed: NDArray[np.bool_]) -> Floats:
    """(n,) of the day: wanted units come evenly, so the shelf lasts as long as its units' share of them."""
    share = np.where(on_hand >= wanted, 1.0, on_hand / np.maximum(wanted, 1))
    return np.asarray(np.where((on_hand > 0) & is_listed, share, 0.0), np.float64)
