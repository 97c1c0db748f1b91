"""The log as arrays for learning."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import Micros

KINDS: tuple[EventKind, ...] = (
    EventKind.PRODUCT_VIEWED,
    EventKind.PRODUCT_CLICKED,
    EventKind.PRODUCT_ADDED,
    EventKind.PRODUCT_REMOVED,
    EventKind.ORDER_COMPLETED,
    EventKind.WISHLISTED,
    EventKind.RATED,
    EventKind.DWELLED,
    EventKind.ITEM_DISMISSED,
    EventKind.RECOMMENDATION_CLICKED,
)
"""Kinds that say something about a product; `kind` below is an index into this."""


@dataclass(frozen=True, slots=True)
class Interactions:
    """n interactions, one per product of an event, sorted by (shopper_no, occurred_at, event order). Parallel arrays."""

    shopper_no: NDArray[np.int32]
    """Dense from 0; owners after identity links, each customer one shopper. Not stable between loads."""
    product_no: NDArray[np.int32]
    kind: NDArray[np.int8]
    occurred_at: NDArray[np.int64]
    quantity: NDArray[np.int32]
    order_no: NDArray[np.int32]
    """Dense number of the order this line belongs to; -1 for what is no order."""
    n_shoppers: int
    n_products: int
    data_until: Micros
    """The newest event among them; 0 when there is none."""
    log_no: int = 0
    """The last log number read."""

    def __len__(self) -> int:
        return len(self.product_no)
