"""How one visit goes: look around, click, run errands, fill a basket, buy or leave.

Choice is by random utility: the shopper takes the products whose worth plus Gumbel noise is highest, which makes the
chance of each proportional to exp(worth) (McFadden 1974, the logit model). Looking has position bias: place k of a
slate is looked at with chance (k + 1)^-bias (the examination hypothesis: Richardson et al. 2007; Joachims et al. 2017).
"""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.slates import Surface
from smartshop.simulator.assortment import Assortment
from smartshop.simulator.scenario import Rates, Tastes
from smartshop.simulator.steps import (
    NOTHING,
    Answer,
    AsksListing,
    AsksSlate,
    Checkout,
    Did,
    Line,
    Missed,
    Placed,
    Shows,
    Slate,
    Step,
)

CLICK_STEEPNESS = 1.6
"""How sharply clicking rises with worth, per standard deviation."""
ROW = 4
"""Items come into view in rows of so many."""
LOOK_CLOSER_SHARE = 0.28
"""Share of what is bought that was looked at on its own page first; the rest is added from a list."""
SIMILAR_SHARE = 0.35
"""Share of product pages scrolled down to the similar products."""
DWELL_SHARE = 0.7
"""Share of product pages left slowly enough to be measured."""
DWELL_MEDIAN_MS = 14_000
IDLE_ADD_SHARE = 0.06
"""Share of looked-at products put in the basket without the intention to buy."""
REMOVE_SHARE = 0.02
"""Share of basket lines taken out again."""
LINES_PER_ERRAND = 3.5
"""Products of one leaf bought together, about."""


@dataclass(slots=True)
class Visit:
    """What a visit starts from; `worth` changes while things are noticed."""

    assortment: Assortment
    nouns: tuple[tuple[str, ...], ...]
    """Leaf → the words people search for."""
    tastes: Tastes
    rates: Rates
    worth: NDArray[np.float64]
    """(n,) utility at this moment, log-odds."""
    can_be_had: NDArray[np.bool_]
    """(n,) launched."""
    in_stock: NDArray[np.bool_]
    """(n,) as far as the shopper can see."""
    wants_lines: int
    """0: only looking."""
    choose_variant: Callable[[int], int]
    """Product → variant this shopper would take; -1: none is left."""
    rng: np.random.Generator
    basket: dict[int, Line] = field(default_factory=dict)


Play = Generator[Step, Answer, None]


def play(visit: Visit) -> Play:
    """The whole visit, step by step."""
    yield Did(kind=EventKind.PAGE_VIEWED, seconds=0.0, surface=Surface.HOME)
    for placed, slate in (yield from look_at_slate(visit, Surface.HOME)):
        yield from look_at_product(visit, placed, slate, Surface.HOME, depth=0)
    if visit.wants_lines:
        yield from fill_basket(visit)
        yield from finish(visit)
        return
    yield from look_around(visit)


