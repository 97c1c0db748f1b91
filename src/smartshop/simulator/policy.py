"""The made history's slates: a randomised policy whose chances are known exactly.

Each slot first draws one of three ways (popular, category, random) and then an item by that way, without repeating an
item above. So the chance of item i in a slot, given the items above it, is

    sum over ways m of  w_m · q_m(i) / (1 - sum of q_m over the items above)

where ways that have nothing left drop out of the sum and the weights w are scaled up to 1 again.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.schemas.ids import DecisionId
from smartshop.simulator.scenario import ShowPolicy
from smartshop.simulator.steps import Slate

NAME = "history-mixture"
NOTHING_LEFT = 1e-9
DIGITS = 9
"""Decimals that propensities are logged with."""


@dataclass(frozen=True, slots=True)
class Way:
    """One distribution over the catalogue."""

    weight: float
    chance: NDArray[np.float64]
    """(n,) sums to 1."""
    up_to: NDArray[np.float64]
    """(n,) running sum of `chance`, for drawing."""


def way(weight: float, worth: NDArray[np.float64], eligible: NDArray[np.bool_]) -> Way | None:
    """A way that draws eligible products in proportion to `worth` (n,); None when there is nothing to draw."""
    chance = np.where(eligible, worth, 0.0)
    total = float(chance.sum())
    if total <= 0.0 or weight <= 0.0:
        return None
    chance = chance / total
    return Way(weight, chance, np.cumsum(chance))


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the shop would show on one day: its sales so far and what can be sold."""

    eligible: NDArray[np.bool_]
    popularity: NDArray[np.float64]
    """(n,) decayed units sold."""
    leaf: NDArray[np.int32]
    popular: Way | None
    random: Way | None
    by_leaf: dict[int, Way | None]
    """Filled as asked for."""
    policy: ShowPolicy

    def ways(self, leaf: int) -> tuple[Way, ...]:
        """The ways open for a slate about `leaf` (-1: about nothing)."""
        if leaf >= 0 and leaf not in self.by_leaf:
            inside = self.eligible & (self.leaf == leaf)
            self.by_leaf[leaf] = way(self.policy.category, self.popularity, inside)
        category = self.by_leaf.get(leaf)
        return tuple(each for each in (self.popular, category, self.random) if each is not None)

    def listing(self, leaf: int, limit: int) -> tuple[int, ...]:
        """A category page: the leaf's products, best-selling first."""
        inside = np.flatnonzero(self.eligible & (self.leaf == leaf))
        order = inside[np.argsort(-self.popularity[inside], kind="stable")]
        return tuple(int(product) for product in order[:limit])


def make_shelf(
    policy: ShowPolicy, eligible: NDArray[np.bool_], popularity: NDArray[np.float64], leaf: NDArray[np.int32]
) -> Shelf:
    return Shelf(
        eligible=eligible,
        popularity=popularity,
        leaf=leaf,
        popular=way(policy.popular, popularity, eligible),
        random=way(policy.random, np.ones(len(leaf)), eligible),
        by_leaf={},
        policy=policy,
    )


def draw_slate(
    ways: tuple[Way, ...], limit: int, decision_id: DecisionId, rng: np.random.Generator, without: int = -1
) -> Slate:
    """Draw up to `limit` different products, never `without`, each with its propensity."""
    shown: list[int] = []
    propensities: list[float] = []
    gone = {without} if without >= 0 else set()
    taken = [float(each.chance[without]) if without >= 0 else 0.0 for each in ways]
    while len(shown) < limit:
        left = [1.0 - share for share in taken]
        open_ways = [index for index, share in enumerate(left) if share > NOTHING_LEFT]
        weight = sum(ways[index].weight for index in open_ways)
        if not open_ways:
            break
        product = _draw(ways, open_ways, weight, gone, rng)
        chances = [ways[index].weight / weight * ways[index].chance[product] / left[index] for index in open_ways]
        propensities.append(round(float(sum(chances)), DIGITS))
        shown.append(product)
        gone.add(product)
        taken = [share + float(each.chance[product]) for share, each in zip(taken, ways, strict=True)]
    return Slate(tuple(shown), decision_id, tuple(propensities))


def _draw(ways: tuple[Way, ...], open_ways: list[int], weight: float, gone: set[int], rng: np.random.Generator) -> int:
    """One product not in `gone`: draw the way once, then redraw the item until it is new."""
    aim = rng.random() * weight
    chosen = open_ways[-1]
    for index in open_ways:
        aim -= ways[index].weight
        if aim < 0:
            chosen = index
            break
    up_to = ways[chosen].up_to
    while True:
        product = int(np.searchsorted(up_to, rng.random() * up_to[-1], side="right"))
        if product < len(up_to) and product not in gone:
            return product
