"""A shop's years of supply: the law that is known is the one that is drawn, and the books add up under any policy."""

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

from smartshop.errors import InvalidValue
from smartshop.simulator.scenario import SHIPPED, load_scenario
from smartshop.simulator.supply import Counts, SupplyWorld, lead_chances, make_supply_world
from smartshop.simulator.supply_run import Books, Seen, live_on, open_books

YEAR = 364


@cache
def world_of(name: str, seed: int = 1) -> SupplyWorld:
    return make_supply_world(load_scenario(name), seed, products=60, history_days=YEAR, test_days=YEAR)


@dataclass(frozen=True)
class OrderUpTo:
    """Raises every position to the same level."""

    level: int

    def orders(self, seen: Seen) -> Counts:
        return np.maximum(self.level - seen.position, 0)


@dataclass(frozen=True)
class Never:
    def orders(self, seen: Seen) -> Counts:
        return np.zeros(len(seen.on_hand), np.int64)


def test_the_same_seed_gives_the_same_world_and_another_seed_another() -> None:
    again = make_supply_world(load_scenario("outdoor_store"), 1, products=60, history_days=YEAR, test_days=YEAR)
    assert (again.demand == world_of("outdoor_store").demand).all()
    assert (again.lead_days == world_of("outdoor_store").lead_days).all()
    assert (world_of("outdoor_store", 2).demand != again.demand).any()


@pytest.mark.parametrize("name", SHIPPED)
def test_what_is_drawn_follows_the_law_that_is_told(name: str) -> None:
    world = world_of(name)
    came, mean, variance = world.demand.sum(axis=1), world.mean.sum(axis=1), world.variance.sum(axis=1)
    assert abs((came - mean).sum()) < 4 * np.sqrt(variance.sum())
    scores = (came - mean) / np.sqrt(variance)
    # The square of a standard score is 1 on the mean, with a standard error of √(2/60) and a little for rare products.
    assert 0.4 < float((scores**2).mean()) < 1.8


@pytest.mark.parametrize("name", SHIPPED)
def test_products_range_from_hardly_sold_to_sold_daily(name: str) -> None:
    weekly = world_of(name).mean[:, YEAR:].mean(axis=1) * 7
    assert weekly.min() < 0.3
    assert weekly.max() > 7


def test_a_season_of_the_scenario_moves_demand() -> None:
    world = world_of("home_and_garden")
    seasons = [leaf.season for leaf in world.scenario.leaves]
    chosen = [product for product, leaf in enumerate(world.leaf) if seasons[leaf] == "christmas"]
    by_week = world.mean[chosen, YEAR:].reshape(len(chosen), 52, 7).sum(axis=2)
    peak = by_week.argmax(axis=1)
    # The world begins in the last days of December: the peak lies in the year's last weeks, or in its first.
    assert ((peak > 43) | (peak < 3)).all()
    assert (by_week.max(axis=1) > 5 * by_week.min(axis=1)).all()


def test_nothing_is_wanted_before_a_launch() -> None:
    world = world_of("outdoor_store")
    launched = np.flatnonzero(world.launch_day > 0)
    assert len(launched)
    assert (world.launch_day < YEAR).all()
    assert all(world.demand[product, : world.launch_day[product]].sum() == 0 for product in launched)


def test_lead_times_follow_their_chances() -> None:
    world = world_of("outdoor_store")
    for number, supplier in enumerate(world.scenario.suppliers):
        chances = lead_chances(supplier)
        assert chances.sum() == pytest.approx(1.0)
        assert chances[0] == 0.0
        assert chances @ np.arange(len(chances)) == pytest.approx(supplier.lead_time_days, abs=0.05)
        drawn = world.lead_days[world.supplier == number]
        assert drawn.mean() == pytest.approx(supplier.lead_time_days, abs=0.15)


