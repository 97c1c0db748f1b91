"""Puts a visit together: the moment's weather and season, what the shopper remembers, which variant they would take."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.clock import DAY, to_datetime
from smartshop.data_collection.schemas.context import Context
from smartshop.simulator.arrivals import Arrival
from smartshop.simulator.behaviour import Visit
from smartshop.simulator.memory import Memory
from smartshop.simulator.scenario import MONTHS, Scenario
from smartshop.simulator.weather import CityWeather, make_weather
from smartshop.simulator.world import World

COMFORTABLE_C = 12.0
"""At this temperature a leaf's `wants_warmth` changes nothing."""
DAYS_PER_MONTH = 30.44
OUT_OF_REACH = -30.0
"""Worth of a product that is not launched yet."""


@dataclass(frozen=True, slots=True)
class Climate:
    """Weather of every city over the days from `first_day_at` (µs)."""

    cities: tuple[CityWeather, ...]
    first_day_at: int

    def day_of(self, at: int) -> int:
        """Index of the UTC day, kept inside what was made."""
        return min(max(0, at // DAY - self.first_day_at // DAY), len(self.cities[0].condition) - 1)


def make_climate(scenario: Scenario, seed: int, first_day_at: int, days: int) -> Climate:
    cities = tuple(make_weather(city, seed, first_day_at, days) for city in scenario.cities)
    return Climate(cities=cities, first_day_at=first_day_at)


def context_of(world: World, climate: Climate, arrival: Arrival) -> Context:
    """The moment as a client would tell it."""
    city_row = int(world.population.city[arrival.shopper])
    city, weather, day = world.scenario.cities[city_row], climate.cities[city_row], climate.day_of(arrival.at)
    return Context(
        channel="web",
        device="mobile" if arrival.is_mobile else "desktop",
        locale=world.scenario.locale,
        country=city.country,
        city=city.name,
        weather=weather.condition[day],
        temperature_c=float(weather.temperature_c[day]),
    )


def season_factor(scenario: Scenario, at: int) -> NDArray[np.float64]:
    """(leaves,) demand factor at a moment, between the middles of the months."""
    place = (to_datetime(at).timetuple().tm_yday - 0.5) / DAYS_PER_MONTH - 0.5
    month, share = int(np.floor(place)), place - np.floor(place)
    curves = np.array([scenario.seasons[leaf.season] for leaf in scenario.leaves])
    factor: NDArray[np.float64] = curves[:, month % MONTHS] * (1 - share) + curves[:, (month + 1) % MONTHS] * share
    return factor


def moment_bonus(world: World, climate: Climate, city: int, at: int) -> NDArray[np.float64]:
    """(leaves,) utility that season and weather add now."""
    scenario, weather, day = world.scenario, climate.cities[city], climate.day_of(at)
    warmth = np.array([leaf.wants_warmth for leaf in scenario.leaves])
    rain = np.array([leaf.wants_rain for leaf in scenario.leaves])
    bonus: NDArray[np.float64] = np.log(season_factor(scenario, at))
    bonus += warmth * (weather.temperature_c[day] - COMFORTABLE_C) + rain * weather.is_wet(day)
    return bonus


def new_visit(
    world: World,
    climate: Climate,
    arrival: Arrival,
    memory: Memory,
    level: NDArray[np.int64],
    rng: np.random.Generator,
) -> Visit:
    """A visit about to begin. `level` (V,) is what stands on the shelf, as far as the shopper can see."""
    scenario, assortment, shopper = world.scenario, world.range.assortment, arrival.shopper
    worth = world.utility[shopper].astype(np.float64)
    worth += moment_bonus(world, climate, int(world.population.city[shopper]), arrival.at)[assortment.leaf]
    memory.adjust(worth, arrival.at, assortment, scenario.tastes)
    launched = assortment.launched_at <= arrival.at
    worth[~launched] = OUT_OF_REACH
    return Visit(
        assortment=assortment,
        nouns=tuple(tuple(kind.noun for kind in leaf.kinds) for leaf in scenario.leaves),
        tastes=scenario.tastes,
        rates=scenario.rates,
        worth=worth,
        can_be_had=launched,
        in_stock=launched & (np.add.reduceat(level, assortment.first_variant[:-1]) > 0),
        wants_lines=arrival.wants_lines,
        choose_variant=variant_chooser(world, shopper, memory, level),
        rng=rng,
    )


def variant_chooser(world: World, shopper: int, memory: Memory, level: NDArray[np.int64]) -> Callable[[int], int]:
    """Sizes by the shopper's own size, anything else by a lasting whim; then the one with most left."""
    first, axes = world.range.assortment.first_variant, world.scenario.leaves

    def choose(product: int) -> int:
        start, end = int(first[product]), int(first[product + 1])
        owned = memory.variant_of.get(product, -1)
        if owned >= 0 and level[owned] > 0:
            return owned
        axis = axes[int(world.range.assortment.leaf[product])].variant_axis
        place = world.population.size[shopper] if axis == "size" else ((shopper * 31 + product * 17) % 97) / 97
        liked = start + int(place * (end - start))
        if level[liked] > 0:
            return liked
        if axis == "size" or not level[start:end].any():
            return -1
        return start + int(np.argmax(level[start:end]))

    return choose
