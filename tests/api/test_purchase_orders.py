"""Suppliers, their terms and orders to them over HTTP, from the draft to the goods on the shelf."""

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from httpx2 import Response

from smartshop.backend_api.services.purchase_documents import documents_of
from smartshop.data_collection.pipelines.clock import DAY, format_rfc3339
from smartshop.data_collection.schemas.ids import LocationId, Micros, SupplierId, VariantId
from smartshop.data_collection.schemas.supply import PurchaseLine, PurchaseOrder, PurchaseOrderId, PurchaseStatus
from tests.api.shop_for_tests import SECRET, Opened


def ask(service: Opened, method: str, path: str, body: dict[str, Any] | None = None, **query: Any) -> Response:  # noqa: ANN401
    return service.client.request(method, path, json=body, params=query, headers=SECRET)


@pytest.fixture(scope="module", autouse=True)
def north(service: Opened) -> None:
    """A supplier of tents with terms for three of them."""
    told = {
        "name": "North Mills", "email": "orders@north.example", "lead_time_days": 5, "fixed_cost_minor": 500,
        "min_order_minor": 5_000,
    }  # fmt: skip
    assert ask(service, "PUT", "/v1/suppliers/north", told).status_code == 201
    terms = [
        {"variant_id": "tents-1", "unit_cost_minor": 600, "pack_size": 6, "min_units": 6, "preferred": True,
         "breaks": [{"from_units": 24, "unit_cost_minor": 550}]},
        {"variant_id": "tents-2", "unit_cost_minor": 700},
        {"variant_id": "tents-3", "unit_cost_minor": 800},
    ]  # fmt: skip
    assert ask(service, "POST", "/v1/suppliers/north/terms", {"terms": terms}).json() == {"stored": 3}


def drafted(service: Opened, name: str, **units: int) -> Response:
    lines = [{"variant_id": variant.replace("_", "-"), "units": number} for variant, number in units.items()]
    body = {"purchase_order_id": name, "supplier_id": "north", "lines": lines}
    return ask(service, "POST", "/v1/purchase-orders", body)


def sent(service: Opened, name: str, **units: int) -> dict[str, Any]:
    assert drafted(service, name, **units).status_code == 201
    assert ask(service, "POST", f"/v1/purchase-orders/{name}/approve").status_code == 200
    answer = ask(service, "POST", f"/v1/purchase-orders/{name}/send", {})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def level(service: Opened, variant_id: str) -> int:
    return sum(service.shop.stock.levels([VariantId(variant_id)])[VariantId(variant_id)].values())


def test_a_supplier_and_its_terms_are_told_read_and_forgotten(service: Opened) -> None:
    told = {"name": "  South & Sons ", "review_days": 14}
    created = ask(service, "PUT", "/v1/suppliers/south", told)
    assert (created.status_code, created.json()["name"], created.json()["currency"]) == (201, "South & Sons", "GBP")
    assert created.json()["lead_time_days"] is None
    assert ask(service, "PUT", "/v1/suppliers/south", told).status_code == 200
    names = [supplier["supplier_id"] for supplier in ask(service, "GET", "/v1/suppliers").json()["items"]]
    assert names == ["north", "south"]
    page = ask(service, "GET", "/v1/suppliers/north/terms", limit=2).json()
    assert [terms["variant_id"] for terms in page["items"]] == ["tents-1", "tents-2"]
    rest = ask(service, "GET", "/v1/suppliers/north/terms", limit=2, cursor=page["next_cursor"]).json()
    assert ([terms["variant_id"] for terms in rest["items"]], rest["next_cursor"]) == (["tents-3"], None)
    terms = {"terms": [{"variant_id": "tents-9", "unit_cost_minor": 1}]}
    assert ask(service, "POST", "/v1/suppliers/south/terms", terms).status_code == 200
    for status in (204, 404):
        assert ask(service, "DELETE", "/v1/suppliers/south/terms/tents-9").status_code == status
    for status in (204, 404):
        assert ask(service, "DELETE", "/v1/suppliers/south").status_code == status
    assert ask(service, "GET", "/v1/suppliers/south").status_code == 404


