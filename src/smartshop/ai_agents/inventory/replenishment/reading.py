"""What a proposal is made from: stock, baskets, goods on their way, suppliers and their terms, read from the stores."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.data_collection.connectors.ports import Catalogue, PurchaseOrders, Reservations, Stock, Suppliers
from smartshop.data_collection.pipelines.shelf_arrays import Pricing
from smartshop.data_collection.schemas.catalogue import DEFAULT_MARKET, ListedProduct, Variant
from smartshop.data_collection.schemas.ids import LocationId, Micros, ProductId, ProductNo, SupplierId, VariantId
from smartshop.data_collection.schemas.stock import DEFAULT_LOCATION
from smartshop.data_collection.schemas.supply import IncomingUnits, Supplier, SupplyTerms

Catalogued = Callable[[Collection[SupplierId]], Sequence[ProductId]]
"""Products that the catalogue says these suppliers bring, told by whoever has it at hand."""


@dataclass(frozen=True, slots=True)
class Stores:
    """The ports that are asked."""

    catalogue: Catalogue
    stock: Stock
    reservations: Reservations
    suppliers: Suppliers
    purchase_orders: PurchaseOrders


@dataclass(frozen=True, slots=True)
class Supply:
    """Who delivers what, and what is on its way."""

    suppliers: Mapping[SupplierId, Supplier]
    terms: Mapping[VariantId, SupplyTerms]
    """Of the preferred supplier, else the first by id."""
    incoming: Mapping[VariantId, Sequence[IncomingUnits]]
    reserved: Mapping[VariantId, Mapping[LocationId, int]]


@dataclass(frozen=True, slots=True)
class StockedPlace:
    """A variant where its units are sold from, with the part of the forecast that is of it."""

    product: ListedProduct
    variant: Variant
    location_id: LocationId
    """Where goods go."""
    locations: frozenset[LocationId]
    """Whose units count."""
    on_hand: int
    reserved: int
    series: int | None
    """Of the model; None where nothing is foreseen: never sold here."""
    share: float
    """Of the series' units."""
    price_minor: int | None


def read_supply(stores: Stores, now: Micros, variant_ids: Sequence[VariantId] | None = None) -> Supply:
    """Of these variants, or (None) of all. `now`: real time, which reservations end in."""
    incoming: dict[VariantId, list[IncomingUnits]] = defaultdict(list)
    for one in stores.purchase_orders.incoming(variant_ids):
        incoming[one.variant_id].append(one)
    terms: dict[VariantId, SupplyTerms] = {}
    for told in stores.suppliers.terms(variant_ids):
        terms.setdefault(told.variant_id, told)
    return Supply(
        suppliers={supplier.supplier_id: supplier for supplier in stores.suppliers.all()},
        terms=terms,
        incoming=incoming,
        reserved=stores.reservations.kept(now),
    )


def stocked_places(stores: Stores, supply: Supply, model: InventoryModel, shop_now: Micros) -> list[StockedPlace]:
    """Every variant with counted stock, by product and place.

    Units at a place that sold nothing of a product by itself count with the default place, where orders that name no
    place stand: they are taken from anywhere.
    """
    living = [one for one in stores.catalogue.changed_since(Micros(0)) if not one.deleted]
    return _places(stores.stock, living, supply, model, shop_now)


def places_of_product(
    stores: Stores, supply: Supply, model: InventoryModel, shop_now: Micros, product_id: ProductId
) -> list[StockedPlace]:
    """The same of one product, with nothing read of the others; empty where it is in no catalogue."""
    return places_of_products(stores, supply, model, shop_now, [product_id])


def places_of_products(
    stores: Stores, supply: Supply, model: InventoryModel, shop_now: Micros, product_ids: Sequence[ProductId]
) -> list[StockedPlace]:
    """The same of these products."""
    living = list(stores.catalogue.get(product_ids).values())
    return _places(stores.stock, living, supply, model, shop_now)


