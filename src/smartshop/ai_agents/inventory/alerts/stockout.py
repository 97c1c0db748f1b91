"""Where stock is likely to run out before goods could come: by the law of demand, not by a fixed line. Pure."""

from dataclasses import dataclass

from smartshop.ai_agents.inventory.alerts.facts import StockFacts
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.policies.demand_law import DemandLaw
from smartshop.ai_agents.inventory.replenishment.awaited import law_over
from smartshop.data_collection.schemas.alerts import StockoutFigures


@dataclass(frozen=True, slots=True)
class StockoutConfig:
    opens_at: float = 0.4
    """Chance to run out before goods could come, 0 to 1: the line at which every second warning is right when it opens
    (docs/benchmarks.md). A shop that orders at 95 % service accepts 5 % by itself."""
    closes_at: float = 0.2
    headroom_days: float = 7.0
    """Beyond the lead time: whoever is warned has so long to order. With three fewer are warned of in time and no more
    warnings are right; with fourteen who orders once a week is warned of what the next review looks after."""


USUAL_CONFIG = StockoutConfig()


@dataclass(frozen=True, slots=True)
class Shortage:
    """Until some day."""

    chance: float
    units: float
    """Expected to be missing."""
    expected: float
    """Expected to be asked for."""
    arriving: int


def stockout_risk(
    model: InventoryModel, facts: StockFacts, config: StockoutConfig, *, is_open: bool
) -> StockoutFigures | None:
    """None where nothing is foreseen, or it lasts with enough chance."""
    if facts.asked is None:
        return None
    line = config.closes_at if is_open else config.opens_at
    until = facts.lead.mean_days + config.headroom_days
    # Goods on their way only make it better, so most places are done after one look.
    whole = law_over(model, facts.asked, until, facts.lead.sd_days)
    if _short(whole, facts.free_units) < line:
        return None
    ahead = shortage(model, facts, until)
    if ahead.chance < line:
        return None
    today = shortage(model, facts, facts.lead.mean_days)
    return StockoutFigures(
        chance_short=round(ahead.chance, 4),
        chance_short_today=round(today.chance, 4),
        free_units=facts.free_units,
        arriving_units=ahead.arriving,
        expected_units=round(ahead.expected, 2),
        short_units=round(ahead.units, 2),
        lead_days=round(facts.lead.mean_days, 1),
        lost_margin_minor=round(ahead.units * facts.margin),
    )


def shortage(model: InventoryModel, facts: StockFacts, until: float) -> Shortage:
    """Until so many days from now, goods arriving on the mornings of their days.

    It runs out before an arrival or at the end, so the chance is at least the largest of these. They go together so
    closely (what was much by one day is much by the next) that the largest is told.
    """
    if facts.asked is None:
        return Shortage(0.0, 0.0, 0.0, 0)
    arrivals = sorted((one for one in facts.arrivals if one.days < until), key=lambda one: one.days)
    there, chance, units = float(facts.free_units), 0.0, 0.0
    for arrival in arrivals:
        law = law_over(model, facts.asked, arrival.days)
        chance, units = max(chance, _short(law, there)), max(units, float(law.short(there)))
        there += arrival.units
    whole = law_over(model, facts.asked, until, facts.lead.sd_days)
    return Shortage(
        chance=max(chance, _short(whole, there)),
        units=max(units, float(whole.short(there))),
        expected=whole.mean,
        arriving=sum(arrival.units for arrival in arrivals),
    )


def _short(law: DemandLaw, units: float) -> float:
    return 1.0 - float(law.chance_within(units))
