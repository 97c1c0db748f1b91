"""The chance that a customer buys no more for a while, learned from the shop's own earlier cut-offs.

At several moments of the past we write down what was known of each customer then (`churn_features`) and what they did
afterwards. An order counts when it is placed, whether or not it came back later. Two logistic regressions follow each
other: whether the customer shows any sign of life, which many do and which is soon learned; and whether they order,
from that and from how they buy. In a shop of two months, where few have ordered, the second is little more than the
first; where orders are many, their own rhythm speaks. BG/NBD has half a word in a buyer's log-odds where that surely
foretold the newest horizon of the past better: the regression sees more, BG/NBD is not led astray by the season of the
cut-offs.

The horizon learned is a third of the shop's past, at most 90 days. A shorter one is carried on to 90 days by one
exponent κ for the whole shop, chance(no order in 90 days) = chance(no order in the horizon)^κ, chosen so that the mean
grows as the shop's own rhythm (with its leaving and its spread of rates) says it would: the ranking stays as learned.
"""

from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.churn_check import ChurnCheck, Forecasts, area_under_curve, check_forecasts
from smartshop.ai_agents.segmentation.churn_features import Days, Pace, Tally, days_of, log_odds_of, occurs, tally
from smartshop.ai_agents.segmentation.churn_past import Seen, pace_of, past_of, seen_at
from smartshop.ai_agents.segmentation.cut import only
from smartshop.ai_agents.segmentation.logistic import Logistic, chance, fit_best, is_surely_less, log_losses
from smartshop.ai_agents.segmentation.rhythm import outlook
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.schemas.ids import Micros

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]

STATED_DAYS = 90
"""What `risk` speaks of, whatever was learned."""
LEAST_HORIZON_DAYS = 7
HORIZONS_IN_THE_PAST = 3
"""The past must hold the horizon so often: to know a customer, to see what follows, and to check it once more."""
HALVINGS = 30
LEAST_MEAN = 1e-9
FOLDS = 4
HALF = 0.5
"""Share of the regression in a buyer's log-odds where BG/NBD has a part."""
STRAY_SHARE = 0.005
"""Customers first seen before the shop opened: a date mistyped into 1970 is no past to learn from."""


class ChurnConfig(msgspec.Struct, frozen=True, kw_only=True):
    most_customers: Annotated[int, Meta(ge=100)] = 20_000
    """Drawn for learning; more would not change the weights."""
    rhythm_customers: Annotated[int, Meta(ge=100)] = 5_000
    """Drawn for the three parameters of each rhythm."""
    cut_offs: Annotated[int, Meta(ge=1, le=24)] = 12
    """Moments of the past pooled, a third of a horizon apart, newest first: a year where the horizon is 90 days."""
    penalties: tuple[float, ...] = (3.0, 30.0, 300.0, 3000.0)
    """Of squared weights per standard deviation; tried on customers left out of the fit."""
    least_customers: Annotated[int, Meta(ge=20)] = 100
    """Known at the newest cut-off."""
    least_outcomes: Annotated[int, Meta(ge=5)] = 25
    """Customers who ordered, and who did not, over the cut-offs."""


class ChurnModel(msgspec.Struct, frozen=True, kw_only=True):
    """What was learned, as numbers, and how it did on the shop's own later past."""

    horizon_days: int
    """What was learned; stretched to 90 days by `stretch`."""
    stretch: float
    """κ ≥ 1; 1 where the horizon is 90 days."""
    pace: Pace
    comes: Logistic
    """Any sign of life within the horizon."""
    orders: Logistic
    """An order within the horizon; its first input is the log-odds of the one above."""
    mix: float = 1.0
    """Share of `orders` in a buyer's log-odds; the rest is BG/NBD's."""
    customers: int
    """Learned from, at the newest cut-off."""
    check: ChurnCheck | None = None
    """None: the past is too short to hold it against."""


