"""Stock beyond what is asked for in half a year: its units and its money. Pure."""

import math
from dataclasses import dataclass

import numpy as np

from smartshop.ai_agents.inventory.alerts.facts import StockFacts
from smartshop.ai_agents.inventory.model import DAYS_OF_WEEK, InventoryModel
from smartshop.ai_agents.inventory.replenishment.awaited import Asked, law_over
from smartshop.data_collection.schemas.alerts import OverstockFigures

WEEKS_OF_YEAR = 52


@dataclass(frozen=True, slots=True)
class OverstockConfig:
    cover_weeks: float = 26.0
    """Stock for longer than this is too much."""
    level: float = 0.95
    """What demand over the cover stays within with this chance is no excess."""
    opens_share: float = 0.10
    """Of the stock that is in excess; less is no news."""
    closes_share: float = 0.0
    young_days: int = 56
    """What was first received less long ago has not had its chance."""


USUAL_CONFIG = OverstockConfig()


def overstock(
    model: InventoryModel, facts: StockFacts, config: OverstockConfig, *, is_open: bool
) -> OverstockFigures | None:
    """None where nothing is foreseen, no cost is known, or stock is not in excess."""
    if facts.asked is None or facts.unit_cost is None or facts.free_units <= 0:
        return None
    cover = config.cover_weeks * DAYS_OF_WEEK
    # What is asked for on average is needed in any case, and most places hold less: no law is worked out for them.
    if facts.free_units <= mean_over(model, facts.asked, cover):
        return None
    law = law_over(model, facts.asked, cover)
    needed = max(float(law.quantile(config.level)), asked_a_year_ago(model, facts.asked, cover))
    excess = math.floor(facts.free_units - needed)
    if excess < 1 or excess <= (config.closes_share if is_open else config.opens_share) * facts.free_units:
        return None
    return OverstockFigures(
        on_hand=facts.place.on_hand,
        incoming=facts.incoming,
        cover_days=cover,
        needed_units=round(needed, 1),
        excess_units=excess,
        excess_minor=round(excess * facts.unit_cost),
        lasts_days=round(facts.free_units / law.mean * cover, 1) if law.mean > 0 else None,
    )


def mean_over(model: InventoryModel, asked: Asked, days: float) -> float:
    """Units expected in so many days from now."""
    return model.mean_between(asked.series, asked.begins, asked.begins + days) * asked.share


def asked_a_year_ago(model: InventoryModel, asked: Asked, days: float) -> float:
    """Units over the same days of last year: what is bought at Christmas is no excess in June. 0 where nobody knows."""
    weeks = model.demand.shape[1]
    first = weeks + round(asked.begins / DAYS_OF_WEEK) - WEEKS_OF_YEAR
    until = first + math.ceil(days / DAYS_OF_WEEK)
    if first < 0 or first >= weeks:
        return 0.0
    return float(np.nansum(model.demand[asked.series, first : min(until, weeks)])) * asked.share