def places_of_suppliers(
    stores: Stores,
    supply: Supply,
    model: InventoryModel,
    shop_now: Micros,
    supplier_ids: Collection[SupplierId],
    catalogued: Catalogued | None = None,
) -> list[StockedPlace]:
    """The same of all products that these suppliers bring any variant of.

    Without `catalogued` the whole catalogue is read for what nobody told terms of.
    """
    if catalogued is None:
        listed = [one for one in stores.catalogue.changed_since(Micros(0)) if not one.deleted]
    else:
        told = [name for name, terms in supply.terms.items() if terms.supplier_id in supplier_ids]
        named = {*stores.catalogue.product_of(told).values(), *catalogued(supplier_ids)}
        listed = list(stores.catalogue.get(sorted(named)).values())
    brought = [
        one for one in listed if any(supplier_of(supply, variant) in supplier_ids for variant in one.product.variants)
    ]
    return _places(stores.stock, brought, supply, model, shop_now)


def supplier_of(supply: Supply, variant: Variant) -> SupplierId | None:
    """Whom it is ordered from: who is preferred, else who told terms, else as the catalogue says."""
    told = supply.terms.get(variant.variant_id)
    return variant.supplier_id if told is None else told.supplier_id


def _places(
    stock: Stock, listed: Sequence[ListedProduct], supply: Supply, model: InventoryModel, shop_now: Micros
) -> list[StockedPlace]:
    rows = np.flatnonzero(np.isin(model.product_no, [one.product_no for one in listed]))
    series_of = _series_of(model, rows)
    shares = _shares_of(model, rows)
    levels = stock.levels([variant.variant_id for one in listed for variant in one.product.variants])
    pricing = Pricing(currency=model.facts.currency, market=DEFAULT_MARKET, at=shop_now)
    found: list[StockedPlace] = []
    for one in listed:
        for variant in one.product.variants:
            for place, at in _pooled(levels.get(variant.variant_id, {}), one.product_no, series_of).items():
                series = series_of.get((one.product_no, place))
                kept = supply.reserved.get(variant.variant_id, {})
                found.append(
                    StockedPlace(
                        product=one,
                        variant=variant,
                        location_id=place if place in at else max(sorted(at), key=lambda location: at[location]),
                        locations=frozenset(at) | {place},
                        on_hand=sum(at.values()),
                        reserved=sum(kept.get(location, 0) for location in at),
                        series=series,
                        share=0.0 if series is None else shares.get((variant.variant_id, series), 0.0),
                        price_minor=_price(variant, pricing),
                    )
                )
    return found


def _series_of(model: InventoryModel, rows: NDArray[np.int64]) -> dict[tuple[int, LocationId], int]:
    """(product, place) → its row, of these."""
    places = zip(rows.tolist(), model.product_no[rows].tolist(), model.location[rows].tolist(), strict=True)
    return {(number, model.facts.locations[place]): row for row, number, place in places}


def _shares_of(model: InventoryModel, rows: NDArray[np.int64]) -> dict[tuple[VariantId, int], float]:
    """(variant, row) → its part of the row's units."""
    some = np.flatnonzero(np.isin(model.variant_series, rows)).tolist()
    return {(model.facts.variants[at], int(model.variant_series[at])): float(model.variant_share[at]) for at in some}


def _pooled(
    at: Mapping[LocationId, int], number: ProductNo, series_of: Mapping[tuple[int, LocationId], int]
) -> dict[LocationId, dict[LocationId, int]]:
    """Place of a series → units at the locations that count with it."""
    found: dict[LocationId, dict[LocationId, int]] = defaultdict(dict)
    for location, units in at.items():
        has_own = (number, location) in series_of or (number, DEFAULT_LOCATION) not in series_of
        found[location if has_own else DEFAULT_LOCATION][location] = units
    return found


def _price(variant: Variant, pricing: Pricing) -> int | None:
    """The lowest present one."""
    return min((offer.price_minor for offer in variant.offers if pricing.counts(offer)), default=None)
