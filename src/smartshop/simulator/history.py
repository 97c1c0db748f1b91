"""Makes a shop's past: days of visits under a randomised, logged policy, in time order.

The same world, days, shoppers and seed give the same events, byte for byte.
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.clock import DAY, SECOND, format_rfc3339
from smartshop.data_collection.schemas.events import Event, EventKind, ProductLine
from smartshop.data_collection.schemas.ids import DecisionId, EventId, OrderId, SessionId
from smartshop.data_collection.schemas.stock import StockMovement
from smartshop.simulator.arrivals import Arrival, arrivals_of_day
from smartshop.simulator.behaviour import play
from smartshop.simulator.chance import stream
from smartshop.simulator.memory import Memory
from smartshop.simulator.policy import Shelf, draw_slate, make_shelf
from smartshop.simulator.recording import Recorder
from smartshop.simulator.steps import (
    NOTHING,
    Answer,
    AsksListing,
    AsksSlate,
    Checkout,
    Did,
    Line,
    Missed,
    Shows,
    Slate,
    Step,
)
from smartshop.simulator.stockroom import OnItsWay, Stockroom, open_stockroom
from smartshop.simulator.truth import Ledger
from smartshop.simulator.visits import Climate, context_of, make_climate, new_visit
from smartshop.simulator.world import World

LISTING_LIMIT = 24
POPULARITY_KEPT_PER_DAY = 0.93
"""What is left of a sale's weight a day later, in what the shop holds for popular: half after ten days."""
PRIOR_DAYS = 5.0
"""Days of expected sales that popularity starts from: the shop was open before."""
PRIOR_UNITS = 0.05
"""Smallest popularity, so that no product is impossible."""
SIGN_IN_SHARE = 0.5
"""Share of first visits on a device that sign in at once; the others do at the checkout."""
RETURN_AFTER_DAYS = (3.0, 14.0)


@dataclass(frozen=True, slots=True)
class HistoryDay:
    """One day (24 hours from the history's start on). Receipts are put away before its first event."""

    day: int
    receipts: list[StockMovement]
    events: list[Event]
    """By occurred_at."""
    ordered: tuple[OnItsWay, ...]
    """What the shop bought this morning."""
    arrived: tuple[OnItsWay, ...]
    """What the receipts are of."""


@dataclass(slots=True)
class _Past:
    """Everything that moves while the history is made."""

    world: World
    seed: int
    start_at: int
    days: int
    climate: Climate
    stockroom: Stockroom
    ledger: Ledger
    popularity: NDArray[np.float64]
    shelf: Shelf
    memories: dict[int, Memory] = field(default_factory=dict)
    signed_in: set[str] = field(default_factory=set)
    """Anonymous ids that have identified."""
    met: set[int] = field(default_factory=set)
    """Shoppers who have come before."""
    returning: dict[int, list[int]] = field(default_factory=dict)
    """Day → shoppers who come back for what goes with their order."""
    waiting: list[tuple[int, str, Event]] = field(default_factory=list)
    """Heap of (occurred_at, event_id, event) not yet handed out."""
    visits: int = 0
    orders: int = 0

    @property
    def end_at(self) -> int:
        return self.start_at + self.days * DAY

    def note(self, event: Event, at: int) -> None:
        heapq.heappush(self.waiting, (at, event.event_id or "", event))


def make_history(world: World, days: int, shoppers: int, seed: int, ledger: Ledger) -> Iterator[HistoryDay]:
    """Days of visits of the first `shoppers` people of the world, ending at `world.end_at`; fills the ledger."""
    start_at = world.end_at - days * DAY
    prior = np.add.reduceat(world.expected_daily_units, world.range.assortment.first_variant[:-1])
    popularity = prior * PRIOR_DAYS + PRIOR_UNITS
    everything = np.ones(len(world.products), dtype=np.bool_)
    past = _Past(
        world=world,
        seed=seed,
        start_at=start_at,
        days=days,
        climate=make_climate(world.scenario, seed, start_at, days + 2),
        stockroom=open_stockroom(world, seed, start_at),
        ledger=ledger,
        popularity=popularity,
        shelf=make_shelf(world.scenario.policy, everything, popularity, world.range.assortment.leaf),
    )
    for day in range(days):
        yield _live_day(past, day, shoppers)


