"""From any wanted quantity to one the supplier takes: by what it costs, never by rounding."""

from collections.abc import Callable

import numpy as np

from smartshop.ai_agents.inventory.policies.bounds import Floats
from smartshop.ai_agents.inventory.policies.order_terms import SupplierTerms

Counts = np.ndarray[tuple[int], np.dtype[np.int64]]

MOST_TRIED = 2_000
"""Sizes of order that are looked at one by one; of more, so many evenly, and then those around the best."""


def cheapest_packs(terms: SupplierTerms, wanted_units: float, cost: Callable[[Counts], Floats]) -> int:
    """The number of packs of least cost, 0 among them; of equally cheap ones the fewest.

    Looked at: none, every size the supplier takes up to a pack more than is wanted, and every breakpoint; from the best
    of these on as long as one pack more or less is cheaper.

    Args:
        cost: (n,) packs, 0 or what the supplier takes → (n,) money.
    """
    wanted = int(min(max(wanted_units, 0.0) // terms.pack_units + 2, terms.most_packs))
    sizes = np.linspace(terms.fewest_packs, max(wanted, terms.fewest_packs), MOST_TRIED).astype(np.int64)
    breaks = np.ceil(np.asarray(terms.prices.from_units) / terms.pack_units).astype(np.int64)
    tried = np.unique(np.clip(np.concatenate((sizes, breaks)), terms.fewest_packs, terms.most_packs))
    tried = np.concatenate(([0], tried))
    best = int(tried[int(np.argmin(cost(tried)))])
    for _ in range(MOST_TRIED):
        beside = [packs for packs in (fewer_packs(terms, best), best, more_packs(terms, best)) if packs is not None]
        found = cost(np.array(beside, np.int64))
        cheaper = beside[int(np.argmin(found))]
        if found[beside.index(best)] <= found.min():
            return best
        best = cheaper
    return best


def fewer_packs(terms: SupplierTerms, packs: int) -> int | None:
    """The next smaller order: one pack less, or none below the smallest that is taken; None below none."""
    if packs == 0:
        return None
    return packs - 1 if packs > terms.fewest_packs else 0


def more_packs(terms: SupplierTerms, packs: int) -> int | None:
    """The next larger order: one pack more, or the smallest that is taken; None at the supplier's limit."""
    following = packs + 1 if packs else terms.fewest_packs
    return following if following <= terms.most_packs else None
