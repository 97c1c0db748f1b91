"""What a served model is asked with: the stores as they are at this moment, and when that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from smartshop.ai_agents.inventory.learning import AGENT
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.replenishment.case import Present
from smartshop.ai_agents.inventory.replenishment.costs import CostConfig
from smartshop.ai_agents.inventory.replenishment.reading import Stores, Supply, read_supply
from smartshop.data_collection.connectors.ports import (
    Catalogue,
    Models,
    PurchaseOrders,
    Reservations,
    Stock,
    Suppliers,
)
from smartshop.data_collection.pipelines.clock import ShopClock
from smartshop.data_collection.schemas.ids import Micros, ModelVersion, VariantId
from smartshop.errors import NotFound


class HoldsStock(Protocol):
    """Whatever has these ports open: a serving process, a command, a job."""

    @property
    def catalogue(self) -> Catalogue: ...
    @property
    def stock(self) -> Stock: ...
    @property
    def reservations(self) -> Reservations: ...
    @property
    def suppliers(self) -> Suppliers: ...
    @property
    def purchase_orders(self) -> PurchaseOrders: ...


@dataclass(frozen=True, slots=True)
class StockNow:
    """A model, and all that a decision or a forecast of stock reads beside it."""

    model: InventoryModel
    stores: Stores
    present: Present
    now: Micros
    """Real time, which reservations end in."""

    def supply(self, variant_ids: Sequence[VariantId] | None = None) -> Supply:
        """Of these variants, or (None) of all; read anew at each call."""
        return read_supply(self.stores, self.now, variant_ids)


def stock_now(model: InventoryModel, held: HoldsStock, clock: ShopClock, costs: CostConfig) -> StockNow:
    return StockNow(model, stores_of(held), present_at(clock, costs), clock.now())


def stores_of(held: HoldsStock) -> Stores:
    return Stores(held.catalogue, held.stock, held.reservations, held.suppliers, held.purchase_orders)


def present_at(clock: ShopClock, costs: CostConfig) -> Present:
    now = clock.shop_now()
    return Present(now, clock.day(now), costs)


def promoted_model(models: Models) -> tuple[InventoryModel, ModelVersion]:
    """The one that serves, read from its folder.

    Raises:
        NotFound: nothing was learned yet.
    """
    record = models.promoted(AGENT)
    if record is None:
        raise NotFound("Nothing is foreseen yet; run `smartshop train inventory` first.")
    return InventoryModel.load(models.open(record)), record.version
