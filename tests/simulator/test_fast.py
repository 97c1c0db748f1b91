"""The fast path: near the played-out one in shape, sound as tables, the same every time."""

from dataclasses import fields
from functools import cache

import msgspec
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.cut import orders_placed, until
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.customer_activity import SIGN_KINDS, CustomerActivity
from smartshop.data_collection.pipelines.interactions import KINDS
from smartshop.data_collection.schemas.events import Event, EventKind
from smartshop.data_collection.schemas.ids import Micros
from smartshop.errors import InvalidValue
from smartshop.simulator.fast import PEOPLE_AT_ONCE, FastHistory, make_fast_history
from smartshop.simulator.fast_catalogue import shelf_of
from smartshop.simulator.fast_tables import customer_activity, interactions, person_of
from smartshop.simulator.leaves import department_of
from smartshop.simulator.scenario import SHIPPED, Scenario, load_scenario
from tests.simulator.conftest import END_AT, make
from tests.simulator.sales_shape import SalesShape, gini, shape_of

SHOPPERS, DAYS, PRODUCTS = 400, 60, 400


def busy(name: str) -> Scenario:
    """A small shop whose visitors buy three times as often: more orders to compare for the same visits."""
    scenario = load_scenario(name)
    rates = msgspec.structs.replace(scenario.rates, buying_share=3 * scenario.rates.buying_share)
    return msgspec.structs.replace(scenario, products=PRODUCTS, shoppers=SHOPPERS, days=DAYS, rates=rates)


@cache
def fast(name: str, shoppers: int = 6_000) -> FastHistory:
    return make_fast_history(busy(name), 3, shoppers=shoppers, days=DAYS, end_at=END_AT)


@pytest.fixture(scope="module")
def history() -> FastHistory:
    return fast("home_and_garden")


@pytest.fixture(scope="module")
def activity(history: FastHistory) -> CustomerActivity:
    return customer_activity(history)


def lines_of(history: FastHistory) -> pl.DataFrame:
    orders = history.orders
    return pl.DataFrame(
        {
            "customer": orders.customer[orders.line_order],
            "order": orders.line_order,
            "product": orders.line_product,
        }
    )


@pytest.mark.parametrize("name", SHIPPED)
def test_sales_are_shaped_as_those_of_visits_played_out(name: str) -> None:
    """400 played-out shoppers place about 480 orders. Visiting rates are gamma of shape about 1, so the orders of one
    shopper have a variance of about mean + mean² and their mean over 400 a standard error of 6 %; 20 % is over three
    of them. Lines per order (shape 1.1 × 6) err by 5 %. Shares of people and lines err by .03; the rest of the room is
    for what the fast path leaves out: goods that are sold out, slates, weather.
    """
    made = make(busy(name))
    told = [
        (event.customer_id or event.anonymous_id, event.order_id, line.product_id)
        for event in made.events
        if event.kind is EventKind.ORDER_COMPLETED
        for line in event.products
    ]
    played = pl.DataFrame(told, schema=["customer", "order", "product"], orient="row")
    quick = lines_of(fast(name))
    slow_shape, fast_shape = shape_of(played), shape_of(quick)
    assert quick["order"].n_unique() / 6_000 == pytest.approx(played["order"].n_unique() / SHOPPERS, rel=0.20)
    assert quick["customer"].n_unique() / 6_000 == pytest.approx(played["customer"].n_unique() / SHOPPERS, rel=0.15)
    assert_near(fast_shape, slow_shape)
    assert _signs_per_visit(fast(name)) == pytest.approx(_views_per_visit(made.events), rel=0.20)


def assert_near(fast_shape: SalesShape, slow_shape: SalesShape) -> None:
    assert fast_shape.lines_per_order == pytest.approx(slow_shape.lines_per_order, rel=0.20)
    assert fast_shape.repeat_customers == pytest.approx(slow_shape.repeat_customers, abs=0.10)
    assert fast_shape.repeat_lines == pytest.approx(slow_shape.repeat_lines, abs=0.08)
    assert fast_shape.top_fifth == pytest.approx(slow_shape.top_fifth, abs=0.10)


def _views_per_visit(events: list[Event]) -> float:
    visits = {event.session_id for event in events if event.session_id}
    views = sum(event.kind is EventKind.PRODUCT_VIEWED for event in events)
    return views / len(visits)


def _signs_per_visit(history: FastHistory) -> float:
    views = (history.signs.kind == SIGN_KINDS.index(EventKind.PRODUCT_VIEWED)).sum()
    return float(views / len(np.unique(history.signs.session)))


