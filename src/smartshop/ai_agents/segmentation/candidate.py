"""What a refit learned, put together to a model: with the segments it found, or with those that go on serving."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.affinities import interest_in_products, shop_shares, subjects_of
from smartshop.ai_agents.segmentation.churn import ChurnModel
from smartshop.ai_agents.segmentation.clusters import Clusters
from smartshop.ai_agents.segmentation.features import Features
from smartshop.ai_agents.segmentation.matching import numbered
from smartshop.ai_agents.segmentation.model import Facts, SegmentationModel
from smartshop.ai_agents.segmentation.naming import name_segments
from smartshop.ai_agents.segmentation.prior import fit_prior
from smartshop.ai_agents.segmentation.purchases import purchases_of
from smartshop.ai_agents.segmentation.rfm import RFM_GROUPS, fit_rfm
from smartshop.ai_agents.segmentation.space import HABIT_COLUMNS, fit_space
from smartshop.ai_agents.segmentation.topics import Topics
from smartshop.ai_agents.segmentation.usual import usual_of
from smartshop.ai_agents.segmentation.value import ValueModel
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.segments import Segment, SegmentId, SegmentKind


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything learned but the segments; what they come to is told beside it."""

    activity: CustomerActivity
    shelf: Shelf
    topics: Topics
    features: Features
    """By these topics."""
    value: ValueModel | None
    churn: ChurnModel | None
    accuracy: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Division:
    """Segments and who is in them: k clusters, n customers."""

    clusters: Clusters | None
    labels: NDArray[np.int32]
    """(n,) place in the clusters' ids; NOWHERE."""
    ever: tuple[Segment, ...]
    """Every segment that ever was, before this refit."""

    @property
    def ids(self) -> tuple[SegmentId, ...]:
        return () if self.clusters is None else self.clusters.ids


def first_numbered(clusters: Clusters, ever: Sequence[Segment]) -> Clusters:
    """Segments of a shop that has none now, `b1`, `b2`, …: no number is given twice, also after a time without any."""
    return numbered(clusters, first_free(ever))


def first_free(ever: Sequence[Segment]) -> int:
    """The number behind all that were ever given."""
    given = (int(one.segment_id[1:]) for one in ever if one.kind is SegmentKind.BEHAVIOUR)
    return 1 + max(given, default=0)


def model_of(parts: Parts, division: Division, *, currency: str, now: Micros) -> SegmentationModel:
    activity, topics, clusters = parts.activity, parts.topics, division.clusters
    interest = interest_in_products(activity, parts.shelf.n_products)
    subjects = subjects_of(parts.shelf, topics.topic_of_product, topics.names)
    prior = None
    if clusters is not None:
        prior = fit_prior(activity, division.labels, len(clusters), topics, as_of=activity.as_of)
    facts = Facts(
        as_of=activity.as_of,
        currency=currency,
        rfm=fit_rfm(purchases_of(activity), activity.as_of),
        value=parts.value,
        churn=parts.churn,
        shares={each.kind: shop_shares(interest, each) for each in subjects},
        segments=_segments(parts, division, currency, now),
        has_clusters=clusters is not None,
        usual=usual_of(parts.features, division.labels >= 0) if clusters is not None else None,
        accuracy=parts.accuracy,
    )
    space = clusters.space if clusters is not None else fit_space(parts.features, columns=HABIT_COLUMNS)
    return SegmentationModel(facts=facts, topics=topics, space=space, clusters=clusters, prior=prior)


def _segments(parts: Parts, division: Division, currency: str, now: Micros) -> tuple[Segment, ...]:
    """Every segment there is or was: names are kept, sentences told anew, those that ended are retired."""
    ids, known = division.ids, {one.segment_id: one for one in division.ever}
    groups = [
        _living(known, group.segment_id, SegmentKind.RFM, (group.name, group.sentence), now) for group in RFM_GROUPS
    ]
    ended = [
        one if one.retired_at is not None else msgspec.structs.replace(one, retired_at=now)
        for one in known.values()
        if one.kind is SegmentKind.BEHAVIOUR and one.segment_id not in ids
    ]
    words = name_segments(
        parts.features,
        division.labels,
        parts.topics,
        currency,
        k=len(ids),
        kept_names={place: known[segment_id].name for place, segment_id in enumerate(ids) if segment_id in known},
        past_names=[one.name for one in ended],
    )
    living = [
        _living(known, segment_id, SegmentKind.BEHAVIOUR, (told.name, told.sentence), now)
        for segment_id, told in zip(ids, words, strict=True)
    ]
    return (*groups, *living, *ended)


def _living(
    known: dict[SegmentId, Segment], segment_id: SegmentId, kind: SegmentKind, words: tuple[str, str], now: Micros
) -> Segment:
    """A segment with its name and sentence."""
    name, sentence = words
    since = known[segment_id].since if segment_id in known else now
    return Segment(segment_id=segment_id, kind=kind, name=name, sentence=sentence, since=since)
