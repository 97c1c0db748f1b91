"""Numbers and short texts of an event that hold for every kind."""

from smartshop.data_collection.pipelines.product_names import MAX_POSITION
from smartshop.data_collection.pipelines.refusals import refuse
from smartshop.data_collection.schemas.events import Event, StoredEvent
from smartshop.data_collection.schemas.money import MAX_MINOR

MAX_QUERY_CHARACTERS = 1_000
MAX_NAME_CHARACTERS = 256
MAX_DWELL_MS = 86_400_000
"""A day; more is a tab left open."""
MAX_RATING = 5.0


def check_ranges(event: Event | StoredEvent) -> None:
    """
    Raises:
        InvalidValue: a number or text out of range.
    """
    if event.rating is not None and not 0.0 <= event.rating <= MAX_RATING:
        refuse("bad_rating", f"The rating {event.rating:g} is out of range; send 0 to {MAX_RATING:g}.")
    if event.dwell_ms is not None:
        _within("dwell_ms", event.dwell_ms, MAX_DWELL_MS)
    if event.position is not None:
        _within("position", event.position, MAX_POSITION)
    if event.query is not None:
        _text("query", event.query, MAX_QUERY_CHARACTERS)
    if event.name is not None:
        _text("name", event.name, MAX_NAME_CHARACTERS)


def check_money(event: Event | StoredEvent) -> None:
    """
    Raises:
        InvalidValue: an amount below zero or beyond 10^15 minor units.
    """
    for what in ("discount_minor", "shipping_minor", "tax_minor", "amount_minor"):
        amount = getattr(event, what)
        if amount is not None:
            _within(what, amount, MAX_MINOR)


def _within(what: str, value: int, most: int) -> None:
    if not 0 <= value <= most:
        shown = str(value) if abs(value) < 10**30 else "of more than 30 digits"
        refuse(f"bad_{what}", f"The {what} {shown} is out of range; send 0 to {most}.")


def _text(what: str, value: str, most: int) -> None:
    if len(value) > most:
        refuse(f"long_{what}", f"The {what} {value[:40]!r}… has {len(value)} characters; at most {most} fit.")
    if "\x00" in value:
        refuse(
            "null_character", f"The {what} {value[:40]!r} holds a null character; no store can keep it, leave it out."
        )
