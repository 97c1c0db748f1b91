"""The look itself: read the stores, find what to warn of, keep it with its life."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from smartshop.ai_agents.inventory.alerts.demand_alerts import DemandConfigs, DemandPast, demand_alerts
from smartshop.ai_agents.inventory.alerts.facts import StockFacts, stock_facts
from smartshop.ai_agents.inventory.alerts.found import Telling, most_at_stake
from smartshop.ai_agents.inventory.alerts.late_supplier import LateConfig
from smartshop.ai_agents.inventory.alerts.stakes import Stakes, StakesConfig
from smartshop.ai_agents.inventory.alerts.stock_alerts import StockConfigs, StockPast, stock_alerts
from smartshop.ai_agents.inventory.alerts.supplier_alerts import SupplierPast, supplier_alerts
from smartshop.ai_agents.inventory.learning import Learning, yearly_turnover
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.replenishment.case import Present
from smartshop.ai_agents.inventory.replenishment.reading import Stores, Supply, read_supply, stocked_places
from smartshop.data_collection.connectors.ports import Alerts, PurchaseOrders
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.demand import DemandQuestion, DemandTable, load_demand
from smartshop.data_collection.pipelines.demand_days import local_day
from smartshop.data_collection.pipelines.demand_stock import of_place
from smartshop.data_collection.pipelines.overheard_orders import OverheardOrders
from smartshop.data_collection.schemas.alerts import AlertId, AlertKind, FoundAlert
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.stock import StockMovement
from smartshop.data_collection.schemas.supply import PurchaseOrder, PurchaseStatus

KEPT = 400 * DAY
"""A closed warning can be looked back on for a year."""
MOST_OF_A_KIND = 1_000
DELIVERIES_FROM = 730 * DAY
PAGE = 500
WEEKS_OF_YEAR = 52
RECENT = 16 * DAY
"""Of which single lines are looked at: the longest window of surges, and two days for zones and whole days."""
Tell = Callable[[float, str], None]


@dataclass(frozen=True, slots=True)
class AlertConfig:
    """Every threshold, each beside what it decides."""

    stakes: StakesConfig = field(default_factory=StakesConfig)
    stock: StockConfigs = field(default_factory=StockConfigs)
    demand: DemandConfigs = field(default_factory=DemandConfigs)
    late: LateConfig = field(default_factory=LateConfig)


@dataclass(frozen=True, slots=True)
class Watch:
    """What is read, when, and where warnings are kept."""

    books: Learning
    stores: Stores
    alerts: Alerts
    model: InventoryModel
    present: Present
    now: Micros
    """Real time, which warnings live in."""
    config: AlertConfig = field(default_factory=AlertConfig)


def look_for_alerts(watch: Watch, tell: Tell) -> dict[str, int]:
    """Find what to warn of and keep it; run again at once it changes nothing. How many opened, stayed and closed."""
    open_ids = watch.alerts.open_ids()
    found = list(find_alerts(watch, open_ids, tell))
    kept = most_at_stake(found, MOST_OF_A_KIND, open_ids)
    tell(0.95, "keeping warnings")
    change = watch.alerts.look(kept, tuple(AlertKind), watch.now)
    watch.alerts.prune(Micros(watch.now - KEPT))
    return {
        "alerts_opened": len(change.opened),
        "alerts_still_open": change.still,
        "alerts_closed": change.closed,
        "alerts_left_out": len(found) - len(kept),
    }


def find_alerts(watch: Watch, open_ids: frozenset[AlertId], tell: Tell) -> Iterator[FoundAlert]:
    """Everything to warn of as the shop is now. `open_ids`: told before, and not over."""
    shop_now, books = watch.present.shop_now, watch.books
    tell(0.0, "reading orders and stock")
    heard = OverheardOrders(books.orders, Micros(shop_now - RECENT))
    question = DemandQuestion(until=shop_now, timezone=books.timezone, currency=books.currency)
    table = load_demand(heard, books.stock, books.catalogue, books.shelf, question, books.prices)
    tell(0.5, "looking at stock")
    supply = read_supply(watch.stores, watch.now)
    places = stocked_places(watch.stores, supply, watch.model, shop_now)
    facts = stock_facts(watch.model, supply, places, watch.present)
    telling = Telling(
        stakes=Stakes(_weekly_turnover(table), watch.config.stakes),
        currency=watch.model.facts.currency,
        today=watch.present.today.isoformat(),
        open_ids=open_ids,
    )
    yield from stock_alerts(watch.model, facts, _stock_past(watch, heard), telling, watch.config.stock)
    tell(0.8, "looking at demand and suppliers")
    yield from demand_alerts(watch.model, facts, _demand_past(watch, table, heard), telling, watch.config.demand)
    yield from supplier_alerts(_supplier_past(watch, supply), telling, watch.config.late)


def _weekly_turnover(table: DemandTable) -> float:
    """Minor units a week, over the last year or as long as the shop sells."""
    weeks = min(table.days / 7.0, float(WEEKS_OF_YEAR))
    return float(yearly_turnover(table).sum()) / weeks if len(table) and weeks >= 1 else 0.0


def _day(watch: Watch, at: int) -> str:
    return date.fromordinal(local_day(Micros(at), watch.books.timezone)).isoformat()


def _stock_past(watch: Watch, heard: OverheardOrders) -> StockPast:
    def movements(some: Sequence[StockFacts]) -> list[Sequence[StockMovement]]:
        told = watch.stores.stock.histories(list(dict.fromkeys(one.place.variant.variant_id for one in some)))
        return [_of_places(told.get(one.place.variant.variant_id, ()), one) for one in some]

    return StockPast(
        last_sold=lambda one: heard.last_sold_at(one.place.variant.variant_id, one.place.locations),
        movements=movements,
        day=lambda at: _day(watch, at),
        now=watch.present.shop_now,
    )


def _of_places(movements: Sequence[StockMovement], one: StockFacts) -> list[StockMovement]:
    return of_place([each for each in movements if each.location_id in one.place.locations], None)


def _demand_past(watch: Watch, table: DemandTable, heard: OverheardOrders) -> DemandPast:
    return DemandPast(
        table=table,
        shelf=watch.books.shelf,
        lines=heard.recent,
        day_of=lambda at: local_day(at, watch.books.timezone),
        day=lambda ordinal: date.fromordinal(ordinal).isoformat(),
    )


def _supplier_past(watch: Watch, supply: Supply) -> SupplierPast:
    orders = watch.stores.purchase_orders
    return SupplierPast(
        suppliers=supply.suppliers,
        sent=[*_with_status(orders, PurchaseStatus.SENT), *_with_status(orders, PurchaseStatus.PARTLY_RECEIVED)],
        deliveries=orders.deliveries(Micros(watch.now - DELIVERIES_FROM)),
        day=lambda at: _day(watch, at),
        now=watch.now,
    )


def _with_status(orders: PurchaseOrders, status: PurchaseStatus) -> Iterator[PurchaseOrder]:
    after = None
    while page := orders.page(after, PAGE, status):
        yield from page
        after = (page[-1].created_at, page[-1].purchase_order_id)
