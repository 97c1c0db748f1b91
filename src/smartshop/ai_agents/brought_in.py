"""Candidates that no source drew, brought in behind those that one did."""

from collections.abc import Sequence

import numpy as np

from smartshop.ai_agents.advice import Candidates, Question

BACK_IN_STOCK = "back_in_stock"
MOST_RETURNED = 20
"""Of what a shopper waited for, so many may stand among a slate's candidates though no source drew them."""


def with_returned(question: Question, candidates: Candidates) -> Candidates:
    """The candidates, and what is back in stock that this shopper waited for: no source may know that they want it.

    Beside a product's page they would be out of place; there only what a source drew is told.
    """
    if question.anchor is not None or not len(question.returned):
        return candidates
    may = question.returned[question.eligible[question.returned]]
    missing = may[~np.isin(may, candidates.product_no)][:MOST_RETURNED]
    return joined(candidates, unargued(candidates, missing.tolist(), BACK_IN_STOCK))


def unargued(candidates: Candidates, numbers: Sequence[int], origin: str) -> Candidates:
    """Products that no source drew, as relevant as the least of those drawn."""
    least = float(candidates.relevance.min()) if len(candidates.relevance) else 0.0
    return Candidates(
        product_no=np.array(numbers, dtype=np.int32),
        relevance=np.full(len(numbers), least, dtype=np.float32),
        origin=np.zeros(len(numbers), dtype=np.int8),
        because=np.full(len(numbers), -1, dtype=np.int32),
        origins=(origin,),
    )


def joined(candidates: Candidates, more: Candidates) -> Candidates:
    """Both, one behind the other; they have no product in common."""
    if not len(more.product_no):
        return candidates
    origins = (*candidates.origins, *(name for name in more.origins if name not in candidates.origins))
    code_of = np.array([origins.index(name) for name in more.origins], dtype=np.int8)
    return Candidates(
        product_no=np.concatenate([candidates.product_no, more.product_no]),
        relevance=np.concatenate([candidates.relevance, more.relevance]),
        origin=np.concatenate([candidates.origin, code_of[more.origin]]),
        because=np.concatenate([candidates.because, more.because]),
        origins=origins,
        missing=candidates.missing,
    )
