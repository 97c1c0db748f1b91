"""What every Reservations promises: kept units are nobody else's, and never more is sold than there is."""

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from smartshop.data_collection.connectors.sql.engine import system_micros
from smartshop.data_collection.connectors.sql.orders import SqlOrders
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, LocationId, Micros, OrderId, VariantId
from smartshop.data_collection.schemas.stock import (
    MAX_RESERVED_SECONDS,
    MovementReason,
    Reservation,
    ReservedLine,
    StockCount,
    StockMovement,
    StockTransfer,
)
from smartshop.errors import Conflict, Erased, InvalidValue, NotFound, OutOfStock
from tests.connectors.told import SECOND, in_threads, order, order_entry

TENT, STOVE = VariantId("tent-green"), VariantId("stove")
MAIN, HARBOUR = LocationId("main"), LocationId("harbour")
NOW = system_micros()
"""Orders are placed by the machine's own clock, so what they meet is kept by it too."""


def later(seconds: float) -> Micros:
    return Micros(NOW + int(seconds * SECOND))


def count(stores: SqlStores, level: int, variant_id: VariantId = TENT, place: LocationId = MAIN) -> None:
    name = f"count-{variant_id}-{place}-{level}"
    told = StockCount(movement_id=name, variant_id=variant_id, level=level, occurred_at=NOW, location_id=place)
    stores.stock.count([told], NOW)


def basket(name: str, units: int = 1, seconds: float = 600, **told: object) -> Reservation:
    fields: dict[str, object] = {
        "lines": (ReservedLine(variant_id=TENT, quantity=units),),
        "shopper_key": None,
        **told,
    }
    return Reservation(reservation_id=name, reserved_at=NOW, expires_at=later(seconds), **fields)  # type: ignore[arg-type]


def buy(stores: SqlStores, name: str, units: int = 1, **told: object) -> bool:
    try:
        stores.orders.place(order_entry(f"event-{name}", order(name, units=units, **told)))
    except OutOfStock:
        return False
    return True


def level(stores: SqlStores, variant_id: VariantId = TENT) -> int:
    return sum(stores.stock.levels([variant_id])[variant_id].values())


