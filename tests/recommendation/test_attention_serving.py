"""The serving half of the self-attentive source, in a process of its own that has neither PyTorch nor onnx."""

from pathlib import Path

import numpy as np
import pytest

from smartshop.ai_agents.recommendation.anchors import ask_of
from smartshop.ai_agents.recommendation.neural.attention import Attention, best_eligible
from smartshop.ai_agents.recommendation.source import Moment
from smartshop.ai_agents.recommendation.view import view_shelf
from tests.recommendation.worlds import N_PRODUCTS, SECOND, START, shelf_of_tastes


def serve(folder: Path) -> list[int]:
    """Five products after 1 and 2, from a saved model."""
    shelf = shelf_of_tastes()
    history = np.array([1, 2], np.int32)
    at = START - np.array([2, 1], np.int64) * SECOND
    everything = np.ones(N_PRODUCTS, np.bool_)
    moment = Moment(eligible=everything, history=history, history_at=at, now=START, focus=np.zeros(0, np.int32))
    seen = view_shelf(np.zeros(N_PRODUCTS, np.float32), shelf.categories, shelf)
    products: list[int] = Attention.load(folder).draw(ask_of(moment), seen, 5).product_no.tolist()
    return products


@pytest.mark.parametrize("n", [1, 3, 6, 20])
def test_the_best_eligible_places_are_those_of_a_full_sort(n: int) -> None:
    rng = np.random.default_rng(n)
    score = rng.permutation(20).astype(np.float32)
    eligible = rng.random(20) < 0.5
    wanted = [place for place in np.argsort(-score).tolist() if eligible[place]][:n]
    assert best_eligible(score, eligible, n).tolist() == wanted
