"""The decision: candidates → advice → score → rules and diversity → exploration → items, all visible in `decide`.

Pure but for a stopwatch: the same question, id and models give the same slate in any process.
"""

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter_ns

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.advice import (
    ADVICE_LIMIT,
    Advice,
    Advisor,
    Candidates,
    FallbackRecommender,
    Floats,
    Numbers,
    Question,
)
from smartshop.ai_agents.brought_in import with_returned
from smartshop.ai_agents.diversity import NO_CAPS, Diversity, Head, moves, spread, surface_limits
from smartshop.ai_agents.exploration import ExplorationConfig, Explored, anyone, explore
from smartshop.ai_agents.ladder import RECOMMENDATION, draw
from smartshop.ai_agents.limits import lets_in
from smartshop.ai_agents.policy import draw_policy
from smartshop.ai_agents.rules import ActiveRules
from smartshop.ai_agents.ruling import Ruling, no_ruling, prepare, rule_on
from smartshop.ai_agents.shelf import Shelf
from smartshop.data_collection.schemas.ids import DecisionId
from smartshop.data_collection.schemas.slates import Adjustment, Policy, Reason, SlateItem

RUNNERS_UP = 20
"""Entries kept behind the shown ones, for the log and for learning what else could have been shown."""
DECIMALS = 6
"""Of scores and contributions on the wire: three rounded contributions still sum to the score within 1e-5."""


@dataclass(frozen=True, slots=True)
class SlateConfig:
    n_candidates: int = 200
    """Products argued about, at least `limit` + 20; 100 to 500."""
    slow_after_ms: float = 150.0
    """An advisor slower than this is left out of the decision and named."""
    diversity: Diversity = field(default_factory=Diversity)
    exploration: ExplorationConfig = field(default_factory=ExplorationConfig)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the advisors said; rows in order of advisor name."""

    names: tuple[str, ...]
    advice: tuple[Advice, ...]
    log_odds: Floats
    """(n_advisors, n_candidates), clipped."""
    missing: list[str]
    """Advisors left out, and why."""


@dataclass(frozen=True, slots=True)
class Argument:
    """The candidates and how the advice about them adds up under the policy drawn."""

    candidates: Candidates
    heard: Heard
    policy: Policy
    contributions: NDArray[np.float64]
    """(n_advisors, n_candidates): weight × log-odds."""
    scores: NDArray[np.float64]
    """(n_candidates,): the columns' sums."""


@dataclass(frozen=True, slots=True)
class Decided:
    """A slate and everything that led to it."""

    argument: Argument
    entries: list[int]
    """Candidate indices: the shown ones in order, then the runners-up."""
    items: list[SlateItem]
    degraded: list[str]


def decide(
    question: Question,
    decision_id: DecisionId,
    rungs: Sequence[FallbackRecommender],
    advisors: Sequence[Advisor],
    policies: Sequence[Policy],
    *,
    config: SlateConfig,
    rules: ActiveRules | None = None,
    explain: bool = True,
    stopwatch: Callable[[], int] = perf_counter_ns,
) -> Decided:
    """One slate. `rungs`: sources, best first; `policies`: the declared weight vectors with their probabilities;
    `rules`: the merchant's that hold for it.
    """
    drawn = draw(question, rungs, max(config.n_candidates, question.limit + RUNNERS_UP))
    candidates = with_returned(question, drawn.candidates)
    prepared = prepare(rules, question, candidates, drawn.rung) if rules else None
    candidates = candidates if prepared is None else prepared.candidates
    heard = hear(question, candidates, [drawn.rung, *advisors], config.slow_after_ms, stopwatch)
    argument = weigh(candidates, heard, draw_policy(decision_id, policies))
    scores = argument.scores
    ruling = rule_on(rules, question, prepared, scores) if rules and prepared else no_ruling(scores)
    newcomers = frozenset(np.flatnonzero(np.isin(candidates.product_no, drawn.candidates.newcomers)).tolist())
    explored, adjustments = _placed(question, decision_id, candidates.product_no, newcomers, scores, ruling, config)

    reasons = [reason_for(index, argument) if explain else None for index in explored.shown]
    return Decided(
        argument=argument,
        entries=explored.shown + explored.rest[:RUNNERS_UP],
        items=_items(question.shelf, argument, explored, reasons, adjustments),
        degraded=drawn.missing + heard.missing,
    )


