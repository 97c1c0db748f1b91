"""What calling an order off gives back: every part its share, all parts together what was paid for the goods."""

import msgspec
import numpy as np

from smartshop.data_collection.pipelines.order_refunds import refundable_minor
from smartshop.data_collection.schemas.events import Trust
from smartshop.data_collection.schemas.ids import LineId, OrderId, ProductId, VariantId
from smartshop.data_collection.schemas.orders import Order, OrderLine, Refund, called_off_event
from tests.connectors.told import NOON, order


def line(name: str, units: int, price: int | None = None, variant: str | None = None) -> OrderLine:
    return OrderLine(
        line_id=LineId(name),
        product_id=ProductId("p"),
        variant_id=VariantId(variant or f"v-{name}"),
        quantity=units,
        unit_price_minor=price,
    )


def refund(name: str, amount: int, *lines: OrderLine, currency: str = "GBP") -> Refund:
    return Refund(
        event_id=name,
        order_id=OrderId("o"),
        amount_minor=amount,
        currency=currency,
        refunded_at=NOON,
        trust=Trust.SERVER,
        lines=lines,
    )


def placed(*lines: OrderLine, discount: int = 0) -> Order:
    return order("o", lines=lines, discount_minor=discount, shipping_minor=495, tax_minor=77)


TWO = placed(line("a", 2, 900), line("b", 1, 600))


def test_whatever_parts_an_order_is_called_off_in_they_sum_to_what_its_goods_cost() -> None:
    rng = np.random.default_rng(7)
    for _ in range(200):
        lines = [line(str(number), int(rng.integers(1, 6)), int(rng.integers(0, 1000))) for number in range(4)]
        goods = sum(one.quantity * (one.unit_price_minor or 0) for one in lines)
        told = placed(*lines, discount=int(rng.integers(0, goods + 2)))
        units = rng.permutation(np.repeat(np.arange(4), [one.quantity for one in lines]))
        refunds: list[Refund] = []
        for part in np.array_split(units, 3):
            numbers, counts = np.unique(part, return_counts=True)
            of = tuple(msgspec.structs.replace(lines[n], quantity=int(c)) for n, c in zip(numbers, counts, strict=True))
            name = called_off_event(OrderId("o"), str(len(refunds)))
            refunds.append(refund(name, refundable_minor(told, of, refunds), *of))
        assert sum(one.amount_minor for one in refunds) == max(goods - told.discount_minor, 0)


def test_a_line_that_was_refunded_by_itself_is_not_refunded_again_and_the_other_is() -> None:
    for told in (
        refund("r", 1800, line("a", 2, 900)),
        refund("r", 1800, line("0", 2, variant="v-a")),
        refund("r", 0, line("a", 2)),
    ):
        assert refundable_minor(TWO, [line("a", 2)], [told]) == 0
        assert refundable_minor(TWO, [line("b", 1)], [told]) == 600


def test_a_refund_of_part_of_a_lines_money_leaves_the_rest_of_it() -> None:
    assert refundable_minor(TWO, [line("a", 2)], [refund("r", 100, line("a", 2))]) == 1700


def test_a_refund_by_amount_or_of_everything_counts_against_all_of_the_order() -> None:
    assert refundable_minor(TWO, TWO.lines, [refund("r", 2000)]) == 400
    assert refundable_minor(TWO, TWO.lines, [refund("r", 0)]) == 0
    assert refundable_minor(TWO, TWO.lines, [refund("r", 9_999)]) == 0


def test_money_of_another_currency_is_other_money() -> None:
    assert refundable_minor(TWO, TWO.lines, [refund("r", 2000, currency="EUR")]) == 2400


def test_an_order_without_prices_gives_no_money_back() -> None:
    told = placed(line("a", 2))
    assert refundable_minor(told, told.lines, []) == 0
