"""Coverage, novelty and diversity of lists, worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from smartshop.ai_agents.recommendation.beyond_accuracy import NONE, coverage, diversity, novelty, surprise_of
from smartshop.ai_agents.recommendation.metrics import draw_bootstrap
from smartshop.ai_agents.shelf import Shelf
from tests.recommendation.worlds import make_shelf


def lists(*rows: list[int]) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    return np.array(rows, np.int32)


def test_the_less_a_product_is_known_the_newer_it_is() -> None:
    surprise = surprise_of(np.array([7, 3, 0]), 7)
    assert surprise.tolist() == [0, 1, 3]  # 8/8, 4/8 and 1/8 of the shoppers, the one who knows all among them
    found = novelty(lists([0, 2], [1, NONE], [NONE, NONE]), surprise)
    assert found[:2].tolist() == [1.5, 1.0]
    assert np.isnan(found[2])


def shelf_of(paths: tuple[tuple[str, ...], ...], category: list[int], brand: list[int]) -> Shelf:
    shelf = make_shelf(len(category))
    return replace(
        shelf,
        categories=paths,
        category=np.array(category, np.int32),
        brand=np.array(brand, np.int32),
        brands=("", *(f"Brand {i}" for i in range(max(brand)))),
    )


def test_products_are_alike_by_shared_path_and_brand() -> None:
    paths = ((), ("Camping",), ("Camping", "Tents"), ("Garden",))
    shelf = shelf_of(paths, [2, 2, 1, 3, 0, 0], [0] * 6)
    found = diversity(lists([0, 1], [0, 2], [0, 3], [4, 5], [0, NONE]), shelf)
    assert found is not None
    assert found[:4].tolist() == [0.0, 0.5, 1.0, 1.0]  # products of no category are not alike
    assert np.isnan(found[4])
    branded = diversity(lists([0, 1], [0, 3]), shelf_of(paths, [2, 2, 1, 3], [1, 2, 1, 1]))
    assert branded is not None
    assert branded.tolist() == [0.5, 0.5]


def test_a_shop_without_categories_and_brands_has_no_diversity() -> None:
    assert diversity(lists([0, 1]), make_shelf(3)) is None


def test_coverage_is_the_share_of_the_living_that_is_shown_to_anyone() -> None:
    alive = np.array([True, True, True, True, False])
    shown = lists([0, 1], [1, NONE], [0, 1])
    bootstrap = draw_bootstrap(np.array([4, 7, 9]), np.random.default_rng(0))
    found = coverage(shown, alive, bootstrap)
    assert found.mean == pytest.approx(0.5)
    assert 0 <= found.low <= 0.5 <= found.high <= 1
    same = coverage(lists([0, 1], [0, 1], [0, 1]), alive, bootstrap)
    assert (same.low, same.high) == (0.5, 0.5)
