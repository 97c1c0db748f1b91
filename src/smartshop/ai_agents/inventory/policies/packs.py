"""From any wanted quantity to one the supplier takes: by what it costs, never by rounding."""

from collections.abc import Callable

import numpy as np

from smartshop.ai_agents.inventory.policies.bounds import Floats
from smartshop.ai_agents.inventory.policies.order_terms import SupplierTerms

Counts = np.ndarray[tuple[int], np.dtype[np.int64]]

MOST_TRIED = 1_000
"""Sizes of order that are looked at at once; of more, so many evenly, and then those around the best."""


def cheapest_packs(terms: SupplierTerms, wanted_units: float, cost: Callable[[Counts], Floats]) -> int:
    """The number of packs of least cost, 0 among them; of equally cheap ones the fewest.

    Looked at: none, every breakpoint, and every size from the smallest taken to a quarter more than wanted.

    Args:
        cost: (n,) packs, 0 or what the supplier takes → (n,) money.
    """
    low, high = terms.fewest_packs, int(max(wanted_units, 0.0) / terms.pack_units * 1.25) + 3
    high = max(min(high, terms.most_packs), low)
    breaks = np.ceil(np.asarray(terms.prices.from_units) / terms.pack_units).astype(np.int64)
    tried = np.concatenate(([0], np.clip(breaks, terms.fewest_packs, terms.most_packs), _spread(low, high)))
    while True:
        tried = np.unique(tried)
        place = int(np.argmin(cost(tried)))
        best = int(tried[place])
        low, high = int(tried[max(place - 1, 0)]), int(tried[min(place + 1, len(tried) - 1)])
        beside = np.setdiff1d(_spread(max(low, terms.fewest_packs), high), tried)
        if best == 0 or not len(beside):
            return best
        tried = np.append(beside, (0, best))


def _spread(low: int, high: int) -> Counts:
    return np.linspace(low, high, min(high - low + 1, MOST_TRIED)).astype(np.int64)


def fewer_packs(terms: SupplierTerms, packs: int) -> int | None:
    """The next smaller order: one pack less, or none below the smallest that is taken; None below none."""
    if packs == 0:
        return None
    return packs - 1 if packs > terms.fewest_packs else 0


def more_packs(terms: SupplierTerms, packs: int) -> int | None:
    """The next larger order: one pack more, or the smallest that is taken; None at the supplier's limit."""
    following = packs + 1 if packs else terms.fewest_packs
    return following if following <= terms.most_packs else None
