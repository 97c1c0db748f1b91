"""The simulator's shoppers in front of slates that the real decision makes: what they click is logged and told.

Everybody's tastes are known to the simulator and to nobody else. The door, the stores, the sources, the advice and the
decision are the real ones; only the clock is the simulator's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import numpy as np

from smartshop.ai_agents.advice import Question
from smartshop.ai_agents.decision_log import logged
from smartshop.ai_agents.policy import BASE
from smartshop.ai_agents.recommendation.advice import RecommendationAdvisor
from smartshop.ai_agents.recommendation.category_trending import CategoryTrending
from smartshop.ai_agents.recommendation.item_to_item import ItemToItem, ItemToItemConfig, fit_item_to_item
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.recipe import Recipe
from smartshop.ai_agents.recommendation.sequences import SequenceConfig, make_sequences
from smartshop.ai_agents.recommendation.trending import TrendingConfig, fit_trending
from smartshop.ai_agents.shelf import Shelf
from smartshop.ai_agents.slate import SlateConfig, decide
from smartshop.data_collection.connectors.log_profiles import LogProfiles
from smartshop.data_collection.connectors.memory.bus import MemoryBus
from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.ingest import Arrival as Sent
from smartshop.data_collection.pipelines.ingest import Ingest
from smartshop.data_collection.pipelines.interactions import load_interactions
from smartshop.data_collection.pipelines.profiles import fold
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.context import Context
from smartshop.data_collection.schemas.events import INTEREST_WEIGHT, Event, Trust
from smartshop.data_collection.schemas.ids import DecisionId, Micros, OrderId, SessionId, ShopperKey
from smartshop.data_collection.schemas.profiles import Profile
from smartshop.data_collection.schemas.slates import Decision, Policy, Surface
from smartshop.simulator.arrivals import Arrival, arrivals_of_day
from smartshop.simulator.behaviour import play
from smartshop.simulator.chance import stream
from smartshop.simulator.enter import enter_history
from smartshop.simulator.memory import Memory
from smartshop.simulator.recording import Recorder
from smartshop.simulator.scenario import Scenario, load_scenario
from smartshop.simulator.steps import NOTHING, Answer, AsksListing, AsksSlate, Checkout, Did, Shows, Slate, Step
from smartshop.simulator.visits import Climate, context_of, make_climate, new_visit
from smartshop.simulator.world import World, build_world

END_AT = Micros(1_790_000_000_000_000)
HISTORY_DAYS = 8
SEED = 11
SESSIONS_PER_DAY = 0.4
EVENTS_AT_ONCE = 2_000
POLICY = Policy(name=BASE, probability=1.0, weights={})


@dataclass
class ClickingShop:
    """A shop with a past, a model of it, and days of visits to slates which that model made."""

    world: World
    stores: SqlStores
    shelf: Shelf
    model: RecommendationModel
    """Of the past alone."""
    ingest: Ingest
    climate: Climate
    decisions: list[Decision] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    signs: dict[str, list[tuple[int, int, bool]]] = field(default_factory=dict)
    """Shopper's key → (product, when, whether ordered)."""
    memories: dict[int, Memory] = field(default_factory=dict)
    visits: int = 0

    @property
    def opened_at(self) -> Micros:
        return END_AT


def open_shop(folder: Path, *, products: int = 120, shoppers: int = 400) -> ClickingShop:
    """Make the past, bring it in through the door, and learn from it with three quick sources."""
    size: dict[str, object] = {"products": products, "shoppers": shoppers, "days": HISTORY_DAYS}
    scenario: Scenario = msgspec.structs.replace(load_scenario("outdoor_store"), **size)
    rates = msgspec.structs.replace(
        scenario.rates, sessions_per_day=SESSIONS_PER_DAY, opt_out_share=0.0, customer_share=0.0
    )
    scenario = msgspec.structs.replace(scenario, rates=rates)
    world = build_world(scenario, SEED, END_AT)
    stores = open_stores("", folder, folder / "models")
    ingest = Ingest(
        log=stores.log,
        quarantine=stores.quarantine,
        customers=stores.customers,
        profiles=LogProfiles(stores.log, fold),
        bus=MemoryBus(),
        currency=scenario.currency,
        product_of=lambda sent: None,
        is_erased=stores.erasure.is_erased,
        now=lambda: END_AT,
    )
    entered = enter_history(world, ingest, stores.catalogue, stores.stock, now=END_AT)
    assert not entered.rejected, entered.first_reason
    shelf = ShelfKeeper(stores.catalogue, stores.stock, scenario.currency, lambda: END_AT).shelf
    shelf = replace(shelf, sellable=shelf.alive)
    climate = make_climate(scenario, SEED, END_AT, 60)
    shop = ClickingShop(world, stores, shelf, model_of(stores, shelf), ingest, climate)
    for product_no, when, shopper in _past_signs(stores, shelf):
        shop.signs.setdefault(shopper, []).append((product_no, when, False))
    return shop


def model_of(stores: SqlStores, shelf: Shelf) -> RecommendationModel:
    interactions = load_interactions(stores.log, stores.customers, shelf)
    sequences = make_sequences(interactions, SequenceConfig())
    as_of = int(interactions.data_until)
    return RecommendationModel(
        n_products=sequences.n_products,
        as_of=as_of,
        recipe=Recipe(),
        sources=(
            ItemToItem(fit_item_to_item(sequences, ItemToItemConfig())),
            CategoryTrending(),
            fit_trending(sequences, as_of, TrendingConfig()),
        ),
        categories=shelf.categories,
    )


