"""Learning who the customers are, anew: everything from one table of what they did, continuing what was known before.

Pure: activity, shelf and what was known in; a model, records and a report out. `learning.py` reads and writes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.axes import topics_for
from smartshop.ai_agents.segmentation.candidate import Division, Parts, first_free, first_numbered, model_of
from smartshop.ai_agents.segmentation.churn import fit_churn
from smartshop.ai_agents.segmentation.clusters import NOWHERE, assign
from smartshop.ai_agents.segmentation.features import Features, features_of
from smartshop.ai_agents.segmentation.identity import ClusterRefit, refit_clusters
from smartshop.ai_agents.segmentation.model import SegmentationModel
from smartshop.ai_agents.segmentation.refit_report import flows_of, measures_of, sizes_of
from smartshop.ai_agents.segmentation.space import HABIT_COLUMNS
from smartshop.ai_agents.segmentation.standing import Judged, judge, standings, view_shelf
from smartshop.ai_agents.segmentation.topics import extend_topics
from smartshop.ai_agents.segmentation.value import ValueConfig, fit_value
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.pipelines.newest_signs import newest_signs
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.ids import CustomerId, Micros, ModelVersion
from smartshop.data_collection.schemas.segments import (
    Proposal,
    Refit,
    Segment,
    SegmentId,
    SegmentKind,
    SegmentMove,
    Standing,
)

Progress = Callable[[float, str], None]
"""Called with the share done (0 to 1) and what is being done."""


@dataclass(frozen=True, slots=True)
class Before:
    """What was known of a refit's customers, in the order of `activity.customer_ids`."""

    model: SegmentationModel | None
    segment: NDArray[np.int32]
    """(n,) place in the model's cluster ids; NOWHERE."""
    since: NDArray[np.int64]
    """(n,) in it since then, µs UTC; 0 where unknown."""
    segments: tuple[Segment, ...] = ()
    """Every segment that ever was: ids and names are not given to others."""


@dataclass(frozen=True, slots=True)
class Learned:
    """A refit: what was learned, and where everybody stands under what serves now."""

    candidate: SegmentationModel
    serving: SegmentationModel
    """The candidate; or, where it is held back, one that learned everything but the segments anew."""
    judged: Judged
    since: NDArray[np.int64]
    """(n,) in their segment since then."""
    refit: Refit
    before: Before
    by_present: NDArray[np.int32] | None
    """(n,) where the segments before would have put everybody today, as places in their ids; None: they cannot tell."""

    def moves(self, moved_at: Micros) -> Iterator[SegmentMove]:
        """Who left their behavioural segment, and for whose reasons; nothing at a first refit.

        Also those whose segment ended: they did nothing else, so that is the model's doing.
        """
        if self.before.model is None:
            return
        was, now = self.before.segment, self.judged.label
        left = np.array([*self.before.model.cluster_ids, ""])[was]
        entered = np.array([*self.serving.cluster_ids, ""])[now]
        for number in np.flatnonzero((left != entered) & (was >= 0)).tolist():
            behaves = self.by_present is not None and self.by_present[number] != was[number]
            yield SegmentMove(
                customer_id=self.judged.activity.customer_ids[number],
                kind=SegmentKind.BEHAVIOUR,
                from_segment=SegmentId(str(left[number])),
                to_segment=None if now[number] == NOWHERE else SegmentId(str(entered[number])),
                cause="behaviour" if behaves else "model",
                moved_at=moved_at,
            )

    def standings(self, *, log_no: int, now: Micros) -> Iterator[Standing]:
        return standings(self.judged, self.serving.cluster_ids, self.since, log_no=log_no, now=now)


@dataclass(frozen=True, slots=True)
class RefitSettings:
    """What of the shop a refit must know."""

    currency: str
    timezone: str
    version: ModelVersion
    now: Micros


def nothing_before(n: int) -> Before:
    return Before(None, np.full(n, NOWHERE, np.int32), np.zeros(n, np.int64))


def before_of(
    model: SegmentationModel | None,
    customer_ids: Sequence[CustomerId],
    known: Iterator[Sequence[Standing]],
    segments: Sequence[Segment],
) -> Before:
    """Line up what stands in the store with a refit's customers."""
    before = replace(nothing_before(len(customer_ids)), segments=tuple(segments))
    if model is None:
        return before
    place = {segment_id: number for number, segment_id in enumerate(model.cluster_ids)}
    number_of = {customer_id: number for number, customer_id in enumerate(customer_ids)}
    for batch in known:
        for standing in batch:
            number = number_of.get(standing.customer_id)
            if number is not None and standing.segment_id is not None:
                before.segment[number] = place.get(standing.segment_id, NOWHERE)
                before.since[number] = standing.in_segment_since or 0
    return replace(before, model=_numbering_on(model, segments))


def _numbering_on(model: SegmentationModel, ever: Sequence[Segment]) -> SegmentationModel:
    """A later model, damaged since, may have given numbers that this one would give again."""
    if model.clusters is None:
        return model
    next_number = max(model.clusters.next_number, first_free(ever))
    return replace(model, clusters=replace(model.clusters, next_number=next_number))