class TestReserve:
    def test_kept_units_are_not_sold_to_others_and_the_level_stays(self, stores: SqlStores) -> None:
        count(stores, 5)
        stores.reservations.reserve(basket("r1", 3), NOW)
        assert level(stores) == 5
        assert stores.reservations.kept(NOW) == {TENT: {MAIN: 3}}
        with pytest.raises(OutOfStock) as short:
            stores.orders.place(order_entry("e1", order("o1", units=3)))
        assert short.value.available == 2
        assert buy(stores, "o2", 2)
        assert level(stores) == 3

    def test_all_lines_are_kept_or_none(self, stores: SqlStores) -> None:
        count(stores, 5)
        count(stores, 1, STOVE)
        lines = (ReservedLine(variant_id=TENT, quantity=2), ReservedLine(variant_id=STOVE, quantity=2))
        with pytest.raises(OutOfStock) as short:
            stores.reservations.reserve(basket("r1", lines=lines), NOW)
        assert (short.value.variant_id, short.value.available) == (STOVE, 1)
        assert stores.reservations.kept(NOW) == {}
        assert stores.reservations.get("r1", NOW) is None

    def test_lines_of_one_variant_share_what_is_free(self, stores: SqlStores) -> None:
        count(stores, 3)
        lines = (ReservedLine(variant_id=TENT, quantity=2), ReservedLine(variant_id=TENT, quantity=2))
        with pytest.raises(OutOfStock):
            stores.reservations.reserve(basket("r1", lines=lines), NOW)
        stores.reservations.reserve(basket("r2", lines=(lines[0], ReservedLine(variant_id=TENT, quantity=1))), NOW)
        assert stores.reservations.kept(NOW) == {TENT: {MAIN: 3}}

    def test_units_are_kept_where_there_are_some_or_where_it_is_said(self, stores: SqlStores) -> None:
        count(stores, 2)
        count(stores, 4, place=HARBOUR)
        stores.reservations.reserve(basket("r1", 3), NOW)
        assert stores.reservations.kept(NOW, [TENT]) == {TENT: {MAIN: 2, HARBOUR: 1}}
        here = (ReservedLine(variant_id=TENT, quantity=4, location_id=HARBOUR),)
        with pytest.raises(OutOfStock):
            stores.reservations.reserve(basket("r2", lines=here), NOW)

    def test_the_same_again_is_the_first_one_and_other_units_are_a_conflict(self, stores: SqlStores) -> None:
        count(stores, 5)
        first = stores.reservations.reserve(basket("r1", 2, seconds=600), NOW)
        assert stores.reservations.reserve(basket("r1", 2, seconds=900), NOW) == first
        assert stores.reservations.kept(NOW) == {TENT: {MAIN: 2}}
        with pytest.raises(Conflict, match="r1"):
            stores.reservations.reserve(basket("r1", 3), NOW)

    def test_a_variant_never_counted_needs_no_keeping(self, stores: SqlStores) -> None:
        told = stores.reservations.reserve(basket("r1", 1_000), NOW)
        assert stores.reservations.get("r1", NOW) == told
        assert stores.reservations.kept(NOW) == {}
        assert buy(stores, "o1", 1_000, reservation_id="r1")
        assert stores.reservations.get("r1", NOW) is None

    def test_a_shopper_has_no_more_live_ones_than_allowed(self, stores: SqlStores) -> None:
        count(stores, 9)
        for name in ("r1", "r2"):
            stores.reservations.reserve(basket(name, shopper_key="ada", seconds=60), NOW, most_of_shopper=2)
        with pytest.raises(Conflict, match="2 live reservations"):
            stores.reservations.reserve(basket("r3", shopper_key="ada"), NOW, most_of_shopper=2)
        stores.reservations.reserve(basket("r3", shopper_key="bob"), NOW, most_of_shopper=2)
        stores.reservations.reserve(basket("r4", shopper_key="ada"), later(61), most_of_shopper=2)

    @pytest.mark.parametrize("seconds", [0, -1, MAX_RESERVED_SECONDS + 1])
    def test_a_time_to_end_that_is_over_or_too_far_is_refused(self, stores: SqlStores, seconds: float) -> None:
        with pytest.raises(InvalidValue, match="r1"):
            stores.reservations.reserve(basket("r1", seconds=seconds), NOW)

    def test_nothing_is_kept_for_who_was_erased(self, stores: SqlStores) -> None:
        buy(stores, "o1", customer_id=CustomerId("ada"))
        stores.erasure.erase(CustomerId("ada"), NOW)
        with pytest.raises(Erased):
            stores.reservations.reserve(basket("r1", shopper_key="ada"), NOW)


class TestOrders:
    def test_an_order_takes_what_is_kept_for_it_and_ends_the_reservation(self, stores: SqlStores) -> None:
        count(stores, 3)
        stores.reservations.reserve(basket("r1", 2, shopper_key="ada"), NOW)
        stores.reservations.reserve(basket("r2", 1), NOW)
        assert not buy(stores, "o1", 1, customer_id=CustomerId("bob"))
        assert buy(stores, "o2", 2, reservation_id="r1")
        assert level(stores) == 1
        assert stores.reservations.kept(NOW) == {TENT: {MAIN: 1}}
        assert stores.reservations.get("r1", NOW) is None

    def test_an_order_may_take_more_and_less_than_was_kept(self, stores: SqlStores) -> None:
        count(stores, 5)
        stores.reservations.reserve(basket("r1", 2), NOW)
        assert buy(stores, "o1", 3, reservation_id="r1")
        stores.reservations.reserve(basket("r2", 2), NOW)
        assert buy(stores, "o2", 1, reservation_id="r2")
        assert stores.reservations.kept(NOW) == {}
        assert level(stores) == 1

    def test_another_shoppers_reservation_keeps_nothing_for_an_order(self, stores: SqlStores) -> None:
        count(stores, 2)
        stores.reservations.reserve(basket("r1", 2, shopper_key="/laptop"), NOW)
        assert not buy(stores, "o1", 1, reservation_id="r1", customer_id=CustomerId("laptop"))
        assert stores.reservations.get("r1", NOW) is not None
        theirs = {"customer_id": CustomerId("bob"), "anonymous_id": AnonymousId("laptop")}
        assert buy(stores, "o2", 2, reservation_id="r1", **theirs)

    def test_an_order_short_of_stock_leaves_its_reservation(self, stores: SqlStores) -> None:
        count(stores, 2)
        stores.reservations.reserve(basket("r1", 1), NOW)
        assert not buy(stores, "o1", 3, reservation_id="r1")
        assert stores.reservations.kept(NOW) == {TENT: {MAIN: 1}}

    def test_an_order_takes_its_units_where_they_are_kept(self, stores: SqlStores) -> None:
        count(stores, 2)
        count(stores, 2, place=HARBOUR)
        here = (ReservedLine(variant_id=TENT, quantity=2, location_id=HARBOUR),)
        stores.reservations.reserve(basket("r1", lines=here), NOW)
        assert buy(stores, "o1", 2, reservation_id="r1")
        assert stores.stock.levels([TENT])[TENT] == {MAIN: 2, HARBOUR: 0}

    def test_after_a_loss_the_first_to_come_has_what_was_kept(self, stores: SqlStores) -> None:
        count(stores, 6)
        for name in ("r1", "r2"):
            stores.reservations.reserve(basket(name, 3), NOW)
        count(stores, 4)
        assert not buy(stores, "o0", 1)
        assert buy(stores, "o1", 3, reservation_id="r1")
        assert not buy(stores, "o2", 3, reservation_id="r2")
        assert buy(stores, "o3", 1, reservation_id="r2")
        assert level(stores) == 0


