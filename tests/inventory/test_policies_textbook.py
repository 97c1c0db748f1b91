"""The textbook policies against every other policy tried one by one, and against nonsense."""

from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from smartshop.ai_agents.inventory.policies.bounds import Floats
from smartshop.ai_agents.inventory.policies.echelons import Grid, SupplyLine, approximate_base_stock, best_base_stock
from smartshop.ai_agents.inventory.policies.economic_order import (
    economic_order,
    economic_order_with_backorders,
    economic_order_with_discounts,
)
from smartshop.ai_agents.inventory.policies.lead_time_demand import lead_time_chances, lead_time_moments
from smartshop.ai_agents.inventory.policies.lot_plan import plan_lots
from smartshop.ai_agents.inventory.policies.newsvendor import (
    newsvendor_discrete,
    newsvendor_normal,
    newsvendor_poisson,
    newsvendor_sample,
    poisson_chances,
)
from smartshop.ai_agents.inventory.policies.prices import Discount, PriceList
from smartshop.ai_agents.inventory.policies.reorder_levels import best_poisson_levels, best_reorder_levels
from smartshop.ai_agents.inventory.policies.reorder_quantity import (
    FixedLot,
    best_lot,
    best_poisson_lot,
    best_reorder_point,
    lot_by_backorder_quantity,
    lot_by_expected_inventory,
    lot_by_loss,
    lot_cost,
    lot_with_safety_stock,
)
from smartshop.errors import InvalidValue

LOT = FixedLot(holding_cost=0.225, stockout_cost=7.5, fixed_cost=8, mean=1300, sd=150, lead_time=1 / 12)


def test_the_economic_order_costs_least() -> None:
    found = economic_order(8, 0.225, 1300)
    assert found.cost == pytest.approx(min(8 * 1300 / q + 0.225 * q / 2 for q in np.arange(250.0, 350.0, 0.01)))
    waiting = economic_order_with_backorders(8, 0.225, 5, 1300)
    assert waiting.cost < found.cost
    assert waiting.short_share == pytest.approx(0.225 / 5.225)


@given(
    fixed=st.floats(0.1, 200),
    rate=st.floats(0.05, 0.9),
    demand=st.floats(10, 5_000),
    second=st.integers(5, 500),
    third=st.integers(501, 3_000),
    falls=st.tuples(st.floats(0.6, 1), st.floats(0.6, 1)),
    discount=st.sampled_from(Discount),
)
def test_no_order_size_beats_the_discounted_one(
    fixed: float, rate: float, demand: float, second: int, third: int, falls: tuple[float, float], discount: Discount
) -> None:
    prices = PriceList((10.0, 10 * falls[0], 10 * falls[0] * falls[1]), (0, second, third), discount)
    found = economic_order_with_discounts(fixed, rate, demand, prices)
    sizes = np.concatenate((np.geomspace(0.5, 20_000, 4_000), [found.units, second, third]))
    bought = prices.cost_of(sizes)
    costs = (bought + fixed) * demand / sizes + rate * bought / 2
    assert found.cost == pytest.approx(costs[-3], rel=1e-9)
    assert found.cost <= costs.min() * (1 + 1e-9)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=6), st.integers(0, 120), st.integers(0, 4))
def test_no_plan_of_lots_is_cheaper(demand: list[int], fixed: int, holding: int) -> None:
    periods, plans = len(demand), []
    for ordered in product([False, True], repeat=periods):
        cost, source = 0.0, None
        for period in range(periods):
            source = period if ordered[period] else source
            if source is None:
                cost += np.inf if demand[period] else 0.0
            else:
                cost += demand[period] * holding * (period - source)
        plans.append(cost + fixed * sum(ordered))
    found = plan_lots([float(units) for units in demand], holding, fixed)
    assert found.cost == pytest.approx(min(plans))
    assert (np.cumsum(found.orders) >= np.cumsum(demand)).all()
    assert found.orders.sum() == sum(demand)


def test_lots_follow_costs_that_change() -> None:
    cheap_first = plan_lots([10, 10], 1.0, 0.0, unit_cost=[1.0, 5.0])
    assert cheap_first.orders.tolist() == [20.0, 0.0]
    assert cheap_first.cost == pytest.approx(20 + 10)
    assert plan_lots([0, 0], 1, 5).cost == 0.0


def test_the_newsvendor_reads_any_law() -> None:
    chances = stats.poisson.pmf(np.arange(40), 6)
    told = newsvendor_discrete(1, 4, np.arange(40.0)[::-1], (chances / chances.sum())[::-1])
    assert told == pytest.approx(newsvendor_poisson(1, 4, 6))
    # A ratio of 0.8 is met by the fourth of five observations exactly.
    assert newsvendor_sample(1, 4, np.array([5.0, 1.0, 3.0, 2.0, 4.0])).units == 4.0
    sample = np.random.default_rng(5).normal(50, 8, 40_000)
    assert newsvendor_sample(0.18, 0.7, sample).units == pytest.approx(
        newsvendor_normal(0.18, 0.7, 50, 8).units, abs=0.2
    )
    assert newsvendor_poisson(1, 4, 0).units == 0


