"""The fast path: a shop's past as arrays, for sizes that playing every visit out cannot make.

The same people as in `simulator.history`, drawn from the same scenario: types and tastes, gamma visiting rates,
lapsing, errands, complements, things used up and bought again, day rhythm, season. What is left out: slates and their
propensities, stock, the day's own weather, variants, browsers without an account. Nothing is written; the arrays go
straight to learning (`fast_tables`).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.customer_activity import SIGN_KINDS
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import Micros
from smartshop.errors import InvalidValue
from smartshop.simulator.catalogue import complements_of
from smartshop.simulator.chance import stream
from smartshop.simulator.fast_baskets import Baskets, fill_baskets
from smartshop.simulator.fast_catalogue import FastCatalogue, make_fast_catalogue
from smartshop.simulator.fast_choice import Likings, make_chooser, make_likings
from smartshop.simulator.fast_people import MAX_DAYS, MOMENT_BITS, Visits, make_crowd, make_visits
from smartshop.simulator.fast_signs import make_signs, order_micros
from smartshop.simulator.history import RETURN_AFTER_DAYS
from smartshop.simulator.scenario import Scenario

PEOPLE_AT_ONCE = 10_000
"""Made together: what is drawn for them stays within some 200 MB."""

Progress = Callable[[float, str], None]
"""Called with the share done (0 to 1) and what is being done."""


@dataclass(frozen=True, slots=True)
class FastTruth:
    """S people; (S,) each."""

    type: NDArray[np.int32]
    """Index into the scenario's shopper types."""
    lapse_day: NDArray[np.int32]
    """Day, counted from the history's first, from which they never come again; beyond its end for most."""
    visits_per_day: NDArray[np.float32]
    """Before lapsing."""


@dataclass(frozen=True, slots=True)
class FastOrders:
    """m orders by (customer, time), and their l lines by order."""

    customer: NDArray[np.int32]
    at: NDArray[np.int64]
    """µs UTC."""
    is_mobile: NDArray[np.bool_]
    session: NDArray[np.int32]
    days_to_back: NDArray[np.float32]
    """Days from the order until something of it came back, if anything did."""
    line_order: NDArray[np.int32]
    line_product: NDArray[np.int32]
    line_units: NDArray[np.int32]
    line_is_back: NDArray[np.bool_]
    """Came back and was refunded."""


@dataclass(frozen=True, slots=True)
class FastSigns:
    """s signs by (customer, time)."""

    customer: NDArray[np.int32]
    at: NDArray[np.int64]
    """µs UTC."""
    kind: NDArray[np.int8]
    """Index into SIGN_KINDS."""
    product: NDArray[np.int32]
    """-1: none."""
    session: NDArray[np.int32]
    """Dense number of the visit."""
    is_mobile: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class FastHistory:
    """Everything that `people` with an account did from `start_at` to `end_at` (µs UTC)."""

    catalogue: FastCatalogue
    start_at: Micros
    end_at: Micros
    people: int
    orders: FastOrders
    signs: FastSigns
    truth: FastTruth


def make_fast_history(
    scenario: Scenario,
    seed: int,
    *,
    shoppers: int,
    days: int,
    end_at: Micros,
    products: int | None = None,
    kinds: Collection[EventKind] = SIGN_KINDS,
    progress: Progress = lambda share, what: None,
) -> FastHistory:
    """The same arguments give the same history.

    `products` None: as many as the scenario has. `kinds`: the signs that are kept; fewer need less memory.

    Raises:
        InvalidValue: no people, no days, or more than MAX_DAYS of them.
    """
    if shoppers < 1 or not 1 <= days <= MAX_DAYS:
        raise InvalidValue(
            f"{shoppers} shoppers and {days} days cannot be made; ask for 1 or more, and 1 to {MAX_DAYS}."
        )
    catalogue = make_fast_catalogue(scenario, seed, products=products or scenario.products, days=days, end_at=end_at)
    start_at = Micros(end_at - days * DAY)
    likings = make_likings(catalogue, start_at=start_at, days=days, rng=stream(seed, scenario.name, "fast likings"))
    parts: list[_Part] = []
    for number, first in enumerate(range(0, shoppers, PEOPLE_AT_ONCE)):
        people = min(PEOPLE_AT_ONCE, shoppers - first)
        before = parts[-1].after if parts else _Counts(0, 0, 0)
        rng = stream(seed, scenario.name, "fast", number)
        parts.append(_live(likings, people, _Span(start_at, days), frozenset(kinds), before, rng))
        progress((first + people) / shoppers, f"{first + people} of {shoppers} people")
    return FastHistory(
        catalogue=catalogue,
        start_at=start_at,
        end_at=end_at,
        people=shoppers,
        orders=_joined(FastOrders, [part.orders for part in parts]),
        signs=_joined(FastSigns, [part.signs for part in parts]),
        truth=_joined(FastTruth, [part.truth for part in parts]),
    )