class TestTheEndOfTime:
    def test_what_is_over_keeps_nothing_at_once_and_is_swept_later(self, stores: SqlStores) -> None:
        count(stores, 1)
        stores.reservations.reserve(basket("r1", 1, seconds=60), NOW)
        assert stores.reservations.kept(later(59)) == {TENT: {MAIN: 1}}
        assert stores.reservations.kept(later(60)) == {}
        assert stores.reservations.get("r1", later(60)) is None
        stores.reservations.reserve(basket("r2", 1, seconds=120), later(60))
        assert stores.reservations.sweep(later(60)) == 1
        assert stores.reservations.sweep(later(60)) == 0
        assert stores.reservations.kept(later(60)) == {TENT: {MAIN: 1}}

    def test_an_order_sees_it_by_the_clock_of_its_process(self, stores: SqlStores) -> None:
        count(stores, 1)
        stores.reservations.reserve(basket("r1", 1, seconds=600), NOW)
        assert not buy(stores, "o1")
        in_future = replace(stores.shop_database, now=lambda: later(601))
        SqlOrders(in_future, stores.erasure.keys).place(order_entry("e2", order("o2")))
        assert level(stores) == 0

    def test_an_order_that_names_one_that_is_over_buys_like_anybody(self, stores: SqlStores) -> None:
        count(stores, 3)
        stores.reservations.reserve(basket("r1", 1, seconds=60), Micros(NOW - 1))
        in_future = SqlOrders(replace(stores.shop_database, now=lambda: later(61)), stores.erasure.keys)
        stores.reservations.reserve(basket("r2", 2, seconds=600), NOW)
        with pytest.raises(OutOfStock):
            in_future.place(order_entry("e1", order("o1", units=2, reservation_id="r1")))
        in_future.place(order_entry("e2", order("o2", reservation_id="r1")))
        with pytest.raises(OutOfStock):
            in_future.place(order_entry("e3", order("o3", reservation_id="r1")))

    def test_renewing_lets_it_end_later_and_not_when_it_is_over(self, stores: SqlStores) -> None:
        count(stores, 2)
        stores.reservations.reserve(basket("r1", 2, seconds=60), NOW)
        assert stores.reservations.renew("r1", later(120), later(59)).expires_at == later(120)
        assert stores.reservations.kept(later(119)) == {TENT: {MAIN: 2}}
        with pytest.raises(NotFound, match="r1"):
            stores.reservations.renew("r1", later(300), later(120))
        with pytest.raises(NotFound, match="nothing"):
            stores.reservations.renew("nothing", later(300), NOW)

    def test_renewing_keeps_the_units_where_they_are(self, stores: SqlStores) -> None:
        count(stores, 2)
        count(stores, 5, place=HARBOUR)
        stores.reservations.reserve(basket("r1", lines=(ReservedLine(variant_id=TENT, quantity=3),)), NOW)
        count(stores, 9)
        stores.reservations.renew("r1", later(700), NOW)
        assert stores.reservations.kept(NOW) == {TENT: {MAIN: 3}}

    def test_renewing_what_was_lost_is_refused_and_changes_nothing(self, stores: SqlStores) -> None:
        count(stores, 2)
        stores.reservations.reserve(basket("r1", 2, seconds=60), NOW)
        count(stores, 1)
        with pytest.raises(OutOfStock):
            stores.reservations.renew("r1", later(120), NOW)
        assert stores.reservations.kept(later(59)) == {TENT: {MAIN: 2}}
        assert stores.reservations.kept(later(60)) == {}

    def test_one_made_under_a_clock_that_ran_ahead_keeps_nothing(self, stores: SqlStores) -> None:
        count(stores, 1)
        ahead = later(40 * MAX_RESERVED_SECONDS)
        far = Reservation(
            reservation_id="r1",
            lines=(ReservedLine(variant_id=TENT, quantity=1),),
            reserved_at=ahead,
            expires_at=Micros(ahead + 600 * SECOND),
        )
        stores.reservations.reserve(far, ahead)
        assert stores.reservations.kept(NOW) == {}
        assert buy(stores, "o1")

    def test_released_units_are_free(self, stores: SqlStores) -> None:
        count(stores, 1)
        stores.reservations.reserve(basket("r1", 1), NOW)
        assert stores.reservations.release("r1")
        assert not stores.reservations.release("r1")
        assert buy(stores, "o1")


