"""Orders that are called off: the money, the shelf, and what is told to whom it is refused."""

from functools import partial
from zoneinfo import ZoneInfo

import msgspec
from httpx2 import Response

from smartshop.data_collection.connectors.ports import LogEntry
from smartshop.data_collection.pipelines.demand_arrays import line_table
from smartshop.data_collection.pipelines.demand_rows import DemandRows
from smartshop.data_collection.schemas.events import EventKind, Trust
from smartshop.data_collection.schemas.ids import Micros, OrderId, ProductId, ProductNo
from smartshop.data_collection.schemas.orders import Refund, called_off_event
from tests.api.shop_for_tests import PUBLISHABLE, SECRET, Opened
from tests.connectors.told import event, in_threads

CANCEL = "/v1/orders/{}/cancel"


def placed(service: Opened, order_id: str, product_id: str, units: int = 2, **told: object) -> None:
    lines = [{"product_id": product_id, "quantity": units, "unit_price_minor": 900}]
    body = {"order_id": order_id, "customer_id": "canceller", "lines": lines, **told}
    assert service.client.post("/v1/orders", json=body, headers=SECRET).status_code == 201


def cancel(service: Opened, order_id: str, **body: object) -> Response:
    return service.client.post(CANCEL.format(order_id), json=body, headers=SECRET)


def refunded(service: Opened, order_id: str) -> list[int]:
    return [one.amount_minor for one in service.shop.orders.refunds() if one.order_id == order_id]


def available(service: Opened, product_id: str) -> int:
    product = service.client.get(f"/v1/products/{product_id}", headers=SECRET).json()
    units: int = product["variants"][0]["available"]
    return units


def test_an_order_called_off_is_refunded_and_its_units_are_for_sale_again_once(service: Opened) -> None:
    before = available(service, "tents-1")
    placed(service, "c-1", "tents-1")
    assert available(service, "tents-1") == before - 2
    first = cancel(service, "c-1")
    assert (first.status_code, first.json()) == (
        200,
        {
            "order_id": "c-1",
            "lines": [{"line_id": "0", "product_id": "tents-1", "variant_id": "tents-1", "quantity": 2}],
            "refunded_minor": 1800,
            "currency": "GBP",
            "restocked": [{"variant_id": "tents-1", "location_id": "main", "units": 2}],
            "is_new": True,
        },
    )
    again = cancel(service, "c-1")
    assert again.json() == first.json() | {"is_new": False}
    assert available(service, "tents-1") == before
    refunds = [one for one in service.shop.orders.refunds() if one.order_id == "c-1"]
    assert [(one.amount_minor, one.currency, one.customer_id) for one in refunds] == [(1800, "GBP", "canceller")]


def test_parts_are_called_off_by_name_and_never_more_than_was_ordered(service: Opened) -> None:
    before = available(service, "tents-2")
    placed(service, "c-2", "tents-2", 3)
    part = {"lines": [{"line_id": "0", "quantity": 2}], "cancellation_id": "first"}
    assert [cancel(service, "c-2", **part).json()["is_new"] for _ in range(2)] == [True, False]
    assert available(service, "tents-2") == before - 1
    rest = cancel(service, "c-2").json()
    assert rest["restocked"] == [{"variant_id": "tents-2", "location_id": "main", "units": 1}]
    assert available(service, "tents-2") == before
    other = cancel(service, "c-2", lines=[{"line_id": "0"}], cancellation_id="first")
    assert (other.status_code, other.json()["code"]) == (409, "cancellation_conflict")


def test_an_order_says_how_far_it_was_called_off(service: Opened) -> None:
    placed(service, "c-6", "tents-8", 3, customer_id="looker")

    def told() -> tuple[str, list[str]]:
        one = service.client.get("/v1/orders/c-6", headers=SECRET).json()
        page = service.client.get("/v1/orders", params={"customer_id": "looker"}, headers=SECRET).json()
        return one["status"], [item["status"] for item in page["items"]]

    assert told() == ("placed", ["placed"])
    cancel(service, "c-6", lines=[{"line_id": "0", "quantity": 2}])
    assert told() == ("partly_cancelled", ["partly_cancelled"])
    cancel(service, "c-6")
    assert told() == ("cancelled", ["cancelled"])
    lines = [{"product_id": "tents-8", "quantity": 3, "unit_price_minor": 900}]
    again = {"order_id": "c-6", "customer_id": "looker", "lines": lines}
    answer = service.client.post("/v1/orders", json=again, headers=SECRET)
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled"), "it does not come to life again"


def test_what_is_written_off_stays_away(service: Opened) -> None:
    before = available(service, "tents-3")
    placed(service, "c-3", "tents-3")
    assert cancel(service, "c-3", lines=[{"line_id": "0", "quantity": 1}], restock=False).json()["restocked"] == []
    assert cancel(service, "c-3").json()["restocked"][0]["units"] == 1
    assert available(service, "tents-3") == before - 1


