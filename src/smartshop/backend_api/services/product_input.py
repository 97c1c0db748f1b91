"""Products as a shop's own system sends them, into the catalogue's records."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from smartshop.backend_api.utils.wire import Currency, Id, Minor
from smartshop.data_collection.connectors.ports import Catalogue
from smartshop.data_collection.pipelines.clock import to_micros
from smartshop.data_collection.schemas import catalogue
from smartshop.data_collection.schemas.catalogue import DEFAULT_MARKET, Offer, ProductText, parse_category
from smartshop.data_collection.schemas.ids import Micros, ProductId, SupplierId, VariantId, clean_id
from smartshop.errors import InvalidValue

Moment = Annotated[datetime, Meta(tz=True)]


class OfferInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A price in a market while it holds; for prices of several markets or dated ones."""

    price_minor: Minor
    currency: Currency
    market: Id = DEFAULT_MARKET
    list_price_minor: Minor | None = None
    tax_included: bool = True
    valid_from: Moment | None = None
    valid_to: Moment | None = None


class VariantInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    variant_id: Id
    title: str | None = None
    attributes: dict[str, Any] = {}
    """Any: size, colour, … as the shop names them."""
    price_minor: Minor | None = None
    list_price_minor: Minor | None = None
    currency: Currency | None = None
    """The shop's when absent."""
    offers: list[OfferInput] = []
    supplier_id: Id | None = None
    cost_minor: Minor | None = None


class TextInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    title: str
    description: str | None = None


class ProductInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A product whole: what is not said is not kept, save its date. Without variants it is its own, priced here."""

    product_id: Id
    title: Annotated[str, Meta(min_length=1, max_length=500)]
    description: str | None = None
    brand: str | None = None
    category: str | None = None
    """`Garden > Tools > Spades`."""
    image_url: str | None = None
    attributes: dict[str, Any] = {}
    """Any: the shop's own JSON."""
    published_at: Moment | None = None
    """When absent the date that the shop already has of it; of a product it has not had before, now."""
    price_minor: Minor | None = None
    list_price_minor: Minor | None = None
    currency: Currency | None = None
    """The shop's when absent."""
    variants: Annotated[list[VariantInput], Meta(max_length=500)] = []
    texts: dict[str, TextInput] = {}
    """Locale → texts, where they differ."""
    recommendable: bool = True
    """False for what is sold and never shown: postage, fees."""


def to_product(given: ProductInput, currency: str) -> catalogue.Product:
    """The catalogue's record; `currency` is the shop's, for prices that name none.

    Raises:
        InvalidValue: an id that cannot be one, a text with a NUL sign, a variant given twice.
    """
    if _holds_nul(msgspec.to_builtins(given)):
        raise InvalidValue(f"The product {given.product_id!r} holds a NUL sign (\\u0000), which no database keeps.")
    product_id = ProductId(clean_id(given.product_id, "product_id"))
    variants = tuple(_variant(variant, currency) for variant in given.variants or [_only_variant(given)])
    if len({variant.variant_id for variant in variants}) < len(variants):
        raise InvalidValue(f"The product {product_id!r} names a variant twice; each variant_id stands once.")
    return catalogue.Product(
        product_id=product_id,
        title=given.title,
        description=given.description,
        brand=(given.brand or "").strip() or None,
        category=parse_category(given.category or ""),
        image_url=given.image_url,
        attributes=given.attributes,
        published_at=None if given.published_at is None else to_micros(given.published_at),
        variants=variants,
        texts={
            locale: ProductText(title=text.title, description=text.description) for locale, text in given.texts.items()
        },
        recommendable=given.recommendable,
    )


def with_dates(products: Sequence[catalogue.Product], stored: Catalogue, now: Micros) -> list[catalogue.Product]:
    """The same products, each told without a date with the one it had; one the catalogue has not had is new `now`.

    Blocking. What is new is tried on shoppers, so a product must not miss its turn because nobody sent a date.
    """
    dateless = [product.product_id for product in products if product.published_at is None]
    had = stored.get(dateless) if dateless else {}

    def dated(product: catalogue.Product) -> catalogue.Product:
        if product.published_at is not None:
            return product
        known = had.get(product.product_id)
        published_at = now if known is None else known.product.published_at
        return msgspec.structs.replace(product, published_at=published_at)

    return [dated(product) for product in products]


def _holds_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_holds_nul(part) for entry in value.items() for part in entry)
    return isinstance(value, list | tuple) and any(_holds_nul(part) for part in value)


def _only_variant(given: ProductInput) -> VariantInput:
    return VariantInput(
        variant_id=given.product_id,
        price_minor=given.price_minor,
        list_price_minor=given.list_price_minor,
        currency=given.currency,
    )


def _variant(given: VariantInput, currency: str) -> catalogue.Variant:
    variant_id = VariantId(clean_id(given.variant_id, "variant_id"))
    offers = [_offer(offer, variant_id) for offer in given.offers]
    if given.price_minor is not None:
        own = OfferInput(
            price_minor=given.price_minor,
            list_price_minor=given.list_price_minor,
            currency=given.currency or currency,
        )
        offers.append(_offer(own, variant_id))
    return catalogue.Variant(
        variant_id=variant_id,
        title=given.title,
        attributes=given.attributes,
        offers=tuple(offers),
        supplier_id=None if given.supplier_id is None else SupplierId(clean_id(given.supplier_id, "supplier_id")),
        cost_minor=given.cost_minor,
    )


def _offer(given: OfferInput, variant_id: VariantId) -> Offer:
    return Offer(
        variant_id=variant_id,
        market=clean_id(given.market, "market"),
        price_minor=given.price_minor,
        list_price_minor=given.list_price_minor,
        currency=given.currency,
        tax_included=given.tax_included,
        valid_from=None if given.valid_from is None else to_micros(given.valid_from),
        valid_to=None if given.valid_to is None else to_micros(given.valid_to),
    )
