"""From any wanted quantity to one the supplier takes: by what it costs, never by rounding."""

from collections.abc import Callable

import numpy as np

from smartshop.ai_agents.inventory.policies.bounds import Floats
from smartshop.ai_agents.inventory.policies.order_terms import SupplierTerms

Counts = np.ndarray[tuple[int], np.dtype[np.int64]]

MOST_STEPS = 1_000
"""Packs by which the cheapest order may lie beside the first guess; the cost is nearly flat long before."""


def cheapest_packs(terms: SupplierTerms, wanted_units: float, cost: Callable[[Counts], Floats]) -> int:
    """The number of packs of least cost, 0 among them; of equally cheap ones the fewest.

    Looked at: none, the packs around what is wanted, the smallest and largest order, every breakpoint; and from
    the best of these on as long as one pack more or less is cheaper.

    Args:
        cost: (n,) packs, 0 or what the supplier takes → (n,) money.
    """
    around = int(min(max(wanted_units, 0.0) // terms.pack_units, terms.most_packs)) + np.arange(-1, 3)
    breaks = [int(-(-units // terms.pack_units)) for units in terms.prices.from_units]
    tried = np.concatenate((around, breaks, [terms.fewest_packs])).astype(np.int64)
    tried = np.unique(np.append(np.clip(tried, terms.fewest_packs, terms.most_packs), 0))
    best = int(tried[int(np.argmin(cost(tried)))])
    for _ in range(MOST_STEPS):
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
