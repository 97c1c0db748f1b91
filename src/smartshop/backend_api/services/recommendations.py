"""Slates out to people: who asks, what is known of them, the decision, and its record.

A valid, authorised request always gets an answer. A store that fails or takes over 150 ms is gone around and named in
`degraded`, as is a model that is missing or an id that nobody knows.
"""

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import perf_counter_ns

import msgspec
import numpy as np
import structlog

from smartshop.ai_agents.advice import Advisor, FallbackRecommender, Question, Recommender
from smartshop.ai_agents.decision_log import keeps_candidates, logged
from smartshop.ai_agents.eligibility import ShelfMasks
from smartshop.ai_agents.policy import PolicyConfig
from smartshop.ai_agents.rules import ActiveRules, CompiledRules
from smartshop.ai_agents.shelf import Shelf
from smartshop.ai_agents.slate import Decided, SlateConfig, decide
from smartshop.backend_api.services.awaited_goods import AwaitedGoods, keys_of
from smartshop.backend_api.services.decision_writer import DecisionWriter
from smartshop.backend_api.services.presence import Asker, Presence
from smartshop.backend_api.services.questions import (
    Asked,
    TellWanted,
    ask,
    number_of,
    situation_of,
    wanted_by_nobody,
)
from smartshop.backend_api.services.serving import Plan, Serving, serve_with
from smartshop.data_collection.connectors.ports import Customers, Decisions, Profiles, Standings
from smartshop.data_collection.connectors.reads import ShortRead, in_thread
from smartshop.data_collection.pipelines.clock import ShopClock
from smartshop.data_collection.schemas.catalogue import format_category
from smartshop.data_collection.schemas.customers import Shopper
from smartshop.data_collection.schemas.ids import (
    AnonymousId,
    CustomerId,
    DecisionId,
    Micros,
    ProductId,
    ProductNo,
)
from smartshop.data_collection.schemas.slates import (
    Bought,
    Decision,
    Slate,
    SlateFilters,
    SlateItem,
    SlateRequest,
    Surface,
)
from smartshop.errors import NotFound

log = structlog.get_logger(__name__)

TOLD_MOST = 100
"""Different troubles that are logged one by one."""


def new_decision_id(now: Micros) -> DecisionId:
    """Sorts by time, so that the log's index grows at its end; 80 random bits, so that nobody guesses another's."""
    return DecisionId(f"{now // 1000:012x}{os.urandom(10).hex()}")


