"""Keeps what slates know of supply true: read anew beside the requests, at a pace that a large shop can bear."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

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
from smartshop.data_collection.schemas.ids import Micros, SupplierId, VariantId
from smartshop.data_collection.schemas.supply import Supplier, SupplyTerms

INCOMING_EVERY = Micros(30_000_000)
"""µs between two looks at what is on its way; an order changes the days of few products, and by days."""
SUPPLIERS_EVERY = Micros(600_000_000)
"""µs between two looks at suppliers and all their terms."""


@dataclass(slots=True)
class SupplyNews:
    """Whether suppliers or their terms were told to this process since somebody read them."""

    latest: object = field(default_factory=object)
    """Another one after every telling."""

    def tell(self) -> None:
        self.latest = object()


@dataclass(frozen=True, slots=True, eq=False)
class _Told:
    """Suppliers and their terms, as last read."""

    at: Micros
    news: object
    """The latest before they were read."""
    suppliers: Mapping[SupplierId, Supplier]
    terms: Mapping[VariantId, SupplyTerms]


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """What changes seldom, and of what it was worked out."""

    model: InventoryModel
    category: object
    """The shelf's array; its identity tells one catalogue from the next."""
    told: _Told
    suppliers: Suppliers
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
        *,
        news: SupplyNews,
    ) -> None:
        self.pressure = pressure
        self._model, self._shelf, self._clock = model, shelf, clock
        self._suppliers, self._purchase_orders, self._news = suppliers, purchase_orders, news
        self._told: _Told | None = None
        self._read: _Read | None = None
        self._incoming_at = Micros(0)

    def refresh(self) -> bool:
        """Read again what is due; True when slates go by another view from now on."""
        model, shelf, now = self._model(), self._shelf(), self._clock.now()
        if model is None:
            return False
        told, read = self._as_told(now), self._read
        if read is None or read.model is not model or read.category is not shelf.category or read.told is not told:
            read = self._read = _look(model, shelf, told)
        elif now - self._incoming_at < INCOMING_EVERY:
            # Stock moved meanwhile, perhaps: what moved is worked out here, so that no request waits for it.
            self.pressure.of(shelf)
            return False
        self._incoming_at = now
        shop_now = self._clock.shop_now()
        incoming = self._purchase_orders.incoming()
        replenished = with_incoming(read.usual, incoming, read.suppliers, shelf, shop_now)
        begins = float(self._clock.day(shop_now).toordinal() - model.facts.first_day)
        self.pressure.use(supply_view(model, replenished, read.margin, begins), shelf)
        return True

    def _as_told(self, now: Micros) -> _Told:
        """Read again where somebody told other terms here, and every ten minutes for what others told elsewhere."""
        told, news = self._told, self._news.latest
        if told is None or told.news is not news or now - told.at >= SUPPLIERS_EVERY:
            terms: dict[VariantId, SupplyTerms] = {}
            for one in self._suppliers.terms():
                terms.setdefault(one.variant_id, one)
            by_id = {one.supplier_id: one for one in self._suppliers.all()}
            told = self._told = _Told(now, news, by_id, terms)
        return told


def _look(model: InventoryModel, shelf: Shelf, told: _Told) -> _Read:
    known = Suppliers(told.suppliers, told.terms, model.facts.lead_times)
    margin = known_margins(shelf, known, model.facts.currency)
    return _Read(model, shelf.category, told, known, usually_replenished(shelf, known), margin)
