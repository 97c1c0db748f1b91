"""A busy customer's few orders and newest signs are found by index, on either engine; nothing else is read."""

import pytest

from smartshop.data_collection.connectors.sql.bulk import driver_cursor, insert_rows
from smartshop.data_collection.connectors.sql.codes import KIND_CODES
from smartshop.data_collection.connectors.sql.recent import newest_of_places
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.connectors.sql.tables import events
from smartshop.data_collection.schemas.customers import Shopper
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import CustomerId

EVENTS, BUSY_IS_EVERY, ORDER_IS_EVERY = 20_000, 10, 500
INDEX = "events_vouched_by_customer"


@pytest.mark.parametrize(
    ("kinds", "most"), [((EventKind.ORDER_COMPLETED,), 20_000), ((EventKind.PRODUCT_VIEWED,), 100)]
)
def test_the_newest_of_some_kinds_are_found_by_index(
    stores: SqlStores, kinds: tuple[EventKind, ...], most: int
) -> None:
    shopper = stores.customers.shopper(CustomerId("busy"), None, vouched=True)
    rows = [_row(number) for number in range(EVENTS)]
    stores.shop_database.write(lambda connection: insert_rows(connection, events, rows))
    plan = _plan(stores, shopper, kinds, most)
    assert INDEX in plan
    if stores.shop_database.is_postgres:
        assert f"Index Scan Backward using {INDEX}" in plan, "newest first"
        assert "kind = ANY" in plan.split("Index Cond:")[1].splitlines()[0], "no row is fetched to see its kind"
    else:
        assert "TEMP B-TREE" not in plan, "in the order of the index"


def _row(number: int) -> tuple[object, ...]:
    busy = number % BUSY_IS_EVERY == 0
    kind = EventKind.ORDER_COMPLETED if number % ORDER_IS_EVERY == 0 else EventKind.PRODUCT_VIEWED
    who = "busy" if busy else f"other-{number % 999}"
    return (number + 1, f"e{number}", KIND_CODES[kind], number, number, None, who, 2, 0, b"{}" * 100)


def _plan(stores: SqlStores, shopper: Shopper, kinds: tuple[EventKind, ...], most: int) -> str:
    database = stores.shop_database
    statement, values = newest_of_places(shopper, kinds, most, is_postgres=database.is_postgres)
    explain = "EXPLAIN" if database.is_postgres else "EXPLAIN QUERY PLAN"
    database.write(lambda connection: driver_cursor(connection).execute("ANALYZE events"))
    with database.read() as connection:
        told = driver_cursor(connection).execute(f"{explain} {statement}", values).fetchall()
    return "\n".join(str(row[-1]) for row in told)
