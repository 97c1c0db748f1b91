"""A refit that keeps who is who: segments go on under their ids, and what a refit moved is told apart by its reason.

The scale is frozen and the fit starts from the present segments, so that most refits only follow the customers. Beside
it runs a fit from scratch; only if that describes the customers clearly better are its segments taken, and matched to
the present ones by the customers they share (assignment problem: Kuhn 1955).
"""

from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.clusters import NOWHERE, AssignConfig, Clusters, assign, assign_by, log_odds
from smartshop.ai_agents.segmentation.dividing import DivideConfig, Plan, Progress, Seen, divide, divide_from, plan
from smartshop.ai_agents.segmentation.matching import Labels, matched, most_moved, moves, numbered, translated
from smartshop.ai_agents.segmentation.mixture import Mixture, distances, only, scores
from smartshop.ai_agents.segmentation.space import Behaviour, Space, fit_space, points, signs
from smartshop.data_collection.schemas.segments import SegmentId


class RefitConfig(msgspec.Struct, frozen=True, kw_only=True):
    least_customers: int = 200
    """Known well enough; with fewer there are no behavioural segments."""
    least_customers_to_go_on: int = 100
    """Where there are segments already: nobody loses theirs because a few customers left."""
    least_sure_share: float = 0.3
    """Share of those customers who must surely be in a segment at a first fit; chance divides nobody surely."""
    fit_customers: int = 30_000
    """At most so many, drawn at random, are learned from; everybody is assigned."""
    worst_warm: float = 1.03
    """Inertia over that of a fit from scratch above which the present segments are given up."""
    worst_kept: float = 1.04
    """The same with customers kept where they were: above it they are kept less firmly."""
    held_back_share: float = 0.1
    """Share of compared customers moved for the model's reasons above which it is held back, chance allowed for."""
    divide: DivideConfig = DivideConfig()
    assign: AssignConfig = AssignConfig()


DEFAULT = RefitConfig()