def test_what_of_a_supplier_cannot_be_is_said_in_words(service: Opened) -> None:
    def refused(method: str, path: str, body: dict[str, Any]) -> tuple[str, str]:
        answer = ask(service, method, path, body)
        assert answer.status_code == 409, answer.text
        return answer.json()["code"], answer.json()["detail"]

    code, said = refused("PUT", "/v1/suppliers/west", {"name": "West", "currency": "USD"})
    assert code == "currency_mismatch"
    assert said.startswith("The supplier 'west' bills in USD, and the shop counts in GBP; amounts are never converted")
    assert refused("PUT", "/v1/suppliers/west", {"name": "   "})[0] == "senseless_terms"
    path = "/v1/suppliers/north/terms"
    unknown = {"terms": [{"variant_id": "unheard-of", "unit_cost_minor": 1}]}
    assert refused("POST", path, unknown)[0] == "unknown_variant"
    rising = {"variant_id": "tents-1", "unit_cost_minor": 600, "breaks": [{"from_units": 10, "unit_cost_minor": 650}]}
    assert "each break has to begin at more units and cost less" in refused("POST", path, {"terms": [rising]})[1]
    for field, value in (("pack_size", 0), ("min_units", -1), ("unit_cost_minor", -5)):
        body = {"terms": [{"variant_id": "tents-1", "unit_cost_minor": 1, field: value}]}
        assert ask(service, "POST", path, body).status_code == 422
    assert ask(service, "PUT", "/v1/suppliers/west", {"name": "West", "email": "a@b.c\nBcc: d@e.f"}).status_code == 422


def test_an_order_is_priced_by_the_terms_and_the_unusual_is_told(service: Opened) -> None:
    told = drafted(service, "po-priced", tents_1=25, tents_2=2).json()
    assert [(line["variant_id"], line["unit_cost_minor"]) for line in told["lines"]] == [
        ("tents-1", 550), ("tents-2", 700),
    ]  # fmt: skip
    assert told["total_minor"] == 25 * 550 + 2 * 700 + 500
    assert told["warnings"] == ["25 of 'tents-1' are no whole packs of 6; 30 would be."]
    small = drafted(service, "po-small", tents_1=3).json()["warnings"]
    assert len(small) == 3
    assert small[0] == "3 of 'tents-1' are fewer than the 6 sold at once."
    assert small[2].startswith("The goods come to 1800 minor units; North Mills takes orders from 5000 on")


def test_a_draft_told_twice_is_one_even_after_a_price_change(service: Opened) -> None:
    first = drafted(service, "po-twice", tents_3=4)
    ask(service, "POST", "/v1/suppliers/north/terms", {"terms": [{"variant_id": "tents-3", "unit_cost_minor": 999}]})
    again = drafted(service, "po-twice", tents_3=4)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["lines"] == first.json()["lines"]
    assert drafted(service, "po-twice", tents_3=5).status_code == 409
    ask(service, "POST", "/v1/suppliers/north/terms", {"terms": [{"variant_id": "tents-3", "unit_cost_minor": 800}]})


def test_what_cannot_be_ordered_is_said_in_words(service: Opened) -> None:
    def refused(**told: Any) -> tuple[str, str]:  # noqa: ANN401  any field of an order
        body = {"supplier_id": "north", "lines": [{"variant_id": "tents-1", "units": 6}], **told}
        answer = ask(service, "POST", "/v1/purchase-orders", body)
        assert answer.status_code == 409, answer.text
        return answer.json()["code"], answer.json()["detail"]

    def line(**told: Any) -> list[dict[str, Any]]:  # noqa: ANN401  any field of a line
        return [{"variant_id": "tents-1", "units": 6, **told}]

    now = service.shop.clock.now()
    assert refused(supplier_id="nobody")[0] == "unknown_supplier"
    assert refused(lines=line(variant_id="unheard-of"))[0] == "unknown_variant"
    assert "no terms for 'stoves-1'; send its unit_cost_minor" in refused(lines=line(variant_id="stoves-1"))[1]
    assert "names a variant twice" in refused(lines=[*line(), *line()])[1]
    assert "cannot be expected at" in refused(expected_at=format_rfc3339(now - 3 * DAY))[1]
    assert "cannot be expected at" in refused(expected_at="2999-01-01T00:00:00Z")[1]
    assert "split it" in refused(lines=line(units=1_000_000, unit_cost_minor=10**15))[1]
    for units in (0, -6):
        body = {"supplier_id": "north", "lines": line(units=units)}
        assert ask(service, "POST", "/v1/purchase-orders", body).status_code == 422


