"""What is in demand now: shoppers per product, fading with time; counted per product, so any category can ask.

Score of a product: Σ weight · 0.5^(age / half_life) over its signs, each shopper at most once a day per product, taken
over a short and a long half-life: short · `short_share` + long · (1 − `short_share`), each scaled to sum to 1.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Self

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.rows import map_array
from smartshop.ai_agents.recommendation.sequences import Sequences
from smartshop.ai_agents.recommendation.source import Asked, Drawn, Mask, ShelfView

DAY = 86_400_000_000
"""µs"""
WEEK = 7 * DAY
TINY = 1e-300


class TrendingConfig(msgspec.Struct, frozen=True, kw_only=True):
    short_half_life: Annotated[int, Meta(gt=0)] = 7 * DAY
    """µs"""
    long_half_life: Annotated[int, Meta(gt=0)] = 60 * DAY
    """µs"""
    short_share: Annotated[float, Meta(ge=0, le=1)] = 0.5
    """How much the short memory counts."""


@dataclass(frozen=True, slots=True)
class Trending:
    """(n_products,) each."""

    name: ClassVar[str] = "trending"

    score: NDArray[np.float32]
    """Sums to 1 over all products with any sign."""
    shoppers_this_week: NDArray[np.int32]
    """Distinct shoppers with a sign in the seven days before the model's data end."""
    shoppers_ever: NDArray[np.int32]

    def draw(self, asked: Asked, view: ShelfView, n: int) -> Drawn:
        return draw_trending(view, asked.eligible, n)

    def save(self, folder: Path) -> None:
        for part in PARTS:
            np.save(folder / f"trending.{part}.npy", getattr(self, part), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Self:
        score, week, ever = (map_array(folder / f"trending.{part}.npy") for part in PARTS)
        return cls(score=score, shoppers_this_week=week, shoppers_ever=ever)


PARTS = ("score", "shoppers_this_week", "shoppers_ever")


def draw_trending(view: ShelfView, eligible: Mask, n: int) -> Drawn:
    """The most wanted eligible products."""
    found = view.in_demand[eligible[view.in_demand]][:n]
    return Drawn(found, np.full(len(found), -1, np.int32))


def fit_trending(sequences: Sequences, as_of: int, config: TrendingConfig) -> Trending:
    """Count as of a moment (µs UTC), normally the newest sign's."""
    n_products = sequences.n_products
    day = sequences.occurred_at // DAY
    visit = np.lexsort((day, sequences.product, sequences.shopper))
    # One visit of a shopper to a product and day counts once, at its strongest sign.
    same = _same_as_before(sequences.shopper[visit], sequences.product[visit], day[visit])
    starts = np.flatnonzero(~same)
    weight = np.maximum.reduceat(sequences.weight[visit], starts) if len(starts) else np.zeros(0, np.float32)
    product, at = sequences.product[visit][starts], sequences.occurred_at[visit][starts]
    age = np.maximum(as_of - at, 0)
    short = _faded(product, weight, age / config.short_half_life, n_products)
    long = _faded(product, weight, age / config.long_half_life, n_products)
    score = config.short_share * short + (1 - config.short_share) * long
    recent = sequences.occurred_at > as_of - WEEK
    return Trending(
        score=score.astype(np.float32),
        shoppers_this_week=_distinct_shoppers(sequences.take(recent)),
        shoppers_ever=_distinct_shoppers(sequences),
    )


def _same_as_before(*keys: NDArray[np.integer]) -> NDArray[np.bool_]:
    same = np.ones(len(keys[0]), np.bool_)
    same[:1] = False
    for key in keys:
        same[1:] &= key[1:] == key[:-1]
    return same


def _faded(
    product: NDArray[np.int32], weight: NDArray[np.float32], half_lives: NDArray[np.float64], n_products: int
) -> NDArray[np.float64]:
    """(n_products,) weights faded by their age in half-lives, scaled to sum to 1."""
    faded = np.asarray(np.bincount(product, weights=weight * np.exp2(-half_lives), minlength=n_products), np.float64)
    return faded / max(float(faded.sum()), TINY)


def _distinct_shoppers(sequences: Sequences) -> NDArray[np.int32]:
    pair = np.unique(sequences.shopper.astype(np.int64) * sequences.n_products + sequences.product)
    return np.bincount(pair % max(sequences.n_products, 1), minlength=sequences.n_products).astype(np.int32)
