"""The shelf follows the stores: what changed is seen, what did not is shared. Through the real stores."""

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import event

from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.pipelines.clock import system_now
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.catalogue import Offer, Product, Variant
from smartshop.data_collection.schemas.ids import LocationId, Micros, ProductId, VariantId
from smartshop.data_collection.schemas.stock import StockCount
from smartshop.errors import Unavailable
from tests.recommendation.worlds import DAY, SECOND, START


class Clock:
    """Moves one second per look, so that every write has a time of its own."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> Micros:
        self.at += SECOND
        return Micros(self.at)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[SqlStores]:
    opened = open_stores("", tmp_path, tmp_path / "models")
    yield opened
    opened.close()


@pytest.fixture
def keeper(stores: SqlStores, clock: Clock) -> ShelfKeeper:
    return ShelfKeeper(stores.catalogue, stores.stock, "GBP", clock)


def product(
    name: str,
    price_minor: int | None = 1_000,
    *,
    variants: tuple[str, ...] = (),
    category: tuple[str, ...] = (),
    currency: str = "GBP",
    valid_from: int | None = None,
    valid_to: int | None = None,
    recommendable: bool = True,
) -> Product:
    def offers(variant_id: VariantId, extra: int) -> tuple[Offer, ...]:
        if price_minor is None:
            return ()
        return (
            Offer(
                variant_id=variant_id,
                price_minor=price_minor + extra,
                currency=currency,
                valid_from=Micros(valid_from) if valid_from else None,
                valid_to=Micros(valid_to) if valid_to else None,
            ),
        )

    ids = [VariantId(each) for each in variants or (name,)]
    return Product(
        product_id=ProductId(name),
        title=name.title(),
        category=category,
        recommendable=recommendable,
        variants=tuple(Variant(variant_id=each, offers=offers(each, extra)) for extra, each in enumerate(ids)),
    )


def count(stores: SqlStores, clock: Clock, variant_id: str, level: int, location: str = "main") -> None:
    now = clock()
    stores.stock.count(
        [
            StockCount(
                movement_id=f"{variant_id}-{now}",
                variant_id=VariantId(variant_id),
                level=level,
                occurred_at=now,
                location_id=LocationId(location),
            )
        ],
        now,
    )


def test_an_empty_shop_has_an_empty_shelf(keeper: ShelfKeeper) -> None:
    assert keeper.shelf.n_products == 0
    assert not keeper.refresh()


def test_nothing_changed_gives_the_very_same_shelf(stores: SqlStores, keeper: ShelfKeeper, clock: Clock) -> None:
    stores.catalogue.upsert([product("tent")], clock())
    assert keeper.refresh()
    shelf = keeper.shelf
    # Inside the overlap the same rows are read again, and are known.
    assert not keeper.refresh()
    assert keeper.shelf is shelf


def test_a_changed_product_is_seen_under_its_number(stores: SqlStores, keeper: ShelfKeeper, clock: Clock) -> None:
    stores.catalogue.upsert([product("tent", category=("Outdoor", "Tents")), product("bag")], clock())
    keeper.refresh()
    stores.catalogue.upsert([product("tent", 700, category=("Outdoor", "Tents"))], clock())
    assert keeper.refresh()
    shelf = keeper.shelf
    assert shelf.price_minor.tolist() == [700, 1_000]
    assert shelf.categories[shelf.category[0]] == ("Outdoor", "Tents")
    assert shelf.number_of[ProductId("bag")] == 1


def test_a_deleted_product_is_neither_alive_nor_sellable(stores: SqlStores, keeper: ShelfKeeper, clock: Clock) -> None:
    stores.catalogue.upsert([product("tent"), product("bag"), product("fee", recommendable=False)], clock())
    stores.catalogue.delete([ProductId("tent")], clock())
    keeper.refresh()
    assert keeper.shelf.alive.tolist() == keeper.shelf.sellable.tolist() == [False, True, False]


def test_a_stock_change_shares_every_catalogue_array(stores: SqlStores, keeper: ShelfKeeper, clock: Clock) -> None:
    stores.catalogue.upsert([product("tent"), product("bag")], clock())
    keeper.refresh()
    before = keeper.shelf
    count(stores, clock, "tent", 0)
    assert keeper.refresh()
    after = keeper.shelf
    assert after.version > before.version
    assert after.available.tolist() == [0, -1]
    assert after.sellable.tolist() == [False, True]
    assert before.sellable.tolist() == [True, True]
    assert after.category is before.category
    assert after.price_minor is before.price_minor
    assert after.number_of is before.number_of


def test_units_add_up_over_variants_and_places(stores: SqlStores, keeper: ShelfKeeper, clock: Clock) -> None:
    stores.catalogue.upsert([product("bag", variants=("bag-red", "bag-blue"))], clock())
    count(stores, clock, "bag-red", 3)
    keeper.refresh()
    # The blue one was never counted: unlimited.
    assert keeper.shelf.available.tolist() == [-1]
    count(stores, clock, "bag-blue", 4)
    count(stores, clock, "bag-red", 5, "warehouse")
    keeper.refresh()
    assert keeper.shelf.available.tolist() == [12]
    assert keeper.shelf.price_minor.tolist() == [1_000]
    assert keeper.shelf.number_of[ProductId("bag-blue")] == 0


def test_an_unpriced_product_is_not_sold_in_a_shop_with_prices(
    stores: SqlStores, keeper: ShelfKeeper, clock: Clock
) -> None:
    stores.catalogue.upsert([product("tent", None), product("bag", None)], clock())
    keeper.refresh()
    assert keeper.shelf.sellable.tolist() == [True, True]
    stores.catalogue.upsert([product("bag")], clock())
    keeper.refresh()
    assert keeper.shelf.sellable.tolist() == [False, True]


def test_prices_are_never_converted(stores: SqlStores, keeper: ShelfKeeper, clock: Clock) -> None:
    stores.catalogue.upsert([product("tent", currency="USD"), product("bag")], clock())
    keeper.refresh()
    assert keeper.shelf.price_minor.tolist() == [-1, 1_000]


def test_an_offer_begins_and_ends_by_itself(stores: SqlStores, keeper: ShelfKeeper, clock: Clock) -> None:
    begins, ends = START + DAY, START + 2 * DAY
    stores.catalogue.upsert([product("tent", valid_from=begins, valid_to=ends), product("bag")], clock())
    keeper.refresh()
    assert keeper.shelf.sellable.tolist() == [False, True]
    clock.at = begins
    assert keeper.refresh()
    assert keeper.shelf.price_minor.tolist() == [1_000, 1_000]
    clock.at = ends
    assert keeper.refresh()
    assert keeper.shelf.sellable.tolist() == [False, True]
    assert not keeper.refresh()


def test_many_threads_may_refresh_at_once(stores: SqlStores, keeper: ShelfKeeper, clock: Clock) -> None:
    names = [f"p{i}" for i in range(40)]
    with ThreadPoolExecutor(4) as pool:
        for name in names:
            stores.catalogue.upsert([product(name)], clock())
            list(pool.map(lambda _: keeper.refresh(), range(4)))
    shelf = keeper.shelf
    assert [str(each) for each in shelf.product_ids] == names
    assert len(shelf.price_minor) == len(shelf.sellable) == 40


def test_of_many_who_ask_at_once_each_finds_what_they_wrote(stores: SqlStores) -> None:
    names = [f"product-{number}" for number in range(24)]
    stores.catalogue.upsert([product(name) for name in names], Micros(START))
    keeper = ShelfKeeper(stores.catalogue, stores.stock, "GBP", system_now)

    def count_and_look(name: str) -> int:
        variant_id = VariantId(name)
        told = StockCount(movement_id=name, variant_id=variant_id, level=7, occurred_at=Micros(START))
        stores.stock.count([told], system_now())
        keeper.refresh()
        shelf = keeper.shelf
        return int(shelf.available[shelf.number_of[ProductId(name)]])

    with ThreadPoolExecutor(max_workers=len(names)) as pool:
        assert list(pool.map(count_and_look, names)) == [7] * len(names)


def test_whoever_waited_for_a_reading_that_failed_reads_anew(stores: SqlStores) -> None:
    stores.catalogue.upsert([product("lamp")], Micros(START))
    keeper = ShelfKeeper(stores.catalogue, stores.stock, "GBP", system_now)
    waiting, failing = threading.Event(), threading.Event()

    def away(connection: sqlite3.Connection, *_: object) -> None:
        """The store goes away in the middle of the first reading, while another waits."""
        event.remove(stores.shop_database.readers, "before_cursor_execute", away)
        failing.set()
        waiting.wait()
        raise Unavailable("The database cannot be read now.")

    stores.catalogue.upsert([product("lamp", 2_000)], system_now())
    event.listen(stores.shop_database.readers, "before_cursor_execute", away)
    with ThreadPoolExecutor(max_workers=2) as pool:
        first = pool.submit(keeper.refresh)
        failing.wait()
        second = pool.submit(keeper.refresh)
        waiting.set()
        with pytest.raises(Unavailable):
            first.result()
        second.result()
    assert keeper.shelf.price_minor[0] == 2_000
