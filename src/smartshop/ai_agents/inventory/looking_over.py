"""What the agent does every few hours beside learning: it decides what to order and keeps what it decided."""

from collections.abc import Callable
from dataclasses import dataclass

from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.replenishment.kept import told_proposals
from smartshop.ai_agents.inventory.replenishment.proposals import Present, decide
from smartshop.ai_agents.inventory.replenishment.reading import Stores, read_supply, stocked_places
from smartshop.data_collection.connectors.ports import ProposalBook
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.ids import Micros, ModelVersion

Tell = Callable[[float, str], None]

KEPT = 400 * DAY
"""A year can be looked back on, with what was decided before it and is scored in it."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What is read, when it is, and where decisions are kept."""

    stores: Stores
    book: ProposalBook
    model: InventoryModel
    version: ModelVersion
    present: Present
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
