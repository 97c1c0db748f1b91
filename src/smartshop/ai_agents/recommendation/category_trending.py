"""The most wanted products of the shopper's own categories: reads the shop's demand, learns nothing of its own."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from smartshop.ai_agents.recommendation.source import NOTHING, Anchors, Asked, Drawn, Mask, Numbers, ShelfView


@dataclass(frozen=True, slots=True)
class CategoryTrending:
    name: ClassVar[str] = "category_trending"

    def draw(self, asked: Asked, view: ShelfView, n: int) -> Drawn:
        return draw_category_trending(view, asked.anchors, asked.eligible, n)

    def save(self, folder: Path) -> None:
        """There is nothing to keep."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls()


def draw_category_trending(view: ShelfView, anchors: Anchors, eligible: Mask, n: int) -> Drawn:
    """The most wanted of the shopper's own categories: demand × how loud the category's anchors are."""
    category = view.category[anchors.product_no]
    affinity = np.asarray(np.bincount(category, weights=anchors.weight, minlength=len(view.code_in_model)), np.float64)
    affinity[0] = 0.0
    if not affinity.any():
        return NOTHING
    found = view.of_category.best(affinity, eligible, n)
    return Drawn(found, _newest_of_category(view.category[found], category, anchors.product_no))


def _newest_of_category(wanted: Numbers, category: Numbers, anchors: Numbers) -> Numbers:
    same = wanted[:, None] == category[None, :]
    return np.asarray(anchors[same.argmax(axis=1)], np.int32)
