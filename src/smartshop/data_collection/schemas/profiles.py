"""The shopper's present: three bounded sets of their own events, newest last."""

import msgspec

from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import DecisionId, EventId, Micros, ProductId

INTEREST_LIMIT = 200
PURCHASES_LIMIT = 500
EXPOSURES_LIMIT = 300


class Interest(msgspec.Struct, frozen=True):
    """One sign of liking or disliking a product, or a search (`product_id` None, `query` set)."""

    occurred_at: Micros
    event_id: EventId
    kind: EventKind
    product_id: ProductId | None
    query: str | None = None
    dwell_ms: int | None = None
    rating: float | None = None


class Purchase(msgspec.Struct, frozen=True):
    """The last time a distinct product was bought."""

    occurred_at: Micros
    event_id: EventId
    product_id: ProductId
    quantity: int


class Exposure(msgspec.Struct, frozen=True):
    """A product that was really visible in a slate."""

    occurred_at: Micros
    event_id: EventId
    product_id: ProductId
    decision_id: DecisionId | None
    position: int | None


class Profile(msgspec.Struct, frozen=True):
    """Sorted by (occurred_at, event_id), newest last. The same events in any order, twice or late, give the same."""

    interest: tuple[Interest, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    exposures: tuple[Exposure, ...] = ()
