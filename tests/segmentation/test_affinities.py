"""What customers lean to, against what everybody does."""

import numpy as np
import pytest

from smartshop.ai_agents.segmentation.affinities import (
    MOST,
    PRIOR_WEIGHT,
    Subjects,
    affinities_between,
    interest_in_products,
    leanings,
    measure_of,
    shop_shares,
)
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.segments import AffinityKind
from tests.segmentation.activities import activity_of

GARDEN_OR_BOOKS = Subjects(AffinityKind.CATEGORY, np.array([0, 0, 1, -1], np.int32), ("Garden", "Books"))
PRODUCTS = Subjects(AffinityKind.PRODUCT, np.arange(4, dtype=np.int32), ("spade", "rake", "novel", "thing"))


def shop() -> tuple[Subjects, Subjects]:
    return GARDEN_OR_BOOKS, PRODUCTS


def test_interest_weighs_orders_over_looks_and_forgets_what_was_taken_back() -> None:
    activity = activity_of(
        [(1, 0.5, 1000)],
        lines=[(0, 0, 2, 1000)],
        signs=[
            (1, 1.0, EventKind.PRODUCT_VIEWED, 2),
            (1, 1.1, EventKind.ITEM_DISMISSED, 2),
            (1, 1.2, EventKind.SEARCHED, -1),
        ],
    )
    assert interest_in_products(activity, 4).toarray().tolist() == [[4.0, 0.0, 0.0, 0.0]]


def test_strength_is_the_share_beyond_everybodys_drawn_toward_it() -> None:
    activity = activity_of([(1, 0.5, 10), (2, 0.5, 10)], lines=[(0, 0, 1, 5), (0, 1, 1, 5), (1, 2, 1, 5), (1, 1, 1, 5)])
    interest = interest_in_products(activity, 4)
    shares = shop_shares(interest, GARDEN_OR_BOOKS)
    assert shares == {"Garden": 0.75, "Books": 0.25}
    found = leanings(interest, measure_of(GARDEN_OR_BOOKS, shares))
    first, second = affinities_between([GARDEN_OR_BOOKS], [found], 0, 2)
    drawn = (8 + PRIOR_WEIGHT * 0.75) / (8 + PRIOR_WEIGHT)
    (only,) = first
    assert only.subject == "Garden"
    assert only.strength == pytest.approx((drawn - 0.75) / 0.25, abs=1e-4)
    assert [one.subject for one in second] == ["Books"]


def test_whoever_does_as_everybody_leans_to_nothing() -> None:
    activity = activity_of([(1, 0.5, 10), (2, 0.5, 10)], lines=[(0, 0, 1, 5), (0, 2, 1, 5), (1, 0, 1, 5), (1, 2, 1, 5)])
    interest = interest_in_products(activity, 4)
    assert len(leanings(interest, measure_of(GARDEN_OR_BOOKS, shop_shares(interest, GARDEN_OR_BOOKS))).customer) == 0


def test_the_strongest_few_are_kept_strongest_first_and_slices_agree_with_the_whole() -> None:
    rng = np.random.default_rng(5)
    n_products = 400
    every = Subjects(
        AffinityKind.PRODUCT, np.arange(n_products, dtype=np.int32), tuple(f"p{n}" for n in range(n_products))
    )
    orders = [(customer, 0.5, 100) for customer in range(60)]
    lines = [
        (order, int(product), 1, 1) for order in range(60) for product in rng.choice(n_products, 25, replace=False)
    ]
    interest = interest_in_products(activity_of(orders, lines=lines), n_products)
    found = leanings(interest, measure_of(every, shop_shares(interest, every)))
    whole = affinities_between([every], [found], 0, 60)
    assert whole == [*affinities_between([every], [found], 0, 2), *affinities_between([every], [found], 2, 60)]
    for kept in whole:
        strengths = [one.strength for one in kept]
        assert len(kept) == MOST[AffinityKind.PRODUCT]
        assert strengths == sorted(strengths, reverse=True)
        assert 0 < strengths[0] <= 1


def test_nobody_and_nothing_is_no_error() -> None:
    interest = interest_in_products(activity_of(), 4)
    for subjects in shop():
        assert shop_shares(interest, subjects) == {}
        assert len(leanings(interest, measure_of(subjects, {})).customer) == 0


def test_one_customer_alone_leans_as_among_all() -> None:
    orders = [(1, 0.5, 10), (2, 0.5, 10), (3, 0.5, 10)]
    lines = [(0, 0, 1, 5), (0, 1, 1, 5), (1, 2, 1, 5), (2, 3, 1, 5)]
    whole = interest_in_products(activity_of(orders, lines=lines), 4)
    for subjects in shop():
        shares = shop_shares(whole, subjects)
        together = affinities_between([subjects], [leanings(whole, measure_of(subjects, shares))], 0, 3)
        alone = interest_in_products(activity_of(orders[1:2], lines=[(0, 2, 1, 5)]), 4)
        assert affinities_between([subjects], [leanings(alone, measure_of(subjects, shares))], 0, 1)[0] == together[1]
