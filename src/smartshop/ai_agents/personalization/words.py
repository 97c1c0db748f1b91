"""The reason in plain words: what this shopper did that speaks for an item, and when."""

from math import ceil

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.personalization.interest import DAY, HOUR, MINUTE, Signs
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.slates import Reason

CODE = "your_interest"
NAMED_PRODUCTS = 5
"""Product ids given as evidence; the count is of all."""

_DEEDS = (
    (EventKind.ORDER_COMPLETED, "bought {}"),
    (EventKind.PRODUCT_ADDED, "put {} in your basket"),
    (EventKind.WISHLISTED, "wished for {}"),
)


def ago(age: int) -> str:
    """How long ago, in words; `age` in µs.

    >>> ago(20 * MINUTE), ago(0), ago(30 * HOUR)
    ('20 minutes ago', 'a moment ago', 'a day ago')
    """
    if age < 2 * MINUTE:
        return "a moment ago"
    for unit, name in ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")):
        n = age // unit
        if n >= 1:
            return f"{n} {name}s ago" if n > 1 else f"{'an' if name == 'hour' else 'a'} {name} ago"
    return "a moment ago"


def within(age: int) -> str:
    """The span since then, in words.

    >>> within(9 * MINUTE + 1), within(HOUR), within(3 * DAY)
    ('in the last 10 minutes', 'in the last hour', 'in the last 3 days')
    """
    for unit, name, until in ((MINUTE, "minute", HOUR), (HOUR, "hour", 2 * DAY), (DAY, "day", None)):
        if until is None or age < until:
            n = max(1, ceil(age / unit))
            return f"in the last {name}" if n == 1 else f"in the last {n} {name}s"
    return "lately"


def strongest_deed(signs: Signs, rows: NDArray[np.intp]) -> tuple[str, NDArray[np.intp]]:
    """The strongest thing done in these signs, and which of them were that: a look is no purchase, nor is its time."""
    for kind, deed in _DEEDS:
        done = rows[np.array([signs.kind[row] is kind for row in rows.tolist()], np.bool_)]
        if len(done):
            return deed, done
    return "looked at {}", rows


def reason_of_signs(
    signs: Signs, chosen: NDArray[np.bool_], shelf: Shelf, now: Micros, group: str, about: dict[str, str]
) -> Reason | None:
    """A sentence about the chosen signs. `group`: `in Tents`, `by Tarn`; `about`: further evidence."""
    if not chosen.any():
        return None
    deed, rows = strongest_deed(signs, np.flatnonzero(chosen))
    numbers = list(dict.fromkeys(signs.number[rows[::-1]].tolist()))  # newest first
    product_ids = [shelf.product_ids[number] for number in numbers[:NAMED_PRODUCTS]]
    evidence = {"product_ids": product_ids, "products": len(numbers), "signs": len(rows), **about}
    if len(numbers) == 1:
        when = ago(max(0, now - int(signs.occurred_at[rows[-1]])))
        return Reason(CODE, f"You {deed.format(shelf.titles[numbers[0]])} {when}.", evidence)
    since = within(max(0, now - int(signs.occurred_at[rows[0]])))
    return Reason(CODE, f"You {deed.format(f'{len(numbers)} products {group}')} {since}.", evidence)


def reason_of_itself(signs: Signs, number: int, now: Micros) -> Reason | None:
    """When the shopper already acted on this very product."""
    rows = np.flatnonzero((signs.number == number) & (signs.value > 0))
    if not len(rows):
        return None
    deed, rows = strongest_deed(signs, rows)
    when = ago(max(0, now - int(signs.occurred_at[rows[-1]])))
    return Reason(CODE, f"You {deed.format('this')} {when}.", {"signs": len(rows)})


def reason_of_search(query: str, age: int) -> Reason:
    return Reason("your_search", f"You searched for “{query[:60]}” {ago(age)}.", {"query": query[:60]})
