"""What shoppers come back to, learned over all of them: how often and how soon each product is bought again. Pure.

A turn is one shopper's visit to one product: all its signs in one session, an order's if one of them is. Figures of a
product are shrunk towards its category's, those towards the shop's: (c · own + k · wider) / (c + k), c counted cases.
"""

from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.sequences import Sequences
from smartshop.data_collection.schemas.events import INTEREST_WEIGHT, EventKind

DAY = 86_400_000_000
"""µs"""
Floats = NDArray[np.float64]

ORDER_WEIGHT = INTEREST_WEIGHT[EventKind.ORDER_COMPLETED]
UNHEARD_RETURNS = 0.1
"""Share of orders that are followed by another of the product, before any was seen; some five orders strong."""
UNHEARD_LOOK = 0.3
"""How loud a look is beside an order, before either was seen."""
LOOK_RANGE = (0.02, 5.0)


class HabitsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How demand and returns are counted; chosen on a wholesaler's baskets after five cuts in time."""

    now_half_life: Annotated[int, Meta(gt=0)] = 14 * DAY
    """µs: of what is asked for at present."""
    long_half_life: Annotated[int, Meta(gt=0)] = 240 * DAY
    """µs: of what was asked for all along."""
    now_power: Annotated[float, Meta(ge=0, le=3)] = 0.9
    """Exponent on present demand: out of season or out of stock, nobody comes back to it."""
    long_power: Annotated[float, Meta(ge=0, le=3)] = 0.45
    """Exponent that takes lasting demand off again, so that what rises leads."""
    returns_power: Annotated[float, Meta(ge=0, le=3)] = 0.4
    """Exponent on the share of orders that are repeated, relative to the shop's."""
    horizon: Annotated[int, Meta(gt=0)] = 90 * DAY
    """µs within which a return counts; in a shorter history half its length."""
    shrinkage: Annotated[float, Meta(ge=0)] = 15.0
    """k: cases of doubt."""
    cycle: Annotated[int, Meta(gt=0)] = 30 * DAY
    """µs between two orders of a product, before any was repeated."""


@dataclass(frozen=True, slots=True)
class Habits:
    """(n_products,) each."""

    wanted: NDArray[np.float32]
    """How much demand speaks for the product: > 0, 1 without any."""
    returns: NDArray[np.float32]
    """How much its repeats speak for it: > 0, 1 for the shop's mean."""
    cycle: NDArray[np.float32]
    """Days between two orders of it by one shopper: the median of the repeats seen."""
    look_weight: float
    """How often a look is followed by a return, relative to an order."""
    usual_cycle: float
    """Days; the shop's."""


@dataclass(frozen=True, slots=True)
class Turns:
    """n turns by (shopper, product, time). Parallel arrays."""

    product: NDArray[np.int32]
    at: NDArray[np.int64]
    """µs UTC"""
    is_order: NDArray[np.bool_]
    until_next: Floats
    """µs until the shopper's next turn to the product; infinite where there was none."""
    until_next_order: Floats
    """As `until_next`, of orders alone; infinite for looks."""


