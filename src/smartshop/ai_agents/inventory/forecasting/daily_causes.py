"""Causes that follow from the known ones: a closing tomorrow, the turn of the month, the days before Christmas.

They are on or off, so that a model which only adds (Prophet, a regression) can hold what trees find by themselves.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.calendar import OPEN, PROMOTION
from smartshop.ai_agents.inventory.forecasting.daily_features import Columns, day_columns
from smartshop.ai_agents.inventory.forecasting.panel import Panel

MONDAY, FRIDAY = 0, 4
REOPENING_DAYS, LAST_DAYS = 14, 5
"""Days after a long closing on which a shop still sells unlike itself, and before one (selling off)."""


def derived_causes(panel: Panel, horizon: int) -> dict[str, NDArray[np.float32]]:
    """Name → (n, t + h) or (1, t + h), each 0 or 1; of openings and promotions only where the panel tells of them.

    Raises:
        ValueError: a cause is not known so far ahead.
    """
    days = day_columns(panel, horizon)
    derived = _of_the_date(days)
    if OPEN in panel.causes:
        derived |= _of_closings(days)
    if PROMOTION in panel.causes:
        promoted = days[PROMOTION] > 0
        derived["promoted_monday"] = promoted & (days["weekday"] == MONDAY)
        derived["promoted_friday"] = promoted & (days["weekday"] == FRIDAY)
    return {name: cause.astype(np.float32) for name, cause in derived.items()}


def with_derived_causes(panel: Panel, horizon: int) -> Panel:
    """The panel with the derived causes beside its own, known `horizon` days ahead."""
    return replace(panel, causes={**panel.causes, **derived_causes(panel, horizon)})


def _of_the_date(days: Columns) -> dict[str, NDArray[np.bool_]]:
    day, to_end = days["day_of_month"], days["days_to_month_end"]
    christmas, easter = days["past_christmas"], days["past_easter"]
    return {
        "month_end": to_end <= 1,
        "month_start": day <= 3,
        "month_middle": (day >= 12) & (day <= 16),
        "month_late": (day >= 20) & (day <= 26),
        "weeks_before_christmas": (christmas >= -24) & (christmas < -7),
        "week_before_christmas": (christmas >= -7) & (christmas < -1),
        "christmas_eve": christmas == -1,
        "between_the_years": (christmas > 0) & (christmas < 6),
        "new_years_eve": christmas == 6,
        "week_before_easter": (easter >= -6) & (easter <= -1),
    }


def _of_closings(days: Columns) -> dict[str, NDArray[np.bool_]]:
    until, since = days["odd_closing_until"], days["odd_closing_since"]
    long_until, long_since = days["long_closing_until"], days["long_closing_since"]
    return {
        "closed_tomorrow": until == 1,
        "closed_in_two_days": until == 2,
        "closed_yesterday": since == 1,
        "reopened_lately": (long_since > 0) & (long_since <= REOPENING_DAYS),
        "long_closing_ahead": (long_until > 0) & (long_until <= LAST_DAYS),
    }
