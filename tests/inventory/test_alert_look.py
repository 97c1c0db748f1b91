"""One look over a real shop in which something of every kind is wrong, and what follows when it is put right."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from smartshop.ai_agents.inventory.alerts.watching import Watch, look_for_alerts
from smartshop.ai_agents.inventory.learning import learn_demand
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.replenishment.case import Present
from smartshop.ai_agents.inventory.replenishment.costs import CostConfig
from smartshop.ai_agents.inventory.replenishment.reading import Stores
from smartshop.data_collection.pipelines.clock import DAY, to_datetime
from smartshop.data_collection.schemas.alerts import Alert, AlertFilter, AlertKind, AlertState
from smartshop.data_collection.schemas.catalogue import Offer, Product, Variant
from smartshop.data_collection.schemas.ids import Micros, ProductId, VariantId
from smartshop.data_collection.schemas.stock import StockCount
from smartshop.data_collection.schemas.supply import (
    PurchaseLine,
    PurchaseOrder,
    PurchaseOrderId,
    PurchaseReceipt,
    PurchaseStatus,
)
from tests.importing.shop import EmbeddedShop
from tests.inventory.supply_shop import END, QUICK, bought, learning_of, opened_supply_shop
from tests.inventory.test_learning import LIGHT, silent

LATE = PurchaseOrderId("late-one")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedShop]:
    """Learned from the year before; then mugs surge, kettles cost a hundredth, vases are dead, things lie in heaps."""
    folder = tmp_path_factory.mktemp("troubled")
    with opened_supply_shop(folder) as opened:
        learn_demand(learning_of(opened), until=END, tell=silent, config=LIGHT)
        opened.bring("interactions", _last_week(folder / "last_week.csv"))
        _heaps_and_vases(opened)
        for number in range(3):
            bought(opened, number, 5.0)
        _late_order(opened)
        yield opened


def _last_week(path: Path) -> Path:
    """On each of the last seven days nine mugs more, and sixty kettles at a hundredth of their price."""
    rows = ["customer_id,product_id,kind,occurred_at,order_id,quantity,price_minor"]
    for back in range(1, 8):
        day = to_datetime(END - back * DAY).date()
        for name, count, price in (("mug", 9, 800), ("kettle", 60, 20)):
            rows += [
                f"c{n},{name},order_completed,{day}T12:{n:02d}:00Z,more-{name}-{back}-{n},1,{price}"
                for n in range(count)
            ]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def _heaps_and_vases(shop: EmbeddedShop) -> None:
    offer = Offer(variant_id=VariantId("vase"), price_minor=3_000, currency="GBP")
    variants = (Variant(variant_id=VariantId("vase"), offers=(offer,)),)
    vase = Product(product_id=ProductId("vase"), title="Vase", variants=variants)
    shop.stores.catalogue.upsert([vase], END)
    shop.stores.stock.count([_counted("vase", 12, END - 300 * DAY), _counted("thing-1", 2_000, END - 200 * DAY)], END)
    shop.stores.stock.count([_counted("thing-1", 2_000, END)], END)


def _counted(name: str, level: int, at: int) -> StockCount:
    return StockCount(movement_id=f"{name}-{at}", variant_id=VariantId(name), level=level, occurred_at=Micros(at))


def _late_order(shop: EmbeddedShop) -> None:
    sent, orders = Micros(END - 30 * DAY), shop.stores.purchase_orders
    lines = (PurchaseLine(variant_id=VariantId("kettle"), units=40, unit_cost_minor=1_000),)
    orders.draft(
        PurchaseOrder(
            purchase_order_id=LATE,
            supplier_id=QUICK,
            status=PurchaseStatus.DRAFT,
            currency="GBP",
            lines=lines,
            created_at=sent,
        )
    )
    for to in (PurchaseStatus.APPROVED, PurchaseStatus.SENT):
        orders.step(LATE, to, sent)


def look(shop: EmbeddedShop, now: Micros = END) -> dict[str, int]:
    stores = shop.stores
    record = stores.models.promoted("inventory")
    assert record is not None
    ports = Stores(stores.catalogue, stores.stock, stores.reservations, stores.suppliers, stores.purchase_orders)
    present = Present(END, date(2026, 1, 5), CostConfig())
    model = InventoryModel.load(stores.models.open(record))
    return look_for_alerts(Watch(learning_of(shop), ports, stores.alerts, model, present, now), silent)


def told(shop: EmbeddedShop, state: AlertState = AlertState.OPEN) -> dict[tuple[AlertKind, str], Alert]:
    found = shop.stores.alerts.page(AlertFilter(state=state), END, limit=200)
    return {
        (one.found.kind, one.found.subject.purchase_order_id or one.found.subject.product_id or ""): one
        for one in found
    }


def test_everything_that_is_wrong_is_told_and_nothing_else(shop: EmbeddedShop) -> None:
    assert look(shop)["alerts_opened"] > 0
    assert set(told(shop)) == {
        (AlertKind.STOCKOUT_RISK, "lamp"),
        (AlertKind.STOCKOUT_RISK, "rare"),
        (AlertKind.DEMAND_SURGE, "mug"),
        (AlertKind.DEMAND_SURGE, "kettle"),
        (AlertKind.PRICE_DEMAND, "kettle"),
        (AlertKind.DEAD_STOCK, "vase"),
        (AlertKind.OVERSTOCK, "thing-1"),
        (AlertKind.LATE_ORDER, LATE),
    }


def test_figures_are_those_of_the_books(shop: EmbeddedShop) -> None:
    look(shop)
    found = told(shop)
    vase = found[AlertKind.DEAD_STOCK, "vase"].found
    # Nobody told its cost: 60 % of 30.00 is assumed.
    assert (vase.worth_minor, vase.since) == (12 * 1_800, (date(2026, 1, 5) - timedelta(days=300)).isoformat())
    late = found[AlertKind.LATE_ORDER, LATE].found
    assert late.worth_minor == 40_000
    assert "40 units for 400.00 GBP were expected on 2025-12-11" in late.words
    surge = found[AlertKind.DEMAND_SURGE, "mug"].found.words
    assert "asked for in 7 days" in surge or "asked for in 3 days" in surge
    price = found[AlertKind.PRICE_DEMAND, "kettle"].found
    assert "usually 20.00 GBP" in price.words
    assert price.advice.startswith("Check the price now")


def test_what_is_put_right_closes_and_the_rest_stays(shop: EmbeddedShop) -> None:
    look(shop)
    before = set(told(shop))
    shop.stores.purchase_orders.receive(
        PurchaseReceipt(purchase_order_id=LATE, receipt_id="at-last", lines=(), received_at=END), END
    )
    shop.stores.stock.count([_counted("vase", 0, END - 1)], END)
    change = look(shop, Micros(END + DAY))
    assert change["alerts_opened"] == 0
    gone = {(AlertKind.LATE_ORDER, LATE), (AlertKind.DEAD_STOCK, "vase")}
    assert set(told(shop)) == before - gone
    assert set(told(shop, AlertState.CLOSED)) == gone
