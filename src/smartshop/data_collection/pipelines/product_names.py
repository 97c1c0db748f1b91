"""The products an event names: clean ids, variants resolved to what is shown, quantities and prices in range."""

from collections.abc import Callable, Sequence

from smartshop.data_collection.pipelines.refusals import refuse
from smartshop.data_collection.schemas.events import MAX_PRODUCTS_PER_EVENT, Event, ProductLine, StoredEvent
from smartshop.data_collection.schemas.ids import ProductId, VariantId, clean_id
from smartshop.data_collection.schemas.money import MAX_MINOR

ProductOf = Callable[[str], ProductId | None]
"""A product's or variant's id → the product; None for what the catalogue does not know. Answered from memory."""

MAX_QUANTITY = 1_000_000
"""Over ten times the largest single line of `online_retail` (80,995 units)."""
MAX_POSITION = 100_000


def clean_lines(event: Event | StoredEvent, product_of: ProductOf) -> tuple[ProductLine, ...]:
    """Return the event's lines; a single product becomes the only line.

    Raises:
        InvalidValue: a line without product, a bad id, or a number out of range.
    """
    lines: Sequence[ProductLine] = event.products
    if isinstance(event, Event) and (event.product_id is not None or event.variant_id is not None):
        if lines and not any(line.product_id == event.product_id for line in lines):
            refuse("ambiguous_product", "The event has product_id and other products; send one or the other.")
        lines = lines or (
            ProductLine(event.product_id, event.variant_id, event.quantity, event.price_minor, event.position),
        )
    if not lines:
        return ()
    if len(lines) > MAX_PRODUCTS_PER_EVENT:
        refuse("too_many_products", f"The event has {len(lines)} products; at most {MAX_PRODUCTS_PER_EVENT} fit.")
    cleaned = tuple([_clean_line(line, product_of) for line in lines])
    if len(cleaned) > 1 or cleaned[0].quantity is not None:
        _check_value(cleaned)
    return cleaned


def _clean_line(line: ProductLine, product_of: ProductOf) -> ProductLine:
    product_id, variant_id = _resolve(line, product_of)
    line_id = line.line_id if line.line_id is None else clean_id(line.line_id, "line_id")
    _check_numbers(line)
    if product_id is line.product_id and variant_id is line.variant_id and line_id is line.line_id:
        return line
    return ProductLine(product_id, variant_id, line.quantity, line.price_minor, line.position, line_id)


def _resolve(line: ProductLine, product_of: ProductOf) -> tuple[ProductId, VariantId | None]:
    variant_id = line.variant_id if line.variant_id is None else VariantId(clean_id(line.variant_id, "variant_id"))
    if line.product_id is None:
        if variant_id is None:
            refuse("missing_product", "A product of the event has neither product_id nor variant_id; send one.")
        return product_of(variant_id) or ProductId(variant_id), variant_id
    sent = clean_id(line.product_id, "product_id")
    product_id = product_of(sent)
    if product_id is None or product_id == sent:
        return ProductId(sent), variant_id
    return product_id, variant_id or VariantId(sent)


def _check_numbers(line: ProductLine) -> None:
    quantity, price, position = line.quantity, line.price_minor, line.position
    if quantity is not None and not 1 <= quantity <= MAX_QUANTITY:
        refuse("bad_quantity", f"The quantity {_short(quantity)} is out of range; send 1 to {MAX_QUANTITY} units.")
    if price is not None and not 0 <= price <= MAX_MINOR:
        refuse("bad_price", f"The price_minor {_short(price)} is out of range; send 0 to 10^15 minor units.")
    if position is not None and not 0 <= position <= MAX_POSITION:
        refuse("bad_position", f"The position {_short(position)} is out of range; send 0 to {MAX_POSITION}.")


def _check_value(lines: Sequence[ProductLine]) -> None:
    value = sum((line.quantity or 1) * (line.price_minor or 0) for line in lines)
    if value > MAX_MINOR:
        refuse("bad_price", f"The products are worth {_short(value)} minor units together; at most 10^15 fit.")


def _short(number: int) -> str:
    # Python refuses to print integers of thousands of digits.
    return str(number) if abs(number) < 10**30 else "of more than 30 digits"
