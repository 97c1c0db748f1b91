"""`/v1/segments`: who the customers are, in words and figures, and who is in which."""

import unicodedata
from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.responses import Response

from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.customer_pages import (
    CSV_MEDIA_TYPE,
    CustomersQuery,
    csv_file,
    json_page,
    wants_csv,
)
from smartshop.backend_api.services.standing_views import CustomerInList, segment_names
from smartshop.backend_api.shop import Shop
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import Id, Limit, id_in_path
from smartshop.data_collection.pipelines.clock import format_rfc3339, rfc3339_or_none
from smartshop.data_collection.schemas.ids import CustomerId
from smartshop.data_collection.schemas.segments import Segment, SegmentFigures, SegmentId, SegmentKind, SegmentMove
from smartshop.errors import InvalidValue, NotFound

REFITS_SHOWN = 24
MAX_NAME = 60
UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's control and format characters, halves of characters and separators of lines: no part of a name."""


class SegmentSeen(msgspec.Struct, frozen=True, kw_only=True):
    """Money in minor units of the shop's currency, per customer."""

    segment_id: SegmentId
    kind: SegmentKind
    name: str
    sentence: str
    """What sets it apart, with figures."""
    since: str
    retired_at: str | None
    customers: int
    """Now; live moves count at once."""
    share: float
    """Of all customers with a standing."""
    mean_spent_minor: float | None
    mean_churn_risk: float | None
    """Of those who ever bought."""
    mean_expected_value_90_minor: float | None


class SegmentPage(msgspec.Struct, frozen=True):
    items: list[SegmentSeen]
    next_cursor: str | None


class SizeAtRefit(msgspec.Struct, frozen=True, kw_only=True):
    version: str
    as_of: str
    customers: int


class SegmentDetail(SegmentSeen, frozen=True, kw_only=True):
    history: list[SizeAtRefit]
    """Its size at each refit, oldest first."""


class CustomerPage(msgspec.Struct, frozen=True):
    items: list[CustomerInList]
    next_cursor: str | None


class Move(msgspec.Struct, frozen=True, kw_only=True):
    customer_id: CustomerId
    kind: SegmentKind
    from_segment: SegmentId | None
    """Null: none before."""
    to_segment: SegmentId | None
    cause: str
    """behaviour, model, merged or consent."""
    moved_at: str


class MovePage(msgspec.Struct, frozen=True):
    items: list[Move]
    next_cursor: str | None


class SegmentName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[
        str, Meta(max_length=200, description="1 to 60 characters once spaces around it are cut off; none to control.")
    ]


class SegmentsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    retired: Annotated[bool, Meta(description="Show those that nobody will be in any more, too.")] = False


class MovesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    customer_id: Id | None = None
    limit: Limit = 50


def list_segments(service: Service, call: Call[SegmentsQuery, None]) -> SegmentPage:
    standings = service.shop.standings
    figures = standings.figures()
    everybody = _everybody(figures, standings.segments())
    shown = [s for s in standings.segments() if call.query.retired or s.retired_at is None]
    return SegmentPage([SegmentSeen(**_fields(segment, figures, everybody)) for segment in shown], None)


def get_segment(service: Service, call: Call[None, None]) -> SegmentDetail:
    standings = service.shop.standings
    segment, figures = _segment(service.shop, call.path("segment_id")), standings.figures()
    refits = [refit for refit in standings.refits(REFITS_SHOWN) if segment.segment_id in refit.sizes]
    return SegmentDetail(
        **_fields(segment, figures, _everybody(figures, standings.segments())),
        history=[
            SizeAtRefit(
                version=refit.version, as_of=format_rfc3339(refit.as_of), customers=refit.sizes[segment.segment_id]
            )
            for refit in reversed(refits)
            if not refit.held_back or refit.accepted_at is not None
        ],
    )


def rename_segment(service: Service, call: Call[None, SegmentName]) -> SegmentDetail:
    shop, segment = service.shop, _segment(service.shop, call.path("segment_id"))
    if not shop.standings.rename(segment.segment_id, _name(call.body.name), shop.clock.now()):
        raise NotFound(f"There is no segment {segment.segment_id!r}; /v1/segments lists them.")
    return get_segment(service, Call(request=call.request, caller=call.caller, query=None, body=None))