def _average_cost(chances: Floats, at: Floats, levels: range, low: int, high: int, fixed: float) -> float:
    """Of (low, high), by the steady state of the position after ordering. `at`: cost of each of `levels`."""
    states = np.arange(low + 1, high + 1)
    moves, orders = np.zeros((len(states), len(states))), np.zeros(len(states))
    for row, state in enumerate(states):
        for units, chance in enumerate(chances):
            reaches = state - units
            if reaches <= low:
                orders[row] += chance
            moves[row, len(states) - 1 if reaches <= low else reaches - low - 1] += chance
    equations = np.vstack((moves.T - np.eye(len(states)), np.ones(len(states))))
    steady = np.linalg.lstsq(equations, np.append(np.zeros(len(states)), 1.0), rcond=None)[0]
    return float(steady @ (fixed * orders + at[states - levels.start]))


@pytest.mark.parametrize(("holding", "stockout", "fixed", "mean"), [(1, 4, 5, 6), (1, 20, 12, 1.3), (2, 3, 0.0, 2.5)])
def test_no_reorder_levels_are_cheaper(holding: float, stockout: float, fixed: float, mean: float) -> None:
    chances = poisson_chances(mean)
    found = best_poisson_levels(holding, stockout, fixed, mean)
    levels = range(-8, 32)
    units = np.arange(len(chances))
    at = np.array(
        [chances @ (holding * np.maximum(y - units, 0) + stockout * np.maximum(units - y, 0)) for y in levels]
    )
    low, high = int(found.reorder_point), int(found.order_up_to)
    assert found.cost == pytest.approx(_average_cost(chances, at, levels, low, high, fixed))
    others = [
        _average_cost(chances, at, levels, s, s + q, fixed)
        for s in range(max(low - 4, -8), low + 5)
        for q in range(1, min(high - low + 8, 31 - s))
    ]
    assert found.cost == pytest.approx(min(others))


def test_without_a_cost_per_order_stock_is_raised_at_every_review() -> None:
    found = best_poisson_levels(1, 4, 0, 6, lead_time=2)
    level = newsvendor_poisson(1, 4, 6, lead_time=2)
    assert (found.reorder_point, found.order_up_to) == (level.units - 1, level.units)
    assert found.cost == pytest.approx(level.cost)


def test_reorder_levels_take_lumpy_demand() -> None:
    chances = np.zeros(41)
    chances[[0, 1, 40]] = 0.9, 0.08, 0.02
    found = best_reorder_levels(chances, 0.1, 5.0, 2.0)
    assert found.reorder_point < found.order_up_to
    assert found.order_up_to >= 39


def test_the_best_lot_beats_the_approximations_and_its_neighbours() -> None:
    best = best_lot(LOT)
    assert best.cost is not None
    for other in (lot_by_backorder_quantity(LOT), lot_with_safety_stock(LOT), lot_by_loss(LOT)):
        assert best.cost <= lot_cost(LOT, other.reorder_point, other.units)
    for units in (best.units - 3, best.units + 3):
        assert best.cost < lot_cost(LOT, best_reorder_point(LOT, units), units)
    for point in (best.reorder_point - 1, best.reorder_point + 1):
        assert best.cost < lot_cost(LOT, point, best.units)


def test_a_lot_without_spread_is_the_economic_order_with_backorders() -> None:
    steady = FixedLot(0.225, 5, 8, 1300, 0, 1 / 12)
    order = economic_order_with_backorders(8, 0.225, 5, 1300)
    found = lot_by_backorder_quantity(steady)
    assert found.cost == pytest.approx(order.cost)
    assert found.reorder_point == pytest.approx(1300 / 12 - order.units * order.short_share)


@pytest.mark.parametrize(("holding", "stockout", "fixed", "mean", "lead"), [(20, 150, 100, 1.5, 2), (1, 9, 30, 4, 0)])
def test_no_whole_lot_is_cheaper(holding: float, stockout: float, fixed: float, mean: float, lead: float) -> None:
    found = best_poisson_lot(holding, stockout, fixed, mean, lead)
    chances = poisson_chances(mean * lead)
    units = np.arange(len(chances))

    def at(level: int) -> float:
        return float(chances @ (holding * np.maximum(level - units, 0) + stockout * np.maximum(units - level, 0)))

    costs = [
        (fixed * mean + sum(at(y) for y in range(r + 1, r + q + 1))) / q for r in range(-6, 12) for q in range(1, 30)
    ]
    assert found.cost == pytest.approx(min(costs))


