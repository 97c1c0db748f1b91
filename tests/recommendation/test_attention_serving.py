"""The serving half of the self-attentive source, in a process of its own that has neither PyTorch nor onnx."""

from pathlib import Path

import numpy as np

from smartshop.ai_agents.recommendation.anchors import ask_of
from smartshop.ai_agents.recommendation.neural.attention import Attention
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
