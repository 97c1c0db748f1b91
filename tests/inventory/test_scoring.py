"""How decisions are scored: worked out by hand, and in a world whose law of demand is known."""

import numpy as np
import pytest
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.replenishment.kept import compact_law
from smartshop.ai_agents.inventory.replenishment.scoring import (
    Days,
    Terms,
    best_orders,
    chance_within,
    level_met,
    live_through,
    money,
    on_their_way,
)
from smartshop.data_collection.schemas.proposals import ToldLaw
from smartshop.simulator.scenario import load_scenario
from smartshop.simulator.supply import make_supply_world

Floats = NDArray[np.float64]
STRETCH = 21


def days(asked_for: list[float], on_hand: float = 5.0, arrived: list[float] | None = None) -> Days:
    shape = (1, len(asked_for))
    return Days(
        on_hand=np.array([on_hand]),
        asked_for=np.array([asked_for]),
        arrived=np.zeros(shape) if arrived is None else np.array([arrived]),
        moved=np.zeros(shape),
        length=np.ones(shape),
    )


def terms(arrives: int = 2, pack: int = 1, least: int = 0, order: float = 0.0) -> Terms:
    return Terms(
        arrives=np.array([arrives]),
        pack=np.array([pack]),
        least=np.array([least]),
        holding=np.array([0.1]),
        missed=np.array([4.0]),
        order=np.array([order]),
    )


def test_stock_falls_with_what_is_asked_for_and_what_is_not_there_is_missed() -> None:
    # 5 there; 2 + 2 + 2 asked for: 3, then 1, then 1 is sold and 1 missed; 10 come, 2 go.
    outcome = live_through(days([2, 2, 2, 2]), np.array([10.0]), np.array([3]))
    assert (outcome.short.item(), outcome.left.item()) == (1.0, 8.0)
    assert outcome.short_before.item() == 1.0
    assert live_through(days([2, 2, 2, 2]), np.array([1.0]), np.array([2])).short_before.item() == 0.0
    # Even through each day: 4 + 2 + 0.5 + 9 unit-days.
    assert outcome.held.item() == pytest.approx(15.5)


def test_goods_on_their_way_and_losses_count_and_a_level_is_never_below_zero() -> None:
    lived = days([1, 1, 1], on_hand=1.0, arrived=[0.0, 4.0, 0.0])
    lost = Days(lived.on_hand, lived.asked_for, lived.arrived, np.array([[0.0, 0.0, -9.0]]), lived.length)
    assert live_through(lived, np.zeros(1), np.array([9])).short.item() == 0.0
    assert live_through(lost, np.zeros(1), np.array([9])).short.item() == 1.0


def test_money_is_holding_and_missed_sales_and_the_orders_own_cost() -> None:
    lived, asked = days([2, 2, 2, 2]), terms(arrives=3, order=7.0)
    assert money(lived, asked, np.array([10.0])).item() == pytest.approx(0.1 * 15.5 + 4.0 * 1.0 + 7.0)
    # Nothing ordered: 4 + 2 + 0.5 unit-days, 1 + 2 missed.
    assert money(lived, asked, np.zeros(1)).item() == pytest.approx(0.65 + 12.0)


def test_with_hindsight_just_what_was_missing_is_ordered() -> None:
    assert best_orders(days([2, 2, 2, 2]), terms(arrives=2)).tolist() == [3]
    # Three came too late to help on the third day.
    assert best_orders(days([2, 2, 2, 2]), terms(arrives=3)).tolist() == [2]
    assert best_orders(days([2, 2, 2, 2]), terms(arrives=9)).tolist() == [0]
    assert best_orders(days([1, 1, 1, 1]), terms()).tolist() == [0]


def test_hindsight_is_bound_to_packs_smallest_orders_and_what_an_order_costs() -> None:
    assert best_orders(days([2, 2, 2, 2]), terms(pack=4)).tolist() == [4]
    assert best_orders(days([2, 2, 2, 2]), terms(pack=2, least=9)).tolist() == [10]
    assert best_orders(days([2, 2, 2, 2]), terms(order=100.0)).tolist() == [0]