class TestPeople:
    def test_erasing_takes_reservations_with_it_and_frees_their_units(self, stores: SqlStores) -> None:
        count(stores, 3)
        buy(stores, "o1", customer_id=CustomerId("ada"))
        stores.reservations.reserve(basket("r1", 1, shopper_key="ada"), NOW)
        stores.reservations.reserve(basket("r2", 1, shopper_key="bob"), NOW)
        pages = {name: records for name, records in stores.erasure.export(CustomerId("ada")) if records}
        assert b"r1" in bytes(pages["stock_reservations"][0])
        assert stores.erasure.erase(CustomerId("ada"), NOW).counts["stock_reservations"] == 1
        assert stores.reservations.kept(NOW) == {TENT: {MAIN: 1}}
        assert stores.reservations.get("r1", NOW) is None

    def test_a_basket_kept_is_enough_to_be_known(self, stores: SqlStores) -> None:
        stores.reservations.reserve(basket("r1", 1, shopper_key="ada"), NOW)
        assert stores.erasure.erase(CustomerId("ada"), NOW).counts["stock_reservations"] == 1


class TestAtOnce:
    def test_two_hundred_buyers_of_the_last_fifty_buy_exactly_fifty(
        self, stores: SqlStores, open_again: Callable[[], SqlStores]
    ) -> None:
        count(stores, 50)
        another = open_again()
        work = [
            partial(buy, (stores, another)[number % 2], f"o{number}", customer_id=CustomerId(f"c{number}"))
            for number in range(200)
        ]
        sold = in_threads(work)
        another.close()
        assert sold.count(True) == 50
        assert level(stores) == 0
        assert sum(movement.quantity for movement in stores.stock.movements(TENT, 500)) == 0

    def test_buyers_with_and_without_reservations_never_get_more_than_there_is(
        self, stores: SqlStores, open_again: Callable[[], SqlStores]
    ) -> None:
        """Each shopper reserves or not, renews, gives up or orders, over two openings of one database."""
        count(stores, 50)
        another = open_again()

        def shop(number: int) -> int:
            """How many units the shopper ends up with, ordered or still kept."""
            rng, at = random.Random(number), (stores, another)[number % 2]
            units, name, key = rng.randint(1, 3), f"r{number}", f"c{number}"
            who = {"customer_id": CustomerId(key)}
            if rng.random() < 0.4:
                return units if buy(at, f"o{number}", units, **who) else 0
            try:
                at.reservations.reserve(basket(name, units, shopper_key=key), NOW)
                if rng.random() < 0.3:
                    at.reservations.renew(name, later(900), NOW)
            except OutOfStock:
                return 0
            match rng.randint(0, 3):
                case 0:
                    at.reservations.release(name)
                    return 0
                case 1:
                    return units
                case _:
                    assert buy(at, f"o{number}", units, reservation_id=name, **who), "what is kept can be bought"
                    return units

        held = sum(in_threads([partial(shop, number) for number in range(80)]))
        another.close()
        kept = sum(stores.reservations.kept(NOW).get(TENT, {}).values())
        sold = sum(line.quantity for batch in stores.orders.scan() for told in batch for line in told.lines)
        assert sold + level(stores) == 50
        assert held == sold + kept
        assert kept <= level(stores)

    def test_of_two_orders_that_name_one_reservation_one_has_it(self, stores: SqlStores) -> None:
        count(stores, 4)
        stores.reservations.reserve(basket("r1", 2), NOW)
        stores.reservations.reserve(basket("r2", 2), NOW)
        bought = in_threads([partial(buy, stores, f"o{number}", 2, reservation_id="r1") for number in range(6)])
        assert bought.count(True) == 1
        assert level(stores) == 2
        assert buy(stores, "last", 2, reservation_id="r2")


