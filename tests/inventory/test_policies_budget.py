"""One budget over many products, against every way to spend it."""

from collections.abc import Callable
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from smartshop.ai_agents.inventory.policies.budget import BudgetPlan, OrderOptions, spend_budget
from smartshop.ai_agents.inventory.policies.demand_law import negative_binomial_law
from smartshop.ai_agents.inventory.policies.order_decision import decide_order, order_options
from smartshop.ai_agents.inventory.policies.order_terms import AwaitedDemand, StockCosts, StockPosition, SupplierTerms
from smartshop.ai_agents.inventory.policies.prices import PriceList
from smartshop.errors import InvalidValue


def _concave(price: float, steps: list[float]) -> OrderOptions:
    """Packs of one price that save ever less."""
    saved = np.concatenate(([0.0], np.cumsum(sorted(steps, reverse=True))))
    packs = np.arange(len(saved))
    return OrderOptions(packs, packs.astype(np.float64) * price, saved)


def _best_of_all(offers: list[OrderOptions], budget: float) -> float:
    """By trying every combination."""
    ways = product(*(range(len(offer.packs)) for offer in offers))
    return max(
        sum(float(offer.saved[place]) for offer, place in zip(offers, way, strict=True))
        for way in ways
        if sum(float(offer.cash[place]) for offer, place in zip(offers, way, strict=True)) <= budget * (1 + 1e-9)
    )


SAVINGS = st.lists(st.floats(0.1, 20), min_size=1, max_size=4)


@given(st.lists(SAVINGS, min_size=1, max_size=4), st.integers(0, 60))
def test_with_packs_of_one_price_nothing_saves_more(savings: list[list[float]], budget: int) -> None:
    offers = [_concave(5.0, steps) for steps in savings]
    found = spend_budget(offers, budget)
    assert found.saved == pytest.approx(_best_of_all(offers, budget))
    assert found.cash <= budget + 1e-6


@given(st.lists(st.tuples(st.integers(1, 9), SAVINGS), min_size=1, max_size=4), st.data())
def test_where_the_steps_use_the_cash_up_nothing_saves_more(
    products: list[tuple[int, list[float]]], data: st.DataObject
) -> None:
    offers = [_concave(price, steps) for price, steps in products]
    ranked = sorted(
        ((step / price, price) for price, steps in products for step in steps), key=lambda pair: pair[0], reverse=True
    )
    # Of equally good steps of different size another may come first, and use the cash up less well.
    assume(all(a[0] - b[0] > 1e-6 or a[1] == b[1] for a, b in pairwise(ranked)))
    budget = sum(price for _, price in ranked[: data.draw(st.integers(0, len(ranked)))])
    assert spend_budget(offers, budget).saved == pytest.approx(_best_of_all(offers, budget))


@settings(max_examples=80)
@given(
    st.lists(st.tuples(st.integers(1, 9), SAVINGS, st.integers(1, 4)), min_size=1, max_size=4),
    st.integers(0, 60),
)
def test_the_loss_against_the_best_is_within_what_is_told(
    products: list[tuple[int, list[float], int]], budget: int
) -> None:
    offers = []
    for price, steps, least in products:
        every = _concave(price, steps)
        # A smallest order leaves out the first sizes.
        kept = np.concatenate(([0], np.arange(min(least, len(every.packs) - 1), len(every.packs))))
        offers.append(OrderOptions(every.packs[kept], every.cash[kept], every.saved[kept]))
    found, best = spend_budget(offers, budget), _best_of_all(offers, budget)
    assert found.saved <= best * (1 + 1e-9)
    assert best <= found.most_saved * (1 + 1e-9)
    # Half of the best is certain: either the steps that fit, or the one that did not.
    assert found.saved >= best / 2 - 1e-9
    assert found.cash <= budget + 1e-6
    assert found.cash == pytest.approx(
        sum(offer.cash[offer.packs.tolist().index(packs)] for offer, packs in zip(offers, found.packs, strict=True))
    )


def _product(
    mean: float, price: float, stockout: float
) -> tuple[StockPosition, AwaitedDemand, SupplierTerms, StockCosts]:
    demand = AwaitedDemand(negative_binomial_law(14 * mean, 28 * mean), 7, 7)
    return (
        StockPosition(int(3 * mean)),
        demand,
        SupplierTerms(PriceList((price,)), 6),
        StockCosts(0.001 * price, stockout),
    )


def test_cash_goes_first_where_a_unit_of_it_saves_most() -> None:
    cases = [_product(2, 5.0, 4.0), _product(2, 50.0, 4.0), _product(6, 5.0, 4.0)]
    wanted = [decide_order(*case) for case in cases]
    offers = [order_options(*case) for case in cases]
    everything = spend_budget(offers, 1e6)
    assert everything.packs == tuple(order.packs for order in wanted)
    assert everything.saved_by_one_more == 0
    assert everything.saved == pytest.approx(sum(order.cost_of_waiting - order.expected_cost for order in wanted))
    tight = spend_budget(offers, 0.2 * everything.cash)
    # The margin is the same on all, so the dear product waits.
    assert tight.packs[1] == 0
    assert tight.packs[0] > 0
    assert tight.packs[2] > 0
    assert tight.saved_by_one_more > 0
    saved = [spend_budget(offers, share * everything.cash).saved for share in (0, 0.1, 0.3, 0.6, 1.0)]
    assert saved == sorted(saved)
    assert saved[0] == 0
    assert spend_budget([], 100.0) == BudgetPlan((), 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (lambda: spend_budget([], -5), "budget is -5"),
        (lambda: spend_budget([], float("nan")), "budget is nan"),
        (lambda: OrderOptions(np.array([0, 1]), np.array([0.0]), np.array([0.0, 1.0])), "2 packs, 1 amounts"),
        (lambda: OrderOptions(np.array([1]), np.array([3.0]), np.array([0.0])), "first option is to order nothing"),
        (lambda: OrderOptions(np.array([0, 1]), np.array([0.0, 0.0]), np.array([0.0, 1.0])), "each costs some cash"),
        (lambda: OrderOptions(np.array([0, 1]), np.array([0.0, 1.0]), np.array([0.0, np.inf])), "finite numbers"),
    ],
)
def test_nonsense_is_told_in_a_sentence(asked: Callable[[], object], says: str) -> None:
    with pytest.raises(InvalidValue, match=says):
        asked()
