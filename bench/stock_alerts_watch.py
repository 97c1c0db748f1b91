"""The shop that `bench.stock_alerts` watches: it lives day by day, and each night its stock is looked over."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from bench.policies_foresight import (
    LEVELS,
    RECHOSEN_DAYS,
    TRIAL_WEEKS,
    TRIALS,
    WEEKS_AHEAD,
    shop_candidates,
    weekly_panel,
)
from bench.policies_rules import WEEK, learned_leads
from smartshop.ai_agents.inventory.alerts.facts import StockFacts, expected_wait
from smartshop.ai_agents.inventory.alerts.stockout import StockoutConfig, stockout_risk
from smartshop.ai_agents.inventory.forecasting.choosing import Choice, Policy, choose, pinball_loss, try_out
from smartshop.ai_agents.inventory.forecasting.choosing_classes import demand_classes
from smartshop.ai_agents.inventory.forecasting.choosing_counts import SIMPLE
from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Floats, Panel
from smartshop.ai_agents.inventory.model import Facts, InventoryModel
from smartshop.ai_agents.inventory.replenishment.awaited import Asked
from smartshop.ai_agents.inventory.replenishment.lead_times import LeadTime
from smartshop.ai_agents.inventory.replenishment.projection import Arrival
from smartshop.ai_agents.inventory.replenishment.reading import StockedPlace
from smartshop.ai_agents.inventory.sum_spread import SumSpread, learn_spread, weekly_scatter
from smartshop.ai_agents.inventory.weekly_choice import PastForecast
from smartshop.data_collection.schemas.catalogue import ListedProduct, Product, Variant
from smartshop.data_collection.schemas.ids import LocationId, Micros, ProductId, ProductNo, VariantId
from smartshop.simulator.supply import Counts, SupplyWorld
from smartshop.simulator.supply_run import Books, Replenishment, Seen

PLACE = LocationId("main")
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@dataclass(slots=True)
class Learning:
    """What the agent would have stored at each review: forecasts by choice, and how far their sums stray."""

    world: SupplyWorld
    rest_of_category: Counts
    candidates: dict[str, Candidate] = field(default_factory=shop_candidates)
    chosen_day: int = -RECHOSEN_DAYS
    choice: Choice | None = None
    past: list[PastForecast] = field(default_factory=list)

    def learn(self, seen: Seen) -> InventoryModel:
        panel = weekly_panel(self.world, seen, self.rest_of_category)
        choice = self.choice
        if choice is None or seen.day - self.chosen_day >= RECHOSEN_DAYS:
            choice, self.chosen_day = self._choose(panel), seen.day
        told = {name: self.candidates[name].forecast(panel, WEEKS_AHEAD, (0.5,)) for name in choice.used()}
        mean = choice.mix(panel, told).mean
        spread = learn_spread(panel, self.past, np.random.default_rng(0))
        return learned_model(self.world, seen.day, panel, mean, spread)

    def _choose(self, panel: Panel) -> Choice:
        origins = [panel.periods - TRIAL_WEEKS * back for back in range(TRIALS, 0, -1)]
        tried = try_out(panel, self.candidates, TRIAL_WEEKS, LEVELS, origins)
        self.choice = choice = choose(tried, pinball_loss, Policy(SIMPLE))
        self.past = [PastForecast(at, choice.mix(panel.until(at), told)) for at, told in tried.told.items()]
        return choice


@dataclass(slots=True)
class Watched:
    """A policy whose orders are remembered, and what the agent foresees at each of its reviews."""

    world: SupplyWorld
    policy: Replenishment
    learning: Learning
    model: InventoryModel | None = None
    begun: int = 0
    """Day of the last review."""
    leads: Sequence[LeadTime] = ()
    on_way: list[tuple[int, int, int, int]] = field(default_factory=list)
    """(product, units, day ordered, day it comes)"""

    def orders(self, seen: Seen) -> Counts:
        units = self.policy.orders(seen)
        for product in np.flatnonzero(units).tolist():
            comes = seen.day + int(self.world.lead_days[product, seen.day])
            self.on_way.append((product, int(units[product]), seen.day, comes))
        self.model, self.begun, self.leads = self.learning.learn(seen), seen.day, learned_leads(self.world, seen)
        return units


def learned_model(world: SupplyWorld, day: int, panel: Panel, mean: Floats, spread: SumSpread) -> InventoryModel:
    """Of the world's products alone, which come first in the panel; `mean`: (n or more, weeks) from `day` on."""
    n = len(world)
    sold = panel.demand[:n].astype(np.float32)
    letters = np.full(n, "A")
    return InventoryModel(
        facts=_facts(world, day, panel.periods),
        product_no=np.arange(n, dtype=np.int32),
        location=np.zeros(n, np.int32),
        sold=sold,
        demand=sold,
        mean=mean[:n].astype(np.float32),
        quantiles=np.zeros((n, mean.shape[1], 1), np.float32),
        scatter=weekly_scatter(panel)[:n].astype(np.float32),
        series_class=demand_classes(panel)[:n].astype(np.int32),
        method=np.zeros(n, np.int32),
        value_class=letters,
        steadiness=letters,
        pattern=letters,
        pinball=np.full(n, np.nan, np.float32),
        covered=np.full(n, np.nan, np.float32),
        variant_series=np.arange(n, dtype=np.int32),
        variant_share=np.ones(n, np.float32),
        relative=spread.relative,
        asked=spread.asked,
    )


def _facts(world: SupplyWorld, day: int, weeks: int) -> Facts:
    first = world.first_day + EPOCH_ORDINAL
    return Facts(
        as_of=Micros(0),
        currency="GBP",
        history_day=first,
        first_day=first + day,
        levels=(0.5,),
        locations=(PLACE,),
        methods=("as in the policy test",),
        variants=tuple(VariantId(str(number)) for number in range(len(world))),
        lead_times={},
        measures={},
        weeks=weeks,
    )


def look(watched: Watched, books: Books, open_now: NDArray[np.bool_], config: StockoutConfig) -> Floats:
    """(n,) chance told of each place that is warned of; NaN where none is."""
    told = np.full(len(watched.world), np.nan)
    model = watched.model
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
    world, lead = watched.world, watched.leads[int(watched.world.supplier[product])]
    # When goods come the shop does not know; it knows when they were ordered.
    arrivals = [
        Arrival(expected_wait(lead, float(books.day - ordered)), units)
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


WEEK_BEFORE = WEEK
