"""The request side of the recommendation agent: candidates with where they come from, their odds and their reasons."""

from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.advice import Advice, Candidates, Mask, Numbers, Question
from smartshop.ai_agents.recommendation.anchors import ask_of
from smartshop.ai_agents.recommendation.blend import Blended, blend
from smartshop.ai_agents.recommendation.bought_together import BoughtTogether
from smartshop.ai_agents.recommendation.calibration import Calibration
from smartshop.ai_agents.recommendation.category_trending import draw_category_trending
from smartshop.ai_agents.recommendation.cold_trial import to_be_tried
from smartshop.ai_agents.recommendation.content import Content, draw_from_both
from smartshop.ai_agents.recommendation.item_to_item import ItemToItem
from smartshop.ai_agents.recommendation.markov import Markov
from smartshop.ai_agents.recommendation.mixing import BOUGHT_TOGETHER, mix, moment_in
from smartshop.ai_agents.recommendation.model import RecommendationModel
from smartshop.ai_agents.recommendation.ranker_serving import RANKED, Reranking, was_ranked
from smartshop.ai_agents.recommendation.reasons import explain
from smartshop.ai_agents.recommendation.row_source import RowSource, draw_from_rows
from smartshop.ai_agents.recommendation.source import NOTHING, Anchors, Drawn, ShelfView, first_eligible
from smartshop.ai_agents.recommendation.sources import SOURCES
from smartshop.ai_agents.recommendation.trending import Trending, draw_trending
from smartshop.ai_agents.recommendation.view import with_demand
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.schemas.slates import Reason

ORIGINS = (*SOURCES, "similar", "same_category", "catalogue")
CATALOGUE = np.int8(ORIGINS.index("catalogue"))
FULL_MARGIN = 20
"""Lists are filled up to the slate's limit and this many runners-up."""
SIMILAR_WEIGHTS = (1.0, 0.7, 0.7, 0.5)
"""Item-to-item, Markov, content, most wanted of the same category: chosen alike first, then what others went on to and
what the shop describes alike."""
NEWCOMERS = SOURCES.index("newcomers")
FILL_STEP = 0.98
"""Relevance of each further product that only fills a list up, relative to the one before it."""


class RecommendationAdvisor:
    """Implements `Recommender` over one loaded model; pure, and safe for any number of threads."""

    name: ClassVar[str] = "recommendation"

    def __init__(self, model: RecommendationModel) -> None:
        self.model = model
        self._reranking = None if model.ranker is None else Reranking(model.ranker)
        self._view: ShelfView | None = None
        self._read: ShelfView | None = None
        """The newest view in which newcomers were read; one that a request made in between knows none."""

    def grown(self, model: RecommendationModel) -> Self:
        """The same advisor over the same model after it counted on; what it knows of the shelf goes along."""
        advisor = type(self)(model)
        if model.ranker is self.model.ranker:
            advisor._reranking = self._reranking
        trending = model.of(Trending)
        if self._view is not None and trending is not None:
            advisor._view = with_demand(self._view, trending.score)
        advisor._read = advisor._view if self._read is self._view else self._read
        return advisor

    def candidates(self, question: Question, n: int) -> Candidates:
        """Blend every source for this moment, let the ranker order them, and fill up from the catalogue."""
        view = self._view_of(question.shelf)
        mixed = mix(self.model, view, question, n, ask_the_weightless=self._reranking is not None)
        drawn = mixed.drawn
        found = _candidates(mixed.blended, drawn, np.arange(len(drawn), dtype=np.int8))
        if self._reranking is not None:
            found = self._reranking(question, view, mixed, found)
        filled = _filled(found, question.eligible, view, min(n, question.limit + FULL_MARGIN))
        return _with_newcomers(filled, to_be_tried(self.model, question, drawn[NEWCOMERS]), n, question.limit)

    def advise(self, question: Question, candidates: Candidates) -> Advice:
        """Calibrated log-odds, as the difference to the average candidate; reasons are worked out when asked for."""
        log_odds = self._calibration(question, candidates).of(candidates.relevance)
        if len(log_odds):
            log_odds = log_odds - log_odds.mean()

        def reason(index: int) -> Reason | None:
            origin = candidates.origins[candidates.origin[index]] if candidates.origins else ""
            product_no, because = int(candidates.product_no[index]), int(candidates.because[index])
            return explain(self.model, question, origin, product_no, because)

        return Advice(log_odds=log_odds.astype(np.float32), reason=reason)

    def similar(self, question: Question, n: int) -> Candidates:
        """Like the anchor, or without one like the newest product of the history; filled up by demand."""
        view, eligible = self._view_of(question.shelf), question.eligible
        anchors = _of_one(question.anchor if question.anchor is not None else _newest(question.history))
        if len(anchors.product_no):
            eligible = eligible.copy()
            eligible[anchors.product_no] = False
        drawn = (
            _rows_of(self.model.of(ItemToItem), anchors, eligible, n),
            _rows_of(self.model.of(Markov), anchors, eligible, n),
            _content_of(self.model.of(Content), view, anchors, eligible, n),
            draw_category_trending(view, anchors, eligible, n) if len(anchors.product_no) else NOTHING,
        )
        blended = blend([each.product_no for each in drawn], SIMILAR_WEIGHTS, self.model.recipe.blend.k, n)
        names = ("similar", "markov", "content", "same_category")
        codes = np.array([ORIGINS.index(name) for name in names], np.int8)
        return _filled(_candidates(blended, drawn, codes), eligible, view, n)

    def bought_together(self, question: Question, n: int) -> Candidates:
        """What completes the anchor and the basket; shorter where nothing was learned."""
        eligible = question.eligible.copy()
        moment = moment_in(replace(question, eligible=eligible))
        asked = ask_of(moment, lines_in_order=self.model.recipe.lines_in_order)
        eligible[asked.completing.product_no] = False
        learned = self.model.of(BoughtTogether)
        drawn = NOTHING if learned is None else learned.draw(asked, self._view_of(question.shelf), n)
        blended = blend([drawn.product_no], (1.0,), self.model.recipe.blend.k, n)
        return _candidates(blended, (drawn,), np.array([BOUGHT_TOGETHER], np.int8))

    def trending(self, question: Question, n: int) -> Candidates:
        """The most wanted eligible products, then the newest."""
        view = self._view_of(question.shelf)
        drawn = draw_trending(view, question.eligible, n)
        blended = blend([drawn.product_no], (1.0,), self.model.recipe.blend.k, n)
        found = _candidates(blended, (drawn,), np.array([SOURCES.index("trending")], np.int8))
        return _filled(found, question.eligible, view, n)

    def rank(self, question: Question, product_no: Numbers) -> Candidates:
        """These products and no other, best first, whether or not anything else would show them."""
        eligible = np.zeros(question.shelf.n_products, np.bool_)
        eligible[product_no] = True
        n = int(eligible.sum())
        return self.candidates(replace(question, eligible=eligible, limit=n), n)

    def prepare(self, shelf: Shelf) -> None:
        """Read the products that came after the model; for a thread beside the requests, at every look at the shelf."""
        if self._reranking is not None:
            self._reranking.facts_of(shelf)
        view = self._view
        if view is not None and view is self._read and view.fits(shelf):
            return
        self._view = self._read = self.model.view_with_newcomers(shelf, self._read)

    def _calibration(self, question: Question, candidates: Candidates) -> Calibration:
        if was_ranked(candidates):
            return RANKED
        moment = moment_in(question)
        _, calibration = self.model.recipe.at(moment.eligible, moment.history, moment.focus)
        return calibration

    def _view_of(self, shelf: Shelf) -> ShelfView:
        view = self._view
        if view is None or not view.fits(shelf):
            # Two threads may both make one; they are equal, and the assignment is atomic.
            view = self._view = self.model.view(shelf)
        return view


