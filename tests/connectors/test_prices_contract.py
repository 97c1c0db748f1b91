"""What every Prices promises."""

from sqlalchemy import delete

from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.connectors.sql.tables import price_history
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.shelf_arrays import Pricing, StockPicture, arrange
from smartshop.data_collection.schemas.catalogue import DEFAULT_MARKET, Offer, Product, Variant
from smartshop.data_collection.schemas.ids import Micros, ProductId, VariantId
from smartshop.data_collection.schemas.prices import PriceChange, PriceOutcome
from tests.connectors.told import NOON, at

TENT = ProductId("tent")
DAYS = 86_400


def change(price_minor: int, variant: str = "tent-s", **told: object) -> PriceChange:
    return PriceChange(variant_id=VariantId(variant), price_minor=price_minor, currency="EUR", **told)  # type: ignore[arg-type]


def offer(price_minor: int, variant: str = "tent-s", **told: object) -> Offer:
    return Offer(variant_id=VariantId(variant), price_minor=price_minor, currency="EUR", **told)  # type: ignore[arg-type]


def tent(*offers: Offer) -> Product:
    small = Variant(variant_id=VariantId("tent-s"), offers=offers, cost_minor=50, attributes={"colour": "red"})
    return Product(
        product_id=TENT,
        title="Tent",
        variants=(small, Variant(variant_id=VariantId("tent-l"), offers=(offer(300, "tent-l"),))),
    )


def price_at(stores: SqlStores, moment: Micros) -> int:
    """As every slate sees it."""
    listed = stores.catalogue.changed_since(Micros(0))
    shelf = arrange(listed, Pricing("EUR", DEFAULT_MARKET, moment), StockPicture({}), version=1)
    return int(shelf.price_minor[shelf.number_of[TENT]])


def test_a_price_changes_alone(stores: SqlStores) -> None:
    stores.catalogue.upsert([tent(offer(100, list_price_minor=120))], NOON)
    told = [change(90), change(280, "tent-l", cost_minor=170), change(5, "nothing")]
    outcomes = stores.prices.set(told, at(5), at(6))
    assert outcomes == [PriceOutcome(TENT, 100, True), PriceOutcome(TENT, 300, True), PriceOutcome(None)]
    listed = stores.catalogue.changed_since(at(6))
    assert [one.changed_at for one in listed] == [at(6)]
    small, large = listed[0].product.variants
    assert small == Variant(
        variant_id=VariantId("tent-s"),
        offers=(offer(90, list_price_minor=120, valid_from=at(5)),),
        cost_minor=50,
        attributes={"colour": "red"},
    )
    assert (large.offers[0].price_minor, large.cost_minor) == (280, 170)


def test_the_same_again_changes_nothing(stores: SqlStores) -> None:
    stores.catalogue.upsert([tent(offer(100))], NOON)
    assert [one.changed for one in stores.prices.set([change(100)], at(1), at(1))] == [False]
    stores.prices.set([change(90)], at(2), at(2))
    assert [one.changed for one in stores.prices.set([change(90)], at(3), at(3))] == [False]
    assert stores.catalogue.changed_since(at(3)) == []


def test_of_two_in_one_batch_the_later_one_stands(stores: SqlStores) -> None:
    stores.catalogue.upsert([tent(offer(100))], NOON)
    outcomes = stores.prices.set([change(90), change(80)], at(1), at(1))
    assert [one.before_minor for one in outcomes] == [100, 90]
    assert price_at(stores, at(2)) == 80


def test_a_planned_price_waits_for_its_time_and_outlives_changes_before_it(stores: SqlStores) -> None:
    stores.catalogue.upsert([tent(offer(100))], NOON)
    planned = change(150, valid_from=at(10 * DAYS))
    assert [one.changed for one in stores.prices.set([planned, planned], at(1), at(1))] == [True, False]
    stores.prices.set([change(120, valid_from=at(5 * DAYS)), change(95)], at(2), at(2))
    assert [price_at(stores, at(days * DAYS)) for days in (1, 6, 11)] == [95, 120, 150]
    stores.prices.set([change(160, valid_from=at(10 * DAYS))], at(3), at(3))
    assert price_at(stores, at(11 * DAYS)) == 160


def test_a_promotion_stays_and_ends_by_itself(stores: SqlStores) -> None:
    sale = offer(60, list_price_minor=100, valid_from=NOON, valid_to=at(3 * DAYS))
    stores.catalogue.upsert([tent(offer(100), sale)], NOON)
    outcomes = stores.prices.set([change(110)], at(DAYS), at(DAYS))
    assert outcomes[0].before_minor == 100
    assert [price_at(stores, at(days * DAYS)) for days in (2, 4)] == [60, 110]


def test_what_is_told_late_does_not_replace_what_is_known_since(stores: SqlStores) -> None:
    stores.catalogue.upsert([tent(offer(100))], NOON)
    stores.prices.set([change(90, valid_from=at(2 * DAYS))], at(3 * DAYS), at(3 * DAYS))
    late = stores.prices.set([change(70, valid_from=at(DAYS))], at(4 * DAYS), at(4 * DAYS))
    assert [one.changed for one in late] == [False]
    assert price_at(stores, at(4 * DAYS)) == 90


