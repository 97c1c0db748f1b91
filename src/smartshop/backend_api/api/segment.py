"""Segment's tracking wire, so that clients that already exist work unchanged: only host and write key are theirs.

They drop a whole batch for good on 400, 401, 413 and 422: whatever can be read is answered 200, also when single
messages are quarantined, and overload is 429 or 503 with Retry-After.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from smartshop.backend_api.api.events import count_events
from smartshop.backend_api.endpoint import Call, Endpoint, address_of
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.aliases import take_alias
from smartshop.backend_api.utils.arrival import arrival_of
from smartshop.backend_api.utils.auth import Caller, CallerKind, Permission, permit
from smartshop.backend_api.utils.inflated import read_inflated
from smartshop.data_collection.pipelines.arrivals import Arrival
from smartshop.data_collection.pipelines.envelopes import open_envelope
from smartshop.data_collection.pipelines.segment import SOURCE, aliased_customers, translate, with_defaults
from smartshop.data_collection.schemas.events import Event, Trust
from smartshop.data_collection.schemas.ids import ShopperKey
from smartshop.data_collection.schemas.messages import SlateRefreshed
from smartshop.errors import InvalidValue, Unauthenticated

MAX_MESSAGES = 2_500
"""Segment's own limit per batch."""


class Accepted(msgspec.Struct, frozen=True):
    success: bool = True


class Batch(msgspec.Struct, frozen=True, rename="camel"):
    """What clients send to `/v1/batch`; each message is judged alone."""

    batch: Annotated[list[Any], Meta(max_length=MAX_MESSAGES)]  # Any: judged one by one
    sent_at: Any = None
    write_key: Any = None


class Message(msgspec.Struct, frozen=True, rename="camel"):
    """One message; the route says its type."""

    anonymous_id: Any = None  # Any: clients send text, numbers or null
    user_id: Any = None
    message_id: Any = None
    event: Any = None
    properties: Any = None
    traits: Any = None
    context: Any = None
    timestamp: Any = None
    sent_at: Any = None
    write_key: Any = None


class _Envelope(msgspec.Struct, frozen=True, rename="camel"):
    batch: list[msgspec.Raw]
    sent_at: Any = None  # Any: a wrong type here must not cost a whole batch
    write_key: Any = None


_decoder = msgspec.json.Decoder(_Envelope)
_SETTINGS: dict[str, Any] = {"unbundledIntegrations": [], "addBundledMetadata": True, "maybeBundledConfigIds": {}}


async def post_batch(service: Service, call: Call[None, None]) -> Accepted:
    envelope, texts = open_envelope(await read_inflated(call.request), _decoder, "batch")
    if len(texts) > MAX_MESSAGES:
        raise InvalidValue(f"The batch has {len(texts)} messages; send at most {MAX_MESSAGES} at a time.")
    caller = await _caller(service, call, _text(envelope.write_key))
    spelled = [with_defaults(text, kind=None, sent_at=_text(envelope.sent_at)) for text in texts]
    return await _take(service, call, caller, spelled)


async def post_message(kind: str, service: Service, call: Call[None, None]) -> Accepted:
    """One message, to the route of its type."""
    body = await read_inflated(call.request)
    # As a batch of one it meets the same patience with NaN.
    envelope, texts = open_envelope(b'{"batch":[' + body + b"]}", _decoder, "batch")
    if len(texts) != 1:
        raise InvalidValue(f"The body has {len(texts)} messages; send one object, or a batch to /v1/batch.")
    if not texts[0].lstrip().startswith(b"{"):
        raise InvalidValue(f"The body is {texts[0][:40]!r}, no JSON object; send one message.")
    caller = await _caller(service, call, _write_key(texts[0]))
    return await _take(service, call, caller, [with_defaults(texts[0], kind=kind, sent_at=_text(envelope.sent_at))])


async def settings(service: Service, call: Call[None, None]) -> dict[str, Any]:  # Any: JSON as analytics.js reads it
    """What analytics.js asks for first: where to send, and that no other integration is to be loaded."""
    key = call.path("key")
    await service.gate.caller_with(key)
    url = call.request.url
    own = {**_SETTINGS, "apiKey": key, "apiHost": f"{url.netloc}/v1", "protocol": url.scheme}
    return {"integrations": {"Segment.io": own}, "plan": {"track": {}}, "edgeFunction": {}}


async def _caller(service: Service, call: Call[None, None], write_key: str | None) -> Caller:
    """Older clients send the write key in the body only."""
    caller = call.caller
    if caller.kind is CallerKind.NOBODY:
        if not write_key:
            raise Unauthenticated("No write key was sent; send it as the user name of Authorization: Basic.")
        caller = await service.gate.caller_with(write_key)
    permit(caller, Permission.ANY_KEY)
    return caller


def _write_key(text: bytes) -> str | None:
    try:
        key = msgspec.json.decode(text, type=_WriteKey).write_key
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return key


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


class _WriteKey(msgspec.Struct, frozen=True, rename="camel"):
    write_key: str | None = None


async def _take(service: Service, call: Call[None, None], caller: Caller, texts: Sequence[bytes]) -> Accepted:
    now, shop = service.shop.clock.now(), service.shop
    if texts:
        await service.rate_limit.check_events(caller, address_of(call.request), texts[0])
    arrival = arrival_of(caller, call.request, SOURCE, now)
    events = [translate(text, now, shop.currency) for text in texts]
    receipt = await shop.ingest.accept_decoded(events, texts, arrival)
    count_events(service.metrics, receipt)
    refused = {rejected.index for rejected in receipt.rejected}
    kept = [event for place, event in enumerate(events) if place not in refused and isinstance(event, Event)]
    await _merge_aliases(service, kept, arrival)
    return Accepted()


async def _merge_aliases(service: Service, events: Sequence[Event], arrival: Arrival) -> None:
    """Only the shop itself may say that two are one; after a retry it is said again, which changes nothing."""
    if arrival.trust is not Trust.SERVER:
        return
    for previous, into in filter(None, map(aliased_customers, events)):
        await asyncio.to_thread(take_alias, service.shop, previous, into, arrival.received_at)
        await service.shop.bus.publish([SlateRefreshed(ShopperKey(into), is_customer=True, cause="merged")])


_MESSAGES = {"track": "t", "identify": "i", "page": "p", "screen": "s", "group": "g", "alias": "a"}
_PATHS = [(f"/v1/{path}", kind) for kind, short in _MESSAGES.items() for path in (kind, short)]


def _endpoint(path: str, handle: Any, body: type, summary: str) -> Endpoint[None, None]:  # noqa: ANN401  # a handler
    return Endpoint(
        method="POST",
        path=path,
        # The write key may stand in the body; `_caller` insists on one.
        permission=Permission.PUBLIC,
        handle=handle,
        summary=summary,
        own_body=body,
        counts_shopper=True,
        answer=Accepted,
    )


ENDPOINTS = (
    *(_endpoint(path, post_batch, Batch, "A batch from a Segment client") for path in ("/v1/batch", "/v1/b")),
    *(
        _endpoint(path, partial(post_message, kind), Message, f"One {kind} from a Segment client")
        for path, kind in _PATHS
    ),
    Endpoint(
        method="GET",
        path="/v1/projects/{key}/settings",
        permission=Permission.PUBLIC,
        handle=settings,
        summary="What analytics.js asks for first",
        answer=dict[str, Any],
    ),
)
