"""Products asked for beyond what the forecast thought possible. Pure.

Only rises are told. A fall costs nothing today, is mostly an empty shelf or the end of a promotion, and shows as stock
that lasts too long once it stays; a fall after a price has slipped is `price_demand`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.alerts.false_alarms import surprising
from smartshop.ai_agents.inventory.alerts.recent_demand import RecentDemand
from smartshop.ai_agents.inventory.forecasting.panel import Floats

WINDOWS = (3, 7, 14)
"""Days looked back: a jump of what sells daily shows in three, a lasting rise of what seldom sells in fourteen."""


@dataclass(frozen=True, slots=True)
class SurgeConfig:
    rises: tuple[float, ...] = (2.0, 3.0, 5.0)
    """Times as much as usual that a surge may be, each as likely as the others."""
    least_likelier: float = 100.0
    """What was asked for must be so many times likelier after one of these rises than without any: by itself a small
    chance also comes of a forecast that is a little low, or of three units where none was expected."""
    share_false: float = 0.2
    """Of the surges told in one look that may be chance, were chances all that is looked at (false discovery rate)."""
    least_times: float = 1.5
    """Of what was expected; less is no surge, however certain."""
    closes_chance: float = 0.05
    """It is over when so much would come by chance in one look of twenty."""
    closes_times: float = 1.2
    large_line_share: float = 0.5
    """One line of at least this share of the units is left out: a single buyer is no rise of demand."""


USUAL_CONFIG = SurgeConfig()


@dataclass(frozen=True, slots=True)
class RecentLines:
    """l order lines of the last days, parallel; those called off are among them."""

    series: NDArray[np.int64]
    days_ago: NDArray[np.int64]
    """1 is the last whole day."""
    units: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Surges:
    """n series: the more surprising of the windows."""

    days: NDArray[np.int64]
    units: Floats
    """Without one single large line."""
    largest_line: Floats
    """Left out; 0 where none was."""
    expected: Floats
    times: Floats
    chance: Floats
    """NaN where nothing was tested."""
    is_surge: NDArray[np.bool_]


def find_surges(
    windows: Sequence[RecentDemand], lines: RecentLines, is_open: NDArray[np.bool_], config: SurgeConfig
) -> Surges:
    """`windows`: at least one, of the same n series; `is_open`: (n,) told of before, which stay until it is over."""
    judged = [_judge(window, lines, config) for window in windows]
    chances = np.stack([chance for _, _, chance, _ in judged])
    likelier = np.stack([log_likelier for _, _, _, log_likelier in judged])
    told = surprising(chances.ravel(), config.share_false).reshape(chances.shape)
    told &= likelier >= np.log(config.least_likelier)
    units = np.stack([units for units, _, _, _ in judged])
    expected = np.stack([window.expected for window in windows])
    times = units / np.maximum(expected, 1e-9)
    best = np.where(np.isnan(chances), 2.0, chances).argmin(axis=0)

    def of_best(values: Floats) -> Floats:
        return np.asarray(np.take_along_axis(values, best[None, :], axis=0)[0], np.float64)

    opens = (told & (times >= config.least_times)).any(axis=0)
    stays = is_open & ((chances <= config.closes_chance) & (times >= config.closes_times)).any(axis=0)
    return Surges(
        days=np.array([window.days for window in windows], np.int64)[best],
        units=of_best(units),
        largest_line=of_best(np.stack([line for _, line, _, _ in judged])),
        expected=of_best(expected),
        times=of_best(times),
        chance=of_best(chances),
        is_surge=opens | stays,
    )


def _judge(window: RecentDemand, lines: RecentLines, config: SurgeConfig) -> tuple[Floats, Floats, Floats, Floats]:
    """(n,) units that count, the line left out, the chance of so many, and how much likelier a rise makes them."""
    left_out = large_line(window, lines, config.large_line_share)
    units = window.units - left_out
    return units, left_out, window.chance_of_more(units), window.log_likelier(units, config.rises)


def large_line(window: RecentDemand, lines: RecentLines, share: float) -> Floats:
    """(n,) units of the largest line where it is at least this share of all of them, else 0."""
    largest = np.zeros(len(window.units))
    # A line of more than was sold was called off.
    inside = (lines.days_ago <= window.days) & (lines.units <= window.units[lines.series])
    np.maximum.at(largest, lines.series[inside], lines.units[inside])
    return np.where((largest > 1) & (largest >= share * window.units), largest, 0.0)
