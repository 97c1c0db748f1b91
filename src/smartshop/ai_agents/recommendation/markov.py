"""What shoppers went on to: a directed Markov chain over the next few products, fading with steps and with time.

Row i, entry j: Σ over all i → j at a distance of s ≤ `window` signs of  decay^(s−1) · 0.5^(gap / half_life),
divided by (row sum)^`reg`. The short-memory chain of Rendle, Freudenthaler & Schmidt-Thieme (2010, eq. 2) counted over
several steps; `reg` below 1 lets a well-known product speak louder than one seen twice (chosen on the validation item
of a public five-core data set: 0.5 gave .105 HR@10, full normalisation .098).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Self

import msgspec
import numpy as np
import scipy  # its parts load when first used, which is when learning
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.ai_agents.recommendation.pair_counts import distinct_units
from smartshop.ai_agents.recommendation.row_source import RowSource
from smartshop.ai_agents.recommendation.rows import Rows, empty_rows, join_rows, load_rows, map_array, top_rows
from smartshop.ai_agents.recommendation.sequences import Sequences

DAY = 86_400_000_000
"""µs"""
TINY = 1e-12
"""Keeps a row that nobody left from dividing by zero."""
SIGNS_AT_ONCE = 250_000
"""Whose steps are held together: some 150 MB with a window of five."""


class MarkovConfig(msgspec.Struct, frozen=True, kw_only=True):
    window: Annotated[int, Meta(ge=1, le=50)] = 5
    """How many signs ahead still count as "next"."""
    decay: Annotated[float, Meta(gt=0, le=1)] = 0.7
    """Weight of each further step, relative to the one before."""
    half_life: Annotated[int, Meta(gt=0)] = 14 * DAY
    """µs between two signs after which a step counts half."""
    reg: Annotated[float, Meta(ge=0, le=1)] = 0.5
    """Exponent on the row sum: 1 = probabilities, 0 = raw counts."""
    n: Annotated[int, Meta(ge=1, le=1000)] = 100
    """Neighbours kept per product."""
    n_counted: Annotated[int, Meta(ge=1, le=10_000)] = 500
    """Neighbours whose counts are kept per product, so that a step made later is added to them."""


@dataclass(frozen=True, slots=True)
class StepTotals:
    """Steps counted but not yet weighed; sums over shoppers, so that what was counted apart can be added."""

    total: "scipy.sparse.csr_array"
    """(n_rows, n_products) float64: the sum above, not divided; rows of all products, or of a block of them."""
    shoppers: "scipy.sparse.csr_array"
    """(n_rows, n_products) int64: distinct shoppers who made the step."""


@dataclass(frozen=True, slots=True)
class StepCounts:
    """What a fitted chain was weighed from: kept beside it, so that later steps can be added to it."""

    kept: Rows
    """Greatest sums of each row, not divided; evidence: distinct shoppers."""
    row_sum: NDArray[np.float64]
    """(n_products,): of all sums, also those that were cut."""
    added: StepTotals | None = None
    """What was counted since."""

    def save(self, folder: Path, name: str) -> None:
        self.kept.save(folder, name)
        np.save(folder / f"{name}.row_sum.npy", self.row_sum, allow_pickle=False)


@dataclass(frozen=True, slots=True)
class Markov(RowSource):
    name: ClassVar[str] = "markov"

    counts: StepCounts | None = None
    """None in a model of before there were any; such a one learns by training alone."""

    def save(self, folder: Path) -> None:
        RowSource.save(self, folder)
        if self.counts is not None:
            self.counts.save(folder, COUNTS_NAME)

    @classmethod
    def load(cls, folder: Path) -> Self:
        counts = None
        if (folder / f"{COUNTS_NAME}.row_sum.npy").exists():
            counts = StepCounts(load_rows(folder, COUNTS_NAME), map_array(folder / f"{COUNTS_NAME}.row_sum.npy"))
        return cls(load_rows(folder, cls.name), counts)


COUNTS_NAME = "markov_counts"


def learn_markov(sequences: Sequences, config: MarkovConfig) -> Markov:
    """The chain with the counts behind it."""
    blocks = [
        (_weighed(steps, config), top_rows(steps.total, steps.shoppers, config.n_counted), _row_sum(steps))
        for steps in _count_in_blocks(sequences, config)
    ]
    if not blocks:
        nothing = empty_rows(sequences.n_products)
        return Markov(nothing, StepCounts(nothing, np.zeros(sequences.n_products)))
    weighed, kept, row_sums = (list(each) for each in zip(*blocks, strict=True))
    del blocks
    return Markov(join_rows(weighed), StepCounts(join_rows(kept), np.concatenate(row_sums)))


def fit_markov(sequences: Sequences, config: MarkovConfig) -> Rows:
    """Count the steps; the evidence of i → j is the number of distinct shoppers who made it."""
    return learn_markov(sequences, config).rows


def count_steps(sequences: Sequences, config: MarkovConfig) -> StepTotals:
    """A sum over shoppers: nobody's steps depend on another's. Held whole: for the steps of few shoppers."""
    return _count(sequences, np.arange(len(sequences)), (0, sequences.n_products), config)


def _count_in_blocks(sequences: Sequences, config: MarkovConfig) -> Iterator[StepTotals]:
    """The rows of `count_steps`, so many at a time that only `SIGNS_AT_ONCE` signs' steps are held, at least one row's.

    All steps of a large shop at once are gigabytes; of each row only the best are kept in the end.
    """
    by_product = np.argsort(sequences.product, kind="stable")
    ends = np.cumsum(np.bincount(sequences.product, minlength=sequences.n_products))
    first, begin = 0, 0
    while first < sequences.n_products:
        after = max(int(np.searchsorted(ends, begin + SIGNS_AT_ONCE, side="right")), first + 1)
        end = int(ends[after - 1])
        yield _count(sequences, by_product[begin:end], (first, after), config)
        first, begin = after, end


def _count(sequences: Sequences, places: NDArray[np.intp], rows: tuple[int, int], config: MarkovConfig) -> StepTotals:
    """Steps from the signs at `places`, the products of `rows` (first, after the last): rows of these alone."""
    first, after_last = rows
    pairs = [_steps(sequences, places, step) for step in range(1, config.window + 1)]
    before = np.concatenate([step[0] for step in pairs])
    after = np.concatenate([step[1] for step in pairs])
    distance = np.repeat(np.arange(config.window), [len(step[0]) for step in pairs])
    del pairs
    gap = sequences.occurred_at[after] - sequences.occurred_at[before]
    weight = config.decay**distance * np.exp2(-gap / config.half_life)
    origin, goal = sequences.product[before] - first, sequences.product[after]
    del before, distance, gap
    n_rows, n_products = after_last - first, sequences.n_products
    total = scipy.sparse.csr_array((weight, (origin, goal)), shape=(n_rows, n_products))
    del weight
    return StepTotals(total, distinct_units(sequences.shopper[after], origin, goal, n_products, n_rows=n_rows))


def _row_sum(steps: StepTotals) -> NDArray[np.float64]:
    return np.asarray(steps.total.sum(axis=1), np.float64).ravel()


def _weighed(steps: StepTotals, config: MarkovConfig) -> Rows:
    scale = scipy.sparse.diags_array(1.0 / np.maximum(steps.total.sum(axis=1), TINY) ** config.reg)
    return top_rows((scale @ steps.total).tocsr(), steps.shoppers, config.n)


def _steps(sequences: Sequences, places: NDArray[np.intp], step: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions (before, after) that lie `step` signs apart in one shopper's row, of different products."""
    before = places[places < len(sequences) - step]
    after = before + step
    same = (sequences.shopper[before] == sequences.shopper[after]) & (
        sequences.product[before] != sequences.product[after]
    )
    return before[same], after[same]
