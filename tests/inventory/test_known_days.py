"""What the forecasts by day knew of the days ahead, as it is kept and told."""

from dataclasses import replace
from datetime import date

import msgspec
import numpy as np
import pytest

from smartshop.ai_agents.inventory.demand.causes import DailyReading, KnownCauses, ShopEvent
from smartshop.ai_agents.inventory.demand.causes_ahead import causes_ahead
from smartshop.ai_agents.inventory.demand.known_days import KnownAhead, in_a_line, on_day, seen_at
from smartshop.data_collection.pipelines.demand import DemandTable
from smartshop.data_collection.pipelines.demand_offers import Promotions
from smartshop.data_collection.schemas.ids import LocationId
from tests.inventory.test_demand_series import table_of

MONDAY = date(2024, 10, 7).toordinal()
LEEDS, YORK = LocationId("leeds"), LocationId("york")
DAYS = 70
AHEAD = MONDAY + DAYS
"""The Monday before Christmas week."""


def table() -> DemandTable:
    """Three products in Leeds and York, seventy days up to the 15th of December."""
    made = table_of(np.ones((3, DAYS)), first_day=MONDAY)
    return replace(made, location=np.array([1, 0, 1], np.int32), locations=(LEEDS, YORK))


def seen(known: KnownCauses, of: DemandTable | None = None, days: int = 14) -> tuple[KnownAhead, ...]:
    return causes_ahead(of or table(), known, AHEAD, days)


def test_nothing_told_is_nothing_known() -> None:
    assert seen(KnownCauses()) == ()


def test_an_event_is_told_by_its_days_and_places() -> None:
    fair, sale = ShopEvent("fair", AHEAD + 2, AHEAD + 3), ShopEvent("sale", AHEAD + 5, AHEAD + 40, YORK)
    found = {(one.name, one.locations): one.days for one in seen(KnownCauses(events=(fair, sale)))}
    assert found == {
        ("fair", ()): (AHEAD + 2, AHEAD + 3),
        ("sale", (YORK,)): tuple(range(AHEAD + 5, AHEAD + 14)),
        ("sale", (LEEDS,)): (),
    }


def test_weather_is_known_for_as_long_as_it_was_told() -> None:
    rain = DailyReading("rain", None, MONDAY, np.arange(DAYS + 3, dtype=np.float32))
    assert seen(KnownCauses(readings=(rain,))) == (KnownAhead(name="rain", kind="weather", told_until=AHEAD + 2),)


def test_promotions_are_known_to_the_end() -> None:
    cut = Promotions(
        *(np.array([one], kind) for one, kind in ((0, "i4"), (AHEAD, "i4"), (AHEAD + 1, "i4"), (0.2, "f4")))
    )
    (found,) = seen(KnownCauses(), replace(table(), promotions=cut))
    assert (found.kind, found.told_until) == ("promotions", AHEAD + 13)


def test_holidays_are_told_by_their_days() -> None:
    pytest.importorskip("holidays")
    (found,) = seen(KnownCauses(country="GB"))
    assert [date.fromordinal(day).isoformat() for day in found.days] == ["2024-12-25", "2024-12-26"]


def test_a_place_is_told_what_is_known_of_it_in_words() -> None:
    known = (
        KnownAhead(name="promotions", kind="promotions", told_until=AHEAD + 13),
        KnownAhead(name="fair", kind="event", days=(AHEAD, AHEAD + 1), locations=(LEEDS,)),
        KnownAhead(name="sale", kind="event"),
        KnownAhead(name="rain", kind="weather", told_until=AHEAD + 2),
    )
    assert msgspec.json.decode(msgspec.json.encode(known), type=tuple[KnownAhead, ...]) == known
    leeds = seen_at(known, LEEDS)
    assert in_a_line(leeds) == (
        "promotions until 2024-12-29; fair on 2024-12-16, 2024-12-17; sale: none ahead; rain until 2024-12-18, then as "
        "usual"
    )
    assert [one.name for one in seen_at(known, YORK)] == ["promotions", "sale", "rain"]
    assert list(on_day(leeds, "2024-12-17")) == ["fair"]
