"""From a request and its caller to how its events arrived: who vouches for them, and what the headers say."""

from starlette.requests import Request

from smartshop.backend_api.utils.auth import Caller, CallerKind
from smartshop.data_collection.pipelines.arrivals import Arrival
from smartshop.data_collection.schemas.events import Traffic, Trust
from smartshop.data_collection.schemas.ids import Micros
from smartshop.errors import Unauthenticated

TRAFFIC_HEADER = "smartshop-traffic"
"""`internal` or `test`: the shop's own people and checks keep themselves out of what is learned."""


def arrival_of(caller: Caller, request: Request, source: str, now: Micros) -> Arrival:
    """
    Raises:
        Unauthenticated: nobody may send events without a key.
    """
    headers = request.headers
    declared = headers.get(TRAFFIC_HEADER, "").strip().lower()
    return Arrival(
        source=source,
        trust=_trust(caller),
        received_at=now,
        user_agent=headers.get("user-agent"),
        global_privacy_control=headers.get("sec-gpc") == "1",
        vouched_shopper=caller.shopper_key,
        vouched_is_customer=caller.is_customer,
        vouched_anonymous_id=caller.anonymous_id,
        traffic=Traffic(declared) if declared in ("internal", "test") else None,
    )


def _trust(caller: Caller) -> Trust:
    match caller.kind:
        case CallerKind.SECRET:
            return Trust.SERVER
        case CallerKind.SHOPPER:
            return Trust.SHOPPER
        case CallerKind.PUBLISHABLE:
            return Trust.CLIENT
        case CallerKind.NOBODY:
            raise Unauthenticated("No key was sent; send Authorization: Bearer <key or shopper token>.")
