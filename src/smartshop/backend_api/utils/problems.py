"""Errors as RFC 9457 problem+json: a status, a code for programs and a sentence for people."""

from http import HTTPStatus

import msgspec
from starlette.responses import Response

from smartshop.errors import OutOfStock, SmartShopError, TooManyRequests, Unavailable

PROBLEM_MEDIA_TYPE = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    title: str
    status: int
    code: str
    detail: str
    """A sentence with the bad value and what would be right."""
    type: str = "about:blank"
    variant_id: str | None = None
    available: int | None = None
    """Of `out_of_stock`: how many could be sold."""


def problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    return _respond(Problem(title=HTTPStatus(status).phrase, status=status, code=code, detail=detail), headers)


def problem_of(error: SmartShopError) -> Response:
    """The answer for an error that we raised on purpose."""
    title = HTTPStatus(error.status).phrase
    match error:
        case OutOfStock():
            stock = Problem(
                title=title,
                status=error.status,
                code=error.code,
                detail=str(error),
                variant_id=error.variant_id,
                available=error.available,
            )
            return _respond(stock, None)
        case TooManyRequests() | Unavailable():
            return problem(error.status, error.code, str(error), {"Retry-After": str(error.retry_after_seconds)})
        case _:
            headers = {"WWW-Authenticate": "Bearer"} if error.status == HTTPStatus.UNAUTHORIZED else None
            return problem(error.status, error.code, str(error), headers)


def _respond(body: Problem, headers: dict[str, str] | None) -> Response:
    return Response(msgspec.json.encode(body), body.status, headers, PROBLEM_MEDIA_TYPE)
