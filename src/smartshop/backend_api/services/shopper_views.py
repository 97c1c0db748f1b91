"""What the shop knows of one shopper, for the shopper and for the shop."""

import asyncio

import msgspec

from smartshop.backend_api.services.standing_views import StandingView
from smartshop.backend_api.shop import Shop
from smartshop.data_collection.pipelines.clock import format_rfc3339
from smartshop.data_collection.schemas.customers import Consent, Customer, Shopper
from smartshop.data_collection.schemas.events import EventKind
from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId
from smartshop.data_collection.schemas.orders import Order
from smartshop.data_collection.schemas.profiles import Profile


class InterestSeen(msgspec.Struct, frozen=True):
    occurred_at: str
    kind: EventKind
    product_id: str | None
    query: str | None


class PurchaseSeen(msgspec.Struct, frozen=True):
    occurred_at: str
    product_id: str
    quantity: int


class CustomerFacts(msgspec.Struct, frozen=True):
    """What the shop was told of a person; never an e-mail address in clear."""

    country: str | None
    city: str | None
    birth_year: int | None
    has_email: bool


class ShopperView(msgspec.Struct, frozen=True, kw_only=True):
    shopper_key: str
    is_customer: bool
    customer: CustomerFacts | None
    consent: Consent
    linked_ids: int
    """Browsers and phones whose events count as this customer's."""
    merged_customers: int
    only_claimed: bool
    """Nothing of this customer was ever vouched for: all that is shown was merely sent in their name."""
    interest: list[InterestSeen]
    """Newest first."""
    purchases: list[PurchaseSeen]
    """Newest first."""
    exposures: int
    """Products seen in slates of late."""
    orders: int
    standing: StandingView | None = None
    """The shop's estimate of a customer, told to its own secret key alone; null when there is none."""


async def view_of(shop: Shop, customer_id: CustomerId | None, anonymous_id: AnonymousId | None) -> ShopperView | None:
    """Everything known of a vouched shopper; None when nothing at all is."""
    shopper = await asyncio.to_thread(shop.customers.shopper, customer_id, anonymous_id, True)
    profile = await shop.profiles.read(shopper)
    customer, orders = await asyncio.to_thread(_records, shop, customer_id)
    if customer_id is not None and customer is None and not orders and not shopper.windows and profile == Profile():
        return None
    return _view(shopper, profile, customer, orders)


def _records(shop: Shop, customer_id: CustomerId | None) -> tuple[Customer | None, list[Order]]:
    if customer_id is None:
        return None, []
    return shop.customers.get(customer_id), shop.orders.of_customer(customer_id)


def _view(shopper: Shopper, profile: Profile, customer: Customer | None, orders: list[Order]) -> ShopperView:
    return ShopperView(
        shopper_key=shopper.shopper_key,
        is_customer=bool(shopper.customer_ids),
        customer=None if customer is None else _facts(customer),
        consent=shopper.consent,
        linked_ids=len({window.anonymous_id for window in shopper.windows}),
        merged_customers=max(0, len(shopper.customer_ids) - 1),
        only_claimed=shopper.include_claims,
        interest=[
            InterestSeen(format_rfc3339(sign.occurred_at), sign.kind, sign.product_id, sign.query)
            for sign in reversed(profile.interest)
        ],
        purchases=[
            PurchaseSeen(format_rfc3339(bought.occurred_at), bought.product_id, bought.quantity)
            for bought in reversed(profile.purchases)
        ],
        exposures=len(profile.exposures),
        orders=len(orders),
    )


def _facts(customer: Customer) -> CustomerFacts:
    return CustomerFacts(customer.country, customer.city, customer.birth_year, customer.email_sha256 is not None)
