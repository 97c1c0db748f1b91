"""From listed products and stock levels to the arrays of a shelf: pure."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from math import nan

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.catalogue import ListedProduct, Offer, Product, Variant
from smartshop.data_collection.schemas.ids import Micros, ProductId, ProductNo, SupplierId, VariantId

UNLIMITED = -1
UNPRICED = -1
MAX_UNITS = np.iinfo(np.int32).max


@dataclass(frozen=True, slots=True)
class Pricing:
    """Which offers count: this currency (prices are never converted), this market, valid at this moment."""

    currency: str
    market: str
    at: Micros

    def counts(self, offer: Offer) -> bool:
        return (
            offer.currency == self.currency
            and offer.market == self.market
            and (offer.valid_from is None or offer.valid_from <= self.at)
            and (offer.valid_to is None or self.at < offer.valid_to)
        )


@dataclass(frozen=True, slots=True)
class StockPicture:
    units: Mapping[VariantId, int]
    """Units over all locations; a variant that is absent was never counted."""

    def of(self, variant_ids: Iterable[VariantId]) -> int:
        """Units over these variants; `UNLIMITED` when one of them was never counted."""
        total = 0
        for variant_id in variant_ids:
            units = self.units.get(variant_id)
            if units is None:
                return UNLIMITED
            total += units
        return min(total, MAX_UNITS)


def arrange(listed: Sequence[ListedProduct], pricing: Pricing, stock: StockPicture, *, version: int) -> Shelf:
    """Build the shelf whole. A number that no product has (a gap) stands as a dead row."""
    n = int(listed[-1].product_no) + 1 if listed else 0
    ids, titles = [ProductId("")] * n, [""] * n
    attributes: list[Mapping[str, object]] = [{}] * n
    alive, published_at = np.zeros(n, np.bool_), np.zeros(n, np.int64)
    price_minor, margin = np.full(n, UNPRICED, np.int64), np.full(n, np.nan, np.float32)
    category, brand, supplier = np.zeros(n, np.int32), np.zeros(n, np.int32), np.zeros(n, np.int32)
    categories: dict[tuple[str, ...], int] = {(): 0}
    brands: dict[str, int] = {"": 0}
    suppliers: dict[SupplierId | None, int] = {None: 0}
    for entry in listed:
        number, product = int(entry.product_no), entry.product
        ids[number], titles[number] = product.product_id, product.title
        attributes[number] = product.attributes
        alive[number] = not entry.deleted and product.recommendable
        published_at[number] = product.published_at or 0
        price_minor[number], margin[number] = _lowest_price(product, pricing)
        category[number] = categories.setdefault(product.category, len(categories))
        brand[number] = brands.setdefault(product.brand or "", len(brands))
        supplier[number] = suppliers.setdefault(_supplier(product), len(suppliers))
    sold = _variants_sold(listed, pricing, bool((price_minor >= 0).any()))
    available = np.full(n, UNLIMITED, np.int32)
    for number, variant_ids in sold.items():
        available[number] = stock.of(variant_ids)
    return Shelf(
        version=version,
        product_ids=tuple(ids),
        number_of=_numbers(listed),
        titles=tuple(titles),
        alive=alive,
        sellable=_sellable(alive, price_minor, available),
        available=available,
        price_minor=price_minor,
        category=category,
        categories=tuple(categories),
        brand=brand,
        brands=tuple(brands),
        published_at=published_at,
        attributes=tuple(attributes),
        margin=margin,
        variants_sold=tuple(sold.get(ProductNo(number), ()) for number in range(n)),
        supplier=supplier,
        suppliers=tuple(suppliers),
    )


def with_stock(shelf: Shelf, stock: StockPicture, changed: Set[VariantId], *, version: int) -> Shelf:
    """The same shelf with these variants' levels taken in; every other array is shared with the old one."""
    available = shelf.available.copy()
    for variant_id in changed:
        number = shelf.number_of.get(ProductId(variant_id))
        if number is not None:
            available[number] = stock.of(shelf.variants_sold[number])
    sellable = _sellable(shelf.alive, shelf.price_minor, available)
    return replace(shelf, version=version, available=available, sellable=sellable)


def next_price_change(listed: Sequence[ListedProduct], now: Micros) -> Micros | None:
    """The next moment at which an offer begins or ends; None when none is dated ahead."""
    borders = (
        border
        for entry in listed
        for variant in entry.product.variants
        for offer in variant.offers
        for border in (offer.valid_from, offer.valid_to)
        if border is not None and border > now
    )
    return min(borders, default=None)


def _sellable(
    alive: NDArray[np.bool_], price_minor: NDArray[np.int64], available: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """In a shop that has no price at all (a history imported bare) what is alive can be shown as sellable."""
    priced = price_minor >= 0
    if not priced.any():
        priced = alive
    return np.asarray(alive & priced & (available != 0), dtype=np.bool_)


def _present_offers(variant: Variant, pricing: Pricing) -> Iterable[Offer]:
    return (offer for offer in variant.offers if pricing.counts(offer))


def _supplier(product: Product) -> SupplierId | None:
    """Of the first variant that names one."""
    return next((variant.supplier_id for variant in product.variants if variant.supplier_id is not None), None)


def _lowest_price(product: Product, pricing: Pricing) -> tuple[int, float]:
    """Of the present offers, and what share of it stays once the variant's cost is paid (NaN: cost not known)."""
    prices = (
        (offer.price_minor, _margin(offer.price_minor, variant.cost_minor))
        for variant in product.variants
        for offer in _present_offers(variant, pricing)
    )
    return min(prices, key=lambda price: price[0], default=(UNPRICED, nan))


def _margin(price_minor: int, cost_minor: int | None) -> float:
    return nan if cost_minor is None or price_minor <= 0 else 1.0 - cost_minor / price_minor


def _variants_sold(
    listed: Sequence[ListedProduct], pricing: Pricing, shop_has_prices: bool
) -> dict[ProductNo, tuple[VariantId, ...]]:
    """Product → the variants whose stock counts: those with a present offer, once the shop has prices."""
    return {
        entry.product_no: tuple(
            variant.variant_id
            for variant in entry.product.variants
            if not shop_has_prices or any(True for _ in _present_offers(variant, pricing))
        )
        or (VariantId(entry.product.product_id),)
        for entry in listed
    }


def _numbers(listed: Sequence[ListedProduct]) -> dict[ProductId, ProductNo]:
    """Product and variant ids → number; where a variant is named like another product, the product wins."""
    numbers: dict[ProductId, ProductNo] = {}
    for entry in listed:
        for variant in entry.product.variants:
            numbers[ProductId(variant.variant_id)] = entry.product_no
    for entry in listed:
        numbers[entry.product.product_id] = entry.product_no
    return numbers
