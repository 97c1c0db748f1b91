"""Every published textbook case of ordering, to one part in a million."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from smartshop.ai_agents.inventory.policies.echelons import SupplyLine, best_base_stock
from smartshop.ai_agents.inventory.policies.economic_order import (
    EconomicOrder,
    economic_order,
    economic_order_with_backorders,
    economic_order_with_discounts,
)
from smartshop.ai_agents.inventory.policies.losses import (
    gamma_loss,
    negative_binomial_loss,
    normal_loss,
    poisson_loss,
    standard_normal_loss,
)
from smartshop.ai_agents.inventory.policies.lot_plan import plan_lots
from smartshop.ai_agents.inventory.policies.newsvendor import newsvendor_normal, newsvendor_poisson
from smartshop.ai_agents.inventory.policies.prices import Discount, PriceList
from smartshop.ai_agents.inventory.policies.reorder_levels import approximate_reorder_levels, best_poisson_levels
from smartshop.ai_agents.inventory.policies.reorder_quantity import (
    FixedLot,
    ReorderQuantity,
    best_poisson_lot,
    lot_by_backorder_quantity,
    lot_by_expected_inventory,
    lot_by_loss,
    lot_cost,
    lot_with_safety_stock,
)

Numbers = list[float]


def _discounted(given: dict[str, object], discount: Discount) -> Numbers:
    match given:
        case {
            "fixed_cost": float() | int() as fixed,
            "holding_cost_rate": float() as rate,
            "demand_rate": float() | int() as demand,
            "breakpoints": list() as breaks,
            "unit_costs": list() as prices,
        }:
            found = economic_order_with_discounts(
                fixed, rate, demand, PriceList(tuple(prices), tuple(breaks), discount)
            )
            return [found.units, found.price_place, found.cost]
    raise AssertionError(f"An odd case of discounts: {given}")


def _lots(demand: Sequence[float], holding_cost: float, fixed_cost: float, num_periods: int) -> Numbers:
    found = plan_lots(demand, holding_cost, fixed_cost)
    assert len(found.orders) == num_periods
    # Periods are counted from 1 there, after an entry that means nothing.
    following = [0, *(place + 1 for place in found.next_order)]
    return [0, *found.orders, found.cost, 0, *found.cost_to_go, *following]


def _poisson_levels(use_poisson: bool, **costs: float) -> Numbers:
    assert use_poisson
    found = best_poisson_levels(
        costs["holding_cost"], costs["stockout_cost"], costs["fixed_cost"], costs["demand_mean"]
    )
    return [found.reorder_point, found.order_up_to, found.cost or 0.0]


def _lot(given: dict[str, float]) -> FixedLot:
    return FixedLot(
        given["holding_cost"],
        given["stockout_cost"],
        given["fixed_cost"],
        given["demand_mean"],
        given["demand_sd"],
        given["lead_time"],
    )


def _pair(find: Callable[[FixedLot], ReorderQuantity]) -> Callable[..., Numbers]:
    def found(**given: float) -> Numbers:
        policy = find(_lot(given))
        return [policy.reorder_point, policy.units]

    return found


def _eil(**given: float) -> Numbers:
    found = lot_by_expected_inventory(_lot(given))
    return [found.reorder_point, found.units, found.cost or 0.0]


def _approximate(**given: float) -> Numbers:
    found = approximate_reorder_levels(
        given["holding_cost"], given["stockout_cost"], given["fixed_cost"], given["demand_mean"], given["demand_sd"]
    )
    return [found.reorder_point, found.order_up_to]


def _poisson_lot(**given: float) -> Numbers:
    found = best_poisson_lot(
        given["holding_cost"], given["stockout_cost"], given["fixed_cost"], given["demand_mean"], given["lead_time"]
    )
    return [found.reorder_point, found.units, found.cost or 0.0]


def _eoq(order: EconomicOrder) -> Numbers:
    return [order.units, order.cost]


def _eoq_waiting(order: EconomicOrder) -> Numbers:
    return [order.units, order.short_share, order.cost]


OURS: dict[str, Callable[..., Sequence[float]]] = {
    "economic_order_quantity": lambda **given: _eoq(economic_order(**given)),
    "economic_order_quantity_with_backorders": lambda **given: _eoq_waiting(economic_order_with_backorders(**given)),
    "economic_order_quantity_with_all_units_discounts": lambda **given: _discounted(given, Discount.ALL_UNITS),
    "economic_order_quantity_with_incremental_discounts": lambda **given: _discounted(given, Discount.INCREMENTAL),
    "wagner_whitin": _lots,
    "newsvendor_normal": lambda holding_cost, stockout_cost, demand_mean, demand_sd, lead_time=0: newsvendor_normal(
        holding_cost, stockout_cost, demand_mean, demand_sd, lead_time
    ),
    "newsvendor_poisson": lambda holding_cost, stockout_cost, demand_mean: newsvendor_poisson(
        holding_cost, stockout_cost, demand_mean
    ),
    "s_s_discrete_exact": _poisson_levels,
    "s_s_power_approximation": _approximate,
    "r_q_cost": lambda reorder_point, order_quantity, **given: [lot_cost(_lot(given), reorder_point, order_quantity)],
    "r_q_eil_approximation": _eil,
    "r_q_eoqb_approximation": _pair(lot_by_backorder_quantity),
    "r_q_eoqss_approximation": _pair(lot_with_safety_stock),
    "r_q_loss_function_approximation": _pair(lot_by_loss),
    "r_q_poisson_exact": _poisson_lot,
    "standard_normal_loss": lambda z: standard_normal_loss(z),
    "normal_loss": lambda x, mean, sd: normal_loss(x, mean, sd),
    "poisson_loss": lambda x, mean: poisson_loss(x, mean),
    "gamma_loss": lambda x, a, b: gamma_loss(x, a, b),
    "negative_binomial_loss": lambda x, r, p: negative_binomial_loss(x, r, p),
}


def _flat(told: object) -> Numbers:
    if isinstance(told, list):
        return [number for part in told for number in _flat(part)]
    assert isinstance(told, int | float)
    return [float(told)]


def test_every_published_case_is_met(shared_vectors: Path) -> None:
    cases = json.loads((shared_vectors / "stockpyl_vectors.json").read_text())
    assert len(cases) >= 20
    for case in cases:
        if case["fn"] == "ssm_serial.optimize_base_stock_levels":
            continue
        found = list(OURS[case["fn"]](**case["inputs"]))
        assert found == pytest.approx(_flat(case["out"]), rel=1e-6), case["fn"]


def test_the_published_supply_line_is_met(shared_vectors: Path) -> None:
    cases = json.loads((shared_vectors / "stockpyl_vectors.json").read_text())
    (told,) = (case["out"] for case in cases if case["fn"] == "ssm_serial.optimize_base_stock_levels")
    found = best_base_stock(SupplyLine((3, 2, 2), (1, 1, 2), 37.12, 5, 1))
    assert list(found.levels) == pytest.approx([told["S_echelon"][stage] for stage in "123"], rel=1e-6)
    assert found.cost == pytest.approx(told["C"], rel=1e-6)
