"""All orders and the newest signs: what is left out of busy customers, and nothing of anybody else."""

import pytest

from smartshop.data_collection.pipelines.newest_signs import newest_signs
from smartshop.data_collection.schemas.events import EventKind
from tests.segmentation.activities import Sign, activity_of, moment

VIEWED = EventKind.PRODUCT_VIEWED


def test_nobody_has_more_and_nothing_is_made_anew() -> None:
    activity = activity_of([(1, 0, 500)], signs=[(1, day, VIEWED, 0) for day in range(3)])
    assert newest_signs(activity, 3) is activity
    nobody = activity_of()
    assert newest_signs(nobody, 1) is nobody


def test_only_the_busy_lose_their_oldest_signs() -> None:
    signs: list[Sign] = [*((1, day, VIEWED, day) for day in range(5)), (2, 9, VIEWED, 0)]
    newest = newest_signs(activity_of([(1, 2, 500), (2, 0, 500)], signs=signs), 2)
    assert newest.sign_customer.tolist() == [0, 0, 1]
    assert newest.sign_product.tolist() == [3, 4, 0]
    assert newest.first_seen_at.tolist() == [moment(2), moment(0)]
    assert newest.last_seen_at.tolist() == [moment(4), moment(9)]
    assert len(newest.order_at) == 2


def test_what_ties_with_the_oldest_kept_is_kept() -> None:
    activity = activity_of(signs=[(1, day, VIEWED, product) for day in (1, 2) for product in range(3)])
    assert newest_signs(activity, 4) is activity
    assert newest_signs(activity, 2).sign_at.tolist() == [moment(2)] * 3
    assert newest_signs(activity, 2).first_seen_at.tolist() == [moment(2)]


def test_to_keep_none_is_refused() -> None:
    with pytest.raises(ValueError, match="0 signs would be kept"):
        newest_signs(activity_of(), 0)
