"""What `bench.policies` lets its policies foresee: the scenario's own law, or what the agent learns from the books."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import nbinom, poisson

from bench.policies_model import EPOCH_ORDINAL, learned_model
from bench.policies_rules import WEEK, learned_leads
from smartshop.ai_agents.inventory.demand.censoring import estimate_demand
from smartshop.ai_agents.inventory.forecasting.choosing import Choice, Policy, choose, pinball_loss, try_out
from smartshop.ai_agents.inventory.forecasting.choosing_counts import SIMPLE, plain_candidates
from smartshop.ai_agents.inventory.forecasting.panel import Candidate, Panel, Period
from smartshop.ai_agents.inventory.forecasting.shared_season import SharedSeason
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.policies.demand_law import DemandLaw, law_of_chances
from smartshop.ai_agents.inventory.policies.order_terms import AwaitedDemand
from smartshop.ai_agents.inventory.replenishment.awaited import Asked, awaited_demand
from smartshop.ai_agents.inventory.replenishment.lead_times import LeadTime
from smartshop.ai_agents.inventory.sum_spread import learn_spread
from smartshop.ai_agents.inventory.weekly_choice import PastForecast
from smartshop.simulator.supply import Counts, Floats, SupplyWorld, lead_chances
from smartshop.simulator.supply_run import Seen

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
TRIAL_WEEKS, TRIALS = 12, 4
"""How far ahead candidates are tried on the past, and how often."""
RECHOSEN_DAYS = 13 * WEEK
"""So often the choice among candidates is made anew; forecasts are made at every review."""
WEEKS_AHEAD = 20
LEAST_CHANCE, MOST_LEADS = 1e-4, 12
"""Lead times less likely are left out of the mixture; of more, neighbours are put together."""
LONGER_RUN_DAYS = 28
"""Beyond the protection time the true mean demand a day is looked at so far: about as long as an order lasts."""


@dataclass(slots=True)
class TrueForesight:
    """The scenario's own law of every product and day, and of its supplier."""

    world: SupplyWorld
    day: int = 0
    _mean: Floats = field(init=False)
    _variance: Floats = field(init=False)
    _leads: list[tuple[Floats, Floats]] = field(init=False)

    def __post_init__(self) -> None:
        begin = np.zeros((len(self.world), 1))
        self._mean = np.concatenate([begin, np.cumsum(self.world.mean, axis=1)], axis=1)
        self._variance = np.concatenate([begin, np.cumsum(self.world.variance, axis=1)], axis=1)
        self._leads = [_likely(lead_chances(supplier)) for supplier in self.world.scenario.suppliers]

    def look(self, seen: Seen) -> None:
        self.day = seen.day

    def awaited(self, product: int, review_days: float) -> AwaitedDemand:
        days, chances = self._leads[int(self.world.supplier[product])]
        lead = float(chances @ days)
        longer = lead + review_days + LONGER_RUN_DAYS
        return AwaitedDemand(
            over_protection=mixed_law([self.moments(product, day + review_days) for day in days], chances),
            lead_time_days=lead,
            review_days=review_days,
            over_lead_time=mixed_law([self.moments(product, day) for day in days], chances),
            units_per_day=self.moments(product, longer)[0] / longer,
        )

    def moments(self, product: int, days: float) -> tuple[float, float]:
        """Mean and variance of units over so many days from today."""
        # Beyond the world's end its last weeks' rate goes on.
        last = self.world.days
        beyond = max(self.day + days - last, 0.0) / (4 * WEEK)
        at = np.array([self.day, min(self.day + days, last), last - 4 * WEEK, last], np.float64)
        knots = np.arange(last + 1)
        mean, variance = (np.interp(at, knots, sums[product]) for sums in (self._mean, self._variance))
        return _between(mean, beyond), _between(variance, beyond)


