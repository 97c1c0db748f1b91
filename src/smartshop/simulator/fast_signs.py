"""The signs that visits leave behind: pages, looks, searches, baskets filled; without playing a visit out."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.clock import SECOND
from smartshop.data_collection.pipelines.customer_activity import SIGN_KINDS
from smartshop.data_collection.schemas.events import EventKind
from smartshop.simulator.behaviour import DWELL_SHARE, IDLE_ADD_SHARE, LINES_PER_ERRAND, LOOK_CLOSER_SHARE
from smartshop.simulator.fast_baskets import Baskets
from smartshop.simulator.fast_choice import Chooser
from smartshop.simulator.fast_people import Visits
from smartshop.simulator.scenario import Scenario

SLATE_LOOKS = 0.7
"""Products opened from slates per visit. This and the next: means over the visits of both shipped scenarios."""
LISTINGS = 0.8
"""Category pages and searches per visit without intention to buy."""
LISTING_LOOKS = 1.45
"""Products opened per such page."""
SECONDS_PER_LINE = 8.0
LOOKING_SECONDS = 240.0
"""Everything but filling the basket happens within so long of the visit's start."""


@dataclass(frozen=True, slots=True)
class Signs:
    """(s,) each, in no order."""

    visit: NDArray[np.int32]
    seconds: NDArray[np.float32]
    """Since the visit's start."""
    kind: NDArray[np.int8]
    """Index into SIGN_KINDS."""
    product: NDArray[np.int32]
    """-1: none."""


_Part = tuple[EventKind, NDArray[np.int32], NDArray[np.float32], NDArray[np.int32]]


def make_signs(
    scenario: Scenario,
    chooser: Chooser,
    visits: Visits,
    baskets: Baskets,
    start_at: int,
    kinds: Collection[EventKind],
) -> Signs:
    """All signs of the kinds asked for."""
    parts = [
        part
        for made in (
            _about_nothing(scenario, chooser, visits, baskets),
            _looks(chooser, visits, start_at),
            _filling(chooser, baskets),
        )
        for part in made
        if part[0] in kinds
    ]
    if not parts:
        none = np.zeros(0, np.int32)
        return Signs(none, none.astype(np.float32), none.astype(np.int8), none)
    number = {kind: row for row, kind in enumerate(SIGN_KINDS)}
    return Signs(
        visit=np.concatenate([visit for _, visit, _, _ in parts]),
        seconds=np.concatenate([seconds for _, _, seconds, _ in parts]),
        kind=np.concatenate([np.full(len(visit), number[kind], np.int8) for kind, visit, _, _ in parts]),
        product=np.concatenate([product for _, _, _, product in parts]),
    )


def _about_nothing(scenario: Scenario, chooser: Chooser, visits: Visits, baskets: Baskets) -> Iterator[_Part]:
    """A page at the start, searches on the way, a checkout at the end."""
    rng = chooser.rng
    everyone = np.arange(len(visits), dtype=np.int32)
    yield EventKind.PAGE_VIEWED, everyone, np.zeros(len(visits), np.float32), _none(everyone)
    errands = np.maximum(1, np.rint(visits.wants / LINES_PER_ERRAND))
    listings = np.where(visits.wants > 0, errands, rng.poisson(LISTINGS, len(visits))).astype(np.int64)
    searching = np.repeat(everyone, rng.binomial(listings, scenario.rates.search_share))
    yield EventKind.SEARCHED, searching, _sometime(chooser, searching), _none(searching)
    filled = np.bincount(baskets.visit, minlength=len(visits))
    # Half of those who leave a basket behind get as far as the checkout.
    at_checkout = np.flatnonzero((filled > 0) & (visits.buys | (rng.random(len(visits)) < 0.5))).astype(np.int32)
    yield EventKind.CHECKOUT_STARTED, at_checkout, basket_seconds(filled[at_checkout]), _none(at_checkout)


def _looks(chooser: Chooser, visits: Visits, start_at: int) -> Iterator[_Part]:
    """Products opened from slates and listings, some dwelt on, a few put in the basket after all."""
    rng = chooser.rng
    everyone = np.arange(len(visits), dtype=np.int32)
    listing_looks = rng.poisson(LISTINGS * LISTING_LOOKS * (visits.wants == 0))
    for kind, count in (
        (EventKind.RECOMMENDATION_CLICKED, rng.poisson(SLATE_LOOKS, len(visits))),
        (EventKind.PRODUCT_CLICKED, listing_looks),
    ):
        visit = np.repeat(everyone, count)
        person, at = visits.person[visit], visits.at[visit]
        product = chooser.products(person, chooser.leaves(chooser.place(person, at)), at + start_at)
        visit, product = visit[product >= 0], product[product >= 0]
        seconds = _sometime(chooser, visit)
        yield kind, visit, seconds, product
        yield from _opened(chooser, visit, seconds + np.float32(0.5), product)
        if kind is EventKind.PRODUCT_CLICKED:
            added = rng.random(len(visit)) < IDLE_ADD_SHARE
            yield EventKind.PRODUCT_ADDED, visit[added], seconds[added] + np.float32(25), product[added]


def _opened(
    chooser: Chooser, visit: NDArray[np.int32], seconds: NDArray[np.float32], product: NDArray[np.int32]
) -> Iterator[_Part]:
    yield EventKind.PRODUCT_VIEWED, visit, seconds, product
    dwelt = chooser.rng.random(len(visit)) < DWELL_SHARE
    yield EventKind.DWELLED, visit[dwelt], seconds[dwelt] + np.float32(14), product[dwelt]


def _filling(chooser: Chooser, baskets: Baskets) -> Iterator[_Part]:
    seconds = basket_seconds(baskets.place)
    closer = chooser.rng.random(len(seconds)) < LOOK_CLOSER_SHARE
    yield from _opened(chooser, baskets.visit[closer], seconds[closer] - np.float32(7), baskets.product[closer])
    yield EventKind.PRODUCT_ADDED, baskets.visit, seconds, baskets.product
    out = baskets.is_removed
    yield EventKind.PRODUCT_REMOVED, baskets.visit[out], seconds[out] + np.float32(5), baskets.product[out]


def basket_seconds(place: NDArray[np.integer]) -> NDArray[np.float32]:
    """When the line at this place goes into the basket, seconds after the visit's start."""
    return (LOOKING_SECONDS + 10 + SECONDS_PER_LINE * place).astype(np.float32)


def order_micros(lines: NDArray[np.integer]) -> NDArray[np.int64]:
    """When a basket of so many lines is ordered, µs after the visit's start."""
    return ((LOOKING_SECONDS + 60 + SECONDS_PER_LINE * lines) * SECOND).astype(np.int64)


def _sometime(chooser: Chooser, visit: NDArray[np.int32]) -> NDArray[np.float32]:
    return chooser.rng.random(len(visit), np.float32) * np.float32(LOOKING_SECONDS - 30) + np.float32(3)


def _none(visit: NDArray[np.int32]) -> NDArray[np.int32]:
    return np.full(len(visit), -1, np.int32)