@dataclass(frozen=True, slots=True)
class _Counts:
    """Numbers already given."""

    people: int
    visits: int
    orders: int


@dataclass(frozen=True, slots=True)
class _Span:
    start_at: Micros
    days: int


@dataclass(frozen=True, slots=True)
class _Part:
    """What some people did, already under their final numbers."""

    orders: FastOrders
    signs: FastSigns
    truth: FastTruth
    after: _Counts


def _live(
    likings: Likings, people: int, span: _Span, kinds: Collection[EventKind], before: _Counts, rng: np.random.Generator
) -> _Part:
    """Let some people live through the whole history."""
    scenario = likings.catalogue.scenario
    crowd = make_crowd(scenario, people, rng)
    need_share = _need_share(likings)
    visits = make_visits(scenario, crowd, start_at=span.start_at, days=span.days, need_share=need_share, rng=rng)
    chooser = make_chooser(likings, crowd, rng)
    baskets = fill_baskets(scenario, chooser, visits, span.start_at)
    orders = _orders(likings, visits, baskets, span, before, rng)
    made = make_signs(scenario, chooser, visits, baskets, span.start_at, kinds)
    at = visits.at[made.visit] + (made.seconds * np.float64(1e6)).astype(np.int64)
    order = np.argsort((visits.person[made.visit].astype(np.int64) << MOMENT_BITS) + at, kind="stable")
    visit = made.visit[order]
    signs = FastSigns(
        customer=visits.person[visit] + np.int32(before.people),
        at=_inside(at[order], span),
        kind=made.kind[order],
        product=made.product[order],
        session=visit + np.int32(before.visits),
        is_mobile=visits.is_mobile[visit],
    )
    after = _Counts(before.people + people, before.visits + len(visits), before.orders + len(orders.at))
    return _Part(orders, signs, FastTruth(crowd.type, crowd.lapse_day, crowd.visits_per_day), after)


def _need_share(likings: Likings) -> float:
    """Share of choices, over all types alike, that fall on leaves which something goes with."""
    chance = np.exp(likings.leaf_value - likings.leaf_value.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    has_complements = complements_of(likings.catalogue.scenario).any(axis=1)
    return float(chance[:, has_complements].sum(axis=1).mean())


def _orders(
    likings: Likings, visits: Visits, baskets: Baskets, span: _Span, before: _Counts, rng: np.random.Generator
) -> FastOrders:
    """Baskets that were paid for, by (person, time)."""
    catalogue, scenario = likings.catalogue, likings.catalogue.scenario
    filled = np.bincount(baskets.visit, minlength=len(visits))
    at = visits.at + order_micros(filled)
    is_order = visits.buys & (filled > 0) & (at < span.days * DAY)
    visit = np.flatnonzero(is_order)
    # A long basket may be paid for after the next visit's short one.
    visit = visit[np.lexsort((at[visit], visits.person[visit]))]
    number = np.full(len(visits), -1, np.int32)
    number[visit] = np.arange(len(visit))
    kept = is_order[baskets.visit] & ~baskets.is_removed
    order, product = number[baskets.visit[kept]], baskets.product[kept]
    by_order = np.argsort(order, kind="stable")
    order, product = order[by_order], product[by_order]
    comes_back = rng.random(len(visit)) < scenario.rates.return_share
    days_to_back = rng.uniform(*RETURN_AFTER_DAYS, size=len(visit))
    comes_back &= at[visit] + days_to_back * DAY < span.days * DAY
    lines = np.bincount(order, minlength=len(visit))
    # One line or two of an order come back: one and a half on average.
    is_back = comes_back[order] & (rng.random(len(order)) < 1.5 / np.maximum(lines[order], 1))
    return FastOrders(
        customer=visits.person[visit] + np.int32(before.people),
        at=at[visit] + span.start_at,
        is_mobile=visits.is_mobile[visit],
        session=visit.astype(np.int32) + np.int32(before.visits),
        days_to_back=days_to_back.astype(np.float32),
        line_order=order + np.int32(before.orders),
        line_product=product,
        line_units=(1 + rng.poisson(np.maximum(catalogue.units[product] - 1.0, 0.0))).astype(np.int32),
        line_is_back=is_back,
    )


def _inside(at: NDArray[np.int64], span: _Span) -> NDArray[np.int64]:
    """µs UTC; what would happen after the end happens at it."""
    return np.minimum(at, span.days * DAY - 1) + span.start_at


Columns = TypeVar("Columns", FastOrders, FastSigns, FastTruth)


def _joined(kind: type[Columns], parts: list[Columns]) -> Columns:
    """One record whose every column is theirs, one after the other."""
    names = [each.name for each in fields(kind)]
    return kind(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
