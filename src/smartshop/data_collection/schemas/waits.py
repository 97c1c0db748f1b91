"""Who waits for what is sold out, until it is back and they were told."""

import msgspec

from smartshop.data_collection.schemas.ids import AnonymousId, CustomerId, Micros, ProductId, VariantId
from smartshop.data_collection.schemas.stock import basket_owner

MAX_WAITS = 200
"""Of one shopper at a time; a wish list, not the catalogue."""
WAIT_LASTS = Micros(365 * 86_400_000_000)
"""µs. Nobody remembers after a year what they asked for."""
NEWS_LASTS = Micros(7 * 86_400_000_000)
"""µs. For so long a product that is back is news to those who waited for it."""


class Wait(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One asking. It is answered once; who wants to be told again asks again."""

    shopper_key: str
    """As `basket_owner` spells it: a customer's id, or a browser's behind a slash."""
    item_id: str
    """What was asked for: a product's id, then any variant will do, or a variant's."""
    product_id: ProductId
    asked_at: Micros
    variant_id: VariantId | None = None
    """None: any."""
    told_at: Micros | None = None
    """When it was back, and this shopper's turn."""
    told_variant_id: VariantId | None = None
    notice_id: str | None = None
    """Shared by all who were told at once."""


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """A variant that can be sold again, and how many people may be told of it."""

    product_id: ProductId
    variant_id: VariantId
    people: int
    """At most; those who were told since count."""
    since: Micros
    """Whoever was told since may still be on the way to the shop."""


def waiting_keys(
    customer_ids: tuple[CustomerId, ...], browsers: tuple[AnonymousId, ...], *others: str | None
) -> tuple[str, ...]:
    """Every key under which one shopper may have asked, without repetition."""
    keys = [basket_owner(customer_id, None) for customer_id in customer_ids]
    keys += [basket_owner(None, browser) for browser in browsers]
    return tuple(dict.fromkeys(key for key in (*keys, *others) if key is not None))


def owner_of(shopper_key: str) -> tuple[CustomerId | None, AnonymousId | None]:
    """Whom a key names: a customer, or a browser.

    >>> owner_of("ada"), owner_of("/laptop")
    (('ada', None), (None, 'laptop'))
    """
    if shopper_key.startswith("/"):
        return None, AnonymousId(shopper_key[1:])
    return CustomerId(shopper_key), None
