"""A decided slate as the log keeps it: small enough to write for every slate, whole enough to argue about later."""

from collections.abc import Mapping, Sequence

import numpy as np

from smartshop.ai_agents.advice import Question
from smartshop.ai_agents.chance import chance
from smartshop.ai_agents.slate import Decided
from smartshop.data_collection.schemas.ids import DecisionId, Micros, ProductId, ShopperKey
from smartshop.data_collection.schemas.slates import Adjustment, Decision, SlateItem

CANDIDATES_SHARE = 0.01
"""Share of decisions that keep their candidates: enough to learn what the source never let near the slate."""
CANDIDATES_KEPT = 200
REASONS_KEPT = 24
"""Reasons of the first so many places; more would not fit 4 KB, and nobody reads further."""
ADJUSTMENTS_KEPT = 24
"""Of all places together, the first ones first, for the same reason."""
QUERY_KEPT = 200
"""Characters of the search text that are kept."""


def keeps_candidates(decision_id: DecisionId) -> bool:
    return chance(decision_id, "candidates") < CANDIDATES_SHARE


def logged(
    decided: Decided,
    question: Question,
    decision_id: DecisionId,
    *,
    decided_at: Micros,
    shopper_key: ShopperKey,
    is_customer: bool,
    model_versions: Mapping[str, str],
    degraded: list[str],
    took_micros: int,
    with_candidates: bool,
) -> Decision:
    """The decision's record; `decided_at` is real time, whatever the shop's clock."""
    argument, items = decided.argument, decided.items
    entries = np.array(decided.entries, dtype=np.intp)
    table = argument.heard.log_odds[:, entries].astype("<f4")
    return Decision(
        decision_id=decision_id,
        decided_at=decided_at,
        surface=question.surface,
        shopper_key=shopper_key,
        is_customer=is_customer,
        policy=argument.policy,
        model_versions=dict(model_versions),
        product_no=argument.candidates.product_no[entries].tolist(),
        shown=len(items),
        propensity=[item.propensity for item in items],
        advisors=list(argument.heard.names),
        log_odds=[row.tobytes() for row in table],
        reasons=[item.reason for item in items[:REASONS_KEPT]],
        adjustments=_kept_adjustments(items),
        anchor_product_id=_product_id(question, question.anchor),
        query=question.query[:QUERY_KEPT] if question.query else None,
        degraded=degraded,
        took_micros=took_micros,
        candidates=packed_candidates(decided) if with_candidates else None,
    )


def _kept_adjustments(items: Sequence[SlateItem]) -> dict[int, list[Adjustment]]:
    kept, left = dict[int, list[Adjustment]](), ADJUSTMENTS_KEPT
    for item in items:
        if item.adjustments and left > 0:
            kept[item.position] = item.adjustments[:left]
            left -= len(kept[item.position])
    return kept


def packed_candidates(decided: Decided) -> bytes:
    """Up to 200 candidates by score, best first: product_no as int32, then the scores as float32, little-endian."""
    argument = decided.argument
    best = np.argsort(-argument.scores, kind="stable")[:CANDIDATES_KEPT]
    return argument.candidates.product_no[best].astype("<i4").tobytes() + argument.scores[best].astype("<f4").tobytes()


def unpacked_candidates(packed: bytes) -> tuple[list[int], list[float]]:
    """(product numbers, scores) of `Decision.candidates`."""
    half = len(packed) // 2
    return np.frombuffer(packed[:half], dtype="<i4").tolist(), np.frombuffer(packed[half:], dtype="<f4").tolist()


def _product_id(question: Question, number: int | None) -> ProductId | None:
    return None if number is None else question.shelf.product_ids[number]
