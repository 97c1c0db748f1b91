"""Behavioural segments as they serve: who belongs where, how surely, and who is too little known.

One rule for the refit and for a customer a second after an order: a customer goes where they most likely belong, but
stays where they are until another segment is clearly likelier.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.mixture import Mixture, membership_of, scores
from smartshop.ai_agents.segmentation.space import Behaviour, Space, is_used, points, signs
from smartshop.data_collection.schemas.segments import SegmentId
from smartshop.errors import ModelRefused

NOWHERE = -1
"""Label of a customer known too little."""
CHUNK = 50_000
"""Customers assigned at a time, which bounds memory."""
CLUSTERS_NAME = "clusters.json"
_ARRAYS = ("middle", "spread", "background", "lift", "centroids", "log_share")


class AssignConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How a customer gets a segment."""

    min_evidence: float = 3.0
    """Signs and order lines below which nobody gets one."""
    sure: float = 0.6
    """Least membership to enter a segment; 0 to 1. What is left over is too little known."""
    stay: float = 0.35
    """Membership below which a customer leaves even though no other segment is sure."""
    margin: float = 0.9
    """How much likelier (log-odds) another segment must be before a customer moves to it; ≥ 0."""


@dataclass(frozen=True, slots=True)
class Clusters:
    """k behavioural segments."""

    space: Space
    mixture: Mixture
    ids: tuple[SegmentId, ...]
    """(k,)"""
    sizes: tuple[int, ...]
    """(k,) customers at the fit."""
    config: AssignConfig
    next_number: int
    """Of the next id: `b7` when 7. Numbers are never given twice."""

    def __len__(self) -> int:
        return len(self.mixture)


def log_odds(clusters: Clusters, behaviour: Behaviour) -> NDArray[np.float64]:
    """(n, k) scores; differences between segments are log-odds."""
    n = len(behaviour.x)
    if n <= CHUNK:
        return scores(clusters.mixture, points(clusters.space, behaviour.x), signs(behaviour.taste))
    found = np.empty((n, len(clusters)))
    for first in range(0, n, CHUNK):
        some = slice(first, first + CHUNK)
        found[some] = scores(clusters.mixture, points(clusters.space, behaviour.x[some]), signs(behaviour.taste[some]))
    return found


def membership(clusters: Clusters, behaviour: Behaviour) -> NDArray[np.float32]:
    """(n, k) float32: chance of each segment; rows sum to 1."""
    return membership_of(log_odds(clusters, behaviour)).astype(np.float32)


def assign(clusters: Clusters, behaviour: Behaviour, previous: NDArray[np.int32] | None = None) -> NDArray[np.int32]:
    """(n,) segment of each customer as an index into `ids`, -1 for those too little known.

    `previous` (n,) are the labels they have now (-1: none).
    """
    return assign_by(clusters.config, log_odds(clusters, behaviour), behaviour.evidence, previous)


def assign_by(
    config: AssignConfig,
    found: NDArray[np.float64],
    evidence: NDArray[np.float32],
    previous: NDArray[np.int32] | None = None,
) -> NDArray[np.int32]:
    """`assign` from log-odds (n, k) that are computed already."""
    rows = np.arange(len(found))
    shares = membership_of(found)
    best = found.argmax(axis=1).astype(np.int32)
    is_sure = shares[rows, best] >= config.sure
    labels = np.where(is_sure, best, NOWHERE).astype(np.int32)
    if previous is not None:
        had = np.maximum(previous, 0)
        is_clear = found[rows, best] - found[rows, had] > config.margin
        stays = (previous >= 0) & ~(is_clear & is_sure) & (shares[rows, had] >= config.stay)
        labels = np.where(stays, previous, labels).astype(np.int32)
    labels[evidence < config.min_evidence] = NOWHERE
    return labels


def session_membership(clusters: Clusters, taste_row: NDArray[np.float32]) -> NDArray[np.float32]:
    """(k,) chance of each segment for a shopper of whom a handful of signs by topic (t,) is known; sums to 1."""
    found = clusters.mixture.lift @ np.sqrt(np.maximum(taste_row, 0.0)) + _log_sizes(clusters)
    shares = np.exp(found - found.max())
    return np.asarray(shares / shares.sum(), np.float32)


def leanings(
    clusters: Clusters, behaviour: Behaviour, segment: int, other: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What speaks for `segment` rather than `other`, in log-odds: (n, d) by feature and (n, t) by topic."""
    mixture = clusters.mixture
    z = points(clusters.space, behaviour.x).astype(np.float64)
    one, two = (mixture.centroids[place].astype(np.float64) for place in (segment, other))
    by_feature = mixture.habit_weight / 2 * ((z - two) ** 2 - (z - one) ** 2)
    lifts = mixture.taste_weight * (mixture.lift[segment] - mixture.lift[other])
    return by_feature * is_used(clusters.space), np.asarray(signs(behaviour.taste).toarray() * lifts, np.float64)


def _log_sizes(clusters: Clusters) -> NDArray[np.float64]:
    sizes = np.array(clusters.sizes, np.float64) + 1.0
    return np.asarray(np.log(sizes / sizes.sum()), np.float64)


class _Manifest(msgspec.Struct, frozen=True, kw_only=True):
    ids: tuple[SegmentId, ...]
    sizes: tuple[int, ...]
    config: AssignConfig
    next_number: int
    taste_weight: float
    habit_weight: float


def save_clusters(clusters: Clusters, folder: Path) -> None:
    """Write arrays and a manifest into `folder`."""
    space, mixture = clusters.space, clusters.mixture
    parts: tuple[NDArray[np.floating], ...] = (
        space.middle,
        space.spread,
        space.background,
        mixture.lift,
        mixture.centroids,
        mixture.log_share,
    )
    for name, part in zip(_ARRAYS, parts, strict=True):
        np.save(folder / f"clusters.{name}.npy", part, allow_pickle=False)
    manifest = _Manifest(
        ids=clusters.ids,
        sizes=clusters.sizes,
        config=clusters.config,
        next_number=clusters.next_number,
        taste_weight=clusters.mixture.taste_weight,
        habit_weight=clusters.mixture.habit_weight,
    )
    (folder / CLUSTERS_NAME).write_bytes(msgspec.json.encode(manifest))


def load_clusters(folder: Path) -> Clusters:
    """Read what `save_clusters` wrote.

    Raises:
        ModelRefused: a part is missing, cut, or does not fit the others.
    """
    try:
        manifest = msgspec.json.decode((folder / CLUSTERS_NAME).read_bytes(), type=_Manifest)
        middle, spread, background, lift, centroids, log_share = (
            np.load(folder / f"clusters.{name}.npy", allow_pickle=False) for name in _ARRAYS
        )
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise ModelRefused(f"The segments in {folder.name} cannot be read ({error}); train again.") from None
    k, d, t = len(manifest.ids), len(middle), len(background)
    shapes = (spread.shape, lift.shape, centroids.shape, log_share.shape, (len(manifest.sizes),))
    if shapes != ((d,), (k, t), (k, d), (k,), (k,)):
        raise ModelRefused(f"The segments in {folder.name} do not fit each other; train again.")
    return Clusters(
        space=Space(middle, spread, background),
        mixture=Mixture(lift, centroids, log_share, manifest.taste_weight, manifest.habit_weight),
        ids=manifest.ids,
        sizes=manifest.sizes,
        config=manifest.config,
        next_number=manifest.next_number,
    )
