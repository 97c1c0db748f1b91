"""Which newcomers are to be tried on a shopper: published lately, met by few, best by what they borrow. Pure."""

import numpy as np

from smartshop.ai_agents.advice import Question
from smartshop.ai_agents.recommendation.cold import Newcomers
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.source import NOTHING, Drawn

NEW_FOR = 30 * 86_400_000_000
"""µs since it was published."""
MOST_TRIED = 3
"""So that each of them gets turns enough to be judged by."""


def to_be_tried(model: RecommendationModel, question: Question, drawn: Drawn) -> Drawn:
    """The first of the newcomers drawn for this shopper that are new by date and by shoppers; best first."""
    newcomers = model.of(Newcomers)
    if newcomers is None or not len(drawn.product_no):
        return NOTHING
    published_at = question.shelf.published_at[drawn.product_no]
    is_new = (published_at > question.now - NEW_FOR) & (published_at <= question.now)
    best = np.flatnonzero(is_new & newcomers.young(drawn.product_no))[:MOST_TRIED]
    return Drawn(drawn.product_no[best], drawn.because[best])
