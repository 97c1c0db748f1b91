"""Products, categories and search, as a page reads them and a shop's system writes them."""

from typing import Any

from smartshop.data_collection.pipelines.clock import format_rfc3339
from tests.api.shop_for_tests import PER_SHELF, PUBLISHABLE, SECRET, Opened


def _get(service: Opened, path: str, **query: str | int | list[str]) -> dict[str, Any]:
    answer = service.client.get(path, params=query, headers=PUBLISHABLE)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _ids(page: dict[str, Any]) -> list[str]:
    return [item["product_id"] for item in page["items"]]


def test_products_come_in_the_order_of_the_ids_and_unknown_ones_are_left_out(service: Opened) -> None:
    assert _ids(_get(service, "/v1/products", ids="stoves-2,nobody,tents-1")) == ["stoves-2", "tents-1"]
    assert _ids(_get(service, "/v1/products", ids=["stoves-2", "tents-1"])) == ["stoves-2", "tents-1"]
    assert _ids(_get(service, "/v1/products", ids="")) == []


def test_pages_follow_each_other_without_gap_or_repeat(service: Opened) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        page = _get(service, "/v1/products", limit=7, category="Garden", **({"cursor": cursor} if cursor else {}))
        seen += _ids(page)
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 2 * PER_SHELF
    assert _ids(_get(service, "/v1/products", category="Nowhere > At all")) == []


def test_a_product_shows_its_price_stock_and_variants(service: Opened) -> None:
    product = _get(service, "/v1/products/tents-3")
    assert product == {
        "product_id": "tents-3", "title": "Tarn tent 3", "description": None, "brand": "Hearth",
        "category": "Outdoor > Tents", "image_url": "/art/tents-3.svg", "attributes": {"colour": "grey"},
        "published_at": "2023-11-14T22:13:20.000003Z", "price_minor": 1300, "list_price_minor": None,
        "currency": "GBP", "in_stock": True,
        "variants": [{"variant_id": "tents-3", "title": None, "attributes": {}, "price_minor": 1300,
                      "list_price_minor": None, "currency": "GBP", "available": 10}],
    }  # fmt: skip
    assert _get(service, f"/v1/products/tents-{PER_SHELF - 1}")["in_stock"] is False


def test_a_shop_stores_products_with_variants_and_reads_them_back(service: Opened) -> None:
    lamp = {
        "product_id": "lamp", "title": "Halo lamp", "category": "Home > Lamps", "published_at": "2026-01-02T03:04:05Z",
        "texts": {"de": {"title": "Halo-Leuchte"}},
        "variants": [
            {"variant_id": "lamp-red", "title": "Red", "price_minor": 2500, "list_price_minor": 3000},
            {"variant_id": "lamp-blue", "price_minor": 2300},
        ],
    }  # fmt: skip
    bad = {"product_id": "bad", "title": "Two of one", "variants": [{"variant_id": "v"}, {"variant_id": "v"}]}
    receipt = service.client.put("/v1/products", json={"products": [lamp, bad]}, headers=SECRET).json()
    assert receipt["stored"] == 1
    assert receipt["rejected"][0]["index"] == 1
    assert "twice" in receipt["rejected"][0]["reason"]
    stored = _get(service, "/v1/products/lamp")
    assert (stored["price_minor"], stored["category"], stored["in_stock"]) == (2300, "Home > Lamps", True)
    assert [variant["available"] for variant in stored["variants"]] == [None, None]
    assert _get(service, "/v1/products/lamp", locale="de")["title"] == "Halo-Leuchte"
    assert _ids(_get(service, "/v1/products", ids="lamp-red,lamp")) == ["lamp"]
    assert _ids(_get(service, "/v1/search", query="halo")) == ["lamp"]
    assert service.client.delete("/v1/products/lamp", headers=SECRET).status_code == 204
    assert service.client.get("/v1/products/lamp", headers=PUBLISHABLE).status_code == 404
    assert _ids(_get(service, "/v1/search", query="halo")) == []


def test_words_are_found_by_beginning_without_accents_in_any_field(service: Opened) -> None:
    assert all(product_id.startswith("planters") for product_id in _ids(_get(service, "/v1/search", query="creme bru")))
    assert all(product_id.startswith("tents") for product_id in _ids(_get(service, "/v1/search", query="TENTS")))
    both = _get(service, "/v1/search", query="hearth stove", limit=200)
    assert both["total"] == PER_SHELF // 2
    assert {item["brand"] for item in both["items"]} == {"Hearth"}
    assert _get(service, "/v1/search", query="zebra")["total"] == 0
    assert _get(service, "/v1/search", query="!!!")["total"] == 0


