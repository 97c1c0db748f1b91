"""How much each advisor counts in one decision, and the exact chance with which that was drawn.

Nine decisions in ten use the base weights. The tenth gets one of a declared set of perturbed vectors: for every advisor
its own weight halved, and raised by half. Learning which advice to trust needs that support in the log.

The draw hashes the decision's id, not the shopper: decisions are then independent of each other and of who asks, and
`Policy.probability` is the chance of this vector for any decision.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from smartshop.ai_agents.chance import chance
from smartshop.data_collection.schemas.ids import DecisionId
from smartshop.data_collection.schemas.slates import Policy

BASE = "base"


@dataclass(frozen=True, slots=True)
class PolicyConfig:
    weights: Mapping[str, float] = field(default_factory=dict)
    """Advisor → base weight; an advisor not named weighs 1. Sane: 0 to 3."""
    perturbed_share: float = 0.1
    """Share of decisions with perturbed weights, 0 to 1."""
    factors: tuple[float, ...] = (0.5, 1.5)
    """What one advisor's weight is multiplied by in a perturbed vector."""


def policies(advisors: Sequence[str], config: PolicyConfig) -> list[Policy]:
    """The declared set for these advisors: the base first, then every perturbed vector; probabilities sum to 1."""
    names = sorted(advisors)
    base = {name: config.weights.get(name, 1.0) for name in names}
    n_perturbed = len(names) * len(config.factors)
    if n_perturbed == 0 or config.perturbed_share <= 0:
        return [Policy(name=BASE, probability=1.0, weights=base)]
    each = config.perturbed_share / n_perturbed
    perturbed = [
        Policy(name=f"{name} x{factor:g}", probability=each, weights={**base, name: base[name] * factor})
        for name in names
        for factor in config.factors
    ]
    return [Policy(name=BASE, probability=1.0 - config.perturbed_share, weights=base), *perturbed]


def draw_policy(decision_id: DecisionId, declared: Sequence[Policy]) -> Policy:
    """One of the declared policies, each with its own probability."""
    left = chance(decision_id, "policy")
    for policy in declared:
        left -= policy.probability
        if left < 0:
            return policy
    return declared[0]  # only rounding of the sum leads here
