"""One budget over many products: the cash goes where a unit of it saves most.

Each product offers orders of several sizes. What they save is first made concave: a size that is worse than a mixture
of a smaller and a larger one is no step of its own, so a smallest order (MOQ) and a fixed cost become one step. Steps
are then taken by what they save per unit of cash. Wherever that uses the cash up exactly no other choice saves more
(Dantzig 1957, of the continuous knapsack); in between the loss is at most what the first step that did not fit would
save with the cash left over. The bound is told, so the loss can be seen.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from smartshop.ai_agents.inventory.policies.bounds import Floats, not_negative
from smartshop.errors import InvalidValue

Counts = np.ndarray[tuple[int], np.dtype[np.int64]]

CENT_PART = 1e-9
"""Part of the budget by which sums may exceed it through rounding."""


@dataclass(frozen=True, slots=True)
class OrderOptions:
    """The orders of one product to choose from; the first is to order nothing."""

    packs: Counts
    """(k,) rising from 0."""
    cash: Floats
    """(k,) money each costs, rising from 0."""
    saved: Floats
    """(k,) money that each saves against ordering nothing; 0 first."""

    def __post_init__(self) -> None:
        if not len(self.packs) or not len(self.packs) == len(self.cash) == len(self.saved):
            raise InvalidValue(
                f"There are {len(self.packs)} packs, {len(self.cash)} amounts and {len(self.saved)} savings."
            )
        if self.packs[0] != 0 or self.cash[0] != 0 or self.saved[0] != 0:
            raise InvalidValue("The first option is to order nothing: no packs, no cash, nothing saved.")
        if not (np.isfinite(self.cash).all() and np.isfinite(self.saved).all()):
            raise InvalidValue("Cash and savings of an order are finite numbers.")
        if (np.diff(self.packs) <= 0).any() or (self.cash[1:] <= 0).any():
            raise InvalidValue("Options rise in packs, and each costs some cash.")


@dataclass(frozen=True, slots=True)
class BudgetPlan:
    """What is bought with a budget."""

    packs: tuple[int, ...]
    """Of each product."""
    cash: float
    saved: float
    """Money saved against ordering nothing at all."""
    most_saved: float
    """No choice within the budget saves more than this."""
    saved_by_one_more: float
    """Money that the next unit of cash would save; 0 where everything worth its cash is bought."""


def spend_budget(offers: Sequence[OrderOptions], budget: float) -> BudgetPlan:
    """The orders that save most within a budget, up to the loss told with them.

    Raises:
        InvalidValue: the budget is negative or not finite.
    """
    not_negative("The budget", budget)
    limit = budget * (1 + CENT_PART)
    paths = [_best_steps(offer) for offer in offers]
    first, missed = _take_steps(offers, paths, [0] * len(offers), limit)
    if missed is None:
        return _told(offers, first, most_saved=0.0, rate=0.0)
    alone = [0] * len(offers)
    alone[missed.product] = missed.step
    second = first
    if _cash(offers, _places(paths, alone)) <= limit:
        # A step too large to come after the others may be worth more than them.
        second, _ = _take_steps(offers, paths, alone, limit)
    plans = [_told(offers, places, missed.most_saved, missed.rate) for places in (first, second)]
    return max(plans, key=lambda plan: plan.saved)


@dataclass(frozen=True, slots=True)
class _Missed:
    """The first step for which no cash was left."""

    product: int
    step: int
    rate: float
    most_saved: float
    """If a part of the step could be had for what was left."""


def _take_steps(
    offers: Sequence[OrderOptions], paths: list[list[int]], begin: list[int], limit: float
) -> tuple[list[int], _Missed | None]:
    """Step by step what saves most per unit of cash, then what fits into the rest: the option of each product."""
    taken, spent, missed = list(begin), _cash(offers, _places(paths, begin)), None
    steps = [(-_worth(offers[product], path, taken[product]), product) for product, path in enumerate(paths)]
    heapq.heapify(steps)
    while steps and steps[0][0] < 0:
        worth, product = heapq.heappop(steps)
        offer, path, step = offers[product], paths[product], taken[product] + 1
        price = float(offer.cash[path[step]] - offer.cash[path[step - 1]])
        if spent + price <= limit:
            taken[product], spent = step, spent + price
            heapq.heappush(steps, (-_worth(offer, path, step), product))
        elif missed is None:
            most = _saved(offers, _places(paths, taken)) - worth * (limit - spent)
            missed = _Missed(product, step, -worth, most)
    return _fill(offers, _places(paths, taken), limit - spent), missed


def _told(offers: Sequence[OrderOptions], places: list[int], most_saved: float, rate: float) -> BudgetPlan:
    saved = _saved(offers, places)
    return BudgetPlan(
        packs=tuple(int(offer.packs[place]) for offer, place in zip(offers, places, strict=True)),
        cash=_cash(offers, places),
        saved=saved,
        most_saved=max(most_saved, saved),
        saved_by_one_more=rate,
    )


def _places(paths: list[list[int]], taken: list[int]) -> list[int]:
    return [path[step] for path, step in zip(paths, taken, strict=True)]


def _saved(offers: Sequence[OrderOptions], places: list[int]) -> float:
    return float(sum(offer.saved[place] for offer, place in zip(offers, places, strict=True)))


def _cash(offers: Sequence[OrderOptions], places: list[int]) -> float:
    return float(sum(offer.cash[place] for offer, place in zip(offers, places, strict=True)))


def _best_steps(offer: OrderOptions) -> list[int]:
    """Places of the upper concave hull of savings over cash, from nothing to the most saved."""
    path = [0]
    for place in np.argsort(offer.cash, kind="stable")[1:]:
        if offer.saved[place] <= offer.saved[path[-1]]:
            continue
        while len(path) > 1 and _rate(offer, path[-2], path[-1]) < _rate(offer, path[-1], int(place)) * (1 - CENT_PART):
            path.pop()
        path.append(int(place))
    return path


def _rate(offer: OrderOptions, here: int, after: int) -> float:
    """Money saved per unit of cash from one option to another; without end where more comes for no more cash."""
    cash = float(offer.cash[after] - offer.cash[here])
    return float(offer.saved[after] - offer.saved[here]) / cash if cash > 0 else float("inf")


def _worth(offer: OrderOptions, path: list[int], step: int) -> float:
    """What the step after this one saves per unit of cash; 0 for none."""
    return _rate(offer, path[step], path[step + 1]) if step + 1 < len(path) else 0.0


def _fill(offers: Sequence[OrderOptions], chosen: list[int], cash: float) -> list[int]:
    """Spends what no whole step fitted into: each time on the option, on the hull or not, that saves most."""
    found = list(chosen)
    while True:
        best = (0.0, 0.0, -1, -1)
        for product, offer in enumerate(offers):
            price, gain = offer.cash - offer.cash[found[product]], offer.saved - offer.saved[found[product]]
            place = int(np.argmax(np.where(price <= cash, gain, -np.inf)))
            if gain[place] > best[0]:
                best = (float(gain[place]), float(price[place]), product, place)
        if best[2] < 0:
            return found
        found[best[2]], cash = best[3], cash - best[1]
