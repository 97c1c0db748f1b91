"""RFC 3339 to int64 µs."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartshop.data_collection.pipelines.clock import format_rfc3339, to_micros
from smartshop.data_collection.pipelines.timestamps import parse_rfc3339
from smartshop.errors import InvalidValue

# Naive on purpose: hypothesis adds the zone.
EARLIEST, LATEST = datetime(1900, 1, 2), datetime(9999, 12, 30)  # noqa: DTZ001
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(min_value=EARLIEST, max_value=LATEST, timezones=OFFSETS))
def test_any_moment_in_any_zone_is_read_exactly(moment: datetime) -> None:
    assert parse_rfc3339(moment.isoformat()) == to_micros(moment)


@given(st.integers(0, 4_000_000_000_000_000))
def test_what_we_write_we_read(micros: int) -> None:
    assert parse_rfc3339(format_rfc3339(micros)) == micros


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("2026-11-22t15:30:00z", "2026-11-22T15:30:00Z"),
        ("2026-11-22 15:30:00Z", "2026-11-22T15:30:00Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
        ("2026-11-22T15:30:00.123456789Z", "2026-11-22T15:30:00.123456Z"),
    ],
)
def test_the_rarer_forms_of_rfc_3339_are_read(text: str, same_as: str) -> None:
    assert parse_rfc3339(text) == to_micros(datetime.fromisoformat(same_as).astimezone(UTC))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "yesterday",
        "2026-11-22",
        "2026-11-22T15:30:00",
        "2026-11-22T15:30Z",
        "20261122T153000Z",
        "2026-W47-7T10:00:00Z",
        "2026-02-30T10:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T10:00:61Z",
        "２０２６-11-22T10:00:00Z",
        "1700000000",
        "2026-11-22T15:30:00Z\n",
    ],
)
def test_anything_else_is_refused_with_the_bad_value(text: str) -> None:
    with pytest.raises(InvalidValue, match="time"):
        parse_rfc3339(text)
