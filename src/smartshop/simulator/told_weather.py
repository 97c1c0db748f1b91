"""What a made-up shop is told of its weather: what it was, and a forecast for the next days."""

from collections.abc import Iterator
from datetime import date

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.demand_causes import CauseKind, DemandCause
from smartshop.simulator.scenario import Scenario
from smartshop.simulator.visits import make_climate
from smartshop.simulator.weather import CityWeather, usual_c

TEMPERATURE, WET = "temperature_c", "wet_share"
"""Names: °C at noon, and the share with rain or snow; the mean over the people of all cities."""
FORECAST_SKILL = np.linspace(0.9, 0.3, 7)
"""(days ahead,) of what is not usual in the weather to come, the part that is foreseen: most of tomorrow's, little of
next week's."""
DAYS_AHEAD = len(FORECAST_SKILL)
EPOCH = date(1970, 1, 1).toordinal()


def told_weather(scenario: Scenario, seed: int, first_day_at: int, now: int) -> list[DemandCause]:
    """Weather by UTC day from the one that holds `first_day_at` (µs) up to yesterday as it was, then as it is foreseen.

    The weather is that of the shoppers whose history has the same seed and first day.
    """
    first, today = first_day_at // DAY, now // DAY
    climate = make_climate(scenario, seed, first_day_at, today - first + DAYS_AHEAD)
    shares = np.array([city.share for city in scenario.cities])
    usual = np.array([[usual_c(city, day) for day in range(first, today + DAYS_AHEAD)] for city in scenario.cities])
    wet = np.array([_wet(weather) for weather in climate.cities])
    usually_wet = np.broadcast_to(np.array([[city.wet_share] for city in scenario.cities]), wet.shape)
    temperature = np.array([weather.temperature_c for weather in climate.cities])
    return [
        *_told(TEMPERATURE, first, _as_told(temperature, usual), shares),
        *_told(WET, first, _as_told(wet, usually_wet), shares),
    ]


def _as_told(came: NDArray[np.float64], usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """(cities, days) what came, but for the days ahead, of which a part is foreseen."""
    told = came.copy()
    ahead = slice(came.shape[1] - DAYS_AHEAD, None)
    told[:, ahead] = usual[:, ahead] + FORECAST_SKILL * (came - usual)[:, ahead]
    return told


def _told(name: str, first: int, by_city: NDArray[np.float64], shares: NDArray[np.float64]) -> Iterator[DemandCause]:
    for day, value in enumerate(np.average(by_city, axis=0, weights=shares).tolist(), start=first):
        yield DemandCause(name=name, kind=CauseKind.WEATHER, day=date.fromordinal(EPOCH + day), value=round(value, 2))


def _wet(weather: CityWeather) -> NDArray[np.float64]:
    return np.array([weather.is_wet(day) for day in range(len(weather.condition))], np.float64)
