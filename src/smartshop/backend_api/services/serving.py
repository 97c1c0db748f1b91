"""What decides now: sources, advisors, policies and versions, replaced whole when a model is promoted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from smartshop.ai_agents.advice import Advisor, FallbackRecommender, Question, Recommender
from smartshop.ai_agents.diversity import NO_DIVERSITY
from smartshop.ai_agents.exploration import NO_EXPLORATION
from smartshop.ai_agents.ladder import RECOMMENDATION, ItemToItem
from smartshop.ai_agents.lists import BoughtTogether, Ranked, Trending
from smartshop.ai_agents.policy import BASE, PolicyConfig, policies
from smartshop.ai_agents.slate import SlateConfig
from smartshop.ai_agents.substitutes import Substitutes, sold_out
from smartshop.backend_api.services.questions import TellWanted
from smartshop.data_collection.schemas.ids import ProductNo
from smartshop.data_collection.schemas.slates import Policy


@dataclass(frozen=True, slots=True)
class Plan:
    """How one request is decided: by which sources and policies, and which places are left to chance."""

    rungs: Sequence[FallbackRecommender]
    advisors: Sequence[Advisor]
    policies: Sequence[Policy]
    versions: Mapping[str, str]
    """Agent → model version."""
    config: SlateConfig


@dataclass(frozen=True, slots=True)
class Serving:
    """Immutable: a request in flight finishes on the one it began with."""

    recommender: Recommender | None
    fallback: FallbackRecommender
    advisors: tuple[Advisor, ...]
    versions: Mapping[str, str]
    policies: tuple[Policy, ...]
    config: SlateConfig
    wanted: TellWanted

    def slate(self, question: Question) -> Plan:
        """Of any page; where the question is about what cannot be had now, what stands in for it leads."""
        return self._standing_in(self._slate(), question)

    def _slate(self) -> Plan:
        if self.recommender is None:
            return Plan([self.fallback], self.advisors, self.policies, self.versions, self.config)
        rungs: list[FallbackRecommender] = [self.recommender, ItemToItem(self.recommender), self.fallback]
        return Plan(rungs, self.advisors, self.policies, self.versions, self.config)

    def similar(self, question: Question) -> Plan:
        first = [] if self.recommender is None else [ItemToItem(self.recommender)]
        return self._standing_in(self._list([*first, self.fallback]), question)

    def bought_together(self) -> Plan:
        return self._list([BoughtTogether(self.recommender), BoughtTogether(None)])

    def trending(self, source: FallbackRecommender | None = None) -> Plan:
        """`source` goes first where one is given."""
        given = [] if source is None else [source]
        first = [] if self.recommender is None else [Trending(self.recommender)]
        return self._list([*given, *first, self.fallback])

    def rank(self, numbers: Sequence[ProductNo]) -> Plan:
        return self._list([Ranked(self.recommender, numbers), Ranked(None, numbers)])

    def _standing_in(self, plan: Plan, question: Question) -> Plan:
        gone = sold_out(question)
        if not len(gone):
            return plan
        # The last rung asks no model: whatever is wrong with it, substitutes are found on the shelf.
        rungs = [Substitutes(rung, gone, None if rung is self.fallback else self.recommender) for rung in plan.rungs]
        return replace(plan, rungs=rungs)

    def _list(self, rungs: Sequence[FallbackRecommender]) -> Plan:
        """A plain list: base weights, nothing spread, nothing left to chance."""
        plain = SlateConfig(
            n_candidates=self.config.n_candidates,
            slow_after_ms=self.config.slow_after_ms,
            diversity=NO_DIVERSITY,
            exploration=NO_EXPLORATION,
        )
        base = Policy(name=BASE, probability=1.0, weights=self.policies[0].weights)
        return Plan(rungs, self.advisors, [base], self.versions, plain)


def serve_with(
    recommender: Recommender | None,
    fallback: FallbackRecommender,
    advisors: Sequence[Advisor],
    versions: Mapping[str, str],
    *,
    policy: PolicyConfig,
    config: SlateConfig,
    wanted: TellWanted,
) -> Serving:
    """`advisors`: all but recommendation, which the source is itself."""
    others = tuple(advisor for advisor in advisors if advisor.name != RECOMMENDATION)
    declared = policies([RECOMMENDATION, *(advisor.name for advisor in others)], policy)
    return Serving(recommender, fallback, others, dict(versions), tuple(declared), config, wanted)
