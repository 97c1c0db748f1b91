"""Features say of a customer what happened, until the cut-off, and nothing of anybody else."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartshop.ai_agents.segmentation import features as features_file
from smartshop.ai_agents.segmentation.features import FEATURES, Features, column, features_of
from smartshop.ai_agents.segmentation.topics import Topics, make_topics
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.pipelines.newest_signs import newest_signs
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import Micros
from tests.recommendation.worlds import make_shelf
from tests.segmentation.activities import Line, Order, Sign, activity_of, moment

VIEW, ADD, SEARCH = EventKind.PRODUCT_VIEWED, EventKind.PRODUCT_ADDED, EventKind.SEARCHED
SHELF = make_shelf(12, ["Tools", "Pots", "Seeds"])
"""Product i is of the category i mod 3."""


def topics_for(activity: CustomerActivity, timezone: str = "UTC") -> Topics:
    return make_topics(activity, SHELF, np.random.default_rng(1), timezone=timezone)


def figures_of(activity: CustomerActivity, customer: int = 0, topics: Topics | None = None) -> dict[str, float]:
    features = features_of(activity, topics or topics_for(activity))
    return {feature.name: float(features.figures[customer, place]) for place, feature in enumerate(FEATURES)}


def a_busy_shop(seed: int = 5, customers: int = 40) -> CustomerActivity:
    rng = np.random.default_rng(seed)
    orders: list[Order] = [
        (int(rng.integers(customers)), float(rng.uniform(0, 500)), int(rng.integers(-300, 20_000))) for _ in range(200)
    ]
    lines: list[Line] = [
        (place, int(rng.integers(-1, 14)), int(rng.integers(1, 30)), int(rng.integers(0, 9_000)))
        for place in range(200)
        for _ in range(int(rng.integers(1, 6)))
    ]
    signs: list[Sign] = [
        (
            int(rng.integers(customers)),
            float(rng.uniform(0, 500)),
            (VIEW, ADD, SEARCH)[i % 3],
            int(rng.integers(-1, 12)),
        )
        for i in range(300)
    ]
    return activity_of(
        orders,
        lines=lines,
        signs=signs,
        customers=range(customers),
        order_units_back=rng.integers(0, 2, 200).tolist(),
        order_channel=rng.integers(0, 3, 200).tolist(),
        order_device=rng.integers(0, 3, 200).tolist(),
        sign_device=rng.integers(0, 3, 300).tolist(),
        channels=("", "web", "store"),
        devices=("", "mobile", "desktop"),
        as_of_day=500,
    )


def alone(activity: CustomerActivity, customer: int) -> CustomerActivity:
    """The activity of one customer, as a live look loads it: other session numbers, only the names that occur."""
    ordered, signed = activity.order_customer == customer, activity.sign_customer == customer
    lined = ordered[activity.line_order]
    return replace(
        activity,
        customer_ids=activity.customer_ids[customer : customer + 1],
        first_seen_at=activity.first_seen_at[customer : customer + 1],
        last_seen_at=activity.last_seen_at[customer : customer + 1],
        **{name: getattr(activity, name)[ordered] for name in ORDER_ARRAYS},
        order_customer=np.zeros(ordered.sum(), np.int32),
        order_channel=(3 - activity.order_channel[ordered]) % 3,
        channels=("", "store", "web"),
        line_order=(np.cumsum(ordered) - 1)[activity.line_order[lined]].astype(np.int32),
        line_product=activity.line_product[lined],
        line_units=activity.line_units[lined],
        line_value_minor=activity.line_value_minor[lined],
        sign_customer=np.zeros(signed.sum(), np.int32),
        sign_at=activity.sign_at[signed],
        sign_kind=activity.sign_kind[signed],
        sign_product=activity.sign_product[signed],
        sign_session=activity.sign_session[signed] - activity.sign_session[signed].min(initial=0),
        sign_device=activity.sign_device[signed],
    )


ORDER_ARRAYS = ("order_at", "order_value_minor", "order_list_minor", "order_units", "order_units_back", "order_device")


def assert_same(some: Features, others: Features) -> None:
    np.testing.assert_array_equal(some.x, others.x)
    np.testing.assert_array_equal(some.figures, others.figures)
    np.testing.assert_array_equal(some.taste.toarray(), others.taste.toarray())
    np.testing.assert_array_equal(some.evidence, others.evidence)
    np.testing.assert_array_equal(some.n_orders, others.n_orders)
    np.testing.assert_array_equal(some.years, others.years)


def test_a_customer_alone_has_the_same_bits_as_among_all() -> None:
    activity = a_busy_shop()
    topics = topics_for(activity, "Europe/London")
    among_all = features_of(activity, topics)
    for customer in range(len(activity)):
        one = features_of(alone(activity, customer), topics)
        np.testing.assert_array_equal(one.x[0], among_all.x[customer])
        np.testing.assert_array_equal(one.figures[0], among_all.figures[customer])
        np.testing.assert_array_equal(one.taste.toarray()[0], among_all.taste[[customer]].toarray()[0])
        assert one.evidence[0] == among_all.evidence[customer]
        assert one.n_orders[0] == among_all.n_orders[customer]


@pytest.mark.parametrize("day", [0, 120, 499])
def test_nothing_after_the_cut_off_is_known(day: float) -> None:
    activity = a_busy_shop()
    topics = topics_for(activity)
    ended = features_of(activity, topics, as_of=Micros(moment(day)))
    ordered, signed = activity.order_at <= moment(day), activity.sign_at <= moment(day)
    lined = ordered[activity.line_order]
    past = replace(
        activity,
        as_of=Micros(moment(day)),
        **{name: getattr(activity, name)[ordered] for name in (*ORDER_ARRAYS, "order_customer", "order_channel")},
        line_order=(np.cumsum(ordered) - 1)[activity.line_order[lined]].astype(np.int32),
        line_product=activity.line_product[lined],
        line_units=activity.line_units[lined],
        line_value_minor=activity.line_value_minor[lined],
        **{
            name: getattr(activity, name)[signed]
            for name in ("sign_customer", "sign_at", "sign_kind", "sign_product", "sign_session", "sign_device")
        },
    )
    assert_same(ended, features_of(past, topics))


def test_a_later_cut_off_than_the_activity_changes_nothing() -> None:
    activity = a_busy_shop()
    topics = topics_for(activity)
    assert_same(features_of(activity, topics, as_of=Micros(activity.as_of + DAY)), features_of(activity, topics))


def test_rhythm_is_told_in_days_with_an_order() -> None:
    activity = activity_of([(1, 0, 500), (1, 0.4, 500), (1, 30, 500), (1, 60, 500)], as_of_day=73.05)
    told = figures_of(activity)
    features = features_of(activity, topics_for(activity))
    assert features.n_orders[0] == 3
    assert features.years[0] == pytest.approx(0.2)
    assert told["orders_per_year"] == pytest.approx(2 / 0.2)
    assert told["days_between_orders"] == 30
    assert told["days_since_last_order"] == pytest.approx(13.05, rel=1e-5)
    assert told["regularity"] == pytest.approx(1 / (1 + 2 / 4)), "two gaps without any spread, two by chance"


def test_a_rate_of_a_customer_known_little_leans_to_the_prior() -> None:
    activity = activity_of([(1, 9, 500), (1, 10, 500)], as_of_day=10)
    x = features_of(activity, topics_for(activity)).x[0, column("orders_per_year")]
    assert np.expm1(x) == pytest.approx((1 + 0.5) / (1 / 365.25 + 0.25))
    assert figures_of(activity)["orders_per_year"] == pytest.approx(365.25)


def test_baskets_are_told_by_value_lines_and_pieces() -> None:
    activity = activity_of(
        [(1, 0, 1_000), (1, 5, 3_000), (2, 6, 900)],
        lines=[(0, 0, 4, 400), (0, 1, 2, 600), (1, 0, 6, 3_000)],
        order_list_minor=[1_000, 4_000, 1_000],
        order_units=[6, 6, 1],
        order_units_back=[0, 3, 0],
    )
    told = figures_of(activity)
    assert told["order_value"] == pytest.approx(2_000)
    assert told["products_per_order"] == pytest.approx(1.5)
    assert told["units_per_line"] == pytest.approx(4)
    assert told["return_share"] == pytest.approx(0.25)
    assert told["repeat_share"] == pytest.approx(1 / 3)
    assert told["discount_share"] == 0, "the second order is cheap because half of it came back"


def test_a_discount_is_what_is_paid_less_than_the_list() -> None:
    activity = activity_of([(1, 0, 800), (1, 5, 1_000)], order_list_minor=[1_000, 1_000])
    assert figures_of(activity)["discount_share"] == pytest.approx(0.1)


def test_where_no_order_tells_a_discount_nobody_is_said_to_save() -> None:
    shop = activity_of([(1, 0, 800), (1, 5, 1_000), (2, 6, 1_000)])
    assert np.isnan(features_of(shop, topics_for(shop)).x[:, column("discount_share")]).all()
    came_back = activity_of([(1, 0, 800)], order_list_minor=[1_000], order_units=[2], order_units_back=[1])
    assert not topics_for(came_back).reference.tells_discounts, "what came back is no discount"
    discounting = topics_for(activity_of([(1, 0, 800)], order_list_minor=[1_000]))
    assert figures_of(shop, topics=discounting)["discount_share"] == 0, "known of the shop, not of this customer"


def test_breadth_counts_kinds_as_often_as_they_are_bought() -> None:
    even = activity_of([(1, 0, 900)], lines=[(0, 0, 1, 300), (0, 1, 1, 300), (0, 2, 1, 300)])
    assert figures_of(even, topics=topics_for(a_busy_shop()))["breadth"] == pytest.approx(3)
    single = activity_of([(1, 0, 900)], lines=[(0, 0, 1, 300), (0, 3, 1, 300)])
    assert figures_of(single, topics=topics_for(a_busy_shop()))["breadth"] == pytest.approx(1)


def test_price_level_is_against_the_median_of_the_kind() -> None:
    shop = activity_of([(0, 0, 1)], lines=[(0, 0, 1, 100), (0, 3, 1, 200), (0, 6, 1, 400), (0, 1, 1, 50)])
    topics = topics_for(shop)
    dear = activity_of([(1, 0, 800)], lines=[(0, 0, 2, 800)])
    assert figures_of(dear, topics=topics)["price_level"] == pytest.approx(2)
    x = features_of(dear, topics).x[0, column("price_level")]
    assert x == pytest.approx(np.log(2) / 4), "one line against three of the usual price"


def test_visits_are_set_against_the_time_and_orders_since_the_first_known_one() -> None:
    """A visit a day and an order a month: as much of whoever is known by their newest hundred signs alone."""
    orders: list[Order] = [(1, float(day), 500) for day in range(0, 730, 30)]
    whole = activity_of(orders, signs=[(1, float(day), VIEW, 0) for day in range(730)], as_of_day=730)
    topics = topics_for(whole)
    for activity in (whole, newest_signs(whole, 100)):
        told = figures_of(activity, topics=topics)
        assert told["visits_per_month"] == pytest.approx(30.4, rel=0.05)
        assert told["visits_per_order"] == pytest.approx(30, rel=0.2)


def test_visits_are_counted_once_and_told_by_what_happened_in_them() -> None:
    signs: list[Sign] = [(1, 0, VIEW, 0), (1, 0.001, SEARCH, -1), (1, 2, VIEW, 0), (1, 2.001, ADD, 0), (1, 4, VIEW, 1)]
    activity = activity_of([(1, 2.01, 700)], signs=signs, as_of_day=4)
    told = figures_of(activity)
    assert told["visits_per_order"] == 3
    assert told["search_share"] == pytest.approx(1 / 3)
    assert told["basket_share"] == pytest.approx(1 / 3)


def test_evenings_and_weekends_are_the_shops_own() -> None:
    late = activity_of([(1, 0.70, 500)])
    assert figures_of(late)["evening_share"] == 0, "16:48 in London is by day"
    assert figures_of(late, topics=topics_for(late, "Asia/Tokyo"))["evening_share"] == 0, "there it is after midnight"
    assert figures_of(late, topics=topics_for(late, "Europe/Athens"))["evening_share"] == 1
    saturday = activity_of([(1, 5.5, 500), (1, 6.5, 500), (1, 7.5, 500), (1, 8.5, 500)])
    assert figures_of(saturday)["weekend_share"] == 0.5, "2024-01-06 and 07"


def test_christmas_is_told_once_a_year_of_the_shop_is_known() -> None:
    def share(as_of_day: float) -> float:
        activity = activity_of([(1, 0, 500), (1, 320, 500), (1, 357, 500)], as_of_day=as_of_day)
        return figures_of(activity)["christmas_share"]

    assert np.isnan(share(360))
    assert share(370) == pytest.approx(2 / 3)


def test_devices_and_channels_are_told_where_they_are_known() -> None:
    activity = activity_of(
        [(1, 0, 500), (1, 1, 500), (1, 2, 500), (2, 3, 500)],
        order_device=[1, 2, 0, 0],
        order_channel=[1, 1, 2, 0],
        devices=("", "iPhone", "kiosk"),
        channels=("", "web", "store"),
    )
    told = figures_of(activity)
    assert told["mobile_share"] == 0.5
    assert told["other_channel_share"] == pytest.approx(1 / 3)
    assert np.isnan(figures_of(activity, 1)["mobile_share"])


def test_those_who_never_bought_have_no_figures_of_buying() -> None:
    told = figures_of(activity_of([], signs=[(1, 0, VIEW, 0), (1, 3, VIEW, 1)]))
    bought = ("days_since_last_order", "orders_per_year", "order_value", "price_level", "return_share", "breadth")
    assert all(np.isnan(told[name]) for name in bought)
    assert told["days_since_seen"] == 0


def test_taste_adds_up_what_was_bought_and_done_and_dislike_is_none() -> None:
    signs: list[Sign] = [(1, 1, VIEW, 1), (1, 2, ADD, 1), (1, 3, EventKind.ITEM_DISMISSED, 2), (1, 4, VIEW, -1)]
    features = features_of(activity_of([(1, 0, 9)], lines=[(0, 0, 1, 9)], signs=signs), topics_for(a_busy_shop()))
    names = topics_for(a_busy_shop()).names
    taste = dict(zip(names, features.taste.toarray()[0].tolist(), strict=True))
    assert taste == {"Tools": 4.0, "Pots": 4.0, "Seeds": 0.0}
    assert features.evidence[0] == 5


def test_taste_is_the_same_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    activity = a_busy_shop()
    topics, whole = topics_for(activity), features_of(activity, topics_for(activity)).taste
    for size in (1, 7, len(activity)):
        monkeypatch.setattr(features_file, "CUSTOMERS_AT_ONCE", size)
        in_blocks = features_of(activity, topics).taste
        assert (in_blocks != whole).nnz == 0
        assert in_blocks.indptr.tolist() == whole.indptr.tolist()


def test_an_empty_shop_has_features_of_nobody() -> None:
    nobody = activity_of([])
    features = features_of(nobody, topics_for(nobody))
    assert features.x.shape == (0, len(FEATURES))
    assert features.taste.shape[0] == 0


def test_a_customer_of_whom_nothing_is_left_is_no_number() -> None:
    features = features_of(activity_of([], customers=[1]), topics_for(a_busy_shop()))
    assert np.isnan(features.x).all()
    assert features.evidence[0] == 0


amounts = st.integers(-(10**12), 10**12)
some_orders = st.lists(st.tuples(st.integers(0, 3), st.floats(0, 800), amounts), max_size=12)


@given(orders=some_orders, units=st.integers(1, 1_000_000), back=st.integers(0, 2_000_000))
def test_odd_orders_give_no_nonsense(orders: list[Order], units: int, back: int) -> None:
    lines = [(place, place % 5, units, max(row[2], 0)) for place, row in enumerate(orders)]
    activity = activity_of(
        orders, lines=lines, order_units=[units] * len(orders), order_units_back=[back] * len(orders), as_of_day=801
    )
    features = features_of(activity, topics_for(activity))
    assert not np.isinf(features.x).any()
    for place, feature in enumerate(FEATURES):
        known = features.figures[:, place][~np.isnan(features.figures[:, place])]
        assert (known >= 0).all(), feature.name
        if feature.name.endswith("_share"):
            assert (known <= 1).all(), feature.name
