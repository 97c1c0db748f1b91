"""What sets segments apart from the rest of the shop: the features and topics in which they differ most.

A trait stands out by Cohen's d (1988): the mean of the segment less the mean of all other customers, over the standard
deviation of all, outermost twentieths drawn in (winsorised) so that no giant makes a trait. Features are measured on
the scale of `Features.x`, topics by customers' own shares.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.feature_list import FEATURES, Feature, Side, Unit
from smartshop.ai_agents.segmentation.features import Features
from smartshop.ai_agents.segmentation.leans import LEAST_EFFECT, Lean, leans_of, spreads, subjects_of
from smartshop.ai_agents.segmentation.topics import Topics
from smartshop.ai_agents.segmentation.usual import Usual, shares, usual_of

LEAST_KNOWN = 0.5
"""Share of a segment's customers to whom a feature must apply."""
LEAST_APART = 0.05
"""Relative difference of figures (of shares: 0.01) that a reader would see."""
LEAST_MARKED = 0.2
"""Relative difference of figures (of shares and price levels: 0.05) that deserves a word: 1.5 pieces are no bulk."""
LEAST_BUYERS = 0.5
"""Share of a segment that ever bought, below which it is spoken of as browsing."""
TAIL = 0.05


@dataclass(frozen=True, slots=True)
class Trait:
    """A feature that sets a segment apart."""

    feature: Feature
    effect: float
    """Cohen's d; below 0: less than others."""
    is_marked: bool = True
    """Whether the figures lie so far apart that words for them are no exaggeration."""

    @property
    def side(self) -> Side:
        return self.feature.much if self.effect > 0 else self.feature.little


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
        return self.buyers >= LEAST_BUYERS


def portraits_of(features: Features, labels: NDArray[np.int32], topics: Topics, k: int) -> list[Portrait]:
    counted = labels >= 0
    shop = usual_of(features, counted)
    x, subjects = winsorised(features.x, counted), subjects_of(topics)
    spread, lean_spread = _spread(x[counted]), spreads(shares(features.taste), subjects, counted)
    found = []
    for place in range(k):
        inside = labels == place
        own = usual_of(features, inside)
        outside = counted & ~inside
        found.append(
            Portrait(
                size=int(inside.sum()),
                buyers=float((features.n_orders[inside] > 0).mean()) if inside.any() else 0.0,
                traits=_traits(features, x, inside, outside, spread, own, shop),
                leans=leans_of(own, usual_of(features, outside), shop, subjects, lean_spread),
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


def _traits(
    features: Features,
    x: NDArray[np.float64],
    inside: NDArray[np.bool_],
    outside: NDArray[np.bool_],
    spread: NDArray[np.float64],
    own: Usual,
    shop: Usual,
) -> tuple[Trait, ...]:
    found = []
    for place, feature in enumerate(FEATURES):
        applies = np.isfinite(x[:, place]) & np.isfinite(features.figures[:, place])
        here_known, there_known = x[inside & applies, place], x[outside & applies, place]
        if not len(there_known) or spread[place] <= 0 or len(here_known) < max(LEAST_KNOWN * inside.sum(), 1):
            continue
        effect = float((here_known.mean() - there_known.mean()) / spread[place])
        trait = Trait(feature, effect, _is_marked(feature, own.figures[place], shop.figures[place]))
        if abs(effect) >= LEAST_EFFECT and _says_so(trait, own.figures[place], shop.figures[place]):
            found.append(trait)
    return tuple(sorted(found, key=lambda trait: -abs(trait.effect)))


def _is_marked(feature: Feature, own: float | None, shop: float | None) -> bool:
    if own is None or shop is None:
        return False
    if feature.unit is Unit.DEGREE:
        return True
    is_share = feature.unit in (Unit.SHARE, Unit.LEVEL)
    return abs(own - shop) >= (0.05 if is_share else LEAST_MARKED * abs(shop))


def _says_so(trait: Trait, own: float | None, shop: float | None) -> bool:
    """Whether the figures that will be read lie apart as the effect does."""
    if own is None or shop is None:
        return False
    apart = 0.01 if trait.feature.unit is Unit.SHARE else LEAST_APART * abs(shop)
    return own - shop > apart if trait.effect > 0 else shop - own > apart


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
