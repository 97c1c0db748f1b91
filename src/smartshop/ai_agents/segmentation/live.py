"""One customer looked at again: read what they did, judge, write where they stand now, and say what changed."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
import numpy as np

from smartshop.ai_agents.segmentation.clusters import NOWHERE
from smartshop.ai_agents.segmentation.model import SegmentationModel
from smartshop.ai_agents.segmentation.standing import Judged, ShelfView, judge, standings, view_shelf
from smartshop.data_collection.connectors.ports import Customers, EventLog, Standings
from smartshop.data_collection.pipelines.customer_activity import CustomerActivity
from smartshop.data_collection.pipelines.reading_customers import one_customer_activity
from smartshop.data_collection.pipelines.shelf import Shelf
from smartshop.data_collection.schemas.customers import Shopper
from smartshop.data_collection.schemas.ids import CustomerId, Micros
from smartshop.data_collection.schemas.segments import SegmentKind, SegmentMove, Standing

CAUSE = "behaviour"


@dataclass(frozen=True, slots=True)
class Look:
    """What is read anew for each customer, and how."""

    log: EventLog
    customers: Customers
    standings: Standings
    shelf: Callable[[], Shelf]
    currency: str
    now: Callable[[], Micros]
    """The shop's present: what ages count from."""


class ShelfViews:
    """The newest shelf as the newest model sees it, made once for each pair."""

    def __init__(self) -> None:
        self._key: tuple[int, int] | None = None
        self._view: ShelfView | None = None

    def of(self, model: SegmentationModel, shelf: Shelf) -> ShelfView:
        key = (id(model), shelf.version)
        if self._view is None or key != self._key:
            self._key, self._view = key, view_shelf(model, shelf)
        return self._view


def look_at(
    look: Look, views: ShelfViews, model: SegmentationModel | None, customer_id: CustomerId, since: Micros
) -> list[SegmentMove]:
    """Bring one customer's standing up to date; the moves made now, or already made by the same events.

    `since` is when the events that led here were received. A move carries that time and is stored with the standing,
    so whoever handles the same events again, after a crash too, tells the very same move.
    """
    shopper = look.customers.shopper(customer_id, None, True)
    if shopper.erased or not shopper.consent.personalisation:
        look.standings.drop(list(shopper.customer_ids), "erased" if shopper.erased else "consent", since)
        return []
    merged = list(shopper.customer_ids[1:])
    if merged:
        look.standings.drop(merged, "merged", since)
    if model is None or not shopper.customer_ids:
        return []
    return _stand(look, views, model, shopper, since)


def _stand(
    look: Look, views: ShelfViews, model: SegmentationModel, shopper: Shopper, since: Micros
) -> list[SegmentMove]:
    customer_id, log_no = shopper.customer_ids[0], look.log.size().last_no
    # What just arrived may be newer than the present of a shop whose history is old.
    activity, shelf = read_one(look, shopper, Micros(max(look.now(), since))), look.shelf()
    if not len(activity):
        return []
    before = look.standings.get([customer_id]).get(customer_id)
    after = stand(model, views.of(model, shelf), activity, before, since=since, log_no=log_no)
    moves = moves_between(before, after, since)
    if before is None or _is_news(before, after):
        look.standings.put([after], moves)
    if moves:
        return moves
    return [move for move in look.standings.moves(customer_id, 4) if move.moved_at == since and move.cause == CAUSE]


def read_one(look: Look, shopper: Shopper, as_of: Micros) -> CustomerActivity:
    return one_customer_activity(look.log, shopper, look.shelf(), currency=look.currency, as_of=as_of)


def stand(
    model: SegmentationModel,
    view: ShelfView,
    activity: CustomerActivity,
    before: Standing | None,
    *,
    since: Micros,
    log_no: int,
) -> Standing:
    """Where the one customer of an activity stands; `before` is kept in doubt, and the time since when with it."""
    judged = judge_one(model, view, activity, before)
    label = int(judged.label[0])
    stays = before is not None and label != NOWHERE and before.segment_id == model.cluster_ids[label]
    entered = before.in_segment_since if stays and before is not None and before.in_segment_since else since
    (found,) = standings(judged, model.cluster_ids, np.array([entered], np.int64), log_no=log_no, now=since)
    return found


def judge_one(model: SegmentationModel, view: ShelfView, activity: CustomerActivity, before: Standing | None) -> Judged:
    was = model.cluster_ids.index(before.segment_id) if before and before.segment_id in model.cluster_ids else NOWHERE
    return judge(model, activity, view, np.array([was], np.int32))


def moves_between(before: Standing | None, after: Standing, moved_at: Micros) -> list[SegmentMove]:
    """What changed, per kind of segment. The first RFM group of somebody new is a move as well: they entered it."""
    pairs = (
        (SegmentKind.RFM, before.rfm_group if before else None, after.rfm_group),
        (SegmentKind.BEHAVIOUR, before.segment_id if before else None, after.segment_id),
    )
    return [
        SegmentMove(
            customer_id=after.customer_id,
            kind=kind,
            from_segment=left,
            to_segment=entered,
            cause=CAUSE,
            moved_at=moved_at,
        )
        for kind, left, entered in pairs
        if left != entered
    ]


def _is_news(before: Standing, after: Standing) -> bool:
    """Whether anything but the time of looking differs."""
    return msgspec.structs.replace(before, changed_at=after.changed_at, log_no=after.log_no) != after
