"""Who a shopper is, as far as the shop was told: customers, links between ids, consent."""

from enum import StrEnum
from typing import Any

import msgspec

from smartshop.data_collection.schemas.events import Trust
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, Micros, ShopperKey


class Purpose(StrEnum):
    ANALYTICS = "analytics"
    PERSONALISATION = "personalisation"
    MARKETING = "marketing"


class Consent(msgspec.Struct, frozen=True):
    """What a shopper allows. Withdrawn analytics: events are only counted. Withdrawn personalisation: context only."""

    analytics: bool = True
    personalisation: bool = True
    marketing: bool = True


class ConsentChange(msgspec.Struct, frozen=True, kw_only=True):
    """Applied in the order received; a purpose not named stays as it was."""

    shopper_key: ShopperKey
    is_customer: bool
    changes: dict[str, bool]
    received_at: Micros


class IdentityLink(msgspec.Struct, frozen=True, kw_only=True):
    """This browser or phone was used by this customer. Links are only added; owners are computed from them."""

    anonymous_id: AnonymousId
    customer_id: CustomerId
    received_at: Micros
    trust: Trust


class Customer(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    customer_id: CustomerId
    email_sha256: str | None = None
    country: str | None = None
    city: str | None = None
    birth_year: int | None = None
    preferences: dict[str, Any] = {}
    traits: dict[str, Any] = {}


class AnonymousWindow(msgspec.Struct, frozen=True):
    """The stretch of one anonymous id's events that belongs to a customer, by `received_at`: since ≤ t < until."""

    anonymous_id: AnonymousId
    since: Micros
    until: Micros | None


class Shopper(msgspec.Struct, frozen=True, kw_only=True):
    """Whose events make up one present: the answer to "who is asking?" after links, merges and trust.

    A customer: their own events that were vouched for (trust shopper or server), and the anonymous windows that
    vouched links give them. Events that merely *claim* the customer (trust client) count only while nothing at all
    was ever vouched for (`include_claims`): so nobody with a publishable key can bend another customer's slate.
    An anonymous shopper: that id's events without customer or sent by the browser itself, never a customer's history.
    """

    shopper_key: ShopperKey
    customer_ids: tuple[CustomerId, ...] = ()
    """The customer and those merged into it; empty for an anonymous shopper."""
    windows: tuple[AnonymousWindow, ...] = ()
    anonymous_id: AnonymousId | None = None
    """The browser asking now; its own unclaimed events count as well."""
    include_claims: bool = False
    consent: Consent = Consent()
    erased: bool = False
