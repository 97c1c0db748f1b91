"""Orders that are later than their supplier's usual spread, and suppliers who have become slower. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import gamma, norm, t

from smartshop.ai_agents.inventory.replenishment.arriving import further_wait
from smartshop.ai_agents.inventory.replenishment.lead_times import LeadTime
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.alerts import LateOrderFigures, SlowerSupplierFigures
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.supply import PurchaseOrder


@dataclass(frozen=True, slots=True)
class LateConfig:
    opens_at: float = 0.05
    """Chance that an order of this supplier takes so long; below it, it is late beyond the usual."""
    closes_at: float = 0.10
    least_days: float = 1.0
    """Past the day it was expected on."""
    slack: float = 0.5
    """k of the CUSUM, in standard deviations: half the shift that matters, here of one deviation (Page 1954)."""
    opens_sum: float = 4.0
    """h of the CUSUM: with k = 0.5 a false alarm about every 170 orders, a shift of one deviation told after 8."""
    closes_sum: float = 2.0
    least_orders: int = 4
    """Seen before anybody is called slower."""
    least_slower: float = 1.15
    """Times the earlier mean; a sure shift of half a day in two weeks changes no decision."""


USUAL_CONFIG = LateConfig()


def late_order(
    order: PurchaseOrder, lead: LeadTime, now: Micros, expected_on: str, config: LateConfig, *, is_open: bool
) -> LateOrderFigures | None:
    """None where it has nothing open, was not sent, or is not later than usual.

    Its spread is the lead time's, around the day on which it was expected: P(L > μ + days late).
    """
    open_units = sum(line.open_units for line in order.lines)
    due = expected_at(order, lead)
    if not open_units or due is None:
        return None
    late = (now - due) / DAY
    chance = _longer(lead, lead.mean_days + late)
    if late < config.least_days or chance > (config.closes_at if is_open else config.opens_at):
        return None
    return LateOrderFigures(
        days_late=round(late, 1),
        lead_days=round(lead.mean_days, 1),
        lead_spread_days=round(lead.sd_days, 1),
        chance=round(chance, 5),
        expected_on=expected_on,
        expected_wait_days=round(further_wait(lead, lead.mean_days + late).days, 1),
        open_units=open_units,
        open_minor=sum(line.open_units * line.unit_cost_minor for line in order.lines),
    )


def expected_at(order: PurchaseOrder, lead: LeadTime) -> Micros | None:
    """When its goods were told to come, else after the usual time; None: it was not sent."""
    if order.sent_at is None:
        return None
    return order.expected_at or Micros(order.sent_at + round(lead.mean_days * DAY))


def _longer(lead: LeadTime, days: float) -> float:
    """P(L > days) of the gamma law with this mean and deviation."""
    if lead.sd_days <= 0 or lead.mean_days <= 0:
        return 0.0 if days > lead.mean_days else 1.0
    return float(gamma.sf(days, (lead.mean_days / lead.sd_days) ** 2, scale=lead.sd_days**2 / lead.mean_days))


def slower_supplier(days: Sequence[float], config: LateConfig, *, is_open: bool) -> SlowerSupplierFigures | None:
    """Whether lead times have risen, from (k,) orders in the order of their arrival; None where not, or unknown.

    A self-starting CUSUM (Hawkins 1987, eq. 2) of log days: each order is judged by the mean and deviation of those
    before it, uₙ = Φ⁻¹(T₍ₙ₋₂₎(√((n−1)/n)·(xₙ − x̄ₙ₋₁)/sₙ₋₁)), and Sₙ = max(0, Sₙ₋₁ + uₙ − k). So no supplier needs a
    past that was declared good. Orders of under a day count as of one.
    """
    if len(days) <= config.least_orders:
        return None
    logs = np.log(np.maximum(np.asarray(days, np.float64), 1.0))
    total, began = 0.0, 0
    for place in range(2, len(logs)):
        total = max(0.0, total + _standing(logs[:place], float(logs[place])) - config.slack)
        if total == 0.0:
            began = place + 1
    before, lately = np.asarray(days[:began], np.float64), np.asarray(days[began:], np.float64)
    if total < (config.closes_sum if is_open else config.opens_sum) or not len(lately) or not len(before):
        return None
    if lately.mean() < config.least_slower * before.mean():
        return None
    return SlowerSupplierFigures(
        orders_seen=len(days),
        before_days=round(float(before.mean()), 1),
        lately_days=round(float(lately.mean()), 1),
        lately_orders=len(lately),
        cusum=round(total, 2),
    )


LEAST_SPREAD = 0.05
"""Of log days: suppliers whose first orders came on the very same day are not surprised by one day more."""


def _standing(earlier: np.ndarray[tuple[int], np.dtype[np.float64]], latest: float) -> float:
    """As a standard normal, where the earlier ones are the same law's."""
    count = len(earlier)
    spread = max(float(earlier.std(ddof=1)), LEAST_SPREAD)
    score = math.sqrt(count / (count + 1)) * (latest - float(earlier.mean())) / spread
    return float(np.clip(norm.ppf(t.cdf(score, count - 1)), -6.0, 6.0))