@dataclass(slots=True)
class LearnedForesight:
    """What the agent learns from the books: demand behind empty shelves, forecasts by choice, spread, lead times."""

    world: SupplyWorld
    rest_of_category: Counts
    """(L, t) units a day that the other products of each category sold: they tell its season."""
    candidates: Mapping[str, Candidate]
    chosen_day: int = -RECHOSEN_DAYS
    model: InventoryModel | None = None
    """As of the last look."""
    leads: Sequence[LeadTime] = ()
    """Of each supplier."""
    _choice: Choice | None = None
    _past: list[PastForecast] = field(default_factory=list)

    def look(self, seen: Seen) -> None:
        panel = weekly_panel(self.world, seen, self.rest_of_category)
        if self._choice is None or seen.day - self.chosen_day >= RECHOSEN_DAYS:
            self._choose(panel)
            self.chosen_day = seen.day
        assert self._choice is not None
        told = {name: self.candidates[name].forecast(panel, WEEKS_AHEAD, (0.5,)) for name in self._choice.used()}
        mean = self._choice.mix(panel, told).mean
        spread = learn_spread(panel, self._past, np.random.default_rng(0))
        self.model = learned_model(self.world, seen.day, panel, mean, spread)
        self.leads = learned_leads(self.world, seen)

    def _choose(self, panel: Panel) -> None:
        origins = [panel.periods - TRIAL_WEEKS * back for back in range(TRIALS, 0, -1)]
        tried = try_out(panel, self.candidates, TRIAL_WEEKS, LEVELS, origins)
        self._choice = choose(tried, pinball_loss, Policy(SIMPLE))
        self._past = [PastForecast(at, self._choice.mix(panel.until(at), told)) for at, told in tried.told.items()]

    def awaited(self, product: int, review_days: float) -> AwaitedDemand:
        """As the served agent works it out."""
        assert self.model is not None
        lead = self.leads[int(self.world.supplier[product])]
        return awaited_demand(self.model, Asked(product, 1.0, 0.0), lead, review_days)


def shop_candidates() -> dict[str, Candidate]:
    """What is quick enough for every product at every review."""
    return plain_candidates() | {
        "shared season": SharedSeason(),
        "shared season, slow": SharedSeason(half_life_years=4.0),
    }


def weekly_panel(world: SupplyWorld, seen: Seen, rest_of_category: Counts) -> Panel:
    """Demand by whole weeks as it can be told from sales and from what stood on the shelf, categories as groups.

    The rest of each category is a series of its own below the products.
    """
    days = seen.day // WEEK * WEEK
    begun = np.maximum.accumulate(seen.in_stock > 0, axis=1)
    weekday = np.arange(seen.day) % WEEK
    daily = estimate_demand(seen.sold.astype(np.float64), seen.in_stock, begun, weekday).demand
    told = np.concatenate([daily[:, :days], rest_of_category[:, :days]]).reshape(-1, days // WEEK, WEEK).sum(axis=2)
    category = np.concatenate([world.leaf, np.arange(len(rest_of_category))]).astype(np.int32)
    return Panel(told, Period.WEEK, world.first_day + EPOCH_ORDINAL, groups={"category": category})


def mixed_law(moments: list[tuple[float, float]], chances: Floats) -> DemandLaw:
    """Counts whose moments hang on how long it takes: a negative binomial for each lead time, weighed by its chance."""
    mean, variance = np.array(moments).T
    spread = np.sqrt(np.maximum(variance, mean))
    units = np.arange(int(np.ceil((mean + 9 * spread).max())) + 20)
    law = np.empty((len(mean), len(units)))
    wide = variance > mean * (1 + 1e-6)
    m, v = mean[wide, None], variance[wide, None]
    law[wide] = nbinom.pmf(units, m**2 / (v - m), m / v)
    law[~wide] = poisson.pmf(units, mean[~wide, None])
    mixed = chances @ law
    return law_of_chances(mixed / mixed.sum())


def _likely(chances: Floats) -> tuple[Floats, Floats]:
    days = np.flatnonzero(chances > LEAST_CHANCE)
    groups = np.array_split(days, min(len(days), MOST_LEADS))
    weight = np.array([chances[group].sum() for group in groups])
    mean = np.array([chances[group] @ group for group in groups]) / weight
    return mean, weight / weight.sum()


def _between(sums: Floats, beyond: float) -> float:
    """From the first to the second place, and so many times from the third to the last."""
    return float(sums[1] - sums[0] + beyond * (sums[3] - sums[2]))
