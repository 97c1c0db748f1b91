"""From a question to every source's list and their blend: the one way that serving and learning to rank share."""

from dataclasses import dataclass

import numpy as np

from smartshop.ai_agents.advice import Question
from smartshop.ai_agents.recommendation.blend import BlendConfig, Blended, blend
from smartshop.ai_agents.recommendation.calibration import Calibration
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.scoring import draw_all
from smartshop.ai_agents.recommendation.source import Drawn, Moment, ShelfView
from smartshop.ai_agents.recommendation.sources import SOURCES
from smartshop.data_collection.schemas.slates import Surface

BOUGHT_TOGETHER = SOURCES.index("bought_together")
SEGMENT_TRENDING = SOURCES.index("segment_trending")
TRIED_ANYWAY = "newcomers"
"""Newcomers get turns in slates whatever they weigh in the mix."""
ALIKE_SHARE = 1.0
"""What people who shop alike want weighs this much against the strongest other source, times h ÷ (h + own products);
nothing on a product's page and in the basket, where the question is what goes with it."""
HALF_KNOWN = 2.0
"""h: with so many distinct products in the shopper's own history it weighs half. Both were chosen on made-up shops
(`bench/segment_demand.py`), before others of which they were judged: held-out questions have no segments to tune by."""
COMPLETION_SHARE = 2.0
"""On the basket's and the order's page what completes weighs this much against the strongest other source."""


@dataclass(frozen=True, slots=True)
class Mixed:
    """What the sources said at one moment."""

    moment: Moment
    drawn: tuple[Drawn, ...]
    """In the order of `SOURCES`."""
    blended: Blended
    calibration: Calibration
    """What the blend's scores mean here."""


def mix(
    model: RecommendationModel, view: ShelfView, question: Question, n: int, *, ask_the_weightless: bool = True
) -> Mixed:
    """Every source's list and the `n` best of their blend.

    `ask_the_weightless`: draw also from sources that have no weight here, which only a ranker looks at.
    """
    moment = moment_in(question)
    blending, calibration = model.recipe.at(moment.eligible, moment.history, moment.focus)
    weights = _weights(question, moment, blending, frozenset(source.name for source in model.sources))
    asked = frozenset(SOURCES)
    if not ask_the_weightless:
        asked = frozenset(name for name, weight in zip(SOURCES, weights, strict=True) if weight > 0) | {TRIED_ANYWAY}
    drawn = draw_all(model, view, moment, blending.n, names=asked)
    blended = blend([each.product_no for each in drawn], weights, blending.k, n)
    return Mixed(moment, drawn, blended, calibration)


def moment_in(question: Question) -> Moment:
    """What the sources may know of the one who asks; the product looked at speaks loudest, then the basket."""
    focus = question.basket
    if question.anchor is not None:
        focus = np.append(focus[focus != question.anchor], question.anchor)
    return Moment(
        eligible=question.eligible,
        history=question.history,
        history_at=question.history_at,
        now=question.now,
        focus=focus.astype(np.int32, copy=False),
        bought=question.history_bought,
        wanted_alike=question.wanted_alike.product_no,
    )


def _weights(question: Question, moment: Moment, blending: BlendConfig, learned: frozenset[str]) -> tuple[float, ...]:
    known = blending.weights_of(SOURCES)
    # The weight of a source that was never learned says nothing of how loud the others are.
    weights = [weight if name in learned else 0.0 for name, weight in zip(SOURCES, known, strict=True)]
    loudest = max(weights)
    if question.surface in (Surface.BASKET, Surface.ORDER) and len(question.basket):
        weights[BOUGHT_TOGETHER] = loudest * COMPLETION_SHARE
    if len(question.wanted_alike.product_no) and not len(moment.focus):
        own = len(np.unique(question.history))
        weights[SEGMENT_TRENDING] = loudest * ALIKE_SHARE * HALF_KNOWN / (HALF_KNOWN + own)
    return tuple(weights)
