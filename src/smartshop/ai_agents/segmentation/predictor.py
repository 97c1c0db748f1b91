"""Which model tells when customers buy: BG/NBD or one of its near kin, as the shop's own past decides.

Two things that BG/NBD leaves out are known to matter here and there: customers may leave right after their first
purchase (MBG/NBD), and who spends more per order also comes back at another pace. All four variants have the same
closed forms, so that intervals, chances and dates stay exact whichever is taken.
"""

from dataclasses import dataclass
from enum import StrEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.bg_nbd import (
    BgNbd,
    BgNbdConfig,
    expected_purchases,
    fit_bg_nbd,
    purchase_count_tail,
)
from smartshop.ai_agents.segmentation.purchases import Purchases

Array = NDArray[np.float64]

MOST_Z = 3.0
"""Standard deviations of ln(order value) beyond which the pace changes no more: one giant order is no habit."""
Z_STEP = 0.25
"""Of z in a fit: few distinct histories make it fast. Predictions use z as it is."""
LEAST_SPREAD = 0.05
"""Of ln(order value): where all spend alike, rounding errors are no sign."""
LEAST_CHANCE = 1e-12
"""Keeps the score of a count that the model held for impossible finite."""


class Variant(StrEnum):
    BG_NBD = "bg-nbd"
    MBG_NBD = "mbg-nbd"
    BG_NBD_AMOUNT = "bg-nbd, pace by order value"
    MBG_NBD_AMOUNT = "mbg-nbd, pace by order value"


_CHANCES_MISSED = {Variant.BG_NBD: 0, Variant.MBG_NBD: 1, Variant.BG_NBD_AMOUNT: 0, Variant.MBG_NBD_AMOUNT: 1}
_BY_AMOUNT = frozenset({Variant.BG_NBD_AMOUNT, Variant.MBG_NBD_AMOUNT})


class Predictor(msgspec.Struct, frozen=True, kw_only=True):
    """Parameters of one variant, for times in days and money in minor units."""

    variant: Variant
    timing: BgNbd
    log_value_centre: float = 0.0
    """Mean and standard deviation of ln(mean order value) over the customers of the fit."""
    log_value_spread: float = 1.0


@dataclass(frozen=True, slots=True)
class Histories:
    """(n,) each; t_x and T on the customers' own clocks, of which `pace` units pass in a day."""

    x: Array
    t_x: Array
    T: Array
    pace: Array


def fit_predictor(
    purchases: Purchases, variant: Variant, *, config: BgNbdConfig, rng: np.random.Generator
) -> Predictor:
    """Maximum likelihood over n ≥ 1 customers."""
    missed = _CHANCES_MISSED[variant]
    x, t_x, T = purchases.x, purchases.t_x, purchases.T  # noqa: N806
    if variant not in _BY_AMOUNT:
        return Predictor(variant=variant, timing=fit_bg_nbd(x, t_x, T, chances_missed=missed, config=config, rng=rng))
    logs = np.log(purchases.mean_purchase_minor)
    known = logs[np.isfinite(logs)]
    centre, spread = (float(known.mean()), max(float(known.std()), LEAST_SPREAD)) if len(known) else (0.0, 1.0)
    z = np.round(_z(logs, centre, spread) / Z_STEP) * Z_STEP
    timing = fit_bg_nbd(x, t_x, T, z=z, chances_missed=missed, config=config, rng=rng)
    return Predictor(variant=variant, timing=timing, log_value_centre=centre, log_value_spread=spread)


def histories_of(predictor: Predictor, purchases: Purchases) -> Histories:
    """(n,) customers, each on the own clock; one whose order value is unknown (NaN) goes at the average pace."""
    value = np.where(purchases.mean_purchase_minor > 0, purchases.mean_purchase_minor, np.nan)
    z = _z(np.log(value), predictor.log_value_centre, predictor.log_value_spread)
    pace = np.exp(predictor.timing.effect * z)
    return Histories(x=purchases.x, t_x=purchases.t_x * pace, T=purchases.T * pace, pace=pace)


def expected_orders(predictor: Predictor, purchases: Purchases, days: float) -> Array:
    """(n,) expected purchases within the next days."""
    of = histories_of(predictor, purchases)
    return expected_purchases(predictor.timing, of.x, of.t_x, of.T, days * of.pace)


def count_log_score(predictor: Predictor, purchases: Purchases, days: float, actual: Array) -> Array:
    """(n,) ln of the chance that the predictor gave to the counts that came: a proper score, higher is better."""
    of = histories_of(predictor, purchases)
    reached, passed = (
        purchase_count_tail(predictor.timing, of.x, of.t_x, of.T, days * of.pace, count)
        for count in (actual, actual + 1)
    )
    return np.asarray(np.log(np.maximum(reached - passed, LEAST_CHANCE)))


def _z(log_value: Array, centre: float, spread: float) -> Array:
    return np.asarray(np.clip(np.nan_to_num((log_value - centre) / spread, nan=0.0), -MOST_Z, MOST_Z))
