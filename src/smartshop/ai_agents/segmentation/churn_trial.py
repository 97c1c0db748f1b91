"""Churn against what really happened: the protocol by which its figures are measured and can be measured again.

The shop is cut at a moment; the model is fitted on what lies before it, its own check included, and ranks everybody
seen by then. A customer churned by *order* when they place none within the days that follow, and by *sign* when
nothing at all is seen of them. Both are told of all customers and of those who had bought, beside two simple rankings.
Nothing that came back after the cut is known at it. A browser linked to a customer only after the cut keeps its earlier
visits here; whoever had looked at the cut itself would not have had them.
"""

from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.bg_nbd import BgNbdConfig, fit_bg_nbd, purchase_count_tail
from smartshop.ai_agents.segmentation.churn import STATED_DAYS, ChurnConfig, ChurnModel, fit_churn, risk, silence
from smartshop.ai_agents.segmentation.churn_check import area_under_curve
from smartshop.ai_agents.segmentation.churn_features import Days, days_of, occurs, tally
from smartshop.ai_agents.segmentation.cut import until
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.schemas.ids import Micros

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Areas(msgspec.Struct, frozen=True, kw_only=True):
    """AUC of each ranking; NaN where only one outcome occurred."""

    customers: int
    churned_share: float
    risk: float
    silence: float
    recency: float
    """Days since last seen alone."""
    bg_nbd: float
    """Of the chance of an order, from orders alone; one chance for all who never bought."""


class ChurnTrial(msgspec.Struct, frozen=True, kw_only=True):
    days: Annotated[int, Meta(ge=1)]
    horizon_days: int
    """That the model learned."""
    by_order: Areas
    by_order_of_buyers: Areas
    by_sign: Areas
    by_sign_of_buyers: Areas
    brier: float
    """Of the buyers' risk of no order, where the days are the 90 that it speaks of; else NaN."""


def try_churn(
    activity: CustomerActivity,
    as_of: Micros,
    days: int,
    *,
    config: ChurnConfig | None = None,
    rng: np.random.Generator,
) -> ChurnTrial | None:
    """Fit as of `as_of`, a midnight (UTC), and look at the `days` that followed; None where nothing is learned."""
    past = until(activity, as_of)
    model = fit_churn(past, config=config, rng=rng)
    if model is None:
        return None
    known = set(past.customer_ids)
    rows = np.array([name in known for name in activity.customer_ids], np.bool_)
    later, first_day = days_of(activity), as_of // DAY
    ordered = occurs(later.orders, later.n, first_day, days)[rows]
    came = occurs(later.visits, later.n, first_day, days)[rows]
    rankings = _Rankings(model, past, rng)
    everybody = np.ones(len(past), np.bool_)
    stated = risk(model, past).astype(np.float64)[rankings.bought]
    is_stated = days == STATED_DAYS and len(stated) > 0
    return ChurnTrial(
        days=days,
        horizon_days=model.horizon_days,
        by_order=rankings.areas(~ordered, everybody),
        by_order_of_buyers=rankings.areas(~ordered, rankings.bought),
        by_sign=rankings.areas(~came, everybody),
        by_sign_of_buyers=rankings.areas(~came, rankings.bought),
        brier=float(np.mean((stated - ~ordered[rankings.bought]) ** 2)) if is_stated else float("nan"),
    )


class _Rankings:
    """The same customers ranked four ways, likeliest to churn highest."""

    def __init__(self, model: ChurnModel, past: CustomerActivity, rng: np.random.Generator) -> None:
        days = days_of(past)
        self.bought = tally(days.orders, days.n, -(-past.as_of // DAY)).count > 0
        self.risk = risk(model, past).astype(np.float64)
        self.silence = silence(model, past).astype(np.float64)
        self.recency = -past.last_seen_at.astype(np.float64)
        self.bg_nbd = _bg_nbd(days, -(-past.as_of // DAY), model.horizon_days, rng)

    def areas(self, churned: Bools, of: Bools) -> Areas:
        return Areas(
            customers=int(of.sum()),
            churned_share=float(churned[of].mean()) if of.any() else 0.0,
            risk=area_under_curve(self.risk[of], churned[of]),
            silence=area_under_curve(self.silence[of], churned[of]),
            recency=area_under_curve(self.recency[of], churned[of]),
            bg_nbd=area_under_curve(self.bg_nbd[of], churned[of]),
        )


def _bg_nbd(days: Days, today: int, horizon: float, rng: np.random.Generator) -> Array:
    """(n,) chance of no order; the mean of the buyers' for those who never bought."""
    orders = tally(days.orders, days.n, today)
    bought = orders.count > 0
    x, since = orders.count[bought] - 1, orders.since_first[bought]
    history = (x, since - orders.since_last[bought], since)
    params = fit_bg_nbd(*history, config=BgNbdConfig(), rng=rng)
    no_order = 1 - purchase_count_tail(params, *history, horizon, np.ones(len(x)))
    found = np.full(days.n, float(no_order.mean()))
    found[bought] = no_order
    return found
