"""What one segment wants now, as a list of its own."""

from typing import ClassVar

import numpy as np

from smartshop.ai_agents.advice import Advice, Candidates, Question
from smartshop.ai_agents.ladder import RECOMMENDATION, filled_up
from smartshop.ai_agents.segmentation.model import SegmentationModel
from smartshop.ai_agents.segmentation.prior import trending_in
from smartshop.data_collection.schemas.segments import Segment, SegmentId, SegmentKind
from smartshop.data_collection.schemas.slates import Reason
from smartshop.errors import InvalidValue, NotFound

ORIGIN = "wanted_in_segment"
LEAST_SHARE = 1e-9
"""Of a product that only fills the list up."""


class SegmentTrending:
    """A source for plain lists, inside the mask; filled up from the catalogue where the segment's demand is short."""

    name: ClassVar[str] = RECOMMENDATION

    def __init__(self, model: SegmentationModel, segment_id: SegmentId) -> None:
        """Raises:
        NotFound: no such segment, or none that lives.
        InvalidValue: an RFM group, of which no demand is kept.
        """
        self._segment = _living(model, segment_id)
        assert model.prior is not None
        self._prior, self._place = model.prior, model.cluster_ids.index(segment_id)

    def candidates(self, question: Question, n: int) -> Candidates:
        found, share = trending_in(self._prior, self._place, question.eligible, n)
        wanted = Candidates(
            product_no=found,
            relevance=share,
            origin=np.zeros(len(found), np.int8),
            because=np.full(len(found), -1, np.int32),
            origins=(ORIGIN,),
        )
        return filled_up(wanted, question, n)

    def advise(self, question: Question, candidates: Candidates) -> Advice:
        """Log of the shares of the segment's demand, around their mean: the order of the list."""
        found, share = trending_in(self._prior, self._place, question.eligible, question.shelf.n_products)
        of_product = np.full(question.shelf.n_products, LEAST_SHARE)
        of_product[found] = np.maximum(share, LEAST_SHARE)
        log_share = np.log(of_product[candidates.product_no])
        centred = log_share - log_share.mean() if len(log_share) else log_share

        def reason(index: int) -> Reason | None:
            if candidates.origins[candidates.origin[index]] != ORIGIN:
                return None
            wanted = float(of_product[candidates.product_no[index]])
            return Reason(
                code=ORIGIN,
                text=f"Wanted now by customers in “{self._segment.name}”",
                evidence={"segment_id": self._segment.segment_id, "share_of_demand": round(wanted, 5)},
            )

        return Advice(log_odds=centred.astype(np.float32), reason=reason)


def _living(model: SegmentationModel, segment_id: SegmentId) -> Segment:
    found = next((one for one in model.facts.segments if one.segment_id == segment_id), None)
    if found is None or found.retired_at is not None:
        known = ", ".join(model.cluster_ids) or "none yet"
        raise NotFound(
            f"There is no segment {segment_id!r} that anybody can be in now; behavioural segments are {known}."
        )
    if found.kind is not SegmentKind.BEHAVIOUR:
        raise InvalidValue(f"What {found.name!r} wants is not kept: it is an RFM group; ask for a behavioural segment.")
    return found
