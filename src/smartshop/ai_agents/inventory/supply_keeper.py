"""Keeps what slates know of supply true: read anew beside the requests, at a pace that a large shop can bear."""

from collections.abc import Callable
from dataclasses import dataclass

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.policies.bounds import Floats
from smartshop.ai_agents.inventory.supply_pressure import StockPressure
from smartshop.ai_agents.inventory.supply_view import (
    Replenished,
    Suppliers,
    known_margins,
    supply_view,
    usually_replenished,
    with_incoming,
)
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.connectors.ports import PurchaseOrders
from smartshop.data_collection.connectors.ports import Suppliers as SupplierBook
from smartshop.data_collection.pipelines.clock import ShopClock
from smartshop.data_collection.schemas.ids import Micros, VariantId
from smartshop.data_collection.schemas.supply import SupplyTerms

INCOMING_EVERY = Micros(30_000_000)
"""µs between two looks at what is on its way; an order changes the days of few products, and by days."""
SUPPLIERS_EVERY = Micros(600_000_000)
"""µs between two looks at suppliers and all their terms."""


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """What changes seldom, and of what it was worked out."""

    model: InventoryModel
    category: object
    """The shelf's array; its identity tells one catalogue from the next."""
    at: Micros
    usual: Replenished
    margin: Floats


class SupplyKeeper:
    """`refresh` may be called every second, by one thread at a time; it mostly finds nothing to do."""

    def __init__(
        self,
        pressure: StockPressure,
        model: Callable[[], InventoryModel | None],
        shelf: Callable[[], Shelf],
        suppliers: SupplierBook,
        purchase_orders: PurchaseOrders,
        clock: ShopClock,
    ) -> None:
        self.pressure = pressure
        self._model, self._shelf, self._clock = model, shelf, clock
        self._suppliers, self._purchase_orders = suppliers, purchase_orders
        self._read: _Read | None = None
        self._incoming_at = Micros(0)

    def refresh(self) -> bool:
        """Read again what is due; True when slates go by another view from now on."""
        model, shelf, now = self._model(), self._shelf(), self._clock.now()
        if model is None:
            return False
        read = self._read
        stale = (
            read is None
            or read.model is not model
            or read.category is not shelf.category
            or now - read.at >= SUPPLIERS_EVERY
        )
        if read is None or stale:
            read = self._read = self._look(model, shelf, now)
        elif now - self._incoming_at < INCOMING_EVERY:
            # Stock moved meanwhile, perhaps: what moved is worked out here, so that no request waits for it.
            self.pressure.of(shelf)
            return False
        self._incoming_at = now
        shop_now = self._clock.shop_now()
        replenished = with_incoming(read.usual, self._purchase_orders.incoming(), shelf, shop_now)
        begins = float(self._clock.day(shop_now).toordinal() - model.facts.first_day)
        self.pressure.use(supply_view(model, replenished, read.margin, begins), shelf)
        return True

    def _look(self, model: InventoryModel, shelf: Shelf, now: Micros) -> _Read:
        terms: dict[VariantId, SupplyTerms] = {}
        for told in self._suppliers.terms():
            terms.setdefault(told.variant_id, told)
        by_id = {one.supplier_id: one for one in self._suppliers.all()}
        known = Suppliers(by_id, terms, model.facts.lead_times)
        margin = known_margins(shelf, known, model.facts.currency)
        return _Read(model, shelf.category, now, usually_replenished(shelf, known), margin)
