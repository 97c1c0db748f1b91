"""When customers come: visits and orders as moments in the shop's own time, with the device they came on."""

import re
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.clock import DAY, SECOND, to_datetime
from smartshop.data_collection.pipelines.customer_activity import SIGN_KINDS, CustomerActivity
from smartshop.data_collection.schemas.events import EventKind

HOUR = 3_600 * SECOND
EVENING_FROM = 18
"""Local hour from which it is evening, until midnight."""
_SATURDAY = 2
"""Day of a week counted from 1970-01-01, which was a Thursday."""
_BEFORE_CHRISTMAS = (11 * 100 + 1, 12 * 100 + 24)
"""First and last local day, as month × 100 + day: 1 November to 24 December."""
_MOBILE_WORDS = frozenset("mobile phone smartphone iphone cell tablet android ios ipad app".split())
_WORD = re.compile(r"[a-z]+")

Micros64 = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Sessions:
    """v visits of customers, each once; parallel arrays, by (customer, session)."""

    customer: NDArray[np.int64]
    at: Micros64
    """(v,) µs UTC of the first sign."""
    device: NDArray[np.int16]
    """(v,) of the first sign."""
    has_search: Bools
    has_basket: Bools
    """(v,) something was put into the basket, or a checkout begun."""


def sessions_of(activity: CustomerActivity) -> Sessions:
    """One row per customer and session number."""
    key = activity.sign_customer.astype(np.int64) << 32 | activity.sign_session
    # Signs stand by time within a customer, so the first index is the earliest sign.
    distinct, first, session = np.unique(key, return_index=True, return_inverse=True)
    kind = activity.sign_kind
    searched = kind == SIGN_KINDS.index(EventKind.SEARCHED)
    added = (kind == SIGN_KINDS.index(EventKind.PRODUCT_ADDED)) | (kind == SIGN_KINDS.index(EventKind.CHECKOUT_STARTED))
    return Sessions(
        customer=distinct >> 32,
        at=activity.sign_at[first],
        device=activity.sign_device[first],
        has_search=_any_of(session[searched], len(distinct)),
        has_basket=_any_of(session[added], len(distinct)),
    )


def _any_of(places: NDArray[np.int64], size: int) -> Bools:
    found = np.zeros(size, np.bool_)
    found[places] = True
    return found


def local_time(at: Micros64, timezone: ZoneInfo) -> Micros64:
    """µs since 1970 on the shop's wall clock; the offset is looked up once per hour that occurs."""
    hours, place = np.unique(at // HOUR, return_inverse=True)
    offsets = [_offset(hour * HOUR, timezone) for hour in hours.tolist()]
    return at + np.asarray(offsets, np.int64)[place]


def _offset(micros: int, timezone: ZoneInfo) -> int:
    offset = to_datetime(micros).astimezone(timezone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds()) * SECOND


def is_evening(local: Micros64) -> Bools:
    return np.asarray(local % DAY >= EVENING_FROM * HOUR, np.bool_)


def is_weekend(local: Micros64) -> Bools:
    """Saturday and Sunday, as in most countries."""
    day = local // DAY % 7
    return np.asarray((day == _SATURDAY) | (day == _SATURDAY + 1), np.bool_)


def is_before_christmas(local: Micros64) -> Bools:
    """From 1 November to 24 December, when gifts are bought."""
    days = (local // DAY).astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    month = months.astype(np.int64) % 12 + 1
    date = month * 100 + (days - months.astype("datetime64[D]")).astype(np.int64) + 1
    first, last = _BEFORE_CHRISTMAS
    return np.asarray((date >= first) & (date <= last), np.bool_)


def is_mobile(devices: tuple[str, ...]) -> Bools:
    """(n_devices,): what is carried about; names are the shop's own words."""
    return np.array([not _MOBILE_WORDS.isdisjoint(_WORD.findall(device.casefold())) for device in devices], np.bool_)
