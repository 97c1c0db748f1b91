"""What is back in stock stands among the candidates of who waited for it, a little raised, and says why."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from smartshop.ai_agents.inventory.return_advice import ReturnAdvisor
from smartshop.ai_agents.slate import decide
from smartshop.backend_api.services.awaited_goods import AwaitedGoods
from smartshop.backend_api.services.return_watch import places_to_look
from smartshop.data_collection.connectors.sql.stores import SqlStores, open_stores
from smartshop.data_collection.schemas.events import EventKind, Trust
from smartshop.data_collection.schemas.ids import CustomerId, EventId, Micros, ProductId, VariantId
from smartshop.data_collection.schemas.messages import BackInStock
from smartshop.data_collection.schemas.profiles import Interest, Profile
from smartshop.data_collection.schemas.waits import NEWS_LASTS, Returned, Wait
from tests.connectors.told import append, event
from tests.slate.small_shop import DAY, NOW, ByNumber, make_question, make_shelf
from tests.slate.test_slate import BASE, ID, PLAIN

NOTHING = Profile()


def waited(*numbers: int) -> dict[str, object]:
    return {"returned": np.array(numbers, dtype=np.int32)}


def test_it_is_brought_in_raised_and_told() -> None:
    shelf = make_shelf(400)
    far = 350  # the source draws the first 200
    plain = decide(make_question(shelf), ID, [ByNumber()], [ReturnAdvisor()], BASE, config=PLAIN)
    assert far not in plain.argument.candidates.product_no
    decided = decide(make_question(shelf, **waited(3, far)), ID, [ByNumber()], [ReturnAdvisor()], BASE, config=PLAIN)
    assert far in decided.argument.candidates.product_no
    first = decided.items[0]
    assert first.product_id == "p3"
    assert first.contributions["back_in_stock"] == 1.0
    assert first.reason is not None
    assert first.reason.text == "Back in stock."
    assert decided.items[1].contributions["back_in_stock"] == 0.0


def test_not_beside_another_product_and_not_what_may_not_be_shown() -> None:
    shelf = make_shelf(400)
    beside = decide(make_question(shelf, anchor=1, **waited(350)), ID, [ByNumber()], [], BASE, config=PLAIN)
    assert 350 not in beside.argument.candidates.product_no
    eligible = np.arange(400) != 350
    hidden = make_question(shelf, eligible=eligible, **waited(350))
    assert 350 not in decide(hidden, ID, [ByNumber()], [], BASE, config=PLAIN).argument.candidates.product_no


class TestPlacesToLook:
    before = make_shelf(
        4,
        sellable=np.array([False, False, True, True]),
        available=np.array([0, 0, 5, 5], dtype=np.int32),
        variants_sold=tuple((VariantId(f"v{number}"),) for number in range(4)),
    )
    now = replace(
        before, sellable=np.array([True, False, True, True]), available=np.array([2, 0, 6, 5], dtype=np.int32)
    )

    def test_what_can_be_sold_again_and_more_of_what_is_waited_for(self) -> None:
        awaited = {ProductId("p2"), ProductId("p3"), ProductId("p1"), ProductId("gone")}
        assert places_to_look(self.before, self.now, awaited, whole=False) == ["v0", "v2"]
        assert places_to_look(self.before, self.now, set(), whole=False) == ["v0"]
        assert places_to_look(self.now, self.now, awaited, whole=False) == []

    def test_all_that_is_waited_for_at_the_beginning(self) -> None:
        assert places_to_look(None, self.now, {ProductId("p3"), ProductId("p1")}, whole=True) == ["v3"]


class TestAwaitedGoods:
    def test_who_asked_and_was_told_within_a_week(self, stores: SqlStores) -> None:
        now = NOW
        goods = AwaitedGoods(stores.waits, stores.erasure, lambda: now)
        for key in ("ada", "bob"):
            wait = Wait(shopper_key=key, item_id="tent", product_id=ProductId("tent"), asked_at=NOW)
            stores.waits.ask(wait, NOW)
        returned = Returned(product_id=ProductId("tent"), variant_id=VariantId("tent"), people=1, since=NOW)
        stores.waits.tell(returned, NOW)
        goods.refresh()
        assert goods.wanted_by(["ada", "/laptop"], NOTHING) == ["tent"]
        assert goods.wanted_by(["bob"], NOTHING) == []
        now = Micros(NOW + NEWS_LASTS + 1)
        goods.refresh()
        assert goods.wanted_by(["ada"], NOTHING) == []

    def test_who_came_to_look_in_vain(self, stores: SqlStores) -> None:
        goods = AwaitedGoods(stores.waits, stores.erasure, lambda: NOW)
        looks = tuple(
            Interest(Micros(NOW - hours * DAY // 24), EventId(str(hours)), EventKind.PRODUCT_VIEWED, ProductId("tent"))
            for hours in (5, 4)
        )
        said = BackInStock(
            product_id=ProductId("tent"), variant_id=VariantId("tent"), units=1, customer_ids=(), anonymous_ids=(),
            others=9, gone_at=Micros(NOW - DAY), back_at=Micros(NOW - DAY // 24),
        )  # fmt: skip
        assert goods.wanted_by([], Profile(interest=looks)) == []
        goods.hear(said)
        assert goods.wanted_by([], Profile(interest=looks)) == ["tent"]
        assert goods.wanted_by([], NOTHING) == []

    def test_of_who_is_erased_nothing_is_remembered_in_any_process(self, stores: SqlStores, tmp_path: Path) -> None:
        another = open_stores(f"sqlite:///{tmp_path / 'shop.db'}", tmp_path, tmp_path / "models")
        goods = [AwaitedGoods(each.waits, each.erasure, lambda: NOW) for each in (stores, another)]
        append(stores, event("e1", customer_id="ada", trust=Trust.SERVER), event("e2", customer_id="bob"))
        for key in ("ada", "bob"):
            wait = Wait(shopper_key=key, item_id="tent", product_id=ProductId("tent"), asked_at=NOW)
            stores.waits.ask(wait, NOW)
        returned = Returned(product_id=ProductId("tent"), variant_id=VariantId("tent"), people=2, since=NOW)
        stores.waits.tell(returned, NOW)
        for one in goods:
            one.refresh()
            assert one.wanted_by(["ada"], NOTHING) == ["tent"]
        stores.erasure.erase(CustomerId("ada"), NOW)
        for one in goods:
            one.refresh()
            assert one.wanted_by(["ada"], NOTHING) == []
            assert one.wanted_by(["bob"], NOTHING) == ["tent"]
        another.close()
