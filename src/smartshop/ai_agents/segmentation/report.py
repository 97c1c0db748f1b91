"""Segments as people read them in a terminal: who there is, what the last refit changed, how far it can be trusted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from rich.box import SIMPLE_HEAD
from rich.table import Table

from smartshop.data_collection.pipelines.clock import format_rfc3339
from smartshop.data_collection.schemas.segments import Refit, Segment, SegmentId, SegmentKind

PROPOSED = "Held back: what the newest refit would make of them"
PROPOSED_NONE = "Held back: the newest refit would leave no behavioural segments, only the RFM groups"


@dataclass(frozen=True, slots=True)
class SegmentsNow:
    """What the store says at this moment."""

    segments: Sequence[Segment]
    sizes: Mapping[SegmentId, int]
    refits: Sequence[Refit]
    """Newest first."""

    def living(self, kind: SegmentKind) -> list[tuple[Segment, int]]:
        """Segments of one kind with their customers now; behavioural ones by size, RFM groups in their own order."""
        found = [
            (segment, self.sizes.get(segment.segment_id, 0))
            for segment in self.segments
            if segment.kind is kind and segment.retired_at is None
        ]
        return found if kind is SegmentKind.RFM else sorted(found, key=lambda row: (-row[1], row[0].segment_id))


def as_tables(now: SegmentsNow) -> Iterator[Table]:
    """Behavioural segments, then RFM groups, then what waits to be accepted."""
    everybody = sum(customers for _, customers in now.living(SegmentKind.RFM))
    for kind, title in (
        (SegmentKind.BEHAVIOUR, "What customers do"),
        (SegmentKind.RFM, "How recently, often and much"),
    ):
        if rows := now.living(kind):
            yield _table(title, rows, everybody)
    newest = now.refits[0] if now.refits else None
    if newest is not None and newest.proposed is not None and newest.accepted_at is None:
        rows = [(one, newest.proposed.sizes.get(one.segment_id, 0)) for one in newest.proposed.segments]
        yield _table(PROPOSED if rows else PROPOSED_NONE, rows, everybody)


def as_facts(now: SegmentsNow) -> dict[str, object]:
    """The same for a script."""
    newest = now.refits[0] if now.refits else None
    return {
        "segments": [
            {
                "segment_id": segment.segment_id,
                "kind": segment.kind.value,
                "name": segment.name,
                "sentence": segment.sentence,
                "customers": customers,
                "since": format_rfc3339(segment.since),
            }
            for kind in SegmentKind
            for segment, customers in now.living(kind)
        ],
        "refit": None if newest is None else _refit_facts(newest),
    }


def sentences(now: SegmentsNow) -> Iterator[str]:
    """What a person should know beside the tables."""
    if not now.refits:
        yield "No refit yet: run `smartshop train segmentation`, or let a running shop do it."
        return
    newest = now.refits[0]
    day = format_rfc3339(newest.as_of)[:10]
    yield f"As of {day}: {newest.customers:,} customers, {newest.buyers:,} of them bought."
    if newest.note:
        yield newest.note
    if newest.compared:
        moved = newest.moved_behaviour + newest.moved_model
        yield (
            f"At the last refit {moved:,} of {newest.compared:,} changed segment: "
            f"{newest.moved_behaviour:,} because they behave differently, {newest.moved_model:,} because the model did."
        )
    if newest.held_back and newest.accepted_at is None:
        yield (
            "That refit is held back and the segments before it still serve. Look at it, then accept it with "
            f"`smartshop segments --accept {newest.version}`, or leave it."
        )
    yield from _accuracy(newest.measures)


def _accuracy(measures: Mapping[str, float]) -> Iterator[str]:
    if "value_mae" in measures:
        naive = f", simply going on as before {measures['naive_mae']:.3f}" if "naive_mae" in measures else ""
        yield (
            f"Expected orders were off by {measures['value_mae']:.3f} per customer over the last "
            f"{measures.get('holdout_weeks', 0):.0f} weeks, held out (mean absolute error{naive}; correlation "
            f"{measures.get('value_correlation', 0.0):.2f}). In all {measures.get('value_told', 0):,.0f} were told and "
            f"{measures.get('value_happened', 0):,.0f} came."
        )
    if "churn_auc" in measures:
        yield (
            f"Over {measures.get('churn_horizon_days', 0):.0f} later days of the shop's past, churn risk ranked those "
            f"who did not order with AUC {measures['churn_auc']:.3f}, those who were not seen at all with "
            f"{measures.get('churn_auc_no_sign', 0):.3f} (0.5 is chance)."
        )


def _table(title: str, rows: Sequence[tuple[Segment, int]], everybody: int) -> Table:
    """Shares are of everybody, also of those who are in none."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, collapse_padding=True)
    table.add_column("segment", no_wrap=True)
    table.add_column("name")
    table.add_column("customers", justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("in words")
    for segment, customers in rows:
        table.add_row(segment.segment_id, segment.name, *_counted(customers, everybody), segment.sentence)
    left = everybody - sum(customers for _, customers in rows)
    if left > 0:
        table.add_row(
            "", "in none", *_counted(left, everybody), "Too little is known of them, or nothing speaks clearly."
        )
    return table


def _counted(customers: int, everybody: int) -> tuple[str, str]:
    return f"{customers:,}", f"{customers / max(everybody, 1):.1%}"


def _refit_facts(refit: Refit) -> dict[str, object]:
    return {
        "version": refit.version,
        "as_of": format_rfc3339(refit.as_of),
        "customers": refit.customers,
        "buyers": refit.buyers,
        "compared": refit.compared,
        "moved_behaviour": refit.moved_behaviour,
        "moved_model": refit.moved_model,
        "held_back": refit.held_back and refit.accepted_at is None,
        "note": refit.note,
        "proposed": None if refit.proposed is None else msgspec.to_builtins(refit.proposed),
        "measures": refit.measures,
    }