def _live_day(past: _Past, day: int, shoppers: int) -> HistoryDay:
    receipts = past.stockroom.open_day(day)
    morning, assortment = past.start_at + day * DAY, past.world.range.assortment
    past.popularity = (past.popularity - PRIOR_UNITS) * POPULARITY_KEPT_PER_DAY + PRIOR_UNITS
    eligible = (assortment.launched_at <= morning) & past.stockroom.in_stock()
    past.shelf = make_shelf(past.world.scenario.policy, eligible, past.popularity.copy(), assortment.leaf)
    rng = stream(past.seed, "arrivals", day)
    for arrival in arrivals_of_day(past.world, shoppers, day, morning, past.returning.pop(day, []), rng):
        _visit(past, arrival, day)
    until = min(morning + DAY, past.end_at)
    events = []
    while past.waiting and past.waiting[0][0] < until:
        events.append(heapq.heappop(past.waiting)[2])
    return HistoryDay(
        day=day,
        receipts=receipts,
        events=events,
        ordered=past.stockroom.ordered_today,
        arrived=past.stockroom.arrived_today,
    )


def _visit(past: _Past, arrival: Arrival, day: int) -> None:
    """Let one shopper in and write down what they do."""
    past.visits += 1
    rng = stream(past.seed, "visit", past.visits)
    memory = past.memories.setdefault(arrival.shopper, Memory())
    recorder = _open_record(past, arrival, rng)
    visit = new_visit(past.world, past.climate, arrival, memory, past.stockroom.level, rng)
    steps = play(visit)
    answer: Answer = None
    decisions = 0
    while True:
        try:
            step = steps.send(answer)
        except StopIteration:
            return
        decisions += isinstance(step, AsksSlate)
        answer = _answer(past, arrival, day, recorder, step, decisions, rng)


def _open_record(past: _Past, arrival: Arrival, rng: np.random.Generator) -> Recorder:
    """Begin a visit's events: consent of those who opt out, and the sign-in of some."""
    world = past.world
    anonymous_id = world.anonymous_id(arrival.shopper, arrival.is_mobile)
    customer_id = world.customer_id(arrival.shopper)
    recorder = Recorder(
        world=world,
        session_id=SessionId(f"s-{world.tag}-{past.visits:x}"),
        anonymous_id=anonymous_id,
        customer_id=customer_id if anonymous_id in past.signed_in else None,
        context=context_of(world, past.climate, arrival),
        now=arrival.at,
    )
    if arrival.shopper not in past.met and world.population.opts_out[arrival.shopper]:
        consent = {"personalisation": False, "marketing": False}
        past.note(recorder.plain(EventKind.CONSENT_CHANGED, consent=consent), recorder.now)
    past.met.add(arrival.shopper)
    if customer_id is not None and recorder.customer_id is None and rng.random() < SIGN_IN_SHARE:
        _sign_in(past, recorder, arrival.shopper)
    return recorder


def _sign_in(past: _Past, recorder: Recorder, shopper: int) -> None:
    recorder.customer_id = past.world.customer_id(shopper)
    past.signed_in.add(recorder.anonymous_id)
    past.note(recorder.plain(EventKind.IDENTIFIED, traits={"city": recorder.context.city}), recorder.now)


def _answer(
    past: _Past, arrival: Arrival, day: int, recorder: Recorder, step: Step, decisions: int, rng: np.random.Generator
) -> Answer:
    """Write the step down and say what the shop answers."""
    match step:
        case Did():
            recorder.wait(step.seconds)
            if step.product >= 0:
                past.memories[arrival.shopper].last_leaf = int(past.world.range.assortment.leaf[step.product])
            past.note(recorder.did(step), recorder.now)
            return None
        case AsksSlate():
            recorder.wait(step.seconds)
            decision_id = DecisionId(f"d-{past.world.tag}-{past.visits:x}-{decisions}")
            return _slate(past, arrival, step, decision_id, rng)
        case Shows():
            past.note(recorder.shown(step), recorder.now)
            return None
        case AsksListing():
            recorder.wait(step.seconds)
            return Slate(past.shelf.listing(step.leaf, LISTING_LIMIT)) if step.leaf >= 0 else NOTHING
        case Missed():
            past.ledger.missed[day, list(step.products)] += step.quantities
            past.ledger.wanted[day, list(step.products)] += step.quantities
            return None
        case Checkout():
            recorder.wait(step.seconds)
            return _sell(past, arrival, day, recorder, step.lines, rng)


