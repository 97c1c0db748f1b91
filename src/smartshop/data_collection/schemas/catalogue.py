"""What the shop sells. A product is shown and learned; a variant is priced, stocked and sold; an offer is its price."""

from typing import Any

import msgspec

from smartshop.data_collection.schemas.ids import Micros, ProductId, ProductNo, SupplierId, VariantId

DEFAULT_MARKET = "default"
CATEGORY_SEPARATOR = " > "


class Offer(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The price of a variant in a market, while it is valid."""

    variant_id: VariantId
    market: str = DEFAULT_MARKET
    price_minor: int
    list_price_minor: int | None = None
    currency: str
    tax_included: bool = True
    valid_from: Micros | None = None
    valid_to: Micros | None = None


class Variant(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    variant_id: VariantId
    title: str | None = None
    attributes: dict[str, Any] = {}
    """Any: size, colour, … as the shop names them."""
    offers: tuple[Offer, ...] = ()
    supplier_id: SupplierId | None = None
    cost_minor: int | None = None


class ProductText(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    title: str
    description: str | None = None


class Product(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A product with its variants. Without a variant of its own it has one whose id is the product's."""

    product_id: ProductId
    title: str
    description: str | None = None
    brand: str | None = None
    category: tuple[str, ...] = ()
    """Path from department to leaf; on the wire `Garden > Tools > Spades`."""
    image_url: str | None = None
    attributes: dict[str, Any] = {}
    published_at: Micros | None = None
    variants: tuple[Variant, ...] = ()
    texts: dict[str, ProductText] = {}
    """Locale → texts, where they differ from the product's own."""
    recommendable: bool = True
    """False for what is sold and never shown: postage, fees, samples."""


class ListedProduct(msgspec.Struct, frozen=True, kw_only=True):
    """A product as the catalogue holds it."""

    product_no: ProductNo
    product: Product
    changed_at: Micros
    deleted: bool = False


def parse_category(text: str) -> tuple[str, ...]:
    """`Garden > Tools` → ("Garden", "Tools"); blank parts are dropped."""
    return tuple(part.strip() for part in text.split(">") if part.strip())


def format_category(path: tuple[str, ...]) -> str:
    return CATEGORY_SEPARATOR.join(path)
