"""What every DemandCauses promises."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.demand_causes import (
    MOST_NAMES,
    CauseFilter,
    CauseKind,
    DemandCause,
    NamedCause,
    TooManyNames,
)
from smartshop.data_collection.schemas.ids import LocationId

MONDAY = date(2026, 5, 4)


def event(name: str = "fair", day: int = 0, place: str | None = None) -> DemandCause:
    return told(CauseKind.EVENT, name, day, 1.0, place)


def weather(value: float, day: int = 0, place: str | None = None, name: str = "rain_mm") -> DemandCause:
    return told(CauseKind.WEATHER, name, day, value, place)


def told(kind: CauseKind, name: str, day: int, value: float, place: str | None) -> DemandCause:
    location = None if place is None else LocationId(place)
    return DemandCause(name=name, kind=kind, day=MONDAY + timedelta(days=day), value=value, location_id=location)


def test_what_is_told_again_takes_the_place_of_what_was(stores: SqlStores) -> None:
    causes = stores.demand_causes
    assert causes.tell([weather(1.0), weather(2.0, 1), event()]) == [None] * 3
    assert causes.tell([weather(0.5), weather(4.0), weather(7.0, 0, "oslo")]) == [None] * 3
    assert causes.page(CauseFilter()) == [event(), weather(4.0), weather(7.0, 0, "oslo"), weather(2.0, 1)]
    assert causes.names() == {"fair": CauseKind.EVENT, "rain_mm": CauseKind.WEATHER}


def test_a_page_is_of_what_is_asked_for(stores: SqlStores) -> None:
    causes = stores.demand_causes
    causes.tell([weather(float(day), day) for day in range(10)] + [event("sale", 3)])
    asked = CauseFilter(name="rain_mm", first_day=MONDAY + timedelta(days=2), last_day=MONDAY + timedelta(days=6))
    assert [one.value for one in causes.page(asked)] == [2.0, 3.0, 4.0, 5.0, 6.0]
    assert [one.value for one in causes.page(asked, offset=1, limit=2)] == [3.0, 4.0]
    assert causes.page(CauseFilter(name="snow")) == []
    assert [len(batch) for batch in causes.scan(batch_size=4)] == [4, 4, 3]
    assert [one for batch in causes.scan() for one in batch] == causes.page(CauseFilter())


def test_days_of_a_name_are_of_one_kind(stores: SqlStores) -> None:
    causes = stores.demand_causes
    causes.tell([event("fair")])
    refusals = causes.tell([weather(3.0, 1, name="fair"), weather(3.0), event("rain_mm", 2), event("fair", 4)])
    assert [refusal is None for refusal in refusals] == [False, True, False, True]
    assert "'fair' is known as event and is told as weather" in (refusals[0] or "")
    assert causes.page(CauseFilter()) == [event("fair"), event("fair", 4), weather(3.0)]


@pytest.mark.parametrize("kind", list(CauseKind))
def test_a_name_too_many_keeps_the_whole_batch_out(stores: SqlStores, kind: CauseKind) -> None:
    causes, most = stores.demand_causes, MOST_NAMES[kind]
    causes.tell([told(kind, f"n{number}", 0, 1.0, None) for number in range(most - 1)])
    with pytest.raises(TooManyNames, match=f"{most + 1} names of kind {kind.value}, and at most {most} are kept"):
        causes.tell([told(kind, "one", 0, 1.0, None), told(kind, "two", 0, 1.0, None)])
    assert len(causes.names()) == most - 1
    assert causes.tell([told(kind, "one", 0, 1.0, None), told(kind, "n0", 1, 1.0, None)]) == [None, None]
    other = CauseKind.EVENT if kind is CauseKind.WEATHER else CauseKind.WEATHER
    assert causes.tell([told(other, "another", 0, 1.0, None)]) == [None]


def test_what_is_forgotten_makes_room_for_its_name(stores: SqlStores) -> None:
    causes = stores.demand_causes
    causes.tell([weather(float(day), day, place) for day in range(6) for place in (None, "oslo")] + [event()])
    late = CauseFilter(name="rain_mm", first_day=MONDAY + timedelta(days=4))
    assert (causes.forget(late), causes.forget(late)) == (4, 0)
    assert causes.summary() == [
        NamedCause(name="fair", kind=CauseKind.EVENT, days=1, first_day=MONDAY, last_day=MONDAY),
        NamedCause(
            name="rain_mm", kind=CauseKind.WEATHER, days=8, first_day=MONDAY, last_day=MONDAY + timedelta(days=3)
        ),
    ]
    assert causes.forget(CauseFilter(name="rain_mm")) == 8
    assert causes.names() == {"fair": CauseKind.EVENT}
    assert causes.tell([event("rain_mm")]) == [None]


def test_two_who_tell_at_once_are_both_heard(stores: SqlStores, open_again: Callable[[], SqlStores]) -> None:
    other = open_again()
    days = range(300)
    batches = [[weather(1.0, day) for day in days], [weather(2.0, day) for day in reversed(days)]]
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda one: one[0].demand_causes.tell(one[1]), zip((stores, other), batches, strict=True)))
    other.close()
    assert done == [[None] * 300] * 2
    found = stores.demand_causes.page(CauseFilter(), limit=1_000)
    assert [one.day for one in found] == [MONDAY + timedelta(days=day) for day in days]
    assert len({one.value for one in found}) == 1
