"""The whole made-up shop before its first day: what it sells, who may come, what stands on the shelf."""

from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.catalogue import Product
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, Micros, ProductId
from smartshop.simulator.catalogue import Range, make_range
from smartshop.simulator.chance import stream
from smartshop.simulator.scenario import Scenario
from smartshop.simulator.shoppers import Population, make_population, utilities


@dataclass(frozen=True, slots=True)
class World:
    scenario: Scenario
    seed: int
    end_at: Micros
    """Where the made history ends."""
    range: Range
    population: Population
    utility: NDArray[np.float32]
    """(S, n) lasting utility, log-odds: the truth that a recommender tries to learn."""
    row: dict[ProductId, int]
    """Product id → row."""
    variant_row: dict[str, int]
    """Variant id → row."""
    supplier_of_variant: NDArray[np.int32]
    """(V,) index into the scenario's suppliers."""
    expected_daily_units: NDArray[np.float64]
    """(V,) units a day that the shop should expect, seasons aside."""
    opening_level: NDArray[np.int64]
    """(V,) units on the shelf before the first day."""
    tag: str
    """Part of every id, so that two made-up histories can share a shop."""

    @property
    def products(self) -> tuple[Product, ...]:
        return self.range.products

    def customer_id(self, shopper: int) -> CustomerId | None:
        """None for those without an account."""
        return CustomerId(f"c-{self.tag}-{shopper:05d}") if self.population.is_customer[shopper] else None

    def anonymous_id(self, shopper: int, is_mobile: bool) -> AnonymousId:
        """One per shopper; one per device for those who use two."""
        second = is_mobile != bool(self.population.prefers_mobile[shopper]) and self.population.has_two_devices[shopper]
        return AnonymousId(f"a-{self.tag}-{shopper:05d}{'-2' if second else ''}")

    def shopper_key(self, shopper: int) -> str:
        return self.customer_id(shopper) or f"a-{self.tag}-{shopper:05d}"

    @property
    def start_at(self) -> Micros:
        return Micros(self.end_at - self.scenario.days * DAY)


def build_world(scenario: Scenario, seed: int, end_at: Micros, *, shoppers: int | None = None) -> World:
    """Make everything; the same scenario, seed and `end_at` (µs UTC) give the same world.

    Raises:
        SourceError: the scenario has too few model names.
    """
    made = make_range(scenario, seed, end_at)
    population = make_population(scenario, seed, shoppers or scenario.shoppers)
    utility = utilities(population, made.assortment)
    expected = _expected_daily_units(scenario, population, made, utility)
    variants = np.diff(made.assortment.first_variant)
    return World(
        scenario=scenario,
        seed=seed,
        end_at=end_at,
        range=made,
        population=population,
        utility=utility,
        row={product.product_id: index for index, product in enumerate(made.products)},
        variant_row={variant_id: index for index, variant_id in enumerate(made.variant_ids)},
        supplier_of_variant=np.repeat(made.supplier, variants).astype(np.int32),
        expected_daily_units=expected,
        opening_level=_opening_level(scenario, seed, expected),
        tag=f"{crc32(f'{scenario.name} {seed} {end_at // DAY}'.encode()):08x}"[:6],
    )


def _expected_daily_units(
    scenario: Scenario, population: Population, made: Range, utility: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Mean logit share of every product times the lines and units that all shoppers together want in a day: (V,)."""
    shares = np.zeros(len(made.products))
    for rows in np.array_split(utility, max(1, len(utility) // 500)):
        weight = np.exp(rows - rows.max(axis=1, keepdims=True))
        shares += (weight / weight.sum(axis=1, keepdims=True)).sum(axis=0)
    shares /= len(utility)
    rates = scenario.rates
    orders = population.visits_per_day.sum() * rates.buying_share * (1 - rates.abandon_share)
    units = orders * rates.lines_per_order * shares * made.assortment.units
    expected: NDArray[np.float64] = np.repeat(units, np.diff(made.assortment.first_variant)) * (
        made.assortment.variant_share
    )
    return expected


def _opening_level(scenario: Scenario, seed: int, expected: NDArray[np.float64]) -> NDArray[np.int64]:
    rng, plan = stream(seed, scenario.name, "opening"), scenario.stock
    cover = plan.cover_days * np.exp(rng.normal(0.0, plan.cover_spread, size=len(expected)))
    level: NDArray[np.int64] = np.maximum(plan.least_units, np.ceil(expected * cover)).astype(np.int64)
    return level
