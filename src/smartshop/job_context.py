"""What every job is given, and how it tells how far it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import ShopClock, to_micros
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.ids import Micros
from smartshop.errors import InvalidValue
from smartshop.place import Place
from smartshop.settings import Settings

Tell = Callable[[float, str], None]
"""Called with the share done (0 to 1) and what is being done."""


@dataclass(frozen=True, slots=True)
class JobContext:
    """What a job may use."""

    settings: Settings
    place: Place
    stores: SqlStores
    clock: ShopClock
    until: Micros | None
    """The end of the day the job is for; None is now."""
    tell: Tell
    arguments: Mapping[str, str] = field(default_factory=dict)
    """What the job was queued with."""


Job = Callable[[JobContext], dict[str, Any]]
"""Any: facts to print, as JSON can say them."""


def until_now(context: JobContext) -> Micros:
    """An event dated ahead of us is not of the past yet, nor is a day to come."""
    return min(context.until or context.clock.shop_now(), context.clock.shop_now())


def shelf_of(context: JobContext) -> Shelf:
    stores, clock = context.stores, context.clock
    return ShelfKeeper(stores.catalogue, stores.stock, context.settings.currency, clock.shop_now, clock.now).shelf


def rounded(metrics: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in metrics.items() if not name.startswith("weight_")}


def end_of_day(day: date, timezone: ZoneInfo) -> Micros:
    """The last microsecond of a day in the shop's zone.

    Raises:
        InvalidValue: a day out of the calendar that the shop keeps.
    """
    if not 2000 <= day.year <= 2100:
        raise InvalidValue(f"The day {day} is not between 2000 and 2100.")
    midnight = datetime.combine(day + timedelta(days=1), time(), timezone)
    return Micros(to_micros(midnight) - 1)
