"""The catalogue of a running service, as far as a shopper can see it, made into a world to shop in.

A product of the scenario is known again by its id, brand and category, so live shoppers like what the made history's
shoppers liked. Products of any other shop get a place among the scenario's leaves by their category, and a character by
their id: nobody knows them, but everybody has an opinion.
"""

from collections.abc import Sequence
from zlib import crc32

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.clock import DAY, format_rfc3339
from smartshop.data_collection.schemas.catalogue import Product
from smartshop.data_collection.schemas.ids import Micros, ProductId, VariantId
from smartshop.data_collection.schemas.money import exponent
from smartshop.simulator.assortment import Assortment
from smartshop.simulator.catalogue import Range, character_of, complements_of
from smartshop.simulator.leaves import kind_of, repeat_days_of, units_of
from smartshop.simulator.scenario import Scenario
from smartshop.simulator.shoppers import make_population, utilities
from smartshop.simulator.world import World

UNCOUNTED = 1_000
"""Taken for the level of a variant whose stock is not counted."""


class MetVariant(msgspec.Struct, frozen=True):
    """A variant as `GET /v1/products` shows it; other fields are not looked at."""

    variant_id: str
    price_minor: int | None = None
    available: int | None = None


class MetProduct(msgspec.Struct, frozen=True):
    """A product as `GET /v1/products` shows it."""

    product_id: str
    title: str
    brand: str | None = None
    category: str | None = None
    price_minor: int | None = None
    currency: str | None = None
    variants: list[MetVariant] = []


class MetPage(msgspec.Struct, frozen=True):
    items: list[MetProduct]
    next_cursor: str | None = None


def world_of(scenario: Scenario, met: Sequence[MetProduct], seed: int, shoppers: int, now: Micros) -> World:
    """A world with the products met, and people of its own; what cannot be bought is left out."""
    leaf_of = {product.product_id: _leaf(scenario, product) for product in met}
    met = sorted(
        (each for each in met if each.price_minor and each.variants), key=lambda each: leaf_of[each.product_id]
    )
    made = _range(scenario, met, np.array([leaf_of[each.product_id] for each in met], dtype=np.int32))
    population = make_population(scenario, seed, shoppers)
    return World(
        scenario=scenario,
        seed=seed,
        end_at=now,
        range=made,
        population=population,
        utility=utilities(population, made.assortment),
        row={product.product_id: index for index, product in enumerate(made.products)},
        variant_row={variant_id: index for index, variant_id in enumerate(made.variant_ids)},
        supplier_of_variant=np.zeros(len(made.variant_ids), dtype=np.int32),
        expected_daily_units=np.zeros(len(made.variant_ids)),
        opening_level=levels_of(met),
        tag=f"live-{crc32(f'{seed} {format_rfc3339(now)}'.encode()):08x}",
    )


def levels_of(met: Sequence[MetProduct]) -> NDArray[np.int64]:
    """(V,) units that can be bought, as the service says."""
    told = [UNCOUNTED if each.available is None else each.available for product in met for each in product.variants]
    return np.array(told, dtype=np.int64)


def _leaf(scenario: Scenario, product: MetProduct) -> int:
    for index, leaf in enumerate(scenario.leaves):
        if leaf.category == product.category:
            return index
    return crc32((product.category or "").encode()) % len(scenario.leaves)


def _range(scenario: Scenario, met: Sequence[MetProduct], leaf: NDArray[np.int32]) -> Range:
    brands = {brand.name: index for index, brand in enumerate(scenario.brands)}
    brand = np.array([brands.get(each.brand or "", crc32((each.brand or "").encode()) % len(brands)) for each in met])
    price = np.array([each.price_minor or 0 for each in met], dtype=np.int64)
    character = np.array([character_of(ProductId(each.product_id)) for each in met]).reshape(len(met), -1)
    counts = np.array([len(each.variants) for each in met])
    quality = np.array([each.quality for each in scenario.brands])
    leaves = [scenario.leaves[index] for index in leaf]
    sorts = [(of_leaf, kind_of(of_leaf, each.title)) for of_leaf, each in zip(leaves, met, strict=True)]
    assortment = Assortment(
        leaf=leaf,
        brand=brand.astype(np.int32),
        kind=np.zeros(len(met), dtype=np.int32),
        price_minor=price,
        price_gap=_price_gaps(scenario, met, leaf, price),
        appeal=character[:, 0] * scenario.tastes.appeal_spread + quality[brand],
        style=character[:, 1:],
        launched_at=np.full(len(met), -DAY, dtype=np.int64),
        repeat_days=np.array([repeat_days_of(*sort) for sort in sorts]),
        units=np.array([units_of(*sort) for sort in sorts]),
        first_variant=np.concatenate([[0], np.cumsum(counts)]).astype(np.int32),
        variant_share=np.repeat(1 / counts, counts),
        complements=complements_of(scenario),
    )
    return Range(
        products=tuple(Product(product_id=ProductId(each.product_id), title=each.title) for each in met),
        assortment=assortment,
        variant_ids=tuple(VariantId(variant.variant_id) for each in met for variant in each.variants),
        supplier=np.zeros(len(met), dtype=np.int32),
    )


def _price_gaps(
    scenario: Scenario, met: Sequence[MetProduct], leaf: NDArray[np.int32], price: NDArray[np.int64]
) -> NDArray[np.float64]:
    """(n,) log of the price against what is usual: the kind's median where the scenario knows it, else the leaf's."""
    usual = np.ones(len(met))
    for index, product in enumerate(met):
        of_leaf = scenario.leaves[leaf[index]]
        kind = kind_of(of_leaf, product.title)
        if kind is not None and product.currency == scenario.currency:
            usual[index] = of_leaf.price * kind.price * 10 ** exponent(scenario.currency)
        else:
            usual[index] = float(np.median(price[leaf == leaf[index]]))
    gaps: NDArray[np.float64] = np.log(np.maximum(price, 1) / usual)
    return gaps
