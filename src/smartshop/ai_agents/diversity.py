"""No slate of one kind: at most a share of the places goes to one leaf category or one brand while others wait.

A greedy pass in order of score: a product over its category's or brand's cap waits until the slate's places are given
out; what waited comes next, in order. So a list is never shortened, and one of a single category stays as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.schemas.slates import Adjustment, Surface


@dataclass(frozen=True, slots=True)
class Caps:
    category_share: float = 1.0
    """Share of the places that one leaf category may take, above 0 to 1; 1 is no cap."""
    brand_share: float = 1.0
    """The same for one brand."""


NO_CAPS = Caps()
SURFACE_CAPS: dict[Surface, Caps] = {
    Surface.HOME: Caps(category_share=0.34, brand_share=0.5),
    Surface.EMAIL: Caps(category_share=0.34, brand_share=0.5),
    Surface.BASKET: Caps(category_share=0.5, brand_share=0.67),
    Surface.ORDER: Caps(category_share=0.5, brand_share=0.67),
    Surface.CATEGORY: Caps(category_share=0.5, brand_share=0.5),
}
"""Surfaces not named have none: beside a product or under a search, more of the same is what was asked for.

The figures are a shopkeeper's choice: of a home row of twelve, five of one category at most.
"""
FEWEST = 2
"""No cap is below this: of a row of four, two may be alike."""


@dataclass(frozen=True, slots=True)
class Diversified:
    order: list[int]
    """Candidate indices, all of them."""
    adjustments: dict[int, Adjustment]
    """Candidate index → how it was moved, for those that crossed or moved down the slate's places."""


def diversify(order: Sequence[int], product_no: Sequence[int], shelf: Shelf, limit: int, caps: Caps) -> Diversified:
    """Spread the first `limit` places. `order`: candidate indices, best first; `product_no` by candidate index."""
    if caps == NO_CAPS or len(order) <= 1:
        return Diversified(list(order), {})
    most_category = max(FEWEST, ceil(caps.category_share * limit))
    most_brand = max(FEWEST, ceil(caps.brand_share * limit))
    taken_category: dict[int, int] = {}
    taken_brand: dict[int, int] = {}
    ahead, waiting = list[int](), list[tuple[int, str]]()
    category, brand = shelf.category, shelf.brand
    walked = 0
    for candidate in order:
        if len(ahead) == limit:
            break
        walked += 1
        number = product_no[candidate]
        # Code 0 is "none": products without category or brand are not alike for that.
        its_category, its_brand = int(category[number]), int(brand[number])
        if its_category and taken_category.get(its_category, 0) >= most_category:
            waiting.append((candidate, shelf.categories[its_category][-1]))
            continue
        if its_brand and taken_brand.get(its_brand, 0) >= most_brand:
            waiting.append((candidate, shelf.brands[its_brand]))
            continue
        taken_category[its_category] = taken_category.get(its_category, 0) + 1
        taken_brand[its_brand] = taken_brand.get(its_brand, 0) + 1
        ahead.append(candidate)
    if not waiting:
        return Diversified(list(order), {})
    final = [*ahead, *(candidate for candidate, _ in waiting), *order[walked:]]
    return Diversified(final, _adjustments(order, final, dict(waiting), limit))


def _adjustments(
    order: Sequence[int], final: Sequence[int], held_back_for: dict[int, str], limit: int
) -> dict[int, Adjustment]:
    before = {candidate: place for place, candidate in enumerate(order)}
    moved: dict[int, Adjustment] = {}
    for place, candidate in enumerate(final[: limit + len(held_back_for)]):
        was = before[candidate]
        if candidate in held_back_for and place > was:
            text = f"Moved from place {was + 1} to {place + 1}: enough of {held_back_for[candidate]} stands above."
            moved[candidate] = Adjustment(rule="diversity", text=text)
        elif place < limit <= was:
            text = f"Moved from place {was + 1} to {place + 1}, so that the slate is not all of one kind."
            moved[candidate] = Adjustment(rule="diversity", text=text)
    return moved
