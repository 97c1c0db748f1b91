"""Warnings of suppliers: orders that are late, and suppliers who have become slower. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from smartshop.ai_agents.inventory.alerts.found import Telling, in_money_of
from smartshop.ai_agents.inventory.alerts.late_supplier import LateConfig, expected_at, late_order, slower_supplier
from smartshop.ai_agents.inventory.replenishment.lead_times import days_seen, lead_time, learn_lead_times
from smartshop.data_collection.schemas.alerts import AlertKind, AlertSubject, FoundAlert
from smartshop.data_collection.schemas.ids import Micros, SupplierId
from smartshop.data_collection.schemas.supply import PurchaseOrder, Supplier, SupplyDelivery


@dataclass(frozen=True, slots=True)
class SupplierPast:
    suppliers: Mapping[SupplierId, Supplier]
    sent: Sequence[PurchaseOrder]
    """Not whole yet."""
    deliveries: Sequence[SupplyDelivery]
    """By time."""
    day: Callable[[int], str]
    now: Micros


def supplier_alerts(past: SupplierPast, telling: Telling, config: LateConfig) -> Iterator[FoundAlert]:
    leads = learn_lead_times(past.suppliers.values(), past.deliveries)
    for order in past.sent:
        lead = leads.get(order.supplier_id, lead_time(None))
        subject = AlertSubject(
            supplier_id=order.supplier_id,
            purchase_order_id=order.purchase_order_id,
            location_id=order.location_id,
            title=f"Order {order.purchase_order_id} to {_name(past, order.supplier_id)}",
        )
        due = expected_at(order, lead)
        is_open = telling.is_open(AlertKind.LATE_ORDER, subject)
        late = late_order(order, lead, past.now, "" if due is None else past.day(due), config, is_open=is_open)
        if late is not None:
            is_own_money = order.currency == telling.currency
            one = telling.tell(subject, late, late.open_minor if is_own_money else None, late.expected_on)
            yield one if is_own_money else in_money_of(one, order.currency)
    for supplier_id, days in days_seen(past.deliveries).items():
        subject = AlertSubject(supplier_id=supplier_id, title=_name(past, supplier_id))
        is_open = telling.is_open(AlertKind.SLOWER_SUPPLIER, subject)
        slower = slower_supplier(days, config, is_open=is_open)
        if slower is not None:
            yield telling.tell(subject, slower, _open_minor(past, supplier_id, telling.currency))


def _name(past: SupplierPast, supplier_id: SupplierId) -> str:
    known = past.suppliers.get(supplier_id)
    return supplier_id if known is None else known.name


def _open_minor(past: SupplierPast, supplier_id: SupplierId, currency: str) -> int | None:
    """What is on its way from this supplier: it will be late as well. None where some of it is in other money."""
    sent = [order for order in past.sent if order.supplier_id == supplier_id]
    if any(order.currency != currency for order in sent):
        return None
    return sum(line.open_units * line.unit_cost_minor for order in sent for line in order.lines)
