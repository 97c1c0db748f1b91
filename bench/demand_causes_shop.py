"""A made-up shop whose demand moves with its weather, events and public holidays, and what its keeper tells of them.

Products, leaves, season, weekday and counts are those of `simulator.supply`, twenty times as many shoppers. Weather is
the simulator's of each city, day by day, and moves a leaf as it moves a shopper there: by its `wants_warmth` per degree
from the time of the year, by its `wants_rain` on wet days. Laid over it are three events that come again and the
holidays of the first city's country, with lifts of each department's own, and week-long offers, with each product's.
"""

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.calendar import (
    EVENT_PREFIX,
    HOLIDAY,
    PROMOTION,
    WEATHER_PREFIX,
    country_holidays,
)
from smartshop.ai_agents.inventory.forecasting.known_ahead import Ahead, Beyond, as_known
from smartshop.ai_agents.inventory.forecasting.panel import Cause, Floats, Panel, Period
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.simulator.chance import stream
from smartshop.simulator.leaves import department_of
from smartshop.simulator.scenario import City, Scenario, load_scenario
from smartshop.simulator.supply import SupplyWorld, make_supply_world
from smartshop.simulator.weather import make_weather

SCENARIO, HISTORY, AHEAD = "home_and_garden", 728, 84
BUSIER = 20.0
"""Times the scenario's 3,000 shoppers, as in `demand_many`."""
UNIX_ORDINAL = 719_163
WEEK = 7
EVENTS = (("fair", 4, 90), ("campaign", 7, 120), ("open_evening", 1, 30))
"""Name, days it lasts, days between two beginnings, give or take a fifth."""
EVENT_LIFT, EVENT_SPREAD = 0.3, 0.25
HOLIDAY_LIFT, HOLIDAY_SPREAD = -0.3, 0.2
"""Logarithms of what a day on sells over one off; each department has its own."""
WARMTH, RAIN = WEATHER_PREFIX + "temperature", WEATHER_PREFIX + "rain"
TOLD = {name: Ahead(7, Beyond.USUAL) for name in (WARMTH, RAIN)}
"""Weather is told a week ahead."""
OFFER_DAYS, OFFER_EVERY, OFFER_CHANCE, SHARE_OFF = 7, 90, 0.5, 0.2
LEAST_LIFT, MOST_LIFT = 1.2, 2.2
SORTS = {
    "promotions": (PROMOTION,),
    "holidays": (HOLIDAY,),
    "events": tuple(EVENT_PREFIX + name for name, *_ in EVENTS),
    "weather": (WARMTH, RAIN),
}


