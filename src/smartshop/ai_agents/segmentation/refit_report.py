"""What a refit tells of itself: sizes, flows between segments, and the figures beside the numbers."""

import numpy as np
from numpy.typing import NDArray

from smartshop.ai_agents.segmentation.churn import ChurnModel
from smartshop.ai_agents.segmentation.identity import ClusterRefit
from smartshop.ai_agents.segmentation.rfm import RFM_GROUPS
from smartshop.ai_agents.segmentation.value import ValueModel
from smartshop.data_collection.schemas.segments import SegmentFlow, SegmentId


def sizes_of(group: NDArray[np.int64], label: NDArray[np.int32], ids: tuple[SegmentId, ...]) -> dict[SegmentId, int]:
    """Customers per segment of both kinds. `group` (n,) places in RFM_GROUPS, `label` (n,) in `ids`, -1 for none."""
    groups = np.bincount(group, minlength=len(RFM_GROUPS)).tolist()
    segments = np.bincount(label[label >= 0], minlength=len(ids)).tolist()
    of_groups = {one.segment_id: count for one, count in zip(RFM_GROUPS, groups, strict=True)}
    return of_groups | dict(zip(ids, segments, strict=True))


def flows_of(
    ids_before: tuple[SegmentId, ...], before: NDArray[np.int32], label: NDArray[np.int32], ids: tuple[SegmentId, ...]
) -> tuple[SegmentFlow, ...]:
    """From which behavioural segment to which, of those (n,) who were in one before."""
    names_before: list[SegmentId | None] = [*ids_before, None]
    names_now: list[SegmentId | None] = [*ids, None]
    pairs, counts = np.unique(np.column_stack([before, label]), axis=0, return_counts=True)
    return tuple(
        SegmentFlow(names_before[was], names_now[now], int(count))
        for (was, now), count in zip(pairs.tolist(), counts.tolist(), strict=True)
        if was >= 0
    )


def measures_of(value: ValueModel | None, churn: ChurnModel | None, found: ClusterRefit) -> dict[str, float]:
    """Figures beside the numbers: errors on the shop's own past, and what the division rests on."""
    measures: dict[str, float | None] = {}
    if value is not None and value.holdout is not None:
        error = value.holdout
        measures |= {
            "value_mae": error.mae,
            "value_rmse": error.rmse,
            "value_correlation": error.correlation,
            "naive_mae": error.naive_mae,
            "naive_rmse": error.naive_rmse,
            "value_told": error.told,
            "value_happened": error.actual,
            "holdout_weeks": error.weeks,
        }
    if churn is not None and churn.check is not None:
        check = churn.check
        measures |= {
            "churn_auc": check.no_order.value if check.no_order else None,
            "churn_auc_of_buyers": check.no_order_of_buyers.value if check.no_order_of_buyers else None,
            "churn_auc_no_sign": check.no_sign.value if check.no_sign else None,
            "churn_horizon_days": float(check.horizon_days),
            "churn_is_learned": float(value is None or check.is_better),
        }
    report = found.report
    if found.clusters is not None:
        measures |= {
            "segments": float(report.k),
            "stability": report.stability,
            "separation": report.separation,
            "inertia_ratio": report.kept_inertia / report.fresh_inertia if report.fresh_inertia else None,
        }
    return {name: float(number) for name, number in measures.items() if number is not None and np.isfinite(number)}
