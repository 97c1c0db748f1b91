"""What speaks for each candidate, by its ground: the numbers behind personalization's advice."""

from dataclasses import dataclass, field
from math import expm1, sqrt

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.advice import Numbers, Question
from smartshop.ai_agents.personalization.interest import HOUR, InterestConfig, Signs, fatigue_at, sums_at
from smartshop.ai_agents.personalization.shelf_facts import ShelfFacts, words_of
from smartshop.data_collection.schemas.events import EventKind

Values = NDArray[np.float64]

SATURATION = 3.0
"""Interest (in fresh views) at which s(x) reaches 63 %."""
LEAST_SPREAD = 0.35
"""Of log prices: about ±40 % of price is always "like" it."""


@dataclass(frozen=True, slots=True)
class PersonalizationConfig:
    """Strengths in log-odds at full interest; each sane from 0 to 2."""

    category: float = 1.3
    department: float = 0.4
    brand: float = 0.5
    product: float = 0.4
    """Of having acted on this very product."""
    price: float = 0.5
    """Between a price level like those of interest and one far from it."""
    search: float = 1.2
    """Of matching every word of a search."""
    fatigue: float = 0.2
    """Lost for each time it was visible in vain."""
    fatigue_most: float = 1.0
    dismissed: float = 2.0
    """Lost by a dismissed product itself."""
    negative_share: float = 0.3
    """How much of a dislike its category, department and brand inherit."""
    bought_share: float = 0.5
    """How much of a purchase they inherit: who has just bought a tent looks for fewer tents."""
    search_half_life: int = HOUR
    """µs."""
    searches: int = 3
    """The newest so many count."""
    interest: InterestConfig = field(default_factory=InterestConfig)


@dataclass(frozen=True, slots=True)
class Pulls:
    """(n,) each over the candidates: what speaks for an item, by its ground."""

    search: Values
    category: Values
    brand: Values
    product: Values
    department: Values
    price: Values
    fatigue: Values

    def total(self) -> Values:
        return self.search + self.category + self.brand + self.product + self.department + self.price - self.fatigue


@dataclass(frozen=True, slots=True)
class Search:
    text: str
    words: frozenset[str]
    age: int
    """µs"""
    strength: float


def searches_of(question: Question, config: PersonalizationConfig) -> list[Search]:
    """The query of the page, then the newest searches of the profile."""
    asked = [(question.query, question.now)] if question.query else []
    for sign in reversed(question.profile.interest):
        if len(asked) >= config.searches:
            break
        if sign.kind is EventKind.SEARCHED and sign.query:
            asked.append((sign.query, sign.occurred_at))
    found = []
    for text, occurred_at in asked:
        age = max(0, question.now - occurred_at)
        words = words_of(text[:200])
        strength = config.search * 2.0 ** (-age / config.search_half_life)
        if words and strength > 0.01:
            found.append(Search(text, words, age, strength))
    return found


def pulls_of(
    question: Question,
    signs: Signs,
    searches: list[Search],
    numbers: Numbers,
    facts: ShelfFacts,
    config: PersonalizationConfig,
) -> Pulls:
    shelf = question.shelf
    shared = _shared_value(signs, config)
    category, sign_category = shelf.category[numbers], shelf.category[signs.number]
    department, sign_department = facts.department_of[category], facts.department_of[sign_category]
    brand, sign_brand = shelf.brand[numbers], shelf.brand[signs.number]
    own = sums_at(signs.number, np.where(signs.is_purchase, 0.0, signs.value), numbers)
    fatigue = fatigue_at(question.profile, signs, shelf, question.now, numbers, config.interest)
    return Pulls(
        search=_search_pull(searches, numbers, facts),
        category=config.category * _said_of(category, sign_category, shared, len(shelf.categories)),
        department=config.department * _said_of(department, sign_department, shared, len(shelf.categories) + 1),
        brand=config.brand * _said_of(brand, sign_brand, shared, len(shelf.brands)),
        product=np.where(own < 0, config.dismissed, config.product) * _saturated(own),
        price=config.price * _price_pull(signs, shared, numbers, facts),
        fatigue=np.minimum(config.fatigue * fatigue, config.fatigue_most),
    )


def _shared_value(signs: Signs, config: PersonalizationConfig) -> Values:
    """(m,): what of each sign its category, department and brand inherit."""
    share = np.where(signs.value < 0, config.negative_share, 1.0)
    return np.asarray(signs.value * np.where(signs.is_purchase, config.bought_share, share), dtype=np.float64)


def _saturated(value: Values) -> Values:
    return np.asarray(np.sign(value) * -np.expm1(-np.abs(value) / SATURATION), dtype=np.float64)


def _said_of(codes: Numbers, sign_codes: Numbers, value: Values, n_codes: int) -> Values:
    """(n,): saturated interest in each candidate's group; code 0 is no group."""
    by_code: Values = np.bincount(sign_codes, weights=value, minlength=n_codes).astype(np.float64, copy=False)
    by_code[0] = 0.0
    return _saturated(by_code[codes])


def _price_pull(signs: Signs, value: Values, numbers: Numbers, facts: ShelfFacts) -> Values:
    """(n,) in ±½: closeness of the price level to that of the products liked, as far as these agree."""
    sign_level = facts.price_level[signs.number].astype(np.float64)
    liked = (value > 0) & np.isfinite(sign_level)
    if not liked.any():
        return np.zeros(len(numbers))
    weight, level = value[liked], sign_level[liked]
    total = float(weight.sum())
    mean = float(weight @ level) / total
    spread = max(LEAST_SPREAD, sqrt(float(weight @ (level - mean) ** 2) / total))
    certainty = -expm1(-total / SATURATION)
    distance = (facts.price_level[numbers] - mean) / spread
    pull = certainty * (np.exp(-0.5 * distance * distance) - 0.5)
    return np.where(np.isnan(pull), 0.0, pull)


def _search_pull(searches: list[Search], numbers: Numbers, facts: ShelfFacts) -> Values:
    """(n,): share of a search's words that the product has, times its strength; the best search counts."""
    best = np.zeros(len(numbers))
    if not searches:
        return best
    words = facts.words(numbers.tolist())
    for search in searches:
        scale = search.strength / len(search.words)
        best = np.maximum(best, [scale * len(search.words & own) for own in words])
    return best
