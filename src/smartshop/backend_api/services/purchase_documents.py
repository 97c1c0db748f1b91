"""A purchase order as the supplier reads it: a table for their system, and a letter for a person. Pure."""

import csv
import io
from collections.abc import Mapping
from decimal import Decimal

import msgspec

from smartshop.data_collection.pipelines.clock import to_datetime
from smartshop.data_collection.schemas.ids import VariantId
from smartshop.data_collection.schemas.money import to_decimal
from smartshop.data_collection.schemas.supply import PurchaseOrder, Supplier

COLUMNS = (
    *("purchase_order_id", "line", "variant_id", "title", "units", "unit_cost", "line_total", "currency"),
    *("deliver_to", "expected_on"),
)
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is a formula to a spreadsheet."""


class PurchaseLetter(msgspec.Struct, frozen=True):
    to: str | None
    """Null: the supplier has no e-mail address."""
    subject: str
    body: str


class PurchaseDocuments(msgspec.Struct, frozen=True):
    csv: str
    """RFC 4180, UTF-8, with a line of names."""
    letter: PurchaseLetter


def documents_of(
    order: PurchaseOrder, supplier: Supplier | None, titles: Mapping[VariantId, str], shop_name: str
) -> PurchaseDocuments:
    """What goes out. `titles`: what a variant is called; a variant without one stands with its id alone."""
    return PurchaseDocuments(_table(order, titles), _letter(order, supplier, titles, shop_name))


def _table(order: PurchaseOrder, titles: Mapping[VariantId, str]) -> str:
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(COLUMNS)
    for number, line in enumerate(order.lines, start=1):
        table.writerow(
            [
                _cell(order.purchase_order_id),
                number,
                _cell(line.variant_id),
                _cell(titles.get(line.variant_id, "")),
                line.units,
                _amount(line.unit_cost_minor, order.currency),
                _amount(line.units * line.unit_cost_minor, order.currency),
                order.currency,
                _cell(order.location_id),
                _expected_on(order) or "",
            ]
        )
    return written.getvalue()


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text


def _letter(
    order: PurchaseOrder, supplier: Supplier | None, titles: Mapping[VariantId, str], shop_name: str
) -> PurchaseLetter:
    name = order.supplier_id if supplier is None else supplier.name
    expected = _expected_on(order)
    lines = [_written_line(order, number, titles) for number in range(len(order.lines))]
    body = [
        f"Dear {name},",
        "",
        f"please deliver to {order.location_id}" + (f" by {expected}:" if expected else ":"),
        "",
        *lines,
        "",
        f"Goods: {_amount(order.goods_minor, order.currency)} {order.currency}",
        *([f"Delivery and handling: {_amount(order.fixed_cost_minor, order.currency)} {order.currency}"]
          if order.fixed_cost_minor else []),
        f"Total: {_amount(order.total_minor, order.currency)} {order.currency}",
        "",
        f"Please confirm the date, and name {order.purchase_order_id} on the delivery note.",
        "",
        "Kind regards",
        shop_name,
    ]  # fmt: skip
    email = None if supplier is None else supplier.email
    return PurchaseLetter(email, f"Purchase order {order.purchase_order_id} of {shop_name}", "\n".join(body) + "\n")


def _written_line(order: PurchaseOrder, number: int, titles: Mapping[VariantId, str]) -> str:
    line = order.lines[number]
    title = titles.get(line.variant_id)
    what = line.variant_id if title is None else f"{title} ({line.variant_id})"
    each, total = (
        _amount(minor, order.currency) for minor in (line.unit_cost_minor, line.units * line.unit_cost_minor)
    )
    return f"{number + 1}. {line.units} × {what} at {each} = {total} {order.currency}"


def _amount(minor: int, currency: str) -> Decimal:
    return to_decimal(minor, currency)


def _expected_on(order: PurchaseOrder) -> str | None:
    return None if order.expected_at is None else to_datetime(order.expected_at).date().isoformat()
