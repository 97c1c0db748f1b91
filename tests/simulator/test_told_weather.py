"""A made-up shop is told the weather its shoppers lived in, and a forecast that knows less the farther it looks."""

from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np

from smartshop.data_collection.pipelines.clock import DAY, ShopClock, to_datetime
from smartshop.data_collection.schemas.ids import Micros
from smartshop.job_context import JobContext
from smartshop.simulator.scenario import load_scenario
from smartshop.simulator.told_weather import DAYS_AHEAD, TEMPERATURE, WET, told_weather
from smartshop.simulator.visits import make_climate
from smartshop.upkeep_jobs import tell_demo_weather
from tests.importing.shop import opened_shop

SCENARIO = load_scenario("outdoor_store")
NOW = 1_780_000_000_000_000
START = NOW - 60 * DAY
SHARES = np.array([city.share for city in SCENARIO.cities])


def test_past_days_are_told_as_shoppers_had_them() -> None:
    told = told_weather(SCENARIO, 7, START, NOW)
    climate = make_climate(SCENARIO, 7, START, 62)
    warm = [one for one in told if one.name == TEMPERATURE]
    assert [one.day for one in warm] == [
        to_datetime(START).date() + timedelta(days=day) for day in range(60 + DAYS_AHEAD)
    ]
    lived = np.average([weather.temperature_c[:60] for weather in climate.cities], axis=0, weights=SHARES)
    np.testing.assert_allclose([one.value for one in warm[:60]], lived, atol=0.006)
    wet = [one.value for one in told if one.name == WET]
    assert len(told) == len(warm) + len(wet)
    assert 0.0 <= min(wet) <= max(wet) <= 1.0
    assert [one.value for one in told_weather(SCENARIO, 7, START, NOW)] == [one.value for one in told]


def test_a_forecast_errs_more_the_farther_it_looks() -> None:
    errors = []
    for step in range(40):
        now = NOW + step * DAY
        then, later = (told_weather(SCENARIO, 7, START, at) for at in (now, now + DAYS_AHEAD * DAY))
        ahead = [one for one in then if one.name == TEMPERATURE][-DAYS_AHEAD:]
        came = {one.day: one.value for one in later if one.name == TEMPERATURE}
        errors.append([abs(one.value - came[one.day]) for one in ahead])
    mean = np.mean(errors, axis=0)
    assert 0 < mean[0] < mean[3] < mean[6]


def test_the_demonstration_is_told_its_weather_and_a_week_ahead(tmp_path: Path) -> None:
    with opened_shop(tmp_path / "shop") as shop:
        now = Micros(NOW)
        clock = ShopClock(ZoneInfo("UTC"), lambda: now)
        for later in (0, 3):
            now = Micros(NOW + later * DAY)
            tell_demo_weather(JobContext(shop.settings, shop.place, shop.stores, clock, None, lambda share, what: None))
        known = shop.stores.demand_causes.summary()
    today = to_datetime(NOW).date()
    assert [(one.name, one.first_day, one.last_day) for one in known] == [
        (name, today, today + timedelta(days=3 + DAYS_AHEAD - 1)) for name in (TEMPERATURE, WET)
    ]
