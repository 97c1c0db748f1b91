"""`/v1/stock`: levels, and the movements, counts and transfers that make them."""

import asyncio
import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.product_input import Moment
from smartshop.backend_api.services.stock_changes import movement_time, tell_stock_changed
from smartshop.backend_api.services.variant_owners import unknown_variants
from smartshop.backend_api.shop import Shop
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import MAX_PAGE, Id, Limit, PairCursor, Quantity, Units, usable_id
from smartshop.data_collection.pipelines.clock import format_rfc3339
from smartshop.data_collection.schemas.ids import LocationId, Micros, VariantId, clean_id
from smartshop.data_collection.schemas.stock import (
    DEFAULT_LOCATION,
    SIGN_OF,
    MovementReason,
    StockCount,
    StockMovement,
    StockPlace,
    StockTransfer,
)
from smartshop.errors import Conflict, InvalidId, InvalidValue

MAX_BATCH = 1_000
MAX_NAMES = 1_000
Level = Annotated[int, Meta(ge=0, le=1_000_000_000)]


class StockQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    variant_ids: Annotated[list[str], Meta(max_length=MAX_PAGE)] | None = None
    limit: Limit = 100
    cursor: PairCursor | None = None


class StockItem(msgspec.Struct, frozen=True):
    variant_id: str
    location_id: str
    level: int
    reserved: int
    """Units kept for open baskets."""
    available: int
    """Units that anybody can buy."""
    changed_at: str


class StockPage(msgspec.Struct, frozen=True):
    items: list[StockItem]
    next_cursor: str | None


class MovedFor(StrEnum):
    """Why a level changed. A count says a level and no change: it has a route of its own."""

    RECEIPT = "receipt"
    SALE = "sale"
    RETURN = "return"
    WRITE_OFF = "write_off"
    TRANSFER = "transfer"


class MovementInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    movement_id: Id | None = None
    """Makes sending it twice harmless; made by the service when absent."""
    variant_id: Id
    quantity: Units
    """Signed units."""
    reason: MovedFor
    """A transfer is both of its sides in one batch, out of one location and into another: units neither come up nor
    vanish on the way. `/v1/stock/transfers` says it in one."""
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


class TransferInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    transfer_id: Id | None = None
    """Makes sending it twice harmless; made by the service when absent."""
    variant_id: Id
    quantity: Quantity
    from_location: Id
    to_location: Id
    occurred_at: Moment | None = None
    reference: Id | None = None


class TransferBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    transfers: Annotated[list[TransferInput], Meta(min_length=1, max_length=MAX_BATCH)]


class SamePlace(Conflict):
    code = "same_location"


class SenselessUnits(Conflict):
    code = "senseless_quantity"


class StockReceipt(msgspec.Struct, frozen=True):
    applied: int
    duplicates: int
    unknown_variants: list[str]
    """Booked all the same, but the catalogue has no such variant yet: is it misspelt?"""


def list_stock(service: Service, call: Call[StockQuery, None]) -> StockPage:
    query = call.query
    after = None
    if query.cursor is not None:
        variant_id, _, location_id = query.cursor.partition("/")
        after = (VariantId(variant_id), LocationId(location_id))
    names = None if query.variant_ids is None else _names(query.variant_ids)
    # One more than asked for tells whether there is another page.
    found = service.shop.stock.page(after, query.limit + 1, service.shop.clock.now(), names)
    page, is_last = found[: query.limit], len(found) <= query.limit
    cursor = None if is_last else f"{page[-1].variant_id}/{page[-1].location_id}"
    return StockPage([_item(place) for place in page], cursor)


def _names(texts: list[str]) -> list[VariantId]:
    """Lists with commas, or names that hold one; what cannot be an id names nothing."""
    sent = dict.fromkeys([*texts, *(name for text in texts for name in text.split(","))])
    if len(sent) > MAX_NAMES:
        raise InvalidValue(f"variant_ids names {len(sent)} variants; at most {MAX_NAMES} are answered at once.")
    names = []
    for name in sent:
        try:
            names.append(VariantId(clean_id(name)))
        except InvalidId:
            continue
    return names


async def move_stock(service: Service, call: Call[None, MovementBatch]) -> StockReceipt:
    now = service.shop.clock.now()
    movements = [
        StockMovement(
            movement_id=_movement_id(given.movement_id),
            variant_id=VariantId(usable_id(given.variant_id, "variant_id")),
            quantity=_moved_units(given),
            reason=MovementReason(given.reason),
            occurred_at=movement_time(given.occurred_at, now),
            location_id=LocationId(usable_id(given.location_id, "location_id")),
            reference=None if given.reference is None else usable_id(given.reference, "reference"),
        )
        for given in call.body.movements
    ]
    _check_sides(movements)
    applied = await asyncio.to_thread(service.shop.stock.move, movements, now)
    return await _receipt(service.shop, [movement.variant_id for movement in movements], applied)


