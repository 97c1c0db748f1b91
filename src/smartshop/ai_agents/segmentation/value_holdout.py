"""How wrong the value model is on the shop's own past, and which of its variants serves the shop best.

Fitted on the earlier part, measured on the later. The variant is chosen before, by the same game inside the earlier
part: what is held out decides nothing. Each part is as it stood at its end, so that nothing told knows what came back
later; what came is counted as it stood when the count ended.
"""

from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.bg_nbd import BgNbdConfig
from smartshop.ai_agents.segmentation.cut import orders_placed
from smartshop.ai_agents.segmentation.predictor import Variant, count_log_score, expected_orders, fit_predictor
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
    trial_shares: tuple[float, ...] = (1 / 2, 1 / 3)
    """Of the part before, the ends on which the variants are tried to choose one."""
    least_customers: Annotated[int, Meta(ge=2)] = 50
    """Who must have bought before it."""
    least_repeaters: Annotated[int, Meta(ge=1)] = 10


class HoldoutError(msgspec.Struct, frozen=True, kw_only=True):
    """Orders (purchase days) per customer in the span held out, told beforehand against what came."""

    variant: Variant
    """What told them; chosen without a look at the span held out."""
    mae: float
    rmse: float
    correlation: float
    """Of told and actual counts over customers; 0 where either does not vary."""
    naive_mae: float
    """Of going on at each customer's own past rate of repeat purchases."""
    naive_rmse: float
    bg_nbd_mae: float
    """Of the ordinary BG/NBD, whichever variant was chosen."""
    bg_nbd_rmse: float
    told: float
    """Orders of all customers together, as told."""
    actual: float
    weeks: float
    """Length of the span held out."""
    customers: int
    """Who had bought before it."""


def holdout_days(activity: CustomerActivity, until: Micros, share: float, most_days: int) -> int:
    """Whole days to hold out before `until`: a share of the time since the shop's first order, not too many."""
    placed_at = orders_placed(activity).at
    known = placed_at[placed_at <= until]
    if not len(known):
        return 0
    return min(int((until // DAY - int(known.min()) // DAY) * share), most_days)


def choose_variant(
    activity: CustomerActivity, until: Micros, *, fit: BgNbdConfig, config: HoldoutConfig, rng: np.random.Generator
) -> Variant:
    """The variant with the best mean log score of order counts over the trial ends of what happened until then.

    The log score judges the whole distribution of the counts: telling "nobody comes" wins the mean absolute error of
    rare buyers, but not this. Where nothing can be tried it is the ordinary BG/NBD.
    """
    gain = dict.fromkeys(Variant, 0.0)
    for share in config.trial_shares:
        days = holdout_days(activity, until, share, config.most_days)
        trial = _split(activity, until, days, config)
        if trial is None:
            continue
        before, actual = trial
        for variant in Variant:
            predictor = fit_predictor(before, variant, config=fit, rng=rng)
            gain[variant] += float(count_log_score(predictor, before, float(days), actual).mean())
    # The first of equals: the ordinary one.
    return max(Variant, key=lambda variant: gain[variant])


def holdout_error(
    activity: CustomerActivity,
    days: int,
    variant: Variant,
    *,
    fit: BgNbdConfig,
    config: HoldoutConfig,
    rng: np.random.Generator,
) -> HoldoutError | None:
    """Hold out the last `days`; None where too little happened before them."""
    split = _split(activity, activity.as_of, days, config)
    if split is None:
        return None
    before, actual = split
    told = expected_orders(fit_predictor(before, variant, config=fit, rng=rng), before, float(days))
    plain = told
    if variant is not Variant.BG_NBD:
        plain = expected_orders(fit_predictor(before, Variant.BG_NBD, config=fit, rng=rng), before, float(days))
    naive = naive_counts(before, days)
    varies = told.std() > 0 and actual.std() > 0
    return HoldoutError(
        variant=variant,
        mae=_mae(told, actual),
        rmse=_rmse(told, actual),
        correlation=float(np.corrcoef(told, actual)[0, 1]) if varies else 0.0,
        naive_mae=_mae(naive, actual),
        naive_rmse=_rmse(naive, actual),
        bg_nbd_mae=_mae(plain, actual),
        bg_nbd_rmse=_rmse(plain, actual),
        told=float(told.sum()),
        actual=float(actual.sum()),
        weeks=days / 7,
        customers=len(before),
    )


def naive_counts(purchases: Purchases, days: float) -> Array:
    """(n,) orders within so many days at each customer's own past rate of repeat purchases."""
    return np.where(purchases.T > 0, purchases.x / np.maximum(purchases.T, 1e-9), 0.0) * days


def _split(
    activity: CustomerActivity, until: Micros, days: int, config: HoldoutConfig
) -> tuple[Purchases, Array] | None:
    """What was bought before the last days, and how often each of these customers bought in them."""
    cut = Micros(until - days * DAY)
    if days < config.least_days:
        return None
    before = purchases_of(activity, cut)
    if len(before) < config.least_customers or (before.x > 0).sum() < config.least_repeaters:
        return None
    return before, purchases_between(activity, cut, until)[before.buyer].astype(np.float64)


def _mae(told: Array, actual: Array) -> float:
    return float(np.abs(told - actual).mean())


def _rmse(told: Array, actual: Array) -> float:
    return float(np.sqrt(np.square(told - actual).mean()))