def _placed(
    question: Question,
    decision_id: DecisionId,
    product_no: Numbers,
    newcomers: Set[int],
    scores: NDArray[np.float64],
    ruling: Ruling,
    config: SlateConfig,
) -> tuple[Explored, dict[int, list[Adjustment]]]:
    """From scores to places: rules, diversity, and chance last. Candidate → what was done to it, if it is shown."""
    shelf, diversity, pins = question.shelf, config.diversity, ruling.pins
    pinned = list(ruling.pins.values())
    order = np.argsort(-(scores + ruling.shift), kind="stable").tolist()
    if pinned:
        order = [candidate for candidate in order if candidate not in pinned]
    caps = diversity.caps.get(question.surface, NO_CAPS)
    limits = [*ruling.limits, *surface_limits(caps, product_no, shelf, question.limit)]
    n_places = max(0, min(question.limit, len(scores)) - len(pinned))
    weight = diversity.relevance.get(question.surface, 1.0)
    head = Head(order, scores, ruling.shift, product_no, n_places, pinned)
    spread_out = spread(head, shelf, limits, weight, diversity.likeness)
    explored = explore(
        spread_out.order,
        question.limit,
        decision_id,
        config.exploration,
        pins=pins,
        lets_in=partial(lets_in, ruling.limits) if ruling.limits else anyone,
        newcomers=newcomers,
    )
    ruled_on, moved = ruling.told_of(explored.shown), moves(spread_out, explored.shown, pins)
    told = {
        candidate: [*ruled_on.get(candidate, ()), *([moved[candidate]] if candidate in moved else ())]
        for candidate in explored.shown
    }
    return explored, told


def hear(
    question: Question,
    candidates: Candidates,
    advisors: Sequence[Advisor],
    slow_after_ms: float,
    stopwatch: Callable[[], int],
) -> Heard:
    """Ask every advisor about the same candidates. One that fails, or is slow, is left out and named."""
    n = len(candidates.product_no)
    names, said, rows, missing = list[str](), list[Advice](), list[Floats](), list[str]()
    for advisor in sorted(advisors, key=lambda one: one.name):
        started = stopwatch()
        try:
            advice = advisor.advise(question, candidates)
        except Exception as error:  # an advisor is one voice among several: its failure must not cost the slate
            missing.append(f"{advisor.name}: failed ({type(error).__name__})")
            continue
        took_ms = (stopwatch() - started) / 1e6
        if took_ms > slow_after_ms:
            missing.append(f"{advisor.name}: took {took_ms:.0f} ms")
            continue
        log_odds = np.asarray(advice.log_odds, dtype=np.float32)
        if log_odds.shape != (n,) or not np.isfinite(log_odds).all():
            missing.append(f"{advisor.name}: said something that is not one finite number per candidate")
            continue
        if advisor.name != RECOMMENDATION:
            log_odds = np.clip(log_odds, -ADVICE_LIMIT, ADVICE_LIMIT)
        names.append(advisor.name)
        said.append(advice)
        rows.append(log_odds)
    table = np.stack(rows) if rows else np.empty((0, n), dtype=np.float32)
    return Heard(tuple(names), tuple(said), table, missing)


def weigh(candidates: Candidates, heard: Heard, policy: Policy) -> Argument:
    """Contributions and their sums, added row by row in order of advisor name, so that every process rounds alike.

    An advisor without a weight in the policy weighs 1.
    """
    weights = np.array([policy.weights.get(name, 1.0) for name in heard.names], dtype=np.float64)
    contributions = weights[:, None] * heard.log_odds.astype(np.float64)
    scores = np.zeros(len(candidates.product_no), dtype=np.float64)
    for row in contributions:
        scores += row
    return Argument(candidates, heard, policy, contributions, scores)


def reason_for(index: int, argument: Argument) -> Reason | None:
    """The reason of the advisor who argued strongest for it; else of the source that brought it."""
    heard = argument.heard
    pulls = argument.contributions[:, index].tolist()
    loudest_first = sorted(range(len(pulls)), key=pulls.__getitem__, reverse=True)
    speakers = [row for row in loudest_first if pulls[row] > 0]
    speakers += [row for row, name in enumerate(heard.names) if name == RECOMMENDATION and row not in speakers]
    for row in speakers:
        try:
            reason = heard.advice[row].reason(index)
        except Exception:  # noqa: S112  # a reason that cannot be told is left out; the item stands on its score
            continue
        if reason is not None:
            return reason
    return None


def _items(
    shelf: Shelf,
    argument: Argument,
    explored: Explored,
    reasons: Sequence[Reason | None],
    adjustments: Mapping[int, Sequence[Adjustment]],
) -> list[SlateItem]:
    """The shown entries for the wire, in order; `adjustments`: candidate → what rules and diversity did to it."""
    if not explored.shown:
        return []
    numbers = argument.candidates.product_no[explored.shown].tolist()
    parts = np.round(argument.contributions[:, explored.shown], DECIMALS).T.tolist()
    items = list[SlateItem]()
    for place, index in enumerate(explored.shown):
        by_chance = explored.adjustments.get(place)
        items.append(
            SlateItem(
                product_id=shelf.product_ids[numbers[place]],
                position=place,
                score=round(sum(parts[place]), DECIMALS),
                propensity=explored.propensity[place],
                reason=reasons[place],
                contributions=dict(zip(argument.heard.names, parts[place], strict=True)),
                adjustments=[*adjustments[index], *([by_chance] if by_chance is not None else ())],
            )
        )
    return items
