"""Chance that can be recomputed: a uniform draw from a decision's id, the same in every process."""

from hashlib import blake2b

from smartshop.data_collection.schemas.ids import DecisionId

_BITS = 53
"""As many as a float64 holds exactly."""


def chance(decision_id: DecisionId, purpose: str) -> float:
    """Uniform in [0, 1), independent between purposes and between decisions.

    >>> chance(DecisionId("d-1"), "policy") == chance(DecisionId("d-1"), "policy")
    True
    """
    digest = blake2b(f"{purpose}\x00{decision_id}".encode(), digest_size=8).digest()
    return float(int.from_bytes(digest, "big") >> (64 - _BITS)) / (1 << _BITS)
