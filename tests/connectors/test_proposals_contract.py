"""What every ProposalBook promises."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import msgspec
import pytest

from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.ids import LocationId, Micros, ModelVersion, ProductId, SupplierId, VariantId
from smartshop.data_collection.schemas.proposals import ProposalScore, ToldCosts, ToldLaw, ToldProposal
from smartshop.data_collection.schemas.supply import (
    PurchaseLine,
    PurchaseOrder,
    PurchaseOrderId,
    PurchaseStatus,
    Supplier,
)
from smartshop.errors import NotFound
from tests.connectors.told import NOON

MAIN = LocationId("main")


def told(proposal_id: str, days: float = 0.0, units: int = 10, stretch_days: int = 12) -> ToldProposal:
    return ToldProposal(
        proposal_id=proposal_id,
        decided_at=Micros(int(NOON + days * DAY)),
        product_id=ProductId("kettle"),
        variant_id=VariantId("kettle-red"),
        title="Kettle, red",
        location_id=MAIN,
        locations=(MAIN,),
        units=units,
        on_hand=3,
        lead_days=5.0,
        lead_spread_days=1.5,
        review_days=7.0,
        stretch_days=stretch_days,
        mean=11.5,
        told_10=7.0,
        told_50=11.0,
        told_90=17.0,
        law=ToldLaw((0.0, 10.0, 30.0), (0.01, 0.4, 1.0)),
        service_level=0.93,
        chance_short_before=0.2,
        costs=ToldCosts(
            currency="GBP",
            unit=900.0,
            holding_per_unit_day=0.6,
            missed_per_unit=800.0,
            order=250.0,
            order_lasts_days=21.0,
        ),
        demand_class="AX",
        pattern="smooth",
        model_version=ModelVersion("m-1"),
        in_turn=False,
    )


AGAIN = Micros(NOON + 19 * DAY)


def score(proposal_id: str, again: Micros | None = None, asked_for: float = 12.0) -> ProposalScore:
    return ProposalScore(
        proposal_id=proposal_id, scored_at=Micros(NOON + 13 * DAY), look_again_at=again, sold=12, asked_for=asked_for
    )


MILL = Supplier(supplier_id=SupplierId("mill"), name="Mill & Co", currency="GBP", changed_at=NOON)


def follow(stores: SqlStores, number: str, at: int = NOON, **proposals: str) -> PurchaseOrder:
    """Draft an order of proposals by variant."""
    if stores.suppliers.get(MILL.supplier_id) is None:
        stores.suppliers.save(MILL)
    named = {VariantId(name): proposal_id for name, proposal_id in proposals.items()}
    return stores.proposals.follow(order_of(number, at, list(proposals)), named)


def order_of(number: str, at: int, variants: Sequence[str]) -> PurchaseOrder:
    return PurchaseOrder(
        purchase_order_id=PurchaseOrderId(number),
        supplier_id=MILL.supplier_id,
        status=PurchaseStatus.DRAFT,
        currency="GBP",
        lines=tuple(PurchaseLine(variant_id=VariantId(name), units=10, unit_cost_minor=900) for name in variants),
        created_at=Micros(at),
    )


def without_law(one: ToldProposal) -> ToldProposal:
    return msgspec.structs.replace(one, law=None)


class TestKeeping:
    def test_what_is_kept_is_what_was_told(self, stores: SqlStores) -> None:
        assert stores.proposals.keep([told("p-1"), told("p-2", units=0)]) == 2
        found = stores.proposals.get("p-1")
        assert found is not None
        assert (found.told, found.followed_by, found.score) == (told("p-1"), None, None)
        assert stores.proposals.get("p-3") is None
        assert stores.proposals.keep([]) == 0

    def test_the_same_id_is_replaced_until_it_is_followed(self, stores: SqlStores) -> None:
        book = stores.proposals
        book.keep([told("p-1", units=10)])
        assert book.keep([told("p-1", days=0.2, units=20)]) == 1
        follow(stores, "po-1", kettle="p-1")
        assert book.keep([told("p-1", days=0.4, units=30)]) == 0
        found = book.get("p-1")
        assert found is not None
        assert (found.told, found.followed_by) == (told("p-1", days=0.2, units=20), "po-1")

    def test_what_an_order_followed_that_was_called_off_is_replaced(self, stores: SqlStores) -> None:
        book = stores.proposals
        book.keep([told("p-1", units=10)])
        first = follow(stores, "po-1", kettle="p-1")
        stores.purchase_orders.step(first.purchase_order_id, PurchaseStatus.CANCELLED, NOON)
        assert book.keep([told("p-1", days=0.2, units=20)]) == 1
        found = book.get("p-1")
        assert found is not None
        assert (found.told.units, found.followed_by) == (20, None)
        follow(stores, "po-2", kettle="p-1")
        assert book.keep([told("p-1", days=0.4, units=30)]) == 0

    def test_not_now_never_replaces_what_said_to_order(self, stores: SqlStores) -> None:
        book = stores.proposals
        book.keep([told("p-1", units=0)])
        assert book.keep([told("p-1", units=5)]) == 1
        assert book.keep([told("p-1", days=0.1, units=0)]) == 0
        found = book.get("p-1")
        assert found is not None
        assert found.told.units == 5

    def test_what_is_scored_stays_as_it_was_told(self, stores: SqlStores) -> None:
        book = stores.proposals
        book.keep([told("p-1")])
        book.settle([score("p-1", AGAIN)])
        assert book.keep([told("p-1", units=99)]) == 0

    def test_whoever_is_named_twice_at_once_is_kept_as_told_last(self, stores: SqlStores) -> None:
        assert stores.proposals.keep([told("p-1", units=1), told("p-1", units=2)]) == 1
        found = stores.proposals.get("p-1")
        assert found is not None
        assert found.told.units == 2


class TestFollowing:
    def test_an_order_is_drafted_of_proposals_and_remembered_as_theirs(self, stores: SqlStores) -> None:
        stores.proposals.keep([told("p-1"), told("p-2"), told("p-3")])
        drafted = follow(stores, "po-1", kettle="p-1", lamp="p-2")
        assert stores.purchase_orders.get(drafted.purchase_order_id) == drafted
        assert [line.variant_id for line in drafted.lines] == ["kettle", "lamp"]
        assert stores.proposals.followers(["p-1", "p-2", "p-3", "p-4"]) == {"p-1": drafted, "p-2": drafted}

    def test_what_is_followed_is_left_out_of_the_next_order(self, stores: SqlStores) -> None:
        stores.proposals.keep([told("p-1"), told("p-2")])
        first = follow(stores, "po-1", kettle="p-1")
        second = follow(stores, "po-2", NOON + 5, kettle="p-1", lamp="p-2")
        assert [line.variant_id for line in second.lines] == ["lamp"]
        assert stores.proposals.followers(["p-1", "p-2"]) == {"p-1": first, "p-2": second}
        assert follow(stores, "po-3", NOON + 9, kettle="p-1", lamp="p-2") == second
        assert stores.purchase_orders.get(PurchaseOrderId("po-3")) is None

    def test_an_order_that_was_called_off_follows_nothing(self, stores: SqlStores) -> None:
        stores.proposals.keep([told("p-1")])
        first = follow(stores, "po-1", kettle="p-1")
        stores.purchase_orders.step(first.purchase_order_id, PurchaseStatus.CANCELLED, NOON)
        assert stores.proposals.followers(["p-1"]) == {}
        second = follow(stores, "po-2", kettle="p-1")
        assert stores.proposals.followers(["p-1"]) == {"p-1": second}

    def test_of_what_is_not_kept_nothing_is_ordered(self, stores: SqlStores) -> None:
        stores.proposals.keep([told("p-1")])
        assert [line.variant_id for line in follow(stores, "po-1", kettle="p-1", lamp="lost").lines] == ["kettle"]
        with pytest.raises(NotFound, match="is kept any more"):
            follow(stores, "po-2", lamp="lost")
        stores.proposals.keep([told("p-2")])
        with pytest.raises(NotFound, match="no supplier 'nobody'"):
            stores.proposals.follow(
                msgspec.structs.replace(order_of("po-3", NOON, ["kettle"]), supplier_id=SupplierId("nobody")),
                {VariantId("kettle"): "p-2"},
            )
        assert stores.proposals.followers(["p-2"]) == {}

    def test_of_many_who_draft_at_once_one_does(self, stores: SqlStores) -> None:
        stores.proposals.keep([told("p-1"), told("p-2")])
        stores.suppliers.save(MILL)
        begin = Barrier(8, timeout=20)

        def draft(number: int) -> PurchaseOrder:
            begin.wait()
            return follow(stores, f"po-{number}", kettle="p-1", lamp="p-2")

        with ThreadPoolExecutor(8) as clients:
            drafted = list(clients.map(draft, range(8)))
        assert {order.purchase_order_id for order in drafted} == {drafted[0].purchase_order_id}
        assert len(stores.purchase_orders.page(None, 10)) == 1


class TestScoring:
    def test_due_is_what_is_over_the_longest_over_first(self, stores: SqlStores) -> None:
        book = stores.proposals
        book.keep([told("late", days=3), told("early"), told("ahead", days=9), told("long", stretch_days=90)])
        due = book.due(Micros(NOON + 16 * DAY), 10)
        assert [one.told.proposal_id for one in due] == ["early", "late"]
        assert due[0].told.law == told("early").law
        assert [one.told.proposal_id for one in book.due(Micros(NOON + 16 * DAY), 1)] == ["early"]
        assert book.due(Micros(NOON), 10) == []

    def test_a_score_that_may_change_is_due_again_and_a_final_one_never(self, stores: SqlStores) -> None:
        book = stores.proposals
        book.keep([told("p-1"), told("p-2")])
        book.settle([score("p-1", AGAIN), score("p-2"), score("p-9")])
        assert book.due(Micros(NOON + 13 * DAY), 10) == []
        (due,) = book.due(AGAIN, 10)
        assert (due.told, due.score) == (told("p-1"), score("p-1", AGAIN))
        book.settle([score("p-1", asked_for=13.0)])
        assert book.due(Micros(NOON + 400 * DAY), 10) == []
        found = book.get("p-1")
        assert found is not None
        assert found.score == score("p-1", asked_for=13.0)
        assert found.told == without_law(told("p-1"))


class TestLookingBack:
    def test_decisions_come_oldest_first_and_without_their_laws(self, stores: SqlStores) -> None:
        book = stores.proposals
        book.keep([told("b", days=1), told("c", days=2), told("a", days=1), told("d", days=5)])
        follow(stores, "po-c", kettle="c")
        book.settle([score("a")])
        found = [one for batch in book.decided(Micros(NOON + DAY), Micros(NOON + 5 * DAY)) for one in batch]
        assert [(one.told.proposal_id, one.followed_by) for one in found] == [("a", None), ("b", None), ("c", "po-c")]
        assert [one.told.law for one in found] == [None] * 3
        assert found[0].score == score("a")
        assert list(book.decided(Micros(NOON + 9 * DAY), Micros(NOON + 99 * DAY))) == []

    def test_what_is_long_ago_is_forgotten(self, stores: SqlStores) -> None:
        book = stores.proposals
        book.keep([told("old"), told("new", days=30)])
        assert book.prune(Micros(NOON + 10 * DAY)) == 1
        assert book.get("old") is None
        assert book.get("new") is not None
