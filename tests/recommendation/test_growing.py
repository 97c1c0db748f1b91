"""A model that counts on has counted the same as one trained on everything, whatever came in between."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smartshop.ai_agents.recommendation.bought_together import (
    BoughtTogether,
    BoughtTogetherConfig,
    TogetherCounts,
    fit_bought_together,
)
from smartshop.ai_agents.recommendation.growing import GrowthConfig
from smartshop.ai_agents.recommendation.growing_log import LogFollower
from smartshop.ai_agents.recommendation.growing_partners import together
from smartshop.ai_agents.recommendation.growing_steps import counted_row
from smartshop.ai_agents.recommendation.markov import Markov, MarkovConfig, learn_markov
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.recipe import Recipe
from smartshop.ai_agents.recommendation.rows import Rows
from smartshop.ai_agents.recommendation.sequences import make_sequences
from smartshop.ai_agents.recommendation.sources import Configs
from smartshop.ai_agents.recommendation.trending import Trending, fit_trending
from smartshop.ai_agents.recommendation.view import view_shelf, with_demand
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.connectors.sql.owned_events import SqlOwnedEvents
from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.pipelines.arrivals import Arrival
from smartshop.data_collection.pipelines.consequences import entry_of
from smartshop.data_collection.pipelines.interactions import load_interactions
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.catalogue import Product
from smartshop.data_collection.schemas.customers import Customer, IdentityLink
from smartshop.data_collection.schemas.events import EventKind, ProductLine, StoredEvent, Traffic, Trust
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    CustomerId,
    EventId,
    Micros,
    OrderId,
    ProductId,
    ShopperKey,
)
from tests.recommendation.worlds import HOUR, START, make_shelf

PRODUCTS = tuple(f"p{number}" for number in range(6))
CUSTOMERS = ("ann", "bob", "cy")
BROWSERS = ("b1", "b2", "b3")
CONFIGS = Configs(
    markov=MarkovConfig(window=3),
    bought_together=BoughtTogetherConfig(min_support=1, min_ratio=0.0, min_category_support=1),
)
RECIPE = Recipe(configs=CONFIGS)


@dataclass(frozen=True)
class Told:
    """One thing that happened, in the order of its arrival."""

    what: str
    who: str
    """A customer or a browser."""
    products: tuple[int, ...]
    late: int
    """Hours before its arrival at which it happened."""
    number: int
    """Of the event or order; small, so that the same is told again."""
    trust: Trust
    traffic: Traffic


SIGNS = (EventKind.PRODUCT_VIEWED, EventKind.PRODUCT_ADDED, EventKind.DWELLED, EventKind.ITEM_DISMISSED)
TOLD = st.builds(
    Told,
    what=st.sampled_from([*(["sign"] * 6), "order", "order", "refund", "signs in", "token", "merge", "undo"]),
    who=st.sampled_from([*CUSTOMERS, *BROWSERS]),
    products=st.lists(st.integers(0, len(PRODUCTS) - 1), min_size=1, max_size=4, unique=True).map(tuple),
    late=st.sampled_from([0, 0, 0, 1, 5, 30, 24 * 9, 24 * 40]),
    number=st.integers(0, 9),
    trust=st.sampled_from(Trust),
    traffic=st.sampled_from([*([Traffic.HUMAN] * 5), Traffic.BOT]),
)


class World:
    """A shop to which things are told."""

    def __init__(self, stores: SqlStores) -> None:
        self.stores, self.clock = stores, START
        self._sold_to: dict[int, str] = {}
        self._is_followed = False
        self.owned = SqlOwnedEvents(stores.shop_database)
        categories = {number: ("tents",) if number % 2 else ("stoves",) for number in range(len(PRODUCTS))}
        stores.catalogue.upsert(
            [
                Product(product_id=ProductId(product), title=product, category=categories[number])
                for number, product in enumerate(PRODUCTS)
            ],
            Micros(START),
        )
        stores.customers.upsert([Customer(customer_id=CustomerId(each)) for each in CUSTOMERS], Micros(START))
        self.ids = list(PRODUCTS)
        self.shelf = self._look_at_the_shelf()

    def add_product(self, product_id: str) -> None:
        self.stores.catalogue.upsert([Product(product_id=ProductId(product_id), title=product_id)], Micros(START))
        self.ids.append(product_id)
        self.shelf = self._look_at_the_shelf()

    def present_shelf(self) -> Shelf:
        return self.shelf

    def _look_at_the_shelf(self) -> Shelf:
        return ShelfKeeper(self.stores.catalogue, self.stores.stock, "GBP", lambda: Micros(START)).shelf

    def tell(self, told: Told) -> None:
        self.clock += HOUR // 3
        if told.what == "order":
            self._sold_to.setdefault(told.number, told.who)
        match told.what:
            case "refund" if self._sold_to.get(told.number) != told.who and not self._is_followed:
                pass  # of what was told before a training only the shopper's own refunds are known
            case "token":
                self.stores.customers.link(self._link(told))
            case "merge":
                start, into = _two(told)
                if start not in self.stores.customers.merges() and into not in self.stores.customers.merges():
                    self.stores.customers.merge(start, into, Micros(self.clock))
            case "undo":
                self.stores.customers.undo_merge(_two(told)[0], Micros(self.clock))
            case _:
                event = self._event(told)
                arrival = Arrival(source="test", trust=event.trust, received_at=event.received_at)
                self.stores.log.append([[entry_of(event, arrival, "GBP")]])

    def train(self) -> tuple[RecommendationModel, int]:
        """As the nightly training counts; beside it the last log number read."""
        read = load_interactions(self.stores.log, self.stores.customers, self.shelf)
        sequences = make_sequences(read, CONFIGS.sequences)
        together = fit_bought_together(
            sequences, self.shelf.category, len(self.shelf.categories), CONFIGS.bought_together
        )
        model = RecommendationModel(
            n_products=sequences.n_products,
            as_of=int(read.data_until),
            recipe=RECIPE,
            sources=(
                learn_markov(sequences, CONFIGS.markov),
                together,
                fit_trending(sequences, int(read.data_until), CONFIGS.trending),
            ),
            categories=self.shelf.categories,
        )
        return model, read.log_no

    def follow(self, model: RecommendationModel, log_no: int, at_once: int = 20_000) -> LogFollower:
        config = GrowthConfig(events_at_once=at_once)
        self._is_followed = True
        return LogFollower(model, log_no, self.stores.log, self.owned, config)

    def _event(self, told: Told) -> StoredEvent:
        kinds = {
            "order": EventKind.ORDER_COMPLETED,
            "refund": EventKind.ORDER_REFUNDED,
            "signs in": EventKind.IDENTIFIED,
        }
        kind = kinds.get(told.what, SIGNS[told.number % len(SIGNS)])
        is_order = told.what in {"order", "refund"}
        customer = told.who if told.who in CUSTOMERS else None
        browser = told.who if told.who in BROWSERS else None
        if told.what == "signs in":
            link = self._link(told)
            customer, browser = link.customer_id, link.anonymous_id
        lines = tuple(ProductLine(product_id=ProductId(self.ids[each])) for each in told.products)
        return StoredEvent(
            event_id=EventId(f"{told.what}-{told.number}"),
            kind=kind,
            occurred_at=Micros(self.clock - told.late * HOUR),
            received_at=Micros(self.clock),
            shopper_key=ShopperKey(customer or browser or ""),
            source="test",
            trust=Trust.SERVER if is_order and told.number % 4 else told.trust,
            traffic=told.traffic,
            customer_id=CustomerId(customer) if customer else None,
            anonymous_id=AnonymousId(browser) if browser else None,
            products=lines if kind in {*SIGNS, EventKind.ORDER_COMPLETED} else (),
            order_id=OrderId(f"order-{told.number}") if is_order else None,
        )

    def _link(self, told: Told) -> IdentityLink:
        return IdentityLink(
            anonymous_id=AnonymousId(BROWSERS[told.number % len(BROWSERS)]),
            customer_id=CustomerId(CUSTOMERS[told.products[0] % len(CUSTOMERS)]),
            received_at=Micros(self.clock),
            trust=told.trust,
        )


def _two(told: Told) -> tuple[CustomerId, CustomerId]:
    first = told.number % len(CUSTOMERS)
    return CustomerId(CUSTOMERS[first]), CustomerId(CUSTOMERS[(first + 1 + told.products[0] % 2) % len(CUSTOMERS)])


NewWorld = Callable[[], AbstractContextManager[World]]


def looked(who: str, product: int) -> Told:
    """A view, the first and only one of this shopper and product."""
    return Told("sign", who, (product,), 0, product * len(SIGNS), Trust.SERVER, Traffic.HUMAN)


def bought(who: str, products: tuple[int, ...], number: int) -> Told:
    return Told("order", who, products, 0, number, Trust.SERVER, Traffic.HUMAN)


@pytest.fixture(scope="module")
def new_world(tmp_path_factory: pytest.TempPathFactory) -> NewWorld:
    """Opens a world of its own in a copy of migrated files: cheaper than migrating for every example."""
    empty = tmp_path_factory.mktemp("empty")
    open_stores("", empty, empty / "models").close()

    @contextmanager
    def opened() -> Iterator[World]:
        with TemporaryDirectory() as folder:
            shutil.copytree(empty, folder, dirs_exist_ok=True)
            stores = open_stores("", Path(folder), Path(folder) / "models")
            try:
                yield World(stores)
            finally:
                stores.close()

    return opened


@given(
    past=st.lists(TOLD, max_size=14),
    since=st.lists(TOLD, min_size=1, max_size=14),
    at_once=st.integers(1, 6),
    sweeps=st.sets(st.integers(0, 13), max_size=3),
)
@settings(max_examples=60)
def test_counting_on_is_counting_everything(
    new_world: NewWorld,
    past: Sequence[Told],
    since: Sequence[Told],
    at_once: int,
    sweeps: set[int],
) -> None:
    with new_world() as world:
        # The training's ties are those received by the newest event that it read, so one is told last.
        for told in [*past, looked("zoe", 0)]:
            world.tell(told)
        follower = world.follow(*world.train(), at_once=at_once)
        for number, told in enumerate(since):
            world.tell(told)
            follower.step(world.present_shelf)
            if number in sweeps:
                follower.look_at_ties(world.present_shelf)
        while follower.step(world.present_shelf):
            pass
        follower.look_at_ties(world.present_shelf)
        assert_counted_alike(follower.model, world.train()[0])


def assert_counted_alike(grown: RecommendationModel, trained: RecommendationModel) -> None:
    assert_same_steps(grown, trained)
    assert_same_demand(grown, trained)
    assert_same_orders(grown, trained)


Kind = TypeVar("Kind", Markov, Trending, BoughtTogether)


def of_kind(model: RecommendationModel, kind: type[Kind]) -> Kind:
    found = model.of(kind)
    assert found is not None
    return found


def assert_same_steps(grown: RecommendationModel, trained: RecommendationModel) -> None:
    mine, theirs = of_kind(grown, Markov), of_kind(trained, Markov)
    assert mine.counts is not None
    assert theirs.counts is not None
    np.testing.assert_allclose(mine.counts.row_sum, theirs.counts.row_sum, rtol=1e-5, atol=1e-6)
    for row in range(trained.n_products):
        one, other = counted_row(mine.counts, row), counted_row(theirs.counts, row)
        assert one.goal.tolist() == other.goal.tolist()
        assert one.shoppers.tolist() == other.shoppers.tolist()
        np.testing.assert_allclose(one.total, other.total, rtol=1e-5, atol=1e-6)
        assert_same_row(mine.rows, theirs.rows, row)


def assert_same_row(mine: Rows, theirs: Rows, row: int) -> None:
    one, other = mine.row(row), theirs.row(row)
    by_one, by_other = np.argsort(one.indices), np.argsort(other.indices)
    assert one.indices[by_one].tolist() == other.indices[by_other].tolist()
    assert one.evidence[by_one].tolist() == other.evidence[by_other].tolist()
    np.testing.assert_allclose(one.weights[by_one], other.weights[by_other], rtol=1e-5, atol=1e-6)


def assert_same_demand(grown: RecommendationModel, trained: RecommendationModel) -> None:
    mine, theirs = of_kind(grown, Trending), of_kind(trained, Trending)
    assert mine.counts is not None
    assert theirs.counts is not None
    later = (mine.counts.as_of - theirs.counts.as_of) / CONFIGS.trending.short_half_life
    assert later >= 0
    np.testing.assert_allclose(mine.score, theirs.score, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(mine.counts.short, theirs.counts.short * 0.5**later, rtol=1e-9, atol=1e-12)
    assert mine.shoppers_ever.tolist() == theirs.shoppers_ever.tolist()
    if later == 0:
        assert mine.shoppers_this_week.tolist() == theirs.shoppers_this_week.tolist()


def assert_same_orders(grown: RecommendationModel, trained: RecommendationModel) -> None:
    mine, theirs = of_kind(grown, BoughtTogether), of_kind(trained, BoughtTogether)
    assert mine.counts is not None
    assert theirs.counts is not None
    for one, other in (
        (mine.counts.products, theirs.counts.products),
        (mine.counts.categories, theirs.counts.categories),
    ):
        assert one.n_units == other.n_units
        assert one.held.tolist() == other.held.tolist()
        assert pairs_in(one) == pairs_in(other)


def pairs_in(counts: TogetherCounts) -> dict[tuple[int, int], int]:
    pairs = together(counts, np.arange(len(counts.held)))
    return {
        (first, second): int(both)
        for first, second, both in zip(pairs.first.tolist(), pairs.second.tolist(), pairs.support.tolist(), strict=True)
    }


def test_a_refitted_model_goes_on_from_its_files(new_world: NewWorld, tmp_path: Path) -> None:
    with new_world() as world:
        for number in range(12):
            world.tell(looked(CUSTOMERS[number % 3], number * 5 % 6))
        world.tell(bought("ann", (1, 2), 1))
        trained, log_no = world.train()
        trained.save(tmp_path)
        world.tell(bought("bob", (1, 2, 3), 2))
        world.tell(looked("cy", 4))
        from_files = world.follow(RecommendationModel.load(tmp_path), log_no)
        assert from_files.step(world.present_shelf)
        assert_counted_alike(from_files.model, world.train()[0])


def test_rows_of_products_in_the_newest_order_are_those_of_a_training(new_world: NewWorld) -> None:
    with new_world() as world:
        for number in range(8):
            world.tell(bought(CUSTOMERS[number % 3], ((0, 1), (2, 3), (0, 1, 4), (5,))[number % 4], number))
        trained, log_no = world.train()
        follower = world.follow(trained, log_no)
        world.tell(bought("ann", (0, 1), 8))
        world.tell(bought("bob", (1, 4), 9))
        assert follower.step(world.present_shelf)
        mine, theirs = (of_kind(model, BoughtTogether) for model in (follower.model, world.train()[0]))
        assert mine.products.evidence_of(1, 4) == 3
        for product in (0, 1, 4):
            assert_same_row(mine.products, theirs.products, product)
        assert_same_row(mine.categories, theirs.categories, 1)
        untouched = of_kind(trained, BoughtTogether).products
        assert_same_row(mine.products, untouched, 2)


def test_a_product_that_came_later_is_counted(new_world: NewWorld) -> None:
    with new_world() as world:
        world.tell(looked("ann", 0))
        follower = world.follow(*world.train())
        world.add_product("late")
        world.tell(looked("bob", 1))
        world.tell(looked("bob", len(PRODUCTS)))
        assert follower.step(world.present_shelf)
        late = of_kind(follower.model, Trending)
        assert late.shoppers_ever.tolist() == [1, 1, 0, 0, 0, 0, 1]
        assert of_kind(follower.model, Markov).rows.row(1).indices.tolist() == [len(PRODUCTS)]
        world.tell(bought("cy", (0, len(PRODUCTS)), 1))
        assert follower.step(world.present_shelf)
        assert_counted_alike(follower.model, world.train()[0])


def test_an_erased_shopper_is_read_nowhere_and_others_count_on(new_world: NewWorld) -> None:
    with new_world() as world:
        world.tell(bought("ann", (0, 1), 0))
        world.tell(looked("bob", 2))
        follower = world.follow(*world.train())
        world.tell(looked("ann", 3))
        assert follower.step(world.present_shelf)
        world.stores.erasure.erase(CustomerId("ann"), Micros(world.clock))
        world.tell(looked("bob", 4))
        assert follower.step(world.present_shelf)
        counted = of_kind(follower.model, Trending).shoppers_ever
        assert counted.tolist() == [1, 1, 1, 1, 1, 0], "as a model does until its next training"


def test_counting_ends_where_it_would_cost_too_much(new_world: NewWorld) -> None:
    with new_world() as world:
        world.tell(looked("ann", 0))
        model, log_no = world.train()
        for number in range(5):
            world.tell(looked("bob", number))
        small = LogFollower(model, log_no, world.stores.log, world.owned, GrowthConfig(max_pairs=3, max_behind=4))
        assert small.is_too_far_behind()
        assert small.step(world.present_shelf)
        assert small.is_full
        world.tell(looked("bob", 5))
        assert not small.step(world.present_shelf)


def test_new_demand_gives_the_order_that_a_new_view_would() -> None:
    shelf = make_shelf(8, ["tents", "stoves"])
    before = np.array([0.5, 0, 0.3, 0, 0.2, 0, 0, 0], np.float32)
    after = np.array([0.1, 0, 0.3, 0.4, 0.2, 0, 0, 0], np.float32)
    moved, anew = (
        with_demand(view_shelf(before, shelf.categories, shelf), after),
        view_shelf(after, shelf.categories, shelf),
    )
    assert moved.by_demand.tolist() == anew.by_demand.tolist()
    assert moved.in_demand.tolist() == anew.in_demand.tolist() == [3, 2, 4, 0]
    gone = with_demand(moved, np.zeros(8, np.float32))
    assert gone.n_in_demand == 0
    assert sorted(gone.by_demand.tolist()) == list(range(8))
