"""What each shopper did, as one clean row of products: positive signs only, repeats of a moment collapsed."""

from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from smartshop.data_collection.pipelines.interactions import KINDS, Interactions
from smartshop.data_collection.schemas.events import INTEREST_WEIGHT

MINUTE = 60_000_000
"""µs"""


class SequenceConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Which events are signs of interest, and where a session ends."""

    session_gap: Annotated[int, Meta(gt=0)] = 30 * MINUTE
    """µs without an event after which a new session begins; web analytics' custom is 30 minutes."""


@dataclass(frozen=True, slots=True)
class Sequences:
    """n signs of interest, sorted by (shopper, occurred_at, order in the log). Parallel arrays."""

    shopper: NDArray[np.int32]
    product: NDArray[np.int32]
    occurred_at: NDArray[np.int64]
    """µs UTC"""
    order: NDArray[np.int32]
    """Number of the order the sign belongs to; -1 for none."""
    session: NDArray[np.int32]
    """Dense from 0, rising; a session is of one shopper."""
    weight: NDArray[np.float32]
    """Interest of the strongest event collapsed here, relative to a view."""
    n_shoppers: int
    n_products: int

    def __len__(self) -> int:
        return len(self.product)

    def take(self, keep: NDArray[np.bool_]) -> "Sequences":
        """Only the rows of a mask; shopper and session numbers stay."""
        return Sequences(
            shopper=self.shopper[keep],
            product=self.product[keep],
            occurred_at=self.occurred_at[keep],
            order=self.order[keep],
            session=self.session[keep],
            weight=self.weight[keep],
            n_shoppers=self.n_shoppers,
            n_products=self.n_products,
        )


def make_sequences(interactions: Interactions, config: SequenceConfig) -> Sequences:
    """Keep positive signs and collapse runs of one product in one session (view, click, dwell, add) to their first.

    A purchase is never collapsed into a view before it: it keeps its order, and orders are learned from as orders.
    """
    weights = np.array([INTEREST_WEIGHT.get(kind, 0.0) for kind in KINDS], np.float32)[interactions.kind]
    positive = weights > 0
    shopper, product = interactions.shopper_no[positive], interactions.product_no[positive]
    at, order, weight = interactions.occurred_at[positive], interactions.order_no[positive], weights[positive]
    session = _sessions(shopper, at, config.session_gap)
    starts = np.ones(len(product), np.bool_)
    starts[1:] = (product[1:] != product[:-1]) | (session[1:] != session[:-1]) | (order[1:] != order[:-1])
    first = np.flatnonzero(starts)
    return Sequences(
        shopper=shopper[first],
        product=product[first],
        occurred_at=at[first],
        order=order[first],
        session=session[first],
        weight=np.maximum.reduceat(weight, first) if len(first) else weight,
        n_shoppers=interactions.n_shoppers,
        n_products=interactions.n_products,
    )


def _sessions(shopper: NDArray[np.int32], at: NDArray[np.int64], gap: int) -> NDArray[np.int32]:
    if not len(shopper):
        return np.zeros(0, np.int32)
    starts = (shopper[1:] != shopper[:-1]) | (at[1:] - at[:-1] > gap)
    return np.concatenate(([0], np.cumsum(starts))).astype(np.int32)
