"""What a caller may say about a slate's shopper, checked in one place for HTTP and sockets."""

from dataclasses import dataclass

import msgspec

from smartshop.backend_api.utils.auth import Caller, CallerKind
from smartshop.data_collection.pipelines.timestamps import parse_rfc3339
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, Micros, ShopperKey, clean_id
from smartshop.data_collection.schemas.slates import SlateRequest
from smartshop.errors import Forbidden, InvalidId, InvalidValue


@dataclass(frozen=True, slots=True)
class AllowedRequest:
    """A slate request in the words of whoever may ask it."""

    request: SlateRequest
    vouched: bool
    at: Micros | None
    notes: tuple[str, ...]
    """What of the request could not be used, for `degraded`."""


def allowed_request(caller: Caller, request: SlateRequest) -> AllowedRequest:
    """The request with its shopper filled in from the token, refused where it names another shopper.

    Raises:
        Forbidden: the caller may not ask for this shopper, or may not set the time.
    """
    notes: list[str] = []
    customer_id = _usable(request.customer_id, "customer_id", notes)
    anonymous_id = _usable(request.anonymous_id, "anonymous_id", notes)
    if caller.kind is CallerKind.SHOPPER:
        check_own(caller, customer_id, anonymous_id)
        customer_id, anonymous_id = caller.customer_id, caller.anonymous_id
    elif caller.kind is CallerKind.PUBLISHABLE and request.customer_id is not None:
        raise Forbidden(
            f"A publishable key gets slates for an anonymous_id only; customer_id {request.customer_id[:60]!r} "
            "needs a shopper token or a secret key."
        )
    if (customer_id, anonymous_id) != (request.customer_id, request.anonymous_id):
        request = msgspec.structs.replace(
            request,
            customer_id=None if customer_id is None else CustomerId(customer_id),
            anonymous_id=None if anonymous_id is None else AnonymousId(anonymous_id),
        )
    return AllowedRequest(request, caller.vouched, _asked_time(caller, request, notes), tuple(notes))


def check_own(caller: Caller, customer_id: str | None, anonymous_id: str | None) -> None:
    """Let a shopper token speak of its own shopper only.

    Raises:
        Forbidden: another shopper is named.
    """
    if customer_id not in (None, caller.customer_id) or anonymous_id not in (None, caller.anonymous_id):
        named = customer_id if customer_id not in (None, caller.customer_id) else anonymous_id
        raise Forbidden(f"This shopper token is not {named!r}'s; ask with the token that names this shopper.")


def is_own(caller: Caller, shopper_key: ShopperKey, *, is_customer: bool) -> bool:
    """True when the caller may read what belongs to this shopper."""
    return caller.is_secret or (caller.shopper_key == shopper_key and caller.is_customer == is_customer)


def _usable(raw: str | None, what: str, notes: list[str]) -> str | None:
    """A valid request is always answered: an id that cannot be one is an unknown shopper."""
    if raw is None:
        return None
    try:
        return clean_id(raw, what)
    except InvalidId as error:
        notes.append(f"{what} ignored: {error}")
        return None


def _asked_time(caller: Caller, request: SlateRequest, notes: list[str]) -> Micros | None:
    if request.context.at is None:
        return None
    if not caller.is_secret:
        raise Forbidden("context.at needs a secret key: only the shop itself may set a request's time.")
    try:
        return parse_rfc3339(request.context.at, "context.at")
    except InvalidValue as error:
        notes.append(f"context.at ignored: {error}")
        return None
