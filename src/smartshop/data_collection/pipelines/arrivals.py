"""How a batch of events came in, and what the sender is told."""

import msgspec

from smartshop.data_collection.schemas.events import Traffic, Trust
from smartshop.data_collection.schemas.ids import AnonymousId, Micros, ShopperKey


class Arrival(msgspec.Struct, frozen=True):
    """What is known of a batch besides its events; all of it comes from the service, never from the sender's words."""

    source: str
    """The door: api, segment, import:online-retail, simulator, …"""
    trust: Trust
    received_at: Micros
    user_agent: str | None = None
    global_privacy_control: bool = False
    """The request carried `Sec-GPC: 1`."""
    from_import: bool = False
    """History: may be older than 60 days, is never taken for a bot, and is learned from rather than announced."""
    vouched_shopper: ShopperKey | None = None
    """Of a shopper token; only this shopper's own events are accepted."""
    vouched_is_customer: bool = False
    vouched_anonymous_id: AnonymousId | None = None
    """Of a shopper token: the browser it was given to."""
    traffic: Traffic | None = None
    """What the sender declared itself to be (internal, test); never makes a bot human."""


class Rejected(msgspec.Struct, frozen=True):
    index: int
    """Place in the batch as sent, from 0."""
    reason: str
    """`code: sentence`."""


class Receipt(msgspec.Struct, frozen=True):
    """accepted + duplicates + rejected = events sent. When it is given, all of it is durable."""

    accepted: int
    duplicates: int
    rejected: list[Rejected]


class Rejection(msgspec.Struct, frozen=True):
    """Why an event cannot enter: `code: sentence with the bad value and what would be right`."""

    reason: str
