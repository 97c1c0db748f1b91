"""The made-up shops sell as a real one did."""

from pathlib import Path

import polars as pl
import pytest

from smartshop.data_collection.schemas.events import EventKind
from smartshop.simulator.scenario import SHIPPED
from tests.simulator.conftest import Made, whole_history
from tests.simulator.sales_shape import ONLINE_RETAIL, SalesShape, online_retail_shape, shape_of

WITHIN = 0.20
FIGURES = tuple(SalesShape.__dataclass_fields__)


def lines_of(made: Made) -> pl.DataFrame:
    rows = [
        (event.customer_id, event.order_id, line.product_id)
        for event in made.events
        if event.kind is EventKind.ORDER_COMPLETED and event.customer_id is not None
        for line in event.products
    ]
    return pl.DataFrame(rows, schema=["customer", "order", "product"], orient="row")


@pytest.mark.parametrize("name", SHIPPED)
def test_sales_lie_within_a_fifth_of_a_real_shop(name: str) -> None:
    made = shape_of(lines_of(whole_history(name)))
    for figure in FIGURES:
        assert getattr(made, figure) == pytest.approx(getattr(ONLINE_RETAIL, figure), rel=WITHIN), figure


def test_the_real_shops_figures_are_what_its_invoices_say(shared_data: Path) -> None:
    real = online_retail_shape(shared_data / "online_retail" / "online_retail.parquet")
    for figure in FIGURES:
        assert getattr(real, figure) == pytest.approx(getattr(ONLINE_RETAIL, figure), rel=1e-3), figure


def test_the_figures_of_three_orders_are_those_counted_by_hand() -> None:
    lines = [("a", 1, "x"), ("a", 1, "y"), ("a", 2, "x"), ("b", 3, "x"), ("b", 3, "x"), ("b", 3, "z")]
    shape = shape_of(pl.DataFrame(lines, schema=["customer", "order", "product"], orient="row"))
    assert shape.lines_per_order == pytest.approx(5 / 3)
    assert shape.repeat_customers == pytest.approx(1 / 2)
    assert shape.repeat_lines == pytest.approx(1 / 5)
    assert shape.top_fifth == pytest.approx(3 / 5)
    assert shape.gini == pytest.approx(4 / 15)
