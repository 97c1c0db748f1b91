"""Exploration slots: at declared places a product from further down gets its turn, with a chance known exactly.

At such a place the *pool* is the product that would stand there, and the next `pool` products that the slate would not
show at all. With probability 1 − ε the first stands there; with probability ε one of the whole pool, uniformly. So,
given the request, the policy and the products above:

    P(first) = 1 − ε + ε / k        P(another of the pool) = ε / k        k = size of the pool

Everywhere else the next product in order stands there with probability 1. What is displaced moves one place down.
Only candidates take part, and these are drawn inside the eligible mask: nothing excluded is ever explored. A pinned
place is never left to chance, and its product never moves; who may not join the slate (a cap) is in no pool.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from smartshop.ai_agents.chance import chance
from smartshop.data_collection.schemas.ids import DecisionId
from smartshop.data_collection.schemas.slates import Adjustment


@dataclass(frozen=True, slots=True)
class ExplorationConfig:
    places: tuple[int, ...] = (3, 7, 11)
    """Positions, from 0, at which chance may step in: the last of each row of four, never the top three."""
    epsilon: float = 0.1
    """Chance that the product at such a place is drawn from the pool, 0 to 1."""
    pool: int = 10
    """Runners-up in the pool, 1 to 20."""
    shortest: int = 4
    """Slates with a lower limit are not explored."""


NO_EXPLORATION = ExplorationConfig(places=(), epsilon=0.0)


@dataclass(frozen=True, slots=True)
class Explored:
    """Parallel lists over the places of the slate, and what was not shown, in order."""

    shown: list[int]
    """Candidate indices."""
    propensity: list[float]
    adjustments: dict[int, Adjustment]
    """Place → how chance stepped in."""
    rest: list[int]


def anyone(_: Sequence[int], __: int) -> bool:
    return True


NO_PINS: Mapping[int, int] = {}


def explore(
    order: Sequence[int],
    limit: int,
    decision_id: DecisionId,
    config: ExplorationConfig,
    *,
    pins: Mapping[int, int] = NO_PINS,
    lets_in: Callable[[Sequence[int], int], bool] = anyone,
) -> Explored:
    """The slate's first `limit` places from candidates in their final order, best first.

    `pins`: place → the candidate that stands there, none of `order`. `lets_in(planned, candidate)`: whether it may join
    the candidates that the slate would show without chance from here on.
    """
    rest, shown, propensity = list(order), list[int](), list[float]()
    adjustments: dict[int, Adjustment] = {}
    n_shown = min(limit, len(rest) + len(pins))
    places = config.places if limit >= config.shortest and config.epsilon > 0 else ()
    for place in range(n_shown):
        if place in pins or place not in places:
            shown.append(pins[place] if place in pins else rest.pop(0))
            propensity.append(1.0)
            continue
        later_pins = [pin for pinned, pin in pins.items() if pinned > place]
        beyond = n_shown - place - len(later_pins)  # index in `rest` of the first that this slate would not show
        planned = [*shown, *rest[:beyond], *later_pins]
        others = range(beyond, min(beyond + config.pool, len(rest)))
        pool = [0, *(other for other in others if lets_in(planned, rest[other]))]
        drawn = _draw(len(pool), config.epsilon, chance(decision_id, f"explore:{place}"))
        each = config.epsilon / len(pool)
        propensity.append(1.0 if len(pool) == 1 else each if drawn else 1.0 - config.epsilon + each)
        shown.append(rest.pop(pool[drawn]))
        if drawn:
            text = f"Given a turn by chance: one of {len(pool)} products that could stand here, at {each:.1%} each."
            adjustments[place] = Adjustment(rule="exploration", text=text)
    return Explored(shown, propensity, adjustments, rest)


def _draw(size: int, epsilon: float, uniform: float) -> int:
    """Index into the pool; 0 is the product in order. One uniform number decides both the coin and the ticket.

    The upper ε of [0, 1) is cut into `size` equal parts.
    """
    if uniform < 1.0 - epsilon:
        return 0
    return min(int((uniform - (1.0 - epsilon)) / epsilon * size), size - 1)
