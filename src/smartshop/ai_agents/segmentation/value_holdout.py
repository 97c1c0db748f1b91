"""How wrong the value model is on the shop's own past: fitted on the earlier part, measured on the later."""

from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.bg_nbd import BgNbdConfig, expected_purchases, fit_bg_nbd
from smartshop.ai_agents.segmentation.purchases import Purchases, purchases_between, purchases_of
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.schemas.ids import Micros

Array = NDArray[np.float64]


class HoldoutConfig(msgspec.Struct, frozen=True, kw_only=True):
    share: Annotated[float, Meta(gt=0, lt=1)] = 1 / 3
    """Of the shop's history, the part that is held out: its end."""
    most_days: Annotated[int, Meta(ge=1)] = 273
    """But at most 39 weeks, the span of the published comparisons."""
    least_days: Annotated[int, Meta(ge=1)] = 7
    """With a shorter span held out nothing is measured."""
    least_customers: Annotated[int, Meta(ge=2)] = 50
    """Who must have bought before it."""
    least_repeaters: Annotated[int, Meta(ge=1)] = 10


class HoldoutError(msgspec.Struct, frozen=True, kw_only=True):
    """Orders (purchase days) per customer in the span held out, told beforehand against what came."""

    mae: float
    rmse: float
    correlation: float
    """Of told and actual counts over customers; 0 where either does not vary."""
    naive_mae: float
    """Of going on at each customer's own past rate of repeat purchases."""
    naive_rmse: float
    told: float
    """Orders of all customers together, as told."""
    actual: float
    weeks: float
    """Length of the span held out."""
    customers: int
    """Who had bought before it."""


def holdout_span_days(activity: CustomerActivity, config: HoldoutConfig) -> int:
    """Whole days to hold out: the last share of the time since the shop's first order, at most `most_days`."""
    known = activity.order_at[activity.order_at <= activity.as_of]
    if not len(known):
        return 0
    history = int(activity.as_of // DAY - int(known.min()) // DAY)
    return min(int(history * config.share), config.most_days)


def holdout_error(
    activity: CustomerActivity, days: int, *, fit: BgNbdConfig, config: HoldoutConfig, rng: np.random.Generator
) -> HoldoutError | None:
    """Hold out the last `days`; None where too little happened before them."""
    cut = Micros(activity.as_of - days * DAY)
    before = purchases_of(activity, cut)
    if (
        days < config.least_days
        or len(before) < config.least_customers
        or (before.x > 0).sum() < config.least_repeaters
    ):
        return None
    params = fit_bg_nbd(before.x, before.t_x, before.T, config=fit, rng=rng)
    told = expected_purchases(params, before.x, before.t_x, before.T, float(days))
    actual = purchases_between(activity, cut, activity.as_of)[before.buyer].astype(np.float64)
    return errors_of(told, naive_counts(before, days), actual, days)


def naive_counts(purchases: Purchases, days: float) -> Array:
    """(n,) orders within so many days at each customer's own past rate of repeat purchases."""
    return np.where(purchases.T > 0, purchases.x / np.maximum(purchases.T, 1e-9), 0.0) * days


def errors_of(told: Array, naive: Array, actual: Array, days: float) -> HoldoutError:
    """(n,) counts told by the model and by the naive rate, and those that came, n ≥ 1."""
    varies = len(told) > 1 and told.std() > 0 and actual.std() > 0
    return HoldoutError(
        mae=float(np.abs(told - actual).mean()),
        rmse=float(np.sqrt(np.square(told - actual).mean())),
        correlation=float(np.corrcoef(told, actual)[0, 1]) if varies else 0.0,
        naive_mae=float(np.abs(naive - actual).mean()),
        naive_rmse=float(np.sqrt(np.square(naive - actual).mean())),
        told=float(told.sum()),
        actual=float(actual.sum()),
        weeks=days / 7,
        customers=len(told),
    )
