"""What one learner over thousands of daily series sees of a day ahead: the series' past, the date, the known causes.

Made for as many rows as are asked, and never for all days of all series: ten thousand series of two years would be
seven million rows for each distance ahead.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.calendar import cause_ahead, date_columns, day_numbers, weekdays
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Panel

Table = NDArray[np.float32]
Numbers = NDArray[np.int64]

WEEK, YEAR = 7, 364
WINDOWS = (7, 14, 28, 56, 112, 364)
"""Days over which means are seen."""
WEEKDAY_WINDOWS = (4, 12)
"""Weeks of which the mean of the same weekday is seen."""
SPREAD_DAYS = 56
SEASON_DAYS = 28
"""Days on both sides of which a rise of last year is told."""
ABOUT_DAYS = 7
"""Days around the same day of last year."""
LONGEST_SILENCE, LONGEST_LIFE = 112.0, 728.0
LEVEL_SHARE = 0.7
"""Of the last four weeks in a series' size; the rest is its last sixteen."""
LEAST_SIZE = 0.02
"""Of the mean of all series, added to a size so that a silent series has one."""
DATES = ("day_of_month", "week_of_year", "past_christmas", "past_easter")


@dataclass(frozen=True, slots=True)
class DailyPasts:
    """Running sums of a panel, from which the past before any day is read without a loop over days."""

    panel: Panel
    units: Floats
    """(n, t + 1) of the first 0, 1, … days; so are the others."""
    squares: Floats
    known: NDArray[np.int32]
    days_sold: NDArray[np.int32]
    of_all: Floats
    """(2, t + 1) units and known days of all series."""

    @staticmethod
    def of(panel: Panel) -> "DailyPasts":
        is_known = np.isfinite(panel.demand)
        demand = np.where(is_known, panel.demand, 0.0)
        units, known = _running(demand), _running(is_known).astype(np.int32)
        of_all = np.stack([units.sum(axis=0), known.sum(axis=0, dtype=np.float64)])
        return DailyPasts(panel, units, _running(demand**2), known, _running(demand > 0).astype(np.int32), of_all)

    def before(self, origin: int, series: Numbers) -> "SeriesPast":
        """What was known of some series before a day."""
        columns = {f"mean_{days}": self._mean(origin - days, origin, series) for days in WINDOWS}
        level = [np.nan_to_num(columns[f"mean_{days}"]) for days in (28, 112)]
        every = float(self.of_all[0, origin] / max(self.of_all[1, origin], 1.0))
        size = LEVEL_SHARE * level[0] + (1.0 - LEVEL_SHARE) * level[1] + LEAST_SIZE * every
        columns["spread"] = self._spread(origin, series)
        by_weekday = self._weekdays(origin, series)
        plain = self._plain(origin, series)
        return SeriesPast(origin, series, np.maximum(size, 1e-9), columns, plain, by_weekday)

    def about_last_year(self, origin: int, day: Numbers, series: Numbers) -> tuple[Floats, Floats]:
        """(m,) mean about the same day a year ago over that of the weeks before the origin's: own, and of all series.

        NaN where the series is too young, or sold nothing then.
        """
        low, high = day - YEAR - ABOUT_DAYS // 2, np.minimum(day - YEAR + ABOUT_DAYS // 2 + 1, origin)
        begin, end = origin - YEAR - SEASON_DAYS, origin - YEAR
        with np.errstate(divide="ignore", invalid="ignore"):
            own = self._mean_rows(low, high, series) / self._mean_rows(
                np.full(len(day), begin), np.full(len(day), end), series
            )
            every = self._mean_of_all(low, high) / self._mean_of_all(np.array([begin]), np.array([end]))
        return np.where(np.isfinite(own), own, np.nan), np.where(np.isfinite(every), every, np.nan)

    def _mean(self, low: int, high: int, series: Numbers) -> Floats:
        low = max(low, 0)
        days = self.known[series, high] - self.known[series, low]
        units = self.units[series, high] - self.units[series, low]
        return _ratio(units, days)

    def _mean_rows(self, low: Numbers, high: Numbers, series: Numbers) -> Floats:
        inside = low >= 0
        low, high = np.maximum(low, 0), np.maximum(high, 0)
        days = self.known[series, high] - self.known[series, low]
        units = self.units[series, high] - self.units[series, low]
        return np.where(inside, _ratio(units, days), np.nan)

    def _mean_of_all(self, low: Numbers, high: Numbers) -> Floats:
        inside = low >= 0
        low, high = np.maximum(low, 0), np.maximum(high, 0)
        units, days = self.of_all[:, high] - self.of_all[:, low]
        return np.where(inside, _ratio(units, days), np.nan)

    def _spread(self, origin: int, series: Numbers) -> Floats:
        low = max(origin - SPREAD_DAYS, 0)
        days = np.maximum(self.known[series, origin] - self.known[series, low], 1)
        mean = (self.units[series, origin] - self.units[series, low]) / days
        square = (self.squares[series, origin] - self.squares[series, low]) / days
        return np.asarray(np.sqrt(np.maximum(square - mean**2, 0.0)), np.float64)

    def _weekdays(self, origin: int, series: Numbers) -> list[Floats]:
        """For each window, (m, 7) means of the last days at which origin + 0 … 6 days fall on the weekday."""
        told = []
        for weeks in WEEKDAY_WINDOWS:
            days = np.arange(max(origin - WEEK * weeks, origin % WEEK), origin)
            recent = self.panel.demand[series][:, days].reshape(len(series), -1, WEEK)
            known = np.isfinite(recent)
            count = known.sum(axis=1)
            units = np.where(known, recent, 0.0).sum(axis=1)
            told.append(_ratio(units, count))
        return told

    def _plain(self, origin: int, series: Numbers) -> dict[str, Floats]:
        low = max(origin - 28, 0)
        days = np.maximum(self.known[series, origin] - self.known[series, low], 1)
        recent = self.days_sold[series, max(origin - int(LONGEST_SILENCE), 0) : origin + 1] if origin else None
        silent = np.zeros(len(series)) if recent is None else (recent == recent[:, -1:]).sum(axis=1) - 1.0
        plain = {
            "share_sold": (self.days_sold[series, origin] - self.days_sold[series, low]) / days,
            "silent": np.minimum(silent, LONGEST_SILENCE),
            "life": np.minimum(self.known[series, origin], LONGEST_LIFE).astype(np.float64),
        }
        for name, cause in self.panel.causes.items():
            told = cause[:, max(origin - SEASON_DAYS, 0) : origin].mean(axis=1, dtype=np.float64)
            plain[f"{name}_lately"] = np.broadcast_to(told, len(series)) if len(cause) == 1 else told[series]
        return plain


