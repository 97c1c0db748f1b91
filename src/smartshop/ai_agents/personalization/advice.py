"""Re-weighting for the present moment: what this shopper did a minute ago changes the very next slate.

    log-odds = Σ strength × s(interest in the category, department, brand, product) + price + search − fatigue

with s(x) = sign(x) (1 − e^(−|x| / 3)): one view says .28, three say .63 and thirty not much more; centred on the
candidates' mean and clipped to ±2. The strengths are priors until decisions have taught better ones.
"""

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from smartshop.ai_agents.advice import ADVICE_LIMIT, Advice, Candidates, Numbers, Question
from smartshop.ai_agents.personalization.interest import Signs, signs_of
from smartshop.ai_agents.personalization.pulls import PersonalizationConfig, Pulls, Search, pulls_of, searches_of
from smartshop.ai_agents.personalization.shelf_facts import ShelfFacts
from smartshop.ai_agents.personalization.words import reason_of_itself, reason_of_search, reason_of_signs
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.schemas.catalogue import format_category
from smartshop.data_collection.schemas.slates import Reason


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
        return Advice(log_odds, _reasons(question, signs, searches, candidates.product_no, pulls, facts))

    def _facts_of(self, shelf: Shelf) -> ShelfFacts:
        facts = self._facts
        if facts is None or not facts.serves(shelf):
            facts = self._facts = ShelfFacts(shelf)
        return facts


def _reasons(
    question: Question, signs: Signs, searches: list[Search], numbers: Numbers, pulls: Pulls, facts: ShelfFacts
) -> Callable[[int], Reason | None]:
    """Candidate → the sentence about its strongest ground."""
    shelf, now = question.shelf, question.now
    liked = signs.value > 0

    def category_reason(number: int) -> Reason | None:
        code = int(shelf.category[number])
        path = shelf.categories[code]
        chosen = liked & (shelf.category[signs.number] == code)
        return reason_of_signs(signs, chosen, shelf, now, f"in {path[-1]}", {"category": format_category(path)})

    def department_reason(number: int) -> Reason | None:
        code = facts.department_of[int(shelf.category[number])]
        top = shelf.categories[int(shelf.category[number])][0]
        chosen = liked & (facts.department_of[shelf.category[signs.number]] == code)
        return reason_of_signs(signs, chosen, shelf, now, f"in {top}", {"category": top})

    def brand_reason(number: int) -> Reason | None:
        code = int(shelf.brand[number])
        brand = shelf.brands[code]
        return reason_of_signs(signs, liked & (shelf.brand[signs.number] == code), shelf, now, f"by {brand}",
                               {"brand": brand})  # fmt: skip

    def search_reason(number: int) -> Reason | None:
        own = facts.words([number])[0]
        matching = [search for search in searches if search.words & own]
        best = max(matching, key=lambda one: one.strength * len(one.words & own) / len(one.words), default=None)
        return None if best is None else reason_of_search(best.text, best.age)

    def reason(index: int) -> Reason | None:
        number = int(numbers[index])
        grounds: list[tuple[float, Callable[[int], Reason | None]]] = [
            (pulls.product[index], lambda one: reason_of_itself(signs, one, now)),
            (pulls.search[index], search_reason),
            (pulls.category[index], category_reason),
            (pulls.brand[index], brand_reason),
            (pulls.department[index], department_reason),
        ]
        for pull, tell in sorted(grounds, key=lambda ground: -ground[0]):
            if pull > 0 and (told := tell(number)) is not None:
                return told
        return None

    return reason