def learn_habits(sequences: Sequences, category: NDArray[np.int32], as_of: int, config: HabitsConfig) -> Habits:
    """`category`: (n_products,) codes; `as_of`: µs UTC, the end of what is known."""
    turns = turns_of(sequences)
    horizon = min(config.horizon, (as_of - int(turns.at.min())) // 2) if len(turns.at) else 0
    # Only turns that had the whole horizon to be followed say whether they were.
    judged = (turns.at <= as_of - horizon) if horizon > 0 else np.zeros(len(turns.at), np.bool_)
    returns, usual = _returns(turns, judged, horizon, category, config.shrinkage)
    cycle, usual_cycle = _cycles(turns, category, config)
    return Habits(
        wanted=_wanted(sequences, as_of, config).astype(np.float32),
        returns=((returns / usual) ** config.returns_power).astype(np.float32),
        cycle=cycle.astype(np.float32),
        look_weight=_look_weight(turns, judged, horizon, config.shrinkage),
        usual_cycle=usual_cycle,
    )


def turns_of(sequences: Sequences) -> Turns:
    """Collapse the signs of one session to one turn per product; two orders of one session are one."""
    by_product = np.lexsort((sequences.session, sequences.product, sequences.shopper))
    shopper, product = sequences.shopper[by_product], sequences.product[by_product]
    session, is_order = sequences.session[by_product], sequences.order[by_product] >= 0
    starts = np.flatnonzero(np.r_[True, (product[1:] != product[:-1]) | (session[1:] != session[:-1])][: len(product)])
    ordered = np.logical_or.reduceat(is_order, starts) if len(starts) else is_order
    shopper, product = shopper[starts], product[starts]
    at = sequences.occurred_at[by_product][starts]
    orders = np.flatnonzero(ordered)
    until_next_order = np.full(len(at), np.inf)
    until_next_order[orders] = _gaps(shopper[orders], product[orders], at[orders])
    return Turns(product, at, ordered, _gaps(shopper, product, at), until_next_order)


def _gaps(shopper: NDArray[np.int32], product: NDArray[np.int32], at: NDArray[np.int64]) -> Floats:
    gaps = np.full(len(at), np.inf)
    same = np.flatnonzero((shopper[1:] == shopper[:-1]) & (product[1:] == product[:-1]))
    gaps[same] = at[same + 1] - at[same]
    return gaps


def _wanted(sequences: Sequences, as_of: int, config: HabitsConfig) -> Floats:
    """(1 + now)^a / (1 + long)^b, both in orders' worth of signs, fading with age."""
    age = np.maximum(as_of - sequences.occurred_at, 0)
    worth = sequences.weight / ORDER_WEIGHT

    def demand(half_life: int) -> Floats:
        faded = worth * np.exp2(-age / half_life)
        return np.bincount(sequences.product, weights=faded, minlength=sequences.n_products).astype(np.float64)

    now, long = demand(config.now_half_life), demand(config.long_half_life)
    return np.asarray((1 + now) ** config.now_power / (1 + long) ** config.long_power)


def _returns(
    turns: Turns, judged: NDArray[np.bool_], horizon: int, category: NDArray[np.int32], shrinkage: float
) -> tuple[Floats, float]:
    """(n_products,) share of orders followed by another within the horizon, shrunk; and the shop's."""
    cases = judged & turns.is_order
    product, followed = turns.product[cases], turns.until_next_order[cases] <= horizon
    usual = (followed.sum() + 5 * UNHEARD_RETURNS) / (len(product) + 5)
    of_category = _shrunk_share(category[product], followed, len(category) + 1, np.float64(usual), shrinkage)
    return _shrunk_share(product, followed, len(category), of_category[category], shrinkage), float(usual)


def _shrunk_share(
    group: NDArray[np.int32], followed: NDArray[np.bool_], n_groups: int, wider: Floats | np.float64, shrinkage: float
) -> Floats:
    n_groups = max(n_groups, int(group.max(initial=0)) + 1) if np.ndim(wider) == 0 else n_groups
    cases = np.bincount(group, minlength=n_groups)
    hits = np.bincount(group, weights=followed, minlength=n_groups)
    return np.asarray((hits + shrinkage * wider) / np.maximum(cases + shrinkage, 1e-9))


def _cycles(turns: Turns, category: NDArray[np.int32], config: HabitsConfig) -> tuple[Floats, float]:
    """(n_products,) days between two orders, and the shop's usual: medians of logarithms, shrunk."""
    repeated = np.isfinite(turns.until_next_order) & (turns.until_next_order > 0)
    gap = np.log(turns.until_next_order[repeated] / DAY)
    product = turns.product[repeated]
    first_guess, k = np.log(config.cycle / DAY), config.shrinkage
    usual = (len(gap) * (np.median(gap) if len(gap) else 0.0) + k * first_guess) / max(len(gap) + k, 1e-9)
    n_categories = int(category.max(initial=0)) + 1
    of_category = _shrunk_median(category[product], gap, np.full(n_categories, usual), k)
    return np.exp(_shrunk_median(product, gap, of_category[category], k)), float(np.exp(usual))


def _shrunk_median(group: NDArray[np.int32], value: Floats, wider: Floats, shrinkage: float) -> Floats:
    """(n_groups,): each group's lower median, shrunk to `wider`, (n_groups,)."""
    rising = np.lexsort((value, group))
    cases = np.bincount(group, minlength=len(wider))
    starts = np.cumsum(cases) - cases
    heard = cases > 0
    middle = np.zeros(len(wider))
    middle[heard] = value[rising][(starts + (cases - 1) // 2)[heard]]
    return np.asarray((cases * middle + shrinkage * wider) / np.maximum(cases + shrinkage, 1e-9))


def _look_weight(turns: Turns, judged: NDArray[np.bool_], horizon: int, shrinkage: float) -> float:
    """A look's chance of being followed by any turn, over an order's."""
    followed = turns.until_next <= horizon
    orders, looks = judged & turns.is_order, judged & ~turns.is_order
    of_orders = (followed[orders].sum() + shrinkage * UNHEARD_RETURNS) / (orders.sum() + shrinkage)
    guess = shrinkage * UNHEARD_LOOK * of_orders
    of_looks = (followed[looks].sum() + guess) / (looks.sum() + shrinkage)
    return float(np.clip(of_looks / of_orders, *LOOK_RANGE))
