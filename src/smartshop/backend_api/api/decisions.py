"""`GET /v1/decisions/{decision_id}`: the whole argument behind one slate."""

import struct

import msgspec

from smartshop.backend_api.endpoint import Call, Endpoint
from smartshop.backend_api.service import Service
from smartshop.backend_api.services.allowed_requests import is_own
from smartshop.backend_api.utils.auth import Permission
from smartshop.backend_api.utils.wire import id_in_path
from smartshop.data_collection.pipelines.clock import format_rfc3339
from smartshop.data_collection.schemas.ids import DecisionId
from smartshop.data_collection.schemas.slates import Adjustment, Decision, Policy, Reason, Surface
from smartshop.errors import NotFound


class DecidedItem(msgspec.Struct, frozen=True, kw_only=True):
    product_id: str
    position: int | None
    """From 0; null for a runner-up that was not shown."""
    propensity: float | None
    score: float
    contributions: dict[str, float]
    """Advisor → weight × log-odds."""
    log_odds: dict[str, float]
    """Advisor → what it said, unweighted."""
    reason: Reason | None
    adjustments: list[Adjustment]


class DecisionArgument(msgspec.Struct, frozen=True, kw_only=True):
    decision_id: str
    decided_at: str
    surface: Surface
    shopper_key: str
    policy: Policy
    model_versions: dict[str, str]
    anchor_product_id: str | None
    query: str | None
    degraded: list[str]
    took_ms: float
    items: list[DecidedItem]
    """Shown items first, in order, then the runners-up."""


async def get_decision(service: Service, call: Call[None, None]) -> DecisionArgument:
    decision_id = DecisionId(id_in_path(call.path("decision_id"), "decision"))
    decision = await service.shop.recommendations.decision(decision_id)
    # Another shopper's decision and none at all look the same from outside.
    if decision is None or not is_own(call.caller, decision.shopper_key, is_customer=decision.is_customer):
        raise NotFound(f"There is no decision {decision_id!r} of this shopper within the last 30 days.")
    return argument_of(decision, service.shop.shelves.shelf.product_ids)


def argument_of(decision: Decision, product_ids: tuple[str, ...]) -> DecisionArgument:
    """The packed decision in words. Pure."""
    n = len(decision.product_no)
    said = {
        advisor: struct.unpack(f"<{n}f", packed)
        for advisor, packed in zip(decision.advisors, decision.log_odds, strict=True)
    }
    return DecisionArgument(
        decision_id=decision.decision_id,
        decided_at=format_rfc3339(decision.decided_at),
        surface=decision.surface,
        shopper_key=decision.shopper_key,
        policy=decision.policy,
        model_versions=decision.model_versions,
        anchor_product_id=decision.anchor_product_id,
        query=decision.query,
        degraded=decision.degraded,
        took_ms=decision.took_micros / 1000,
        items=[_item(decision, entry, said, product_ids) for entry in range(n)],
    )


def _item(
    decision: Decision, entry: int, said: dict[str, tuple[float, ...]], product_ids: tuple[str, ...]
) -> DecidedItem:
    log_odds = {advisor: values[entry] for advisor, values in said.items()}
    weights = decision.policy.weights
    contributions = {advisor: weights.get(advisor, 0.0) * value for advisor, value in log_odds.items()}
    number = decision.product_no[entry]
    return DecidedItem(
        product_id=product_ids[number] if number < len(product_ids) else "",
        position=entry if entry < decision.shown else None,
        propensity=decision.propensity[entry] if entry < len(decision.propensity) else None,
        score=sum(contributions[advisor] for advisor in sorted(contributions)),
        contributions=contributions,
        log_odds=log_odds,
        reason=decision.reasons[entry] if entry < len(decision.reasons) else None,
        adjustments=decision.adjustments.get(entry, []),
    )


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/v1/decisions/{decision_id}",
        permission=Permission.OWN_SHOPPER,
        handle=get_decision,
        summary="The whole argument of one slate",
        answer=DecisionArgument,
    ),
)
