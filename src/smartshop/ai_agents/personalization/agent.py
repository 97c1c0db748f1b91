"""Says whose slate is out of date: shoppers who just did something that changes what they should see."""

from collections.abc import Sequence
from typing import ClassVar

from smartshop.data_collection.schemas.events import INTEREST_WEIGHT, EventKind, Traffic
from smartshop.data_collection.schemas.ids import ShopperKey
from smartshop.data_collection.schemas.messages import EventsAccepted, Message, SlateRefreshed

REFRESHING = frozenset(INTEREST_WEIGHT) | {EventKind.SEARCHED, EventKind.CONSENT_CHANGED, EventKind.IDENTIFIED}
"""Kinds that change interest or what may be known. A slate shown is no reason for another one."""


class PersonalizationAgent:
    """Keeps nothing: the shopper's present is in the profile, and a slate is computed when a page asks."""

    name: ClassVar[str] = "personalization"
    listens_to: ClassVar[tuple[type[Message], ...]] = (EventsAccepted,)

    async def handle(self, messages: Sequence[Message]) -> Sequence[Message]:
        """One refresh per shopper and batch, with the newest cause. Twice is harmless: pages just ask again."""
        refreshed: dict[tuple[ShopperKey, bool], EventKind] = {}
        for message in messages:
            if not isinstance(message, EventsAccepted):
                continue
            for event in message.events:
                if event.traffic is not Traffic.HUMAN or event.kind not in REFRESHING:
                    continue
                is_customer = event.customer_id is not None
                refreshed[(event.shopper_key, is_customer)] = event.kind
                if is_customer and event.anonymous_id is not None:
                    # The page may have been opened before the shopper was known.
                    refreshed[(ShopperKey(event.anonymous_id), False)] = event.kind
        return [
            SlateRefreshed(shopper_key=key, is_customer=is_customer, cause=cause.value)
            for (key, is_customer), cause in refreshed.items()
        ]