@dataclass(frozen=True, slots=True, eq=False)
class CausesShop:
    demand: Floats
    """(n, 812) units wanted by day; NaN before the launch."""
    first_day: int
    """Ordinal of a Monday."""
    causes: dict[str, Cause]
    """Name → (1, 812) or (n, 812) as they truly were."""
    category: NDArray[np.int32]
    stirred_by_weather: NDArray[np.bool_]
    """(n,) the leaf wants warmth or rain, or their contrary."""

    def days(self, known: int, horizon: int, sorts: tuple[str, ...]) -> Panel:
        """By day, with some sorts of causes; weather is told a week ahead."""
        causes = {name: self.causes[name][:, : known + horizon] for sort in sorts for name in SORTS[sort]}
        for name in TOLD.keys() & causes.keys():
            ahead = as_known(causes[name], known, horizon, TOLD[name], Period.DAY.year)
            causes[name] = np.hstack([causes[name][:, :known], ahead])
        groups = {"category": self.category}
        return Panel(self.demand[:, :known], Period.DAY, self.first_day, causes, groups, TOLD)

    def weeks(self, known: int, horizon: int, sorts: tuple[str, ...]) -> Panel:
        """By week, of whole weeks of days."""
        days = self.days(known * WEEK, horizon * WEEK, sorts)
        sums = by_week(days.demand)
        causes = {
            name: cause.reshape(len(cause), -1, WEEK).mean(axis=2).astype(np.float32)
            for name, cause in days.causes.items()
        }
        told = {name: Ahead(one.told // WEEK, one.beyond) for name, one in TOLD.items()}
        return Panel(sums, Period.WEEK, self.first_day, causes, days.groups, told)


def by_week(days: Floats) -> Floats:
    """(n, w) sums of (n, 7 w); NaN where no day is known."""
    units = days.reshape(len(days), -1, WEEK)
    return np.where(np.isfinite(units).any(axis=2), np.nansum(units, axis=2), np.nan)


def make_causes_shop(seed: int, products: int) -> CausesShop:
    scenario = msgspec.structs.replace(
        load_scenario(SCENARIO), products=max(products, load_scenario(SCENARIO).products)
    )
    world = make_supply_world(scenario, seed, products=products, history_days=HISTORY, test_days=AHEAD)
    rng = stream(seed, SCENARIO, "causes")
    names = [department_of(leaf) for leaf in scenario.leaves]
    department = np.unique(names, return_inverse=True)[1][world.leaf]
    ordinals = world.first_day + UNIX_ORDINAL + np.arange(world.days)
    switches = {HOLIDAY: country_holidays(scenario.cities[0].country, ordinals)}
    switches |= {EVENT_PREFIX + name: _event(world.days, lasts, every, rng) for name, lasts, every in EVENTS}
    factor = np.ones(world.lines.shape)
    for name, is_on in switches.items():
        usual, spread = (HOLIDAY_LIFT, HOLIDAY_SPREAD) if name == HOLIDAY else (EVENT_LIFT, EVENT_SPREAD)
        lift = rng.normal(usual, spread, int(department.max()) + 1)[department]
        factor *= np.exp(lift[:, None] * is_on)
    readings, by_leaf = _weather(scenario, world, seed)
    offers = _offers(len(world), world.days, rng)
    factor *= np.where(offers > 0, rng.uniform(LEAST_LIFT, MOST_LIFT, (len(world), 1)), 1.0)
    lines = rng.poisson(world.lines * BUSIER * factor * by_leaf[world.leaf])
    units = lines + rng.poisson(lines * (world.units - 1.0)[:, None])
    demand = np.where(np.arange(world.days) < world.launch_day[:, None], np.nan, units)
    moves = np.array([leaf.wants_warmth != 0 or leaf.wants_rain != 0 for leaf in scenario.leaves])
    causes = switches | readings | {PROMOTION: offers}
    return CausesShop(demand, int(ordinals[0]), causes, world.leaf, moves[world.leaf])


def _offers(series: int, days: int, rng: np.random.Generator) -> Cause:
    """(n, t) share off: in every ninety days of a product by chance one week, from any weekday on."""
    since = np.arange(days) + rng.integers(0, OFFER_EVERY, (series, 1))
    number, within = since // OFFER_EVERY, since % OFFER_EVERY
    has_one = rng.random((series, int(number.max()) + 1)) < OFFER_CHANCE
    is_on = np.take_along_axis(has_one, number, axis=1) & (within < OFFER_DAYS)
    return np.where(is_on, SHARE_OFF, 0.0).astype(np.float32)


def _event(days: int, lasts: int, every: int, rng: np.random.Generator) -> Cause:
    is_on = np.zeros((1, days), np.float32)
    begins = int(rng.integers(0, every))
    while begins < days:
        is_on[0, begins : begins + lasts] = 1.0
        begins += int(every * rng.uniform(0.8, 1.2))
    return is_on


def _weather(scenario: Scenario, world: SupplyWorld, seed: int) -> tuple[dict[str, Cause], Floats]:
    """What a station would tell of the mean shopper's day, and (leaves, t) what it does to each leaf."""
    share = np.array([city.share for city in scenario.cities]) / sum(city.share for city in scenario.cities)
    start_at = world.first_day * DAY
    cities = [make_weather(city, seed, start_at, world.days) for city in scenario.cities]
    warmth = np.array([city.temperature_c for city in cities])
    wet = np.array([[city.is_wet(day) for day in range(world.days)] for city in cities], np.float64)
    apart = warmth - np.array([_season(city, world) for city in scenario.cities])
    by_leaf = []
    for leaf in scenario.leaves:
        rainy = 1.0 + np.array([city.wet_share for city in scenario.cities]) * (np.exp(leaf.wants_rain) - 1.0)
        by_leaf.append(share @ (np.exp(leaf.wants_warmth * apart + leaf.wants_rain * wet) / rainy[:, None]))
    readings = {name: (share @ one)[None, :].astype(np.float32) for name, one in ((WARMTH, warmth), (RAIN, wet))}
    return readings, np.array(by_leaf)


def _season(city: City, world: SupplyWorld) -> Floats:
    day = (world.first_day + np.arange(world.days)) % 365.25
    return np.asarray(city.mean_c - city.swing_c * np.cos(2 * np.pi * (day - city.coldest_day) / 365.25), np.float64)
