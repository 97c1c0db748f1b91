"""Proposals become a draft order to their supplier: one of them, or all that go to one place together."""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from smartshop.ai_agents.inventory.replenishment.deciding import Decided
from smartshop.ai_agents.inventory.replenishment.kept import told_under
from smartshop.ai_agents.inventory.replenishment.proposal_records import Proposal
from smartshop.ai_agents.inventory.stock_now import StockNow
from smartshop.backend_api.services.purchasing import MAX_LINES, SenselessOrder
from smartshop.backend_api.services.supply_input import check_currency
from smartshop.data_collection.connectors.ports import ProposalBook, Suppliers
from smartshop.data_collection.schemas.ids import LocationId, ModelVersion, SupplierId, VariantId
from smartshop.data_collection.schemas.money import MAX_MINOR
from smartshop.data_collection.schemas.supply import PurchaseLine, PurchaseOrder, PurchaseOrderId, PurchaseStatus
from smartshop.errors import Conflict, NotFound


class WithoutSupplier(Conflict):
    code = "without_supplier"


class NothingToOrder(Conflict):
    code = "nothing_to_order"


class SeveralPlaces(Conflict):
    code = "several_places"


@dataclass(frozen=True, slots=True)
class DraftDesk:
    """Where proposals are kept and become orders, and how they were decided."""

    at: StockNow
    version: ModelVersion
    """Of the model."""
    book: ProposalBook
    decided: Decided
    """About the places of all proposals that are drafted here."""


@dataclass(frozen=True, slots=True)
class Drafted:
    order: PurchaseOrder
    is_new: bool
    """False: it was drafted before, and stands as it stands by now."""


def draft_together(
    desk: DraftDesk, proposals: Sequence[Proposal], supplier_id: SupplierId, location_id: LocationId | None = None
) -> Drafted:
    """One draft order of all these proposals that are of this supplier and place, without those that an order follows
    which was not called off; where that is so of all, the order that follows most of them. At most `MAX_LINES` at once,
    the costliest to wait with: asked again, those left over become the next. Blocking.

    `proposals`: as they stand now, the costliest to wait with first.

    Raises:
        NotFound: there is no such supplier.
        NothingToOrder: none of these proposals is of it.
        SeveralPlaces: they go to several places, and none was named.
        CurrencyMismatch: it bills in another currency than the shop's.
        SenselessOrder: more money than can be counted.
    """
    check_orderable(desk.at.stores.suppliers, supplier_id, desk.at.model.facts.currency)
    found = [one for one in proposals if one.supplier_id == supplier_id and location_id in (None, one.location_id)]
    if not found:
        where = "" if location_id is None else f" for {location_id!r}"
        raise NothingToOrder(
            f"Nothing is to be ordered from {supplier_id!r}{where} as stock is now; approved orders count as on their"
            " way already."
        )
    places = sorted({one.location_id for one in found})
    if len(places) > 1:
        raise SeveralPlaces(
            f"What is to be ordered from {supplier_id!r} goes to {', '.join(map(repr, places))}, and an order goes to"
            " one place; name it as location_id."
        )
    return draft_of(desk, found)


def check_orderable(suppliers: Suppliers, supplier_id: SupplierId, currency: str) -> None:
    """Let a supplier pass whom something can be ordered from.

    Raises:
        NotFound: there is no such supplier.
        CurrencyMismatch: it bills in another currency than this, the shop's.
    """
    supplier = suppliers.get(supplier_id)
    if supplier is None:
        raise NotFound(f"There is no supplier {supplier_id!r} to order from; GET /v1/suppliers lists them.")
    check_currency(supplier, currency)


def draft_of(desk: DraftDesk, proposals: Sequence[Proposal]) -> Drafted:
    """The same of these, which are of one supplier and go to one place. Blocking."""
    taken = desk.book.followers([one.proposal_id for one in proposals])
    free = [one for one in proposals if one.proposal_id not in taken][:MAX_LINES]
    if not free:
        return Drafted(_main_one(list(taken.values())), is_new=False)
    order = _order_of(desk, free)
    keep_proposals(desk, free)
    kept = desk.book.follow(order, {one.variant_id: one.proposal_id for one in free})
    return Drafted(kept, is_new=kept.purchase_order_id == order.purchase_order_id)


def _main_one(followers: Sequence[PurchaseOrder]) -> PurchaseOrder:
    """Of the orders that follow so many proposals the one of most, the newest of several."""
    lines = Counter(one.purchase_order_id for one in followers)
    return max(followers, key=lambda one: (lines[one.purchase_order_id], one.created_at, one.purchase_order_id))


def keep_proposals(desk: DraftDesk, proposals: Sequence[Proposal]) -> None:
    """Remember what is ordered, instead of what the newest look over the stock kept of it. Blocking."""
    units = {one.proposal_id: one.units for one in proposals}
    told = told_under(desk.at.model, desk.version, desk.decided, desk.at.present, units)
    # A budget may have cut what was decided: what is proposed is what counts.
    desk.book.keep([msgspec.structs.replace(one, units=units[one.proposal_id]) for one in told])


def _order_of(desk: DraftDesk, proposals: Sequence[Proposal]) -> PurchaseOrder:
    first = proposals[0]
    supplier_id = first.supplier_id
    supplier = None if supplier_id is None else desk.at.stores.suppliers.get(supplier_id)
    if supplier is None:
        raise WithoutSupplier(
            f"Nobody told who supplies {first.variant_id!r}; PUT /v1/suppliers and their terms say it, then ask again."
        )
    check_currency(supplier, desk.at.model.facts.currency)
    order = PurchaseOrder(
        purchase_order_id=PurchaseOrderId(f"po-{uuid.uuid4().hex[:16]}"),
        supplier_id=supplier.supplier_id,
        status=PurchaseStatus.DRAFT,
        currency=supplier.currency,
        lines=_lines(proposals),
        created_at=desk.at.now,
        location_id=first.location_id,
        fixed_cost_minor=supplier.fixed_cost_minor,
        reference=first.proposal_id if len(proposals) == 1 else f"reorder-{desk.at.present.today}",
    )
    if order.total_minor > MAX_MINOR:
        raise SenselessOrder(f"The order comes to {order.total_minor} {order.currency} minor units; draft it in parts.")
    return order


def _lines(proposals: Sequence[Proposal]) -> tuple[PurchaseLine, ...]:
    """One for each variant, for the money that was told, in the order of the proposals."""
    units: Counter[VariantId] = Counter()
    goods: Counter[VariantId] = Counter()
    for one in proposals:
        units[one.variant_id] += one.units
        goods[one.variant_id] += one.goods_minor
    return tuple(
        PurchaseLine(variant_id=variant_id, units=whole, unit_cost_minor=round(goods[variant_id] / whole))
        for variant_id, whole in units.items()
    )
