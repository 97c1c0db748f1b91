"""Messages that are kept name nobody who was erased."""

from smartshop.data_collection.connectors.without_erased import message_without
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, Micros, ProductId, VariantId
from smartshop.data_collection.schemas.messages import BackInStock


def is_theirs(customer_id: str | None, anonymous_id: str | None) -> bool:
    return customer_id == "ada" or anonymous_id == "laptop"


def told(customers: tuple[str, ...], browsers: tuple[str, ...]) -> BackInStock:
    return BackInStock(
        product_id=ProductId("tent"),
        variant_id=VariantId("tent-s"),
        units=3,
        customer_ids=tuple(CustomerId(one) for one in customers),
        anonymous_ids=tuple(AnonymousId(one) for one in browsers),
        others=0,
        gone_at=None,
        back_at=Micros(7),
    )


def test_of_those_who_were_told_that_something_is_back_the_others_stay() -> None:
    left = message_without(told(("ada", "bob"), ("laptop", "phone")), is_theirs)
    assert left == told(("bob",), ("phone",))
    assert message_without(told(("bob",), ()), is_theirs) == told(("bob",), ())
