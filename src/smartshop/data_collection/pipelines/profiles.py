"""The shopper's present from their events: three bounded sets, the same for events in any order, twice or late."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import Any, TypeVar

from smartshop.data_collection.schemas.events import INTEREST_WEIGHT, EventKind, StoredEvent
from smartshop.data_collection.schemas.ids import ProductId
from smartshop.data_collection.schemas.profiles import (
    EXPOSURES_LIMIT,
    INTEREST_LIMIT,
    PURCHASES_LIMIT,
    Exposure,
    Interest,
    Profile,
    Purchase,
)

Sign = TypeVar("Sign", Interest, Purchase, Exposure)
Key = TypeVar("Key", bound=Hashable)
_INTEREST_KINDS = frozenset((*INTEREST_WEIGHT, EventKind.SEARCHED))


def fold(events: Iterable[StoredEvent], onto: Profile | None = None) -> Profile:
    """Take events into a profile. Commutative and idempotent: each set is the newest n of a union.

    An event says one thing of each of its distinct products. Of two records of the same event and product (one event
    id told with two contents) the greater one stays, whichever came first.
    """
    before = onto or Profile()
    interest = {(sign.event_id, sign.product_id): sign for sign in before.interest}
    purchases = {purchase.product_id: purchase for purchase in before.purchases}
    exposures = {(shown.event_id, shown.product_id): shown for shown in before.exposures}
    for event in events:
        if event.kind in _INTEREST_KINDS:
            for sign in _interest(event):
                _keep_greater(interest, (sign.event_id, sign.product_id), sign, _interest_order)
        if event.kind is EventKind.ORDER_COMPLETED:
            for purchase in _purchases(event):
                _keep_greater(purchases, purchase.product_id, purchase, _purchase_order)
        if event.kind is EventKind.RECOMMENDATION_SHOWN:
            for shown in _exposures(event):
                _keep_greater(exposures, (shown.event_id, shown.product_id), shown, _exposure_order)
    return Profile(
        interest=tuple(sorted(interest.values(), key=_interest_order)[-INTEREST_LIMIT:]),
        purchases=tuple(sorted(purchases.values(), key=_purchase_order)[-PURCHASES_LIMIT:]),
        exposures=tuple(sorted(exposures.values(), key=_exposure_order)[-EXPOSURES_LIMIT:]),
    )


# Any: the parts of a sort key are of several types, always the same one at the same place.
Order = tuple[Any, ...]


def _keep_greater(kept: dict[Key, Sign], key: Key, sign: Sign, order: Callable[[Sign], Order]) -> None:
    present = kept.get(key)
    if present is None or order(sign) > order(present):
        kept[key] = sign


def _interest_order(sign: Interest) -> Order:
    at, event_id = sign.occurred_at, sign.event_id
    return at, event_id, sign.product_id or "", sign.kind, sign.query or "", sign.dwell_ms or 0, sign.rating or 0.0


def _purchase_order(purchase: Purchase) -> Order:
    return purchase.occurred_at, purchase.event_id, purchase.product_id, purchase.quantity


def _exposure_order(shown: Exposure) -> Order:
    at, position = shown.occurred_at, -1 if shown.position is None else shown.position
    return at, shown.event_id, shown.product_id, shown.decision_id or "", position


def _interest(event: StoredEvent) -> Iterator[Interest]:
    at, event_id, kind = event.occurred_at, event.event_id, event.kind
    if kind is EventKind.SEARCHED:
        if event.query:
            yield Interest(at, event_id, kind, None, query=event.query)
        return
    for product_id in dict.fromkeys(_product_ids(event)):
        yield Interest(at, event_id, kind, product_id, dwell_ms=event.dwell_ms, rating=event.rating)


def _purchases(event: StoredEvent) -> Iterator[Purchase]:
    units: dict[ProductId, int] = {}
    for line in event.products:
        if line.product_id is not None:
            quantity = 1 if line.quantity is None else line.quantity
            units[line.product_id] = units.get(line.product_id, 0) + quantity
    for product_id, quantity in units.items():
        yield Purchase(event.occurred_at, event.event_id, product_id, quantity)


def _exposures(event: StoredEvent) -> Iterator[Exposure]:
    positions: dict[ProductId, int | None] = {}
    for line in event.products:
        if line.product_id is not None:
            positions.setdefault(line.product_id, line.position)
    for product_id, position in positions.items():
        yield Exposure(event.occurred_at, event.event_id, product_id, event.decision_id, position)


def _product_ids(event: StoredEvent) -> Iterator[ProductId]:
    return (line.product_id for line in event.products if line.product_id is not None)
