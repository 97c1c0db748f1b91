"""What a shopper does in a visit, one step at a time, and what the shop answers.

`behaviour` yields steps and receives answers; `history` answers them in memory, `live` over HTTP. So both have the very
same shoppers.
"""

from dataclasses import dataclass

from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import DecisionId
from smartshop.data_collection.schemas.slates import Surface


@dataclass(frozen=True, slots=True)
class Placed:
    """A product where it was seen; row of the assortment, position from 0."""

    product: int
    position: int


@dataclass(frozen=True, slots=True)
class Line:
    """Something put in the basket; rows of the assortment."""

    product: int
    variant: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Did:
    """One thing to be told to the shop as an event. Nothing is answered."""

    kind: EventKind
    seconds: float
    """Since the step before."""
    line: Line | None = None
    product: int = -1
    surface: Surface | None = None
    position: int | None = None
    decision_id: DecisionId | None = None
    query: str | None = None
    dwell_ms: int | None = None
    leaf: int = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class AsksSlate:
    """Answered with a Slate."""

    seconds: float
    surface: Surface
    anchor: int = -1
    basket: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shows:
    """What of a slate was really visible. Nothing is answered."""

    slate: "Slate"
    surface: Surface
    visible: int
    """The first so many items."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AsksListing:
    """A category page, or what a search finds. Answered with a Slate without a decision."""

    seconds: float
    leaf: int
    query: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """Wanted, and not there to be bought. Nobody is told; it goes to the truth."""

    products: tuple[int, ...]
    quantities: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """Answered with the lines that were really sold (none: the order did not come about)."""

    seconds: float
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Slate:
    """Rows of the assortment in the order shown; -1 stands for a product that this shopper knows nothing of."""

    products: tuple[int, ...]
    decision_id: DecisionId | None = None
    propensities: tuple[float, ...] = ()
    """Of each item at its place, given the items above it; empty where the shop did not say."""


Step = Did | AsksSlate | Shows | AsksListing | Missed | Checkout
Answer = Slate | tuple[Line, ...] | None

NOTHING = Slate(())