def _slate(past: _Past, arrival: Arrival, step: AsksSlate, decision_id: DecisionId, rng: np.random.Generator) -> Slate:
    """A slate about the product at hand, something in the basket, or what was looked at last."""
    leaf = past.world.range.assortment.leaf
    about = past.memories[arrival.shopper].last_leaf
    if step.anchor >= 0:
        about = int(leaf[step.anchor])
    elif step.basket:
        about = int(leaf[step.basket[-1]])
    return draw_slate(past.shelf.ways(about), past.shelf.policy.limit, decision_id, rng, without=step.anchor)


def _sell(
    past: _Past, arrival: Arrival, day: int, recorder: Recorder, lines: tuple[Line, ...], rng: np.random.Generator
) -> tuple[Line, ...]:
    """Take the goods from the shelf and write the order; after the history's end nothing is sold any more."""
    if recorder.now >= past.end_at:
        return ()
    shopper, world = arrival.shopper, past.world
    if recorder.customer_id is None and world.customer_id(shopper) is not None:
        _sign_in(past, recorder, shopper)
    sold = past.stockroom.sell(lines)
    for line in lines:
        past.ledger.wanted[day, line.product] += line.quantity
        past.ledger.missed[day, line.product] += line.quantity
    for line in sold:
        past.ledger.missed[day, line.product] -= line.quantity
        past.popularity[line.product] += line.quantity
    if not sold:
        return ()
    past.orders += 1
    past.ledger.orders[shopper] += 1
    order_id = OrderId(f"o-{world.tag}-{past.orders:05d}")
    past.note(recorder.ordered(order_id, sold), recorder.now)
    tastes = world.scenario.tastes
    opens_need = past.memories[shopper].remember(sold, recorder.now, world.range.assortment, tastes)
    if opens_need and rng.random() < world.scenario.rates.need_return_share:
        past.returning.setdefault(day + 1 + int(rng.integers(1, 9)), []).append(shopper)
    if rng.random() < world.scenario.rates.return_share:
        _bring_back(past, recorder, order_id, sold, rng)
    return sold


def _bring_back(
    past: _Past, recorder: Recorder, order_id: OrderId, sold: tuple[Line, ...], rng: np.random.Generator
) -> None:
    """Days later one or two lines come back, go on the shelf again, and the money is given back."""
    at = recorder.now + int(rng.uniform(*RETURN_AFTER_DAYS) * DAY)
    if at >= past.end_at:
        return
    chosen = [sold[int(index)] for index in rng.permutation(len(sold))[: int(rng.integers(1, 3))]]
    lines = [recorder.line(line) for line in chosen]
    for offset, kind in enumerate((EventKind.ORDER_RETURNED, EventKind.ORDER_REFUNDED)):
        moment = at + offset * 3600 * SECOND
        past.note(_goods_back(recorder, kind, order_id, lines, moment), moment)
    day = (at - past.start_at) // DAY
    past.stockroom.returned.setdefault(day, []).extend((line.variant, line.quantity) for line in chosen)


def _goods_back(recorder: Recorder, kind: EventKind, order_id: OrderId, lines: list[ProductLine], at: int) -> Event:
    return Event(
        kind=kind,
        event_id=EventId(f"{order_id}-{kind.value}"),
        occurred_at=format_rfc3339(at),
        anonymous_id=recorder.anonymous_id,
        customer_id=recorder.customer_id,
        order_id=order_id,
        currency=recorder.world.scenario.currency,
        products=lines,
        restock=kind is EventKind.ORDER_RETURNED,
    )
