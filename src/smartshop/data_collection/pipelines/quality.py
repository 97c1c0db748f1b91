"""What an event must be to enter the log; each refusal is a sentence with the bad value and what would be right.

The decoder has checked the types; here come ids, whose event it is, clocks, ranges and what each kind needs.
"""

from typing import NamedTuple
from uuid import uuid4

from smartshop.data_collection.pipelines.arrivals import Arrival, Rejection
from smartshop.data_collection.pipelines.event_needs import check_needs
from smartshop.data_collection.pipelines.product_names import ProductOf, clean_lines
from smartshop.data_collection.pipelines.ranges import check_money, check_ranges
from smartshop.data_collection.pipelines.refusals import reason_of, refuse
from smartshop.data_collection.pipelines.timestamps import parse_rfc3339
from smartshop.data_collection.pipelines.traffic import Sender, TrafficWatch
from smartshop.data_collection.schemas.events import Event, StoredEvent, Trust
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    CustomerId,
    DecisionId,
    EventId,
    Micros,
    OrderId,
    SessionId,
    ShopperKey,
    clean_id,
)
from smartshop.data_collection.schemas.money import clean_currency
from smartshop.errors import InvalidValue

MINUTE = 60_000_000
DAY = 86_400_000_000
CLOCK_SLACK = 10 * MINUTE
"""A client's clock may be this far ahead; beyond it the event counts as happening now."""
FUTURE_LIMIT = DAY
AGE_LIMIT = 60 * DAY
"""`event_seen` remembers this long: an older event sent twice could no longer be told from a new one."""
YEAR_2000 = 946_684_800_000_000


def check(
    event: Event | StoredEvent, arrival: Arrival, received_at: Micros, product_of: ProductOf, watch: TrafficWatch
) -> StoredEvent | Rejection:
    """Return the event as the log keeps it, or why it cannot enter."""
    try:
        return _stored(event, arrival, received_at, product_of, watch)
    except InvalidValue as error:
        return Rejection(reason_of(error))


def _stored(
    event: Event | StoredEvent, arrival: Arrival, received_at: Micros, product_of: ProductOf, watch: TrafficWatch
) -> StoredEvent:
    owner = _owner(event, arrival)
    occurred_at, corrected = _moment(event, received_at, is_history=arrival.from_import)
    check_ranges(event)
    check_money(event)
    event_id, session_id, order_id = event.event_id, event.session_id, event.order_id
    location_id, decision_id = event.location_id, event.decision_id
    stored = StoredEvent(
        event_id=EventId(uuid4().hex if event_id is None else clean_id(event_id, "event_id")),
        kind=event.kind,
        occurred_at=occurred_at,
        received_at=received_at,
        shopper_key=owner.shopper_key,
        source=arrival.source,
        trust=owner.trust,
        traffic=watch.traffic_of(_sender(owner), event.context, arrival, received_at),
        anonymous_id=owner.anonymous_id,
        customer_id=owner.customer_id,
        session_id=None if session_id is None else SessionId(clean_id(session_id, "session_id")),
        products=clean_lines(event, product_of),
        order_id=None if order_id is None else OrderId(clean_id(order_id, "order_id")),
        currency=None if event.currency is None else clean_currency(event.currency),
        market=None if event.market is None else clean_id(event.market, "market"),
        discount_minor=event.discount_minor,
        shipping_minor=event.shipping_minor,
        tax_minor=event.tax_minor,
        amount_minor=event.amount_minor,
        # Anybody gets a token for a new browser; nobody may move the shop's stock with it.
        takes_stock=event.takes_stock and owner.trust is Trust.SERVER,
        restock=event.restock and owner.trust is Trust.SERVER,
        location_id=None if location_id is None else clean_id(location_id, "location_id"),
        query=event.query,
        rating=event.rating,
        dwell_ms=event.dwell_ms,
        surface=None if event.surface is None else clean_id(event.surface, "surface"),
        position=event.position,
        decision_id=None if decision_id is None else DecisionId(clean_id(decision_id, "decision_id")),
        consent=event.consent,
        traits=event.traits,
        name=event.name,
        properties=event.properties,
        context=event.context,
        clock_corrected=corrected,
    )
    check_needs(stored)
    return stored


class _Owner(NamedTuple):
    shopper_key: ShopperKey
    customer_id: CustomerId | None
    anonymous_id: AnonymousId | None
    trust: Trust


def _sender(owner: _Owner) -> Sender:
    """Whose pace an event counts for: what is merely said of a customer slows nobody but the browser that says it."""
    if owner.trust is Trust.CLIENT and owner.anonymous_id is not None:
        return owner.trust, False, owner.anonymous_id
    return owner.trust, owner.customer_id is not None, owner.shopper_key


def _owner(event: Event | StoredEvent, arrival: Arrival) -> _Owner:
    customer, anonymous = event.customer_id, event.anonymous_id
    if customer is not None:
        customer = CustomerId(clean_id(customer, "customer_id"))
    if anonymous is not None:
        anonymous = AnonymousId(clean_id(anonymous, "anonymous_id"))
    if arrival.vouched_shopper is not None:
        return _token_owner(customer, anonymous, arrival)
    key = customer or anonymous
    if key is None:
        refuse("missing_shopper", "The event names no shopper; send anonymous_id, customer_id or both.")
    return _Owner(ShopperKey(key), customer, anonymous, arrival.trust)


def _token_owner(customer: CustomerId | None, anonymous: AnonymousId | None, arrival: Arrival) -> _Owner:
    """The shopper is named by the token. Under an anonymous token a customer_id is anybody's claim, as with a
    publishable key."""
    own = str(arrival.vouched_shopper)
    if not arrival.vouched_is_customer:
        if anonymous is not None and str(anonymous) != own:
            _not_yours("anonymous_id", anonymous)
        mine = AnonymousId(own)
        if customer is None:
            return _Owner(ShopperKey(own), None, mine, arrival.trust)
        return _Owner(ShopperKey(customer), customer, mine, Trust.CLIENT)
    if customer is not None and str(customer) != own:
        _not_yours("customer_id", customer)
    if customer is None and anonymous is not None:
        if anonymous != arrival.vouched_anonymous_id:
            _not_yours("anonymous_id", anonymous)
        return _Owner(ShopperKey(anonymous), None, anonymous, arrival.trust)
    return _Owner(ShopperKey(own), CustomerId(own), anonymous, arrival.trust)


def _not_yours(what: str, sent: str | None) -> None:
    refuse("not_yours", f"The {what} {str(sent)[:40]!r} is not the token's shopper; send only that shopper's events.")


def _moment(event: Event | StoredEvent, received_at: Micros, *, is_history: bool) -> tuple[Micros, bool]:
    """When it happened, and whether the client's clock had to be put right."""
    sent = event.occurred_at
    if sent is None:
        return received_at, False
    occurred_at = parse_rfc3339(sent, "occurred_at") if isinstance(sent, str) else sent
    ahead = occurred_at - received_at
    if ahead > FUTURE_LIMIT:
        refuse("in_the_future", f"occurred_at {sent} is more than 24 hours ahead; set the sender's clock.")
    if ahead > CLOCK_SLACK:
        return received_at, True
    if occurred_at < YEAR_2000:
        refuse("before_2000", f"occurred_at {sent} is before the year 2000; send when it really happened.")
    if -ahead > AGE_LIMIT and not is_history:
        refuse("too_old", f"occurred_at {sent} is more than 60 days ago; bring history in with `smartshop import`.")
    return occurred_at, False
