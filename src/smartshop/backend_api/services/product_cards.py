"""Products as a page shows them: texts in the reader's language, the present price, what can be sold now."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import msgspec

from smartshop.data_collection.connectors.ports import Catalogue, Reservations, Stock
from smartshop.data_collection.pipelines.clock import rfc3339_or_none
from smartshop.data_collection.pipelines.shelf_arrays import Pricing
from smartshop.data_collection.pipelines.shelves import free_units
from smartshop.data_collection.schemas import catalogue
from smartshop.data_collection.schemas.catalogue import DEFAULT_MARKET, ListedProduct, format_category
from smartshop.data_collection.schemas.ids import Micros, ProductId, VariantId


class ProductVariant(msgspec.Struct, frozen=True, kw_only=True):
    variant_id: str
    title: str | None
    attributes: dict[str, Any]
    """Any: the shop's own JSON."""
    price_minor: int | None
    list_price_minor: int | None
    currency: str | None
    available: int | None
    """Units that can be sold now; null where stock is not counted."""


class Product(msgspec.Struct, frozen=True, kw_only=True):
    product_id: str
    title: str
    description: str | None
    brand: str | None
    category: str | None
    """`Garden > Tools > Spades`."""
    image_url: str | None
    attributes: dict[str, Any]
    """Any: the shop's own JSON."""
    published_at: str | None
    price_minor: int | None
    """The lowest of its variants' present prices."""
    list_price_minor: int | None
    currency: str | None
    in_stock: bool
    variants: list[ProductVariant]


Units = Mapping[VariantId, int]
"""Variant → units over all locations that no basket keeps; absent where stock is not counted."""


@dataclass(frozen=True, slots=True)
class ProductCards:
    """Blocking, for a worker thread."""

    catalogue: Catalogue
    stock: Stock
    reservations: Reservations
    currency: str
    now: Callable[[], Micros]
    draws: bool = False
    """A product without a picture of its own is shown with the one that the service draws."""

    def of(self, product_ids: Sequence[ProductId], locale: str | None = None) -> list[Product]:
        """Cards in the order asked for; unknown products are left out, a variant's id shows its product once."""
        wanted = list(dict.fromkeys(product_ids))
        listed = self.catalogue.get(wanted)
        missing = [VariantId(wanted_id) for wanted_id in wanted if wanted_id not in listed]
        owners = self.catalogue.product_of(missing) if missing else {}
        if owners:
            listed = {**listed, **self.catalogue.get(list(owners.values()))}
        resolved = dict.fromkeys(owners.get(VariantId(wanted_id), wanted_id) for wanted_id in wanted)
        return self.cards([listed[product_id] for product_id in resolved if product_id in listed], locale)

    def cards(self, listed: Sequence[ListedProduct], locale: str | None = None) -> list[Product]:
        """Cards of products already read."""
        now = self.now()
        levels = self.stock.levels([variant for entry in listed for variant in _variant_ids(entry.product)])
        kept = self.reservations.kept(now, list(levels)) if levels else {}
        units = {variant: free_units(at, kept.get(variant, {})) for variant, at in levels.items()}
        pricing = Pricing(currency=self.currency, market=DEFAULT_MARKET, at=now)
        cards = [card(entry.product, units, pricing, locale) for entry in listed]
        return [self._pictured(each) for each in cards] if self.draws else cards

    def _pictured(self, shown: Product) -> Product:
        if shown.image_url is not None:
            return shown
        return msgspec.structs.replace(shown, image_url=f"/art/{quote(shown.product_id, safe='')}.svg")


def card(product: catalogue.Product, units: Units, pricing: Pricing, locale: str | None = None) -> Product:
    """One product as a page shows it. Pure."""
    variants = [_variant(variant, units, pricing) for variant in variants_of(product)]
    priced = [variant for variant in variants if variant.price_minor is not None]
    cheapest = min(priced, key=lambda variant: variant.price_minor or 0, default=None)
    sold = priced or variants
    text = product.texts.get(locale) if locale is not None else None
    return Product(
        product_id=product.product_id,
        title=product.title if text is None else text.title,
        description=product.description if text is None else (text.description or product.description),
        brand=product.brand,
        category=format_category(product.category) or None,
        image_url=product.image_url,
        attributes=product.attributes,
        published_at=rfc3339_or_none(product.published_at),
        price_minor=None if cheapest is None else cheapest.price_minor,
        list_price_minor=None if cheapest is None else cheapest.list_price_minor,
        currency=None if cheapest is None else cheapest.currency,
        in_stock=any(variant.available is None or variant.available > 0 for variant in sold),
        variants=variants,
    )


def variants_of(product: catalogue.Product) -> tuple[catalogue.Variant, ...]:
    """Its variants; a product without any is its own."""
    return product.variants or (catalogue.Variant(variant_id=VariantId(product.product_id)),)


def present_offer(variant: catalogue.Variant, pricing: Pricing) -> catalogue.Offer | None:
    """What the variant costs now; the lowest where several offers hold."""
    offers = [offer for offer in variant.offers if pricing.counts(offer)]
    return min(offers, key=lambda offer: offer.price_minor, default=None)


def _variant(variant: catalogue.Variant, units: Units, pricing: Pricing) -> ProductVariant:
    offer = present_offer(variant, pricing)
    available = units.get(variant.variant_id)
    return ProductVariant(
        variant_id=variant.variant_id,
        title=variant.title,
        attributes=variant.attributes,
        price_minor=None if offer is None else offer.price_minor,
        list_price_minor=None if offer is None else offer.list_price_minor,
        currency=None if offer is None else offer.currency,
        available=None if available is None else max(available, 0),
    )


def _variant_ids(product: catalogue.Product) -> list[VariantId]:
    return [variant.variant_id for variant in variants_of(product)]
