"""The service as one ASGI application: `create_app(shop)`."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from http import HTTPStatus

import msgspec
import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute

from smartshop.backend_api.api.openapi import openapi_document
from smartshop.backend_api.api.table import ENDPOINTS
from smartshop.backend_api.pages import Pages
from smartshop.backend_api.routing import routes_of
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.search import SearchKeeper
from smartshop.backend_api.shop import Shop
from smartshop.backend_api.utils.auth import Gate
from smartshop.backend_api.utils.metrics import Metrics, Reading
from smartshop.backend_api.utils.problems import problem
from smartshop.backend_api.utils.rate_limit import REQUESTS_PER_SECOND, RateLimit
from smartshop.backend_api.utils.shopper_tokens import TokenSigner, shop_secret
from smartshop.backend_api.websockets.hub import Hub
from smartshop.backend_api.websockets.shopper_endpoint import ShopperEndpoint

_log = structlog.get_logger(__name__)
Background = Callable[[], AbstractAsyncContextManager[object]]
EXPOSED_HEADERS = ("Retry-After",)
PREFLIGHT_SECONDS = 86_400


def create_app(
    shop: Shop,
    *,
    background: Background | None = None,
    requests_per_second: int = REQUESTS_PER_SECOND,
) -> FastAPI:
    """The service for this shop. What must run beside the requests (`background`) is entered at the start."""
    service = build_service(shop, requests_per_second)
    hub = Hub(shop)

    app = FastAPI(
        title="Smart Shopping System",
        lifespan=_lifespan(background, hub, service.proposals.stop),
        redirect_slashes=False,
        openapi_url=None,
        # Spans and counters around every request cost more than the hot routes themselves; ours are in `metrics`.
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
    )
    app.state.service = service
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(shop.cors_origins),
        allow_methods=["GET", "POST", "PUT", "DELETE"],
        allow_headers=["Authorization", "Content-Type", "Content-Encoding", "Idempotency-Key"],
        expose_headers=list(EXPOSED_HEADERS),
        max_age=PREFLIGHT_SECONDS,
    )
    app.add_exception_handler(HTTPException, _refuse)
    app.add_exception_handler(Exception, _fail)
    app.router.routes.extend(routes_of(service, ENDPOINTS))
    app.router.routes.append(WebSocketRoute("/ws/shopper", ShopperEndpoint(service, hub).serve))
    app.router.routes.append(Route("/openapi.json", _document_route()))
    app.router.routes.append(Route("/{path:path}", Pages(shop.storefront)))
    return app


def _lifespan(
    background: Background | None, hub: Hub, stop: Callable[[], None]
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """`stop` ends what was begun for requests and nobody waits for any more."""

    @asynccontextmanager
    async def run(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as running:
            if background is not None:
                await running.enter_async_context(background())
            await running.enter_async_context(hub)
            running.callback(stop)
            yield

    return run


def build_service(shop: Shop, requests_per_second: int = REQUESTS_PER_SECOND) -> Service:
    tokens = TokenSigner(shop_secret(shop.keys), shop.clock.now)
    metrics = Metrics()
    metrics.read_from(_readings(shop))
    return Service(
        shop=shop,
        gate=Gate(shop.keys, tokens, shop.clock.now, shop.erasure.is_erased),
        tokens=tokens,
        rate_limit=RateLimit(shop.cache, requests_per_second),
        search=SearchKeeper(lambda: shop.shelves.shelf),
        metrics=metrics,
    )


def _document_route() -> Callable[[Request], Awaitable[Response]]:
    document = msgspec.json.encode(openapi_document(ENDPOINTS))

    async def get_document(_: Request) -> Response:
        return Response(document, media_type="application/json")

    return get_document


def _readings(shop: Shop) -> tuple[Reading, ...]:
    """Figures that the shop's own parts keep."""
    writer = shop.recommendations.writer
    return (
        Reading("smartshop_bus_backlog", "Messages not yet acknowledged.", False, lambda: _floats(shop), "group"),
        Reading("smartshop_decisions_written", "Decisions in the log.", True, lambda: {"": float(writer.written)}),
        Reading("smartshop_decisions_dropped", "Decisions lost.", True, lambda: {"": float(writer.dropped)}),
        Reading("smartshop_ingest_backlog", "Events waiting to be written.", False, lambda: {"": shop.ingest.backlog}),
        Reading("smartshop_products", "Products listed.", False, lambda: {"": float(shop.shelves.shelf.alive.sum())}),
    )


def _floats(shop: Shop) -> dict[str, float]:
    return {group: float(waiting) for group, waiting in shop.bus.backlog().items()}


async def _refuse(request: Request, error: Exception) -> Response:
    """404 and 405 of addresses that no route has."""
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    detail = (
        f"{request.method[:20]} {request.url.path[:100]!r}: {status.phrase.lower()}; /openapi.json lists what there is."
    )
    return problem(status, status.name.lower(), detail, dict(error.headers or {}))


async def _fail(request: Request, error: Exception) -> Response:
    """What nobody foresaw: the sentence says nothing of the inside, the log everything."""
    _log.error("request_failed", method=request.method, path=request.url.path[:100], error=repr(error)[:500])
    return problem(500, "internal", "Something went wrong inside the service; the operator's log says what.")
