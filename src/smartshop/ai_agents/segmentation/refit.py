"""Learning who the customers are, anew: everything from one table of what they did, continuing what was known before.

Pure: activity, shelf and what was known in; a model, records and a report out. `learning.py` reads and writes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.affinities import interest_in_products, shop_shares, subjects_of
from smartshop.ai_agents.segmentation.churn import ChurnModel, fit_churn
from smartshop.ai_agents.segmentation.clusters import NOWHERE, Clusters, assign
from smartshop.ai_agents.segmentation.features import Features, features_of
from smartshop.ai_agents.segmentation.identity import refit_clusters
from smartshop.ai_agents.segmentation.matching import numbered
from smartshop.ai_agents.segmentation.model import Facts, SegmentationModel
from smartshop.ai_agents.segmentation.naming import name_segments
from smartshop.ai_agents.segmentation.prior import fit_prior
from smartshop.ai_agents.segmentation.purchases import purchases_of
from smartshop.ai_agents.segmentation.refit_report import flows_of, measures_of, sizes_of
from smartshop.ai_agents.segmentation.rfm import RFM_GROUPS, fit_rfm
from smartshop.ai_agents.segmentation.space import HABIT_COLUMNS, fit_space
from smartshop.ai_agents.segmentation.standing import Judged, judge, standings, view_shelf
from smartshop.ai_agents.segmentation.topics import Topics, extend_topics, make_topics, topics_at
from smartshop.ai_agents.segmentation.usual import usual_of
from smartshop.ai_agents.segmentation.value import ValueConfig, ValueModel, fit_value
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
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

MOST_WITHOUT_TOPIC = 0.25
"""Share of the order lines whose product has no topic, from which on the topics are learned anew."""


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
    return replace(before, model=model)


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
    progress(0.05, f"what {len(activity):,} customers look at")
    topics = _topics(before.model, activity, shelf, settings.timezone, rng)
    features = features_of(activity, topics)
    progress(0.15, "what customers are worth")
    value = fit_value(activity, config=ValueConfig(), rng=rng)
    progress(0.35, "who stays away")
    churn = fit_churn(activity, rng=rng)
    progress(0.5, "how customers divide")
    present = None if before.model is None else before.model.clusters
    found = refit_clusters(
        features,
        present,
        before.segment,
        rng=rng,
        columns=HABIT_COLUMNS,
        progress=lambda share, what: progress(0.5 + 0.3 * share, what),
    )
    progress(0.8, "naming segments")
    measures = measures_of(value, churn, found)
    learned = _Parts(activity, shelf, topics, features, value, churn, measures)
    clusters = found.clusters
    if clusters is not None and present is None:
        clusters = numbered(clusters, _first_free_number(before.segments))
    candidate = _model(learned, clusters, found.labels, before.segments, settings)
    serving = candidate
    if found.report.held_back:
        serving = _model(learned, present, before.segment, before.segments, settings)
    progress(0.85, "where everybody stands")
    labels = _labels_under(serving, before)
    judged = judge(serving, activity, view_shelf(serving, shelf), labels, features=features)
    since = _since(judged, serving, before, settings.now)
    told = Refit(
        version=settings.version,
        as_of=activity.as_of,
        refitted_at=settings.now,
        log_no=activity.log_no,
        customers=len(activity),
        buyers=len(judged.purchases),
        sizes=sizes_of(judged.group, judged.label, serving.cluster_ids),
        compared=found.report.compared,
        moved_behaviour=found.report.moved_behaviour,
        moved_model=found.report.moved_model,
        held_back=found.report.held_back,
        proposed=_proposal(candidate, judged, found.labels, before) if found.report.held_back else None,
        note=found.note,
        flows=flows_of(before_ids(before), before.segment, judged.label, serving.cluster_ids),
        measures=measures,
    )
    return Learned(candidate, serving, judged, since, told, before, _by_present(before, features))


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
    judged = judge(model, activity, view_shelf(model, shelf), _labels_under(model, before))
    if told.proposed is not None:
        proposed = told.proposed
        told = msgspec.structs.replace(told, sizes=proposed.sizes, flows=proposed.flows, proposed=None)
    since = _since(judged, model, before, now)
    return Learned(model, model, judged, since, told, before, _by_present(before, judged.features))


@dataclass(frozen=True, slots=True)
class _Parts:
    activity: CustomerActivity
    shelf: Shelf
    topics: Topics
    features: Features
    value: ValueModel | None
    churn: ChurnModel | None
    accuracy: dict[str, float]


def _topics(
    present: SegmentationModel | None,
    activity: CustomerActivity,
    shelf: Shelf,
    timezone: str,
    rng: np.random.Generator,
) -> Topics:
    """The axes of taste go on as they are, until too much of what is bought lies on none of them."""
    if present is not None:
        topics = extend_topics(present.topics, shelf)
        known = activity.line_product[activity.line_product >= 0]
        if not len(known) or float(np.mean(topics_at(known, topics) < 0)) <= MOST_WITHOUT_TOPIC:
            return topics
    return make_topics(activity, shelf, rng, timezone=timezone)


def _model(
    learned: _Parts,
    clusters: Clusters | None,
    labels: NDArray[np.int32],
    ever: Sequence[Segment],
    settings: RefitSettings,
) -> SegmentationModel:
    activity, topics = learned.activity, learned.topics
    interest = interest_in_products(activity, learned.shelf.n_products)
    subjects = subjects_of(learned.shelf, topics.topic_of_product, topics.names)
    k = 0 if clusters is None else len(clusters)
    prior = None
    if clusters is not None:
        prior = fit_prior(activity, labels, k, topics, as_of=activity.as_of)
    facts = Facts(
        as_of=activity.as_of,
        currency=settings.currency,
        rfm=fit_rfm(purchases_of(activity), activity.as_of),
        value=learned.value,
        churn=learned.churn,
        shares={each.kind: shop_shares(interest, each) for each in subjects},
        segments=_segments(learned, clusters, labels, ever, settings),
        has_clusters=clusters is not None,
        usual=usual_of(learned.features, labels >= 0) if clusters is not None else None,
        accuracy=learned.accuracy,
    )
    space = clusters.space if clusters is not None else fit_space(learned.features, columns=HABIT_COLUMNS)
    return SegmentationModel(facts=facts, topics=topics, space=space, clusters=clusters, prior=prior)


def _segments(
    learned: _Parts,
    clusters: Clusters | None,
    labels: NDArray[np.int32],
    ever: Sequence[Segment],
    settings: RefitSettings,
) -> tuple[Segment, ...]:
    """Every segment there is or was: names are kept, sentences told anew, those that ended are retired."""
    known = {one.segment_id: one for one in ever}
    now, ids = settings.now, () if clusters is None else clusters.ids
    kept = {place: known[segment_id].name for place, segment_id in enumerate(ids) if segment_id in known}
    past = [one.name for one in ever if one.kind is SegmentKind.BEHAVIOUR and one.segment_id not in ids]
    words = name_segments(
        learned.features, labels, learned.topics, settings.currency, k=len(ids), kept_names=kept, past_names=past
    )
    groups = [
        Segment(
            segment_id=group.segment_id,
            kind=SegmentKind.RFM,
            name=group.name,
            sentence=group.sentence,
            since=known[group.segment_id].since if group.segment_id in known else now,
        )
        for group in RFM_GROUPS
    ]
    living = [
        Segment(
            segment_id=segment_id,
            kind=SegmentKind.BEHAVIOUR,
            name=words[place].name,
            sentence=words[place].sentence,
            since=known[segment_id].since if segment_id in known else now,
        )
        for place, segment_id in enumerate(ids)
    ]
    ended = [
        one if one.retired_at is not None else msgspec.structs.replace(one, retired_at=now)
        for one in known.values()
        if one.kind is SegmentKind.BEHAVIOUR and one.segment_id not in ids
    ]
    return (*groups, *living, *ended)


def _first_free_number(ever: Sequence[Segment]) -> int:
    """Of `b1`, `b2`, …: no number is given twice, also after a time without behavioural segments."""
    return 1 + max((int(one.segment_id[1:]) for one in ever if one.kind is SegmentKind.BEHAVIOUR), default=0)


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
