"""Puts the blend's candidates into the ranker's order, and says so in their origins."""

from dataclasses import replace

import numpy as np

from smartshop.ai_agents.advice import Candidates, Question
from smartshop.ai_agents.recommendation.calibration import Calibration
from smartshop.ai_agents.recommendation.mixing import Mixed
from smartshop.ai_agents.recommendation.ranker import NAME, Ranker
from smartshop.ai_agents.recommendation.ranker_features import ShelfFacts, features_of, shelf_facts
from smartshop.ai_agents.recommendation.source import ShelfView
from smartshop.ai_agents.shelf import Shelf

RANKED = Calibration(log_scores=(0.0, 1.0), log_odds=(0.0, 1.0), slope=1.0)
"""Of candidates that a ranker weighed: their relevance is e to the log-odds."""


class Reranking:
    """One ranker over the newest shelf; safe for any number of threads."""

    def __init__(self, ranker: Ranker) -> None:
        self.ranker = ranker
        self._facts: ShelfFacts | None = None

    def __call__(self, question: Question, view: ShelfView, mixed: Mixed, found: Candidates) -> Candidates:
        """The same candidates in the ranker's order; where each comes from, and why, stays the source's word."""
        blend = mixed.calibration.of(found.relevance)
        facts = self.facts_of(question.shelf)
        features = features_of(question, view, facts, mixed, found.product_no, blend, sources=self.ranker.sources)
        log_odds = self.ranker.log_odds(features, blend)
        order = np.argsort(-log_odds, kind="stable")
        return replace(
            found,
            product_no=found.product_no[order],
            relevance=np.exp(log_odds[order]).astype(np.float32),
            origin=found.origin[order],
            because=found.because[order],
            origins=(*found.origins, NAME),
        )

    def facts_of(self, shelf: Shelf) -> ShelfFacts:
        facts = self._facts
        if facts is None or not facts.fits(shelf):
            # Two threads may both make them; they are equal, and the assignment is atomic.
            facts = self._facts = shelf_facts(shelf)
        return facts


def was_ranked(candidates: Candidates) -> bool:
    return NAME in candidates.origins
