"""Whom the made-up shop bought from, on what terms, what it ordered and when that came: as the shop's own records."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas import supply
from smartshop.data_collection.schemas.ids import Micros, SupplierId, VariantId
from smartshop.data_collection.schemas.money import to_minor
from smartshop.data_collection.schemas.supply import (
    PurchaseLine,
    PurchaseOrder,
    PurchaseOrderId,
    PurchaseReceipt,
    PurchaseStatus,
    ReceivedLine,
    SupplyTerms,
)
from smartshop.simulator.stockroom import OnItsWay
from smartshop.simulator.world import World


def suppliers_of(world: World) -> list[supply.Supplier]:
    """Each says its true mean lead time; how far it strays, receipts have to teach."""
    scenario = world.scenario
    return [
        supply.Supplier(
            supplier_id=SupplierId(one.key),
            name=one.name,
            currency=scenario.currency,
            changed_at=world.start_at,
            lead_time_days=one.lead_time_days,
            review_days=scenario.supply.review_days,
            fixed_cost_minor=to_minor(one.order_cost, scenario.currency),
            min_order_minor=to_minor(one.min_order, scenario.currency),
        )
        for one in scenario.suppliers
    ]


def terms_of(world: World) -> list[SupplyTerms]:
    """Every variant at its cost, from the supplier of its brand."""
    packs = {one.key: one.pack_units for one in world.scenario.suppliers}
    return [
        SupplyTerms(
            supplier_id=variant.supplier_id,
            variant_id=variant.variant_id,
            unit_cost_minor=variant.cost_minor or 0,
            pack_size=packs[variant.supplier_id],
            min_units=packs[variant.supplier_id],
            preferred=True,
        )
        for product in world.products
        for variant in product.variants
        if variant.supplier_id is not None
    ]


def orders_of(world: World, bought: Sequence[OnItsWay], first_day_at: int) -> Iterator[PurchaseOrder]:
    """A day's orders, sent on its morning: what will come on the same day from the same supplier is one."""
    costs = _costs(world)
    for consignment in _consignments(world, bought):
        supplier = world.scenario.suppliers[_supplier(world, consignment[0])]
        at = Micros(first_day_at + consignment[0].ordered_day * DAY)
        yield PurchaseOrder(
            purchase_order_id=_name(world, consignment),
            supplier_id=SupplierId(supplier.key),
            status=PurchaseStatus.SENT,
            currency=world.scenario.currency,
            lines=tuple(
                PurchaseLine(variant_id=variant_id, units=one.quantity, unit_cost_minor=costs[variant_id])
                for one in consignment
                for variant_id in (world.range.variant_ids[one.variant],)
            ),
            created_at=at,
            approved_at=at,
            sent_at=at,
            expected_at=Micros(at + round(supplier.lead_time_days * DAY)),
            fixed_cost_minor=to_minor(supplier.order_cost, world.scenario.currency),
        )


def receipts_of(world: World, arrived: Sequence[OnItsWay], first_day_at: int) -> Iterator[PurchaseReceipt]:
    """A day's deliveries, put away on its morning; every order comes whole."""
    for consignment in _consignments(world, arrived):
        yield PurchaseReceipt(
            purchase_order_id=_name(world, consignment),
            receipt_id="delivery",
            lines=tuple(ReceivedLine(world.range.variant_ids[one.variant], one.quantity) for one in consignment),
            received_at=Micros(first_day_at + consignment[0].arrives_day * DAY),
        )


def _consignments(world: World, goods: Sequence[OnItsWay]) -> Iterator[list[OnItsWay]]:
    """Goods of one supplier, ordered on one day, that come on one day; by number."""

    def of(one: OnItsWay) -> tuple[int, int, int]:
        return one.ordered_day, _supplier(world, one), one.arrives_day

    for _, together in groupby(sorted(goods, key=lambda one: (of(one), one.number)), of):
        yield list(together)


def _supplier(world: World, one: OnItsWay) -> int:
    return int(world.supplier_of_variant[one.variant])


def _name(world: World, consignment: Sequence[OnItsWay]) -> PurchaseOrderId:
    return PurchaseOrderId(f"po-{world.tag}-{consignment[0].number:05d}")


def _costs(world: World) -> dict[VariantId, int]:
    return {variant.variant_id: variant.cost_minor or 0 for product in world.products for variant in product.variants}
