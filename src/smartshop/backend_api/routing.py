"""From the table of endpoints to routes: one per path, all its methods together, every error a problem, all counted."""

from collections.abc import Iterable
from time import perf_counter
from typing import Any

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from smartshop.backend_api.endpoint import Endpoint, Runner
from smartshop.backend_api.service import Service
from smartshop.backend_api.utils.problems import problem, problem_of
from smartshop.errors import SmartShopError

_log = structlog.get_logger(__name__)


def routes_of(service: Service, endpoints: Iterable[Endpoint[Any, Any]]) -> list[Route]:
    """One route per path, in the order of the table."""
    by_path: dict[str, dict[str, Runner]] = {}
    for endpoint in endpoints:
        by_path.setdefault(endpoint.path, {})[endpoint.method] = Runner(service, endpoint)
    return [Route(path, PathRoute(service, path, methods)) for path, methods in by_path.items()]


class PathRoute:
    """An ASGI application for one path, so that a wrong method is told all the right ones."""

    def __init__(self, service: Service, path: str, methods: dict[str, Runner]) -> None:
        self._service, self._path = service, path
        self._methods = methods if "GET" not in methods else {**methods, "HEAD": methods["GET"]}
        self._allow = ", ".join(sorted({*self._methods, "OPTIONS"}))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = perf_counter()
        method = scope["method"]
        response = await self._respond(method, Request(scope, receive))
        if method == "HEAD":
            response.body = b""
        await response(scope, receive, send)
        self._service.metrics.answered(
            self._path, method if method in self._methods else "other", response.status_code, perf_counter() - started
        )

    async def _respond(self, method: str, request: Request) -> Response:
        runner = self._methods.get(method)
        if runner is None and method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": self._allow})
        if runner is None:
            detail = f"{method[:20]} is no method of {self._path}; it has {self._allow}."
            return problem(405, "method_not_allowed", detail, {"Allow": self._allow})
        try:
            return await runner.respond(request)
        except SmartShopError as error:
            if error.status >= 500:
                _log.warning("request_refused", route=self._path, status=error.status, reason=str(error))
            return problem_of(error)
        except ClientDisconnect:
            # Nobody is left to read it.
            return problem(422, "body_cut_short", "The connection ended before the body did; send it again.")
