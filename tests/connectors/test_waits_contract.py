"""What every Waits and WaitNews promises: in the order of asking, no more people than may be told, each once."""

from collections.abc import Callable
from functools import partial

import pytest

from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.connectors.sql.waits import TooManyWaits
from smartshop.data_collection.schemas.customers import Customer
from smartshop.data_collection.schemas.ids import CustomerId, Micros, ProductId, VariantId
from smartshop.data_collection.schemas.waits import MAX_WAITS, WAIT_LASTS, Returned, Wait
from smartshop.errors import Erased
from tests.connectors.told import NOON, at, in_threads

TENT, RED, BLUE = ProductId("tent"), VariantId("tent-red"), VariantId("tent-blue")


def wait(key: str, seconds: float = 0, item: str = TENT, product: ProductId = TENT) -> Wait:
    variant = VariantId(item) if item != product else None
    return Wait(shopper_key=key, item_id=item, product_id=product, variant_id=variant, asked_at=at(seconds))


def ask(stores: SqlStores, *waits: Wait) -> None:
    for each in waits:
        stores.waits.ask(each, each.asked_at)


def back(people: int, variant: VariantId = RED, since: Micros = NOON) -> Returned:
    return Returned(product_id=TENT, variant_id=variant, people=people, since=since)


def keys(waits: list[Wait]) -> list[str]:
    return [each.shopper_key for each in waits]


class TestAsking:
    def test_asking_again_keeps_the_place(self, stores: SqlStores) -> None:
        ask(stores, wait("ada", 1), wait("bob", 2), wait("ada", 3))
        assert [each.asked_at for each in stores.waits.of_shopper(["ada"], at(9))] == [at(1)]
        assert keys(stores.waits.tell(back(1), at(9))) == ["ada"]

    def test_what_is_given_up_is_not_told(self, stores: SqlStores) -> None:
        ask(stores, wait("ada"))
        assert stores.waits.give_up(["ada"], TENT)
        assert not stores.waits.give_up(["ada"], TENT)
        assert stores.waits.tell(back(10), at(9)) == []

    def test_a_shopper_waits_for_no_more_than_allowed_and_others_are_not_concerned(self, stores: SqlStores) -> None:
        for number in range(MAX_WAITS):
            ask(stores, wait("ada", number, f"p{number}", ProductId(f"p{number}")))
        with pytest.raises(TooManyWaits):
            ask(stores, wait("ada", 1_000))
        ask(stores, wait("bob", 1_000))
        ask(stores, wait("ada", 1_000, "p3", ProductId("p3")))

    def test_the_erased_wait_for_nothing(self, stores: SqlStores) -> None:
        stores.customers.upsert([Customer(customer_id=CustomerId("ada"))], NOON)
        stores.erasure.erase(CustomerId("ada"), NOON)
        with pytest.raises(Erased):
            ask(stores, wait("ada"))

    def test_after_a_year_nobody_waits_any_more(self, stores: SqlStores) -> None:
        ask(stores, wait("ada"))
        much_later = Micros(NOON + WAIT_LASTS)
        assert stores.waits.awaited(much_later) == set()
        assert stores.waits.tell(back(10, since=much_later), much_later) == []
        assert stores.waits.sweep(much_later) == 1
        assert stores.waits.of_shopper(["ada"], NOON) == []

    def test_a_wait_is_enough_to_be_known_and_to_be_erased(self, stores: SqlStores) -> None:
        ask(stores, wait("ada"))
        assert dict(stores.erasure.export(CustomerId("ada")))["stock_waits"]
        assert stores.erasure.erase(CustomerId("ada"), NOON).counts["stock_waits"] == 1