def test_markets_and_foreign_offers_are_left_alone(stores: SqlStores) -> None:
    foreign = Offer(variant_id=VariantId("tent-s"), price_minor=85, currency="GBP")
    wholesale = offer(70, market="wholesale")
    stores.catalogue.upsert([tent(offer(100), foreign, wholesale)], NOON)
    stores.prices.set([change(75, market="wholesale")], at(1), at(1))
    offers = stores.catalogue.get([TENT])[TENT].product.variants[0].offers
    assert [(one.market, one.currency, one.price_minor) for one in offers] == [
        ("default", "EUR", 100),
        ("default", "GBP", 85),
        ("wholesale", "EUR", 75),
    ]


def test_a_product_without_variants_is_its_own_and_a_deleted_one_has_none(stores: SqlStores) -> None:
    stores.catalogue.ensure([ProductId("mug")], NOON)
    stores.catalogue.upsert([tent(offer(100))], NOON)
    assert stores.prices.set([change(7, "mug")], at(1), at(1)) == [PriceOutcome(ProductId("mug"), None, True)]
    # Its own id is none of its variants once it has some.
    assert stores.prices.set([change(7, "tent")], at(1), at(1)) == [PriceOutcome(None)]
    stores.catalogue.delete([TENT], at(2))
    assert stores.prices.set([change(7)], at(3), at(3)) == [PriceOutcome(None)]
    assert stores.prices.set([], at(Micros(DAY)), at(3)) == []


def told(stores: SqlStores, *variants: str) -> list[tuple[str, int, int | None]]:
    """(variant, seconds since noon, price) of the default market."""
    names = [VariantId(variant) for variant in variants or ("tent-s",)]
    points = stores.prices.history(names)
    assert {point.currency for point in points} <= {"EUR"}
    return [(point.variant_id, (point.since - NOON) // 1_000_000, point.price_minor) for point in points]


class TestHistory:
    def test_every_door_leaves_its_prices(self, stores: SqlStores) -> None:
        stores.catalogue.upsert([tent(offer(100))], at(0))
        stores.catalogue.upsert([tent(offer(100))], at(10))
        stores.catalogue.upsert([tent(offer(110, list_price_minor=120))], at(20))
        stores.prices.set([change(90)], at(30), at(30))
        stores.prices.set([change(90)], at(40), at(40))
        assert told(stores) == [("tent-s", 0, 100), ("tent-s", 20, 110), ("tent-s", 30, 90)]
        assert [point.list_price_minor for point in stores.prices.history([VariantId("tent-s")])] == [None, 120, 120]
        assert told(stores, "tent-l") == [("tent-l", 0, 300)]
        assert len(stores.prices.history()) == 4
        assert [point.since for point in stores.prices.history(since=at(20))] == [at(20), at(30)]

    def test_promotions_and_plans_stand_ahead_until_they_are_told_otherwise(self, stores: SqlStores) -> None:
        sale = offer(60, valid_from=at(100), valid_to=at(200))
        stores.catalogue.upsert([tent(offer(100), sale)], at(0))
        stores.prices.set([change(150, valid_from=at(300))], at(10), at(10))
        assert told(stores) == [("tent-s", 0, 100), ("tent-s", 10, 100), *ahead((100, 60), (200, 100), (300, 150))]
        stores.catalogue.upsert([tent(offer(100))], at(150))
        assert told(stores)[-2:] == [("tent-s", 100, 60), ("tent-s", 150, 100)]

    def test_what_is_not_asked_any_more_ends(self, stores: SqlStores) -> None:
        stores.catalogue.upsert([tent(offer(100))], at(0))
        stores.catalogue.upsert([tent()], at(10))
        stores.catalogue.upsert([Product(product_id=TENT, title="Tent")], at(20))
        assert told(stores) == [("tent-s", 0, 100), ("tent-s", 10, None)]
        assert told(stores, "tent-l") == [("tent-l", 0, 300), ("tent-l", 20, None)]

    def test_a_past_that_is_told_in_one_batch_is_kept_whole(self, stores: SqlStores) -> None:
        stores.catalogue.upsert([tent(offer(100))], at(1_000))
        past = [change(price, valid_from=at(moment)) for moment, price in ((0, 80), (50, 85), (70, 95), (60, 90))]
        stores.prices.set(past, at(2_000), at(2_000))
        found = [one for one in told(stores) if one[1] < 1_000]
        assert found == ahead((0, 80), (50, 85), (60, 90), (70, 95))
        assert told(stores)[-1][1:] == (2_000, 95)
        assert price_at(stores, at(2_001)) == 95

    def test_what_stood_before_anything_was_kept_is_kept_with_the_first_change(self, stores: SqlStores) -> None:
        stores.catalogue.upsert([tent(offer(100))], NOON)
        stores.shop_database.write(lambda connection: connection.execute(delete(price_history)))
        stores.prices.set([change(90)], at(5), at(5))
        stores.prices.set([change(80)], at(6), at(6))
        kept = stores.prices.history([VariantId("tent-s")])
        assert [(one.since, one.price_minor) for one in kept] == [(0, 100), (at(5), 90), (at(6), 80)]


def ahead(*points: tuple[int, int]) -> list[tuple[str, int, int]]:
    return [("tent-s", moment, price) for moment, price in points]
