"""A small shop of finite stock for `bench.slate_pressure`: how it begins under each word on stock, what it earned."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.advice import Advice, Advisor, Candidates, Question
from smartshop.ai_agents.inventory.advice import InventoryAdvisor
from smartshop.ai_agents.inventory.supply_pressure import PressureConfig, StockPressure
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.ids import Micros, ProductNo
from smartshop.simulator.chance import stream
from smartshop.simulator.memory import Memory
from smartshop.simulator.stockroom import Stockroom, open_stockroom
from smartshop.simulator.visits import Climate, make_climate
from smartshop.simulator.world import World

END = Micros(1_790_000_000_000_000)
PRODUCTS, SHOPPERS, DAYS = 300, 700, 50
OVERSTOCKED, TIMES_TOO_MUCH = 0.2, 10.0
"""Share of the products that begin with so many times what the others have."""
COVER_DAYS = 20.0
"""Of the others; less than the scenarios' own, so that some run out within the days lived."""
MARGINS = (0.15, 0.65)
"""Share of the price, drawn evenly per product."""
YEAR = 365.0
ARMS = ("none", "old", "away", "toward", "both")
FIGURES = ("money", "at even prices", "without missed", "units", "clicks", "sold out", "missed")

Floats = NDArray[np.float64]


class OldWord:
    """−0.1 log-odds for each unit under four, as it was before demand was foreseen."""

    name: ClassVar[str] = "inventory"

    def advise(self, question: Question, candidates: Candidates) -> Advice:
        available = question.shelf.available[candidates.product_no]
        few = (available > 0) & (available < 4)
        return Advice(np.where(few, -0.1 * (4 - available), 0.0).astype(np.float32))


@dataclass(slots=True)
class Living:
    """One arm's shop while it lives."""

    world: World
    seed: int
    climate: Climate
    stockroom: Stockroom
    shelf: Shelf
    advisors: Sequence[Advisor]
    pressure: StockPressure | None
    margin: Floats
    """(n,) share of the price."""
    ordered_on: dict[int, int] = field(default_factory=dict)
    """Purchase → day on which it was first seen to be on its way."""
    memories: dict[int, Memory] = field(default_factory=dict)
    popularity: Floats = field(default_factory=lambda: np.zeros(0))
    sold: Floats = field(default_factory=lambda: np.zeros(0))
    """(n,) units."""
    missed: Floats = field(default_factory=lambda: np.zeros(0))
    held: Floats = field(default_factory=lambda: np.zeros(0))
    """(n,) unit-days."""
    slates: int = 0
    clicks: int = 0
    empty: int = 0
    """Product-days without a unit."""
    visits: int = 0

    @property
    def first(self) -> NDArray[np.int32]:
        return self.world.range.assortment.first_variant[:-1]

    @property
    def price(self) -> Floats:
        return self.world.range.assortment.price_minor / 100.0


def open_shop(world: World, seed: int, arm: str, config: PressureConfig) -> Living:
    """The same shelf for every arm."""
    rng, n = stream(seed, "pressure"), len(world.products)
    start = Micros(END - DAYS * DAY)
    stockroom = open_stockroom(world, seed, start)
    first = world.range.assortment.first_variant[:-1]
    plenty = rng.random(n) < OVERSTOCKED
    cover = COVER_DAYS * np.exp(rng.normal(0.0, 0.5, len(stockroom.level)))
    times = np.repeat(np.where(plenty, TIMES_TOO_MUCH, 1.0), np.diff(world.range.assortment.first_variant))
    stockroom.level[:] = np.maximum(np.ceil(world.expected_daily_units * cover), 2) * times
    words: dict[str, tuple[float, float]] = {
        "away": (config.away, 0.0), "toward": (0.0, config.toward), "both": (config.away, config.toward)
    }  # fmt: skip
    pressure = None
    if arm in words:
        away, toward = words[arm]
        pressure = StockPressure(replace(config, away=away, toward=toward))
    advisors: tuple[Advisor, ...] = (OldWord(),) if arm == "old" else ()
    return Living(
        world, seed, make_climate(world.scenario, seed, start, DAYS + 2), stockroom, _shelf(world, stockroom.level),
        advisors if pressure is None else (InventoryAdvisor(pressure),), pressure,
        margin=rng.uniform(*MARGINS, n), popularity=np.add.reduceat(world.expected_daily_units, first) * 5 + 0.05,
        sold=np.zeros(n), missed=np.zeros(n), held=np.zeros(n),
    )  # fmt: skip


def _shelf(world: World, level: NDArray[np.int64]) -> Shelf:
    made, n = world.range.assortment, len(world.products)
    available = np.add.reduceat(level, made.first_variant[:-1]).astype(np.int32)
    ids = tuple(product.product_id for product in world.products)
    return Shelf(
        version=1, product_ids=ids, number_of={one: ProductNo(place) for place, one in enumerate(ids)},
        titles=ids, alive=np.ones(n, np.bool_), sellable=available > 0, available=available,
        price_minor=made.price_minor, category=made.leaf, categories=(), brand=made.brand, brands=(),
        published_at=made.launched_at,
    )  # fmt: skip


def figures_of(shop: Living) -> dict[str, float]:
    """Per shopper and day, but for clicks (per slate) and what was sold out (share of product-days)."""
    people = len(shop.world.population) * DAYS
    missed = float(shop.missed @ (shop.price * shop.margin)) / people
    money = _money(shop, shop.price)
    return {
        "money": money,
        "at even prices": _money(shop, np.full(len(shop.price), shop.price.mean())),
        "without missed": money + missed,
        "units": float(shop.sold.sum()) / people,
        "clicks": shop.clicks / max(shop.slates, 1),
        "sold out": shop.empty / (DAYS * len(shop.price)),
        "missed": float(shop.missed.sum()) / people,
    }


def _money(shop: Living, price: Floats) -> float:
    """Per shopper and day. These prices are an accounting: what was bought stays what it was."""
    per_day = shop.world.scenario.supply.holding_per_year / YEAR
    earned = float((shop.sold - shop.missed) @ (price * shop.margin))
    held = float((shop.held + _still_to_hold(shop)) @ (price * (1 - shop.margin))) * per_day
    return (earned - held) / (len(shop.world.population) * DAYS)


def _still_to_hold(shop: Living) -> Floats:
    """(n,) unit-days. What is left sells at the true rate, one after another; nothing is kept for over a year."""
    left = np.add.reduceat(shop.stockroom.level, shop.first).astype(np.float64)
    rate = np.maximum(np.add.reduceat(shop.world.expected_daily_units, shop.first), 1e-9)
    soon = np.minimum(left, rate * YEAR)
    return np.asarray(soon**2 / (2 * rate) + (left - soon) * YEAR, np.float64)