def test_no_size_would_have_been_better_than_the_best() -> None:
    rng = np.random.default_rng(1)
    many, reach = 200, 12
    lived = Days(
        on_hand=rng.integers(0, 12, many).astype(float),
        asked_for=rng.poisson(rng.gamma(1.0, 2.0, (many, 1)), (many, reach)).astype(float),
        arrived=rng.poisson(0.5, (many, reach)).astype(float),
        moved=rng.integers(-2, 3, (many, reach)).astype(float),
        length=np.ones((many, reach)),
    )
    asked = Terms(
        arrives=rng.integers(0, reach + 3, many),
        pack=rng.integers(1, 7, many),
        least=rng.integers(0, 15, many),
        holding=rng.uniform(0.01, 1.0, many),
        missed=rng.uniform(0.5, 9.0, many),
        order=rng.uniform(0.0, 10.0, many),
    )
    best = money(lived, asked, best_orders(lived, asked).astype(float))
    fewest = np.maximum(-(-asked.least // asked.pack), 1)
    for packs in [None, *range(80)]:
        units = np.zeros(many) if packs is None else ((fewest + packs) * asked.pack).astype(float)
        assert (best <= money(lived, asked, units) + 1e-9).all()


def test_the_best_of_thousands_of_sizes_is_found() -> None:
    # 3,000 asked for on each of two days after the goods came.
    assert best_orders(days([5, 3_000, 3_000]), terms(arrives=1)).tolist() == [6_000]


def test_what_was_ordered_afterwards_was_not_on_its_way() -> None:
    assert on_their_way(((0, 3), (4, 3)), 4, 3).tolist() == [3.0, 0.0, 0.0]
    assert on_their_way((), 4, 3).tolist() == [0.0, 0.0, 0.0]


def test_demand_falls_in_a_law_between_the_chance_of_less_and_of_as_much() -> None:
    law = ToldLaw((0.0, 1.0, 2.0), (0.2, 0.7, 1.0))
    assert [chance_within(law, units) for units in (-1, 0, 1, 2, 50)] == [0.0, 0.2, 0.7, 1.0, 1.0]
    assert level_met(law, 0, 1.0) == pytest.approx(0.2)
    assert level_met(law, 2, 0.0) == pytest.approx(0.7)


def test_a_law_held_by_few_points_tells_the_same_chances() -> None:
    units = np.arange(2_000.0)
    within = np.append(np.cumsum(np.exp(-(((units[:-1] - 900) / 150) ** 2) / 2)), np.inf)
    within = np.minimum(within / within[-2], 1.0)
    law = compact_law(units, within)
    assert len(law.units) <= 64
    for level in (0, 450, 700, 900, 1_000, 1_300, 1_999):
        assert chance_within(law, level) == pytest.approx(float(within[level]), abs=0.01)


@pytest.fixture(scope="module")
def stretches() -> tuple[Floats, Floats]:
    """(n,) units that truly came over a stretch, and (draws, n) of the same law, in the simulator's world of supply."""
    world = make_supply_world(load_scenario("outdoor_store"), 3, products=400, history_days=364, test_days=28)
    came = world.demand[:, 364 : 364 + STRETCH].sum(axis=1).astype(float)
    rng = np.random.default_rng(5)
    lines = rng.poisson(world.lines[:, 364 : 364 + STRETCH].sum(axis=1), (4_000, len(world)))
    return came, (lines + rng.poisson(lines * (world.units - 1.0))).astype(float)


def met(came: Floats, draws: Floats) -> Floats:
    rng = np.random.default_rng(0)
    found = []
    for units, drawn in zip(came, draws.T, strict=True):
        values = np.arange(max(units, drawn.max()) + 2)
        within = np.searchsorted(np.sort(drawn), values, side="right") / len(drawn)
        found.append(level_met(compact_law(values, within), float(units), float(rng.random())))
    return np.array(found)


def test_laws_that_are_true_are_seen_to_hold(stretches: tuple[Floats, Floats]) -> None:
    found = met(*stretches)
    # 400 draws of a share of one half or nine tenths: three standard errors.
    assert (found <= 0.5).mean() == pytest.approx(0.5, abs=0.075)
    assert (found <= 0.9).mean() == pytest.approx(0.9, abs=0.045)
    assert found.mean() == pytest.approx(0.5, abs=0.045)


def test_laws_that_are_too_low_are_seen_to_be(stretches: tuple[Floats, Floats]) -> None:
    came, draws = stretches
    found = met(came, np.floor(0.6 * draws))
    assert (found <= 0.5).mean() < 0.42
    assert (found <= 0.9).mean() < 0.8
