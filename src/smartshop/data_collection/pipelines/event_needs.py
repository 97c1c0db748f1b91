"""What each kind of event cannot do without."""

from smartshop.data_collection.pipelines.refusals import refuse
from smartshop.data_collection.schemas.customers import Purpose
from smartshop.data_collection.schemas.events import EventKind, StoredEvent

_NEEDS_PRODUCT = frozenset(
    {
        EventKind.PRODUCT_VIEWED,
        EventKind.PRODUCT_CLICKED,
        EventKind.PRODUCT_ADDED,
        EventKind.PRODUCT_REMOVED,
        EventKind.ORDER_COMPLETED,
        EventKind.ORDER_RETURNED,
        EventKind.WISHLISTED,
        EventKind.RATED,
        EventKind.ITEM_DISMISSED,
        EventKind.RECOMMENDATION_SHOWN,
        EventKind.RECOMMENDATION_CLICKED,
    }
)
PURPOSES = frozenset(Purpose)


def check_needs(event: StoredEvent) -> None:
    """
    Raises:
        InvalidValue: the kind needs a field that is missing.
    """
    kind = event.kind
    if kind in _NEEDS_PRODUCT and not event.products:
        refuse("missing_product", f"The {kind} event names no product; send product_id, variant_id or products.")
    match kind:
        case EventKind.SEARCHED if event.query is None:
            refuse("missing_query", "A searched event has no query; send what the shopper typed.")
        case EventKind.RATED if event.rating is None:
            refuse("missing_rating", "A rated event has no rating; send 0 to 5.")
        case EventKind.DWELLED if event.dwell_ms is None:
            refuse("missing_dwell_ms", "A dwelled event has no dwell_ms; send the milliseconds spent.")
        case EventKind.CUSTOM if not event.name:
            refuse("missing_name", "A custom event has no name; send one, such as newsletter_opened.")
        case EventKind.RECOMMENDATION_SHOWN if event.decision_id is None:
            refuse("missing_decision_id", "A recommendation_shown has no decision_id; send the slate's.")
        case EventKind.IDENTIFIED if event.customer_id is None and not event.traits:
            refuse("missing_customer_id", "An identified event has no customer_id; send who the shopper is.")
        case EventKind.CONSENT_CHANGED:
            _check_consent(event.consent)
        case EventKind.ORDER_COMPLETED | EventKind.ORDER_RETURNED:
            _check_line_ids(event)
        case EventKind.ORDER_REFUNDED:
            _check_refund(event)
        case _:
            pass


def _check_consent(consent: dict[str, bool] | None) -> None:
    if not consent:
        refuse("missing_consent", 'A consent_changed names no purpose; send for example {"marketing": false}.')
    unknown = next((purpose for purpose in consent if purpose not in PURPOSES), None)
    if unknown is not None:
        known = ", ".join(sorted(PURPOSES))
        refuse("unknown_purpose", f"The purpose {unknown[:40]!r} is not known; send {known}.")


def _check_line_ids(event: StoredEvent) -> None:
    named = [line.line_id for line in event.products if line.line_id is not None]
    if named and (len(set(named)) != len(named) or len(named) != len(event.products)):
        refuse("bad_line_id", "The line_ids must all differ and be on every line, or on none; then the index is taken.")


def _check_refund(event: StoredEvent) -> None:
    if event.amount_minor is None and not any(line.price_minor is not None for line in event.products):
        refuse("missing_amount", "An order_refunded says no money; send amount_minor or products with price_minor.")
