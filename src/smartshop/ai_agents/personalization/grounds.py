"""Why personalization speaks for a candidate: its strongest ground that has a true sentence."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.advice import Numbers, Question
from smartshop.ai_agents.personalization.interest import Signs
from smartshop.ai_agents.personalization.pulls import Pulls, Search
from smartshop.ai_agents.personalization.shelf_facts import ShelfFacts
from smartshop.ai_agents.personalization.words import reason_of_itself, reason_of_search, reason_of_signs
from smartshop.data_collection.schemas.catalogue import format_category
from smartshop.data_collection.schemas.slates import Reason


@dataclass(frozen=True, slots=True)
class Grounds:
    """What is needed to tell the reasons of one slate; worked out only for the items shown."""

    question: Question
    signs: Signs
    searches: list[Search]
    numbers: Numbers
    pulls: Pulls
    facts: ShelfFacts

    def reason(self, index: int) -> Reason | None:
        """The sentence about candidate `index`; None where nothing speaks for it."""
        number, pulls = int(self.numbers[index]), self.pulls
        grounds: list[tuple[float, Callable[[int], Reason | None]]] = [
            (pulls.product[index], self._itself),
            (pulls.search[index], self._search),
            (pulls.category[index], self._category),
            (pulls.brand[index], self._brand),
            (pulls.department[index], self._department),
        ]
        for pull, tell in sorted(grounds, key=lambda ground: -ground[0]):
            if pull > 0 and (told := tell(number)) is not None:
                return told
        return None

    def _itself(self, number: int) -> Reason | None:
        return reason_of_itself(self.signs, number, self.question.now)

    def _search(self, number: int) -> Reason | None:
        own = self.facts.words([number])[0]
        matching = [search for search in self.searches if search.words & own]
        best = max(matching, key=lambda one: one.strength * len(one.words & own) / len(one.words), default=None)
        return None if best is None else reason_of_search(best.text, best.age)

    def _category(self, number: int) -> Reason | None:
        shelf = self.question.shelf
        code = shelf.category[number]
        path = shelf.categories[code]
        alike = shelf.category[self.signs.number] == code
        return self._others(number, alike, f"in {path[-1]}", {"category": format_category(path)})

    def _brand(self, number: int) -> Reason | None:
        shelf = self.question.shelf
        code = shelf.brand[number]
        brand = shelf.brands[code]
        return self._others(number, shelf.brand[self.signs.number] == code, f"by {brand}", {"brand": brand})

    def _department(self, number: int) -> Reason | None:
        shelf, department_of = self.question.shelf, self.facts.department_of
        top = shelf.categories[shelf.category[number]][0]
        alike = department_of[shelf.category[self.signs.number]] == department_of[shelf.category[number]]
        return self._others(number, alike, f"in {top}", {"category": top})

    def _others(self, number: int, alike: NDArray[np.bool_], group: str, about: dict[str, str]) -> Reason | None:
        """About what the shopper liked of the group; the product itself is no evidence for itself."""
        chosen = alike & (self.signs.value > 0) & (self.signs.number != number)
        return reason_of_signs(self.signs, chosen, self.question.shelf, self.question.now, group, about)
