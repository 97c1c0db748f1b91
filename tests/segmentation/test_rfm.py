"""Fifths and groups: every combination of scores has one group, ties share, and one customer can be scored alone."""

from itertools import product

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.purchases import Purchases, purchases_of
from smartshop.ai_agents.segmentation.rfm import (
    PROSPECTS,
    RFM_GROUPS,
    RfmEdges,
    fit_rfm,
    group_of,
    recency_days_of,
    score,
)
from smartshop.data_collection.schemas.ids import Micros
from tests.segmentation.activities import Order, activity_of

Array = NDArray[np.float64]
NOW = Micros(0)

NAMES = "Champions|Loyal|Active|New|Promising|Needs attention|At risk|Previously loyal|Almost lost|Dormant|Prospects"


def buyers(recency: list[float], frequency: list[int], spent: list[int], age: float = 900.0) -> Purchases:
    n = len(recency)
    x = np.array(frequency, np.float64) - 1
    T = np.full(n, age)  # noqa: N806
    return Purchases(
        x=x,
        t_x=T - np.array(recency),
        T=T,
        mean_value_minor=np.where(x > 0, 100.0, np.nan),
        mean_purchase_minor=np.full(n, 100.0),
        spent_minor=np.array(spent, np.int64),
        buyer=np.arange(n, dtype=np.int32),
    )


def scored(edges: RfmEdges, of: Purchases) -> NDArray[np.int8]:
    return score(edges, recency_days_of(of), of.x + 1, of.spent_minor.astype(np.float64))


def test_each_of_the_125_combinations_falls_under_exactly_one_rule() -> None:
    for scores in product(range(1, 6), repeat=3):
        holding = [(group.name, rule) for group in RFM_GROUPS for rule in group.rules if rule.holds(*scores)]
        assert len(holding) == 1, (scores, holding)
        (found,) = group_of(np.array([scores], np.int8))
        assert RFM_GROUPS[found].name == holding[0][0]


def test_the_groups_have_the_public_names() -> None:
    assert "|".join(group.name for group in RFM_GROUPS) == NAMES
    assert [str(group.segment_id) for group in RFM_GROUPS][5] == "rfm-needs-attention"
    assert len({group.segment_id for group in RFM_GROUPS}) == 11
    assert RFM_GROUPS[0].rule_in_words() == "R 5, F 4–5, M 4–5"
    assert all(group.sentence.endswith(".") for group in RFM_GROUPS)


def test_a_better_customer_is_never_in_a_group_further_gone() -> None:
    """With recency alone rising, nobody falls from those who are here to those who are away."""
    away = {"At risk", "Previously loyal", "Almost lost", "Dormant"}
    for frequency, money in product(range(1, 6), repeat=2):
        names = [RFM_GROUPS[group_of(np.array([[r, frequency, money]], np.int8))[0]].name for r in range(1, 6)]
        assert [name in away for name in names] == [True, True, False, False, False]


def test_a_hundred_different_buyers_fill_the_fifths_evenly() -> None:
    rng = np.random.default_rng(4)
    everybody = buyers(
        rng.permutation(100).astype(float).tolist(),
        (1 + rng.permutation(100)).tolist(),
        (rng.permutation(100) * 1_000).tolist(),
    )
    scores = scored(fit_rfm(everybody, NOW), everybody)
    for column in scores.T:
        assert np.bincount(column).tolist() == [0, 20, 20, 20, 20, 20]
    best = int(np.argmin(recency_days_of(everybody)))
    assert scores[best, 0] == 5
    assert scores[int(np.argmax(everybody.x)), 1] == 5
    assert scores[int(np.argmin(everybody.spent_minor)), 2] == 1


def test_where_all_are_alike_all_are_in_the_middle() -> None:
    everybody = buyers([10.0] * 50, [2] * 50, [5_000] * 50)
    edges = fit_rfm(everybody, NOW)
    assert np.all(scored(edges, everybody) == 3)
    better, worse = buyers([1.0], [3], [9_000]), buyers([300.0], [1], [-10])
    assert scored(edges, better).tolist() == [[5, 5, 5]]
    assert scored(edges, worse).tolist() == [[1, 1, 1]]


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 6), st.integers(-50, 50)), min_size=1, max_size=80))
def test_equal_is_scored_equal_and_more_never_less(rows: list[tuple[int, int, int]]) -> None:
    recency, frequency, spent = (list(column) for column in zip(*rows, strict=True))
    everybody = buyers([float(days) for days in recency], frequency, spent)
    scores = scored(fit_rfm(everybody, NOW), everybody)
    assert scores.min() >= 1
    assert scores.max() <= 5
    for values, column in ((-recency_days_of(everybody), 0), (everybody.x, 1), (everybody.spent_minor, 2)):
        rank = np.argsort(values, kind="stable")
        steps, rises = np.diff(scores[rank, column]), np.diff(values[rank]) > 0
        assert np.all(steps >= 0)
        assert np.all(steps[~rises] == 0)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 6), st.integers(-50, 50)), min_size=1, max_size=40))
def test_one_customer_alone_is_scored_the_same(rows: list[tuple[int, int, int]]) -> None:
    recency, frequency, spent = (list(column) for column in zip(*rows, strict=True))
    everybody = buyers([float(days) for days in recency], frequency, spent)
    edges = fit_rfm(everybody, NOW)
    together = scored(edges, everybody)
    for place, (days, orders, money) in enumerate(rows):
        assert scored(edges, buyers([float(days)], [orders], [money])).tolist() == [together[place].tolist()]


def test_who_never_bought_is_a_prospect() -> None:
    edges = fit_rfm(buyers([1.0, 5.0, 9.0], [1, 2, 3], [10, 20, 30]), NOW)
    scores = score(edges, np.array([np.nan]), np.array([0.0]), np.array([0.0]))
    assert scores.tolist() == [[0, 0, 0]]
    assert group_of(scores).tolist() == [PROSPECTS]
    assert group_of(scores, np.array([5.0])).tolist() == [PROSPECTS]


def test_new_is_who_bought_for_the_first_time_lately() -> None:
    scores = np.array([[5, 1, 3]] * 2 + [[3, 3, 3]] * 2 + [[5, 5, 5]], np.int8)
    by_scores = [RFM_GROUPS[place].name for place in group_of(scores)]
    assert by_scores == ["New", "New", "Needs attention", "Needs attention", "Champions"]
    by_age = [RFM_GROUPS[place].name for place in group_of(scores, np.array([3.0, 300.0, 3.0, 300.0, 3.0]))]
    assert by_age == ["New", "Promising", "New", "Needs attention", "Champions"]


def test_edges_go_through_json_even_of_a_shop_without_a_buyer() -> None:
    nobody = purchases_of(activity_of(customers=["waiting"]))
    edges = fit_rfm(nobody, NOW)
    assert msgspec.json.decode(msgspec.json.encode(edges), type=RfmEdges) == edges
    assert scored(edges, buyers([3.0], [1], [500])).tolist() == [[3, 3, 3]]


@pytest.mark.parametrize("giant", [10**6, 10**15])
def test_one_giant_order_leaves_the_others_scores_alone(giant: int) -> None:
    orders: list[Order] = [(who, float(who), 1_000 + who) for who in range(60)]
    plain, with_giant = (
        purchases_of(activity_of(rows, as_of_day=90)) for rows in (orders, [*orders[:-1], (59, 59.0, giant)])
    )
    before, after = (scored(fit_rfm(shop, NOW), shop) for shop in (plain, with_giant))
    assert before.tolist() == after.tolist()
