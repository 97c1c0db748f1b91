"""The demand that an order placed now must meet: its law over lead time plus review, from what is foreseen. Pure."""

from dataclasses import dataclass

import numpy as np

from smartshop.ai_agents.inventory.forecasting.counts import count_quantiles
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.policies.bounds import Floats
from smartshop.ai_agents.inventory.policies.demand_law import DemandLaw, law_of_chances
from smartshop.ai_agents.inventory.policies.order_terms import AwaitedDemand
from smartshop.ai_agents.inventory.replenishment.lead_times import LeadTime

LONG_RUN_DAYS = 84.0
"""Over which the usual rate of sale is taken: twelve weeks."""
HARDLY_EVER, FINEST_COUNTS = 1e-7, 400
"""More than the first leaves no decision; more points than the second are told apart by none."""
SOONEST_DAYS = 0.25
"""A review is never closer: who looks more often gains nothing from it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which part of a series is meant, and from when on."""

    series: int
    share: float
    """Of the series' units that are this variant's, 0 to 1."""
    begins: float
    """Days since the first day that is forecast."""


def law_over(model: InventoryModel, asked: Asked, days: float, spread_days: float = 0.0) -> DemandLaw:
    """Of what is asked for within so many days, of which the deviation is `spread_days`."""
    units, within = chances_over(model, asked, days, spread_days)
    return law_of_chances(np.diff(within, prepend=0.0), units)


def chances_over(model: InventoryModel, asked: Asked, days: float, spread_days: float = 0.0) -> tuple[Floats, Floats]:
    """(k,) rising units and (k,) the chance that no more is asked for within so many days, up to 1.

    The series' sum varies as `SumSpread` says, and with the time it runs for: (μ per day)²·Var[L] is added (Snyder &
    Shen 2019, eq. 5.2). Of it each unit is of this variant by chance: variance p²·(V − M) + p·M (thinning).
    """
    nothing = np.zeros(1), np.ones(1)
    if days <= 0:
        return nothing
    whole = model.mean_between(asked.series, asked.begins, asked.begins + days)
    if whole <= 0 or asked.share <= 0:
        return nothing
    number = int(model.series_class[asked.series])
    varies = model.spread.variance(number, whole, float(model.scatter[asked.series]), days)
    varies += (whole / days * spread_days) ** 2
    mean = whole * asked.share
    variance = asked.share**2 * max(varies - whole, 0.0) + mean
    units = _counts(mean, variance)
    within = model.spread.chances_within(number, mean, variance, days, units)
    within[-1] = 1.0
    return units, within


def _counts(mean: float, variance: float) -> Floats:
    """(k,) from 0 to what is hardly ever asked for, all of them or so many evenly."""
    high = float(count_quantiles(np.array(mean), np.array(variance), [1.0 - HARDLY_EVER])[0])
    return np.unique(np.round(np.linspace(0.0, high + 1.0, int(min(high + 1.0, FINEST_COUNTS)) + 1)))


def awaited_demand(model: InventoryModel, asked: Asked, lead_time: LeadTime, review_days: float) -> AwaitedDemand:
    """Over the lead time, over it and the review, and in the longer run."""
    review = max(review_days, SOONEST_DAYS)
    lead = lead_time.mean_days
    ahead = max(LONG_RUN_DAYS, lead + review)
    per_day = model.mean_between(asked.series, asked.begins, asked.begins + ahead) * asked.share / ahead
    return AwaitedDemand(
        over_protection=law_over(model, asked, lead + review, lead_time.sd_days),
        lead_time_days=lead,
        review_days=review,
        over_lead_time=law_over(model, asked, lead, lead_time.sd_days) if lead > 0 else None,
        units_per_day=per_day,
    )
