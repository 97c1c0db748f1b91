"""The textbook's answers by name: what a planner works out by hand, with the inputs that each asks for."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass

import numpy as np

from smartshop.ai_agents.inventory.policies.echelons import SupplyLine, approximate_base_stock, best_base_stock
from smartshop.ai_agents.inventory.policies.economic_order import (
    economic_order,
    economic_order_with_backorders,
    economic_order_with_discounts,
)
from smartshop.ai_agents.inventory.policies.lead_time_demand import lead_time_moments
from smartshop.ai_agents.inventory.policies.losses import (
    gamma_loss,
    negative_binomial_loss,
    normal_loss,
    poisson_loss,
    sample_loss,
)
from smartshop.ai_agents.inventory.policies.lot_plan import plan_lots
from smartshop.ai_agents.inventory.policies.newsvendor import newsvendor_normal, newsvendor_poisson, newsvendor_sample
from smartshop.ai_agents.inventory.policies.prices import Discount, PriceList
from smartshop.ai_agents.inventory.policies.reorder_levels import approximate_reorder_levels, best_poisson_levels
from smartshop.ai_agents.inventory.policies.reorder_quantity import (
    FixedLot,
    ReorderQuantity,
    best_lot,
    best_poisson_lot,
    lot_by_backorder_quantity,
    lot_by_expected_inventory,
    lot_by_loss,
    lot_with_safety_stock,
)
from smartshop.errors import InvalidValue, NotFound

Given = Mapping[str, float | Sequence[float]]
"""Input's name → a number, or several where the calculation takes a list."""


def _discounted(kind: Discount) -> Callable[..., object]:
    def found(
        fixed_cost: float,
        holding_rate: float,
        demand_rate: float,
        unit_costs: Sequence[float],
        from_units: Sequence[float],
    ) -> object:
        prices = PriceList(tuple(unit_costs), tuple(from_units), kind)
        return economic_order_with_discounts(fixed_cost, holding_rate, demand_rate, prices)

    return found


def _of_lot(find: Callable[[FixedLot], ReorderQuantity]) -> Callable[..., object]:
    def found(
        holding_cost: float, stockout_cost: float, fixed_cost: float, mean: float, sd: float, lead_time: float
    ) -> object:
        return find(FixedLot(holding_cost, stockout_cost, fixed_cost, mean, sd, lead_time))

    return found


def _of_line(find: Callable[[SupplyLine], object]) -> Callable[..., object]:
    def found(
        echelon_holding_costs: Sequence[float],
        lead_times: Sequence[float],
        stockout_cost: float,
        mean: float,
        sd: float,
    ) -> object:
        return find(SupplyLine(tuple(echelon_holding_costs), tuple(lead_times), stockout_cost, mean, sd))

    return found


def _of_sample(find: Callable[..., object]) -> Callable[..., object]:
    def found(holding_cost: float, stockout_cost: float, sample: Sequence[float]) -> object:
        return find(holding_cost, stockout_cost, np.asarray(sample, np.float64))

    return found


def _loss_of_sample(level: float, sample: Sequence[float]) -> object:
    return sample_loss(level, np.asarray(sample, np.float64))


