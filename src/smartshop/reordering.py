"""What `smartshop reorder` does: what to order now, and one draft order of all that goes to a supplier."""

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console

from smartshop.ai_agents.inventory.replenishment.deciding import Decided, decide
from smartshop.ai_agents.inventory.replenishment.proposal_records import Proposals
from smartshop.ai_agents.inventory.replenishment.proposals import proposals_of
from smartshop.ai_agents.inventory.replenishment.reading import stocked_places
from smartshop.ai_agents.inventory.stock_now import StockNow, promoted_model, stock_now
from smartshop.backend_api.services.joint_drafts import DraftDesk, Drafted, check_orderable, draft_together
from smartshop.backend_api.services.purchase_views import titles_of
from smartshop.backend_api.services.purchasing import warnings_of
from smartshop.bars import sharing_bar
from smartshop.data_collection.connectors.sql.stores import SqlStores
from smartshop.data_collection.schemas.ids import LocationId, ModelVersion, SupplierId, VariantId
from smartshop.data_collection.schemas.money import to_minor
from smartshop.data_collection.schemas.supply import PurchaseOrder, PurchaseOrderId, Supplier
from smartshop.opening import opened_stores
from smartshop.place import Place
from smartshop.settings import Settings
from smartshop.wiring import build_clock, cost_config


@dataclass(frozen=True, slots=True)
class Reordering:
    """What to order, and what of it was ordered today."""

    proposals: Proposals
    drafted: Mapping[str, PurchaseOrderId]
    """Proposal → the order made from it, where that was not called off."""


@dataclass(frozen=True, slots=True)
class OrderDrafted:
    """A draft order with what its table tells beside it."""

    order: PurchaseOrder
    is_new: bool
    supplier: Supplier
    titles: Mapping[VariantId, str]
    warnings: list[str]
    """What the supplier may not accept."""


def reorder_now(settings: Settings, place: Place, budget: float | None, console: Console | None) -> Reordering:
    """What to order as stock is now. `budget`: in the shop's currency.

    Raises:
        NotFound: nothing was learned yet.
        InvalidValue: the budget is negative, or beyond what can be counted.
    """
    with opened_stores(settings, place) as stores:
        at, _ = _now(settings, stores)
        found, _ = _proposed(at, _minor(budget, settings), console)
        followers = stores.proposals.followers([one.proposal_id for one in found.items])
    return Reordering(found, {name: order.purchase_order_id for name, order in followers.items()})


def draft_now(
    settings: Settings,
    place: Place,
    supplier_id: str,
    location_id: str | None,
    *,
    budget: float | None,
    console: Console | None,
) -> OrderDrafted:
    """One draft order of all that is proposed of a supplier for a place; the one made before where all of it was.

    Raises:
        NotFound: nothing was learned yet, or there is no such supplier.
        NothingToOrder, SeveralPlaces, CurrencyMismatch: as `draft_together` says.
        InvalidValue: the budget is negative, or beyond what can be counted.
    """
    named = SupplierId(supplier_id)
    with opened_stores(settings, place) as stores:
        check_orderable(stores.suppliers, named, settings.currency)
        at, version = _now(settings, stores)
        found, decided = _proposed(at, _minor(budget, settings), console)
        desk = DraftDesk(at, version, stores.proposals, decided)
        place_of_delivery = None if location_id is None else LocationId(location_id)
        return _told(stores, draft_together(desk, found.items, named, place_of_delivery))


def _proposed(at: StockNow, budget_minor: int | None, console: Console | None) -> tuple[Proposals, Decided]:
    with sharing_bar("reorder", console) as tell:
        tell(0.0, "reading stock and suppliers")
        supply = at.supply()
        places = stocked_places(at.stores, supply, at.model, at.present.shop_now)
        tell(0.3, f"deciding about {len(places)} variants")
        decided = decide(at.model, supply, places, at.present)
        found = proposals_of(at.model, decided, at.present, budget_minor)
        tell(1.0, "done")
    return found, decided


def _told(stores: SqlStores, drafted: Drafted) -> OrderDrafted:
    order, names = drafted.order, [line.variant_id for line in drafted.order.lines]
    supplier = stores.suppliers.get(order.supplier_id)
    assert supplier is not None, "an order of it is open, so it cannot be deleted"
    warnings = warnings_of(order, supplier, stores.suppliers.terms(names, order.supplier_id))
    return OrderDrafted(order, drafted.is_new, supplier, titles_of(stores.catalogue, names), warnings)


def _minor(budget: float | None, settings: Settings) -> int | None:
    return None if budget is None else to_minor(budget, settings.currency)


def _now(settings: Settings, stores: SqlStores) -> tuple[StockNow, ModelVersion]:
    model, version = promoted_model(stores.models)
    return stock_now(model, stores, build_clock(settings, stores), cost_config(settings)), version
