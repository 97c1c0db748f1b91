"""Audiences as the API tells and takes them: always counted with consent, always saying how many it withholds."""

import secrets

import msgspec

from smartshop.backend_api.shop import Shop
from smartshop.backend_api.utils.wire import id_in_path
from smartshop.data_collection.pipelines.clock import format_rfc3339
from smartshop.data_collection.schemas.audiences import (
    AllOf,
    AnyOf,
    Audience,
    AudienceId,
    AudienceSize,
    Listed,
    Not,
    Rule,
)
from smartshop.data_collection.schemas.customers import Purpose
from smartshop.data_collection.schemas.webhooks import check_webhook_url, check_written_address
from smartshop.errors import Conflict, InvalidValue, NotFound

ID_START = "a-"
LISTED_SHOWN = 200
"""Customers listed by a rule that is told whole where many audiences are."""


class UnusableRule(Conflict):
    """Well-formed rules that cannot be asked: nothing by that name, a circle, bounds the wrong way round, …"""

    code = "unusable_rule"


class AudienceSeen(msgspec.Struct, frozen=True, kw_only=True):
    audience_id: AudienceId
    name: str
    definition: Rule | None
    """Null in lists of audiences where it lists many customers, or lookalikes; ask for the one."""
    purpose: Purpose
    alike: bool
    """Made as lookalikes: `definition` lists those found when it was made."""
    webhook_url: str | None
    created_at: str
    changed_at: str
    customers: int
    """Who match now and allow the purpose."""
    withheld: int
    """Who match, but do not allow it: they are never listed, exported or pushed."""


def new_audience_id() -> AudienceId:
    """The start, then hexadecimal digits."""
    return AudienceId(f"{ID_START}{secrets.token_hex(6)}")


def audience_of(shop: Shop, sent: str) -> Audience:
    """Raises:
    NotFound: no such audience.
    """
    audience_id = AudienceId(id_in_path(sent, "audience"))
    audience = shop.audiences.get(audience_id)
    if audience is None:
        raise NotFound(f"There is no audience {audience_id!r}; /v1/audiences lists them.")
    return audience


def size_of(shop: Shop, definition: Rule, purpose: Purpose) -> AudienceSize:
    """Counted now.

    Raises:
        UnusableRule: the rules cannot be asked.
    """
    try:
        return shop.audiences.size(definition, purpose, shop.clock.shop_now())
    except InvalidValue as error:
        raise UnusableRule(str(error)) from None


def check_definition(shop: Shop, definition: Rule) -> None:
    """What is not saved is not counted either.

    Raises:
        UnusableRule: the rules cannot be asked, or name what is not there.
    """
    try:
        shop.audiences.check(definition)
    except InvalidValue as error:
        raise UnusableRule(str(error)) from None


def check_webhook(shop: Shop, url: str | None) -> None:
    """Raises:
    AddressRefused: the address can be seen to be one that is never called.
    """
    if url is not None:
        check_written_address(check_webhook_url(url), private=shop.webhooks_private)


def save(shop: Shop, audience: Audience) -> None:
    """Raises:
    UnusableRule: the rules cannot be asked.
    """
    try:
        shop.audiences.save(audience)
    except InvalidValue as error:
        raise UnusableRule(str(error)) from None


def seen(shop: Shop, audience: Audience) -> AudienceSeen:
    return _seen(audience, audience.definition, size_of(shop, audience.definition, audience.purpose))


def seen_shortly(shop: Shop, audience: Audience) -> AudienceSeen:
    """Without long lists of customers."""
    definition = audience.definition
    is_long = audience.alike or _listed(definition) > LISTED_SHOWN
    return _seen(audience, None if is_long else definition, size_of(shop, definition, audience.purpose))


def _listed(rule: Rule) -> int:
    """Customers that a rule and those within it list."""
    match rule:
        case Listed():
            return len(rule.customer_ids)
        case AllOf() | AnyOf():
            return sum(_listed(inner) for inner in rule.rules)
        case Not():
            return _listed(rule.of)
        case _:
            return 0


def _seen(audience: Audience, definition: Rule | None, size: AudienceSize) -> AudienceSeen:
    return AudienceSeen(
        audience_id=audience.audience_id,
        name=audience.name,
        definition=definition,
        purpose=audience.purpose,
        alike=audience.alike,
        webhook_url=audience.webhook_url,
        created_at=format_rfc3339(audience.created_at),
        changed_at=format_rfc3339(audience.changed_at),
        customers=size.customers,
        withheld=size.withheld,
    )
