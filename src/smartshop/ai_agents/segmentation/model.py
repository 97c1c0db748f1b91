"""A fitted segmentation: everything that tells where a customer stands, written once and read by every process."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec
import numpy as np

from smartshop.ai_agents.segmentation.affinities import Shares
from smartshop.ai_agents.segmentation.churn import ChurnModel
from smartshop.ai_agents.segmentation.clusters import Clusters, load_clusters, save_clusters
from smartshop.ai_agents.segmentation.prior import SegmentPrior, from_arrays
from smartshop.ai_agents.segmentation.rfm import RfmEdges
from smartshop.ai_agents.segmentation.space import Space
from smartshop.ai_agents.segmentation.topics import Topics, load_topics
from smartshop.ai_agents.segmentation.usual import Usual
from smartshop.ai_agents.segmentation.value import ValueModel
from smartshop.data_collection.schemas.ids import Micros
from smartshop.data_collection.schemas.segments import AffinityKind, Segment, SegmentId
from smartshop.errors import ModelRefused

FORMAT_VERSION = 1
MODEL_NAME = "segmentation.json"
PRIOR = "prior"
_SPACE = ("middle", "spread", "background")


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is no array."""

    format_version: int = FORMAT_VERSION
    as_of: Micros
    currency: str
    rfm: RfmEdges
    value: ValueModel | None
    churn: ChurnModel | None
    shares: dict[AffinityKind, dict[str, float]]
    segments: tuple[Segment, ...]
    """Of both kinds, retired ones too: their names are never given to others."""
    has_clusters: bool
    usual: Usual | None = None
    """What is usual among customers who have a segment; a customer's own figures are told beside it."""
    accuracy: dict[str, float] = {}
    """Errors on the shop's own past, and what the division rests on."""


@dataclass(frozen=True, slots=True)
class SegmentationModel:
    facts: Facts
    topics: Topics
    space: Space
    """Also where the shop is too small for behavioural segments: likeness is measured in it."""
    clusters: Clusters | None
    prior: SegmentPrior | None
    """Of the behavioural segments; None without them."""

    @property
    def rfm(self) -> RfmEdges:
        return self.facts.rfm

    @property
    def value(self) -> ValueModel | None:
        return self.facts.value

    @property
    def churn(self) -> ChurnModel | None:
        return self.facts.churn

    @property
    def trusts_churn(self) -> bool:
        """The learned risk is shown where it did better than BG/NBD on the shop's own later past, or stands alone."""
        if self.churn is None:
            return False
        return self.value is None or (self.churn.check is not None and self.churn.check.is_better)

    @property
    def shares(self) -> Shares:
        return self.facts.shares

    @property
    def accuracy(self) -> dict[str, float]:
        return self.facts.accuracy

    @property
    def cluster_ids(self) -> tuple[SegmentId, ...]:
        return () if self.clusters is None else self.clusters.ids

    @property
    def behavioural(self) -> tuple[Segment, ...]:
        """(k,) the segments that the clusters stand for, in their order."""
        by_id = {segment.segment_id: segment for segment in self.facts.segments}
        return tuple(by_id[segment_id] for segment_id in self.cluster_ids)

    def save(self, folder: Path) -> None:
        """Write everything into a folder; the same model gives the same bytes."""
        self.topics.save(folder)
        for name in _SPACE:
            np.save(folder / f"space.{name}.npy", getattr(self.space, name), allow_pickle=False)
        if self.clusters is not None:
            save_clusters(self.clusters, folder)
        if self.prior is not None:
            for name, array in self.prior.to_arrays().items():
                np.save(folder / f"{PRIOR}.{name}.npy", array, allow_pickle=False)
        (folder / MODEL_NAME).write_bytes(msgspec.json.format(msgspec.json.encode(self.facts)))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model.

        Raises:
            ModelRefused: the folder holds no model, or one of another format.
        """
        try:
            facts = msgspec.json.decode((folder / MODEL_NAME).read_bytes(), type=Facts)
            space = Space(*(np.load(folder / f"space.{name}.npy", allow_pickle=False) for name in _SPACE))
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise ModelRefused(f"The segments in {folder.name} cannot be read ({error}); train again.") from None
        if facts.format_version != FORMAT_VERSION:
            raise ModelRefused(
                f"The segments in {folder.name} have format {facts.format_version}; this reads {FORMAT_VERSION}."
            )
        return cls(
            facts=facts,
            topics=load_topics(folder),
            space=space,
            clusters=load_clusters(folder) if facts.has_clusters else None,
            prior=_load_prior(folder) if facts.has_clusters else None,
        )


def _load_prior(folder: Path) -> SegmentPrior:
    files = sorted(folder.glob(f"{PRIOR}.*.npy"))
    try:
        return from_arrays({file.name.split(".")[1]: np.load(file, mmap_mode="r") for file in files})
    except (OSError, ValueError) as error:
        raise ModelRefused(f"The segments in {folder.name} cannot be read ({error}); train again.") from None
