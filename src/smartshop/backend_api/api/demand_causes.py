"""`/v1/demand-causes`: what is known of days, past and to come: events of the shop, and weather."""

from datetime import date
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import Cursor, Id, Limit, offset_of
from smartshop.data_collection.pipelines.cause_feed import MAX_VALUE, check_cause, told_value
from smartshop.data_collection.schemas.demand_causes import (
    MAX_NAME_LETTERS,
    MOST_NAMES,
    NAME_PATTERN,
    CauseFilter,
    CauseKind,
    DemandCause,
)
from smartshop.data_collection.schemas.ids import LocationId, clean_id
from smartshop.errors import InvalidValue, NotFound

MAX_BATCH = 5_000
CauseName = Annotated[
    str,
    Meta(
        pattern=NAME_PATTERN,
        max_length=MAX_NAME_LETTERS,
        description="Small letters and digits, joined by - or _, such as summer-fair.",
    ),
]
Value = Annotated[float, Meta(ge=-MAX_VALUE, le=MAX_VALUE)]


class CauseInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: CauseName
    """All days of a name are of one kind."""
    kind: CauseKind
    day: date
    """From 2000 to three years ahead, in the shop's own zone."""
    value: Value | None = None
    """Of weather its number, always in the same unit; an event is on, which is 1 and need not be said."""
    location_id: Id | None = None
    """Absent: everywhere; weather of a place takes the place of that of everywhere."""


class CauseBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    causes: Annotated[list[CauseInput], Meta(min_length=1, max_length=MAX_BATCH)]


class CauseLine(msgspec.Struct, frozen=True):
    """What is to be said of one line of the batch."""

    index: int
    reason: str


class CauseReceipt(msgspec.Struct, frozen=True):
    stored: int
    rejected: list[CauseLine]


class CausesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: CauseName | None = None
    from_: date | None = msgspec.field(default=None, name="from")
    to: Annotated[date, Meta(description="Itself included.")] | None = None
    limit: Limit = 100
    cursor: Cursor | None = None


class CauseDays(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    from_: date | None = msgspec.field(default=None, name="from")
    to: Annotated[date, Meta(description="Itself included.")] | None = None


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    kind: CauseKind
    day: date
    value: float
    location_id: str | None
    """Null: everywhere."""


class CausePage(msgspec.Struct, frozen=True):
    items: list[Cause]
    """By name, day and place."""
    next_cursor: str | None


class CausesDeleted(msgspec.Struct, frozen=True):
    deleted: int


def tell_causes(service: Service, call: Call[None, CauseBatch]) -> CauseReceipt:
    shop = service.shop
    today = shop.clock.day(shop.clock.now())
    told: dict[int, DemandCause] = {}
    refused: dict[int, str] = {}
    for index, given in enumerate(call.body.causes):
        try:
            told[index] = _cause(given, today)
        except InvalidValue as error:
            refused[index] = str(error)
    said = zip(told, shop.demand_causes.tell(list(told.values())), strict=True)
    refused |= {index: reason for index, reason in said if reason is not None}
    return CauseReceipt(
        stored=len(call.body.causes) - len(refused),
        rejected=[CauseLine(index, reason) for index, reason in sorted(refused.items())],
    )


def list_causes(service: Service, call: Call[CausesQuery, None]) -> CausePage:
    query = call.query
    asked = CauseFilter(name=query.name, first_day=query.from_, last_day=query.to)
    offset = offset_of(query.cursor)
    # One more than asked for tells whether there is another page.
    found = service.shop.demand_causes.page(asked, offset=offset, limit=query.limit + 1)
    cursor = str(offset + query.limit) if len(found) > query.limit else None
    return CausePage([_seen(cause) for cause in found[: query.limit]], cursor)


def delete_causes(service: Service, call: Call[CauseDays, None]) -> CausesDeleted:
    causes, name = service.shop.demand_causes, call.path("name")
    if name not in causes.names():
        raise NotFound(f"Nothing is known under the name {name[:60]!r}; GET /v1/demand-causes lists what is.")
    return CausesDeleted(causes.forget(CauseFilter(name=name, first_day=call.query.from_, last_day=call.query.to)))


def _cause(given: CauseInput, today: date) -> DemandCause:
    location = given.location_id
    cause = DemandCause(
        name=given.name,
        kind=given.kind,
        day=given.day,
        value=told_value(given.kind, given.value),
        location_id=None if location is None else LocationId(clean_id(location, "location_id")),
    )
    check_cause(cause, today)
    return cause


def _seen(cause: DemandCause) -> Cause:
    return Cause(name=cause.name, kind=cause.kind, day=cause.day, value=cause.value, location_id=cause.location_id)


ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (  # Any: each has its own query and body
    Endpoint(
        method="POST",
        path="/v1/demand-causes",
        permission=Permission.SECRET,
        handle=tell_causes,
        summary=(
            f"Up to {MAX_BATCH} days of events and weather, each taken or rejected by itself; at most "
            f"{MOST_NAMES[CauseKind.EVENT]} events and {MOST_NAMES[CauseKind.WEATHER]} weathers have a name"
        ),
        body=CauseBatch,
        answer=CauseReceipt,
    ),
    Endpoint(
        method="GET",
        path="/v1/demand-causes",
        permission=Permission.SECRET,
        handle=list_causes,
        summary="What is known of days, by name, day and place",
        query=CausesQuery,
        answer=CausePage,
    ),
    Endpoint(
        method="DELETE",
        path="/v1/demand-causes/{name}",
        permission=Permission.SECRET,
        handle=delete_causes,
        summary="Forget what is told under a name, or some of its days",
        query=CauseDays,
        answer=CausesDeleted,
    ),
)
