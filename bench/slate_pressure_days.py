"""The days of `bench.slate_pressure_shop`: shoppers come, every slate is decided anew, and what is there is sold."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from bench.slate_pressure_shop import DAYS, END, Floats, Living
from smartshop.ai_agents.advice import Advice, Candidates, Question
from smartshop.ai_agents.diversity import NO_DIVERSITY
from smartshop.ai_agents.exploration import NO_EXPLORATION
from smartshop.ai_agents.inventory.supply_view import SupplyView
from smartshop.ai_agents.policy import BASE
from smartshop.ai_agents.slate import SlateConfig, decide
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.context import Context
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import DecisionId
from smartshop.data_collection.schemas.profiles import Profile
from smartshop.data_collection.schemas.slates import Policy, Surface
from smartshop.simulator.arrivals import Arrival, arrivals_of_day
from smartshop.simulator.behaviour import CLICK_STEEPNESS, Visit, play
from smartshop.simulator.chance import stream
from smartshop.simulator.memory import Memory
from smartshop.simulator.policy import make_shelf
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
from smartshop.simulator.stockroom import GUESS_SPREAD
from smartshop.simulator.visits import new_visit

BLUR = 1.0
"""Noise of the recommender, in standard deviations of a shopper's utilities: it knows half of what there is to know."""
CANDIDATES, LISTING, LIMIT = 60, 24, 12
NO_NUMBERS = np.zeros(0, np.int32)
PLAIN = SlateConfig(n_candidates=CANDIDATES, diversity=NO_DIVERSITY, exploration=NO_EXPLORATION)
BASE_ONLY = (Policy(name=BASE, probability=1.0, weights={}),)


def live(shop: Living) -> None:
    """All days."""
    start = END - DAYS * DAY
    for day in range(DAYS):
        shop.stockroom.open_day(day)
        morning = start + day * DAY
        _look_at_stock(shop)
        if shop.pressure is not None:
            shop.pressure.use(_seen_supply(shop, day), shop.shelf)
        rng = stream(shop.seed, "arrivals", day)
        for arrival in arrivals_of_day(shop.world, len(shop.world.population), day, morning, [], rng):
            _visit(shop, arrival)
        shop.popularity *= 0.93
        level = shop.stockroom.level
        kept = np.add.reduceat(level, shop.first)
        shop.empty += int((kept == 0).sum())
        shop.held += kept


def _look_at_stock(shop: Living) -> None:
    available = np.add.reduceat(shop.stockroom.level, shop.first).astype(np.int32)
    shop.shelf = replace(shop.shelf, available=available, sellable=available > 0)


def _seen_supply(shop: Living, day: int) -> SupplyView:
    """What the shop believes: its guess of demand, and the day on which each purchase should come."""
    suppliers = shop.world.scenario.suppliers
    lead = np.array([one.lead_time_days for one in suppliers])[shop.world.supplier_of_variant]
    days = np.minimum.reduceat(lead, shop.first) + 1.0
    coming: dict[int, float] = {}
    product_of = np.repeat(np.arange(len(shop.shelf.product_ids)), np.diff(shop.world.range.assortment.first_variant))
    for one in shop.stockroom.on_its_way:
        ordered = shop.ordered_on.setdefault(one.number, day)
        ahead = max(ordered + float(lead[one.variant]) - day, 1.0)
        product = int(product_of[one.variant])
        coming[product] = min(coming.get(product, np.inf), ahead)
    days[list(coming)] = list(coming.values())
    per_day = np.add.reduceat(shop.stockroom.guess, shop.first)
    expected = per_day * days
    variance = 1.5 * expected + GUESS_SPREAD**2 * expected**2
    return SupplyView(expected, variance, per_day, shop.margin)


class Dice(np.random.Generator):
    """Of one visit, thrown anew at each step by what is done: arms differ by what they show, not by luck.

    What a shopper fancies today (the Gumbel noise of choice) is the same whatever they were shown.
    """

    def __init__(self, seed: int, visit: int, step: tuple[int, ...], fancies: np.random.Generator) -> None:
        super().__init__(np.random.PCG64(np.random.SeedSequence([seed, visit, *step])))
        self._fancies = fancies

    # Any: numpy's own many forms.
    def gumbel(self, loc: Any = 0.0, scale: Any = 1.0, size: Any = None) -> Any:  # noqa: ANN401
        return self._fancies.gumbel(loc, scale, size)


