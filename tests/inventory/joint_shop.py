"""The shop of two suppliers once more, where one of them asks a cost per order and several of its goods run short."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from smartshop.ai_agents.inventory.learning import learn_demand
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.data_collection.schemas.ids import Micros, VariantId
from smartshop.data_collection.schemas.stock import StockCount
from smartshop.data_collection.schemas.supply import Supplier, SupplyTerms
from tests.importing.shop import EmbeddedShop
from tests.inventory.supply_shop import END, QUICK, learning_of, opened_supply_shop
from tests.inventory.test_learning import LIGHT, silent

FIXED_COST = 6_000
"""Minor units; more than most of its goods would bear by themselves."""
SHORT = tuple(VariantId(f"thing-{number}") for number in range(4))
"""Small products of the quick supplier that run short beside the kettle."""


@contextmanager
def opened_joint_shop(folder: Path, database_url: str = "") -> Iterator[EmbeddedShop]:
    with opened_supply_shop(folder, database_url) as shop:
        bring_short(shop)
        yield shop


def bring_short(shop: EmbeddedShop) -> None:
    suppliers = shop.stores.suppliers
    suppliers.save(quick())
    suppliers.set_terms([SupplyTerms(supplier_id=QUICK, variant_id=name, unit_cost_minor=250) for name in SHORT])
    counts = [
        StockCount(movement_id=f"short-{name}", variant_id=name, level=2, occurred_at=Micros(END - 1)) for name in SHORT
    ]
    shop.stores.stock.count(counts, END)


def quick(min_order_minor: int = 0, currency: str = "GBP") -> Supplier:
    return Supplier(
        supplier_id=QUICK,
        name="Quick & Sons",
        currency=currency,
        changed_at=END,
        lead_time_days=5.0,
        fixed_cost_minor=FIXED_COST,
        min_order_minor=min_order_minor,
    )


def learned(shop: EmbeddedShop) -> InventoryModel:
    record = learn_demand(learning_of(shop), until=END, tell=silent, config=LIGHT)
    return InventoryModel.load(shop.stores.models.open(record))
