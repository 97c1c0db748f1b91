"""Shoppers who come to a running service over HTTP, with a publishable key, like anybody's browser.

They decide exactly as the made history's shoppers do (`behaviour.play`); only the answers come from the service.
Thinking time is shortened, so that a shop with few visitors still looks alive.
"""

import asyncio
import time
from dataclasses import dataclass, field

import httpx
import numpy as np
import structlog
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.clock import DAY, system_now
from smartshop.data_collection.schemas.events import Event, EventKind
from smartshop.data_collection.schemas.ids import DecisionId, ProductId, SessionId
from smartshop.errors import Unavailable
from smartshop.simulator.arrivals import Arrival, lines_wanted
from smartshop.simulator.behaviour import Visit, play
from smartshop.simulator.chance import stream
from smartshop.simulator.memory import Memory
from smartshop.simulator.met_catalogue import world_of
from smartshop.simulator.recording import Recorder
from smartshop.simulator.scenario import Scenario
from smartshop.simulator.shop_client import GivenSlate, ShopClient, WantedLine
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
from smartshop.simulator.visits import Climate, context_of, make_climate, new_visit
from smartshop.simulator.world import World

log = structlog.get_logger()

REGULARS = 400
"""People who come again and again; each is one browser."""
PACE = 0.08
"""Real seconds per second of a shopper's time."""
LONGEST_PAUSE_SECONDS = 3.0
MOST_AT_ONCE = 40
EVENTS_PER_MESSAGE = 20
LISTING_LIMIT = 24
ORDER_TRIES = 3
LOOK_AGAIN_SECONDS = 300.0
"""How often the catalogue and its stock are read anew."""
CLIMATE_DAYS = 400


@dataclass(slots=True)
class _Crowd:
    """What all live shoppers share."""

    client: ShopClient
    scenario: Scenario
    seed: int
    world: World
    level: NDArray[np.int64]
    """(V,) as last seen."""
    climate: Climate
    pace: float
    read_at: float
    """Monotonic seconds."""
    memories: dict[int, Memory] = field(default_factory=dict)
    visits: int = 0
    busy: set[int] = field(default_factory=set)
    """Shoppers in the shop now."""


async def run_live(
    url: str,
    publishable_key: str,
    scenario: Scenario,
    *,
    seed: int,
    shoppers_per_minute: float,
    stop: asyncio.Event,
    shoppers: int | None = None,
    pace: float = PACE,
) -> int:
    """Send shoppers until `stop` is set or `shoppers` visits were made; return how many visits were.

    At most 40 are in the shop at once; a busy shop is waited for with growing pauses. `pace`: real seconds per second
    that a shopper thinks, 1 for real time.

    Raises:
        Unavailable: the service cannot be reached at all.
    """
    limits = httpx.Limits(max_connections=16)
    async with httpx.AsyncClient(base_url=url, timeout=10.0, limits=limits) as http:
        client = ShopClient(http, publishable_key)
        crowd = await _gather_crowd(client, scenario, seed, pace)
        rng = stream(seed, "live")
        inside: set[asyncio.Task[None]] = set()
        while not stop.is_set() and (shoppers is None or crowd.visits < shoppers):
            if len(crowd.world.products) and len(inside) < MOST_AT_ONCE:
                crowd.visits += 1
                task = asyncio.create_task(_visit(crowd, _next_arrival(crowd, rng)))
                inside.add(task)
                task.add_done_callback(inside.discard)
            await _wait(stop, float(rng.exponential(60.0 / shoppers_per_minute)))
            await _look_again(crowd)
        if inside and not stop.is_set():
            await asyncio.wait(inside)
        for task in inside:
            task.cancel()
        return crowd.visits


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return


async def _gather_crowd(client: ShopClient, scenario: Scenario, seed: int, pace: float) -> _Crowd:
    now = system_now()
    met = await client.catalogue()
    world = world_of(scenario, met, seed, REGULARS, now)
    climate = make_climate(scenario, seed, now - DAY, CLIMATE_DAYS)
    return _Crowd(client, scenario, seed, world, world.opening_level.copy(), climate, pace, time.monotonic())


async def _look_again(crowd: _Crowd) -> None:
    """See new products and stock; a shop that does not answer is looked at later."""
    if time.monotonic() - crowd.read_at < LOOK_AGAIN_SECONDS and len(crowd.world.products):
        return
    crowd.read_at = time.monotonic()
    try:
        met = await crowd.client.catalogue()
    except (Unavailable, httpx.HTTPError) as error:
        log.info("live_catalogue_not_read", why=type(error).__name__)
        return
    fresh = world_of(crowd.scenario, met, crowd.seed, REGULARS, crowd.world.end_at)
    if fresh.row.keys() == crowd.world.row.keys() and fresh.range.variant_ids == crowd.world.range.variant_ids:
        crowd.level[:] = fresh.opening_level
        return
    crowd.world, crowd.level = fresh, fresh.opening_level.copy()
    crowd.memories.clear()


