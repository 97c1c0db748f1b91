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
from smartshop.data_collection.schemas.alerts import AlertKind, FoundAlert, OverstockFigures
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.stock import StockMovement

PLACES_AT_ONCE = 500
"""Whose movements, where they are needed, are read in one question and held together."""


@dataclass(frozen=True, slots=True)
class StockPast:
    """What is looked up of the past, only of those places where it is needed."""

    last_sold: Callable[[StockFacts], Micros | None]
    movements: Callable[[Sequence[StockFacts]], Sequence[Sequence[StockMovement]]]
    """Counted ones of each of these places, oldest first."""
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
    living = [one for one in facts if not one.place.product.deleted]
    for begins in range(0, len(living), PLACES_AT_ONCE):
        some = living[begins : begins + PLACES_AT_ONCE]
        looked = [_first_look(model, one, past, telling, configs) for one in some]
        unsure = [each for each in looked if each.needs_past]
        read = dict(zip(map(id, unsure), past.movements([each.facts for each in unsure]), strict=True))
        for each in looked:
            yield from _alerts_of(model, each, read.get(id(each), ()), past, telling, configs)


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """What a place shows before its movements are read."""

    facts: StockFacts
    last_sold: Micros | None
    may_be_dead: bool
    too_much: OverstockFigures | None

    @property
    def needs_past(self) -> bool:
        return self.may_be_dead or self.too_much is not None


def _first_look(
    model: InventoryModel, one: StockFacts, past: StockPast, telling: Telling, configs: StockConfigs
) -> _Look:
    last = past.last_sold(one)
    is_open = telling.is_open(AlertKind.OVERSTOCK, one.subject)
    return _Look(
        facts=one,
        last_sold=last,
        may_be_dead=may_be_dead(one, last, past.now, configs.dead),
        too_much=overstock(model, one, configs.overstock, is_open=is_open),
    )


def _alerts_of(
    model: InventoryModel,
    look: _Look,
    movements: Sequence[StockMovement],
    past: StockPast,
    telling: Telling,
    configs: StockConfigs,
) -> Iterator[FoundAlert]:
    one = look.facts
    dead = _dead(look, movements, past, telling, configs.dead) if look.may_be_dead else None
    if dead is not None:
        yield dead
        return
    yield from _too_little(model, one, telling, configs.stockout)
    is_young = bool(movements) and past.now - movements[0].occurred_at < configs.overstock.young_days * DAY
    if look.too_much is not None and not is_young:
        yield telling.tell(one.subject, look.too_much, look.too_much.excess_minor)


def _dead(
    look: _Look, movements: Sequence[StockMovement], past: StockPast, telling: Telling, config: DeadStockConfig
) -> FoundAlert | None:
    last = look.last_sold
    told = dead_stock(look.facts, last, None if last is None else past.day(last), movements, past.now, config)
    if told is None:
        return None
    since = past.day(past.now - told.days_without_sale * DAY)
    return telling.tell(look.facts.subject, told, told.tied_minor, since)


def _too_little(
    model: InventoryModel, one: StockFacts, telling: Telling, config: StockoutConfig
) -> Iterator[FoundAlert]:
    is_open = telling.is_open(AlertKind.STOCKOUT_RISK, one.subject)
    told = stockout_risk(model, one, config, is_open=is_open)
    if told is not None:
        yield telling.tell(one.subject, told, told.lost_margin_minor)
