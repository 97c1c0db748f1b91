"""The listening side of the segmentation agent: an order or a run of events moves a customer within a second."""

import asyncio
from collections.abc import Callable, Sequence
from typing import ClassVar

from smartshop.ai_agents.segmentation.due import Due
from smartshop.ai_agents.segmentation.live import Look, ShelfViews, look_at
from smartshop.ai_agents.segmentation.model import SegmentationModel
from smartshop.data_collection.schemas.ids import CustomerId, Micros
from smartshop.data_collection.schemas.messages import (
    EventsAccepted,
    Message,
    SegmentChanged,
    SegmentsRefitted,
    SlateRefreshed,
)
from smartshop.data_collection.schemas.segments import Refit

AGENT = "segmentation"
CAUSES = frozenset({"consent_changed", "merged"})
"""Of a SlateRefreshed that tells what no event tells: consent by the routes, and who became one with whom."""


LOOKED_AGAIN_AFTER_REFIT = 500
"""Customers looked at last: while a refit was being written, the segments before it may have been told of them."""


class SegmentationAgent:
    """Standings are read again from the log: a message only says at whom to look.

    What it says of a customer is stored with the standing, under the time of the events that led to it: the same
    message again leads to the very same facts.
    """

    name: ClassVar[str] = AGENT
    listens_to: ClassVar[tuple[type[Message], ...]] = (EventsAccepted, SlateRefreshed, SegmentsRefitted)

    def __init__(self, look: Look, model: Callable[[], SegmentationModel | None]) -> None:
        self._look, self._model = look, model
        self._due, self._views = Due(), ShelfViews()
        self._lately: dict[CustomerId, Micros] = {}

    async def handle(self, messages: Sequence[Message]) -> Sequence[Message]:
        events = [event for message in messages if isinstance(message, EventsAccepted) for event in message.events]
        due = self._due.after(events)
        for message in messages:
            if isinstance(message, SlateRefreshed) and message.is_customer and message.cause in CAUSES:
                due.setdefault(CustomerId(message.shopper_key), self._look.now())
        if any(isinstance(message, SegmentsRefitted) for message in messages):
            due = {**self._lately, **due}
        self._remember(due)
        return await asyncio.to_thread(self._look_at, due) if due else ()

    def _remember(self, due: dict[CustomerId, Micros]) -> None:
        others = {customer_id: since for customer_id, since in self._lately.items() if customer_id not in due}
        newest = list({**others, **due}.items())
        self._lately = dict(newest[max(0, len(newest) - LOOKED_AGAIN_AFTER_REFIT) :])

    def _look_at(self, due: dict[CustomerId, Micros]) -> list[Message]:
        model = self._model()
        return [
            SegmentChanged(
                customer_id=move.customer_id,
                segment_kind=move.kind,
                from_segment=move.from_segment,
                to_segment=move.to_segment,
                moved_at=move.moved_at,
            )
            for customer_id, since in due.items()
            for move in look_at(self._look, self._views, model, customer_id, since)
        ]


def as_message(found: Refit) -> SegmentsRefitted:
    """What a refit says; it is said by whoever serves, since it is made in another process."""
    return SegmentsRefitted(
        version=found.version,
        held_back=found.held_back and found.accepted_at is None,
        moved_behaviour=found.moved_behaviour,
        moved_model=found.moved_model,
    )
