"""When shoppers come: Poisson visits by weekday and hour, and those who come back for what they still need."""

from dataclasses import dataclass

import numpy as np

from smartshop.data_collection.pipelines.clock import DAY, SECOND, to_datetime
from smartshop.simulator.world import World

WEEKDAY_FACTORS = (0.98, 0.94, 0.92, 0.95, 0.95, 1.1, 1.16)
"""Visits by weekday, Monday first; mean 1."""
HOUR_WEIGHTS = np.repeat([0.5, 0.6, 3.0, 4.5, 5.0, 4.7, 7.5, 8.0, 4.0], [4, 2, 2, 4, 2, 3, 3, 2, 2])
"""Visits by hour of the day: a lunch hump and an evening hill."""
MOBILE_SHARE_OF_MOBILE_PEOPLE = 0.85
HOUR = 3600 * SECOND


@dataclass(frozen=True, slots=True)
class Arrival:
    shopper: int
    at: int
    """µs UTC."""
    is_mobile: bool
    wants_lines: int
    """Distinct products they come to buy; 0: only looking."""


def arrivals_of_day(
    world: World, shoppers: int, day: int, morning: int, returning: list[int], rng: np.random.Generator
) -> list[Arrival]:
    """Everybody who comes in the 24 hours from `morning` (µs), by time."""
    people, rates = world.population, world.scenario.rates
    weekday = WEEKDAY_FACTORS[to_datetime(morning + DAY // 2).weekday()]
    here = people.lapse_day[:shoppers] > day
    visits = rng.poisson(people.visits_per_day[:shoppers] * weekday * here)
    who = np.concatenate([np.repeat(np.arange(shoppers), visits), np.array(returning, dtype=np.int64)])
    buys = rng.random(len(who)) < rates.buying_share
    buys[len(who) - len(returning) :] = True
    lines = lines_wanted(world, who, rng)
    first_hour = (morning % DAY) // HOUR
    hours = rng.choice(24, size=len(who), p=HOUR_WEIGHTS / HOUR_WEIGHTS.sum())
    at = morning + ((hours - first_hour) % 24) * HOUR + (rng.random(len(who)) * HOUR).astype(np.int64)
    at = np.minimum(at, morning + DAY - SECOND)
    mobile = people.prefers_mobile[who] == (rng.random(len(who)) < MOBILE_SHARE_OF_MOBILE_PEOPLE)
    order = np.lexsort((who, at))
    return [Arrival(int(who[i]), int(at[i]), bool(mobile[i]), int(lines[i]) if buys[i] else 0) for i in order.tolist()]


def lines_wanted(world: World, who: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Distinct products each would put in an order: 1 and more, gamma-spread around the scenario's mean."""
    rates = world.scenario.rates
    mean = np.maximum(rates.lines_per_order - 0.5, 0.1) * world.population.basket_scale[who]
    wanted: np.ndarray = 1 + np.floor(rng.gamma(rates.lines_shape, mean / rates.lines_shape)).astype(np.int64)
    np.minimum(wanted, len(world.products) // 8 + 1, out=wanted)
    return wanted
