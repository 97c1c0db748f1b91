"""Weather per city and day, from the scenario's climate."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.clock import DAY, to_datetime
from smartshop.simulator.chance import stream
from smartshop.simulator.scenario import City

PERSISTENCE = 0.75
"""How much of yesterday's deviation is left today (first-order autoregression)."""
DEVIATION_C = 3.0
"""Standard deviation of the temperature around its season, °C."""
SNOW_BELOW_C = 1.0
CLOUD_SHARE = 0.45
"""Of the dry days."""


@dataclass(frozen=True, slots=True)
class CityWeather:
    """Per day from the first; parallel arrays."""

    temperature_c: NDArray[np.float64]
    """(days,) at noon, °C, one decimal."""
    condition: tuple[str, ...]
    """sun, cloud, rain or snow."""

    def is_wet(self, day: int) -> bool:
        return self.condition[day] in ("rain", "snow")


def make_weather(city: City, seed: int, first_day_at: int, days: int) -> CityWeather:
    """Weather of `days` days from the UTC day that holds `first_day_at` (µs); the same for the same dates."""
    temperatures, conditions = [], []
    deviation = 0.0
    first = first_day_at // DAY
    for day in range(first - 10, first + days):
        rng = stream(seed, "weather", city.name, day)
        deviation = PERSISTENCE * deviation + float(rng.normal(0.0, DEVIATION_C * (1 - PERSISTENCE**2) ** 0.5))
        temperature = round(usual_c(city, day) + deviation, 1)
        temperatures.append(temperature)
        conditions.append(_condition(city, temperature, rng))
    return CityWeather(temperature_c=np.array(temperatures[10:]), condition=tuple(conditions[10:]))


def usual_c(city: City, day: int) -> float:
    """°C that the time of the year makes expected; `day`: whole days since 1970."""
    day_of_year = to_datetime(day * DAY).timetuple().tm_yday
    season = -np.cos(2 * np.pi * (day_of_year - city.coldest_day) / 365.25)
    return float(city.mean_c + city.swing_c * season)


def _condition(city: City, temperature_c: float, rng: np.random.Generator) -> str:
    draw, cloudy = rng.random(), rng.random() < CLOUD_SHARE
    if draw < city.wet_share:
        return "snow" if temperature_c < SNOW_BELOW_C else "rain"
    return "cloud" if cloudy else "sun"
