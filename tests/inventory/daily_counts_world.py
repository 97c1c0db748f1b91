"""Counts by day whose law is known: each its level, one week's shape for all, offers that double what is sold."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from smartshop.ai_agents.inventory.forecasting.calendar import PROMOTION, weekdays
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Panel, Period

FIRST_DAY = date(2024, 1, 1).toordinal()
WEEK_SHAPE = np.array([0.8, 0.8, 0.9, 1.0, 1.2, 1.5, 0.8])
LIFT = 2.0
AHEAD = 28


@dataclass(frozen=True, slots=True)
class CountsWorld:
    panel: Panel
    """Causes are known so many days ahead as `mean` is."""
    mean: Floats
    """(n, t + 28) true means."""
    demand: Floats
    """(n, t + 28) what came, also after the panel's end."""


def make_counts_world(series: int, days: int, rng: np.random.Generator) -> CountsWorld:
    whole = days + AHEAD
    ordinals = FIRST_DAY + np.arange(whole)
    starts = rng.integers(0, 60, series)
    promoted = (np.arange(whole) + starts[:, None]) % 60 < 7
    level = rng.uniform(0.2, 12.0, (series, 1))
    mean = level * WEEK_SHAPE[weekdays(ordinals)] * np.where(promoted, LIFT, 1.0)
    demand = rng.poisson(mean).astype(np.float64)
    causes = {PROMOTION: np.where(promoted, 0.2, 0.0).astype(np.float32)}
    groups = {"category": (np.arange(series) % 3).astype(np.int32)}
    return CountsWorld(Panel(demand[:, :days], Period.DAY, FIRST_DAY, causes, groups), mean, demand)