def test_what_is_called_off_on_its_day_was_never_wanted_and_later_it_was(service: Opened) -> None:
    product = service.shop.shelves.shelf.product_ids[service.shop.shelves.shelf.number_of[ProductId("stoves-1")]]

    def wanted() -> int:
        rows = DemandRows(number_of={product: ProductNo(0)}, currency="GBP")
        for batch in service.shop.orders.scan():
            for order in batch:
                rows.add_order(order)
        for refund in service.shop.orders.refunds():
            rows.add_refund(refund)
        return int(line_table(rows, ZoneInfo("UTC")).units.sum())

    for number, day in enumerate(("2026-03-02", "2026-03-03")):
        placed(service, f"c-d{number}", "stoves-1", ordered_at="2026-03-02T09:00:00Z")
        answer = cancel(service, f"c-d{number}", cancelled_at=f"{day}T10:00:00Z")
        assert answer.status_code == 200, answer.text
    assert wanted() == 2


def test_what_makes_no_sense_is_told(service: Opened) -> None:
    placed(service, "c-4", "tents-4")
    refused = [
        (cancel(service, "nothing"), 404, "not_found"),
        (cancel(service, "c-4", lines=[{"line_id": "7"}]), 409, "not_ordered"),
        (cancel(service, "c-4", lines=[{"line_id": "0", "quantity": 3}]), 409, "not_ordered"),
        (cancel(service, "c-4", lines=[{"line_id": "0"}, {"line_id": "0"}]), 409, "line_named_twice"),
        (cancel(service, "c-4", cancelled_at="2004-01-01T00:00:00Z"), 409, "not_ordered"),
        (cancel(service, "c-4", lines=[]), 422, "invalid_value"),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer, _, _ in refused] == [one[1:] for one in refused]
    assert refused[1][0].json()["detail"] == "Order 'c-4' has no line '7'; it has 0."


def test_a_shopper_cannot_call_an_order_off(service: Opened) -> None:
    placed(service, "c-5", "tents-5")
    own = service.token(customer_id="canceller")
    assert service.client.post(CANCEL.format("c-5"), json={}, headers=own).status_code == 403


def test_an_order_that_a_browser_only_claimed_is_none(service: Opened) -> None:
    bought = [{"product_id": "tents-6"}]
    event = {"kind": "order_completed", "order_id": "claimed-1", "anonymous_id": "b-1", "products": bought}
    sent = service.client.post("/v1/events", json={"events": [event]}, headers=PUBLISHABLE)
    assert sent.json()["accepted"] == 1
    answer = cancel(service, "claimed-1")
    assert (answer.status_code, answer.json()["code"]) == (409, "only_claimed")


def test_the_order_of_who_was_erased_can_still_be_called_off(service: Opened) -> None:
    before = available(service, "tents-7")
    placed(service, "c-7", "tents-7", customer_id="leaving-soon")
    assert service.client.delete("/v1/customers/leaving-soon", headers=SECRET).status_code == 200
    assert cancel(service, "c-7").json()["is_new"]
    assert available(service, "tents-7") == before
    assert [one.customer_id for one in service.shop.orders.refunds() if one.order_id == "c-7"] == [None]


def test_no_more_is_refunded_than_was_ordered(service: Opened) -> None:
    before = available(service, "tents-9")
    placed(service, "c-8", "tents-9", 3)
    told = [
        cancel(service, "c-8", **body).json()
        for body in ({"lines": [{"line_id": "0", "quantity": 2}]}, {}, {"cancellation_id": "whole-again"}, {})
    ]
    assert [(one["refunded_minor"], one["is_new"]) for one in told] == [
        (1800, True),
        (900, True),
        (0, False),
        (900, False),
    ]
    assert [one["quantity"] for one in told[1]["lines"]] == [1]
    assert (told[2]["lines"], told[2]["restocked"]) == ([], [])
    assert refunded(service, "c-8") == [1800, 900]
    assert available(service, "tents-9") == before


def test_a_line_called_off_again_without_a_name_has_nothing_left(service: Opened) -> None:
    placed(service, "c-9", "tents-10", 2)
    told = [cancel(service, "c-9", lines=[{"line_id": "0"}]).json() for _ in range(3)]
    assert [(one["refunded_minor"], one["is_new"]) for one in told] == [(1800, True), (0, False), (0, False)]
    more = cancel(service, "c-9", lines=[{"line_id": "0", "quantity": 1}])
    assert (more.status_code, more.json()["code"], more.json()["detail"]) == (
        409,
        "not_ordered",
        "Line '0' of order 'c-9' has 2 units, 2 of them called off before; 1 cannot be called off.",
    )
    assert refunded(service, "c-9") == [1800]


