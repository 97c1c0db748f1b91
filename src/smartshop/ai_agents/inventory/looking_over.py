"""What the agent does every few hours beside learning: it decides what to order, and scores what it decided before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.replenishment.case import Present
from smartshop.ai_agents.inventory.replenishment.deciding import decide
from smartshop.ai_agents.inventory.replenishment.judging import GONE, Judging, judge, left_out, stretch_of
from smartshop.ai_agents.inventory.replenishment.kept import told_proposals
from smartshop.ai_agents.inventory.replenishment.reading import Stores, read_supply, stocked_places
from smartshop.data_collection.connectors.ports import Orders, ProposalBook
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.pipelines.stretches import is_over, read_stretches
from smartshop.data_collection.schemas.ids import Micros, ModelVersion
from smartshop.data_collection.schemas.proposals import KeptProposal, ProposalScore
from smartshop.data_collection.schemas.supply import PurchaseOrderId, PurchaseStatus

Tell = Callable[[float, str], None]

KEPT = 400 * DAY
"""A year can be looked back on, with what was decided before it and is scored in it."""
SCORED_AT_ONCE = 2_000
"""Each time the books are read anew; a table of so many stretches by days takes a few megabytes."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What is read, when it is, and where decisions are kept."""

    stores: Stores
    orders: Orders
    book: ProposalBook
    model: InventoryModel
    version: ModelVersion
    shelf: Shelf
    present: Present
    timezone: ZoneInfo
    now: Micros
    """Real time, which reservations end in."""


def keep_decisions(desk: Desk, tell: Tell) -> dict[str, int]:
    """Decide about every place and keep it. The same day's decisions are replaced, but for those that were followed."""
    tell(0.0, "reading stock and suppliers")
    supply = read_supply(desk.stores, desk.now)
    places = stocked_places(desk.stores, supply, desk.model, desk.present.shop_now)
    tell(0.3, f"deciding about {len(places)} variants")
    told = told_proposals(desk.model, desk.version, decide(desk.model, supply, places, desk.present), desk.present)
    tell(0.9, "keeping what was decided")
    desk.book.keep(told)
    desk.book.prune(Micros(desk.present.shop_now - KEPT))
    return {
        "looked_at": len(places),
        "proposals": sum(one.units > 0 for one in told),
        "not_now_kept": sum(one.units == 0 for one in told),
    }


def score_decisions(desk: Desk, tell: Tell) -> dict[str, int]:
    """Score every decision whose time is over by what came, and a week later once more, for good."""
    scored = unknown = 0
    while due := desk.book.due(desk.present.shop_now, SCORED_AT_ONCE):
        tell(scored / (scored + len(due)), f"judging {len(due)} decisions whose time is over")
        found = _scores(desk, due)
        desk.book.settle(found)
        scored += len(found)
        unknown += sum(one.left_out is not None for one in found)
        if len(due) < SCORED_AT_ONCE or not found:
            break
    return {"scored": scored, "could_not_be_judged": unknown}


def _scores(desk: Desk, due: Sequence[KeptProposal]) -> list[ProposalScore]:
    now = desk.present.shop_now
    products = desk.stores.catalogue.get(list(dict.fromkeys(one.told.product_id for one in due)))
    listed = {variant.variant_id for one in products.values() for variant in one.product.variants}
    gone = [left_out(one, GONE, now) for one in due if one.told.variant_id not in listed]
    there = [one for one in due if one.told.variant_id in listed and is_over(stretch_of(one.told), now, desk.timezone)]
    if not there:
        return gone
    stretches = [stretch_of(one.told) for one in there]
    happened = read_stretches(desk.orders, desk.stores.stock, desk.shelf, stretches, now, desk.timezone)
    return gone + judge(there, happened, _cancelled(desk, there), Judging(now, desk.timezone))


def _cancelled(desk: Desk, kept: Sequence[KeptProposal]) -> set[PurchaseOrderId]:
    followed = {one.followed_by for one in kept if one.followed_by is not None}
    orders = {number: desk.stores.purchase_orders.get(number) for number in followed}
    return {number for number, order in orders.items() if order is None or order.status is PurchaseStatus.CANCELLED}
