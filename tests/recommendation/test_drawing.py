"""A list costs what is looked at, not the whole catalogue; it must be the list that looking at everything gives."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartshop.ai_agents.recommendation.category_demand import category_demand
from smartshop.ai_agents.recommendation.row_source import best_places, draw_from_rows, sum_by_product
from smartshop.ai_agents.recommendation.rows import Rows, empty_rows
from smartshop.ai_agents.recommendation.source import Anchors, first_eligible

SEEDS = st.integers(0, 2**32 - 1)


def rows_by_chance(rng: np.random.Generator, n_rows: int, n_products: int) -> Rows:
    """Weights of few values, so that sums tie."""
    lengths = rng.integers(0, min(12, n_products), n_rows)
    return Rows(
        indptr=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        indices=np.concatenate([rng.permutation(n_products)[:length] for length in lengths]).astype(np.int32),
        weights=rng.choice([0.25, 0.5, 1.0], int(lengths.sum())).astype(np.float32),
        evidence=np.ones(int(lengths.sum()), np.int32),
    )


@settings(deadline=None, max_examples=60)
@given(seed=SEEDS)
def test_a_list_from_rows_is_the_best_of_all_sums(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_products, n_shelf = 30, int(rng.integers(20, 35))
    rows = rows_by_chance(rng, 25, n_products)
    speaking = rng.permutation(28)[: int(rng.integers(0, 8))].astype(np.int32)
    anchors = Anchors(speaking, np.float64(0.5) ** rng.integers(0, 3, len(speaking)).astype(np.float64))
    eligible = rng.random(n_shelf) < 0.7
    share = np.zeros((len(speaking), max(n_products, n_shelf)))
    for row, (number, weight) in enumerate(zip(speaking.tolist(), anchors.weight.tolist(), strict=True)):
        found = rows.row(number)
        share[row, found.indices] = weight * found.weights
    total = share.sum(axis=0)
    allowed = np.zeros(len(total), np.bool_)
    allowed[:n_shelf] = eligible
    expected = [int(one) for one in np.lexsort((np.arange(len(total)), -total)) if total[one] > 0 and allowed[one]]

    drawn = draw_from_rows(rows, anchors, eligible, 100)
    assert drawn.product_no.tolist() == expected
    assert drawn.because.tolist() == [int(speaking[share[:, one].argmax()]) for one in expected]
    few = draw_from_rows(rows, anchors, eligible, 3)
    assert total[few.product_no].tolist() == total[expected[:3]].tolist()


def test_a_factor_moves_products_within_a_list() -> None:
    rows = Rows(np.array([0, 3]), np.array([1, 2, 3], np.int32), np.array([3, 2, 1], np.float32), np.ones(3, np.int32))
    anchors = Anchors(np.zeros(1, np.int32), np.ones(1))
    drawn = draw_from_rows(rows, anchors, np.ones(4, np.bool_), 9, times=lambda products: 10.0**products)
    assert drawn.product_no.tolist() == [3, 2, 1]


@pytest.mark.parametrize("rows", [empty_rows(4), empty_rows(0)])
def test_nothing_comes_of_empty_rows(rows: Rows) -> None:
    drawn = draw_from_rows(rows, Anchors(np.array([1, 3], np.int32), np.ones(2)), np.ones(4, np.bool_), 5)
    assert not len(drawn.product_no)


def test_nothing_comes_of_rows_whose_products_may_not_be_shown() -> None:
    rows = Rows(np.array([0, 2]), np.array([1, 9], np.int32), np.ones(2, np.float32), np.ones(2, np.int32))
    drawn = draw_from_rows(rows, Anchors(np.zeros(1, np.int32), np.ones(1)), np.zeros(4, np.bool_), 5)
    assert not len(drawn.product_no)


def test_shares_are_added_in_the_order_told() -> None:
    share = np.array([1e16, 1.0, -1e16, 1.0])
    found = sum_by_product(np.array([7, 7, 7, 2], np.int32), share)
    assert found.product_no.tolist() == [2, 7]
    assert found.total.tolist() == [1.0, float(np.float64(1e16) + 1.0 - 1e16)]
    assert found.loudest(np.array([1, 0])).tolist() == [0, 3]


@settings(deadline=None, max_examples=60)
@given(seed=SEEDS)
def test_the_most_wanted_of_some_categories_are_found_from_their_heads(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, n_categories = 200, 6
    category = rng.integers(0, n_categories, n).astype(np.int32)
    demand = rng.integers(0, 9, n).astype(np.float32)
    wanted = np.flatnonzero(demand > 0)
    in_demand = wanted[np.argsort(-demand[wanted], kind="stable")].astype(np.int32)
    loudness = rng.choice([0.0, 0.5, 1.0, 2.0], n_categories)
    # Few are eligible in some cases, so that heads alone do not fill the list.
    eligible = rng.random(n) < rng.choice([0.03, 0.5, 1.0])
    score = (demand * loudness[category])[in_demand]
    inside = eligible[in_demand] & (score > 0)
    expected = in_demand[inside][np.argsort(-score[inside], kind="stable")][:10]

    found = category_demand(in_demand, demand, category, n_categories).best(loudness, eligible, 10)
    assert found.tolist() == expected.tolist()


def test_no_category_speaks_for_nothing() -> None:
    category = np.zeros(3, np.int32)
    made = category_demand(np.arange(3, dtype=np.int32), np.ones(3, np.float32), category, 1)
    assert not len(made.best(np.zeros(1), np.ones(3, np.bool_), 5))


@pytest.mark.parametrize("share", [0.0, 0.1, 1.0])
def test_the_first_eligible_are_found_behind_the_head_too(share: float) -> None:
    products = np.random.default_rng(1).permutation(100).astype(np.int32)
    eligible = np.arange(100) >= 100 * (1 - share)
    assert first_eligible(products, eligible, 7).tolist() == products[eligible[products]][:7].tolist()


@pytest.mark.parametrize("n", [1, 3, 6, 20, 30])
def test_the_best_places_are_those_of_a_full_sort_also_where_scores_tie(n: int) -> None:
    score = np.random.default_rng(n).integers(0, 5, 20).astype(np.float32)
    assert best_places(score, n).tolist() == np.argsort(-score, kind="stable")[:n].tolist()
