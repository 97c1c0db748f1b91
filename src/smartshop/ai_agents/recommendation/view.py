"""What a model says of one catalogue: orders and codes worked out once per shelf, not once per request."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.shelf import Shelf


@dataclass(frozen=True, slots=True)
class ShelfView:
    """Good for every shelf that shares this one's catalogue arrays; a change of stock makes no new one."""

    category: NDArray[np.int32]
    """The shelf's own array; whether a view still fits is asked by identity."""
    demand: NDArray[np.float32]
    """(n_products,): the model's trending score, 0 for what it never saw."""
    by_demand: NDArray[np.int32]
    """All products: those in demand first, then the unseen, newest first, in turn over the categories."""
    n_in_demand: int
    """So many of `by_demand` have a demand above 0."""
    code_in_model: NDArray[np.int32]
    """(n_categories of the shelf,): the model's code of the same path, or -1."""
    code_on_shelf: NDArray[np.int32]
    """(n_categories of the model,): the shelf's code of the same path, or -1."""

    def fits(self, shelf: Shelf) -> bool:
        return self.category is shelf.category


def view_shelf(model: RecommendationModel, shelf: Shelf) -> ShelfView:
    demand = np.zeros(shelf.n_products, np.float32)
    known = min(model.n_products, shelf.n_products)
    demand[:known] = model.trending.score[:known]
    wanted = np.flatnonzero(demand > 0)
    wanted = wanted[np.argsort(-demand[wanted], kind="stable")]
    unseen = newest_in_turn(shelf, np.flatnonzero(demand <= 0))
    model_codes = {path: code for code, path in enumerate(model.categories)}
    shelf_codes = {path: code for code, path in enumerate(shelf.categories)}
    return ShelfView(
        category=shelf.category,
        demand=demand,
        by_demand=np.concatenate((wanted, unseen)).astype(np.int32),
        n_in_demand=len(wanted),
        code_in_model=np.array([model_codes.get(path, -1) for path in shelf.categories], np.int32),
        code_on_shelf=np.array([shelf_codes.get(path, -1) for path in model.categories], np.int32),
    )


def newest_in_turn(shelf: Shelf, products: NDArray[np.intp]) -> NDArray[np.int32]:
    """These products, one of each category in turn, the newest of a category first, ties by title."""
    if not len(products):
        return np.zeros(0, np.int32)
    titles = np.array([shelf.titles[number] for number in products.tolist()])
    category = shelf.category[products]
    order = np.lexsort((titles, -shelf.published_at[products], category))
    category = category[order]
    starts = np.flatnonzero(np.concatenate(([True], category[1:] != category[:-1])))
    turn = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    return products[order[np.argsort(turn, kind="stable")]].astype(np.int32)
