"""One route as one record: method, path, who may, what comes in, what goes out, and the function that answers.

The table of these records (`api.table`) is all there is: routing, permissions, limits, decoding and the OpenAPI
document are made from it.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

import anyio.to_thread
import msgspec
from starlette.requests import Request
from starlette.responses import Response

from smartshop.backend_api.service import Service
from smartshop.backend_api.utils.auth import NOBODY, SCOPE_KEY, Caller, Permission, permit
from smartshop.backend_api.utils.bodies import decode_body, decode_query, list_fields, read_body

Q = TypeVar("Q")
B = TypeVar("B")
_JSON_HEADERS = {"x-content-type-options": "nosniff", "cache-control": "no-store"}


@dataclass(frozen=True, slots=True)
class Call(Generic[Q, B]):
    """One request, decoded: who asks, with which query and body."""

    request: Request
    caller: Caller
    query: Q
    body: B

    def path(self, name: str) -> str:
        """A part of the path, as sent."""
        value: str = self.request.path_params[name]
        return value


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON body with another status than the route's own, or with headers."""

    body: object
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Service, Call[Q, B]], Any]
"""Any: a record (or Answer, or Response), or an awaitable of one. A plain `def` runs in a worker thread."""


@dataclass(frozen=True, kw_only=True)
class Endpoint(Generic[Q, B]):
    method: str
    path: str
    permission: Permission
    handle: Handler[Q, B]
    summary: str
    query: type[Q] | None = None
    body: type[B] | None = None
    own_body: Any = None
    """A body that the handler reads by itself; here for the OpenAPI document. Any: a type."""
    answer: Any = None
    """What a success answers with. Any: a type, or None where it is no JSON."""
    media_type: str = "application/json"
    status: int = 200
    other_media_types: tuple[str, ...] = ()
    """Text in which a success may be asked for as well."""
    other_successes: tuple[int, ...] = ()
    other_problems: tuple[int, ...] = ()
    """Statuses of refusals beside those that follow from path, query and body."""
    limited: bool = True
    """Counted by the rate limit; what is not looks at no key either."""
    counts_shopper: bool = False
    """The handler asks the rate limit itself, for the shopper that the request names."""
    in_document: bool = True
    request_headers: Mapping[str, str] = field(default_factory=dict)
    """Header → what it is for; optional ones."""


def address_of(request: Request) -> str:
    return request.client.host if request.client else ""


class Runner:
    """An endpoint made ready for a service: from request to response."""

    def __init__(self, service: Service, endpoint: Endpoint[Any, Any]) -> None:
        self._service, self.endpoint = service, endpoint
        self._is_async = inspect.iscoroutinefunction(endpoint.handle)
        self._decoder = None if endpoint.body is None else msgspec.json.Decoder(endpoint.body)
        self._lists = frozenset() if endpoint.query is None else list_fields(endpoint.query)

    async def respond(self, request: Request) -> Response:
        """The answer; errors of ours are raised, and told as problems by the caller."""
        endpoint, service = self.endpoint, self._service
        caller = await self._caller(request)
        query = None if endpoint.query is None else decode_query(request.query_params, endpoint.query, self._lists)
        body = None if self._decoder is None else decode_body(await read_body(request), self._decoder)
        call = Call(request, caller, query, body)
        if self._is_async:
            return self._response(await endpoint.handle(service, call))
        return self._response(await anyio.to_thread.run_sync(partial(endpoint.handle, service, call)))

    async def _caller(self, request: Request) -> Caller:
        endpoint, service = self.endpoint, self._service
        if not endpoint.limited:
            return NOBODY
        caller = await service.gate.caller(request.headers.get("authorization"))
        permit(caller, endpoint.permission)
        if not endpoint.counts_shopper:
            await service.rate_limit.check(caller, address_of(request))
        request.scope[SCOPE_KEY] = caller
        return caller

    def _response(self, answer: object) -> Response:
        if isinstance(answer, Response):
            return answer
        if isinstance(answer, Answer):
            return Response(
                msgspec.json.encode(answer.body),
                answer.status,
                {**_JSON_HEADERS, **answer.headers},
                "application/json",
            )
        return Response(msgspec.json.encode(answer), self.endpoint.status, _JSON_HEADERS, "application/json")