class Recommendations:
    """The service behind every slate. `use` gives it a model; until then it answers from the fall-back."""

    def __init__(
        self,
        customers: Customers,
        profiles: Profiles,
        decisions: Decisions,
        shelves: Callable[[], Shelf],
        clock: ShopClock,
        fallback: FallbackRecommender,
        *,
        advisors: Sequence[Advisor] = (),
        config: SlateConfig | None = None,
        policy: PolicyConfig | None = None,
        read: ShortRead = in_thread,
        rules: Callable[[], CompiledRules] | None = None,
        standings: Standings | None = None,
        awaited: AwaitedGoods | None = None,
    ) -> None:
        """`rules`: the merchant's, never waited for; `standings`: read where a rule asks for a customer's segment;
        `awaited`: what is back in stock, and who wanted it.
        """
        self._presence, self._decisions = Presence(customers, profiles, read, standings), decisions
        self._rules, self._awaited = rules, awaited
        self._shelves, self._clock, self._fallback = shelves, clock, fallback
        self._config, self._policy = config or SlateConfig(), policy or PolicyConfig()
        self._masks = ShelfMasks(shelves())
        self._serving: Serving
        self._told: set[str] = set()
        self.writer = DecisionWriter(decisions)
        self.use(None, advisors, {})

    def start(self) -> None:
        self.writer.start()

    def stop(self) -> None:
        """Blocking: writes the decisions that wait."""
        self.writer.stop()

    def use(
        self,
        source: Recommender | None,
        advisors: Sequence[Advisor],
        versions: Mapping[str, str],
        *,
        wanted: TellWanted = wanted_by_nobody,
    ) -> None:
        """Decide with these from the next request on; None is "no model". `versions`: agent → model version.

        `wanted`: what every question learns of those who shop like its shopper.
        """
        policy, config = self._policy, self._config
        self._serving = serve_with(
            source, self._fallback, advisors, versions, policy=policy, config=config, wanted=wanted
        )

    @property
    def serving(self) -> Serving:
        return self._serving

    async def shopper_of(
        self, customer_id: CustomerId | None, anonymous_id: AnonymousId | None, *, vouched: bool
    ) -> Shopper:
        """Who is asking, after links, merges and trust."""
        return await self._presence.shopper_of(customer_id, anonymous_id, vouched=vouched)

    async def answer(
        self,
        request: SlateRequest,
        shopper: Shopper | None,
        *,
        vouched: bool = False,
        at: Micros | None = None,
        with_candidates: bool = False,
    ) -> Slate:
        """One slate. `shopper` None is looked up from the request's ids; `vouched` says whether they are proven.

        `at` sets the request's time: later events are not known then. `with_candidates` keeps all of them in the log.
        """
        started, serving = perf_counter_ns(), self._serving
        asker = await self._presence.of(request, shopper, vouched=vouched, at=at)
        # A slate of the past knows nothing of what came back since.
        asked = self._ask(request, asker, at, () if at is not None else self._returned_for(asker))
        rules = await self._rules_for(request, asker, asked.question.now)
        return self._decide(
            asked,
            asker,
            serving.slate(asked.question),
            started,
            rules=rules,
            explain=request.explain,
            with_candidates=with_candidates,
        )

    async def similar(self, product_id: ProductId, *, limit: int = 12, shopper: Shopper | None = None) -> Slate:
        """Products like this one; where it is sold out, what stands in for it leads.

        Raises:
            NotFound: no such product.
        """
        started, serving = perf_counter_ns(), self._serving
        category = self._category(product_id)
        # Without a model, alike is what stands on the same shelf.
        narrowed = [category] if serving.recommender is None and category else []
        request = SlateRequest(
            surface=Surface.PRODUCT,
            product_id=product_id,
            limit=limit,
            filters=SlateFilters(category=narrowed, bought=Bought.ALLOW),
        )
        return await self._list(request, shopper, serving.similar, started)

    async def bought_together(self, product_id: ProductId, *, limit: int = 12, shopper: Shopper | None = None) -> Slate:
        """What completes this product, from orders alone; empty where nothing was learned.

        Raises:
            NotFound: no such product.
        """
        started, plan = perf_counter_ns(), self._serving.bought_together()
        self._category(product_id)
        request = SlateRequest(
            surface=Surface.PRODUCT, product_id=product_id, limit=limit, filters=SlateFilters(bought=Bought.ALLOW)
        )
        return await self._list(request, shopper, lambda _: plan, started)

    async def trending(
        self,
        category: str | None = None,
        *,
        limit: int = 12,
        shopper: Shopper | None = None,
        source: FallbackRecommender | None = None,
    ) -> Slate:
        """What is in demand now, in a category path or overall; by `source` where one is given (a segment's demand)."""
        started, plan = perf_counter_ns(), self._serving.trending(source)
        filters = SlateFilters(category=[category] if category else [], bought=Bought.ALLOW)
        request = SlateRequest(surface=Surface.CATEGORY, limit=limit, filters=filters)
        return await self._list(request, shopper, lambda _: plan, started)

    async def rank(
        self,
        product_ids: Sequence[ProductId],
        request: SlateRequest,
        shopper: Shopper | None,
        *,
        vouched: bool = False,
        at: Micros | None = None,
    ) -> Slate:
        """These ids, each once, in this shopper's order; ids nobody knows come last, and are named.

        `request` tells of the surface and the moment; its filters and limit do not apply: the caller chose.
        """
        started, shelf = perf_counter_ns(), self._shelves()
        sent: dict[ProductNo, list[ProductId]] = {}
        strangers = list[ProductId]()
        for product_id in dict.fromkeys(product_ids):
            number = number_of(shelf, product_id)
            strangers.append(product_id) if number is None else sent.setdefault(number, []).append(product_id)
        asker = await self._presence.of(request, shopper, vouched=vouched, at=at)
        asked = self._ask(request, asker, at)
        chosen = np.zeros_like(asked.question.eligible)
        chosen[list(sent)] = True
        question = replace(asked.question, eligible=chosen, limit=len(sent))
        unknown = asked.unknown + [f"product_ids: unknown {one[:128]}" for one in strangers[:5]]
        plan = self._serving.rank(list(sent))
        slate = self._decide(Asked(question, unknown), asker, plan, started, explain=request.explain)
        return _as_sent(slate, sent, strangers, shelf)

    async def decision(self, decision_id: DecisionId) -> Decision | None:
        """The whole argument of a slate given in the last 30 days, also one still on its way to the log."""
        return self.writer.find(decision_id) or await asyncio.to_thread(self._decisions.get, decision_id)

    # ---------------------------------------------------------------------------------------- steps
    async def _list(
        self, request: SlateRequest, shopper: Shopper | None, plan_for: Callable[[Question], Plan], started: int
    ) -> Slate:
        asker = await self._presence.of(request, shopper, vouched=False)
        asked = self._ask(request, asker, None)
        return self._decide(asked, asker, plan_for(asked.question), started)

    def _ask(self, request: SlateRequest, asker: Asker, at: Micros | None, returned: Sequence[ProductId] = ()) -> Asked:
        shelf = self._shelves()
        if self._masks.shelf is not shelf:
            self._masks = ShelfMasks(shelf, before=self._masks)
        now = self._clock.shop_now() if at is None else at
        wanted = self._serving.wanted
        return ask(request, self._masks, asker.profile, now, personal=asker.personal, wanted=wanted, returned=returned)

    def _returned_for(self, asker: Asker) -> Sequence[ProductId]:
        """What this shopper waited for, and what is back."""
        if self._awaited is None or asker.shopper is None or not asker.personal:
            return ()
        return self._awaited.wanted_by(keys_of(asker.shopper), asker.profile)

    async def _rules_for(self, request: SlateRequest, asker: Asker, now: Micros) -> ActiveRules | None:
        """The merchant's rules that hold here and now."""
        if self._rules is None or not (compiled := self._rules()).rules:
            return None
        segments = await self._presence.segments_of(asker) if compiled.asks_segments else frozenset[str]()
        return compiled.in_situation(situation_of(request, now, segments))

    def _decide(
        self,
        asked: Asked,
        asker: Asker,
        plan: Plan,
        started: int,
        *,
        rules: ActiveRules | None = None,
        explain: bool = True,
        with_candidates: bool = False,
    ) -> Slate:
        decided_at = self._clock.now()
        decision_id = new_decision_id(decided_at)
        question = asked.question
        decided = decide(
            question, decision_id, plan.rungs, plan.advisors, plan.policies,
            config=plan.config, rules=rules, explain=explain,
        )  # fmt: skip
        self._tell_once([*asker.degraded, *decided.degraded])
        degraded = [*dict.fromkeys([*asker.degraded, *asked.unknown, *decided.degraded])]
        took_micros = (perf_counter_ns() - started) // 1000
        self.writer.put(
            logged(
                decided,
                question,
                decision_id,
                decided_at=decided_at,
                shopper_key=asker.shopper_key,
                is_customer=asker.is_customer,
                model_versions=plan.versions,
                degraded=degraded,
                took_micros=took_micros,
                with_candidates=with_candidates or keeps_candidates(decision_id),
            )
        )
        return _slate(decided, question.surface, decision_id, degraded, took_micros)

    def _tell_once(self, missing: Sequence[str]) -> None:
        """The operator hears of each kind of trouble at its first sight; the metrics count the rest."""
        for text in missing:
            if text not in self._told and len(self._told) < TOLD_MOST:
                self._told.add(text)
                log.warning("slate_degraded", missing=text, versions=dict(self._serving.versions))

    def _category(self, product_id: ProductId) -> str:
        """The product's category path.

        Raises:
            NotFound: no such product on the shelf.
        """
        shelf = self._shelves()
        number = shelf.number_of.get(product_id)
        if number is None or not shelf.alive[number]:
            raise NotFound(f"There is no product {product_id[:128]!r} in this shop.")
        return format_category(shelf.categories[int(shelf.category[number])])


def _slate(decided: Decided, surface: Surface, decision_id: DecisionId, degraded: list[str], took_micros: int) -> Slate:
    return Slate(
        decision_id=decision_id,
        surface=surface,
        policy=decided.argument.policy,
        degraded=degraded or None,
        took_ms=took_micros / 1000,
        items=decided.items,
    )


def _as_sent(
    slate: Slate, sent: Mapping[ProductNo, Sequence[ProductId]], strangers: Sequence[ProductId], shelf: Shelf
) -> Slate:
    """The items under the ids that the caller used (a variant's too), then the unknown ones without an argument."""
    items = list[SlateItem]()
    for item in slate.items:
        for product_id in sent[shelf.number_of[item.product_id]]:
            items.append(msgspec.structs.replace(item, product_id=product_id, position=len(items)))
    for product_id in strangers:
        stranger = SlateItem(product_id, len(items), score=0.0, propensity=1.0, reason=None, contributions={})
        items.append(stranger)
    return msgspec.structs.replace(slate, items=items)