def test_an_order_goes_out_as_a_table_and_a_letter_with_the_date_of_the_lead_time(service: Opened) -> None:
    told = sent(service, "po-out", tents_1=6, tents_2=3)
    order, documents = told["purchase_order"], told["documents"]
    assert order["status"] == "sent"
    wait = datetime.fromisoformat(order["expected_at"]) - datetime.fromisoformat(order["sent_at"])
    assert wait == timedelta(days=5)
    rows = list(csv.DictReader(io.StringIO(documents["csv"])))
    assert [(row["variant_id"], row["title"], row["units"], row["unit_cost"], row["line_total"]) for row in rows] == [
        ("tents-1", "Tarn tent 1", "6", "6.00", "36.00"), ("tents-2", "Tarn tent 2", "3", "7.00", "21.00"),
    ]  # fmt: skip
    letter = documents["letter"]
    assert (letter["to"], letter["subject"]) == ("orders@north.example", "Purchase order po-out of Test shop")
    assert "1. 6 × Tarn tent 1 (tents-1) at 6.00 = 36.00 GBP" in letter["body"]
    assert "Total: 62.00 GBP" in letter["body"]
    again = ask(service, "POST", "/v1/purchase-orders/po-out/send", {}).json()
    assert again == told
    assert ask(service, "GET", "/v1/purchase-orders/po-out/documents").json() == documents
    later = format_rfc3339(service.shop.clock.now() + 9 * DAY)
    moved = ask(service, "POST", "/v1/purchase-orders/po-out/send", {"expected_at": later}).json()["purchase_order"]
    assert (moved["expected_at"], moved["sent_at"]) == (later, order["sent_at"])


def test_goods_come_in_parts_and_their_stock_with_them(service: Opened) -> None:
    before = level(service, "tents-1")
    sent(service, "po-parts", tents_1=12, tents_2=2)
    path = "/v1/purchase-orders/po-parts/receive"
    some = {"receipt_id": "note-1", "lines": [{"variant_id": "tents-1", "units": 5}]}
    first = ask(service, "POST", path, some).json()
    assert (first["booked"], first["surplus"], first["purchase_order"]["status"]) == (True, [], "partly_received")
    again = ask(service, "POST", path, some).json()
    assert (again["booked"], again["purchase_order"]) == (False, first["purchase_order"])
    assert level(service, "tents-1") == before + 5
    incoming = ask(service, "GET", "/v1/stock/incoming", variant_id="tents-1").json()["items"]
    assert {one["purchase_order_id"]: one["units"] for one in incoming}["po-parts"] == 7
    rest = ask(service, "POST", path, {}).json()
    assert rest["purchase_order"]["status"] == "received"
    over = ask(service, "POST", path, {"lines": [{"variant_id": "tents-2", "units": 3}]}).json()
    assert over["surplus"] == ["3 more of 'tents-2' came than the 2 that were ordered."]
    shown = service.client.get("/v1/products/tents-1", headers=SECRET).json()
    assert shown["variants"][0]["available"] == level(service, "tents-1") == before + 12


def test_steps_that_do_not_follow_are_refused_in_words(service: Opened) -> None:
    path = "/v1/purchase-orders/po-steps"
    assert ask(service, "POST", f"{path}/approve").status_code == 404
    drafted(service, "po-steps", tents_1=6)
    early = ask(service, "POST", f"{path}/send", {})
    assert (early.status_code, early.json()["code"]) == (409, "purchase_order_stands_elsewhere")
    assert "send it before its goods are received" in ask(service, "POST", f"{path}/receive", {}).json()["detail"]
    ask(service, "POST", f"{path}/approve")
    ask(service, "POST", f"{path}/send", {})
    future = ask(service, "POST", f"{path}/receive", {"received_at": "2999-01-01T00:00:00Z"})
    assert (future.status_code, future.json()["code"]) == (409, "in_the_future")
    past = ask(service, "POST", f"{path}/receive", {"received_at": "2001-01-01T00:00:00Z"})
    assert "cannot have come at 2001-01-01T00:00:00Z" in past.json()["detail"]
    other = ask(service, "POST", f"{path}/receive", {"lines": [{"variant_id": "stoves-1", "units": 1}]})
    assert (other.status_code, other.json()["code"]) == (409, "not_on_purchase_order")
    assert ask(service, "POST", f"{path}/cancel").json()["status"] == "cancelled"
    assert ask(service, "POST", f"{path}/cancel").status_code == 200
    assert ask(service, "DELETE", "/v1/suppliers/north").status_code == 409