def _next_arrival(crowd: _Crowd, rng: np.random.Generator) -> Arrival:
    """Somebody who is not in the shop yet; the more active come more often."""
    rate = crowd.world.population.visits_per_day.copy()
    rate[list(crowd.busy)] = 0.0
    shopper = int(rng.choice(len(rate), p=rate / rate.sum()))
    buys = rng.random() < crowd.scenario.rates.buying_share
    lines = int(lines_wanted(crowd.world, np.array([shopper]), rng)[0])
    mobile = bool(crowd.world.population.prefers_mobile[shopper])
    return Arrival(shopper, system_now(), mobile, lines if buys else 0)


async def _visit(crowd: _Crowd, arrival: Arrival) -> None:
    crowd.busy.add(arrival.shopper)
    try:
        await _Caller(crowd, arrival, crowd.visits).shop()
    except (Unavailable, httpx.HTTPError) as error:
        log.info("live_visit_broke_off", why=str(error)[:200])
    finally:
        crowd.busy.discard(arrival.shopper)


class _Caller:
    """One visit over HTTP."""

    def __init__(self, crowd: _Crowd, arrival: Arrival, number: int) -> None:
        self.crowd, self.arrival, self.world = crowd, arrival, crowd.world
        self.rng = stream(crowd.seed, "live visit", number)
        self.memory = crowd.memories.setdefault(arrival.shopper, Memory())
        self.who = self.world.anonymous_id(arrival.shopper, arrival.is_mobile)
        self.record = Recorder(
            world=self.world,
            session_id=SessionId(f"s-{self.world.tag}-{number:x}"),
            anonymous_id=self.who,
            customer_id=None,
            context=context_of(self.world, crowd.climate, arrival),
            now=arrival.at,
        )
        self.unsent: list[Event] = []

    async def shop(self) -> None:
        visit = new_visit(self.world, self.crowd.climate, self.arrival, self.memory, self.crowd.level, self.rng)
        steps, answer = play(visit), None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration:
                break
            answer = await self._answer(step, visit)
        await self._send()

    async def _answer(self, step: Step, visit: Visit) -> Answer:
        if not isinstance(step, Shows | Missed):
            await asyncio.sleep(min(LONGEST_PAUSE_SECONDS, self.crowd.pace * step.seconds))
        self.record.now = system_now()
        match step:
            case Did():
                self._note(self.record.did(step))
                if len(self.unsent) >= EVENTS_PER_MESSAGE or step.kind is EventKind.RECOMMENDATION_CLICKED:
                    await self._send()
                return None
            case Shows():
                self._note(self.record.shown(step))
                return None
            case AsksSlate():
                await self._send()
                return await self._slate(step)
            case AsksListing():
                category = self.record.category(step.leaf)
                given = await self.crowd.client.listing(
                    self.who, category=category, query=step.query, limit=LISTING_LIMIT
                )
                return self._seen(given)
            case Missed():
                return None
            case Checkout():
                await self._send()
                return await self._buy(step.lines, visit)

    def _note(self, event: Event) -> None:
        self.unsent.append(event)

    async def _send(self) -> None:
        if self.unsent:
            events, self.unsent = self.unsent, []
            await self.crowd.client.tell(self.who, events)

    async def _slate(self, step: AsksSlate) -> Slate:
        products = self.world.products
        given = await self.crowd.client.slate(
            self.who,
            step.surface.value,
            product_id=products[step.anchor].product_id if step.anchor >= 0 else None,
            basket=[products[product].product_id for product in step.basket],
            context=self.record.context,
            limit=self.world.scenario.policy.limit,
        )
        return self._seen(given)

    def _seen(self, given: GivenSlate) -> Slate:
        rows = tuple(self.world.row.get(ProductId(item.product_id), -1) for item in given.items)
        if not rows:
            return NOTHING
        return Slate(rows, DecisionId(given.decision_id) if given.decision_id else None)

    async def _buy(self, lines: tuple[Line, ...], visit: Visit) -> tuple[Line, ...]:
        """Order; what turns out to be short is taken in part or left out, then once more."""
        for attempt in range(ORDER_TRIES):
            if not lines:
                return ()
            order_id = f"o-{self.record.session_id}-{attempt}"
            problem = await self.crowd.client.order(self.who, order_id, [self._wanted(line) for line in lines])
            if problem is None:
                self._bought(lines)
                return lines
            short = self.world.variant_row.get(problem.variant_id or "", -1)
            if short < 0:
                log.info("live_order_refused", code=problem.code)
                return ()
            self.crowd.level[short] = problem.available or 0
            lines = _lowered(lines, short, problem.available or 0)
        return ()

    def _wanted(self, line: Line) -> WantedLine:
        told = self.record.line(line)
        return WantedLine(str(told.product_id), str(told.variant_id), line.quantity)

    def _bought(self, lines: tuple[Line, ...]) -> None:
        for line in lines:
            self.crowd.level[line.variant] = max(0, self.crowd.level[line.variant] - line.quantity)
        self.memory.remember(lines, self.record.now, self.world.range.assortment, self.world.scenario.tastes)


def _lowered(lines: tuple[Line, ...], variant: int, available: int) -> tuple[Line, ...]:
    """The lines with no more than `available` of one variant."""
    kept = (
        Line(line.product, line.variant, min(line.quantity, available)) if line.variant == variant else line
        for line in lines
    )
    return tuple(line for line in kept if line.quantity > 0)
