"""Trends take signs made since the training: fading factors out of every sum, so they stay exact in time. Pure."""

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.sequences import Sequences
from smartshop.ai_agents.recommendation.trending import (
    WEEK,
    Demand,
    Trending,
    TrendingConfig,
    count_demand,
    trending_of,
)


def grow_demand(learned: Trending, before: Sequences, after: Sequences, as_of: int, config: TrendingConfig) -> Trending:
    """Put `after` in the place of `before`, both whole shoppers, as of a moment (µs UTC) not before the counts' own.

    The same trends where no counts were kept.
    """
    if learned.counts is None:
        return learned
    told, gone = count_demand(after, as_of, config), count_demand(before, as_of, config)
    return trending_of(_with(learned.counts, told, gone, config), config)


def _with(counts: Demand, told: Demand, gone: Demand, config: TrendingConfig) -> Demand:
    n, later = len(told.short), told.as_of - counts.as_of
    at, product, count = _since(counts, told, gone)
    return Demand(
        as_of=told.as_of,
        short=_sum(counts.short * np.exp2(-later / config.short_half_life), told.short - gone.short, n),
        long=_sum(counts.long * np.exp2(-later / config.long_half_life), told.long - gone.long, n),
        shoppers_ever=np.maximum(_padded(counts.shoppers_ever, n) + told.shoppers_ever - gone.shoppers_ever, 0),
        last_at=counts.last_at,
        last_product=counts.last_product,
        since_at=at,
        since_product=product,
        since_count=count,
    )


def _sum(faded: NDArray[np.float64], change: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """What is taken back whole leaves a trace of rounding, which must not count as demand."""
    total = _padded(faded, n) + change
    total[total < ROUNDING * np.maximum(np.abs(change), _padded(faded, n))] = 0.0
    return total


ROUNDING = 1e-12


def _padded(values: NDArray[np.generic], n: int) -> NDArray[np.float64]:
    padded = np.zeros(n, values.dtype)
    padded[: len(values)] = values
    return padded


def _since(
    counts: Demand, told: Demand, gone: Demand
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]:
    """Last turns told since the training and those that they replaced, one line per moment and product."""
    at = np.concatenate((counts.since_at, told.last_at, gone.last_at))
    product = np.concatenate((counts.since_product, told.last_product, gone.last_product))
    sign = np.concatenate(
        (counts.since_count, np.ones(len(told.last_at), np.int64), np.full(len(gone.last_at), -1, np.int64))
    )
    inside = at > told.as_of - WEEK
    at, product, sign = at[inside], product[inside], sign[inside]
    order = np.lexsort((product, at))
    at, product, sign = at[order], product[order], sign[order]
    starts = np.flatnonzero(np.r_[True, (at[1:] != at[:-1]) | (product[1:] != product[:-1])][: len(at)])
    count = np.add.reduceat(sign, starts) if len(starts) else sign
    left = count != 0
    return at[starts][left], product[starts][left], count[left]
