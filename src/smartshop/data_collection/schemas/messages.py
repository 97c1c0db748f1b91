"""What agents say to each other: facts in the past tense, frozen, tagged by `kind`. Handling one twice is harmless."""

import msgspec

from smartshop.data_collection.schemas.alerts import AlertId, AlertKind, AlertSubject, Severity
from smartshop.data_collection.schemas.events import StoredEvent
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    CustomerId,
    LocationId,
    Micros,
    ModelVersion,
    ProductId,
    ShopperKey,
    VariantId,
)
from smartshop.data_collection.schemas.segments import SegmentId, SegmentKind


class EventsAccepted(msgspec.Struct, frozen=True, tag_field="kind", tag="events_accepted"):
    """A batch is durable in the log."""

    events: tuple[StoredEvent, ...]


class StockChanged(msgspec.Struct, frozen=True, tag_field="kind", tag="stock_changed"):
    """Levels of these variants moved; readers look the present level up."""

    variant_ids: tuple[VariantId, ...]


class CatalogueChanged(msgspec.Struct, frozen=True, tag_field="kind", tag="catalogue_changed"):
    product_ids: tuple[ProductId, ...]


class ModelTrained(msgspec.Struct, frozen=True, tag_field="kind", tag="model_trained"):
    agent: str
    version: ModelVersion
    promoted: bool


class SlateRefreshed(msgspec.Struct, frozen=True, tag_field="kind", tag="slate_refreshed"):
    """What this shopper just did changes what they should see; open pages ask for a new slate."""

    shopper_key: ShopperKey
    is_customer: bool
    cause: str


class StockAlert(msgspec.Struct, frozen=True, tag_field="kind", tag="stock_alert"):
    """A variant is at or under its low-stock line."""

    variant_id: VariantId
    product_id: ProductId
    location_id: LocationId
    level: int
    low_stock_level: int
    noticed_at: Micros


class SupplyAlertRaised(msgspec.Struct, frozen=True, tag_field="kind", tag="supply_alert_raised"):
    """A look over the stock found something new for the shop's keeper; its row tells the figures, and whether it still
    is so."""

    alert_id: AlertId
    alert_kind: AlertKind
    severity: Severity
    subject: AlertSubject
    words: str
    opened_at: Micros


class BackInStock(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="back_in_stock"):
    """A variant can be sold again, and these shoppers, who asked to be told, are told; nobody is named twice."""

    product_id: ProductId
    variant_id: VariantId
    units: int
    """That anybody can buy; -1 where they are never counted."""
    customer_ids: tuple[CustomerId, ...]
    anonymous_ids: tuple[AnonymousId, ...]
    others: int
    """So many more may be told inside the shop: those who wanted it while it was gone, and never asked."""
    gone_at: Micros | None
    """When its last unit went; None where that is not known, or was said before."""
    back_at: Micros


class SegmentChanged(msgspec.Struct, frozen=True, tag_field="kind", tag="segment_changed"):
    """A customer left one segment and entered another, by what they did; SegmentsRefitted tells a refit's."""

    customer_id: CustomerId
    segment_kind: SegmentKind
    from_segment: SegmentId | None
    to_segment: SegmentId | None
    moved_at: Micros


class SegmentsRefitted(msgspec.Struct, frozen=True, tag_field="kind", tag="segments_refitted"):
    """Segments were learned anew; readers look sizes and flows up. Held back: an operator must look at it."""

    version: ModelVersion
    held_back: bool
    moved_behaviour: int
    moved_model: int


class CustomerErased(msgspec.Struct, frozen=True, tag_field="kind", tag="customer_erased"):
    """Nothing of this customer is stored any more; whoever holds a copy drops it."""

    customer_id: CustomerId


class ReplayRequested(msgspec.Struct, frozen=True, tag_field="kind", tag="replay_requested"):
    """An operator has put right what killed messages: whoever runs the agents handles their dead letters again."""


Message = (
    EventsAccepted
    | StockChanged
    | CatalogueChanged
    | ModelTrained
    | SlateRefreshed
    | StockAlert
    | BackInStock
    | SupplyAlertRaised
    | SegmentChanged
    | SegmentsRefitted
    | CustomerErased
    | ReplayRequested
)