def test_an_order_of_the_past_teaches_its_lead_time(service: Opened) -> None:
    def told(name: str, **more: Any) -> Response:  # noqa: ANN401  any field of an order
        lines = [{"variant_id": "tents-3", "units": 4}]
        body = {"purchase_order_id": name, "supplier_id": "north", "lines": lines, **more}
        return ask(service, "POST", "/v1/purchase-orders", body)

    before = level(service, "tents-3")
    order = told("po-past", ordered_at="2026-03-02T08:00:00Z").json()
    assert (order["status"], order["expected_at"]) == ("sent", "2026-03-07T08:00:00.000000Z")
    assert told("po-past", ordered_at="2026-03-02T08:00:00Z").status_code == 200
    came = {"receipt_id": "note-1", "received_at": "2026-03-11T08:00:00Z", "in_stock_already": True}
    path = "/v1/purchase-orders/po-past/receive"
    assert [ask(service, "POST", path, came).json()["booked"] for _ in range(2)] == [True, False]
    assert level(service, "tents-3") == before
    seen = [one for one in service.shop.purchase_orders.deliveries(Micros(0)) if one.purchase_order_id == "po-past"]
    assert [(one.received_at - one.sent_at) // DAY for one in seen] == [9]
    assert told("po-later", ordered_at="2026-03-02T08:00:00Z", expected_at="2026-03-05T08:00:00Z").status_code == 201
    early = ask(service, "POST", "/v1/purchase-orders/po-later/receive", {"received_at": "2026-03-01T08:00:00Z"})
    assert early.status_code == 409
    assert ask(service, "POST", "/v1/purchase-orders/po-later/receive", {}).json()["booked"]
    assert level(service, "tents-3") == before + 4
    for more, says in (
        ({"ordered_at": "2100-01-01T00:00:00Z"}, "is in the future"),
        ({"ordered_at": "1998-01-01T00:00:00Z"}, "begin in 2000"),
        ({"ordered_at": "2026-03-02T08:00:00Z", "expected_at": "2026-03-01T08:00:00Z"}, "expected after that"),
    ):
        refused = told("po-wrong", **more)
        assert (refused.status_code, says in refused.json()["detail"]) == (409, True), refused.text


def test_orders_come_in_pages_newest_first(service: Opened) -> None:
    for number in range(5):
        drafted(service, f"page-{number}", tents_2=1)
    seen, cursor = [], None
    while True:
        query = {"limit": 2, "status": "draft", **({} if cursor is None else {"cursor": cursor})}
        page = ask(service, "GET", "/v1/purchase-orders", None, **query).json()
        seen += [order["purchase_order_id"] for order in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen[:5] == [f"page-{number}" for number in (4, 3, 2, 1, 0)]
    assert len(seen) == len(set(seen))
    assert ask(service, "GET", "/v1/purchase-orders", supplier_id="nobody").json()["items"] == []


def test_a_title_is_no_formula_to_a_spreadsheet() -> None:
    order = PurchaseOrder(
        purchase_order_id=PurchaseOrderId("po"), supplier_id=SupplierId("s"), status=PurchaseStatus.SENT,
        currency="JPY", created_at=Micros(0), location_id=LocationId("main"),
        lines=(PurchaseLine(variant_id=VariantId("-1"), units=2, unit_cost_minor=300),),
    )  # fmt: skip
    documents = documents_of(order, None, {VariantId("-1"): '=HYPERLINK("http://x")'}, "Shop")
    row = next(csv.DictReader(io.StringIO(documents.csv)))
    assert (row["title"], row["variant_id"]) == ('\'=HYPERLINK("http://x")', "'-1")
    assert (row["unit_cost"], row["line_total"], row["expected_on"]) == ("300", "600", "")
    assert documents.letter.to is None
    assert msgspec.json.encode(documents)


def test_an_order_to_a_supplier_with_a_webhook_is_queued_once(service: Opened) -> None:
    refused = ask(service, "PUT", "/v1/suppliers/hooked", {"name": "Hooked", "webhook_url": "http://hooked.example/in"})
    assert (refused.status_code, "write https" in refused.json()["detail"]) == (409, True)
    told = {"name": "Hooked", "webhook_url": "https://hooked.example/in"}
    assert ask(service, "PUT", "/v1/suppliers/hooked", told).json()["webhook_url"] == "https://hooked.example/in"
    lines = [{"variant_id": "stoves-1", "units": 2, "unit_cost_minor": 100}]
    body = {"purchase_order_id": "po-hooked", "supplier_id": "hooked", "lines": lines}
    ask(service, "POST", "/v1/purchase-orders", body)
    ask(service, "POST", "/v1/purchase-orders/po-hooked/approve")
    sendings = [ask(service, "POST", "/v1/purchase-orders/po-hooked/send", {}).json() for _ in range(2)]
    job = service.shop.jobs.get(sendings[0]["webhook_job_id"])
    assert job is not None
    assert (job.name, job.arguments) == ("send-purchase-order", {"purchase_order_id": "po-hooked"})
    assert sendings[0] == sendings[1]
    assert sent(service, "po-by-hand", tents_1=12)["webhook_job_id"] is None
