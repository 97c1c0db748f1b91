"""What follows from events inside their transaction: orders and stock, refunds, returns, links, consent, traits."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from smartshop.data_collection.connectors.ports import LogEntry
from smartshop.data_collection.connectors.sql.codes import TRUST_CODES
from smartshop.data_collection.connectors.sql.customer_rows import merge_customers, write_consent, write_links
from smartshop.data_collection.connectors.sql.goods_back import take_goods_back, take_turns_of_goods_back
from smartshop.data_collection.connectors.sql.order_book import Verdict, open_order_book, write_order_book
from smartshop.data_collection.connectors.sql.records import encode
from smartshop.data_collection.connectors.sql.seen import sender_key
from smartshop.data_collection.connectors.sql.stock_book import StockBook, open_selling_book, write_book
from smartshop.data_collection.connectors.sql.stock_holds import order_keys
from smartshop.data_collection.connectors.sql.tables import refunds
from smartshop.data_collection.connectors.sql.upsert import insert_if_absent
from smartshop.data_collection.schemas.ids import Micros, VariantId
from smartshop.data_collection.schemas.orders import Order, OrderStatus
from smartshop.errors import OrderConflict, OutOfStock, SmartShopError


class Effects(NamedTuple):
    """By the entry's index."""

    refused: dict[int, SmartShopError]
    same_again: set[int]
    """Entries whose order was already told, by another event."""
    stock_changed: dict[int, tuple[VariantId, ...]]


NOTHING = Effects({}, set(), {})


def apply_effects(
    connection: Connection, entries: Mapping[int, LogEntry], now: Micros, *, always_takes_stock: bool
) -> Effects:
    """Write everything that follows from these entries, save from those that are refused or were told before."""
    if not entries:
        return NOTHING
    take_turns_of_goods_back(connection, entries.values())
    effects = _settle_orders(connection, entries, now, always_takes_stock=always_takes_stock)
    left_out = effects.refused.keys() | effects.same_again
    kept = {index: entry for index, entry in entries.items() if index not in left_out}
    _write_refunds(connection, kept)
    effects.stock_changed.update(take_goods_back(connection, kept, now))
    write_links(connection, (entry.link for entry in kept.values() if entry.link is not None))
    write_consent(connection, (entry.consent for entry in kept.values() if entry.consent is not None))
    merge_customers(connection, [entry.customer for entry in kept.values() if entry.customer is not None], now)
    return effects


def _settle_orders(
    connection: Connection, entries: Mapping[int, LogEntry], now: Micros, *, always_takes_stock: bool
) -> Effects:
    told = {index: entry.order for index, entry in entries.items() if entry.order is not None}
    if not told:
        return Effects({}, set(), {})
    taking = {
        index
        for index, order in told.items()
        if order.status is OrderStatus.PLACED and (always_takes_stock or entries[index].event.takes_stock)
    }
    orders = open_order_book(connection, (order.order_id for order in told.values()))
    stock = open_selling_book(
        connection,
        (line.variant_id for index in taking for line in told[index].lines),
        now,
        (name for index in taking if (name := told[index].reservation_id) is not None),
        (key for index in taking if told[index].reservation_id is None for key in order_keys(told[index])),
    )
    effects = Effects({}, set(), {})
    for index, order in told.items():
        try:
            if orders.judge(order) is Verdict.SAME_AGAIN:
                effects.same_again.add(index)
                continue
            if index in taking:
                effects.stock_changed[index] = _sell(stock, order)
            orders.enter(order)
        except (OrderConflict, OutOfStock) as error:
            effects.refused[index] = error
    write_order_book(connection, orders)
    write_book(connection, stock, now)
    return effects


def _sell(stock: StockBook, order: Order) -> tuple[VariantId, ...]:
    before = len(stock.movements)
    stock.sell(order)
    return tuple(movement.variant_id for movement, _ in stock.movements[before:])


def _write_refunds(connection: Connection, entries: Mapping[int, LogEntry]) -> None:
    rows: list[dict[str, object]] = [
        {
            "shopper_key": sender_key(entry.event),
            "event_id": entry.event.event_id,
            "trust": TRUST_CODES[entry.refund.trust],
            "order_id": entry.refund.order_id,
            "refunded_at": entry.refund.refunded_at,
            "payload": encode(entry.refund),
        }
        for entry in entries.values()
        if entry.refund is not None
    ]
    insert_if_absent(connection, refunds, rows)
