"""The e-commerce properties of a Segment track call: products, decimal prices, orders."""

import msgspec

from smartshop.data_collection.pipelines.loose_json import Json, number_of, object_of, text_of, whole_number_of
from smartshop.data_collection.pipelines.refusals import refuse
from smartshop.data_collection.schemas.events import Event, EventKind, ProductLine
from smartshop.data_collection.schemas.ids import DecisionId, OrderId, ProductId, VariantId
from smartshop.data_collection.schemas.money import clean_currency, to_minor

_TAKEN = frozenset(
    {
        "products",
        "product_id",
        "variant_id",
        "sku",
        "quantity",
        "price",
        "position",
        "order_id",
        "orderId",
        "currency",
        "discount",
        "shipping",
        "tax",
        "query",
        "rating",
        "dwell_ms",
        "surface",
        "decision_id",
        "market",
        "consent",
    }
)


def with_commerce(event: Event, properties: Json, currency: str) -> Event:
    """Return the event with what its properties say of products and money; the rest stays in `properties`.

    Prices are decimals there; `currency` is the shop's, for events that name none.

    Raises:
        InvalidValue: a price or currency that is none, or products that are no list of objects.
    """
    sent = text_of(properties, "currency")
    code = clean_currency(sent) if sent is not None else currency
    order_id, decision_id = text_of(properties, "order_id", "orderId"), text_of(properties, "decision_id")
    total = _minor(properties, "total", code) if event.kind is EventKind.ORDER_REFUNDED else None
    return msgspec.structs.replace(
        event,
        products=_lines(properties, code),
        order_id=OrderId(order_id) if order_id is not None else None,
        currency=code,
        market=text_of(properties, "market"),
        discount_minor=_minor(properties, "discount", code),
        shipping_minor=_minor(properties, "shipping", code),
        tax_minor=_minor(properties, "tax", code),
        amount_minor=total,
        query=text_of(properties, "query"),
        rating=number_of(properties, "rating"),
        dwell_ms=whole_number_of(properties, "dwell_ms"),
        surface=text_of(properties, "surface"),
        position=whole_number_of(properties, "position"),
        decision_id=DecisionId(decision_id) if decision_id is not None else None,
        consent=_consent(properties) if event.kind is EventKind.CONSENT_CHANGED else None,
        properties={name: value for name, value in properties.items() if name not in _TAKEN} or None,
    )


def _lines(properties: Json, currency: str) -> list[ProductLine]:
    products = properties.get("products")
    if isinstance(products, list) and products:
        return [_line(product, currency) for product in products]
    if text_of(properties, "product_id", "variant_id", "sku") is None:
        return []
    return [_line(properties, currency)]


def _line(product: object, currency: str) -> ProductLine:
    if not isinstance(product, dict):
        refuse("bad_product", f"The product {str(product)[:40]!r} is no object; send product_id, quantity and price.")
    # A sku names what is sold; alone it is the variant, beside a product_id it may be any code of the sender's.
    product_id = text_of(product, "product_id", "productId", "id")
    variant_id = text_of(product, "variant_id") or (text_of(product, "sku") if product_id is None else None)
    return ProductLine(
        product_id=ProductId(product_id) if product_id is not None else None,
        variant_id=VariantId(variant_id) if variant_id is not None else None,
        quantity=_quantity(product),
        price_minor=_minor(product, "price", currency),
        position=whole_number_of(product, "position"),
    )


def _quantity(product: Json) -> int | None:
    sent = product.get("quantity")
    if sent is None or sent == "":
        return None
    quantity = whole_number_of(product, "quantity")
    if quantity is None:
        refuse("bad_quantity", f"The quantity {str(sent)[:40]!r} is no whole number; send units such as 2.")
    return quantity


def _minor(source: Json, name: str, currency: str) -> int | None:
    amount = source.get(name)
    if amount is None or amount == "" or isinstance(amount, (bool, dict, list)):
        return None
    return to_minor(amount, currency)


def _consent(properties: Json) -> dict[str, bool]:
    named = object_of(properties, "consent") or properties
    return {purpose: granted for purpose, granted in named.items() if isinstance(granted, bool)}
