"""Who keeps units in a basket buys them, whether or not the order names the basket; nobody else does."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from smartshop.data_collection.connectors.sql.orders import SqlOrders
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId
from smartshop.data_collection.schemas.stock import ReservedLine
from smartshop.errors import OutOfStock
from tests.connectors.test_reservations_contract import MAIN, NOW, STOVE, TENT, basket, buy, count, later, level
from tests.connectors.told import in_threads, order, order_entry

BOB = CustomerId("bob")
KEPT_UNITS, UNITS, BUYERS = 20, 50, 200


def test_of_two_hundred_buyers_the_twenty_who_reserved_all_get_theirs_and_fifty_units_are_sold(
    stores: SqlStores, open_again: Callable[[], SqlStores]
) -> None:
    count(stores, UNITS)
    another = open_again()
    keepers = range(0, BUYERS, BUYERS // KEPT_UNITS)
    for number in keepers:
        stores.reservations.reserve(basket(f"r{number}", shopper_key=f"c{number}"), NOW)

    def checkout(number: int) -> bool:
        """Half of those who keep a unit name their basket, the others just order."""
        named = f"r{number}" if number in keepers and number % 20 == 0 else None
        at = (stores, another)[number % 2]
        return buy(at, f"o{number}", customer_id=CustomerId(f"c{number}"), reservation_id=named)

    # Those who keep theirs come last of all: what they have must still be there.
    late = [*(number for number in range(BUYERS) if number not in keepers), *keepers]
    bought = dict(zip(late, in_threads([partial(checkout, number) for number in late]), strict=True))
    another.close()
    assert all(bought[number] for number in keepers)
    assert sum(bought.values()) == UNITS
    assert level(stores) == 0
    assert stores.reservations.kept(NOW) == {}
    assert sum(movement.quantity for movement in stores.stock.movements(TENT, 500)) == 0


def test_an_order_that_names_no_basket_uses_up_its_shoppers_own(stores: SqlStores) -> None:
    count(stores, 2)
    stores.reservations.reserve(basket("r1", 1, shopper_key="ada"), NOW)
    stores.reservations.reserve(basket("r2", 1, shopper_key="/laptop"), NOW)
    assert not buy(stores, "o1", customer_id=BOB)
    assert buy(stores, "o2", customer_id=CustomerId("ada"))
    assert stores.reservations.kept(NOW) == {TENT: {MAIN: 1}}
    assert not buy(stores, "o3", customer_id=CustomerId("laptop")), "a browser is no customer of the same letters"
    assert buy(stores, "o4", customer_id=BOB, anonymous_id=AnonymousId("laptop"))
    assert stores.reservations.kept(NOW) == {}
    assert level(stores) == 0


def test_several_baskets_of_one_shopper_count_together(stores: SqlStores) -> None:
    count(stores, 4)
    for name in ("r1", "r2"):
        stores.reservations.reserve(basket(name, 2, shopper_key="ada"), NOW)
    assert buy(stores, "o1", 3)
    assert stores.reservations.kept(NOW) == {}
    assert level(stores) == 1


def test_a_basket_of_other_goods_is_left_alone(stores: SqlStores) -> None:
    count(stores, 2)
    count(stores, 2, STOVE)
    stove = (ReservedLine(variant_id=STOVE, quantity=2),)
    stores.reservations.reserve(basket("r1", lines=stove, shopper_key="ada"), NOW)
    assert buy(stores, "o1", 2)
    assert stores.reservations.kept(NOW) == {STOVE: {MAIN: 2}}


def test_a_basket_whose_time_is_over_keeps_nothing_for_its_shopper_either(stores: SqlStores) -> None:
    count(stores, 1)
    stores.reservations.reserve(basket("r1", seconds=600, shopper_key="ada"), NOW)
    in_future = SqlOrders(replace(stores.shop_database, now=lambda: later(601)), stores.erasure.keys)
    in_future.place(order_entry("e1", order("o1", customer_id=BOB)))
    with pytest.raises(OutOfStock):
        in_future.place(order_entry("e2", order("o2")))
