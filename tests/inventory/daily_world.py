"""A made-up chain of shops whose daily law is known: weekday, promotion, Christmas, a slope, shops of every size."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.calendar import OPEN, PROMOTION, SCHOOL_HOLIDAY, weekdays
from smartshop.ai_agents.inventory.forecasting.panel import Floats, Panel, Period

FIRST_DAY = date(2020, 1, 6).toordinal()
WEEKDAY_EFFECTS = np.array([0.3, 0.1, 0.0, 0.0, 0.1, 0.25, 0.0])
PROMOTION_EFFECT, SCHOOL_EFFECT, YEARLY_SLOPE = 0.4, 0.15, 0.1


@dataclass(frozen=True, slots=True)
class World:
    panel: Panel
    """Known to the end; cut it with `until`."""
    middle: Floats
    """(n, t) what each open day sells but for noise; 0 on closed days."""


def make_world(shops: int, days: int, noise: float, rng: np.random.Generator) -> World:
    """Closed on Sundays; a promotion in every other week from Monday to Friday; school holidays shop by shop."""
    ordinals = FIRST_DAY + np.arange(days)
    weekday = weekdays(ordinals)
    promotion = ((weekday < 5) & ((np.arange(days) // 7) % 2 == 0)).astype(np.float32)[None, :]
    school = np.array([_holidays(days, rng) for _ in range(shops)])
    level = rng.uniform(4.0, 9.0, (shops, 1))
    logs = level + WEEKDAY_EFFECTS[weekday] + PROMOTION_EFFECT * promotion + SCHOOL_EFFECT * school
    logs = logs + YEARLY_SLOPE * np.arange(days) / 365.25
    is_open = np.broadcast_to(weekday != 6, logs.shape)
    sales = np.where(is_open, np.exp(logs + noise * rng.standard_normal(logs.shape)), np.nan)
    causes = {PROMOTION: promotion, SCHOOL_HOLIDAY: school, OPEN: is_open.astype(np.float32)}
    groups = {"kind": np.arange(shops, dtype=np.int32) % 2}
    return World(Panel(sales, Period.DAY, FIRST_DAY, causes, groups), np.where(is_open, np.exp(logs), 0.0))


def _holidays(days: int, rng: np.random.Generator) -> NDArray[np.float32]:
    found = np.zeros(days, np.float32)
    for begin in range(int(rng.integers(0, 60)), days, 75):
        found[begin : begin + 12] = 1.0
    return found
