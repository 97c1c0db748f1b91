"""Orders that are called off: the money, the shelf, and what is told to whom it is refused."""

from zoneinfo import ZoneInfo

from httpx2 import Response

from smartshop.data_collection.pipelines.demand_arrays import line_table
from smartshop.data_collection.pipelines.demand_rows import DemandRows
from smartshop.data_collection.schemas.ids import ProductId, ProductNo
from tests.api.shop_for_tests import PUBLISHABLE, SECRET, Opened

CANCEL = "/v1/orders/{}/cancel"


def placed(service: Opened, order_id: str, product_id: str, units: int = 2, **told: object) -> None:
    lines = [{"product_id": product_id, "quantity": units, "unit_price_minor": 900}]
    body = {"order_id": order_id, "customer_id": "canceller", "lines": lines, **told}
    assert service.client.post("/v1/orders", json=body, headers=SECRET).status_code == 201


def cancel(service: Opened, order_id: str, **body: object) -> Response:
    return service.client.post(CANCEL.format(order_id), json=body, headers=SECRET)


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
