"""Migrations: the tables are those the code works with, and starting twice or at once is harmless."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from smartshop.data_collection.connectors.sql import tables
from smartshop.data_collection.connectors.sql.engine import open_database
from smartshop.data_collection.connectors.sql.migrate import SHOP, _configuration
from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.schemas.ids import VariantId
from smartshop.data_collection.schemas.stock import StockCount
from tests.connectors.conftest import ENGINES
from tests.connectors.told import NOON

OPEN_AND_ORDER = """
import sys
from pathlib import Path
from smartshop.data_collection.connectors.sql.stores import open_stores
from smartshop.errors import OutOfStock
from tests.connectors.told import order, order_entry

url, folder, buyer = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
stores = open_stores(url, folder, folder / "models")
sold = 0
for number in range(10):
    try:
        stores.orders.place(order_entry(f"{buyer}-{number}", order(f"{buyer}-{number}")))
        sold += 1
    except OutOfStock:
        pass
stores.close()
print(sold)
"""


@pytest.fixture(params=ENGINES)
def new_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database in which nothing was migrated yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new.db'}"
    new_database: Callable[[], str] = request.getfixturevalue("new_postgres_database")
    return new_database()


def test_migrated_tables_are_those_the_code_works_with(stores: SqlStores) -> None:
    for database, metadata in (
        (stores.shop_database, tables.shop),
        (stores.decisions_database, tables.decision_log),
    ):
        with database.read() as connection:
            options = {"include_name": lambda name, kind, _, ours=metadata: kind != "table" or name in ours.tables}
            context = MigrationContext.configure(connection, opts=options)
            assert compare_metadata(context, metadata) == []


def test_processes_may_open_a_new_database_at_once(new_database_url: str, tmp_path: Path, repository: Path) -> None:
    assert _buy_in_processes(("a", "b", "c"), new_database_url, tmp_path, repository) == [10, 10, 10]
    stores = open_stores(new_database_url, tmp_path, tmp_path / "models")
    try:
        assert stores.log.size().events == 30
    finally:
        stores.close()


def test_processes_selling_the_last_ten_units_sell_ten(
    database_url: str, stores: SqlStores, tmp_path: Path, repository: Path
) -> None:
    count = StockCount(movement_id="count", variant_id=VariantId("tent-green"), level=10, occurred_at=NOON)
    stores.stock.count([count], NOON)
    assert sum(_buy_in_processes(("a", "b"), database_url, tmp_path, repository)) == 10
    assert stores.stock.levels([VariantId("tent-green")]) == {"tent-green": {"main": 0}}


def test_customers_told_of_before_can_be_asked_for_by_place(new_database_url: str, tmp_path: Path) -> None:
    told = {
        "ada": b'{"customer_id":"ada","country":"gb","city":" Z\xc3\x9cRICH"}',
        "bob": b'{"customer_id":"bob","traits":{"country":"FR"}}',
        "cleo": b'{"customer_id":"cleo","city":"Leeds"}',
    }
    database = open_database(new_database_url)
    database.write(lambda connection: command.upgrade(_configuration(connection, SHOP), "s001"))
    rows = [{"customer_id": name, "payload": payload} for name, payload in told.items()]
    database.write(
        lambda connection: connection.execute(
            text("INSERT INTO customers (customer_id, changed_at, payload) VALUES (:customer_id, 1, :payload)"), rows
        )
    )
    database.close()
    stores = open_stores(new_database_url, tmp_path, tmp_path / "models")
    try:
        with stores.shop_database.read() as connection:
            places = connection.execute(text("SELECT customer_id, country, city FROM customers ORDER BY 1")).all()
    finally:
        stores.close()
    assert [tuple(place) for place in places] == [
        ("ada", "gb", "zürich"),
        ("bob", None, None),
        ("cleo", None, "leeds"),
    ]


def test_refunds_are_found_by_their_order_and_time_and_the_way_back_is_open(new_database_url: str) -> None:
    database = open_database(new_database_url)

    def indexes() -> set[str | None]:
        with database.read() as connection:
            return {
                one["name"] for table in ("refunds", "goods_returns") for one in inspect(connection).get_indexes(table)
            }

    try:
        for _ in range(2):
            database.write(lambda connection: command.upgrade(_configuration(connection, SHOP), "s011"))
            assert indexes() == {"refunds_by_time", "refunds_by_order", "goods_returns_by_order"}
            database.write(lambda connection: command.downgrade(_configuration(connection, SHOP), "s010"))
            assert indexes() == set()
    finally:
        database.close()


def _buy_in_processes(buyers: Sequence[str], url: str, folder: Path, repository: Path) -> list[int]:
    """Each buyer opens the stores in a process of its own and asks for ten units; what each of them got."""
    command = [sys.executable, "-c", OPEN_AND_ORDER, url, str(folder)]
    processes = [
        subprocess.Popen([*command, buyer], stdout=subprocess.PIPE, text=True, cwd=repository) for buyer in buyers
    ]
    return [int(process.communicate(timeout=120)[0]) for process in processes]