def _past_signs(stores: SqlStores, shelf: Shelf) -> Iterator[tuple[int, int, str]]:
    for batch in stores.log.scan():
        for _, event in batch:
            if INTEREST_WEIGHT.get(event.kind, 0.0) <= 0:
                continue
            for line in event.products:
                number = shelf.number_of.get(line.product_id) if line.product_id is not None else None
                if number is not None:
                    yield int(number), int(event.occurred_at), event.shopper_key


def live(shop: ClickingShop, days: int) -> None:
    """Days of visits after the past; every slate is decided and logged, every click told."""
    advisor = RecommendationAdvisor(shop.model)
    for day in range(days):
        rng = stream(SEED, "arrivals of the living", day)
        people = len(shop.world.population)
        for arrival in arrivals_of_day(shop.world, people, 0, END_AT + day * DAY, [], rng):
            _visit(shop, advisor, arrival)
    shop.stores.decisions.write(shop.decisions)
    for first in range(0, len(shop.events), EVENTS_AT_ONCE):
        sent = Sent(source="api", trust=Trust.SERVER, received_at=Micros(END_AT + days * DAY), from_import=True)
        receipt = shop.ingest.accept_blocking(shop.events[first : first + EVENTS_AT_ONCE], sent)
        assert not receipt.rejected, receipt.rejected[0].reason


def _visit(shop: ClickingShop, advisor: RecommendationAdvisor, arrival: Arrival) -> None:
    shop.visits += 1
    world, rng = shop.world, stream(SEED, "visit of the living", shop.visits)
    record = Recorder(
        world=world,
        session_id=SessionId(f"live-{shop.visits:x}"),
        anonymous_id=world.anonymous_id(arrival.shopper, arrival.is_mobile),
        customer_id=None,
        context=context_of(world, shop.climate, arrival),
        now=arrival.at,
    )
    memory = shop.memories.setdefault(arrival.shopper, Memory())
    steps = play(new_visit(world, shop.climate, arrival, memory, world.opening_level + 9, rng))
    answer: Answer = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration:
            return
        answer = _answer(shop, advisor, record, step)


def _answer(shop: ClickingShop, advisor: RecommendationAdvisor, record: Recorder, step: Step) -> Answer:
    match step:
        case Did():
            record.wait(step.seconds)
            shop.events.append(record.did(step))
            if step.product >= 0 and INTEREST_WEIGHT.get(step.kind, 0.0) > 0:
                _note(shop, record, step.product, ordered=False)
            return None
        case Shows():
            shop.events.append(record.shown(step))
            return None
        case AsksSlate():
            record.wait(step.seconds)
            return _decided(shop, advisor, record, step)
        case AsksListing():
            record.wait(step.seconds)
            inside = np.flatnonzero(shop.world.range.assortment.leaf == step.leaf)
            return Slate(tuple(inside[:24].tolist())) if len(inside) else NOTHING
        case Checkout():
            record.wait(step.seconds)
            ordered = record.ordered(OrderId(f"o-live-{len(shop.events)}"), step.lines)
            shop.events.append(msgspec.structs.replace(ordered, takes_stock=False))
            for line in step.lines:
                _note(shop, record, line.product, ordered=True)
            return step.lines
        case _:
            return None


def _note(shop: ClickingShop, record: Recorder, product: int, *, ordered: bool) -> None:
    number = shop.shelf.number_of[shop.world.products[product].product_id]
    shop.signs.setdefault(record.anonymous_id, []).append((int(number), record.now, ordered))


def _decided(shop: ClickingShop, advisor: RecommendationAdvisor, record: Recorder, step: AsksSlate) -> Slate:
    question = _question(shop, record, step)
    decision_id = DecisionId(f"d-{len(shop.decisions):06d}")
    decided = decide(question, decision_id, [advisor], [], [POLICY], config=SlateConfig(), explain=False)
    shop.decisions.append(
        logged(
            decided,
            question,
            decision_id,
            decided_at=Micros(record.now),
            shopper_key=ShopperKey(record.anonymous_id),
            is_customer=False,
            model_versions={},
            degraded=[],
            took_micros=0,
            with_candidates=False,
        )
    )
    rows = tuple(shop.world.row[item.product_id] for item in decided.items)
    return Slate(rows, decision_id, tuple(item.propensity for item in decided.items))


def _question(shop: ClickingShop, record: Recorder, step: AsksSlate) -> Question:
    products, number_of = shop.world.products, shop.shelf.number_of
    basket = np.array([number_of[products[product].product_id] for product in step.basket], np.int32)
    anchor = int(number_of[products[step.anchor].product_id]) if step.anchor >= 0 else None
    signs = shop.signs.get(record.anonymous_id, [])[-200:]
    eligible = shop.shelf.alive.copy()
    eligible[basket] = False
    if anchor is not None:
        eligible[anchor] = False
    return Question(
        surface=Surface(step.surface),
        limit=12,
        now=Micros(record.now),
        shelf=shop.shelf,
        eligible=eligible,
        profile=Profile(),
        history=np.array([sign[0] for sign in signs], np.int32),
        history_at=np.array([sign[1] for sign in signs], np.int64),
        basket=basket,
        anchor=anchor,
        query=None,
        context=Context(device=record.context.device),
        history_bought=np.array([sign[2] for sign in signs], np.bool_),
    )
