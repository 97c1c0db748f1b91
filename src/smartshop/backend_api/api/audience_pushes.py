"""`/v1/audiences/{audience_id}/push`: an audience's members to its webhook, by a job, page by page."""

import secrets
from typing import Any

import msgspec

from smartshop.ai_agents.segmentation.push_jobs import has_job, push_job
from smartshop.backend_api.endpoint import Answer, Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.audience_views import audience_of
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import Limit
from smartshop.data_collection.pipelines.clock import format_rfc3339, rfc3339_or_none
from smartshop.data_collection.schemas.audiences import AudienceId, AudiencePush, PushState
from smartshop.data_collection.schemas.webhooks import SECRET_BYTES, SECRET_NAME, shown_secret
from smartshop.errors import Conflict


class PushSeen(msgspec.Struct, frozen=True, kw_only=True):
    push_id: str
    audience_id: AudienceId
    state: PushState
    delivered: int
    """Customers in pages that were answered with 2xx."""
    attempts: int
    """HTTP requests made."""
    next_page: int
    """The first page not yet delivered."""
    error: str
    asked_at: str
    finished_at: str | None


class PushPage(msgspec.Struct, frozen=True):
    items: list[PushSeen]
    next_cursor: str | None


class PushesQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limit: Limit = 20


class WebhookSecret(msgspec.Struct, frozen=True):
    secret: str
    """`whsec_` and base64: what the receiver checks signatures with, as Standard Webhooks has it."""


def push_audience(service: Service, call: Call[None, None]) -> Answer:
    """One that is under way is answered as it is, and queued again where its job is lost."""
    shop = service.shop
    audience = audience_of(shop, call.path("audience_id"))
    if audience.webhook_url is None:
        raise Conflict(f"The audience {audience.audience_id!r} has no webhook; give it a webhook_url first.")
    push = shop.audiences.push_under_way(
        AudiencePush(
            push_id=f"p-{secrets.token_hex(8)}",
            audience_id=audience.audience_id,
            state=PushState.QUEUED,
            asked_at=shop.clock.now(),
        )
    )
    if not has_job(push, shop.jobs.alive()):
        shop.jobs.enqueue(push_job(push, shop.clock.now()))
    return Answer(_seen(push), 202)


def list_pushes(service: Service, call: Call[PushesQuery, None]) -> PushPage:
    audience = audience_of(service.shop, call.path("audience_id"))
    return PushPage(
        [_seen(push) for push in service.shop.audiences.pushes(audience.audience_id, call.query.limit)], None
    )


def get_webhook_secret(service: Service, _: Call[None, None]) -> WebhookSecret:
    """Made at its first use, the same in every process and answer from then on."""
    return WebhookSecret(shown_secret(service.shop.keys.secret(SECRET_NAME, secrets.token_bytes(SECRET_BYTES))))


def _seen(push: AudiencePush) -> PushSeen:
    return PushSeen(
        push_id=push.push_id,
        audience_id=push.audience_id,
        state=push.state,
        delivered=push.delivered,
        attempts=push.attempts,
        next_page=push.next_page,
        error=push.error,
        asked_at=format_rfc3339(push.asked_at),
        finished_at=rfc3339_or_none(push.finished_at),
    )


ENDPOINTS: tuple[Endpoint[Any, None], ...] = (
    Endpoint(
        method="GET",
        path="/v1/audiences/webhook-secret",
        permission=Permission.SECRET,
        handle=get_webhook_secret,
        summary="What receivers of pushed audiences check signatures with",
        answer=WebhookSecret,
    ),
    Endpoint(
        method="POST",
        path="/v1/audiences/{audience_id}/push",
        permission=Permission.SECRET,
        handle=push_audience,
        summary="Send an audience's members to its webhook, signed and in pages",
        answer=PushSeen,
        status=202,
        other_problems=(409,),
    ),
    Endpoint(
        method="GET",
        path="/v1/audiences/{audience_id}/pushes",
        permission=Permission.SECRET,
        handle=list_pushes,
        summary="How an audience's pushes went, newest first",
        query=PushesQuery,
        answer=PushPage,
    ),
)
