"""`/v1/stock`: levels, and the movements and counts that make them."""

import asyncio
import uuid
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.product_input import Moment
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import MAX_PAGE, Cursor, Id, Limit, Units, next_cursor, offset_of, usable_id
from smartshop.data_collection.pipelines.clock import format_rfc3339, to_micros
from smartshop.data_collection.schemas.ids import LocationId, Micros, VariantId
from smartshop.data_collection.schemas.messages import StockChanged
from smartshop.data_collection.schemas.stock import (
    DEFAULT_LOCATION,
    MovementReason,
    StockCount,
    StockLevel,
    StockMovement,
)

MAX_BATCH = 1_000
Level = Annotated[int, Meta(ge=0, le=1_000_000_000)]


class StockQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    variant_ids: Annotated[list[str], Meta(max_length=MAX_PAGE)] | None = None
    limit: Limit = 100
    cursor: Cursor | None = None


class StockItem(msgspec.Struct, frozen=True):
    variant_id: str
    location_id: str
    level: int
    changed_at: str


class StockPage(msgspec.Struct, frozen=True):
    items: list[StockItem]
    next_cursor: str | None


class MovementInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    movement_id: Id | None = None
    """Makes sending it twice harmless; made by the service when absent."""
    variant_id: Id
    quantity: Units
    """Signed units."""
    reason: MovementReason
    occurred_at: Moment | None = None
    location_id: Id = DEFAULT_LOCATION
    reference: Id | None = None


class MovementBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    movements: Annotated[list[MovementInput], Meta(min_length=1, max_length=MAX_BATCH)]


class CountInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    movement_id: Id | None = None
    variant_id: Id
    level: Level
    occurred_at: Moment | None = None
    location_id: Id = DEFAULT_LOCATION


class CountBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    counts: Annotated[list[CountInput], Meta(min_length=1, max_length=MAX_BATCH)]


class StockReceipt(msgspec.Struct, frozen=True):
    applied: int
    duplicates: int


def list_stock(service: Service, call: Call[StockQuery, None]) -> StockPage:
    query = call.query
    levels = service.shop.stock.changed_since(Micros(0))
    if query.variant_ids is not None:
        wanted = {name.strip() for text in query.variant_ids for name in text.split(",")} | set(query.variant_ids)
        levels = [level for level in levels if level.variant_id in wanted]
    levels = sorted(levels, key=lambda level: (level.variant_id, level.location_id))
    offset = offset_of(query.cursor)
    page = levels[offset : offset + query.limit]
    return StockPage([_item(level) for level in page], next_cursor(offset, query.limit, len(levels)))


async def move_stock(service: Service, call: Call[None, MovementBatch]) -> StockReceipt:
    now = service.shop.clock.now()
    movements = [
        StockMovement(
            movement_id=_movement_id(given.movement_id),
            variant_id=VariantId(usable_id(given.variant_id, "variant_id")),
            quantity=given.quantity,
            reason=given.reason,
            occurred_at=now if given.occurred_at is None else to_micros(given.occurred_at),
            location_id=LocationId(usable_id(given.location_id, "location_id")),
            reference=None if given.reference is None else usable_id(given.reference, "reference"),
        )
        for given in call.body.movements
    ]
    applied = await asyncio.to_thread(service.shop.stock.move, movements, now)
    await _tell(service, [movement.variant_id for movement in movements])
    return StockReceipt(applied, len(movements) - applied)


async def count_stock(service: Service, call: Call[None, CountBatch]) -> StockReceipt:
    now = service.shop.clock.now()
    counts = [
        StockCount(
            movement_id=_movement_id(given.movement_id),
            variant_id=VariantId(usable_id(given.variant_id, "variant_id")),
            level=given.level,
            occurred_at=now if given.occurred_at is None else to_micros(given.occurred_at),
            location_id=LocationId(usable_id(given.location_id, "location_id")),
        )
        for given in call.body.counts
    ]
    applied = await asyncio.to_thread(service.shop.stock.count, counts, now)
    await _tell(service, [count.variant_id for count in counts])
    return StockReceipt(applied, len(counts) - applied)


def _movement_id(given: str | None) -> str:
    return f"m-{uuid.uuid4().hex}" if given is None else usable_id(given, "movement_id")


async def _tell(service: Service, variant_ids: Sequence[VariantId]) -> None:
    """The next slate and every open page see the new level."""
    await asyncio.to_thread(service.shop.shelves.refresh)
    await service.shop.bus.publish([StockChanged(tuple(dict.fromkeys(variant_ids)))])


def _item(level: StockLevel) -> StockItem:
    return StockItem(level.variant_id, level.location_id, level.level, format_rfc3339(level.changed_at))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/stock",
        permission=Permission.SECRET,
        handle=list_stock,
        summary="Levels per variant and location",
        query=StockQuery,
        answer=StockPage,
    ),
    Endpoint(
        method="POST",
        path="/v1/stock/movements",
        permission=Permission.SECRET,
        handle=move_stock,
        summary="What came and went; all of the batch or none",
        body=MovementBatch,
        answer=StockReceipt,
    ),
    Endpoint(
        method="POST",
        path="/v1/stock/counts",
        permission=Permission.SECRET,
        handle=count_stock,
        summary="A stock-take: from now on the levels are these",
        body=CountBatch,
        answer=StockReceipt,
    ),
)