async def count_stock(service: Service, call: Call[None, CountBatch]) -> StockReceipt:
    now = service.shop.clock.now()
    counts = [
        StockCount(
            movement_id=_movement_id(given.movement_id),
            variant_id=VariantId(usable_id(given.variant_id, "variant_id")),
            level=given.level,
            occurred_at=movement_time(given.occurred_at, now),
            location_id=LocationId(usable_id(given.location_id, "location_id")),
        )
        for given in call.body.counts
    ]
    applied = await asyncio.to_thread(service.shop.stock.count, counts, now)
    return await _receipt(service.shop, [count.variant_id for count in counts], applied)


async def transfer_stock(service: Service, call: Call[None, TransferBatch]) -> StockReceipt:
    now = service.shop.clock.now()
    transfers = [_transfer(given, now) for given in call.body.transfers]
    applied = await asyncio.to_thread(service.shop.stock.transfer, transfers, now)
    return await _receipt(service.shop, [transfer.variant_id for transfer in transfers], applied)


async def _receipt(shop: Shop, variant_ids: Sequence[VariantId], applied: int) -> StockReceipt:
    await tell_stock_changed(shop, variant_ids)
    unknown = await asyncio.to_thread(unknown_variants, shop, variant_ids)
    return StockReceipt(applied, len(variant_ids) - applied, list(unknown))


def _transfer(given: TransferInput, now: Micros) -> StockTransfer:
    source, target = (usable_id(name, "location") for name in (given.from_location, given.to_location))
    if source == target:
        raise SamePlace(f"{given.variant_id!r} cannot be carried from {source!r} to itself; name two locations.")
    return StockTransfer(
        transfer_id=f"t-{uuid.uuid4().hex}"
        if given.transfer_id is None
        else usable_id(given.transfer_id, "transfer_id"),
        variant_id=VariantId(usable_id(given.variant_id, "variant_id")),
        units=given.quantity,
        from_location=LocationId(source),
        to_location=LocationId(target),
        occurred_at=movement_time(given.occurred_at, now),
        reference=None if given.reference is None else usable_id(given.reference, "reference"),
    )


def _movement_id(given: str | None) -> str:
    return f"m-{uuid.uuid4().hex}" if given is None else usable_id(given, "movement_id")


def _moved_units(given: MovementInput) -> int:
    """Signed units; what comes in is above zero, what goes out below, and corrections are counts."""
    if given.quantity == 0:
        raise SenselessUnits(f"A movement of {given.variant_id!r} has the quantity 0; send the units that moved.")
    sign = SIGN_OF.get(MovementReason(given.reason))
    if sign is not None and given.quantity * sign < 0:
        should = "above" if sign > 0 else "below"
        raise SenselessUnits(
            f"A {given.reason.value} of {given.variant_id!r} has the quantity {given.quantity}; it must be {should} 0."
            " To correct a level, send a count."
        )
    return given.quantity


def _check_sides(movements: Sequence[StockMovement]) -> None:
    """Of transfers as many units come in somewhere as go out elsewhere, by variant and paper."""
    net: Counter[tuple[VariantId, str | None]] = Counter()
    places: dict[tuple[VariantId, str | None], set[LocationId]] = defaultdict(set)
    for movement in movements:
        if movement.reason is MovementReason.TRANSFER:
            net[movement.variant_id, movement.reference] += movement.quantity
            places[movement.variant_id, movement.reference].add(movement.location_id)
    for (variant_id, reference), units in net.items():
        of_paper = "" if reference is None else f" under {reference!r}"
        if units:
            raise SenselessUnits(
                f"The transfer of {variant_id!r}{of_paper} leaves {units:+d} units; send both sides in one batch, out"
                " of one location and into another, or send it to /v1/stock/transfers."
            )
        if len(places[variant_id, reference]) < 2:
            raise SamePlace(f"{variant_id!r} is carried{of_paper} within one location; name two.")


def _item(place: StockPlace) -> StockItem:
    return StockItem(
        place.variant_id,
        place.location_id,
        place.level,
        place.reserved,
        place.available,
        format_rfc3339(place.changed_at),
    )


ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (  # Any: each has its own query and body
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
    Endpoint(
        method="POST",
        path="/v1/stock/transfers",
        permission=Permission.SECRET,
        handle=transfer_stock,
        summary="Carry units between locations; all of the batch or none",
        body=TransferBatch,
        answer=StockReceipt,
    ),
)
