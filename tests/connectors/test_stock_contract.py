"""What every Stock promises."""

from functools import partial

import msgspec
import pytest

from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.ids import LocationId, Micros, VariantId
from smartshop.data_collection.schemas.stock import (
    MovementReason,
    Reservation,
    ReservedLine,
    StockCount,
    StockLevel,
    StockMovement,
    StockTransfer,
)
from smartshop.errors import OutOfStock
from tests.connectors.told import NOON, at, in_threads

TENT = VariantId("tent-green")
MAIN, HARBOUR = LocationId("main"), LocationId("harbour")


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

    def test_histories_hold_all_that_moved_of_each_newest_first(self, stores: SqlStores) -> None:
        many = [moved(f"m{number:03}", 1, moment=at(number)) for number in range(120)]
        stores.stock.move([*many, msgspec.structs.replace(moved("other", 3), variant_id=VariantId("rope"))], NOON)
        found = stores.stock.histories([TENT, VariantId("rope"), VariantId("unknown")])
        assert set(found) == {TENT, VariantId("rope")}
        assert found[TENT] == stores.stock.movements(TENT, limit=1_000)
        assert len(found[TENT]) == 120

    def test_pages_follow_each_other_by_variant_and_location(self, stores: SqlStores) -> None:
        names = [VariantId(name) for name in ("a", "b", "b-2", "c")]
        places = [LocationId("harbour"), LocationId("main")]
        for name in names:
            told = [
                StockCount(movement_id=f"{name}-{place}", variant_id=name, level=3, occurred_at=NOON, location_id=place)
                for place in places
            ]
            stores.stock.count(told, at(1))
        seen, after = [], None
        while page := stores.stock.page(after, 3, NOON):
            seen += [(one.variant_id, one.location_id) for one in page]
            after = seen[-1]
        assert seen == [(name, place) for name in names for place in places]
        some = stores.stock.page((names[0], places[0]), 9, NOON, [names[0], names[2], VariantId("unknown")])
        assert [(one.variant_id, one.location_id) for one in some] == [
            ("a", "main"), ("b-2", "harbour"), ("b-2", "main"),
        ]  # fmt: skip
        assert stores.stock.page(None, 9, NOON, []) == []

    def test_a_page_tells_what_is_reserved_and_what_is_free(self, stores: SqlStores) -> None:
        stores.stock.move([moved("a", 5), moved("b", 2, place="harbour")], NOON)
        kept = Reservation(
            reservation_id="r",
            lines=(ReservedLine(variant_id=TENT, quantity=6),),
            reserved_at=NOON,
            expires_at=at(60),
        )
        stores.reservations.reserve(kept, NOON)
        page = stores.stock.page(None, 9, NOON)
        assert [(one.location_id, one.level, one.reserved, one.available) for one in page] == [
            ("harbour", 2, 1, 1), ("main", 5, 5, 0),
        ]  # fmt: skip
        assert [one.reserved for one in stores.stock.page(None, 9, at(60))] == [0, 0]


class TestTransfer:
    def test_units_leave_one_location_and_come_to_the_other(self, stores: SqlStores) -> None:
        stores.stock.move([moved("a", 5)], NOON)
        assert stores.stock.transfer([carried("t1", 3)], NOON) == 1
        assert stores.stock.levels([TENT]) == {TENT: {"main": 2, HARBOUR: 3}}
        told = {(found.location_id, found.quantity, found.reason) for found in stores.stock.movements(TENT)}
        assert told >= {("main", -3, MovementReason.TRANSFER), (HARBOUR, 3, MovementReason.TRANSFER)}

    def test_all_are_carried_or_none(self, stores: SqlStores) -> None:
        stores.stock.move([moved("a", 5)], NOON)
        with pytest.raises(OutOfStock) as short:
            stores.stock.transfer([carried("t1", 3), carried("t2", 3)], NOON)
        assert (short.value.asked, short.value.available) == (3, 2)
        assert stores.stock.levels([TENT]) == {TENT: {"main": 5}}
        assert len(stores.stock.movements(TENT)) == 1

    def test_a_transfer_told_twice_carries_once(self, stores: SqlStores) -> None:
        stores.stock.move([moved("a", 5)], NOON)
        assert stores.stock.transfer([carried("t1", 2), carried("t1", 2)], NOON) == 1
        assert stores.stock.transfer([carried("t1", 2), carried("t2", 1)], NOON) == 1
        assert stores.stock.levels([TENT]) == {TENT: {"main": 2, HARBOUR: 3}}

    def test_what_was_never_counted_cannot_be_carried(self, stores: SqlStores) -> None:
        with pytest.raises(OutOfStock):
            stores.stock.transfer([carried("t1", 1)], NOON)

    def test_transfers_and_back_at_once_lose_nothing(self, stores: SqlStores) -> None:
        stores.stock.move([moved("a", 10), moved("b", 10, place="harbour")], NOON)
        there = [partial(stores.stock.transfer, [carried(f"t{number}", 1)], NOON) for number in range(10)]
        back = [partial(stores.stock.transfer, [carried(f"b{number}", 1, HARBOUR, MAIN)], NOON) for number in range(10)]
        assert sum(in_threads([*there, *back])) == 20
        assert stores.stock.levels([TENT]) == {TENT: {"main": 10, HARBOUR: 10}}


def carried(name: str, units: int, source: LocationId = MAIN, target: LocationId = HARBOUR) -> StockTransfer:
    return StockTransfer(
        transfer_id=name, variant_id=TENT, units=units, from_location=source, to_location=target, occurred_at=NOON
    )