@dataclass(frozen=True, slots=True)
class ClusterReport:
    """What a refit found and changed."""

    k: int = 0
    by_taste: bool = False
    stability: float | None = None
    """Adjusted Rand index between halves of the customers; None where k was given."""
    separation: float | None = None
    """Nats per customer told of customers not learned from."""
    learned_from: int = 0
    inertia: float = 0.0
    """Of the customers learned from, each with the nearest segment."""
    kept_inertia: float = 0.0
    """Each with the segment they were given."""
    fresh_inertia: float = 0.0
    """Of a fit from scratch."""
    is_warm: bool = False
    """The present segments went on; else they were found anew."""
    compared: int = 0
    """Customers with a segment before and now; where all segments would end, those with one before."""
    moved_behaviour: int = 0
    moved_model: int = 0
    held_back: bool = False
    came: tuple[SegmentId, ...] = ()
    retired: tuple[SegmentId, ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterRefit:
    clusters: Clusters | None
    """None: no behavioural segments; `note` says why."""
    labels: Labels
    """(n,) index into `clusters.ids`, -1: none."""
    report: ClusterReport
    note: str = ""


def refit_clusters(
    behaviour: Behaviour,
    present: Clusters | None,
    previous: Labels | None,
    *,
    rng: np.random.Generator,
    config: RefitConfig = DEFAULT,
    columns: tuple[bool, ...] | None = None,
    progress: Progress = lambda share, what: None,
) -> ClusterRefit:
    """Learn segments from today's customers and say who moved and why.

    `previous` (n,) are today's customers' labels under `present`, -1 for none. `columns` as in `fit_space`. Where
    topics or features are others than those of `present`, everything is learned anew and matched by `previous`.
    """
    known = np.flatnonzero(behaviour.evidence >= config.assign.min_evidence)
    needed = config.least_customers if present is None else config.least_customers_to_go_on
    if len(known) < needed:
        why = f"Behavioural segments need {needed} customers of whom something is known, and there are {len(known)}"
        return _without(behaviour, present, previous, why)
    progress(0.0, "choosing the number of segments")
    learned = _drawn(known, config.fit_customers, rng)
    frozen = present if present is not None and _fits(present.space, behaviour) else None
    space = frozen.space if frozen is not None else fit_space(_rows(behaviour, learned), columns=columns)
    seen = Seen(points(space, behaviour.x[learned]), signs(behaviour.taste[learned]), space.background)
    mixture = frozen.mixture if frozen is not None else None
    planned = plan(seen, config.divide, sure=config.assign.sure, present=mixture, rng=rng)
    if isinstance(planned, str):
        return _without(behaviour, present, previous, planned)
    progress(0.5, f"fitting {planned.k} segments")
    rule = config.assign if planned.by_taste else _everybody(config.assign)
    fresh = _lived_in(divide(seen, planned, config.divide, rng), seen, behaviour.evidence[learned], rule)
    if len(fresh) < 2 and present is None:
        return _without(behaviour, None, None, UNSURE)
    is_other = mixture is None or planned.k != len(mixture)
    chosen, is_warm = (fresh, False) if is_other else _warm_or_fresh(seen, fresh, mixture, config.worst_warm)
    progress(0.8, "assigning customers")
    fit = _Fit(seen, learned, space, chosen, fresh, is_warm, planned)
    return _compared(behaviour, fit, present, frozen, previous, config)


@dataclass(frozen=True, slots=True)
class _Fit:
    seen: Seen
    learned: NDArray[np.intp]
    """Rows of the customers learned from."""
    space: Space
    chosen: Mixture
    fresh: Mixture
    """Of a fit from scratch."""
    is_warm: bool
    plan: Plan


@dataclass(frozen=True, slots=True)
class _Rows:
    x: NDArray[np.float64]
    taste: "scipy.sparse.csr_array"  # type: ignore[name-defined]  # noqa: F821
    evidence: NDArray[np.float32]


def _rows(behaviour: Behaviour, rows: NDArray[np.intp]) -> Behaviour:
    return _Rows(behaviour.x[rows], behaviour.taste[rows], behaviour.evidence[rows])


def _without(behaviour: Behaviour, present: Clusters | None, previous: Labels | None, why: str) -> ClusterRefit:
    """No behavioural segments. Where there are some, that ends them all, which is for an operator to decide."""
    nobody = np.full(len(behaviour.x), NOWHERE, np.int32)
    if present is None:
        return ClusterRefit(None, nobody, ClusterReport(), f"{why}, so there are only the RFM groups.")
    had = 0 if previous is None else int(np.count_nonzero(previous >= 0))
    report = ClusterReport(compared=had, moved_model=had, held_back=True, retired=present.ids)
    note = (
        f"{why}: all {len(present)} would end, and {had} customers lose theirs; they go on serving until this refit, "
        "which leaves only the RFM groups, is accepted."
    )
    return ClusterRefit(None, nobody, report, note)


def _drawn(known: NDArray[np.intp], most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    return known if len(known) <= most else np.sort(rng.choice(known, most, replace=False))


def _fits(space: Space, behaviour: Behaviour) -> bool:
    return (len(space.middle), len(space.background)) == (behaviour.x.shape[1], behaviour.taste.shape[1])


def _lived_in(mixture: Mixture, seen: Seen, evidence: NDArray[np.float32], rule: AssignConfig) -> Mixture:
    """Without segments in which nobody surely is: they say nothing of anybody."""
    sure = assign_by(rule, scores(mixture, seen.points, seen.signs), evidence)
    return only(mixture, np.bincount(sure + 1, minlength=len(mixture) + 1)[1:] > 0)


def _warm_or_fresh(seen: Seen, fresh: Mixture, present: Mixture | None, worst: float) -> tuple[Mixture, bool]:
    """The present segments moved on, or the fresh ones where those are clearly better."""
    if present is None:
        return fresh, False
    warm = divide_from(seen, present)
    is_good = len(fresh) < 2 or inertia(seen, warm) <= worst * inertia(seen, fresh)
    return (warm, True) if is_good else (fresh, False)


def inertia(seen: Seen, mixture: Mixture, labels: Labels | None = None) -> float:
    """Sum of the distances of customers from their segments; from the nearest where they have none."""
    apart = distances(mixture, seen.background, seen.points, seen.signs)
    nearest = apart.min(axis=1)
    if labels is None:
        return float(nearest.sum())
    own = apart[np.arange(len(apart)), np.maximum(labels, 0)]
    return float(np.where(labels >= 0, own, nearest).sum())


UNSURE = "Hardly a customer is surely in any behavioural segment that was tried"
LEAST_MARGIN = 0.05
"""Log-odds below which keeping customers where they were is not worth halving any more."""


def _compared(
    behaviour: Behaviour,
    fit: _Fit,
    present: Clusters | None,
    frozen: Clusters | None,
    previous: Labels | None,
    config: RefitConfig,
) -> ClusterRefit:
    """Name the segments, assign everybody, and compare with before."""
    rule = config.assign if fit.plan.by_taste else _everybody(config.assign)
    clusters = Clusters(fit.space, fit.chosen, (), (), rule, 1)
    found = log_odds(clusters, behaviour)
    by_present = assign(frozen, behaviour, previous) if frozen is not None else None
    now = assign_by(rule, found, behaviour.evidence)
    known = np.count_nonzero(behaviour.evidence >= rule.min_evidence)
    if present is None and np.count_nonzero(now >= 0) < config.least_sure_share * known:
        return _without(behaviour, None, None, UNSURE)
    clusters = _identified(clusters, fit, present, previous if by_present is None else by_present, now)
    had = translated(previous, present, clusters) if previous is not None and present is not None else None
    clusters, labels, kept = _assigned(clusters, found, behaviour, had, fit, config.worst_kept)
    report = _report(clusters, fit, present, kept)
    if present is not None and previous is not None:
        told = moves(present, previous, by_present, clusters, labels)
        report = replace(
            report,
            compared=told.compared,
            moved_behaviour=told.behaviour,
            moved_model=told.model,
            held_back=told.model > most_moved(config.held_back_share, told.compared),
        )
    return ClusterRefit(clusters, labels, report, _held_back_note(report, config.held_back_share))


def _everybody(rule: AssignConfig) -> AssignConfig:
    """Habits divide everybody: each customer has a nearest segment."""
    return msgspec.structs.replace(rule, sure=0.0, stay=0.0)


def _identified(
    clusters: Clusters, fit: _Fit, present: Clusters | None, before: Labels | None, now: Labels
) -> Clusters:
    """The segments with their ids; `before` and `now` are labels under `present` and these."""
    if present is None:
        return numbered(clusters, 1)
    if fit.is_warm:
        return replace(clusters, ids=present.ids, next_number=present.next_number)
    if before is None:
        return numbered(clusters, present.next_number)
    return matched(clusters, present, before, now)


def _assigned(
    clusters: Clusters,
    found: NDArray[np.float64],
    behaviour: Behaviour,
    had: Labels | None,
    fit: _Fit,
    worst_kept: float,
) -> tuple[Clusters, Labels, float]:
    """Segments, labels and their inertia; the margin is halved until keeping customers costs little enough of that."""
    rule, most = clusters.config, worst_kept * inertia(fit.seen, fit.fresh)
    while True:
        labels = assign_by(rule, found, behaviour.evidence, had)
        kept = inertia(fit.seen, fit.chosen, labels[fit.learned])
        if had is None or kept <= most or rule.margin < LEAST_MARGIN:
            break
        rule = msgspec.structs.replace(rule, margin=rule.margin / 2)
    sizes = np.bincount(labels[labels >= 0], minlength=len(clusters))
    return replace(clusters, config=rule, sizes=tuple(int(size) for size in sizes)), labels, kept


def _report(clusters: Clusters, fit: _Fit, present: Clusters | None, kept: float) -> ClusterReport:
    choice, ids = fit.plan.choice, present.ids if present is not None else ()
    return ClusterReport(
        k=len(clusters),
        by_taste=fit.plan.by_taste,
        stability=choice.stability if choice else None,
        separation=choice.gain if choice else None,
        learned_from=len(fit.seen),
        inertia=inertia(fit.seen, fit.chosen),
        kept_inertia=kept,
        fresh_inertia=inertia(fit.seen, fit.fresh),
        is_warm=fit.is_warm,
        came=tuple(segment_id for segment_id in clusters.ids if segment_id not in ids),
        retired=tuple(segment_id for segment_id in ids if segment_id not in clusters.ids),
    )


def _held_back_note(report: ClusterReport, share: float) -> str:
    if not report.held_back:
        return ""
    most = int(most_moved(share, report.compared))
    return (
        f"{report.moved_model} of {report.compared} customers would change segment only because the model changed; "
        f"more than {most} is too many: the model before goes on serving until this one is accepted."
    )