def look_at_slate(
    visit: Visit, surface: Surface, anchor: int = -1
) -> Generator[Step, Answer, list[tuple[Placed, Slate]]]:
    """Ask for a slate and return what of it was clicked, top first."""
    answer = yield AsksSlate(seconds=_pause(visit, 2.0), surface=surface, anchor=anchor, basket=tuple(visit.basket))
    slate = answer if isinstance(answer, Slate) else NOTHING
    if not slate.products:
        return []
    looked = look(visit, len(slate.products))
    last = int(np.flatnonzero(looked).max(initial=0))
    yield Shows(slate=slate, surface=surface, visible=min(len(slate.products), (last // ROW + 1) * ROW))
    clicked = [
        Placed(product, position)
        for position, product in enumerate(slate.products)
        if looked[position] and product >= 0 and visit.rng.random() < click_chance(visit, product)
    ]
    for placed in clicked:
        visit.worth[placed.product] += visit.tastes.noticed_pull
    return [(placed, slate) for placed in clicked[:3]]


def look(visit: Visit, places: int) -> NDArray[np.bool_]:
    """Which places are looked at: (places,) bool."""
    chance = np.arange(1, places + 1, dtype=np.float64) ** -visit.tastes.position_bias
    looked: NDArray[np.bool_] = visit.rng.random(places) < chance
    return looked


def click_chance(visit: Visit, product: int) -> float:
    """Chance that looking at a product becomes a click: logistic in its worth, standardised over the catalogue."""
    wanted = (visit.worth[product] - visit.worth.mean()) / visit.worth.std()
    return float(1 / (1 + np.exp(-CLICK_STEEPNESS * (wanted - visit.tastes.click_threshold))))


def look_at_product(visit: Visit, placed: Placed, slate: Slate, surface: Surface, depth: int) -> Play:
    """Open a product's page from a slate or list; perhaps go on to a similar one."""
    kind = EventKind.PRODUCT_CLICKED if slate.decision_id is None else EventKind.RECOMMENDATION_CLICKED
    where = {"surface": surface, "position": placed.position, "decision_id": slate.decision_id}
    yield Did(kind=kind, seconds=_pause(visit, 5.0), product=placed.product, **where)  # type: ignore[arg-type]
    yield from open_page(visit, placed.product)
    if depth < 2 and visit.rng.random() < SIMILAR_SHARE:
        for similar, similar_slate in (yield from look_at_slate(visit, Surface.PRODUCT, placed.product)):
            yield from look_at_product(visit, similar, similar_slate, Surface.PRODUCT, depth + 1)


def open_page(visit: Visit, product: int) -> Play:
    """Look at a product's own page for a while."""
    yield Did(kind=EventKind.PRODUCT_VIEWED, seconds=0.5, product=product)
    if visit.rng.random() >= DWELL_SHARE:
        return
    liking = 2 * click_chance(visit, product) - 0.5
    dwell_ms = int(DWELL_MEDIAN_MS * np.exp(0.6 * liking + visit.rng.normal(0.0, 0.7)))
    yield Did(kind=EventKind.DWELLED, seconds=dwell_ms / 1000, product=product, dwell_ms=dwell_ms)


def look_around(visit: Visit) -> Play:
    """A visit without intention to buy: a few leaves, a few pages, now and then something in the basket."""
    leaves = favourite_leaves(visit, int(visit.rng.poisson(0.8)))
    for leaf in leaves:
        listing = yield from open_listing(visit, leaf)
        looked = look(visit, len(listing.products))
        clicks = 0
        for position, product in enumerate(listing.products):
            if clicks == 2 or not looked[position] or product < 0:
                continue
            if visit.rng.random() >= min(1.0, 3 * click_chance(visit, product)):
                continue
            clicks += 1
            yield from look_at_product(visit, Placed(product, position), listing, Surface.CATEGORY, depth=1)
            if visit.rng.random() < IDLE_ADD_SHARE:
                yield from put_in_basket(visit, product)


def open_listing(visit: Visit, leaf: int) -> Generator[Step, Answer, Slate]:
    """Come to a leaf by searching or by its page."""
    query = None
    if visit.rng.random() < visit.rates.search_share:
        query = str(visit.rng.choice(visit.nouns[leaf]))
        yield Did(kind=EventKind.SEARCHED, seconds=_pause(visit, 6.0), query=query, surface=Surface.SEARCH)
    else:
        yield Did(kind=EventKind.PRODUCT_LIST_VIEWED, seconds=_pause(visit, 4.0), leaf=leaf, surface=Surface.CATEGORY)
    answer = yield AsksListing(seconds=0.5, leaf=leaf, query=query)
    return answer if isinstance(answer, Slate) else NOTHING


def favourite_leaves(visit: Visit, count: int) -> list[int]:
    """Leaves drawn without replacement, by the inclusive value of what is in them (log of the summed exp of worth)."""
    starts = np.flatnonzero(np.diff(visit.assortment.leaf, prepend=-1))
    values = np.logaddexp.reduceat(np.where(visit.can_be_had, visit.worth, -30.0), starts)
    noisy = values + visit.rng.gumbel(size=len(values))
    return [int(visit.assortment.leaf[starts[place]]) for place in np.argsort(-noisy)[:count]]


def fill_basket(visit: Visit) -> Play:
    """Run the errands: choose, miss what is sold out, and put the rest in the basket leaf by leaf."""
    noise = visit.rng.gumbel(size=len(visit.worth))
    errands = favourite_leaves(visit, max(1, round(visit.wants_lines / LINES_PER_ERRAND)))
    pull = np.zeros(len(visit.assortment.complements))
    pull[errands] += visit.tastes.errand_pull
    wanted = np.where(visit.can_be_had, visit.worth + noise, -np.inf)
    yield from _miss(visit, wanted + pull[visit.assortment.leaf])
    wanted[~visit.in_stock] = -np.inf
    first = best(wanted + pull[visit.assortment.leaf], (visit.wants_lines + 1) // 2)
    pull[visit.assortment.complements[visit.assortment.leaf[first]].any(axis=0)] += visit.tastes.complement_pull
    wanted[first] = -np.inf
    rest = best(wanted + pull[visit.assortment.leaf], visit.wants_lines // 2)
    chosen = np.concatenate([first, rest])
    leaf_before = -1
    for product in chosen[np.argsort(visit.assortment.leaf[chosen], kind="stable")]:
        leaf = int(visit.assortment.leaf[product])
        if leaf != leaf_before and leaf in errands:
            yield from open_listing(visit, leaf)
        leaf_before = leaf
        if visit.rng.random() < LOOK_CLOSER_SHARE:
            yield from open_page(visit, int(product))
        yield from put_in_basket(visit, int(product))


def best(values: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """The `count` highest, highest first, without those at -inf."""
    top = np.argpartition(-values, min(count, len(values) - 1))[:count]
    top = top[np.argsort(-values[top], kind="stable")]
    return top[values[top] > -np.inf]


def _miss(visit: Visit, wanted: NDArray[np.float64]) -> Play:
    """Say what would have been bought, had it been there."""
    missing = [int(product) for product in best(wanted, visit.wants_lines) if not visit.in_stock[product]]
    if missing:
        yield Missed(products=tuple(missing), quantities=tuple(quantity_of(visit, product) for product in missing))


def quantity_of(visit: Visit, product: int) -> int:
    return 1 + int(visit.rng.poisson(visit.assortment.units[product] - 1.0))


def put_in_basket(visit: Visit, product: int) -> Play:
    quantity, variant = quantity_of(visit, product), visit.choose_variant(product)
    if variant < 0:
        yield Missed(products=(product,), quantities=(quantity,))
        return
    line = Line(product, variant, quantity)
    visit.basket[product] = line
    yield Did(kind=EventKind.PRODUCT_ADDED, seconds=_pause(visit, 4.0), line=line)
    if visit.rng.random() < REMOVE_SHARE:
        del visit.basket[product]
        yield Did(kind=EventKind.PRODUCT_REMOVED, seconds=_pause(visit, 8.0), line=line)


def finish(visit: Visit) -> Play:
    """Look at what goes with the basket, then buy or leave it behind."""
    for placed, slate in (yield from look_at_slate(visit, Surface.BASKET)):
        if placed.product not in visit.basket:
            yield from look_at_product(visit, placed, slate, Surface.BASKET, depth=2)
            yield from put_in_basket(visit, placed.product)
    if not visit.basket:
        return
    abandons = visit.rng.random() < visit.rates.abandon_share
    if abandons and visit.rng.random() < 0.5:
        return
    yield Did(kind=EventKind.CHECKOUT_STARTED, seconds=_pause(visit, 10.0))
    if not abandons:
        yield Checkout(seconds=_pause(visit, 40.0), lines=tuple(visit.basket.values()))


def _pause(visit: Visit, mean_seconds: float) -> float:
    return float(0.3 * mean_seconds + visit.rng.exponential(0.7 * mean_seconds))
