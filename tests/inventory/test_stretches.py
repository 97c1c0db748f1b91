"""What the books say of a stretch of time: sold, without stock, come and gone, on the shop's own days."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import numpy as np
import pytest

from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.pipelines.shelf_arrays import Pricing, StockPicture, arrange
from smartshop.data_collection.pipelines.stretch_stock import Receipt
from smartshop.data_collection.pipelines.stretches import Happened, Stretch, is_over, read_stretches
from smartshop.data_collection.schemas.catalogue import Product, Variant
from smartshop.data_collection.schemas.ids import LocationId, Micros, ProductId, VariantId
from smartshop.data_collection.schemas.stock import DEFAULT_LOCATION, MovementReason, StockCount, StockMovement
from tests.inventory.test_demand_books import LONDON, buy, give_back, july, line, micros

RED, BLUE = VariantId("lamp-red"), VariantId("lamp-blue")
NORTH = LocationId("north")
UNTIL = micros(datetime(2025, 11, 3, 12, tzinfo=UTC))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlStores]:
    """Red lamps in July: ten are counted, sold, spoiled, bought in again; in autumn some are sold as clocks change."""
    folder = tmp_path_factory.mktemp("stretches")
    stores = open_stores(f"sqlite:///{folder / 'shop.db'}", folder, folder / "models")
    variants = tuple(Variant(variant_id=name) for name in (RED, BLUE))
    lamp = Product(product_id=ProductId("lamp"), title="Lamp", variants=variants)
    stores.catalogue.upsert([lamp], micros(july(1)))
    count = StockCount(movement_id="count", variant_id=RED, level=10, occurred_at=micros(july(1, 9)))
    stores.stock.count([count], UNTIL)
    moves = [
        (-2, july(3, 10), MovementReason.SALE, None),
        (-1, july(3, 16), MovementReason.SALE, None),
        (-3, july(4, 12), MovementReason.SALE, None),
        (-1, july(4, 18), MovementReason.SALE, None),  # by a till alone
        (-3, july(5, 0), MovementReason.WRITE_OFF, None),
        (6, july(6, 12), MovementReason.RECEIPT, "po-1"),
        (-1, july(7, 14), MovementReason.SALE, None),
        (-1, july(7, 16), MovementReason.SALE, None),
    ]
    stores.stock.move(
        [
            StockMovement(
                movement_id=f"m{n}",
                variant_id=RED,
                quantity=units,
                reason=reason,
                occurred_at=micros(at),
                reference=reference,
            )
            for n, (units, at, reason, reference) in enumerate(moves)
        ],
        UNTIL,
    )
    for name, at, units in (
        ("before", july(3, 10), 2),
        ("first day", july(3, 16), 1),
        ("second day", july(4, 12), 3),
        ("called off", july(5, 12), 4),
        ("last day", july(7, 14), 1),
        ("after", july(7, 16), 1),
        ("night before winter", datetime(2025, 10, 25, 23, 30, tzinfo=UTC), 1),
        ("hour told twice", datetime(2025, 10, 26, 1, 30, tzinfo=UTC), 2),
    ):
        buy(stores, name, at, line(RED, units))
    give_back(stores, "back", july(5, 13), line(RED, 4), order="called off")
    buy(stores, "blue", july(4, 12), line(BLUE, 5))
    buy(stores, "north", july(4, 12), line(RED, 7), location_id=NORTH)
    yield stores
    stores.close()


def happened(shop: SqlStores, *stretches: Stretch) -> Happened:
    shelf = arrange(
        shop.catalogue.changed_since(Micros(0)), Pricing("GBP", "default", UNTIL), StockPicture({}), version=1
    )
    return read_stretches(shop.orders, shop.stock, shelf, stretches, UNTIL, LONDON)


def stretch(begins: datetime, days: int, *, variant: VariantId = RED, at: LocationId = DEFAULT_LOCATION) -> Stretch:
    return Stretch(variant, frozenset({at}), micros(begins), days)


JULY = stretch(july(3, 15), 4)


def test_what_was_sold_is_told_by_day_from_the_decision_on(shop: SqlStores) -> None:
    assert happened(shop, JULY).sold.tolist() == [[1, 3, 0, 0, 1]]


def test_what_came_and_went_otherwise_is_told_apart(shop: SqlStores) -> None:
    found = happened(shop, JULY)
    assert found.moved.tolist() == [[0, -1, -3, 0, 0]]
    assert found.receipts == ((Receipt(3, 6, "po-1"),),)
    assert found.left.tolist() == [5]


def test_the_first_and_last_day_count_in_part(shop: SqlStores) -> None:
    length = happened(shop, JULY).length[0]
    assert length[1:4].tolist() == [1, 1, 1]
    assert 0.0 < length[0] < 1.0
    assert length.sum() == pytest.approx(4.0)


def test_time_without_stock_is_told_within_the_stretch_alone(shop: SqlStores) -> None:
    found = happened(shop, JULY, stretch(july(4, 1), 1), stretch(july(6, 1), 1))
    assert found.out[0, [0, 1, 4]].tolist() == [0, 0, 0]
    assert found.out[0, 2] == 1.0
    assert 0.0 < found.out[0, 3] < 1.0
    assert 0.0 < found.out[1, :2].sum() < found.out[0, 2]
    assert found.out[2, 0] < found.out[0, 3]


def test_days_around_are_told_for_estimates(shop: SqlStores) -> None:
    days = happened(shop, JULY).days
    fifth = date(2025, 7, 5).toordinal() - days.first_day
    assert days.sold[0, fifth - 2 : fifth + 3].tolist() == [3, 3, 0, 0, 2]
    assert days.in_stock[0, fifth] == 0.0
    assert not days.known[0, fifth - 5 : fifth - 4].any()
    # Of the days that the whole shop sold nothing on nobody knows anything.
    assert np.flatnonzero(days.known[0]).size == 5


def test_other_variants_and_places_are_others(shop: SqlStores) -> None:
    blue, north = stretch(july(3, 15), 4, variant=BLUE), stretch(july(3, 15), 4, at=NORTH)
    both = Stretch(RED, frozenset({DEFAULT_LOCATION, NORTH}), JULY.begins, 4)
    unheard = stretch(july(3, 15), 4, variant=VariantId("lamp-green"))
    found = happened(shop, blue, north, both, unheard, JULY)
    assert found.sold.sum(axis=1).tolist() == [5, 7, 12, 0, 5]
    assert found.left.tolist() == [0, 0, 5, 0, 5]
    assert found.out[3].sum() == 0.0


def test_a_day_of_25_hours_is_one_day(shop: SqlStores) -> None:
    found = happened(shop, stretch(datetime(2025, 10, 24, 21, 0, tzinfo=UTC), 3))
    assert found.sold.tolist() == [[0, 0, 3, 0]]
    assert found.length[0, 1:3].tolist() == [1, 1]


def test_a_stretch_is_over_when_its_last_day_is() -> None:
    begins = datetime(2025, 10, 31, 11, tzinfo=UTC)
    assert is_over(stretch(begins, 2), UNTIL, LONDON)
    assert not is_over(stretch(begins, 3), UNTIL, LONDON)
