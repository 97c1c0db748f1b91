"""How slates lean by what is in stock: away from what runs out before it comes again, toward what lies too long. Pure.

Away: of what a slate sells of a product that runs out before its delivery, a part would have been sold without it, to
those who come for it and then find nothing. The place is better given to what can be brought again. With p the chance
that demand until the delivery is more than what is there, the log-odds are ln(1 − (1 − exp(−away)) · p): nothing at
p = 0, −away at p = 1, falling smoothly between.

Toward: what covers more weeks than the line and earns something is raised by toward · (1 − line / cover) · (margin of
its price ÷ a usual one, at most 1): nothing at the line, near `toward` where next to nobody asks for it.

Both are log-odds beside the shopper's own, so that no product passes another that is better for this shopper by more
than `away` + `toward`.
"""

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.inventory.forecasting.counts import at_or_below
from smartshop.ai_agents.inventory.policies.bounds import Floats
from smartshop.ai_agents.inventory.supply_view import SupplyView
from smartshop.ai_agents.shelf import Shelf
from smartshop.errors import InvalidValue

MOST_AWAY, MOST_TOWARD = 1.0, 0.5
"""Log-odds beyond which stock, and not the shopper, would order a slate."""
USUAL_MARGIN = 0.4
"""Share of the price; products that earn it or more are raised whole."""
WEEK = 7.0
HARDLY_ANY = 1e-6
"""Units; fewer foreseen until a delivery are none, and too few for the law of counts to be worked out."""


@dataclass(frozen=True, slots=True)
class PressureConfig:
    """Settings of the shop's keeper; chosen with `bench.slate_pressure`."""

    away: float = 0.25
    """Most log-odds against what runs out; 0 to 1."""
    toward: float = 0.15
    """Most log-odds for what lies too long; 0 to 0.5."""
    overstock_weeks: float = 26.0
    """Of cover, beyond which stock lies too long; above 0."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.away <= MOST_AWAY or not 0.0 <= self.toward <= MOST_TOWARD:
            raise InvalidValue(
                f"Pressure is {self.away} away and {self.toward} toward; "
                f"it lies between 0 and {MOST_AWAY}, and 0 and {MOST_TOWARD} log-odds."
            )
        if not self.overstock_weeks > 0:
            raise InvalidValue(f"Overstock begins at {self.overstock_weeks} weeks of cover; that is above 0.")


USUAL_PRESSURE = PressureConfig()


def chance_short(view: SupplyView, numbers: NDArray[np.int64], available: NDArray[np.int32]) -> Floats:
    """(m,) that more is asked for until goods come than is there; 0 where nothing is foreseen or counted."""
    expected = view.expected[numbers]
    asked = np.isfinite(expected) & (expected > HARDLY_ANY) & (available >= 0)
    chance = np.zeros(len(numbers))
    mean, variance = expected[asked], view.variance[numbers][asked]
    chance[asked] = 1.0 - at_or_below(available[asked].astype(np.float64), mean, variance)
    return chance


def pressure(
    view: SupplyView, numbers: NDArray[np.int64], available: NDArray[np.int32], config: PressureConfig
) -> NDArray[np.float32]:
    """(m,) log-odds of these products. `available`: (m,) units now, -1 where never counted."""
    away = np.log1p(-(1.0 - np.exp(-config.away)) * chance_short(view, numbers, available))
    per_day, margin = view.per_day[numbers], view.margin[numbers]
    counted = np.isfinite(per_day) & (available > 0) & (margin > 0)
    units, asked, earned = available[counted], per_day[counted], margin[counted]
    toward = np.zeros(len(numbers))
    # Line over cover, as demand over the line's weeks over units: right where nothing at all is asked for, too.
    left = 1.0 - np.minimum(config.overstock_weeks * WEEK * asked / units, 1.0)
    toward[counted] = config.toward * left * np.minimum(earned / USUAL_MARGIN, 1.0)
    return np.asarray(away + toward, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    view: SupplyView
    shelf: Shelf
    log_odds: NDArray[np.float32]


class StockPressure:
    """The present log-odds over the shelf, made once per view and shelf; of a shelf whose stock moved only what moved.

    Safe for any number of threads: who asks while another view is taken up gets what held before.
    """

    def __init__(self, config: PressureConfig = USUAL_PRESSURE) -> None:
        self.config = config
        self._made: _Made | None = None
        self._swap = threading.Lock()

    def use(self, view: SupplyView, shelf: Shelf) -> None:
        """From now on by this view; worked out at once, so that no request waits for it."""
        made = self._make(view, shelf)
        with self._swap:
            self._made = made

    def of(self, shelf: Shelf) -> NDArray[np.float32] | None:
        """(n_products,) log-odds; None while nothing is foreseen."""
        made = self._made
        if made is None or made.shelf is shelf:
            return None if made is None else made.log_odds
        moved = self._moved(made, shelf)
        with self._swap:
            if self._made is made:
                self._made = moved
        return moved.log_odds

    def _make(self, view: SupplyView, shelf: Shelf) -> _Made:
        log_odds = np.zeros(shelf.n_products, np.float32)
        numbers = np.arange(min(len(view), shelf.n_products))
        log_odds[numbers] = pressure(view, numbers, shelf.available[numbers], self.config)
        return _Made(view, shelf, log_odds)

    def _moved(self, made: _Made, shelf: Shelf) -> _Made:
        before = made.shelf.available
        if len(before) != shelf.n_products:
            return self._make(made.view, shelf)
        numbers = np.flatnonzero(before != shelf.available)
        numbers = numbers[numbers < len(made.view)]
        log_odds = made.log_odds
        if len(numbers):
            log_odds = log_odds.copy()
            log_odds[numbers] = pressure(made.view, numbers, shelf.available[numbers], self.config)
        return _Made(made.view, shelf, log_odds)
