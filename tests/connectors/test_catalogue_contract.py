"""What every Catalogue promises."""

from functools import partial

from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.catalogue import Offer, Product, Variant
from smartshop.data_collection.schemas.ids import Micros, ProductId, ProductNo, VariantId
from tests.connectors.told import NOON, at, in_threads


def product(name: str, category: str = "Outdoor", *variants: str) -> Product:
    return Product(
        product_id=ProductId(name),
        title=name.title(),
        category=tuple(category.split(" > ")),
        variants=tuple(
            Variant(
                variant_id=VariantId(variant),
                offers=(Offer(variant_id=VariantId(variant), price_minor=100, currency="GBP"),),
            )
            for variant in variants
        ),
    )


def ids(*names: str) -> list[ProductId]:
    return [ProductId(name) for name in names]


class TestNumbers:
    def test_numbers_are_dense_and_stay(self, stores: SqlStores) -> None:
        assert stores.catalogue.upsert([product("a"), product("b"), product("a")], NOON) == [0, 1, 0]
        assert stores.catalogue.upsert([product("c"), product("b")], NOON) == [2, 1]

    def test_a_deleted_product_is_gone_and_comes_back_under_its_number(self, stores: SqlStores) -> None:
        stores.catalogue.upsert([product("a"), product("b")], NOON)
        assert stores.catalogue.delete(ids("b", "b", "unknown"), at(1)) == 1
        assert stores.catalogue.delete(ids("b"), at(1)) == 0
        assert list(stores.catalogue.get(ids("a", "b", "unknown"))) == ["a"]
        assert stores.catalogue.upsert([product("c"), product("b")], at(2)) == [2, 1]
        assert stores.catalogue.get(ids("b"))[ProductId("b")].deleted is False

    def test_unknown_products_are_made_bare_and_known_ones_left_alone(self, stores: SqlStores) -> None:
        stores.catalogue.upsert([product("a")], NOON)
        assert stores.catalogue.ensure(ids("a", "b"), at(1)) == {"a": 0, "b": 1}
        assert stores.catalogue.ensure(ids("b", "a"), at(2)) == {"a": 0, "b": 1}
        found = stores.catalogue.get(ids("a", "b"))
        assert found[ProductId("a")].product == product("a")
        assert found[ProductId("b")].product == Product(product_id=ProductId("b"), title="b")

    def test_many_threads_give_no_number_twice(self, stores: SqlStores) -> None:
        told = [ids(*(f"p{n}" for n in range(first, first + 6))) for first in range(8)]
        in_threads([partial(stores.catalogue.ensure, names, NOON) for names in told])
        numbers = stores.catalogue.ensure(ids(*(f"p{n}" for n in range(13))), NOON)
        assert sorted(numbers.values()) == list(range(13))


class TestVariants:
    def test_a_variant_leads_to_its_product(self, stores: SqlStores) -> None:
        stores.catalogue.upsert([product("tent", "Outdoor", "tent-s", "tent-l"), product("mug")], NOON)
        asked = [VariantId(name) for name in ("tent-s", "tent-l", "tent", "mug", "unknown")]
        assert stores.catalogue.product_of(asked) == {"tent-s": "tent", "tent-l": "tent", "tent": "tent", "mug": "mug"}

    def test_a_variant_that_was_dropped_still_leads_to_its_product(self, stores: SqlStores) -> None:
        stores.catalogue.upsert([product("tent", "Outdoor", "tent-s")], NOON)
        stores.catalogue.upsert([product("tent", "Outdoor", "tent-l")], NOON)
        assert stores.catalogue.product_of([VariantId("tent-s")]) == {"tent-s": "tent"}

    def test_a_variant_may_move_to_another_product(self, stores: SqlStores) -> None:
        stores.catalogue.upsert([product("tent", "Outdoor", "x")], NOON)
        stores.catalogue.upsert([product("tarp", "Outdoor", "x")], NOON)
        assert stores.catalogue.product_of([VariantId("x")]) == {"x": "tarp"}


class TestReading:
    def test_what_changed_since_includes_what_was_deleted(self, stores: SqlStores) -> None:
        stores.catalogue.upsert([product("a"), product("b"), product("c")], at(1))
        stores.catalogue.delete(ids("b"), at(5))
        stores.catalogue.upsert([product("c", "Garden")], at(5))
        changed = stores.catalogue.changed_since(at(5))
        assert [(listed.product.product_id, listed.deleted) for listed in changed] == [("b", True), ("c", False)]
        assert [listed.product_no for listed in stores.catalogue.changed_since(Micros(0))] == [0, 1, 2]

    def test_pages_go_by_number_and_category_path(self, stores: SqlStores) -> None:
        categories = ("Garden", "Garden > Tools", "Gardening", "Garden > Tools > Spades")
        stores.catalogue.upsert([product(f"p{n}", category) for n, category in enumerate(categories)], NOON)
        stores.catalogue.delete(ids("p0"), NOON)
        page = stores.catalogue.page
        assert [listed.product.product_id for listed in page(None, 10)] == ["p1", "p2", "p3"]
        assert [listed.product.product_id for listed in page(ProductNo(1), 1)] == ["p2"]
        assert [listed.product.product_id for listed in page(None, 10, "Garden")] == ["p1", "p3"]
        assert [listed.product.product_id for listed in page(None, 10, "Garden>Tools > Spades")] == ["p3"]