def test_costs_and_units_add_up_day_by_day() -> None:
    world = world_of("outdoor_store").of(np.arange(10))
    books = open_books(world, 20.0)
    opening = books.on_hand.copy()
    cost = live_on(world, books, 2 * YEAR, OrderUpTo(12))
    ordered = books.arriving[:, : 2 * YEAR].sum(axis=1)
    sold = books.sold.sum(axis=1)
    assert (opening + ordered - sold == books.on_hand).all()
    assert (cost.wanted - cost.missed == sold).all()
    assert (cost.wanted == world.demand.sum(axis=1)).all()
    shelf = opening[:, None] + np.cumsum(books.arriving[:, : 2 * YEAR] - books.sold, axis=1)
    assert (shelf >= 0).all()
    assert cost.holding == pytest.approx(shelf.sum(axis=1) * world.holding_per_unit_day)
    assert cost.lost == pytest.approx(cost.missed * (world.price - world.unit_cost))
    assert cost.total == pytest.approx(cost.holding + cost.ordering + cost.lost)


def test_orders_arrive_after_their_lead_time_and_are_told_then() -> None:
    world = world_of("outdoor_store").of(np.array([0]))
    world = replace(world, demand=np.zeros_like(world.demand), lead_days=np.full_like(world.lead_days, 5))
    books = Books(0, np.zeros_like(world.demand), np.zeros(world.demand.shape), np.zeros(1, np.int64),
                  np.zeros((1, world.days + 6), np.int64))  # fmt: skip
    cost = live_on(world, books, 5, OrderUpTo(3))
    assert books.on_hand.tolist() == [0]
    assert cost.ordering.tolist() == [world.scenario.supply.order_cost]
    live_on(world, books, 6, OrderUpTo(3))
    assert books.on_hand.tolist() == [3]
    assert [took for _, _, took in books.receipts] == [5]


def test_an_empty_shelf_loses_its_sales_and_hides_them_from_the_books() -> None:
    world = world_of("outdoor_store").of(np.arange(10))
    books = open_books(world, 7.0)
    cost = live_on(world, books, 2 * YEAR, Never())
    assert cost.ordering.sum() == 0
    assert cost.missed.sum() > 0
    assert (books.sold <= world.demand).all()
    out = books.in_stock == 0.0
    assert out.any()
    assert books.sold[out].sum() == 0


def test_a_policy_sees_only_the_past() -> None:
    world = world_of("outdoor_store").of(np.arange(5))
    widths = list[tuple[int, int, int]]()

    @dataclass(frozen=True)
    class Watches:
        def orders(self, seen: Seen) -> Counts:
            widths.append((seen.day, seen.sold.shape[1], len(seen.receipts)))
            return np.ones(5, np.int64)

    live_on(world, open_books(world, 7.0), 35, Watches())
    assert [(day, width) for day, width, _ in widths] == [(day, day) for day in range(0, 35, 7)]
    assert widths[0][2] == 0
    assert widths[-1][2] > 0


def test_shops_with_the_same_past_go_on_by_themselves() -> None:
    world = world_of("home_and_garden").of(np.arange(10))
    books = open_books(world, 20.0)
    live_on(world, books, 140, OrderUpTo(10))
    one, other = books.copy(), books.copy()
    first = live_on(world, one, YEAR, OrderUpTo(10))
    live_on(world, other, YEAR, Never())
    assert books.day == 140
    again = live_on(world, books, YEAR, OrderUpTo(10))
    assert (first.total == again.total).all()


def test_what_cannot_be_made_is_refused_in_words() -> None:
    scenario = load_scenario("outdoor_store")
    with pytest.raises(InvalidValue, match="0 products"):
        make_supply_world(scenario, 1, products=0, history_days=YEAR, test_days=YEAR)
    with pytest.raises(InvalidValue, match="history has 365 days"):
        make_supply_world(scenario, 1, products=5, history_days=365, test_days=YEAR)
    world = world_of("outdoor_store").of(np.arange(5))
    with pytest.raises(InvalidValue, match="Day 9999"):
        live_on(world, open_books(world, 7.0), 9999, Never())
