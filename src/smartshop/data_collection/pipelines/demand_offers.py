"""Which prices the shop had cut, and from when to when: offers with dates and a price they are held against."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.demand_days import local_day
from smartshop.data_collection.schemas.catalogue import ListedProduct, Offer
from smartshop.data_collection.schemas.ids import Micros

ALWAYS, EVER = 1, 3_652_059
"""Ordinals of the first and the last day there is: 0001-01-01 and 9999-12-31."""


@dataclass(frozen=True, slots=True)
class Promotions:
    """p price cuts, parallel; those to come are known as well."""

    product_no: NDArray[np.int32]
    first_day: NDArray[np.int64]
    """Ordinals, both ends included."""
    last_day: NDArray[np.int64]
    share_off: NDArray[np.float32]
    """0 to 1 of the price it is held against."""


def no_promotions() -> Promotions:
    days = np.zeros(0, np.int64)
    return Promotions(np.zeros(0, np.int32), days, days, np.zeros(0, np.float32))


def dated_offers(listed: Sequence[ListedProduct], currency: str, market: str, timezone: ZoneInfo) -> Promotions:
    """The cuts of a market's offers. One without a beginning is left out: since when it holds nobody knows."""
    rows = [
        (int(one.product_no), *_days(offer, timezone), 1.0 - offer.price_minor / offer.list_price_minor)
        for one in listed
        for variant in one.product.variants
        for offer in variant.offers
        if offer.currency == currency
        and offer.market == market
        and offer.valid_from is not None
        and offer.list_price_minor is not None
        and offer.list_price_minor > offer.price_minor >= 0
    ]
    if not rows:
        return no_promotions()
    product, first, last, off = zip(*rows, strict=True)
    return Promotions(
        np.array(product, np.int32), np.array(first, np.int64), np.array(last, np.int64), np.array(off, np.float32)
    )


def _days(offer: Offer, timezone: ZoneInfo) -> tuple[int, int]:
    """An offer ends before `valid_to`: at midnight its last day is the one before."""
    first = ALWAYS if offer.valid_from is None else local_day(offer.valid_from, timezone)
    return first, EVER if offer.valid_to is None else local_day(Micros(offer.valid_to - 1), timezone)