class TestTelling:
    def test_in_the_order_of_asking_and_no_more_than_may_be(self, stores: SqlStores) -> None:
        ask(stores, wait("cleo", 3), wait("ada", 1), wait("/laptop", 2), wait("bob", 4))
        told = stores.waits.tell(back(3), at(9))
        assert keys(told) == ["ada", "/laptop", "cleo"]
        assert {each.notice_id for each in told} == {told[0].notice_id}
        assert [(each.told_at, each.told_variant_id) for each in told] == [(at(9), RED)] * 3
        assert stores.waits.told_since(at(9)) == told
        assert stores.waits.awaited(at(9)) == {TENT}

    def test_told_twice_tells_nobody_twice(self, stores: SqlStores) -> None:
        ask(stores, *(wait(f"c{number}", number) for number in range(5)))
        assert len(stores.waits.tell(back(3), at(9))) == 3
        assert stores.waits.tell(back(3), at(9)) == [], "they are still on their way"
        assert len(stores.waits.tell(back(3, since=at(10)), at(11))) == 2, "nobody came, so it is the others' turn"

    def test_of_one_variant_only_those_hear_who_want_it_or_any(self, stores: SqlStores) -> None:
        ask(stores, wait("any", 1), wait("red", 2, RED), wait("blue", 3, BLUE))
        assert keys(stores.waits.tell(back(10), at(9))) == ["any", "red"]
        assert stores.waits.awaited(at(9), [TENT, ProductId("other")]) == {TENT}
        assert keys(stores.waits.tell(back(10, BLUE), at(9))) == ["blue"]
        assert stores.waits.awaited(at(9)) == set()

    def test_who_asked_for_the_product_and_its_variant_is_one_person(self, stores: SqlStores) -> None:
        ask(stores, wait("ada", 1), wait("ada", 2, RED), wait("bob", 3))
        assert keys(stores.waits.tell(back(2), at(9))) == ["ada", "ada", "bob"]

    def test_who_asks_again_is_told_again(self, stores: SqlStores) -> None:
        ask(stores, wait("ada"))
        assert stores.waits.tell(back(1), at(9))
        stores.waits.mark_seen(["ada"], TENT, at(9))
        ask(stores, wait("ada", 20))
        assert stores.waits.awaited(at(20)) == {TENT}
        (told,) = stores.waits.tell(back(1, since=at(21)), at(30))
        assert (told.asked_at, told.told_at) == (at(20), at(30))
        assert stores.waits.unseen(["ada"], NOON) == [told]

    def test_of_many_who_tell_at_once_nobody_tells_the_same_person(
        self, stores: SqlStores, open_again: Callable[[], SqlStores]
    ) -> None:
        ask(stores, *(wait(f"c{number:02}", number) for number in range(40)))
        another = open_again()
        work = [partial((stores, another)[number % 2].waits.tell, back(25), at(60 + number)) for number in range(8)]
        told = [each.shopper_key for answers in in_threads(work) for each in answers]
        another.close()
        assert sorted(told) == [f"c{number:02}" for number in range(25)]


class TestNews:
    def test_a_page_shows_it_once(self, stores: SqlStores) -> None:
        ask(stores, wait("ada", 1), wait("/laptop", 2), wait("bob", 3))
        stores.waits.tell(back(9), at(9))
        assert keys(stores.waits.unseen(["ada", "/laptop"], at(9))) == ["ada", "/laptop"]
        stores.waits.mark_seen(["ada", "/laptop"], TENT, at(10))
        assert stores.waits.unseen(["ada", "/laptop"], at(0)) == []
        assert keys(stores.waits.unseen(["bob"], at(0))) == ["bob"]
        assert stores.waits.unseen(["bob"], at(10)) == [], "old news"

    def test_the_webhook_gets_one_notice_after_the_other_in_parts(self, stores: SqlStores) -> None:
        ask(stores, *(wait(f"c{number}", number) for number in range(5)), wait("blue", 9, BLUE))
        stores.waits.tell(back(10), at(20))
        stores.waits.tell(back(10, BLUE), at(21))
        sent: list[list[str]] = []
        while part := stores.waits.unsent(NOON, 3):
            assert len({each.notice_id for each in part}) == 1
            sent.append(keys(part))
            stores.waits.mark_sent(part, at(30))
        assert sent == [["c0", "c1", "c2"], ["c3", "c4"], ["blue"]]

    def test_an_asking_made_anew_while_its_first_is_sent_is_still_open(self, stores: SqlStores) -> None:
        ask(stores, wait("ada"))
        part = stores.waits.tell(back(1), at(9))
        ask(stores, wait("ada", 10))
        stores.waits.mark_sent(part, at(11))
        (again,) = stores.waits.tell(back(1, since=at(12)), at(12))
        assert stores.waits.unsent(at(12), 10) == [again]
