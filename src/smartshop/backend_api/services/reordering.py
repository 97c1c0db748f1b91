"""What to order as stock is now, for routes: worked out at most every half minute, since it takes a while."""

import threading
from dataclasses import dataclass, field

import msgspec

from smartshop.ai_agents.inventory.learning import AGENT
from smartshop.ai_agents.inventory.model import InventoryModel
from smartshop.ai_agents.inventory.replenishment.deciding import decide
from smartshop.ai_agents.inventory.replenishment.kept import told_proposal
from smartshop.ai_agents.inventory.replenishment.proposals import Proposal, Proposals, propose
from smartshop.ai_agents.inventory.replenishment.reading import places_of_product, stocked_places
from smartshop.ai_agents.inventory.stock_now import StockNow, stock_now
from smartshop.backend_api.shop import Shop
from smartshop.data_collection.pipelines.clock import SECOND
from smartshop.data_collection.schemas.ids import ModelVersion
from smartshop.errors import NotFound

KEPT = 30 * SECOND


def served_forecasts(shop: Shop) -> InventoryModel:
    """Raises:
    NotFound: nothing was learned yet.
    """
    model = shop.forecasts()
    if model is None:
        raise NotFound("Nothing is foreseen yet; it is once the shop has sold for four weeks, or after "
                       "`smartshop train inventory`.")  # fmt: skip
    return model


def stock_now_of(shop: Shop) -> StockNow:
    """Raises:
    NotFound: nothing was learned yet.
    """
    return stock_now(served_forecasts(shop), shop, shop.clock, shop.stock_costs)


def propose_now(shop: Shop, budget_minor: int | None = None) -> Proposals:
    """Decided anew from stock, baskets and goods on their way. Blocking, milliseconds for each variant.

    Raises:
        NotFound: nothing was learned yet.
    """
    at = stock_now_of(shop)
    supply = at.supply()
    places = stocked_places(at.stores, supply, at.model, at.present.shop_now)
    return propose(at.model, supply, places, at.present, budget_minor)


def keep_proposal(shop: Shop, proposal: Proposal) -> None:
    """Remember what was told, where the newest look over the stock kept nothing of it or another size. Blocking."""
    kept = shop.proposals.get(proposal.proposal_id)
    if kept is not None and (kept.told.units == proposal.units or kept.followed_by is not None):
        return
    at, record = stock_now_of(shop), shop.models.promoted(AGENT)
    supply = at.supply()
    places = places_of_product(at.stores, supply, at.model, at.present.shop_now, proposal.product_id)
    decided = decide(at.model, supply, places, at.present)
    version = ModelVersion("") if record is None else record.version
    told = told_proposal(at.model, version, decided, at.present, proposal.proposal_id)
    if told is not None:
        # Decided without its neighbours an order may differ by what they share: what was proposed is what counts.
        shop.proposals.keep([msgspec.structs.replace(told, units=proposal.units)])


@dataclass(slots=True)
class ProposalKeeper:
    """The newest proposals without a budget; whoever asks while they are worked out waits for the same ones."""

    found: Proposals | None = None
    model: InventoryModel | None = None
    at: int = 0
    """µs, real time."""
    turn: threading.Lock = field(default_factory=threading.Lock)

    def newest(self, shop: Shop) -> Proposals:
        """Raises:
        NotFound: nothing was learned yet.
        """
        model = served_forecasts(shop)
        with self.turn:
            now = shop.clock.now()
            if self.found is None or self.model is not model or not self.at <= now < self.at + KEPT:
                self.found, self.model, self.at = propose_now(shop), model, now
            return self.found

    def forget(self) -> None:
        """What is on its way has changed: the next who asks has it decided anew."""
        self.found = None
