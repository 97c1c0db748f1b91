"""A word for what is back in stock, to those who asked to be told of it or came to look at it in vain."""

from typing import ClassVar

import numpy as np

from smartshop.ai_agents.advice import Advice, Candidates, Question
from smartshop.data_collection.schemas.slates import Reason

LOG_ODDS = 1.0
"""Who asked for a product is likelier to want it than the average candidate; half of what any advisor may say."""


class ReturnAdvisor:
    name: ClassVar[str] = "back_in_stock"

    def advise(self, question: Question, candidates: Candidates) -> Advice:
        is_back = np.isin(candidates.product_no, question.returned)
        is_back &= question.shelf.sellable[candidates.product_no]

        def reason(index: int) -> Reason | None:
            return Reason("back_in_stock", "Back in stock.") if is_back[index] else None

        return Advice(np.where(is_back, LOG_ODDS, 0.0).astype(np.float32), reason)
