"""`/v1/reorder-proposals`: what to order now, how much, from whom and why; a draft of one; how they turned out."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from smartshop.ai_agents.inventory.replenishment.proposals import Proposal, Proposals
from smartshop.ai_agents.inventory.replenishment.score_view import ProposalScores, scores_of
from smartshop.ai_agents.inventory.replenishment.score_words import scores_in_words
from smartshop.ai_agents.inventory.replenishment.words import sentence
from smartshop.backend_api.endpoint import Answer, Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.proposal_views import ToldProposalSeen, seen_proposal
from smartshop.backend_api.services.purchase_views import PurchaseOrder, seen_order
from smartshop.backend_api.services.purchasing import PurchaseLineInput, PurchaseOrderInput, new_order
from smartshop.backend_api.services.reordering import keep_proposal, propose_now
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import Cursor, Id, Limit, Minor, id_in_path, next_cursor, offset_of
from smartshop.data_collection.pipelines.clock import DAY
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.supply import PurchaseOrderId
from smartshop.errors import Conflict, NotFound


class ReorderProposal(Proposal, frozen=True, kw_only=True):
    words: str
    """The whole of it, as a person would say it."""


class ReorderProposalPage(msgspec.Struct, frozen=True, kw_only=True):
    items: list[ReorderProposal]
    next_cursor: str | None
    as_of: str
    currency: str
    looked_at: int
    """Variants with stock that is counted, place by place."""
    never_sold: int
    """Of them, those that nothing is foreseen of."""
    cash_minor: int
    """Of all that is proposed, on every page."""
    left_out: int
    """Orders that the budget did not allow."""


class ReorderProposalsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    supplier_id: Id | None = None
    budget_minor: Annotated[
        Minor | None, Meta(description="Spend at most this much, where it saves most; worked out for this request.")
    ] = None
    limit: Limit = 50
    cursor: Cursor | None = None


class ProposalScoreQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    days: Annotated[int, Meta(ge=1, le=400, description="Decided within so many days.")] = 90
    supplier_id: Id | None = None


class ProposalScorePage(ProposalScores, frozen=True, kw_only=True):
    words: list[str]
    """What an operator should know of it, in sentences."""


class WithoutSupplier(Conflict):
    code = "without_supplier"


def list_proposals(service: Service, call: Call[ReorderProposalsQuery, None]) -> ReorderProposalPage:
    query = call.query
    found = _found(service, query.budget_minor)
    chosen = [one for one in found.items if query.supplier_id in (None, one.supplier_id)]
    begins = offset_of(query.cursor)
    return ReorderProposalPage(
        items=[_seen(one, found.currency) for one in chosen[begins : begins + query.limit]],
        next_cursor=next_cursor(begins, query.limit, len(chosen)),
        as_of=found.as_of,
        currency=found.currency,
        looked_at=found.looked_at,
        never_sold=found.never_sold,
        cash_minor=sum(one.goods_minor for one in chosen),
        left_out=found.left_out,
    )


def draft_proposal(service: Service, call: Call[None, None]) -> Answer:
    """Drafting a proposal again answers with its first draft, whatever would be proposed by now."""
    shop, asked = service.shop, id_in_path(call.path("proposal_id"), "proposal")
    first = shop.purchase_orders.get(PurchaseOrderId(f"po-{asked}"))
    if first is not None:
        shop.proposals.follow(asked, first.purchase_order_id)
        return Answer(seen_order(shop, first), 200)
    one = next((one for one in _found(service, None).items if one.proposal_id == asked), None)
    if one is None:
        raise NotFound(f"There is no proposal {asked!r} today; /v1/reorder-proposals lists them as stock is now.")
    if one.supplier_id is None:
        raise WithoutSupplier(
            f"Nobody told who supplies {one.variant_id!r}; PUT /v1/suppliers and their terms say it, then ask again."
        )
    line = PurchaseLineInput(variant_id=one.variant_id, units=one.units, unit_cost_minor=one.unit_cost_minor)
    order = new_order(
        shop,
        PurchaseOrderInput(
            supplier_id=one.supplier_id,
            lines=[line],
            purchase_order_id=f"po-{one.proposal_id}",
            location_id=one.location_id,
            reference=one.proposal_id,
        ),
        shop.clock.now(),
    )
    keep_proposal(shop, one)
    drafted = shop.purchase_orders.draft(order)
    shop.proposals.follow(one.proposal_id, drafted.purchase_order_id)
    return Answer(seen_order(shop, drafted), 201 if drafted is order else 200)


def get_proposal(service: Service, call: Call[None, None]) -> ToldProposalSeen:
    asked = id_in_path(call.path("proposal_id"), "proposal")
    kept = service.shop.proposals.get(asked)
    if kept is None:
        raise NotFound(
            f"No proposal {asked!r} is kept; `smartshop job look-over-stock` keeps those of the day, for 400 days."
        )
    return seen_proposal(kept)


def score_proposals(service: Service, call: Call[ProposalScoreQuery, None]) -> ProposalScorePage:
    """Blocking: reads everything that was decided over these days."""
    shop, query = service.shop, call.query
    now = shop.clock.shop_now()
    since = Micros(now - query.days * DAY)
    kept = (one for batch in shop.proposals.decided(since, Micros(now + 1)) for one in batch)
    found = scores_of(
        (one for one in kept if query.supplier_id in (None, one.told.supplier_id)),
        shop.clock.day(since).isoformat(),
        shop.clock.day(now).isoformat(),
        shop.currency,
    )
    return ProposalScorePage(**msgspec.structs.asdict(found), words=scores_in_words(found))


def _found(service: Service, budget_minor: int | None) -> Proposals:
    return service.proposals.newest(service.shop) if budget_minor is None else propose_now(service.shop, budget_minor)


def _seen(one: Proposal, currency: str) -> ReorderProposal:
    return ReorderProposal(**msgspec.structs.asdict(one), words=sentence(one, currency))


ENDPOINTS: tuple[Endpoint[Any, Any], ...] = (  # Any: each has its own query and body
    Endpoint(
        method="GET",
        path="/v1/reorder-proposals",
        permission=Permission.SECRET,
        handle=list_proposals,
        summary="What to order as stock is now, the costliest to wait with first; worked out anew every half minute",
        query=ReorderProposalsQuery,
        answer=ReorderProposalPage,
        other_problems=(404,),
    ),
    Endpoint(
        method="GET",
        path="/v1/reorder-proposals/score",
        permission=Permission.SECRET,
        handle=score_proposals,
        summary="How proposals turned out that were made before: by supplier and class, what was told and what came",
        query=ProposalScoreQuery,
        answer=ProposalScorePage,
    ),
    Endpoint(
        method="GET",
        path="/v1/reorder-proposals/{proposal_id}",
        permission=Permission.SECRET,
        handle=get_proposal,
        summary="One decision as it was told and kept, whether it was followed, and its score once its time is over",
        answer=ToldProposalSeen,
        other_problems=(404,),
    ),
    Endpoint(
        method="POST",
        path="/v1/reorder-proposals/{proposal_id}/draft",
        permission=Permission.SECRET,
        handle=draft_proposal,
        summary="Make a draft order to the supplier of a proposal; 200 with the first draft when made before",
        answer=PurchaseOrder,
        status=201,
        other_successes=(200,),
        other_problems=(409,),
    ),
)
