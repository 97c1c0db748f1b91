"""Messages and rules without the customers that were erased: pure."""

from collections.abc import Callable
from typing import assert_never

import msgspec

from smartshop.data_collection.schemas.audiences import AllOf, AnyOf, Listed, Not, Rule
from smartshop.data_collection.schemas.events import StoredEvent
from smartshop.data_collection.schemas.ids import CustomerId
from smartshop.data_collection.schemas.messages import (
    BackInStock,
    CatalogueChanged,
    CustomerErased,
    EventsAccepted,
    Message,
    ModelTrained,
    ReplayRequested,
    SegmentChanged,
    SegmentsRefitted,
    SlateRefreshed,
    StockAlert,
    StockChanged,
    SupplyAlertRaised,
)

IsTheirs = Callable[[str | None, str | None], bool]
"""Whether a customer's or a browser's id is of somebody erased."""


def message_without(message: Message, is_theirs: IsTheirs) -> Message | None:
    """What of a message names nobody erased; None where nothing is left of it."""
    match message:
        case EventsAccepted():
            kept = tuple(event for event in message.events if not _is_theirs(event, is_theirs))
            if len(kept) == len(message.events):
                return message
            return EventsAccepted(kept) if kept else None
        case SlateRefreshed():
            named = (message.shopper_key, None) if message.is_customer else (None, message.shopper_key)
            return None if is_theirs(*named) else message
        case SegmentChanged() | CustomerErased():
            return None if is_theirs(message.customer_id, None) else message
        case BackInStock():
            return _told_to_others(message, is_theirs)
        case (
            StockChanged()
            | CatalogueChanged()
            | ModelTrained()
            | StockAlert()
            | SupplyAlertRaised()
            | SegmentsRefitted()
            | ReplayRequested()
        ):
            return message
    assert_never(message)


def _told_to_others(message: BackInStock, is_theirs: IsTheirs) -> BackInStock:
    """That it is back stays true, whoever was told."""
    return msgspec.structs.replace(
        message,
        customer_ids=tuple(one for one in message.customer_ids if not is_theirs(one, None)),
        anonymous_ids=tuple(one for one in message.anonymous_ids if not is_theirs(None, one)),
    )


def _is_theirs(event: StoredEvent, is_theirs: IsTheirs) -> bool:
    return is_theirs(event.customer_id, event.anonymous_id)


def rule_without(rule: Rule, is_theirs: Callable[[CustomerId], bool]) -> Rule:
    """The rule with its lists shortened; the same one where none names such a customer."""
    match rule:
        case Listed():
            kept = tuple(one for one in rule.customer_ids if not is_theirs(one))
            return rule if len(kept) == len(rule.customer_ids) else Listed(kept)
        case AllOf() | AnyOf():
            inner = tuple(rule_without(one, is_theirs) for one in rule.rules)
            return rule if inner == rule.rules else msgspec.structs.replace(rule, rules=inner)
        case Not():
            return msgspec.structs.replace(rule, of=rule_without(rule.of, is_theirs))
        case _:
            return rule
