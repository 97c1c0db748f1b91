"""Every place's warnings of its stock: it runs out, it lies too long, nobody buys it. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from smartshop.ai_agents.inventory.alerts.dead_stock import DeadStockConfig, dead_stock, may_be_dead
from smartshop.ai_agents.inventory.alerts.facts import StockFacts
from smartshop.ai_agents.inventory.alerts.found import Telling
from smartshop.ai_agents.inventory.alerts.overstock import OverstockConfig, overstock
from smartshop.ai_agents.inventory.alerts.stockout import StockoutConfig, stockout_risk
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.alerts import AlertKind, FoundAlert
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.stock import StockMovement


@dataclass(frozen=True, slots=True)
class StockPast:
    """What is looked up of the past, place by place, only where it is needed."""

    last_sold: Callable[[StockFacts], Micros | None]
    movements: Callable[[StockFacts], Sequence[StockMovement]]
    """Counted ones of this place, oldest first."""
    day: Callable[[int], str]
    """Of a moment, in the shop's zone."""
    now: Micros
    """The shop's."""


@dataclass(frozen=True, slots=True)
class StockConfigs:
    stockout: StockoutConfig = field(default_factory=StockoutConfig)
    overstock: OverstockConfig = field(default_factory=OverstockConfig)
    dead: DeadStockConfig = field(default_factory=DeadStockConfig)


def stock_alerts(
    model: InventoryModel, facts: Sequence[StockFacts], past: StockPast, telling: Telling, configs: StockConfigs
) -> Iterator[FoundAlert]:
    """What is dead is not told to be too much as well."""
    for one in facts:
        if one.place.product.deleted:
            continue
        dead = _dead(one, past, telling, configs.dead)
        if dead is not None:
            yield dead
            continue
        yield from _too_little(model, one, telling, configs.stockout)
        yield from _too_much(model, one, past, telling, configs.overstock)


def _dead(one: StockFacts, past: StockPast, telling: Telling, config: DeadStockConfig) -> FoundAlert | None:
    last = past.last_sold(one)
    if not may_be_dead(one, last, past.now, config):
        return None
    movements = past.movements(one)
    told = dead_stock(one, last, None if last is None else past.day(last), movements, past.now, config)
    if told is None:
        return None
    since = past.day(past.now - told.days_without_sale * DAY)
    return telling.tell(one.subject, told, told.tied_minor, since)


def _too_little(
    model: InventoryModel, one: StockFacts, telling: Telling, config: StockoutConfig
) -> Iterator[FoundAlert]:
    is_open = telling.is_open(AlertKind.STOCKOUT_RISK, one.subject)
    told = stockout_risk(model, one, config, is_open=is_open)
    if told is not None:
        yield telling.tell(one.subject, told, told.lost_margin_minor)


def _too_much(
    model: InventoryModel, one: StockFacts, past: StockPast, telling: Telling, config: OverstockConfig
) -> Iterator[FoundAlert]:
    is_open = telling.is_open(AlertKind.OVERSTOCK, one.subject)
    told = overstock(model, one, config, is_open=is_open)
    if told is None:
        return
    movements = past.movements(one)
    if movements and past.now - movements[0].occurred_at < config.young_days * DAY:
        return
    yield telling.tell(one.subject, told, told.excess_minor)
