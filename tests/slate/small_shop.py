"""A made-up shelf of a few hundred products, and sources and advisors whose every word is known."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.advice import Advice, Candidates, Numbers, Question
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.schemas.context import Context
from smartshop.data_collection.schemas.ids import Micros, ProductId, ProductNo
from smartshop.data_collection.schemas.profiles import Profile
from smartshop.data_collection.schemas.slates import Reason, Surface

NOW = Micros(1_780_000_000_000_000)
SECOND = 1_000_000
DAY = 86_400 * SECOND

CATEGORIES: tuple[tuple[str, ...], ...] = (
    (),
    ("Outdoor", "Tents"),
    ("Outdoor", "Stoves"),
    ("Garden", "Spades"),
    ("Garden", "Tents"),
)
BRANDS = ("", "Tarn", "Birch", "Fell")


def make_shelf(n: int = 200, *, version: int = 1, **changes: object) -> Shelf:
    """Product i: `p{i}`, categories and brands in turn, price 100 × (i + 1), all sellable and never counted."""
    numbers = np.arange(n)
    fields: dict[str, Any] = {  # Any: the fields are of many types
        "version": version,
        "product_ids": tuple(ProductId(f"p{i}") for i in range(n)),
        "number_of": {ProductId(f"p{i}"): ProductNo(i) for i in range(n)},
        "titles": tuple(f"{CATEGORIES[1 + i % 4][1][:-1]} number {i}" for i in range(n)),
        "alive": np.ones(n, dtype=np.bool_),
        "sellable": np.ones(n, dtype=np.bool_),
        "available": np.full(n, -1, dtype=np.int32),
        "price_minor": (numbers + 1).astype(np.int64) * 100,
        "category": (1 + numbers % 4).astype(np.int32),
        "categories": CATEGORIES,
        "brand": (1 + numbers % 3).astype(np.int32),
        "brands": BRANDS,
        "published_at": np.zeros(n, dtype=np.int64),
        "attributes": tuple({"colour": ["red", "blue"] if i % 5 == 0 else "green"} for i in range(n)),
    }
    return Shelf(**(fields | changes))


def make_question(shelf: Shelf, **changes: object) -> Question:
    fields: dict[str, Any] = {  # Any: the fields are of many types
        "surface": Surface.SEARCH,
        "limit": 12,
        "now": NOW,
        "shelf": shelf,
        "eligible": shelf.sellable.copy(),
        "profile": Profile(),
        "history": np.empty(0, dtype=np.int32),
        "history_at": np.empty(0, dtype=np.int64),
        "basket": np.empty(0, dtype=np.int32),
        "anchor": None,
        "query": None,
        "context": Context(),
    }
    return Question(**(fields | changes))


def listed(numbers: Sequence[int] | NDArray[np.integer[Any]]) -> Candidates:
    """These products, best first, each a little less relevant than the one before."""
    n = len(numbers)
    return Candidates(
        product_no=np.array(numbers, dtype=np.int32),
        relevance=np.linspace(1, 0, n, dtype=np.float32),
        origin=np.zeros(n, dtype=np.int8),
        because=np.full(n, -1, dtype=np.int32),
        origins=("catalogue",),
    )


class ByNumber:
    """A whole recommender that prefers lower product numbers: relevance falls from 1 by 1/100 a product."""

    name: ClassVar[str] = "recommendation"

    def candidates(self, question: Question, n: int) -> Candidates:
        return listed(np.flatnonzero(question.eligible)[:n])

    def similar(self, question: Question, n: int) -> Candidates:
        nearest = question.anchor if question.anchor is not None else int(question.history[-1])
        eligible = np.flatnonzero(question.eligible)
        return listed(eligible[np.argsort(np.abs(eligible - nearest), kind="stable")][: min(n, 5)])

    def bought_together(self, question: Question, n: int) -> Candidates:
        return listed([one for one in (7, 8, 9) if question.eligible[one]][:n])

    def trending(self, question: Question, n: int) -> Candidates:
        return listed(np.flatnonzero(question.eligible)[::-1][: min(n, 3)])

    def rank(self, question: Question, product_no: Numbers) -> Candidates:
        return listed(np.sort(product_no))

    def advise(self, question: Question, candidates: Candidates) -> Advice:
        def reason(index: int) -> Reason:
            return Reason("by_number", f"Number {candidates.product_no[index]} comes early.")

        return Advice((1 - candidates.product_no / 100).astype(np.float32), reason)


class Says:
    """An advisor with one fixed opinion per product number."""

    name: ClassVar[str] = "inventory"

    def __init__(self, opinions: dict[int, float]) -> None:
        self._opinions = opinions

    def advise(self, question: Question, candidates: Candidates) -> Advice:
        opinions = [self._opinions.get(number, 0.0) for number in candidates.product_no.tolist()]
        return Advice(np.array(opinions, dtype=np.float32), lambda index: Reason("said", f"Said of candidate {index}."))


class Personal(Says):
    name: ClassVar[str] = "personalization"


class Breaks:
    """Whatever is asked of it, it raises."""

    name: ClassVar[str] = "personalization"

    def candidates(self, question: Question, n: int) -> Candidates:
        raise RuntimeError("the model is broken")

    def advise(self, question: Question, candidates: Candidates) -> Advice:
        raise RuntimeError("the model is broken")


class BrokenSource(ByNumber):
    """Only its item-to-item part still works."""

    def candidates(self, question: Question, n: int) -> Candidates:
        raise RuntimeError("the model is broken")


class BrokenModel(BrokenSource):
    def similar(self, question: Question, n: int) -> Candidates:
        raise RuntimeError("the model is broken")
