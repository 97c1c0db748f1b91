"""What the shopper comes back to: their own orders and looks, as far as shoppers come back to such products at all.

Score of a product: f · wanted · returns · due (the last two for what was ordered), where
f = Σ weight · `visit_decay`^(visits since) · 0.5^(age / `half_life`) over the visits in which the shopper turned to it,
an order weighing 1 and a look what looks were found to be worth (`habits`); decay in steps as in TIFU-KNN (Hu et al.
2020, eq. 1), and in time;
due = 1 − `due_share` · (1 − exp(−½ ln²(t / cycle))), t the time since its last order: what was just ordered is not yet
due, what is long overdue was probably given up. The cycle is the shopper's own from three orders of it on, else the
product's (as repeat consumption is modelled by Bhagat, Muralidharan, Lobzhanidze & Vishwanath 2018).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Self

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.habits import DAY, Habits, HabitsConfig, learn_habits
from smartshop.ai_agents.recommendation.rows import map_array
from smartshop.ai_agents.recommendation.sequences import MINUTE
from smartshop.ai_agents.recommendation.source import NOTHING, Asked, Drawn, Lesson, Moment, Numbers, ShelfView

LOOK_BACK = 1_000
"""Signs of the history that are looked at."""
VISIT_GAP = 30 * MINUTE
"""µs without a sign after which a new visit begins, as sessions are cut."""
OWN_CYCLE_FROM = 3
"""Orders of one product from which on the shopper's own rhythm is believed."""
SHORTEST_CYCLE = 1.0
"""Days."""


class BuyAgainConfig(msgspec.Struct, frozen=True, kw_only=True):
    visit_decay: Annotated[float, Meta(gt=0, le=1)] = 0.95
    """Weight of each older visit relative to the one after it."""
    """Of orders."""
    look_decay: Annotated[float, Meta(gt=0, le=1)] = 0.8
    """Of looks: moods are shorter than habits."""
    half_life: Annotated[int, Meta(gt=0)] = 480 * DAY
    """µs after which a turn weighs half."""
    due_share: Annotated[float, Meta(ge=0, le=1)] = 0.3
    """How much of a product's score hangs on its being due."""
    habits: HabitsConfig = HabitsConfig()


@dataclass(frozen=True, slots=True)
class BuyAgain:
    name: ClassVar[str] = "buy_again"

    habits: Habits
    config: BuyAgainConfig

    def draw(self, asked: Asked, view: ShelfView, n: int) -> Drawn:
        return draw_again(self.habits, asked.moment, n, self.config)

    def save(self, folder: Path) -> None:
        for part in PARTS:
            np.save(folder / f"buy_again.{part}.npy", getattr(self.habits, part), allow_pickle=False)
        scalars = Scalars(look_weight=self.habits.look_weight, usual_cycle=self.habits.usual_cycle, config=self.config)
        (folder / "buy_again.json").write_bytes(msgspec.json.format(msgspec.json.encode(scalars)))

    @classmethod
    def load(cls, folder: Path) -> Self:
        scalars = msgspec.json.decode((folder / "buy_again.json").read_bytes(), type=Scalars)
        wanted, returns, cycle = (map_array(folder / f"buy_again.{part}.npy") for part in PARTS)
        return cls(Habits(wanted, returns, cycle, scalars.look_weight, scalars.usual_cycle), scalars.config)


PARTS = ("wanted", "returns", "cycle")


class Scalars(msgspec.Struct, frozen=True, kw_only=True):
    """`buy_again.json`: what is no array."""

    look_weight: float
    usual_cycle: float
    config: BuyAgainConfig


def fit_buy_again(lesson: Lesson, config: BuyAgainConfig) -> BuyAgain:
    """Learned from nobody it still serves: what a shopper does is known without the others."""
    return BuyAgain(learn_habits(lesson.sequences, lesson.category(), lesson.as_of, config.habits), config)


@dataclass(frozen=True, slots=True)
class OwnTurns:
    """What one shopper turned to: n visits to a product, oldest first. Parallel arrays."""

    product_no: Numbers
    at: NDArray[np.int64]
    bought: NDArray[np.bool_]
    visits_since: NDArray[np.int64]


def draw_again(habits: Habits, moment: Moment, n: int, config: BuyAgainConfig) -> Drawn:
    """The shopper's own products by score; ties by product_no."""
    history = moment.history[-LOOK_BACK:]
    if not len(history) or not moment.eligible[history].any():
        return NOTHING
    turns = own_turns(moment)
    age = np.maximum(moment.now - turns.at, 0)
    decay = np.where(turns.bought, config.visit_decay, config.look_decay)
    fading = decay**turns.visits_since * np.exp2(-age / config.half_life)
    product, place = np.unique(turns.product_no, return_inverse=True)
    due = _due(habits, product, place[turns.bought], age[turns.bought] / DAY)
    factor = _of_product(habits.returns, product, 1.0) * (1 - config.due_share * (1 - due))
    again = np.where(turns.bought, factor[place], habits.look_weight)
    score = np.bincount(place, weights=fading * again) * _of_product(habits.wanted, product, 1.0)
    allowed = np.flatnonzero(moment.eligible[product])
    best = product[allowed[np.argsort(-score[allowed], kind="stable")[:n]]].astype(np.int32)
    return Drawn(best, best)


def own_turns(moment: Moment) -> OwnTurns:
    """One turn per visit and product, an order before a look."""
    product, at = moment.history[-LOOK_BACK:], moment.history_at[-LOOK_BACK:]
    bought = moment.bought[-LOOK_BACK:] if len(moment.bought) else np.zeros(len(product), np.bool_)
    visit = np.concatenate(([0], np.cumsum(np.diff(at) > VISIT_GAP)))
    turn = visit * (int(product.max()) + 1) + product
    of_turn = np.lexsort((~bought, turn))
    first = of_turn[np.flatnonzero(np.diff(turn[of_turn], prepend=-1))]
    return OwnTurns(product[first], at[first], bought[first], visit[-1] - visit[first])


def _due(habits: Habits, product: Numbers, place: NDArray[np.intp], age: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n_distinct,): 1 at the cycle, falling to 0 on both sides; of products that were ordered.

    `place`, `age`: of each order, an index into `product` and days.
    """
    orders = np.bincount(place, minlength=len(product))
    newest, oldest = np.full(len(product), np.inf), np.zeros(len(product))
    np.minimum.at(newest, place, age)
    np.maximum.at(oldest, place, age)
    cycle = _of_product(habits.cycle, product, habits.usual_cycle)
    own = orders >= OWN_CYCLE_FROM
    cycle[own] = (oldest[own] - newest[own]) / (orders[own] - 1)
    distance = np.log(np.maximum(newest, SHORTEST_CYCLE) / np.maximum(cycle, SHORTEST_CYCLE))
    return np.asarray(np.exp(-0.5 * distance**2))


def _of_product(learned: NDArray[np.float32], product: Numbers, otherwise: float) -> NDArray[np.float64]:
    """What was learned of these products; `otherwise` for those that came later."""
    found = np.full(len(product), otherwise)
    known = product < len(learned)
    found[known] = learned[product[known]]
    return found
