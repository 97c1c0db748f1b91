"""An audience's members to its webhook, page by page: signed, retried with patience, taken up again after a crash.

A page is members by customer_id behind the last one delivered. What is delivered is written down after each page, so
that a job that dies repeats at most one page, under the same webhook-id: receivers that keep ids take it once.

Whoever takes a push delivers it alone: another job that still thinks it does, because it hung or was given up, finds
out before its next attempt and stops.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta

from smartshop.data_collection.connectors.ports import Audiences, Standings, Webhooks
from smartshop.data_collection.pipelines.clock import SECOND, format_rfc3339
from smartshop.data_collection.pipelines.webhook_patience import is_worth_a_retry, pause_seconds
from smartshop.data_collection.schemas.audiences import Audience, AudienceId, AudiencePush, Listed, PushState
from smartshop.data_collection.schemas.ids import CustomerId, Micros
from smartshop.data_collection.schemas.segments import SegmentId, Standing
from smartshop.data_collection.schemas.webhooks import AddressRefused, WebhookAnswer
from smartshop.errors import NotFound, Unavailable

KNOWN_PUSHES = 1_000
UNFINISHED = (PushState.QUEUED, PushState.DELIVERING)


class PushConfig(msgspec.Struct, frozen=True, kw_only=True):
    page_size: Annotated[int, Meta(ge=1, le=10_000)] = 500
    """Customers per request: about 100 KB."""
    retries: Annotated[int, Meta(ge=0, le=20)] = 5
    """Per page, after the first attempt."""
    first_pause_seconds: Annotated[float, Meta(ge=0)] = 1.0
    """Doubles with every retry; half of each pause is left to chance, so that many shops do not come at once."""
    longest_pause_seconds: Annotated[float, Meta(ge=0)] = 120.0
    """Also of what `Retry-After` may ask for."""


class PushedCustomer(msgspec.Struct, frozen=True, kw_only=True):
    customer_id: CustomerId
    segment_id: SegmentId | None
    segment: str | None
    """Its name."""
    rfm_group: SegmentId
    orders: int
    spent_minor: int
    churn_risk: float | None
    expected_value_90_minor: int


class PushedPage(msgspec.Struct, frozen=True, kw_only=True):
    """The body of one request."""

    type: str = "audience.page"
    timestamp: str
    push_id: str
    audience_id: AudienceId
    name: str
    purpose: str
    currency: str
    page: int
    """From 0."""
    pages: int
    """As counted when the push began; who joins or leaves meanwhile may make it one more or less."""
    last: bool
    customers: Sequence[PushedCustomer]


@dataclass(frozen=True, slots=True)
class PushRoom:
    """What a push works with."""

    audiences: Audiences
    standings: Standings
    webhooks: Webhooks
    currency: str
    now: Callable[[], Micros]
    """Real time: signatures bear it."""
    shop_now: Callable[[], Micros]
    """From which an audience's "days since" count."""
    rng: np.random.Generator
    deliverer: str
    """Nobody else's name: what this one reports counts as long as nobody else takes the push."""
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    tell: Callable[[float, str], None] = lambda share, what: None
    config: PushConfig = field(default_factory=PushConfig)


@dataclass(frozen=True, slots=True)
class Page:
    """Members to be sent together."""

    customers: Sequence[Standing]
    pages: int
    """How many there are in all, as far as is known."""
    last: bool
    names: Mapping[SegmentId, str]
    """Of segments."""


class Refused(Exception):
    """This push ends here, for the reason in the text."""

    def __init__(self, push: AudiencePush, why: str) -> None:
        self.push = push
        super().__init__(why)


class TakenOver(Exception):
    """Another deliverer has this push now, who goes on where this one was."""


async def push_audience(room: PushRoom, audience_id: AudienceId, push_id: str) -> AudiencePush:
    """Deliver what of this push is not delivered yet; a push that ended is only looked up, as is one that another
    deliverer took meanwhile.

    Raises:
        NotFound: there is no such push.
    """
    push = await asyncio.to_thread(room.audiences.take_push, push_id, room.deliverer)
    if push is None or push.audience_id != audience_id:
        raise NotFound(f"There is no push {push_id!r} of the audience {audience_id!r}.")
    if push.state not in UNFINISHED:
        return push
    try:
        return await _delivered(room, push)
    except TakenOver:
        known = await asyncio.to_thread(room.audiences.pushes, audience_id, KNOWN_PUSHES)
        return next((other for other in known if other.push_id == push_id), push)


async def _delivered(room: PushRoom, push: AudiencePush) -> AudiencePush:
    try:
        return await _deliver_pages(room, push)
    except Refused as refused:
        ended = {"state": PushState.FAILED, "error": str(refused), "finished_at": room.now()}
        return await _report(room, refused.push, **ended)