CALCULATIONS: dict[str, tuple[str, Callable[..., object]]] = {
    "eoq": ("economic order quantity", economic_order),
    "eoq-backorders": ("economic order quantity where customers wait", economic_order_with_backorders),
    "eoq-discounts": ("… with prices that fall for the whole order", _discounted(Discount.ALL_UNITS)),
    "eoq-increments": ("… with prices that fall for the units beyond", _discounted(Discount.INCREMENTAL)),
    "lots": ("when to order for known demand (Wagner-Whitin)", plan_lots),
    "newsvendor": ("one order for normal demand", newsvendor_normal),
    "newsvendor-poisson": ("one order for Poisson demand", newsvendor_poisson),
    "newsvendor-sample": ("one order for demand as in a sample", _of_sample(newsvendor_sample)),
    "levels": ("(s, S) by the power approximation", approximate_reorder_levels),
    "levels-poisson": ("(s, S), exact, for Poisson demand", best_poisson_levels),
    "lot": ("(r, Q), the best of both together", _of_lot(best_lot)),
    "lot-expected-inventory": ("(r, Q) by the expected inventory", _of_lot(lot_by_expected_inventory)),
    "lot-backorders": ("(r, Q) with the quantity of EOQ with backorders", _of_lot(lot_by_backorder_quantity)),
    "lot-safety-stock": ("(r, Q) with EOQ and a safety stock", _of_lot(lot_with_safety_stock)),
    "lot-loss": ("(r, Q) by loss functions", _of_lot(lot_by_loss)),
    "lot-poisson": ("(r, Q), exact, for Poisson demand", best_poisson_lot),
    "line": ("base stock of stages in a row, exact on a grid", _of_line(best_base_stock)),
    "line-quick": ("base stock of stages in a row by newsvendor bounds", _of_line(approximate_base_stock)),
    "lead-time-demand": ("mean and deviation of demand over a lead time", lead_time_moments),
    "loss": ("expected units short and left, normal demand", normal_loss),
    "loss-poisson": ("… Poisson demand", poisson_loss),
    "loss-gamma": ("… gamma demand", gamma_loss),
    "loss-negative-binomial": ("… negative binomial demand", negative_binomial_loss),
    "loss-sample": ("… demand as in a sample", _loss_of_sample),
}
"""Name → what it is, and how it is worked out."""
NOT_ASKED = {
    "eoq": frozenset({"short_share", "price_place"}),
    "eoq-backorders": frozenset({"price_place"}),
    "eoq-discounts": frozenset({"short_share"}),
    "eoq-increments": frozenset({"short_share"}),
}
"""What their answer has a place for, but no such question was put."""


def inputs_of(name: str) -> tuple[list[str], list[str]]:
    """The names of what must, and what may be given.

    Raises:
        NotFound: no calculation has this name.
    """
    if name not in CALCULATIONS:
        raise NotFound(f"There is no calculation {name!r}; there are {', '.join(CALCULATIONS)}.")
    parameters = inspect.signature(CALCULATIONS[name][1]).parameters.values()
    needed = [one.name for one in parameters if one.default is inspect.Parameter.empty]
    return needed, [one.name for one in parameters if one.name not in needed]


def calculate(name: str, given: Given) -> dict[str, object]:
    """Work one out; what it tells, by name. Money is per the unit of time that rates and costs were given in.

    Raises:
        NotFound: no calculation has this name.
        InvalidValue: an input is missing, unknown, not of its kind, or makes no sense.
    """
    needed, possible = inputs_of(name)
    missing = [each for each in needed if each not in given]
    unknown = [each for each in given if each not in (*needed, *possible)]
    if missing or unknown:
        asks = ", ".join([*needed, *(f"[{each}]" for each in possible)])
        wrong = f"has no {missing[0]}" if missing else f"knows no {unknown[0]!r}"
        raise InvalidValue(f"The calculation {name} {wrong}; it asks for {asks}.")
    compute = CALCULATIONS[name][1]
    kinds = {each.name: each.annotation for each in inspect.signature(compute).parameters.values()}
    found = compute(**{each: _as_asked(each, value, kinds[each]) for each, value in given.items()})
    left_out = NOT_ASKED.get(name, frozenset())
    return {key: _plain(value) for key, value in _fields_of(found).items() if key not in left_out}


def _fields_of(found: object) -> dict[str, object]:
    if is_dataclass(found) and not isinstance(found, type):
        return asdict(found)
    assert isinstance(found, tuple), "every calculation answers with named fields"
    fields: dict[str, object] = found._asdict()  # type: ignore[attr-defined]  # a named tuple
    return fields


def _as_asked(name: str, value: float | Sequence[float], kind: object) -> float | Sequence[float]:
    """One number or several, a whole one where a count is asked for."""
    if kind not in (float, int):
        return [value] if isinstance(value, float | int) and kind == Sequence[float] else value
    if not isinstance(value, float | int):
        raise InvalidValue(f"{name} is {list(value)}; it is one number.")
    if kind is int and value != int(value):
        raise InvalidValue(f"{name} is {value}; it is a whole number of periods.")
    return int(value) if kind is int else value


def _plain(value: object) -> object:
    """As JSON can say it."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value
