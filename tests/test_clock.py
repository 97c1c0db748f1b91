"""An imported history is alive in its own time: "now" is its newest event, and learning can stop at any of its days."""

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from smartshop.data_collection.pipelines.clock import DAY, ShopClock, format_rfc3339, system_now, to_datetime
from smartshop.data_collection.schemas.ids import Micros
from smartshop.errors import InvalidValue
from smartshop.job_context import end_of_day
from smartshop.jobs import run_job
from smartshop.wiring import build_clock
from tests.importing.shop import interactions_file, online_retail_file, opened_shop

LONDON = ZoneInfo("Europe/London")
NOW = Micros(1_790_000_000_000_000)


def clock_with(newest: int | None) -> ShopClock:
    return ShopClock(LONDON, lambda: NOW, lambda: None if newest is None else Micros(newest))


@pytest.mark.parametrize("days", [0, 1, 30])
def test_a_living_shop_is_in_the_present(days: int) -> None:
    clock = clock_with(NOW - days * DAY)
    assert clock.shop_now() == NOW
    assert not clock.stands_still


def test_a_history_older_than_thirty_days_is_as_of_its_newest_event() -> None:
    newest = NOW - 30 * DAY - 1
    assert clock_with(newest).shop_now() == newest
    assert clock_with(newest).stands_still


def test_an_empty_shop_is_in_the_present() -> None:
    assert clock_with(None).shop_now() == NOW


def test_a_day_is_the_shops_own() -> None:
    just_before_midnight_utc = 1_719_788_400_000_000  # 2024-06-30T23:00:00Z is 1 July in London
    assert clock_with(None).day(just_before_midnight_utc) == date(2024, 7, 1)


def test_a_day_ends_at_midnight_of_its_zone() -> None:
    assert format_rfc3339(end_of_day(date(2011, 7, 1), LONDON)) == "2011-07-01T22:59:59.999999Z"
    # The day on which clocks go forward has 23 hours.
    assert end_of_day(date(2026, 3, 29), LONDON) - end_of_day(date(2026, 3, 28), LONDON) == DAY * 23 // 24


@pytest.mark.parametrize("day", [date(1999, 12, 31), date(2101, 1, 1)])
def test_a_day_no_shop_has_is_a_sentence(day: date) -> None:
    with pytest.raises(InvalidValue, match="between 2000 and 2100"):
        end_of_day(day, LONDON)


def test_an_imported_shop_lives_in_its_own_time(tmp_path: Path) -> None:
    with opened_shop(tmp_path / "shop") as shop:
        shop.bring("online-retail", online_retail_file(tmp_path / "invoices.parquet", invoices=100))
        newest = max(event.occurred_at for batch in shop.stores.log.scan() for _, event in batch)
        clock = build_clock(shop.settings, shop.stores)
        assert clock.shop_now() == newest
        assert to_datetime(newest).year == 2010
        assert clock.now() > system_now() - DAY


def test_learning_for_a_day_knows_nothing_later(tmp_path: Path) -> None:
    with opened_shop(tmp_path / "shop") as shop:
        shop.bring("interactions", interactions_file(tmp_path / "interactions.csv"))
    run_job("train-recommendation", shop.settings, shop.place, day=date(2010, 6, 30))
    with opened_shop(tmp_path / "shop") as shop:
        (record,) = shop.stores.models.history("recommendation")
        assert to_datetime(record.data_until).date() <= date(2010, 6, 30)
    run_job("train-recommendation", shop.settings, shop.place)
    with opened_shop(tmp_path / "shop") as shop:
        newest = shop.stores.models.history("recommendation")[0]
        assert to_datetime(newest.data_until).year == 2011
