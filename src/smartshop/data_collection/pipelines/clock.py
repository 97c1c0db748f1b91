"""The shop's clock: real time for what arrives, the shop's own time for what is shown and learned.

An imported history of 2009-2011 is alive in its own time: when the newest human event is over 30 days old, slates are
decided as of that event.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from smartshop.data_collection.schemas.ids import Micros
from smartshop.errors import InvalidValue

SECOND = 1_000_000
DAY = 86_400 * SECOND
STALE_AFTER = 30 * DAY
"""From then on a shop's history counts as imported and its own time as standing still."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LAST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


def to_micros(moment: datetime) -> Micros:
    """Exact, unlike `timestamp()`, which goes through a float.

    Raises:
        InvalidValue: in UTC it lies outside the years 1 to 9999, so that it could never be written again.
    """
    micros = (moment - _EPOCH) // _MICROSECOND
    if not _FIRST <= micros <= _LAST:
        raise InvalidValue(f"The time {moment.isoformat()} lies outside the years 1 to 9999 in UTC; send a real one.")
    return Micros(micros)


def to_datetime(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def format_rfc3339(micros: int) -> str:
    """`2026-11-22T15:30:00.000000Z`, always with microseconds so that texts sort as times do."""
    return to_datetime(micros).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def rfc3339_or_none(micros: int | None) -> str | None:
    """For what has not happened, or never ends."""
    return None if micros is None else format_rfc3339(micros)


def system_now() -> Micros:
    return to_micros(datetime.now(UTC))


@dataclass(frozen=True, slots=True)
class ShopClock:
    """Passed to everything that needs the time; nothing else reads a clock."""

    timezone: ZoneInfo
    now: Callable[[], Micros] = system_now
    newest_human_at: Callable[[], Micros | None] = lambda: None
    """Cheap: answered from memory, refreshed by the process."""

    def shop_now(self) -> Micros:
        """The time slates and learning are as of."""
        now, newest = self.now(), self.newest_human_at()
        return newest if newest is not None and now - newest > STALE_AFTER else now

    @property
    def stands_still(self) -> bool:
        newest = self.newest_human_at()
        return newest is not None and self.now() - newest > STALE_AFTER

    def day(self, micros: int) -> date:
        return to_datetime(micros).astimezone(self.timezone).date()
