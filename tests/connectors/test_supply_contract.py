"""What every Suppliers and PurchaseOrders promises."""

from functools import partial

import msgspec
import pytest

from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.ids import LocationId, Micros, SupplierId, VariantId
from smartshop.data_collection.schemas.stock import MovementReason
from smartshop.data_collection.schemas.supply import (
    PurchaseLine,
    PurchaseOrder,
    PurchaseOrderId,
    PurchaseReceipt,
    PurchaseStatus,
    QuantityBreak,
    ReceivedLine,
    Supplier,
    SupplyTerms,
)
from smartshop.errors import Conflict, NotFound
from tests.connectors.told import NOON, at, in_threads

TENT, STOVE = VariantId("tent-green"), VariantId("stove")
HARBOUR = LocationId("harbour")
NORTH, SOUTH = SupplierId("north"), SupplierId("south")
FIRST = PurchaseOrderId("po-1")
DAY = 86_400


def supplier(supplier_id: SupplierId = NORTH, **told: object) -> Supplier:
    fields: dict[str, object] = {"name": "North Mills", "currency": "GBP", "changed_at": NOON, **told}
    return Supplier(supplier_id=supplier_id, **fields)  # type: ignore[arg-type]


def terms(supplier_id: SupplierId, variant_id: VariantId, cost: int = 400, **told: object) -> SupplyTerms:
    return SupplyTerms(supplier_id=supplier_id, variant_id=variant_id, unit_cost_minor=cost, **told)  # type: ignore[arg-type]


def purchase(name: str = FIRST, tents: int = 10, stoves: int = 4, **told: object) -> PurchaseOrder:
    fields: dict[str, object] = {"created_at": NOON, "supplier_id": NORTH, **told}
    return PurchaseOrder(
        purchase_order_id=PurchaseOrderId(name),
        status=PurchaseStatus.DRAFT,
        currency="GBP",
        lines=(
            PurchaseLine(variant_id=TENT, units=tents, unit_cost_minor=400),
            PurchaseLine(variant_id=STOVE, units=stoves, unit_cost_minor=100),
        ),
        **fields,  # type: ignore[arg-type]
    )


def came(receipt_id: str, seconds: float = 3 * DAY, name: str = FIRST, **units: int) -> PurchaseReceipt:
    lines = tuple(ReceivedLine(VariantId(key.replace("_", "-")), number) for key, number in units.items())
    return PurchaseReceipt(
        purchase_order_id=PurchaseOrderId(name), receipt_id=receipt_id, lines=lines, received_at=at(seconds)
    )


def sent(stores: SqlStores, order: PurchaseOrder | None = None, lead_time_days: float | None = 5) -> PurchaseOrder:
    told = order or purchase()
    stores.suppliers.save(supplier(told.supplier_id, lead_time_days=lead_time_days))
    stores.purchase_orders.draft(told)
    stores.purchase_orders.step(told.purchase_order_id, PurchaseStatus.APPROVED, at(1))
    return stores.purchase_orders.step(told.purchase_order_id, PurchaseStatus.SENT, at(2))


def levels(stores: SqlStores) -> dict[str, int]:
    found = stores.stock.levels([TENT, STOVE])
    return {variant: sum(places.values()) for variant, places in found.items()}


