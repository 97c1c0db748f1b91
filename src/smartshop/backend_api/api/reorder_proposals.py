"""`/v1/reorder-proposals`: what to order now, how much, from whom and why; drafts of them; how they turned out."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from smartshop.ai_agents.inventory.replenishment.proposal_records import JointOrder, Proposal
from smartshop.ai_agents.inventory.replenishment.score_view import ProposalScores, scores_of
from smartshop.ai_agents.inventory.replenishment.score_words import scores_in_words
from smartshop.ai_agents.inventory.replenishment.words import sentence
from smartshop.backend_api.endpoint import Answer, Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.joint_drafts import (
    Drafted,
    check_orderable,
    draft_of,
    draft_together,
)
from smartshop.backend_api.services.proposal_views import ToldProposalSeen, seen_proposal
from smartshop.backend_api.services.purchase_views import PurchaseOrder, seen_order
from smartshop.backend_api.services.reordering import WorkedOut
from smartshop.backend_api.shop import Shop
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import Cursor, Id, Limit, Minor, id_in_path, next_cursor, offset_of, usable_id
from smartshop.data_collection.pipelines.clock import DAY, format_rfc3339
from smartshop.data_collection.schemas import supply
from smartshop.data_collection.schemas.ids import LocationId, Micros, SupplierId
from smartshop.errors import NotFound


class ReorderProposal(Proposal, frozen=True, kw_only=True):
    followed_by: str | None
    """The purchase order made from it today, where it was not called off."""
    words: str
    """The whole of it, as a person would say it."""


class ReorderProposalPage(msgspec.Struct, frozen=True, kw_only=True):
    items: list[ReorderProposal]
    next_cursor: str | None
    orders: list[JointOrder]
    """What becomes of all of them, on every page: one order to each supplier and place."""
    as_of: str
    """The shop's day."""
    worked_out_at: str
    """When stock was read for it. Of many variants it may be minutes ago: a newer list is made meanwhile."""
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


class JointDraftInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    supplier_id: Id
    location_id: Id | None = None
    """Where the goods go; may be absent where all that is proposed goes to one place."""
    budget_minor: Minor | None = None
    """Of all suppliers together: what the list tells with the same budget is ordered."""


def list_proposals(service: Service, call: Call[ReorderProposalsQuery, None]) -> ReorderProposalPage:
    query = call.query
    whole = _worked_out(service, query.budget_minor)
    found, begins = whole.proposals, offset_of(query.cursor)
    chosen = [one for one in found.items if query.supplier_id in (None, one.supplier_id)]
    page = chosen[begins : begins + query.limit]
    followers = service.shop.proposals.followers([one.proposal_id for one in page])
    return ReorderProposalPage(
        items=[_seen(one, found.currency, followers.get(one.proposal_id)) for one in page],
        next_cursor=next_cursor(begins, query.limit, len(chosen)),
        orders=[one for one in found.orders if query.supplier_id in (None, one.supplier_id)],
        as_of=found.as_of,
        worked_out_at=format_rfc3339(whole.at),
        currency=found.currency,
        looked_at=found.looked_at,
        never_sold=found.never_sold,
        cash_minor=sum(one.goods_minor for one in chosen),
        left_out=found.left_out,
    )


def draft_proposals(service: Service, call: Call[None, JointDraftInput]) -> Answer:
    """Drafting again what was all drafted answers with the order that follows most of it."""
    body, shop = call.body, service.shop
    supplier_id = SupplierId(usable_id(body.supplier_id, "supplier_id"))
    place = None if body.location_id is None else LocationId(usable_id(body.location_id, "location_id"))
    # Known before a budget is worked out: that may take a while.
    check_orderable(shop.suppliers, supplier_id, shop.currency)

    def is_chosen(one: Proposal) -> bool:
        return one.supplier_id == supplier_id and place in (None, one.location_id)

    budget = body.budget_minor
    keeper = service.proposals
    now = keeper.to_draft(shop, is_chosen) if budget is None else keeper.to_draft_within(shop, budget)
    return _answer(shop, draft_together(now.desk, now.found.proposals.items, supplier_id, place))


def draft_proposal(service: Service, call: Call[None, None]) -> Answer:
    """Drafting a proposal again answers with its first draft, whatever would be proposed by now."""
    shop, asked = service.shop, id_in_path(call.path("proposal_id"), "proposal")
    first = shop.proposals.followers([asked]).get(asked)
    if first is not None:
        return Answer(seen_order(shop, first), 200)
    now = service.proposals.to_draft(shop, lambda one: one.proposal_id == asked)
    one = next((one for one in now.found.proposals.items if one.proposal_id == asked), None)
    if one is None:
        raise NotFound(f"There is no proposal {asked!r} today; /v1/reorder-proposals lists them as stock is now.")
    return _answer(shop, draft_of(now.desk, [one]))


def get_proposal(service: Service, call: Call[None, None]) -> ToldProposalSeen:
    asked = id_in_path(call.path("proposal_id"), "proposal")
    kept = service.shop.proposals.get(asked)
    if kept is None:
        raise NotFound(
            f"No proposal {asked!r} is kept; `smartshop job look-over-stock` keeps those of the day, for 400 days."
        )
    return seen_proposal(kept)


def score_proposals(service: Service, call: Call[ProposalScoreQuery, None]) -> ProposalScorePage:
    """Blocking: reads what was decided over these days, but for what it read before that was scored for good."""
    shop, query = service.shop, call.query
    now = shop.clock.shop_now()
    since = Micros(now - query.days * DAY)
    parts = service.scores.read(shop.proposals, since, now)
    found = scores_of(
        parts if query.supplier_id is None else parts.of_supplier(SupplierId(query.supplier_id)),
        shop.clock.day(since).isoformat(),
        shop.clock.day(now).isoformat(),
        shop.currency,
    )
    return ProposalScorePage(**msgspec.structs.asdict(found), words=scores_in_words(found))


def _worked_out(service: Service, budget_minor: int | None) -> WorkedOut:
    keeper, shop = service.proposals, service.shop
    return keeper.newest(shop) if budget_minor is None else keeper.within(shop, budget_minor)


def _answer(shop: Shop, drafted: Drafted) -> Answer:
    return Answer(seen_order(shop, drafted.order), 201 if drafted.is_new else 200)


def _seen(one: Proposal, currency: str, follower: supply.PurchaseOrder | None) -> ReorderProposal:
    number = None if follower is None else follower.purchase_order_id
    return ReorderProposal(**msgspec.structs.asdict(one), followed_by=number, words=sentence(one, currency))


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
        method="POST",
        path="/v1/reorder-proposals/draft",
        permission=Permission.SECRET,
        handle=draft_proposals,
        summary="One draft order of all that is proposed of a supplier for a place; 200 when all was drafted before",
        body=JointDraftInput,
        answer=PurchaseOrder,
        status=201,
        other_successes=(200,),
        other_problems=(404, 409),
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
