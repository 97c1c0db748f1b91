"""What every Stock promises."""

from functools import partial

import pytest

from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.ids import LocationId, Micros, VariantId
from smartshop.data_collection.schemas.stock import MovementReason, StockCount, StockLevel, StockMovement
from smartshop.errors import OutOfStock
from tests.connectors.told import NOON, at, in_threads

TENT = VariantId("tent-green")
HARBOUR = LocationId("harbour")


def moved(
    name: str, units: int, reason: MovementReason = MovementReason.RECEIPT, place: str = "main", moment: Micros = NOON
) -> StockMovement:
    return StockMovement(
        movement_id=name,
        variant_id=TENT,
        quantity=units,
        reason=reason,
        occurred_at=moment,
        location_id=LocationId(place),
    )


def counted(name: str, level: int) -> StockCount:
    return StockCount(movement_id=name, variant_id=TENT, level=level, occurred_at=NOON)


class TestMove:
    def test_a_level_is_the_sum_of_movements_per_location(self, stores: SqlStores) -> None:
        told = [moved("a", 5), moved("b", -2, MovementReason.WRITE_OFF), moved("c", 3, place="harbour")]
        assert stores.stock.move(told, NOON) == 3
        assert stores.stock.levels([TENT, VariantId("unknown")]) == {TENT: {"main": 3, HARBOUR: 3}}

    def test_a_movement_told_twice_moves_once(self, stores: SqlStores) -> None:
        assert stores.stock.move([moved("a", 5), moved("a", 5)], NOON) == 1
        assert stores.stock.move([moved("a", 5), moved("b", 1)], NOON) == 1
        assert stores.stock.levels([TENT]) == {TENT: {"main": 6}}

    def test_below_zero_nothing_moves_at_all(self, stores: SqlStores) -> None:
        stores.stock.move([moved("a", 5)], NOON)
        with pytest.raises(OutOfStock) as short:
            stores.stock.move([moved("b", 1), moved("c", -7, MovementReason.WRITE_OFF)], NOON)
        assert (short.value.asked, short.value.available) == (7, 6)
        assert stores.stock.levels([TENT]) == {TENT: {"main": 5}}
        assert [found.movement_id for found in stores.stock.movements(TENT)] == ["a"]

    def test_a_variant_never_counted_stays_unlimited_whatever_is_written_off(self, stores: SqlStores) -> None:
        stores.stock.move([moved("a", -4, MovementReason.WRITE_OFF), moved("b", 1, MovementReason.RETURN)], NOON)
        assert stores.stock.levels([TENT]) == {}
        assert len(stores.stock.movements(TENT)) == 2
        stores.stock.count([counted("count", 7)], NOON)
        assert stores.stock.levels([TENT]) == {TENT: {"main": 7}}

    def test_movements_of_many_threads_add_up(self, stores: SqlStores) -> None:
        work = [partial(stores.stock.move, [moved(f"m{number}", 1)], NOON) for number in range(12)]
        assert in_threads(work) == [1] * 12
        assert stores.stock.levels([TENT]) == {TENT: {"main": 12}}


class TestCount:
    def test_a_count_sets_the_level_and_records_the_difference(self, stores: SqlStores) -> None:
        stores.stock.move([moved("a", 5)], NOON)
        assert stores.stock.count([counted("count", 3)], NOON) == 1
        assert stores.stock.count([counted("count", 99)], NOON) == 0
        assert stores.stock.levels([TENT]) == {TENT: {"main": 3}}
        assert {found.movement_id: found.quantity for found in stores.stock.movements(TENT)} == {"a": 5, "count": -2}

    def test_a_count_of_zero_ends_being_unlimited(self, stores: SqlStores) -> None:
        stores.stock.count([counted("count", 0)], NOON)
        assert stores.stock.levels([TENT]) == {TENT: {"main": 0}}


class TestReading:
    def test_only_levels_that_moved_since_are_changed(self, stores: SqlStores) -> None:
        stores.stock.move([moved("a", 5)], at(1))
        stores.stock.move([moved("b", 2, place="harbour")], at(3))
        changed = StockLevel(variant_id=TENT, location_id=HARBOUR, level=2, changed_at=at(3))
        assert stores.stock.changed_since(at(2)) == [changed]
        assert len(stores.stock.changed_since(Micros(0))) == 2
        assert stores.stock.changed_since(at(4)) == []

    def test_movements_come_newest_first(self, stores: SqlStores) -> None:
        stores.stock.move([moved("a", 5, moment=at(1)), moved("b", 5, moment=at(3)), moved("c", 5, moment=at(2))], NOON)
        assert [found.movement_id for found in stores.stock.movements(TENT, limit=2)] == ["b", "c"]
