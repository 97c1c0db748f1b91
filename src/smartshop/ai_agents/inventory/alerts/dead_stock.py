"""What lies on the shelf and nobody bought for half a year, though it could be bought. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from smartshop.ai_agents.inventory.alerts.facts import StockFacts
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.demand_stock import empty_stretches
from smartshop.data_collection.schemas.alerts import DeadStockFigures
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.stock import MovementReason, StockMovement


@dataclass(frozen=True, slots=True)
class DeadStockConfig:
    days: int = 180
    """Without a sale while it was there and had a price; shops call half a year to a year dead."""


USUAL_CONFIG = DeadStockConfig()


def may_be_dead(facts: StockFacts, last_sold: Micros | None, now: Micros, config: DeadStockConfig) -> bool:
    """Whether its movements are worth reading: it is there, has a price and a cost, and was not sold for long."""
    has_stock = facts.place.on_hand > 0 and facts.place.price_minor is not None and facts.unit_cost is not None
    return has_stock and (last_sold is None or now - last_sold >= config.days * DAY)


def dead_stock(
    facts: StockFacts,
    last_sold: Micros | None,
    last_sold_day: str | None,
    movements: Sequence[StockMovement],
    now: Micros,
    config: DeadStockConfig,
) -> DeadStockFigures | None:
    """None where it was sold, or could be bought for fewer days since.

    `movements`: of this place, counted ones, oldest first (`demand_stock.of_place`). Days without stock do not count:
    what was sold out and came back a week ago had a week to be sold in.
    """
    if not movements or not may_be_dead(facts, last_sold, now, config):
        return None
    # An order that names no place is taken from anywhere: then only the movement tells where.
    taken = max((one.occurred_at for one in movements if one.reason is MovementReason.SALE), default=0)
    since = max(movements[0].occurred_at, last_sold or 0, taken)
    empty = empty_stretches(movements, facts.place.on_hand, now)
    out = sum(max(0, min(end, now) - max(begin, since)) for begin, end in empty)
    days = (now - since - out) // DAY
    if days < config.days:
        return None
    return DeadStockFigures(
        on_hand=facts.place.on_hand,
        tied_minor=round(facts.place.on_hand * (facts.unit_cost or 0.0)),
        days_without_sale=int(days),
        last_sold=last_sold_day,
    )