@dataclass(frozen=True, slots=True)
class Knows:
    """A recommender for one visit: log-odds of a click by utilities that it sees through noise."""

    name: ClassVar[str] = "recommendation"
    log_odds: Floats
    """(n,)"""

    def candidates(self, question: Question, n: int) -> Candidates:
        found = np.flatnonzero(question.eligible)
        found = found[np.argsort(-self.log_odds[found], kind="stable")[:n]]
        zeros = np.zeros(len(found), np.int8)
        log_odds = self.log_odds[found].astype(np.float32)
        return Candidates(np.asarray(found, np.int32), log_odds, zeros, np.full(len(found), -1, np.int32))

    def advise(self, question: Question, candidates: Candidates) -> Advice:
        return Advice(candidates.relevance - candidates.relevance.sum() / max(len(candidates.relevance), 1))


def _visit(shop: Living, arrival: Arrival) -> None:
    shop.visits += 1
    rng = stream(shop.seed, "visit", shop.visits)
    memory = shop.memories.setdefault(arrival.shopper, Memory())
    visit = new_visit(shop.world, shop.climate, arrival, memory, shop.stockroom.level, rng)
    noise = stream(shop.seed, "blur", arrival.shopper).normal(0.0, 1.0, len(visit.worth))
    knows = _recommender(visit, noise)
    fancies = stream(shop.seed, "fancies", shop.visits)
    visit.rng = Dice(shop.seed, shop.visits, (0,), fancies)
    steps, answer = play(visit), None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration:
            return
        answer = _answer(shop, arrival, visit, knows, step)
        if (done := _kind_of(step)) is not None:
            visit.rng = Dice(shop.seed, shop.visits, done, fancies)


def _kind_of(step: Step) -> tuple[int, ...] | None:
    """What the dice of the next moves hang on; None: they go on."""
    match step:
        case AsksSlate():
            return (1, step.anchor + 1, len(step.surface))
        case Shows():
            return (2, len(step.surface))
        case Did(kind=EventKind.PRODUCT_VIEWED | EventKind.PRODUCT_ADDED):
            product = step.product if step.line is None else step.line.product
            return (3, product + 1, int(step.kind is EventKind.PRODUCT_ADDED))
        case _:
            return None


def _recommender(visit: Visit, noise: Floats) -> Knows:
    there = visit.can_be_had
    mean, spread = visit.worth[there].mean(), visit.worth[there].std()
    seen = (visit.worth - mean) / spread + BLUR * noise
    # Seen through noise, what stands out stands out less: the best guess of the true distance.
    best_guess = seen / (1.0 + BLUR**2)
    return Knows(CLICK_STEEPNESS * (best_guess - visit.tastes.click_threshold))


def _answer(shop: Living, arrival: Arrival, visit: Visit, knows: Knows, step: Step) -> Answer:
    match step:
        case AsksSlate():
            return _slate(shop, visit, knows, step)
        case AsksListing():
            eligible = visit.can_be_had & shop.shelf.sellable
            listed = make_shelf(shop.world.scenario.policy, eligible, shop.popularity, visit.assortment.leaf)
            return Slate(listed.listing(step.leaf, LISTING)) if step.leaf >= 0 else NOTHING
        case Missed():
            shop.missed[list(step.products)] += step.quantities
        case Did(kind=EventKind.RECOMMENDATION_CLICKED):
            shop.clicks += 1
        case Checkout():
            return _sell(shop, arrival, step.lines)
        case _:
            pass
    return None


def _slate(shop: Living, visit: Visit, knows: Knows, step: AsksSlate) -> Slate:
    eligible = visit.can_be_had & shop.shelf.sellable
    if step.anchor >= 0:
        eligible &= visit.assortment.leaf == visit.assortment.leaf[step.anchor]
        eligible[step.anchor] = False
    eligible[list(step.basket)] = False
    shop.slates += 1
    decision_id = DecisionId(f"{shop.visits}-{shop.slates}")
    question = Question(
        surface=Surface(step.surface), limit=LIMIT, now=END, shelf=shop.shelf, eligible=eligible, profile=Profile(),
        history=NO_NUMBERS, history_at=np.zeros(0, np.int64), basket=NO_NUMBERS, anchor=None, query=None,
        context=Context(),
    )  # fmt: skip
    decided = decide(question, decision_id, [knows], shop.advisors, BASE_ONLY, config=PLAIN, explain=False)
    numbers = decided.argument.candidates.product_no
    return Slate(tuple(int(numbers[entry]) for entry in decided.entries[: len(decided.items)]), decision_id)


def _sell(shop: Living, arrival: Arrival, lines: tuple[Line, ...]) -> tuple[Line, ...]:
    sold = shop.stockroom.sell(lines)
    for line in lines:
        shop.missed[line.product] += line.quantity
    for line in sold:
        shop.missed[line.product] -= line.quantity
        shop.sold[line.product] += line.quantity
        shop.popularity[line.product] += line.quantity
    if sold:
        shop.memories[arrival.shopper].remember(
            sold, arrival.at, shop.world.range.assortment, shop.world.scenario.tastes
        )
        _look_at_stock(shop)
    return sold
