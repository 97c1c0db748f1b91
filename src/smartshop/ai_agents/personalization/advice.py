"""Re-weighting for the present moment: what this shopper did a minute ago changes the very next slate.

    log-odds = Σ strength × s(interest in the category, department, brand, product) + price + search − fatigue

with s(x) = sign(x) (1 − e^(−|x| / 3)): one view says .28, three say .63 and thirty not much more; centred on the
candidates' mean and clipped to ±2. The strengths are priors until decisions have taught better ones.
"""

from typing import ClassVar

import numpy as np

from smartshop.ai_agents.advice import ADVICE_LIMIT, Advice, Candidates, Question
from smartshop.ai_agents.personalization.grounds import Grounds
from smartshop.ai_agents.personalization.interest import signs_of
from smartshop.ai_agents.personalization.pulls import PersonalizationConfig, pulls_of, searches_of
from smartshop.ai_agents.personalization.shelf_facts import ShelfFacts
from smartshop.ai_agents.shelf import Shelf


class PersonalizationAdvisor:
    """Pure over the question; keeps only facts of the catalogue it saw last."""

    name: ClassVar[str] = "personalization"

    def __init__(self, config: PersonalizationConfig | None = None) -> None:
        self._config = config or PersonalizationConfig()
        self._facts: ShelfFacts | None = None

    def advise(self, question: Question, candidates: Candidates) -> Advice:
        n = len(candidates.product_no)
        profile = question.profile
        if n == 0 or not (profile.interest or profile.exposures or question.query):
            return Advice(np.zeros(n, dtype=np.float32))
        facts = self._facts_of(question.shelf)
        signs = signs_of(profile, question.shelf, question.now, self._config.interest)
        searches = searches_of(question, self._config)
        pulls = pulls_of(question, signs, searches, candidates.product_no, facts, self._config)
        total = pulls.total()
        log_odds = np.clip(total - total.mean(), -ADVICE_LIMIT, ADVICE_LIMIT).astype(np.float32)
        grounds = Grounds(question, signs, searches, candidates.product_no, pulls, facts)
        return Advice(log_odds, grounds.reason)

    def _facts_of(self, shelf: Shelf) -> ShelfFacts:
        facts = self._facts
        if facts is None or not facts.serves(shelf):
            facts = self._facts = ShelfFacts(shelf)
        return facts