def _of_one(product_no: int | None) -> Anchors:
    if product_no is None:
        return Anchors(np.zeros(0, np.int32), np.zeros(0))
    return Anchors(np.array([product_no], np.int32), np.ones(1))


def _newest(history: Numbers) -> int | None:
    return int(history[-1]) if len(history) else None


def _rows_of(learned: RowSource | None, anchors: Anchors, eligible: Mask, n: int) -> Drawn:
    return NOTHING if learned is None else draw_from_rows(learned.rows, anchors, eligible, n)


def _content_of(learned: Content | None, view: ShelfView, anchors: Anchors, eligible: Mask, n: int) -> Drawn:
    if learned is None:
        return NOTHING
    late = view.newcomers.alike if view.newcomers is not None else None
    return draw_from_both(learned.rows, late, anchors, eligible, n)


def _with_newcomers(found: Candidates, tried: Drawn, n: int, limit: int) -> Candidates:
    """Those to be tried named; who is not among the n candidates takes the place of the last beyond the slate's."""
    if not len(tried.product_no):
        return found
    absent = np.flatnonzero(~np.isin(tried.product_no, found.product_no))[: max(n - limit, 0)]
    kept = min(len(found.product_no), n - len(absent))
    least = found.relevance[kept - 1] if kept else np.float32(1e-3)
    return Candidates(
        product_no=np.concatenate((found.product_no[:kept], tried.product_no[absent])),
        relevance=np.concatenate((found.relevance[:kept], np.full(len(absent), least, np.float32))),
        origin=np.concatenate((found.origin[:kept], np.full(len(absent), NEWCOMERS, np.int8))),
        because=np.concatenate((found.because[:kept], tried.because[absent])),
        origins=found.origins,
        newcomers=tuple(tried.product_no.tolist()),
    )


def _candidates(blended: Blended, drawn: tuple[Drawn, ...], codes: NDArray[np.int8]) -> Candidates:
    """Name each product's origin (`codes`: list → index into ORIGINS) and the shopper's product behind it."""
    because = np.concatenate([each.because for each in drawn])
    starts = np.cumsum([0, *(len(each.because) for each in drawn)])
    return Candidates(
        product_no=blended.product_no,
        relevance=blended.score,
        origin=codes[blended.origin] if len(blended.origin) else np.zeros(0, np.int8),
        because=because[starts[blended.origin] + blended.place],
        origins=ORIGINS,
    )


def _filled(found: Candidates, eligible: Mask, view: ShelfView, n: int) -> Candidates:
    """Add the most wanted, then the newest eligible products until there are n, or all that are eligible."""
    missing = n - len(found.product_no)
    if missing <= 0:
        return found
    spare = eligible.copy()
    spare[found.product_no] = False
    added = first_eligible(view.by_demand, spare, missing)
    if not len(added):
        return found
    least = float(found.relevance[-1]) if len(found.relevance) else 1e-3
    relevance = least * FILL_STEP ** np.arange(1, len(added) + 1)
    return Candidates(
        product_no=np.concatenate((found.product_no, added)),
        relevance=np.concatenate((found.relevance, relevance)).astype(np.float32),
        origin=np.concatenate((found.origin, np.full(len(added), CATALOGUE))),
        because=np.concatenate((found.because, np.full(len(added), -1, np.int32))),
        origins=found.origins,
    )
