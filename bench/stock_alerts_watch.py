"""The shop that `bench.stock_alerts` watches: it lives day by day, and each night its stock is looked over."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bench.policies_foresight import LearnedForesight
from bench.policies_model import PLACE
from smartshop.ai_agents.inventory.alerts.facts import StockFacts
from smartshop.ai_agents.inventory.alerts.stockout import StockoutConfig, stockout_risk
from smartshop.ai_agents.inventory.replenishment.arriving import further_wait
from smartshop.ai_agents.inventory.replenishment.awaited import Asked
from smartshop.ai_agents.inventory.replenishment.projection import Arrival
from smartshop.ai_agents.inventory.replenishment.reading import StockedPlace
from smartshop.data_collection.schemas.catalogue import ListedProduct, Product, Variant
from smartshop.data_collection.schemas.ids import Micros, ProductId, ProductNo, VariantId
from smartshop.simulator.supply import Counts, Floats, SupplyWorld
from smartshop.simulator.supply_run import Books, Replenishment, Seen


@dataclass(frozen=True, slots=True)
class LooksAhead:
    """A policy that orders by a rule of its own, while at each of its reviews the agent learns from the same books."""

    policy: Replenishment
    foresight: LearnedForesight

    def orders(self, seen: Seen) -> Counts:
        self.foresight.look(seen)
        return self.policy.orders(seen)


@dataclass(slots=True)
class Watched:
    """A policy whose orders are remembered, and what the agent foresees as of its last review."""

    world: SupplyWorld
    policy: Replenishment
    foresight: LearnedForesight
    """Which the policy lets look at the books at each review."""
    begun: int = 0
    """Day of the last review."""
    on_way: list[tuple[int, int, int, int]] = field(default_factory=list)
    """(product, units, day ordered, day it comes)"""

    def orders(self, seen: Seen) -> Counts:
        units = self.policy.orders(seen)
        for product in np.flatnonzero(units).tolist():
            comes = seen.day + int(self.world.lead_days[product, seen.day])
            self.on_way.append((product, int(units[product]), seen.day, comes))
        self.begun = seen.day
        return units


def look(watched: Watched, books: Books, open_now: NDArray[np.bool_], config: StockoutConfig) -> Floats:
    """(n,) chance told of each place that is warned of; NaN where none is."""
    told = np.full(len(watched.world), np.nan)
    model = watched.foresight.model
    if model is None:
        return told
    watched.on_way = [one for one in watched.on_way if one[3] >= books.day]
    for product in range(len(told)):
        facts = _facts_of(watched, books, product)
        found = stockout_risk(model, facts, config, is_open=bool(open_now[product]))
        if found is not None:
            told[product] = found.chance_short
    return told


def _facts_of(watched: Watched, books: Books, product: int) -> StockFacts:
    world, lead = watched.world, watched.foresight.leads[int(watched.world.supplier[product])]
    # When goods come the shop does not know; it knows when they were ordered.
    arrivals = [
        Arrival(further_wait(lead, float(books.day - ordered)).days, units)
        for which, units, ordered, _ in watched.on_way
        if which == product
    ]
    title = f"product {product}"
    variant = Variant(variant_id=VariantId(str(product)))
    listed = ListedProduct(
        product_no=ProductNo(product),
        product=Product(product_id=ProductId(str(product)), title=title, variants=(variant,)),
        changed_at=Micros(0),
    )
    place = StockedPlace(
        product=listed,
        variant=variant,
        location_id=PLACE,
        locations=frozenset({PLACE}),
        on_hand=int(books.on_hand[product]),
        reserved=0,
        series=product,
        share=1.0,
        price_minor=round(100 * float(world.price[product])),
    )
    return StockFacts(
        place=place,
        asked=Asked(product, 1.0, float(books.day - watched.begun)),
        supplier_id=None,
        lead=lead,
        arrivals=tuple(arrivals),
        unit_cost=100 * float(world.unit_cost[product]),
        margin=100 * float(world.margin[product]),
    )


def runs_out(watched: Watched, books: Books, product: int, headroom: float) -> bool:
    """Whether it truly does before goods ordered within the headroom could come, if nothing more is ordered."""
    world, day = watched.world, books.day
    until = min(day + int(world.lead_days[product, min(day, world.days - 1)]) + round(headroom), world.days)
    coming = np.zeros(until - day, np.int64)
    for which, units, _, comes in watched.on_way:
        if which == product and comes < until:
            coming[max(comes - day, 0)] += units
    there = int(books.on_hand[product])
    for step in range(until - day):
        there += int(coming[step]) - int(world.demand[product, day + step])
        if there < 0:
            return True
    return False
