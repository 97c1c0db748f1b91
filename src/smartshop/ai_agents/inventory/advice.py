"""A word against what is almost gone. What cannot be sold is already out: the eligible mask leaves it out.

With units alone, and no rate of sale, little can be said: the last few units are gently kept for those who look for
the product, since a slate that sends many shoppers to it disappoints all but a few of them.
"""

from typing import ClassVar

import numpy as np

from smartshop.ai_agents.advice import Advice, Candidates, Question
from smartshop.data_collection.schemas.slates import Reason

FEW_UNITS = 3
"""From so few on, an advice is given."""
LOG_ODDS_PER_UNIT = -0.1
"""For each unit under 4: −0.1 with three left, −0.3 with the last one. A tie-breaker by intention, not an estimate."""


class InventoryAdvisor:
    name: ClassVar[str] = "inventory"

    def advise(self, question: Question, candidates: Candidates) -> Advice:
        available = question.shelf.available[candidates.product_no]
        is_few = (available > 0) & (available <= FEW_UNITS)
        log_odds = np.where(is_few, LOG_ODDS_PER_UNIT * (FEW_UNITS + 1 - available), 0.0).astype(np.float32)

        def reason(index: int) -> Reason | None:
            if not is_few[index]:
                return None
            left = int(available[index])
            return Reason("low_stock", f"Only {left} left.", {"available": left})

        return Advice(log_odds, reason)
