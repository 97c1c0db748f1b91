"""Events, a small catalogue with stock, and the agents as they are wired."""

from collections.abc import Sequence

from smartshop.ai_agents.agent import Agent
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import ShopClock
from smartshop.data_collection.schemas.catalogue import Product, Variant
from smartshop.data_collection.schemas.events import EventKind, ProductLine, StoredEvent, Traffic, Trust
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    CustomerId,
    EventId,
    Micros,
    ProductId,
    ShopperKey,
    VariantId,
)
from smartshop.data_collection.schemas.stock import MovementReason, StockMovement
from smartshop.place import find_place
from smartshop.settings import Settings
from smartshop.wiring import build_agents, build_shop

NOW = Micros(1_780_000_000_000_000)
TENT, RED, BLUE = ProductId("tent"), VariantId("tent-red"), VariantId("tent-blue")


def fill(stores: SqlStores) -> None:
    """A tent in two colours with 20 units each."""
    tent = Product(product_id=TENT, title="Tent", variants=(Variant(variant_id=RED), Variant(variant_id=BLUE)))
    stores.catalogue.upsert([tent], NOW)
    for variant_id in (RED, BLUE):
        move(stores, variant_id, 20, at=0, reason=MovementReason.RECEIPT)


def move(
    stores: SqlStores, variant_id: VariantId, units: int, *, at: int, reason: MovementReason = MovementReason.SALE
) -> None:
    """`at`: seconds after now."""
    movement = StockMovement(
        movement_id=f"{variant_id}-{at}", variant_id=variant_id, quantity=units, reason=reason,
        occurred_at=Micros(NOW + at * 1_000_000),
    )  # fmt: skip
    stores.stock.move([movement], Micros(NOW + at * 1_000_000))


def event(
    kind: EventKind,
    *,
    anonymous_id: str = "a-1",
    customer_id: str | None = None,
    variant_id: VariantId | None = None,
    traffic: Traffic = Traffic.HUMAN,
) -> StoredEvent:
    return StoredEvent(
        event_id=EventId(f"{kind}-{anonymous_id}-{customer_id}-{variant_id}"),
        kind=kind,
        occurred_at=NOW,
        received_at=NOW,
        shopper_key=ShopperKey(customer_id or anonymous_id),
        source="api",
        trust=Trust.SERVER,
        traffic=traffic,
        anonymous_id=AnonymousId(anonymous_id),
        customer_id=None if customer_id is None else CustomerId(customer_id),
        products=(ProductLine(product_id=TENT, variant_id=variant_id, quantity=1),),
        query="tents" if kind is EventKind.SEARCHED else None,
    )


def wired(stores: SqlStores, clock: ShopClock) -> Sequence[Agent]:
    settings = Settings()
    return build_agents(stores, build_shop(settings, find_place(settings, False), stores, clock))
