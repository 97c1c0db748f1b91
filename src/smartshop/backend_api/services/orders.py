"""Placing an order: prices from the catalogue, stock taken in the same transaction, told to everyone at once."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from smartshop.backend_api.services.product_cards import present_offer, variants_of
from smartshop.backend_api.shop import Shop
from smartshop.data_collection.connectors.ports import LogEntry
from smartshop.data_collection.pipelines.arrivals import Arrival
from smartshop.data_collection.pipelines.consequences import entry_of
from smartshop.data_collection.pipelines.shelf_arrays import Pricing
from smartshop.data_collection.schemas.catalogue import DEFAULT_MARKET, ListedProduct, Variant
from smartshop.data_collection.schemas.context import Context
from smartshop.data_collection.schemas.events import ORDER_DESK, EventKind, ProductLine, StoredEvent, Trust
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    CustomerId,
    DecisionId,
    EventId,
    LocationId,
    Micros,
    OrderId,
    ProductId,
    ShopperKey,
    VariantId,
)
from smartshop.data_collection.schemas.messages import EventsAccepted, Message, StockChanged
from smartshop.data_collection.schemas.orders import Order, OrderLine, OrderStatus
from smartshop.errors import Conflict, Erased


class UnknownProduct(Conflict):
    code = "unknown_product"


class NoPrice(Conflict):
    code = "no_price"


class PriceChanged(Conflict):
    code = "price_changed"


class MoreThanAll(Conflict):
    code = "discount_too_large"


@dataclass(frozen=True, slots=True)
class WantedLine:
    product_id: ProductId
    variant_id: VariantId | None
    quantity: int
    unit_price_minor: int | None
    """What the sender says it costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An order as asked for."""

    order_id: OrderId
    lines: Sequence[WantedLine]
    customer_id: CustomerId | None
    anonymous_id: AnonymousId | None
    trust: Trust
    currency: str | None = None
    ordered_at: Micros | None = None
    decision_id: DecisionId | None = None
    channel: str | None = None
    market: str | None = None
    location_id: LocationId | None = None
    reservation_id: str | None = None
    """The units kept for this basket; None: whatever its shopper keeps of these goods."""
    discount_minor: int = 0
    shipping_minor: int = 0
    tax_minor: int = 0


@dataclass(frozen=True, slots=True)
class Placed:
    order: Order
    is_new: bool
    """False: the same order was placed before; nothing was taken again."""


async def place_order(shop: Shop, wanted: Wanted) -> Placed:
    """Store the order and take its stock; the next slate knows of it.

    Raises:
        UnknownProduct: a product or variant that the catalogue does not have.
        NoPrice: no present offer, or offers of several currencies.
        PriceChanged: a shopper's page showed another price than holds now.
        OutOfStock: more than can be sold; nothing is stored.
        OrderConflict: the id exists with other content.
        Erased: the shopper was.
    """
    wanted = _without_erased(shop, wanted)
    again = await asyncio.to_thread(_placed_before, shop, wanted)
    if again is not None:
        return Placed(again, False)
    placed, entry = await asyncio.to_thread(_place, shop, wanted)
    if placed.is_new:
        await _tell(shop, placed.order, () if entry.count_only else (entry.event,))
    return placed


def _without_erased(shop: Shop, wanted: Wanted) -> Wanted:
    """A customer may buy on a browser that was somebody's who is erased; then it is left out."""
    is_erased = shop.erasure.is_erased
    if not is_erased(wanted.customer_id, wanted.anonymous_id):
        return wanted
    if wanted.customer_id is None or is_erased(wanted.customer_id, None):
        raise Erased
    return replace(wanted, anonymous_id=None)


def _placed_before(shop: Shop, wanted: Wanted) -> Order | None:
    """The order that this request is a repetition of: whatever prices and products became since, it stands."""
    order = shop.orders.get(wanted.order_id)
    if order is None or order.status is not OrderStatus.PLACED:
        return None
    asked = _resolved(shop, wanted)
    is_theirs = (order.customer_id, order.anonymous_id) == (wanted.customer_id, wanted.anonymous_id)
    if not is_theirs or wanted.currency not in (None, order.currency) or len(asked) != len(order.lines):
        return None
    same = all(_repeats(line, placed) for line, placed in zip(asked, order.lines, strict=True))
    return order if same else None


def _repeats(line: WantedLine, placed: OrderLine) -> bool:
    return (
        line.product_id == placed.product_id
        and line.variant_id in (None, placed.variant_id)
        and line.quantity == placed.quantity
        and line.unit_price_minor in (None, placed.unit_price_minor)
    )


async def _tell(shop: Shop, order: Order, events: tuple[StoredEvent, ...]) -> None:
    """Ahead of the sweeper, which would say the same within seconds; twice is harmless."""
    sold = tuple(line.variant_id for line in order.lines)
    shop.changed_variants.tell(sold)
    messages: list[Message] = [StockChanged(sold)]
    if events:
        await shop.profiles.fold(events)
        messages.append(EventsAccepted(events))
    await asyncio.to_thread(shop.shelves.refresh)
    await shop.bus.publish(messages)


