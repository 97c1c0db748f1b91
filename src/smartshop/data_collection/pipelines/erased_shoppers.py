"""Of who was erased nothing enters: their events are refused, their browsers' ids are left out of others' events."""

from collections.abc import Callable

import msgspec

from smartshop.data_collection.pipelines.arrivals import Rejection
from smartshop.data_collection.schemas.events import EventKind, StoredEvent
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId
from smartshop.errors import Erased

IsErased = Callable[[CustomerId | None, AnonymousId | None], bool]
"""`Erasure.is_erased`: of a customer's id, a browser's, or either."""
CODE = Erased.code


def nobody_is_erased(_customer: CustomerId | None, _browser: AnonymousId | None) -> bool:
    """For shops and tests without erasure."""
    return False


def without_erased(event: StoredEvent, is_erased: IsErased) -> StoredEvent | Rejection:
    """The event as it may be kept.

    A browser that was one customer's may be the next one's tomorrow: what that one does is theirs, and is kept.
    """
    if not is_erased(event.customer_id, event.anonymous_id):
        return event if event.kind is not EventKind.CUSTOM else _without_erased_alias(event, is_erased)
    if event.customer_id is None or is_erased(event.customer_id, None):
        return _refusal()
    return without_erased(msgspec.structs.replace(event, anonymous_id=None), is_erased)


def _without_erased_alias(event: StoredEvent, is_erased: IsErased) -> StoredEvent | Rejection:
    """An alias names somebody in its properties, as a customer or as a browser; see `segment.aliased_customers`."""
    previous = (event.properties or {}).get("previous_id") if event.name == "alias" else None
    if isinstance(previous, str) and is_erased(CustomerId(previous), AnonymousId(previous)):
        return _refusal()
    return event


def _refusal() -> Rejection:
    return Rejection(f"{CODE}: {Erased()}")


def is_refusal(reason: str) -> bool:
    return reason.startswith(f"{CODE}:")
