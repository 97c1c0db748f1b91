"""What follows from an event besides the event: orders, refunds, links, consent. Said as data; the log stores it."""

import hashlib
from typing import Any

from smartshop.data_collection.connectors.ports import LogEntry
from smartshop.data_collection.pipelines.arrivals import Arrival
from smartshop.data_collection.schemas.customers import ConsentChange, Customer, IdentityLink, Purpose
from smartshop.data_collection.schemas.events import EventKind, ProductLine, StoredEvent, Trust
from smartshop.data_collection.schemas.ids import LineId, LocationId, ShopperKey, VariantId
from smartshop.data_collection.schemas.orders import Order, OrderLine, Refund, Return

_KINDS_WITH_CONSEQUENCES = frozenset(
    {
        EventKind.ORDER_COMPLETED,
        EventKind.ORDER_REFUNDED,
        EventKind.ORDER_RETURNED,
        EventKind.IDENTIFIED,
        EventKind.CONSENT_CHANGED,
    }
)


def entry_of(event: StoredEvent, arrival: Arrival, currency: str) -> LogEntry:
    """Return the event with all that follows from it; `currency` is the shop's, for events that name none."""
    if event.kind not in _KINDS_WITH_CONSEQUENCES:
        return LogEntry(event=event)
    match event.kind:
        case EventKind.ORDER_COMPLETED if event.order_id is not None:
            return LogEntry(event=event, order=_order(event, event.currency or currency))
        case EventKind.ORDER_REFUNDED:
            return LogEntry(event=event, refund=_refund(event, event.currency or currency))
        case EventKind.ORDER_RETURNED:
            return LogEntry(event=event, goods_return=_return(event))
        case EventKind.IDENTIFIED:
            return LogEntry(event=event, link=_link(event, arrival), customer=_customer(event))
        case EventKind.CONSENT_CHANGED:
            return LogEntry(event=event, consent=_consent(event))
        case _:
            return LogEntry(event=event)


def withdraw_marketing(event: StoredEvent) -> ConsentChange | None:
    """What `Sec-GPC: 1` means for the browser that sent it."""
    if event.anonymous_id is None:
        return None
    return ConsentChange(
        shopper_key=ShopperKey(event.anonymous_id),
        is_customer=False,
        changes={Purpose.MARKETING.value: False},
        received_at=event.received_at,
    )


def _order(event: StoredEvent, currency: str) -> Order:
    assert event.order_id is not None
    context = event.context
    return Order(
        order_id=event.order_id,
        lines=_lines(event.products),
        currency=currency,
        ordered_at=event.occurred_at,
        received_at=event.received_at,
        trust=_trust(event),
        customer_id=event.customer_id,
        anonymous_id=event.anonymous_id,
        discount_minor=event.discount_minor or 0,
        shipping_minor=event.shipping_minor or 0,
        tax_minor=event.tax_minor or 0,
        channel=context.channel if context is not None else None,
        market=event.market,
        location_id=LocationId(event.location_id) if event.location_id is not None else None,
        decision_id=event.decision_id,
    )


def _refund(event: StoredEvent, currency: str) -> Refund:
    amount = event.amount_minor
    if amount is None:
        amount = sum((line.quantity or 1) * (line.price_minor or 0) for line in event.products)
    return Refund(
        event_id=event.event_id,
        order_id=event.order_id,
        amount_minor=amount,
        currency=currency,
        refunded_at=event.occurred_at,
        trust=_trust(event),
        lines=_lines(event.products),
        customer_id=event.customer_id,
    )


def _return(event: StoredEvent) -> Return:
    return Return(
        event_id=event.event_id,
        order_id=event.order_id,
        lines=_lines(event.products),
        returned_at=event.occurred_at,
        trust=_trust(event),
        restock=event.restock,
        customer_id=event.customer_id,
    )


def _trust(event: StoredEvent) -> Trust:
    return event.trust if event.is_shops_word else Trust.CLIENT


def _lines(lines: tuple[ProductLine, ...]) -> tuple[OrderLine, ...]:
    return tuple([_line(index, line) for index, line in enumerate(lines)])


def _line(index: int, line: ProductLine) -> OrderLine:
    assert line.product_id is not None, "lines are cleaned before"
    return OrderLine(
        line_id=LineId(line.line_id if line.line_id is not None else str(index)),
        product_id=line.product_id,
        variant_id=line.variant_id if line.variant_id is not None else VariantId(line.product_id),
        quantity=line.quantity if line.quantity is not None else 1,
        unit_price_minor=line.price_minor,
    )


def _link(event: StoredEvent, arrival: Arrival) -> IdentityLink | None:
    if event.anonymous_id is None or event.customer_id is None:
        return None
    trust = event.trust
    # A token vouches for the browser it was given to; any other browser would be somebody else's history.
    if trust is Trust.SHOPPER and event.anonymous_id != arrival.vouched_anonymous_id:
        trust = Trust.CLIENT
    return IdentityLink(
        anonymous_id=event.anonymous_id, customer_id=event.customer_id, received_at=event.received_at, trust=trust
    )


def _consent(event: StoredEvent) -> ConsentChange | None:
    """A customer's consent moves only on vouched word; else only the browser's own."""
    is_customer = event.customer_id is not None and event.trust is not Trust.CLIENT
    key = event.customer_id if is_customer else event.anonymous_id
    if key is None or event.consent is None:
        return None
    return ConsentChange(
        shopper_key=ShopperKey(key), is_customer=is_customer, changes=event.consent, received_at=event.received_at
    )


def _customer(event: StoredEvent) -> Customer | None:
    """What the shop itself or the shopper said of a person. An e-mail address is kept only as its hash."""
    if event.customer_id is None or not event.traits or event.trust is Trust.CLIENT:
        return None
    traits = dict(event.traits)
    email = traits.pop("email", None)
    place = traits.get("address")
    place = place if isinstance(place, dict) else traits
    return Customer(
        customer_id=event.customer_id,
        email_sha256=hashlib.sha256(email.strip().lower().encode()).hexdigest() if isinstance(email, str) else None,
        country=_text(place.get("country")),
        city=_text(place.get("city")),
        birth_year=_birth_year(traits),
        traits=traits,
    )


def _text(value: object) -> str | None:
    return value[:128] if isinstance(value, str) and value else None


def _birth_year(traits: dict[str, Any]) -> int | None:  # Any: the shop's own JSON
    value = traits.get("birth_year") or traits.get("birthday")
    if isinstance(value, str) and value[:4].isascii() and value[:4].isdigit():
        value = int(value[:4])
    if isinstance(value, int) and not isinstance(value, bool) and 1900 <= value <= 2100:
        return value
    return None
