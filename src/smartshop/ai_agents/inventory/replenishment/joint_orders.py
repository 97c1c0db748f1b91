"""What is to be ordered from one supplier for one place: one purchase order, whose fixed cost its lines share. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from smartshop.ai_agents.inventory.replenishment.proposal_records import JointOrder, Proposal
from smartshop.data_collection.schemas.ids import LocationId, SupplierId
from smartshop.data_collection.schemas.money import written
from smartshop.data_collection.schemas.supply import Supplier


def joint_orders(
    proposals: Iterable[Proposal], suppliers: Mapping[SupplierId, Supplier], currency: str
) -> tuple[JointOrder, ...]:
    """By the supplier's name and place, of what has one of these suppliers. `currency`: the shop's."""
    lines: defaultdict[tuple[SupplierId, LocationId], list[Proposal]] = defaultdict(list)
    for one in proposals:
        if one.supplier_id is not None and one.supplier_id in suppliers:
            lines[one.supplier_id, one.location_id].append(one)
    orders = (_joined(suppliers[supplier_id], found, currency) for (supplier_id, _), found in lines.items())
    return tuple(sorted(orders, key=lambda one: (one.supplier_name, one.supplier_id, one.location_id)))


def _joined(supplier: Supplier, lines: Sequence[Proposal], currency: str) -> JointOrder:
    is_own_money = supplier.currency == currency
    goods = sum(one.goods_minor for one in lines)
    fixed = supplier.fixed_cost_minor if is_own_money else 0
    missing = max(supplier.min_order_minor - goods, 0) if is_own_money else 0
    notes = []
    if missing:
        least = written(supplier.min_order_minor, currency)
        notes.append(
            f"{supplier.name} takes no order below {least}; goods for {written(missing, currency)} are missing"
        )
    if not is_own_money:
        notes.append(f"{supplier.name} bills in {supplier.currency}, which is not converted, so it cannot be drafted")
    return JointOrder(
        supplier_id=supplier.supplier_id,
        supplier_name=supplier.name,
        location_id=lines[0].location_id,
        lines=len(lines),
        units=sum(one.units for one in lines),
        goods_minor=goods,
        fixed_cost_minor=fixed,
        total_minor=goods + fixed,
        missing_minor=missing,
        notes=tuple(notes),
    )
