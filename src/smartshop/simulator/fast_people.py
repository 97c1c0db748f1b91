"""People by the thousand for the fast path: their types, tastes and visits, some ten thousand at a time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.clock import DAY, to_datetime
from smartshop.simulator.arrivals import HOUR, HOUR_WEIGHTS, MOBILE_SHARE_OF_MOBILE_PEOPLE, WEEKDAY_FACTORS
from smartshop.simulator.fast_catalogue import STYLE_SIZE
from smartshop.simulator.scenario import Scenario
from smartshop.simulator.shoppers import TASTE_SPREAD_OF_PRICE

MOMENT_BITS = 48
"""A moment of a history as µs since its start fits into so many bits (MAX_DAYS), a person's number above them: person
and moment are one number to sort and search by."""
MAX_DAYS = 3_000
NEED_DAYS = (2, 10)
"""Who comes back for what goes with an order does so this many days later: first ≤ days < last."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """s people with an account; (s,) each unless said."""

    type: NDArray[np.int32]
    city: NDArray[np.int32]
    leaf_taste: NDArray[np.float32]
    """(s, L) utility of their own, beside their type's."""
    brand_taste: NDArray[np.float32]
    """(s, B) utility of their own, beside their type's."""
    style_taste: NDArray[np.float32]
    """(s, STYLE_SIZE)"""
    price_sensitivity: NDArray[np.float32]
    visits_per_day: NDArray[np.float32]
    """Before lapsing."""
    prefers_mobile: NDArray[np.bool_]
    lapse_day: NDArray[np.int32]
    """Day, counted from the history's first, from which they never come again."""
    basket_scale: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.type)


@dataclass(frozen=True, slots=True)
class Visits:
    """v visits by (person, time); (v,) each."""

    person: NDArray[np.int32]
    at: NDArray[np.int64]
    """µs since the history's start."""
    is_mobile: NDArray[np.bool_]
    wants: NDArray[np.int32]
    """Distinct products they come to buy; 0: only looking."""
    buys: NDArray[np.bool_]
    """They do not leave the basket behind."""

    def __len__(self) -> int:
        return len(self.person)


def make_crowd(scenario: Scenario, people: int, rng: np.random.Generator) -> Crowd:
    """Drawn as `shoppers.make_population` draws them."""
    rates, tastes = scenario.rates, scenario.tastes
    shares = np.array([kind.share for kind in scenario.shopper_types])
    shares = shares / shares.sum()
    city_shares = np.array([city.share for city in scenario.cities])
    sensitivity = np.array([kind.price_sensitivity for kind in scenario.shopper_types])
    activity = np.array([kind.activity for kind in scenario.shopper_types])
    activity = activity / (activity * shares).sum()
    kinds = rng.choice(len(shares), size=people, p=shares).astype(np.int32)
    visits = (
        rates.sessions_per_day * activity[kinds] * rng.gamma(rates.activity_shape, 1 / rates.activity_shape, people)
    )
    lapse = np.minimum(rng.geometric(max(rates.lapse_per_day, 1e-9), size=people), np.iinfo(np.int32).max)
    return Crowd(
        type=kinds,
        city=rng.choice(len(city_shares), size=people, p=city_shares / city_shares.sum()).astype(np.int32),
        leaf_taste=_normal(rng, tastes.leaf_spread, people, len(scenario.leaves)),
        brand_taste=_normal(rng, tastes.brand_spread, people, len(scenario.brands)),
        style_taste=_normal(rng, tastes.style_spread / STYLE_SIZE**0.5, people, STYLE_SIZE),
        price_sensitivity=(sensitivity[kinds] * np.exp(rng.normal(0.0, TASTE_SPREAD_OF_PRICE, size=people))).astype(
            np.float32
        ),
        visits_per_day=visits.astype(np.float32),
        prefers_mobile=rng.random(people) < rates.mobile_share,
        lapse_day=lapse.astype(np.int32),
        basket_scale=rng.gamma(6.0, 1 / 6.0, size=people).astype(np.float32),
    )


def _normal(rng: np.random.Generator, spread: float, people: int, size: int) -> NDArray[np.float32]:
    return rng.standard_normal((people, size), dtype=np.float32) * np.float32(spread)


def make_visits(
    scenario: Scenario, crowd: Crowd, *, start_at: int, days: int, need_share: float, rng: np.random.Generator
) -> Visits:
    """Poisson visits by weekday and hour until people lapse, and those who come back for what goes with an order.

    `need_share`: share of the order lines after which something is wanted that goes with it.
    """
    weekdays = [WEEKDAY_FACTORS[to_datetime(start_at + day * DAY + DAY // 2).weekday()] for day in range(days)]
    up_to = np.concatenate([[0.0], np.cumsum(weekdays)])
    alive = up_to[np.minimum(crowd.lapse_day, days)]
    count = rng.poisson(crowd.visits_per_day * alive)
    person = np.repeat(np.arange(len(crowd), dtype=np.int32), count)
    # Rounding may carry a draw to the very end; it belongs to the last day.
    day = np.minimum(np.searchsorted(up_to, rng.random(len(person)) * alive[person], side="right") - 1, days - 1)
    wants = _wants(scenario, crowd, person, rng)
    wants[rng.random(len(person)) >= scenario.rates.buying_share] = 0
    parts = [(person, day, wants, _keeps(scenario, wants, rng))]
    while len(parts[-1][0]):
        parts.append(_returning(scenario, crowd, parts[-1], need_share, days, rng))
    person, day, wants, buys = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    at = day * DAY + _time_of_day(len(day), start_at, rng)
    order = np.lexsort((at, person))
    mobile = crowd.prefers_mobile[person] == (rng.random(len(person)) < MOBILE_SHARE_OF_MOBILE_PEOPLE)
    return Visits(person=person[order], at=at[order], is_mobile=mobile[order], wants=wants[order], buys=buys[order])


_Part = tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]]


def _returning(
    scenario: Scenario, crowd: Crowd, before: _Part, need_share: float, days: int, rng: np.random.Generator
) -> _Part:
    person, day, wants, buys = before
    opens_need = 1 - (1 - need_share) ** wants
    comes = buys & (rng.random(len(person)) < scenario.rates.need_return_share * opens_need)
    day = day + rng.integers(*NEED_DAYS, size=len(day))
    comes &= day < days
    back = person[comes]
    wanted = _wants(scenario, crowd, back, rng)
    return back, day[comes], wanted, _keeps(scenario, wanted, rng)


def _wants(scenario: Scenario, crowd: Crowd, person: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.int32]:
    """As `arrivals.lines_wanted`: 1 and more, gamma-spread around the scenario's mean."""
    rates = scenario.rates
    mean = np.maximum(rates.lines_per_order - 0.5, 0.1) * crowd.basket_scale[person]
    wanted = 1 + np.floor(rng.gamma(rates.lines_shape, mean / rates.lines_shape))
    lines: NDArray[np.int32] = np.minimum(wanted, scenario.products // 8 + 1).astype(np.int32)
    return lines


def _keeps(scenario: Scenario, wants: NDArray[np.int32], rng: np.random.Generator) -> NDArray[np.bool_]:
    return (wants > 0) & (rng.random(len(wants)) >= scenario.rates.abandon_share)


def _time_of_day(count: int, start_at: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """µs since the history's own midnight, which is any hour of the clock."""
    hours = rng.choice(24, size=count, p=HOUR_WEIGHTS / HOUR_WEIGHTS.sum())
    first_hour = (start_at % DAY) // HOUR
    return ((hours - first_hour) % 24) * HOUR + (rng.random(count) * HOUR).astype(np.int64)
