"""When goods on their way will be there: the one rule that proposals, slates, plots and warnings go by. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import gamma

from smartshop.ai_agents.inventory.replenishment.lead_times import LeadTime, lead_time_of
from smartshop.ai_agents.inventory.replenishment.projection import Arrival
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.ids import LocationId, Micros, SupplierId
from smartshop.data_collection.schemas.supply import IncomingUnits, Supplier

SOONEST_DAYS = 1.0
"""What is due comes tomorrow at the earliest."""
LOST_CHANCE = 0.001
"""An order that took longer than all but so few ever do may be lost: nobody can count on it for tomorrow."""


@dataclass(frozen=True, slots=True)
class Wait:
    """From now until goods are there."""

    days: float
    """On average; at least one."""
    spread_days: float
    """Standard deviation; 0 of a date that was told and is to come."""


def arrivals_of(
    coming: Iterable[IncomingUnits],
    places: Collection[LocationId],
    suppliers: Mapping[SupplierId, Supplier],
    learned: Mapping[SupplierId, LeadTime],
    now: Micros,
) -> tuple[Arrival, ...]:
    """What comes to these places, each as orders of its own supplier do."""
    return tuple(
        Arrival(wait_for(one, lead_time_of(suppliers.get(one.supplier_id), learned), now).days, one.units)
        for one in coming
        if one.location_id in places
    )


def wait_for(one: IncomingUnits, lead: LeadTime, now: Micros) -> Wait:
    """Until these goods are there; `lead` is of the supplier who brings them.

    By the date that was told, else by how long ago it was sent. What is late by its date is expected as an order of
    this supplier that took so long already.
    """
    if one.expected_at is not None and one.expected_at > now:
        return Wait(max((one.expected_at - now) / DAY, SOONEST_DAYS), 0.0)
    if one.expected_at is not None:
        return further_wait(lead, lead.mean_days + (now - one.expected_at) / DAY)
    return further_wait(lead, 0.0 if one.sent_at is None else max((now - one.sent_at) / DAY, 0.0))


def further_wait(lead: LeadTime, age: float) -> Wait:
    """L − a given L > a, of the gamma law of a lead time and an order sent `age` days ago.

    By E[Lⁿ; L > a] = E[Lⁿ]·P(L' > a), L' gamma with n more in its shape. What may be lost comes as if sent anew.

    >>> steady = LeadTime(mean_days=10.0, sd_days=10.0, orders_seen=0, stated_days=None)
    >>> wait = further_wait(steady, 5.0)  # exponential: without memory
    >>> round(wait.days, 6), round(wait.spread_days, 6)
    (10.0, 10.0)
    """
    anew = Wait(max(lead.mean_days, SOONEST_DAYS), lead.sd_days)
    if lead.sd_days <= 0 or lead.mean_days <= 0:
        return Wait(max(lead.mean_days - age, SOONEST_DAYS), 0.0) if age <= lead.mean_days else anew
    shape, scale = (lead.mean_days / lead.sd_days) ** 2, lead.sd_days**2 / lead.mean_days
    longer, once, twice = gamma.sf(age, shape + np.arange(3.0), scale=scale)
    if longer < LOST_CHANCE:
        return anew
    whole = lead.mean_days * float(once / longer)
    square = (lead.mean_days**2 + lead.sd_days**2) * float(twice / longer)
    return Wait(max(whole - age, SOONEST_DAYS), float(np.sqrt(max(square - whole**2, 0.0))))
