"""What a candidate source is: fitted from a lesson, saved as plain arrays, asked for a ranked list at each moment.

A source never fails for what it does not know: an unknown shopper or product, an empty history, a shelf that has grown
or shrunk since it learned. It draws inside the mask that it is given.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.category_demand import CategoryDemand
from smartshop.ai_agents.recommendation.rows import Rows
from smartshop.ai_agents.recommendation.sequences import Sequences
from smartshop.ai_agents.shelf import Shelf

Numbers = NDArray[np.int32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Folders:
    """Where files lie beside the models that learning reads, or leaves for itself."""

    text_network: Path | None = None
    """Into which a language network may have been exported."""
    scratch: Path | None = None
    """That outlives a killed training; what was learned so far is kept there."""


NO_FOLDERS = Folders()


@dataclass(frozen=True, slots=True)
class Lesson:
    """All that a source may learn from."""

    sequences: Sequences
    shelf: Shelf
    """The catalogue; it may know more or fewer products than the sequences do."""
    as_of: int
    """µs UTC: ages are counted from here, normally the newest sign."""
    seed: int = 0
    """Of a generator of the source's own, so that no source's luck depends on another's."""
    threads: int = 1
    """Of linear algebra, where a source can use more."""
    scratch: Path | None = None
    """A folder that outlives a killed training; what was learned so far may be kept there."""
    text_network: Path | None = None
    """A folder into which a language network was exported, if any was; else the words of texts are counted."""

    @property
    def n_products(self) -> int:
        return self.sequences.n_products

    def category(self) -> Numbers:
        """(n_products,) leaf category codes of the shelf; 0 for products it does not know."""
        category = np.zeros(self.n_products, np.int32)
        known = min(self.n_products, self.shelf.n_products)
        category[:known] = self.shelf.category[:known]
        return category


@dataclass(frozen=True, slots=True)
class Moment:
    """What the sources may know of the one who asks."""

    eligible: Mask
    """(n_products of the shelf,)"""
    history: Numbers
    """(n,), oldest first"""
    history_at: NDArray[np.int64]
    """(n,) µs UTC"""
    now: int
    focus: Numbers
    """The product looked at and the basket, most important last; empty on other pages."""
    bought: Mask = field(default_factory=lambda: np.zeros(0, np.bool_))
    """(n,) beside `history`: which signs are orders; empty where nobody can say, as in histories of looks alone."""
    wanted_alike: Numbers = field(default_factory=lambda: np.zeros(0, np.int32))
    """What people who shop alike want lately, most wanted first; empty where nobody can say. The shelf may not know
    each."""


@dataclass(frozen=True, slots=True)
class Anchors:
    """Distinct products that speak for the shopper, loudest first; parallel arrays."""

    product_no: Numbers
    weight: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """A moment as the sources hear it; the anchors are worked out once for all of them."""

    moment: Moment
    anchors: Anchors
    """Of the whole history, what is in focus first."""
    completing: Anchors
    """What is to be completed: the focus alone where there is one, else as `anchors`."""

    @property
    def eligible(self) -> Mask:
        return self.moment.eligible


@dataclass(frozen=True, slots=True)
class Drawn:
    """One source's list."""

    product_no: Numbers
    """Distinct, eligible, best first."""
    because: Numbers
    """(n,): the anchor that contributed most, or -1."""


NOTHING = Drawn(np.zeros(0, np.int32), np.zeros(0, np.int32))


@dataclass(frozen=True, slots=True)
class NewcomersView:
    """What a view adds for products newer than the model; all rows are over the shelf's products."""

    alike: Rows
    """The newer products' neighbours by what the shop says of them."""
    borrowed: Rows
    """Newer products in the rows of those whose neighbours they are like, and the rows that they borrow themselves."""
    vector_of: Mapping[str, NDArray[np.float32]]
    """Text → vector, so that a later view reads each text once."""


@dataclass(frozen=True, slots=True)
class ShelfView:
    """What a model says of one catalogue, worked out once per shelf, not once per request.

    Good for every shelf that shares this one's catalogue arrays; a change of stock makes no new one.
    """

    category: Numbers
    """The shelf's own array; whether a view still fits is asked by identity."""
    demand: NDArray[np.float32]
    """(n_products,): the model's trending score, 0 for what it never saw."""
    by_demand: Numbers
    """All products: those in demand first, then the unseen, newest first, in turn over the categories."""
    n_in_demand: int
    """So many of `by_demand` have a demand above 0."""
    of_category: CategoryDemand
    """These, by category of the shelf."""
    code_in_model: Numbers
    """(n_categories of the shelf,): the model's code of the same path, or -1."""
    code_on_shelf: Numbers
    """(n_categories of the model,): the shelf's code of the same path, or -1."""
    newcomers: NewcomersView | None = None
    """None where no product is newer than the model, and until they have been read."""

    @property
    def in_demand(self) -> Numbers:
        """Products with a demand above 0, most wanted first."""
        return self.by_demand[: self.n_in_demand]

    def most_wanted(self, eligible: Mask, n: int) -> Numbers:
        """The first `n` eligible products of `in_demand`."""
        return first_eligible(self.in_demand, eligible, n)

    def fits(self, shelf: Shelf) -> bool:
        return self.category is shelf.category


def first_eligible(products: Numbers, eligible: Mask, n: int) -> Numbers:
    """The first `n` that the mask lets in; most often they stand at the head, and the rest is not looked at."""
    head = products[: 2 * n]
    found = head[eligible[head]][:n]
    return found if len(found) == n or len(head) == len(products) else products[eligible[products]][:n]


class Source(Protocol):
    """A fitted source. Immutable, safe for any number of threads; two fits of one lesson are equal byte for byte."""

    name: ClassVar[str]

    def draw(self, asked: Asked, view: ShelfView, n: int) -> Drawn:
        """At most `n` eligible products, best first."""

    def save(self, folder: Path) -> None:
        """Write plain arrays and JSON, every file's name beginning with the source's."""

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Map what `save` wrote; nothing is read until it is asked for."""