@dataclass(frozen=True, slots=True)
class SeriesPast:
    """What is known of m series before a day."""

    origin: int
    series: Numbers
    size: Floats
    """(m,) units a day > 0 that all is told relative to."""
    columns: dict[str, Floats]
    """Name → (m,) in units."""
    plain: dict[str, Floats]
    """Name → (m,) without unit."""
    by_weekday: list[Floats]


def rows(pasts: DailyPasts, past: SeriesPast, place: Numbers, ahead: Numbers) -> tuple[Table, list[str]]:
    """(r, f) features and their names, in shares of sizes.

    `place`: (r,) which of the past's series; `ahead`: (r,) days ahead, 1 for the origin's own day.
    """
    panel = pasts.panel
    day, series, size = past.origin + ahead - 1, past.series[place], past.size[place]
    reach = int(ahead.max())
    dates = date_columns(day_numbers(panel.until(past.origin), reach)[past.origin :])
    table: dict[str, NDArray[np.generic]] = {name: values[place] / size for name, values in past.columns.items()}
    for weeks, means in zip(WEEKDAY_WINDOWS, past.by_weekday, strict=True):
        table[f"weekday_{weeks}"] = means[place, (ahead - 1) % WEEK] / size
    table |= {name: values[place] for name, values in past.plain.items()}
    table["year_ago"], table["year_ago_of_all"] = pasts.about_last_year(past.origin, day, series)
    table["log_size"] = np.log(size)
    table["ahead"] = ahead.astype(np.float64)
    table["weekday"] = weekdays(panel.first_day + day).astype(np.float64)
    table |= {name: dates[name][ahead - 1] for name in DATES}
    for name, cause in panel.causes.items():
        table[name] = cause[0, day] if len(cause) == 1 else cause[series, day]
    table |= {f"code_{name}": codes[series] for name, codes in panel.groups.items()}
    stacked = np.empty((len(day), len(table)), np.float32)
    for number, values in enumerate(table.values()):
        stacked[:, number] = values
    return stacked, list(table)


def check_causes(panel: Panel, horizon: int) -> None:
    """Raises:
    ValueError: a cause is not known so far ahead.
    """
    for name in panel.causes:
        cause_ahead(panel, name, horizon)


def _running(values: NDArray[np.generic]) -> Floats:
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1, dtype=np.float64)], axis=1)


def _ratio(units: Floats, days: NDArray[np.number]) -> Floats:
    """Units per day; NaN where there were none."""
    return np.asarray(np.divide(units, days, out=np.full(units.shape, np.nan), where=days > 0), np.float64)
