"""A price told by itself, without its product: what it makes of a variant's offers."""

import msgspec

from smartshop.data_collection.schemas.catalogue import DEFAULT_MARKET, Offer, Product, Variant
from smartshop.data_collection.schemas.ids import Micros, ProductId, VariantId


class PriceChange(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """From some moment on a variant costs this in a market. Prices with an end are offers, told with the product."""

    variant_id: VariantId
    price_minor: int
    """Above zero."""
    currency: str
    market: str = DEFAULT_MARKET
    list_price_minor: int | None = None
    """What it is held against, not below the price; None: as it was, where that is still above the price."""
    cost_minor: int | None = None
    """None: as it was."""
    valid_from: Micros | None = None
    """None: from now on."""


class PriceOutcome(msgspec.Struct, frozen=True):
    """What became of one change."""

    product_id: ProductId | None
    """None: no living product has the variant."""
    before_minor: int | None = None
    """The price that the new one follows; None: it had none in that market and currency."""
    changed: bool = False
    """False also where a later price is told already."""


class PricePoint(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """From `since` until the next point a variant cost this in a market."""

    variant_id: VariantId
    market: str
    currency: str
    since: Micros
    price_minor: int | None
    """The lowest of what was asked; None: nothing was."""
    list_price_minor: int | None = None


Market = tuple[VariantId, str, str]
"""A variant, a market and a currency."""


def price_path(variant: Variant | None, at: Micros) -> dict[Market, list[tuple[Micros | None, int | None, int | None]]]:
    """What is asked from `at` on, by market: (since, price, list price), the first of them since its offer says (None:
    since nobody knows when), the others in the order in which planned prices begin and end.
    """
    markets: dict[Market, list[Offer]] = {}
    for offer in () if variant is None else variant.offers:
        markets.setdefault((offer.variant_id, offer.market, offer.currency), []).append(offer)
    return {market: _path(offers, at) for market, offers in markets.items()}


def _path(offers: list[Offer], at: Micros) -> list[tuple[Micros | None, int | None, int | None]]:
    borders = {border for one in offers for border in (one.valid_from, one.valid_to) if border is not None}
    path: list[tuple[Micros | None, int | None, int | None]] = []
    for moment in (at, *sorted(border for border in borders if border > at)):
        asked = [
            one
            for one in offers
            if (one.valid_from is None or one.valid_from <= moment) and (one.valid_to is None or moment < one.valid_to)
        ]
        lowest = min(asked, key=lambda one: one.price_minor, default=None)
        price, held = (None, None) if lowest is None else (lowest.price_minor, lowest.list_price_minor)
        if not path:
            path.append((None if lowest is None else lowest.valid_from, price, held))
        elif path[-1][1:] != (price, held):
            path.append((moment, price, held))
    return path


def repriced(product: Product, change: PriceChange, at: Micros) -> tuple[Product, PriceOutcome]:
    """The product with this change, and what it did; `at` is the shop's present. The same change again does nothing.

    The standing price is the offer that has no end, or ends where the next one begins. Offers with an end of their own
    (promotions) stay as they are, and so do prices planned for later.
    """
    variants = product.variants or (Variant(variant_id=VariantId(product.product_id)),)
    place = next((place for place, one in enumerate(variants) if one.variant_id == change.variant_id), None)
    if place is None:
        return product, PriceOutcome(None)
    before = variants[place]
    begins = at if change.valid_from is None else change.valid_from
    standing = standing_offers(before.offers, change.market, change.currency, Micros(max(begins, at)))
    after = msgspec.structs.replace(
        before,
        offers=_with_price(before.offers, standing, change, at),
        cost_minor=before.cost_minor if change.cost_minor is None else change.cost_minor,
    )
    outcome = PriceOutcome(
        product.product_id, min((one.price_minor for one in standing), default=None), changed=after != before
    )
    if after == before:
        return product, outcome
    return msgspec.structs.replace(product, variants=(*variants[:place], after, *variants[place + 1 :])), outcome


def standing_offers(offers: tuple[Offer, ...], market: str, currency: str, at: Micros) -> tuple[Offer, ...]:
    """What is asked at a moment where no promotion runs: usually one offer, none where the market has no price."""
    own = [one for one in offers if one.market == market and one.currency == currency]
    open_now = [
        one
        for one in own
        if (one.valid_from is None or one.valid_from <= at) and (one.valid_to is None or at < one.valid_to)
    ]
    endless = tuple(one for one in open_now if one.valid_to is None)
    begin_at = {one.valid_from for one in own if one.valid_to is None or one.valid_to in {o.valid_from for o in own}}
    return endless or tuple(one for one in open_now if one.valid_to in begin_at)


def _with_price(
    offers: tuple[Offer, ...], standing: tuple[Offer, ...], change: PriceChange, at: Micros
) -> tuple[Offer, ...]:
    begins = at if change.valid_from is None else change.valid_from
    if begins <= at and any(one.valid_from is not None and one.valid_from > begins for one in standing):
        return offers
    new = _offer(change, standing, begins)
    if any(_same(one, new) and (begins <= at or one.valid_from == begins) for one in standing):
        return offers
    # A price that is planned lets the standing one end when it begins; one that holds already takes its place.
    ended = [
        msgspec.structs.replace(one, valid_to=begins) for one in standing if begins > at and one.valid_from != begins
    ]
    kept = [one for one in offers if one not in standing]
    ends = new.valid_to if standing else _next_beginning(kept, change, begins)
    return (*kept, *ended, msgspec.structs.replace(new, valid_to=ends))


def _offer(change: PriceChange, standing: tuple[Offer, ...], begins: Micros) -> Offer:
    held_against = change.list_price_minor
    if held_against is None:
        held_against = max((one.list_price_minor or 0 for one in standing), default=0)
    return Offer(
        variant_id=change.variant_id,
        market=change.market,
        price_minor=change.price_minor,
        list_price_minor=held_against if held_against > change.price_minor else None,
        currency=change.currency,
        tax_included=standing[0].tax_included if standing else True,
        valid_from=begins,
        valid_to=standing[0].valid_to if standing else None,
    )


def _same(one: Offer, new: Offer) -> bool:
    return (one.price_minor, one.list_price_minor) == (new.price_minor, new.list_price_minor)


def _next_beginning(offers: list[Offer], change: PriceChange, begins: Micros) -> Micros | None:
    """When a price that was planned before takes over."""
    later = (
        one.valid_from
        for one in offers
        if one.market == change.market and one.currency == change.currency and one.valid_to is None
    )
    return min((moment for moment in later if moment is not None and moment > begins), default=None)