def fit_churn(
    activity: CustomerActivity,
    *,
    config: ChurnConfig | None = None,
    rng: np.random.Generator,
) -> ChurnModel | None:
    """Learn as of `activity.as_of`, and check the same recipe one horizon earlier; None where too little is known."""
    config = config or ChurnConfig()
    if len(activity) < config.least_customers:
        return None
    opening = int(np.quantile(activity.first_seen_at // DAY, STRAY_SHARE))
    days = days_of(_drawn(activity, config.most_customers, rng), opening)
    today = activity.as_of // DAY
    horizon = min(STATED_DAYS, (today - opening) // HORIZONS_IN_THE_PAST)
    if horizon < LEAST_HORIZON_DAYS:
        return None
    model = _learn(days, today, horizon, config, rng)
    if model is None:
        return None
    mix, check = _mix_and_check(days, today - horizon, horizon, config, rng)
    model = msgspec.structs.replace(model, mix=mix, check=check)
    return msgspec.structs.replace(model, stretch=_stretch(model, days, today))


def risk(model: ChurnModel, activity: CustomerActivity, as_of: Micros | None = None) -> NDArray[np.float32]:
    """(n,) chance of no order within 90 days of `as_of` (the activity's own, where none or a later one is given).

    Also for those who never bought: to rank by. Never NaN; a customer not seen by then has no meaning.
    """
    return np.asarray(1 - _chances(model, activity, as_of).orders_stated, np.float32)


def silence(model: ChurnModel, activity: CustomerActivity, as_of: Micros | None = None) -> NDArray[np.float32]:
    """(n,) chance of no sign of life at all, neither a visit nor an order, within the model's own horizon."""
    return np.asarray(1 - _chances(model, activity, as_of).comes, np.float32)


@dataclass(frozen=True, slots=True)
class _Chances:
    """(n,) each."""

    comes: Array
    orders: Array
    """Within the horizon."""
    orders_stated: Array
    """Within 90 days."""


def _chances(model: ChurnModel, activity: CustomerActivity, as_of: Micros | None) -> _Chances:
    now = activity.as_of if as_of is None else min(as_of, activity.as_of)
    # Days are counted as in learning, where the newest day known is yesterday: 1 day ago.
    today = -(-now // DAY)
    comes, orders = _log_odds(model, days_of(activity, model.pace.opening), today)
    ordering = chance(orders)
    return _Chances(comes=chance(comes), orders=ordering, orders_stated=_stretched(ordering, model.stretch))


def _log_odds(model: ChurnModel, days: Days, today: int) -> tuple[Array, Array]:
    """(n,) each: of any sign, and of an order, within the horizon."""
    seen = seen_at(days, model.pace, today, model.horizon_days)
    comes = model.comes.log_odds(seen.visits)
    return comes, _mixed(_learned(model, comes, seen), seen, model.mix)


def _learned(model: ChurnModel, comes: Array, seen: Seen) -> Array:
    return model.orders.log_odds(np.column_stack([comes, seen.orders]))


def _mixed(learned: Array, seen: Seen, mix: float) -> Array:
    """(n,) log-odds of an order; BG/NBD knows buyers only."""
    return np.where(seen.bought, mix * learned + (1 - mix) * log_odds_of(seen.bg_nbd), learned)


def _drawn(activity: CustomerActivity, most: int, rng: np.random.Generator) -> CustomerActivity:
    if len(activity) <= most:
        return activity
    wanted = np.zeros(len(activity), np.bool_)
    wanted[rng.choice(len(activity), size=most, replace=False)] = True
    return only(activity, wanted)


def _learn(days: Days, today: int, horizon: int, config: ChurnConfig, rng: np.random.Generator) -> ChurnModel | None:
    """Everything but the check, from what happened before `today`; None where too little did."""
    pace = pace_of(days, today, config.rhythm_customers, rng)
    if pace is None:
        return None
    past = past_of(days, pace, today, horizon, config.cut_offs)
    outcomes = int(past.ordered.sum())
    if past.newest < config.least_customers or min(outcomes, len(past.ordered) - outcomes) < config.least_outcomes:
        return None
    # All cut-offs of a customer are in one fold.
    fold_of, whose = rng.integers(0, FOLDS, size=days.n), past.customer.astype(np.int64)
    comes = fit_best(past.visits, past.came, past.weight, whose, fold_of, config.penalties)
    both = np.column_stack([comes.log_odds(past.visits), past.orders])
    orders = fit_best(both, past.ordered, past.weight, whose, fold_of, config.penalties, free=(0,))
    return ChurnModel(horizon_days=horizon, stretch=1.0, pace=pace, comes=comes, orders=orders, customers=past.newest)


def _stretch(model: ChurnModel, days: Days, today: int) -> float:
    """κ that carries the mean chance of an order from the horizon to 90 days as the shop's rhythm does."""
    if model.horizon_days >= STATED_DAYS:
        return 1.0
    visits = tally(days.visits, days.n, today)
    known = visits.count > 0
    means = [
        float(_rhythm_of_orders(visits, model.pace, span)[known].mean()) for span in (model.horizon_days, STATED_DAYS)
    ]
    ordering = chance(_log_odds(model, days, today)[1][known])
    wanted = min(float(ordering.mean()) * means[1] / max(means[0], LEAST_MEAN), 1.0)
    low, high = 1.0, STATED_DAYS / model.horizon_days
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if _stretched(ordering, middle).mean() < wanted else (low, middle)
    return (low + high) / 2


def _rhythm_of_orders(visits: Tally, pace: Pace, horizon: int) -> Array:
    """(n,) chance of a visit with an order, when each visit has one with the shop's share."""
    return outlook(
        pace.since_first_seen,
        np.maximum(visits.count - 1, 0.0),
        visits.since_first - visits.since_last,
        visits.since_first,
        horizon,
        share=min(pace.order_share, 1.0),
    ).comes


def _stretched(ordering: Array, stretch: float) -> Array:
    return np.asarray(1 - (1 - ordering) ** stretch)


def _mixing_helps(learned: Array, seen: Seen, ordered: Bools) -> bool:
    """Whether BG/NBD's word makes buyers' chances surely likelier, and ranks buyers no worse: it knows no visits."""
    alone, mixed = learned, _mixed(learned, seen, HALF)
    if not is_surely_less(
        log_losses(mixed, ordered), log_losses(alone, ordered), seen.bought.astype(np.float64), np.arange(len(ordered))
    ):
        return False
    areas = [area_under_curve(odds[seen.bought], ordered[seen.bought]) for odds in (mixed, alone)]
    return areas[0] >= areas[1]


def _mix_and_check(
    days: Days, today: int, horizon: int, config: ChurnConfig, rng: np.random.Generator
) -> tuple[float, ChurnCheck | None]:
    """The recipe fitted as of an earlier day, against the horizon that followed: the best mix, and how it did."""
    model = _learn(days, today, horizon, config, rng)
    if model is None:
        return HALF, None
    seen = seen_at(days, model.pace, today, horizon)
    comes = model.comes.log_odds(seen.visits)
    learned = _learned(model, comes, seen)
    ordered = occurs(days.orders, days.n, today, horizon)
    mix = HALF if _mixing_helps(learned, seen, ordered) else 1.0
    known = seen.known
    forecasts = Forecasts(
        order=chance(_mixed(learned, seen, mix))[known],
        comes=chance(comes)[known],
        bg_nbd=np.where(seen.bought, seen.bg_nbd, np.nan)[known],
        ordered=ordered[known],
        came=occurs(days.visits, days.n, today, horizon)[known],
    )
    return mix, check_forecasts(forecasts, horizon, rng)