def test_random_steps_end_as_a_simple_shop_does(stores: SqlStores) -> None:
    """A shop of three numbers beside the real one: after every step both agree on level, kept and free units."""
    rng = random.Random(5)
    count(stores, 20)
    on_shelf, kept, clock = 20, dict[str, tuple[int, float]](), 0.0
    for step in range(80):
        clock += rng.choice((0, 5, 40))
        kept = {name: (units, end) for name, (units, end) in kept.items() if end > clock}
        free, units, name = on_shelf - sum(number for number, _ in kept.values()), rng.randint(1, 5), f"r{step}"
        orders = SqlOrders(replace(stores.shop_database, now=partial(later, clock)), stores.erasure.keys)
        known = rng.choice(sorted(kept)) if kept else "none"
        own = kept.get(known, (0, 0.0))[0]
        match rng.randint(0, 6):
            case 0 | 1:
                told = basket(name, units, seconds=clock + 60)
                if units <= free:
                    stores.reservations.reserve(told, later(clock))
                    kept[name] = (units, clock + 60)
                else:
                    with pytest.raises(OutOfStock):
                        stores.reservations.reserve(told, later(clock))
            case 2 | 3:
                # Sometimes one that is over, or was never there.
                named = rng.choice((known, f"r{rng.randint(0, step)}"))
                own = kept.get(named, (0, 0.0))[0]
                placed = order(f"o{step}", units=units, reservation_id=named)
                if units <= free + own:
                    orders.place(order_entry(f"e{step}", placed))
                    on_shelf -= units
                    kept.pop(named, None)
                else:
                    with pytest.raises(OutOfStock):
                        orders.place(order_entry(f"e{step}", placed))
            case 4:
                assert stores.reservations.release(known) is (known in kept)
                kept.pop(known, None)
            case 5 if known in kept:
                stores.reservations.renew(known, later(clock + 90), later(clock))
                kept[known] = (own, clock + 90)
            case _:
                receipt = StockMovement(
                    movement_id=name, variant_id=TENT, quantity=units, reason=MovementReason.RECEIPT, occurred_at=NOW
                )
                stores.stock.move([receipt], NOW)
                on_shelf += units
        assert level(stores) == on_shelf
        told_kept = stores.reservations.kept(later(clock)).get(TENT, {})
        assert sum(told_kept.values()) == sum(number for number, _ in kept.values())
    placed_orders = [told.order_id for batch in stores.orders.scan() for told in batch]
    assert len(placed_orders) == len(set(placed_orders))
    assert OrderId("none") not in placed_orders


class TestTransfersBesideReservations:
    def test_kept_units_are_not_carried_away(self, stores: SqlStores) -> None:
        count(stores, 5)
        stores.reservations.reserve(basket("r1", 3), NOW)
        carried = StockTransfer(
            transfer_id="t1", variant_id=TENT, units=3, from_location=MAIN, to_location=HARBOUR, occurred_at=NOW
        )
        with pytest.raises(OutOfStock) as short:
            stores.stock.transfer([carried], NOW)
        assert short.value.available == 2
        assert stores.stock.levels([TENT])[TENT] == {MAIN: 5}
