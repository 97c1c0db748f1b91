"""From slates that were seen to rows for learning: the question as it stood then, and the features it had."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.advice import Question
from smartshop.ai_agents.eligibility import BOUGHT_RECENTLY, RECENT_PURCHASES_LEFT_OUT
from smartshop.ai_agents.recommendation.mixing import Mixed, mix
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.ranker_columns import feature_names
from smartshop.ai_agents.recommendation.ranker_features import features_of, shelf_facts
from smartshop.ai_agents.recommendation.sources import SOURCES
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.pipelines.slate_outcomes import ShownSlate
from smartshop.data_collection.schemas.context import Context
from smartshop.data_collection.schemas.profiles import Profile

N_CANDIDATES = 200
"""As many as a slate argues about."""
FILL_STEP = 0.98
"""What the blend did not draw is taken for so much less than the least that it drew, as where lists are filled up."""
MOST_WEIGHT = 10.0
"""Inverse propensities are cut here (truncated weighting, Ionides 2008)."""


@dataclass(frozen=True, slots=True)
class RankerTable:
    """s slates of which something was clicked, by time, and the m places of theirs that came into view."""

    features: NDArray[np.float32]
    """(m, f), columns as `feature_names(SOURCES)`"""
    size: NDArray[np.int32]
    """(s,) rows of each slate, in order."""
    shopper: NDArray[np.int32]
    """(s,)"""
    blend: NDArray[np.float64]
    """(m,) the blend's log-odds."""
    place: NDArray[np.int32]
    """(m,) from 0, as shown."""
    outcome: NDArray[np.int8]
    """(m,) `slate_outcomes.Outcome`"""
    weight: NDArray[np.float64]
    """(m,) inverse propensity of standing there, cut."""

    def __len__(self) -> int:
        return len(self.size)

    @property
    def slate(self) -> NDArray[np.intp]:
        """(m,) number of each row's slate."""
        return np.repeat(np.arange(len(self.size)), self.size)

    def part(self, first: int, last: int) -> "RankerTable":
        """The slates first ≤ number < last."""
        start, end = int(self.size[:first].sum()), int(self.size[:last].sum())
        return RankerTable(
            features=self.features[start:end],
            size=self.size[first:last],
            shopper=self.shopper[first:last],
            blend=self.blend[start:end],
            place=self.place[start:end],
            outcome=self.outcome[start:end],
            weight=self.weight[start:end],
        )


def make_table(model: RecommendationModel, shelf: Shelf, slates: Sequence[ShownSlate]) -> RankerTable:
    """Ask the model about every slate as of its moment; it must have learned from nothing newer than the first."""
    view, facts = model.view(shelf), shelf_facts(shelf)
    features = [np.zeros((0, len(feature_names(SOURCES))), np.float32)]
    blend = [np.zeros(0)]
    for slate in slates:
        question = question_of(slate, shelf)
        mixed = mix(model, view, question, N_CANDIDATES)
        log_odds = _blend_log_odds(mixed, slate.product_no)
        features.append(features_of(question, view, facts, mixed, slate.product_no, log_odds))
        blend.append(log_odds)
    propensity = np.concatenate([np.ones(0), *(slate.propensity for slate in slates)])
    return RankerTable(
        features=np.concatenate(features),
        size=np.array([len(slate.product_no) for slate in slates], np.int32),
        shopper=np.array([slate.shopper for slate in slates], np.int32),
        blend=np.concatenate(blend),
        place=np.concatenate([np.zeros(0, np.int32), *(np.arange(len(slate.product_no)) for slate in slates)]).astype(
            np.int32
        ),
        outcome=np.concatenate([np.zeros(0, np.int8), *(slate.outcome for slate in slates)]),
        weight=np.minimum(1.0 / np.maximum(propensity, 1.0 / MOST_WEIGHT), MOST_WEIGHT),
    )


def question_of(slate: ShownSlate, shelf: Shelf) -> Question:
    """The question as it stood, as far as the log can tell: the request's own filters and stock are not kept.

    Where all that was shown, and the runners-up, lie below one category, the shop asked for that category.
    """
    eligible = shelf.alive.copy()
    paths = {shelf.categories[code] for code in shelf.category[slate.entries].tolist()}
    common = _common_head(sorted(paths))
    if common:
        inside = np.array([path[: len(common)] == common for path in shelf.categories], np.bool_)
        eligible &= inside[shelf.category]
    if slate.surface in RECENT_PURCHASES_LEFT_OUT:
        lately = slate.history_bought & (slate.history_at > slate.decided_at - BOUGHT_RECENTLY)
        eligible[slate.history[lately]] = False
    eligible[slate.basket] = False
    if slate.anchor is not None:
        eligible[slate.anchor] = False
    eligible[slate.entries] = True
    return Question(
        surface=slate.surface,
        limit=len(slate.product_no),
        now=slate.decided_at,
        shelf=shelf,
        eligible=eligible,
        profile=Profile(),
        history=slate.history,
        history_at=slate.history_at,
        basket=slate.basket,
        anchor=slate.anchor,
        query=None,
        context=Context(device=slate.device),
        history_bought=slate.history_bought,
    )


def _common_head(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The longest head of all; the first and the last in order differ the soonest."""
    if not paths:
        return ()
    first, last = paths[0], paths[-1]
    n = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), None)
    return first[: min(len(first), len(last)) if n is None else n]


def _blend_log_odds(mixed: Mixed, product_no: NDArray[np.int32]) -> NDArray[np.float64]:
    """(n,) the blend's log-odds of these products."""
    found = mixed.blended
    least = float(found.score[-1]) * FILL_STEP if len(found.score) else 1e-3
    score_of = dict(zip(found.product_no.tolist(), found.score.tolist(), strict=True))
    return mixed.calibration.of(np.array([score_of.get(number, least) for number in product_no.tolist()]))
