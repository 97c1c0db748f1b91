"""Order up to a level at every review: the level is a quantile of demand until the next order could arrive.

No law is assumed: the quantile is read from a forecast. With normal demand it is the newsvendor's level.
"""

from dataclasses import dataclass

import numpy as np

from smartshop.ai_agents.inventory.policies.bounds import Floats, between_zero_and_one, positive
from smartshop.ai_agents.inventory.policies.demand_law import DemandLaw

WHOLE = 1e-9
"""A level this close above a whole number of units is that number, written with rounding errors."""


@dataclass(frozen=True, slots=True)
class ReviewLevel:
    """A level, and what it gives."""

    order_up_to: int
    cycle_service: float
    """P(demand until the next order arrives ≤ level)."""
    cost: float
    """Money per review period: what is left over is held for it, what is short is lost once."""


def worthwhile_service(holding_per_unit_day: float, days: Floats | float, stockout_per_unit: float) -> Floats:
    """p/(p + h·days): the chance of having enough at which one unit more costs as much as it saves.

    Left over, a unit waits so many days; missing, it costs p once, as a sale lost does (Silver, Pyke & Thomas 2017,
    section 9.4). `days`: any shape.

    Raises:
        InvalidValue: a cost is not above 0.
    """
    holding = positive("The holding cost per unit and day", holding_per_unit_day)
    stockout = positive("The stock-out cost per unit", stockout_per_unit)
    return np.asarray(stockout / (stockout + holding * np.asarray(days, np.float64)), np.float64)


def review_level(
    over_protection: DemandLaw, holding_per_unit_day: float, review_days: float, stockout_per_unit: float
) -> ReviewLevel:
    """The best whole level for reviews every so many days. `over_protection`: demand over lead time and one review.

    Raises:
        InvalidValue: a cost or the review period is not above 0.
    """
    positive("The review period in days", review_days)
    service = float(worthwhile_service(holding_per_unit_day, review_days, stockout_per_unit))
    level = level_for_service(over_protection, service)
    left, short = float(over_protection.left(level)), float(over_protection.short(level))
    cost = holding_per_unit_day * review_days * left + stockout_per_unit * short
    return ReviewLevel(level, float(over_protection.chance_within(level)), cost)


def level_for_service(over_protection: DemandLaw, service: float) -> int:
    """The smallest whole level that meets demand in full with this chance.

    Raises:
        InvalidValue: the service is not between 0 and 1.
    """
    between_zero_and_one("The service level", service)
    return int(np.ceil(over_protection.quantile(service) - WHOLE))


def level_for_fill_rate(over_protection: DemandLaw, over_lead_time: DemandLaw, fill_rate: float) -> int:
    """The smallest whole level whose expected share of demand met between two deliveries is at least this.

    Short in between is E[(D_{L+R} − S)⁺] − E[(D_L − S)⁺] (Hadley & Whitin 1963), of a demand of E[D_{L+R}] − E[D_L].

    Raises:
        InvalidValue: the rate is not between 0 and 1, or demand over the protection time is not above that before
            delivery.
    """
    between_zero_and_one("The fill rate", fill_rate)
    between = positive("Mean demand between two deliveries", over_protection.mean - over_lead_time.mean)

    def met(level: int) -> bool:
        short = float(over_protection.short(level)) - float(over_lead_time.short(level))
        return short <= (1 - fill_rate) * between

    # Below the demand that is certain before delivery hardly anything counts as short between: search above it only.
    low, high = int(np.floor(over_lead_time.quantile(0.5))) - 1, int(np.ceil(over_protection.values[-1]))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if met(middle) else (middle, high)
    return high
