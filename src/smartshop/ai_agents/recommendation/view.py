"""What a model says of one catalogue: orders and codes worked out once per shelf, not once per request."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.category_demand import category_demand
from smartshop.ai_agents.recommendation.source import ShelfView
from smartshop.ai_agents.shelf import Shelf


def view_shelf(score: NDArray[np.float32], categories: Sequence[tuple[str, ...]], shelf: Shelf) -> ShelfView:
    """`score`: (n,) demand of the products that the model knows; `categories`: paths by the model's own codes."""
    demand = np.zeros(shelf.n_products, np.float32)
    known = min(len(score), shelf.n_products)
    demand[:known] = score[:known]
    wanted = np.flatnonzero(demand > 0)
    wanted = wanted[np.argsort(-demand[wanted], kind="stable")]
    unseen = newest_in_turn(shelf, np.flatnonzero(demand <= 0))
    by_demand = np.concatenate((wanted, unseen)).astype(np.int32)
    model_codes = {path: code for code, path in enumerate(categories)}
    shelf_codes = {path: code for code, path in enumerate(shelf.categories)}
    return ShelfView(
        category=shelf.category,
        demand=demand,
        by_demand=by_demand,
        n_in_demand=len(wanted),
        of_category=category_demand(by_demand[: len(wanted)], demand, shelf.category, len(shelf.categories)),
        code_in_model=np.array([model_codes.get(path, -1) for path in shelf.categories], np.int32),
        code_on_shelf=np.array([shelf_codes.get(path, -1) for path in categories], np.int32),
    )


def with_demand(view: ShelfView, score: NDArray[np.float32]) -> ShelfView:
    """The view of the same catalogue after demand moved; `score`: as `view_shelf` takes it.

    Far cheaper than a new one: who is still unseen keeps their turn, and who lost all demand comes last.
    """
    demand = np.zeros_like(view.demand)
    known = min(len(score), len(demand))
    demand[:known] = score[:known]
    wanted = np.flatnonzero(demand > 0)
    wanted = wanted[np.argsort(-demand[wanted], kind="stable")]
    unseen = view.by_demand[view.n_in_demand :]
    forgotten = view.in_demand[demand[view.in_demand] <= 0]
    by_demand = np.concatenate((wanted, unseen[demand[unseen] <= 0], forgotten)).astype(np.int32)
    return replace(
        view,
        demand=demand,
        by_demand=by_demand,
        n_in_demand=len(wanted),
        of_category=category_demand(by_demand[: len(wanted)], demand, view.category, len(view.code_in_model)),
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
