"""Days as weeks from Monday to Sunday or as months, whole ones only."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.panel import Floats, Period

WEEK = 7
UNKNOWN_AT_MOST = 0.5
"""Of a period's days; a sum of which more is unknown is unknown itself."""


@dataclass(frozen=True, slots=True)
class PeriodGrid:
    """p whole periods of the past and h to come, cut from days that begin with `first_day`."""

    starts: NDArray[np.int64]
    """(p + h + 1,) index of each period's first day among the days, and of the day behind the last period."""
    periods: int
    """p"""

    @property
    def first(self) -> int:
        """Index of the first period's first day."""
        return int(self.starts[0])

    @property
    def days(self) -> int:
        """Of the past and to come, up to the last period's end."""
        return int(self.starts[-1])


def period_grid(first_day: int, days: int, period: Period, horizon: int) -> PeriodGrid:
    """Whole periods within the days, and the next ones after the last of them.

    `first_day`: ordinal. A week or month that began before the first day, or is not over with the last, is left out.

    >>> period_grid(date(2024, 1, 3).toordinal(), 14, Period.WEEK, 1).starts
    array([ 5, 12, 19])
    """
    if period is Period.DAY:
        starts = np.arange(days + horizon + 1)
    elif period is Period.WEEK:
        first = (1 - first_day) % WEEK
        starts = np.arange(first, max(days, first) + WEEK * (horizon + 1) + 1, WEEK)
    else:
        starts = _month_starts(first_day, days, horizon)
    whole = max(int((starts <= days).sum()) - 1, 0)
    return PeriodGrid(starts[: whole + horizon + 1].astype(np.int64), whole)


def _month_starts(first_day: int, days: int, horizon: int) -> NDArray[np.int64]:
    begin = date.fromordinal(first_day)
    months = begin.year * 12 + begin.month - 1 + (begin.day > 1)
    starts: list[int] = []
    while len(starts) < 1 or sum(start > days for start in starts) <= horizon + 1:
        starts.append(date(months // 12, months % 12 + 1, 1).toordinal() - first_day)
        months += 1
    return np.array(starts, np.int64)


def period_sums(daily: Floats, grid: PeriodGrid) -> Floats:
    """(n, p) sums of (n, t) days. Days unknown (NaN) count as the period's known ones do on average.

    NaN where more than half of the days are unknown.
    """
    known = np.isfinite(daily)
    share = period_means(known.astype(np.float64), grid)
    sums = _added(np.where(known, daily, 0.0), grid)
    is_told = share >= UNKNOWN_AT_MOST
    return np.asarray(np.divide(sums, share, out=np.full_like(sums, np.nan), where=is_told & (share > 0)), np.float64)


def period_means(daily: NDArray[np.floating], grid: PeriodGrid) -> Floats:
    """(n, p) or, where `daily` reaches so far ahead, (n, p + h) means over each period's days."""
    reach = int((grid.starts <= daily.shape[1]).sum()) - 1
    lengths = np.diff(grid.starts[: reach + 1])
    return _added(daily, grid) / lengths


def _added(daily: NDArray[np.floating], grid: PeriodGrid) -> Floats:
    """Sums over each whole period that the days reach."""
    reach = int((grid.starts <= daily.shape[1]).sum()) - 1
    if reach <= 0:
        return np.zeros((len(daily), 0))
    ends = int(grid.starts[reach])
    return np.asarray(np.add.reduceat(daily[:, :ends], grid.starts[:reach], axis=1, dtype=np.float64), np.float64)