def _place(shop: Shop, wanted: Wanted) -> tuple[Placed, LogEntry]:
    now = shop.clock.now()
    pricing = Pricing(currency=wanted.currency or shop.currency, market=wanted.market or DEFAULT_MARKET, at=now)
    known = shop.catalogue.get(_product_ids(shop, wanted))
    lines = tuple(
        _priced(known, pricing, wanted.trust, index, line) for index, line in enumerate(_resolved(shop, wanted))
    )
    _check_discount(wanted, lines)
    event = _event(wanted, lines, pricing.currency, now)
    entry = entry_of(event, Arrival(ORDER_DESK, wanted.trust, now), pricing.currency)
    if entry.order is not None and wanted.reservation_id is not None:
        entry = msgspec.structs.replace(
            entry, order=msgspec.structs.replace(entry.order, reservation_id=wanted.reservation_id)
        )
    if not shop.ingest.consent.allows_analytics(event):
        # The order stands, the shopper's behaviour is only counted.
        entry = msgspec.structs.replace(entry, count_only=True)
    order = shop.orders.place(entry)
    return Placed(order, order.received_at == now), entry


def _resolved(shop: Shop, wanted: Wanted) -> list[WantedLine]:
    """A variant sent as product_id is resolved."""
    numbers, ids = shop.shelves.shelf.number_of, shop.shelves.shelf.product_ids
    lines = []
    for line in wanted.lines:
        number = numbers.get(line.product_id)
        product_id = line.product_id if number is None else ids[number]
        variant_id = line.variant_id
        if variant_id is None and product_id != line.product_id:
            variant_id = VariantId(line.product_id)
        lines.append(WantedLine(product_id, variant_id, line.quantity, line.unit_price_minor))
    return lines


def _product_ids(shop: Shop, wanted: Wanted) -> list[ProductId]:
    return list(dict.fromkeys(line.product_id for line in _resolved(shop, wanted)))


def _priced(
    known: dict[ProductId, ListedProduct], pricing: Pricing, trust: Trust, index: int, line: WantedLine
) -> ProductLine:
    variant = _variant(known, line)
    offer = present_offer(variant, pricing)
    price = line.unit_price_minor
    if trust is not Trust.SERVER:
        if offer is None:
            raise NoPrice(f"{variant.variant_id!r} has no price in {pricing.currency} now, so it cannot be bought.")
        if price not in (None, offer.price_minor):
            raise PriceChanged(
                f"{variant.variant_id!r} costs {offer.price_minor} now, not {price}; show it and ask again."
            )
    return ProductLine(
        product_id=line.product_id,
        variant_id=variant.variant_id,
        quantity=line.quantity,
        price_minor=price if price is not None or offer is None else offer.price_minor,
        line_id=str(index),
    )


def _check_discount(wanted: Wanted, lines: Sequence[ProductLine]) -> None:
    goods = sum((line.quantity or 0) * (line.price_minor or 0) for line in lines)
    whole = goods + wanted.shipping_minor + wanted.tax_minor
    if wanted.discount_minor > whole:
        raise MoreThanAll(
            f"The discount of {wanted.discount_minor} minor units is more than the order's {whole};"
            " take off at most that."
        )


def _variant(known: dict[ProductId, ListedProduct], line: WantedLine) -> Variant:
    listed = known.get(line.product_id)
    if listed is None:
        raise UnknownProduct(f"There is no product {line.product_id!r} to order.")
    variants = variants_of(listed.product)
    if line.variant_id is None and len(variants) == 1:
        return variants[0]
    for variant in variants:
        if variant.variant_id == (line.variant_id or line.product_id):
            return variant
    choices = ", ".join(variant.variant_id for variant in variants[:5])
    raise UnknownProduct(f"The product {line.product_id!r} has no variant {line.variant_id!r}; it has {choices}.")


def _event(wanted: Wanted, lines: tuple[ProductLine, ...], currency: str, now: Micros) -> StoredEvent:
    """`order_completed` under the order's own id: the same order is the same event."""
    key = wanted.customer_id or wanted.anonymous_id
    assert key is not None, "the route asks who buys"
    return StoredEvent(
        event_id=EventId(f"order:{wanted.order_id}"),
        kind=EventKind.ORDER_COMPLETED,
        occurred_at=wanted.ordered_at if wanted.ordered_at is not None else now,
        received_at=now,
        shopper_key=ShopperKey(key),
        source=ORDER_DESK,
        trust=wanted.trust,
        anonymous_id=wanted.anonymous_id,
        customer_id=wanted.customer_id,
        products=lines,
        order_id=wanted.order_id,
        currency=currency,
        market=wanted.market,
        discount_minor=wanted.discount_minor or None,
        shipping_minor=wanted.shipping_minor or None,
        tax_minor=wanted.tax_minor or None,
        takes_stock=True,
        location_id=wanted.location_id,
        decision_id=wanted.decision_id,
        context=None if wanted.channel is None else Context(channel=wanted.channel),
    )
