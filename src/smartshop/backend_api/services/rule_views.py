"""The merchant's rules as the API and the command line take and tell them."""

import secrets
from datetime import datetime
from enum import StrEnum
from typing import Annotated, assert_never
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from msgspec import Meta

from smartshop.ai_agents.rule_products import rule_products
from smartshop.ai_agents.rules import folded
from smartshop.ai_agents.shelf import Shelf
from smartshop.backend_api.utils.bodies import decode_body
from smartshop.data_collection.connectors.ports import Rules
from smartshop.data_collection.pipelines.clock import format_rfc3339, rfc3339_or_none, to_micros
from smartshop.data_collection.schemas.catalogue import parse_category
from smartshop.data_collection.schemas.ids import Micros, clean_id
from smartshop.data_collection.schemas.rules import (
    Boost,
    Bury,
    Cap,
    Effect,
    MerchantRule,
    Pin,
    RuleId,
    RuleProducts,
    RuleWhere,
)
from smartshop.errors import Conflict, InvalidId, InvalidValue, NotFound

ID_START = "r-"
MOST_IMPORTANT = 1_000

RuleName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]+$",
        description="1 to 200 characters of text on one line.",
    ),
]
Priority = Annotated[int, Meta(ge=-MOST_IMPORTANT, le=MOST_IMPORTANT)]
Moment = Annotated[
    datetime,
    Meta(
        description="RFC 3339; without an offset it is the shop's own time.",
        extra_json_schema={"format": "date-time"},
    ),
]


class UnusableRule(Conflict):
    """A well-formed rule that could never do anything, or cannot be understood."""

    code = "unusable_rule"


class RuleInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: RuleName
    effect: Effect
    products: RuleProducts = RuleProducts()
    where: RuleWhere = RuleWhere()
    starts_at: Moment | None = None
    ends_at: Moment | None = None
    """The first moment at which it no longer holds."""
    priority: Priority = 0
    """Of two pins for one place the higher gets it."""
    enabled: bool = True


_RULE = msgspec.json.Decoder(RuleInput)
_RULES = msgspec.json.Decoder(list[RuleInput])


class RuleReplacement(RuleInput, frozen=True, forbid_unknown_fields=True, kw_only=True):
    version: int | None = None
    """Of the rule that was read: refused when somebody changed it meanwhile. Absent: whatever stands is replaced."""


class RuleState(StrEnum):
    HOLDS = "holds"
    SCHEDULED = "scheduled"
    ENDED = "ended"
    OFF = "off"


class RuleSeen(msgspec.Struct, frozen=True, kw_only=True):
    rule_id: RuleId
    name: str
    effect: Effect
    products: RuleProducts
    where: RuleWhere
    starts_at: str | None
    ends_at: str | None
    priority: int
    enabled: bool
    state: RuleState
    """As of the shop's clock."""
    version: int
    created_at: str
    changed_at: str
    products_meant: int | None = None
    """How many products of the catalogue it means now; null in lists."""


def new_rule(sent: RuleInput, zone: ZoneInfo, now: Micros) -> MerchantRule:
    """Under an id of its own.

    Raises:
        UnusableRule: it could never do anything, or cannot be understood.
    """
    rule_id = RuleId(f"{ID_START}{secrets.token_hex(6)}")
    return rule_of(
        sent, MerchantRule(rule_id=rule_id, name="", effect=sent.effect, created_at=now, changed_at=now), zone, now
    )


def read_rules(raw: bytes, zone: ZoneInfo, now: Micros) -> list[MerchantRule]:
    """New rules from a file's JSON: one, or a list.

    Raises:
        InvalidValue: no JSON, or JSON of another shape.
        UnusableRule: one of them could never do anything, or cannot be understood.
    """
    told = raw.strip()
    if told.startswith(b"["):
        return [new_rule(sent, zone, now) for sent in decode_body(told, _RULES)]
    return [new_rule(decode_body(told, _RULE), zone, now)]


def rule_of(sent: RuleInput, before: MerchantRule, zone: ZoneInfo, now: Micros) -> MerchantRule:
    """What was sent, in the place of the rule before.

    Raises:
        UnusableRule: it could never do anything, or cannot be understood.
    """
    rule = MerchantRule(
        rule_id=before.rule_id,
        name=sent.name.strip(),
        effect=sent.effect,
        products=_with_clean_ids(sent.products),
        where=sent.where,
        starts_at=_micros(sent.starts_at, "starts_at", zone),
        ends_at=_micros(sent.ends_at, "ends_at", zone),
        priority=sent.priority,
        enabled=sent.enabled,
        created_at=before.created_at,
        changed_at=now,
    )
    check_rule(rule)
    return rule


def check_rule(rule: MerchantRule) -> None:
    """Raises:
    UnusableRule: it could never do anything, or cannot be understood.
    """
    if not rule.name:
        raise UnusableRule("The name is blank; say what the rule is for.")
    if rule.starts_at is not None and rule.ends_at is not None and rule.starts_at >= rule.ends_at:
        raise UnusableRule(
            f"The rule would end at {format_rfc3339(rule.ends_at)}, not after it starts at"
            f" {format_rfc3339(rule.starts_at)}; ends_at is the first moment at which it no longer holds."
        )
    _check_products(rule.products)
    _check_where(rule.where)
    _check_effect(rule.effect, rule.products)


