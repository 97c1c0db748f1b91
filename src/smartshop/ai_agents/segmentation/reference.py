"""What is usual in the shop: fixed values against which every customer's features are measured.

They are learned once and kept, so that a customer's numbers never depend on who else is in the table.
"""

from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.moments import (
    Bools,
    is_before_christmas,
    is_evening,
    is_mobile,
    is_weekend,
    local_time,
    sessions_of,
)
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.schemas.ids import Micros

_PRIOR = 10.0
"""Moments at which a share is believed to be what it would be by the calendar, in shops that are just beginning."""


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """Shares 0 to 1, of all customers together."""

    timezone: str = "UTC"
    """IANA name: evenings and weekends are the shop's."""
    history_from: Micros = Micros(0)
    """The first order, or the first sign where there is none."""
    main_channel: str = ""
    """Of most orders; empty where no order tells its channel."""
    other_channel_share: float = 0.0
    """Of the orders that tell their channel, those through any but the main one."""
    mobile_share: float = 0.5
    """Of the visits that tell their device."""
    evening_share: float = 0.25
    weekend_share: float = 2 / 7
    christmas_share: float = 54 / 365
    """Of the orders."""
    search_share: float = 0.2
    """Of the visits, those with a search."""
    basket_share: float = 0.2
    """Of the visits, those in which something came into the basket."""
    tells_discounts: bool = False
    """Whether any order told a discount; in a shop that tells none nobody saves more or less than others."""


def learn_reference(activity: CustomerActivity, timezone: str) -> Reference:
    """Measure the shop as a whole; where little is known a share leans to the defaults of `Reference`."""
    plain, zone, sessions = Reference(), ZoneInfo(timezone), sessions_of(activity)
    main, other_share = _channels(activity)
    ordered = local_time(activity.order_at, zone)
    moments = np.concatenate((local_time(sessions.at, zone), ordered))
    devices = np.concatenate((sessions.device, activity.order_device))
    begun = activity.order_at if len(activity.order_at) else activity.sign_at
    return Reference(
        timezone=timezone,
        history_from=Micros(int(begun.min())) if len(begun) else activity.as_of,
        main_channel=main,
        other_channel_share=other_share,
        mobile_share=_share(is_mobile(activity.devices)[devices[devices > 0]], plain.mobile_share),
        evening_share=_share(is_evening(moments), plain.evening_share),
        weekend_share=_share(is_weekend(moments), plain.weekend_share),
        christmas_share=_share(is_before_christmas(ordered), plain.christmas_share),
        search_share=_share(sessions.has_search, plain.search_share),
        basket_share=_share(sessions.has_basket, plain.basket_share),
        tells_discounts=bool(is_discounted(activity).any()),
    )


def is_discounted(activity: CustomerActivity) -> Bools:
    """(m,) orders of which a discount is known; where goods came back, the value fell for another reason as well."""
    less = activity.order_value_minor < activity.order_list_minor
    return np.asarray(less & (activity.order_units_back == 0), np.bool_)


def _share(hits: Bools, usual: float) -> float:
    return float((hits.sum() + _PRIOR * usual) / (len(hits) + _PRIOR))


def _channels(activity: CustomerActivity) -> tuple[str, float]:
    """The channel of most orders (the first by name where two are level), and the share of all others."""
    told: NDArray[np.int16] = activity.order_channel[activity.order_channel > 0]
    if not len(told):
        return "", 0.0
    counts = np.bincount(told, minlength=len(activity.channels))
    main = min(range(1, len(activity.channels)), key=lambda code: (-counts[code], activity.channels[code]))
    return activity.channels[main], float(1 - counts[main] / len(told))
