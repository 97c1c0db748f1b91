"""The word index by itself: what is found, in which order, and when it is built anew."""

from pathlib import Path

from smartshop.backend_api.services.search import Search, SearchKeeper, same_words
from smartshop.backend_api.services.search_index import words_of
from smartshop.data_collection.pipelines.clock import system_now
from smartshop.data_collection.pipelines.shelves import ShelfKeeper
from smartshop.data_collection.schemas.catalogue import Offer, Product, Variant
from smartshop.data_collection.schemas.ids import Micros, ProductId, VariantId
from smartshop.data_collection.schemas.stock import MovementReason, StockMovement
from tests.api.shop_for_tests import open_shop_stores


def _product(product_id: str, title: str, brand: str = "", category: tuple[str, ...] = ("Things",)) -> Product:
    variant_id = VariantId(product_id)
    offer = Offer(variant_id=variant_id, price_minor=500, currency="GBP")
    variant = Variant(variant_id=variant_id, offers=(offer,))
    return Product(product_id=ProductId(product_id), title=title, brand=brand, category=category, variants=(variant,))


def test_words_are_folded() -> None:
    assert list(words_of("Straße ÉCLAIRS, T-shirts & glasses_case — 4K")) == [
        "strasse", "eclair", "t", "shirt", "glasse", "case", "4k",
    ]  # fmt: skip


def test_rarer_words_and_better_fields_come_first(tmp_path: Path) -> None:
    stores = open_shop_stores(tmp_path)
    stores.catalogue.upsert(
        [
            _product("in-category", "Plain thing", category=("Kettles",)),
            _product("in-title", "Kettle of steel"),
            _product("prefix-only", "Kettlebell"),
            _product("in-brand", "Another thing", brand="Kettle"),
        ],
        system_now(),
    )
    keeper = SearchKeeper(lambda: shelves.shelf)
    shelves = ShelfKeeper(stores.catalogue, stores.stock, "GBP", system_now)
    found = keeper.find(Search(query="kettle")).product_ids
    assert found[0] == "in-title"
    assert found[-1] == "prefix-only"
    assert set(found) == {"in-category", "in-title", "prefix-only", "in-brand"}
    assert keeper.find(Search(query="kettle zebra")).product_ids[0] == "in-title", "the words that are known still find"
    stores.close()


def test_a_sale_or_a_price_builds_no_words_anew_and_a_title_does(tmp_path: Path) -> None:
    stores = open_shop_stores(tmp_path)
    shelves = ShelfKeeper(stores.catalogue, stores.stock, "GBP", system_now)
    before = shelves.shelf
    sale = StockMovement(
        movement_id="s-1", variant_id=VariantId("tents-1"), quantity=-1, reason=MovementReason.SALE,
        occurred_at=Micros(1),
    )  # fmt: skip
    stores.stock.move([sale], system_now())
    assert shelves.refresh()
    assert same_words(before, shelves.shelf)
    stores.catalogue.upsert([_product("tents-1", "Tarn tent 1", "Hearth", ("Outdoor", "Tents"))], system_now())
    assert shelves.refresh()
    assert same_words(before, shelves.shelf), "only its price changed"
    stores.catalogue.upsert([_product("tents-1", "Renamed", "Hearth", ("Outdoor", "Tents"))], system_now())
    assert shelves.refresh()
    assert not same_words(before, shelves.shelf)
    stores.close()