def test_money_given_back_before_is_not_given_back_again(service: Opened) -> None:
    before = available(service, "tents-11")
    placed(service, "c-10", "tents-11", 2)
    refund = {"kind": "order_refunded", "order_id": "c-10", "customer_id": "canceller", "amount_minor": 1500}
    sent = service.client.post("/v1/events", json={"events": [{**refund, "currency": "GBP"}]}, headers=SECRET)
    assert sent.json()["accepted"] == 1
    told = cancel(service, "c-10").json()
    assert (told["refunded_minor"], told["lines"][0]["quantity"]) == (300, 2)
    assert sorted(refunded(service, "c-10")) == [300, 1500]
    assert available(service, "tents-11") == before


def test_a_discount_is_not_given_back(service: Opened) -> None:
    placed(service, "c-11", "tents-12", 2, discount_minor=800)
    part = cancel(service, "c-11", lines=[{"line_id": "0", "quantity": 1}]).json()
    assert (part["refunded_minor"], cancel(service, "c-11").json()["refunded_minor"]) == (500, 500)
    assert refunded(service, "c-11") == [500, 500]


def test_the_same_again_answers_as_at_first_whoever_forgot_what(service: Opened) -> None:
    """After the customer was erased, after the keys of events were forgotten, and without the time told at first."""
    before = available(service, "tents-13")
    placed(service, "c-12", "tents-13", 2, customer_id="leaving-later", ordered_at="2026-03-02T09:00:00Z")
    first = cancel(service, "c-12", cancelled_at="2026-03-02T10:00:00Z")
    assert first.json()["is_new"], first.text
    assert service.shop.log.prune(Micros(service.shop.clock.now() + 1)) > 0
    assert cancel(service, "c-12").json() == first.json() | {"is_new": False}
    assert service.client.delete("/v1/customers/leaving-later", headers=SECRET).status_code == 200
    assert cancel(service, "c-12").json() == first.json() | {"is_new": False}
    assert refunded(service, "c-12") == [1800]
    assert available(service, "tents-13") == before
    assert service.client.get("/v1/orders/c-12", headers=SECRET).json()["status"] == "cancelled"


def test_a_whole_order_is_not_called_off_again_in_another_way(service: Opened) -> None:
    placed(service, "c-13", "tents-13")
    assert cancel(service, "c-13").json()["is_new"]
    other = cancel(service, "c-13", restock=False)
    assert (other.status_code, other.json()["code"], other.json()["detail"]) == (
        409,
        "cancellation_conflict",
        "Order 'c-13' was called off before with another word on restock; what it gave back stays.",
    )


def test_what_an_earlier_release_called_off_is_known_by_its_lines(service: Opened) -> None:
    placed(service, "c-15", "tents-13", 3)
    order = service.shop.orders.get(OrderId("c-15"))
    assert order is not None
    name = called_off_event(order.order_id, "part")
    part = (msgspec.structs.replace(order.lines[0], quantity=1),)
    refund = Refund(
        event_id=name, order_id=order.order_id, amount_minor=900, currency="GBP", refunded_at=order.ordered_at,
        trust=Trust.SERVER, lines=part, customer_id=order.customer_id,
    )  # fmt: skip
    said = event(name, kind=EventKind.ORDER_REFUNDED, customer_id="canceller", trust=Trust.SERVER)
    service.shop.log.append([[LogEntry(event=said, refund=refund)]])
    again = cancel(service, "c-15", lines=[{"line_id": "0", "quantity": 1}], cancellation_id="part")
    assert (again.json()["refunded_minor"], again.json()["is_new"]) == (900, False)
    other = cancel(service, "c-15", lines=[{"line_id": "0", "quantity": 2}], cancellation_id="part")
    assert (other.status_code, other.json()["code"]) == (409, "cancellation_conflict")
    assert cancel(service, "c-15").json()["refunded_minor"] == 1800
    assert sorted(refunded(service, "c-15")) == [900, 1800]


def test_of_many_who_call_an_order_off_at_once_all_of_it_is_refunded_once(service: Opened) -> None:
    before = available(service, "tents-12")
    placed(service, "c-14", "tents-12", 4, discount_minor=101)
    bodies: list[dict[str, object]] = [{}, {}, {"cancellation_id": "all"}]
    bodies += [{"lines": [{"line_id": "0", "quantity": 1}]} for _ in range(5)]
    answers = in_threads([partial(cancel, service, "c-14", **body) for body in bodies])
    assert {answer.status_code for answer in answers} <= {200, 409}
    new = [answer.json() for answer in answers if answer.status_code == 200 and answer.json()["is_new"]]
    assert sum(one["refunded_minor"] for one in new) == sum(refunded(service, "c-14")) == 3600 - 101
    assert sum(line["quantity"] for one in new for line in one["lines"]) == 4
    assert available(service, "tents-12") == before