def rule_named(rules: Rules, sent: str) -> MerchantRule:
    """Raises:
    NotFound: no such rule.
    """
    rule = rules.get(RuleId(sent))
    if rule is None:
        raise NotFound(f"There is no rule {sent[:60]!r}; /v1/rules lists them.")
    return rule


def seen(rule: MerchantRule, now: Micros, shelf: Shelf | None = None) -> RuleSeen:
    """As it stands at the shop's `now`; with a shelf, how many products it means."""
    return RuleSeen(
        rule_id=rule.rule_id,
        name=rule.name,
        effect=rule.effect,
        products=rule.products,
        where=rule.where,
        starts_at=rfc3339_or_none(rule.starts_at),
        ends_at=rfc3339_or_none(rule.ends_at),
        priority=rule.priority,
        enabled=rule.enabled,
        state=state_of(rule, now),
        version=rule.version,
        created_at=format_rfc3339(rule.created_at),
        changed_at=format_rfc3339(rule.changed_at),
        products_meant=None if shelf is None else _products_meant(rule, shelf, now),
    )


def as_row(rule: RuleSeen) -> dict[str, object]:
    """For a table: what it does to what, where it was narrowed, and whether it holds."""
    return {
        "rule": rule.rule_id,
        "name": rule.name,
        "does": _shortly(rule.effect),
        "to": _shortly(rule.products) or "all products",
        "where": _shortly(rule.where) or "everywhere",
        "state": rule.state.value,
    }


def _shortly(part: Effect | RuleProducts | RuleWhere) -> str:
    return msgspec.json.encode(part).decode().strip("{}").replace('"', "")


def state_of(rule: MerchantRule, now: Micros) -> RuleState:
    if not rule.enabled:
        return RuleState.OFF
    if rule.starts_at is not None and now < rule.starts_at:
        return RuleState.SCHEDULED
    if rule.ends_at is not None and rule.ends_at <= now:
        return RuleState.ENDED
    return RuleState.HOLDS


def _products_meant(rule: MerchantRule, shelf: Shelf, now: Micros) -> int:
    meant = rule_products([rule], shelf).meant_everywhere(0, shelf, now)
    return int(np.count_nonzero(meant & shelf.alive))


def _micros(moment: datetime | None, what: str, zone: ZoneInfo) -> Micros | None:
    """A time without an offset is the shop's; one that the clocks pass twice is the first of the two."""
    if moment is None:
        return None
    try:
        return to_micros(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone))
    except (InvalidValue, OverflowError):
        raise UnusableRule(f"{what} {moment.isoformat()} lies outside the years 1 to 9999 in UTC.") from None


def _with_clean_ids(products: RuleProducts) -> RuleProducts:
    try:
        cleaned = [clean_id(product_id, "product_id") for product_id in products.product_ids]
    except InvalidId as error:
        raise UnusableRule(str(error)) from None
    return msgspec.structs.replace(products, product_ids=list(dict.fromkeys(cleaned)))


def _check_products(products: RuleProducts) -> None:
    for path in products.category:
        _check_path(path)
    for what, low, high in (
        ("price_minor", products.price_minor.min, products.price_minor.max),
        ("stock", products.stock.min, products.stock.max),
        ("margin", products.margin.min, products.margin.max),
    ):
        if low is not None and high is not None and low > high:
            raise UnusableRule(f"{what} is from {low} to {high}, which is no range; the smaller one is min.")
    for name, wanted in products.attributes.items():
        if wanted == []:
            raise UnusableRule(f"The attribute {name!r} is wanted with none of its values; name one, or leave it out.")


def _check_where(where: RuleWhere) -> None:
    for path in where.category:
        _check_path(path)
    for text in where.query_contains:
        if not folded(text):
            raise UnusableRule("query_contains holds a blank text, which every search has; write a word.")


def _check_path(path: str) -> None:
    if not parse_category(path):
        raise UnusableRule(f"The category {path[:60]!r} names no path; write for example 'Garden > Tools'.")


def _check_effect(effect: Effect, products: RuleProducts) -> None:
    match effect:
        case Pin():
            if not products.product_ids:
                raise UnusableRule("A pin names its products in products.product_ids; none is named.")
        case Boost() | Bury():
            if products == RuleProducts():
                raise UnusableRule("All products moved alike stay in order; say in `products` which are meant.")
        case Cap():
            if (effect.at_most is None) == (effect.share is None):
                raise UnusableRule("A cap has either at_most or share; one of the two, not both and not neither.")
            if effect.per is None and products == RuleProducts():
                raise UnusableRule(
                    "A cap on every product is a shorter slate; say in `products` which are meant, or `per`."
                )
        case _:
            assert_never(effect)
