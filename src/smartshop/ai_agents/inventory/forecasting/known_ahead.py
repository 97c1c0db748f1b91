"""How far ahead a cause is told, and what is taken for the days beyond: nothing that only later days showed."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Table = NDArray[np.float32]

RECENT_SHARE = 1 / 13
"""Part of a year, its last, whose mean stands for what is recent: four weeks."""
AROUND_SHARE = 1 / 24
"""Part of a year on each side of the same day of earlier years that its usual is the mean of: half a month."""


class Beyond(StrEnum):
    """What stands for the periods of which nobody tells."""

    LAST = "as last told"
    RECENT = "as lately"
    USUAL = "as usual at that time of the year"


@dataclass(frozen=True, slots=True)
class Ahead:
    """A cause that is not known as far ahead as is forecast."""

    told: int
    """Periods after the last that are told."""
    beyond: Beyond


def as_known(cause: Table, periods: int, horizon: int, ahead: Ahead, season: int) -> Table:
    """(k, h) the cause in the periods after the first `periods`, as far as it was told then, and what is taken beyond.

    `cause`: (k, t) true values, at least `periods` + `ahead.told` of them; `season`: periods of a year.
    """
    told = min(ahead.told, horizon)
    seen = cause[:, : periods + told]
    found = np.empty((len(cause), horizon), np.float32)
    found[:, :told] = seen[:, periods:]
    if told == horizon:
        return found
    match ahead.beyond:
        case Beyond.LAST:
            found[:, told:] = seen[:, -1:]
        case Beyond.RECENT:
            found[:, told:] = recent(seen, season)[:, None]
        case Beyond.USUAL:
            found[:, told:] = usual(seen, np.arange(periods + told, periods + horizon), season)
    return found


def usual(seen: Table, asked: NDArray[np.int64], season: int) -> Table:
    """(k, m) what is usual in periods not seen: the mean of the same time of all earlier years.

    Of a past of less than a year, the mean of the last four weeks. `seen`: (k, t); `asked`: (m,) indices from t on.
    """
    length = seen.shape[1]
    reach = max(round(season * AROUND_SHARE), 1)
    found = np.repeat(recent(seen, season)[:, None], len(asked), axis=1)
    for column, period in enumerate(asked.tolist()):
        same = [range(back - reach, back + reach + 1) for back in range(period - season, reach - 1, -season)]
        days = np.array([day for around in same for day in around if day < length], np.int64)
        if len(days):
            found[:, column] = seen[:, days].mean(axis=1, dtype=np.float64)
    return found


def recent(seen: Table, season: int) -> Table:
    """(k,) mean of the last four weeks."""
    periods = max(round(season * RECENT_SHARE), 1)
    return np.asarray(seen[:, -periods:].mean(axis=1, dtype=np.float64), np.float32)
