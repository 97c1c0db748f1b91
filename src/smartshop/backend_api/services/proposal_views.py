"""Decisions about ordering more as they were told, and how they turned out, as operators see them."""

import msgspec

from smartshop.ai_agents.inventory.replenishment.score_words import score_sentence
from smartshop.data_collection.pipelines.clock import format_rfc3339
from smartshop.data_collection.schemas.proposals import KeptProposal, ProposalScore


class ProposalScoreSeen(msgspec.Struct, frozen=True, kw_only=True):
    """Over the proposal's stretch; units asked for behind an empty shelf are estimated. Money in minor units."""

    scored_at: str
    is_final: bool
    """False: it is scored once more, a week after the first time."""
    left_out: str | None
    """Why it cannot be judged; then the rest says nothing."""
    sold: int
    asked_for: float
    short: float
    """Of it, what found an empty shelf."""
    level_met: float
    """Where demand fell in what was told, 0 to 1: over many proposals each level as often as any other."""
    told_covered: float
    """Told chance that demand stays within what was there, on its way and proposed."""
    covered: bool
    """It did."""
    ran_short_before: bool
    """Stock ran out before the order's goods came or could have come."""
    days_out: float
    left: int
    received: int
    as_proposed_minor: int
    without_order_minor: int
    with_hindsight_minor: int
    best_units: int
    """The size that hindsight would order."""


class ToldProposalSeen(msgspec.Struct, frozen=True, kw_only=True):
    """A decision as it was told. Money in minor units of `currency`, what the shop counted in then."""

    proposal_id: str
    decided_at: str
    ends_at: str
    """Of the stretch over which it is judged: lead time and review."""
    product_id: str
    variant_id: str
    title: str
    location_id: str
    supplier_id: str | None
    supplier_name: str | None
    units: int
    """0: nothing was to be ordered."""
    on_hand: int
    reserved: int
    incoming: int
    lead_days: float
    review_days: float
    stretch_days: int
    mean: float
    """Units expected over the stretch."""
    told_10: float
    """Units that demand stays within with 10 %."""
    told_50: float
    told_90: float
    service_level: float
    chance_short_before: float
    currency: str
    unit_cost_minor: int
    holding_minor_per_unit_year: int
    missed_minor_per_unit: int
    demand_class: str
    pattern: str
    model_version: str
    followed_by: str | None
    """The purchase order made from it."""
    score: ProposalScoreSeen | None
    """None: its time is not over."""
    words: str
    """How it turned out, as a person would say it."""


def seen_proposal(kept: KeptProposal) -> ToldProposalSeen:
    told, costs = kept.told, kept.told.costs
    return ToldProposalSeen(
        proposal_id=told.proposal_id,
        decided_at=format_rfc3339(told.decided_at),
        ends_at=format_rfc3339(told.ends_at),
        product_id=told.product_id,
        variant_id=told.variant_id,
        title=told.title,
        location_id=told.location_id,
        supplier_id=told.supplier_id,
        supplier_name=told.supplier_name,
        units=told.units,
        on_hand=told.on_hand,
        reserved=told.reserved,
        incoming=told.incoming,
        lead_days=round(told.lead_days, 1),
        review_days=told.review_days,
        stretch_days=told.stretch_days,
        mean=told.mean,
        told_10=told.told_10,
        told_50=told.told_50,
        told_90=told.told_90,
        service_level=told.service_level,
        chance_short_before=told.chance_short_before,
        currency=costs.currency,
        unit_cost_minor=round(costs.unit),
        holding_minor_per_unit_year=round(costs.holding_per_unit_day * 365),
        missed_minor_per_unit=round(costs.missed_per_unit),
        demand_class=told.demand_class,
        pattern=told.pattern,
        model_version=told.model_version,
        followed_by=kept.followed_by,
        score=None if kept.score is None else _seen_score(kept.score),
        words=score_sentence(kept),
    )


def _seen_score(score: ProposalScore) -> ProposalScoreSeen:
    return ProposalScoreSeen(
        scored_at=format_rfc3339(score.scored_at),
        is_final=not score.is_open,
        left_out=score.left_out,
        sold=score.sold,
        asked_for=score.asked_for,
        short=score.short,
        level_met=score.level_met,
        told_covered=score.told_covered,
        covered=score.covered,
        ran_short_before=score.ran_short_before,
        days_out=score.days_out,
        left=score.left,
        received=score.received,
        as_proposed_minor=round(score.as_proposed),
        without_order_minor=round(score.without_order),
        with_hindsight_minor=round(score.with_hindsight),
        best_units=score.best_units,
    )
