"""Plain lists as sources: what `similar`, `bought together`, `trending` and `rank` draw from one model."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from smartshop.ai_agents.advice import Advice, Candidates, Question, Recommender
from smartshop.ai_agents.ladder import NOTHING, RECOMMENDATION, filled_up
from smartshop.data_collection.schemas.ids import ProductNo

NO_MODEL = f"{RECOMMENDATION}: no model yet"


class BoughtTogether:
    """What orders say completes the product; nothing where nothing was learned, and never a guess."""

    name: ClassVar[str] = RECOMMENDATION

    def __init__(self, recommender: Recommender | None) -> None:
        self._recommender = recommender

    def candidates(self, question: Question, n: int) -> Candidates:
        if self._recommender is None:
            return _without_model(NOTHING)
        return self._recommender.bought_together(question, n)

    def advise(self, question: Question, candidates: Candidates) -> Advice:
        return _advice_of(self._recommender, question, candidates)


class Trending:
    """What is in demand now inside the mask, filled up where demand is short."""

    name: ClassVar[str] = RECOMMENDATION

    def __init__(self, recommender: Recommender) -> None:
        self._recommender = recommender

    def candidates(self, question: Question, n: int) -> Candidates:
        return filled_up(self._recommender.trending(question, n), question, n)

    def advise(self, question: Question, candidates: Candidates) -> Advice:
        return self._recommender.advise(question, candidates)


class Ranked:
    """Products that the caller chose; without a model they come in the order given."""

    name: ClassVar[str] = RECOMMENDATION

    def __init__(self, recommender: Recommender | None, numbers: Sequence[ProductNo]) -> None:
        self._recommender = recommender
        self._numbers = np.array(numbers, dtype=np.int32)

    def candidates(self, question: Question, n: int) -> Candidates:
        if self._recommender is not None:
            return self._recommender.rank(question, self._numbers)
        n_given = len(self._numbers)
        return _without_model(
            Candidates(
                product_no=self._numbers,
                relevance=np.zeros(n_given, dtype=np.float32),
                origin=np.zeros(n_given, dtype=np.int8),
                because=np.full(n_given, -1, dtype=np.int32),
                origins=("given",),
            )
        )

    def advise(self, question: Question, candidates: Candidates) -> Advice:
        return _advice_of(self._recommender, question, candidates)


def _without_model(candidates: Candidates) -> Candidates:
    return Candidates(
        candidates.product_no,
        candidates.relevance,
        candidates.origin,
        candidates.because,
        candidates.origins,
        missing=(NO_MODEL,),
    )


def _advice_of(recommender: Recommender | None, question: Question, candidates: Candidates) -> Advice:
    if recommender is None:
        return Advice(np.zeros(len(candidates.product_no), dtype=np.float32))
    return recommender.advise(question, candidates)