class TestSuppliers:
    def test_a_supplier_is_kept_replaced_and_deleted(self, stores: SqlStores) -> None:
        assert stores.suppliers.save(supplier())
        assert stores.suppliers.save(supplier(SOUTH, lead_time_days=2.5, email="orders@south.example"))
        assert not stores.suppliers.save(supplier(name="North & Sons"))
        assert [one.supplier_id for one in stores.suppliers.all()] == [NORTH, SOUTH]
        found = stores.suppliers.get(NORTH)
        assert found is not None
        assert (found.name, found.lead_time_days) == ("North & Sons", None)
        assert stores.suppliers.delete(NORTH)
        assert not stores.suppliers.delete(NORTH)
        assert stores.suppliers.get(NORTH) is None

    def test_terms_need_their_supplier_and_go_with_it(self, stores: SqlStores) -> None:
        with pytest.raises(NotFound, match="north"):
            stores.suppliers.set_terms([terms(NORTH, TENT)])
        stores.suppliers.save(supplier())
        stores.suppliers.set_terms([terms(NORTH, TENT), terms(NORTH, STOVE)])
        assert stores.suppliers.drop_terms(NORTH, STOVE)
        assert not stores.suppliers.drop_terms(NORTH, STOVE)
        stores.suppliers.delete(NORTH)
        assert stores.suppliers.terms() == []

    def test_terms_come_back_as_told(self, stores: SqlStores) -> None:
        stores.suppliers.save(supplier())
        told = terms(NORTH, TENT, pack_size=6, min_units=12, breaks=(QuantityBreak(24, 350),), preferred=True)
        stores.suppliers.set_terms([told])
        assert stores.suppliers.terms([TENT]) == [told]
        stores.suppliers.set_terms([terms(NORTH, TENT, 500)])
        assert stores.suppliers.terms([TENT]) == [terms(NORTH, TENT, 500)]

    def test_a_variant_has_one_preferred_supplier_the_last_told(self, stores: SqlStores) -> None:
        for name in (NORTH, SOUTH):
            stores.suppliers.save(supplier(name))
        stores.suppliers.set_terms([terms(NORTH, TENT, preferred=True), terms(SOUTH, TENT), terms(NORTH, STOVE)])
        assert [(one.supplier_id, one.preferred) for one in stores.suppliers.terms([TENT])] == [
            (NORTH, True), (SOUTH, False),
        ]  # fmt: skip
        stores.suppliers.set_terms([terms(SOUTH, TENT, preferred=True)])
        assert [(one.supplier_id, one.preferred) for one in stores.suppliers.terms([TENT])] == [
            (SOUTH, True), (NORTH, False),
        ]  # fmt: skip
        both = [terms(NORTH, TENT, preferred=True), terms(SOUTH, TENT, preferred=True)]
        stores.suppliers.set_terms(both)
        assert [one.supplier_id for one in stores.suppliers.terms() if one.preferred] == [SOUTH]

    def test_terms_of_a_supplier_come_in_pages(self, stores: SqlStores) -> None:
        stores.suppliers.save(supplier())
        names = [VariantId(f"v{number}") for number in range(5)]
        stores.suppliers.set_terms([terms(NORTH, name) for name in names])
        first = stores.suppliers.terms(supplier_id=NORTH, limit=3)
        rest = stores.suppliers.terms(supplier_id=NORTH, after=first[-1].variant_id, limit=3)
        assert [one.variant_id for one in (*first, *rest)] == names

    def test_a_supplier_with_an_open_order_stays(self, stores: SqlStores) -> None:
        """As long as anything of it may come: drafted, approved, sent, and received in parts."""
        stores.suppliers.save(supplier())
        orders = stores.purchase_orders
        orders.draft(purchase())
        for step in (
            lambda: orders.step(FIRST, PurchaseStatus.APPROVED, at(1)),
            lambda: orders.step(FIRST, PurchaseStatus.SENT, at(2)),
            lambda: orders.receive(came("part", tent_green=3), at(3 * DAY)),
        ):
            with pytest.raises(Conflict, match="'po-1' of the supplier 'north' is still open; receive or cancel"):
                stores.suppliers.delete(NORTH)
            step()
        with pytest.raises(Conflict, match="po-1"):
            stores.suppliers.delete(NORTH)
        orders.receive(came("rest"), at(3 * DAY))
        assert stores.suppliers.delete(NORTH)
        assert stores.purchase_orders.get(FIRST) is not None


