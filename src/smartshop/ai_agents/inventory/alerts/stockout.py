"""Where stock is likely to run out before goods could come: by the law of demand, not by a fixed line. Pure."""

from dataclasses import dataclass

from smartshop.ai_agents.inventory.alerts.facts import StockFacts
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.replenishment.awaited import law_over
from smartshop.ai_agents.inventory.replenishment.shortage import chance_short, shortage
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


def stockout_risk(
    model: InventoryModel, facts: StockFacts, config: StockoutConfig, *, is_open: bool
) -> StockoutFigures | None:
    """None where nothing is foreseen, or it lasts with enough chance."""
    if facts.asked is None:
        return None
    line = config.closes_at if is_open else config.opens_at
    lead, free, arrivals = facts.lead, facts.free_units, facts.arrivals
    until = lead.mean_days + config.headroom_days
    # Goods on their way only make it better, so most places are done after one look.
    whole = law_over(model, facts.asked, until, lead.sd_days)
    if chance_short(whole, free) < line:
        return None
    ahead = shortage(model, facts.asked, free, arrivals, until, lead.sd_days)
    if ahead.chance < line:
        return None
    today = shortage(model, facts.asked, free, arrivals, lead.mean_days, lead.sd_days)
    return StockoutFigures(
        chance_short=round(ahead.chance, 4),
        chance_short_today=round(today.chance, 4),
        free_units=free,
        arriving_units=ahead.arriving,
        incoming_units=facts.incoming,
        first_arrival_days=round(min(one.days for one in arrivals), 1) if arrivals else None,
        is_on_its_way=bool(arrivals) and chance_short(whole, free + facts.incoming) < config.closes_at,
        expected_units=round(ahead.expected, 2),
        until_days=round(until, 1),
        short_units=round(ahead.units, 2),
        lead_days=round(lead.mean_days, 1),
        lost_margin_minor=round(ahead.units * facts.margin),
    )