async def _deliver_pages(room: PushRoom, push: AudiencePush) -> AudiencePush:
    audience, size = await _audience(room, push), room.config.page_size
    members = (
        await asyncio.to_thread(room.audiences.size, audience.definition, audience.purpose, room.shop_now())
    ).customers
    pages = max(1, -(-members // size), push.next_page + 1)
    names = {segment.segment_id: segment.name for segment in await asyncio.to_thread(room.standings.segments)}
    while True:
        # Read anew for every page: a deleted audience, or a webhook taken away, ends the push there.
        audience = await _audience(room, push)
        found = await asyncio.to_thread(
            room.audiences.page, audience.definition, audience.purpose, room.shop_now(), push.delivered_to, size + 1
        )
        page = Page(found[:size], max(pages, push.next_page + 1), len(found) <= size, names)
        push, delivered = await _deliver(room, push, audience, page)
        push = await _report(
            room,
            push,
            state=PushState.DELIVERED if page.last else PushState.DELIVERING,
            delivered=push.delivered + delivered,
            next_page=push.next_page + 1,
            delivered_to=page.customers[-1].customer_id if page.customers else push.delivered_to,
            error="",
            finished_at=room.now() if page.last else None,
        )
        room.tell(min(1.0, push.next_page / pages), f"{push.delivered} customers delivered")
        if page.last:
            return push


async def _deliver(room: PushRoom, push: AudiencePush, audience: Audience, page: Page) -> tuple[AudiencePush, int]:
    """Send one page until it is taken; with how many customers it was.

    The pauses may be minutes: who withdraws or is erased in one is not in the next attempt, and an audience that is
    deleted, or has no webhook any more, gets none.

    Raises:
        Refused: it never will be, or was not within the retries.
        TakenOver: by another deliverer, between two attempts.
    """
    config, webhook_id = room.config, f"{push.push_id}.{push.next_page}"
    trouble = ""
    for attempt in range(config.retries + 1):
        push = await _report(room, push)  # whoever was overtaken in the pause sends nothing more
        if attempt:
            audience = await _audience(room, push)
            page = replace(page, customers=await asyncio.to_thread(_still_allowing, room, audience, page.customers))
        answer: WebhookAnswer | None = None
        try:
            url, body = audience.webhook_url or "", _body(room, push, audience, page)
            answer = await room.webhooks.post(url, webhook_id, room.now() // SECOND, body)
        except AddressRefused as error:
            raise Refused(push, str(error)) from None
        except Unavailable as error:
            trouble = str(error)
        push = msgspec.structs.replace(push, attempts=push.attempts + 1)
        if answer is not None:
            if 200 <= answer.status < 300:
                return push, len(page.customers)
            trouble = f"Page {push.next_page} was answered with {answer.status}."
        push = await _report(room, push, error=trouble)
        if answer is not None and not is_worth_a_retry(answer.status):
            raise Refused(push, f"{trouble} {_advice(answer.status)}")
        if attempt < config.retries:
            await room.pause(pause_seconds(config, attempt, answer, room.rng))
    raise Refused(push, f"{trouble} It was tried {config.retries + 1} times; a new push begins anew.")


def _still_allowing(room: PushRoom, audience: Audience, customers: Sequence[Standing]) -> Sequence[Standing]:
    listed = Listed(tuple(standing.customer_id for standing in customers))
    found = room.audiences.page(listed, audience.purpose, room.shop_now(), None, len(customers))
    allowing = {standing.customer_id for standing in found}
    return [standing for standing in customers if standing.customer_id in allowing]


def _advice(status: int) -> str:
    if 300 <= status < 400:
        return "Redirects are not followed; save the address that it leads to."
    return "It was not tried again: the receiver says that it never takes this."


async def _audience(room: PushRoom, push: AudiencePush) -> Audience:
    """Raises:
    Refused: deleted, or its webhook was taken away.
    """
    audience = await asyncio.to_thread(room.audiences.get, push.audience_id)
    if audience is None:
        raise Refused(push, f"The audience {push.audience_id} was deleted.")
    if audience.webhook_url is None:
        raise Refused(push, f"The audience {push.audience_id} has no webhook any more.")
    return audience


def _body(room: PushRoom, push: AudiencePush, audience: Audience, page: Page) -> bytes:
    return msgspec.json.encode(
        PushedPage(
            timestamp=format_rfc3339(room.now()),
            push_id=push.push_id,
            audience_id=push.audience_id,
            name=audience.name,
            purpose=audience.purpose,
            currency=room.currency,
            page=push.next_page,
            pages=page.pages,
            last=page.last,
            customers=[_pushed(standing, page.names) for standing in page.customers],
        )
    )


def _pushed(standing: Standing, names: Mapping[SegmentId, str]) -> PushedCustomer:
    segment_id = standing.segment_id
    return PushedCustomer(
        customer_id=standing.customer_id,
        segment_id=segment_id,
        segment=None if segment_id is None else names.get(segment_id),
        rfm_group=standing.rfm_group,
        orders=standing.orders,
        spent_minor=standing.spent_minor,
        churn_risk=standing.churn_risk,
        expected_value_90_minor=standing.expected_value_minor[1],
    )


async def _report(room: PushRoom, push: AudiencePush, **changes: object) -> AudiencePush:
    """Raises:
    TakenOver: somebody else delivers it now.
    """
    push = msgspec.structs.replace(push, **changes)
    if not await asyncio.to_thread(room.audiences.report_push, push):
        raise TakenOver
    return push
