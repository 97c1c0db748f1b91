"""VMIS-kNN as its authors have it, to compare with: what sessions like the present one held.

Kersbergen, Sprangers & Schelter, "Serenade" (SIGMOD 2022), after VS-kNN (Ludewig & Jannach 2018). s is the present
session: its last `longest_question` signs, each product where it was seen last, ω_i its place from the oldest = 1 to
the newest = |s|. Of the past sessions that share a product with s, the `newest` (m) are looked at, and of them the
`neighbours` (k) kept that have the greatest r_n = Σ_{i ∈ s ∩ n} π_i, π_i = ω_i / |s|, of equals the newer. Then

    score(j) = Σ_{n ∋ j} λ(|s| + 1 − max_{i ∈ s ∩ n} ω_i) · r_n · ln(|H| / h_j),  λ(p) = 1 − p/10 for p ≤ 10, else 0

where |H| past sessions are known and h_j of them hold j. Sessions of a single product are left out of H, as they are
where session-based models are compared. The formula also scores the newest product of s; the authors' service does not
show it. `names_newest` says which, and matters where an order follows a look at what is ordered.

The source `sessions` goes on from here, with the order within a session and the shopper's earlier visits; the index and
the search for neighbours are shared.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.held_out import HeldOutQuestion
from smartshop.ai_agents.recommendation.row_source import best_places
from smartshop.ai_agents.recommendation.sequences import Sequences
from smartshop.ai_agents.recommendation.sessions import Sessions, SessionsConfig, find_neighbours, fit_sessions

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int32]
Floats = NDArray[np.float64]

VMIS = "VMIS-kNN"
MATCH_STEP = 0.1
"""What λ loses with each place."""


class VmisConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Defaults: what the authors' own search ends with in the example beside their code."""

    newest: Annotated[int, Meta(ge=1, le=5_000)] = 500
    """m: newest sessions of those that share a product."""
    neighbours: Annotated[int, Meta(ge=1, le=2_000)] = 100
    """k: of these the most similar, whose products are scored."""
    longest_question: Annotated[int, Meta(ge=1, le=100)] = 2
    """Last signs of the present session that count."""
    names_newest: bool = False
    """Whether the session's newest product may stand in the list."""

    def in_words(self) -> str:
        newest = "shown" if self.names_newest else "not shown"
        return f"m {self.newest}, k {self.neighbours}, last {self.longest_question} signs, the newest {newest}"


CHOICES: tuple[Sequence[Mapping[str, int]], ...] = (
    [{"longest_question": length} for length in (1, 2, 3, 5, 7, 10, 20)],
    [{"newest": m} for m in (100, 500, 1_000, 2_500)],
    [{"neighbours": k} for k in (50, 100, 500, 1_000, 1_500)],
    [{"names_newest": named} for named in (False, True)],
)
"""What the authors' search chooses from, one after the other; and either reading of the newest product."""
WHOLE = SessionsConfig(newest=5_000, longest_session=1_000, most_signs=2**31)
"""The index that serves every config: nothing is left out but what a session held before its newest 1,000 products."""


@dataclass(frozen=True, slots=True)
class Vmis:
    index: Sessions
    config: VmisConfig
    name: str = VMIS

    def rank(self, question: HeldOutQuestion, eligible: Mask, n: int) -> Numbers:
        """At most `n` eligible products with a score, best first, ties by product_no."""
        score = self.scores(question.history)
        allowed = np.flatnonzero(eligible & (score > 0))
        return np.asarray(allowed[best_places(score[allowed], n)], np.int32)

    def scores(self, session: Numbers) -> Floats:
        """(n_products,): of each product, ≥ 0. `session`: signs, oldest first, not empty."""
        products = newest_first(session[-self.config.longest_question :])
        # What came after the index was made shares nothing, and yet has its place.
        place = np.flatnonzero(products < len(self.index.rarity)) + 1
        found = find_neighbours(self.index, products[place - 1], 1.0 - (place - 1) / len(products))
        held = [self._products_of(number) for number in found.session.tolist()]
        matched = found.similarity * match_weight(place[found.newest])
        entries = np.concatenate([np.zeros(0, np.int32), *held])
        told = np.repeat(matched, [len(each) for each in held])
        score = np.bincount(entries, weights=told, minlength=len(self.index.rarity)) * self.index.rarity
        if not self.config.names_newest and session[-1] < len(score):
            score[session[-1]] = 0.0
        return np.asarray(score, np.float64)

    def _products_of(self, session: int) -> Numbers:
        return self.index.session_products[self.index.session_starts[session] : self.index.session_starts[session + 1]]


def newest_first(session: Numbers) -> Numbers:
    """Distinct products by where each was seen last.

    >>> newest_first(np.array([4, 7, 4, 2], np.int32)).tolist()
    [2, 4, 7]
    """
    products, place = np.unique(session[::-1], return_index=True)
    return np.asarray(products[np.argsort(place)], np.int32)


def match_weight(place: NDArray[np.integer]) -> Floats:
    """λ of places counted from the newest = 1."""
    return np.asarray(np.maximum(1.0 - MATCH_STEP * place, 0.0), np.float64)


def index_sessions(sequences: Sequences) -> Sessions | None:
    """All past sessions, which serve every config; None where none holds two products."""
    return fit_sessions(sequences, WHOLE)


def over(index: Sessions, config: VmisConfig) -> Vmis:
    """The model over an index made once."""
    limits = msgspec.structs.replace(index.config, newest=config.newest, neighbours=config.neighbours)
    return Vmis(replace(index, config=limits), config)


def fit_vmis(sequences: Sequences, config: VmisConfig) -> Vmis | None:
    """None where no past session holds two products."""
    index = index_sessions(sequences)
    return None if index is None else over(index, config)


def choose_vmis(index: Sessions, worth: Callable[[Vmis], float]) -> VmisConfig:
    """The best config by one round of coordinate search over `CHOICES`; the first of equals."""
    best = VmisConfig()
    reached = worth(over(index, best))
    for choices in CHOICES:
        others = [config for choice in choices if (config := msgspec.structs.replace(best, **choice)) != best]
        found = [worth(over(index, config)) for config in others]
        if found and max(found) > reached:
            reached = max(found)
            best = others[found.index(reached)]
    return best
