"""Products without a past: what to expect of them is told by how products like them began.

Every product that was seen from its launch on is a witness: its demand in the periods since launch, as it was. Its word
counts by how like it is to the newcomer (same category as deep as the paths agree, same brand, near in price). The
forecast of a period is the witnesses' weighted distribution in the same period of their lives, so it is as wide as
launches differ: nothing is assumed of its shape. Once a newcomer has sold for some periods, witnesses that began alike
count more, and what each tells is how it went on from there: its later demand over its first, times the newcomer's own
first (forecasting by analogy; Green & Armstrong 2007).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.panel import Floats, Forecast, tidy

Ints = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class ColdConfig:
    category_step: float = 8.0
    """A witness counts so many times more with every level of the category path that agrees."""
    brand_factor: float = 2.0
    """And so many times more with the same brand."""
    price_width: float = 0.5
    """Logarithms of prices so far apart count e^-½ as much: 0.5 is two thirds dearer."""
    start_width: float = 0.7
    """Logarithms of demand since launch so far apart count e^-½ as much."""
    start_units: float = 5.0
    """Added to both before they are held against each other: few units tell little."""
    fewest_witnesses: float = 5.0
    """So few effective witnesses are held together with everybody's word, which fills up to this number."""


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """What is known of m products before they sell."""

    path: Ints
    """(m, d) codes of the category path, department first; -1 below its leaf. Equal codes mean equal paths so far."""
    brand: Ints
    """(m,) -1: none."""
    price: Floats
    """(m,) in one currency; NaN where not known."""

    def __len__(self) -> int:
        return len(self.brand)

    def of(self, rows: Ints) -> "Likeness":
        """Some of them, in this order."""
        return Likeness(self.path[rows], self.brand[rows], self.price[rows])


@dataclass(frozen=True, slots=True, eq=False)
class Launches:
    """w witnesses."""

    demand: Floats
    """(w, a) units in each period since launch; NaN where not known, or not lived through yet."""
    likeness: Likeness


def launches(demand: Floats, first: Ints, ages: int) -> Floats:
    """(n, ages) demand by periods since launch, from (n, t) and each series' first period.

    Series that were there from the first period on began nobody knows when; their rows are NaN.
    """
    periods = demand.shape[1]
    place = first[:, None] + np.arange(ages)
    aged = np.take_along_axis(demand, np.minimum(place, periods - 1), axis=1)
    return np.asarray(np.where((place < periods) & (first[:, None] > 0), aged, np.nan), np.float64)


def category_paths(categories: Sequence[tuple[str, ...]], depth: int) -> NDArray[np.int32]:
    """(c, depth) code of each path cut to 1 … depth levels; -1 where it is shorter."""
    codes: dict[tuple[str, ...], int] = {}
    table = np.full((len(categories), depth), -1, np.int32)
    for row, path in enumerate(categories):
        for level in range(min(depth, len(path))):
            table[row, level] = codes.setdefault(path[: level + 1], len(codes))
    return table


def forecast_cold(
    newcomers: Likeness,
    sold: Floats,
    witnesses: Launches,
    horizon: int,
    levels: Sequence[float],
    config: ColdConfig = ColdConfig(),
) -> Forecast:
    """What m newcomers will be asked for in the periods after those they have lived.

    Args:
        newcomers: what they are.
        sold: (m, b) demand since their launch, b ≥ 0, aligned with each other's launch; NaN where not known.
        witnesses: launches over at least b + horizon periods; those with none are not heard.
        horizon: periods ahead.
        levels: of the quantiles.
        config: what counts as alike.

    Without any witness nothing is expected: zero, which the caller has to tell from a forecast.
    """
    begun = sold.shape[1]
    near, ratio = _starts(sold, witnesses.demand[:, :begun], config)
    weight = witness_weights(newcomers, witnesses.likeness, config) * near
    ahead = np.full((len(witnesses.demand), horizon), np.nan)
    lived = witnesses.demand[:, begun : begun + horizon]
    ahead[:, : lived.shape[1]] = lived
    known = np.isfinite(ahead) & np.isfinite(witnesses.demand[:, :begun]).all(axis=1, keepdims=True)
    mean = np.zeros((len(newcomers), horizon))
    quantiles = np.zeros((len(newcomers), horizon, len(levels)))
    for step in np.flatnonzero(known.any(axis=0)):
        heard = known[:, step]
        told, counts = ratio[:, heard] * ahead[heard, step], _held_together(weight[:, heard], config)
        mean[:, step] = (counts * told).sum(axis=1)
        quantiles[:, step] = _weighted_quantiles(told, counts, levels)
    return tidy(mean, quantiles)


def _starts(sold: Floats, before: Floats, config: ColdConfig) -> tuple[Floats, Floats]:
    """((m, w), (m, w)) how alike each newcomer's and each witness's first periods are, and the one's over the other's.

    Periods that are not known of a newcomer are left out of its witnesses, too.
    """
    known = np.isfinite(sold)
    own = np.where(known, sold, 0.0).sum(axis=1)[:, None] + config.start_units
    others = known.astype(np.float64) @ np.nan_to_num(before).T + config.start_units
    ratio = own / others
    near = np.exp(-0.5 * (np.log(ratio) / config.start_width) ** 2)
    return np.maximum(near, 1e-6), np.asarray(ratio, np.float64)


def witness_weights(newcomers: Likeness, witnesses: Likeness, config: ColdConfig) -> Floats:
    """(m, w) how much each witness counts, above 0."""
    agree = newcomers.path[:, None, :] == witnesses.path[None, :, :]
    agree &= newcomers.path[:, None, :] >= 0
    depth = np.cumprod(agree, axis=2).sum(axis=2)
    same_brand = (newcomers.brand[:, None] == witnesses.brand) & (newcomers.brand[:, None] >= 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.log(newcomers.price[:, None] / witnesses.price)
    # A price that nobody knows is as far as a usual one.
    near = np.where(np.isfinite(gap), np.exp(-0.5 * (gap / config.price_width) ** 2), np.exp(-0.5))
    return np.asarray(
        config.category_step**depth * np.where(same_brand, config.brand_factor, 1.0) * np.maximum(near, 1e-6),
        np.float64,
    )


def _held_together(weight: Floats, config: ColdConfig) -> Floats:
    """(m, w) weights that sum to 1; where few count (1 ÷ Σ weight²; Kish 1965) everybody's word fills them up."""
    share = weight / weight.sum(axis=1, keepdims=True)
    effective = 1.0 / (share**2).sum(axis=1, keepdims=True)
    own = np.minimum(effective / config.fewest_witnesses, 1.0)
    return np.asarray(own * share + (1.0 - own) / weight.shape[1], np.float64)


def _weighted_quantiles(told: Floats, counts: Floats, levels: Sequence[float]) -> Floats:
    """(m, q) smallest value at which at least the level's share of the weight is reached. Both: (m, w)."""
    if len(told) and (told == told[0]).all():
        # Newcomers that have sold alike are told the same values: one order for all.
        order = np.broadcast_to(np.argsort(told[0]), told.shape)
    else:
        order = np.argsort(told, axis=1)
    reached = np.cumsum(np.take_along_axis(counts, order, axis=1), axis=1)
    found = np.empty((len(told), len(levels)))
    for number, level in enumerate(levels):
        place = np.minimum((reached < level - 1e-12).sum(axis=1), told.shape[1] - 1)
        found[:, number] = np.take_along_axis(told, order[np.arange(len(told)), place][:, None], axis=1)[:, 0]
    return found
