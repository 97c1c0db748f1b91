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
from smartshop.ai_agents.segmentation.mixture import Mixture, distances
from smartshop.ai_agents.segmentation.space import Behaviour, Space, fit_space, points, signs
from smartshop.data_collection.schemas.segments import SegmentId

Labels = NDArray[np.int32]


class RefitConfig(msgspec.Struct, frozen=True, kw_only=True):
    least_customers: int = 200
    """Known well enough; with fewer there are no behavioural segments."""
    fit_customers: int = 30_000
    """At most so many, drawn at random, are learned from; everybody is assigned."""
    worst_warm: float = 1.03
    """Inertia over that of a fit from scratch above which the present segments are given up."""
    worst_kept: float = 1.04
    """The same with customers kept where they were: above it they are kept less firmly."""
    least_overlap: float = 0.2
    """Customers shared over customers in either, above which a new segment is an old one."""
    held_back_share: float = 0.1
    """Share of compared customers moved for the model's reasons above which a refit is held back."""
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
    """Customers with a segment before and now."""
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

    `previous` (n,) are today's customers' labels under `present`, -1 for none. `columns` as in `fit_space`.
    """
    n = len(behaviour.x)
    known = np.flatnonzero(behaviour.evidence >= config.assign.min_evidence)
    if len(known) < config.least_customers:
        note = (
            f"Behavioural segments need {config.least_customers} customers of whom something is known; "
            f"there are {len(known)}, so there are only the RFM groups."
        )
        return _without(n, present, note)
    progress(0.0, "choosing the number of segments")
    learned = _drawn(known, config.fit_customers, rng)
    present = present if present is not None and _fits(present.space, behaviour) else None
    space = present.space if present is not None else fit_space(_rows(behaviour, learned), columns=columns)
    seen = Seen(points(space, behaviour.x[learned]), signs(behaviour.taste[learned]), space.background)
    mixture = present.mixture if present is not None else None
    planned = plan(seen, config.divide, sure=config.assign.sure, present=mixture, rng=rng)
    if isinstance(planned, str):
        return _without(n, present, planned)
    progress(0.5, f"fitting {planned.k} segments")
    fresh = divide(seen, planned, config.divide, rng)
    chosen, is_warm = _warm_or_fresh(seen, fresh, mixture, config.worst_warm)
    progress(0.8, "assigning customers")
    clusters = _named(space, chosen, present, config, planned, behaviour if not is_warm else None)
    return _compared(behaviour, clusters, present, previous, _Fit(seen, learned, fresh, is_warm, planned), config)


@dataclass(frozen=True, slots=True)
class _Fit:
    seen: Seen
    learned: NDArray[np.intp]
    fresh: Mixture
    is_warm: bool
    plan: Plan


@dataclass(frozen=True, slots=True)
class _Rows:
    x: NDArray[np.float64]
    taste: "scipy.sparse.csr_array"  # type: ignore[name-defined]  # noqa: F821
    evidence: NDArray[np.float32]


def _rows(behaviour: Behaviour, rows: NDArray[np.intp]) -> Behaviour:
    return _Rows(behaviour.x[rows], behaviour.taste[rows], behaviour.evidence[rows])


def _without(n: int, present: Clusters | None, note: str) -> ClusterRefit:
    retired = present.ids if present is not None else ()
    return ClusterRefit(None, np.full(n, NOWHERE, np.int32), ClusterReport(retired=retired), note)


def _drawn(known: NDArray[np.intp], most: int, rng: np.random.Generator) -> NDArray[np.intp]:
    return known if len(known) <= most else np.sort(rng.choice(known, most, replace=False))


def _fits(space: Space, behaviour: Behaviour) -> bool:
    return (len(space.middle), len(space.background)) == (behaviour.x.shape[1], behaviour.taste.shape[1])


def _warm_or_fresh(seen: Seen, fresh: Mixture, present: Mixture | None, worst: float) -> tuple[Mixture, bool]:
    """The present segments moved on, or the fresh ones where those are clearly better or of another number."""
    if present is None or len(present) != len(fresh):
        return fresh, False
    warm = divide_from(seen, present)
    is_good = inertia(seen, warm) <= worst * inertia(seen, fresh)
    return (warm, True) if is_good else (fresh, False)


def inertia(seen: Seen, mixture: Mixture, labels: Labels | None = None) -> float:
    """Sum of the distances of customers from their segments; from the nearest where they have none."""
    apart = distances(mixture, seen.background, seen.points, seen.signs)
    nearest = apart.min(axis=1)
    if labels is None:
        return float(nearest.sum())
    own = apart[np.arange(len(apart)), np.maximum(labels, 0)]
    return float(np.where(labels >= 0, own, nearest).sum())


def _named(
    space: Space,
    mixture: Mixture,
    present: Clusters | None,
    config: RefitConfig,
    planned: Plan,
    behaviour: Behaviour | None,
) -> Clusters:
    """Segments under their ids. `behaviour` is needed only to match segments found anew with the present ones."""
    rule = config.assign if planned.by_taste else _everybody(config.assign)
    k = len(mixture)
    number = present.next_number if present is not None else 1
    if present is not None and behaviour is None:
        return Clusters(space, mixture, present.ids, (0,) * k, rule, number)
    new = Clusters(space, mixture, tuple(SegmentId(f"b{number + place}") for place in range(k)), (0,) * k, rule, number)
    if present is None or behaviour is None:
        return replace(new, next_number=number + k)
    return _matched(new, present, behaviour, config.least_overlap)


def _matched(new: Clusters, present: Clusters, behaviour: Behaviour, least_overlap: float) -> Clusters:
    """Give each new segment the id of the present one it shares most customers with; the others get new ids."""
    from scipy.optimize import linear_sum_assignment  # heavy, and only a refit needs it

    before, now = assign(present, behaviour), assign(new, behaviour)
    both = (before >= 0) & (now >= 0)
    shared = np.zeros((len(present), len(new)))
    np.add.at(shared, (before[both], now[both]), 1)
    either = shared.sum(axis=1)[:, None] + shared.sum(axis=0) - shared
    ids: dict[int, SegmentId] = {}
    for old, place in zip(*linear_sum_assignment(-shared), strict=True):
        if shared[old, place] > least_overlap * either[old, place]:
            ids[int(place)] = present.ids[old]
    number = present.next_number
    for place in range(len(new)):
        if place not in ids:
            ids[place] = SegmentId(f"b{number}")
            number += 1
    return replace(new, ids=tuple(ids[place] for place in range(len(new))), next_number=number)


def _everybody(rule: AssignConfig) -> AssignConfig:
    """Habits divide everybody: each customer has a nearest segment."""
    return msgspec.structs.replace(rule, sure=0.0, stay=0.0)


def _compared(
    behaviour: Behaviour,
    clusters: Clusters,
    present: Clusters | None,
    previous: Labels | None,
    fit: _Fit,
    config: RefitConfig,
) -> ClusterRefit:
    found = log_odds(clusters, behaviour)
    had = _translated(previous, present, clusters) if previous is not None and present is not None else None
    fresh_inertia = inertia(fit.seen, fit.fresh)
    rule = clusters.config
    while True:
        labels = assign_by(rule, found, behaviour.evidence, had)
        kept = inertia(fit.seen, clusters.mixture, labels[fit.learned])
        if had is None or kept <= config.worst_kept * fresh_inertia or rule.margin < LEAST_MARGIN:
            break
        rule = msgspec.structs.replace(rule, margin=rule.margin / 2)
    sizes = np.bincount(labels[labels >= 0], minlength=len(clusters))
    clusters = replace(clusters, config=rule, sizes=tuple(int(size) for size in sizes))
    choice = fit.plan.choice
    report = ClusterReport(
        k=len(clusters),
        by_taste=fit.plan.by_taste,
        stability=choice.stability if choice else None,
        separation=choice.gain if choice else None,
        learned_from=len(fit.seen),
        inertia=inertia(fit.seen, clusters.mixture),
        kept_inertia=kept,
        fresh_inertia=fresh_inertia,
        is_warm=fit.is_warm,
        came=tuple(i for i in clusters.ids if present is None or i not in present.ids),
        retired=tuple(i for i in present.ids if i not in clusters.ids) if present is not None else (),
    )
    if present is not None and previous is not None:
        report = _told_apart(report, behaviour, clusters, labels, present, previous, config.held_back_share)
    return ClusterRefit(clusters, labels, report, _held_back_note(report, config.held_back_share))


LEAST_MARGIN = 0.05
"""Log-odds below which keeping a customer where they were is not worth halving any more."""


def _translated(previous: Labels, present: Clusters, new: Clusters) -> Labels:
    """Labels under `present` as labels under `new`; -1 where the segment is gone."""
    place = {segment_id: index for index, segment_id in enumerate(new.ids)}
    to_new = np.array([place.get(segment_id, NOWHERE) for segment_id in present.ids] + [NOWHERE], np.int32)
    return to_new[previous]


def _told_apart(
    report: ClusterReport,
    behaviour: Behaviour,
    clusters: Clusters,
    labels: Labels,
    present: Clusters,
    previous: Labels,
    held_back_share: float,
) -> ClusterReport:
    """Who moved because they behave differently (the present segments would have moved them, too), and who did not."""
    by_present = assign(present, behaviour, previous)
    compared = (previous >= 0) & (labels >= 0)
    ids_before = np.array([*present.ids, ""])[previous]
    ids_now = np.array([*clusters.ids, ""])[labels]
    moved = compared & (ids_before != ids_now)
    for_behaviour = moved & (by_present != previous)
    moved_model = int(np.count_nonzero(moved & ~for_behaviour))
    return replace(
        report,
        compared=int(np.count_nonzero(compared)),
        moved_behaviour=int(np.count_nonzero(for_behaviour)),
        moved_model=moved_model,
        held_back=bool(moved_model > held_back_share * np.count_nonzero(compared)),
    )


def _held_back_note(report: ClusterReport, share: float) -> str:
    if not report.held_back:
        return ""
    return (
        f"{report.moved_model} of {report.compared} customers would change segment only because the model changed; "
        f"more than {share:.0%} is too many: the model before goes on serving until this one is accepted."
    )