class TestSteps:
    def test_an_order_is_drafted_approved_sent_and_received(self, stores: SqlStores) -> None:
        after = sent(stores)
        assert (after.status, after.approved_at, after.sent_at) == (PurchaseStatus.SENT, at(1), at(2))
        assert after.expected_at == at(2 + 5 * DAY)
        received = stores.purchase_orders.receive(came("r"), at(3 * DAY))
        assert received.order == stores.purchase_orders.get(FIRST)
        assert (received.order.status, received.order.received_at) == (PurchaseStatus.RECEIVED, at(3 * DAY))
        assert levels(stores) == {TENT: 10, STOVE: 4}

    def test_every_step_is_harmless_to_repeat(self, stores: SqlStores) -> None:
        first = sent(stores)
        assert stores.purchase_orders.step(FIRST, PurchaseStatus.SENT, at(99)) == first
        assert stores.purchase_orders.draft(purchase()) == first
        with pytest.raises(Conflict, match="other content"):
            stores.purchase_orders.draft(purchase(tents=11))
        cancelled = stores.purchase_orders.step(FIRST, PurchaseStatus.CANCELLED, at(100))
        assert stores.purchase_orders.step(FIRST, PurchaseStatus.CANCELLED, at(200)) == cancelled

    def test_what_does_not_follow_is_refused_in_words(self, stores: SqlStores) -> None:
        orders = stores.purchase_orders
        with pytest.raises(NotFound, match="north"):
            orders.draft(purchase())
        with pytest.raises(NotFound, match="po-1"):
            orders.step(FIRST, PurchaseStatus.APPROVED, NOON)
        stores.suppliers.save(supplier())
        orders.draft(purchase())
        with pytest.raises(Conflict, match="is draft; only an approved one can be sent"):
            orders.step(FIRST, PurchaseStatus.SENT, NOON)
        with pytest.raises(Conflict, match="is draft; send it before"):
            orders.receive(came("r"), NOON)
        with pytest.raises(Conflict, match="not made 'received'"):
            orders.step(FIRST, PurchaseStatus.RECEIVED, NOON)
        orders.step(FIRST, PurchaseStatus.CANCELLED, NOON)
        with pytest.raises(Conflict, match="is cancelled; only a draft can be approved"):
            orders.step(FIRST, PurchaseStatus.APPROVED, NOON)
        with pytest.raises(Conflict, match="is cancelled; book what came"):
            orders.receive(came("r"), NOON)

    def test_a_whole_order_cannot_be_cancelled_and_a_partial_one_keeps_what_came(self, stores: SqlStores) -> None:
        sent(stores)
        stores.purchase_orders.receive(came("r1", tent_green=4), at(3 * DAY))
        cancelled = stores.purchase_orders.step(FIRST, PurchaseStatus.CANCELLED, at(4 * DAY))
        assert [line.received for line in cancelled.lines] == [4, 0]
        assert stores.purchase_orders.incoming() == []
        assert levels(stores) == {TENT: 4}
        sent(stores, purchase("po-2"))
        stores.purchase_orders.receive(came("r", name="po-2"), at(3 * DAY))
        with pytest.raises(Conflict, match="nothing of it is left"):
            stores.purchase_orders.step(PurchaseOrderId("po-2"), PurchaseStatus.CANCELLED, at(4 * DAY))

    def test_expected_is_what_was_said_else_the_lead_time_else_unknown(self, stores: SqlStores) -> None:
        assert sent(stores, purchase("a", expected_at=at(DAY))).expected_at == at(DAY)
        assert sent(stores, purchase("b"), lead_time_days=None).expected_at is None
        later = stores.purchase_orders.step(PurchaseOrderId("b"), PurchaseStatus.SENT, at(9), at(7 * DAY))
        assert (later.expected_at, later.sent_at) == (at(7 * DAY), at(2))

    def test_a_clock_set_back_does_not_send_before_approving(self, stores: SqlStores) -> None:
        stores.suppliers.save(supplier())
        stores.purchase_orders.draft(purchase())
        stores.purchase_orders.step(FIRST, PurchaseStatus.APPROVED, at(500))
        assert stores.purchase_orders.step(FIRST, PurchaseStatus.SENT, at(-500)).sent_at == at(500)


