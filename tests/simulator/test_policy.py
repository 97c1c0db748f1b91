"""The chance logged with each item shown is the chance it was shown with."""

import numpy as np
import pytest

from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import DecisionId
from smartshop.simulator.policy import Way, draw_slate, make_shelf, way
from smartshop.simulator.scenario import ShowPolicy
from tests.simulator.conftest import Made

DRAWS = 20_000
ITEMS = 9
LIMIT = 4


def ways() -> tuple[Way, ...]:
    eligible = np.array([True] * 8 + [False])
    popularity = np.array([50.0, 20, 10, 5, 5, 3, 2, 1, 99])
    leaf = np.array([0, 0, 0, 1, 1, 1, 2, 2, 0], dtype=np.int32)
    return make_shelf(ShowPolicy(limit=LIMIT), eligible, popularity, leaf).ways(1)


def test_what_is_shown_is_as_frequent_as_its_propensity_says() -> None:
    """Weighting each showing by 1/propensity must count every item once per slate that does not hold it above.

    For item i at place k, the mean of [i is there] / p over the draws has the expectation P(i is not above k). Both are
    counted in the same draws; their difference has mean 0, and six standard errors of it are allowed.
    """
    rng = np.random.default_rng(5)
    weighted = np.zeros((DRAWS, LIMIT, ITEMS))
    open_still = np.ones((DRAWS, LIMIT, ITEMS))
    for draw in range(DRAWS):
        slate = draw_slate(ways(), LIMIT, DecisionId("d"), rng)
        assert len(set(slate.products)) == LIMIT
        for place, (product, propensity) in enumerate(zip(slate.products, slate.propensities, strict=True)):
            assert 0 < propensity <= 1
            weighted[draw, place, product] = 1 / propensity
            open_still[draw, place + 1 :, product] = 0
    open_still[:, :, ITEMS - 1] = 0
    difference = (weighted - open_still)[:, :, : ITEMS - 1]
    error = difference.std(axis=0) / DRAWS**0.5
    assert (np.abs(difference.mean(axis=0)) <= 6 * error).all()
    assert weighted[:, :, ITEMS - 1].sum() == 0


def test_the_first_place_is_drawn_with_the_mixture_of_the_three_ways() -> None:
    rng = np.random.default_rng(6)
    three = ways()
    first = np.bincount([draw_slate(three, 1, DecisionId("d"), rng).products[0] for _ in range(DRAWS)], minlength=ITEMS)
    expected = sum((each.weight * each.chance for each in three), np.zeros(ITEMS)) / sum(e.weight for e in three)
    assert np.abs(first / DRAWS - expected).max() < 6 * (0.25 / DRAWS) ** 0.5


def test_fewer_products_than_places_are_all_shown_once() -> None:
    slate = draw_slate(ways(), 50, DecisionId("d"), np.random.default_rng(7))
    assert sorted(slate.products) == list(range(8))
    assert slate.propensities[-1] == pytest.approx(1.0)


def test_nothing_to_show_is_an_empty_slate() -> None:
    assert way(1.0, np.ones(3), np.zeros(3, dtype=np.bool_)) is None
    assert draw_slate((), 5, DecisionId("d"), np.random.default_rng(8)).products == ()


def test_the_logged_propensities_of_a_history_count_its_catalogue(outdoor: Made) -> None:
    """The mean of 1/propensity at the first place is the number of products that could be shown there."""
    first = [
        1 / event.properties["propensities"][0]
        for event in outdoor.events
        if event.kind is EventKind.RECOMMENDATION_SHOWN and event.surface == "home" and event.properties
    ]
    counted = float(np.mean(first))
    allowed = 6 * float(np.std(first)) / len(first) ** 0.5
    # Between 90 % of the catalogue (the rest is not launched or sold out) and all of it.
    assert 0.9 * len(outdoor.world.products) - allowed <= counted <= len(outdoor.world.products) + allowed