def test_the_same_arguments_give_the_same_history() -> None:
    scenario = busy("outdoor_store")
    made = [make_fast_history(scenario, 8, shoppers=300, days=30, end_at=END_AT) for _ in range(2)]
    other = make_fast_history(scenario, 9, shoppers=300, days=30, end_at=END_AT)
    assert np.array_equal(made[0].signs.at, made[1].signs.at)
    assert np.array_equal(made[0].orders.line_product, made[1].orders.line_product)
    assert not np.array_equal(made[0].truth.visits_per_day, other.truth.visits_per_day)


def test_people_made_in_several_goes_stand_in_one_table() -> None:
    people = PEOPLE_AT_ONCE + 500
    said: list[float] = []
    made = make_fast_history(
        busy("outdoor_store"),
        1,
        shoppers=people,
        days=10,
        end_at=END_AT,
        kinds=(EventKind.PAGE_VIEWED,),
        progress=lambda share, what: said.append(share),
    )
    assert len(made.truth.type) == people
    assert (np.diff(made.orders.line_order) >= 0).all()
    assert made.orders.line_order[-1] == len(made.orders.at) - 1
    assert rises(made.signs.customer, made.signs.at)
    assert rises(made.orders.customer, made.orders.at)
    assert len(np.unique(made.signs.session)) == len(made.signs.session) == made.signs.session.max() + 1
    assert made.signs.customer.max() >= PEOPLE_AT_ONCE
    assert said == [pytest.approx(PEOPLE_AT_ONCE / people), 1.0]


def rises(customer: NDArray[np.int32], at: NDArray[np.int64]) -> bool:
    same = np.diff(customer) == 0
    return bool((np.diff(customer) >= 0).all() and (np.diff(at)[same] >= 0).all())


def test_everything_happens_within_the_history(history: FastHistory) -> None:
    for at in (history.signs.at, history.orders.at):
        assert at.min() >= history.start_at
        assert at.max() < history.end_at


def test_nothing_is_bought_before_it_is_launched(history: FastHistory) -> None:
    launched = history.catalogue.launched_at
    orders = history.orders
    # The product was chosen when the visit began; an order is later.
    assert (launched[orders.line_product] <= orders.at[orders.line_order]).all()
    assert (launched > history.start_at).sum() > 20


def test_no_product_is_twice_in_an_order(history: FastHistory) -> None:
    orders = history.orders
    pair = orders.line_order.astype(np.int64) * PRODUCTS + orders.line_product
    assert len(np.unique(pair)) == len(pair)


