"""Exploration slots: at declared places a product from further down gets its turn, with a chance known exactly.

At such a place the *pool* is the product that would stand there, and the next `pool` products that the slate would not
show at all. With probability 1 − ε the first stands there; with probability ε one of the whole pool, uniformly. So,
given the request, the policy and the products above:

    P(first) = 1 − ε + ε / k        P(another of the pool) = ε / k        k = size of the pool

One of these places is for newcomers: where the slate would not show a newcomer, and there is one that few have turned
to yet, chance gives the place to one of these instead, uniformly, and to nobody else:

    P(first) = 1 − ε              P(a newcomer) = ε / m              m = newcomers that could stand there

So a share ε of the slates that are long enough tries a newcomer, and chance as a whole steps in no more often.

Everywhere else the next product in order stands there with probability 1. What is displaced moves one place down.
Only candidates take part, and these are drawn inside the eligible mask: nothing excluded is ever explored. A pinned
place is never left to chance, and its product never moves; who may not join the slate (a cap) is in no pool.
"""

from collections.abc import Callable, Mapping, Sequence, Set
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
    newcomer_place: int | None = 7
    """Which of `places` is for newcomers; slates of fewer places try none. None: newcomers are candidates like all."""


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
NO_NEWCOMERS: Set[int] = frozenset()


def explore(
    order: Sequence[int],
    limit: int,
    decision_id: DecisionId,
    config: ExplorationConfig,
    *,
    pins: Mapping[int, int] = NO_PINS,
    lets_in: Callable[[Sequence[int], int], bool] = anyone,
    newcomers: Set[int] = NO_NEWCOMERS,
) -> Explored:
    """The slate's first `limit` places from candidates in their final order, best first.

    `pins`: place → the candidate that stands there, none of `order`. `lets_in(planned, candidate)`: whether it may join
    the candidates that the slate would show without chance from here on. `newcomers`: candidates to be tried.
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
        uniform = chance(decision_id, f"explore:{place}")
        tried = _newcomers(rest, beyond, newcomers) if place == config.newcomer_place else []
        tried = [other for other in tried if lets_in(planned, rest[other])]
        if tried:
            turn = _newcomer_turn(tried, config.epsilon, uniform)
        else:
            others = range(beyond, min(beyond + config.pool, len(rest)))
            pool = [0, *(other for other in others if lets_in(planned, rest[other]))]
            turn = _turn(pool, config.epsilon, uniform)
        propensity.append(turn.propensity)
        shown.append(rest.pop(turn.at))
        if turn.told is not None:
            adjustments[place] = turn.told
    return Explored(shown, propensity, adjustments, rest)


def _newcomers(rest: Sequence[int], beyond: int, newcomers: Set[int]) -> list[int]:
    """Places in `rest` of those to be tried; none where the slate shows one anyway."""
    if any(candidate in newcomers for candidate in rest[:beyond]):
        return []
    return [other for other in range(beyond, len(rest)) if rest[other] in newcomers]


@dataclass(frozen=True, slots=True)
class Turn:
    at: int
    """Index into the rest."""
    propensity: float
    told: Adjustment | None
    """None for the product in order."""


def _turn(pool: Sequence[int], epsilon: float, uniform: float) -> Turn:
    """`pool`: indices into the rest, the product in order first."""
    each = epsilon / len(pool)
    drawn = _draw(len(pool), epsilon, uniform)
    if not drawn:
        return Turn(pool[0], 1.0 if len(pool) == 1 else 1.0 - epsilon + each, None)
    text = f"Given a turn by chance: one of {len(pool)} products that could stand here, at {each:.1%} each."
    return Turn(pool[drawn], each, Adjustment(rule="exploration", text=text))


def _newcomer_turn(tried: Sequence[int], epsilon: float, uniform: float) -> Turn:
    """`tried`: indices into the rest."""
    if uniform < 1.0 - epsilon:
        return Turn(0, 1.0 - epsilon, None)
    each = epsilon / len(tried)
    what = "a newcomer" if len(tried) == 1 else f"one of {len(tried)} newcomers"
    text = f"Given a turn by chance: {what} that few shoppers have met yet, at {each:.1%}{' each' * (len(tried) > 1)}."
    return Turn(tried[_draw(len(tried), epsilon, uniform)], each, Adjustment(rule="newcomer", text=text))


def _draw(size: int, epsilon: float, uniform: float) -> int:
    """Index into the pool; 0 is the product in order. One uniform number decides both the coin and the ticket.

    The upper ε of [0, 1) is cut into `size` equal parts.
    """
    if uniform < 1.0 - epsilon:
        return 0
    return min(int((uniform - (1.0 - epsilon)) / epsilon * size), size - 1)
