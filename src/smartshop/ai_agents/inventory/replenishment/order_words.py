"""A purchase order as a table for a terminal."""

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.table import Table

from smartshop.data_collection.schemas.ids import VariantId
from smartshop.data_collection.schemas.money import written
from smartshop.data_collection.schemas.supply import PurchaseOrder, Supplier


def order_table(order: PurchaseOrder, supplier: Supplier, titles: Mapping[VariantId, str]) -> Table:
    """Line by line, with what all comes to. `titles`: what variants are called, where the catalogue knows them."""
    title = f"{order.purchase_order_id}: {order.status.value.replace('_', ' ')} to {supplier.name}, for"
    title += f" {order.location_id}; money in {order.currency}"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("product", min_width=20, overflow="fold")
    for name in ("units", "each", "goods"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in order.lines:
        goods = line.units * line.unit_cost_minor
        name = titles.get(line.variant_id, line.variant_id)
        table.add_row(name, f"{line.units:,}", _amount(line.unit_cost_minor, order), _amount(goods, order))
    table.add_section()
    if order.fixed_cost_minor:
        table.add_row("the order itself", "", "", _amount(order.fixed_cost_minor, order))
    units = sum(line.units for line in order.lines)
    table.add_row("together", f"{units:,}", "", _amount(order.total_minor, order), style="bold")
    return table


def drafted_sentence(order: PurchaseOrder, *, is_new: bool) -> str:
    """What is to be done with it next."""
    number = order.purchase_order_id
    if not is_new:
        return f"All of it was drafted before; the newest order is {number}, {order.status.value.replace('_', ' ')}."
    return f"Drafted as {number}; POST /v1/purchase-orders/{number}/approve and …/send bring it to the supplier."


def _amount(minor: int, order: PurchaseOrder) -> str:
    """Without the currency, which the title tells."""
    return written(minor, order.currency).removesuffix(f" {order.currency}")
