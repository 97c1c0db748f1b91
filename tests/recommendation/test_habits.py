"""What shoppers come back to: cycles, returns and demand, in worlds whose rhythm is known."""

import numpy as np
import pytest

from smartshop.ai_agents.recommendation.habits import UNHEARD_LOOK, Habits, HabitsConfig, learn_habits, turns_of
from tests.recommendation.worlds import DAY, SECOND, START, Row, order, sequences_of, view

SOAP, TENT, CANDLE, LAMP = 0, 1, 2, 3
N = 5
BOLD = HabitsConfig(shrinkage=0.001)
"""Believes what it sees."""


def rows_of(cycles: dict[int, float], shoppers: int = 10, days: int = 200) -> list[Row]:
    """Every shopper orders each product again after as many days as it says."""
    rows: list[Row] = []
    for shopper in range(shoppers):
        for product, cycle in cycles.items():
            for turn in range(int(days // cycle)):
                rows += order(shopper, [product], START + int(turn * cycle * DAY), len(rows))
    return rows


def learned(rows: list[Row], config: HabitsConfig = BOLD, category: tuple[int, ...] = (0,) * N) -> Habits:
    sequences = sequences_of(rows, N)
    as_of = int(sequences.occurred_at.max(initial=0))
    return learn_habits(sequences, np.array(category, np.int32), as_of, config)


def test_the_cycle_of_a_product_is_the_median_gap_between_two_orders_by_one_shopper() -> None:
    habits = learned(rows_of({SOAP: 20, TENT: 50}))
    assert habits.cycle[[SOAP, TENT]].tolist() == pytest.approx([20, 50], rel=1e-3)


def test_a_product_of_few_repeats_is_shrunk_to_its_category_and_that_to_the_shop() -> None:
    rows = rows_of({SOAP: 10, LAMP: 80})
    habits = learned(rows, HabitsConfig(shrinkage=5.0), category=(1, 0, 1, 2, 0))
    assert habits.cycle[SOAP] < habits.cycle[CANDLE] < habits.usual_cycle
    assert habits.usual_cycle < habits.cycle[LAMP] < 80
    assert habits.cycle[TENT] == pytest.approx(habits.usual_cycle)


def test_returns_are_higher_where_orders_are_repeated_and_one_for_the_shops_mean() -> None:
    rows = rows_of({SOAP: 20}) + [row for s in range(10) for row in order(s, [TENT], START + s * DAY, 900 + s)]
    habits = learned(rows, BOLD, category=(1, 2, 0, 0, 0))
    assert habits.returns[SOAP] > 1 > habits.returns[TENT]
    assert habits.returns[CANDLE] == pytest.approx(1, rel=0.01)


def test_an_order_that_had_no_time_to_be_repeated_says_nothing_of_returns() -> None:
    rows = rows_of({SOAP: 20}, days=190)
    late = [row for s in range(40) for row in order(s + 100, [SOAP], START + 190 * DAY, 900 + s)]
    assert learned(rows + late).returns[SOAP] == pytest.approx(learned(rows).returns[SOAP], rel=0.02)


def test_what_is_in_demand_now_is_wanted_more_than_what_was() -> None:
    early = [row for s in range(30) for row in order(s, [TENT], START, s)]
    late = [row for s in range(30) for row in order(s, [SOAP], START + 150 * DAY, 100 + s)]
    habits = learned(early + late)
    assert habits.wanted[SOAP] > habits.wanted[CANDLE] > habits.wanted[TENT] > 0
    assert habits.wanted[CANDLE] == 1


def test_a_look_weighs_what_looks_are_followed_by() -> None:
    orders = rows_of({SOAP: 20})
    looked_once = [view(s, TENT, START + s * DAY + 5 * SECOND) for s in range(10)]
    looked_daily = [view(s, TENT, START + d * DAY + 5 * SECOND) for s in range(10) for d in range(100)]
    assert learned(orders + looked_once).look_weight < 0.1
    assert learned(orders + looked_daily).look_weight > 0.9
    assert learned(orders).look_weight == pytest.approx(UNHEARD_LOOK)


def test_signs_of_one_visit_are_one_turn_and_an_order_if_one_of_them_is() -> None:
    rows = [view(0, SOAP, START), view(0, TENT, START + SECOND), view(0, SOAP, START + 2 * SECOND)]
    rows += order(0, [SOAP], START + 3 * SECOND, 7)
    turns = turns_of(sequences_of(rows, N))
    assert turns.product.tolist() == [SOAP, TENT]
    assert turns.is_order.tolist() == [True, False]
    assert np.isinf(turns.until_next).all()


def test_without_any_sign_every_product_is_alike() -> None:
    habits = learned([], HabitsConfig())
    assert habits.wanted.tolist() == habits.returns.tolist() == [1.0] * N
    assert habits.cycle.tolist() == pytest.approx([30.0] * N)
    assert habits.usual_cycle == pytest.approx(30)