class TestReceive:
    def test_goods_may_come_in_parts(self, stores: SqlStores) -> None:
        sent(stores, purchase(location_id=HARBOUR))
        first = stores.purchase_orders.receive(came("r1", 3 * DAY, tent_green=6, stove=4), at(3 * DAY)).order
        assert (first.status, [line.open_units for line in first.lines]) == (PurchaseStatus.PARTLY_RECEIVED, [4, 0])
        last = stores.purchase_orders.receive(came("r2", 4 * DAY, tent_green=4), at(4 * DAY)).order
        assert last.status is PurchaseStatus.RECEIVED
        assert stores.stock.levels([TENT, STOVE]) == {TENT: {HARBOUR: 10}, STOVE: {HARBOUR: 4}}
        movements = stores.stock.movements(TENT)
        assert {(one.quantity, one.reason, one.reference) for one in movements} == {
            (6, MovementReason.RECEIPT, FIRST), (4, MovementReason.RECEIPT, FIRST),
        }  # fmt: skip

    def test_the_same_receipt_again_moves_nothing(self, stores: SqlStores) -> None:
        sent(stores)
        first = stores.purchase_orders.receive(came("r1", tent_green=6), at(3 * DAY))
        for again in (came("r1", tent_green=6), came("r1"), came("r1", 9 * DAY, tent_green=6)):
            told = stores.purchase_orders.receive(again, at(9 * DAY))
            assert (told.is_new, told.order, told.receipt) == (False, first.order, first.receipt)
        with pytest.raises(Conflict, match="other goods"):
            stores.purchase_orders.receive(came("r1", tent_green=7), at(9 * DAY))
        assert levels(stores) == {TENT: 6}

    def test_more_than_was_ordered_is_booked_and_told(self, stores: SqlStores) -> None:
        sent(stores)
        over = stores.purchase_orders.receive(came("r1", tent_green=12, stove=4), at(3 * DAY)).order
        assert over.status is PurchaseStatus.RECEIVED
        assert [line.surplus for line in over.lines] == [2, 0]
        second = stores.purchase_orders.receive(came("r2", stove=1), at(4 * DAY)).order
        assert [line.surplus for line in second.lines] == [2, 1]
        assert levels(stores) == {TENT: 12, STOVE: 5}
        with pytest.raises(Conflict, match="Nothing of the purchase order 'po-1' is open"):
            stores.purchase_orders.receive(came("r3"), at(4 * DAY))

    def test_what_was_not_ordered_is_refused_whole(self, stores: SqlStores) -> None:
        sent(stores)
        with pytest.raises(Conflict, match="'lamp' is not on the purchase order"):
            stores.purchase_orders.receive(came("r1", tent_green=1, lamp=1), at(3 * DAY))
        assert levels(stores) == {}

    def test_a_variant_named_twice_is_one_line(self, stores: SqlStores) -> None:
        sent(stores)
        twice = msgspec.structs.replace(came("r1"), lines=(ReceivedLine(TENT, 2), ReceivedLine(TENT, 3)))
        told = stores.purchase_orders.receive(twice, at(3 * DAY))
        assert told.receipt.lines == (ReceivedLine(TENT, 5),)
        assert levels(stores) == {TENT: 5}

    def test_goods_cannot_come_before_they_were_ordered_but_clocks_may_differ_a_little(self, stores: SqlStores) -> None:
        sent(stores)
        with pytest.raises(Conflict, match="it was sent at"):
            stores.purchase_orders.receive(came("r1", -DAY), NOON)
        assert stores.purchase_orders.receive(came("r1", -60), NOON).receipt.received_at == at(2)

    def test_one_receipt_from_many_clients_is_booked_once(self, stores: SqlStores) -> None:
        sent(stores)
        work = [partial(stores.purchase_orders.receive, came("r1", tent_green=6), at(3 * DAY)) for _ in range(8)]
        assert [told.is_new for told in in_threads(work)].count(True) == 1
        assert levels(stores) == {TENT: 6}

    def test_receipts_at_once_all_count(self, stores: SqlStores) -> None:
        sent(stores)
        work = [
            partial(stores.purchase_orders.receive, came(f"r{number}", tent_green=1), at(3 * DAY))
            for number in range(8)
        ]
        in_threads(work)
        found = stores.purchase_orders.get(FIRST)
        assert found is not None
        assert found.lines[0].received == levels(stores)[TENT] == 8


