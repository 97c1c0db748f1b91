"""`POST /v1/events`: what shoppers do, in batches; 202 means durable."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from smartshop.backend_api.endpoint import Call, Endpoint, address_of
from smartshop.backend_api.service import Service
from smartshop.backend_api.utils.arrival import arrival_of
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.inflated import read_inflated
from smartshop.backend_api.utils.metrics import Metrics
from smartshop.data_collection.pipelines.arrivals import Receipt
from smartshop.data_collection.pipelines.envelopes import open_envelope
from smartshop.errors import InvalidValue

MAX_EVENTS = 1_000


class EventBatch(msgspec.Struct, frozen=True):
    """Each item should be an `Event`; one that is not is rejected alone, and the others are kept."""

    events: Annotated[list[Any], Meta(min_length=1, max_length=MAX_EVENTS)]  # Any: judged one by one


class _Envelope(msgspec.Struct, frozen=True):
    events: list[msgspec.Raw]


_decoder = msgspec.json.Decoder(_Envelope)


async def post_events(service: Service, call: Call[None, None]) -> Receipt:
    body = await read_inflated(call.request)
    _, texts = open_envelope(body, _decoder, "events")
    if not 1 <= len(texts) <= MAX_EVENTS:
        raise InvalidValue(f"The body has {len(texts)} events; send 1 to {MAX_EVENTS} at a time.")
    await service.rate_limit.check_events(call.caller, address_of(call.request), texts[0])
    arrival = arrival_of(call.caller, call.request, "api", service.shop.clock.now())
    receipt = await service.shop.ingest.accept(texts, arrival)
    count_events(service.metrics, receipt)
    return receipt


def count_events(metrics: Metrics, receipt: Receipt) -> None:
    """What became of a batch, for Prometheus."""
    metrics.events.labels("accepted").inc(receipt.accepted)
    if receipt.duplicates:
        metrics.events.labels("duplicate").inc(receipt.duplicates)
    if receipt.rejected:
        metrics.events.labels("rejected").inc(len(receipt.rejected))


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/events",
        permission=Permission.ANY_KEY,
        handle=post_events,
        summary="Take events in; good ones of a partly bad batch are kept",
        own_body=EventBatch,
        counts_shopper=True,
        answer=Receipt,
        status=202,
        request_headers={
            "Sec-GPC": "1 withdraws marketing for the anonymous id",
            "Smartshop-Traffic": "internal or test: kept out of what is learned",
        },
    ),
)
