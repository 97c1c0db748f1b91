"""The log as arrays for learning."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from smartshop.data_collection.connectors.ports import Customers, EventLog
from smartshop.data_collection.pipelines.identity import learning_owners
from smartshop.data_collection.pipelines.interaction_rows import UNKNOWN_PRODUCT, InteractionRows, as_numbers
from smartshop.data_collection.pipelines.shelf import Shelf
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

KIND_NUMBERS = {kind: number for number, kind in enumerate(KINDS)}


@dataclass(frozen=True, slots=True)
class Interactions:
    """n interactions, one per product of an event, by (shopper_no, occurred_at, order in the log). Parallel arrays."""

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


def load_interactions(log: EventLog, customers: Customers, shelf: Shelf, until: Micros | None = None) -> Interactions:
    """Read the log up to `until`: human traffic only, claimed and wholly refunded orders left out, each event once.

    Products that the shelf does not know are skipped; variants count for their product.
    """
    rows = InteractionRows(
        number_of=shelf.number_of,
        owner_of=learning_owners(customers.links(), customers.merges()).of_event,
        kind_numbers=KIND_NUMBERS,
    )
    for batch in log.scan(until=until, kinds=(*KINDS, EventKind.ORDER_REFUNDED)):
        for log_no, event in batch:
            rows.add(log_no, event)
    return arrange_rows(rows, n_products=shelf.n_products)


def arrange_rows(rows: InteractionRows, n_products: int) -> Interactions:
    """From collected events to sorted interactions."""
    n_lines = as_numbers(rows.n_lines, np.int32)
    event = np.repeat(np.arange(len(n_lines)), n_lines)
    product = as_numbers(rows.product, np.int32)
    quantity = as_numbers(rows.quantity, np.int32)
    order = as_numbers(rows.order, np.int32)
    counted = _counted_events(rows, order, event, quantity)
    first, units = _one_per_product(event, product, quantity, counted[event] & (product != UNKNOWN_PRODUCT))
    event = event[first]
    occurred_at = as_numbers(rows.occurred_at, np.int64)[event]
    # `first` rises, so a stable sort keeps the log's order within one moment.
    shopper = as_numbers(rows.shopper, np.int32)[event]
    by_shopper = np.lexsort((occurred_at, shopper))
    shopper = shopper[by_shopper]
    dense_shopper = np.unique(shopper, return_inverse=True)[1].astype(np.int32)
    return Interactions(
        shopper_no=dense_shopper,
        product_no=product[first][by_shopper],
        kind=as_numbers(rows.kind, np.int8)[event][by_shopper],
        occurred_at=occurred_at[by_shopper],
        quantity=units[by_shopper],
        order_no=_dense_orders(order[event][by_shopper]),
        n_shoppers=int(dense_shopper[-1]) + 1 if len(dense_shopper) else 0,
        n_products=n_products,
        data_until=Micros(int(occurred_at.max())) if len(occurred_at) else Micros(0),
        log_no=rows.log_no,
    )


def _counted_events(
    rows: InteractionRows, order: NDArray[np.int32], event: NDArray[np.int64], quantity: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """(n_events,): one copy per identity, the vouched one before a claim; wholly refunded orders not at all."""
    n_events, n_orders = len(order), len(rows.order_goods_minor)
    identity, claimed = as_numbers(rows.identity, np.int64), as_numbers(rows.claimed, np.int8)
    preferred = np.lexsort((np.arange(n_events), claimed, identity))
    counted = np.zeros(n_events, np.bool_)
    sorted_identity = identity[preferred]
    counted[preferred[np.r_[True, sorted_identity[1:] != sorted_identity[:-1]][:n_events]]] = True
    order_of_line = order[event]
    in_order = order_of_line >= 0
    units = np.bincount(order_of_line[in_order], weights=quantity[in_order], minlength=n_orders).astype(np.int64)
    return counted & ~np.isin(order, rows.refunded_orders(units))


def _one_per_product(
    event: NDArray[np.int64], product: NDArray[np.int32], quantity: NDArray[np.int32], keep: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Rows that stand for (event, product), rising, and the units of all its lines together."""
    kept = np.flatnonzero(keep)
    pair = event[kept] * (int(product.max(initial=0)) + 1) + product[kept]
    _, first, group = np.unique(pair, return_index=True, return_inverse=True)
    units = np.bincount(group, weights=quantity[kept], minlength=len(first))
    rising = np.argsort(first)
    return kept[first[rising]], np.clip(units[rising], -(2**31), 2**31 - 1).astype(np.int32)


def _dense_orders(order: NDArray[np.int32]) -> NDArray[np.int32]:
    """Renumber the orders that are left from 0; -1 stays."""
    numbers, dense = np.unique(order, return_inverse=True)
    has_none = len(numbers) > 0 and numbers[0] < 0
    return (dense - int(has_none)).astype(np.int32)