def test_facets_count_what_a_second_choice_would_add(service: Opened) -> None:
    found = _get(service, "/v1/search", category="Outdoor > Tents", brand="Hearth")
    assert found["total"] == PER_SHELF // 2
    categories = {facet["value"]: facet["count"] for facet in found["facets"]["category"]}
    brands = {facet["value"]: facet["count"] for facet in found["facets"]["brand"]}
    assert categories["Outdoor > Stoves"] == PER_SHELF // 2
    assert categories["Outdoor"] == 2 * (PER_SHELF // 2)
    assert brands == {"Northfold": PER_SHELF - PER_SHELF // 2, "Hearth": PER_SHELF // 2}
    assert found["facets"]["price_minor"] == {"min": 1100, "max": 2300}


def test_filters_and_sorts_hold(service: Opened) -> None:
    cheap = _get(service, "/v1/search", price_max=1200, sort="-price", limit=200)
    prices = [item["price_minor"] for item in cheap["items"]]
    assert prices == sorted(prices, reverse=True)
    assert set(prices) == {1000, 1100, 1200}
    in_stock = _get(service, "/v1/search", in_stock=True, sort="price", limit=200)
    assert all(item["in_stock"] for item in in_stock["items"])
    newest = _get(service, "/v1/search", sort="newest", category=["Outdoor > Tents", "Garden"], limit=1)
    assert newest["items"][0]["product_id"].endswith(f"-{PER_SHELF - 1}")
    assert newest["next_cursor"] == "1"


def test_categories_come_parents_first_with_everything_below_counted(service: Opened) -> None:
    items = _get(service, "/v1/categories")["items"]
    assert items[0] == {"category": "Garden", "name": "Garden", "parent": None, "product_count": 2 * PER_SHELF}
    assert items[1]["parent"] == "Garden"


def test_a_picture_is_drawn_for_a_known_product_only(service: Opened) -> None:
    picture = service.client.get("/art/tents-1.svg")
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/svg+xml")
    assert "default-src 'none'" in picture.headers["content-security-policy"]
    assert service.client.get("/art/nobody.svg").status_code == 404


def test_a_variant_is_of_one_product_until_that_gives_it_up(service: Opened) -> None:
    def store(*products: dict[str, object]) -> dict[str, Any]:
        answer = service.client.post("/v1/products", json={"products": list(products)}, headers=SECRET)
        receipt: dict[str, Any] = answer.json()
        return receipt

    def shirt(name: str, *sizes: str) -> dict[str, object]:
        variants = [{"variant_id": f"shirt-{size}", "price_minor": 500} for size in sizes]
        return {"product_id": name, "title": name, "variants": variants}

    assert store(shirt("shirt", "s", "m"))["stored"] == 1
    thief = store(
        shirt("thief", "s"), {"product_id": "shirt-m", "title": "Twin", "price_minor": 1}, shirt("coat", "xl")
    )
    assert (thief["stored"], [refused["index"] for refused in thief["rejected"]]) == (1, [0, 1])
    assert "'shirt-s' is of product 'shirt'" in thief["rejected"][0]["reason"]
    twice = store(shirt("left", "xs"), shirt("right", "xs"), {"product_id": "over", "title": "Over", "variants": [
        {"variant_id": "shirt"}]})  # fmt: skip
    assert [refused["index"] for refused in twice["rejected"]] == [1, 2]
    assert store(shirt("shirt", "m"), shirt("heir", "s")) == {"stored": 2, "rejected": []}
    found = service.client.get("/v1/products", params={"ids": "shirt-s"}, headers=SECRET).json()
    assert [product["product_id"] for product in found["items"]] == ["heir"]


def test_a_product_told_without_a_date_is_new_when_it_first_comes_and_stays_as_old_as_it_is(service: Opened) -> None:
    def published(name: str, **more: str) -> str | None:
        product = {"product_id": name, "title": "Kite", **more}
        service.client.put("/v1/products", json={"products": [product]}, headers=SECRET).raise_for_status()
        found: str | None = _get(service, f"/v1/products/{name}")["published_at"]
        return found

    before = format_rfc3339(service.shop.clock.now())
    first = published("kite")
    assert first is not None
    assert before <= first <= format_rfc3339(service.shop.clock.now())
    assert published("kite", brand="Hearth") == first
    assert published("kite", published_at="2026-01-02T03:04:05Z") == "2026-01-02T03:04:05.000000Z"
    assert published("kite") == "2026-01-02T03:04:05.000000Z"
    assert published("tents-3") == "2023-11-14T22:13:20.000003Z"


def test_a_time_beyond_the_calendar_is_refused_and_spoils_no_page(service: Opened) -> None:
    edges = [("0001-01-01T00:00:00+14:00", 0), ("9999-12-31T23:59:59-14:00", 0), ("0001-01-01T00:00:00Z", 1)]
    for number, (moment, stored) in enumerate(edges):
        product = {"product_id": f"edge-{number}", "title": "Edge", "published_at": moment}
        answer = service.client.post("/v1/products", json={"products": [product]}, headers=SECRET)
        assert answer.json()["stored"] == stored, answer.text
    found = service.client.get("/v1/search", params={"query": "edge"}, headers=SECRET)
    assert (found.status_code, _ids(found.json())) == (200, ["edge-2"])
