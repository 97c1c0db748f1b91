"""`/v1/audiences`: customers picked by rules over anything known of them, saved, counted live, listed and exported."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from starlette.responses import Response

from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.audience_views import (
    AudienceSeen,
    audience_of,
    check_definition,
    check_webhook,
    new_audience_id,
    save,
    seen,
    seen_shortly,
    size_of,
)
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
from smartshop.backend_api.utils.wire import Cursor, Id, Limit, next_cursor, offset_of
from smartshop.data_collection.schemas.audiences import Audience, AudienceId, AudienceSize, Rule
from smartshop.data_collection.schemas.customers import Purpose
from smartshop.data_collection.schemas.ids import CustomerId
from smartshop.data_collection.schemas.segments import Standing
from smartshop.data_collection.schemas.webhooks import MAX_URL_CHARACTERS
from smartshop.errors import NotFound

WITHHELD_HEADER = "smartshop-withheld"
MOST_COMPARED = 12

AudienceName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="1 to 200 characters of text on one line.",
    ),
]
WebhookUrl = Annotated[str, Meta(max_length=MAX_URL_CHARACTERS, description="https; http for loopback names alone.")]


class AudienceRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: AudienceName
    definition: Rule
    purpose: Purpose = Purpose.MARKETING
    """What it is for; whoever does not allow it is counted as withheld."""
    webhook_url: WebhookUrl | None = None


class PreviewRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    definition: Rule
    purpose: Purpose = Purpose.MARKETING


class AudiencePage(msgspec.Struct, frozen=True):
    items: list[AudienceSeen]
    next_cursor: str | None


class MemberPage(msgspec.Struct, frozen=True):
    items: list[CustomerInList]
    next_cursor: str | None
    size: AudienceSize | None
    """On the first page: how many there are, and how many are withheld."""


class AudiencesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limit: Limit = 50
    cursor: Cursor | None = None


class OverlapQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    audiences: Annotated[
        list[Id], Meta(min_length=2, max_length=MOST_COMPARED, description="Repeated: `audiences=a&audiences=b`.")
    ]
    purpose: Purpose = Purpose.MARKETING


class ComparedAudience(msgspec.Struct, frozen=True, kw_only=True):
    audience_id: AudienceId
    name: str
    customers: int
    """Who match and allow the purpose that is asked for."""
    withheld: int


class Overlap(msgspec.Struct, frozen=True, kw_only=True):
    purpose: Purpose
    audiences: list[ComparedAudience]
    both: list[list[int]]
    """In both the i-th and the j-th; the diagonal is the sizes."""


def list_audiences(service: Service, call: Call[AudiencesQuery, None]) -> AudiencePage:
    audiences, offset, limit = service.shop.audiences.all(), offset_of(call.query.cursor), call.query.limit
    page = audiences[offset : offset + limit]
    return AudiencePage(
        [seen_shortly(service.shop, audience) for audience in page], next_cursor(offset, limit, len(audiences))
    )


def create_audience(service: Service, call: Call[None, AudienceRequest]) -> AudienceSeen:
    now = service.shop.clock.now()
    audience = _audience(service.shop, call.body, Audience(
        audience_id=new_audience_id(), name="", definition=call.body.definition, created_at=now, changed_at=now
    ))  # fmt: skip
    save(service.shop, audience)
    return seen(service.shop, audience)


def get_audience(service: Service, call: Call[None, None]) -> AudienceSeen:
    return seen(service.shop, audience_of(service.shop, call.path("audience_id")))


def replace_audience(service: Service, call: Call[None, AudienceRequest]) -> AudienceSeen:
    before = audience_of(service.shop, call.path("audience_id"))
    alike = before.alike and before.definition == call.body.definition
    audience = msgspec.structs.replace(
        _audience(service.shop, call.body, before), alike=alike, changed_at=service.shop.clock.now()
    )
    save(service.shop, audience)
    return seen(service.shop, audience)


def delete_audience(service: Service, call: Call[None, None]) -> Response:
    audience = audience_of(service.shop, call.path("audience_id"))
    if not service.shop.audiences.delete(audience.audience_id):
        raise NotFound(f"There is no audience {audience.audience_id!r}.")
    return Response(status_code=204)


def preview(service: Service, call: Call[None, PreviewRequest]) -> AudienceSize:
    check_definition(service.shop, call.body.definition)
    return size_of(service.shop, call.body.definition, call.body.purpose)


def list_members(service: Service, call: Call[CustomersQuery, None]) -> MemberPage | Response:
    shop = service.shop
    audience = audience_of(shop, call.path("audience_id"))
    names, now = segment_names(shop), shop.clock.shop_now()

    def read(after: CustomerId | None, limit: int) -> list[Standing]:
        return shop.audiences.page(audience.definition, audience.purpose, now, after, limit)

    is_csv = wants_csv(call.request, call.query)
    is_first = call.query.cursor is None
    size = size_of(shop, audience.definition, audience.purpose) if is_csv or is_first else None
    if is_csv and size is not None:
        return csv_file(call.request, names, read, {WITHHELD_HEADER: str(size.withheld)})
    return MemberPage(*json_page(call.query, names, read), size)


def overlap(service: Service, call: Call[OverlapQuery, None]) -> Overlap:
    shop, purpose = service.shop, call.query.purpose
    compared = [audience_of(shop, audience_id) for audience_id in dict.fromkeys(call.query.audiences)]
    definitions = [audience.definition for audience in compared]
    return Overlap(
        purpose=purpose,
        audiences=[_compared(audience, size_of(shop, audience.definition, purpose)) for audience in compared],
        both=shop.audiences.overlap(definitions, purpose, shop.clock.shop_now()),
    )


def _audience(shop: Shop, body: AudienceRequest, before: Audience) -> Audience:
    """Raises:
    AddressRefused: the webhook's address is none that is called.
    """
    check_webhook(shop, body.webhook_url)
    return msgspec.structs.replace(
        before, name=body.name, definition=body.definition, purpose=body.purpose, webhook_url=body.webhook_url
    )


def _compared(audience: Audience, size: AudienceSize) -> ComparedAudience:
    return ComparedAudience(
        audience_id=audience.audience_id, name=audience.name, customers=size.customers, withheld=size.withheld
    )


ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (  # Any: each has its own query and body
    Endpoint(
        method="GET",
        path="/v1/audiences",
        permission=Permission.SECRET,
        handle=list_audiences,
        summary="Saved audiences with their sizes now",
        query=AudiencesQuery,
        answer=AudiencePage,
    ),
    Endpoint(
        method="POST",
        path="/v1/audiences",
        permission=Permission.SECRET,
        handle=create_audience,
        summary="Save an audience: rules over anything known of customers",
        body=AudienceRequest,
        answer=AudienceSeen,
        status=201,
    ),
    Endpoint(
        method="POST",
        path="/v1/audiences/preview",
        permission=Permission.SECRET,
        handle=preview,
        summary="How many match these rules now; nothing is saved",
        body=PreviewRequest,
        answer=AudienceSize,
    ),
    Endpoint(
        method="GET",
        path="/v1/audiences/overlap",
        permission=Permission.SECRET,
        handle=overlap,
        summary="How many customers audiences have in common, pair by pair",
        query=OverlapQuery,
        answer=Overlap,
        other_problems=(404, 409),
    ),
    Endpoint(
        method="GET",
        path="/v1/audiences/{audience_id}",
        permission=Permission.SECRET,
        handle=get_audience,
        summary="One audience with its size now",
        answer=AudienceSeen,
    ),
    Endpoint(
        method="PUT",
        path="/v1/audiences/{audience_id}",
        permission=Permission.SECRET,
        handle=replace_audience,
        summary="Replace an audience's name, rules, purpose and webhook",
        body=AudienceRequest,
        answer=AudienceSeen,
    ),
    Endpoint(
        method="DELETE",
        path="/v1/audiences/{audience_id}",
        permission=Permission.SECRET,
        handle=delete_audience,
        summary="Delete an audience that no other one's rules name",
        status=204,
        other_problems=(409,),
    ),
    Endpoint(
        method="GET",
        path="/v1/audiences/{audience_id}/customers",
        permission=Permission.SECRET,
        handle=list_members,
        summary="Who is in an audience and allows its purpose: JSON in pages, or CSV as one file",
        query=CustomersQuery,
        answer=MemberPage,
        other_media_types=(CSV_MEDIA_TYPE,),
    ),
)