def test_who_has_lapsed_comes_at_most_for_what_was_still_missing(history: FastHistory) -> None:
    day = (history.signs.at - history.start_at) // DAY
    late = day >= history.truth.lapse_day[history.signs.customer]
    assert late.mean() < 0.03
    gone = np.flatnonzero(history.truth.lapse_day < DAYS // 2)
    assert len(gone) > 300
    assert (day[np.isin(history.signs.customer, gone)] < DAYS - 1).all()


def test_types_buy_what_they_like(history: FastHistory) -> None:
    scenario, orders = history.catalogue.scenario, history.orders
    kind = history.truth.type[orders.customer[orders.line_order]]
    leaf = history.catalogue.leaf[orders.line_product]
    counts = np.zeros((len(scenario.shopper_types), len(scenario.leaves)))
    np.add.at(counts, (kind, leaf), 1)
    lift = counts / counts.sum(axis=1, keepdims=True) / (counts.sum(axis=0) / counts.sum())
    for number, each in enumerate(scenario.shopper_types):
        liking = [each.likes.get(department_of(at), 0) + each.likes.get(at.category, 0) for at in scenario.leaves]
        assert lift[number, int(np.argmax(liking))] > 1.3, each.name


def test_the_evening_is_busier_than_the_night(history: FastHistory) -> None:
    hour = (history.signs.at // 3_600_000_000) % 24
    by_hour = np.bincount(hour, minlength=24)
    assert by_hour[17:20].sum() > 5 * by_hour[1:4].sum()


def test_the_table_of_customers_is_sound(history: FastHistory, activity: CustomerActivity) -> None:
    assert list(activity.customer_ids) == sorted(activity.customer_ids)
    assert rises(activity.order_customer, activity.order_at)
    assert rises(activity.sign_customer, activity.sign_at)
    assert (np.diff(activity.line_order) >= 0).all()
    assert (np.bincount(activity.line_order, minlength=len(activity.order_at)) > 0).all()
    worth = np.bincount(activity.line_order, weights=activity.line_value_minor)
    back = activity.order_units_back > 0
    assert np.array_equal(activity.order_value_minor[~back], worth[~back].astype(np.int64))
    assert (activity.order_value_minor[back] < worth[back]).all()
    assert (activity.order_value_minor > 0).all()
    # About 4 % of the orders, of those that are not too late for it.
    assert 0.01 < back.mean() < 0.05
    assert (activity.order_units_back < activity.order_units).all()
    seen = np.concatenate([activity.sign_customer, activity.order_customer])
    assert len(np.unique(seen)) == len(activity)
    assert (activity.first_seen_at <= activity.last_seen_at).all()
    assert activity.as_of == history.end_at >= activity.last_seen_at.max()


def test_what_came_back_is_told_with_its_time(history: FastHistory, activity: CustomerActivity) -> None:
    parts, undone = activity.reversals.parts, activity.reversals.undone
    placed = orders_placed(activity)
    assert rises(parts.order.astype(np.int32), parts.at)
    assert len(undone) > 0
    assert parts.undoes.sum() == len(undone)
    days = (parts.at - placed.at[parts.order]) / DAY
    assert (days >= 2.99).all()
    assert (days <= 14.01).all()
    assert parts.at.max() <= history.end_at
    # Before anything came back, every order was worth what its lines were.
    orders = history.orders
    worth = history.catalogue.price_minor[orders.line_product] * orders.line_units
    assert np.array_equal(placed.value_minor, np.bincount(orders.line_order, weights=worth).astype(np.int64))
    # An order that came back wholly stands until it did.
    day_before = until(activity, Micros(int(parts.at[parts.undoes].max()) - 1))
    assert len(day_before.reversals.undone) == len(undone) - 1


def test_customers_lead_back_to_the_truth(history: FastHistory, activity: CustomerActivity) -> None:
    person = person_of(activity)
    assert np.array_equal(np.unique(history.signs.customer), np.unique(person))
    number = int(np.bincount(activity.order_customer).argmax())
    mine = history.orders.customer == person[number]
    assert set(activity.order_at[activity.order_customer == number].tolist()) <= set(history.orders.at[mine].tolist())


def test_the_table_of_interactions_is_sound(history: FastHistory, activity: CustomerActivity) -> None:
    table = interactions(history)
    assert rises(table.shopper_no, table.occurred_at // 1_000)
    assert np.array_equal(np.unique(table.shopper_no), np.arange(table.n_shoppers))
    bought = table.kind == KINDS.index(EventKind.ORDER_COMPLETED)
    assert bought.sum() == len(activity.line_order)
    assert np.array_equal(np.unique(table.order_no[bought]), np.arange(len(activity.order_at)))
    assert (table.order_no[~bought] == -1).all()
    assert table.quantity[bought].sum() == activity.order_units.sum()
    assert table.product_no.max() < table.n_products == PRODUCTS
    assert table.data_until == table.occurred_at.max()
    counted = {SIGN_KINDS[kind] for kind in history.signs.kind[history.signs.product >= 0]} & set(KINDS)
    assert {KINDS[kind] for kind in table.kind[~bought]} == counted


def test_signs_that_learning_does_not_read_may_be_left_out() -> None:
    scenario, people = busy("home_and_garden"), 500
    whole, lean = (
        interactions(make_fast_history(scenario, 3, shoppers=people, days=DAYS, end_at=END_AT, kinds=kinds))
        for kinds in (SIGN_KINDS, KINDS)
    )
    assert len(whole) > 5 * people
    for column in fields(whole):
        assert np.array_equal(getattr(whole, column.name), getattr(lean, column.name))


def test_a_big_range_keeps_its_leaves_and_its_best_sellers() -> None:
    scenario = load_scenario("outdoor_store")
    made = make_fast_history(scenario, 2, shoppers=4_000, days=20, end_at=END_AT, products=50_000, kinds=())
    shelf = shelf_of(made.catalogue)
    assert shelf.n_products == len(made.catalogue) == 50_000
    assert {" > ".join(shelf.categories[code]) for code in shelf.category} == {
        leaf.category for leaf in scenario.leaves
    }
    assert (shelf.price_minor > 0).all()
    assert len(made.signs.at) == 0
    sold = np.sort(np.bincount(made.orders.line_product).astype(np.float64))
    assert gini(sold[sold > 0]) > 0.3
    median = np.array([np.median(made.catalogue.price_minor[made.catalogue.leaf == 0])])
    assert median / 100 == pytest.approx(scenario.leaves[0].price, rel=0.6)


@pytest.mark.parametrize(("shoppers", "days"), [(0, 10), (10, 0), (10, 100_000)])
def test_impossible_sizes_are_refused(shoppers: int, days: int) -> None:
    with pytest.raises(InvalidValue, match="cannot be made"):
        make_fast_history(busy("outdoor_store"), 1, shoppers=shoppers, days=days, end_at=END_AT)


def test_one_person_and_one_day_are_enough() -> None:
    made = make_fast_history(busy("outdoor_store"), 1, shoppers=1, days=1, end_at=END_AT, products=3)
    assert len(customer_activity(made)) <= 1
    assert interactions(made).n_products == 3
