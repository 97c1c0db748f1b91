"""From any wanted quantity to one the supplier takes: by what it costs, never by rounding."""

import math
from collections.abc import Callable

import numpy as np

from smartshop.ai_agents.inventory.policies.bounds import Floats
from smartshop.ai_agents.inventory.policies.order_terms import SupplierTerms

Counts = np.ndarray[tuple[int], np.dtype[np.int64]]

MOST_TRIED = 1_000
"""Sizes of order that are looked at at once; of more, so many evenly, and then those around the best."""


def cheapest_packs(
    terms: SupplierTerms, wanted_units: float, most_units: float, cost: Callable[[Counts], Floats]
) -> int:
    """The number of packs of least cost, 0 among them; of equally cheap ones the fewest.

    Looked at: none, every breakpoint, every size from the smallest taken to a quarter more than wanted, and twice as
    far again as long as the largest looked at is the best. Only the smallest taken may be more than `most_units`.

    Args:
        cost: (n,) packs, 0 or what the supplier takes → (n,) money.
    """
    most = max(min(_packs(terms, most_units), terms.most_packs), terms.fewest_packs)
    high = min(int(max(wanted_units, 0.0) / terms.pack_units * 1.25) + 3, most)
    breaks = np.ceil(np.asarray(terms.prices.from_units) / terms.pack_units).astype(np.int64)
    breaks = breaks[(breaks >= terms.fewest_packs) & (breaks <= most)]
    tried = np.unique(np.concatenate(([0], breaks, _spread(terms.fewest_packs, max(high, terms.fewest_packs)))))
    best = _cheapest(tried, cost)
    while best == tried[-1] < most:
        tried = np.unique(np.append(tried, _spread(best, min(2 * best, most))))
        best = _cheapest(tried, cost)
    while best:
        place = int(np.searchsorted(tried, best))
        low, high = max(int(tried[place - 1]), terms.fewest_packs), int(tried[min(place + 1, len(tried) - 1)])
        beside = np.setdiff1d(_spread(low, high), tried)
        if not len(beside):
            break
        tried = np.unique(np.append(beside, (0, low, best, high)))
        best = _cheapest(tried, cost)
    return best


def _cheapest(tried: Counts, cost: Callable[[Counts], Floats]) -> int:
    return int(tried[np.argmin(cost(tried))])


def _packs(terms: SupplierTerms, units: float) -> int:
    """That hold so many units."""
    return math.ceil(max(units, 0.0) / terms.pack_units)


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
