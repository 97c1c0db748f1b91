"""Candidates for a shop that has learned nothing yet: the newest of every category in turn, from the shelf alone."""

from typing import ClassVar

import numpy as np

from smartshop.ai_agents.advice import Advice, Candidates, Question
from smartshop.ai_agents.recommendation.reasons import from_the_shelf
from smartshop.ai_agents.recommendation.view import newest_in_turn
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.schemas.slates import Reason

NO_MODEL = "recommendation: no model yet"
STEP = 0.01
"""Log-odds between neighbours of the list: an order, and next to no opinion."""


class PopularSource:
    """The last rung of the ladder: implements `FallbackRecommender` and needs nothing but the question's shelf."""

    name: ClassVar[str] = "recommendation"

    def __init__(self) -> None:
        self._ordered: tuple[Shelf, np.ndarray[tuple[int], np.dtype[np.int32]]] | None = None

    def candidates(self, question: Question, n: int) -> Candidates:
        order = self._order(question.shelf)
        found = order[question.eligible[order]][:n]
        return Candidates(
            product_no=found,
            relevance=(1.0 / (1.0 + np.arange(len(found)))).astype(np.float32),
            origin=np.zeros(len(found), np.int8),
            because=np.full(len(found), -1, np.int32),
            origins=("catalogue",),
            missing=(NO_MODEL,),
        )

    def advise(self, question: Question, candidates: Candidates) -> Advice:
        middle = (len(candidates.product_no) - 1) / 2
        log_odds = STEP * (middle - np.arange(len(candidates.product_no)))

        def reason(index: int) -> Reason | None:
            return from_the_shelf(question, int(candidates.product_no[index]))

        return Advice(log_odds=log_odds.astype(np.float32), reason=reason)

    def _order(self, shelf: Shelf) -> np.ndarray[tuple[int], np.dtype[np.int32]]:
        ordered = self._ordered
        if ordered is None or ordered[0].category is not shelf.category:
            ordered = self._ordered = (shelf, newest_in_turn(shelf, np.arange(shelf.n_products)))
        return ordered[1]
