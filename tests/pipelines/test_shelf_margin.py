"""What share of its price stays with the shop, as the shelf tells rules."""

import numpy as np

from smartshop.data_collection.pipelines.shelf_arrays import Pricing, StockPicture, arrange, with_stock
from smartshop.data_collection.schemas.catalogue import DEFAULT_MARKET, ListedProduct, Offer, Product, Variant
from smartshop.data_collection.schemas.ids import Micros, ProductId, ProductNo, VariantId

NOW = Micros(1_780_000_000_000_000)
PRICING = Pricing(currency="GBP", market=DEFAULT_MARKET, at=NOW)


def listed(number: int, *variants: tuple[int, int | None]) -> ListedProduct:
    """`variants`: (price, cost) of each, minor units."""
    product = Product(
        product_id=ProductId(f"p{number}"),
        title="A product",
        variants=tuple(
            Variant(
                variant_id=VariantId(f"p{number}-{at}"),
                offers=(Offer(variant_id=VariantId(f"p{number}-{at}"), price_minor=price, currency="GBP"),),
                cost_minor=cost,
            )
            for at, (price, cost) in enumerate(variants)
        ),
    )
    return ListedProduct(product_no=ProductNo(number), product=product, changed_at=NOW)


def test_a_margin_is_that_of_the_cheapest_offer_whose_cost_is_known() -> None:
    shelf = arrange(
        [
            listed(0, (1_000, 600)),
            listed(1, (1_000, 100), (800, 1_000)),
            listed(2, (1_000, None)),
            listed(3, (500, None), (900, 90)),
            listed(4, (0, 10)),
            listed(6),
        ],
        PRICING,
        StockPicture({}),
        version=1,
    )
    nan = np.nan
    np.testing.assert_allclose(shelf.margin, [0.4, -0.25, nan, nan, nan, nan, nan], atol=1e-6)
    assert shelf.price_minor.tolist() == [1_000, 800, 1_000, 500, 0, -1, -1]
    sold = with_stock(shelf, StockPicture({VariantId("p0-0"): 3}), {VariantId("p0-0")}, version=2)
    assert sold.margin is shelf.margin
