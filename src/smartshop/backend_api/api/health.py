"""`/health/live`, `/health/ready`, `/metrics`: for whoever keeps the service running."""

import asyncio

import msgspec
from starlette.responses import Response

from smartshop.backend_api.endpoint import Answer, Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.utils.auth import Permission
from smartshop.data_collection.pipelines.clock import format_rfc3339

STORE_PATIENCE_SECONDS = 2.0
PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Alive(msgspec.Struct, frozen=True):
    alive: bool


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    ready: bool
    missing: list[str]
    """Sentences: what must be there before requests should come."""
    notes: list[str]
    """Sentences: what an operator should know though requests are answered."""
    clock: str
    """The time slates are as of, RFC 3339."""


async def live(_: Service, __: Call[None, None]) -> Alive:
    return Alive(True)


async def ready(service: Service, _: Call[None, None]) -> Answer:
    shop = service.shop
    missing = await _missing(service)
    state = Readiness(
        ready=not missing,
        missing=missing,
        notes=_notes(service),
        clock=format_rfc3339(shop.clock.shop_now()),
    )
    return Answer(state, 503 if missing else 200, {"Retry-After": "1"} if missing else {})


async def metrics(service: Service, _: Call[None, None]) -> Response:
    return Response(await asyncio.to_thread(service.metrics.text), media_type=PROMETHEUS_TEXT)


async def _missing(service: Service) -> list[str]:
    try:
        async with asyncio.timeout(STORE_PATIENCE_SECONDS):
            await asyncio.to_thread(service.shop.keys.all)
    except Exception as error:  # whatever an engine raises, the answer is the same: not ready, and why
        return [f"The database does not answer: {type(error).__name__}."]
    return []


def _notes(service: Service) -> list[str]:
    shop, notes = service.shop, []
    if not shop.shelves.shelf.n_products:
        notes.append("The catalogue is empty; slates have nothing to show. Import products.")
    if not shop.recommendations.serving.versions:
        notes.append("No model serves yet; slates come from the fall-back. Run `smartshop train`.")
    if shop.clock.stands_still:
        notes.append(
            f"The shop's clock stands still at {format_rfc3339(shop.clock.shop_now())}: "
            "its newest human event is over 30 days old."
        )
    return notes


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/health/live",
        permission=Permission.PUBLIC,
        handle=live,
        summary="The process answers",
        answer=Alive,
        limited=False,
    ),
    Endpoint(
        method="GET",
        path="/health/ready",
        permission=Permission.PUBLIC,
        handle=ready,
        summary="The service can take requests, or what is missing",
        answer=Readiness,
        other_successes=(503,),
        limited=False,
    ),
    Endpoint(
        method="GET",
        path="/metrics",
        permission=Permission.PUBLIC,
        handle=metrics,
        summary="Counters for Prometheus",
        media_type="text/plain",
        limited=False,
    ),
)
