"""Stock over HTTP: transfers, pages, baskets that keep units, and orders that take them; also many clients at once."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import pytest
from httpx2 import Response

from smartshop.data_collection.pipelines.clock import format_rfc3339
from smartshop.data_collection.schemas.ids import Micros, ProductId, VariantId
from smartshop.data_collection.schemas.stock import Reservation, ReservedLine
from tests.api.live_server import listening
from tests.api.shop_for_tests import SECRET, Opened, app_of, make_shop, open_shop_stores

CLIENTS, LAST_UNITS = 200, 50


def post(service: Opened, path: str, body: dict[str, Any], headers: dict[str, str] = SECRET) -> Response:
    return service.client.post(path, json=body, headers=headers)


def line(variant_id: str, quantity: int) -> dict[str, Any]:
    return {"variant_id": variant_id, "quantity": quantity}


def receipt(applied: int, duplicates: int, *unknown: str) -> dict[str, Any]:
    return {"applied": applied, "duplicates": duplicates, "unknown_variants": list(unknown)}


def available(service: Opened, product_id: str) -> int:
    shown = service.client.get(f"/v1/products/{product_id}", headers=SECRET).json()
    units: int = shown["variants"][0]["available"]
    return units


def order(service: Opened, product_id: str, quantity: int, headers: dict[str, str] = SECRET, **told: str) -> Response:
    body = {"lines": [{"product_id": product_id, "quantity": quantity}], **told}
    return post(service, "/v1/orders", body, headers)


def test_stock_comes_in_pages_without_gap_or_repeat(service: Opened) -> None:
    seen, cursor = [], None
    while True:
        query = {"limit": 17, **({} if cursor is None else {"cursor": cursor})}
        page = service.client.get("/v1/stock", params=query, headers=SECRET).json()
        seen += [item["variant_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 60
    assert seen == sorted(seen)


def test_units_are_carried_whole_batches_once(service: Opened) -> None:
    def carried(*units: int) -> dict[str, Any]:
        transfers = [
            {
                "transfer_id": f"t-{number}", "variant_id": "planters-1", "quantity": quantity,
                "from_location": "main", "to_location": "harbour",
            }
            for number, quantity in enumerate(units)
        ]  # fmt: skip
        return {"transfers": transfers}

    refused = post(service, "/v1/stock/transfers", carried(4, 7))
    assert (refused.status_code, refused.json()["code"], refused.json()["available"]) == (409, "out_of_stock", 6)
    assert post(service, "/v1/stock/transfers", carried(4)).json() == receipt(1, 0)
    assert post(service, "/v1/stock/transfers", carried(4)).json() == receipt(0, 1)
    page = service.client.get("/v1/stock", params={"variant_ids": "planters-1"}, headers=SECRET).json()
    assert [(item["location_id"], item["level"]) for item in page["items"]] == [("harbour", 4), ("main", 6)]
    to_itself = carried(1)
    to_itself["transfers"][0]["to_location"] = "main"
    assert post(service, "/v1/stock/transfers", to_itself).json()["code"] == "same_location"


def test_what_a_movement_says_has_to_make_sense(service: Opened) -> None:
    def said(**movement: Any) -> str:  # noqa: ANN401  any field of a movement
        told = {"variant_id": "planters-2", "quantity": 1, "reason": "receipt", **movement}
        answer = post(service, "/v1/stock/movements", {"movements": [told]})
        assert answer.status_code == 409
        detail: str = answer.json()["detail"]
        return detail

    assert said(quantity=0) == "A movement of 'planters-2' has the quantity 0; send the units that moved."
    assert said(quantity=-1).startswith("A receipt of 'planters-2' has the quantity -1; it must be above 0.")
    assert said(reason="write_off").startswith("A write_off of 'planters-2' has the quantity 1; it must be below 0.")
    assert "is in the future" in said(occurred_at="2199-01-01T00:00:00Z")
    assert "is before the year 2000" in said(occurred_at="1900-01-01T00:00:00Z")


def test_a_count_is_a_level_and_no_movement(service: Opened) -> None:
    told = {"variant_id": "planters-2", "quantity": 1, "reason": "count"}
    answer = post(service, "/v1/stock/movements", {"movements": [told]})
    assert (answer.status_code, answer.json()["detail"]) == (
        422,
        "movements[0].reason is 'count': expected one of receipt, sale, return, write_off, transfer.",
    )


def test_a_transfer_among_movements_is_both_of_its_sides(service: Opened) -> None:
    def sent(*sides: tuple[str, int], reference: str = "slip-1") -> Response:
        movements = [
            {
                "variant_id": "spades-2", "quantity": units, "reason": "transfer", "location_id": place,
                "reference": reference, "movement_id": f"{reference}-{place}-{units}",
            }
            for place, units in sides
        ]  # fmt: skip
        return post(service, "/v1/stock/movements", {"movements": movements})

    assert sent(("main", -4), ("harbour", 4)).json() == receipt(2, 0)
    assert sent(("main", -4), ("harbour", 4)).json() == receipt(0, 2)
    page = service.client.get("/v1/stock", params={"variant_ids": "spades-2"}, headers=SECRET).json()
    assert [(item["location_id"], item["level"]) for item in page["items"]] == [("harbour", 4), ("main", 6)]
    for sides, said in (
        ([("main", -4)], "The transfer of 'spades-2' under 'slip-2' leaves -4 units; send both sides"),
        ([("main", -4), ("harbour", 5)], "The transfer of 'spades-2' under 'slip-2' leaves +1 units; send both sides"),
        ([("main", -4), ("main", 4)], "'spades-2' is carried under 'slip-2' within one location; name two."),
    ):
        refused = sent(*sides, reference="slip-2")
        assert refused.status_code == 409
        assert refused.json()["detail"].startswith(said)


def test_variants_that_nobody_knows_are_booked_and_told(service: Opened) -> None:
    told = [{"variant_id": name, "quantity": 1, "reason": "receipt"} for name in ("typo-1", "planters-4", "typo-1")]
    assert post(service, "/v1/stock/movements", {"movements": told}).json() == receipt(3, 0, "typo-1")
    counts = [{"variant_id": "typo-2", "level": 3}]
    assert post(service, "/v1/stock/counts", {"counts": counts}).json() == receipt(1, 0, "typo-2")
    assert service.shop.stock.levels([VariantId("typo-1")]) == {"typo-1": {"main": 2}}


def test_what_cannot_be_written_off_is_not_said_to_be_sold(service: Opened) -> None:
    told = {"variant_id": "planters-5", "quantity": -11, "reason": "write_off"}
    refused = post(service, "/v1/stock/movements", {"movements": [told]})
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "Only 10 of planters-5 can be written off now; 11 were asked for.",
    )


@pytest.mark.parametrize("variant_id", ["a/b", "", "a\nb", "x" * 129])
def test_an_id_that_cannot_be_is_refused_in_words(service: Opened, variant_id: str) -> None:
    told = {"variant_id": variant_id, "quantity": 1, "reason": "receipt"}
    refused = post(service, "/v1/stock/movements", {"movements": [told]})
    assert refused.status_code == 422
    said = refused.json()["detail"]
    assert said.endswith(": expected 1 to 128 bytes without slashes and control characters."), said


def test_an_empty_body_is_told_to_be_empty(service: Opened) -> None:
    answer = service.client.post("/v1/stock/movements", content=b"", headers=SECRET)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("The body is empty; send a JSON object")


def test_a_sender_whose_clock_runs_ahead_is_booked_as_of_now(service: Opened) -> None:
    now = service.shop.clock.now()
    ahead = {"variant_id": "planters-3", "quantity": 1, "reason": "receipt", "movement_id": "ahead"}
    in_two_hours = format_rfc3339(now + 2 * 3_600_000_000)
    local = {**ahead, "occurred_at": in_two_hours}
    assert post(service, "/v1/stock/movements", {"movements": [local]}).status_code == 200
    booked = service.shop.stock.movements(VariantId("planters-3"), 1)[0]
    assert now <= booked.occurred_at <= service.shop.clock.now()


def test_a_basket_keeps_its_units_until_it_is_ordered(service: Opened) -> None:
    own = service.token(customer_id="keeper")
    kept = post(service, "/v1/stock/reservations", {"lines": [line("tents-1", 8)]}, own)
    assert kept.status_code == 201, kept.text
    name = kept.json()["reservation_id"]
    assert available(service, "tents-1") == 2
    page = service.client.get("/v1/stock", params={"variant_ids": "tents-1"}, headers=SECRET).json()
    assert [(item["level"], item["reserved"], item["available"]) for item in page["items"]] == [(10, 8, 2)]
    short = order(service, "tents-1", 3, customer_id="other")
    assert (short.status_code, short.json()["available"]) == (409, 2)
    assert order(service, "tents-1", 8, own, reservation_id=name).status_code == 201
    assert available(service, "tents-1") == 2
    assert service.client.get(f"/v1/stock/reservations/{name}", headers=own).status_code == 404


def test_a_slate_does_not_show_what_baskets_keep_and_shows_it_when_it_is_given_back(service: Opened) -> None:
    number = service.shop.shelves.shelf.number_of
    held = post(service, "/v1/stock/reservations", {"lines": [line("tents-2", 10)]}).json()
    shelf = service.shop.shelves.shelf
    place = next(no for name, no in number.items() if name == "tents-2")
    assert (shelf.available[place], shelf.sellable[place]) == (0, False)
    path = f"/v1/stock/reservations/{held['reservation_id']}"
    assert service.client.delete(path, headers=SECRET).status_code == 204
    assert service.client.delete(path, headers=SECRET).status_code == 404
    assert service.shop.shelves.shelf.available[place] == 10


def test_the_shelf_sees_that_time_is_over_without_anything_being_written(tmp_path: Path) -> None:
    stores = open_shop_stores(tmp_path)
    now = [make_shop(stores).clock.now()]
    shop = make_shop(stores, now=lambda: now[0])
    kept = Reservation(
        reservation_id="r",
        lines=(ReservedLine(variant_id=VariantId("tents-1"), quantity=9),),
        reserved_at=now[0],
        expires_at=Micros(now[0] + 60_000_000),
    )
    shop.reservations.reserve(kept, now[0])
    place = shop.shelves.shelf.product_ids.index(ProductId("tents-1"))
    assert shop.shelves.refresh()
    assert shop.shelves.shelf.available[place] == 1
    now[0] = Micros(now[0] + 60_000_000)
    assert shop.shelves.refresh()
    assert shop.shelves.shelf.available[place] == 10
    stores.close()


def test_a_basket_is_kept_whole_or_not_at_all_and_twice_is_once(service: Opened) -> None:
    lines = [line("stoves-2", 3), line("stoves-3", 11)]
    short = post(service, "/v1/stock/reservations", {"lines": lines})
    assert (short.status_code, short.json()["variant_id"]) == (409, "stoves-3")
    assert available(service, "stoves-2") == 10
    body = {"reservation_id": "twice", "lines": lines[:1]}
    answers = [post(service, "/v1/stock/reservations", body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 200]
    assert answers[0].json() == answers[1].json()
    other = post(service, "/v1/stock/reservations", {**body, "lines": [line("stoves-2", 4)]})
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    unknown = post(service, "/v1/stock/reservations", {"lines": [line("stoves-99", 1)]})
    assert unknown.json()["code"] == "unknown_variant"
    renewed = post(service, "/v1/stock/reservations/twice/renew", {"ttl_seconds": 3_600})
    assert renewed.json()["expires_at"] > answers[0].json()["expires_at"]


def test_nobody_sees_renews_or_ends_anothers_basket(service: Opened) -> None:
    own, other = service.token(anonymous_id="browser-1"), service.token(customer_id="browser-1")
    kept = post(service, "/v1/stock/reservations", {"lines": [line("spades-5", 10)]}, own).json()
    path = f"/v1/stock/reservations/{kept['reservation_id']}"
    assert service.client.get(path, headers=own).status_code == 200
    assert service.client.get(path, headers=other).status_code == 404
    assert post(service, f"{path}/renew", {}, other).status_code == 404
    assert service.client.delete(path, headers=other).status_code == 404
    stolen = order(service, "spades-5", 1, other, reservation_id=kept["reservation_id"])
    assert stolen.status_code == 409
    assert (
        post(service, "/v1/stock/reservations", {"lines": [line("spades-6", 1)], "customer_id": "x"}, own).status_code
        == 403
    )


def test_a_token_keeps_few_baskets_and_not_for_long(service: Opened) -> None:
    own = service.token(anonymous_id="hoarder")
    too_long = post(service, "/v1/stock/reservations", {"lines": [line("spades-7", 1)], "ttl_seconds": 7_200}, own)
    assert (too_long.status_code, "secret key" in too_long.json()["detail"]) == (403, True)
    answers = [post(service, "/v1/stock/reservations", {"lines": [line("spades-7", 1)]}, own) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [201] * 5 + [409]
    assert answers[-1].json()["code"] == "too_many_reservations"


@pytest.mark.parametrize("with_baskets", [False, True], ids=["orders alone", "half of them through baskets"])
def test_two_hundred_clients_of_the_last_fifty_units_buy_exactly_fifty(tmp_path: Path, with_baskets: bool) -> None:
    """Over real sockets, all at once; every second client keeps a unit first where baskets are used."""
    stores = open_shop_stores(tmp_path)
    shop = make_shop(stores)

    async def buy(client: httpx2.AsyncClient, number: int) -> int:
        body: dict[str, Any] = {
            "order_id": f"o-{number}",
            "customer_id": f"c-{number}",
            "lines": [{"product_id": "tents-3", "quantity": 1}],
        }
        if with_baskets and number % 2:
            asked = {"lines": [line("tents-3", 1)], "customer_id": f"c-{number}"}
            kept = await client.post("/v1/stock/reservations", json=asked)
            if kept.status_code != 201:
                return kept.status_code
            if number % 3 == 0:
                gone = await client.delete(f"/v1/stock/reservations/{kept.json()['reservation_id']}")
                assert gone.status_code == 204
                return 0
            body["reservation_id"] = kept.json()["reservation_id"]
            bought = await client.post("/v1/orders", json=body)
            assert bought.status_code == 201, "what is kept can be bought"
            return bought.status_code
        return (await client.post("/v1/orders", json=body)).status_code

    async def everybody(url: str) -> Counter[int]:
        limits = httpx2.Limits(max_connections=CLIENTS)
        async with httpx2.AsyncClient(base_url=url, headers=SECRET, limits=limits, timeout=120) as client:
            count = {"counts": [{"variant_id": "tents-3", "level": LAST_UNITS}]}
            assert (await client.post("/v1/stock/counts", json=count)).status_code == 200
            first = Counter(await asyncio.gather(*(buy(client, number) for number in range(CLIENTS))))
            # What others gave back too late for anybody to have is still there to be sold.
            late = [await buy(client, CLIENTS + 2 * number) for number in range(LAST_UNITS - first[201])]
            return first + Counter(late)

    with listening(app_of(shop)) as url:
        answers = asyncio.run(everybody(url))
    sold = sum(placed.lines[0].quantity for batch in stores.orders.scan() for placed in batch)
    left = stores.stock.levels([VariantId("tents-3")])[VariantId("tents-3")]
    stores.close()
    assert answers[201] == sold == LAST_UNITS
    assert set(answers) <= {0, 201, 409}
    assert left == {"main": 0}
