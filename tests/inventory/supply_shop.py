"""A real shop with a year of orders whose demand law is known, stock, and two suppliers."""

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from smartshop.ai_agents.inventory.learning import Learning
from smartshop.data_collection.pipelines.clock import DAY, to_micros
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.ids import Micros, SupplierId, VariantId
from smartshop.data_collection.schemas.stock import StockCount
from smartshop.data_collection.schemas.supply import (
    PurchaseLine,
    PurchaseOrder,
    PurchaseOrderId,
    PurchaseReceipt,
    PurchaseStatus,
    QuantityBreak,
    Supplier,
    SupplyTerms,
)
from tests.importing.shop import EmbeddedShop, opened_shop

START = datetime(2025, 1, 6, tzinfo=UTC)
"""A Monday."""
WEEKS = 52
END = Micros(to_micros(START) + 7 * WEEKS * DAY)
RATES = {"kettle": 3.0, "mug": 1.0, "lamp": 0.4, "rare": 0.05}
"""Units a day, Poisson."""
PRICES = {"kettle": 2_000, "mug": 800, "lamp": 4_000, "rare": 9_000}
LEVELS = {"kettle": 12, "mug": 200, "lamp": 2, "rare": 0}
QUICK, SLOW = SupplierId("quick"), SupplierId("slow")
FILLERS = 24
"""Small products beside those looked at, so that there is something to learn classes from."""


@contextmanager
def opened_supply_shop(folder: Path, database_url: str = "") -> Iterator[EmbeddedShop]:
    with opened_shop(folder / "shop", database_url) as shop:
        shop.bring("products", _products(folder / "products.csv"))
        shop.bring("interactions", _orders(folder / "orders.csv"))
        _count_stock(shop)
        _tell_suppliers(shop)
        yield shop


def learning_of(shop: EmbeddedShop) -> Learning:
    stores = shop.stores
    keeper = ShelfKeeper(stores.catalogue, stores.stock, "GBP", lambda: END, lambda: END)
    return Learning(
        log=stores.log,
        orders=stores.orders,
        stock=stores.stock,
        catalogue=stores.catalogue,
        suppliers=stores.suppliers,
        purchase_orders=stores.purchase_orders,
        models=stores.models,
        shelf=keeper.shelf,
        currency="GBP",
        timezone=ZoneInfo("UTC"),
        now=lambda: END,
    )


def bought(shop: EmbeddedShop, number: int, days: float) -> None:
    """One order of ten kettles from the quick supplier that came after so many days."""
    sent, key = Micros(END - (40 + number) * DAY), PurchaseOrderId(f"old-{number}")
    orders = shop.stores.purchase_orders
    line = PurchaseLine(variant_id=VariantId("kettle"), units=10, unit_cost_minor=1_000)
    orders.draft(
        PurchaseOrder(
            purchase_order_id=key,
            supplier_id=QUICK,
            status=PurchaseStatus.DRAFT,
            currency="GBP",
            lines=(line,),
            created_at=sent,
        )
    )
    orders.step(key, PurchaseStatus.APPROVED, sent)
    orders.step(key, PurchaseStatus.SENT, sent)
    came = Micros(int(sent + days * DAY))
    orders.receive(
        PurchaseReceipt(purchase_order_id=key, receipt_id=f"receipt-{number}", lines=(), received_at=came), came
    )


def _products(path: Path) -> Path:
    rows = [(name, name.title(), "Home > Kitchen", price, "GBP") for name, price in PRICES.items()]
    rows += [(f"thing-{n}", f"Thing {n}", "Home > Things", 500 + n, "GBP") for n in range(FILLERS)]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("product_id", "title", "category", "price_minor", "currency"), *rows])
    return path


def _orders(path: Path) -> Path:
    rng, rows = np.random.default_rng(5), []
    rates = RATES | {f"thing-{n}": 0.3 for n in range(FILLERS)}
    for day in range(7 * WEEKS):
        for name, rate in rates.items():
            for number in range(int(rng.poisson(rate))):
                at = START + timedelta(days=day, hours=9, minutes=int(rng.integers(0, 600)))
                order = f"{name}-{day}-{number}"
                customer = f"c{rng.integers(0, 300)}"
                price = PRICES.get(name, 500)
                rows.append((customer, name, "order_completed", at.isoformat(), order, 1, price))
    with path.open("w", newline="") as file:
        header = ("customer_id", "product_id", "kind", "occurred_at", "order_id", "quantity", "price_minor")
        csv.writer(file).writerows([header, *rows])
    return path


def _count_stock(shop: EmbeddedShop) -> None:
    levels = LEVELS | {f"thing-{n}": 60 for n in range(FILLERS)}
    counts = [
        StockCount(movement_id=f"count-{name}", variant_id=VariantId(name), level=level, occurred_at=Micros(END - 1))
        for name, level in levels.items()
    ]
    shop.stores.stock.count(counts, END)


def _tell_suppliers(shop: EmbeddedShop) -> None:
    suppliers = shop.stores.suppliers
    suppliers.save(Supplier(supplier_id=QUICK, name="Quick & Sons", currency="GBP", changed_at=END, lead_time_days=5.0))
    suppliers.save(Supplier(supplier_id=SLOW, name="Slow Boat", currency="GBP", changed_at=END, fixed_cost_minor=2_000))
    suppliers.set_terms(
        [
            SupplyTerms(
                supplier_id=QUICK,
                variant_id=VariantId("kettle"),
                unit_cost_minor=1_000,
                pack_size=10,
                breaks=(QuantityBreak(100, 900),),
                preferred=True,
            ),
            SupplyTerms(supplier_id=QUICK, variant_id=VariantId("mug"), unit_cost_minor=300),
            SupplyTerms(supplier_id=SLOW, variant_id=VariantId("lamp"), unit_cost_minor=2_000, min_units=5),
        ]
    )
