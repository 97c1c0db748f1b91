"""Suppliers, their terms and orders to them as a shop's own system sends them, into the records of supply."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated

import msgspec
from msgspec import Meta

from smartshop.backend_api.utils.wire import Currency, Id, Minor, Quantity, usable_id
from smartshop.data_collection.schemas import supply
from smartshop.data_collection.schemas.ids import Micros, SupplierId, VariantId
from smartshop.data_collection.schemas.supply import DEFAULT_REVIEW_DAYS, Supplier, SupplyTerms
from smartshop.data_collection.schemas.webhooks import MAX_URL_CHARACTERS
from smartshop.errors import Conflict

Name = Annotated[str, Meta(pattern=r"^[^\x00-\x1f\x7f-\x9f]{1,200}$", description="1 to 200 characters on one line.")]
# Not the whole of RFC 5322: what a mail client takes as one address, on one line.
Email = Annotated[
    str,
    Meta(
        pattern=r"^[^@\s,;<>\x00-\x1f\x7f-\x9f]{1,64}@[^@\s,;<>\x00-\x1f\x7f-\x9f]{1,180}$",
        description="One address, such as orders@supplier.example.",
    ),
]
WebhookUrl = Annotated[str, Meta(max_length=MAX_URL_CHARACTERS, description="https; http for loopback names alone.")]
Days = Annotated[float, Meta(ge=0, le=730)]
ReviewDays = Annotated[int, Meta(ge=1, le=365)]


class SupplierInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A supplier whole: what is not said is not kept."""

    name: Name
    email: Email | None = None
    currency: Currency | None = None
    """The shop's when absent; another is refused, since amounts are never converted."""
    lead_time_days: Days | None = None
    """From sending an order to its goods on the shelf; absent: not known."""
    review_days: ReviewDays = DEFAULT_REVIEW_DAYS
    """Days from one look at what to order to the next."""
    fixed_cost_minor: Minor = 0
    """Of every order."""
    min_order_minor: Minor = 0
    webhook_url: WebhookUrl | None = None
    """Where sent orders go by themselves, signed as pushed audiences are."""


class BreakInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    from_units: Quantity
    unit_cost_minor: Minor


class TermsInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    variant_id: Id
    unit_cost_minor: Minor
    pack_size: Quantity = 1
    min_units: Quantity = 1
    breaks: Annotated[list[BreakInput], Meta(max_length=20)] = []
    """By rising `from_units`, at falling cost."""
    preferred: bool = False


class CurrencyMismatch(Conflict):
    code = "currency_mismatch"


class SenselessTerms(Conflict):
    code = "senseless_terms"


def supplier_of(supplier_id: SupplierId, given: SupplierInput, currency: str, now: Micros) -> Supplier:
    """The record; `currency` is the shop's.

    Raises:
        CurrencyMismatch: it bills in another one.
        SenselessTerms: its name is blank.
    """
    name = given.name.strip()
    if not name:
        raise SenselessTerms(f"The supplier {supplier_id!r} has a blank name; say what it is called.")
    supplier = Supplier(
        supplier_id=supplier_id,
        name=name,
        currency=given.currency or currency,
        changed_at=now,
        email=given.email,
        lead_time_days=given.lead_time_days,
        review_days=given.review_days,
        fixed_cost_minor=given.fixed_cost_minor,
        min_order_minor=given.min_order_minor,
        webhook_url=given.webhook_url,
    )
    check_currency(supplier, currency)
    return supplier


def check_currency(supplier: Supplier, currency: str) -> None:
    """Let a supplier pass that bills in the shop's currency.

    Raises:
        CurrencyMismatch: it bills in another one.
    """
    if supplier.currency != currency:
        raise CurrencyMismatch(
            f"The supplier {supplier.supplier_id!r} bills in {supplier.currency}, and the shop counts in {currency};"
            f" amounts are never converted, so tell its costs in {currency}."
        )


def terms_of(supplier_id: SupplierId, given: TermsInput) -> SupplyTerms:
    """The record of one variant's terms.

    Raises:
        SenselessTerms: quantity breaks that do not rise in units and fall in cost.
    """
    steps = [(1, given.unit_cost_minor), *((step.from_units, step.unit_cost_minor) for step in given.breaks)]
    _check_breaks(given.variant_id, steps)
    return SupplyTerms(
        supplier_id=supplier_id,
        variant_id=VariantId(usable_id(given.variant_id, "variant_id")),
        unit_cost_minor=given.unit_cost_minor,
        pack_size=given.pack_size,
        min_units=given.min_units,
        breaks=tuple(supply.QuantityBreak(step.from_units, step.unit_cost_minor) for step in given.breaks),
        preferred=given.preferred,
    )


def _check_breaks(variant_id: str, steps: Sequence[tuple[int, int]]) -> None:
    for (units, cost), (more_units, less_cost) in pairwise(steps):
        if more_units <= units or less_cost >= cost:
            raise SenselessTerms(
                f"The break of {variant_id!r} from {more_units} units at {less_cost} follows {units} at {cost};"
                " each break has to begin at more units and cost less."
            )
