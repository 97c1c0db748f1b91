"""What sets segments apart from the rest of the shop: the features and topics in which they differ most.

A trait stands out by Cohen's d (1988): the mean of the segment less the mean of all other customers, over the standard
deviation of all, outermost twentieths drawn in (winsorised) so that no giant makes a trait. Features are measured on
the scale of `Features.x`, topics by customers' own shares.
"""

from dataclasses import dataclass

import numpy as np
import scipy  # its sparse arrays load when first used
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.feature_list import FEATURES, Feature, Side, Unit
from smartshop.ai_agents.segmentation.features import Features
from smartshop.ai_agents.segmentation.sensitive import is_sensitive
from smartshop.ai_agents.segmentation.topics import Topics
from smartshop.ai_agents.segmentation.usual import Usual, shares, usual_of

LEAST_EFFECT = 0.3
"""Smaller differences are not spoken of; Cohen calls 0.2 small and 0.5 medium."""
LEAST_LIFT = 1.3
"""Times the others' share from which a topic is a segment's own."""
LEAST_SHARE = 0.08
"""Of a segment's taste: rarer topics say nothing of it, however unusual."""
LEAST_KNOWN = 0.5
"""Share of a segment's customers to whom a feature must apply."""
LEAST_APART = 0.05
"""Relative difference of figures (of shares: 0.01) that a reader would see."""
LEAST_BUYERS = 0.2
"""Share of a segment that ever bought, below which it is spoken of as browsing."""
TAIL = 0.05


@dataclass(frozen=True, slots=True)
class Trait:
    """A feature that sets a segment apart."""

    feature: Feature
    effect: float
    """Cohen's d; below 0: less than others."""

    @property
    def side(self) -> Side:
        return self.feature.much if self.effect > 0 else self.feature.little


@dataclass(frozen=True, slots=True)
class Lean:
    """A topic that sets a segment apart."""

    topic: int
    effect: float


@dataclass(frozen=True, slots=True)
class Portrait:
    """All that is said of a segment, strongest first."""

    size: int
    buyers: float
    """Share of its customers who ever bought."""
    traits: tuple[Trait, ...]
    leans: tuple[Lean, ...]
    own: Usual
    shop: Usual

    @property
    def is_buying(self) -> bool:
        return self.buyers > LEAST_BUYERS


def portraits_of(features: Features, labels: NDArray[np.int32], topics: Topics, k: int) -> list[Portrait]:
    counted = labels >= 0
    shop = usual_of(features, counted)
    x, taste = winsorised(features.x, counted), shares(features.taste).tocsr()
    spread, topic_spread = _spread(x[counted]), _share_spread(taste[np.flatnonzero(counted)])
    found = []
    for place in range(k):
        inside = labels == place
        own = usual_of(features, inside)
        outside = counted & ~inside
        found.append(
            Portrait(
                size=int(inside.sum()),
                buyers=float((features.n_orders[inside] > 0).mean()) if inside.any() else 0.0,
                traits=_traits(x, inside, outside, spread, own, shop),
                leans=_leans(own, usual_of(features, outside), topic_spread, topics),
                own=own,
                shop=shop,
            )
        )
    return found


def winsorised(x: NDArray[np.float64], counted: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n, d) with each column's outermost twentieths among the counted drawn in."""
    drawn = x.copy()
    for place in range(x.shape[1]):
        known = x[counted, place]
        known = known[np.isfinite(known)]
        if len(known):
            drawn[:, place] = np.clip(x[:, place], *np.quantile(known, (TAIL, 1 - TAIL)))
    return drawn


def _spread(x: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.isfinite(x)
    filled, count = np.where(known, x, 0.0), np.maximum(known.sum(axis=0), 1)
    mean = filled.sum(axis=0) / count
    return np.asarray(np.sqrt(np.where(known, (filled - mean) ** 2, 0.0).sum(axis=0) / count), np.float64)


def _share_spread(taste: "scipy.sparse.csr_array") -> NDArray[np.float64]:
    """(t,) standard deviation of customers' shares."""
    n = max(taste.shape[0], 1)
    mean = np.asarray(taste.sum(axis=0), np.float64).ravel() / n
    square = np.asarray(taste.multiply(taste).sum(axis=0), np.float64).ravel() / n
    return np.asarray(np.sqrt(np.maximum(square - mean * mean, 0.0)), np.float64)


def _traits(
    x: NDArray[np.float64],
    inside: NDArray[np.bool_],
    outside: NDArray[np.bool_],
    spread: NDArray[np.float64],
    own: Usual,
    shop: Usual,
) -> tuple[Trait, ...]:
    found = []
    for place, feature in enumerate(FEATURES):
        here, there = x[inside, place], x[outside, place]
        here_known, there_known = here[np.isfinite(here)], there[np.isfinite(there)]
        if not len(there_known) or spread[place] <= 0 or len(here_known) < max(LEAST_KNOWN * len(here), 1):
            continue
        effect = float((here_known.mean() - there_known.mean()) / spread[place])
        trait = Trait(feature, effect)
        if abs(effect) >= LEAST_EFFECT and _says_so(trait, own.figures[place], shop.figures[place]):
            found.append(trait)
    return tuple(sorted(found, key=lambda trait: -abs(trait.effect)))


def _says_so(trait: Trait, own: float | None, shop: float | None) -> bool:
    """Whether the figures that will be read lie apart as the effect does."""
    if own is None or shop is None:
        return False
    apart = 0.01 if trait.feature.unit is Unit.SHARE else LEAST_APART * abs(shop)
    return own - shop > apart if trait.effect > 0 else shop - own > apart


def _leans(own: Usual, others: Usual, spread: NDArray[np.float64], topics: Topics) -> tuple[Lean, ...]:
    found = []
    for topic, (here, there) in enumerate(zip(own.topic_shares, others.topic_shares, strict=True)):
        if here >= max(LEAST_SHARE, LEAST_LIFT * there) and spread[topic] > 0 and not is_sensitive(topics.names[topic]):
            found.append(Lean(topic, float((here - there) / spread[topic])))
    return tuple(sorted(found, key=lambda lean: -lean.effect))


def topic_words(topics: Topics, topic: int) -> str:
    """A topic within a sentence: categories as the shop writes them, families in small letters."""
    name = topics.names[topic]
    return name if topics.paths[topic] else f"{name[:1].lower()}{name[1:]}"


_KIN = (
    {"orders_per_year", "days_between_orders", "days_since_last_order", "days_since_seen", "regularity", "momentum"},
    {"order_value", "products_per_order", "units_per_line"},
    {"breadth", "repeat_share", "products_per_order"},
    {"visits_per_order", "visits_per_month", "basket_share"},
)
"""Features that move together: two of them say hardly more than one."""


def are_kin(one: Trait, other: Trait) -> bool:
    """Whether two traits say much the same."""
    return any({one.feature.name, other.feature.name} <= kin for kin in _KIN)
