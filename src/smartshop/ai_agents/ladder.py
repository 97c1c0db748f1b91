"""The ladder of answers: the full source, else item-to-item, else what is popular, else the catalogue as it stands.

A valid request always gets candidates. Every rung that could not answer is named for `degraded`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from smartshop.ai_agents.advice import Advice, Candidates, FallbackRecommender, Question, Recommender

RECOMMENDATION = "recommendation"


class ItemToItem:
    """The rung below the full source: what is like the product shown, or like the newest one of interest."""

    name: ClassVar[str] = RECOMMENDATION

    def __init__(self, recommender: Recommender) -> None:
        self._recommender = recommender

    def candidates(self, question: Question, n: int) -> Candidates:
        return filled_up(self._recommender.similar(question, n), question, n)

    def advise(self, question: Question, candidates: Candidates) -> Advice:
        return self._recommender.advise(question, candidates)


class CatalogueOrder:
    """The last rung, which cannot fail: eligible products as the catalogue numbers them."""

    name: ClassVar[str] = RECOMMENDATION

    def candidates(self, question: Question, n: int) -> Candidates:
        return filled_up(NOTHING, question, n)

    def advise(self, question: Question, candidates: Candidates) -> Advice:
        return Advice(np.zeros(len(candidates.product_no), dtype=np.float32))


NOTHING = Candidates(
    product_no=np.empty(0, dtype=np.int32),
    relevance=np.empty(0, dtype=np.float32),
    origin=np.empty(0, dtype=np.int8),
    because=np.empty(0, dtype=np.int32),
)


@dataclass(frozen=True, slots=True)
class Drawn:
    candidates: Candidates
    rung: FallbackRecommender
    """The one that answered; it weighs its own candidates."""
    missing: list[str]


def draw(question: Question, rungs: Sequence[FallbackRecommender], n: int) -> Drawn:
    """Candidates from the first rung that can."""
    missing: list[str] = []
    for rung in rungs:
        try:
            candidates = rung.candidates(question, n)
        except Exception as error:  # a rung is someone's model: whatever is wrong with it, the shopper gets an answer
            missing.append(f"{type(rung).__name__}: no candidates ({type(error).__name__})")
            continue
        return Drawn(candidates, rung, [*missing, *candidates.missing])
    last = CatalogueOrder()
    return Drawn(last.candidates(question, n), last, missing)


def filled_up(candidates: Candidates, question: Question, n: int) -> Candidates:
    """The same with eligible products behind, until there are `n`: a list is full whatever was learned."""
    short = n - len(candidates.product_no)
    if short <= 0:
        return candidates
    left = question.eligible.copy()
    left[candidates.product_no] = False
    more = np.flatnonzero(left)[:short].astype(np.int32)
    floor = candidates.relevance.min() if len(candidates.relevance) else np.float32(0)
    return Candidates(
        product_no=np.concatenate([candidates.product_no, more]),
        relevance=np.concatenate([candidates.relevance, np.full(len(more), min(floor, 0), dtype=np.float32)]),
        origin=np.concatenate([candidates.origin, np.full(len(more), len(candidates.origins), dtype=np.int8)]),
        because=np.concatenate([candidates.because, np.full(len(more), -1, dtype=np.int32)]),
        origins=(*candidates.origins, "catalogue"),
        missing=candidates.missing,
    )
