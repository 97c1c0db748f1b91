"""How good forecasts of demand are on the shop's own past: two contests, by week and by day.

Every forecast is made from what was known at an earlier day, and compared with what was sold after it. Periods that
were partly out of stock are compared with nothing, for nobody knows what would have been sold.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib.util import find_spec

import msgspec
import numpy as np

from smartshop.ai_agents.inventory.demand.causes import NOTHING_TOLD, KnownCauses
from smartshop.ai_agents.inventory.demand.periods import period_grid
from smartshop.ai_agents.inventory.evaluate_daily import (
    DAYS_AHEAD,
    USUAL_EARLIER,
    DailyContest,
    contest_daily,
    daily_origins,
    heavy_days,
    light_days,
)
from smartshop.ai_agents.inventory.evaluate_past import Past
from smartshop.ai_agents.inventory.evaluate_weekly import (
    LEAST_TRIES,
    LEAST_WEEKS,
    WeeklyContest,
    contest_weekly,
    part,
    weekly_origins,
)
from smartshop.ai_agents.inventory.forecasting.panel import Period
from smartshop.ai_agents.inventory.weekly_choice import Tell, heavy_candidates
from smartshop.data_collection.pipelines.demand import DemandTable
from smartshop.data_collection.pipelines.shelf import Shelf

OPTIONAL = {
    "lightgbm": "the boosted trees (LightGBM)",
    "statsforecast": "AutoETS, AutoCES, DynamicOptimizedTheta and IMAPA (statsforecast)",
    "prophet": "Prophet",
}
"""Package → what is left out of the contests without it."""
FITTED_ONE_BY_ONE = ("statsforecast", "prophet")


@dataclass(frozen=True, slots=True)
class ForecastTrial:
    """How much is judged."""

    series: int = 500
    """By week, those of highest turnover; 0 is all."""
    daily_series: int = 50
    """By day, those of highest turnover; 0 is none: some models take a second for each at each origin."""
    quick: bool = False
    """Without the models that are fitted series by series."""
    seed: int = 0


DEFAULT_TRIAL = ForecastTrial()


class ForecastReport(msgspec.Struct, frozen=True, kw_only=True):
    first_day: str
    last_day: str
    series: int
    """Products at their places that were ever sold."""
    weekly: tuple[WeeklyContest, ...]
    daily: DailyContest | None
    left_out: tuple[str, ...]
    """Candidates whose libraries are not installed, or that a quick trial goes without."""
    notes: tuple[str, ...]
    """What could not be judged, and why."""


def evaluate(
    table: DemandTable, shelf: Shelf, trial: ForecastTrial, tell: Tell, known: KnownCauses = NOTHING_TOLD
) -> ForecastReport:
    """Both contests, as far as the past is long enough."""
    past, rng = Past(table, shelf, known), np.random.default_rng(trial.seed)
    slow_weeks, slow_days = ({}, {}) if trial.quick else (heavy_candidates(), heavy_days())
    weekly = contest_weekly(past, trial.series, rng, part(tell, 0.05, 0.5), heavy=slow_weeks)
    days = light_days() | slow_days
    daily = contest_daily(past, trial.daily_series, rng, part(tell, 0.5, 1.0), candidates=days)
    return ForecastReport(
        first_day=date.fromordinal(table.first_day).isoformat(),
        last_day=date.fromordinal(table.first_day + table.days - 1).isoformat(),
        series=len(table),
        weekly=tuple(weekly),
        daily=daily,
        left_out=tuple(_left_out(trial)),
        notes=tuple(_notes(table, trial, is_weekly=bool(weekly), is_daily=daily is not None)),
    )


def _left_out(trial: ForecastTrial) -> Iterator[str]:
    for package, words in OPTIONAL.items():
        if find_spec(package) is None:
            yield f"{words}: not installed, `pip install 'smartshop[forecast]'` brings it"
        elif trial.quick and package in FITTED_ONE_BY_ONE:
            yield f"{words}: a quick trial goes without"


def _notes(table: DemandTable, trial: ForecastTrial, *, is_weekly: bool, is_daily: bool) -> Iterator[str]:
    weeks = period_grid(table.first_day, table.days, Period.WEEK, 0).periods
    least_weeks, least_days = LEAST_WEEKS + LEAST_TRIES + 1, USUAL_EARLIER.least_history + 2 * DAYS_AHEAD
    if not weekly_origins(weeks).judged:
        yield (
            f"The shop is too young to judge forecasts by week: its sales span {weeks} whole weeks, and {least_weeks} "
            "are the least of which some choose a forecast and others judge it."
        )
    elif not is_weekly:
        yield "Forecasts by week could not be judged: nothing was sold in the year before the first week to be told."
    if not daily_origins(table.days) and trial.daily_series:
        yield (
            f"The shop is too young to judge forecasts by day: its sales span {table.days} days, and {least_days} are "
            f"needed to learn intervals before the {DAYS_AHEAD} days that judge them."
        )
    elif not is_daily and trial.daily_series:
        yield "Forecasts by day could not be judged: nothing was sold in the year before the first day to be told."
