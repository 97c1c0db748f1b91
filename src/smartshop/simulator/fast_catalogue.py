"""A big shop's products as arrays alone: the scenario's leaves, brands and prices, for as many products as asked for.

The catalogue of records (`simulator.catalogue`) is bounded by its model names; here nothing is named, only numbered.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.catalogue import parse_category
from smartshop.data_collection.schemas.ids import Micros, ProductId, ProductNo
from smartshop.data_collection.schemas.money import exponent
from smartshop.simulator.catalogue import DISCOUNTS, OLDEST_LAUNCH_DAYS
from smartshop.simulator.chance import portions, stream
from smartshop.simulator.leaves import Leaf, repeat_days_of, units_of
from smartshop.simulator.scenario import Scenario, makes

STYLE_SIZE = 2
"""Hidden dimensions of style; fewer than the slow path's six, of the same spread together: four numbers less to read
per candidate."""


@dataclass(frozen=True, slots=True)
class FastCatalogue:
    """n products, by leaf."""

    scenario: Scenario
    first_of_leaf: NDArray[np.int64]
    """(L + 1,) products of leaf l are first_of_leaf[l] to first_of_leaf[l + 1] - 1."""
    leaf: NDArray[np.int32]
    brand: NDArray[np.int32]
    kind: NDArray[np.int32]
    """(n,) index into the leaf's kinds."""
    price_minor: NDArray[np.int64]
    price_gap: NDArray[np.float32]
    """(n,) log of the price against the median of its kind."""
    appeal: NDArray[np.float32]
    """(n,) utility that everybody grants, with the brand's quality."""
    style: NDArray[np.float32]
    """(n, STYLE_SIZE), unit scale."""
    launched_at: NDArray[np.int64]
    """(n,) µs UTC."""
    repeat_days: NDArray[np.float32]
    """(n,) 0: it lasts."""
    units: NDArray[np.float32]
    """(n,) mean units per order line."""

    def __len__(self) -> int:
        return len(self.leaf)


def make_fast_catalogue(scenario: Scenario, seed: int, *, products: int, days: int, end_at: Micros) -> FastCatalogue:
    """The same scenario, seed and sizes give the same products; launch dates are counted back from `end_at` (µs)."""
    rng = stream(seed, scenario.name, "fast catalogue")
    counts = portions(products, np.array([leaf.share for leaf in scenario.leaves]))
    leaf = np.repeat(np.arange(len(counts)), counts).astype(np.int32)
    kind = np.concatenate([np.arange(n) % len(at.kinds) for at, n in zip(scenario.leaves, counts, strict=True)])
    brand = np.concatenate(
        [_brands(scenario, at, int(n), rng) for at, n in zip(scenario.leaves, counts, strict=True)]
    ).astype(np.int32)
    level = np.array([each.price_level for each in scenario.brands])[brand]
    quality = np.array([each.quality for each in scenario.brands])[brand]
    spread = np.array([each.price_spread for each in scenario.leaves])[leaf]
    discounted = rng.random(products) < scenario.discounted_share
    off = np.where(discounted, rng.choice(DISCOUNTS, size=products), 1.0)
    gap = np.log(level) + rng.normal(0.0, 1.0, size=products) * spread + np.log(off)
    median = _of_kind(scenario, leaf, kind, lambda at, number: at.price * at.kinds[number].price)
    price = median * np.exp(gap) * 10 ** exponent(scenario.currency)
    return FastCatalogue(
        scenario=scenario,
        first_of_leaf=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        leaf=leaf,
        brand=brand,
        kind=kind.astype(np.int32),
        price_minor=np.maximum(np.rint(price), 1).astype(np.int64),
        price_gap=gap.astype(np.float32),
        appeal=(rng.normal(0.0, scenario.tastes.appeal_spread, size=products) + quality).astype(np.float32),
        style=rng.normal(0.0, 1.0, size=(products, STYLE_SIZE)).astype(np.float32),
        launched_at=_launches(scenario, products, days, end_at, rng),
        repeat_days=_of_kind(scenario, leaf, kind, lambda at, number: repeat_days_of(at, at.kinds[number])).astype(
            np.float32
        ),
        units=_of_kind(scenario, leaf, kind, lambda at, number: units_of(at, at.kinds[number])).astype(np.float32),
    )


def _brands(scenario: Scenario, leaf: Leaf, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    makers = [number for number, brand in enumerate(scenario.brands) if makes(brand, leaf)]
    shares = np.array([scenario.brands[number].share for number in makers])
    return rng.choice(np.array(makers), size=count, p=shares / shares.sum())


def _of_kind(
    scenario: Scenario, leaf: NDArray[np.int32], kind: NDArray[np.int64], of: Callable[[Leaf, int], float]
) -> NDArray[np.float64]:
    """(n,) what `of` says of each product's leaf and kind, asked once per kind."""
    most = max(len(each.kinds) for each in scenario.leaves)
    table = np.zeros((len(scenario.leaves), most))
    for row, each in enumerate(scenario.leaves):
        table[row, : len(each.kinds)] = [of(each, number) for number in range(len(each.kinds))]
    told: NDArray[np.float64] = table[leaf, kind]
    return told


def _launches(
    scenario: Scenario, products: int, days: int, end_at: Micros, rng: np.random.Generator
) -> NDArray[np.int64]:
    start = end_at - days * DAY
    is_new, moment = rng.random(products) < scenario.launched_share, rng.random(products)
    new = start + (moment * 0.9 * days).astype(np.int64) * DAY
    return np.where(is_new, new, start - (moment * OLDEST_LAUNCH_DAYS + 1).astype(np.int64) * DAY)


def shelf_of(catalogue: FastCatalogue) -> Shelf:
    """The catalogue as agents see it: category paths, brands, prices, plain titles; everything alive and in stock."""
    scenario, n = catalogue.scenario, len(catalogue)
    ids = tuple(ProductId(f"p{number:07d}") for number in range(n))
    nouns = [[kind.noun for kind in leaf.kinds] for leaf in scenario.leaves]
    return Shelf(
        version=1,
        product_ids=ids,
        number_of={product_id: ProductNo(number) for number, product_id in enumerate(ids)},
        titles=tuple(
            nouns[leaf][kind] for leaf, kind in zip(catalogue.leaf.tolist(), catalogue.kind.tolist(), strict=True)
        ),
        alive=np.ones(n, np.bool_),
        sellable=np.ones(n, np.bool_),
        available=np.full(n, -1, np.int32),
        price_minor=catalogue.price_minor,
        category=catalogue.leaf + np.int32(1),
        categories=((), *(parse_category(leaf.category) for leaf in scenario.leaves)),
        brand=catalogue.brand + np.int32(1),
        brands=("", *(brand.name for brand in scenario.brands)),
        published_at=catalogue.launched_at,
        attributes=tuple({} for _ in range(n)),
        variants_sold=(),
    )
