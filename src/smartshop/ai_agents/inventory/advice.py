"""What stock says of a slate's candidates. What cannot be sold is already out: the eligible mask leaves it out.

Products that nothing is foreseen of get no word, and nobody does before the first training.
"""

from typing import ClassVar

import numpy as np

from smartshop.ai_agents.advice import Advice, Candidates, Question
from smartshop.ai_agents.inventory.supply_pressure import StockPressure
from smartshop.data_collection.schemas.slates import Reason

FEW_UNITS = 3
"""From so few on, shoppers are told how many are left."""


class InventoryAdvisor:
    name: ClassVar[str] = "inventory"

    def __init__(self, pressure: StockPressure | None = None) -> None:
        self._pressure = pressure

    def advise(self, question: Question, candidates: Candidates) -> Advice:
        log_odds = None if self._pressure is None else self._pressure.of(question.shelf)
        available = question.shelf.available

        def reason(index: int) -> Reason | None:
            left = int(available[candidates.product_no[index]])
            if not 0 < left <= FEW_UNITS:
                return None
            return Reason("low_stock", f"Only {left} left.", {"available": left})

        if log_odds is None:
            return Advice(np.zeros(len(candidates.product_no), np.float32), reason)
        return Advice(log_odds[candidates.product_no], reason)
