"""What is in demand now: shoppers per product, fading with time; counted per product, so any category can ask.

Score of a product: Σ weight · 0.5^(age / half_life) over its signs, each shopper at most once a day per product, taken
over a short and a long half-life: short · `short_share` + long · (1 − `short_share`), each scaled to sum to 1.
"""

from dataclasses import dataclass, field
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
class Demand:
    """What the scores are made of: sums over shoppers, so that what was counted apart can be added."""

    as_of: int
    """µs UTC: signs are faded by their age at this moment."""
    short: NDArray[np.float64]
    """(n_products,): Σ weight · 0.5^(age / half_life) over visits, with the short half-life."""
    long: NDArray[np.float64]
    """(n_products,): with the long one."""
    shoppers_ever: NDArray[np.int64]
    """(n_products,)"""
    last_at: NDArray[np.int64]
    """(n,): when a shopper last turned to a product, for each pair of them in the week before; rising."""
    last_product: NDArray[np.int32]
    """(n,): of which product."""
    since_at: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """(m,): as `last_at`, told since this was counted first."""
    since_product: NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    since_count: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """(m,): shoppers to add; below 0 those who turned to it again later."""

    def shoppers_this_week(self) -> NDArray[np.int64]:
        """(n_products,)"""
        border, n_products = self.as_of - WEEK, len(self.short)
        first = int(np.searchsorted(self.last_at, border, side="right"))
        told = np.bincount(self.last_product[first:], minlength=n_products)
        inside = self.since_at > border
        since = np.bincount(self.since_product[inside], weights=self.since_count[inside], minlength=n_products)
        return told + np.rint(since).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Trending:
    """(n_products,) each."""

    name: ClassVar[str] = "trending"

    score: NDArray[np.float32]
    """Sums to 1 over all products with any sign."""
    shoppers_this_week: NDArray[np.int32]
    """Distinct shoppers with a sign in the seven days before the model's data end."""
    shoppers_ever: NDArray[np.int32]
    counts: Demand | None = None
    """None in a model of before there were any; such a one learns by training alone."""

    def draw(self, asked: Asked, view: ShelfView, n: int) -> Drawn:
        return draw_trending(view, asked.eligible, n)

    def save(self, folder: Path) -> None:
        for part in PARTS:
            np.save(folder / f"trending.{part}.npy", getattr(self, part), allow_pickle=False)
        if self.counts is not None:
            for part in COUNT_PARTS:
                np.save(folder / f"trending_counts.{part}.npy", getattr(self.counts, part), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Self:
        score, week, ever = (map_array(folder / f"trending.{part}.npy") for part in PARTS)
        counts = None
        if (folder / "trending_counts.as_of.npy").exists():
            as_of, *arrays = (map_array(folder / f"trending_counts.{part}.npy") for part in COUNT_PARTS)
            counts = Demand(int(as_of), *arrays)
        return cls(score=score, shoppers_this_week=week, shoppers_ever=ever, counts=counts)


PARTS = ("score", "shoppers_this_week", "shoppers_ever")
COUNT_PARTS = ("as_of", "short", "long", "shoppers_ever", "last_at", "last_product")


def draw_trending(view: ShelfView, eligible: Mask, n: int) -> Drawn:
    """The most wanted eligible products."""
    found = view.most_wanted(eligible, n)
    return Drawn(found, np.full(len(found), -1, np.int32))


def fit_trending(sequences: Sequences, as_of: int, config: TrendingConfig) -> Trending:
    """Count as of a moment (µs UTC), normally the newest sign's."""
    return trending_of(count_demand(sequences, as_of, config), config)


def trending_of(demand: Demand, config: TrendingConfig) -> Trending:
    """Scores from what was counted."""
    short, long = _share(demand.short), _share(demand.long)
    score = config.short_share * short + (1 - config.short_share) * long
    return Trending(
        score=score.astype(np.float32),
        shoppers_this_week=demand.shoppers_this_week().astype(np.int32),
        shoppers_ever=demand.shoppers_ever.astype(np.int32),
        counts=demand,
    )


def count_demand(sequences: Sequences, as_of: int, config: TrendingConfig) -> Demand:
    """A sum over shoppers: nobody's visits depend on another's."""
    n_products = sequences.n_products
    day = sequences.occurred_at // DAY
    visit = np.lexsort((day, sequences.product, sequences.shopper))
    # One visit of a shopper to a product and day counts once, at its strongest sign.
    same = _same_as_before(sequences.shopper[visit], sequences.product[visit], day[visit])
    starts = np.flatnonzero(~same)
    weight = np.maximum.reduceat(sequences.weight[visit], starts) if len(starts) else np.zeros(0, np.float32)
    product, at = sequences.product[visit][starts], sequences.occurred_at[visit][starts]
    age = np.maximum(as_of - at, 0)
    last_product, last_at = _last_turns(sequences)
    recent = last_at > as_of - WEEK
    return Demand(
        as_of=as_of,
        short=_faded(product, weight, age / config.short_half_life, n_products),
        long=_faded(product, weight, age / config.long_half_life, n_products),
        shoppers_ever=np.bincount(last_product, minlength=n_products),
        last_at=last_at[recent],
        last_product=last_product[recent],
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
    """(n_products,) weights faded by their age in half-lives."""
    return np.asarray(np.bincount(product, weights=weight * np.exp2(-half_lives), minlength=n_products), np.float64)


def _share(faded: NDArray[np.float64]) -> NDArray[np.float64]:
    return faded / max(float(faded.sum()), TINY)


def _last_turns(sequences: Sequences) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """(product, µs UTC) of the last sign of each shopper and product, by time, then product."""
    pair = sequences.shopper.astype(np.int64) * sequences.n_products + sequences.product
    # Signs of a shopper stand by time, so a pair's first from the end is its last.
    _, from_end = np.unique(pair[::-1], return_index=True)
    last = len(pair) - 1 - from_end
    product, at = sequences.product[last], sequences.occurred_at[last]
    by_time = np.lexsort((product, at))
    return product[by_time], at[by_time]
