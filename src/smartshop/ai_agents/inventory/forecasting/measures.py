"""How good a forecast was. Every measure takes arrays of the same shape and leaves out where `actual` is NaN."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smartshop.ai_agents.inventory.forecasting.panel import Floats


def pinball(actual: Floats, quantiles: Floats, levels: Sequence[float]) -> Floats:
    """(…, q) quantile losses, unscaled: (y − q)·τ above, (q − y)·(1 − τ) below (Koenker & Bassett 1978).

    `actual`: (…), `quantiles`: (…, q).
    """
    level = np.asarray(levels, np.float64)
    gap = actual[..., None] - quantiles
    return np.asarray(np.maximum(level * gap, (level - 1.0) * gap), np.float64)


def rmspe(actual: Floats, forecast: Floats) -> float:
    """Root mean squared share of error, over periods with sales; NaN where there are none."""
    counted = actual > 0
    return float(np.sqrt(np.mean((1.0 - forecast[counted] / actual[counted]) ** 2))) if counted.any() else float("nan")


def rmspe_without_worst(actual: Floats, forecast: Floats, share: float = 0.001) -> float:
    """As `rmspe`, without the given share of the largest errors: a single shop can hold a fifth of the square."""
    counted = actual > 0
    squared = np.sort((1.0 - forecast[counted] / actual[counted]) ** 2)
    kept = squared[: len(squared) - int(np.ceil(share * len(squared)))]
    return float(np.sqrt(kept.mean())) if len(kept) else float("nan")


def wmape(actual: Floats, forecast: Floats) -> float:
    """Sum of absolute errors over the sum of what came; NaN where nothing came."""
    known = np.isfinite(actual)
    came = float(np.abs(actual[known]).sum())
    return float(np.abs(actual[known] - forecast[known]).sum()) / came if came else float("nan")


def rmsse(history: Floats, actual: Floats, forecast: Floats) -> Floats:
    """(n,) root mean squared scaled error (Makridakis, Spiliotis & Assimakopoulos 2022): over the naive's own square.

    `history`: (n, t), scaled from the first period with demand on; NaN where a history never changes.
    """
    known = np.isfinite(actual).sum(axis=1)
    squared = np.where(known > 0, np.nansum((actual - forecast) ** 2, axis=1) / np.maximum(known, 1), np.nan)
    scale = _naive_squares(history)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(scale > 0, np.sqrt(squared / scale), np.nan), np.float64)


def _naive_squares(history: Floats) -> Floats:
    """(n,) mean squared steps between neighbouring known periods from the first with demand on; 0 where none is."""
    counted = np.isfinite(history) & np.logical_or.accumulate(history > 0, axis=1)
    places = np.maximum.accumulate(np.where(counted, np.arange(history.shape[1]), -1), axis=1)
    before = np.concatenate([np.full((len(history), 1), -1), places[:, :-1]], axis=1)
    is_step = counted & (before >= 0)
    last = np.take_along_axis(np.nan_to_num(history), np.maximum(before, 0), axis=1)
    squares = np.where(is_step, np.nan_to_num(history) - last, 0.0) ** 2
    steps = is_step.sum(axis=1)
    return np.asarray(squares.sum(axis=1) / np.maximum(steps, 1), np.float64)


def covered(actual: Floats, low: Floats, high: Floats) -> float:
    """Share of the known that lies between both, ends included."""
    known = np.isfinite(actual)
    return float(np.mean((low[known] <= actual[known]) & (actual[known] <= high[known]))) if known.any() else np.nan


def share_below(actual: Floats, quantile: Floats, uniform: Floats, tie: Floats | float = 0.5) -> float:
    """Share of what came below a quantile. Counts tie with whole quantiles: a tie counts as below by the chance `tie`.

    `uniform`: drawn in [0, 1), of the same shape; `tie`: from `tie_chance` or `tie_chances`, a fair coin where unknown.
    """
    known = np.isfinite(actual)
    below = (actual < quantile).astype(np.float64) + ((actual == quantile) & (uniform < tie))
    return float(below[known].mean()) if known.any() else float("nan")


def tie_chance(level: float, below: Floats, at_or_below: Floats) -> Floats:
    """With which chance a tie counts as below, so that a true law has exactly its level below (Brockwell 2007).

    `below`, `at_or_below`: the law's own chances of less than the quantile, and of no more than it.
    """
    mass = at_or_below - below
    chance = np.divide(level - below, mass, out=np.full(np.shape(mass), 0.5), where=mass > 0)
    return np.asarray(np.clip(chance, 0.0, 1.0), np.float64)


def tie_chances(quantiles: Floats, levels: Sequence[float]) -> Floats:
    """(…, q) as `tie_chance`, where only the quantiles are known.

    Levels with the same quantile share its mass: it reaches half-way to the levels beside them, and down to nothing at
    zero, since no demand is less. `quantiles`: (…, q), rising.
    """
    level = np.asarray(levels, np.float64)
    between = np.concatenate([[level[0] / 2.0], (level[1:] + level[:-1]) / 2.0, [(1.0 + level[-1]) / 2.0]])
    same = quantiles[..., :, None] == quantiles[..., None, :]
    first, last = same.argmax(axis=-1), len(level) - 1 - same[..., ::-1].argmax(axis=-1)
    below = np.where(quantiles <= 0, 0.0, between[first])
    upto = between[last + 1]
    return np.stack([tie_chance(one, below[..., j], upto[..., j]) for j, one in enumerate(levels)], axis=-1)


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its 95 % bootstrap interval."""

    value: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        return self.low > 0 or self.high < 0


def ratio_interval(ours: Floats, theirs: Floats, rng: np.random.Generator, times: int = 2_000) -> Interval:
    """How far below theirs our mean loss is, as a share (0.12: 12 % below), resampling whole series.

    `ours`, `theirs`: (n,) losses of the same series, or (n, …) losses that are averaged over all but the first axis.
    """
    a, b = (np.nanmean(x.reshape(len(x), -1), axis=1) for x in (ours, theirs))
    drawn = rng.integers(0, len(a), (times, len(a)))
    resampled = 1.0 - a[drawn].mean(axis=1) / b[drawn].mean(axis=1)
    low, high = np.quantile(resampled, [0.025, 0.975])
    return Interval(1.0 - float(a.mean() / b.mean()), float(low), float(high))


def square_root_interval(ours: Floats, theirs: Floats, rng: np.random.Generator, times: int = 2_000) -> Interval:
    """As `ratio_interval`, of the roots of pooled mean squares. `ours`, `theirs`: (n, m) squared errors, NaN: none."""
    sums = [np.nansum(x, axis=1) for x in (ours, theirs)]
    counts = [np.isfinite(x).sum(axis=1) for x in (ours, theirs)]
    drawn = rng.integers(0, len(ours), (times, len(ours)))
    roots = [np.sqrt(s[drawn].sum(axis=1) / c[drawn].sum(axis=1)) for s, c in zip(sums, counts, strict=True)]
    low, high = np.quantile(1.0 - roots[0] / roots[1], [0.025, 0.975])
    whole = [float(np.sqrt(s.sum() / c.sum())) for s, c in zip(sums, counts, strict=True)]
    return Interval(1.0 - whole[0] / whole[1], float(low), float(high))


def conformal_rank(n: int, coverage: float) -> int:
    """Which of n sorted scores, counted from 1, covers a new one with at least this probability (Vovk et al. 2005).

    n + 1 where n scores are too few for that.
    """
    return min(int(np.ceil((n + 1) * coverage - 1e-12)), n + 1)
