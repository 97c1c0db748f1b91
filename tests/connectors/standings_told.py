"""Segments, standings and refits to tell the stores; every field that a test does not name has one usual value."""

from typing import Any

from smartshop.data_collection.schemas.ids import CustomerId, ModelVersion
from smartshop.data_collection.schemas.segments import Refit, Segment, SegmentId, SegmentKind, Standing
from tests.connectors.told import NOON

CHAMPIONS, DORMANT = SegmentId("rfm-champions"), SegmentId("rfm-dormant")
CLIMBERS, GARDENERS = SegmentId("b1"), SegmentId("b2")


def segment(segment_id: SegmentId, name: str = "Some", **told: Any) -> Segment:  # noqa: ANN401  any field
    kind = SegmentKind.RFM if segment_id.startswith("rfm") else SegmentKind.BEHAVIOUR
    return Segment(segment_id=segment_id, kind=kind, name=name, sentence=f"{name} customers.", since=NOON, **told)


SEGMENTS = [segment(each) for each in (CHAMPIONS, DORMANT, CLIMBERS, GARDENERS)]


def standing(customer_id: str, **told: Any) -> Standing:  # noqa: ANN401  any field of the record
    fields: dict[str, Any] = {
        "customer_id": CustomerId(customer_id),
        "rfm_group": CHAMPIONS,
        "segment_id": CLIMBERS,
        "last_seen_at": NOON,
        "changed_at": NOON,
        "log_no": 10,
        **told,
    }
    return Standing(**fields)


def refit(version: str = "v1", **told: Any) -> Refit:  # noqa: ANN401  any field of the record
    fields: dict[str, Any] = {
        "version": ModelVersion(version),
        "as_of": NOON,
        "refitted_at": NOON,
        "customers": 0,
        "buyers": 0,
        "sizes": {},
        **told,
    }
    return Refit(**fields)