def refit(
    activity: CustomerActivity,
    shelf: Shelf,
    before: Before,
    settings: RefitSettings,
    *,
    rng: np.random.Generator,
    progress: Progress,
) -> Learned:
    """Learn everything anew from what customers did until `activity.as_of`; the same input and seed, the same bytes."""
    parts = _parts(activity, shelf, before, settings, rng, progress)
    progress(0.5, "how customers divide")
    present = None if before.model is None else before.model.clusters
    found = refit_clusters(
        parts.features,
        present,
        before.segment,
        rng=rng,
        columns=HABIT_COLUMNS,
        progress=lambda share, what: progress(0.5 + 0.3 * share, what),
    )
    progress(0.8, "naming segments")
    parts = replace(parts, accuracy=measures_of(parts.value, parts.churn, found))
    candidate = _candidate(parts, found, before, settings)
    serving = candidate
    if found.report.held_back:
        parts = _by_topics_of(before.model, parts)
        kept = Division(present, before.segment, before.segments)
        serving = model_of(parts, kept, currency=settings.currency, now=settings.now)
    progress(0.85, "where everybody stands")
    labels = _labels_under(serving, before)
    judged = judge(serving, newest_signs(activity), view_shelf(serving, shelf), labels, features=parts.features)
    since = _since(judged, serving, before, settings.now)
    told = _told(found, candidate, serving, judged, before, settings)
    return Learned(candidate, serving, judged, since, told, before, _by_present(before, parts.features))


def _parts(
    activity: CustomerActivity,
    shelf: Shelf,
    before: Before,
    settings: RefitSettings,
    rng: np.random.Generator,
    progress: Progress,
) -> Parts:
    progress(0.05, f"what {len(activity):,} customers look at")
    present = None if before.model is None else before.model.topics
    topics = topics_for(activity, shelf, present, settings.timezone, rng)
    features = features_of(newest_signs(activity), topics)
    progress(0.15, "what customers are worth")
    value = fit_value(activity, config=ValueConfig(), rng=rng)
    progress(0.35, "who stays away")
    churn = fit_churn(activity, rng=rng)
    return Parts(activity, shelf, topics, features, value, churn)


def _by_topics_of(present: SegmentationModel | None, parts: Parts) -> Parts:
    """By the axes that segments which go on were learned along, should the refit have found others."""
    if present is None or parts.topics.names == present.topics.names:
        return parts
    topics = extend_topics(present.topics, parts.shelf)
    return replace(parts, topics=topics, features=features_of(newest_signs(parts.activity), topics))


def _candidate(parts: Parts, found: ClusterRefit, before: Before, settings: RefitSettings) -> SegmentationModel:
    clusters = found.clusters
    if clusters is not None and not before_ids(before):
        clusters = first_numbered(clusters, before.segments)
    division = Division(clusters, found.labels, before.segments)
    return model_of(parts, division, currency=settings.currency, now=settings.now)


def _told(
    found: ClusterRefit,
    candidate: SegmentationModel,
    serving: SegmentationModel,
    judged: Judged,
    before: Before,
    settings: RefitSettings,
) -> Refit:
    report, activity = found.report, judged.activity
    return Refit(
        version=settings.version,
        as_of=activity.as_of,
        refitted_at=settings.now,
        log_no=activity.log_no,
        customers=len(activity),
        buyers=len(judged.purchases),
        sizes=sizes_of(judged.group, judged.label, serving.cluster_ids),
        compared=report.compared,
        moved_behaviour=report.moved_behaviour,
        moved_model=report.moved_model,
        held_back=report.held_back,
        proposed=_proposal(candidate, judged, found.labels, before) if report.held_back else None,
        note=found.note,
        flows=flows_of(before_ids(before), before.segment, judged.label, serving.cluster_ids),
        measures=serving.accuracy,
    )


def _proposal(candidate: SegmentationModel, judged: Judged, labels: NDArray[np.int32], before: Before) -> Proposal:
    ids = candidate.cluster_ids
    return Proposal(
        segments=candidate.behavioural,
        sizes=sizes_of(judged.group, labels, ids),
        flows=flows_of(before_ids(before), before.segment, labels, ids),
    )


def before_ids(before: Before) -> tuple[SegmentId, ...]:
    return () if before.model is None else before.model.cluster_ids


def rejudge(
    model: SegmentationModel, activity: CustomerActivity, shelf: Shelf, before: Before, told: Refit, now: Micros
) -> Learned:
    """Where everybody stands today under a model that was learned before. `told` stays of the moment when it was."""
    judged = judge(model, newest_signs(activity), view_shelf(model, shelf), _labels_under(model, before))
    if told.proposed is not None:
        proposed = told.proposed
        told = msgspec.structs.replace(told, sizes=proposed.sizes, flows=proposed.flows, proposed=None)
    since = _since(judged, model, before, now)
    return Learned(model, model, judged, since, told, before, _by_present(before, judged.features))


def _labels_under(model: SegmentationModel, before: Before) -> NDArray[np.int32]:
    """(n,) the segments before, as places in the model's own."""
    if before.model is None:
        return before.segment
    place = {segment_id: number for number, segment_id in enumerate(model.cluster_ids)}
    under = [place.get(segment_id, NOWHERE) for segment_id in before.model.cluster_ids]
    return np.array([*under, NOWHERE], np.int32)[before.segment]


def _by_present(before: Before, features: Features) -> NDArray[np.int32] | None:
    """(n,) where the segments before would put everybody today; None where there are none, or topics are others."""
    present = None if before.model is None else before.model.clusters
    if present is None or present.mixture.lift.shape[1] != features.taste.shape[1]:
        return None
    return assign(present, features, before.segment)


def _since(judged: Judged, model: SegmentationModel, before: Before, now: Micros) -> NDArray[np.int64]:
    stayed = (judged.label >= 0) & (judged.label == _labels_under(model, before)) & (before.since > 0)
    return np.where(stayed, before.since, int(now)).astype(np.int64)