def list_customers(service: Service, call: Call[CustomersQuery, None]) -> CustomerPage | Response:
    shop = service.shop
    segment_id, names = _segment(shop, call.path("segment_id")).segment_id, segment_names(shop)

    def read(after: CustomerId | None, limit: int) -> list[Any]:
        return shop.standings.page(segment_id, after, limit)

    if wants_csv(call.request, call.query):
        return csv_file(call.request, names, read)
    return CustomerPage(*json_page(call.query, names, read))


def list_moves(service: Service, call: Call[MovesQuery, None]) -> MovePage:
    customer_id = None if call.query.customer_id is None else CustomerId(call.query.customer_id)
    return MovePage([_move(move) for move in service.shop.standings.moves(customer_id, call.query.limit)], None)


def _segment(shop: Shop, sent: str) -> Segment:
    """Raises:
    NotFound: no such segment.
    """
    segment_id = id_in_path(sent, "segment")
    found = next((segment for segment in shop.standings.segments() if segment.segment_id == segment_id), None)
    if found is None:
        raise NotFound(f"There is no segment {segment_id!r}; /v1/segments lists them.")
    return found


def _name(sent: str) -> str:
    """Raises:
    InvalidValue: nothing is left of it, it is too long, or it holds characters that are not seen.
    """
    name = sent.strip()
    if not 1 <= len(name) <= MAX_NAME:
        raise InvalidValue(f"name has {len(name)} characters besides spaces around it; write 1 to {MAX_NAME}.")
    if any(unicodedata.category(sign) in UNSEEN for sign in name):
        raise InvalidValue(f"name is {name!r}: it holds control characters; leave them out.")
    return name


def _everybody(figures: dict[SegmentId, SegmentFigures], segments: list[Segment]) -> int:
    """Every customer with a standing is in exactly one RFM group."""
    return sum(
        figures[segment.segment_id].customers
        for segment in segments
        if segment.kind is SegmentKind.RFM and segment.segment_id in figures
    )


def _fields(segment: Segment, figures: dict[SegmentId, SegmentFigures], everybody: int) -> dict[str, Any]:
    """Any: a record's fields are of many types."""
    known = figures.get(segment.segment_id)
    return {
        "segment_id": segment.segment_id,
        "kind": segment.kind,
        "name": segment.name,
        "sentence": segment.sentence,
        "since": format_rfc3339(segment.since),
        "retired_at": rfc3339_or_none(segment.retired_at),
        "customers": 0 if known is None else known.customers,
        "share": 0.0 if known is None or not everybody else min(1.0, known.customers / everybody),
        "mean_spent_minor": None if known is None else known.mean_spent_minor,
        "mean_churn_risk": None if known is None else known.mean_churn_risk,
        "mean_expected_value_90_minor": None if known is None else known.mean_expected_value_90_minor,
    }


def _move(move: SegmentMove) -> Move:
    return Move(
        customer_id=move.customer_id,
        kind=move.kind,
        from_segment=move.from_segment,
        to_segment=move.to_segment,
        cause=move.cause,
        moved_at=format_rfc3339(move.moved_at),
    )


ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (
    Endpoint(
        method="GET",
        path="/v1/segments",
        permission=Permission.SECRET,
        handle=list_segments,
        summary="Every segment with its size and value now",
        query=SegmentsQuery,
        answer=SegmentPage,
    ),
    Endpoint(
        method="GET",
        path="/v1/segments/moves",
        permission=Permission.SECRET,
        handle=list_moves,
        summary="Who entered and left segments of late, newest first",
        query=MovesQuery,
        answer=MovePage,
    ),
    Endpoint(
        method="GET",
        path="/v1/segments/{segment_id}",
        permission=Permission.SECRET,
        handle=get_segment,
        summary="One segment and its sizes over time",
        answer=SegmentDetail,
    ),
    Endpoint(
        method="PUT",
        path="/v1/segments/{segment_id}/name",
        permission=Permission.SECRET,
        handle=rename_segment,
        summary="Give a behavioural segment a name of the shop's own, which refits keep",
        body=SegmentName,
        answer=SegmentDetail,
        other_problems=(409,),
    ),
    Endpoint(
        method="GET",
        path="/v1/segments/{segment_id}/customers",
        permission=Permission.SECRET,
        handle=list_customers,
        summary="Who is in a segment: JSON in pages, or CSV as one file",
        query=CustomersQuery,
        answer=CustomerPage,
        other_media_types=(CSV_MEDIA_TYPE,),
    ),
)
