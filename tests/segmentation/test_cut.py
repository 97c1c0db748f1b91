"""The past of an activity is what a load at that moment would have given."""

import numpy as np

from smartshop.ai_agents.segmentation.cut import only, until
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import Micros
from tests.segmentation.activities import activity_of, moment, told

VIEWED = EventKind.PRODUCT_VIEWED
ORDERS = [(1, 2.0, 500), (1, 9.0, 700), (3, 4.0, 900), (4, 12.0, 300)]
LINES = [(0, 7, 1, 500), (1, 8, 2, 700), (2, 7, 1, 600), (2, 9, 1, 300), (3, 7, 1, 300)]
SIGNS = [(1, 1.0, VIEWED, 7), (2, 3.0, VIEWED, 8), (2, 11.0, VIEWED, 9), (5, 8.0, VIEWED, 7)]


def test_the_past_is_what_had_happened_by_then() -> None:
    whole = activity_of(ORDERS, lines=LINES, signs=SIGNS, as_of_day=20)

    past = until(whole, Micros(moment(5)))

    expected = activity_of(
        [ORDERS[0], ORDERS[2]], lines=[LINES[0], (1, 7, 1, 600), (1, 9, 1, 300)], signs=SIGNS[:2], as_of_day=5
    )
    assert told(past) == told(expected)


def test_a_moment_after_the_load_changes_nothing() -> None:
    whole = activity_of(ORDERS, as_of_day=20)

    assert until(whole, Micros(moment(30))) is whole


def test_some_customers_alone_keep_what_is_theirs() -> None:
    whole = activity_of(ORDERS, lines=LINES, signs=SIGNS, as_of_day=20)

    some = only(whole, np.array([False, True, True, False, False]))

    assert some.customer_ids == ("c0000002", "c0000003")
    assert some.order_customer.tolist() == [1]
    assert some.line_product.tolist() == [7, 9]
    assert some.line_order.tolist() == [0, 0]
    assert some.sign_customer.tolist() == [0, 0]


def test_before_the_first_event_there_is_nobody() -> None:
    assert len(until(activity_of(ORDERS, signs=SIGNS), Micros(moment(-1)))) == 0
