"""Whether stock runs out before some day, goods on their way counted when they come. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.policies.demand_law import DemandLaw
from smartshop.ai_agents.inventory.replenishment.awaited import Asked, law_over
from smartshop.ai_agents.inventory.replenishment.case import Case
from smartshop.ai_agents.inventory.replenishment.projection import Arrival


@dataclass(frozen=True, slots=True)
class Shortage:
    """Until some day."""

    chance: float
    """That more is asked for than is there, 0 to 1."""
    units: float
    """Expected to be missing."""
    expected: float
    """Expected to be asked for."""
    arriving: int
    """Units that come before that day."""


def shortage(
    model: InventoryModel,
    asked: Asked,
    free_units: int,
    arrivals: Sequence[Arrival],
    until: float,
    spread_days: float = 0.0,
) -> Shortage:
    """Until so many days from now, give or take `spread_days`; goods arrive on the mornings of their days.

    It runs out before an arrival or at the end, so the chance is at least the largest of these. They go together so
    closely (what was much by one day is much by the next) that the largest is told.
    """
    coming = sorted((one for one in arrivals if one.days < until), key=lambda one: one.days)
    there, chance, units = float(max(free_units, 0)), 0.0, 0.0
    for arrival in coming:
        law = law_over(model, asked, arrival.days)
        chance, units = max(chance, chance_short(law, there)), max(units, float(law.short(there)))
        there += arrival.units
    whole = law_over(model, asked, until, spread_days)
    return Shortage(
        chance=max(chance, chance_short(whole, there)),
        units=max(units, float(whole.short(there))),
        expected=whole.mean,
        arriving=sum(arrival.units for arrival in coming),
    )


def chance_short_before(model: InventoryModel, case: Case) -> float:
    """That somebody asks in vain before an order placed now could come, 0 to 1."""
    free, lead = case.place.on_hand - case.place.reserved, case.lead
    return shortage(model, case.asked, free, case.arrivals, lead.mean_days, lead.sd_days).chance


def chance_short(law: DemandLaw, units: float) -> float:
    """That more than so many units are asked for."""
    return 1.0 - float(law.chance_within(units))
