"""What the shopper comes back to: their own repeats, newest loudest. Nothing is learned of the others."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from smartshop.ai_agents.recommendation.source import NOTHING, Asked, Drawn, Moment, ShelfView

LOOK_BACK = 200
"""Signs of the history that are looked at."""
AGAIN_DECAY = 0.98
"""Per older sign: habits are longer than moods."""


@dataclass(frozen=True, slots=True)
class BuyAgain:
    name: ClassVar[str] = "buy_again"

    def draw(self, asked: Asked, view: ShelfView, n: int) -> Drawn:
        return draw_again(asked.moment, n)

    def save(self, folder: Path) -> None:
        """There is nothing to keep."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls()


def draw_again(moment: Moment, n: int) -> Drawn:
    """What the shopper came back to most, lately: Σ decay^position over the signs of each product."""
    newest = moment.history[-LOOK_BACK:][::-1]
    if not len(newest) or not moment.eligible[newest].any():
        return NOTHING
    score = np.bincount(newest, weights=AGAIN_DECAY ** np.arange(len(newest)))
    found = np.flatnonzero(score)
    found = found[moment.eligible[found]]
    best = found[np.argsort(-score[found], kind="stable")][:n].astype(np.int32)
    return Drawn(best, best)