def test_a_finer_grid_comes_to_the_textbook_cost_of_a_supply_line() -> None:
    line = SupplyLine((3, 2, 2), (1, 1, 2), 37.12, 5, 1)
    fine = best_base_stock(line, Grid(level_steps=6_000, demand_steps=600, reach=5))
    # Snyder & Shen, example 6.1: 6.49, 12.02, 22.71, at 47.65.
    assert fine.levels == pytest.approx((6.49, 12.02, 22.71), abs=0.01)
    assert fine.cost == pytest.approx(47.65, rel=5e-4)
    assert approximate_base_stock(line).levels == pytest.approx(fine.levels, abs=0.1)


def test_one_stage_is_a_newsvendor() -> None:
    found = best_base_stock(SupplyLine((0.18,), (4.0,), 0.7, 50, 8), Grid(4_000, 1_000, 6))
    # Its order covers four periods, not five: nothing is sold while stock is reviewed.
    level = newsvendor_normal(0.18, 0.7, 50, 8, lead_time=3)
    assert found.levels[0] == pytest.approx(level.units, abs=0.2)
    assert found.cost == pytest.approx(level.cost, rel=1e-3)


def test_lead_times_that_vary_widen_demand() -> None:
    assert lead_time_moments(10, 3, 4) == pytest.approx((40, 6))
    assert lead_time_moments(10, 3, 4, 1.5) == pytest.approx((40, np.sqrt(36 + 225)))
    assert lead_time_moments(10, 3, 0) == (0, 0)
    each, lead = poisson_chances(2.0), np.array([0.0, 0.5, 0.0, 0.5])
    found = lead_time_chances(each, lead)
    units = np.arange(len(found))
    mean = float(found @ units)
    assert mean == pytest.approx(4.0)
    assert float(found @ units**2) - mean**2 == pytest.approx(lead_time_moments(2, np.sqrt(2), 2, 1).sd ** 2)
    mixed = (stats.poisson.pmf(units, 2) + stats.poisson.pmf(units, 6)) / 2
    assert found == pytest.approx(mixed, abs=1e-12)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (lambda: economic_order(0, 1, 1), "fixed cost of an order is 0"),
        (lambda: economic_order(1, float("inf"), 1), "holding cost is inf"),
        (lambda: economic_order(1, 1, -5), "demand rate is -5"),
        (lambda: PriceList((1.0, 0.9), (0, 10, 20)), "2 prices and 3 breakpoints"),
        (lambda: PriceList((1.0, 0.9), (0, 0)), "begin with 0 and rise"),
        (lambda: PriceList((1.0, 1.2), (0, 10)), "never dearer per unit"),
        (lambda: PriceList((0.0,)), "unit cost is 0"),
        (lambda: plan_lots([], 1, 1), "no period"),
        (lambda: plan_lots([3, -1], 1, 1), "Demand is -1"),
        (lambda: plan_lots([3, 1], [1, 2, 3], 1), "3 values for 2 periods"),
        (lambda: newsvendor_normal(1, 1, -2, 1), "Mean demand is -2"),
        (lambda: newsvendor_normal(1, 0, 2, 1), "stock-out cost is 0"),
        (lambda: newsvendor_normal(1, 1, 2, 1, lead_time=-1), "lead time is -1"),
        (lambda: newsvendor_sample(1, 1, np.array([])), "sample of demand is empty"),
        (lambda: best_poisson_levels(1, 4, 5, 1e9), "count in packs"),
        (lambda: best_reorder_levels(np.array([1.0]), 1, 4, 5), "Demand is always 0"),
        (lambda: best_poisson_lot(1, 4, 5, 0, 2), "Mean demand is 0"),
        (lambda: lot_cost(LOT, 1, 0), "order quantity is 0"),
        (lambda: lot_by_expected_inventory(FixedLot(1, 0.01, 8, 10, 2, 1)), "below the cost of holding a lot"),
        (lambda: lot_by_loss(FixedLot(1, 2, 8, 10, 0, 1)), "spread of demand over the lead time is 0"),
        (lambda: lead_time_moments(1, 1, -1), "lead time is -1"),
        (lambda: lead_time_chances(np.array([0.5, 0.4]), np.array([1.0])), "adds up to 0.9"),
        (lambda: SupplyLine((1, 2), (1,), 3, 5, 1), "1 lead times and 2 holding costs"),
        (lambda: SupplyLine((1,), (0,), 3, 5, 1), "A lead time is 0"),
    ],
)
def test_nonsense_is_told_in_a_sentence(asked: Callable[[], object], says: str) -> None:
    with pytest.raises(InvalidValue, match=says):
        asked()


def test_huge_numbers_stay_numbers() -> None:
    assert economic_order(1e12, 1e-6, 1e12).units == pytest.approx(np.sqrt(2e30))
    assert newsvendor_normal(1e-9, 1e9, 1e12, 1e9).units > 1e12
    assert newsvendor_poisson(1, 1e6, 1e9).units > 1e9
    assert np.isfinite(lot_cost(LOT, 1e9, 1e9))
