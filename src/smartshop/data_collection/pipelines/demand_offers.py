"""Which prices the shop had cut, and from when to when (offers with dates and a price they are held against), and when
it set others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.demand_days import local_day
from smartshop.data_collection.pipelines.shelf_arrays import Pricing
from smartshop.data_collection.schemas.catalogue import ListedProduct, Offer
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.prices import PricePoint

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


@dataclass(frozen=True, slots=True)
class PriceSteps:
    """p changes of products' prices, parallel, by day; what is planned is not among them."""

    product_no: NDArray[np.int32]
    day: NDArray[np.int64]
    """Ordinal; by its evening the new price is asked."""
    log_step: NDArray[np.float64]
    """Logarithm of the new price over the old one, mean over the product's variants."""


def no_price_steps() -> PriceSteps:
    return PriceSteps(np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0))


def price_steps(
    points: Sequence[PricePoint], listed: Sequence[ListedProduct], pricing: Pricing, timezone: ZoneInfo
) -> PriceSteps:
    """How prices moved up to `pricing.at`, from what was asked before to what was asked then.

    `points`: of each variant together, by time, as the price history tells them.
    """
    numbers = {one.variant_id: int(each.product_no) for each in listed for one in each.product.variants}
    variants = {int(each.product_no): len(each.product.variants) for each in listed}
    steps: dict[tuple[int, int], float] = {}
    own = [one for one in points if (one.market, one.currency) == (pricing.market, pricing.currency)]
    for before, after in pairwise(own):
        number = numbers.get(after.variant_id)
        if number is None or before.variant_id != after.variant_id or after.since > pricing.at:
            continue
        if before.price_minor and after.price_minor and before.price_minor != after.price_minor:
            key = number, local_day(after.since, timezone)
            steps[key] = steps.get(key, 0.0) + log(after.price_minor / before.price_minor) / variants[number]
    if not steps:
        return no_price_steps()
    product, day = zip(*steps, strict=True)
    return PriceSteps(np.array(product, np.int32), np.array(day, np.int64), np.array(list(steps.values())))


def _days(offer: Offer, timezone: ZoneInfo) -> tuple[int, int]:
    """An offer ends before `valid_to`: at midnight its last day is the one before."""
    first = ALWAYS if offer.valid_from is None else local_day(offer.valid_from, timezone)
    return first, EVER if offer.valid_to is None else local_day(Micros(offer.valid_to - 1), timezone)
