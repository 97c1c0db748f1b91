"""Divides customers into segments: by what they lean to where that divides them, else by their habits alone.

How much, how often and how lately somebody buys is told by the RFM groups already. Behavioural segments are to say
what customers come for and how they shop, so tastes lead and habits (price level, discounts, hour, device, …) have a
smaller say beside them. Where a shop has no topics, or they tell nothing of customers that were not learned from,
habits decide.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np
import scipy  # its sparse arrays load when first used
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.choosing import Choice, Fit, best_choice, try_numbers
from smartshop.ai_agents.segmentation.mixture import (
    Mixture,
    dispersion,
    fit_habits,
    fit_tastes,
    go_on,
    go_on_with_habits,
)

Progress = Callable[[float, str], None]
"""Called with the share done (0 to 1) and what is being done."""


class DivideConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How segments are found."""

    k: int | None = None
    """Number of segments; None: found."""
    least_k: int = 3
    most_k: int = 12
    starts: int = 20
    """Starts of a fit; the best is kept."""
    cuts: int = 5
    """Times the customers are cut into halves to choose k."""
    choice_customers: int = 4000
    """At most so many are cut into halves."""
    least_share: float = 0.02
    """Share of customers below which a segment is too small to be one."""
    clearly: float = 1.3
    """How much better another number of segments must be than the present one."""
    least_gain: float = 0.5
    """Nats per customer that tastes must tell of customers not learned from; below, habits divide."""
    least_stability: float = 0.3
    """Agreement between halves below which segments are chance."""
    habit_weight: float = 0.1
    """Log-odds per squared spread (twice) that habits have beside tastes; ≥ 0."""


@dataclass(frozen=True, slots=True)
class Seen:
    """n customers to learn from, in the frozen space."""

    points: NDArray[np.float32]
    """(n, d)"""
    signs: "scipy.sparse.csr_array"
    """(n, t)"""
    background: NDArray[np.float64]
    """(t,)"""

    def __len__(self) -> int:
        return len(self.points)

    def some(self, rows: NDArray[np.intp]) -> "Seen":
        return Seen(self.points[rows], self.signs[rows], self.background)


@dataclass(frozen=True, slots=True)
class Plan:
    """By what the customers are to be divided, and into how many."""

    by_taste: bool
    k: int
    taste_weight: float
    """See `Mixture`."""
    choice: Choice | None
    """None where k was given."""


def plan(
    seen: Seen, config: DivideConfig, *, sure: float, present: Mixture | None, rng: np.random.Generator
) -> Plan | str:
    """What to do, or a clause why nothing can be. The `present` way and number are kept unless clearly worse."""
    few = seen
    if len(seen) > config.choice_customers:
        few = seen.some(np.sort(rng.choice(len(seen), config.choice_customers, replace=False)))
    kinds = (True, False) if present is None else (present.taste_weight > 0,)
    for by_taste in kinds:
        if by_taste and (len(seen.background) < 2 or seen.signs.nnz < 2 * len(seen)):
            continue
        if not by_taste and _distinct(few.points, config.most_k + 1) < 2:
            continue
        weight = _taste_weight(few, config, present, rng) if by_taste else 0.0
        if config.k is not None:
            return Plan(by_taste, config.k if by_taste else _distinct(few.points, config.k), weight, None)
        most = config.most_k if by_taste else min(config.most_k, _distinct(few.points, config.most_k) - 1)
        numbers = range(config.least_k, most + 1)
        tried = try_numbers(
            few.points,
            few.signs,
            numbers,
            _quick_fit(few.background, config, weight),
            cuts=config.cuts,
            sure=sure if by_taste else 0.0,
            rng=rng,
        )
        chosen = best_choice(
            tried,
            present=len(present) if present is not None else None,
            clearly=config.clearly,
            least_share=config.least_share,
        )
        if present is not None:
            # Segments that people know are not given up for a bad day.
            return Plan(by_taste, chosen.k if chosen else len(present), weight, chosen)
        if (
            chosen is None
            or chosen.stability < config.least_stability
            or (by_taste and chosen.gain < config.least_gain)
        ):
            continue
        return Plan(by_taste, chosen.k, weight, chosen)
    return "No division of the customers into behavioural segments holds when it is tried on half of them"


def divide(seen: Seen, plan: Plan, config: DivideConfig, rng: np.random.Generator) -> Mixture:
    """Segments learned anew, the best of many starts."""
    if plan.by_taste:
        weights = (plan.taste_weight, config.habit_weight)
        return fit_tastes(
            seen.points, seen.signs, seen.background, plan.k, weights=weights, starts=config.starts, rng=rng
        )
    return fit_habits(seen.points, seen.signs, seen.background, plan.k, starts=config.starts, rng=rng)


def divide_from(seen: Seen, present: Mixture) -> Mixture:
    """Segments learned on from the present ones (a warm start)."""
    step = go_on if present.taste_weight else go_on_with_habits
    return step(present, seen.points, seen.signs, seen.background)


QUICK_STARTS = 4
"""Starts of a fit that only helps to choose k."""


def _taste_weight(seen: Seen, config: DivideConfig, present: Mixture | None, rng: np.random.Generator) -> float:
    """1/φ: frozen with the first fit, and measured on the fullest, lest what segments explain be taken for noise."""
    if present is not None:
        return present.taste_weight
    fullest = fit_tastes(
        seen.points,
        seen.signs,
        seen.background,
        config.most_k,
        weights=(1.0, config.habit_weight),
        starts=QUICK_STARTS,
        rng=rng,
    )
    return 1.0 / dispersion(fullest, seen.points, seen.signs, seen.background)


def _quick_fit(background: NDArray[np.float64], config: DivideConfig, taste_weight: float) -> Fit:
    def by_tastes(
        points: NDArray[np.float32], signs: "scipy.sparse.csr_array", k: int, rng: np.random.Generator
    ) -> Mixture:
        weights = (taste_weight, config.habit_weight)
        return fit_tastes(points, signs, background, k, weights=weights, starts=QUICK_STARTS, rng=rng)

    def by_habits(
        points: NDArray[np.float32], signs: "scipy.sparse.csr_array", k: int, rng: np.random.Generator
    ) -> Mixture:
        return fit_habits(points, signs, background, k, starts=QUICK_STARTS, rng=rng)

    return by_tastes if taste_weight else by_habits


def _distinct(points: NDArray[np.float32], enough: int) -> int:
    """Distinct customers, counted up to `enough`."""
    return min(enough, len(np.unique(points, axis=0)))
