"""The argument about one slate: the question, the candidates, and what each advisor says of them.

The unit of advice is the log-odds that the shopper acts on the item, as a difference to the average candidate.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.schemas.context import Context
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.profiles import Profile
from smartshop.data_collection.schemas.slates import Reason, Surface

Floats = NDArray[np.float32]
Numbers = NDArray[np.int32]
Mask = NDArray[np.bool_]

ADVICE_LIMIT = 2.0
"""Every advisor but recommendation is clipped to ±2 log-odds: none may shout the others down."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What people who shop alike want lately: n distinct products, most wanted first; parallel arrays."""

    product_no: Numbers
    """Of the model that told; the shelf may know more or fewer."""
    times: Floats
    """(n,): so many times as often as is usual in the shop."""
    customers: int
    """So many are alike."""


NOTHING_WANTED = Wanted(np.zeros(0, np.int32), np.zeros(0, np.float32), 0)


@dataclass(frozen=True, slots=True)
class Question:
    """One slate asked for, with all that may be known of the moment. Built before any advisor runs; no I/O after it."""

    surface: Surface
    limit: int
    now: Micros
    shelf: Shelf
    eligible: Mask
    """(n_products,): what may be shown at all."""
    profile: Profile
    """Empty when the shopper withheld personalisation."""
    history: Numbers
    """(n,): products of the shopper's positive interest plus the request's `history`, oldest first, known ones only."""
    history_at: NDArray[np.int64]
    """(n,): when, µs UTC; the request's own `history` counts as now."""
    basket: Numbers
    anchor: int | None
    """The product whose page is shown."""
    query: str | None
    context: Context
    history_bought: Mask = field(default_factory=lambda: np.zeros(0, np.bool_))
    """(n,) beside `history`: which signs are orders; empty where nobody can say."""
    wanted_alike: Wanted = NOTHING_WANTED
    """Nothing where nobody can say: no history, no personalisation, no segments."""
    returned: Numbers = field(default_factory=lambda: np.zeros(0, np.int32))
    """(n,): back in stock lately, after this shopper asked for them or came to look in vain."""


@dataclass(frozen=True, slots=True)
class Candidates:
    """n distinct products, eligible all, best guess first; parallel arrays."""

    product_no: Numbers
    relevance: Floats
    """(n,): the blend's score, higher is better; only its order and the model's calibration give it meaning."""
    origin: NDArray[np.int8]
    """(n,): index into `origins`: the source that argued strongest."""
    because: Numbers
    """(n,): the shopper's product that brought it (viewed, in the basket, bought), or -1."""
    origins: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    """Parts of the ladder that could not answer, for `degraded`."""
    newcomers: tuple[int, ...] = ()
    """Those of `product_no` that are to be tried on shoppers, since few have met them."""


def no_reason(_: int) -> Reason | None:
    return None


@dataclass(frozen=True, slots=True)
class Advice:
    log_odds: Floats
    """(n,) over the candidates."""
    reason: Callable[[int], Reason | None] = field(default=no_reason)
    """Candidate index → why, with evidence. Called only for the items shown."""


class Advisor(Protocol):
    """Pure and fast: from a loaded model and the question to advice. Advisors never see each other."""

    name: ClassVar[str]

    def advise(self, question: Question, candidates: Candidates) -> Advice: ...


class CandidateSource(Protocol):
    """Draws candidates inside the eligible mask."""

    def candidates(self, question: Question, n: int) -> Candidates:
        """Up to `n` products, always as many as are eligible up to `question.limit` + 20: lists are always full."""


class FallbackRecommender(CandidateSource, Advisor, Protocol):
    """A source that also weighs its own candidates, as `recommendation`; it may know nothing but a shelf."""


class Recommender(FallbackRecommender, Protocol):
    """The full source. Lists are drawn inside `question.eligible`; `advise` weighs the candidates of any of them."""

    def similar(self, question: Question, n: int) -> Candidates:
        """Products like `question.anchor` (or, without one, like the newest of `question.history`)."""

    def bought_together(self, question: Question, n: int) -> Candidates:
        """Products that complete `question.anchor` and `question.basket`; shorter where nothing was learned."""

    def trending(self, question: Question, n: int) -> Candidates:
        """Products in demand now among the eligible ones: a category is asked for by the mask."""

    def rank(self, question: Question, product_no: Numbers) -> Candidates:
        """These products, all of them and no other, best first."""
