"""The made-up catalogue: complete, priced, pictured, and the same for the same seed."""

from xml.etree import ElementTree

import msgspec
import pytest

from smartshop.data_collection.schemas.catalogue import Product, Variant
from smartshop.data_collection.schemas.ids import ProductId, VariantId, clean_id
from smartshop.simulator.art import picture_of, shape_book, shape_for
from smartshop.simulator.catalogue import make_range
from smartshop.simulator.leaves import kind_of, repeat_days_of, units_of, variants_of
from smartshop.simulator.scenario import SHIPPED, load_scenario
from tests.simulator.conftest import END_AT, SEED

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", SHIPPED)
def test_every_product_is_complete(name: str) -> None:
    scenario = load_scenario(name)
    products = make_range(scenario, SEED, END_AT).products
    assert len(products) == scenario.products
    assert len({product.product_id for product in products}) == len(products)
    for product in products:
        assert clean_id(product.product_id) == product.product_id
        assert product.brand
        assert product.description
        assert 2 <= product.description.count(".") <= 5
        assert len(product.category) == 2
        assert product.image_url == f"/art/{product.product_id}.svg"
        for variant in product.variants:
            (offer,) = variant.offers
            assert offer.price_minor > 0
            assert offer.list_price_minor is None or offer.list_price_minor > offer.price_minor
            assert variant.supplier_id
            assert variant.cost_minor


def test_the_same_seed_gives_the_same_catalogue_and_another_gives_another() -> None:
    scenario = load_scenario("outdoor_store")
    again = make_range(scenario, SEED, END_AT).products
    assert make_range(scenario, SEED, END_AT).products == again
    assert make_range(scenario, SEED + 1, END_AT).products != again


def test_some_products_are_launched_during_the_history_and_none_after_it() -> None:
    scenario = load_scenario("outdoor_store")
    launched = [product.published_at or 0 for product in make_range(scenario, SEED, END_AT).products]
    start = END_AT - scenario.days * 86_400_000_000
    share = sum(at >= start for at in launched) / len(launched)
    assert share == pytest.approx(scenario.launched_share, abs=0.04)
    assert max(launched) < END_AT


@pytest.mark.parametrize("name", SHIPPED)
def test_every_product_has_a_drawing_of_its_own_look(name: str) -> None:
    products = make_range(load_scenario(name), SEED, END_AT).products
    pictures = {picture_of(product) for product in products}
    assert len(pictures) == len(products)
    assert all(shape_for(product.title) in shape_book().shapes for product in products)
    for product in products[::40]:
        assert picture_of(product) == picture_of(product)
        assert ElementTree.fromstring(picture_of(product)).find(f"{SVG}g") is not None


@pytest.mark.parametrize("name", SHIPPED)
def test_a_product_is_drawn_as_its_kind_says(name: str) -> None:
    for leaf in load_scenario(name).leaves:
        for kind in leaf.kinds:
            assert (kind.art or leaf.art) in shape_book().shapes, kind.noun
            assert shape_for(f"Tarn {kind.noun}") == (kind.art or leaf.art), kind.noun


@pytest.mark.parametrize("name", SHIPPED)
def test_nothing_is_said_of_a_product_but_what_its_kind_its_material_and_its_brand_say(name: str) -> None:
    scenario = load_scenario(name)
    leaves = {leaf.category: leaf for leaf in scenario.leaves}
    voices = {brand.name: brand.voice for brand in scenario.brands}
    for product in make_range(scenario, SEED, END_AT).products:
        leaf = leaves[" > ".join(product.category)]
        kind = kind_of(leaf, product.title)
        assert kind is not None, product.title
        rest = product.description or ""
        for sentence in (*(kind.pitches or leaf.pitches), voices[product.brand or ""]):
            rest = rest.replace(sentence, "")
        material = product.attributes[kind.made_attribute or leaf.made_attribute]
        assert material in (kind.materials or leaf.materials)
        assert rest.strip() == f"{kind.made or leaf.made} {material}."


def test_a_kind_brings_its_own_where_it_differs_from_its_leaf() -> None:
    leaves = {leaf.category: leaf for leaf in load_scenario("outdoor_store").leaves}
    fuel = leaves["Camp kitchen > Stoves and fuel"]
    stove, canister = (kind_of(fuel, f"Tarn {noun}") for noun in ("gas stove", "gas canister"))
    assert repeat_days_of(fuel, stove) == 0 < repeat_days_of(fuel, canister) == repeat_days_of(fuel, None)
    assert units_of(fuel, stove) == 1 < units_of(fuel, canister)
    bags = leaves["Water > Safety and dry bags"]
    ring, bag, vest = (kind_of(bags, f"Tarn {noun}") for noun in ("throw ring", "dry bag", "buoyancy aid"))
    assert ring is not None
    assert bag is not None
    assert vest is not None
    assert variants_of(bags, ring) == ("", ())
    assert variants_of(bags, bag) == ("volume", ("5 l", "10 l", "20 l"))
    assert variants_of(bags, vest) == ("size", ("S", "M", "L"))


def test_what_has_meat_in_it_is_never_called_vegan() -> None:
    products = make_range(load_scenario("outdoor_store"), SEED, END_AT).products
    stews = [product for product in products if product.title.endswith("beef stew")]
    assert stews
    assert {product.attributes["diet"] for product in stews} == {"with meat"}


def test_the_longest_noun_that_fits_names_the_kind() -> None:
    hats = next(leaf for leaf in load_scenario("outdoor_store").leaves if leaf.category == "Clothing > Hats")
    wide = msgspec.structs.replace(hats, kinds=(*hats.kinds, msgspec.structs.replace(hats.kinds[0], noun="hat")))
    found = kind_of(wide, "Tarn wide-brimmed hat")
    assert found is not None
    assert found.noun == "wide-brimmed hat"
    assert kind_of(wide, "Tarn kettle") is None


@pytest.mark.parametrize("title", ["Zürich 3000", "<script>alert('x')</script> & co", "", "‮", "日本"])
def test_a_product_of_any_shop_gets_a_picture_that_is_well_formed(title: str) -> None:
    product = Product(product_id=ProductId("p-1"), title=title, variants=(Variant(variant_id=VariantId("p-1")),))
    picture = ElementTree.fromstring(picture_of(product))
    assert picture.findtext(f"{SVG}title") == title
    assert not list(picture.iter(f"{SVG}script"))


def test_a_word_of_any_title_can_find_a_drawing() -> None:
    assert shape_for("RED RETROSPOT TEAPOT") == "teapot"
    assert shape_for("Walking boots, brown") == shape_for("Tarn walking boots")
    assert shape_for("Xyzzy") is None