class TestReading:
    def test_incoming_units_are_one_question_with_their_dates(self, stores: SqlStores) -> None:
        sent(stores, purchase("late", location_id=HARBOUR), lead_time_days=9)
        sent(stores, purchase("soon", stoves=1), lead_time_days=1)
        stores.suppliers.save(supplier(lead_time_days=None))
        stores.purchase_orders.draft(purchase("approved", stoves=1))
        stores.purchase_orders.step(PurchaseOrderId("approved"), PurchaseStatus.APPROVED, at(5))
        stores.purchase_orders.draft(purchase("draft"))
        stores.purchase_orders.receive(came("r", name="soon", tent_green=3, stove=1), at(DAY))
        found = stores.purchase_orders.incoming([TENT, VariantId("unknown")])
        assert [(one.purchase_order_id, one.units, one.location_id, one.expected_at) for one in found] == [
            ("soon", 7, "main", at(2 + DAY)), ("late", 10, HARBOUR, at(2 + 9 * DAY)), ("approved", 10, "main", None),
        ]  # fmt: skip
        assert [one.sent_at for one in found] == [at(2), at(2), None]
        stoves = [one for one in stores.purchase_orders.incoming() if one.variant_id == STOVE]
        assert [(one.purchase_order_id, one.units) for one in stoves] == [("late", 4), ("approved", 1)]

    def test_deliveries_tell_what_lead_times_are_learned_from(self, stores: SqlStores) -> None:
        sent(stores)
        sent(stores, purchase("po-2", supplier_id=SOUTH))
        stores.purchase_orders.receive(came("r1", 3 * DAY, tent_green=6), at(3 * DAY))
        stores.purchase_orders.receive(came("r2", 5 * DAY), at(5 * DAY))
        stores.purchase_orders.receive(came("r1", 4 * DAY, "po-2"), at(4 * DAY))
        all_of_them = stores.purchase_orders.deliveries(Micros(0))
        assert [(one.supplier_id, one.received_at - one.sent_at) for one in all_of_them] == [
            (NORTH, at(3 * DAY) - at(2)), (SOUTH, at(4 * DAY) - at(2)), (NORTH, at(5 * DAY) - at(2)),
        ]  # fmt: skip
        assert [one.units_ordered for one in all_of_them] == [14, 14, 14]
        assert all_of_them[0].lines == (ReceivedLine(TENT, 6),)
        assert [one.received_at for one in stores.purchase_orders.deliveries(at(4 * DAY), NORTH)] == [at(5 * DAY)]

    def test_orders_come_in_pages_newest_first(self, stores: SqlStores) -> None:
        for name in (NORTH, SOUTH):
            stores.suppliers.save(supplier(name))
        for number in range(5):
            told = purchase(f"po-{number}", created_at=at(number // 2), supplier_id=(NORTH, SOUTH)[number % 2])
            stores.purchase_orders.draft(told)
        first = stores.purchase_orders.page(None, 3)
        rest = stores.purchase_orders.page((first[-1].created_at, first[-1].purchase_order_id), 3)
        assert [one.purchase_order_id for one in (*first, *rest)] == ["po-4", "po-3", "po-2", "po-1", "po-0"]
        stores.purchase_orders.step(PurchaseOrderId("po-1"), PurchaseStatus.APPROVED, NOON)
        drafts = stores.purchase_orders.page(None, 9, PurchaseStatus.DRAFT, SOUTH)
        assert [one.purchase_order_id for one in drafts] == ["po-3"]
