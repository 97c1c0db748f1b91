"""What people who shop alike want lately, as the question brings it along: learns nothing of its own.

Who shops alike is the segmentation agent's to say; agents do not import each other, so the question carries its word.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from smartshop.ai_agents.recommendation.source import Asked, Drawn, ShelfView, first_eligible


@dataclass(frozen=True, slots=True)
class SegmentTrending:
    name: ClassVar[str] = "segment_trending"

    def draw(self, asked: Asked, view: ShelfView, n: int) -> Drawn:
        wanted = asked.moment.wanted_alike
        # Who told may have seen a newer shelf than this one.
        found = first_eligible(wanted[wanted < len(asked.eligible)], asked.eligible, n)
        return Drawn(found, np.full(len(found), -1, np.int32))

    def save(self, folder: Path) -> None:
        """There is nothing to keep."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        return cls()
