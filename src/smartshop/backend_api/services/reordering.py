"""What to order as stock is now, worked out whole, or anew for a few products of a list. Blocking."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

import msgspec
import numpy as np

from smartshop.ai_agents.inventory.model import InventoryModel, ServedModel
from smartshop.ai_agents.inventory.replenishment.deciding import (
    Between,
    Decided,
    SharedCosts,
    cases_of,
    decide,
    decide_cases,
    go_on,
)
from smartshop.ai_agents.inventory.replenishment.joint_orders import joint_orders
from smartshop.ai_agents.inventory.replenishment.proposal_records import Proposals
from smartshop.ai_agents.inventory.replenishment.proposals import costliest_first, proposals_of
from smartshop.ai_agents.inventory.replenishment.reading import places_of_products, stocked_places
from smartshop.ai_agents.inventory.stock_now import StockNow, stock_now
from smartshop.backend_api.services.joint_drafts import DraftDesk
from smartshop.backend_api.shop import Shop
from smartshop.data_collection.schemas.ids import Micros, ProductId, SupplierId, VariantId
from smartshop.errors import NotFound


@dataclass(frozen=True, slots=True)
class WorkedOut:
    """What to order, and what it was decided from."""

    proposals: Proposals
    shared: SharedCosts
    model: InventoryModel
    at: Micros
    """Real time at which all of stock was read."""
    change: int
    """Number of the newest change of a variant that it knows of."""
    supply_news: object
    """The latest that was told of suppliers before they were read."""


@dataclass(frozen=True, slots=True)
class Drafting:
    """A list whose products concerned were decided about just now, with what orders are drafted of it by."""

    found: WorkedOut
    desk: DraftDesk


def served_forecasts(shop: Shop) -> InventoryModel:
    """Raises:
    NotFound: nothing was learned yet.
    """
    return _served(shop).model


def stock_now_of(shop: Shop) -> StockNow:
    """Raises:
    NotFound: nothing was learned yet.
    """
    return _at(shop, _served(shop))


def brought_by(shop: Shop, supplier_ids: Collection[SupplierId]) -> list[ProductId]:
    """Products that the catalogue says these suppliers bring: of one with several, the first."""
    shelf = shop.shelves.shelf
    codes = [code for code, name in enumerate(shelf.suppliers) if name in supplier_ids]
    return [shelf.product_ids[number] for number in np.flatnonzero(np.isin(shelf.supplier, codes)).tolist()]


def work_out(shop: Shop, budget_minor: int | None = None, between: Between = go_on) -> Drafting:
    """Decided anew from stock, baskets and goods on their way; milliseconds for each variant.

    Raises:
        NotFound: nothing was learned yet.
        InvalidValue: the budget is negative.
    """
    served, change, news = _served(shop), shop.changed_variants.newest(), shop.supply_news.latest
    at = _at(shop, served)
    supply = at.supply()
    places = stocked_places(at.stores, supply, at.model, at.present.shop_now)
    decided = decide(at.model, supply, places, at.present, between=between)
    found = proposals_of(at.model, decided, at.present, budget_minor)
    return Drafting(WorkedOut(found, decided.shared, at.model, at.now, change, news), _desk(shop, served, at, decided))


def with_these_anew(shop: Shop, found: WorkedOut, variant_ids: Iterable[VariantId], change: int) -> Drafting:
    """The same list, but for the products of these variants, which are decided about as they stand now.

    `change`: the newest one that the list knows of with them.

    Raises:
        NotFound: nothing was learned yet.
    """
    served = _served(shop)
    at = _at(shop, served)
    products = set(shop.catalogue.product_of(list(variant_ids)).values())
    decided = _decided_anew(at, found, sorted(products))
    own = proposals_of(at.model, decided, at.present)
    others = (one for one in found.proposals.items if one.product_id not in products)
    items = costliest_first((*others, *own.items))
    suppliers = {one.supplier_id: one for one in shop.suppliers.all()}
    whole = msgspec.structs.replace(
        found.proposals,
        items=items,
        orders=joint_orders(items, suppliers, at.model.facts.currency),
        cash_minor=sum(one.goods_minor for one in items),
    )
    return Drafting(
        WorkedOut(whole, decided.shared, found.model, found.at, change, found.supply_news),
        _desk(shop, served, at, decided),
    )


def _decided_anew(at: StockNow, found: WorkedOut, products: Collection[ProductId]) -> Decided:
    """About these products, beside all others as they were decided about."""
    listed = at.stores.catalogue.get(list(products)).values()
    names = [variant.variant_id for one in listed for variant in one.product.variants]
    supply = at.supply(names)
    places = places_of_products(at.stores, supply, at.model, at.present.shop_now, list(products))
    cases = cases_of(at.model, supply, places, at.present)
    decided = decide_cases(places, cases, found.shared.anew(names, cases))
    # Whose turn it is to be kept goes by how many places the shop has.
    return replace(decided, looked_at=found.proposals.looked_at)


def _served(shop: Shop) -> ServedModel:
    served = shop.forecasts.served
    if served is None:
        raise NotFound("Nothing is foreseen yet; it is once the shop has sold for four weeks, or after "
                       "`smartshop train inventory`.")  # fmt: skip
    return served


def _at(shop: Shop, served: ServedModel) -> StockNow:
    return stock_now(served.model, shop, shop.clock, shop.stock_costs)


def _desk(shop: Shop, served: ServedModel, at: StockNow, decided: Decided) -> DraftDesk:
    return DraftDesk(at, served.version, shop.proposals, decided)
