"""From rows of what is known of days to causes as forecasts know them."""

from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from smartshop.ai_agents.inventory.demand import told_causes
from smartshop.ai_agents.inventory.demand.causes import ShopEvent
from smartshop.ai_agents.inventory.demand.told_causes import holiday_country, in_words, known_causes
from smartshop.data_collection.pipelines.clock import ShopClock
from smartshop.data_collection.schemas.countries import COUNTRIES, clean_country
from smartshop.data_collection.schemas.demand_causes import CauseKind, DemandCause
from smartshop.data_collection.schemas.ids import LocationId
from smartshop.errors import InvalidValue, SettingsError
from smartshop.job_context import JobContext
from smartshop.settings import read_settings
from smartshop.stock_jobs import known_of_days
from tests.importing.shop import opened_shop

MONDAY = date(2026, 5, 4)
FIRST = MONDAY.toordinal()
OSLO = LocationId("oslo")


def event(name: str, day: int, place: LocationId | None = None) -> DemandCause:
    when = MONDAY + timedelta(days=day)
    return DemandCause(name=name, kind=CauseKind.EVENT, day=when, value=1.0, location_id=place)


def weather(name: str, day: int, value: float, place: LocationId | None = None) -> DemandCause:
    when = MONDAY + timedelta(days=day)
    return DemandCause(name=name, kind=CauseKind.WEATHER, day=when, value=value, location_id=place)


def test_days_in_a_row_are_one_event_at_its_place() -> None:
    told = [*(event("fair", day) for day in (9, 2, 1, 3)), event("fair", 2, OSLO), event("sale", 3)]
    assert set(known_causes(None, told).events) == {
        ShopEvent("fair", FIRST + 1, FIRST + 3),
        ShopEvent("fair", FIRST + 9, FIRST + 9),
        ShopEvent("fair", FIRST + 2, FIRST + 2, OSLO),
        ShopEvent("sale", FIRST + 3, FIRST + 3),
    }


def test_weather_is_a_row_of_days_with_gaps_where_nobody_told() -> None:
    told = [weather("rain", 4, 2.5), weather("rain", 1, 0.0), weather("rain", 2, 7.0, OSLO)]
    whole, own = known_causes("GB", told).readings
    assert (whole.name, whole.location, whole.first_day) == ("rain", None, FIRST + 1)
    np.testing.assert_array_equal(whole.values, np.array([0.0, np.nan, np.nan, 2.5], np.float32))
    assert (own.location, own.first_day, own.values.tolist()) == (OSLO, FIRST + 2, [7.0])
    assert whole.values.dtype == np.float32


def test_what_is_known_is_told_in_words() -> None:
    assert in_words(known_causes(None, [])) == "nothing was told"
    told = [
        event("sale", 1),
        event("fair", 2),
        event("sale", 8),
        weather("rain", 1, 2.0),
        weather("rain", 1, 2.0, OSLO),
    ]
    assert in_words(known_causes("GB", told)) == "holidays of GB; events: fair, sale; weather: rain"


def test_holidays_of_a_country_are_known_or_it_is_said_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("holidays")
    assert holiday_country("GB") == ("GB", "")
    assert holiday_country("QQ") == (
        None,
        "No public holidays are known of QQ; tell them as events (POST /v1/demand-causes).",
    )
    monkeypatch.setattr(told_causes, "find_spec", lambda name: None)  # as in an installation without the extra
    country, why_not = holiday_country("GB")
    assert country is None
    assert "pip install 'smartshop[forecast]'" in why_not


@pytest.mark.parametrize("raw", ["UK", "XX", "G", "GBR", ""])
def test_a_country_is_one_that_exists(raw: str) -> None:
    with pytest.raises(InvalidValue, match="is no ISO 3166 code"):
        clean_country(raw)
    assert clean_country("de") == "DE"
    assert len(COUNTRIES) == 249


def test_the_setting_names_the_country_or_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings(country=None).country is None
    monkeypatch.setenv("SMARTSHOP_COUNTRY", "gb")
    assert read_settings().country == "GB"
    monkeypatch.setenv("SMARTSHOP_COUNTRY", "UK")
    with pytest.raises(SettingsError, match=r"SMARTSHOP_COUNTRY cannot be used: .* \(the United Kingdom is GB\)"):
        read_settings()


def test_jobs_know_what_the_shop_told(tmp_path: Path) -> None:
    pytest.importorskip("holidays")
    with opened_shop(tmp_path / "shop") as shop:
        shop.stores.demand_causes.tell([event("fair", 1, OSLO), event("fair", 2, OSLO), weather("rain", 1, 2.0)])
        clock = ShopClock(ZoneInfo("UTC"))
        found = {}
        for country in ("GB", "QQ"):
            settings = shop.settings.model_copy(update={"country": country})
            found[country] = known_of_days(
                JobContext(settings, shop.place, shop.stores, clock, None, lambda share, what: None)
            )
    known, why_not = found["GB"]
    assert (known.country, why_not) == ("GB", "")
    assert known.events == (ShopEvent("fair", FIRST + 1, FIRST + 2, OSLO),)
    assert [one.values.tolist() for one in known.readings] == [[2.0]]
    known, why_not = found["QQ"]
    assert (known.country, known.events) == (None, found["GB"][0].events)
    assert "No public holidays are known of QQ" in why_not
